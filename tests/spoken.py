"""Compare what was heard with what was said, whatever way numbers and letters are written.

`words` brings both to one form: lower case, no punctuation, numbers as single digits and spelled
letters as single letters, so that "L S nine nine", "LS99" and "LS 99" are the same. Meant for the
samples, not for publishing word error rates beside others' figures.
"""

from __future__ import annotations

import re

UNITS = dict(
    zip(
        ("oh", "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"),
        "00123456789",
        strict=True,
    )
)
TEENS: tuple[str, ...] = (
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
)
TEENS += ("eighteen", "nineteen")
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
ORDINALS = {"first": "1", "second": "2", "third": "3", "fifth": "5", "seventh": "7"}
NUMBERS = {
    **UNITS,
    **{word: str(10 + place) for place, word in enumerate(TEENS)},
    **ORDINALS,
    "eleventh": "11",
    "fourteenth": "14",
    "thousand": "000",
}
SAME = {"mister": "mr", "advisor": "adviser", "okay": "ok", "anymore": "any more"}


def words(text: str) -> list[str]:
    """Return the text as a list of plain words, digits and letters."""
    text = text.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("'", "")
    text = re.sub(r"(?<=\d)[,.](?=\d)", "", text)
    text = re.sub(r"(?<=\d)(st|nd|rd|th)\b", "", text)
    text = re.sub(r"(?<=[a-z])\.(?=[a-z])", " dot ", text)
    text = re.sub(r"\$(\d+)", r"\1 dollars", text).replace("%", " percent ").replace("@", " at ")
    found = re.findall(r"[a-z]+|\d+", text)
    return [piece for word in _numbers(found) for piece in word.split()]


def _numbers(found: list[str]) -> list[str]:
    """Write numbers digit by digit; "double two" is 2 2; "twenty" before a unit is just 2."""
    result: list[str] = []
    for place, word in enumerate(found):
        after = found[place + 1] if place + 1 < len(found) else ""
        times = 2 if place and found[place - 1] == "double" else 1
        if word.isdigit() or word in NUMBERS:
            result += list(NUMBERS.get(word, word)) * times
        elif word in TENS:
            unit = after in UNITS and UNITS[after] != "0"
            result += [str(2 + TENS.index(word))] + ([] if unit else ["0"])
        elif word == "double" and (after in NUMBERS or after.isdigit() or len(after) == 1):
            continue
        else:
            result += [SAME.get(word, word)] * times
    return result


def joined(text: str) -> str:
    """Return the words without spaces, so that "H P five" and "HP5" are the same."""
    return "".join(words(text))


def digits(text: str) -> str:
    """Return just the digits of a text in which numbers may be spoken."""
    return "".join(word for word in words(text) if word.isdigit())


def digit_runs(text: str) -> list[str]:
    """Return the digits that stand together, in runs that any other word ends."""
    return "".join(word if word.isdigit() else " " for word in words(text)).split()


def errors(said: str, heard: str) -> tuple[int, int]:
    """Return the number of wrong words and of words said, spelled runs as single letters."""
    expected, found = _letters(words(said)), _letters(words(heard))
    row = list(range(len(found) + 1))
    for number, word in enumerate(expected, 1):
        before, row = row, [number]
        for place, other in enumerate(found, 1):
            row.append(min(before[place] + 1, row[-1] + 1, before[place - 1] + (word != other)))
    return row[-1], len(expected)


def _letters(found: list[str]) -> list[str]:
    """Split what can only be initials (no vowel, up to three letters) into letters."""
    return [
        piece
        for word in found
        for piece in (word if len(word) < 4 and not re.search("[aeiouy]", word) else [word])
    ]
