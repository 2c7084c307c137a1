"""The head of the audit log: what the next entry needs, and the only private key of the log.

Promises that the head is read anew for every entry, so that a transaction that is undone takes its
keys along; that each entry overwrites the key that signed it; and that a head that does not fit its
log never comes to fit it again by going on. Hides sealing, the keyed digest over the head, and what
is done where the head was damaged.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain import Checkpoint, Sha256
from app.errors import SealBroken, VaultDamaged
from app.storage import audit_rows, merkle
from app.storage.audit_clock import ClockState
from app.storage.audit_format import (
    SignedEntry,
    checkpoint_encoded,
    first_hash,
    hashed,
    head_encoded,
    restore_key,
)
from app.storage.crypto import Binding, keyed_digest, seal_bytes, unseal_bytes

if TYPE_CHECKING:
    from app.domain import AuditEntry
    from app.storage.database import Reading, Writing

_READ = """
    SELECT number, first_key, frontier, seed, mac, session, offset_ms, behind_ms FROM audit_head
"""
_WRITE = """
    INSERT OR REPLACE INTO audit_head (one, number, first_key, frontier, seed, mac,
        session, offset_ms, behind_ms)
    VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_NO_HEAD = (0, b"", b"", b"", b"", b"", 0, 0)
_NO_MAC = bytes(32)
_MOST = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The end of a log: its last entry, its tree, and the key that signs the next entry. `whole`:
    the head is that of the last entry and holds the key that this entry names; `at_rest`: the log
    is that of a backup, and holds the key for the entry of a restore in place of its own. `state`
    is what an entry signs of the vault (see `seals`): here what the last one signed."""

    number: int
    hash: Sha256
    at: str
    first_key: bytes
    frontier: merkle.Frontier
    signer: Ed25519PrivateKey
    whole: bool
    clock: ClockState
    at_rest: bool = False
    state: bytes = b""

    @property
    def root(self) -> bytes:
        """The root of the tree over all entries."""
        return merkle.root(self.frontier)

    @property
    def next_key(self) -> bytes:
        """The public half of the key that signs the next entry."""
        return self.signer.public_key().public_bytes_raw()


@dataclass(frozen=True, slots=True)
class Head:
    """Reads and writes the head of one vault's log under its audit key."""

    vault_id: str
    key: bytes

    def first(self) -> End:
        """Return the end of a log that is about to begin, with its first key."""
        signer = Ed25519PrivateKey.generate()
        key = signer.public_key().public_bytes_raw()
        return End(
            number=0,
            hash=first_hash(self.vault_id, key),
            at="",
            first_key=key,
            frontier=(),
            signer=signer,
            whole=True,
            clock=ClockState(),
        )

    def read(self, reading: Reading) -> End:
        """Return the end of the log; where the head does not fit, what can be said without it."""
        number, first_key, frontier, seed, mac, *clocks = reading.one(_READ) or _NO_HEAD
        last = audit_rows.last(reading)
        signer = self._opened(seed, number)
        end = End(
            number=last.entry.number if last else 0,
            hash=last.entry.hash if last else first_hash(self.vault_id, first_key),
            at=last.entry.at if last else "",
            first_key=first_key,
            frontier=tuple(frontier[at : at + 32] for at in range(0, len(frontier), 32)),
            signer=signer or Ed25519PrivateKey.generate(),
            whole=True,
            clock=ClockState(session=clocks[0], offset_ms=clocks[1], behind_ms=clocks[2]),
            state=last.state if last else b"",
        )
        named = restore_key(last.entry) if last else None
        end = replace(end, at_rest=end.next_key == named)
        named = named if end.at_rest else last.next_key if last else first_key
        fits = (end.number, end.next_key) == (number, named)
        fits = fits and len(end.frontier) == number.bit_count()
        if fits and hmac.compare_digest(mac, self._mac(end, seed)):
            return end
        tree = merkle.frontier_of(audit_rows.leaves(reading))
        if len(tree) != end.number.bit_count():  # entries are missing: no tree is right
            tree = (merkle.EMPTY,) * end.number.bit_count()
        return replace(end, whole=False, frontier=tree)

    def add(self, writing: Writing, end: End, bare: AuditEntry) -> tuple[AuditEntry, End]:
        """Add an entry after `end`, which signs its `state`; returns it with its number, links and
        hash, and the new end.

        Raises `VaultDamaged` where somebody gave the last entry a number that none can follow.
        """
        if not 0 <= end.number < _MOST:
            raise VaultDamaged("The audit log is damaged: nothing can be written after its end.")
        linked = replace(bare, number=end.number + 1, at=end.at, previous=end.hash)
        entry = replace(linked, hash=hashed(linked))
        frontier = merkle.appended(end.frontier, end.number, bytes.fromhex(entry.hash))
        grown = replace(
            end,
            number=entry.number,
            hash=entry.hash,
            frontier=frontier,
            signer=Ed25519PrivateKey.generate(),
            at_rest=False,
        )
        signed = SignedEntry(
            entry=entry,
            root=grown.root,
            next_key=grown.next_key,
            signature=b"",
            state=end.state,
        )
        signature = end.signer.sign(head_encoded(self.vault_id, signed))
        audit_rows.add(writing, replace(signed, signature=signature))
        return entry, grown

    def keep(self, writing: Writing, end: End) -> None:
        """Write the head over the one before. That it was broken stays with it."""
        seed = seal_bytes(end.signer.private_bytes_raw(), self.key, self._binding(end.number))
        mac = self._mac(end, seed) if end.whole else _NO_MAC
        tree, clock = b"".join(end.frontier), end.clock
        clocks = (clock.session, clock.offset_ms, clock.behind_ms)
        writing.change(_WRITE, (end.number, end.first_key, tree, seed, mac, *clocks))

    def checkpoint(self, end: End, at: str) -> Checkpoint:
        """Return what the log is at its end, signed with the key of the entry to come."""
        bare = Checkpoint(
            vault=self.vault_id,
            key=end.first_key.hex(),
            size=end.number,
            root=Sha256(end.root.hex()),
            hash=end.hash if end.whole else Sha256(bytes(merkle.HASH_BYTES).hex()),
            at=max(at, end.at),
            signer=end.next_key.hex(),
            signature="",
        )
        return replace(bare, signature=end.signer.sign(checkpoint_encoded(bare)).hex())

    def _opened(self, seed: bytes, number: int) -> Ed25519PrivateKey | None:
        try:
            secret = unseal_bytes(seed, self.key, self._binding(number))
            return Ed25519PrivateKey.from_private_bytes(secret)
        except (SealBroken, ValueError):
            return None

    def _binding(self, number: int) -> Binding:
        return Binding("audit-seed", f"{self.vault_id}:{number + 1}")

    def _mac(self, end: End, seed: bytes) -> bytes:
        clock = end.clock
        return keyed_digest(
            self.key,
            b"audit-head",
            str(end.number).encode(),
            end.hash.encode(),
            end.first_key,
            b"".join(end.frontier),
            seed,
            clock.session,
            str(clock.offset_ms).encode(),
            str(clock.behind_ms).encode(),
        )
