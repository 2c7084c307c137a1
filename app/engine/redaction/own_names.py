"""Knows which of the names in a call are the speaking agent's own: those stay.

Some evidence is enough alone: the name that came with the call, and what only who takes a call says
("you're through to"). Other evidence counts only where nothing speaks for another person: what the
token tagger takes for an agent, "my name is", and a name from the agent's opening by which a
customer greets or thanks. Whoever customers say they are, and whomever an agent greets, asks for or
gives a title is never the agent on such evidence, so that a call out does not keep the name of the
person who is called.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

from app.domain import Role
from app.engine.redaction.lexicon import Phrases
from app.engine.redaction.name_words import (
    GOES_ON,
    LONGEST_NAME,
    Name,
    NameWords,
    Suspect,
    stretches,
)
from app.engine.redaction.named_agents import NamedAgents
from app.engine.redaction.spoken import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon

_FEW_TURNS = 3  # an agent says their name in their first turns
_OPENING_AFTER = 15  # tokens from an agent's opening to their name
_OPENING_SOON = 6  # tokens from an agent's name to their opening
_SURE_TAG = 0.9  # so sure must the tagger be
_ASKS = {"i", "was", "were"}
_ASKS_FOR = {("is", "that"), ("is", "this"), ("is", "it")}
_STOPS = {".", "?", "!"}
_THANKS = {"thank", "thanks"}
_QUESTIONS = {"is", "was", "has", "if"}  # "is grant on the line"
_LONGEST_ASK = 4  # words
_CONTRACTED = re.compile("'(?:ll|m|re|ve|d)$")  # "she'll", and no part of "O'Neill"
_STAYS = {"from", "at"}  # after a name of somebody's own, before their firm's


class Roles(IntEnum):
    """How sure it is who is the agent."""

    UNSURE = 0
    LIKELY = 1  # guessed with good reason
    KNOWN = 2


@dataclass(frozen=True, slots=True)
class Agent:
    """The words of the agent's own name, and the turns in which they say it."""

    words: frozenset[str]
    greetings: frozenset[int]
    given: frozenset[str]  # those of the words that came with the call


