"""Runs worker processes: sends a call, watches it, cancels it, and starts a new one after a crash.

A plain object without threads: `submit` gives a call to an idle worker and `events` waits for what
the busy ones say. Every submitted call ends as exactly one `Finished`, whatever happens to its
worker: an answer, a native crash, a stand-still, or a person who cancels. `LoneWorker` is for
questions that are answered one after the other, `ask` for a single one.
"""

from __future__ import annotations

import logging
import multiprocessing
import time
from contextlib import closing
from dataclasses import dataclass
from multiprocessing.connection import wait
from typing import TYPE_CHECKING

from app.domain import AnalysedCall, CallId, Failure, Outcome, Stage
from app.engine import wire, worker
from app.engine.wire import Places, Question, Request, StageProgress
from app.errors import AppError, Cancelled, WorkerDied, WorkerStuck
from app.log import event, logger

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.connection import Connection
    from multiprocessing.context import SpawnProcess

    from app.engine.wire import Answer

    Serve = Callable[[Connection, Places, int], None]

_log = logger(__name__)
_FAREWELL_SECONDS = 2.0
# Qt 6.12 loses 33 kB with every compressed recording that it opens: a worker makes way for a new
# one before that is worth a thought, which costs the few seconds of loading the models again
_MOST_CALLS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Advanced:
    """A running call has come further: `done` (0 to 1) of a stage."""

    call: CallId
    stage: Stage
    done: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A call has its outcome; its worker is idle again."""

    call: CallId
    outcome: Outcome


def ask(
    question: Question, places: Places, *, seconds: float, serve: Serve = worker.main
) -> Answer:
    """Start a worker for one question that is no call, and return its answer.

    Raises `WorkerDied` where it ends without one, `WorkerStuck` where it takes longer.
    """
    with closing(LoneWorker(places, threads=1, serve=serve)) as lone:
        return lone.ask(question, seconds=seconds)


class LoneWorker:
    """One worker that is asked one question after the other; it is started with the first."""

    def __init__(self, places: Places, *, threads: int, serve: Serve = worker.main) -> None:
        """Remember what to start; `serve` is what the process runs."""
        self._start: Callable[[], _Worker] = lambda: _Worker(serve, places, threads)
        self._worker: _Worker | None = None

    def ask(self, question: Question, *, seconds: float) -> Answer:
        """Return the answer.

        Raises `WorkerDied` where the process ends without one, `WorkerStuck` where it takes longer;
        the next question goes to a new process.
        """
        one = self._worker = self._worker or self._start()
        try:
            for frame in wire.encode_request(question):
                one.pipe.send_bytes(frame)
            if one.pipe.poll(seconds):
                return wire.decode_answer(one.pipe.recv_bytes)
        except (EOFError, OSError, ValueError) as error:
            self.close()
            raise WorkerDied("The process ended without an answer.") from error
        stuck = WorkerStuck("The process took too long and was ended.")
        one.kill(stuck)
        self.close()
        raise stuck

    def close(self) -> None:
        """End the process."""
        if self._worker is not None:
            self._worker.close()
        self._worker = None


class Workers:
    """A fixed number of worker processes, started when they are first needed."""

    def __init__(
        self,
        count: int,
        places: Places,
        *,
        threads: int,
        stuck_after_seconds: float,
        serve: Serve = worker.main,
    ) -> None:
        """Prepare `count` workers of `threads` threads each; nothing is started yet.

        `serve` is what a process runs.
        """
        self._start: Callable[[], _Worker] = lambda: _Worker(serve, places, threads)
        self._stuck_after_seconds = stuck_after_seconds
        self._workers: list[_Worker | None] = [None] * count

    @property
    def idle(self) -> int:
        """How many calls can be submitted now."""
        return sum(1 for worker in self._workers if worker is None or worker.call is None)

    @property
    def running(self) -> tuple[CallId, ...]:
        """The calls that are being analysed."""
        return tuple(w.call for w in self._workers if w is not None and w.call is not None)

    def submit(self, call: CallId, request: Request) -> None:
        """Give a call to an idle worker; raises `RuntimeError` when there is none."""
        for place, one in enumerate(self._workers):
            if one is not None and one.tired:
                one.close()
            if one is None or one.tired or not one.alive:
                self._workers[place] = self._start()
            chosen = self._workers[place]
            if chosen is not None and chosen.call is None:
                chosen.send(call, request)
                return
        raise RuntimeError("no worker is idle")

    def cancel(self, call: CallId) -> None:
        """End the worker of a running call; its outcome says that it was cancelled."""
        for busy in self._workers:
            if busy is not None and busy.call == call:
                busy.kill(Cancelled("The call was cancelled."))

    def events(self, timeout_seconds: float) -> Iterator[Advanced | Finished]:
        """Wait until something happens, at most so long, and say what."""
        busy = {w.pipe: w for w in self._workers if w is not None and w.call is not None}
        for pipe in wait(list(busy), timeout_seconds) if busy else ():
            yield from busy[pipe].receive()  # type: ignore[index]
        for place, one in enumerate(self._workers):
            if one is None:
                continue
            if one.call is not None and one.quiet_seconds > self._stuck_after_seconds:
                one.kill(WorkerStuck("The call made no progress for too long and was given up."))
                yield from one.receive()
            if one.gone:
                one.close()
                self._workers[place] = None

    def close(self) -> None:
        """End all workers; calls that were running have no outcome."""
        for place, one in enumerate(self._workers):
            if one is not None:
                one.close()
            self._workers[place] = None


class _Worker:
    """One process, its pipe and the call that it is working on."""

    def __init__(self, serve: Serve, places: Places, threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe: Connection
        self.pipe, theirs = context.Pipe(duplex=True)
        self.call: CallId | None = None
        self.gone = False
        self.calls = 0
        self._reason: AppError | None = None
        self._heard_at = time.monotonic()
        self._process: SpawnProcess = context.Process(
            target=serve, args=(theirs, places, threads), daemon=True, name="analysis"
        )
        self._process.start()
        theirs.close()

    @property
    def alive(self) -> bool:
        return self.call is not None or self._process.is_alive()

    @property
    def tired(self) -> bool:
        """Whether it has served long enough and is free to go."""
        return self.call is None and self.calls >= _MOST_CALLS

    @property
    def quiet_seconds(self) -> float:
        return time.monotonic() - self._heard_at

    def send(self, call: CallId, request: Request) -> None:
        self.call = call
        self.calls += 1
        self._heard_at = time.monotonic()
        try:
            for frame in wire.encode_request(request):
                self.pipe.send_bytes(frame)
        except OSError:
            self.gone = True  # `receive` finds the pipe closed and reports the call

    def receive(self) -> Iterator[Advanced | Finished]:
        """Say what the worker has sent, or that it has ended."""
        if self.call is None:
            return
        try:
            answer = wire.decode_answer(self.pipe.recv_bytes)
        except (EOFError, OSError):
            yield self._ended()
            return
        except ValueError:  # not our worker's words: its memory is damaged, so it cannot be trusted
            self._process.kill()
            yield self._ended()
            return
        self._heard_at = time.monotonic()
        if isinstance(answer, StageProgress):
            yield Advanced(call=self.call, stage=answer.stage, done=answer.done)
        elif isinstance(answer, AnalysedCall | Failure):
            yield self._finish(answer)

    def kill(self, reason: AppError) -> None:
        """End the process at once; its call fails for `reason`."""
        self._reason = reason
        self._process.kill()

    def close(self) -> None:
        self.pipe.close()
        self._process.join(_FAREWELL_SECONDS if self.call is None else 0)
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self._process.close()

    def _ended(self) -> Finished:
        self.gone = True
        self._process.join()
        reason = self._reason
        if reason is None:
            event(_log, logging.ERROR, "a worker died", status=self._process.exitcode)
            reason = WorkerDied("The analysing process ended unexpectedly on this call.")
        return self._finish(Failure(code=reason.code, sentence=reason.sentence, hint=reason.advice))

    def _finish(self, outcome: Outcome) -> Finished:
        call, self.call = self.call, None
        if call is None:
            raise RuntimeError("an outcome without a call")
        return Finished(call=call, outcome=outcome)
