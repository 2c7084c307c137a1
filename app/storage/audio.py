"""The sealed audio of calls: whole, in its place and the newest, or refused.

A file is written beside the others (`incoming`), named in the database in the transaction of the
act that brings it, and then moved to its place; what an interruption leaves in between is settled
when the vault is opened. The database holds the random mark of the one file that counts, so that an
older recording of the same call put in its place is refused as well, and the digest of what was
kept, which the audit log signs: so is one whose mark was put back with it. Plain audio is never on
disk.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, BinaryIO

from app.domain import EVERYTHING, CallId
from app.errors import AppError, CallNotFound, NotAsKept, SealBroken, StorageError
from app.storage import files, originals, results
from app.storage.crypto import CHUNK_BYTES, Binding, check_header, seal, unseal
from app.storage.scopes import number_of, within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from app.domain import Scope
    from app.storage.database import Database, Reading, Row, Writing
    from app.storage.keys import CallKeys

FOLDER = "audio"
_INCOMING = "incoming"
_SUFFIX = "sealed"
_HEADER_BYTES = 40
_TRIES = 3  # a new analysis may move a newer file into place between the look-up and the opening


class Purpose(StrEnum):
    """Which sound of a call a sealed file holds."""

    ORIGINAL = "original"  # as it was imported, byte for byte
    MUTED = "muted"  # FLAC, with redacted stretches silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A sealed file that is written but not yet named in the database."""

    call: CallId
    purpose: Purpose
    mark: bytes
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """The one sealed file of a call that counts: its mark, the call's key, and the digest that was
    kept of what is in it, if one was."""

    call: CallId
    purpose: Purpose
    mark: bytes
    key: bytes = field(repr=False)
    digest: bytes | None

    def proven(self, file: BinaryIO) -> Iterator[bytes]:
        """Yield a sealed file byte for byte, once it was proven to be the one; raises `SealBroken`
        or `NotAsKept`."""
        if check_header(file.read(_HEADER_BYTES)) != self.mark:
            raise SealBroken(f"The {self.purpose} recording of call {self.call} is another one.")
        file.seek(0)
        content = unseal(file, self.key, audio_binding(self.call, self.purpose))
        for _ in compared(content, self.digest, self.call, self.purpose):
            pass
        file.seek(0)
        while chunk := file.read(CHUNK_BYTES):
            yield chunk