class OwnNames:
    """Tells the agent's own name from others."""

    def __init__(self, lexicon: Lexicon, words: NameWords) -> None:
        """Index the phrases around an agent's name."""
        people = lexicon.people
        self._words = words
        self._names = lexicon.names
        self._common = lexicon.common
        names = lexicon.names
        of_people = names.first | names.last | names.first_words | names.last_words
        self._everyday = lexicon.common - of_people - lexicon.people.titles
        self._people = people
        self._greetings = Phrases(people.greetings)
        self._sure_greetings = Phrases(people.sure_greetings)
        self._openings = Phrases(people.openings)
        self._asks_for = Phrases(people.asks_for)
        self._calls_self = Phrases(people.calls_self)
        self._own_afterwards = Phrases(people.own_afterwards)
        self._thanks = Phrases(people.thanks)
        self._agents = NamedAgents(lexicon, words)

    def agent(
        self,
        call: SaidCall,
        found: Sequence[tuple[SaidTurn, Name]],
        persons: Sequence[Sequence[Suspect]],
        agent_name: str | None,
        roles: Roles,
    ) -> Agent:
        """Return the agent of a call in which the names `found` are said; `persons` are what the
        models take for people, per turn."""
        given = {token.word for token in tokenise(agent_name or "") if len(token.word) > 1}
        sure, likely, greetings = set[str](), set[str](), set[int]()
        for turn in self._first_turns(call, roles_sure=roles > Roles.UNSURE):
            alone, own = self._greeting(turn, roles_sure=roles > Roles.UNSURE)
            if roles > Roles.UNSURE:
                own |= self._introduced_by_tagger(turn, persons[turn.index])
            sure |= alone
            likely |= own
            greetings |= {turn.index} if alone or own else set()
        if roles is Roles.KNOWN:
            likely |= self._said_late(call) | self._at_work(call, found)
        if roles > Roles.UNSURE:
            likely |= self._agreed(call, found)
            likely -= self._others(found)
        return Agent(frozenset(given | sure | likely), frozenset(greetings), frozenset(given))

    def without(self, turn: SaidTurn, name: Name, agent: Agent) -> Name | None:
        """Return a name without what of it is the agent's own, and not a customer's who is called
        the same; `None` where that is all of it."""
        greets = turn.index in agent.greetings
        if _words_of(turn, name) - self._people.titles <= agent.words and (
            greets or not (name.own and turn.role is Role.CUSTOMER)
        ):
            return None
        if self._is_given(turn, name, agent):
            return None
        first, last = name.first, name.last
        named = turn.role is Role.CUSTOMER and self._names_given(turn, first, last, agent)
        if named or (turn.role is Role.CUSTOMER and self._is_addressed(turn, first, first)):
            while first < last and _is_of(turn.words[first], agent):  # "hi tom declan osgood here"
                first += 1
        elif greets and turn.role is Role.AGENT and not self._is_addressed(turn, first, last):
            while first < last and _is_of(turn.words[last], agent):  # "corrigan water tom speaking"
                last -= 1
        return replace(name, first=first, last=last)

    def _names_given(self, turn: SaidTurn, first: int, last: int, agent: Agent) -> bool:
        """Say whether the name that came with the call stands before another whole name."""
        behind = first + 1 + (self._words.word(turn, first + 1) == ",")
        known = behind < last and turn.words[behind] in self._names.first
        return known and turn.words[first] in agent.given

    def _is_given(self, turn: SaidTurn, name: Name, agent: Agent) -> bool:
        """Say whether a model took everyday words into the name that came with the call: "just say
        it's Violet, she'll know"."""
        words = _words_of(turn, name)
        rest = {_CONTRACTED.sub("", word) for word in words - agent.given}
        return not (words.isdisjoint(agent.given) or name.own) and rest <= self._everyday

    # ------------------------------------------------------------------ what an agent says

    @staticmethod
    def _first_turns(call: SaidCall, *, roles_sure: bool) -> list[SaidTurn]:
        """Return the first turns of the agent, of anybody where roles are not sure."""
        return [one for one in call.turns if one.role is Role.AGENT or not roles_sure][:_FEW_TURNS]

    def _greeting(self, turn: SaidTurn, *, roles_sure: bool) -> tuple[set[str], set[str]]:
        """Return the words of a name with which the speaker introduces themselves as agent: those
        after what only an agent says, and others."""
        openings = [p for p in range(len(turn.words)) if self._openings.at(turn.words, p)]
        alone, words = set[str](), set[str]()
        for place in range(len(turn.words)):
            if place and turn.words[place - 1] in _ASKS:  # "am I speaking to Declan"
                continue
            sure = self._sure_greetings.at(turn.words, place)
            believed = roles_sure or any(_opens(one, place) for one in openings[:_FEW_TURNS])
            length = sure or (self._greetings.at(turn.words, place) if believed else 0)
            if length:
                own = self._from(turn, place + length, sure=bool(sure), trusted=roles_sure)
                (alone if sure else words).update(own)
        for name in self._words.followed(turn):
            if turn.words[max(0, name.first - 2) : name.first] in _ASKS_FOR:
                continue
            if roles_sure or any(_opens(one, name.first) for one in openings[:_FEW_TURNS]):
                words |= _base(self._last_said(turn, name))
        return alone, words | (self._before(turn) if roles_sure else set())

    def _from(self, turn: SaidTurn, first: int, *, sure: bool, trusted: bool) -> set[str]:
        """Return the words of the name that starts at `first`."""
        last = self._words.extent(turn, first, sure=sure)
        if last < first and trusted and self._stands_alone(turn, first):
            last = first
        if last >= first and not sure and turn.words[last].endswith("'s"):
            return set()  # "this is priya's line"
        if last >= first and self._words.word(turn, last + 1) == "-":
            last += 2
        return _base(turn.words[first : last + 1])

    def _before(self, turn: SaidTurn) -> set[str]:
        """Return the words that stand where an agent's name does, be they known or not: "xochitl
        speaking", "Declan is my name"."""
        words = set[str]()
        for place in range(len(turn.words) - 1):
            asked = turn.words[max(0, place - 2) : place]
            if asked in _ASKS_FOR or not _QUESTIONS.isdisjoint(asked[-1:]):
                continue
            speaks = self._words.afterwards.at(turn.words, place + 1)
            known = self._own_afterwards.at(turn.words, place + 1) and self._is_likely(turn, place)
            if known or (speaks and self._stands_alone(turn, place)):
                jointed = place > 1 and turn.words[place - 1] == "-"
                words |= _base(turn.words[place - 2 * jointed : place + 1])
        return words

    def _is_likely(self, turn: SaidTurn, place: int) -> bool:
        """Say whether a word is known as a name, or unknown."""
        capital = turn.tokens[place].text[0].isupper() or turn.lower
        return (capital and self._words.is_known(turn.words[place])) or self._is_unknown(
            turn, place
        )

    def _is_unknown(self, turn: SaidTurn, place: int) -> bool:
        common = turn.words[place] in self._common
        return not common and self._words.may_be_name(turn, place)

    def _stands_alone(self, turn: SaidTurn, place: int) -> bool:
        """Say whether one word is the name that an agent greets with, be it an everyday word or an
        unknown one: "this is grant can i help", "morning bronagh here"."""
        after = self._words.word(turn, place + 1)
        followed = self._words.afterwards.at(turn.words, place + 1) > 0
        if after[:1].isalnum() and after not in GOES_ON and not followed:
            return False
        if place >= len(turn.words):
            return False
        return turn.words[place] in self._names.first_words or self._is_unknown(turn, place)

    def _introduced_by_tagger(self, turn: SaidTurn, persons: Sequence[Suspect]) -> set[str]:
        """Return the words of the name with which the tagger is sure that an agent greets."""
        words = set[str]()
        places = {token.start: place for place, token in enumerate(turn.tokens)}
        for person in persons:
            if person.introduces and (person.sure or 0.0) >= _SURE_TAG:
                for start, end in stretches(turn, person, places):
                    first, last = self._words.trimmed(turn, person, start, end, frozenset())
                    if first <= last and not self._is_spoken_to(turn, first, last):
                        words |= _base(turn.words[first : last + 1])
        return words

    def _is_spoken_to(self, turn: SaidTurn, first: int, last: int) -> bool:
        """Say whether a name is that of whom the agent greets, thanks or asks for, or belongs to
        something: "thank you for calling Fernbank, Declan", "is this Declan's line"."""
        sentence = max((p for p in range(first) if turn.words[p] in _STOPS), default=-1) + 1
        thanked = turn.words[sentence] in _THANKS and self._is_called_upon(turn, first, last)
        belongs = turn.words[last].endswith("'s")
        return thanked or belongs or self._is_addressed(turn, first, last)

    def _said_late(self, call: SaidCall) -> set[str]:
        """Return the words of the names that agents give as their own at any time."""
        words = set[str]()
        for turn in call.turns:
            if turn.role is not Role.AGENT:
                continue
            for place in range(len(turn.words)):
                if length := self._calls_self.at(turn.words, place):
                    words |= self._from(turn, place + length, sure=True, trusted=True)
            words |= _base(sorted(self._agents.named(turn))) | self._before(turn)
        return words

    def _at_work(self, call: SaidCall, found: Sequence[tuple[SaidTurn, Name]]) -> set[str]:
        """Return the words of the names that agents say with where their bearers work."""
        opening, words = _opening(call), set[str]()
        for turn, name in found:
            agents = turn.role is Role.AGENT
            if agents and self._agents.at_work(turn, name, opening=turn.index in opening):
                words |= _base(self._last_said(turn, name))
        return words

    def _last_said(self, turn: SaidTurn, name: Name) -> Sequence[str]:
        """Return the words of a name, in lower case without whom the speaker addresses right before
        their own name: "right declan tom from billing"."""
        whole = turn.words[name.first : name.last + 1]
        first = whole[-1] in self._names.first or whole[-1] in self._names.first_words
        return whole[-1:] if turn.lower and first and "-" not in whole else whole

    # ------------------------------------------------------------------ what both sides say

    def _agreed(self, call: SaidCall, found: Sequence[tuple[SaidTurn, Name]]) -> set[str]:
        """Return the words by which customers greet or thank somebody whom the agent has named
        first, in their opening."""
        named: dict[str, int] = {}
        for turn, name in found:
            for word in _words_of(turn, name):
                named[word] = min(named.get(word, turn.index), turn.index)
        opening = _opening(call)
        return {word for word, index in named.items() if index in opening} & {
            word
            for turn in call.turns
            if turn.role is Role.CUSTOMER
            for word in self._thanked(turn)
        }

    def _thanked(self, turn: SaidTurn) -> Iterator[str]:
        """Yield the words right after "hi" or "thank you"."""
        for place in range(len(turn.words)):
            if length := self._thanks.at(turn.words, place):
                after = place + length
                after += self._words.word(turn, after) == ","
                yield self._words.word(turn, after)

    def _others(self, found: Sequence[tuple[SaidTurn, Name]]) -> set[str]:
        """Return the words of the names that customers give as theirs, wherever they are said, and
        of those whom an agent greets, asks for or gives a title."""
        claimed, others = set[str](), set[str]()
        for turn, name in found:
            if name.own and turn.role is Role.CUSTOMER:
                claimed |= _words_of(turn, name)
        for turn, name in found:
            words = _words_of(turn, name)
            titled = name.rule == "person.title"
            addressed = (
                titled
                or self._is_addressed(turn, name.first, name.last)
                or self._agents.is_of_another(turn, name)
            )
            if turn.role is Role.AGENT and (addressed or words & claimed):
                others |= words
            elif words & claimed:  # but not whom they greet first: "hiya tom declan osgood here"
                greeted = self._is_addressed(turn, name.first, name.first)
                others |= words - (
                    _base(turn.words[name.first : name.first + 1]) if greeted else set()
                )
        return others | claimed

    def _is_called_upon(self, turn: SaidTurn, first: int, last: int) -> bool:
        """Say whether a name stands between commas or at an end of its sentence, as that of whom
        one speaks to does: "thank you for calling, Declan"."""
        before = turn.words[first - 1] if first else "."
        after = self._words.word(turn, last + 1)
        return not before[0].isalnum() and not after[:1].isalnum()

    def _is_addressed(self, turn: SaidTurn, first: int, last: int) -> bool:
        """Say whether the speaker greets, thanks or asks for the name over these tokens, or for the
        known names right before it."""
        start = max(0, first - LONGEST_NAME)
        while first > start and self._words.is_known(turn.words[first - 1]):
            first -= 1
        before = first - (first > 0 and turn.words[first - 1] == ",")
        asked = any(
            place + self._asks_for.at(turn.words, place) == before
            for place in range(max(0, before - _LONGEST_ASK), before)
        )
        if asked:
            return True
        after = last + 1
        after += 2 * (self._words.word(turn, after) == "-")  # "hello mei-ling speaking"
        own = self._words.word(turn, after) in _STAYS or any(
            phrases.at(turn.words, after)
            for phrases in (self._words.afterwards, self._own_afterwards)
        )
        return before > 0 and turn.words[before - 1] in self._people.vocatives and not own


def _opening(call: SaidCall) -> set[int]:
    """Return the turns that an agent says before the customer answers."""
    said: list[int] = []
    for turn in call.turns:
        if turn.role is Role.AGENT:
            said.append(turn.index)
        elif said:
            break
    return set(said[:_FEW_TURNS])


def _is_of(word: str, agent: Agent) -> bool:
    return word.removesuffix("'s") in agent.words or not word[0].isalpha()


def _words_of(turn: SaidTurn, name: Name) -> set[str]:
    return _base(turn.words[name.first : name.last + 1])


def _base(words: Sequence[str]) -> set[str]:
    return {word.removesuffix("'s") for word in words if word[0].isalpha()}


def _opens(opening: int, place: int) -> bool:
    """Say whether an agent's opening words stand so near before a greeting, or right after it,
    that they are the same speaker's, whoever speaks in the turn."""
    return -_OPENING_AFTER <= opening - place <= 0 or 0 < opening - place <= _OPENING_SOON
