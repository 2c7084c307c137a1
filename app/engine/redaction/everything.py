"""Finds what only the widest set of entities redacts: places, organisations, dates, any number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction.found import Found

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.engine.redaction.call import SaidCall, SaidTurn

_KINDS = {
    "GPE": "LOCATION",
    "LOC": "LOCATION",
    "FAC": "LOCATION",
    "ORG": "ORGANISATION",
    "NORP": "ORGANISATION",
    "DATE": "DATE",
}
_DIGITS = 4


class EverythingFinder:
    """Takes the language model at its word, and every longer number."""

    def find(
        self, call: SaidCall, entities: Sequence[Sequence[tuple[str, int, int]]]
    ) -> list[Found]:
        """Return the places, organisations, dates and long numbers of every turn; `entities` are
        what spaCy finds, per turn."""
        found: list[Found] = []
        for turn, said in zip(call.turns, entities, strict=True):
            for label, start, end in said:
                if label in _KINDS:
                    rule = f"model.{label.lower()}"
                    found.append(_one(turn, _KINDS[label], (start, end), rule))
            for run in turn.runs:
                if sum(char.isdigit() for char in run.chars) >= _DIGITS:
                    span = (run.start, run.end)
                    found.append(_one(turn, "OTHER_NUMBER", span, "number.any", value=run.chars))
        return found


def _one(
    turn: SaidTurn, kind: str, span: tuple[int, int], rule: str, *, value: str | None = None
) -> Found:
    start, end = span
    said = " ".join(turn.text[start:end].lower().split())
    return Found(
        kind=kind,
        turn=turn.index,
        start=start,
        end=end,
        score=0.55,
        rule=rule,
        value=said if value is None else value,
    )
