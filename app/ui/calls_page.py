"""The page with the list of calls: filters above, the table below, and what to do when empty."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QModelIndex, QObject, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QCheckBox,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.domain import CallId, CallOrder, CallQuery, CallRow, Facets, JobState, Right, Subject
from app.limits import recall_line
from app.ui import words
from app.ui.call_cells import CallCells
from app.ui.call_table import AGENT, NAME, QUEUE, ROW, CallTableModel, next_flagged
from app.ui.rights import may
from app.ui.widgets import EmptyState, button, label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PySide6.QtGui import QKeyEvent

    from app.domain import Changes, Facet, SampleReport
    from app.ui.desk import Desk
    from app.workspace import Workspace

_TYPING_PAUSE_MS = 250
_SHARES = {NAME: 0.3, AGENT: 0.12, QUEUE: 0.12}  # of spare room; the rest is the flags'
_WIDTHS = (92, 134, 144, 78, 94, 104, 150, 62, 150)


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry of a filter: what is shown and what is asked for."""

    text: str
    value: str | None


# No flag has spaces in its label.
_OTHER_LANGUAGE = Choice("Not in English", "not in English")
_HELD_BACK = Choice("Held back", "held back")
_BESIDE_FLAGS = (_HELD_BACK, _OTHER_LANGUAGE)


def choices(everything: str, facets: Sequence[Facet]) -> list[Choice]:
    """Return the entries of a filter from the values that occur."""
    named = [Choice(f"{one.title} ({one.count:,})", one.label) for one in facets]
    return [Choice(everything, None), *named]


def narrowed(query: CallQuery) -> bool:
    """Return whether a query leaves out calls."""
    return replace(query, order=CallOrder.STARTED, descending=True) != CallQuery()


