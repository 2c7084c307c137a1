"""From audio bytes to a `CallAnalysis`: knows models, knows no keys and no database."""
