"""The audit log: who did what to what, when, with which outcome, in a chain that shows tampering.

Entries are only ever added, each in the transaction of the act that it records, and carry no
content of calls. Each holds the SHA-256 of the one before it; the count and the last hash stand
under a keyed digest, so that an entry changed, removed, put in or cut off at the end is found.
The number decides the order: a clock that goes back does not.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

from app.domain import AuditCheck, AuditEntry, Sha256
from app.storage.clock import stamp
from app.storage.crypto import keyed_digest

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Row, Writing


_INSERT = """
    INSERT INTO audit (number, at, actor, act, subject, outcome, previous, hash)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_NEWEST = """
    SELECT number, at, actor, act, subject, outcome, previous, hash
    FROM audit ORDER BY number DESC LIMIT ? OFFSET ?
"""
_AFTER = """
    SELECT number, at, actor, act, subject, outcome, previous, hash
    FROM audit WHERE number > ? ORDER BY number LIMIT 5000
"""


def first_hash(vault_id: str) -> Sha256:
    """Return what the first entry of a vault names as the hash before it."""
    return Sha256(hashlib.sha256(f"autoinsights-audit-1:{vault_id}".encode()).hexdigest())


def encoded(entry: AuditEntry) -> bytes:
    """Return the canonical bytes of an entry, over which its hash is taken.

    The name of the format, then seven fields as UTF-8, each behind its length in four bytes, high
    byte first: number, at, actor, act, subject, outcome, previous.
    """
    fields = (
        str(entry.number),
        entry.at,
        entry.actor,
        entry.act,
        entry.subject,
        entry.outcome,
        entry.previous,
    )
    parts = [field.encode("utf-8", "surrogatepass") for field in fields]
    return b"autoinsights-audit-1" + b"".join(len(p).to_bytes(4, "big") + p for p in parts)


def hashed(entry: AuditEntry) -> Sha256:
    """Return the hash that an entry must hold."""
    return Sha256(hashlib.sha256(encoded(entry)).hexdigest())


class Audit:
    """The audit log of an open vault."""

    def __init__(self, database: Database, key: bytes, vault_id: str, clock: Clock) -> None:
        """Work on a database with the vault's audit key."""
        self._database = database
        self._key = key
        self._first = first_hash(vault_id)
        self._clock = clock

    def record(
        self, *, actor: str, act: str, subject: str = "", outcome: str = "ok", reason: str = ""
    ) -> AuditEntry:
        """Add an entry of an act that changes nothing else, such as looking at a call."""
        with self._database.transaction() as writing:
            return self.append(
                writing, actor=actor, act=act, subject=subject, outcome=outcome, reason=reason
            )

    def append(  # noqa: PLR0913 (the fields of an entry)
        self,
        writing: Writing,
        *,
        actor: str,
        act: str,
        subject: str = "",
        outcome: str = "ok",
        reason: str = "",  # noqa: ARG002 (kept once entries have the field)
    ) -> AuditEntry:
        """Add an entry in the transaction of the act that it records."""
        last = writing.one("SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1")
        number, previous = (last[0] + 1, Sha256(last[1])) if last else (1, self._first)
        entry = AuditEntry(
            number=number,
            at=stamp(self._clock()),
            actor=actor,
            act=act,
            subject=subject,
            outcome=outcome,
            previous=previous,
            hash=Sha256(""),
        )
        digest = hashed(entry)
        values = (number, entry.at, actor, act, subject, outcome, previous, digest)
        writing.change(_INSERT, values)
        writing.change(
            "INSERT OR REPLACE INTO audit_head (one, number, mac) VALUES (1, ?, ?)",
            (number, self._mac(number, digest)),
        )
        return _entry((*values[:7], digest))

    def entries(self, *, offset: int = 0, limit: int = 100) -> tuple[AuditEntry, ...]:
        """Return entries, the newest first."""
        with self._database.reader() as reading:
            rows = reading.all(
                _NEWEST,
                (limit, offset),
            )
        return tuple(_entry(row) for row in rows)

    def count(self) -> int:
        """Return how many entries there are."""
        with self._database.reader() as reading:
            return reading.number("SELECT max(number) FROM audit")

    def verify(self) -> AuditCheck:
        """Return whether every entry is as it was written, naming the first that is not."""
        with self._database.reader() as reading:
            head = reading.one("SELECT number, mac FROM audit_head")
            good, bad, last = follow(_all(reading), self._first)
        if bad is not None:
            return _check(good, bad, f"Audit entry {bad} is not as it was written.")
        if head is None or not hmac.compare_digest(bytes(head[1]), self._mac(good, last)):
            return _check(good, good + 1, f"Audit entries after number {good} are missing.")
        return _check(good, None, f"All {good} audit entries are as they were written.")

    def _mac(self, number: int, digest: str) -> bytes:
        return keyed_digest(self._key, b"audit-head", str(number).encode(), digest.encode())


def follow(entries: Iterable[AuditEntry], first: Sha256) -> tuple[int, int | None, Sha256]:
    """Follow a chain from its start.

    Returns how many entries are good, the number at which the first bad one stands (or `None`) and
    the hash of the last good one.
    """
    good, previous = 0, first
    for entry in entries:
        if entry.number != good + 1 or entry.previous != previous or entry.hash != hashed(entry):
            return good, good + 1, previous
        good, previous = entry.number, entry.hash
    return good, None, previous


def _all(reading: Reading) -> Iterator[AuditEntry]:
    number = -1
    while True:
        rows = reading.all(_AFTER, (number,))
        if not rows:
            return
        yield from map(_entry, rows)
        number = rows[-1][0]


def _entry(row: Row) -> AuditEntry:
    number, at, actor, act, subject, outcome, previous, digest = row
    return AuditEntry(
        number=number,
        at=at,
        actor=actor,
        act=act,
        subject=subject,
        outcome=outcome,
        previous=Sha256(previous),
        hash=Sha256(digest),
    )


def _check(entries: int, first_bad: int | None, sentence: str) -> AuditCheck:
    return AuditCheck(entries=entries, ok=first_bad is None, first_bad=first_bad, sentence=sentence)
