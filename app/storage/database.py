"""The encrypted database: one writer, several readers, and no way around the key.

Promises that every connection is keyed and checked before it is used, that nothing is written in
plain text (no temporary files, no attached databases, no extensions), that a transaction is whole
or absent, and that what goes wrong is said in our own words. Hides SQLCipher; the standard
`sqlite3` never touches these files (two libraries on one file crashed in a trial).
"""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, Protocol

from sqlcipher3 import dbapi2

from app.errors import AppError, DiskFull, FolderReadOnly, StorageError, VaultDamaged
from app.storage import files
from app.storage.pages import encrypted_anew, page_salt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

Row = tuple[Any, ...]
Value = str | int | float | bytes | None

Duplicate = dbapi2.IntegrityError
"""A row breaks a rule of the schema, such as a digest that is there already."""

_APPLICATION_ID = 0x41495631  # "AIV1"
_ROOM_BYTES = 1 << 20
_NO_ROOM = 13
_READ_ONLY = {3, 8}
_DAMAGED, _NO_INDEX = {11, 26}, ("invalid fts5 file format", "no such fts5 table")
_DISK = {10, 14}
_MESSAGES = {  # copying a database raises errors that carry no code
    "database or disk is full": 13,
    "attempt to write a readonly database": 8,
    "database disk image is malformed": 11,
    "file is not a database": 26,
    "disk I/O error": 10,
    "unable to open database file": 14,
}
_NOT_AUTHORISED = 23
_PROVE = "PRAGMA cipher_integrity_check"
_EMPTY_LOG = "PRAGMA wal_checkpoint(TRUNCATE)"
_refused = threading.local()  # whether this thread's statement was refused, rather than interrupted
_DENIED_ACTIONS = {dbapi2.SQLITE_ATTACH, dbapi2.SQLITE_DETACH}
_ALLOWED_PRAGMAS = {
    "busy_timeout",
    "data_version",  # full text asks for it
    "integrity_check",
    "quick_check",  # a new column does, too
    "user_version",
    "wal_checkpoint",
}
_ALLOWED_VALUES = {("schema_version", None), ("writable_schema", "RESET")}
_WAIT_MS = 20_000
_PIECE = 1000


class Cursor(Protocol):
    """The part of a cursor that is used."""

    rowcount: int
    lastrowid: int

    def fetchall(self) -> list[Row]:
        """Return all rows."""

    def fetchmany(self, size: int, /) -> list[Row]:
        """Return the next rows, at most so many."""

    def fetchone(self) -> Row | None:
        """Return the next row, or `None`."""


class Connection(Protocol):
    """The part of a connection of SQLCipher's library that is used."""

    in_transaction: bool

    def execute(self, sql: str, parameters: Sequence[Value] = (), /) -> Cursor:
        """Run one statement."""

    def executemany(self, sql: str, rows: Iterable[Sequence[Value]], /) -> Cursor:
        """Run one statement for each of the rows."""

    def backup(self, target: Connection, /) -> None:
        """Copy all pages."""

    def set_authorizer(self, callback: Callable[..., int], /) -> None:
        """Ask `callback` about each thing that a statement wants to do."""

    def close(self) -> None:
        """Close."""


