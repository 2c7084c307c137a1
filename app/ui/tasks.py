"""Work beside the window: the only place of the program with threads.

`query` reads and `change` writes, one after the other on the store thread; `run` waits on long acts
on runner threads. Results, progress and errors come back on the window thread through one queued
signal; errors of kind `AppError` go to the message bridge (or to the caller's own `failed`),
anything else is reported as a fault. The window thread itself never waits, but in `close`.
"""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from threading import Event
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from app.errors import AppError, SessionEnded

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import Changes, Progress
    from app.ui.messages import Messages

T = TypeVar("T")

_SHORTEST_BETWEEN_PROGRESS_S = 0.08


class Act:
    """A long act on a runner thread: can be asked to stop, and passes progress on, thinned out."""

    def __init__(self, pass_on: Callable[[Progress], None]) -> None:
        """Report through `pass_on`, which is called on the runner's thread."""
        self._pass_on = pass_on
        self._stopped = Event()
        self._last: tuple[object, object, float] = (None, None, 0.0)
        self.ended = False

    def stop(self) -> None:
        """Ask the act to end soon."""
        self._stopped.set()

    def stopped(self) -> bool:
        """Return whether the act was asked to end."""
        return self._stopped.is_set()

    def progress(self, state: Progress) -> None:
        """Pass progress on when the call or stage changes, is complete, or some time has passed."""
        now = time.monotonic()
        call, stage, sent = self._last
        same = (state.call, state.stage) == (call, stage)
        if same and state.done < state.total and now - sent < _SHORTEST_BETWEEN_PROGRESS_S:
            return
        self._last = (state.call, state.stage, now)
        self._pass_on(state)


class Tasks(QObject):
    """Runs reading, writing and long acts beside the window and delivers what comes of them."""

    announced = Signal(object)
    """The `Changes` of a finished act; each page decides whether it must refresh."""

    session_ended = Signal()
    """What was asked for was not done, because the person has been signed in for too long."""

    broke = Signal()
    """Something ended in a fault of the program: nobody was given a result."""

    _back = Signal(object)

    def __init__(self, messages: Messages) -> None:
        """Start without threads; they come with the first work."""
        super().__init__()
        self._messages = messages
        self._store = ThreadPoolExecutor(1, thread_name_prefix="store")
        self._runners = ThreadPoolExecutor(4, thread_name_prefix="runner")
        self._waiting: dict[str, Future[None]] = {}
        self._acts: set[Act] = set()
        self._settled: list[Callable[[], None]] = []
        self._age = self._acts_age = 0
        self._closed = False
        self._back.connect(self._deliver, Qt.ConnectionType.QueuedConnection)

    def query(
        self,
        op: Callable[[], T],
        then: Callable[[T], None],
        *,
        key: str = "",
        failed: Callable[[AppError], None] | None = None,
    ) -> None:
        """Read by `op` on the store thread and give the result to `then`.

        A query with a `key` takes the place of one with the same key that has not begun.
        """
        if key and (earlier := self._waiting.get(key)) is not None:
            earlier.cancel()
        future = self._submit(self._store, op, then, failed or self._messages.problem)
        if key and future is not None:
            self._waiting[key] = future

    def change(
        self,
        op: Callable[[], Changes],
        then: Callable[[], None] | None = None,
        *,
        failed: Callable[[AppError], None] | None = None,
    ) -> None:
        """Write by `op` on the store thread and announce the `Changes` that it returns."""

        def done(changes: Changes) -> None:
            self.announced.emit(changes)
            if then is not None:
                then()

        self._submit(self._store, op, done, failed or self._messages.problem)

    def run(
        self,
        op: Callable[[Act], T],
        then: Callable[[T], None],
        *,
        progress: Callable[[Progress], None],
        failed: Callable[[AppError], None] | None = None,
    ) -> Act:
        """Start a long act on a runner thread; it reads `stopped` and calls `progress` itself."""
        age = self._acts_age
        act = Act(lambda state: self._back.emit((True, age, partial(progress, state))))
        self._acts.add(act)

        def finished(result: T) -> None:
            self._end(act)
            then(result)

        def broken(error: AppError) -> None:
            self._end(act)
            (failed or self._messages.problem)(error)

        self._submit(self._runners, partial(op, act), finished, broken, ended=act)
        return act

    def forget(self) -> None:
        """Deliver nothing more of what was read or written until now; long acts go on."""
        self._age += 1
        self._waiting.clear()

    def settle(self, then: Callable[[], None], *, forget: bool = True) -> None:
        """Stop all acts, forget waiting queries, and call `then` once everything has ended.

        Without `forget` what was asked for until then is still answered.
        """
        for act in self._acts:
            act.stop()

        def settled() -> None:
            if forget:
                self.forget()
            then()

        self._settled.append(settled)
        self._maybe_settled()

    def close(self) -> None:
        """Stop everything and wait for the threads; nothing is delivered afterwards."""
        self._closed = True
        self._age += 1
        self._acts_age += 1
        for act in self._acts:
            act.stop()
        self._runners.shutdown(wait=True, cancel_futures=True)
        self._store.shutdown(wait=True, cancel_futures=True)

    def _submit(
        self,
        threads: ThreadPoolExecutor,
        op: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[AppError], None],
        *,
        ended: Act | None = None,
    ) -> Future[None] | None:
        if self._closed:
            return None
        is_act = ended is not None
        age = self._acts_age if is_act else self._age

        def work() -> None:
            back: Callable[[], None]
            try:
                back = partial(then, op())
            except SessionEnded as error:
                back = partial(self._end_session, failed, error)
            except AppError as error:
                back = partial(failed, error)
            except Exception as error:  # noqa: BLE001  (one of the four places that catch all)
                back = partial(self._fault, error, ended)
            self._back.emit((is_act, age, back))

        return threads.submit(work)

    def _fault(self, error: Exception, ended: Act | None) -> None:
        if ended is not None:
            self._end(ended)
        self._messages.fault(error)
        self.broke.emit()

    def _end_session(self, failed: Callable[[AppError], None], error: SessionEnded) -> None:
        failed(error)
        self.session_ended.emit()

    def _deliver(self, item: tuple[bool, int, Callable[[], Any]]) -> None:
        is_act, age, call = item
        if age == (self._acts_age if is_act else self._age):
            call()

    def _end(self, act: Act) -> None:
        act.ended = True
        self._acts.discard(act)
        self._maybe_settled()

    def _maybe_settled(self) -> None:
        if self._acts or not self._settled:
            return
        self._acts_age += 1
        waiting, self._settled = self._settled, []
        for then in waiting:
            then()