class CallsPage(QWidget):
    """Finds calls and opens one."""

    opened = Signal(str, str)
    """The id of the call that a person wants to see, and the words that were searched for."""
    import_wanted = Signal()

    def __init__(self, desk: Desk) -> None:
        """Begin without a workspace."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self.model = CallTableModel(desk.tasks)
        self._current: CallId | None = None
        self._typing = QTimer(self, singleShot=True, interval=_TYPING_PAUSE_MS)
        self._typing.timeout.connect(self._ask)
        self._build()
        self.model.counted.connect(self._counted)
        self.model.arrived.connect(self._keep_selection)
        desk.tasks.announced.connect(self._changed)
        desk.theme.changed.connect(self.table.viewport().update)

    def open(self, workspace: Workspace | None) -> None:
        """Show the calls of a workspace, or nothing."""
        self._workspace = workspace
        self._current = None
        self.clear_filters(ask=False)
        self.stack.setCurrentWidget(self._waiting)
        self.count.clear()
        self.recall.clear()
        if workspace is None:
            self._forget_facets()
        else:
            self.search.setVisible(may(workspace, Right.SEE_TRANSCRIPT))
            self.import_button.setVisible(may(workspace, Right.IMPORT))
            self.list_only.setVisible(not may(workspace, Right.SEE_EVIDENCE))
        if not may(workspace, Right.SEE_CALLS):
            self._workspace = workspace = None
        self.model.open(workspace)
        self.refresh()

    def come(self) -> None:
        """Come into view."""
        self.take_focus()

    def refresh(self) -> None:
        """Read the list and the filters' entries again."""
        self.model.refresh()
        self._read_facets()
        self._read_recall()

    def clear_filters(self, *, ask: bool = True) -> None:
        """Show all calls again."""
        for field in (self.state, self.agent, self.queue, self.flag):
            with QSignalBlocker(field):
                field.setCurrentIndex(0)
        with QSignalBlocker(self.search):
            self.search.clear()
        for box in (self.flagged, self.on_hold):
            with QSignalBlocker(box):
                box.setChecked(False)
        if ask:
            self._ask()

    def query(self) -> CallQuery:
        """Return what the filters ask for, in the order of the table."""
        state, flag = self.state.currentData(), self.flag.currentData()
        return CallQuery(
            states=frozenset({JobState(state)}) if state else frozenset(),
            agent=self.agent.currentData(),
            queue=self.queue.currentData(),
            flag=None if flag in [one.value for one in _BESIDE_FLAGS] else flag,
            flagged=self.flagged.isChecked(),
            on_hold=self.on_hold.isChecked(),
            other_language=flag == _OTHER_LANGUAGE.value,
            held_back=flag == _HELD_BACK.value,
            text=self.search.text().strip(),
            order=self.model.query.order,
            descending=self.model.query.descending,
        )

    def to_next_flagged(self, after: CallId | None) -> None:
        """Open the next call with a flag after a given one, in the order of the list."""
        workspace = self._workspace
        if workspace is None or not may(workspace, Right.SEE_EVIDENCE):
            return
        query = self.model.query

        def then(row: CallRow | None) -> None:
            if row is None:
                self._desk.messages.note("None of the calls in the list has a flag.")
            else:
                self._current = row.id
                self.opened.emit(row.id, self.model.query.text)

        self._desk.tasks.query(lambda: next_flagged(workspace, query, after), then, key="flagged")

    def take_focus(self) -> None:
        """Give the keys to the list, or to what can be done while it is empty."""
        empty = self.stack.currentWidget() is self.empty and self.import_button.isVisible()
        (self.import_button if empty else self.table).setFocus()

    def current(self) -> CallId | None:
        """Return the call that is selected."""
        row = self.table.currentIndex().data(ROW)
        return row.id if isinstance(row, CallRow) else self._current

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 18, 24, 18)
        whole.setSpacing(12)
        whole.addLayout(self._build_head())
        self.recall = label("", "quiet")
        whole.addWidget(self.recall)
        whole.addLayout(self._build_filters())
        self.table = self._build_table()
        self.empty = EmptyState(self._desk.theme, "recording")
        self.empty.acted.connect(self._act_on_empty)
        self._waiting = QWidget()
        self.stack = QStackedWidget()
        for page in (self.table, self.empty, self._waiting):
            self.stack.addWidget(page)
        whole.addWidget(self.stack, 1)

    def _build_head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.addWidget(label("Calls", "page-title"))
        self.count = label("", "quiet")
        head.addSpacing(8)
        head.addWidget(self.count)
        self.list_only = label(
            "You see the list. What is in the calls is not shown to you.", "quiet"
        )
        head.addSpacing(16)
        head.addWidget(self.list_only)
        head.addStretch(1)
        self.import_button = button(
            "Import…", self.import_wanted.emit, "primary", "Import recordings (Ctrl+I)"
        )
        head.addWidget(self.import_button)
        return head

    def _build_filters(self) -> QHBoxLayout:
        self.search = QLineEdit(placeholderText="Search what was said")
        self.search.setAccessibleName("Search the redacted words of all calls")
        self.search.setClearButtonEnabled(True)
        self.search.setMinimumWidth(112)
        self.search.setToolTip("Searches the redacted words of all calls (Ctrl+F)")
        self.search.textChanged.connect(lambda: self._typing.start())  # noqa: PLW0108  (drops the text)
        self.search.returnPressed.connect(self._ask)
        self.state, self.agent, self.queue, self.flag = (
            self._filter(name) for name in ("State", "Agent", "Queue", "Flag")
        )
        states = [Choice("All states", None), *(Choice(words.state(s), s) for s in JobState)]
        _fill(self.state, states)
        self._forget_facets()
        self.flagged = self._only("Flagged", "Show only calls with a flag")
        self.on_hold = self._only("On hold", "Show only calls under legal hold")
        bar = QHBoxLayout()
        bar.setSpacing(8)
        bar.addWidget(self.search, 3)
        for field in (self.state, self.agent, self.queue, self.flag):
            bar.addWidget(field, 1)
        bar.addWidget(self.flagged)
        bar.addWidget(self.on_hold)
        return bar

    def _only(self, text: str, name: str) -> QCheckBox:
        box = QCheckBox(text)
        box.setAccessibleName(name)
        box.setToolTip(name)
        box.toggled.connect(self._ask)
        return box

    def _filter(self, name: str) -> QComboBox:
        field = QComboBox()
        field.setAccessibleName(f"{name} of the calls to show")
        field.setMinimumContentsLength(5)
        field.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        field.currentIndexChanged.connect(self._ask)
        return field

    def _build_table(self) -> QTableView:
        table = CallTable(self.model)
        table.setItemDelegate(CallCells(self._desk.theme, table))
        table.chosen.connect(self._open_index)
        table.selectionModel().currentRowChanged.connect(self._selected)
        return table

    def _ask(self) -> None:
        self._typing.stop()
        if self._workspace is None:
            return
        if (query := self.query()) != self.model.query:
            self.model.show(query)

    def _forget_facets(self) -> None:
        self._fill_filters(Facets(agents=(), queues=(), flags=()))

    def _read_facets(self) -> None:
        if self._workspace is not None:
            read = self._workspace.calls.facets
            self._desk.tasks.query(read, self._fill_filters, key="facets")

    def _read_recall(self) -> None:
        if self._workspace is not None:
            read = self._workspace.elusion.report
            self._desk.tasks.query(read, self._show_recall, key="recall")

    def _show_recall(self, report: SampleReport | None) -> None:
        """Tell how much is redacted; that nobody judged yet only to who could."""
        self.recall.setText(recall_line(report))
        self.recall.setVisible(report is not None or may(self._workspace, Right.JUDGE_REDACTION))

    def _fill_filters(self, facets: Facets) -> None:
        _fill(self.agent, choices("All agents", facets.agents))
        _fill(self.queue, choices("All queues", facets.queues))
        everything, *flags = choices("All flags", facets.flags)
        _fill(self.flag, [everything, *_BESIDE_FLAGS, *flags])

    def _changed(self, changes: Changes) -> None:
        if changes & {Subject.CALLS, Subject.JOBS}:
            self.refresh()
        elif Subject.SAMPLES in changes:
            self._read_recall()

    def _counted(self, count: int) -> None:
        filtered = narrowed(self.model.query)
        self.count.setText(words.list_count(count, narrowed=filtered) if count else "")
        if count:
            self._show(self.table)
            return
        if not (filtered or may(self._workspace, Right.IMPORT)):
            self.empty.say("No calls yet", "Calls that you may see are listed here.")
        elif filtered:
            self.empty.say(
                "No call matches",
                "Change the words you search for, or the filters.",
                "Show all calls",
            )
        else:
            self.empty.say(
                "No calls yet",
                "Drop recordings or folders anywhere on this window, or press Import. They are"
                " sealed, redacted and analysed on this computer; nothing leaves it.",
                "Import…",
            )
        self._show(self.empty)

    def _show(self, page: QWidget) -> None:
        """Show the table or what stands in its place, and keep the keys with it."""
        had_focus = not self.search.hasFocus() and self.isVisible()
        if self.stack.currentWidget() is not page:
            self.stack.setCurrentWidget(page)
            if had_focus:
                self.take_focus()

    def _act_on_empty(self) -> None:
        if narrowed(self.model.query):
            self.clear_filters()
        else:
            self.import_wanted.emit()

    def _open_index(self, index: QModelIndex) -> None:
        row = index.data(ROW)
        if isinstance(row, CallRow) and may(self._workspace, Right.SEE_EVIDENCE):
            self._current = row.id
            self.opened.emit(row.id, self.model.query.text)

    def _selected(self, index: QModelIndex) -> None:
        row = index.data(ROW) if index.isValid() else None
        if isinstance(row, CallRow):
            self._current = row.id

    def _keep_selection(self) -> None:
        """Keep the same call selected when rows moved under the selection."""
        if self._current is None:
            return
        number = self.model.find_loaded(self._current)
        shown = self.table.currentIndex()
        if number is None or (shown.isValid() and shown.row() == number):
            return
        index = self.model.index(number, max(shown.column(), 0))
        self.table.selectionModel().setCurrentIndex(
            index,
            self.table.selectionModel().SelectionFlag.ClearAndSelect
            | self.table.selectionModel().SelectionFlag.Rows,
        )


