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
from app.engine.redaction.shapes import (
    PHONE,
    Fit,
    complete,
    cut,
    fit_of,
    grouped,
    in_thousands,
    is_decimal,
    outside,
    proof_of,
    said_digit_by_digit,
)
from app.engine.redaction.spoken import Form

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from app.engine.redaction.call import SaidCall, SaidTurn
    from app.engine.redaction.dates import SaidDate
    from app.engine.redaction.lexicon import JoinWords, Kind, Lexicon
    from app.engine.redaction.spoken import Run

_NEAR_BEFORE = 16  # tokens between a cue and its value
_NEAREST_CUES = 8  # that are weighed before a value
_NEAR_AFTER = 6  # tokens between a value and the cue that follows it
_PART_TURNS = 4  # turns between two parts of one value
_ECHO_TURNS = 3  # turns within which a short repeat counts
_ECHO = 4  # characters that are a repeat anywhere in the call
_LONGEST_AMOUNT = 9  # digits: 1,234,567.89
_CARD_TURNS = 40  # turns after a card in which three digits alone are its code
_EARLIEST_EXPIRY = 2024
_UNEXPLAINED = 4  # digits in an open context
_UNASKED = 6  # digits said one by one without any context
_REMEMBERED = 40  # values that may be repeated
_SHORTEST_TAIL = 3  # characters of the last of them
_LONGEST_SPLIT = 4  # values in one breath
_UNNAMED_LETTERS = 3  # more letters alone are a spelled name, not a part of a number
_AFTERWARDS = 0  # the group of cues that follow the value
_WEAK = 100  # the group of weak cues and of the latest question
_LATEST_BIRTH = 2015  # a year before it is one of birth, also long after the question
_BANK_TURNS = 6  # turns in which an account number beside a sort code is a bank's

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

    def covers(self, turn: int, place: int) -> bool:
        """Say whether a character of a turn is part of this value."""
        return any(one == turn and start <= place < end for one, start, end, _ in self.parts)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A kind that may explain a run: how near it is (0 nearest) and how it was named."""

    kind: Kind
    weak: bool
    how: str  # "cue" or "asked"
    group: int  # claims of a group are equally near; the one with the better shape wins
    turns_ago: int = 0


@dataclass(frozen=True, slots=True)
class _Explanation:
    """What a run is, how well it fits, and how that is known."""

    kind: str
    fit: Fit
    how: str


class NumberFinder:
    """Finds numbers and codes of people in a call."""

    def __init__(self, lexicon: Lexicon) -> None:
        """Keep the kinds and the words around amounts."""
        self._kinds = lexicon.kinds
        self._words = lexicon.spoken.words
        self._months = frozenset(lexicon.spoken.months)

    def find(self, call: SaidCall) -> list[Found]:
        """Return every part of every value, in no particular order."""
        listener = _Listener(call, self._kinds, self._words, self._months)
        for turn in call.turns:
            listener.hear(turn)
        return listener.found()


class _Listener:
    """Follows one call turn by turn."""

    def __init__(
        self, call: SaidCall, kinds: Mapping[str, Kind], words: JoinWords, months: frozenset[str]
    ) -> None:
        self._call = call
        self._kinds = kinds
        self._units = frozenset(words.units)
        self._between = frozenset((*words.between, ",", ".", "-"))
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
        runs = [part for run in turn.runs for part in self._counted_apart(turn, run)]
        for run in runs:
            trimmed = outside(turn, run, turn.in_cues)
            if trimmed is not None:
                in_date = any(symbol.first in in_dates for symbol in trimmed.symbols)
                self._explain(turn, trimmed, spent, in_date=in_date, depth=0)
        for date in turn.dates:
            self._date(turn, date)
        for run in (*runs, *reversed(runs)):  # what is joined may join what stands before it
            self._beside(turn, run)

    def _counted_apart(self, turn: SaidTurn, run: Run) -> tuple[Run, ...]:
        """Cut off an amount that a number is read into: "0821 for 51 pounds"."""
        words = [place for place, one in enumerate(run.symbols) if one.form is Form.HOMOPHONE]
        if not words or not self._is_amount(turn, run):
            return (run,)
        last = len(run.symbols)
        return cut(turn, run, 0, words[-1]), cut(turn, run, words[-1] + 1, last)

    def _beside(self, turn: SaidTurn, run: Run) -> None:
        """Join digits that nothing explains to a value from which only a misheard word parts
        them."""
        digits = any(char.isdigit() for char in run.chars)
        goes_on = self._over(turn, run.last, 1) > run.last + 1
        if run.first in self._taken or not digits:
            return
        if self._is_amount(turn, run) and not goes_on:
            return
        for place in (self._over(turn, run.first, -1), self._over(turn, run.last, 1)):
            if place in self._taken:
                start, _ = turn.span(place, place)
                value = next(one for one in reversed(self._values) if one.covers(turn.index, start))
                self._add_part(value, turn, run, f"{_rule_name(value.kind)}.beside")
                return

    def _over(self, turn: SaidTurn, place: int, step: int) -> int:
        """Return the token behind the words that may be a misheard part of a number."""
        place += step
        while 0 <= place < len(turn.words) and turn.words[place] in self._between:
            place += step
        return place

    def _explain(
        self, turn: SaidTurn, run: Run, spent: set[str], *, in_date: bool, depth: int
    ) -> None:
        """Find out what a run is and remember it, or leave it as an everyday number."""
        if not any(char.isdigit() for char in run.chars):
            self._continues(turn, run, None)
            return
        claims = self._claims(turn, run, spent)
        best = _best(claims, run, turn.few_words)
        if in_date:
            if best and _beats_date(*best):
                self._keep(turn, run, _told(*best), spent)
            elif said_digit_by_digit(run):
                self._fall_back(turn, run, spent)
        elif self._is_amount(turn, run):
            clear = best if said_digit_by_digit(run) else None
            _ = self._is_proven(turn, run, best, spent) or self._fits(turn, run, clear, spent)
        else:
            _ = (
                self._repeats(turn, run, claims, best)
                or self._continues(turn, run, best)
                or self._is_proven(turn, run, best, spent)
                or (_is_general(best) and self._split(turn, run, claims, spent, depth))
                or self._fits(turn, run, best, spent)
                or (depth < _LONGEST_SPLIT and self._split(turn, run, claims, spent, depth))
                or self._is_part(turn, run, best, spent)
                or self._fall_back(turn, run, spent)
            )

    def _is_proven(
        self, turn: SaidTurn, run: Run, best: tuple[_Claim, Fit] | None, spent: set[str]
    ) -> bool:
        """Take what a checksum or a form proves, where no question explains it as well."""
        proven = _proven(run)
        if proven is None or (best and best[1].level == 3):
            return False
        if best and best[1].level == 2 and best[0].kind.name not in {proven.kind, "CARD_CODE"}:
            return False
        self._keep(turn, run, proven, spent)
        return True

    def _fits(
        self, turn: SaidTurn, run: Run, best: tuple[_Claim, Fit] | None, spent: set[str]
    ) -> bool:
        """Take the kind that was asked for or announced and whose shape the whole run has."""
        if best is None or best[1].level < 2:
            return False
        self._keep(turn, run, _told(*best), spent)
        return True

    def _is_part(
        self, turn: SaidTurn, run: Run, best: tuple[_Claim, Fit] | None, spent: set[str]
    ) -> bool:
        """Take the kind that was asked for, of which the run may be a part."""
        if best is None or (best[0].kind.name in spent and self._fall_back(turn, run, spent)):
            return best is not None
        self._keep(turn, run, _told(*best), spent)
        return True

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
        if sum(char.isdigit() for char in run.chars) > _LONGEST_AMOUNT:
            return False
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
        return is_decimal(turn, run)

    def _repeats(
        self,
        turn: SaidTurn,
        run: Run,
        claims: Sequence[_Claim],
        best: tuple[_Claim, Fit] | None,
    ) -> bool:
        """Recognise a value, or a piece of it, that was said before in the call."""
        chars = run.readings()[0]
        named = {claim.kind.name for claim in claims if claim.how == "cue"}
        if best and best[1].level >= 2:
            named.add(best[0].kind.name)
        for value in reversed(self._values[-_REMEMBERED:]) if len(chars) > 1 else ():
            if chars in value.chars and self._is_repeat(value, turn, chars, named):
                self._add_part(value, turn, run, f"{_rule_name(value.kind)}.repeated")
                return True
        return False

    def _is_repeat(self, value: _Value, turn: SaidTurn, chars: str, named: set[str]) -> bool:
        """Say whether characters of a value are that value again."""
        gap = turn.index - value.turn
        same_speaker = _speaker(turn) == value.speaker
        equal = chars == value.chars and (len(chars) >= _ECHO or gap <= _ECHO_TURNS)
        echo = gap <= _ECHO_TURNS and not same_speaker and turn.few_words
        piece = len(chars) >= _ECHO or echo
        if value is self._open and same_speaker:
            return False
        return equal or (piece and (not named or value.kind in named))

    def _continues(self, turn: SaidTurn, run: Run, best: tuple[_Claim, Fit] | None) -> bool:
        """Join a run to the value that its speaker began in an earlier turn or breath."""
        value = self._open
        if value is None or not turn.few_words or not _still_open(value, turn):
            return False
        kind = self._kinds[value.kind]
        chars = value.chars + run.readings()[0]
        if run.chars.isalpha() and (not kind.letters or len(run.chars) > _UNNAMED_LETTERS):
            return False
        whole_itself = best is not None and best[1].level >= 2
        if best and whole_itself and best[0].kind.name != value.kind:
            return False
        longest = max(kind.whole, default=kind.digits[1])
        if len(chars) > longest or (whole_itself and len(chars) not in kind.whole):
            return False
        value.chars, value.turn, value.whole = chars, turn.index, complete(kind, chars)
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
                if length not in claim.kind.whole or lengths[-1] - length < _SHORTEST_TAIL:
                    continue
                head = cut(turn, run, 0, count)
                fit = fit_of(claim.kind, head, weak=claim.weak, alone=True)
                if fit.level < (3 if claim.kind.name == "CARD" else 2):
                    continue
                tail = cut(turn, run, count, len(run.symbols))
                self._keep(turn, head, _told(claim, fit), spent)
                self._explain(turn, tail, spent, in_date=False, depth=depth + 1)
                return True
        return False

    def _fall_back(self, turn: SaidTurn, run: Run, spent: set[str]) -> bool:
        """Redact what nobody explains where it may identify or pay."""
        if self._expiry_and_code(turn, run, spent):
            return True
        explained = self._after_card(turn, run) or self._unexplained(turn, run)
        if explained is None:
            return False
        kind, how = explained
        self._keep(turn, run, _Explanation(kind, Fit(1, run.readings()[0]), how), spent)
        return True

    def _expiry_and_code(self, turn: SaidTurn, run: Run, spent: set[str]) -> bool:
        """Cut "12 29 123" after a card into its expiry and its code."""
        if turn.index - self._card_turn > _CARD_TURNS or not run.chars.isdigit():
            return False
        for count in range(1, min(len(run.symbols), _LONGEST_SPLIT * 2)):
            head, tail = cut(turn, run, 0, count), cut(turn, run, count, len(run.symbols))
            if _MONTH_YEAR.match(head.chars) and len(head.chars) > 3 and len(tail.chars) in (3, 4):
                expiry = _Explanation("CARD_EXPIRY", Fit(1, head.chars), "after-card")
                self._keep(turn, head, expiry, spent)
                code = _Explanation("CARD_CODE", Fit(1, tail.chars), "after-card")
                self._keep(turn, tail, code, spent)
                return True
        return False

    def _after_card(self, turn: SaidTurn, run: Run) -> tuple[str, str] | None:
        """Take a few digits alone after a card for its code or its expiry."""
        chars = run.readings()[0]
        if not turn.few_words:
            return None
        code = chars.isdigit() and len(chars) == 3
        # "the verification quote on the card" asks for a code, too
        if code and turn.answers_unknown and self._call.asks_for("CARD_CODE"):
            return "CARD_CODE", "answer"
        if turn.index - self._card_turn > _CARD_TURNS:
            return None
        if code:
            return "CARD_CODE", "after-card"
        if len(chars) > 3 and _MONTH_YEAR.match(chars):
            return "CARD_EXPIRY", "after-card"
        return None

    def _unexplained(self, turn: SaidTurn, run: Run) -> tuple[str, str] | None:
        """Take longer digits for a number of somebody's, in an open context or very long."""
        chars = run.readings()[0]
        digits = sum(char.isdigit() for char in chars)
        asked_near = turn.few_words and turn.answers_unknown and self._call.asks_near(turn)
        open_context = bool(turn.asked or turn.cues) or asked_near
        if open_context and self._near_address(turn) and len(chars) == digits in (4, 5, 9):
            return "POSTCODE", "address"
        if open_context and (digits >= _UNEXPLAINED or (digits >= 3 and len(chars) >= 5)):
            return "NUMBER", "unexplained"
        if digits >= _UNASKED and not in_thousands(turn, run):
            return "NUMBER", "unasked"
        return None

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
        value = _Value(kind, date.value, 0.95, _speaker(turn), turn.index, True)
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
        if self._is_expiry(turn, date):
            return "CARD_EXPIRY", "after-card"
        return "DATE", "said"

    def _is_expiry(self, turn: SaidTurn, date: SaidDate) -> bool:
        """Say whether a month and a year stand alone after a card."""
        alone = not date.day and date.year >= _EARLIEST_EXPIRY and turn.few_words
        return alone and turn.index - self._card_turn <= _CARD_TURNS

    def _takes_dates(self, kind: str) -> bool:
        return self._kinds[kind].answer == "date" or self._kinds[kind].dates

    # ------------------------------------------------------------------ memory

    def _keep(self, turn: SaidTurn, run: Run, told: _Explanation, spent: set[str]) -> None:
        """Remember a new value."""
        kind, fit = told.kind, told.fit
        if kind == "ACCOUNT_NUMBER" and self._beside_bank(turn, spent):
            kind = "BANK_ACCOUNT"
        if fit.level >= 2:
            spent.add(kind)
            self._answered[kind] = turn.index
        score = (0.4, 0.7, 0.9, 1.0)[fit.level]
        whole = fit.level == 3 or (fit.level == 2 and complete(self._kinds[kind], fit.chars))
        value = _Value(kind, fit.chars or run.chars, score, _speaker(turn), turn.index, whole)
        self._add_part(value, turn, run, f"{_rule_name(kind)}.{fit.rule or told.how}")
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


