"""The list of calls as a table: what each column says, and in which order calls come."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt

from app.domain import CallId, CallOrder, CallQuery, CallRow, Severity
from app.ui import words
from app.ui.languages import language_name
from app.ui.paged_table import Index, PagedTable

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ui.tasks import Tasks
    from app.workspace import Workspace

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
    lambda row: ", ".join((*_held_back(row), *_other_language(row), *row.flags)) or words.NOTHING,
)


def marks(row: CallRow) -> tuple[tuple[str, Severity | None], ...]:
    """Return what is painted of a call's proof, language and flags: words, and how soon to look.

    That it is held back comes first. Another language comes before the flags, because of it they
    are unreliable; where there is room for it alone, it tells of an alert by its colour.
    """
    held = (("Held back", Severity.ALERT),) if row.held_back else ()
    language = f"In {language_name(row.language)}" if row.other_language and row.language else ""
    severities = (row.severity, *[None] * len(row.flags))
    flags = tuple(zip(row.flags, severities, strict=False))
    soon = Severity.ALERT if row.severity is Severity.ALERT else Severity.WARNING
    return (*held, (language, soon), *flags) if language else (*held, *flags)


def _held_back(row: CallRow) -> tuple[str, ...]:
    return ("Held back until a person has listened",) if row.held_back else ()


def _other_language(row: CallRow) -> tuple[str, ...]:
    if row.language is None or not row.other_language:
        return ()
    return (f"Not in English but in {language_name(row.language)}",)


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


class CallTableModel(PagedTable[CallQuery, CallRow]):
    """The calls that match a `CallQuery`, in its order."""

    def __init__(self, tasks: Tasks) -> None:
        """Begin empty, without a workspace."""
        super().__init__(tasks, CallQuery(), columns=len(_HEADERS), key="calls.count")

    def read_count(self, workspace: Workspace, query: CallQuery) -> tuple[CallQuery, int]:
        """Return how many calls match."""
        return query, workspace.calls.count(query)

    def read_page(
        self, workspace: Workspace, query: CallQuery, *, offset: int, limit: int
    ) -> tuple[CallRow, ...]:
        """Return a stretch of the calls that match."""
        return workspace.calls.page(query, offset=offset, limit=limit)

    def find_loaded(self, call: CallId) -> int | None:
        """Return the row number of a call if its page is loaded."""
        return next((number for number, row in self.loaded() if row.id == call), None)

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
