"""Processing as a person steers it: run, cancel, retry, and see what waits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.domain import CallId, Changes, JobState, Subject
from app.processing import QueueRun, workers_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.config import Settings
    from app.domain import Job, ProcessingReport, Progress
    from app.engine.wire import Places
    from app.storage.vault import Vault

_JOBS: Changes = frozenset({Subject.JOBS, Subject.CALLS})
_NOTHING: Changes = frozenset()


@dataclass(slots=True)
class Processing:
    """The queue of the vault. One run at a time; cancelling works from any thread."""

    _vault: Vault
    _actor: str
    _settings: Settings
    _places: Places
    _cancelled: set[CallId] = field(default_factory=set)

    def run(
        self,
        *,
        progress: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> ProcessingReport:
        """Analyse what is queued until nothing is left or `stop` says so.

        Raises `StorageError` when results cannot be kept, `UsageError` or `ModelError` where the
        settings ask for what cannot be used; nothing is lost then, and what was running waits.
        """
        self._cancelled.clear()
        run = QueueRun(
            vault=self._vault,
            workers=workers_for(self._settings.execution, self._places),
            settings=self._settings,
            actor=self._actor,
            cancelled=lambda: frozenset(self._cancelled),
            progress=progress,
            stop=stop,
        )
        return run.run()

    def cancel(self, call: CallId) -> Changes:
        """Take a call out of the queue, or end its analysis; raises `CallNotFound`."""
        if not self._vault.jobs.cancel(call, actor=self._actor):
            return _NOTHING
        self._cancelled.add(call)
        return _JOBS

    def retry(self, call: CallId) -> Changes:
        """Put a call that is not waiting back into the queue; raises `CallNotFound`."""
        self._cancelled.discard(call)
        return _JOBS if self._vault.jobs.retry(call, actor=self._actor) else _NOTHING

    def retry_failed(self) -> Changes:
        """Put all failed calls back into the queue."""
        return _JOBS if self._vault.jobs.retry_failed(actor=self._actor) else _NOTHING

    def jobs(self) -> tuple[Job, ...]:
        """Return what runs, what waits in its order, and what failed, newest first."""
        return self._vault.jobs.list((JobState.RUNNING, JobState.QUEUED, JobState.FAILED))
