"""Finds the names of people, also in lower case, and knows which of them are the agent's own.

Five ways, united: what spaCy and the token tagger take for a person, known names, what is said
around a name ("my name is", "mister", the answer to a question for it), and names spelled out. A
name found once is found again wherever a part of it is said. Agents' names stay unless the settings
say otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain import Role, RoleBasis
from app.engine.redaction.found import Found
from app.engine.redaction.lexicon import Phrases
from app.engine.redaction.spoken import tokenise

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence, Set

    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon

_LONGEST_NAME = 4  # words
_FEW_TURNS = 3  # an agent says their name in their first turns
_LONGEST_LEAD_IN = 12  # tokens
_SPELLED = 3  # letters one by one that are a name
_SPELLED_ANYWHERE = 5
_OPENING_AFTER = 15  # tokens from an agent's opening to their name
_OPENING_SOON = 6  # tokens from an agent's name to their opening
_SURE_TAG = 0.9  # so sure must the tagger be of a name that is an everyday word
_SURE_ROLES = 0.7  # below it a guessed role is not believed
_PARTICLES = {"de", "la", "van", "der", "den", "von", "du", "di", "da", "dos", "del", "al", "el"}
_PARTICLES |= {"bin", "ten", "le"}
_SHY_TITLES = {"miss", "sir", "lady", "doctor", "uncle", "dame", "lord", "dr"}  # said alone too
_JOINTS = {"-", "'"}
_GOES_ON = {"from", "at", "with", "in", "on", "how", "what", "who", "can", "may", "and"}
_ASKS = {"i", "was", "were"}
_ASKS_FOR = {("is", "that"), ("is", "this"), ("is", "it")}
_PRONOUNS = {"i", "we", "you", "they", "he", "she", "it", "be", "have", "not", "the", "also"}


@dataclass(frozen=True, slots=True)
class _Name:
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


class PeopleFinder:
    """Finds names of people in a call."""

    def __init__(self, lexicon: Lexicon, *, agents_too: bool) -> None:
        """Index the phrases around names; `agents_too` redacts the agent's own name as well."""
        people = lexicon.people
        self._names = lexicon.names
        self._people = people
        self._common = lexicon.common
        self._never = people.never
        self._agents_too = agents_too
        self._introductions = Phrases(people.introductions)
        self._sure = Phrases(people.sure_introductions)
        self._greetings = Phrases(people.greetings)
        self._sure_greetings = Phrases(people.sure_greetings)
        self._openings = Phrases(people.openings)
        self._lead_ins = Phrases(people.lead_ins)
        self._months = frozenset(lexicon.spoken.months)
        spoken = lexicon.spoken
        self._numbers = frozenset(
            [*spoken.digits, *spoken.teens, *spoken.tens, *spoken.ordinals, *spoken.repeats]
        )

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
        roles_sure = role_basis in {RoleBasis.CHANNEL_MAP, RoleBasis.GIVEN} or (
            role_basis is RoleBasis.GUESSED and role_confidence >= _SURE_ROLES
        )
        found: list[tuple[SaidTurn, _Name]] = []
        for turn in call.turns:
            names = self._in_turn(turn, persons[turn.index], things[turn.index])
            found += [(turn, name) for name in names]
        agent, greetings = self._agent_words(call, persons, agent_name, roles_sure=roles_sure)
        kept = [
            (turn, name)
            for turn, name in found
            if self._agents_too or not self._is_agent(turn, name, agent, greetings)
        ]
        kept += self._said_again(call, kept, agent)
        return _as_found(kept)

    # ------------------------------------------------------------------ one turn

    def _in_turn(self, turn: SaidTurn, persons: Sequence[Suspect], things: Set[int]) -> list[_Name]:
        places = {token.start: place for place, token in enumerate(turn.tokens)}
        names: list[_Name] = []
        for one in persons:
            stretches = list(_stretches(turn, one, places))
            whole = range(stretches[0][0], stretches[-1][1] + 1)
            words = [turn.words[place] for place in whole if place not in things]
            trimmed = (self._trimmed(turn, one, *ends, things) for ends in stretches)
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
        names += self._followed(turn)
        names += self._answer(turn)
        names += self._spelled(turn, names)
        return names

    def _by_model(
        self, turn: SaidTurn, person: Suspect, first: int, last: int, words: Sequence[str]
    ) -> _Name | None:
        """Take the tokens that a model takes for a person, where they can be one: among everyday
        `words` has to be one that is a name too, and the tagger has to be very sure of it."""
        known = any(self._is_known(word) for word in words)
        everyday = all(self._is_everyday(word) for word in words)
        if person.sure is not None:
            capital = any(one.text[0].isupper() for one in turn.tokens[first : last + 1])
            if not capital and not turn.lower:  # a recogniser that prints capitals prints some here
                return None
            doubtful = everyday and (person.sure < _SURE_TAG or not known)
            return None if doubtful else _Name(first, last, 0.55, "person.tagger")
        if everyday and not known:
            return None
        return _Name(first, last, 0.85 if known else 0.6, "person.model")

    def _trimmed(
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
        if self._is_month_as_last(turn, place) if after else self._is_month_as_first(turn, place):
            return True
        loose = tagged and word in self._common and not self._is_known(word)
        return self._may_be_name(turn, place) and not loose

    def _introduced(self, turn: SaidTurn, place: int, things: Set[int]) -> _Name | None:
        """Read "my name is Declan Osgood", "this is john"; "this is Corrigan Water" names none."""
        length = self._introductions.at(turn.words, place)
        if not length:
            return None
        sure = bool(self._sure.at(turn.words, place))
        first = self._past_lead_ins(turn, place + length) if sure else place + length
        last = self._extent(turn, first, sure=sure)
        if last < first or (not sure and things >= set(range(first, last + 1))):
            return None
        own = turn.words[place] in {"my", "i'm", "i", "name's", "name", "this", "it's", "surname"}
        return _Name(first, last, 0.9 if sure else 0.75, "person.introduced", own)

    def _titled(self, turn: SaidTurn, place: int) -> _Name | None:
        """Read "Mr Osgood", "missus o'neill"."""
        if turn.words[place] not in self._people.titles:
            return None
        first = place + 1
        if first < len(turn.words) and turn.words[first] == ".":
            first += 1
        strong = turn.words[place] not in _SHY_TITLES
        last = self._extent(turn, first, sure=strong)
        return _Name(place, last, 0.9, "person.title") if last >= first else None

    def _known(self, turn: SaidTurn, place: int) -> _Name | None:
        """Read a known first name, with the last name that follows it."""
        word = turn.words[place].removesuffix("'s")
        never = word in self._never and not self._is_month_as_first(turn, place)
        if never or word in self._numbers or place in turn.in_runs:
            return None
        capital = turn.tokens[place].text[0].isupper()
        certain = word in self._names.first and (capital or turn.lower)
        shy = word in self._names.first_words and (capital or turn.lower)
        if not certain and not shy:
            return None
        last = place
        while last - place + 1 < _LONGEST_NAME and last + 1 < len(turn.words):
            jointed = turn.words[last + 1] in _JOINTS and last + 2 < len(turn.words)
            step = last + 1 + jointed
            if not self._continues(turn, step):
                break
            last = step
        if certain:
            return _Name(place, last, 0.8 if last > place else 0.7, "person.known")
        surname = turn.words[last] in self._names.last and last > place
        return _Name(place, last, 0.7, "person.known") if surname else None

    def _continues(self, turn: SaidTurn, place: int) -> bool:
        """Say whether a word goes on with a name."""
        word, token = turn.words[place], turn.tokens[place]
        if self._is_month_as_last(turn, place):
            return True
        if not word[0].isalpha() or word in self._never or word in self._numbers:
            return False
        if token.text[0].isupper() and not turn.lower:
            return word not in self._common or self._is_known(word)
        if word in _PARTICLES:
            after = turn.words[place + 1] if place + 1 < len(turn.words) else ""
            capital = bool(after) and turn.tokens[place + 1].text[0].isupper()
            return after in self._names.last or after in _PARTICLES or capital
        if not turn.lower or place in turn.in_cues or place in turn.in_runs:
            return False
        known = word in self._names.last or word in self._names.first
        return known or (len(word) > 2 and not self._is_everyday(word))

    def _followed(self, turn: SaidTurn) -> list[_Name]:
        """Read "Graham speaking", "it's tom here"."""
        names = []
        for place, word in enumerate(turn.words[1:], start=1):
            if word not in self._people.afterwards:
                continue
            after = turn.words[place + 1] if place + 1 < len(turn.words) else ""
            ends = not after[:1].isalnum() or after in _GOES_ON
            before = place - 1
            capital = turn.tokens[before].text[0].isupper() and not turn.lower
            name = self._is_known(turn.words[before]) or (
                capital and turn.words[before] not in self._common
            )
            if ends and name and self._may_be_name(turn, before):
                first = before
                while first and self._is_known(turn.words[first - 1]) and before - first < 2:
                    first -= 1
                names.append(_Name(first, before, 0.85, "person.speaking", own=True))
        return names

    def _answer(self, turn: SaidTurn) -> list[_Name]:
        """Take the answer to a question for a name."""
        asked = [one for one in turn.asked if one.kind == "PERSON" and one.turns_ago <= 2]
        if not asked or not asked[0].question or not turn.words:
            return []
        if asked[0].turns_ago == 2 and len(turn.words) > _LONGEST_NAME * 2:
            return []
        first = self._past_lead_ins(turn, 0)
        last = self._extent(turn, first, sure=True)
        own = not (first and turn.words[first - 1] in self._people.vocatives)
        return [_Name(first, last, 0.8, "person.asked", own)] if last >= first else []

    def _spelled(self, turn: SaidTurn, names: Sequence[_Name]) -> list[_Name]:
        """Take letters said one by one where a name is asked for or was just said."""
        about_names = bool(names) or any(
            one.kind == "PERSON" and one.turns_ago <= _FEW_TURNS for one in turn.asked
        )
        about_names |= any(word.startswith("spel") for word in turn.words)
        about_names |= any(cue.kind == "PERSON" for cue in turn.cues)
        least = _SPELLED if about_names else _SPELLED_ANYWHERE
        return [
            _Name(run.first, run.last, 0.75, "person.spelled", own=True)
            for run in turn.runs
            if run.chars.isalpha() and len(run.symbols) >= least
        ]

    # ------------------------------------------------------------------ words of names

    def _extent(self, turn: SaidTurn, first: int, *, sure: bool) -> int:
        """Return the last word of the name that starts at `first`; less than `first` for none.

        `sure` says that a name must come, so that unknown words count in lower case too.
        """
        last = first - 1
        place = first
        while place < len(turn.words) and last - first + 1 < _LONGEST_NAME:
            word = turn.words[place]
            if word in _JOINTS and last >= first:
                place += 1
                continue
            if not self._part_of_name(turn, place, sure=sure, begun=last >= first):
                break
            last = place
            place += 1
        return last

    def _part_of_name(self, turn: SaidTurn, place: int, *, sure: bool, begun: bool) -> bool:
        word, token = turn.words[place], turn.tokens[place]
        may_be = word[0].isalpha() and len(word) > 1 and self._may_be_name(turn, place)
        if not may_be:
            first = not begun and self._is_month_as_first(turn, place, sure=sure)
            return first or (begun and self._is_month_as_last(turn, place))
        base = word.removesuffix("'s")
        capital = token.text[0].isupper() and not turn.lower
        if capital:
            return self._is_known(base) or base not in self._common
        if word in _PARTICLES:
            return begun and place + 1 < len(turn.words) and turn.words[place + 1][0].isalpha()
        if turn.lower:
            if base in self._names.first or base in self._names.last:
                return base not in self._common or sure
            shy = base in self._names.first_words or base in self._names.last_words
            if shy:
                return sure
        return sure and word not in self._common and (turn.lower or not begun)

    def _past_lead_ins(self, turn: SaidTurn, place: int) -> int:
        """Return the first token after "yes, it's"."""
        end = place + _LONGEST_LEAD_IN
        while place < min(end, len(turn.words)):
            length = self._lead_ins.at(turn.words, place)
            if not length and turn.words[place][0].isalnum():
                return place
            place += max(1, length)
        return place

    def _is_month_as_last(self, turn: SaidTurn, place: int) -> bool:
        """Say whether a month is a last name: "Lucinda May", not "Lucinda may I"."""
        after = turn.words[place + 1] if place + 1 < len(turn.words) else ""
        month = turn.words[place] in self._months and place not in turn.in_runs
        return month and self._is_known(turn.words[place - 1]) and after not in _PRONOUNS

    def _is_month_as_first(self, turn: SaidTurn, place: int, *, sure: bool = False) -> bool:
        """Say whether a month is a first name: "April Martin", "my name is april"; or another word
        that is none alone: "Jesus Ortega"."""
        after = turn.words[place + 1] if place + 1 < len(turn.words) else ""
        month = turn.words[place] in self._months or turn.words[place] in self._never
        month = month and turn.words[place] in self._names.first_words
        return month and place not in turn.in_runs and (sure or after in self._names.last)

    def _may_be_name(self, turn: SaidTurn, place: int) -> bool:
        word = turn.words[place]
        if not word[0].isalpha() or word in self._never or word in self._numbers:
            return False
        apart = word not in self._months and word not in self._people.titles
        return apart and place not in turn.in_runs

    def _is_known(self, word: str) -> bool:
        names = self._names
        base = word.removesuffix("'s")
        return base in names.first or base in names.last or base in names.first_words

    def _is_everyday(self, word: str) -> bool:
        return word in self._common or word in self._names.last_words or not word[0].isalpha()

    # ------------------------------------------------------------------ the agent

    def _agent_words(
        self,
        call: SaidCall,
        persons: Sequence[Sequence[Suspect]],
        agent_name: str | None,
        *,
        roles_sure: bool,
    ) -> tuple[frozenset[str], frozenset[int]]:
        """Return the words of the agent's name, from the metadata and from the greeting, and the
        turns that greet."""
        greetings: set[int] = set()
        words = {token.word for token in tokenise(agent_name or "") if len(token.word) > 1}
        greeted = 0
        for turn in call.turns:
            if turn.role is not Role.AGENT and roles_sure:
                continue
            own = self._greeting(turn, roles_sure=roles_sure)
            if roles_sure and turn.role is Role.AGENT:
                own |= self._introduced_by_tagger(turn, persons[turn.index])
            words |= own
            greetings |= {turn.index} if own else set()
            greeted += 1
            if greeted >= _FEW_TURNS:
                break
        return frozenset(words), frozenset(greetings)

    def _greeting(self, turn: SaidTurn, *, roles_sure: bool) -> set[str]:
        """Return the words of a name with which the speaker introduces themselves as agent."""
        trusted = roles_sure and turn.role is Role.AGENT
        openings = [p for p in range(len(turn.words)) if self._openings.at(turn.words, p)]
        words: set[str] = set()
        for place in range(len(turn.words)):
            if place and turn.words[place - 1] in _ASKS:  # "am I speaking to Declan"
                continue
            sure = self._sure_greetings.at(turn.words, place)
            believed = trusted or any(_opens(opening, place) for opening in openings[:_FEW_TURNS])
            length = sure or (self._greetings.at(turn.words, place) if believed else 0)
            if length:
                first = place + length
                last = self._extent(turn, first, sure=bool(sure))
                if last < first and trusted and self._stands_alone(turn, first):
                    last = first
                words |= {turn.words[one].removesuffix("'s") for one in range(first, last + 1)}
        for name in self._followed(turn):
            if turn.words[max(0, name.first - 2) : name.first] in _ASKS_FOR:
                continue
            if trusted or any(_opens(opening, name.first) for opening in openings[:_FEW_TURNS]):
                words |= {turn.words[one] for one in range(name.first, name.last + 1)}
        return words | (self._unknown_before(turn) if trusted else set())

    def _unknown_before(self, turn: SaidTurn) -> set[str]:
        """Return unknown words in lower case that stand where an agent's name does: "xochitl
        speaking"."""
        return {
            turn.words[place]
            for place in range(len(turn.words) - 1)
            if turn.words[place + 1] in self._people.afterwards
            and turn.words[max(0, place - 2) : place] not in _ASKS_FOR
            and self._stands_alone(turn, place)
        }

    def _stands_alone(self, turn: SaidTurn, place: int) -> bool:
        """Say whether one word is the name that an agent greets with, be it an everyday word or an
        unknown one: "this is grant can i help", "morning bronagh here"."""
        after = turn.words[place + 1] if place + 1 < len(turn.words) else ""
        alone = not after[:1].isalnum() or after in _GOES_ON or after in self._people.afterwards
        return alone and any(
            word in self._names.first_words
            or (word not in self._common and self._may_be_name(turn, place))
            for word in turn.words[place : place + 1]
        )

    def _introduced_by_tagger(self, turn: SaidTurn, persons: Sequence[Suspect]) -> set[str]:
        """Return the words of the name with which the tagger is sure that an agent greets."""
        words: set[str] = set()
        places = {token.start: place for place, token in enumerate(turn.tokens)}
        for person in persons:
            if person.introduces and (person.sure or 0.0) >= _SURE_TAG:
                for start, end in _stretches(turn, person, places):
                    first, last = self._trimmed(turn, person, start, end, frozenset())
                    words |= {turn.words[one].removesuffix("'s") for one in range(first, last + 1)}
        return words

    def _is_agent(
        self, turn: SaidTurn, name: _Name, agent: frozenset[str], greetings: frozenset[int]
    ) -> bool:
        """Say whether a name is the agent's own and not a customer's who is called the same."""
        words = {word.removesuffix("'s") for word in self._words_of(turn, name)}
        if not words - self._people.titles <= agent:
            return False
        return turn.index in greetings or not (name.own and turn.role is Role.CUSTOMER)

    # ------------------------------------------------------------------ the rest of the call

    def _said_again(
        self, call: SaidCall, kept: Sequence[tuple[SaidTurn, _Name]], agent: frozenset[str]
    ) -> list[tuple[SaidTurn, _Name]]:
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
        sure = {part for part in parts - everyday - _PARTICLES if len(part) >= 3}
        capital = {part for part in parts - self._common - _PARTICLES if len(part) >= 3}
        if not self._agents_too:
            sure, capital = sure - agent, capital - agent
        again = []
        for turn in call.turns:
            for place, word in enumerate(turn.words):
                base = word.removesuffix("'s")
                upper = turn.tokens[place].text[0].isupper() and not turn.lower
                if base in sure or (upper and base in capital):
                    again.append((turn, _Name(place, place, 0.7, "person.repeated")))
        return again

    def _words_of(self, turn: SaidTurn, name: _Name) -> list[str]:
        return [word for word in turn.words[name.first : name.last + 1] if word[0].isalpha()]


def _stretches(
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


def _opens(opening: int, place: int) -> bool:
    """Say whether an agent's opening words stand so near before a greeting, or right after it,
    that they are the same speaker's, whoever speaks in the turn."""
    return -_OPENING_AFTER <= opening - place <= 0 or 0 < opening - place <= _OPENING_SOON


def _as_found(names: Sequence[tuple[SaidTurn, _Name]]) -> list[Found]:
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


def _one_found(turn: SaidTurn, name: _Name) -> Found:
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
