"""Takes calls from queued to done: plain sequential code that keeps the workers busy.

No threads: one loop hands calls to idle worker processes and takes what they answer. A call is
claimed with a lease and saved in one transaction with its outcome, so that whatever is killed when,
every call stands in the queue or is done, once.
"""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import TYPE_CHECKING

from app.domain import (
    EVERYTHING,
    AnalysedCall,
    CallId,
    CorrectedCall,
    Failure,
    JobState,
    ProcessingReport,
    Progress,
    RedactedCall,
)
from app.engine.capacity import fitting, shared, usable_cores, usable_memory
from app.engine.client import Advanced, Finished, LoneWorker, Workers
from app.engine.wire import Places, Request
from app.errors import (
    AppError,
    CallFailed,
    DeviceMissing,
    ModelError,
    ModelMismatch,
    ModelMissing,
    PackInvalid,
    UsageError,
    WorkerDied,
)
from app.storage.audio import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from app.config import ExecutionSettings, Settings
    from app.domain import Outcome, Scope
    from app.engine.wire import Answer, RedactionRequest, SpeakersRequest
    from app.storage.jobs import Lease
    from app.storage.vault import Vault

    Tell = Callable[[Progress], None]
    Stop = Callable[[], bool]

_TICK_SECONDS = 0.2
_LEASE_SECONDS = 600.0
_RENEW_AFTER_SECONDS = 120.0
# what is wrong with the settings or the installation, and with none of the calls
_NO_FAULT_OF_THE_CALL = {
    kind.code: kind
    for kind in (
        UsageError,
        ModelError,
        ModelMissing,
        ModelMismatch,
        PackInvalid,
        DeviceMissing,
    )
}


def workers_for(
    execution: ExecutionSettings, places: Places, *, calls: int | None = None
) -> Workers:
    """Return the workers that this machine carries, or those of the settings; where there are only
    so many `calls`, no more than these, with the cores of the others."""
    cores, memory = usable_cores(), usable_memory()
    count, threads = chosen(execution, cores, memory)
    if calls is not None and calls < count and not execution.workers:
        count = max(1, calls)
        threads = execution.threads_per_worker or shared(cores, count)
    stuck = execution.stuck_after_seconds
    return Workers(count, places, threads=threads, stuck_after_seconds=stuck)


def lone_worker(execution: ExecutionSettings, places: Places) -> LoneWorker:
    """Return one worker beside those of the queue, with as many threads as each of them."""
    return LoneWorker(places, threads=chosen(execution, usable_cores(), usable_memory())[1])


def chosen(execution: ExecutionSettings, cores: int, memory: int | None) -> tuple[int, int]:
    """Return the workers and the threads of each: what the settings say, the rest from the machine;
    what is given of the one decides on the other."""
    count, threads = fitting(cores, memory)
    if execution.threads_per_worker:
        threads = execution.threads_per_worker
        count, _ = fitting(cores, memory, threads)
    if execution.workers:
        count = execution.workers
        threads = execution.threads_per_worker or shared(cores, count)
    return count, threads


def analyse_each(
    requests: Iterable[tuple[CallId, Request]], workers: Workers, *, progress: Tell, stop: Stop
) -> Iterator[tuple[CallId, Outcome]]:
    """Analyse calls that are not kept anywhere and give each outcome as soon as it is there.

    Raises `UsageError` or `ModelError` where a worker finds that the settings ask for what cannot
    be used: no other call would fare better.
    """
    waiting = iter(requests)
    exhausted = False
    with closing(workers):
        while not stop():
            while workers.idle and not exhausted:
                call, request = next(waiting, (None, None))
                exhausted = call is None or request is None
                if call is not None and request is not None:
                    workers.submit(call, request)
            if not workers.running:
                return
            for event in workers.events(_TICK_SECONDS):
                if isinstance(event, Finished):
                    _refuse_unusable(event.outcome)
                    yield event.call, event.outcome
                else:
                    progress(_of_call(event))


def redact(
    request: RedactionRequest, lone: LoneWorker, *, seconds: float
) -> RedactedCall | Failure:
    """Redact one transcript that is not kept anywhere.

    Raises `ModelError` where the worker finds that a model cannot be used: no other transcript
    would fare better.
    """
    try:
        answer = lone.ask(request, seconds=seconds)
    except CallFailed as error:
        return Failure(code=error.code, sentence=error.sentence, hint=error.advice)
    _refuse_unusable(answer)
    if isinstance(answer, RedactedCall | Failure):
        return answer
    raise WorkerDied("The process answered what it was not asked.")


def correct(request: SpeakersRequest, lone: LoneWorker, *, seconds: float) -> CorrectedCall:
    """Return what follows when a person says who speaks in a call.

    Raises `CallFailed`, `UsageError` or `ModelError`: what was known of the call stands then.
    """
    answer = lone.ask(request, seconds=seconds)
    _refuse_unusable(answer)
    if isinstance(answer, Failure):
        raise CallFailed(answer.sentence, hint=answer.hint)
    if isinstance(answer, CorrectedCall):
        return answer
    raise WorkerDied("The process answered what it was not asked.")


