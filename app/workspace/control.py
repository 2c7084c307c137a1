"""Processing as a person steers it: run, cancel, retry, and see what waits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain import CallId, Changes, JobState, Right, Subject
from app.processing import QueueRun, workers_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.config import Settings
    from app.domain import Job, Policy, ProcessingReport, Progress
    from app.engine.wire import Places
    from app.workspace.gate import Gate

_JOBS: Changes = frozenset({Subject.JOBS, Subject.CALLS})
_NOTHING: Changes = frozenset()


def by_policy(settings: Settings, policy: Policy) -> Settings:
    """Return the settings with what the vault's policy decides in place of theirs."""
    analysis = replace(settings.analysis, acoustics=policy.acoustic_analysis)
    return replace(settings, analysis=analysis)


@dataclass(slots=True)
class Processing:
    """The queue of the vault, as far as the person's scope goes. One run at a time; cancelling
    works from any thread."""

    _gate: Gate
    _settings: Settings
    _places: Places
    _cancelled: set[CallId]

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
        self._gate.require(Right.PROCESS)
        self._cancelled.clear()
        run = QueueRun(
            vault=self._gate.vault,
            workers=workers_for(self._settings.execution, self._places),
            settings=by_policy(self._settings, self._gate.vault.policy.get()),
            vocabulary=self._gate.vault.vocabulary.get(),
            actor=self._gate.actor,
            scope=self._gate.scope,
            cancelled=lambda: frozenset(self._cancelled),
            progress=progress,
            stop=stop,
        )
        return run.run()

    def cancel(self, call: CallId) -> Changes:
        """Take a call out of the queue, or end its analysis; raises `CallNotFound`."""
        self._gate.require(Right.PROCESS)
        jobs = self._gate.vault.jobs
        if not jobs.cancel(call, actor=self._gate.actor, scope=self._gate.scope):
            return _NOTHING
        self._cancelled.add(call)
        return _JOBS

    def retry(self, call: CallId) -> Changes:
        """Put a call that is not waiting back into the queue; raises `CallNotFound`."""
        self._gate.require(Right.PROCESS)
        jobs = self._gate.vault.jobs
        again = jobs.retry(call, actor=self._gate.actor, scope=self._gate.scope)
        self._cancelled.discard(call)
        return _JOBS if again else _NOTHING

    def retry_failed(self) -> Changes:
        """Put all failed calls back into the queue."""
        self._gate.require(Right.PROCESS)
        jobs = self._gate.vault.jobs
        again = jobs.retry_failed(actor=self._gate.actor, scope=self._gate.scope)
        return _JOBS if again else _NOTHING

    def jobs(self) -> tuple[Job, ...]:
        """Return what runs, what waits in its order, and what failed, newest first."""
        self._gate.require(Right.SEE_CALLS)
        states = (JobState.RUNNING, JobState.QUEUED, JobState.FAILED)
        return self._gate.vault.jobs.list(states, scope=self._gate.scope)
