"""Finds passwords, user names and answers to security questions: words that were asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction.found import Found
from app.engine.redaction.lexicon import Phrases

if TYPE_CHECKING:
    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon

_LONGEST_ANSWER = 8  # tokens
_ENDS = {".", "?", "!", ";"}


class SecretFinder:
    """Finds answers that are words."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Index the phrases around answers."""
        self._kinds = lexicon.kinds
        self._lead_ins = Phrases(lexicon.secrets.lead_ins)
        self._refusals = Phrases(lexicon.secrets.refusals)
        self._talk = lexicon.secrets.talk

    def find(self, call: SaidCall) -> list[Found]:
        """Return the answers of every turn."""
        found: list[Found] = []
        for turn in call.turns:
            said = self._announced(turn)
            found += said or self._asked(turn)
        return found

    def _announced(self, turn: SaidTurn) -> list[Found]:
        """Find "my password is fluffy seven"."""
        found = []
        for cue in turn.cues:
            kind = self._kinds[cue.kind]
            start = cue.last + 1
            if kind.answer != "words" or start + 1 >= len(turn.words):
                continue
            links = {"is", "was", "it's", ":", "would"}
            if turn.words[start] not in links and turn.words[start] != ",":
                continue
            first = self._skip(turn, start)
            if first < len(turn.words) and turn.words[first] not in self._talk:
                found += self._answer(turn, first, cue.kind, "cue")
        return found

    def _asked(self, turn: SaidTurn) -> list[Found]:
        """Take what the other side says right after the question."""
        for one in turn.asked:
            if self._kinds[one.kind].answer != "words" or one.turns_ago > 1 or not one.question:
                continue
            if not turn.words or any(
                self._refusals.at(turn.words, place) for place in range(len(turn.words))
            ):
                return []
            first = self._skip(turn, 0)
            return self._answer(turn, first, one.kind, "asked")
        return []

    def _skip(self, turn: SaidTurn, place: int) -> int:
        """Return the first token after what leads in."""
        while place < len(turn.words):
            length = self._lead_ins.at(turn.words, place)
            if not length and turn.words[place][0].isalnum():
                break
            place += max(1, length)
        return place

    def _answer(self, turn: SaidTurn, first: int, kind: str, how: str) -> list[Found]:
        last = first - 1
        for place in range(first, min(len(turn.words), first + _LONGEST_ANSWER)):
            if turn.words[place] in _ENDS:
                break
            if turn.words[place][0].isalnum():
                last = place
        if last < first:
            return []
        start, end = turn.span(first, last)
        value = " ".join(word for word in turn.words[first : last + 1] if word[0].isalnum())
        rule = f"{kind.lower().replace('_', '-')}.{how}"
        return [
            Found(
                kind=kind,
                turn=turn.index,
                start=start,
                end=end,
                score=0.9,
                rule=rule,
                value=value,
            )
        ]
