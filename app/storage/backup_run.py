"""One run of making a backup: what is copied, what is kept of the one before, when it counts."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from app.domain import BackupReport, CallId, Progress
from app.errors import (
    BackupInvalid,
    NotAsKept,
    SealBroken,
    StorageError,
    VaultDamaged,
)
from app.storage import backup_check, files, header, originals, records, results, schema, seals
from app.storage.audio import Purpose, Wanted
from app.storage.audit import not_as_signed
from app.storage.backup_folder import (
    about_backup,
    cleaned,
    expect_written,
    keep_key_file,
    proven_before,
    written_before,
)
from app.storage.backup_format import (
    KEYS,
    MANIFEST,
    KeyFile,
    Manifest,
    OpenBackup,
    StoredAudio,
    StoredCall,
    StoredFile,
    audio_parts,
    database_name,
    enveloped,
    opened,
    record_parts,
)
from app.storage.clock import stamp
from app.storage.database import Database, Duplicate, put_to_rest
from app.storage.keys import KeyPurpose
from app.storage.own_tables import erased_calls, inserting, own_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from pathlib import Path

    from app.storage.audio import SealedAudio
    from app.storage.audit import Audit
    from app.storage.backup_folder import Before
    from app.storage.clock import Clock
    from app.storage.database import Reading
    from app.storage.header import Header, OpenHeader
    from app.storage.keys import CallKeys

_TRIES = 5


class _ChangedMeanwhile(Exception):
    """The vault was changed between two looks at it: look again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The parts of an open vault that a backup is made of."""

    header: OpenHeader
    database: Database
    audio: SealedAudio
    audit: Audit
    call_keys: CallKeys
    clock: Clock


class Run:
    """One run of making a backup."""

    def __init__(
        self,
        vault: Source,
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
        self._not_whole: set[str] = set()  # in the vault, though the backup may have all of it
        self._unreadable: dict[str, bytes | None] = {}  # and their sealed keys, as far as read
        self._listing = _LISTED_BY_INDEX
        self._as_signed = True  # as far as can be read
        self._locked_in: set[str] = set()  # what a backup has that does not open any more
        self._gone: dict[str, str] = dict(before.originals)  # when originals were destroyed

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
        if self._locked_in:
            raise BackupInvalid(
                f"Call {min(self._locked_in)} is damaged in the vault, and the backup in the"
                " folder, from before the keys were changed, does not open by your way in.",
                hint="Keep it, and back up to another folder; or let somebody make it whose"
                " passphrase was not changed since.",
            )
        elsewhere = self._keys_to != self._place
        manifest = Manifest(
            made_at=stamp(self._vault.clock()),
            database=database,
            calls=calls,
            keys_elsewhere=elsewhere,
        )
        expect_written(self._place, self._written, calls)
        self._expect_sound(head, manifest, keys)
        damaged = self._damaged | (self._not_whole & calls.keys())
        key = self._vault.header.key
        with about_backup():
            # first the keys: a key file may be newer than the manifest, never older
            keep_key_file(self._before, keys)
            sealed_keys = enveloped("keys", head, self._generation, keys, key)
            files.write_atomic(self._keys_to / KEYS, sealed_keys)
            sealed_manifest = enveloped("manifest", head, self._generation, manifest, key)
            files.write_atomic(self._place / MANIFEST, sealed_manifest)
            removed = cleaned(
                self._before, self._generation, calls, spared=damaged, originals=self._gone
            )
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

    def _expect_sound(self, head: Header, manifest: Manifest, keys: KeyFile) -> None:
        """Raise `BackupInvalid` where the new database or its log is not sound, while the backup
        before still counts."""
        backup_check.expect_database(
            OpenBackup(
                place=self._place,
                generation=self._generation,
                header=head,
                key=self._vault.header.key,
                manifest=manifest,
                keys_generation=self._generation,
                keys=keys.keys,
                erased=keys.erased,
                originals=keys.originals or {},
            )
        )

    def _opened_again(self) -> OpenBackup:
        key = self._vault.header.key
        return opened(self._place, lambda _: key, keys_from=self._keys_to)

    def _copied_while_in_use(self) -> bool:
        """Copy what is there, call by call; what changes meanwhile is copied again at the end."""
        listed = self._found_calls()
        for done, (number, call) in enumerate(listed):
            self._progress(Progress(done=done, total=len(listed)))
            if self._stop():
                return False
            try:
                with self._vault.database.reader() as reading:
                    sealed_key = _sealed_key(reading, number)
                    if sealed_key is not None:
                        self._keep(reading, number, call, sealed_key, final=False)
            except VaultDamaged:
                self._note_unreadable(number, call)
        self._progress(Progress(done=len(listed), total=len(listed)))
        return True

    def _found_calls(self) -> list[tuple[int, str]]:
        """Return the numbers and ids of all calls: by their index, or by their table where a page
        of that is damaged."""
        try:
            with self._vault.database.reader() as reading:
                return reading.all(self._listing)
        except VaultDamaged:
            self._listing = _LISTED_BY_TABLE
        with self._vault.database.reader() as reading:
            return reading.all(self._listing)

    def _note_unreadable(self, number: int, call: str) -> None:
        """Remember of a call that cannot be read what can be: its key, and of its original."""
        self._unreadable[call] = self._key_alone(number)
        with suppress(VaultDamaged), self._vault.database.reader() as reading:
            self._note_original(reading, number, call)

    def _note_original(self, reading: Reading, number: int, call: str) -> None:
        at = originals.destroyed_at(reading, number)
        if at is not None:
            self._gone[call] = at

    def _key_alone(self, number: int) -> bytes | None:
        """Return the sealed key of a call of which something cannot be read."""
        try:
            with self._vault.database.reader() as reading:
                return _sealed_key(reading, number)
        except VaultDamaged:
            return None

    def _settled(self, actor: str) -> tuple[Header, dict[str, StoredCall], KeyFile, StoredFile]:
        """Copy what changed, the vault's own tables and the keys, all of one moment."""
        head = self._vault.header.now
        self._damaged.clear()
        self._locked_in.clear()
        looked_at: tuple[int, str] | None = None
        audit = self._vault.audit
        named, restore_key = audit.name_restore_key(actor=actor, generation=self._generation)
        try:
            with self._vault.database.reader() as reading:
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
                erased = erased_calls(reading)
        except VaultDamaged as error:
            if looked_at is None:
                raise
            # the view is of no use any more: look again, and not there
            self._note_unreadable(*looked_at)
            raise _ChangedMeanwhile from error
        self._expect_as_signed()
        gone = {call: at for call, at in self._gone.items() if call in keys} or msgspec.UNSET
        return head, calls, KeyFile(keys=keys, erased=erased, originals=gone), database

    def _expect_as_signed(self) -> None:
        """Raise `VaultDamaged` where somebody changed what the log signs; where that cannot be read
        to its end, look again, and change nothing that an earlier backup has of a call."""
        if not self._as_signed:
            return
        try:
            changed = self._vault.audit.changed(seals.WORDS)
        except VaultDamaged as error:
            self._as_signed = False
            raise _ChangedMeanwhile from error
        if changed:
            raise not_as_signed(changed)

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
        if not self._as_signed:  # what was copied since is not proven
            known = self._before.calls.get(call, known)
        key = None if sealed_key is None else self._opened_key(call, sealed_key)
        if known is None:
            return self._carried(CallId(call), key)
        before = self._before.keys.get(call)
        if key is None or (before is not None and known is self._before.calls.get(call)):
            sealed_key = before  # the call may have got another key since
        if sealed_key is None:
            return None
        return sealed_key, backup_check.without_original(known) if call in self._gone else known

    def _carried(self, call: CallId, key: bytes | None) -> tuple[bytes, StoredCall] | None:
        """Return what a backup from before a change of keys has of a damaged call, if anything."""
        earlier = self._before.earlier
        found = None if earlier is None else backup_check.proven_call(earlier, call, key)
        if found is not None:
            stored = found[1]
            kept = backup_check.without_original(stored) if call in self._gone else stored
            return self._vault.call_keys.sealed(call, found[0]), kept
        if self._before.locked and self._before.has_record(call):
            self._locked_in.add(call)
        return None

    def _keep(
        self, reading: Reading, number: int, call: str, sealed_key: bytes, *, final: bool
    ) -> tuple[bytes, StoredCall] | None:
        """Copy of a call what is not in the backup yet; returns its sealed key and its entry.

        `None` for a call of which nothing can be copied: one whose key is damaged.
        """
        key = self._opened_key(call, sealed_key)
        if key is None:
            return self._as_before(call, None)
        self._note_original(reading, number, call)
        digests = results.digests(reading, number)
        mark = records.marker(reading, number, digests)
        before = self._before.calls.get(call)
        if not self._as_signed and before is not None and before.marker != mark:
            return self._as_before(call, sealed_key)
        try:
            stored = self._copied(reading, number, call, mark, key, digests, final=final)
        except NotAsKept:
            return self._as_before(call, sealed_key)
        self._calls[call] = stored
        return sealed_key, stored

    def _copied(  # noqa: PLR0913, PLR0917 (what is known of a call)
        self,
        reading: Reading,
        number: int,
        call: str,
        mark: bytes | None,
        key: bytes,
        digests: Mapping[str, bytes],
        *,
        final: bool,
    ) -> StoredCall:
        """Write what the backup has not yet of a call; raises `NotAsKept`."""
        known = self._calls.get(call)
        if known is None or known.marker != mark:
            record = records.gathered(reading, number, digests)
            if record is None or mark is None:
                raise _ChangedMeanwhile
            records.expect_kept(record, digests)
            self._expect_all(record, digests)
            known = self._recorded(record, key, mark)
        have = {(one.purpose, one.mark) for one in known.audio}
        audio = list(known.audio)
        for purpose, audio_mark in _marks(reading, number):
            if (purpose, audio_mark) not in have:
                wanted = Wanted(
                    call=CallId(call),
                    purpose=Purpose(purpose),
                    mark=audio_mark,
                    key=key,
                    digest=digests.get(purpose),
                )
                stored = self._recording(wanted, final=final)
                audio += [stored] if stored else []
        return _with_audio(known, audio)

    def _expect_all(self, record: records.CallRecord, digests: Mapping[str, bytes]) -> None:
        """Raise `NotAsKept` where something of a call is gone that an earlier backup may have."""
        missing = records.missing(record, digests)
        if missing and record.id in self._before.calls:
            raise NotAsKept(f"The {missing[0]} of call {record.id} is not there any more.")
        if missing:
            self._not_whole.add(record.id)

    def _opened_key(self, call: str, sealed_key: bytes) -> bytes | None:
        try:
            return self._vault.call_keys.opened(call, sealed_key)
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

    def _recording(self, wanted: Wanted, *, final: bool) -> StoredAudio | None:
        """Copy a sealed recording, which is proven on the way; where it is damaged, what the backup
        has of it already is kept, and `None` returned if that is not whole either. Raises
        `NotAsKept`."""
        parts = audio_parts(wanted.call, wanted.purpose, wanted.mark)
        path = files.inside(self._place, *parts)
        audio = self._vault.audio
        try:
            found = written_before(path, audio.proven(wanted))
            if found is None:
                found = self._write(parts, audio.proven(wanted))
        except SealBroken as error:
            if isinstance(error, NotAsKept) and wanted.call in self._before.calls:
                raise  # all of it stays as the backup has it
            if not self._still_counts(wanted):
                if final:
                    raise _ChangedMeanwhile from error
                return None
            self._damaged.add(wanted.call)
            found = proven_before(path, wanted)
            if found is None:
                return None
            self._not_whole.add(wanted.call)
        return StoredAudio(
            purpose=wanted.purpose.value, mark=wanted.mark, size=found.size, sha256=found.sha256
        )

    def _still_counts(self, wanted: Wanted) -> bool:
        with self._vault.database.reader() as reading:
            row = reading.one(_MARK, (wanted.call, wanted.purpose))
        return row is not None and row[0] == wanted.mark

    def _own_tables(self, reading: Reading, head: Header, restore_key: bytes) -> StoredFile:
        """Write a database with the vault's own tables, and nothing of any call; the key that
        signs the next entry of the audit log stays in the vault."""
        path = self._place / database_name(self._generation)
        part = self._place / f"{files.TEMPORARY}{secrets.token_hex(8)}"
        key = self._vault.header.key.derive(KeyPurpose.DATABASE, head.database_salt)
        with about_backup():
            copy = Database.created(part, key)
            try:
                schema.upgrade(copy, fresh=True, backup=lambda _: None)
                with copy.transaction() as writing:
                    try:
                        for table, rows in own_rows(reading):
                            if rows:
                                writing.many(inserting(table, rows), rows)
                    except Duplicate as error:
                        raise VaultDamaged("Rows of the vault's own tables are missing.") from error
                    self._vault.audit.lay_to_rest(reading, writing, restore_key)
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
