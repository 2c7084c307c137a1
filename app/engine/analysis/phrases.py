"""A small language for what people say, for packs that clients write.

Promises that a phrase means what it looks like, that no phrase can make the search hang (the
language has no nesting and every gap is bounded), and that a wrong phrase is refused by name.

    complain*                   complain, complaint, complaining
    i'd|i_would like            either of them; `_` joins words within one place
    want to ...? cancel         up to four words between (`...?` and `...` are the same)
    really? angry               the word before `?` may be missing

Case, commas and hesitations (um, er) between words do not matter. A phrase never reaches
over the end of a sentence.
"""

from __future__ import annotations

import re
from functools import lru_cache

from app.errors import UsageError

# Possessive (`++`), so that a break can be read in one way only and a failing search gives up soon.
# Atomic (`(?>`) where a group repeats: Python 3.11.2 misreads a possessive group and finds nothing.
_BREAK = r"[\s,;:\"\-\u2013\u2014]++(?>(?:(?:um+|uh+|er+m?|hm+)\b[\s,]++){0,2})"
_GAP = rf"(?:{_BREAK}\[?\w[\w'\-]*+\]?){{0,4}}"
_CHOICE = re.compile(r"^[a-z0-9£$€%'\-_]+\*?$")
_GAPS = {"...", "...?", "…"}
_LONGEST, _MOST_OPEN = 20, 4  # every open place multiplies the ways to read a text


@lru_cache(maxsize=4096)
def compiled(phrase: str) -> re.Pattern[str]:
    """Return the pattern that finds the phrase in lower-case text.

    Raises `UsageError` naming the phrase where it is not one.
    """
    places = phrase.split()
    if not places or len(places) > _LONGEST or all(_may_be_missing(place) for place in places):
        raise UsageError(
            f"The phrase “{phrase}” must have 1 to {_LONGEST} words, one of them fixed."
        )
    if sum(_may_be_missing(place) for place in places) > _MOST_OPEN:
        raise UsageError(f"The phrase “{phrase}” has more than {_MOST_OPEN} places left open.")
    if places[0] in _GAPS or places[-1] in _GAPS:
        raise UsageError(f"The phrase “{phrase}” must not begin or end with a gap.")
    return re.compile(rf"(?<![\w'])(?:{_joined(phrase, places)})(?!\w)")


def _joined(phrase: str, places: list[str]) -> str:
    """Chain the places; until the first fixed one has stood, a break follows instead of leading."""
    pattern, begun = "", False
    for place in places:
        if place in _GAPS:
            pattern += _GAP
        elif not begun and _may_be_missing(place):
            pattern += rf"(?:{_place(phrase, place)}{_BREAK})?"
        elif _may_be_missing(place):
            pattern += rf"(?:{_BREAK}{_place(phrase, place)})?"
        else:
            pattern += (_BREAK if begun else "") + _place(phrase, place)
            begun = True
    return pattern


def _may_be_missing(place: str) -> bool:
    return place.endswith("?") or place in _GAPS


def _place(phrase: str, place: str) -> str:
    return "(?:" + "|".join(_choice(phrase, c) for c in place.rstrip("?").split("|")) + ")"


def _choice(phrase: str, choice: str) -> str:
    if not _CHOICE.match(choice) or not choice.strip("_-'*"):
        raise UsageError(
            f"The phrase “{phrase}” holds “{choice}”, which is no word.",
            hint="Write words in lower case, `|` between alternatives, `?` after what may be "
            "missing, `*` after a word's beginning, `...` for a gap.",
        )
    open_end = choice.endswith("*")
    words = [re.escape(word).replace("'", "'?") for word in choice.rstrip("*").split("_") if word]
    return _BREAK.join(words) + (r"\w*" if open_end else "")
