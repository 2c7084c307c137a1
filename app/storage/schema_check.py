"""Whether the tables, indexes, views and triggers of a database are those that the steps make.

Promises that whatever was put in, changed or taken out beside the program is named: a trigger that
somebody planted would let an act of the program carry a change of theirs, and an index or a view
would show what is not there. What the steps make is asked of SQLite itself, in memory, so that
there is no second list to keep.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from sqlcipher3 import dbapi2

from app.storage.audit_format import joined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.storage.database import Reading, Row

Steps = tuple[tuple[str, ...], ...]

# Read as bytes: a name that is no UTF-8, put there by somebody, must be found and not be a fault.
_OBJECTS = """
    SELECT CAST(coalesce(type, '') AS BLOB), CAST(coalesce(name, '') AS BLOB),
        CAST(coalesce(tbl_name, '') AS BLOB), CAST(coalesce(sql, '') AS BLOB)
    FROM sqlite_schema ORDER BY 1, 2, 3, 4
"""
_SHARED = """
    SELECT CAST(coalesce(max(name), '') AS BLOB) FROM sqlite_schema
    WHERE rootpage > 0 GROUP BY rootpage HAVING count(*) > 1
"""
_MOST_NAMED, _LONGEST = 5, 60
HINT = (
    "Keep a copy of the folder, and restore the newest backup; with the recovery sheet,"
    " `autoinsights vault rescue` saves the calls."
)
"""What to do with a vault that somebody changed."""


def digest(reading: Reading) -> bytes:
    """Return the digest of everything that the schema of a database says."""
    fields = [bytes(field) for row in reading.all(_OBJECTS) for field in row]
    return hashlib.sha256(joined(b"autoinsights-schema-1", *fields)).digest()


def foreign(reading: Reading, steps: Steps) -> tuple[str, ...]:
    """Return what is not as the steps make it, by its kind and name, in words."""
    wanted, found = Counter(_made(steps)), Counter(_objects(reading.all(_OBJECTS)))
    lacking = {row[:2] for row in wanted - found}
    extra = {row[:2] for row in found - wanted}
    shared = [f"{_text(name)} lies where something else lies" for (name,) in reading.all(_SHARED)]
    return (
        *(f"{_named(one)} is missing" for one in sorted(lacking - extra)),
        *(f"{_named(one)} was changed" for one in sorted(lacking & extra)),
        *(f"{_named(one)} was put in" for one in sorted(extra - lacking)),
        *shared,
    )


def sentence(changed: Sequence[str]) -> str:
    """Return what is said where the schema was changed, without its full stop."""
    more = f" and {len(changed) - _MOST_NAMED} more" if len(changed) > _MOST_NAMED else ""
    return f"Changed outside of the program: {', '.join(changed[:_MOST_NAMED])}{more}"


@cache
def _made(steps: Steps) -> tuple[tuple[bytes, ...], ...]:
    connection = dbapi2.connect(":memory:", isolation_level=None)
    try:
        for statement in (one for step in steps for one in step):
            connection.execute(statement)
        return _objects(connection.execute(_OBJECTS).fetchall())
    finally:
        connection.close()


def _objects(rows: Sequence[Row]) -> tuple[tuple[bytes, ...], ...]:
    return tuple(tuple(bytes(field) for field in row) for row in rows)


def _named(kind_and_name: tuple[bytes, ...]) -> str:
    return f"the {' '.join(map(_text, kind_and_name))}"


def _text(name: bytes) -> str:
    """Return a name that others chose, on one line and no longer than needed to find it."""
    text = bytes(name).decode("utf-8", "replace")
    return "".join(one if one.isprintable() else "?" for one in text)[:_LONGEST]
