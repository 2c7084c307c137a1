"""The audit log as a table model that loads pages as they come into view, the newest entry first.

However many entries there are, it holds at most `_PAGES_KEPT` pages of `PAGE` rows. What is added
meanwhile is not shown until `show` is called: the rows stand still.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app.domain import AuditEntry, AuditQuery
from app.ui import audit_words

if TYPE_CHECKING:
    from app.ui.tasks import Tasks
    from app.workspace import Workspace

PAGE = 100
_PAGES_KEPT = 40
_PAGES_WANTED = 4
Index = QModelIndex | QPersistentModelIndex


class AuditTableModel(QAbstractTableModel):
    """The entries that an `AuditQuery` asks for."""

    counted = Signal(int)
    """The number of entries, whenever it was read."""
    arrived = Signal()
    """Rows came that were not there before."""

    def __init__(self, tasks: Tasks) -> None:
        """Begin empty, without a workspace."""
        super().__init__()
        self._tasks = tasks
        self._workspace: Workspace | None = None
        self._pages: OrderedDict[int, tuple[AuditEntry, ...]] = OrderedDict()
        self._wanted: dict[int, None] = {}  # in the order in which they were asked for
        self._count = 0
        self._generation = 0
        self.query = AuditQuery()

    def open(self, workspace: Workspace | None) -> None:
        """Use a workspace, or none; `show` reads."""
        self._workspace = workspace
        self._reset(AuditQuery())

    def show(self, query: AuditQuery) -> None:
        """Show what a query asks for, as the log stands now."""
        self._reset(query)
        workspace = self._workspace
        if workspace is None:
            return

        def count() -> tuple[AuditQuery, int]:
            newest = workspace.audit.count()
            bounded = replace(query, up_to=newest)
            return bounded, workspace.audit.count(bounded)

        self._tasks.query(count, partial(self._take_count, self._generation), key="audit.count")

    def row(self, number: int) -> AuditEntry | None:
        """Return a row if it was loaded, and ask for it otherwise."""
        page = number // PAGE
        if page not in self._pages:
            self._ask(page)
            return None
        self._pages.move_to_end(page)
        rows, place = self._pages[page], number % PAGE
        return rows[place] if place < len(rows) else None

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return how many entries there are."""
        return 0 if parent is not None and parent.isValid() else self._count

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return how many columns the table has."""
        return 0 if parent is not None and parent.isValid() else len(audit_words.COLUMNS)

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

    def _reset(self, query: AuditQuery) -> None:
        self.beginResetModel()
        self.query = query
        self._generation += 1
        self._pages.clear()
        self._wanted.clear()
        self._count = 0
        self.endResetModel()

    def _ask(self, page: int) -> None:
        workspace = self._workspace
        if workspace is None or page in self._wanted:
            return
        self._wanted[page] = None
        query = self.query

        def read() -> tuple[AuditEntry, ...] | None:
            if page not in self._wanted:  # scrolled past meanwhile
                return None
            return workspace.audit.entries(query, offset=page * PAGE, limit=PAGE)

        self._tasks.query(read, partial(self._take_page, self._generation, page))
        if len(self._wanted) > _PAGES_WANTED:
            # a scroll bar that is dragged passes many pages: only the newest are worth reading
            self._wanted.pop(next(iter(self._wanted)))

    def _take_count(self, generation: int, found: tuple[AuditQuery, int]) -> None:
        if generation != self._generation:
            return
        self.query, count = found
        if count:
            self.beginInsertRows(QModelIndex(), 0, count - 1)
            self._count = count
            self.endInsertRows()
        self.counted.emit(count)

    def _take_page(self, generation: int, page: int, rows: tuple[AuditEntry, ...] | None) -> None:
        if generation != self._generation:
            return
        self._wanted.pop(page, None)
        if rows is None:
            return
        self._pages[page] = rows
        while len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)
        last = min(page * PAGE + PAGE, self._count) - 1
        if last >= page * PAGE:
            columns = len(audit_words.COLUMNS) - 1
            self.dataChanged.emit(self.index(page * PAGE, 0), self.index(last, columns))
        self.arrived.emit()
