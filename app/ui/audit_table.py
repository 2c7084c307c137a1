"""The audit log as a table, the newest entry first.

What is added meanwhile is not shown until `show` is called: the rows stand still.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt

from app.domain import AuditEntry, AuditQuery
from app.ui import audit_words
from app.ui.paged_table import Index, PagedTable

if TYPE_CHECKING:
    from app.ui.tasks import Tasks
    from app.workspace import Workspace


class AuditTableModel(PagedTable[AuditQuery, AuditEntry]):
    """The entries that an `AuditQuery` asks for, as the log stood when they were counted."""

    def __init__(self, tasks: Tasks) -> None:
        """Begin empty, without a workspace."""
        columns = len(audit_words.COLUMNS)
        super().__init__(tasks, AuditQuery(), columns=columns, key="audit.count")

    def read_count(self, workspace: Workspace, query: AuditQuery) -> tuple[AuditQuery, int]:
        """Return how many entries fit up to the newest one, and the query that ends there."""
        bounded = replace(query, up_to=workspace.audit.count())
        return bounded, workspace.audit.count(bounded)

    def read_page(
        self, workspace: Workspace, query: AuditQuery, *, offset: int, limit: int
    ) -> tuple[AuditEntry, ...]:
        """Return a stretch of the entries."""
        return workspace.audit.entries(query, offset=offset, limit=limit)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401  (Qt's own signature)
        """Return a column's title."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return audit_words.COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401
        """Return a cell's text."""
        shown = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole)
        if role not in (*shown, Qt.ItemDataRole.AccessibleTextRole):
            return None
        entry = self.row(index.row())
        if entry is None:
            return None
        text = audit_words.cell(entry, index.column())
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{audit_words.COLUMNS[index.column()]}: {text}"
        return text
