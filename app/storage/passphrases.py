"""Passphrases that protect a vault: how strong one is, and one that nobody can guess.

Length and not being guessable count, as in NIST SP 800-63B-4: at least 15 characters or a made one,
none from the shipped lists of common passwords, names and words in common patterns (zxcvbn, Wheeler
2016); no rules about digits and signs, no regular change.
"""

from __future__ import annotations

import secrets
import unicodedata
from typing import TYPE_CHECKING

from app.domain import PassphraseStrength
from app.errors import WeakPassphrase

if TYPE_CHECKING:
    from collections.abc import Iterable

SHORTEST = 15
_FEWEST_GUESSES_LOG10 = 10.0  # with a second for each, out of reach
_READ = 72  # characters that are estimated; longer ones are only stronger
_OWN_WORDS = ("autoinsights", "vault", "passphrase", "password")

# no letters or digits that are mistaken for each other on paper: 0 o, 1 l i, 5 s, 2 z
LETTERS = "abcdefghjkmnpqrtuvwxy346789"
_GROUPS, _EACH = 6, 4


_SHORT = f"Use at least {SHORTEST} characters; a few unrelated words are easy to remember."
_COMMON = "Others would try this one early: use a few words that have nothing in common."


def suggested() -> str:
    """Return a random passphrase of six groups of four, about 114 bits strong."""
    groups = ("".join(secrets.choice(LETTERS) for _ in range(_EACH)) for _ in range(_GROUPS))
    return "-".join(groups)


def strength(passphrase: str, *, names: Iterable[str] = ()) -> PassphraseStrength:
    """Return how hard a passphrase is to guess; `names` are words that others would try first."""
    from zxcvbn import zxcvbn

    plain = unicodedata.normalize("NFC", passphrase)
    known = [*_OWN_WORDS, *(name for name in names if name)]
    guesses = float(zxcvbn(plain[:_READ], user_inputs=known)["guesses_log10"]) if plain else 0.0
    share = min(1.0, guesses / _FEWEST_GUESSES_LOG10)
    if len(plain) < SHORTEST:
        share = min(share, len(plain) / SHORTEST)
        return PassphraseStrength(good=False, share=share * 0.9, advice=_SHORT)
    good = guesses >= _FEWEST_GUESSES_LOG10
    return PassphraseStrength(good=good, share=share, advice="" if good else _COMMON)


def checked(passphrase: str, *, names: Iterable[str] = ()) -> str:
    """Return a new passphrase if it protects a vault, else raise `WeakPassphrase`."""
    found = strength(passphrase, names=names)
    if not found.good:
        short = len(unicodedata.normalize("NFC", passphrase)) < SHORTEST
        what = f"shorter than {SHORTEST} characters" if short else "easy to guess"
        raise WeakPassphrase(f"The passphrase is {what}.", hint=found.advice)
    return passphrase
