"""How alike two spellings sound in English: letters to sounds, and a weighted edit distance.

Promises the same figure for the same pair, 1 for equal sounds, and never a look at meaning. The
letters are read by a few rules in the manner of Metaphone (Philips 1990, 2000), but vowels stay, in
four classes: names differ by them. What telephone lines and accents blur (b and p, f and s, m and
n, an r before a consonant) costs less than what they leave apart. Pure.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_VOWELS = frozenset("aeou")
_WEIGHTS = {"a": 0.5, "e": 0.5, "o": 0.5, "u": 0.5, "R": 0.25, "h": 0.4, "w": 0.6, "j": 0.6}
_OTHER_VOWEL = 0.25
_NEAR = 0.4
_NEAR_PAIRS = "bp dt gk vf sz mn nN TD Tf Ts Td fs SC SJ CJ JZ sS zJ lr bv wv kC gJ tC dJ zT kh jJ"
_NEAR_TO = frozenset(
    pair for one in _NEAR_PAIRS.split() for pair in ((one[0], one[1]), (one[1], one[0]))
)

# The first rule that fits at a place counts; a rule's sounds may be none. Lower case stands for the
# sound that one thinks of, S for sh, C for ch, J for j, T for th, N for ng, R for an r that many
# speakers leave out, j for y.
_RULES = tuple(
    (re.compile(pattern), sounds)
    for pattern, sounds in (
        (r"^(?:kn|gn|pn)", "n"),
        (r"^wr", "r"),
        (r"^ps", "s"),
        (r"^x", "z"),
        (r"tch", "C"),
        (r"sch(?=[lmnrw])", "S"),
        (r"sch", "sk"),
        (r"sh", "S"),
        (r"(?:ti|ci|si)(?=on|an|ous|al)", "S"),
        (r"ch(?=[lr])", "k"),
        (r"ch", "C"),
        (r"th", "T"),
        (r"ph", "f"),
        (r"(?<=[aeiou])gh(?![aeiouy])", ""),
        (r"gh", "g"),
        (r"ck", "k"),
        (r"cqu?|qu", "kw"),
        (r"q", "k"),
        (r"x", "ks"),
        (r"dg(?=[eiy])", "J"),
        (r"ng(?![aeiouy])", "N"),
        (r"mb$", "m"),
        (r"wh", "w"),
        (r"c(?=[eiy])", "s"),
        (r"c", "k"),
        (r"j", "J"),
        (r"y(?=[aeiou])", "j"),
        (r"(?<=[aeou])[wy](?![aeiou])", ""),
        (r"h(?=[aeiouy])", "h"),
        (r"h", ""),
        (r"r(?![aeiouyr])", "R"),
        (r"(?<=[^aeiouy])e$", ""),
        (r"(?<=[^aeiouy])es$", "s"),
        (r"(?:ee|ea|ie|ei|ey|i|y|e)+", "e"),
        (r"(?:oo|ou|eu|ue|u)+", "u"),
        (r"(?:au|aw|oa|ow|oe|o)+", "o"),
        (r"(?:ai|ay|ae|a)+", "a"),
        (r"[bdfgklmnprstvwz0-9]", "\\"),
    )
)


@lru_cache(maxsize=65536)
def sounds(word: str) -> str:
    """Return the sounds of one written word; its accents and punctuation say nothing."""
    letters = _plain(word)
    found: list[str] = []
    place = 0
    while place < len(letters):
        length, sound = _read(letters, place)
        if sound and (not found or found[-1] != sound):
            found.append(sound)
        place += length
    return "".join(found)


def sounds_of(text: str) -> str:
    """Return the sounds of several words, joined: where a word ends is not heard."""
    joined = ""
    for word in text.split():
        one = sounds(word)
        joined += one[1:] if joined and one and joined[-1] == one[0] else one
    return joined


def weight(code: str) -> float:
    """Return how much there is to hear: consonants count 1, vowels half."""
    return sum(_WEIGHTS.get(sound, 1.0) for sound in code)


def likeness(one: str, other: str, *, least: float = 0.0) -> float:
    """Return how alike two codes sound, 0 to 1; 0 as soon as it cannot reach `least`."""
    if one == other:
        return 1.0 if one else 0.0
    middle = (weight(one) + weight(other)) / 2
    most = (1.0 - least) * middle
    if not middle or abs(weight(one) - weight(other)) > most:
        return 0.0
    distance = _distance(one, other, most)
    return 0.0 if distance > most else max(0.0, 1.0 - distance / middle)


def _distance(one: str, other: str, most: float) -> float:
    """Return the cheapest way from one code to the other; anything above `most` once it must be."""
    weights = [_WEIGHTS.get(sound, 1.0) for sound in other]
    row = [0.0]
    for costs in weights:
        row.append(row[-1] + costs)
    for sound in one:
        costs, exchanges = _WEIGHTS.get(sound, 1.0), _EXCHANGES[sound]
        before = row[0]
        last = before + costs
        below = [last]
        for place, target in enumerate(other):
            exchanged = before + exchanges[target]
            before = row[place + 1]
            last = min(before + costs, last + weights[place], exchanged)
            below.append(last)
        row = below
        cheapest = min(row)
        if cheapest > most:
            return cheapest
    return row[-1]


def _exchange(one: str, other: str) -> float:
    if one == other:
        return 0.0
    if one in _VOWELS and other in _VOWELS:
        return _OTHER_VOWEL
    if (one, other) in _NEAR_TO:
        return _NEAR
    if {one, other} == {"r", "R"}:
        return 0.1
    return max(_WEIGHTS.get(one, 1.0), _WEIGHTS.get(other, 1.0))


_SOUNDS = "aeoubdfgklmnprstvzwhjSCJTNR0123456789"
_EXCHANGES = {one: {other: _exchange(one, other) for other in _SOUNDS} for one in _SOUNDS}


def _plain(word: str) -> str:
    apart = unicodedata.normalize("NFKD", word.casefold())
    return re.sub(r"[^a-z0-9]", "", apart)


def _read(letters: str, place: int) -> tuple[int, str]:
    """Return how many letters are read at a place, and their sounds."""
    for rule, sound in _RULES:
        found = rule.match(letters, place)
        if found and found.end() > place:
            return found.end() - place, found[0] if sound == "\\" else sound
    return 1, ""