class Reading:
    """A view of the database that does not change while it is held."""

    def __init__(self, connection: Connection) -> None:
        """Wrap a keyed connection."""
        self._connection = connection

    def all(self, sql: str, parameters: Sequence[Value] = ()) -> list[Row]:
        """Return all rows."""
        return self._connection.execute(sql, parameters).fetchall()

    def each(self, sql: str, parameters: Sequence[Value] = ()) -> Iterator[Row]:
        """Yield all rows, a few at a time."""
        cursor = self._connection.execute(sql, parameters)
        while rows := cursor.fetchmany(_PIECE):
            yield from rows

    def one(self, sql: str, parameters: Sequence[Value] = ()) -> Row | None:
        """Return the first row, or `None`."""
        return self._connection.execute(sql, parameters).fetchone()

    def number(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Return the first column of the first row as a whole number; nothing counts as 0."""
        row = self.one(sql, parameters)
        return int(row[0] or 0) if row else 0


class Writing(Reading):
    """A transaction: all that is changed through it is kept together or not at all."""

    leaves_no_trace = False

    def leave_no_trace(self) -> None:
        """Let what this transaction overwrites leave the write-ahead log too, once it is kept."""
        self.leaves_no_trace = True

    def change(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Run one statement; returns how many rows it changed."""
        return self._connection.execute(sql, parameters).rowcount

    def insert(self, sql: str, parameters: Sequence[Value] = ()) -> int:
        """Add one row; returns its number."""
        return self._connection.execute(sql, parameters).lastrowid

    def many(self, sql: str, rows: Iterable[Sequence[Value]]) -> None:
        """Run one statement for each of the rows."""
        self._connection.executemany(sql, rows)


class Guard(Protocol):
    """Who looks at every transaction of a database."""

    def begun(self, writing: Writing) -> None:
        """See a transaction before anything is done in it."""

    def ending(self, writing: Writing) -> None:
        """See a transaction after everything was done in it, and before it is kept."""


class Database:
    """The connections of one open vault; `guard` sees every transaction, where there is one."""

    guard: Guard | None = None

    def __init__(self, path: Path, key: bytes) -> None:
        """Open the database; raises `VaultDamaged` if it is absent or the key does not fit."""
        self._path = path
        self._key = key
        self._writing = threading.RLock()
        self._pool = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False
        self._in_transaction = False
        self._schema: int | None = None
        if not path.is_file():
            raise VaultDamaged("The vault's database is missing.")
        with explained(path):
            self._writer = self._connect()

    @classmethod
    def created(cls, path: Path, key: bytes, salt: bytes | None = None) -> Database:
        """Make a new, empty database at a path where none is; its salt is that of the key, unless
        another is given."""
        files.create_private(path, [])
        with explained(path):
            connection = _keyed(path, key, salt or page_salt(key))
            connection.execute(f"PRAGMA application_id = {_APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.close()
        return cls(path, key)

    @contextmanager
    def transaction(self) -> Iterator[Writing]:
        """Hold the only writer; keeps all changes at the end, or none if anything is raised."""
        with self._writing, explained(self._path):
            if self._closed:
                raise RuntimeError("the vault is closed")
            if self._in_transaction:
                raise RuntimeError("a transaction holds another one")
            self._in_transaction = True
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                writing = Writing(self._writer)
                if self._schema not in {None, _schema_version(writing)}:
                    raise VaultDamaged(
                        "The vault's tables were changed outside of the program while it was open.",
                        hint="Close the vault and open it again: it says then what was changed.",
                    )
                if self.guard is not None:
                    self.guard.begun(writing)
                yield writing
                if self.guard is not None:
                    self.guard.ending(writing)
                left = None if self._schema is None else _schema_version(writing)
                self._writer.execute("COMMIT")
                self._schema = left  # a step of the program's own may have changed it
                if writing.leaves_no_trace:
                    self._empty_log()
            finally:
                self._in_transaction = False
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")

    def hold_schema(self, expect: Callable[[Reading], None]) -> None:
        """Let `expect` look at the schema that the writer goes by, and refuse every transaction
        from now on that meets another one; what `expect` raises passes."""
        with self._writing, explained(self._path):
            self._writer.execute("BEGIN IMMEDIATE")
            try:
                # while nobody else writes: what the writer read before may be of another moment
                self._writer.execute("PRAGMA writable_schema = RESET")
                looking = Reading(self._writer)
                expect(looking)
                self._schema = _schema_version(looking)
            finally:
                self._writer.execute("ROLLBACK")

    @contextmanager
    def reader(self) -> Iterator[Reading]:
        """Hold a consistent view; readers do not wait for the writer, nor it for them."""
        with explained(self._path):
            connection = self._taken()
            try:
                connection.execute("BEGIN")
                yield Reading(connection)
            except (dbapi2.DatabaseError, VaultDamaged):
                # one that met a damaged page takes every other page for damaged, too
                connection.close()
                raise
            except BaseException:
                self._given_back(connection)
                raise
            self._given_back(connection)

    def copy_to(self, target: Path) -> None:
        """Write a consistent copy under the same key, whole or not at all."""
        part = target.with_name(f"{files.TEMPORARY}{target.name}")
        part.unlink(missing_ok=True)
        files.create_private(part, [])
        try:
            with explained(target):
                copy = _keyed(part, self._key, page_salt(self._key))
                try:
                    with self._writing:
                        self._writer.backup(copy)
                finally:
                    copy.close()
            files.move(part, target)
        except BaseException:
            part.unlink(missing_ok=True)
            raise

    def checkpoint(self, *, wait_ms: int = _WAIT_MS) -> bool:
        """Bring every page to its place and empty the write-ahead log, which holds old pages.

        Returns whether it is empty: a reader that does not end in time leaves that to the next
        time.
        """
        with self._writing, explained(self._path):
            connection = _keyed(self._path, self._key)
            try:
                connection.execute(f"PRAGMA busy_timeout = {wait_ms}").fetchall()
                row = connection.execute(_EMPTY_LOG).fetchone()
            finally:
                connection.close()
        return row is not None and row[0] == 0

    def problems(self) -> tuple[str, ...]:
        """Return what is wrong with the pages and the indexes; nothing when all is well.

        Reads everything, on a connection of its own: a long-lived one reports false damage of the
        full-text index after another one wrote, and pages still in the write-ahead log would be
        reported as tampered with.
        """
        with self._writing, explained(self._path):
            connection = _keyed(self._path, self._key)
            try:
                connection.execute(_EMPTY_LOG).fetchall()
                found = [
                    str(row[0])
                    for pragma in ("cipher_integrity_check", "integrity_check", "foreign_key_check")
                    for row in connection.execute(f"PRAGMA {pragma}").fetchall()
                    if row[0] != "ok"
                ]
            except dbapi2.DatabaseError as error:
                if not isinstance(_ours(error, self._path), VaultDamaged):
                    raise
                found = ["the database cannot be read to its end"]
            finally:
                connection.close()
        return tuple(found)

    def close(self) -> None:
        """Close every connection, after the transaction that is running; idempotent."""
        with self._writing, self._pool:
            if self._closed:
                return
            self._closed = True
            for connection in self._idle:
                connection.close()
            self._idle.clear()
            self._key = b""
            self._writer.close()

    def _empty_log(self) -> None:
        """Move all pages of the write-ahead log into the database, so that older ones are gone.

        Where somebody reads just now, or the disk has no room, it is left to the next time: nobody
        waits for it, and what was kept by then stays kept.
        """
        self._writer.execute("PRAGMA busy_timeout = 0")
        try:
            self._writer.execute(_EMPTY_LOG).fetchall()
        except dbapi2.DatabaseError:
            return
        finally:
            self._writer.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")

    def _connect(self, *, reading: bool = False) -> Connection:
        connection = _keyed(self._path, self._key)
        if reading:
            connection.execute("PRAGMA query_only = ON")
        connection.set_authorizer(_authorised)
        return connection

    def _taken(self) -> Connection:
        with self._pool:
            if self._closed:
                raise RuntimeError("the vault is closed")
            if self._idle:
                return self._idle.pop()
        return self._connect(reading=True)

    def _given_back(self, connection: Connection) -> None:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        with self._pool:
            if not self._closed:
                self._idle.append(connection)
                return
        connection.close()


def _schema_version(reading: Reading) -> int:
    """Return the number that SQLite changes whenever anybody changes the schema."""
    return reading.number("PRAGMA schema_version")


def rekey(path: Path, old: bytes, new: bytes) -> int:
    """Encrypt a database that nobody has open under another key: all of it or nothing.

    Returns how many pages are damaged: they come along, and are as damaged as before.
    """
    with explained(path):
        connection = _keyed(path, old)
        try:
            damaged = connection.execute(_PROVE).fetchall()
            if not damaged:
                spec = f"{new.hex()}{page_salt(new).hex()}"
                connection.execute(f"PRAGMA rekey = \"x'{spec}'\"").fetchall()
        finally:
            connection.close()
        if damaged:
            return _rekey_around(path, old, new)
        try:
            connection = _keyed(path, new)
        except dbapi2.DatabaseError as error:
            # SQLCipher answers `ok` even where it failed
            raise _not_rekeyed(path) from error
        try:
            connection.execute(_EMPTY_LOG).fetchall()
        finally:
            connection.close()
    return 0


def _rekey_around(path: Path, old: bytes, new: bytes) -> int:
    """Encrypt a database with damaged pages anew beside its place, and put it there as a whole."""
    before = _proven_at_rest(path, old)
    part = path.with_name(f"{files.TEMPORARY}{path.name}")
    beside = [path.with_name(f"{path.name}-{end}") for end in ("wal", "shm")]
    with files.translated():
        part.unlink(missing_ok=True)
        if any(one.is_file() and one.stat().st_size for one in beside[:1]):
            raise _not_rekeyed(path)  # its pages would be taken for those of the new database
    try:
        with files.translated(), path.open("rb") as file:
            files.create_private(part, encrypted_anew(file, old, new))
        if _proven_at_rest(part, new) != before:
            raise _not_rekeyed(path)
        for one in beside:
            files.remove(one)
        files.move(part, path)
    finally:
        for left in (part, *(part.with_name(f"{part.name}-{end}") for end in ("wal", "shm"))):
            left.unlink(missing_ok=True)
    return len(before)


def _proven_at_rest(path: Path, key: bytes) -> list[Row]:
    """Put all pages in their place, and return what SQLCipher says of those that are damaged."""
    connection = _keyed(path, key)
    try:
        connection.execute(_EMPTY_LOG).fetchall()
        return connection.execute(_PROVE).fetchall()
    finally:
        connection.close()


def is_rekeyed(path: Path, key: bytes) -> bool:
    """Return whether `rekey` has come about under a key, and put all its pages in their place.

    Where the program ended before they were, the file still begins with the salt of the old key:
    the new one is told to SQLCipher, which would read the wrong one there.
    """
    if not path.is_file():
        return False
    for salt in (page_salt(key), b""):
        with suppress(VaultDamaged), explained(path):
            connection = _keyed(path, key, salt)
            try:
                connection.execute(_EMPTY_LOG).fetchall()
            finally:
                connection.close()
            return True
    return False


def expect_room_to_rekey(path: Path) -> None:
    """Raise `DiskFull` where no room is left for all pages once more, which `rekey` takes."""
    with explained(path):
        pages = path.stat().st_size
    if not _has_room(path, _ROOM_BYTES + pages + pages // 64):  # each page has a head in the log
        raise DiskFull("The disk that holds the vault is full.")


def _not_rekeyed(path: Path) -> AppError:
    if not _has_room(path):
        return DiskFull("The disk that holds the vault is full.")
    return StorageError(
        "The vault's database could not be encrypted under its new key; the old one still counts.",
        hint="Check the disk, and that twice the vault's size is free, then open the vault again.",
    )


def put_to_rest(path: Path, key: bytes) -> None:
    """Leave a database that nobody has open as one file, to be read where nothing can be written;
    `wake` undoes that."""
    _journal(path, key, "DELETE")


def wake(path: Path, key: bytes) -> None:
    """Let a database that was at rest be written to beside its readers."""
    _journal(path, key, "WAL")


def _journal(path: Path, key: bytes, mode: str) -> None:
    with explained(path):
        connection = _keyed(path, key)
        try:
            connection.execute(f"PRAGMA journal_mode = {mode}").fetchall()
        finally:
            connection.close()


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Raise the error of ours that says what SQLCipher said of the database at a path.

    A broken rule of the schema (`Duplicate`) and a mistake of the program pass unchanged. Where
    Ctrl+C fell into the asking of `_authorised`, SQLCipher swallowed it: it is raised again.
    """
    _refused.statement = False
    try:
        yield
    # a name among the tables that is no text; what a connection that met a damaged page says of
    # writing another one
    except (UnicodeDecodeError, MemoryError) as error:
        raise VaultDamaged("The vault's database is damaged.") from error
    except dbapi2.DatabaseError as error:
        if _code(error) == _NOT_AUTHORISED and not _refused.statement:
            raise KeyboardInterrupt from error
        ours = _ours(error, path)
        if ours is None:
            raise
        raise ours from error


def _ours(error: Exception, path: Path) -> AppError | None:
    code = _code(error)
    if code == _NO_ROOM or (code in _DISK and not _has_room(path)):
        return DiskFull("The disk that holds the vault is full.")
    if code in _READ_ONLY or (code in _DISK and not os.access(path.parent, os.W_OK)):
        return FolderReadOnly("The vault's folder cannot be written to.")
    if code in _DAMAGED or str(error).startswith(_NO_INDEX):
        return VaultDamaged("The vault's database is damaged.")
    if code in _DISK:
        return StorageError(
            "The disk that holds the vault reports an error.",
            hint="Check the disk and its connection, then try again.",
        )
    return None


def _has_room(path: Path, wanted: int = _ROOM_BYTES) -> bool:
    if not hasattr(os, "statvfs"):
        return True
    try:
        room = os.statvfs(path.parent)
    except OSError:
        return True
    return room.f_bavail * room.f_frsize >= wanted


def _keyed(path: Path, key: bytes, salt: bytes = b"") -> Connection:
    """Return a connection that holds the right key and every protection, or raise; `salt` is what
    a new database begins with."""
    connection: Connection = dbapi2.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=200,
    )
    try:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}{salt.hex()}'\"")
        if not connection.execute("PRAGMA cipher_version").fetchone():
            raise RuntimeError("the database library does not encrypt")  # noqa: TRY301
        for pragma in _PROTECTIONS:
            connection.execute(pragma).fetchall()
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


_PROTECTIONS = (
    "PRAGMA cipher_log_level = NONE",  # it would write to standard error
    "PRAGMA temp_store = MEMORY",
    "PRAGMA mmap_size = 0",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA foreign_keys = ON",
    "PRAGMA recursive_triggers = ON",  # what a replacing row takes away is noted, too
    "PRAGMA secure_delete = ON",
    "PRAGMA synchronous = FULL",
    f"PRAGMA busy_timeout = {_WAIT_MS}",
    "PRAGMA cache_size = -32768",
    "PRAGMA journal_size_limit = 16777216",
)


def _code(error: Exception) -> int:
    code: int = getattr(error, "sqlite_errorcode", None) or _MESSAGES.get(str(error), 0)
    return code & 0xFF


def _authorised(
    action: int, first: str | None, second: str | None, _where: str | None, _by: str | None
) -> int:
    """Refuse what could write plain text or change the protections of an open connection."""
    allowed = first in _ALLOWED_PRAGMAS or (first, second) in _ALLOWED_VALUES
    if (
        action in _DENIED_ACTIONS
        or (action == dbapi2.SQLITE_PRAGMA and not allowed)
        or (action == dbapi2.SQLITE_FUNCTION and second == "load_extension")
    ):
        _refused.statement = True
        return int(dbapi2.SQLITE_DENY)
    return int(dbapi2.SQLITE_OK)
