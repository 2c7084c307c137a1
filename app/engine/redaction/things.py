"""Knows what may be printed like the name of a person and is none: brands and firms that are
called like people ("Paul Smith", "Corrigan Water"), and products ("Cortado").

Promises that a word counts as a thing only where two agree: the recognisers' list of things, and
the token tagger, which has to be sure that nobody is meant. Whoever is called like a brand is a
person wherever the tagger has the least doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction.lexicon import Phrases

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from app.engine.redaction.call import SaidTurn
    from app.engine.redaction.lexicon import Lexicon

_LONGEST_FIRM = 2  # words before what makes a firm of them


class ThingFinder:
    """Finds the words of a turn that name things."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Index brands and what makes firms."""
        things = lexicon.things
        self._words = frozenset(things.words.split())
        self._brands = Phrases(things.brands)
        self._firms = Phrases(things.firms)
        self._common = lexicon.common

    def places(self, turn: SaidTurn, doubted: Set[int]) -> frozenset[int]:
        """Return the tokens that name things; `doubted` are the characters of which the token
        tagger is not sure that they say nothing of anybody."""
        return frozenset(
            place
            for phrase in self._phrases(turn)
            if all(turn.tokens[place].start not in doubted for place in phrase)
            for place in phrase
        )

    def _phrases(self, turn: SaidTurn) -> Iterator[range]:
        """Yield the tokens of every product, brand and firm."""
        for place, word in enumerate(turn.words):
            if word.removesuffix("'s") in self._words:
                yield range(place, place + 1)
            if brand := self._brands.at(turn.words, place):
                yield range(place, place + brand)
            if firm := self._firms.at(turn.words, place):
                yield range(self._start_of_firm(turn, place), place + firm)

    def _start_of_firm(self, turn: SaidTurn, place: int) -> int:
        """Return the first word of the firm's name that ends before `place`."""
        first = place
        while first and place - first < _LONGEST_FIRM and self._may_name(turn.words[first - 1]):
            first -= 1
        return first

    def _may_name(self, word: str) -> bool:
        return word[0].isalpha() and word not in self._common
