"""Restoring a backup into an empty folder.

Promises that a vault comes back whole or not at all, that a call that was erased does not come
back, whichever copy of the rest is used, and that nothing that was changed is taken for what was
written. The vault that comes back has the id, the people, the keys and the audit log of the one
that was backed up, and one entry more.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import CallId, Progress, RestoreReport
from app.errors import BackupInvalid, SealBroken, VaultDamaged
from app.storage import backup_format, files, header, making, records, schema
from app.storage.audio import Purpose, place_of
from app.storage.audit import Audit
from app.storage.backup import no_progress
from app.storage.backup_check import (
    expect_own_tables,
    has_newer_key,
    opened_record,
    proven_audio,
    without_original,
)
from app.storage.database import Database, wake
from app.storage.erasure import WITHOUT_CALL, WITHOUT_REASON
from app.storage.keys import KeyPurpose

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.storage.backup_format import ErasedCall, OpenBackup, StoredCall
    from app.storage.database import Writing
    from app.storage.way import Way


_DAMAGED = (
    "Another copy of the backup may be whole; `--without-damaged` brings all other calls back."
)


def restore(  # noqa: PLR0913 (where from, where to, by whom)
    place: Path,
    folder: Path,
    way: Way,
    *,
    keys_from: Path | None = None,
    erased_list: Path | None = None,
    without_damaged: bool = False,
    progress: Callable[[Progress], None] = no_progress,
) -> RestoreReport:
    """Put the vault of a backup into an empty or new folder.

    `keys_from` is the folder of the key file, where it lies elsewhere; `erased_list` names calls
    that were erased since. A damaged call keeps all others from coming back, but `without_damaged`.
    Raises `BackupInvalid`, `VaultExists`, `SignInError`, `NotAllowed`,
    `DiskFull` or `StorageError`; nothing is left in the folder then.
    """
    backup = backup_format.opened(place, way.unlock, again=way.unlock_again, keys_from=keys_from)
    if erased_list is not None:
        named = backup_format.erased_list(erased_list, backup.header, backup.key, way.unlock)
        erased = backup.erased + named.erased
        originals = {**backup.originals, **(named.originals or {})}
        backup = replace(backup, erased=erased, originals=originals)
    return restored(backup, folder, way, without_damaged=without_damaged, progress=progress)


def restored(
    backup: OpenBackup,
    folder: Path,
    way: Way,
    *,
    without_damaged: bool = False,
    progress: Callable[[Progress], None],
) -> RestoreReport:
    """Put the vault of an opened backup into an empty folder, without the calls that were erased
    and the originals that were destroyed; see `restore`."""
    with making.making(folder) as path:
        return _Restoring(backup, folder, path, without_damaged, progress).done(way)


@dataclass(slots=True)
class _Restoring:
    """One restore under way."""

    backup: OpenBackup
    folder: Path
    path: Path
    without_damaged: bool
    progress: Callable[[Progress], None]
    left_out: list[CallId] = field(default_factory=list)
    without_key: list[CallId] = field(default_factory=list)
    damaged: list[CallId] = field(default_factory=list)

    def done(self, way: Way) -> RestoreReport:
        """Restore, and return what came back."""
        backup = self.backup
        files.create_private(self.path, backup.chunks(backup.database, backup.manifest.database))
        try:
            wake(self.path, backup.database_key())
            database = Database(self.path, backup.database_key())
        except VaultDamaged as error:  # a full disk passes as what it is
            raise BackupInvalid("The database of the backup cannot be opened.") from error
        try:
            audit = Audit(
                database, backup.key.derive(KeyPurpose.AUDIT), backup.header.id, way.clock
            )
            with database.reader() as reading:
                expect_own_tables(reading)
            schema.upgrade(database, fresh=False, backup=lambda _: None)
            actor = way.admitted(database, audit, backup.header)
            calls = self._calls(database)
            with database.transaction() as writing:
                _erase(writing, backup.erased)
                audit.append(
                    writing,
                    anew=True,
                    actor=actor,
                    act="vault.restore",
                    subject=str(backup.generation),
                    outcome=f"{counted(calls, 'call')}, {len(self.left_out)} erased,"
                    f" {len(self.without_key)} without key"
                    + (f", {len(self.damaged)} damaged" if self.damaged else ""),
                )
            database.checkpoint()
        finally:
            database.close()
        header.write(self.folder, backup.header)
        return RestoreReport(
            folder=self.folder,
            generation=backup.generation,
            made_at=backup.manifest.made_at,
            calls=calls,
            erased=tuple(self.left_out),
            without_key=tuple(self.without_key),
            damaged=tuple(self.damaged),
        )

    def _calls(self, database: Database) -> int:
        with database.reader() as reading:
            gone = {row[0] for row in reading.all("SELECT call FROM erased")}
        gone |= {one.call for one in self.backup.erased}
        calls = self.backup.manifest.calls
        restored = 0
        for done, (name, stored) in enumerate(calls.items()):
            self.progress(Progress(done=done, total=len(calls)))
            call = CallId(name)
            sealed_key = self.backup.keys.get(name)
            if name in gone:
                self.left_out.append(call)
            elif sealed_key is None:
                self.without_key.append(call)
            else:
                restored += self._came_back(database, call, stored, sealed_key)
        self.progress(Progress(done=len(calls), total=len(calls)))
        return restored

    def _came_back(
        self, database: Database, call: CallId, stored: StoredCall, sealed_key: bytes
    ) -> bool:
        """Put a call in place, or name it among those that do not come back."""
        try:
            if self._call(database, call, stored, sealed_key):
                return True
            self.without_key.append(call)
        except BackupInvalid as error:
            if not self.without_damaged:
                raise BackupInvalid(error.sentence, hint=_DAMAGED) from error
            for target in (place_of(self.folder, call, purpose) for purpose in Purpose):
                if target.exists():
                    files.remove(target)
            self.damaged.append(call)
        return False

    def _call(
        self, database: Database, call: CallId, stored: StoredCall, sealed_key: bytes
    ) -> bool:
        """Put a call in place; returns whether the key file has the key that opens it here."""
        try:
            key = self.backup.call_keys().opened(call, sealed_key)
            try:
                record = opened_record(self.backup, call, stored, key)
            except SealBroken:
                if has_newer_key(self.backup, call):
                    return False
                raise
            destroyed_at = self.backup.originals.get(call)
            if destroyed_at is not None and not record.original_is_destroyed:
                record, stored = record.without_original(destroyed_at), without_original(stored)
            for one in stored.audio:
                target = place_of(self.folder, call, Purpose(one.purpose))
                files.make_private(target.parent)
                files.create_private(target, proven_audio(self.backup, call, one, key))
        except SealBroken as error:
            raise BackupInvalid(f"In the backup, call {call} is damaged.") from error
        with database.transaction() as writing:
            records.insert(writing, record, sealed_key, key)
        return True


def _erase(writing: Writing, erased: tuple[ErasedCall, ...]) -> None:
    writing.many(
        "INSERT OR IGNORE INTO erased (call, digest, at, removed) VALUES (?, ?, ?, 1)",
        [(one.call, one.digest, one.at) for one in erased],
    )
    for statement in (WITHOUT_REASON, WITHOUT_CALL):
        writing.many(statement, [(one.call,) for one in erased])
