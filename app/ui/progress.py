"""What is known of a run through the queue: stages of the running calls, speed, time left.

Plain state without Qt or clock: the time is given with each report.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.domain import CallId, Stage
from app.ui import words

if TYPE_CHECKING:
    from app.domain import Progress

_SHARES = {
    Stage.DECODE: 0.03,
    Stage.TRANSCRIBE: 0.58,
    Stage.SPEAKERS: 0.02,
    Stage.REDACT: 0.13,
    Stage.MUTE: 0.03,
    Stage.VERIFY: 0.14,
    Stage.ANALYSE: 0.06,
    Stage.SCORE: 0.01,
}
"""About how much of a call's time each stage takes, so that a bar moves evenly."""


@dataclass(frozen=True, slots=True)
class CallProgress:
    """Where one running call stands; `share` is 0 to 1 of the whole call."""

    stage: Stage
    share: float


def share(stage: Stage, done: float, total: float) -> float:
    """Return how much of a call is behind when a stage has come so far."""
    before = 0.0
    for each, part in _SHARES.items():
        if each is stage:
            inside = min(1.0, done / total) if total > 0 else 0.0
            return before + part * inside
        before += part
    return before


@dataclass(slots=True)
class RunProgress:
    """Collects the reports of one run."""

    started_s: float
    calls: dict[CallId, CallProgress] = field(default_factory=dict)
    done: int = 0
    total: int = 0
    first_after_s: float | None = None
    """How long after the start the first call was done."""

    def note(self, report: Progress, now_s: float) -> bool:
        """Take a report; return whether calls began or ended since the one before."""
        if report.call is not None:
            return self._note_call(report.call, report)
        before = (self.done, self.total)
        self.done, self.total = int(report.done), int(report.total)
        if self.done and self.first_after_s is None:
            self.first_after_s = now_s - self.started_s
        return before != (self.done, self.total)

    def _note_call(self, call: CallId, report: Progress) -> bool:
        stage = report.stage or Stage.DECODE
        new = call not in self.calls
        self.calls[call] = CallProgress(stage, share(stage, report.done, report.total))
        return new

    def forget(self, running: set[CallId]) -> None:
        """Keep only the calls that still run."""
        self.calls = {call: state for call, state in self.calls.items() if call in running}

    def fraction(self) -> float:
        """Return how much of the run is behind, 0 to 1."""
        if not self.total:
            return 0.0
        partly = sum(state.share for state in self.calls.values())
        return min(1.0, (self.done + partly) / self.total)

    def per_hour(self, now_s: float) -> float | None:
        """Return calls an hour, once one is done."""
        passed = now_s - self.started_s
        return self.done / passed * 3600 if self.done and passed > 0 else None

    def seconds_left(self, now_s: float) -> float | None:
        """Return an estimate of the time that is left, once there is ground for one."""
        passed, behind = now_s - self.started_s, self.fraction()
        if passed < 2 or behind < 0.01:
            return None
        return passed * (1 - behind) / behind

    def sentence(self, now_s: float) -> str:
        """Return the state of the run in one line."""
        if not self.total:
            return "Starting…"
        number = min(self.done + 1, self.total)
        parts = [
            f"Analysing call {number:,} of {self.total:,}",
            words.rate(self.per_hour(now_s)),
            words.time_left(self.seconds_left(now_s)),
            words.first_after(self.first_after_s),
        ]
        return "  ·  ".join(part for part in parts if part)
