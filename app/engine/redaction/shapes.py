"""What values look like: how well a run of digits and letters has the shape of a kind."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.engine.redaction import checks
from app.engine.redaction.spoken import Form, Run

if TYPE_CHECKING:
    from collections.abc import Container

    from app.engine.redaction.call import SaidTurn
    from app.engine.redaction.lexicon import Kind

_UK_POSTCODE = re.compile(r"(?:GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})\Z")
_UK_VEHICLE = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z]{3}\Z")
PHONE = re.compile(
    r"(?:0[1-9][0-9]{8,9}|1?[2-9][0-9]{2}[2-9][0-9]{6}|(?:27|44|61)[1-9][0-9]{8,9})\Z"
)


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a run has the shape of a kind: 0 not, 1 a part, 2 whole, 3 proven by checksum."""

    level: int
    chars: str = field(default="", repr=False)
    rule: str = ""


def fit_of(kind: Kind, run: Run, *, weak: bool, alone: bool) -> Fit:
    """Say how well a run has the shape of a kind, in its likeliest reading."""
    fits = [_fit_reading(kind, reading) for reading in run.readings()]
    best = max(fits, key=lambda fit: fit.level)  # the first of equals: the likeliest
    if best.level == 1:
        least = 4 if weak else 3
        if len(best.chars) < least and not (alone and not weak and kind.whole):
            return Fit(0)
    if weak and len(best.chars) < 4:
        return Fit(0)
    return best


def _fit_reading(kind: Kind, chars: str) -> Fit:
    digits = sum(char.isdigit() for char in chars)
    letters = len(chars) - digits
    if kind.answer == "date":
        return Fit(2 if 6 <= digits <= 8 and not letters else int(2 <= digits <= 8), chars)
    fewest, most = kind.digits
    proof = proof_of(kind.name, chars)
    if proof:
        return Fit(3, chars, proof)
    if not fewest <= digits <= most or (letters and len(chars) > most + 4):
        part = (kind.whole and not letters) or (kind.letters and letters)
        part = part and 0 < digits < fewest
        return Fit(1 if part else 0, chars)
    if letters and not kind.letters:
        return Fit(1 if letters <= 2 else 0, chars)
    if not kind.whole:
        return Fit(2 if len(chars) >= 3 else 1, chars)
    return Fit(2 if len(chars) in kind.whole else 1, chars)


_PROOFS: dict[str, tuple[str, ...]] = {
    "CARD": ("card",),
    "IBAN": ("iban",),
    "ROUTING_NUMBER": ("routing",),
    "NATIONAL_ID": ("nino", "south_african_id", "nhs", "tfn", "abn", "acn", "medicare"),
}


def proof_of(kind: str, chars: str) -> str:
    """Return the checksum that proves a value of a kind, if any does."""
    for name in _PROOFS.get(kind, ()):
        if checks.CHECKS[name](chars):
            return name.replace("_", "-")
    if kind == "POSTCODE" and _UK_POSTCODE.match(chars):
        return "uk"
    if kind == "VEHICLE" and _UK_VEHICLE.match(chars):
        return "uk"
    return ""


def grouped(run: Run) -> tuple[int, ...]:
    """Return the lengths of the groups in which digits were written."""
    return tuple(len(symbol.chars) for symbol in run.symbols)


def complete(kind: Kind, chars: str) -> bool:
    """Say whether nothing more of a value is to come."""
    if kind.name == "CARD":
        return checks.card(chars) or len(chars) >= 16
    return bool(kind.whole) and len(chars) in kind.whole


def said_digit_by_digit(run: Run) -> bool:
    """Say whether each digit and letter was said by itself: nobody counts like that."""
    several = {Form.NUMBER, Form.ORDINAL}
    return len(run.symbols) >= 3 and all(
        len(symbol.chars) == 1 and symbol.form not in several for symbol in run.symbols
    )


def is_decimal(turn: SaidTurn, run: Run) -> bool:
    """Say whether a run is an amount with a decimal sign or thousands: "19.99", "1,250"."""
    if any(symbol.form is not Form.WRITTEN for symbol in run.symbols) or len(run.symbols) > 3:
        return False
    signs = [turn.tokens[left.last + 1].text for left in run.symbols[:-1]]
    tight = all(
        turn.tokens[left.last].end + 1 == turn.tokens[right.first].start
        for left, right in zip(run.symbols, run.symbols[1:], strict=False)
    )
    if not signs or not tight:
        return False
    if signs == ["."]:
        return len(run.symbols[-1].chars) <= 2
    return in_thousands(turn, run) or signs == [":"]


def in_thousands(turn: SaidTurn, run: Run) -> bool:
    """Say whether a written number is grouped by commas: "1,250,000"."""
    groups = grouped(run)
    commas = all(turn.tokens[left.last + 1].text == "," for left in run.symbols[:-1])
    return len(groups) > 1 and commas and groups[0] <= 3 and set(groups[1:]) == {3}


def outside(turn: SaidTurn, run: Run, places: Container[int]) -> Run | None:
    """Return the run without symbols at its ends that stand at `places`, such as those of a cue
    ("last four digits"); `None` where nothing is left."""
    free = [not any(p in places for p in range(s.first, s.last + 1)) for s in run.symbols]
    if all(free):
        return run
    kept = [place for place, is_free in enumerate(free) if is_free]
    if not kept:
        return None
    return cut(turn, run, kept[0], kept[-1] + 1)


def cut(turn: SaidTurn, run: Run, start: int, end: int) -> Run:
    """Return a part of a run, by its symbols: at least one."""
    symbols = run.symbols[start:end]
    takes_back = tuple(place - start for place in run.takes_back if start < place < end)
    first, last = turn.tokens[symbols[0].first], turn.tokens[symbols[-1].last]
    return Run(symbols, first.start, last.end, takes_back)
