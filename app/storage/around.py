"""Reading a database around its damaged pages.

Promises that what is given out was read from pages that proved themselves, and that what could not
be read is named by its number. Hides that a connection that met a damaged page takes every other
page for damaged, too.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar

import msgspec
from sqlcipher3 import dbapi2

from app.errors import VaultDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.storage.database import Database, Reading, Row

T = TypeVar("T")
_CHUNK = 200


class Unreadable(Exception):
    """A part of the database is damaged."""


class Around:
    """What can be read of a database in which pages are damaged."""

    def __init__(self, database: Database) -> None:
        """Read a database."""
        self.database = database

    def read(self, look: Callable[[Reading], T]) -> T:
        """Return what `look` finds; raises `Unreadable`."""
        try:
            with self.database.reader() as reading:
                return look(reading)
        except (VaultDamaged, dbapi2.DatabaseError, msgspec.ValidationError) as error:
            raise Unreadable from error

    def rows(self, sql: str, *values: int) -> list[Row]:
        """Return rows; raises `Unreadable`."""
        return self.read(lambda reading: reading.all(sql, values))

    def highest(self, *queries: str) -> int:
        """Return the highest number that any of the queries tells."""
        found = [0]
        for query in queries:
            with suppress(Unreadable):
                found += [int(row[0] or 0) for row in self.rows(query)]
        return max(found)

    def each(self, table: str, number: str, highest: int) -> Iterator[Row | int]:
        """Yield the rows of a table by their numbers; the number alone where it is damaged."""
        sql = f"SELECT * FROM {table} WHERE {number} BETWEEN ? AND ? ORDER BY {number}"  # noqa: S608
        for first in range(1, highest + 1, _CHUNK):
            last = min(first + _CHUNK - 1, highest)
            try:
                yield from self.rows(sql, first, last)
            except Unreadable:
                for one in range(first, last + 1):
                    try:
                        yield from self.rows(sql, one, one)
                    except Unreadable:
                        yield one

    def call_ids(self) -> dict[int, str]:
        """Return the ids of calls by their numbers: out of their index, or where a page of that is
        damaged, out of their table."""
        try:
            rows = self.rows("SELECT number, id FROM calls INDEXED BY sqlite_autoindex_calls_1")
        except Unreadable:
            highest = self.highest("SELECT max(number) FROM calls", _GIVEN_NUMBERS)
            found = self.each("calls", "number", highest)
            rows = [row for row in found if not isinstance(row, int)]
        return {row[0]: row[1] for row in rows}


_GIVEN_NUMBERS = "SELECT seq FROM sqlite_sequence WHERE name = 'calls'"
