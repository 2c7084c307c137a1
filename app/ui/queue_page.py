"""The queue: what runs, what waits, what failed and why; and a strip for every page."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.domain import CallId, CallOrder, CallQuery, CallRow, JobState, Right, Subject
from app.ui import words
from app.ui.rights import may
from app.ui.widgets import EmptyState, button, clear, label, set_kind

if TYPE_CHECKING:
    from app.domain import Changes
    from app.ui.desk import Desk
    from app.ui.processing import ProcessingControl
    from app.ui.progress import CallProgress
    from app.workspace import Workspace

SHOWN = 60
"""How many calls of one state the page lists; the rest are counted."""

_STATES = (JobState.RUNNING, JobState.FAILED, JobState.QUEUED, JobState.CANCELLED)
_TITLES = {
    JobState.RUNNING: "Running",
    JobState.FAILED: "Failed",
    JobState.QUEUED: "Waiting",
    JobState.CANCELLED: "Cancelled",
}
_UNDER_WAY = (JobState.QUEUED, JobState.RUNNING)
Listing = dict[JobState, tuple[int, tuple[CallRow, ...]]]


def read_queue(workspace: Workspace) -> Listing:
    """Return for each state how many calls are in it and the first of them."""
    listing: Listing = {}
    for state in _STATES:
        query = CallQuery(
            states=frozenset({state}), order=CallOrder.STARTED, descending=state is JobState.FAILED
        )
        count = workspace.calls.count(query)
        rows = workspace.calls.page(query, offset=0, limit=SHOWN) if count else ()
        listing[state] = (count, rows)
    return listing


class QueuePage(QWidget):
    """Shows the queue and lets a person cancel, retry and pause."""

    opened = Signal(str)

    def __init__(self, desk: Desk, control: ProcessingControl) -> None:
        """Begin without a workspace."""
        super().__init__()
        self._desk, self._control = desk, control
        self._workspace: Workspace | None = None
        self._lines: dict[CallId, JobLine] = {}
        self._build()
        control.moved.connect(self._moved)
        desk.tasks.announced.connect(self._changed)

    def open(self, workspace: Workspace | None) -> None:
        """Show the queue of a workspace, or nothing."""
        self._workspace = workspace
        self._lines.clear()
        clear(self._list)
        self._area.hide()
        self.empty.hide()
        self.refresh()

    def come(self) -> None:
        """Come into view."""
        self.refresh()
        self.setFocus()

    def refresh(self) -> None:
        """Read the queue again."""
        workspace = self._workspace
        if may(workspace, Right.SEE_CALLS) and workspace is not None:
            self._desk.tasks.query(partial(read_queue, workspace), self._take, key="queue")

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 18, 24, 18)
        whole.setSpacing(12)
        head = QHBoxLayout()
        head.addWidget(label("Queue", "page-title"))
        self.totals = label("", "quiet")
        head.addSpacing(8)
        head.addWidget(self.totals)
        head.addStretch(1)
        self.retry_all = button("Retry all failed", self._retry_all)
        self.pause = button(
            "Pause", self._toggle, tip="Stop after what is running; nothing is lost"
        )
        head.addWidget(self.retry_all)
        head.addWidget(self.pause)
        whole.addLayout(head)
        self.run = RunBar()
        whole.addWidget(self.run)
        self.empty = EmptyState(self._desk.theme, "done")
        self.empty.say(
            "Nothing waits",
            "Recordings that you import are analysed one after the other, and shown here.",
        )
        whole.addWidget(self.empty, 1)
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 6, 0)
        self._list.setSpacing(8)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setAccessibleName("Calls in the queue")
        self._area.setWidget(inside)
        whole.addWidget(self._area, 1)
        self.empty.hide()
        self.run.hide()
        self.retry_all.hide()

    def _take(self, listing: Listing) -> None:
        clear(self._list)
        self._lines.clear()
        numbers = {state: count for state, (count, _) in listing.items()}
        self.totals.setText(words.totals(numbers))
        for state in _STATES:
            count, rows = listing[state]
            if count:
                self._list.addWidget(label(f"{_TITLES[state]} ({count:,})", "heading"))
            for row in rows:
                self._add(row)
            if count > len(rows):
                self._list.addWidget(label(f"and {count - len(rows):,} more", "quiet"))
        self._list.addStretch(1)
        self._area.setVisible(any(numbers.values()))
        self.empty.setVisible(not any(numbers.values()))
        self.retry_all.setVisible(numbers[JobState.FAILED] > 0 and self._control.allowed)
        self._moved()

    def _add(self, row: CallRow) -> None:
        made = JobLine(row, self._desk, may_process=self._control.allowed)
        made.cancelled.connect(self._cancel)
        made.retried.connect(self._retry)
        made.opened.connect(self.opened)
        self._lines[row.id] = made
        self._list.addWidget(made)

    def _moved(self) -> None:
        run, now = self._control.run, time.monotonic()
        self.pause.setVisible(self._control.allowed)
        self.pause.setText("Go on" if self._control.paused else "Pause")
        self.pause.setAccessibleName(self.pause.text())
        self.run.setVisible(run is not None)
        if run is None:
            return
        self.run.show_run(run.sentence(now), run.fraction())
        for call, state in run.calls.items():
            if (shown := self._lines.get(call)) is not None:
                shown.show_progress(state)

    def _changed(self, changes: Changes) -> None:
        if changes & {Subject.JOBS, Subject.CALLS}:
            self.refresh()

    def _toggle(self) -> None:
        if self._control.paused:
            self._control.resume()
        else:
            self._control.pause()

    def _cancel(self, call: str) -> None:
        if (workspace := self._workspace) is not None:
            self._desk.tasks.change(lambda: workspace.processing.cancel(CallId(call)))

    def _retry(self, call: str) -> None:
        if (workspace := self._workspace) is not None:
            self._desk.tasks.change(lambda: workspace.processing.retry(CallId(call)))

    def _retry_all(self) -> None:
        if (workspace := self._workspace) is not None:
            self._desk.tasks.change(workspace.processing.retry_failed)


class JobLine(QFrame):
    """One call of the queue: name, state or progress, why it failed, what can be done."""

    cancelled = Signal(str)
    retried = Signal(str)
    opened = Signal(str)

    def __init__(self, row: CallRow, desk: Desk, *, may_process: bool) -> None:
        """Show a row of the list of calls, and what may be done with it."""
        super().__init__()
        self.setProperty("kind", "card")
        self._row, self._desk = row, desk
        self._icon = QLabel()
        self._state = label(self._first_words(), "quiet", wrap=True)
        if row.state is JobState.FAILED:
            set_kind(self._state, "problem")
        self._bar = QProgressBar(textVisible=False, maximum=1000)
        self._bar.setAccessibleName(f"Progress of {row.source_name}")
        self._bar.setVisible(row.state is JobState.RUNNING)
        texts = QVBoxLayout()
        texts.setSpacing(3)
        texts.addWidget(label(row.source_name, "heading"))
        texts.addWidget(self._state)
        if row.failure is not None and row.failure.hint and row.state is JobState.FAILED:
            texts.addWidget(label(row.failure.hint, "quiet", wrap=True))
        texts.addWidget(self._bar)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 10, 14, 10)
        whole.setSpacing(12)
        whole.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        whole.addLayout(texts, 1)
        if may_process:
            whole.addWidget(self._action(), 0, Qt.AlignmentFlag.AlignVCenter)
        self._draw()
        desk.theme.changed.connect(self._draw)

    def show_progress(self, state: CallProgress) -> None:
        """Show where the call stands, unless it has ended: what is told late says nothing then."""
        if self._row.state not in _UNDER_WAY:
            return
        self._state.setText(f"{words.stage(state.stage)}  ·  {words.percent(state.share)}")
        self._bar.setValue(round(state.share * 1000))
        self._bar.show()

    def _first_words(self) -> str:
        row = self._row
        if row.failure is not None and row.state is JobState.FAILED:
            return row.failure.sentence
        if row.state is JobState.QUEUED:
            return f"Imported {words.moment(row.imported_at)}"
        return words.state(row.state)

    def _action(self) -> QWidget:
        name, call = self._row.source_name, self._row.id
        if self._row.state in _UNDER_WAY:
            made = button("Cancel", lambda: self.cancelled.emit(call))
        else:
            made = button("Retry", lambda: self.retried.emit(call))
        made.setAccessibleName(f"{made.text()} {name}")
        return made

    def _draw(self) -> None:
        colours = {JobState.FAILED: "negative", JobState.RUNNING: "accent"}
        colour = colours.get(self._row.state, "quiet")
        picture = self._desk.theme.pixmap(self._row.state.value, colour, 40)
        picture.setDevicePixelRatio(2)
        self._icon.setPixmap(picture)


class RunBar(QFrame):
    """The state of a whole run: a sentence and a bar."""

    def __init__(self) -> None:
        """Begin at nothing."""
        super().__init__()
        self.setProperty("kind", "card")
        self._text = label("")
        self._bar = QProgressBar(textVisible=False, maximum=1000)
        self._bar.setAccessibleName("Progress of the queue")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(14, 12, 14, 12)
        whole.setSpacing(8)
        whole.addWidget(self._text)
        whole.addWidget(self._bar)

    def show_run(self, sentence: str, fraction: float) -> None:
        """Show how far the run has come."""
        self._text.setText(sentence)
        self._bar.setValue(round(fraction * 1000))
        self._bar.setAccessibleDescription(sentence)


class Strip(QFrame):
    """A line below every page that tells how the queue stands and leads to it."""

    opened = Signal()

    def __init__(self, desk: Desk, control: ProcessingControl) -> None:
        """Begin hidden; it shows itself while something runs or is paused."""
        super().__init__()
        self.setObjectName("strip")
        self._control = control
        self._wanted = True
        self.text = label("")
        self._bar = QProgressBar(textVisible=False, maximum=1000)
        self._bar.setAccessibleName("Progress of the queue")
        self._bar.setFixedWidth(220)
        self.pause = button("Pause", self._toggle, "link")
        whole = QHBoxLayout(self)
        whole.setContentsMargins(24, 6, 24, 6)
        whole.setSpacing(14)
        whole.addWidget(self.text)
        whole.addWidget(self._bar)
        whole.addStretch(1)
        whole.addWidget(self.pause)
        whole.addWidget(button("Show the queue", self.opened.emit, "link"))
        control.moved.connect(self._moved)
        desk.theme.changed.connect(self.update)
        self.hide()

    def want(self, *, wanted: bool) -> None:
        """Show the line where it is wanted, hide it where the page itself says the same."""
        self._wanted = wanted
        self._moved()

    def _toggle(self) -> None:
        if self._control.paused:
            self._control.resume()
        else:
            self._control.pause()

    def _moved(self) -> None:
        run, paused = self._control.run, self._control.paused
        self.setVisible(self._wanted and (run is not None or paused))
        self._bar.setVisible(run is not None)
        self.pause.setVisible(self._control.allowed)
        self.pause.setText("Go on" if paused else "Pause")
        self.pause.setAccessibleName(f"{self.pause.text()} with the queue" if paused else "Pause")
        if run is not None:
            self.text.setText("Pausing…" if paused else run.sentence(time.monotonic()))
            self._bar.setValue(round(run.fraction() * 1000))
        elif paused:
            self.text.setText("The queue is paused: imported calls wait.")