class CallTable(QTableView):
    """A table of whole rows that opens one by Enter or double click."""

    chosen = Signal(QModelIndex)

    def __init__(self, model: CallTableModel) -> None:
        """Show the rows of `model`."""
        super().__init__()
        self.setModel(model)
        self.setAccessibleName("Calls")
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setShowGrid(False)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)  # names differ at their ends
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self._build_headers()
        self.doubleClicked.connect(self.chosen)
        self.viewport().installEventFilter(self)

    def _build_headers(self) -> None:
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(40)
        columns = self.horizontalHeader()
        columns.setHighlightSections(False)
        columns.setSortIndicator(1, Qt.SortOrder.DescendingOrder)
        columns.setStretchLastSection(True)
        columns.setMinimumSectionSize(56)
        columns.setFixedHeight(38)
        for column, width in enumerate(_WIDTHS):
            columns.resizeSection(column, width)
        self.setSortingEnabled(True)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Open on Enter; letters are shortcuts here, not a search."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit(self.currentIndex())
        elif event.text().isprintable() and event.text():
            event.ignore()
        else:
            super().keyPressEvent(event)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Give the columns with long texts the room that a wide window has left."""
        if event.type() is QEvent.Type.Resize and watched is self.viewport():
            self._share_room()
        return super().eventFilter(watched, event)

    def _share_room(self) -> None:
        spare = max(0, self.viewport().width() - sum(_WIDTHS))
        columns = self.horizontalHeader()
        for column, share in _SHARES.items():
            columns.resizeSection(column, _WIDTHS[column] + int(spare * share))


def _fill(field: QComboBox, entries: list[Choice]) -> None:
    """Put entries into a filter and keep what was chosen, if it is still there."""
    chosen = field.currentData()
    with QSignalBlocker(field):
        field.clear()
        for entry in entries:
            field.addItem(entry.text, entry.value)
        field.setCurrentIndex(max(0, field.findData(chosen)) if chosen is not None else 0)
