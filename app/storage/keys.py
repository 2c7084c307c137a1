"""The hierarchy of keys: everything is sealed under keys that come from the vault key.

    vault key (32 random bytes; `openers` has the ways to it)
        --HKDF-SHA256--> database, calls, index, audit, exports, header
    calls key --> opens the sealed key of one call (32 random bytes), which seals all that is the
                  call's; destroy the row that holds it and the call is unreadable everywhere
    index key --> opens the random key of the blind index, which outlives a change of the vault key

Keys live in memory only, while the vault is open.
"""

from __future__ import annotations

import os
import secrets
import time
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from argon2 import Type
from argon2.exceptions import HashingError
from argon2.low_level import ARGON2_VERSION, hash_secret_raw

from app.errors import StorageError
from app.storage.crypto import (
    KEY_BYTES,
    Binding,
    derive,
    keyed_digest,
    seal_bytes,
    unseal_bytes,
)

ARGON2 = ARGON2_VERSION
_FLOOR_KIB = 64 * 1024
_CEILING_KIB = 1024 * 1024
_START_KIB = 256 * 1024


class KeyPurpose(StrEnum):
    """What a key derived from the vault key is for."""

    DATABASE = "database"
    CALLS = "calls"
    INDEX = "index"
    AUDIT = "audit"
    EXPORTS = "exports"
    HEADER = "header"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyCost:
    """What Argon2id spends on one passphrase: memory in KiB, passes over it, lanes."""

    memory_kib: int
    passes: int
    lanes: int

    @property
    def work(self) -> int:
        """How much it is, for comparing: memory times passes."""
        return self.memory_kib * self.passes

    def acceptable(self) -> bool:
        """Return whether the cost is neither too low to protect nor too high to run."""
        return (
            _FLOOR_KIB <= self.memory_kib <= _CEILING_KIB
            and 1 <= self.passes <= 1000
            and 1 <= self.lanes <= 64
        )


LOWEST_COST = KeyCost(memory_kib=_FLOOR_KIB, passes=1, lanes=1)
"""The least that is accepted: what tests and throw-away vaults use; people's are calibrated."""


def calibrated(seconds: float = 1.0) -> KeyCost:
    """Return the cost that takes about `seconds` on this machine, with as much memory as fits.

    Never less than 64 MiB and three passes (RFC 9106, the second recommended option), however slow
    the machine is.
    """
    lanes = min(4, os.cpu_count() or 1)
    memory_kib = _START_KIB
    took = _seconds_for(KeyCost(memory_kib=memory_kib, passes=3, lanes=lanes))
    while took > seconds and memory_kib > _FLOOR_KIB:
        memory_kib //= 2
        took = _seconds_for(KeyCost(memory_kib=memory_kib, passes=3, lanes=lanes))
    passes = max(3, min(round(3 * seconds / took), 1000))
    return KeyCost(memory_kib=memory_kib, passes=passes, lanes=lanes)


def stretched(passphrase: str, salt: bytes, cost: KeyCost) -> bytes:
    """Return the key that Argon2id makes of a passphrase (as NFC, so that keyboards agree)."""
    secret = unicodedata.normalize("NFC", passphrase).encode("utf-8", "surrogatepass")
    try:
        return hash_secret_raw(
            secret,
            salt,
            time_cost=cost.passes,
            memory_cost=cost.memory_kib,
            parallelism=cost.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
            version=ARGON2,
        )
    except HashingError as error:
        raise StorageError(
            f"There is not enough memory to check the passphrase ({cost.memory_kib // 1024} MiB).",
            hint="Close other programs and try again.",
        ) from error


