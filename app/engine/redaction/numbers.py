"""Decides what a run of digits and letters is: by what was asked, announced, and proven.

The call is read from its first turn to its last, as a listener would: a question opens kinds, a
run is matched to the nearest kind whose shape it has, parts given over several turns are joined,
and what the other side says back is recognised. What nobody explains is redacted as `NUMBER` where
the talk is about identity or payment (fail closed).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import accumulate, groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from app.engine.redaction import checks
from app.engine.redaction.found import Found
from app.engine.redaction.spoken import Form, Run

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.dates import SaidDate
    from app.engine.redaction.lexicon import JoinWords, Kind, Lexicon

_NEAR_BEFORE = 16  # tokens between a cue and its value
_NEAREST_CUES = 8  # that are weighed before a value
_NEAR_AFTER = 6  # tokens between a value and the cue that follows it
_PART_TURNS = 4  # turns between two parts of one value
_ECHO_TURNS = 3  # turns within which a short repeat counts
_ECHO = 4  # characters that are a repeat anywhere in the call
_CARD_TURNS = 8  # turns after a card in which three digits alone are its code
_UNEXPLAINED = 4  # digits in an open context
_UNASKED = 6  # digits said one by one without any context
_REMEMBERED = 40  # values that may be repeated
_LONGEST_SPLIT = 4  # values in one breath
_UNNAMED_LETTERS = 3  # more letters alone are a spelled name, not a part of a number
_AFTERWARDS = 0  # the group of cues that follow the value
_WEAK = 100  # the group of weak cues and of the latest question
_LATEST_BIRTH = 2015  # a year before it is one of birth, also long after the question
_BANK_TURNS = 6  # turns in which an account number beside a sort code is a bank's

_UK_POSTCODE = re.compile(r"(?:GIR0AA|[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2})\Z")
_UK_VEHICLE = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z]{3}\Z")
_PHONE = re.compile(r"(?:0[1-9][0-9]{8,9}|1?[2-9][0-9]{2}[2-9][0-9]{6}|(?:27|44|61)[1-9][0-9]{8,9})\Z")
_MONTH_YEAR = re.compile(r"(?:0?[1-9]|1[0-2])(?:20)?[2-4][0-9]\Z")
_LINKS = {"is", "was", "for", "as", "being", "that's"}


@dataclass(slots=True)
class _Value:
    """A value and every part of the call in which it is said."""

    kind: str
    chars: str = field(repr=False)
    score: float
    speaker: tuple[int, str]
    turn: int
    whole: bool
    parts: list[tuple[int, int, int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A kind that may explain a run: how near it is (0 nearest) and how it was named."""

    kind: Kind
    weak: bool
    how: str  # "cue" or "asked"
    group: int  # claims of a group are equally near; the one with the better shape wins
    turns_ago: int = 0


@dataclass(frozen=True, slots=True)
class _Fit:
    """How well a run has the shape of a kind: 0 not, 1 a part, 2 whole, 3 proven by checksum."""

    level: int
    chars: str = field(default="", repr=False)
    rule: str = ""


class NumberFinder:
    """Finds numbers and codes of people in a call."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Keep the kinds and the words around amounts."""
        self._kinds = lexicon.kinds
        self._words = lexicon.spoken.words
        self._months = frozenset(lexicon.spoken.months)

    def find(self, call: SaidCall) -> list[Found]:
        """Return every part of every value, in no particular order."""
        listener = _Listener(self._kinds, self._words, self._months)
        for turn in call.turns:
            listener.hear(turn)
        return listener.found()


