"""Progress on standard error, and Ctrl+C as a wish to stop.

A bar with rate and time left appears on anything that takes longer than a second, on a terminal
only. The first Ctrl+C ends long work where nothing is lost; a second one ends it at once.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from app.domain import CallId, Progress, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from app.cli.output import Output

_LAYOUT = "{desc} {percentage:3.0f}%|{bar:24}| {rate_inv_fmt}, {remaining} left"
_DELAY_SECONDS = 1.0
# The part of a call's time that each stage takes, as measured on the samples.
_SHARES = {
    Stage.DECODE: 0.02,
    Stage.TRANSCRIBE: 0.63,
    Stage.SPEAKERS: 0.01,
    Stage.REDACT: 0.12,
    Stage.MUTE: 0.02,
    Stage.VERIFY: 0.15,
    Stage.ANALYSE: 0.04,
    Stage.SCORE: 0.01,
}


class Bar:
    """A bar over a number of calls or files; `tell` takes the program's `Progress`."""

    def __init__(self, out: Output, title: str, unit: str) -> None:
        """Draw nothing yet; off a terminal, never."""
        self._title = f"{title} {unit}"
        self._steps = Steps()
        self._bar: Any = _tqdm(out, title, unit) if out.shows_progress else None

    def tell(self, step: Progress) -> None:
        """Take a step of the work and draw how far it has come."""
        self._steps.take(step)
        if self._bar is not None and self._steps.total:
            total = self._steps.total
            current = min(self._steps.finished + 1, total)
            self._bar.total = total
            self._bar.set_description_str(
                f"{self._title} {current:.0f} of {total:.0f}", refresh=False
            )
            self._bar.update(max(0.0, min(self._steps.done, total) - self._bar.n))

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Make room for output that is written meanwhile."""
        if self._bar is not None:
            self._bar.clear()
        yield
        if self._bar is not None:
            self._bar.refresh()

    def __enter__(self) -> Self:
        """Return the bar itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Take the bar off the screen."""
        if self._bar is not None:
            self._bar.close()


@dataclass(slots=True)
class Steps:
    """How far work has come, counted in calls: those that are finished and parts of running
    ones."""

    finished: float = 0
    total: float = 0
    _running: dict[CallId, float] = field(default_factory=dict)

    @property
    def done(self) -> float:
        """Finished calls and what is done of those that run."""
        return self.finished + sum(self._running.values())

    def take(self, step: Progress) -> None:
        """Take in one step."""
        if step.call is None:
            if step.done != self.finished:
                self._forget_finished(step.done - self.finished)
            self.finished, self.total = step.done, step.total
        elif step.stage is not None:
            self._running[step.call] = _part(step.stage, step.done)

    def _forget_finished(self, number: float) -> None:
        """Drop the running calls that have come furthest: it is they that have finished."""
        furthest = sorted(self._running, key=lambda call: -self._running[call])
        for call in furthest[: int(number)]:
            del self._running[call]


class Interruption:
    """Ctrl+C while it is entered: `asked` becomes true, and leaving raises `KeyboardInterrupt`."""

    def __init__(self) -> None:
        self.asked = False
        self._before: Any = None

    def __call__(self) -> bool:
        """Return whether to stop soon."""
        return self.asked

    def __enter__(self) -> Self:
        """Listen for Ctrl+C, unless this process was started to ignore it."""
        self._before = signal.getsignal(signal.SIGINT)
        if self._before is not signal.SIG_IGN:
            signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Say the interruption now that nothing can be lost by it."""
        signal.signal(signal.SIGINT, self._before)
        if self.asked and kind is None:
            raise KeyboardInterrupt

    def _ask(self, *_: object) -> None:
        if self.asked:
            raise KeyboardInterrupt
        self.asked = True


def _part(stage: Stage, done: float) -> float:
    """Return which part of a call is done within a stage."""
    order = list(Stage)
    before = sum(_SHARES[earlier] for earlier in order[: order.index(stage)])
    return before + _SHARES[stage] * done


def _tqdm(out: Output, title: str, unit: str) -> Any:  # noqa: ANN401 - it has no types
    import threading

    from tqdm import tqdm

    tqdm.monitor_interval = 0  # no thread of its own
    tqdm.set_lock(threading.RLock())  # and no semaphore shared between processes
    return tqdm(
        total=1,
        desc=title,
        unit=unit,
        file=out.stderr,
        leave=False,
        delay=_DELAY_SECONDS,
        bar_format=_LAYOUT,
        miniters=0,
        smoothing=0,
    )