class VaultKey:
    """The key of one vault, in memory until `wipe`; never shown."""

    def __init__(self, vault_id: str, secret: bytes) -> None:
        """Hold the 32 secret bytes of the vault called `vault_id`."""
        self._vault_id = vault_id
        self._secret = bytearray(secret)

    @classmethod
    def random(cls, vault_id: str) -> VaultKey:
        """Return a new key."""
        return cls(vault_id, secrets.token_bytes(KEY_BYTES))

    def secret_bytes(self) -> bytes:
        """Return the 32 bytes, for sealing them to another way into the vault."""
        return _live(self._secret)

    def sealed_under(self, other: VaultKey) -> bytes:
        """Return this key sealed under the one that it takes the place of."""
        binding = Binding("vault-key:next", self._vault_id)
        return seal_bytes(self.secret_bytes(), other.derive(KeyPurpose.HEADER), binding)

    def following(self, sealed: bytes) -> VaultKey:
        """Return the key that takes this one's place; raises `SealBroken`."""
        binding = Binding("vault-key:next", self._vault_id)
        return VaultKey(
            self._vault_id, unseal_bytes(sealed, self.derive(KeyPurpose.HEADER), binding)
        )

    def derive(self, purpose: KeyPurpose, salt: bytes | None = None) -> bytes:
        """Return the key of 32 bytes for one purpose; with another `salt`, another key."""
        return derive(self.secret_bytes(), f"autoinsights/2/{purpose}", salt=salt)

    def wipe(self) -> None:
        """Overwrite the key; copies that Python made on the way are out of reach."""
        self._secret[:] = bytes(len(self._secret))

    def __repr__(self) -> str:
        """Name the vault only."""
        return f"VaultKey({self._vault_id})"


class CallKeys:
    """Makes and opens the keys of single calls, and the keyed forms of what is redacted in them."""

    def __init__(self, key: bytes, index_key: bytes) -> None:
        """Work under the vault's keys for calls and for the index of redacted values."""
        self._key = bytearray(key)
        self._index_key = bytearray(index_key)

    def new(self, call: str) -> tuple[bytes, bytes]:
        """Return a random key for a call, and the same key sealed for the database."""
        secret = secrets.token_bytes(KEY_BYTES)
        return secret, self.sealed(call, secret)

    def sealed(self, call: str, secret: bytes) -> bytes:
        """Return a call's key sealed for the database."""
        return seal_bytes(secret, _live(self._key), Binding("call-key", call))

    def opened(self, call: str, sealed: bytes) -> bytes:
        """Return a call's key; raises `SealBroken` if it is not this call's or was changed."""
        return unseal_bytes(sealed, _live(self._key), Binding("call-key", call))

    def blind_index(self, kind: str, digest: bytes) -> bytes:
        """Return the keyed form in which a redacted value is kept."""
        return keyed_digest(_live(self._index_key), b"redacted-value", kind.encode(), digest)

    def wipe(self) -> None:
        """Overwrite the keys."""
        for key in (self._key, self._index_key):
            key[:] = bytes(len(key))


def _live(key: bytearray) -> bytes:
    """Return a key that was not wiped: nothing may be sealed under zeros."""
    if not any(key):
        raise RuntimeError("the vault is closed")
    return bytes(key)


def new_index_key(key: VaultKey) -> bytes:
    """Return a random key for the blind index, sealed for the database."""
    return _resealed_index_key(secrets.token_bytes(KEY_BYTES), key)


def opened_index_key(sealed: bytes, key: VaultKey) -> bytes:
    """Return the key of the blind index; raises `SealBroken`."""
    return unseal_bytes(sealed, key.derive(KeyPurpose.INDEX), _INDEX)


def moved_index_key(sealed: bytes, old: VaultKey, new: VaultKey) -> bytes:
    """Return the key of the blind index sealed under another vault key."""
    return _resealed_index_key(opened_index_key(sealed, old), new)


def _resealed_index_key(secret: bytes, key: VaultKey) -> bytes:
    return seal_bytes(secret, key.derive(KeyPurpose.INDEX), _INDEX)


_INDEX = Binding("index-key", "")


def _seconds_for(cost: KeyCost) -> float:
    started = time.perf_counter()
    stretched("calibration", bytes(16), cost)
    return max(time.perf_counter() - started, 1e-4)
