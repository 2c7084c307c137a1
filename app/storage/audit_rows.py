"""The rows of the audit log: how entries are read from the database and added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import AuditEntry, Sha256
from app.storage import schema
from app.storage.audit_format import SignedEntry

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.domain import AuditQuery
    from app.storage.database import Reading, Row, Value, Writing

_TEXTS = ("at", "actor", "act", "subject", "outcome", "reason", "previous", "hash")
# Read as bytes: text that is no UTF-8, put there by somebody, must be found and not be a fault.
_SELECT = f"SELECT number, {', '.join(f'CAST({name} AS BLOB)' for name in _TEXTS)}"
_SIGNED = f"{_SELECT}, root, next_key, signature, state FROM audit"
_SIGNED_BEFORE = f"{_SELECT}, root, next_key, signature, x'' FROM audit"
_INSERT = """
    INSERT INTO audit (number, at, actor, act, subject, outcome, reason, previous, hash,
        root, next_key, signature, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_TIP = """
    SELECT number, CAST(hash AS BLOB), state, next_key, signature FROM audit
    ORDER BY number DESC LIMIT 1
"""
_PAGE = 5000


def newest(
    reading: Reading, query: AuditQuery, *, offset: int, limit: int
) -> tuple[AuditEntry, ...]:
    """Return the entries that a query asks for, the newest first."""
    where, values = _fitting(query)
    sql = f"{_SELECT} FROM audit WHERE {where} ORDER BY number DESC LIMIT ? OFFSET ?"
    return tuple(map(_entry, reading.all(sql, (*values, limit, offset))))


def count(reading: Reading, query: AuditQuery) -> int:
    """Return how many entries a query asks for."""
    where, values = _fitting(query)
    return reading.number(f"SELECT count(*) FROM audit WHERE {where}", values)  # noqa: S608


def was(reading: Reading, act: str, outcome: str) -> bool:
    """Return whether an act with an outcome is in the log."""
    sql = "SELECT 1 FROM audit WHERE act = ? AND outcome = ? LIMIT 1"
    return reading.one(sql, (act, outcome)) is not None


def names(reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return who acted, and which acts there are."""
    found = [
        reading.all(f"SELECT DISTINCT CAST({name} AS BLOB) FROM audit ORDER BY 1")  # noqa: S608
        for name in ("actor", "act")
    ]
    actors, acts = (tuple(row[0].decode("utf-8", "replace") for row in rows) for rows in found)
    return actors, acts


def _fitting(query: AuditQuery) -> tuple[str, tuple[Value, ...]]:
    """Return the condition of a query and the values in it."""
    asked: dict[str, Value] = {}
    if query.actor:
        asked["actor = ?"] = query.actor
    if query.act:
        asked["act = ?"] = query.act
    if query.up_to:
        asked["number <= ?"] = query.up_to
    return " AND ".join(asked) or "1", tuple(asked.values())


def last(reading: Reading) -> SignedEntry | None:
    """Return the last entry, or `None` while there is none."""
    row = reading.one(f"{_signing(reading)} ORDER BY number DESC LIMIT 1")
    return None if row is None else _signed(row)


def tip(reading: Reading) -> Row | None:
    """Return by what the end of the log is known again: what the next entry follows, and what it
    goes on signing."""
    return reading.one(_TIP)


def one(reading: Reading, number: int) -> SignedEntry | None:
    """Return the entry with a number, or `None`."""
    row = reading.one(f"{_signing(reading)} WHERE number = ?", (number,))
    return None if row is None else _signed(row)


def every(reading: Reading) -> Iterator[SignedEntry]:
    """Give all entries by number, whatever stands in them."""
    number = -(1 << 63)
    sql = f"{_signing(reading)} WHERE number > ? ORDER BY number LIMIT {_PAGE}"
    while rows := reading.all(sql, (number,)):
        yield from map(_signed, rows)
        number = rows[-1][0]


def leaves(reading: Reading) -> list[bytes]:
    """Return the leaves of the tree; what is no hash any more stands for itself."""
    rows = reading.all("SELECT CAST(hash AS BLOB) FROM audit ORDER BY number")
    return [_leaf(row[0]) for row in rows]


def add(writing: Writing, signed: SignedEntry) -> None:
    """Add an entry."""
    entry = signed.entry
    texts = [getattr(entry, name) for name in _TEXTS]
    head = (signed.root, signed.next_key, signed.signature, signed.state)
    values = (entry.number, *texts, *head)
    writing.change(_INSERT, values)


def _signed(row: Row) -> SignedEntry:
    root, next_key, signature, state = row[-4:]
    return SignedEntry(
        entry=_entry(row[:-4]), root=root, next_key=next_key, signature=signature, state=state
    )


def _signing(reading: Reading) -> str:
    """Return what is read of an entry: backups of older versions are read as they are."""
    return _SIGNED if schema.version(reading) >= schema.SEALED_FROM else _SIGNED_BEFORE


def _entry(row: Row) -> AuditEntry:
    number, *texts = row
    at, actor, act, subject, outcome, reason, previous, digest = (
        text.decode("utf-8", "replace") for text in texts
    )
    return AuditEntry(
        number=number,
        at=at,
        actor=actor,
        act=act,
        subject=subject,
        outcome=outcome,
        reason=reason,
        previous=Sha256(previous),
        hash=Sha256(digest),
    )


def _leaf(text: bytes) -> bytes:
    try:
        return bytes.fromhex(text.decode("ascii"))
    except ValueError:
        return text
