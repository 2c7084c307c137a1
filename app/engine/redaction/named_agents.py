"""Reads whom an agent calls an agent: themselves at any time of a call, or a colleague.

Promises nothing about whose a name is beside that: `own_names.py` weighs it against what speaks for
another person.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction.lexicon import Phrases
from app.engine.redaction.name_words import GOES_ON

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.engine.redaction.call import SaidTurn
    from app.engine.redaction.lexicon import Lexicon
    from app.engine.redaction.name_words import Name, NameWords

_TO_DESK = {"in", "from", "on", "at", "over"}
_DESK_AFTER = 5  # words from a name to where its bearer works
_OTHERS = {"your", "his", "her", "their"}
_LIKENS = {"like", "such", "of", "where", "which", "is", "are"}
_NO_FIRM = {"the", "a", "an", "my", "your", "his", "her", "their", "our", "here", "there", "it"}
_NO_FIRM |= {"this", "that", "these", "those", "all", "work", "home", "school", "first", "least"}
_ASKED = {"is", "was", "has", "did", "does", "if"}
_HESITATIONS = {"um", "er", "uh", "erm"}
_ENDS_WITH_NAME = {"to", "with", "i'm", "am", "for", "by"}  # a comma after these is no pause
_OWN_JOB = {"i'm", "am"}
_NOT_OWN_JOB = {"not", "i", "with", "for", "to", "about", "calling", "ringing", "looking", "after"}
_STARTS = {
    ".",
    ",",
    "?",
    "!",
    "it's",
    "i'm",
    "hi",
    "hello",
    "yes",
    "yeah",
    "um",
    "er",
    "uh",
    "here",
}
_STARTS |= {"morning", "afternoon", "evening", "only", "oh", "just"}
_OFFERS = {"how", "can", "may", "what", "could", "who", "is", "are", "do", "have", "am", "i"}
_OFFERS |= {"did", "would", "shall", "where"}
_LONGEST_QUESTION = 8  # words from a name to the sign of a question
_SAYS_WHO = {("it's",), ("this", "is"), ("it", "is"), ("here", "is")}
_JOB_BEFORE = 4  # words from "I'm" to the job
_DOES = {"is", "was", "has", "had", "will", "can", "said", "told", "logged", "asked", "says"}
_AFTER_NAMES = GOES_ON | {
    *("back", "again", "now", "today", "tonight", "here", "are", "is", "i", "i'm", "we", "one"),
    *("sorry", "from", "your", "for", "if", "by", "or", "a", "an", "so", "but", "has", "said"),
    *("ringing", "calling"),
    *("everyone", "everybody", "she", "he", "she's", "he's", "it's", "this", "you", "you'll"),
}


class NamedAgents:
    """Finds the names that an agent gives as an agent's."""

    def __init__(self, lexicon: Lexicon, words: NameWords) -> None:
        """Index the phrases."""
        people = lexicon.people
        self._words = words
        self._names = lexicon.names
        self._common = lexicon.common
        self._before = Phrases(people.names_agents)
        self._afterwards = Phrases(people.agents_afterwards)
        self._jobs = Phrases(people.jobs)
        self._desks = Phrases(people.desks)
        self._supposes = people.supposes
        self._others_afterwards = Phrases(people.others_afterwards)

    def named(self, turn: SaidTurn) -> set[str]:
        """Return the words of the names that an agent says right after "it's me" or "been speaking
        to"; a name that something belongs to ("it's Priya's claim") is none of these."""
        said = [p for p, word in enumerate(turn.words) if word not in _HESITATIONS | {","}]
        plain = [turn.words[place] for place in said]
        words = set[str]()
        for index in range(len(plain)):
            length = self._before.at(plain, index)
            if length and index + length < len(plain):
                first, last = said[index + length], said[index + length - 1]
                if "," not in turn.words[last:first] or turn.words[last] not in _ENDS_WITH_NAME:
                    words.update(self._name_from(turn, first))
            elif length := self._jobs.at(plain, index):
                words.update(self._with_job(turn, said[index], said[index + length - 1] + 1))
        return words

    def _with_job(self, turn: SaidTurn, job: int, first: int) -> Sequence[str]:
        """Return the name after a job: "I'm the duty manager, Priya", "my colleague Tom said".
        Where it may be whom one speaks to it is no agent's: "my colleague, Declan"."""
        before = turn.words[max(0, job - _JOB_BEFORE) : job]
        apart = self._words.word(turn, first) == ","
        name = self._name_from(turn, first + apart)
        if not _OWN_JOB.isdisjoint(before) and _NOT_OWN_JOB.isdisjoint(before):
            return name
        after = self._words.word(turn, first + len(name))
        does = after in _DOES or not turn.lower
        return name if not apart and does and "my" in before[-2:] else ()

    def _name_from(self, turn: SaidTurn, first: int) -> Sequence[str]:
        last = self._words.extent(turn, first, sure=False)
        if last < first and self._stands_before(turn, first):
            last = first
        if last < first or turn.words[last].endswith("'s"):
            return ()
        if self._words.word(turn, last + 1) == "-":
            last += 2
        return turn.words[first : last + 1]

    def _stands_before(self, turn: SaidTurn, place: int) -> bool:
        """Say whether one word is a name by what comes after it, be it an everyday word that is a
        name too, or unknown: "i'm rose i'll help", "it's me lwazi"."""
        after = self._words.word(turn, place + 1)
        if place >= len(turn.words) or (after[:1].isalnum() and after not in _AFTER_NAMES):
            return False
        unknown = turn.words[place] not in self._common and self._words.may_be_name(turn, place)
        return turn.words[place] in self._names.first_words or unknown

    def at_work(self, turn: SaidTurn, name: Name, *, opening: bool) -> bool:
        """Say whether a name has what shows an agent behind it: where its bearer works ("Priya in
        accounts", in an opening also any firm: "Priya from Fernbank"), or what they do in the call
        ("Priya who helped you")."""
        if self._afterwards.at(turn.words, name.last + 1):
            return turn.words[name.first - 1] not in _ASKED if name.first else True
        after = name.last + 1
        after += self._words.word(turn, after) == ","
        if self._words.word(turn, after) not in _TO_DESK:
            return False
        firm = self._words.word(turn, after + 1)
        capital = turn.lower or (firm and turn.tokens[after + 1].text[0].isupper())
        before = turn.words[name.first - 1] if name.first else "."
        starts = before in _STARTS or turn.words[max(0, name.first - 2) : name.first] in _SAYS_WHO
        said = starts and (opening or before in {"it's", "is"})
        if said and turn.words[after] in {"from", "at"} and capital and firm not in _NO_FIRM:
            return firm[:1].isalpha()
        return self._reaches_desk(turn, after + 1)

    def _reaches_desk(self, turn: SaidTurn, first: int) -> bool:
        for place in range(first, min(first + _DESK_AFTER, len(turn.words))):
            if length := self._desks.at(turn.words, place):
                behind = self._words.word(turn, place + length)
                return not behind[:1].isalnum() or behind in _AFTER_NAMES - _LIKENS
            if not turn.words[place][0].isalpha() or turn.words[place] in _OTHERS:
                return False
        return False

    def is_of_another(self, turn: SaidTurn, name: Name) -> bool:
        """Say whether what comes right after a name shows that the agent asks for it, or reads it
        out: "it's Declan, isn't it", "this is Declan?"."""
        after = name.last + 1
        after += self._words.word(turn, after) == ","
        return (
            self._is_asked(turn, name.last)
            or self._others_afterwards.at(turn.words, after) > 0
            or self._is_supposed(turn, name.first)
        )

    def _is_asked(self, turn: SaidTurn, last: int) -> bool:
        """Say whether a question ends soon after a name and offers nothing: "this is Declan
        calling about the boiler?", not "this is Priya how can I help?"."""
        for word in turn.words[last + 1 : last + 1 + _LONGEST_QUESTION]:
            if word in _OFFERS or (not word[0].isalnum() and word not in {"?", "-"}):
                return False
            if word == "?":
                return True
        return False

    def _is_supposed(self, turn: SaidTurn, first: int) -> bool:
        """Say whether "it's" before a name is what the agent reads or takes for true."""
        for says in _SAYS_WHO:
            start = first - len(says)
            if start > 0 and turn.words[start:first] == says:
                return turn.words[start - 1] in self._supposes
        return False
