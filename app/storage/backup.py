"""Backups of an open vault: sealed, incremental, made while people work, and read back afterwards.

A backup is no copy of the database. Each call is one record sealed under the call's own key, beside
its sealed recordings; the keys of all calls are in one small file, written anew each time. So a
call that is erased in the vault is erased in every copy of the rest as soon as that file was
refreshed.

    backup.json     manifest: all that is in the backup, sealed
    keys.sealed     the sealed keys of all calls
    vault-<n>.db    the vault's own tables
    calls/  audio/  records of calls, and their recordings

A file is never changed: what changes gets a new name, the manifest is replaced when all that it
names is on the disk, and what it no longer names is removed after that. So an interruption leaves
the backup as it was, or the new one; after a change of the vault's keys, the key file before is
kept beside the new one (`keys.previous.sealed`) until the manifest stands.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from typing import TYPE_CHECKING

import msgspec

from app.counts import counted
from app.domain import BackupReport, CallId, Progress
from app.errors import (
    AppError,
    BackupInvalid,
    SealBroken,
    StorageError,
    UsageError,
    VaultDamaged,
)
from app.storage import backup_check, files, header, records, schema, seals
from app.storage.audio import Purpose, audio_binding
from app.storage.backup_folder import (
    about_backup,
    cleaned,
    keep_key_file,
    prepared,
    proven_before,
    written_before,
)
from app.storage.backup_format import (
    KEYS,
    MANIFEST,
    ErasedCall,
    ErasedList,
    KeyFile,
    Manifest,
    StoredAudio,
    StoredCall,
    StoredFile,
    audio_parts,
    database_name,
    enveloped,
    opened,
    record_parts,
    stored_files,
)
from app.storage.clock import stamp
from app.storage.database import Database, put_to_rest
from app.storage.keys import KeyPurpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from app.domain import BackupCheck
    from app.storage.audio import SealedAudio
    from app.storage.audit import Audit
    from app.storage.backup_folder import Before
    from app.storage.backup_format import OpenBackup
    from app.storage.clock import Clock
    from app.storage.database import Reading, Row
    from app.storage.header import Header, OpenHeader
    from app.storage.keys import CallKeys, VaultKey
    from app.storage.trust import Trust

_TRIES = 5

OWN_TABLES = (
    "vault", "sealed_keys", "people", "backup_codes", "teams", "policy", "requests", "erased",
    "vocabulary",
)  # fmt: skip
"""The tables that are copied as they are; `headers`, `audit` and `audit_head` are too, in their own
way; those of the calls (`records.TABLES`) and the seals, which a restore makes anew, are not."""


class _ChangedMeanwhile(Exception):
    """The vault was changed between two looks at it: look again."""


def no_progress(_: Progress) -> None:
    """Tell nobody."""


def never() -> bool:
    """Go on to the end."""
    return False


class Backups:
    """The backups of an open vault."""

    def __init__(  # noqa: PLR0913, PLR0917 (all that is kept)
        self,
        folder: Path,
        opened: OpenHeader,
        database: Database,
        audio: SealedAudio,
        audit: Audit,
        call_keys: CallKeys,
        clock: Clock,
        trust: Trust,
    ) -> None:
        """Read the parts of a vault; nothing is written to them but audit entries."""
        self._folder = folder
        self._header = opened
        self._database = database
        self._audio = audio
        self._audit = audit
        self._call_keys = call_keys
        self._clock = clock
        self._trust = trust
        self._one = threading.Lock()

    def make(
        self,
        place: Path,
        *,
        actor: str,
        keys_to: Path | None = None,
        progress: Callable[[Progress], None] = no_progress,
        stop: Callable[[], bool] = never,
    ) -> BackupReport | None:
        """Bring a backup in a folder up to date, or make it there; `None` if it was stopped.

        The folder is new, empty, or holds a backup of this vault. The key file goes to `keys_to`,
        if given. Raises `UsageError` or `BackupInvalid` for another folder, `VaultInDoubt` where
        there is a backup and the vault is in doubt, `DiskFull`, `FolderReadOnly` or
        `StorageError`; the backup that was there is then as good as before.
        """
        keys_to = keys_to or place
        self._expect_outside(place, keys_to)
        with self._one, prepared(place, keys_to, self._header) as before:
            if before.vaults - {self._header.now.id}:
                raise BackupInvalid("There is a backup of another vault in the folder.")
            if before.keys_elsewhere and before.keys_to == before.place:
                raise UsageError(
                    "The keys of this backup are kept apart, and would lie beside it now.",
                    hint="Name their place with `--keys-to`, or begin another backup elsewhere.",
                )
            self._audit.expect_own_state()
            if before.vaults:  # in a new folder, it takes no good backup's place
                self._trust.expect(readable=False)
            entry = self._audit.record(actor=actor, act="vault.backup", outcome="begun")
            generation = max(entry.number, before.generation + 1)
            run = _Run(self, generation, before, progress, stop)
            try:
                report = run.made(actor)
            except AppError as error:
                self._audit.record(
                    actor=actor, act="vault.backup", subject=str(generation), outcome=error.code
                )
                raise
            outcome = "stopped" if report is None else counted(report.calls, "call")
            self._audit.record(
                actor=actor, act="vault.backup", subject=str(generation), outcome=outcome
            )
            return report

    def check(
        self,
        place: Path,
        *,
        keys_from: Path | None = None,
        progress: Callable[[Progress], None] = no_progress,
    ) -> BackupCheck:
        """Read a backup of this vault to its end, with the key of this vault.

        Raises `BackupInvalid` where it cannot be opened at all.
        """
        return backup_check.checked(
            opened(place, self._own_key, keys_from=keys_from), progress=progress
        )

    def write_erased_list(self, file: Path, *, actor: str) -> int:
        """Write which calls were erased into a new file; returns how many.

        Given to a restore, it keeps them out of a vault that an older copy brings back.
        """
        if file.exists():
            raise UsageError(f"{file} is already there.", hint="Name a new file.")
        head = self._header.now
        with self._database.reader() as reading:
            erased = _erased(reading)
            number = reading.number("SELECT max(number) FROM audit")
        content = enveloped("erased", head, number, ErasedList(erased=erased), self._header.key)
        files.create_private(file, [content])
        outcome = counted(len(erased), "call")
        self._audit.record(actor=actor, act="vault.erased-list", outcome=outcome)
        return len(erased)

    def _own_key(self, found: Header) -> VaultKey:
        try:
            found.verify(self._header.key)
        except AppError as error:
            raise BackupInvalid(
                "The backup is not of this vault, or was made before its keys were changed.",
                hint="Make a new backup; `autoinsights backup drill` tries an older one.",
            ) from error
        return self._header.key

    def _expect_outside(self, *places: Path) -> None:
        own = self._folder.resolve()
        for place in places:
            there = place.resolve()
            if there.is_relative_to(own) or own.is_relative_to(there):
                raise UsageError(
                    "A backup does not belong into the vault's own folder.",
                    hint="Name a folder on another disk.",
                )


class _Run:
    """One run of making a backup."""

    def __init__(
        self,
        vault: Backups,
        generation: int,
        before: Before,
        progress: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> None:
        self._vault = vault
        self._place = before.place
        self._keys_to = before.keys_to
        self._generation = generation
        self._before = before
        self._progress = progress
        self._stop = stop
        self._calls: dict[str, StoredCall] = dict(before.calls)
        self._written: dict[Path, StoredFile] = {}
        self._damaged: set[str] = set()
        self._only_here: set[str] = set()  # of which the backup alone has a recording whole
        self._unreadable: dict[str, bytes | None] = {}  # and their sealed keys, as far as read
        self._listing = _LISTED_BY_INDEX

    def made(self, actor: str) -> BackupReport | None:
        """Make the backup."""
        if not self._copied_while_in_use():
            return None
        for _ in range(_TRIES):
            try:
                head, calls, keys, database = self._settled(actor)
            except _ChangedMeanwhile:
                continue
            break
        else:
            raise StorageError(
                "The vault is being changed faster than it can be copied.",
                hint="Make the backup when less is being analysed.",
            )
        elsewhere = self._keys_to != self._place
        manifest = Manifest(
            made_at=stamp(self._vault._clock()),
            database=database,
            calls=calls,
            keys_elsewhere=elsewhere,
        )
        self._read_back(calls)
        damaged = self._damaged | (self._only_here & calls.keys())
        key = self._vault._header.key
        with about_backup():
            # first the keys: a key file may be newer than the manifest, never older
            keep_key_file(self._before)
            sealed_keys = enveloped("keys", head, self._generation, keys, key)
            files.write_atomic(self._keys_to / KEYS, sealed_keys)
            sealed_manifest = enveloped("manifest", head, self._generation, manifest, key)
            files.write_atomic(self._place / MANIFEST, sealed_manifest)
            backup_check.expect_database(self._opened_again())
            removed = cleaned(self._before, self._generation, calls, spared=damaged)
            self._opened_again()  # as it is left
        return BackupReport(
            place=self._place,
            generation=self._generation,
            made_at=manifest.made_at,
            calls=len(calls),
            written_files=len(self._written) + 2,
            written_bytes=sum(one.size for one in self._written.values())
            + len(sealed_keys) + len(sealed_manifest),
            removed_files=removed,
            damaged=tuple(CallId(call) for call in sorted(damaged)),
        )  # fmt: skip

    def _opened_again(self) -> OpenBackup:
        key = self._vault._header.key
        return opened(self._place, lambda _: key, keys_from=self._keys_to)

    def _copied_while_in_use(self) -> bool:
        """Copy what is there, call by call; what changes meanwhile is copied again at the end."""
        listed = self._found_calls()
        for done, (number, call) in enumerate(listed):
            self._progress(Progress(done=done, total=len(listed)))
            if self._stop():
                return False
            try:
                with self._vault._database.reader() as reading:
                    sealed_key = _sealed_key(reading, number)
                    if sealed_key is not None:
                        self._keep(reading, number, call, sealed_key, final=False)
            except VaultDamaged:
                self._unreadable[call] = self._key_alone(number)
        self._progress(Progress(done=len(listed), total=len(listed)))
        return True

    def _found_calls(self) -> list[tuple[int, str]]:
        """Return the numbers and ids of all calls: by their index, or by their table where a page
        of that is damaged."""
        try:
            with self._vault._database.reader() as reading:
                return reading.all(self._listing)
        except VaultDamaged:
            self._listing = _LISTED_BY_TABLE
        with self._vault._database.reader() as reading:
            return reading.all(self._listing)

    def _key_alone(self, number: int) -> bytes | None:
        """Return the sealed key of a call of which something cannot be read."""
        try:
            with self._vault._database.reader() as reading:
                return _sealed_key(reading, number)
        except VaultDamaged:
            return None

    def _settled(self, actor: str) -> tuple[Header, dict[str, StoredCall], KeyFile, StoredFile]:
        """Copy what changed, the vault's own tables and the keys, all of one moment."""
        head = self._vault._header.now
        self._damaged.clear()
        looked_at: tuple[int, str] | None = None
        audit = self._vault._audit
        named, restore_key = audit.name_restore_key(actor=actor, generation=self._generation)
        try:
            with self._vault._database.reader() as reading:
                _expect_counting(reading, head)
                if not audit.ends_with(reading, named):
                    raise _ChangedMeanwhile
                calls, keys = {}, {}
                for number, call in reading.all(self._listing):
                    looked_at = number, call
                    kept = self._kept(reading, number, call)
                    if kept is not None:
                        keys[call], calls[call] = kept
                looked_at = None
                database = self._own_tables(reading, head, restore_key)
                erased = _erased(reading)
        except VaultDamaged as error:
            if looked_at is None:
                raise
            # the view is of no use any more: look again, and not there
            self._unreadable[looked_at[1]] = self._key_alone(looked_at[0])
            raise _ChangedMeanwhile from error
        return head, calls, KeyFile(keys=keys, erased=erased), database

    def _kept(self, reading: Reading, number: int, call: str) -> tuple[bytes, StoredCall] | None:
        if call in self._unreadable:
            return self._as_before(call, self._unreadable[call])
        sealed_key = _sealed_key(reading, number)
        if sealed_key is None:
            return self._as_before(call, None)
        return self._keep(reading, number, call, sealed_key, final=True)

    def _as_before(self, call: str, sealed_key: bytes | None) -> tuple[bytes, StoredCall] | None:
        """Return what the backup has of a damaged call already, if anything."""
        self._damaged.add(call)
        known = self._calls.get(call)
        if sealed_key is None or self._opened_key(call, sealed_key) is None:
            sealed_key = self._before.keys.get(call)
        return (sealed_key, known) if sealed_key is not None and known is not None else None

    def _keep(
        self, reading: Reading, number: int, call: str, sealed_key: bytes, *, final: bool
    ) -> tuple[bytes, StoredCall] | None:
        """Copy of a call what is not in the backup yet; returns its sealed key and its entry.

        `None` for a call of which nothing can be copied: one whose key is damaged.
        """
        known = self._calls.get(call)
        key = self._opened_key(call, sealed_key)
        if key is None:
            return self._as_before(call, None)
        mark = records.marker(reading, number)
        if known is None or known.marker != mark:
            record = records.gathered(reading, number)
            if record is None or mark is None:
                raise _ChangedMeanwhile
            known = self._recorded(record, key, mark)
        have = {(one.purpose, one.mark) for one in known.audio}
        audio = list(known.audio)
        for purpose, audio_mark in _marks(reading, number):
            if (purpose, audio_mark) not in have:
                stored = self._recording(CallId(call), purpose, audio_mark, key, final=final)
                audio += [stored] if stored else []
        stored_call = _with_audio(known, audio)
        self._calls[call] = stored_call
        return sealed_key, stored_call

    def _opened_key(self, call: str, sealed_key: bytes) -> bytes | None:
        try:
            return self._vault._call_keys.opened(call, sealed_key)
        except SealBroken:
            return None

    def _recorded(self, record: records.CallRecord, key: bytes, mark: bytes) -> StoredCall:
        """Write the record of a call; recordings that it no longer names are left out."""
        content = records.sealed(record, key)
        marks = {one.mark for one in record.audio}
        old = self._calls.get(record.id)
        stored = StoredCall(
            generation=self._generation,
            marker=mark,
            size=len(content),
            sha256=hashlib.sha256(content).digest(),
            audio=tuple(one for one in old.audio if one.mark in marks) if old else (),
        )
        self._write(record_parts(record.id, stored), [content])
        return stored

    def _recording(
        self, call: CallId, purpose: str, mark: bytes, key: bytes, *, final: bool
    ) -> StoredAudio | None:
        """Copy a sealed recording, which is proven on the way; where it is damaged, what the backup
        has of it already is kept, and `None` returned if that is not whole either."""
        kind = Purpose(purpose)
        parts = audio_parts(call, purpose, mark)
        path = files.inside(self._place, *parts)
        try:
            found = written_before(path, self._vault._audio.proven(call, kind, mark, key))
            if found is None:
                found = self._write(parts, self._vault._audio.proven(call, kind, mark, key))
        except SealBroken as error:
            if not self._still_counts(call, purpose, mark):
                if final:
                    raise _ChangedMeanwhile from error
                return None
            self._damaged.add(call)
            found = proven_before(path, mark, key, audio_binding(call, kind))
            if found is None:
                return None
            self._only_here.add(call)
        return StoredAudio(purpose=kind.value, mark=mark, size=found.size, sha256=found.sha256)

    def _still_counts(self, call: CallId, purpose: str, mark: bytes) -> bool:
        with self._vault._database.reader() as reading:
            row = reading.one(_MARK, (call, purpose))
        return row is not None and row[0] == mark

    def _own_tables(self, reading: Reading, head: Header, restore_key: bytes) -> StoredFile:
        """Write a database with the vault's own tables, and nothing of any call; the key that
        signs the next entry of the audit log stays in the vault."""
        path = self._place / database_name(self._generation)
        part = self._place / f"{files.TEMPORARY}{secrets.token_hex(8)}"
        key = self._vault._header.key.derive(KeyPurpose.DATABASE, head.database_salt)
        with about_backup():
            copy = Database.created(part, key)
            try:
                schema.upgrade(copy, fresh=True, backup=lambda _: None)
                with copy.transaction() as writing:
                    for table, rows in own_rows(reading):
                        if rows:
                            writing.many(inserting(table, rows), rows)
                    self._vault._audit.lay_to_rest(reading, writing, restore_key)
                    writing.change("INSERT INTO headers VALUES (?)", (head.check,))
                    seals.discard(writing)  # a restore seals anew what it puts in place
            finally:
                copy.close()
            put_to_rest(part, key)
            files.move(part, path)
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").digest()
        stored = StoredFile(size=path.stat().st_size, sha256=digest)
        self._written[path] = stored
        return stored

    def _write(self, parts: tuple[str, ...], chunks: Iterable[bytes]) -> StoredFile:
        """Write a file of the backup as a whole."""
        path = files.inside(self._place, *parts)
        part = path.with_name(f"{files.TEMPORARY}{secrets.token_hex(8)}")
        digest, size = hashlib.sha256(), 0

        def measured() -> Iterator[bytes]:
            nonlocal size
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                yield chunk

        with about_backup():
            for folder in (path.parent.parent, path.parent):
                files.make_folder(folder)
            try:
                files.create_private(part, measured())
                files.move(part, path)
            except BaseException:
                part.unlink(missing_ok=True)
                raise
        self._written[path] = stored = StoredFile(size=size, sha256=digest.digest())
        return stored

    def _read_back(self, calls: dict[str, StoredCall]) -> None:
        """Read what was written from the disk again, and see that the rest is there."""
        for path, stored in self._written.items():
            with files.translated(), path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").digest() != stored.sha256:
                    raise StorageError(
                        f"The disk gives back something else than was written ({path.name}).",
                        hint="Do not use this disk for backups.",
                    )
        for call, stored_call in calls.items():
            for parts, stored in stored_files(call, stored_call):
                path = files.inside(self._place, *parts)
                if not path.is_file() or path.stat().st_size != stored.size:
                    raise BackupInvalid(
                        f"In the backup, {path.relative_to(self._place)} is missing or cut short.",
                        hint="Make a new backup in an empty folder.",
                    )


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


