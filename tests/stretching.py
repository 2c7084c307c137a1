"""Argon2id with a thousandth of the memory, for tests and for the programs that they start.

Hundreds of tests open vaults, and few of them are about what a guess costs: those ask for
`real_stretching`, as do those that share a vault with the program itself or with an earlier one.
"""

from __future__ import annotations

from typing import Any

from argon2.low_level import hash_secret_raw

from app.storage import keys


def _quickly(secret: bytes, salt: bytes, *, memory_cost: int, **rest: Any) -> bytes:
    return hash_secret_raw(secret, salt, memory_cost=memory_cost // 1024, **rest)


def make_quick() -> None:
    """Spend little on each passphrase from now on."""
    keys.hash_secret_raw = _quickly


def make_real() -> None:
    """Spend on each passphrase what the program spends."""
    keys.hash_secret_raw = hash_secret_raw
