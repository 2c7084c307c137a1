"""A table model over a list of any length, which loads pages as they come into view.

However many rows there are, it holds at most `_PAGES_KEPT` pages of `PAGE` rows. Reading happens
beside the window; rows that are on their way are empty until they arrive.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Signal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.ui.tasks import Tasks
    from app.workspace import Workspace

PAGE = 200
_PAGES_KEPT = 24
_PAGES_WANTED = 3
Index = QModelIndex | QPersistentModelIndex
Query = TypeVar("Query")
Row = TypeVar("Row")


class PagedTable(QAbstractTableModel, Generic[Query, Row]):
    """The rows that a query asks for; what is read, and how it looks, is said by the table."""

    counted = Signal(int)
    """The number of rows, whenever it was read."""
    arrived = Signal()
    """Rows came that were not there before."""

    def __init__(self, tasks: Tasks, everything: Query, *, columns: int, key: str) -> None:
        """Begin empty, without a workspace; `key` names the counting among the tasks."""
        super().__init__()
        self._tasks = tasks
        self._workspace: Workspace | None = None
        self._everything = everything
        self._columns = columns
        self._key = key
        self._pages: OrderedDict[int, tuple[Row, ...]] = OrderedDict()
        self._wanted: dict[int, None] = {}  # in the order in which they were asked for
        self._stale: set[int] = set()
        self._count = 0
        self._generation = 0
        self.query = everything

    def read_count(self, workspace: Workspace, query: Query) -> tuple[Query, int]:
        """Return how many rows fit a query, and the query by which their pages are read."""
        raise NotImplementedError

    def read_page(
        self, workspace: Workspace, query: Query, *, offset: int, limit: int
    ) -> tuple[Row, ...]:
        """Return a stretch of the rows that fit a query."""
        raise NotImplementedError

    def open(self, workspace: Workspace | None) -> None:
        """Use a workspace, or none; `show` and `refresh` read."""
        self._workspace = workspace
        self._reset(self._everything)

    def show(self, query: Query) -> None:
        """Show other rows, or the same in another order."""
        self._reset(query)
        self.refresh()

    def refresh(self) -> None:
        """Read again what is shown, keeping the old rows until the new ones come."""
        workspace, query = self._workspace, self.query
        if workspace is None:
            return
        self._stale.update(self._pages)
        self._tasks.query(
            lambda: self.read_count(workspace, query),
            partial(self._take_count, self._generation),
            key=self._key,
        )

    def row(self, number: int) -> Row | None:
        """Return a row if it was loaded, and ask for it otherwise."""
        page = number // PAGE
        if page not in self._pages or page in self._stale:
            self._ask(page)
        if page not in self._pages:
            return None
        self._pages.move_to_end(page)
        rows, place = self._pages[page], number % PAGE
        return rows[place] if place < len(rows) else None

    def loaded(self) -> Iterator[tuple[int, Row]]:
        """Give the rows that are loaded, with their numbers."""
        for page, rows in self._pages.items():
            yield from enumerate(rows, page * PAGE)

    def rowCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return how many rows there are."""
        return 0 if parent is not None and parent.isValid() else self._count

    def columnCount(self, parent: Index | None = None) -> int:  # noqa: N802
        """Return how many columns the table has."""
        return 0 if parent is not None and parent.isValid() else self._columns

    def _reset(self, query: Query) -> None:
        self.beginResetModel()
        self.query = query
        self._generation += 1
        self._pages.clear()
        self._wanted.clear()
        self._stale.clear()
        self._count = 0
        self.endResetModel()

    def _ask(self, page: int) -> None:
        workspace, query = self._workspace, self.query
        if workspace is None or page in self._wanted:
            return
        self._wanted[page] = None

        def read() -> tuple[Row, ...] | None:
            if page not in self._wanted:  # scrolled past meanwhile
                return None
            return self.read_page(workspace, query, offset=page * PAGE, limit=PAGE)

        self._tasks.query(read, partial(self._take_page, self._generation, page))
        if len(self._wanted) > _PAGES_WANTED:
            # a scroll bar that is dragged passes many pages: only the newest are worth reading
            self._wanted.pop(next(iter(self._wanted)))

    def _take_count(self, generation: int, found: tuple[Query, int]) -> None:
        if generation != self._generation:
            return
        self.query, count = found
        if count > self._count:
            self.beginInsertRows(QModelIndex(), self._count, count - 1)
            self._count = count
            self.endInsertRows()
        elif count < self._count:
            self.beginRemoveRows(QModelIndex(), count, self._count - 1)
            self._count = count
            self.endRemoveRows()
        if count and self._stale:
            self.dataChanged.emit(self.index(0, 0), self.index(count - 1, self._columns - 1))
        self.counted.emit(count)

    def _take_page(self, generation: int, page: int, rows: tuple[Row, ...] | None) -> None:
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
            self.dataChanged.emit(self.index(page * PAGE, 0), self.index(last, self._columns - 1))
        self.arrived.emit()
