"""The call once more, with the words that were heard again in the place of those heard first.

The safe words around them stay, so that the dialogue decides as before what a run of digits is. A
word heard again belongs to the turn in which it sounds, with its role; where nobody had spoken on
that channel it is a turn of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.domain import Role
from app.engine.raw import RawTranscript, RawTurn, RawWord

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.domain import SafeTranscript, Turn
    from app.engine.stretches import Stretch
    from app.engine.turns import TimedWord

_NEAR_MS = 700  # as far from a turn as a pause within one may be
_PLACEHOLDER = re.compile(r"\W*\[[A-Z_]+-\d+\]\W*\Z")
_NO_LETTER = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class Said:
    """A word on a channel; `again` says that it was understood in the muted audio."""

    channel: int
    text: str = field(repr=False)
    start_ms: int
    end_ms: int
    again: bool
    joined: bool = False

    @property
    def middle_ms(self) -> float:
        """The moment at which it is in the middle."""
        return (self.start_ms + self.end_ms) / 2

    @property
    def plain(self) -> str:
        """The word in small letters without signs."""
        return _NO_LETTER.sub("", self.text.casefold())


@dataclass(frozen=True, slots=True)
class Retold:
    """The call as the finders read it, and the words of each turn with their characters in it."""

    raw: RawTranscript
    words: tuple[tuple[tuple[int, int, Said], ...], ...] = field(repr=False)

    def within(self, turn: int, start: int, end: int) -> list[Said]:
        """Return the words that characters of a turn touch."""
        return [word for first, last, word in self.words[turn] if first < end and last > start]


def is_placeholder(word: str) -> bool:
    """Say whether a word of a safe turn stands for a value."""
    return _PLACEHOLDER.match(word) is not None


def kept_words(turn: Turn) -> list[Said]:
    """Return what is left of a safe turn: its words without placeholders."""
    return [
        Said(
            channel=turn.channel,
            text=word.text,
            start_ms=word.start_ms,
            end_ms=word.end_ms,
            again=False,
            joined=word.start > 0 and not turn.text[word.start - 1].isspace(),
        )
        for word in turn.words
        if not is_placeholder(word.text)
    ]


def retold(
    safe: SafeTranscript, again: Iterable[TimedWord], stretches: Sequence[Stretch]
) -> Retold:
    """Return the call with what was heard again in `stretches` in place of what is kept there."""
    told = [
        (turn, [word for word in kept_words(turn) if not _among(word, stretches)])
        for turn in safe.turns
    ]
    alone: list[Said] = []
    for heard in again:
        word = Said(heard.channel, heard.text, heard.start_ms, heard.end_ms, True, heard.joined)
        place = _nearest(safe.turns, word)
        (alone if place is None else told[place][1]).append(word)
    turns = [_written(_model(turn), words) for turn, words in told if words]
    turns += [_written(_new(safe, words[0]), words) for words in _breaths(alone)]
    turns.sort(key=lambda one: (one[0].start_ms, one[0].channel))
    raw = RawTranscript(
        turns=tuple(turn for turn, _ in turns),
        language=safe.language,
        role_basis=safe.role_basis,
        role_confidence=safe.role_confidence,
    )
    return Retold(raw, tuple(words for _, words in turns))


def _among(word: Said, stretches: Iterable[Stretch]) -> bool:
    return any(one.holds(word.channel, word.middle_ms) for one in stretches)


def _nearest(turns: Sequence[Turn], word: Said) -> int | None:
    """Return the turn of its channel in which a word sounds, or the nearest one."""
    away = [
        (max(turn.start_ms - word.middle_ms, word.middle_ms - turn.end_ms, 0), turn.index)
        for turn in turns
        if turn.channel == word.channel
    ]
    distance, index = min(away, default=(_NEAR_MS + 1, 0))
    return index if distance <= _NEAR_MS else None


def _breaths(words: list[Said]) -> list[list[Said]]:
    """Group words that no turn holds by channel and pauses."""
    groups: list[list[Said]] = []
    for word in sorted(words, key=lambda one: (one.channel, one.start_ms)):
        last = groups[-1][-1] if groups else None
        if last and last.channel == word.channel and word.start_ms - last.end_ms <= _NEAR_MS:
            groups[-1].append(word)
        else:
            groups.append([word])
    return groups


def _model(turn: Turn) -> RawTurn:
    return RawTurn(
        channel=turn.channel,
        role=turn.role,
        start_ms=turn.start_ms,
        end_ms=turn.end_ms,
        text="",
        speaker=turn.speaker,
    )


def _new(safe: SafeTranscript, word: Said) -> RawTurn:
    """Return an empty turn of the side that speaks on the word's channel."""
    sides = {(turn.role, turn.speaker) for turn in safe.turns if turn.channel == word.channel}
    role, speaker = next(iter(sides)) if len(sides) == 1 else (Role.UNKNOWN, None)
    return replace(
        RawTurn(channel=word.channel, role=role, start_ms=0, end_ms=0, text=""), speaker=speaker
    )


def _written(
    model: RawTurn, words: Iterable[Said]
) -> tuple[RawTurn, tuple[tuple[int, int, Said], ...]]:
    """Return the turn with its words in the order in which they sound, and their characters."""
    text, places, raw = "", [], []
    ordered = sorted(words, key=lambda word: (word.start_ms, word.end_ms))
    for word in ordered:
        text += "" if word.joined or not text else " "
        start, end = len(text), len(text) + len(word.text)
        places.append((start, end, word))
        raw.append(
            RawWord(
                text=word.text,
                start=start,
                end=end,
                start_ms=word.start_ms,
                end_ms=word.end_ms,
                confidence=1.0,
            )
        )
        text += word.text
    turn = replace(
        model,
        start_ms=ordered[0].start_ms,
        end_ms=max(word.end_ms for word in ordered),
        text=text,
        words=tuple(raw),
    )
    return turn, tuple(places)
