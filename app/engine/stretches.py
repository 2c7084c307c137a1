"""Which stretches of a muted recording are heard again.

Around everything that is muted, on its own channel with the words beside it and on the others as
long as it lasts; and, in turns that were kept, around numbers and wherever a value was asked for.
Edges lie between words: half a word would be heard as another one. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.domain import MutedSpan, SafeTranscript, Turn
    from app.engine.redaction.call import SaidTurn

AROUND_MS = 1000  # what leads to a value and what follows it
BESIDE_MS = 500  # beside numbers that stay
_CLOSE_MS = 500  # nearer stretches of a channel are one
_TORN = 2  # stretches in one window: seven of them were heard as a sentence that nobody said
_SAME_BREATH = 1  # turns after a question


@dataclass(frozen=True, slots=True, order=True)
class Stretch:
    """A part of one channel."""

    channel: int
    start_ms: int
    end_ms: int

    @property
    def length_ms(self) -> int:
        """How long it lasts."""
        return self.end_ms - self.start_ms

    def holds(self, channel: int, at_ms: float) -> bool:
        """Say whether a moment of a channel lies in it."""
        return channel == self.channel and self.start_ms <= at_ms < self.end_ms


def around(spans: Iterable[MutedSpan], channels: int) -> Iterator[Stretch]:
    """Yield the neighbourhoods of what is muted on all channels."""
    for span in spans:
        for channel in range(channels):
            by_ms = AROUND_MS if channel == span.channel else 0
            yield Stretch(channel, span.start_ms - by_ms, span.end_ms + by_ms)


def doubtful(safe: SafeTranscript, said: Sequence[SaidTurn]) -> Iterator[Stretch]:
    """Yield the kept turns that may hold a value: `said` is what the finders see in them."""
    for turn, seen in zip(safe.turns, said, strict=True):
        if any(one.question and one.turns_ago <= _SAME_BREATH for one in seen.asked):
            yield Stretch(turn.channel, turn.start_ms, turn.end_ms)
        for start, end in ((run.start, run.end) for run in seen.runs):
            heard = [word for word in turn.words if word.start < end and word.end > start]
            if heard:
                start_ms, end_ms = heard[0].start_ms, heard[-1].end_ms
                yield Stretch(turn.channel, start_ms - BESIDE_MS, end_ms + BESIDE_MS)


def chosen(
    stretches: Iterable[Stretch], turns: Iterable[Turn], duration_ms: int
) -> tuple[Stretch, ...]:
    """Return the stretches within the recording, apart and in order, with their edges between
    words."""
    words = [(turn.channel, word.start_ms, word.end_ms) for turn in turns for word in turn.words]
    found: list[Stretch] = []
    for one in sorted(_between(stretch, words, duration_ms) for stretch in stretches):
        last = found[-1] if found else None
        if last and last.channel == one.channel and one.start_ms <= last.end_ms + _CLOSE_MS:
            found[-1] = Stretch(last.channel, last.start_ms, max(last.end_ms, one.end_ms))
        elif one.length_ms > 0:
            found.append(one)
    return tuple(found)


def together(chosen: Iterable[Stretch], hidden: Sequence[MutedSpan]) -> list[list[Stretch]]:
    """Group the stretches of a channel to be recognised together: few in which something is muted,
    because many torn sentences make a recogniser invent another one; all of the others."""
    torn: dict[int, list[Stretch]] = {}
    whole: dict[int, list[Stretch]] = {}
    for one in chosen:
        muted = any(span.channel == one.channel and _touches(one, span) for span in hidden)
        (torn if muted else whole).setdefault(one.channel, []).append(one)
    few = [of[first : first + _TORN] for of in torn.values() for first in range(0, len(of), _TORN)]
    return [*few, *whole.values()]


def _touches(one: Stretch, span: MutedSpan) -> bool:
    return one.start_ms < span.end_ms and span.start_ms < one.end_ms


def _between(one: Stretch, words: Sequence[tuple[int, int, int]], duration_ms: int) -> Stretch:
    """Return the stretch with the words whole in which it begins and ends."""
    cut = [
        (start, end)
        for channel, start, end in words
        if channel == one.channel and (start < one.start_ms < end or start < one.end_ms < end)
    ]
    start_ms = min([one.start_ms, *(start for start, end in cut if end > one.start_ms)])
    end_ms = max([one.end_ms, *(end for start, end in cut if start < one.end_ms)])
    return Stretch(one.channel, max(0, start_ms), min(end_ms, duration_ms))
