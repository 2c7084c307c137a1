"""Finds dates as they are said or written, and brings them into one form.

"the fourteenth of March, nineteen seventy-nine", "seventh of the eleventh, fifty-two",
"14/03/1979", "March 3rd". One pass over the tokens with bounded look-ahead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.engine.redaction.spoken import Form, Symbol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.engine.redaction.lexicon import Spoken
    from app.engine.redaction.spoken import Token

_BETWEEN = {"of", "the", ",", ".", "-", "/", "day", "year", "in", "and"}
_SEPARATORS = {"/", "-", "."}
_NUMBERS = {Form.DIGIT, Form.NUMBER, Form.WRITTEN, Form.ORDINAL}
_FIRST_YEAR, _LAST_YEAR = 1880, 2100
_LONGEST_BETWEEN = 3


@dataclass(frozen=True, slots=True)
class SaidDate:
    """A date said by tokens `first` to `last`; parts that were not said are 0."""

    first: int
    last: int
    day: int = field(repr=False)
    month: int = field(repr=False)
    year: int = field(repr=False)

    @property
    def value(self) -> str:
        """Return the date as `YYYY-MM-DD`, `0000` and `00` for what was not said."""
        return f"{self.year:04d}-{self.month:02d}-{self.day:02d}"


class Calendar:
    """Reads dates out of tokens, by the words of spoken.toml."""

    def __init__(self, spoken: Spoken) -> None:
        """Keep the names of the months."""
        self._months = spoken.months

    def dates(
        self, tokens: Sequence[Token], words: Sequence[str], symbols: Sequence[Symbol]
    ) -> tuple[SaidDate, ...]:
        """Return the dates of a turn, in order, without overlaps."""
        by_first = {symbol.first: symbol for symbol in symbols if symbol.form in _NUMBERS}
        reader = _Reader(tokens, words, by_first, self._months)
        dates: list[SaidDate] = []
        index = 0
        while index < len(words):
            date = reader.date_at(index)
            if date:
                dates.append(date)
            index = date.last + 1 if date else index + 1
        return tuple(dates)


@dataclass(frozen=True, slots=True)
class _Reader:
    """The date, if any, that starts at a token."""

    tokens: Sequence[Token]
    words: Sequence[str]
    symbols: dict[int, Symbol]
    months: dict[str, int]

    def date_at(self, index: int) -> SaidDate | None:
        return self._month_first(index) or self._day_first(index) or self._written(index)

    def _month_first(self, index: int) -> SaidDate | None:
        """Read "March the third, nineteen eighty", "March 1979"."""
        month = self.months.get(self.words[index], 0)
        if not month:
            return None
        day = self._number_after(index, 31)
        if day:
            year, last = self._year_after(day.last)
            return SaidDate(index, last, int(day.chars), month, year)
        year, last = self._year_after(index)
        return SaidDate(index, last, 0, month, year) if year > _FIRST_YEAR else None

    def _day_first(self, index: int) -> SaidDate | None:
        """Read "fourteenth of March 1979", "seventh of the eleventh, fifty-two", "14 March"."""
        day = self.symbols.get(index)
        if day is None or not _within(day, 31):
            return None
        place = self._skip(day.last + 1)
        if place < len(self.words) and self.months.get(self.words[place]):
            year, last = self._year_after(place)
            return SaidDate(index, last, int(day.chars), self.months[self.words[place]], year)
        month = self.symbols.get(place)
        if day.form is not Form.ORDINAL or month is None or month.form is not Form.ORDINAL:
            return self._both_numbers(index, day, month)
        if not _within(month, 12):
            return None
        year, last = self._year_after(month.last)
        return SaidDate(index, last, int(day.chars), int(month.chars), year)

    def _both_numbers(self, index: int, day: Symbol, month: Symbol | None) -> SaidDate | None:
        """Read "27th of the 9, 1979": an ordinal, a number and a year."""
        if month is None or day.form is not Form.ORDINAL or not _within(month, 12):
            return None
        year, last = self._year_after(month.last)
        return SaidDate(index, last, int(day.chars), int(month.chars), year) if year else None

    def _written(self, index: int) -> SaidDate | None:
        """Read "14/03/1979", "1979-03-14", "14.3.79"."""
        if index + 4 >= len(self.words):
            return None
        one, sign, two, again, three = self.words[index : index + 5]
        if sign not in _SEPARATORS or sign != again:
            return None
        parts = (one, two, three)
        if not all(part.isdecimal() and len(part) <= 4 for part in parts):
            return None
        numbers = [int(part) for part in parts]
        if len(one) == 4:
            year, month, day = numbers
        else:
            day, month, year = numbers
        day, month = (month, day) if month > 12 else (day, month)
        if not (1 <= day <= 31 and 1 <= month <= 12) or len(two) > 2:
            return None
        return SaidDate(index, index + 4, day, month, _full_year(year))

    def _skip(self, place: int) -> int:
        """Return the place after what may stand between the parts of a date."""
        end = place + _LONGEST_BETWEEN
        while place < min(end, len(self.words)) and self.words[place] in _BETWEEN:
            place += 1
        return place

    def _number_after(self, index: int, most: int) -> Symbol | None:
        symbol = self.symbols.get(self._skip(index + 1))
        return symbol if symbol and _within(symbol, most) else None

    def _year_after(self, last: int) -> tuple[int, int]:
        """Return the year said after token `last` and its last token: "1979", "nineteen oh five",
        "seventy-nine", "7 9"."""
        place = self._skip(last + 1)
        chars, end = "", last
        while len(chars) < 4 and (symbol := self.symbols.get(place) or self._zero(place)):
            if symbol.form is Form.ORDINAL or len(chars) + len(symbol.chars) > 4:
                break
            chars, end = chars + symbol.chars, symbol.last
            place = end + 1
            if place < len(self.words) and self.words[place] == "-":
                place += 1
        if len(chars) == 4 and _FIRST_YEAR <= int(chars) <= _LAST_YEAR:
            return int(chars), end
        if len(chars) == 2 and end > last:
            return _full_year(int(chars)), end
        return 0, last

    def _zero(self, place: int) -> Symbol | None:
        doubtful = place < len(self.words) and self.words[place] in {"oh", "o"}
        return Symbol("0", Form.DOUBTFUL, place, place) if doubtful else None


def _within(symbol: Symbol, most: int) -> bool:
    return len(symbol.chars) <= 2 and 1 <= int(symbol.chars) <= most


def _full_year(year: int) -> int:
    """Return the year of two digits that a living person may be born in."""
    if year >= 100:
        return year
    return year + (2000 if year <= 25 else 1900)
