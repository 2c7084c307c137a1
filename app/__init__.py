"""AutoInsights: offline speech analytics that makes a call safe before it becomes interesting."""

__version__ = "0.1.0"
