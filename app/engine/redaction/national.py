"""Finds numbers that states, registers and makers give, by the table of national.toml.

A number counts by its form and check digit alone where those are rare, or where it is said what it
is: in the same turn or a few turns before. Also finds network addresses as they are said: "one nine
two dot one six eight dot zero dot one".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine.redaction.found import Found
from app.engine.redaction.lexicon import Phrases
from app.engine.redaction.shapes import outside
from app.engine.redaction.spoken import Form

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.lexicon import Lexicon, National
    from app.engine.redaction.spoken import Run, Symbol

_OPEN = 4  # turns after a phrase in which its number may come
_ALONE, _NAMED, _FORM = (
    0.95,
    0.97,
    0.75,
)  # how sure: by itself, by check digit and phrase, by phrase
_DOTS = frozenset({".", "dot", "point"})
_OCTETS, _LONGEST_OCTET = 4, 255


class NationalFinder:
    """Finds the numbers of some regions."""

    def __init__(self, lexicon: Lexicon, regions: Collection[str]) -> None:
        """Index the numbers of `regions` and those that belong to none, by their phrases."""
        self._numbers = tuple(
            one for one in lexicon.national if not one.region or one.region in regions
        )
        rules: dict[str, list[str]] = {}
        for one in self._numbers:
            for phrase in one.context:
                rules.setdefault(phrase, []).append(one.rule)
        self._phrases = Phrases(rules)

    def find(self, call: SaidCall) -> list[Found]:
        """Return the numbers of every turn."""
        found: list[Found] = []
        named: dict[str, int] = {}  # the turn in which a number was named last
        for turn in call.turns:
            spoken_of = set(turn.in_cues)
            for first, last, rule in self._named_in(turn):
                named[rule] = turn.index
                spoken_of.update(range(first, last))
            near = {rule for rule, index in named.items() if turn.index - index <= _OPEN}
            for whole in turn.runs:
                run = outside(turn, whole, spoken_of)
                if run is not None:
                    both = self._in_run(turn, run, near), _address(turn, run)
                    found += [one for one in both if one]
        return found

    def _named_in(self, turn: SaidTurn) -> Iterator[tuple[int, int, str]]:
        """Yield where a turn names numbers, and the rules of these."""
        for place in range(len(turn.words)):
            length, rules = self._phrases.meaning_at(turn.words, place)
            for rule in rules if isinstance(rules, list) else ():
                yield place, place + length, rule

    def _in_run(self, turn: SaidTurn, run: Run, near: Collection[str]) -> Found | None:
        """Return the likeliest number that a run is, if it is any."""
        best: Found | None = None
        for chars in dict.fromkeys((*run.readings(), *_with_letters(run))):
            for one in self._numbers:
                score = _score(one, near)
                if score > (best.score if best else 0.0) and one.fits(chars):
                    best = _found(turn, run, one.kind, one.rule, (chars, score))
        return best


def _with_letters(run: Run) -> Iterator[str]:
    """Yield the run with what may be a zero or the letter O read as the letter: all of it, and
    where it stands among letters."""
    symbols = run.symbols
    doubtful = {
        p for p, one in enumerate(symbols) if one.form is Form.DOUBTFUL and one.chars == "0"
    }
    digits = {place for place, one in enumerate(symbols) if one.chars.isdigit()} - doubtful
    for letters in (doubtful, {p for p in doubtful if digits.isdisjoint((p - 1, p + 1))}):
        if letters:
            yield "".join("O" if p in letters else one.chars for p, one in enumerate(symbols))


def _score(one: National, near: Collection[str]) -> float:
    """Return how sure a number is where its form and check digit are right; 0 for not enough."""
    if one.rule in near:
        return _NAMED if one.check or one.alone else _FORM
    return _ALONE if one.alone else 0.0


def _address(turn: SaidTurn, run: Run) -> Found | None:
    """Return a network address of version 4 that a run says: four small numbers, dots between."""
    parts: list[list[Symbol]] = [[]]
    for symbol in run.symbols:
        before = parts[-1][-1].last if parts[-1] else None
        if before is not None and _DOTS.intersection(turn.words[before + 1 : symbol.first]):
            parts.append([])
        parts[-1].append(symbol)
    numbers = ["".join(symbol.chars for symbol in part) for part in parts]
    if len(numbers) != _OCTETS or not all(_is_octet(number) for number in numbers):
        return None
    return _found(turn, run, "IP_ADDRESS", "ip.said", (".".join(numbers), _ALONE))


def _is_octet(number: str) -> bool:
    return number.isdigit() and len(number) <= 3 and int(number) <= _LONGEST_OCTET


def _found(turn: SaidTurn, run: Run, kind: str, rule: str, said: tuple[str, float]) -> Found:
    value, score = said
    return Found(
        kind=kind,
        turn=turn.index,
        start=run.start,
        end=run.end,
        score=score,
        rule=rule,
        value=value,
    )
