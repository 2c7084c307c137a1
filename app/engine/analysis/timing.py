"""Who talks when: stretches of time, and the arithmetic on them.

A stretch is a pair of milliseconds, start included, end not. Promises that a union is sorted,
without overlap and inside the call. Short pauses inside a turn count as talking.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import Role, Turn

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Stretch = tuple[int, int]
Side = Role | int
"""A role, or the side of a turn whose role is not known: its channel, or its voice on it."""

BREATH_MS = 600  # a pause inside a turn that is still talking
_INTO_MS = 400  # how far inside the other's speech a start must lie, on both ends
_MORE_THAN_A_NOD = 3  # words: `yes okay` while the other talks is listening


@dataclass(frozen=True, slots=True)
class Interruption:
    """`turn` starts while `over` is still talking."""

    turn: Turn
    over: Turn


def side(turn: Turn) -> Side:
    """Return whose turn it is."""
    return turn.side if turn.role is Role.UNKNOWN else turn.role


def stretches(turn: Turn) -> list[Stretch]:
    """Return when the turn's speaker talks, from the words where there are any."""
    spoken = [(word.start_ms, word.end_ms) for word in turn.words]
    return union(spoken or [(turn.start_ms, turn.end_ms)], bridge_ms=BREATH_MS)


def talking(turns: Iterable[Turn], duration_ms: int) -> list[Stretch]:
    """Return when any of the turns is talked, inside the call."""
    spoken = (stretch for turn in turns for stretch in stretches(turn))
    return union((max(0, start), min(end, duration_ms)) for start, end in spoken)


def union(parts: Iterable[Stretch], *, bridge_ms: int = 0) -> list[Stretch]:
    """Return the parts sorted and joined where they touch or lie at most `bridge_ms` apart."""
    joined: list[Stretch] = []
    for start, end in sorted(part for part in parts if part[0] < part[1]):
        if joined and start <= joined[-1][1] + bridge_ms:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def total(parts: Iterable[Stretch]) -> int:
    """Return how long the parts are together."""
    return sum(end - start for start, end in parts)


def gaps(parts: Sequence[Stretch], duration_ms: int) -> list[Stretch]:
    """Return what a union leaves free of the call."""
    borders = [0, *(ms for part in parts for ms in part), duration_ms]
    free = zip(borders[::2], borders[1::2], strict=True)
    return [(start, end) for start, end in free if start < end]


def shared(unions: Sequence[Sequence[Stretch]]) -> list[Stretch]:
    """Return when at least two of the unions hold."""
    edges = sorted((ms, step) for part in unions for s, e in part for ms, step in ((s, 1), (e, -1)))
    found: list[Stretch] = []
    active, since = 0, 0
    for ms, step in edges:
        if step == 1 and active == 1:
            since = ms
        elif step == -1 and active == 2:
            found.append((since, ms))
        active += step
    return union(found)


def interruptions(turns: Sequence[Turn]) -> list[Interruption]:
    """Return where the agent breaks into what the customer is saying, nods left out."""
    customer = [(s, turn) for turn in turns if turn.role is Role.CUSTOMER for s in stretches(turn)]
    found = []
    for turn in turns:
        if turn.role is Role.AGENT and len(turn.text.split()) >= _MORE_THAN_A_NOD:
            start = next((s for s, _ in stretches(turn)), turn.start_ms)
            over = next((t for s, t in customer if _well_inside(start, s)), None)
            if over is not None:
                found.append(Interruption(turn, over))
    return found


def _well_inside(ms: int, stretch: Stretch) -> bool:
    return stretch[0] + _INTO_MS <= ms <= stretch[1] - _INTO_MS
