"""Drawing turns by chance from the calls of a vault, in one go through them.

Promises that every turn of a stratum is drawn as probably as any other: each is given a random
number, and those with the lowest are drawn.
"""

from __future__ import annotations

import heapq
import secrets
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import msgspec

from app.domain import CallId, Channel, FoundValues, RoleBasis, Stratum
from app.sampling import allotted

if TYPE_CHECKING:
    from app.domain import CallAnalysis, Turn

_KEY_BITS = 64
_Candidate = tuple[int, CallId, int, str, Channel]


class Population(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a sample was drawn from, as it is kept."""

    calls: int
    strata: tuple[Stratum, ...]
    found: tuple[FoundValues, ...]


@dataclass(slots=True)
class Drawing:
    """A population as it is gone through once: of each stratum, the turns with the lowest of the
    random numbers that each turn is given; as many as could be drawn from it."""

    most: int
    calls: int = 0
    turns: Counter[tuple[Channel, bool]] = field(default_factory=Counter)
    found: Counter[tuple[Channel, str]] = field(default_factory=Counter)
    lowest: dict[tuple[Channel, bool], list[_Candidate]] = field(default_factory=dict)

    def add(self, call: CallId, result: str, analysis: CallAnalysis) -> None:
        """Go through the turns of a call."""
        self.calls += 1
        said = analysis.transcript.turns
        channels = [_channel(analysis, turn) for turn in said]
        redacted = {one.turn for one in analysis.redactions}
        self.found.update((channels[one.turn], one.kind) for one in analysis.redactions)
        for turn, channel in zip(said, channels, strict=True):
            stratum = (channel, turn.index in redacted)
            self.turns[stratum] += 1
            lowest = self.lowest.setdefault(stratum, [])
            # the heap's least is the highest of the random numbers that are kept
            candidate = (-secrets.randbits(_KEY_BITS), call, turn.index, result, channel)
            if len(lowest) < self.most:
                heapq.heappush(lowest, candidate)
            else:
                heapq.heappushpop(lowest, candidate)

    def result(self) -> tuple[list[_Candidate], Population]:
        """Return what is drawn, in an order by chance, and of what."""
        strata = sorted(self.turns)
        drawn = allotted([self.turns[one] for one in strata], self.most)
        chosen = [
            candidate
            for one, number in zip(strata, drawn, strict=True)
            for candidate in heapq.nlargest(number, self.lowest[one])
        ]
        population = Population(
            calls=self.calls,
            strata=tuple(
                Stratum(channel=channel, redacted=redacted, turns=self.turns[one], drawn=number)
                for one, number in zip(strata, drawn, strict=True)
                for channel, redacted in (one,)
            ),
            found=tuple(
                FoundValues(channel=channel, kind=kind, values=values)
                for (channel, kind), values in sorted(self.found.items())
            ),
        )
        return sorted(chosen, reverse=True), population


def _channel(analysis: CallAnalysis, turn: Turn) -> Channel:
    given = analysis.transcript.role_basis is RoleBasis.GIVEN
    return Channel.SHARED if analysis.channels == 1 and not given else Channel(turn.role.value)
