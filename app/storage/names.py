"""The names under which people sign in: one person, one name, however it is typed.

Promises that two names that read alike for letters, width and case are the same one, and that none
holds anything that cannot be seen: the audit log must not show two people alike. Letters of
different scripts that look alike are different names.
"""

from __future__ import annotations

import unicodedata

from app.domain import PersonName
from app.errors import UsageError

_LONGEST = 64
_RESERVED = frozenset({"nobody", "program", "recovery sheet", "system", "unknown"})
"""Whom the audit log names where it is nobody of the vault."""
_UNSEEN = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
"""Characters that count as printable and show nothing."""


def checked_name(name: str) -> PersonName:
    """Return a sign-in name in the form in which it is kept; raises `UsageError`."""
    shown = " ".join(unicodedata.normalize("NFC", name).split())
    plain = plain_name(shown)
    if not plain or len(shown) > _LONGEST or not _is_seen(shown) or plain in _RESERVED:
        raise UsageError(
            "This name cannot be used to sign in.",
            hint=f"Use 1 to {_LONGEST} letters, digits and signs in one line.",
        )
    return PersonName(shown)


def plain_name(name: str) -> str:
    """Return what is left of a name when case, width and ways of typing no longer count."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    # once more, because folding can undo what normalising did
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).casefold())
    return " ".join(plain.split())


def _is_seen(shown: str) -> bool:
    unseen = any(char in _UNSEEN or "VARIATION" in unicodedata.name(char, "") for char in shown)
    return shown.isprintable() and not unseen
