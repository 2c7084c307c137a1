"""Keeps the queue moving while the window is open: starts by itself, pauses, goes on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.domain import JobState, Right, Subject
from app.ui.progress import RunProgress
from app.ui.rights import may

if TYPE_CHECKING:
    from app.domain import Changes, ProcessingReport, Progress
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.ui.tasks import Act
    from app.workspace import Workspace

_ANNOUNCE_AFTER_MS = 700
_CHANGED: Changes = frozenset({Subject.CALLS, Subject.JOBS})


class ProcessingControl(QObject):
    """Runs the queue of the open vault whenever something waits in it."""

    moved = Signal()
    """The state of the run, or whether it is paused, is another."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a workspace."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self._act: Act | None = None
        self._again = self._announcing = self._looking = False
        self.paused = False
        self.run: RunProgress | None = None
        # many calls may end within a second: pages read the vault again once for all of them
        self._soon = QTimer(self, singleShot=True, interval=_ANNOUNCE_AFTER_MS)
        self._soon.timeout.connect(self._announce)
        desk.tasks.announced.connect(self._changed)
        desk.tasks.broke.connect(self._broke)

    @property
    def allowed(self) -> bool:
        """Whether the person may steer the queue."""
        return may(self._workspace, Right.PROCESS)

    @property
    def running(self) -> bool:
        """Whether calls are being analysed."""
        return self._act is not None and not self._act.ended

    @property
    def busy(self) -> bool:
        """Whether calls are being analysed, or may be in a moment."""
        return self.running or self._looking

    def keep_on(self) -> None:
        """Go on although what was asked of the vault is not answered any more."""
        if self._looking:
            self._look()

    def open(self, workspace: Workspace | None) -> None:
        """Take care of another vault; what it left half done is taken up.

        A run that goes on behind the lock is taken over: it is of the same vault.
        """
        if workspace is not None and self._act is not None:
            self._workspace = workspace
            self.moved.emit()
            return
        self._soon.stop()
        self._workspace, self._act, self.run = workspace, None, None
        self.paused = self._again = self._looking = False
        self._look()
        self.moved.emit()

    def pause(self) -> None:
        """Stop soon; calls that are running go back to the queue."""
        self.paused = True
        if self._act is not None:
            self._act.stop()
        self.moved.emit()

    def resume(self) -> None:
        """Go on with what waits."""
        self.paused, self._again = False, True
        self._look()
        self.moved.emit()

    def _changed(self, changes: Changes) -> None:
        if Subject.JOBS in changes and not self._announcing:
            self._again = True
            self._look()

    def _look(self) -> None:
        """Start when something waits and nothing runs."""
        workspace = self._workspace
        if workspace is None or self.paused or self._act is not None or not self.allowed:
            return

        def failed(error: AppError) -> None:
            self._looking = False
            self._desk.messages.problem(error)
            self.moved.emit()

        self._looking = True
        look = workspace.calls.totals
        self._desk.tasks.query(look, self._maybe_start, key="totals.start", failed=failed)

    def _maybe_start(self, totals: dict[JobState, int]) -> None:
        self._looking = False
        workspace = self._workspace
        if workspace is None or self.paused or self._act is not None:
            return
        if not totals.get(JobState.QUEUED):
            self.moved.emit()
            return
        self._again = False
        self.run = RunProgress(time.monotonic())
        self._act = self._desk.tasks.run(
            lambda act: workspace.processing.run(progress=act.progress, stop=act.stopped),
            self._ended,
            progress=self._progress,
            failed=self._failed,
        )
        self.moved.emit()

    def _progress(self, report: Progress) -> None:
        if self.run is not None and self.run.note(report, time.monotonic()):
            self._soon.start()
        self.moved.emit()

    def _ended(self, report: ProcessingReport) -> None:
        self._act, self.run = None, None
        # a run that did nothing is not repeated by itself; what came while it ended is looked at
        worked = report.done + report.failed + report.cancelled > 0
        self._announce()
        if worked or self._again:
            self._look()
        self.moved.emit()

    def _failed(self, error: AppError) -> None:
        self._act, self.run = None, None
        self.paused = True
        self._desk.messages.problem(error)
        self._announce()
        self.moved.emit()

    def _broke(self) -> None:
        """Stand still after a fault: behind the lock nothing keeps the vault open then."""
        if self._act is not None and not self._act.ended:
            return
        if self._act is not None:
            self._act, self.run, self.paused = None, None, True
        self._looking = False
        self.moved.emit()

    def _announce(self) -> None:
        """Tell the pages, not ourselves."""
        self._soon.stop()
        self._announcing = True
        try:
            self._desk.tasks.announced.emit(_CHANGED)
        finally:
            self._announcing = False
