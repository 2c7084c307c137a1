"""The text of a recovery sheet: 160 random bits as letters and digits that survive paper.

Nine groups of four in the alphabet of RFC 4648 (base32), in which no sign is mistaken for another
one; the last group is a checksum, so that a slip of the pen is told from another vault's sheet.
"""

from __future__ import annotations

import base64
import hashlib
import os

from app.errors import RecoveryWrong

SECRET_BYTES = 20
_EACH = 4
_CHECK = 4  # characters: 20 bits


def new_secret() -> bytes:
    """Return what a new sheet holds."""
    return os.urandom(SECRET_BYTES)


def written(secret: bytes) -> str:
    """Return a secret as it stands on the sheet."""
    plain = base64.b32encode(secret).decode()
    whole = plain + _checksum(plain)
    return "-".join(whole[at : at + _EACH] for at in range(0, len(whole), _EACH))


def parsed(text: str) -> bytes:
    """Return the secret of a sheet that somebody typed; raises `RecoveryWrong`."""
    # what has no place in base32 is what it looks like
    plain = "".join(char for char in text.upper() if char.isalnum())
    plain = plain.replace("0", "O").replace("1", "I").replace("8", "B")
    secret, check = plain[:-_CHECK], plain[-_CHECK:]
    try:
        found = base64.b32decode(secret)
    except ValueError:
        found = b""
    if len(found) != SECRET_BYTES or _checksum(secret) != check:
        raise RecoveryWrong("The recovery sheet was not typed as it is written.")
    return found


def _checksum(plain: str) -> str:
    digest = hashlib.sha256(f"autoinsights-recovery:{plain}".encode()).digest()
    return base64.b32encode(digest).decode()[:_CHECK]
