"""Small dialogs: the keys, and the report of a fault."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from app.ui.call_page import page_keys
from app.ui.judging_page import judging_keys
from app.ui.widgets import button, label

WINDOW_KEYS = [
    ("Ctrl+I", "Import recordings"),
    ("Ctrl+F", "Search"),
    ("Ctrl+1 / Ctrl+2", "Calls / queue"),
    ("Ctrl+3 / Ctrl+4", "Judge redaction / people and rules"),
    ("Ctrl+5 / Ctrl+6", "Audit / your account"),
    ("Ctrl+L", "Lock the vault"),
    ("F1", "This list"),
]
LIST_KEYS = [
    ("Enter", "Open the selected call"),
    ("N", "Open the next flagged call"),
    ("Esc", "Show all calls again"),
]


class KeysDialog(QDialog):
    """Lists what can be done by keyboard."""

    def __init__(self, parent: QWidget) -> None:
        """Show all keys by page."""
        super().__init__(parent)
        self.setWindowTitle("Keyboard")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(26, 20, 26, 20)
        whole.setSpacing(10)
        for title, keys in (
            ("Everywhere", WINDOW_KEYS),
            ("In the list of calls", LIST_KEYS),
            ("In a call", page_keys()),
            ("Where turns are judged", judging_keys()),
        ):
            whole.addWidget(label(title, "heading"))
            whole.addLayout(_grid(keys))
        ends = QHBoxLayout()
        ends.addStretch(1)
        close = button("Close", self.accept, "primary")
        close.setDefault(True)
        ends.addWidget(close)
        whole.addSpacing(6)
        whole.addLayout(ends)


class ReportDialog(QDialog):
    """Tells of a fault of the program and offers its report, which holds no content."""

    def __init__(self, parent: QWidget | None, sentence: str, hint: str, report: str) -> None:
        """Show a fault."""
        super().__init__(parent)
        self.setWindowTitle("AutoInsights made a mistake")
        self.setMinimumSize(560, 380)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 20, 24, 20)
        whole.setSpacing(12)
        whole.addWidget(label(sentence, "heading", wrap=True))
        whole.addWidget(label(hint, "quiet", wrap=True))
        self.report = QPlainTextEdit(report)
        self.report.setReadOnly(True)
        self.report.setTabChangesFocus(True)
        self.report.setAccessibleName("Report without content")
        whole.addWidget(self.report, 1)
        ends = QHBoxLayout()
        ends.addWidget(button("Copy the report", self._copy))
        ends.addStretch(1)
        close = button("Close", self.accept, "primary")
        close.setDefault(True)
        ends.addWidget(close)
        whole.addLayout(ends)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self.report.toPlainText())


def _grid(keys: list[tuple[str, str]]) -> QGridLayout:
    grid = QGridLayout()
    grid.setHorizontalSpacing(22)
    grid.setVerticalSpacing(4)
    grid.setColumnMinimumWidth(0, 130)
    grid.setColumnStretch(1, 1)
    for number, (key, act) in enumerate(keys):
        grid.addWidget(label(key, "quiet"), number, 0)
        grid.addWidget(label(act), number, 1)
    return grid
