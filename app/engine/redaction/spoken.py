"""Turns talk into numbers and letters without losing where they were said.

A turn becomes tokens; tokens become symbols ("double two" is `22`, "forty-two" is `42`, "b for
bertie" is `B`); symbols that belong together become a run, with hesitations and corrections ("no,
sorry, four five") inside it. Everything keeps the characters of the turn that it covers. One pass,
bounded look-ahead: the time grows with the length of the turn and no faster. Never raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from app.engine.redaction.lexicon import Phrases

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.engine.redaction.lexicon import Spoken

_TOKEN = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+|[^\w\s]|_")
_ORDINAL_ENDS = {"st", "nd", "rd", "th"}
_MEASURES = {"am", "pm", "kg", "km", "mb", "gb", "kwh", "p", "k", "m", "s", "hrs", "mins", "ml"}
_TIMES = {"am", "pm"}
_DIGITS = frozenset("0123456789")
_ARTICLES = {"a", "i"}
_BEFORE_PRONOUN = {"this", "that", "which", "another", "other", "same", "any", "new", "old", "no"}
_GLUE = {"-", ",", ".", "/", "(", ")", ":", "#", "+", "…", "–", "—", ";", "*", "\\"}  # noqa: RUF001
_LONGEST_GAP = 6  # words between two groups of one value
_SHORT_CODE = 3  # letters written apart from digits: HP 550
_LONGEST_CODE = 8  # letters written next to digits: AUTO12345


class Form(Enum):
    """How a symbol was said."""

    DIGIT = auto()  # one digit: "four"
    NUMBER = auto()  # "forty-two", "nineteen", "two hundred"
    WRITTEN = auto()  # "4212"
    ORDINAL = auto()  # "fourteenth", "14th"
    LETTER = auto()  # "L", "LS", "b for bertie"
    SPELLING_WORD = auto()  # "bravo", "bee": a letter only among others
    DOUBTFUL = auto()  # "oh", "a", "I": counts only beside others
    HOMOPHONE = auto()  # "to", "for": counts only between others


_LETTERS = {Form.LETTER, Form.SPELLING_WORD}


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a number or a sign of a turn, with its place in the turn's text."""

    text: str = field(repr=False)
    word: str = field(repr=False)  # lower case, straight apostrophe
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Symbol:
    """Digits or letters (`chars`) said by tokens `first` to `last`, inclusive."""

    chars: str = field(repr=False)
    form: Form
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Run:
    """Symbols that belong together; `takes_back` holds the indices of symbols before which the
    speaker corrects themselves."""

    symbols: tuple[Symbol, ...]
    start: int
    end: int
    takes_back: tuple[int, ...] = ()

    @property
    def chars(self) -> str:
        """Return everything that was said, also what was taken back."""
        return spelled(self.symbols)

    @property
    def first(self) -> int:
        """Return the first token's index."""
        return self.symbols[0].first

    @property
    def last(self) -> int:
        """Return the last token's index."""
        return self.symbols[-1].last

    def readings(self) -> tuple[str, ...]:
        """Return what the value may be, the likeliest first: corrections applied, then not."""
        if not self.takes_back:
            return (self.chars,)
        cut = self.takes_back[-1]
        before, after = spelled(self.symbols[:cut]), spelled(self.symbols[cut:])
        group = len(self.symbols[cut].chars)
        replaced = before[: max(0, len(before) - len(after))] + after
        by_group = before[: max(0, len(before) - group)] + after
        return tuple(dict.fromkeys((replaced, after, by_group, before + after)))


def tokenise(text: str) -> tuple[Token, ...]:
    """Return the words, numbers and signs of a text; `text[start:end]` is the token."""
    return tuple(
        Token(match[0], match[0].lower().replace("\u2019", "'"), match.start(), match.end())
        for match in _TOKEN.finditer(text)
    )


