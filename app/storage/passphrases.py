"""Passphrases that nobody can guess, easy to copy by hand."""

from __future__ import annotations

import secrets

# no letters or digits that are mistaken for each other on paper: 0 o, 1 l i, 5 s, 2 z
_LETTERS = "abcdefghjkmnpqrtuvwxy346789"
_GROUPS, _EACH = 6, 4


def suggested() -> str:
    """Return a random passphrase of six groups of four, about 114 bits strong."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_EACH)) for _ in range(_GROUPS))
    return "-".join(groups)