class SealedAudio:
    """The sealed audio of an open vault."""

    def __init__(self, folder: Path, database: Database, call_keys: CallKeys) -> None:
        """Work in the vault's folder."""
        self._folder = folder
        self._database = database
        self._call_keys = call_keys

    def read(self, call: CallId, purpose: Purpose, *, scope: Scope = EVERYTHING) -> bytes:
        """Return the audio of a call; raises `CallNotFound`, `OriginalDestroyed` or
        `SealBroken`."""
        return b"".join(self.chunks(call, purpose, scope=scope))

    def chunks(
        self, call: CallId, purpose: Purpose, *, scope: Scope = EVERYTHING
    ) -> Iterator[bytes]:
        """Yield the audio of a call in pieces of 1 MiB, each proven before it is given out.

        Raises `CallNotFound` or `OriginalDestroyed`, and `SealBroken` or `NotAsKept` at the latest
        at the end.
        """
        condition, values = within(scope)
        for _ in range(_TRIES):
            with self._database.reader() as reading:
                row = reading.one(f"{_ONE} AND {condition}", (call, purpose, *values))
                if row is None and purpose is Purpose.ORIGINAL:
                    originals.expect_there(reading, number_of(reading, call, scope))
            if row is None:
                raise CallNotFound("There is no such recording in this vault.")
            file = self._opened(call, purpose, bytes(row[0]))
            if file is not None:
                key = self._call_keys.opened(call, row[1])
                content = _unsealed(file, key, audio_binding(call, purpose))
                return compared(content, _digest(purpose, *row[2:]), call, purpose)
        raise SealBroken(f"The {purpose} recording of call {call} is missing or not the newest.")

    def proven(self, wanted: Wanted) -> Iterator[bytes]:
        """Yield the sealed file that counts, byte for byte, once all of it is proven.

        Raises `SealBroken` where it is missing or cannot be read, and `NotAsKept`.
        """
        file = self._opened(wanted.call, wanted.purpose, wanted.mark)
        if file is None:
            raise SealBroken(f"The {wanted.purpose} recording of call {wanted.call} is missing.")
        with file:
            try:
                yield from wanted.proven(file)
            except OSError as error:
                raise SealBroken("A sealed file cannot be read.") from error

    def measured(self, call: CallId, purpose: Purpose, key: bytes) -> tuple[bytes, int]:
        """Return the mark of the file that is in its place, and how much is in it, all proven.

        For a rescue only: whether it is the newest, the database knows. Raises `SealBroken`.
        """
        try:
            with self._place(call, purpose).open("rb") as file:
                mark = check_header(file.read(_HEADER_BYTES))
                file.seek(0)
                return mark, sum(map(len, unseal(file, key, audio_binding(call, purpose))))
        except OSError as error:
            raise SealBroken("A sealed file cannot be read.") from error

    def write(
        self, call: CallId, purpose: Purpose, key: bytes, content: Iterable[bytes]
    ) -> Incoming:
        """Seal content into a new file; `settle` it after the transaction that names it."""
        pieces = seal(content, key, audio_binding(call, purpose))
        header = next(pieces)
        mark = check_header(header)
        path = self._incoming(call, purpose, mark)
        files.make_private(path.parent)
        files.create_private(path, _joined(header, pieces))
        return Incoming(call=call, purpose=purpose, mark=mark, path=path)

    @contextmanager
    def muted_anew(
        self, call: CallId, key: bytes, muted: bytes, *, read_back: bool = False
    ) -> Iterator[Callable[[Writing, int], None]]:
        """Seal muted audio, if there is any; what is given names it, in a transaction, for the call
        with a number. Where that did not come to pass, the file is dropped.

        With `read_back` what was written is proven first, because nothing else will be left of the
        call's sound. Raises `SealBroken`.
        """
        incoming = self.write(call, Purpose.MUTED, key, [muted]) if muted else None
        named = False

        def name(writing: Writing, number: int) -> None:
            nonlocal named
            if incoming is not None:
                self.name(writing, number, incoming, len(muted))
                digest = hashlib.sha256(muted).digest()
                results.keep_digest(writing, number, "muted", digest)
                named = True

        try:
            if incoming is not None and read_back:
                self._expect_written(incoming, key, muted)
            yield name
        except BaseException:
            named = False
            raise
        finally:
            if incoming is not None and named:
                self.settle(incoming)
            elif incoming is not None:
                with suppress(AppError):  # the next opening does it
                    self.drop(incoming)

    def _expect_written(self, incoming: Incoming, key: bytes, content: bytes) -> None:
        wanted = Wanted(
            call=incoming.call,
            purpose=incoming.purpose,
            mark=incoming.mark,
            key=key,
            digest=hashlib.sha256(content).digest(),
        )
        for _ in self.proven(wanted):
            pass

    def name(self, writing: Writing, number: int, incoming: Incoming, size_bytes: int) -> None:
        """Make a new file the one that counts, in the transaction of the act that brings it."""
        writing.change(
            "INSERT OR REPLACE INTO audio (call, purpose, mark, size_bytes) VALUES (?, ?, ?, ?)",
            (number, incoming.purpose, incoming.mark, size_bytes),
        )

    def settle(self, incoming: Incoming) -> None:
        """Move a file to its place, after it has been named.

        What was named is kept already: where the disk refuses the move, the file is read from where
        it is, and moved when the vault is opened again.
        """
        try:
            place = self._place(incoming.call, incoming.purpose)
            files.make_private(place.parent)
            files.move(incoming.path, place)
        except StorageError:
            return

    def drop(self, incoming: Incoming) -> None:
        """Remove a file that was not named after all."""
        files.remove(incoming.path)

    def forget(self, writing: Writing, number: int, call: CallId, purpose: Purpose) -> None:
        """Remove one recording of a call in the transaction that says so.

        The file goes first: where that is interrupted, the recording is missing and not heard.
        """
        self.remove(call, purpose)
        self.unname(writing, number, purpose)

    def unname(self, writing: Writing, number: int, purpose: Purpose) -> None:
        """Let no recording of a call count for a purpose; `remove` its file after the
        transaction."""
        values = (number, purpose)
        writing.change("DELETE FROM audio WHERE call = ? AND purpose = ?", values)

    def remove(self, call: CallId, purpose: Purpose) -> None:
        """Remove the files of one recording of a call, wherever they are."""
        place = self._place(call, purpose)
        found = self._not_in_place(f"{call}.{purpose}.*")
        for path in (*found, *([place] if place.exists() else ())):
            files.remove(path)

    def erase(self, call: CallId) -> None:
        """Remove the files of a call whose key is destroyed already.

        Those not yet in their place go first: whoever is moving one then finds it gone.
        """
        found = self._not_in_place(f"{call}.*")
        places = [self._place(call, purpose) for purpose in Purpose]
        for path in (*found, *(place for place in places if place.exists())):
            files.remove(path)

    def _not_in_place(self, pattern: str) -> list[Path]:
        """Return files that are written but not yet moved to their place."""
        folder = files.inside(self._folder, FOLDER, _INCOMING)
        with files.translated():
            return sorted(folder.glob(pattern)) if folder.is_dir() else []

    def recover(self) -> int:
        """Settle what an interruption left; returns how many files nobody had named."""
        folder = files.inside(self._folder, FOLDER, _INCOMING)
        if not folder.is_dir():
            return 0
        dropped = 0
        with files.translated():
            left = sorted(folder.iterdir())
        with self._database.reader() as reading:
            named = [(path, _named(reading, path)) for path in left]
        for path, incoming in named:
            if incoming is None:
                files.remove(path)
                dropped += 1
            else:
                self.settle(incoming)
        return dropped

    def _opened(self, call: CallId, purpose: Purpose, mark: bytes) -> BinaryIO | None:
        for path in (self._place(call, purpose), self._incoming(call, purpose, mark)):
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            except OSError as error:
                raise files.explained(error) from error
            if _mark_of(file.read(_HEADER_BYTES)) == mark:
                file.seek(0)
                return file
            file.close()
        return None

    def _place(self, call: CallId, purpose: Purpose) -> Path:
        return place_of(self._folder, call, purpose)

    def _incoming(self, call: CallId, purpose: Purpose, mark: bytes) -> Path:
        name = f"{call}.{purpose}.{mark.hex()}.{_SUFFIX}"
        return files.inside(self._folder, FOLDER, _INCOMING, name)