class _Listener:
    """Follows one call turn by turn."""

    def __init__(
        self, kinds: Mapping[str, Kind], words: JoinWords, months: frozenset[str]
    ) -> None:
        self._kinds = kinds
        self._units = frozenset(words.units)
        self._before_units = frozenset(words.before_units)
        self._before_years = frozenset(words.before_years) | months
        self._values: list[_Value] = []
        self._open: _Value | None = None
        self._card_turn = -_CARD_TURNS - 1
        self._answered: dict[str, int] = {}  # the turn in which a kind was given last
        self._taken: set[int] = set()  # tokens of the present turn that are explained

    def found(self) -> list[Found]:
        found: list[Found] = []
        for value in self._values:
            for turn, start, end, rule in value.parts:
                found.append(
                    Found(
                        kind=value.kind,
                        turn=turn,
                        start=start,
                        end=end,
                        score=value.score,
                        rule=rule,
                        value=value.chars,
                    )
                )
        return found

    # ------------------------------------------------------------------ one turn

    def hear(self, turn: SaidTurn) -> None:
        spent: set[str] = set()
        self._taken = set()
        in_dates = {place for date in turn.dates for place in range(date.first, date.last + 1)}
        for run in turn.runs:
            trimmed = _outside(turn, run)
            if trimmed is not None:
                in_date = any(symbol.first in in_dates for symbol in trimmed.symbols)
                self._explain(turn, trimmed, spent, in_date=in_date, depth=0)
        for date in turn.dates:
            self._date(turn, date)

    def _explain(
        self, turn: SaidTurn, run: Run, spent: set[str], *, in_date: bool, depth: int
    ) -> None:
        """Find out what a run is and remember it, or leave it as an everyday number."""
        if not any(char.isdigit() for char in run.chars):
            self._continues(turn, run, None)
            return
        claims = self._claims(turn, run, spent)
        amount = self._is_amount(turn, run)
        best = _best(claims, run, turn.few_words)
        if in_date:
            claim, fit = best if best else (None, None)
            if claim and fit and fit.level >= 2 and _beats_date(claim):
                self._keep(turn, run, claim.kind.name, fit, claim.how, spent)
            return
        if not amount and self._repeats(turn, run, claims, best):
            return
        if not amount and self._continues(turn, run, best):
            return
        proven = _proven(run)
        if proven and (best is None or best[1].level < 3):
            kind, fit = proven
            if best is None or best[1].level < 2 or best[0].kind.name in {kind, "CARD_CODE"}:
                self._keep(turn, run, kind, fit, "proven", spent)
                return
        if best and best[1].level >= 2 and (not amount or _said_digit_by_digit(run)):
            self._keep(turn, run, best[0].kind.name, best[1], best[0].how, spent)
            return
        if depth < _LONGEST_SPLIT and self._split(turn, run, claims, spent, depth):
            return
        if amount:
            return
        if best:
            self._keep(turn, run, best[0].kind.name, best[1], best[0].how, spent)
            return
        self._fall_back(turn, run, spent)

    # ------------------------------------------------------------------ explanations

    def _claims(self, turn: SaidTurn, run: Run, spent: set[str]) -> list[_Claim]:
        """Return the kinds that may explain a run, the likeliest first, spent ones last."""
        claims: list[_Claim] = []
        middle = bisect_right(turn.cues, run.first, key=attrgetter("first"))
        before = [
            cue
            for cue in turn.cues[max(0, middle - _NEAREST_CUES) : middle]
            if not cue.follows and 0 < run.first - cue.last <= _NEAR_BEFORE
        ]
        for cue in turn.cues[middle : middle + _NEAR_AFTER]:
            if cue.first - run.last > _NEAR_AFTER:
                break
            between = range(run.last + 1, cue.first)
            linked = any(turn.words[place] in _LINKS for place in between)
            if (cue.follows or linked) and not any(place in turn.in_runs for place in between):
                claims.append(_Claim(self._kinds[cue.kind], cue.weak, "cue", _AFTERWARDS))
        for nearness, cue in enumerate(reversed(before), start=1):
            group = _WEAK if cue.weak else nearness
            claims.append(_Claim(self._kinds[cue.kind], cue.weak, "cue", group))
        for one in turn.asked:
            if turn.index - one.turns_ago >= self._answered.get(one.kind, -1):
                group = _WEAK + one.turns_ago - turn.asked[0].turns_ago
                claims.append(
                    _Claim(self._kinds[one.kind], one.weak, "asked", group, one.turns_ago)
                )
        nearest: dict[str, _Claim] = {}
        for claim in claims:
            if claim.kind.answer in {"number", "date"}:
                nearest.setdefault(claim.kind.name, claim)
        spent_last = _WEAK * 2
        return sorted(
            nearest.values(), key=lambda one: one.group + spent_last * (one.kind.name in spent)
        )

    def _is_amount(self, turn: SaidTurn, run: Run) -> bool:
        """Say whether a run counts or measures something, or is a year or an ordinal."""
        words = turn.words
        before = words[run.first - 1] if run.first else ""
        after = words[run.last + 1] if run.last + 1 < len(words) else ""
        if after in self._units or before in self._before_units:
            return True
        if all(symbol.form is Form.ORDINAL for symbol in run.symbols):
            return True
        chars = run.chars
        if len(chars) == 4 and chars[:2] in {"19", "20"} and before in self._before_years:
            return True
        only = run.symbols[0]
        if len(run.symbols) == 1 and only.form is Form.NUMBER and len(chars) > 2:
            return True  # "two hundred", "two thousand and five"
        return _is_decimal(turn, run)

    def _repeats(
        self,
        turn: SaidTurn,
        run: Run,
        claims: Sequence[_Claim],
        best: tuple[_Claim, _Fit] | None,
    ) -> bool:
        """Recognise a value, or a piece of it, that was said before in the call."""
        chars = run.readings()[0]
        named = {claim.kind.name for claim in claims if claim.how == "cue"}
        if best and best[1].level >= 2:
            named.add(best[0].kind.name)
        for value in reversed(self._values[-_REMEMBERED:]):
            gap = turn.index - value.turn
            near = gap <= _ECHO_TURNS and (turn.channel, turn.role.value) != value.speaker
            equal = chars == value.chars and (len(chars) >= _ECHO or gap <= _ECHO_TURNS)
            piece = len(chars) >= _ECHO or (near and len(chars) >= 2 and turn.few_words)
            if not equal and not (piece and chars in value.chars):
                continue
            if named and value.kind not in named and not equal:
                continue
            if value is self._open and (turn.channel, turn.role.value) == value.speaker:
                continue
            self._add_part(value, turn, run, f"{_rule_name(value.kind)}.repeated")
            return True
        return False

    def _continues(self, turn: SaidTurn, run: Run, best: tuple[_Claim, _Fit] | None) -> bool:
        """Join a run to the value that its speaker began in an earlier turn or breath."""
        value = self._open
        if value is None or value.whole or turn.index - value.turn > _PART_TURNS:
            return False
        if value.speaker != (turn.channel, turn.role.value):
            return False
        if best and best[1].level >= 2 and best[0].kind.name != value.kind:
            return False
        newest = turn.asked[0].turns_ago if turn.asked else turn.index
        same_topic = any(one.kind == value.kind for one in turn.asked if one.turns_ago == newest)
        if turn.index - newest > value.turn and not same_topic:
            return False
        kind = self._kinds[value.kind]
        chars = value.chars + run.readings()[0]
        if run.chars.isalpha() and (not kind.letters or len(run.chars) > _UNNAMED_LETTERS):
            return False
        longest = max(kind.whole, default=kind.digits[1])
        if len(chars) > longest or (best and best[1].level >= 2 and len(chars) not in kind.whole):
            return False
        if not turn.few_words:
            return False
        value.chars = chars
        value.turn = turn.index
        value.whole = _complete(kind, chars)
        value.score = max(value.score, 0.95 if value.whole else value.score)
        self._add_part(value, turn, run, f"{_rule_name(value.kind)}.continued")
        return True

    def _split(
        self, turn: SaidTurn, run: Run, claims: Sequence[_Claim], spent: set[str], depth: int
    ) -> bool:
        """Cut a run that holds several values said in one breath: card, expiry, code."""
        lengths = list(accumulate(len(symbol.chars) for symbol in run.symbols))
        for claim in claims:
            if not claim.kind.whole or claim.group == _AFTERWARDS:  # that names the tail
                continue
            longest = bisect_right(lengths, max(claim.kind.whole))
            for count, length in enumerate(lengths[: min(longest, len(lengths) - 1)], start=1):
                if length not in claim.kind.whole:
                    continue
                head = _cut(turn, run, 0, count)
                fit = _fit(claim.kind, head, weak=claim.weak, alone=True)
                if fit.level < (3 if claim.kind.name == "CARD" else 2):
                    continue
                tail = _cut(turn, run, count, len(run.symbols))
                self._keep(turn, head, claim.kind.name, fit, claim.how, spent)
                self._explain(turn, tail, spent, in_date=False, depth=depth + 1)
                return True
        return False

    def _fall_back(self, turn: SaidTurn, run: Run, spent: set[str]) -> None:
        """Redact what nobody explains where it may identify or pay."""
        chars = run.readings()[0]
        digits = sum(char.isdigit() for char in chars)
        open_context = bool(turn.asked or turn.cues)
        after_card = turn.index - self._card_turn <= _CARD_TURNS and turn.few_words
        if after_card and digits == len(chars) == 3:
            self._keep(turn, run, "CARD_CODE", _Fit(1, chars), "after-card", spent)
        elif after_card and _MONTH_YEAR.match(chars) and len(chars) >= 3:
            self._keep(turn, run, "CARD_EXPIRY", _Fit(1, chars), "after-card", spent)
        elif open_context and self._near_address(turn) and len(chars) == digits in (4, 5, 9):
            self._keep(turn, run, "POSTCODE", _Fit(1, chars), "address", spent)
        elif digits >= _UNEXPLAINED and open_context:
            self._keep(turn, run, "NUMBER", _Fit(1, chars), "unexplained", spent)
        elif digits >= _UNASKED and not _in_thousands(turn, run):
            self._keep(turn, run, "NUMBER", _Fit(1, chars), "unasked", spent)
        elif digits >= 3 and len(chars) >= 5 and open_context:
            self._keep(turn, run, "NUMBER", _Fit(1, chars), "unexplained", spent)

    def _near_address(self, turn: SaidTurn) -> bool:
        kinds = {one.kind for one in turn.asked} | {cue.kind for cue in turn.cues}
        return "ADDRESS" in kinds

    # ------------------------------------------------------------------ dates

    def _date(self, turn: SaidTurn, date: SaidDate) -> None:
        """Redact a date as one of birth or of a card's expiry where it was asked or announced."""
        first = date.first - (date.first > 0 and turn.words[date.first - 1] == "the")
        start, end = turn.span(first, date.last)
        if any(place in self._taken for place in range(date.first, date.last + 1)):
            return
        kind, how = self._date_kind(turn, date)
        value = _Value(kind, date.value, 0.95, (turn.channel, turn.role.value), turn.index, True)
        value.parts.append((turn.index, start, end, f"{_rule_name(kind)}.{how}"))
        self._values.append(value)

    def _date_kind(self, turn: SaidTurn, date: SaidDate) -> tuple[str, str]:
        middle = bisect_right(turn.cues, date.first, key=attrgetter("first"))
        near = [
            cue
            for cue in turn.cues[max(0, middle - _NEAR_BEFORE * 2) : middle + _NEAR_AFTER * 2]
            if self._takes_dates(cue.kind)
            and (-_NEAR_AFTER * 2 <= date.first - cue.last <= _NEAR_BEFORE * 2)
        ]
        if near:
            best = min(near, key=lambda cue: abs(date.first - cue.last))
            return best.kind, "cue"
        known = self._values[-_REMEMBERED:]
        if any(one.chars == date.value and one.kind == "DATE_OF_BIRTH" for one in known):
            return "DATE_OF_BIRTH", "repeated"
        for one in turn.asked:
            asked_now = one.turns_ago <= 2 or 0 < date.year < _LATEST_BIRTH
            if self._takes_dates(one.kind) and asked_now and (not one.weak or one.turns_ago == 1):
                return one.kind, "asked"
        return "DATE", "said"

    def _takes_dates(self, kind: str) -> bool:
        return self._kinds[kind].answer == "date" or self._kinds[kind].dates

    # ------------------------------------------------------------------ memory

    def _keep(
        self, turn: SaidTurn, run: Run, kind: str, fit: _Fit, how: str, spent: set[str]
    ) -> None:
        """Remember a new value."""
        if kind == "ACCOUNT_NUMBER" and self._beside_bank(turn, spent):
            kind = "BANK_ACCOUNT"
        if fit.level >= 2:
            spent.add(kind)
            self._answered[kind] = turn.index
        score = (0.4, 0.7, 0.9, 1.0)[fit.level]
        whole = fit.level == 3 or (fit.level == 2 and _complete(self._kinds[kind], fit.chars))
        speaker = (turn.channel, turn.role.value)
        value = _Value(kind, fit.chars or run.chars, score, speaker, turn.index, whole)
        rule = f"{_rule_name(kind)}.{fit.rule or how}"
        self._add_part(value, turn, run, rule)
        self._values.append(value)
        self._open = value

    def _beside_bank(self, turn: SaidTurn, spent: set[str]) -> bool:
        """Say whether a sort code or the like is talked about too."""
        bank = {"SORT_CODE", "ROUTING_NUMBER", "BANK_ACCOUNT"}
        if bank & spent or bank & {cue.kind for cue in turn.cues[-_REMEMBERED:]}:
            return True
        return any(
            value.kind in bank and turn.index - value.turn <= _BANK_TURNS
            for value in self._values[-_REMEMBERED:]
        ) or any(one.kind in bank for one in turn.asked)

    def _add_part(self, value: _Value, turn: SaidTurn, run: Run, rule: str) -> None:
        value.parts.append((turn.index, run.start, run.end, rule))
        self._taken.update(range(run.first, run.last + 1))
        if value.kind == "CARD":
            self._card_turn = turn.index