def spelled(symbols: Sequence[Symbol]) -> str:
    """Return the digits and letters of symbols in a row; "o" among digits is a zero."""
    doubtful = all(symbol.form is Form.DOUBTFUL for symbol in symbols if symbol.chars.isdigit())
    chars = "".join(symbol.chars for symbol in symbols)
    return chars.replace("0", "O") if doubtful else chars


class Normaliser:
    """Reads symbols and runs out of tokens, by the words of spoken.toml."""

    def __init__(self, spoken: Spoken) -> None:
        """Index the words."""
        words = spoken.words
        self._spoken = spoken
        self._spells = Phrases(words.spells)
        fillers = dict.fromkeys(words.hesitations, "hesitation")
        fillers |= dict.fromkeys(words.joins, "join")
        fillers |= dict.fromkeys(words.corrections, "correction")
        self._fillers = Phrases(fillers)

    def runs(self, tokens: Sequence[Token]) -> tuple[Run, ...]:
        """Return the runs of digits and letters of a turn, in order."""
        words = [token.word for token in tokens]
        runs: list[Run] = []
        group: list[Symbol] = []
        takes_back: list[int] = []
        for symbol in self._symbols(tokens, words):
            joined, corrected = self._gap(words, group[-1], symbol) if group else (True, False)
            if not joined:
                runs += _finish(tokens, group, takes_back)
                group, takes_back = [], []
            elif corrected:
                takes_back.append(len(group))
            group.append(symbol)
        runs += _finish(tokens, group, takes_back)
        return tuple(runs)

    def symbols(self, tokens: Sequence[Token]) -> tuple[Symbol, ...]:
        """Return all symbols of a turn, doubtful ones too."""
        return tuple(self._symbols(tokens, [token.word for token in tokens]))

    def _symbols(self, tokens: Sequence[Token], words: Sequence[str]) -> list[Symbol]:
        symbols: list[Symbol] = []
        index = 0
        while index < len(tokens):
            symbol = self._symbol(tokens, words, index)
            if symbol is None:
                index += 1
            else:
                symbols.append(symbol)
                index = symbol.last + 1
        return symbols

    def _symbol(self, tokens: Sequence[Token], words: Sequence[str], index: int) -> Symbol | None:
        """Return the symbol that starts at a token, the longest reading first."""
        return (
            self._repeated(words, index)
            or self._spelled_letter(words, index)
            or self._number(tokens, words, index)
            or self._letter(tokens, words, index)
        )

    def _repeated(self, words: Sequence[str], index: int) -> Symbol | None:
        times = self._spoken.repeats.get(words[index])
        if times is None or index + 1 >= len(words):
            return None
        after = index + 1
        after += after + 1 < len(words) and words[after] in {"-", ","}
        word = words[after]
        if times == 2 and word in {"u", "you"}:
            return Symbol("W", Form.LETTER, index, after)
        if len(word) > 1 and word.isdecimal():  # "double 55628": the first of them
            number = _decimal(word)
            return Symbol(number[0] * (times - 1) + number, Form.WRITTEN, index, after)
        char = self._spoken.digits.get(word) or self._spoken.letters.get(word, "")
        if not char and len(word) == 1 and word.isalnum():
            char = _decimal(word) if word.isdigit() else word.upper()
        if len(char) != 1:
            return None
        form = Form.DIGIT if char.isdigit() else Form.LETTER
        return Symbol(char * times, form, index, after)

    def _spelled_letter(self, words: Sequence[str], index: int) -> Symbol | None:
        """Read "b for bertie", "m as in mother"."""
        letter = words[index]
        if len(letter) != 1 or not letter.isalpha() or index + 2 >= len(words):
            return None
        length = self._spells.at(words, index + 1)
        last = index + 1 + length
        if not length or last >= len(words):
            return None
        word = words[last]
        if len(word) < 3 or word[0] != letter or word in self._spoken.digits:
            return None
        return Symbol(letter.upper(), Form.LETTER, index, last)

    def _number(self, tokens: Sequence[Token], words: Sequence[str], index: int) -> Symbol | None:
        word = words[index]
        if word.isdecimal():
            ordinal = index + 1 < len(words) and words[index + 1] in _ORDINAL_ENDS
            if ordinal and tokens[index + 1].start == tokens[index].end:
                return Symbol(_decimal(word), Form.ORDINAL, index, index + 1)
            return Symbol(_decimal(word), Form.WRITTEN, index, index)
        if word in self._spoken.ordinals:
            return Symbol(self._spoken.ordinals[word], Form.ORDINAL, index, index)
        value, last = self._below_hundred(words, index)
        multiplied = self._multiplied(words, int(value), last) if value else None
        if multiplied:
            return Symbol(multiplied[0], Form.NUMBER, index, multiplied[1])
        return Symbol(value, self._number_form(words, value, last), index, last) if value else None

    def _number_form(self, words: Sequence[str], value: str, last: int) -> Form:
        if len(value) > 1:
            return Form.ORDINAL if words[last] in self._spoken.ordinals else Form.NUMBER
        return Form.DOUBTFUL if words[last] in {"oh", "o", "nil"} else Form.DIGIT

    def _below_hundred(self, words: Sequence[str], index: int) -> tuple[str, int]:
        """Return the digits of "seven", "twelve", "forty-two" and the last token."""
        spoken, word = self._spoken, words[index]
        simple = spoken.digits.get(word) or spoken.teens.get(word)
        if simple:
            return simple, index
        tens = spoken.tens.get(word)
        if not tens:
            return "", index
        after = index + 1
        after += after + 1 < len(words) and words[after] == "-"
        follows = words[after] if after < len(words) else ""
        unit = spoken.digits.get(follows) or spoken.ordinals.get(follows, "")
        if len(unit) == 1 and unit != "0" and follows not in {"second"}:
            return tens[0] + unit, after
        return tens, index

    def _multiplied(self, words: Sequence[str], value: int, last: int) -> tuple[str, int] | None:
        """Read on after a number: "eight hundred", "two thousand and five", "one hundred and
        twenty"."""
        following = words[last + 1] if last + 1 < len(words) else ""
        if following not in {"hundred", "thousand"}:
            return None
        total, last = value * (100 if following == "hundred" else 1000), last + 1
        if following == "hundred" and last + 1 < len(words) and words[last + 1] == "thousand":
            total, last = total * 1000, last + 1
        joined = last + 1 < len(words) and words[last + 1] == "and"
        start = last + 1 + joined
        rest, end = self._below_hundred(words, start) if start < len(words) else ("", start)
        if rest and (joined or following == "thousand"):
            hundreds = following == "thousand" and words[end + 1 : end + 2] == ["hundred"]
            more = self._multiplied(words, int(rest), end) if hundreds else None
            total, last = (total + int(more[0]), more[1]) if more else (total + int(rest), end)
        return str(total), last

    def _letter(self, tokens: Sequence[Token], words: Sequence[str], index: int) -> Symbol | None:
        token, word = tokens[index], words[index]
        if word == "x" and "ray" in words[index + 1 : index + 3]:
            return Symbol("X", Form.LETTER, index, words.index("ray", index))
        if len(word) == 1 and word.upper() != word:
            if self._fillers.at(words, index) > 1:
                return None  # "I mean" takes back, it spells nothing
            glued = index + 1 < len(tokens) and _is_glued(token, tokens[index + 1])
            form = Form.DOUBTFUL if word in _ARTICLES and not glued else Form.LETTER
            return Symbol(word.upper(), form, index, index)
        if word not in self._spoken.letters and _is_code(tokens, index):
            return Symbol(token.text.upper(), Form.LETTER, index, index)
        known, form = self._spoken.letters, Form.SPELLING_WORD
        if word not in known:
            known, form = self._spoken.homophones, Form.HOMOPHONE
        if word not in known and self._between_digits(words, index):
            known = self._spoken.homophones_of_digits
        return Symbol(known[word], form, index, index) if word in known else None

    def _between_digits(self, words: Sequence[str], index: int) -> bool:
        """Say whether one digit and no more stands on both sides of a word."""
        around = ("", "", *words, "", "")[index : index + 5]
        single = [word in self._spoken.digits or word in _DIGITS for word in around]
        return single[1] and single[3] and not (single[0] or single[4])

    def _gap(self, words: Sequence[str], left: Symbol, right: Symbol) -> tuple[bool, bool]:
        """Say whether two symbols belong together across what lies between, and whether the second
        corrects the first."""
        index, corrected, spoken_words = left.last + 1, False, 0
        while index < right.first:
            if words[index] in _GLUE:
                index += 1
                continue
            length, sort = self._fillers.meaning_at(words, index)
            spoken_words += length
            if not length or spoken_words > _LONGEST_GAP or index + length > right.first:
                return False, False
            corrected |= sort == "correction"
            index += length
        return True, corrected


