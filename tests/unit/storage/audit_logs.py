"""Audit logs for tests, with every key that ever signed them, which no attacker has."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain import Checkpoint, Sha256
from app.storage import audit_rows, merkle, schema
from app.storage.audit import Audit
from app.storage.audit_check import judged, sizes_of, walk
from app.storage.audit_format import (
    SignedEntry,
    checkpoint_encoded,
    first_hash,
    hashed,
    head_encoded,
)
from app.storage.database import Database

ROOT = Path(__file__).parents[3]
KEY = bytes(range(32))
VAULTS = ("ab" * 16, "cd" * 16)


def verifier():
    """The stand-alone verifier as a module."""
    path = ROOT / "resources" / "verifier" / "verify_audit.py"
    spec = importlib.util.spec_from_file_location("verify_audit", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["verify_audit"] = module
    spec.loader.exec_module(module)
    return module


class Ticking:
    """A clock that goes on by a second each time it is read."""

    def __init__(self):
        self.now = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

    def __call__(self):
        self.now += timedelta(seconds=1)
        return self.now


def begun(path, vault_id=VAULTS[0], **options):
    """A database that holds nothing but an audit log, and the log."""
    database = Database.created(path, KEY)
    schema.upgrade(database, fresh=True, backup=lambda _: None)
    log = Audit(database, KEY, vault_id, options.pop("clock", None) or Ticking(), **options)
    with database.transaction() as writing:
        log.begin(writing)
    return database, log


@dataclass(frozen=True)
class State:
    """All that an audit store holds, for one who can open every seal: the rows, the first key and
    the key for the next entry."""

    vault: str
    first_key: bytes
    rows: tuple[SignedEntry, ...]
    seed: bytes

    def checkpoint(self, **changes) -> Checkpoint:
        """A checkpoint of the state, signed with the key that it holds."""
        last = self.rows[-1] if self.rows else None
        bare = Checkpoint(
            vault=self.vault,
            key=self.first_key.hex(),
            size=len(self.rows),
            root=Sha256((last.root if last else merkle.EMPTY).hex()),
            hash=Sha256(last.entry.hash if last and _whole(last) else bytes(32).hex()),
            at="2026-05-01T00:00:00.000Z",
            signer=public(self.seed).hex(),
            signature="",
        )
        bare = replace(bare, **changes)
        signature = Ed25519PrivateKey.from_private_bytes(self.seed).sign(checkpoint_encoded(bare))
        return replace(bare, signature=signature.hex())

    def check(self, checkpoint=None, seen=()):
        """The verdict of the program on rows, as `Audit.verify` reaches it on a database whose
        seals and digests the attacker has made anew."""
        sizes = sizes_of(checkpoint, seen)
        walked = walk(self.rows, self.vault, self.first_key, sizes=sizes)
        named = self.rows[-1].next_key if self.rows else self.first_key
        ends = public(self.seed) == named
        return judged(walked, ends=ends, checkpoint=checkpoint, seen=seen)


def states(path, length, vault_id=VAULTS[0]):
    """Every state of a log that grows to a length, from the first entry on."""
    database, log = begun(path, vault_id)
    found = []
    for number in range(length):
        log.record(actor=f"p{number % 3}", act="call.view", subject=f"{number:032x}", reason="why")
        with database.reader() as reading:
            end = log._head.read(reading)
            rows = tuple(audit_rows.every(reading))
        assert end.whole
        seed = end.signer.private_bytes_raw()
        found.append(State(vault=vault_id, first_key=end.first_key, rows=rows, seed=seed))
    database.close()
    return found


def _whole(row):
    return row.entry.hash == hashed(row.entry)


def public(seed):
    """The public half of a key."""
    return Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw()


def redone(state, start, seed, *, keys=True):
    """The state with everything from an index on done again: numbers, chain and roots; with `keys`
    also keys and signatures, from a seed that the attacker has."""
    rows = list(state.rows)
    previous = rows[start - 1].entry.hash if start else first_hash(state.vault, state.first_key)
    tree = merkle.frontier_of(bytes.fromhex(row.entry.hash) for row in rows[:start])
    signer = Ed25519PrivateKey.from_private_bytes(seed)
    for index in range(start, len(rows)):
        entry = replace(rows[index].entry, number=index + 1, previous=previous)
        entry = replace(entry, hash=hashed(entry))
        tree = merkle.appended(tree, index, bytes.fromhex(entry.hash))
        row = replace(rows[index], entry=entry, root=merkle.root(tree))
        if keys:
            following = Ed25519PrivateKey.generate()
            row = replace(row, next_key=following.public_key().public_bytes_raw())
            signature = signer.sign(head_encoded(state.vault, row))
            row, signer = replace(row, signature=signature), following
        rows[index], previous = row, entry.hash
    seed = signer.private_bytes_raw() if keys else state.seed
    return replace(state, rows=tuple(rows), seed=seed)