# ---------------------------------------------------------------------- shapes


def _best(claims: Iterable[_Claim], run: Run, alone: bool) -> tuple[_Claim, _Fit] | None:
    """Return the first claim that the whole run fits, else the first that it may be a part of."""
    part: tuple[_Claim, _Fit] | None = None
    for _, group in groupby(claims, key=attrgetter("group")):
        general: tuple[_Claim, _Fit] | None = None
        for claim in group:
            near = alone and claim.turns_ago <= _PART_TURNS
            fit = _fit(claim.kind, run, weak=claim.weak, alone=near)
            if fit.level >= 2 and claim.kind.whole:
                return claim, fit
            if fit.level >= 2 and general is None:
                general = claim, fit
            if fit.level == 1 and part is None:
                part = claim, fit
        if general:
            return general
    return part


def _beats_date(claim: _Claim) -> bool:
    """Say whether a kind explains "12-03-45" better than a date does: a sort code was asked for."""
    return bool(claim.kind.whole) and not claim.weak and not claim.kind.dates


def _fit(kind: Kind, run: Run, *, weak: bool, alone: bool) -> _Fit:
    """Say how well a run has the shape of a kind, in its likeliest reading."""
    fits = [_fit_reading(kind, reading, run) for reading in run.readings()]
    best = max(fits, key=lambda fit: fit.level)  # the first of equals: the likeliest
    if best.level == 1:
        least = 4 if weak else 3
        if len(best.chars) < least and not (alone and not weak and kind.whole):
            return _Fit(0)
    if weak and len(best.chars) < 4:
        return _Fit(0)
    return best