def _best(claims: Iterable[_Claim], run: Run, alone: bool) -> tuple[_Claim, Fit] | None:
    """Return the first claim that the whole run fits, else the first that it may be a part of."""
    part: tuple[_Claim, Fit] | None = None
    for _, group in groupby(claims, key=attrgetter("group")):
        general: tuple[_Claim, Fit] | None = None
        for claim in group:
            near = alone and claim.turns_ago <= _PART_TURNS
            fit = fit_of(claim.kind, run, weak=claim.weak, alone=near)
            if fit.level >= 2 and claim.kind.whole:
                return claim, fit
            if fit.level >= 2 and general is None:
                general = claim, fit
            if fit.level == 1 and part is None:
                part = claim, fit
        if general:
            return general
    return part


def _beats_date(claim: _Claim, fit: Fit) -> bool:
    """Say whether a kind explains "12-03-45" better than a date does: a sort code was asked for."""
    sure = bool(claim.kind.whole) and not claim.weak and not claim.kind.dates
    return sure and fit.level >= 2


def _proven(run: Run) -> _Explanation | None:
    """Return the kind that a run's own form proves, without any context."""
    for chars in run.readings():
        for kind in ("CARD", "IBAN", "POSTCODE", "VEHICLE"):
            proof = proof_of(kind, chars)
            if proof:
                return _Explanation(kind, Fit(3, chars, proof), "proven")
        if checks.nino(chars) or checks.south_african_id(chars):
            fit = Fit(3, chars, proof_of("NATIONAL_ID", chars))
            return _Explanation("NATIONAL_ID", fit, "proven")
        if grouped(run) == (3, 2, 4) and checks.ssn(chars):
            return _Explanation("NATIONAL_ID", Fit(2, chars, "ssn"), "proven")
        if PHONE.match(chars):
            return _Explanation("PHONE", Fit(2, chars, "shape"), "proven")
    return None


def _is_general(best: tuple[_Claim, Fit] | None) -> bool:
    """Say whether a run only fits a kind that takes any number: it may hold several values."""
    return best is not None and best[1].level == 2 and not best[0].kind.whole


def _told(claim: _Claim, fit: Fit) -> _Explanation:
    return _Explanation(claim.kind.name, fit, claim.how)


def _speaker(turn: SaidTurn) -> tuple[int, str]:
    return turn.channel, turn.role.value


def _still_open(value: _Value, turn: SaidTurn) -> bool:
    """Say whether the speaker of a turn may still be giving a value that they began."""
    newest = turn.asked[0].turns_ago if turn.asked else turn.index
    same_topic = any(one.kind == value.kind for one in turn.asked if one.turns_ago == newest)
    return (
        not value.whole
        and turn.index - value.turn <= _PART_TURNS
        and value.speaker == _speaker(turn)
        and (turn.index - newest <= value.turn or same_topic)
    )


def _rule_name(kind: str) -> str:
    return kind.lower().replace("_", "-")
