"""Takes a short answer to a direct question whole, however badly it was recognised.

"What's your postcode?" "be a 0 e 6A d": no rule reads that, and yet it is the postcode. Where a
value was asked for, and the next turn of the other side is short and looks like a value, all of it
after the lead-in is redacted (fail closed). Finders that understand the value name its kind.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.engine.redaction.found import Found
from app.engine.redaction.lexicon import Phrases
from app.engine.redaction.spoken import tokenise

if TYPE_CHECKING:
    from collections.abc import Set

    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon

_LONGEST = 24  # words of an answer that is only a value
_LONGEST_NAME = 4  # words
_SPELLED = 3  # short words in a row that are a spelled name
_SCORE = 0.51
_WITH_NUMBERS = frozenset(
    (
        *("CARD", "CARD_CODE", "CARD_EXPIRY", "PIN", "SORT_CODE", "BANK_ACCOUNT", "PHONE"),
        *("POSTCODE", "DATE_OF_BIRTH", "NATIONAL_ID", "PASSPORT", "DRIVING_LICENCE", "VEHICLE"),
        *("POLICY_NUMBER", "ROUTING_NUMBER", "CLAIM_NUMBER", "MEMBER_NUMBER", "ADDRESS"),
    )
)

_NEVER_KEPT = frozenset(("CARD_CODE", "PIN"))  # taken whatever it was heard as
_SHORT_CODE = 4  # words
_OF_ADDRESSES = frozenset(("@", "at", "dot", "underscore"))
_DOT_WITHIN = re.compile(r"[^\W\d]\.[^\W\d]")


class AnswerFinder:
    """Finds answers that are nothing but a value."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Index the phrases around answers."""
        words = lexicon.answers
        self._kinds = lexicon.kinds
        self._lead_ins = Phrases(words.lead_ins)
        self._ends = frozenset(words.ends)
        self._refusals = Phrases(words.refusals)
        self._common = lexicon.common - lexicon.names.first
        self._months = frozenset(lexicon.spoken.months)
        self._homophones = frozenset(lexicon.spoken.homophones)
        self._never = lexicon.people.never
        self._vocatives = lexicon.people.vocatives

    def find(self, call: SaidCall, agent_name: str | None = None) -> list[Found]:
        """Return the answers of all turns; `agent_name` came with the call."""
        agent = {token.word for token in tokenise(agent_name or "") if token.word[0].isalpha()}
        return [one for turn in call.turns if (one := self._answer(turn, agent)) is not None]

    def _answer(self, turn: SaidTurn, agent: Set[str]) -> Found | None:
        kind = _asked_for(turn)
        words = sum(word[0].isalnum() for word in turn.words)
        if kind is None or not 0 < words <= _LONGEST or "?" in turn.words:
            return None
        if any(cue.kind != kind and not cue.weak for cue in turn.cues):
            return None
        if any(self._refusals.at(turn.words, place) for place in range(len(turn.words))):
            return None
        first, last = self._ends_of(turn)
        if kind == "PERSON" and first <= last:
            first, last = self._past_agent(turn, first, last, agent)
            first = self._past_other(turn, first)
        if last < first or not self._is_value(turn, kind, first, last):
            return None
        start, end = turn.span(first, last)
        return Found(
            kind=kind,
            turn=turn.index,
            start=start,
            end=end,
            score=_SCORE,
            rule=f"{kind.lower().replace('_', '-')}.answer",
            value=" ".join(word for word in turn.words[first : last + 1] if word[0].isalnum()),
        )

    def _ends_of(self, turn: SaidTurn) -> tuple[int, int]:
        """Return the first and the last token of what is not lead-in and not thanks."""
        first, last = 0, len(turn.words) - 1
        while first <= last:
            length = self._lead_ins.at(turn.words, first)
            if not length and turn.words[first][0].isalnum():
                break
            first += max(1, length)
        while last >= first:
            thanks = turn.words[max(0, last - 1) : last + 1] == ("thank", "you")
            kept = turn.words[last][0].isalnum() and turn.words[last] not in self._ends
            if kept and not thanks:
                break
            last -= 1 + thanks
        return first, last

    def _past_agent(
        self, turn: SaidTurn, first: int, last: int, agent: Set[str]
    ) -> tuple[int, int]:
        """Return the answer without the agent's name, with which it greets or ends: "hiya Marcus,
        Declan Osgood", "Declan Osgood, we spoke last week, Marcus"."""
        place = first
        while place < last and (turn.words[place] in self._vocatives or turn.words[place] == ","):
            place += 1
        greeted = {*turn.words[max(0, place - 2) : place]} & self._vocatives
        if place < last and greeted and turn.words[place] in agent:
            first = place + 1 + (turn.words[place + 1] == ",")
        end = last - (turn.words[last - 1] == ",")
        if end - 1 > first and turn.words[last] in agent and turn.words[end - 1] in self._common:
            last = end - 1
        return first, last

    def _past_other(self, turn: SaidTurn, first: int) -> int:
        """Return where the answer begins after the name of whom it is given to: "hi Marcus, it's".

        Whose name that is, the finder of people knows.
        """
        place = first + 1
        if not first or turn.words[first - 1] not in self._vocatives:
            return first
        while place < len(turn.words) and not turn.words[place][0].isalnum():
            place += 1
        length = self._lead_ins.at(turn.words, place) if place < len(turn.words) else 0
        return place + length if length else first

    def _is_value(self, turn: SaidTurn, kind: str, first: int, last: int) -> bool:
        places = [p for p in range(first, last + 1) if turn.words[p][0].isalnum()]
        numbers = [place for place in places if place in turn.in_runs]
        months = any(turn.words[place] in self._months for place in places)
        odd = [
            place
            for place in places
            if place in turn.in_runs or len(turn.words[place]) <= 2 or self._is_rare(turn, place)
        ]
        misheard = [place for place in places if turn.words[place] in self._homophones]
        if kind == "PERSON":
            return self._is_name(turn, places) or len(odd) * 2 > len(places) >= _SPELLED
        if kind == "EMAIL":  # how it begins is often heard as a few everyday words
            said = not _OF_ADDRESSES.isdisjoint(turn.words[first : last + 1])
            return said or _DOT_WITHIN.search(turn.text) is not None
        if kind == "DATE_OF_BIRTH" and months and len(places) <= _LONGEST // 2:
            return True
        if kind in _NEVER_KEPT and len(places) <= _SHORT_CODE:
            return True
        return bool(numbers) and len({*odd, *misheard}) * 2 >= len(places)

    def _is_name(self, turn: SaidTurn, places: list[int]) -> bool:
        """Say whether a few words can be a name: not all of them everyday words."""
        if len(places) > _LONGEST_NAME or any(turn.words[p] in self._never for p in places):
            return False
        return any(self._is_rare(turn, place) for place in places)

    def _is_rare(self, turn: SaidTurn, place: int) -> bool:
        return turn.words[place].removesuffix("'s") not in self._common


def _asked_for(turn: SaidTurn) -> str | None:
    """Return the kind that the turn before asked for, the first of several with numbers in them;
    `None` for nothing, and for a name among others."""
    newest = [one for one in turn.asked if one.turns_ago == 1 and one.question]
    kinds = [one.kind for one in newest if not one.weak]
    if kinds in (["PERSON"], ["EMAIL"]) or (kinds and _WITH_NUMBERS.issuperset(kinds)):
        return kinds[0]
    return None
