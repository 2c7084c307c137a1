"""Finds the names of people, also in lower case.

Five ways, united: what spaCy and the token tagger take for a person, known names, what is said
around a name ("my name is", "mister", the answer to a question for it), and names spelled out. A
name found once is found again wherever a part of it is said. Agents' own names (`own_names.py`)
stay unless the settings say otherwise.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain import RoleBasis
from app.engine.redaction.found import Found
from app.engine.redaction.lexicon import Phrases
from app.engine.redaction.name_words import (
    JOINTS,
    LONGEST_NAME,
    PARTICLES,
    Name,
    NameWords,
    Suspect,
    stretches,
)
from app.engine.redaction.own_names import OwnNames, Roles

if TYPE_CHECKING:
    from collections.abc import Sequence, Set

    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon

_FEW_TURNS = 3  # after so many turns a question for a name is no longer open
_SPELLED = 3  # letters one by one that are a name
_SPELLED_ANYWHERE = 5
_SURE_TAG = 0.9  # so sure must the tagger be of a name that is an everyday word
_SURE_ROLES = 0.7  # below it a guessed role is not believed
_SHY_TITLES = {"miss", "sir", "lady", "doctor", "uncle", "dame", "lord", "dr"}  # said alone too


class PeopleFinder:
    """Finds names of people in a call."""

    def __init__(self, lexicon: Lexicon, *, agents_too: bool) -> None:
        """Index the phrases around names; `agents_too` redacts the agent's own name as well."""
        people = lexicon.people
        self._names = lexicon.names
        self._people = people
        self._common = lexicon.common
        self._agents_too = agents_too
        self._introductions = Phrases(people.introductions)
        self._sure = Phrases(people.sure_introductions)
        self._words = NameWords(lexicon)
        self._own = OwnNames(lexicon, self._words)

    def find(  # noqa: PLR0913 (what the models say, and whose call it is)
        self,
        call: SaidCall,
        persons: Sequence[Sequence[Suspect]],
        *,
        things: Sequence[Set[int]],
        agent_name: str | None,
        role_basis: RoleBasis,
        role_confidence: float,
    ) -> list[Found]:
        """Return the names of every turn; `persons` are what the models take for people, per
        turn, and `things` the tokens that name things and nobody."""
        found: list[tuple[SaidTurn, Name]] = []
        for turn in call.turns:
            names = self._in_turn(turn, persons[turn.index], things[turn.index])
            found += [(turn, name) for name in names]
        roles = _sure_of_roles(role_basis, role_confidence)
        agent = self._own.agent(call, found, persons, agent_name, roles)
        kept = [
            (turn, name)
            for turn, one in found
            if (name := one if self._agents_too else self._own.without(turn, one, agent))
        ]
        kept += self._said_again(call, kept, agent.words)
        return _as_found(kept)

    # ------------------------------------------------------------------ one turn

    def _in_turn(self, turn: SaidTurn, persons: Sequence[Suspect], things: Set[int]) -> list[Name]:
        places = {token.start: place for place, token in enumerate(turn.tokens)}
        names: list[Name] = []
        for one in persons:
            parts = list(stretches(turn, one, places))
            whole = range(parts[0][0], parts[-1][1] + 1)
            words = [turn.words[place] for place in whole if place not in things]
            trimmed = (self._words.trimmed(turn, one, *ends, things) for ends in parts)
            names += [
                name
                for first, last in trimmed
                if first <= last and (name := self._by_model(turn, one, first, last, words))
            ]
        place = 0
        while place < len(turn.words):
            name = self._introduced(turn, place, things) or self._titled(turn, place)
            if name is None and place not in things:
                name = self._known(turn, place)
            if name:
                names.append(name)
            place = max(place + 1, name.last + 1 if name else 0)
        names += self._words.followed(turn)
        names += self._answer(turn)
        names += self._spelled(turn, names)
        return names

    def _by_model(
        self, turn: SaidTurn, person: Suspect, first: int, last: int, words: Sequence[str]
    ) -> Name | None:
        """Take the tokens that a model takes for a person, where they can be one: among everyday
        `words` has to be one that is a name too, and the tagger has to be very sure of it."""
        known = any(self._words.is_known(word) for word in words)
        everyday = all(self._words.is_everyday(word) for word in words)
        if person.sure is not None:
            capital = any(one.text[0].isupper() for one in turn.tokens[first : last + 1])
            if not capital and not turn.lower:  # a recogniser that prints capitals prints some here
                return None
            doubtful = everyday and (person.sure < _SURE_TAG or not known)
            return None if doubtful else Name(first, last, 0.55, "person.tagger")
        if everyday and not known:
            return None
        return Name(first, last, 0.85 if known else 0.6, "person.model")

    def _introduced(self, turn: SaidTurn, place: int, things: Set[int]) -> Name | None:
        """Read "my name is Declan Osgood", "this is john"; "this is Corrigan Water" names none."""
        length = self._introductions.at(turn.words, place)
        if not length:
            return None
        sure = bool(self._sure.at(turn.words, place))
        first = self._words.past_lead_ins(turn, place + length) if sure else place + length
        last = self._words.extent(turn, first, sure=sure)
        if last < first or (not sure and things >= set(range(first, last + 1))):
            return None
        own = turn.words[place] in {"my", "i'm", "i", "name's", "name", "this", "it's", "surname"}
        return Name(first, last, 0.9 if sure else 0.75, "person.introduced", own)

    def _titled(self, turn: SaidTurn, place: int) -> Name | None:
        """Read "Mr Osgood", "missus o'neill"."""
        if turn.words[place] not in self._people.titles:
            return None
        first = place + 1
        if first < len(turn.words) and turn.words[first] == ".":
            first += 1
        strong = turn.words[place] not in _SHY_TITLES
        last = self._words.extent(turn, first, sure=strong)
        return Name(place, last, 0.9, "person.title") if last >= first else None

    def _known(self, turn: SaidTurn, place: int) -> Name | None:
        """Read a known first name, with the last name that follows it."""
        word = turn.words[place].removesuffix("'s")
        never = word in self._people.never and not self._words.is_month_as_first(turn, place)
        if never or word in self._words.numbers or place in turn.in_runs:
            return None
        capital = turn.tokens[place].text[0].isupper()
        certain = word in self._names.first and (capital or turn.lower)
        shy = word in self._names.first_words and (capital or turn.lower)
        if not certain and not shy:
            return None
        last = place
        while last - place + 1 < LONGEST_NAME and last + 1 < len(turn.words):
            jointed = turn.words[last + 1] in JOINTS and last + 2 < len(turn.words)
            step = last + 1 + jointed
            if not self._continues(turn, step):
                break
            last = step
        if certain:
            return Name(place, last, 0.8 if last > place else 0.7, "person.known")
        surname = turn.words[last] in self._names.last and last > place
        return Name(place, last, 0.7, "person.known") if surname else None

    def _continues(self, turn: SaidTurn, place: int) -> bool:
        """Say whether a word goes on with a name."""
        word, token = turn.words[place], turn.tokens[place]
        if self._words.is_month_as_last(turn, place):
            return True
        if not word[0].isalpha() or word in self._people.never or word in self._words.numbers:
            return False
        if token.text[0].isupper() and not turn.lower:
            return word not in self._common or self._words.is_known(word)
        if word in PARTICLES:
            after = turn.words[place + 1] if place + 1 < len(turn.words) else ""
            capital = bool(after) and turn.tokens[place + 1].text[0].isupper()
            return after in self._names.last or after in PARTICLES or capital
        if not turn.lower or place in turn.in_cues or place in turn.in_runs:
            return False
        known = word in self._names.last or word in self._names.first
        return known or (len(word) > 2 and not self._words.is_everyday(word))

    def _answer(self, turn: SaidTurn) -> list[Name]:
        """Take the answer to a question for a name."""
        asked = [one for one in turn.asked if one.kind == "PERSON" and one.turns_ago <= 2]
        if not asked or not asked[0].question or not turn.words:
            return []
        if asked[0].turns_ago == 2 and len(turn.words) > LONGEST_NAME * 2:
            return []
        first = self._words.past_lead_ins(turn, 0)
        last = self._words.extent(turn, first, sure=True)
        own = not (first and turn.words[first - 1] in self._people.vocatives)
        return [Name(first, last, 0.8, "person.asked", own)] if last >= first else []

    def _spelled(self, turn: SaidTurn, names: Sequence[Name]) -> list[Name]:
        """Take letters said one by one where a name is asked for or was just said."""
        about_names = bool(names) or any(
            one.kind == "PERSON" and one.turns_ago <= _FEW_TURNS for one in turn.asked
        )
        about_names |= any(word.startswith("spel") for word in turn.words)
        about_names |= any(cue.kind == "PERSON" for cue in turn.cues)
        least = _SPELLED if about_names else _SPELLED_ANYWHERE
        return [
            Name(run.first, run.last, 0.75, "person.spelled", own=True)
            for run in turn.runs
            if run.chars.isalpha() and len(run.symbols) >= least
        ]

    # ------------------------------------------------------------------ the rest of the call

    def _said_again(
        self, call: SaidCall, kept: Sequence[tuple[SaidTurn, Name]], agent: frozenset[str]
    ) -> list[tuple[SaidTurn, Name]]:
        """Find the parts of names that were found wherever else they are said."""
        parts: set[str] = set()
        for turn, name in kept:
            if name.rule == "person.spelled":
                run = turn.run_at.get(name.first)
                parts |= {run.chars.lower()} if run else set()
            elif name.score >= 0.7:
                parts |= {word.removesuffix("'s") for word in self._words_of(turn, name)}
        names = self._names
        everyday = self._common | names.first_words | names.last_words | self._people.titles
        sure = {part for part in parts - everyday - PARTICLES if len(part) >= 3}
        capital = {part for part in parts - self._common - PARTICLES if len(part) >= 3}
        if not self._agents_too:
            sure, capital = sure - agent, capital - agent
        again = []
        for turn in call.turns:
            for place, word in enumerate(turn.words):
                base = word.removesuffix("'s")
                upper = turn.tokens[place].text[0].isupper() and not turn.lower
                if base in sure or (upper and base in capital):
                    again.append((turn, Name(place, place, 0.7, "person.repeated")))
        return again

    def _words_of(self, turn: SaidTurn, name: Name) -> list[str]:
        return [word for word in turn.words[name.first : name.last + 1] if word[0].isalpha()]


