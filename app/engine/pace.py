"""How long words take to say. Pure."""

from __future__ import annotations

import re

PART = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*|\d|[%$£€&@+]")  # noqa: RUF001
"""What is said by itself: a word, a digit, a sign."""


def longest_ms(text: str) -> int:
    """Return how long a slow speaker takes to say what is written: a digit is a word of its own, so
    is a letter that is spelled, and the last word before a pause is drawn out."""
    asked = 0
    for part in PART.findall(text):
        if len(part) == 1 or part.isupper():
            asked += 400 * len(part)
        elif part.lower() == part.upper():  # a script without small letters, and without spaces
            asked += 250 * len(part)
        else:
            asked += 100 + 50 * len(part)
    return asked * 3 // 2 + 150 if text[-1:] in ",.?!;:" else asked + 50