def place_of(folder: Path, call: CallId, purpose: Purpose) -> Path:
    """Return where a vault's folder has a recording of a call."""
    return files.inside(folder, FOLDER, call[:2], f"{call}.{purpose}.{_SUFFIX}")


_ONE = """
    SELECT audio.mark, call_keys.sealed, calls.digest, contents.digest FROM calls
    LEFT JOIN contents ON contents.call = calls.number AND contents.what = 'muted'
    JOIN audio ON audio.call = calls.number JOIN call_keys ON call_keys.call = calls.number
    WHERE calls.id = ? AND audio.purpose = ?
"""


def audio_binding(call: CallId, purpose: Purpose) -> Binding:
    """Return what a recording of a call is sealed for."""
    return Binding(f"audio:{purpose}", call)


def compared(
    content: Iterable[bytes], digest: bytes | None, call: CallId, purpose: Purpose
) -> Iterator[bytes]:
    """Yield a recording of a call; raises `NotAsKept` at its end where it has not the digest that
    was kept of it."""
    found = hashlib.sha256()
    for piece in content:
        found.update(piece)
        yield piece
    if digest is not None and found.digest() != digest:
        raise NotAsKept(f"The {purpose} recording of call {call} is not the one that was kept.")


def _digest(purpose: Purpose, original: str, muted: bytes | None) -> bytes | None:
    return bytes.fromhex(original) if purpose == Purpose.ORIGINAL else muted


def _unsealed(file: BinaryIO, key: bytes, binding: Binding) -> Iterator[bytes]:
    with file:
        yield from unseal(file, key, binding)


def _joined(header: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    yield header
    yield from pieces


def _mark_of(header: bytes) -> bytes | None:
    try:
        return check_header(header)
    except SealBroken:
        return None


def _named(reading: Reading, path: Path) -> Incoming | None:
    """Return what an incoming file is, if the database names just this one."""
    call, purpose, mark = (*path.name.split("."), "", "", "")[:3]
    row: Row | None = reading.one(_ONE, (call, purpose))
    if row is None or bytes(row[0]).hex() != mark:
        return None
    return Incoming(call=CallId(call), purpose=Purpose(purpose), mark=bytes(row[0]), path=path)
