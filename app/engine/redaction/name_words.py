"""Knows which words may be part of a name, and how far a name goes.

Promises that a name that is taken from a turn lies on its tokens. What finds names (`people.py`)
and what tells whose they are (`own_names.py`) ask here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.engine.redaction.lexicon import Phrases

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Set

    from app.engine.redaction.call import SaidTurn
    from app.engine.redaction.lexicon import Lexicon

LONGEST_NAME = 4  # words
GOES_ON = {"from", "at", "with", "in", "on", "how", "what", "who", "can", "may", "and"}
PARTICLES = {"de", "la", "van", "der", "den", "von", "du", "di", "da", "dos", "del", "al", "el"}
PARTICLES |= {"bin", "ten", "le"}
JOINTS = {"-", "'"}
_LONGEST_LEAD_IN = 12  # tokens
_FOLLOWED = 3  # words of a name before "speaking"
_PRONOUNS = {"i", "we", "you", "they", "he", "she", "it", "be", "have", "not", "the", "also"}


@dataclass(frozen=True, slots=True)
class Name:
    """A name over tokens `first` to `last` of a turn; `own` where a customer names themselves."""

    first: int
    last: int
    score: float
    rule: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Suspect:
    """Characters `start`..`end` of a turn that a model takes for a person: spaCy, or the token
    tagger, which says how `sure` it is; `introduces` where it takes them for the speaking agent."""

    start: int
    end: int
    sure: float | None = None
    introduces: bool = False


class NameWords:
    """Tells words of names from others, by the recognisers' lists."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Index the lists."""
        spoken = lexicon.spoken
        self._names = lexicon.names
        self._people = lexicon.people
        self._common = lexicon.common
        self._lead_ins = Phrases(lexicon.people.lead_ins)
        self.afterwards = Phrases(lexicon.people.afterwards)
        self._months = frozenset(spoken.months)
        self.numbers = frozenset(
            [*spoken.digits, *spoken.teens, *spoken.tens, *spoken.ordinals, *spoken.repeats]
        )

    def trimmed(
        self, turn: SaidTurn, person: Suspect, first: int, last: int, things: Set[int]
    ) -> tuple[int, int]:
        """Return the first and the last token of a span without what cannot be a name at its ends;
        the last before the first where nothing is left."""
        tagged = person.sure is not None
        while first <= last and (
            first in things
            or turn.words[first] in self._people.vocatives
            or not self._may_stand(turn, first, tagged=tagged)
        ):
            first += 1
        while last >= first and (
            last in things or not self._may_stand(turn, last, tagged=tagged, after=last > first)
        ):
            last -= 1
        return first, last

    def _may_stand(self, turn: SaidTurn, place: int, *, tagged: bool, after: bool = False) -> bool:
        """Say whether a word may stand at an end of a name: for the tagger no everyday word may,
        and a month may at the end or at the start ("Lucinda May", "April Martin")."""
        word = turn.words[place]
        if self.is_month_as_last(turn, place) if after else self.is_month_as_first(turn, place):
            return True
        if word in GOES_ON:
            return False
        loose = tagged and word in self._common and not self.is_known(word)
        return self.may_be_name(turn, place) and not loose

    def followed(self, turn: SaidTurn) -> list[Name]:
        """Read "Graham speaking", "it's tom here"."""
        names = []
        for place in range(1, len(turn.words)):
            length = self.afterwards.at(turn.words, place)
            if not length:
                continue
            after = self.word(turn, place + length)
            ends = not after[:1].isalnum() or after in GOES_ON
            before = place - 1
            capital = turn.tokens[before].text[0].isupper() and not turn.lower
            name = self.is_known(turn.words[before]) or (
                capital and turn.words[before] not in self._common
            )
            if ends and name and self.may_be_name(turn, before):
                first = self._start(turn, before)
                names.append(Name(first, before, 0.85, "person.speaking", own=True))
        return names

    def _start(self, turn: SaidTurn, last: int) -> int:
        """Return the first word of the name that ends at `last`; in "hiya imogen neil ashdown
        speaking" it does not begin with whom the speaker greets."""
        first = last
        while first and last - first < _FOLLOWED - 1:
            if first > 1 and turn.words[first - 1] == "-":  # "mei-ling speaking"
                first -= 2
                continue
            if not self.is_known(turn.words[first - 1]):
                break
            greets = first >= 2 and turn.words[first - 2] in self._people.vocatives
            if greets and first < last:
                break
            first -= 1
        return first

    @staticmethod
    def word(turn: SaidTurn, place: int) -> str:
        """Return a word of a turn, an empty one behind its last."""
        return turn.words[place] if place < len(turn.words) else ""

    def extent(self, turn: SaidTurn, first: int, *, sure: bool) -> int:
        """Return the last word of the name that starts at `first`; less than `first` for none.

        `sure` says that a name must come, so that unknown words count in lower case too.
        """
        last = first - 1
        place = first
        while place < len(turn.words) and last - first + 1 < LONGEST_NAME:
            word = turn.words[place]
            if word in JOINTS and last >= first:
                place += 1
                continue
            if not self._part_of_name(turn, place, sure=sure, begun=last >= first):
                break
            last = place
            place += 1
        return last

    def _part_of_name(self, turn: SaidTurn, place: int, *, sure: bool, begun: bool) -> bool:
        word, token = turn.words[place], turn.tokens[place]
        may_be = word[0].isalpha() and len(word) > 1 and self.may_be_name(turn, place)
        if not may_be:
            first = not begun and self.is_month_as_first(turn, place, sure=sure)
            return first or (begun and self.is_month_as_last(turn, place))
        base = word.removesuffix("'s")
        capital = token.text[0].isupper() and not turn.lower
        if capital:
            return self.is_known(base) or base not in self._common
        if word in PARTICLES:
            return begun and place + 1 < len(turn.words) and turn.words[place + 1][0].isalpha()
        if turn.lower:
            if base in self._names.first or base in self._names.last:
                return base not in self._common or sure
            shy = base in self._names.first_words or base in self._names.last_words
            if shy:
                return sure
        return sure and word not in self._common and (turn.lower or not begun)

    def past_lead_ins(self, turn: SaidTurn, place: int) -> int:
        """Return the first token after "yes, it's"."""
        end = place + _LONGEST_LEAD_IN
        while place < min(end, len(turn.words)):
            length = self._lead_ins.at(turn.words, place)
            if not length and turn.words[place][0].isalnum():
                return place
            place += max(1, length)
        return place

    def is_month_as_last(self, turn: SaidTurn, place: int) -> bool:
        """Say whether a month is a last name: "Lucinda May", not "Lucinda may I"."""
        after = self.word(turn, place + 1)
        month = turn.words[place] in self._months and place not in turn.in_runs
        return month and self.is_known(turn.words[place - 1]) and after not in _PRONOUNS

    def is_month_as_first(self, turn: SaidTurn, place: int, *, sure: bool = False) -> bool:
        """Say whether a month is a first name: "April Martin", "my name is april"; or another word
        that is none alone: "Jesus Ortega"."""
        after = self.word(turn, place + 1)
        month = turn.words[place] in self._months or turn.words[place] in self._people.never
        month = month and turn.words[place] in self._names.first_words
        return month and place not in turn.in_runs and (sure or after in self._names.last)

    def may_be_name(self, turn: SaidTurn, place: int) -> bool:
        """Say whether nothing speaks against a word's being part of a name."""
        word = turn.words[place]
        if not word[0].isalpha() or word in self._people.never or word in self.numbers:
            return False
        apart = word not in self._months and word not in self._people.titles
        return apart and place not in turn.in_runs

    def is_known(self, word: str) -> bool:
        """Say whether a list of names knows a word."""
        names = self._names
        base = word.removesuffix("'s")
        return base in names.first or base in names.last or base in names.first_words

    def is_everyday(self, word: str) -> bool:
        """Say whether a word is more often said otherwise than as a name."""
        return word in self._common or word in self._names.last_words or not word[0].isalpha()


def stretches(
    turn: SaidTurn, person: Suspect, places: Mapping[int, int]
) -> Iterator[tuple[int, int]]:
    """Yield the first and the last token of what a model takes for a person, apart at commas:
    "Corrigan Water, Joy" are two; `places` are the tokens by where they start."""
    first = last = places.get(person.start, len(turn.tokens))
    while last < len(turn.tokens) and turn.tokens[last].end <= person.end:
        if turn.words[last] == ",":
            yield first, last - 1
            first = last + 1
        last += 1
    yield first, last - 1