def _sure_of_roles(basis: RoleBasis, confidence: float) -> Roles:
    if basis in {RoleBasis.CHANNEL_MAP, RoleBasis.GIVEN}:
        return Roles.KNOWN
    likely = basis is RoleBasis.GUESSED and confidence >= _SURE_ROLES
    return Roles.LIKELY if likely else Roles.UNSURE


def _as_found(names: Sequence[tuple[SaidTurn, Name]]) -> list[Found]:
    """Return findings whose value is the whole name: "Mr Osgood" is Declan Osgood."""
    found = [_one_found(turn, name) for turn, name in names]
    full: dict[str, str] = {}
    for value in dict.fromkeys(one.value for one in found):
        for word in value.split():
            if len(value) > len(full.get(word, "")):
                full[word] = value
    return [replace(one, value=_whole_name(one.value, full)) for one in found]


def _whole_name(value: str, full: dict[str, str]) -> str:
    longer = {full[word] for word in value.split()}
    return longer.pop() if len(longer) == 1 else value


def _one_found(turn: SaidTurn, name: Name) -> Found:
    start, end = turn.span(name.first, name.last)
    run = turn.run_at.get(name.first)
    last = turn.tokens[name.last]
    if last.word.endswith("'s"):
        end -= 2
    if run is not None and name.rule == "person.spelled":
        value = run.chars.lower()
    else:
        words = [w.removesuffix("'s") for w in turn.words[name.first : name.last + 1]]
        titles = {"mr", "mister", "mrs", "missus", "ms", "miss", "dr", "doctor", "mx", "sir"}
        value = " ".join(word for word in words if word[0].isalpha() and word not in titles)
    return Found(
        kind="PERSON",
        turn=turn.index,
        start=start,
        end=end,
        score=name.score,
        rule=name.rule,
        value=value,
    )
