"""Conduct that the clock shows: the agent breaking in, and long silences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import Evidence, Finding, FindingKind
from app.engine.analysis import timing
from app.engine.analysis.text import evidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import Turn

FEWEST_INTERRUPTIONS = 3
DEAD_AIR_MS = 30_000


def find(turns: Sequence[Turn], duration_ms: int) -> tuple[Finding, ...]:
    """Return the findings that need nothing but times."""
    return (*_interrupting(turns), *_dead_air(turns, duration_ms))


def _interrupting(turns: Sequence[Turn]) -> tuple[Finding, ...]:
    breaks = timing.interruptions(turns)
    if len(breaks) < FEWEST_INTERRUPTIONS:
        return ()
    return (
        Finding(
            kind=FindingKind.CONDUCT,
            label="agent-interrupts",
            title="Agent interrupts",
            confidence=round(min(0.9, 0.5 + 0.1 * (len(breaks) - FEWEST_INTERRUPTIONS)), 3),
            evidence=tuple(evidence(b.turn, 0, len(b.turn.text)) for b in breaks),
        ),
    )


def _dead_air(turns: Sequence[Turn], duration_ms: int) -> tuple[Finding, ...]:
    """Evidence is the last turn before the silence, with the milliseconds of the silence."""
    silences = timing.gaps(timing.talking(turns, duration_ms), duration_ms)
    shown = [
        Evidence(turn=turn.index, start=0, end=len(turn.text), start_ms=start, end_ms=end)
        for start, end in silences
        if end - start >= DEAD_AIR_MS and (turn := _before(turns, start)) is not None
    ]
    if not shown:
        return ()
    return (
        Finding(
            kind=FindingKind.CONDUCT,
            label="dead-air",
            title="Long silence",
            confidence=1.0,
            evidence=tuple(shown),
        ),
    )


def _before(turns: Sequence[Turn], at_ms: int) -> Turn | None:
    earlier = [turn for turn in turns if turn.start_ms < at_ms]
    return max(earlier, key=lambda turn: turn.end_ms, default=None)