def inserting(table: str, rows: list[Row]) -> str:
    """Return the statement that puts whole rows into a table."""
    marks = ", ".join("?" * len(rows[0]))
    return f"INSERT INTO {table} VALUES ({marks})"  # noqa: S608


def _expect_counting(reading: Reading, head: Header) -> None:
    """Raise `_ChangedMeanwhile` unless a header is the one that counts for what is read.

    Where the next one is still kept, that one counts, though an older one is known beside it.
    """
    following = reading.one("SELECT content FROM next_header")
    if following is None:
        known = [row[0] for row in reading.all("SELECT digest FROM headers")]
    else:
        known = [header.parsed(following[0]).check]
    if known != [head.check]:
        raise _ChangedMeanwhile


def _sealed_key(reading: Reading, number: int) -> bytes | None:
    row = reading.one("SELECT sealed FROM call_keys WHERE call = ?", (number,))
    return None if row is None else bytes(row[0])


def _erased(reading: Reading) -> tuple[ErasedCall, ...]:
    rows = reading.all("SELECT call, digest, at FROM erased ORDER BY call")
    return tuple(ErasedCall(call=call, digest=digest, at=at) for call, digest, at in rows)


def _marks(reading: Reading, number: int) -> list[tuple[str, bytes]]:
    return reading.all("SELECT purpose, mark FROM audio WHERE call = ?", (number,))


def _with_audio(stored: StoredCall, audio: Iterable[StoredAudio]) -> StoredCall:
    return msgspec.structs.replace(stored, audio=tuple(audio))


_LISTED_BY_INDEX = """
    SELECT number, id FROM calls INDEXED BY sqlite_autoindex_calls_1 ORDER BY number
"""
_LISTED_BY_TABLE = "SELECT number, id FROM calls NOT INDEXED ORDER BY number"
_MARK = """
    SELECT audio.mark FROM audio JOIN calls ON calls.number = audio.call
    WHERE calls.id = ? AND audio.purpose = ?
"""
_AUDIT = "SELECT * FROM audit WHERE number > ? ORDER BY number LIMIT 5000"
