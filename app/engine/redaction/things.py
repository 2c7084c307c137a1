"""Knows what may be printed like the name of a person and is none: brands and firms that are
called like people ("Paul Smith", "Corrigan Water"), and products ("Cortado").

Promises that a word counts as a thing only where two agree: the recognisers' list of things, or
what stands around a maker's name, and the token tagger, which has to be sure that nobody is meant.
Whoever is called like a brand is a person wherever the tagger has the least doubt.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction.lexicon import Phrases

if TYPE_CHECKING:
    from collections.abc import Iterator, Set

    from app.engine.redaction.call import SaidTurn
    from app.engine.redaction.lexicon import Lexicon

_LONGEST_NAME = 2  # words of a firm or a maker


class ThingFinder:
    """Finds the words of a turn that name things."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Index brands and what makes firms."""
        things = lexicon.things
        self._words = frozenset(things.words.split())
        self._brands = Phrases(things.brands)
        self._firms = Phrases(things.firms)
        self._before_makers = frozenset(things.before_makers.split())
        self._goods = self._words - set(things.owned.split())
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
                yield range(self._start_of_name(turn, place), place + firm)
            if word in self._goods and (maker := self._maker(turn, place)):
                yield maker

    def _maker(self, turn: SaidTurn, place: int) -> range | None:
        """Return the tokens of a maker's name right before a product, be it listed or not."""
        first = self._start_of_name(turn, place)
        before = turn.words[first - 1] if first else ""
        return range(first, place) if first < place and before in self._before_makers else None

    def _start_of_name(self, turn: SaidTurn, place: int) -> int:
        """Return the first word of the firm's or maker's name that ends before `place`."""
        first = place
        while first and place - first < _LONGEST_NAME and self._may_name(turn.words[first - 1]):
            first -= 1
        return first

    def _may_name(self, word: str) -> bool:
        return word[0].isalpha() and word not in self._common
