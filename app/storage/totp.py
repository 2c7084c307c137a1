"""The second factor: codes of six digits that change every 30 seconds (TOTP, RFC 6238), and backup
codes for the day on which the telephone is lost.

A code counts once. The clocks of both sides may differ by 30 seconds, and by what they differed
when a code was right before, as far as ten minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from app.storage.passphrases import LETTERS

if TYPE_CHECKING:
    from datetime import datetime

SECRET_BYTES = 20
_STEP_S = 30
_WINDOW = 1
_MOST_DRIFT = 20  # steps
_BACKUP_CODES = 10
_BACKUP_LENGTH = 10  # letters: 47 bits
_ISSUER = "AutoInsights"


@dataclass(frozen=True, slots=True)
class Accepted:
    """A code that was right: its step, and by how many steps the other clock is ahead."""

    step: int
    drift: int


def new_secret() -> bytes:
    """Return a random secret of 160 bits, as RFC 4226 recommends."""
    return os.urandom(SECRET_BYTES)


def uri(secret: bytes, name: str) -> str:
    """Return what an authenticator reads from a QR code."""
    return _totp(secret).get_provisioning_uri(name, _ISSUER)


def accepted(
    secret: bytes, code: str, now: datetime, *, last_step: int = 0, drift: int = 0
) -> Accepted | None:
    """Return which step a code belongs to, or `None` where it is wrong, too old or used before."""
    given = "".join(code.split())
    middle = int(now.timestamp()) // _STEP_S + drift
    found = None
    # a computer without a battery believes that it is 1970, where there is no earlier step
    for step in range(max(0, middle - _WINDOW), middle + _WINDOW + 1):
        right = _totp(secret).generate(step * _STEP_S).decode()
        # no early end: how long this takes tells nothing
        if hmac.compare_digest(right.encode(), given.encode("utf-8", "replace")):
            found = step
    if found is None or found <= last_step:
        return None
    ahead = found - int(now.timestamp()) // _STEP_S
    return Accepted(found, max(-_MOST_DRIFT, min(ahead, _MOST_DRIFT)))


def new_backup_codes() -> tuple[str, ...]:
    """Return ten codes that count once each."""
    return tuple(
        "".join(secrets.choice(LETTERS) for _ in range(_BACKUP_LENGTH))
        for _ in range(_BACKUP_CODES)
    )


def backup_digest(person: str, code: str) -> bytes:
    """Return the form in which a backup code is kept."""
    plain = "".join(char for char in code.lower() if char.isalnum())
    return hashlib.sha256(f"autoinsights-backup-code:{person}:{plain}".encode()).digest()


def _totp(secret: bytes) -> TOTP:
    # SHA-1 is what every authenticator knows; as HMAC it is not weakened by collisions
    return TOTP(secret, 6, SHA1(), _STEP_S)  # noqa: S303