def _fit_reading(kind: Kind, chars: str, run: Run) -> _Fit:
    digits = sum(char.isdigit() for char in chars)
    letters = len(chars) - digits
    if kind.answer == "date":
        return _Fit(2 if 6 <= digits <= 8 and not letters else int(2 <= digits <= 8), chars)
    fewest, most = kind.digits
    proof = _proof(kind.name, chars)
    if proof:
        return _Fit(3, chars, proof)
    if not fewest <= digits <= most or (letters and len(chars) > most + 4):
        part = kind.whole and 0 < digits < fewest and not letters
        return _Fit(1 if part else 0, chars)
    if letters and not kind.letters:
        return _Fit(1 if letters <= 2 else 0, chars)
    if not kind.whole:
        return _Fit(2 if len(chars) >= 3 else 1, chars)
    return _Fit(2 if len(chars) in kind.whole else 1, chars)


_PROOFS: dict[str, tuple[str, ...]] = {
    "CARD": ("card",),
    "IBAN": ("iban",),
    "ROUTING_NUMBER": ("routing",),
    "NATIONAL_ID": ("nino", "south_african_id", "nhs", "tfn", "abn", "acn", "medicare"),
}


def _proof(kind: str, chars: str) -> str:
    """Return the checksum that proves a value of a kind, if any does."""
    for name in _PROOFS.get(kind, ()):
        if checks.CHECKS[name](chars):
            return name.replace("_", "-")
    if kind == "POSTCODE" and _UK_POSTCODE.match(chars):
        return "uk"
    if kind == "VEHICLE" and _UK_VEHICLE.match(chars):
        return "uk"
    return ""


