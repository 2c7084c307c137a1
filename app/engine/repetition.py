"""Whisper's loops: the same words again and again, because it does not find the end.

Promises that what people really repeat is kept: digits, a name spelled twice, "no, no, no". A loop
is suspected by its words and convicted by its pace: nobody says ten words in a second. Pure.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

COMPRESSIBLE = 2.4  # text that shrinks by this is a loop (Radford et al. 2022, section 4.5)
_LONGEST_PHRASE = 8  # words
_REPEATS = 4
_FEWEST_WORDS = 8
_FASTEST_S = 0.12  # a word, in a run of many; fast speakers need twice as long


@dataclass(frozen=True, slots=True)
class Loop:
    """A phrase of `period` words said over and over in words `first` to `end` (without it)."""

    first: int
    end: int
    period: int


def suspicious(words: Sequence[str]) -> bool:
    """Whether a text holds a loop, or what looks like one."""
    content = " ".join(words).encode()
    packed = bool(content) and len(content) / len(zlib.compress(content)) > COMPRESSIBLE
    return packed or bool(loops(words))


def loops(words: Sequence[str]) -> list[Loop]:
    """Return where a phrase is said at least four times in a row, in eight words or more."""
    plain = [word.strip(" .,!?-\"'").lower() for word in words]
    found: list[Loop] = []
    at = 0
    while at < len(plain):
        loop = _at(plain, at)
        if loop is not None:
            found.append(loop)
        at = at + 1 if loop is None else loop.end
    return found


def _at(plain: Sequence[str], at: int) -> Loop | None:
    for period in range(1, _LONGEST_PHRASE + 1):
        end = at + period
        while end < len(plain) and plain[end] == plain[end - period]:
            end += 1
        if end - at >= max(_REPEATS * period, _FEWEST_WORDS):
            return Loop(at, end, period)
    return None


def kept(words: Sequence[str], starts_s: Sequence[float], ends_s: Sequence[float]) -> list[int]:
    """Return the places of the words to keep: of a loop faster than anybody speaks, the phrase
    once."""
    dropped: set[int] = set()
    for loop in loops(words):
        lasted = ends_s[loop.end - 1] - starts_s[loop.first]
        if lasted / (loop.end - loop.first) < _FASTEST_S:
            dropped.update(range(loop.first + loop.period, loop.end))
    return [place for place in range(len(words)) if place not in dropped]
