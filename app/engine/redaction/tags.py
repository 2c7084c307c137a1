"""Takes the token tagger at its word where the word can be true: a number kind holds a number that
is no amount and long enough, and everyday words at the ends of a value do not belong to it.

Names go through `people`, which knows whose they are. What the tagger marks counts a little less
than what a rule finds, so that a rule names the kind where both find something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.engine.redaction.found import Found
from app.engine.redaction.spoken import spelled
from app.engine.redaction.tagger import LIKELY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon
    from app.engine.redaction.spoken import Run
    from app.engine.redaction.tagger import Tagged

PERSON, AGENT = "PERSON", "AGENT"
_WORDS = {"ADDRESS", "EMAIL", "PASSWORD"}  # kinds that may be words alone
_WHOLE = {"POSTCODE", "DATE_OF_BIRTH", "CARD_EXPIRY"}  # words belong to them beside the numbers
_MOST_WORDS = 5  # of a password
_FEWEST_DIGITS = 6  # of a number that nobody asked for or announced
_LEAST, _MOST = 0.5, 0.54  # how sure a finding is of which the tagger is just sure, and quite


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Tokens `first` to `last`, and the value they say."""

    first: int
    last: int
    value: str


class TagFinder:
    """Finds what the token tagger marks, without names."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Keep the words that tell an amount from a number, and everyday words."""
        words = lexicon.spoken.words
        self._units = frozenset(words.units)
        self._before_units = frozenset(words.before_units)
        self._months = frozenset(lexicon.spoken.months)
        streets = lexicon.address.streets | {word for unit in lexicon.address.units for word in
                                             unit.split()}  # fmt: skip
        self._loose = {
            "EMAIL": lexicon.common,
            "ADDRESS": (lexicon.common | lexicon.address.stops) - streets,
        }
        self._otherwise = lexicon.common - self._months - lexicon.spoken.letters.keys()

    def find(self, call: SaidCall, tagged: Sequence[Sequence[Tagged]]) -> list[Found]:
        """Return what was marked in every turn."""
        return [
            _found(turn, tag, stretch)
            for turn in call.turns
            for tag in tagged[turn.index]
            if tag.kind not in {PERSON, AGENT}
            for stretch in self._stretches(turn, tag)
            if not self._is_lone_number(turn, stretch, tagged[turn.index])
        ]

    def _stretches(self, turn: SaidTurn, tag: Tagged) -> Iterator[_Stretch]:
        """Yield what of a marked value is one: its numbers, or its words where they may be."""
        runs = [run for run in turn.runs if run.start < tag.end and tag.start < run.end]
        runs = [run for run in runs if not self._is_amount(turn, run)]
        expected = tag.kind in {one.kind for one in turn.asked} | {cue.kind for cue in turn.cues}
        digits = sum(char.isdigit() for run in runs for char in run.chars)
        if tag.kind in _WORDS:
            yield from self._words(turn, tag, expected=expected or digits > 0)
        elif digits and (expected or digits >= _FEWEST_DIGITS):
            if tag.kind in _WHOLE:
                yield from self._words(turn, tag, expected=True)
            else:
                yield from (part for run in runs if (part := _within(turn, run, tag)))

    @staticmethod
    def _is_lone_number(turn: SaidTurn, stretch: _Stretch, tagged: Sequence[Tagged]) -> bool:
        """Say whether a number is marked as the only address of a turn that asks for none."""
        marked = [one for one in tagged if one.kind == "ADDRESS"]
        here = turn.tokens[stretch.first].start
        if len(marked) != 1 or not marked[0].start <= here < marked[0].end:
            return False
        asked = {one.kind for one in turn.asked} | {cue.kind for cue in turn.cues}
        number = turn.in_runs.issuperset(range(stretch.first, stretch.last + 1))
        return number and "ADDRESS" not in asked

    def _words(self, turn: SaidTurn, tag: Tagged, *, expected: bool) -> Iterator[_Stretch]:
        """Yield the words of a value without everyday words at its ends."""
        places = [
            place
            for place, token in enumerate(turn.tokens)
            if tag.start <= token.start < tag.end and token.word[0].isalnum()
        ]
        loose = self._loose.get(tag.kind, self._otherwise)
        if tag.kind != "PASSWORD":
            while places and self._is_loose(turn, places[0], loose):
                places.pop(0)
            while places and self._is_loose(turn, places[-1], loose):
                places.pop()
        elif not expected or len(places) > _MOST_WORDS:
            return
        if places and (expected or len(places) > 1):
            said = " ".join(turn.words[place] for place in places)
            yield _Stretch(places[0], places[-1], said)

    def _is_loose(self, turn: SaidTurn, place: int, loose: frozenset[str]) -> bool:
        return turn.words[place] in loose and place not in turn.in_runs

    def _is_amount(self, turn: SaidTurn, run: Run) -> bool:
        """Say whether a number is one of something: "£536.90", "forty-five pounds"."""
        before = turn.words[run.first - 1] if run.first else ""
        after = turn.words[run.last + 1] if run.last + 1 < len(turn.words) else ""
        return before in self._before_units or after in self._units


def _within(turn: SaidTurn, run: Run, tag: Tagged) -> _Stretch | None:
    """Return the part of a number that was marked: an expiry date may run on into a code."""
    marked = [
        symbol
        for symbol in run.symbols
        if turn.tokens[symbol.last].end > tag.start and turn.tokens[symbol.first].start < tag.end
    ]
    return _Stretch(marked[0].first, marked[-1].last, spelled(marked)) if marked else None


def _found(turn: SaidTurn, tag: Tagged, stretch: _Stretch) -> Found:
    start, end = turn.span(stretch.first, stretch.last)
    return Found(
        kind=tag.kind,
        turn=turn.index,
        start=start,
        end=end,
        score=_LEAST + (_MOST - _LEAST) * (tag.score - LIKELY) / (1.0 - LIKELY),
        rule=f"{tag.kind.lower().replace('_', '-')}.tagger",
        value=stretch.value,
    )