@dataclass(slots=True)
class QueueRun:
    """One run through the queue of an open vault, until it is empty or a person stops it."""

    vault: Vault
    workers: Workers
    settings: Settings
    actor: str
    cancelled: Callable[[], frozenset[CallId]]
    progress: Tell
    stop: Stop
    scope: Scope = EVERYTHING
    vocabulary: str = field(default="", repr=False)
    _leases: dict[CallId, Lease] = field(default_factory=dict)
    _renewed_at: float = field(default_factory=time.monotonic)
    _states: list[JobState] = field(default_factory=list)
    _audio_ms: int = 0

    def run(self) -> ProcessingReport:
        """Process until nothing is queued; raises `StorageError` when results cannot be kept, and
        `UsageError` or `ModelError` where the settings ask for what cannot be used.

        Calls that were running when it ends early go back to the queue.
        """
        started = time.monotonic()
        try:
            self.vault.originals.destroy_due(stop=self.stop)
            self._loop()
        finally:
            self.workers.close()
            for lease in self._leases.values():
                self.vault.jobs.release(lease)
        return ProcessingReport(
            done=self._states.count(JobState.DONE),
            failed=self._states.count(JobState.FAILED),
            cancelled=self._states.count(JobState.CANCELLED),
            audio_ms=self._audio_ms,
            seconds=time.monotonic() - started,
        )

    def _loop(self) -> None:
        self._tell_totals()
        while not self.stop():
            while self.workers.idle and self._start_next():
                self._tell_totals()
            if not self._leases:
                return
            for event in self.workers.events(_TICK_SECONDS):
                if isinstance(event, Finished):
                    self._finish(event)
                    self._tell_totals()
                else:
                    self.progress(_of_call(event))
            self._keep_leases()

    def _start_next(self) -> bool:
        """Claim the next call and hand it to a worker; say whether there was one."""
        lease = self.vault.jobs.claim(self.actor, lease_seconds=_LEASE_SECONDS, scope=self.scope)
        if lease is None:
            return False
        try:
            recording = self.vault.audio.read(lease.call.id, Purpose.ORIGINAL)
            corrected = self.vault.speakers.corrected(lease.call.id)
        except AppError as error:
            failure = Failure(code=error.code, sentence=error.sentence, hint=error.advice)
            self._save(lease, failure)
            return True
        self._leases[lease.call.id] = lease
        request = Request(
            content="audio",
            payload=recording,
            suffix=PurePath(lease.call.source_name).suffix,
            source_name=lease.call.source_name,
            settings=self.settings,
            metadata=lease.call.metadata,
            vocabulary=self.vocabulary,
            corrected=corrected,
        )
        self.workers.submit(lease.call.id, request)
        return True

    def _finish(self, event: Finished) -> None:
        _refuse_unusable(event.outcome)
        lease = self._leases.pop(event.call)
        if isinstance(event.outcome, Failure) and event.outcome.code == WorkerDied.code:
            # Once more, in case another program took the memory; the third death is final.
            if self.vault.jobs.release(lease, died=True) is JobState.FAILED:
                self._states.append(JobState.FAILED)
            return
        try:
            self._save(lease, event.outcome)
        except AppError:
            self._leases[event.call] = lease
            raise

    def _save(self, lease: Lease, outcome: Outcome) -> None:
        if not self.vault.calls.save(lease, outcome, actor=self.actor):
            self._states.append(JobState.CANCELLED)
        elif isinstance(outcome, AnalysedCall):
            self.vault.originals.destroy(lease.call.id)
            self._states.append(JobState.DONE)
            self._audio_ms += outcome.analysis.duration_ms
        else:
            self._states.append(JobState.FAILED)

    def _keep_leases(self) -> None:
        """End the workers of cancelled calls, and renew the leases of long ones."""
        for call in self.cancelled() & frozenset(self.workers.running):
            self.workers.cancel(call)
        if time.monotonic() - self._renewed_at > _RENEW_AFTER_SECONDS:
            self._renewed_at = time.monotonic()
            for lease in self._leases.values():
                self.vault.jobs.renew(lease, lease_seconds=_LEASE_SECONDS)

    def _tell_totals(self) -> None:
        totals = self.vault.calls.totals(scope=self.scope)
        waiting = totals[JobState.QUEUED] + totals[JobState.RUNNING]
        done = len(self._states)
        self.progress(Progress(done=done, total=done + waiting))


def _refuse_unusable(outcome: Answer) -> None:
    """Raise what a worker says of the settings or the installation, so that no call is blamed."""
    if isinstance(outcome, Failure) and outcome.code in _NO_FAULT_OF_THE_CALL:
        raise _NO_FAULT_OF_THE_CALL[outcome.code](outcome.sentence, hint=outcome.hint)


def _of_call(event: Advanced) -> Progress:
    return Progress(done=event.done, total=1, call=event.call, stage=event.stage)
