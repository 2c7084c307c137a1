"""The list of calls as a table model that loads pages as they come into view.

However many calls there are, it holds at most `_PAGES_KEPT` pages of `PAGE` rows. Reading happens
beside the window; rows that are on their way are empty until they arrive.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, Signal

from app.domain import CallId, CallOrder, CallQuery, CallRow
from app.ui import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ui.tasks import Tasks
    from app.workspace import Workspace

PAGE = 200
_PAGES_KEPT = 24
_PAGES_WANTED = 3
_TURN_TO_NEXT_FLAG = 1000

ROW = Qt.ItemDataRole.UserRole + 1
"""The role under which a cell gives its whole `CallRow`."""

STATE, STARTED, NAME, DURATION, AGENT, QUEUE, SENTIMENT, SCORE, FLAGS = range(9)
_HEADERS = (
    ("State", CallOrder.STATE),
    ("Started", CallOrder.STARTED),
    ("Recording", CallOrder.NAME),
    ("Duration", CallOrder.DURATION),
    ("Agent", CallOrder.AGENT),
    ("Queue", None),
    ("Customer", CallOrder.SENTIMENT),
    ("Score", CallOrder.SCORE),
    ("Flags", CallOrder.SEVERITY),
)
_TOOLTIPS = {
    SENTIMENT: "How the customer sounds over the whole call: indicative, not a judgement",
    SCORE: "Result of the scorecard, of 100",
}
Index = QModelIndex | QPersistentModelIndex


def cell_text(row: CallRow, column: int) -> str:
    """Return what a cell says in words, also where it is painted as a picture."""
    return _TEXTS[column](row)


_TEXTS: tuple[Callable[[CallRow], str], ...] = (
    words.row_state,
    words.started,
    lambda row: row.source_name,
    lambda row: words.duration(row.duration_ms),
    lambda row: row.agent or words.NOTHING,
    lambda row: row.queue or words.NOTHING,
    lambda row: words.sentiment(row.customer_sentiment),
    lambda row: words.score(row.score),
    lambda row: ", ".join(row.flags) or words.NOTHING,
)


def tooltip(row: CallRow, column: int) -> str:
    """Return what more there is to say about a cell."""
    if column == STATE:
        held = "On legal hold: nobody can erase it.\n" if row.on_hold else ""
        why = f"{row.failure.sentence}\n{row.failure.hint}" if row.failure is not None else ""
        return f"{held}{why}".strip()
    if column == SENTIMENT and row.customer_sentiment is not None:
        return f"Customer: {cell_text(row, column)} (indicative)"
    if column in (NAME, AGENT, QUEUE, FLAGS):
        return cell_text(row, column)
    return ""


class CallTableModel(QAbstractTableModel):
    """The calls that match a `CallQuery`, in its order."""

    counted = Signal(int)
    """The number of calls that match, whenever it was read."""
    arrived = Signal()
    """Rows came that were not there before."""

    def __init__(self, tasks: Tasks) -> None:
        """Begin empty, without a workspace."""
        super().__init__()
        self._tasks = tasks
        self._workspace: Workspace | None = None
        self._pages: OrderedDict[int, tuple[CallRow, ...]] = OrderedDict()
        self._wanted: dict[int, None] = {}  # in the order in which they were asked for
        self._stale: set[int] = set()
        self._count = 0
        self._generation = 0
        self.query = CallQuery()

    def open(self, workspace: Workspace | None) -> None:
        """Show the calls of a workspace, or nothing."""
        self._workspace = workspace
        self.show(CallQuery())

    def show(self, query: CallQuery) -> None:
        """Show other calls, or the same in another order."""
        self.beginResetModel()
        self.query = query
        self._generation += 1
        self._pages.clear()
        self._wanted.clear()
        self._stale.clear()
        self._count = 0
        self.endResetModel()
        self.refresh()

    def refresh(self) -> None:
        """Read again what is shown, keeping the old rows until the new ones come."""
        if self._workspace is None:
            return
        self._stale.update(self._pages)
        workspace, query = self._workspace, self.query
        self._tasks.query(
            lambda: workspace.calls.count(query),
            partial(self._take_count, self._generation),
            key="calls.count",
        )

    def row(self, number: int) -> CallRow | None:
        """Return a row if it was loaded, and ask for it otherwise."""
        page = number // PAGE
        if page not in self._pages or page in self._stale:
            self._ask(page)
        rows = self._pages.get(page, ())
        if page in self._pages:
            self._pages.move_to_end(page)
        place = number % PAGE
        return rows[place] if place < len(rows) else None

    def find_loaded(self, call: CallId) -> int | None:
        """Return the row number of a call if its page is loaded."""
        for page, rows in self._pages.items():
            for place, row in enumerate(rows):
                if row.id == call:
                    return page * PAGE + place
        return None

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return how many calls match."""
        return 0 if parent is not None and parent.isValid() else self._count

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return how many columns the table has."""
        return 0 if parent is not None and parent.isValid() else len(_HEADERS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:  # noqa: ANN401  (Qt's own signature)
        """Return a column's title."""
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            title, order = _HEADERS[section]
            if order is not self.query.order or order is None:
                return title
            return f"{title} {'▾' if self.query.descending else '▴'}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return _TOOLTIPS.get(section, "")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            right = section in (DURATION, SCORE)
            return (
                Qt.AlignmentFlag.AlignRight if right else Qt.AlignmentFlag.AlignLeft
            ) | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:  # noqa: ANN401
        """Return a cell's text, tooltip, alignment, or with `ROW` the call."""
        column = index.column()
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self.headerData(column, Qt.Orientation.Horizontal, role)
        if role not in _ROLES_WITH_ROW or (row := self.row(index.row())) is None:
            return None
        if role == ROW:
            return row
        if role == Qt.ItemDataRole.ToolTipRole:
            return tooltip(row, column)
        text = cell_text(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{_HEADERS[column][0]}: {text}"
        return text

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Show the calls in the order of a column."""
        by = _HEADERS[column][1] if 0 <= column < len(_HEADERS) else None
        descending = order is Qt.SortOrder.DescendingOrder
        if by is None or (by, descending) == (self.query.order, self.query.descending):
            return
        self.show(replace(self.query, order=by, descending=descending))
        self.headerDataChanged.emit(Qt.Orientation.Horizontal, 0, len(_HEADERS) - 1)

    def _ask(self, page: int) -> None:
        if self._workspace is None or page in self._wanted:
            return
        self._wanted[page] = None
        workspace, query, generation = self._workspace, self.query, self._generation

        def read() -> tuple[CallRow, ...] | None:
            if page not in self._wanted:  # scrolled past meanwhile
                return None
            return workspace.calls.page(query, offset=page * PAGE, limit=PAGE)

        self._tasks.query(read, partial(self._take_page, generation, page))
        if len(self._wanted) > _PAGES_WANTED:
            # a scroll bar that is dragged passes many pages: only the newest are worth reading
            self._wanted.pop(next(iter(self._wanted)))

    def _take_count(self, generation: int, count: int) -> None:
        if generation != self._generation:
            return
        if count > self._count:
            self.beginInsertRows(QModelIndex(), self._count, count - 1)
            self._count = count
            self.endInsertRows()
        elif count < self._count:
            self.beginRemoveRows(QModelIndex(), count, self._count - 1)
            self._count = count
            self.endRemoveRows()
        if count and self._stale:
            self.dataChanged.emit(self.index(0, 0), self.index(count - 1, len(_HEADERS) - 1))
        self.counted.emit(count)

    def _take_page(self, generation: int, page: int, rows: tuple[CallRow, ...] | None) -> None:
        if generation != self._generation:
            return
        self._wanted.pop(page, None)
        if rows is None:
            return
        self._stale.discard(page)
        self._pages[page] = rows
        self._pages.move_to_end(page)
        while len(self._pages) > _PAGES_KEPT:
            self._pages.popitem(last=False)
        last = min(page * PAGE + PAGE, self._count) - 1
        if last >= page * PAGE:
            self.dataChanged.emit(self.index(page * PAGE, 0), self.index(last, len(_HEADERS) - 1))
        self.arrived.emit()


_ROLES_WITH_ROW = frozenset(
    {
        int(Qt.ItemDataRole.DisplayRole),
        int(Qt.ItemDataRole.ToolTipRole),
        int(Qt.ItemDataRole.AccessibleTextRole),
        int(ROW),
    }
)


def next_flagged(workspace: Workspace, query: CallQuery, after: CallId | None) -> CallRow | None:
    """Return the next call with a flag after a given one in a query's order, round the end."""
    flagged = replace(query, flagged=True)
    if not workspace.calls.count(flagged):
        return None
    first: CallRow | None = None
    passed = after is None
    for offset in range(0, workspace.calls.count(query), _TURN_TO_NEXT_FLAG):
        for row in workspace.calls.page(query, offset=offset, limit=_TURN_TO_NEXT_FLAG):
            if row.flags and passed:
                return row
            if row.flags and first is None:
                first = row
            passed = passed or row.id == after
    return first