def _proven(run: Run) -> tuple[str, _Fit] | None:
    """Return the kind that a run's own form proves, without any context."""
    for chars in run.readings():
        for kind in ("CARD", "IBAN", "POSTCODE", "VEHICLE"):
            proof = _proof(kind, chars)
            if proof:
                return kind, _Fit(3, chars, proof)
        if checks.nino(chars) or checks.south_african_id(chars):
            return "NATIONAL_ID", _Fit(3, chars, _proof("NATIONAL_ID", chars))
        if _grouped(run) == (3, 2, 4) and checks.ssn(chars):
            return "NATIONAL_ID", _Fit(2, chars, "ssn")
        if _PHONE.match(chars):
            return "PHONE", _Fit(2, chars, "shape")
    return None


def _grouped(run: Run) -> tuple[int, ...]:
    """Return the lengths of the groups in which digits were written."""
    return tuple(len(symbol.chars) for symbol in run.symbols)


def _complete(kind: Kind, chars: str) -> bool:
    """Say whether nothing more of a value is to come."""
    if kind.name == "CARD":
        return checks.card(chars) or len(chars) >= 16
    return bool(kind.whole) and len(chars) in kind.whole


def _said_digit_by_digit(run: Run) -> bool:
    single = {Form.DIGIT, Form.DOUBTFUL, Form.LETTER}
    return len(run.symbols) >= 3 and all(symbol.form in single for symbol in run.symbols)


