"""The tables of a vault that hold nothing of any call, as another database takes them over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.storage.backup_format import ErasedCall

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.storage.database import Reading, Row

OWN_TABLES = (
    "vault", "sealed_keys", "people", "backup_codes", "teams", "policy", "requests", "erased",
    "vocabulary", "samples", "sampled_turns",
)  # fmt: skip
"""The tables that are copied as they are; `headers`, `audit` and `audit_head` are too, in their own
way; those of the calls (`records.TABLES`) and the seals, which a restore makes anew, are not."""


def own_rows(reading: Reading) -> Iterator[tuple[str, list[Row]]]:
    """Yield the rows of the vault's own tables, the audit log in pieces."""
    for table in OWN_TABLES:
        yield table, reading.all(f"SELECT * FROM {table}")  # noqa: S608
    number = 0
    while rows := reading.all(_AUDIT, (number,)):
        yield "audit", rows
        number = rows[-1][0]
    # the numbers of erased calls are not given to others
    yield "sqlite_sequence", reading.all("SELECT name, seq FROM sqlite_sequence WHERE name='calls'")


def erased_calls(reading: Reading) -> tuple[ErasedCall, ...]:
    """Return which calls were erased."""
    rows = reading.all("SELECT call, digest, at FROM erased ORDER BY call")
    return tuple(ErasedCall(call=call, digest=digest, at=at) for call, digest, at in rows)


def inserting(table: str, rows: list[Row]) -> str:
    """Return the statement that puts whole rows into a table."""
    marks = ", ".join("?" * len(rows[0]))
    return f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608


_AUDIT = "SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT 5000"
