"""The turns of a call with estimated speakers, joined as if one side had said everything.

Where the speakers of one channel are estimated, a turn may be cut in the middle of a number or a
name, and its role may be wrong. Promises that redaction then finds all that it finds without
speakers: whatever is found in the joined turns is found in their parts, and no role is believed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain import Role

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.engine.raw import RawTranscript, RawTurn
    from app.engine.redaction.found import Found

_PAUSE_MS = 700  # as in recognition: what lies nearer was one turn before the speakers were told


@dataclass(frozen=True, slots=True)
class _Part:
    """Where the text of turn `turn` begins in the joined turn, and how long it is."""

    turn: int
    start: int
    length: int


@dataclass(frozen=True, slots=True)
class Rejoined:
    """A transcript of joined turns, and the parts of each."""

    raw: RawTranscript
    parts: tuple[tuple[_Part, ...], ...]

    def back(self, found: Iterable[Found]) -> Iterator[Found]:
        """Yield what was found in the joined turns as found in their parts."""
        for one in found:
            for part in self.parts[one.turn]:
                start = max(one.start - part.start, 0)
                end = min(one.end - part.start, part.length)
                if start < end:
                    yield replace(one, turn=part.turn, start=start, end=end)


def without_roles(raw: RawTranscript) -> RawTranscript:
    """Return the transcript with no role in it."""
    return replace(raw, turns=tuple(replace(turn, role=Role.UNKNOWN) for turn in raw.turns))


def rejoined(raw: RawTranscript) -> Rejoined:
    """Join turns that follow each other without a pause."""
    groups: list[list[int]] = []
    for index, turn in enumerate(raw.turns):
        if groups and turn.start_ms - raw.turns[groups[-1][-1]].end_ms <= _PAUSE_MS:
            groups[-1].append(index)
        else:
            groups.append([index])
    joined, parts = [], []
    for group in groups:
        turns = [raw.turns[index] for index in group]
        joined.append(_joined(turns))
        starts = [0]
        for turn in turns[:-1]:
            starts.append(starts[-1] + len(turn.text) + 1)
        parts.append(
            tuple(_Part(i, s, len(raw.turns[i].text)) for i, s in zip(group, starts, strict=True))
        )
    return Rejoined(without_roles(replace(raw, turns=tuple(joined))), tuple(parts))


def _joined(turns: list[RawTurn]) -> RawTurn:
    text = " ".join(turn.text for turn in turns)
    return replace(turns[0], text=text, end_ms=max(turn.end_ms for turn in turns), words=())