def _is_decimal(turn: SaidTurn, run: Run) -> bool:
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
    return _in_thousands(turn, run) or signs == [":"]


def _in_thousands(turn: SaidTurn, run: Run) -> bool:
    """Say whether a written number is grouped by commas: "1,250,000"."""
    groups = _grouped(run)
    commas = all(turn.tokens[left.last + 1].text == "," for left in run.symbols[:-1])
    return len(groups) > 1 and commas and groups[0] <= 3 and set(groups[1:]) == {3}


def _outside(turn: SaidTurn, run: Run) -> Run | None:
    """Return the run without the symbols that belong to a cue ("last four digits")."""
    free = [not any(p in turn.in_cues for p in range(s.first, s.last + 1)) for s in run.symbols]
    if all(free):
        return run
    kept = [place for place, is_free in enumerate(free) if is_free]
    if not kept:
        return None
    return _cut(turn, run, kept[0], kept[-1] + 1)


def _cut(turn: SaidTurn, run: Run, start: int, end: int) -> Run:
    """Return a part of a run, by its symbols: at least one."""
    symbols = run.symbols[start:end]
    takes_back = tuple(place - start for place in run.takes_back if start < place < end)
    first, last = turn.tokens[symbols[0].first], turn.tokens[symbols[-1].last]
    return Run(symbols, first.start, last.end, takes_back)


def _rule_name(kind: str) -> str:
    return kind.lower().replace("_", "-")