def _is_code(tokens: Sequence[Token], index: int) -> bool:
    """Say whether letters are part of a written code: glued to digits, or capitals beside them."""
    token = tokens[index]
    letters = token.text.isascii() and token.text.isalpha()
    if not letters or len(token.text) > _LONGEST_CODE or token.word in _TIMES:
        return False
    before = tokens[index - 1] if index else None
    after = tokens[index + 1] if index + 1 < len(tokens) else None
    if after is not None and _is_glued(token, after):
        return True
    short = len(token.text) <= _SHORT_CODE
    if before is not None and before.text.isdigit() and before.end == token.start:
        return token.word not in _MEASURES and (token.text.isupper() or short)
    beside = [one for one in (before, after) if one is not None]
    return (
        short
        and token.text.isupper()
        and any(one.text.isdigit() or _is_capital(one) for one in beside)
    )


def _is_glued(token: Token, after: Token) -> bool:
    return after.text.isdigit() and after.start == token.end


def _is_capital(token: Token) -> bool:
    return len(token.text) == 1 and token.text.isupper() and token.text != "I"


def _decimal(text: str) -> str:
    """Return decimal digits of any script as ASCII."""
    return "".join(str(int(char)) for char in text)


def _finish(
    tokens: Sequence[Token], group: Sequence[Symbol], takes_back: Sequence[int]
) -> list[Run]:
    """Return the run of a group of symbols without what is doubtful at its ends."""
    first, last = 0, len(group) - 1
    while first <= last and _is_loose(tokens, group, first, 1):
        first += 1
    while last >= first and _is_loose(tokens, group, last, -1):
        last -= 1
    symbols = tuple(group[first : last + 1])
    if not any(_is_strong(symbol) for symbol in symbols) and len(symbols) < 2:
        return []
    inside = tuple(place - first for place in takes_back if first < place <= last)
    return [Run(symbols, tokens[symbols[0].first].start, tokens[symbols[-1].last].end, inside)]


def _is_strong(symbol: Symbol) -> bool:
    return symbol.form not in {Form.DOUBTFUL, Form.HOMOPHONE, Form.SPELLING_WORD}


def _is_loose(tokens: Sequence[Token], group: Sequence[Symbol], place: int, inward: int) -> bool:
    """Say whether the symbol at an end of a group is rather a word: "Oh, three", "a four"."""
    symbol = group[place]
    if inward > 0 and symbol.first and tokens[symbol.first].word == "one":
        return tokens[symbol.first - 1].word in _BEFORE_PRONOUN
    if symbol.form is not Form.DOUBTFUL:
        return symbol.form is Form.HOMOPHONE
    neighbour = group[place + inward] if 0 <= place + inward < len(group) else None
    if neighbour is None:
        return True
    if symbol.chars.isdigit():
        return inward > 0 and symbol.last + 1 < neighbour.first
    if neighbour.form in _LETTERS:
        return False
    twice = neighbour.form is Form.DOUBTFUL and not neighbour.chars.isdigit()
    code = inward < 0 and sum(one.form in _LETTERS for one in group[:_LONGEST_CODE]) > 1
    return not twice and not code
