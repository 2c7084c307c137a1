"""Finds what is said of a person's health: a word of illness or treatment beside somebody whose it
is. Nothing is found in talk of health as such ("the stroke association")."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction.found import Found
from app.engine.redaction.lexicon import Phrases

if TYPE_CHECKING:
    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon

_ENDS = frozenset(".?!")


class MedicalFinder:
    """Finds words of health that are tied to a person."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Index the words."""
        self._words = lexicon.medical
        self._terms = Phrases(lexicon.medical.terms)

    def find(self, call: SaidCall) -> list[Found]:
        """Return the words of health of every turn."""
        return [one for turn in call.turns for one in self._in_turn(turn)]

    def _in_turn(self, turn: SaidTurn) -> list[Found]:
        found = []
        for place in range(len(turn.words)):
            length = self._terms.at(turn.words, place)
            if length and self._is_somebodys(turn, place, place + length):
                start, end = turn.span(place, place + length - 1)
                value = " ".join(turn.words[place : place + length])
                found.append(
                    Found(
                        kind="MEDICAL",
                        turn=turn.index,
                        start=start,
                        end=end,
                        score=0.8,
                        rule="medical.person",
                        value=value,
                    )
                )
        return found

    def _is_somebodys(self, turn: SaidTurn, first: int, end: int) -> bool:
        """Say whether somebody is named near words `first` to `end`, in the same sentence."""
        before = list(turn.words[max(0, first - self._words.before) : first])
        after = list(turn.words[end : end + self._words.after])
        for place in range(len(before) - 1, -1, -1):
            if before[place] in _ENDS:
                del before[: place + 1]
                break
        ends = [place for place, word in enumerate(after) if word in _ENDS]
        return not self._words.people.isdisjoint(before + after[: ends[0] if ends else None])
