"""Restoring a backup into an empty folder, and the drill that shows that it would.

Promises that a vault comes back whole or not at all, that a call that was erased does not come
back, whichever copy of the rest is used, and that nothing that was changed is taken for what was
written. The vault that comes back has the id, the people, the keys and the audit log of the one
that was backed up, and one entry more.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from app.access import rights_of
from app.domain import CallId, DrillReport, Person, Progress, RestoreReport, Right
from app.errors import (
    AppError,
    BackupInvalid,
    CallFailed,
    KeyringRefused,
    NotAllowed,
    SealBroken,
)
from app.storage import backup_format, files, header, records, remembered, schema, sign_in, vault
from app.storage import people as people_of
from app.storage.audio import Purpose, place_of
from app.storage.audit import Audit
from app.storage.backup_check import checked, opened_record, proven_audio
from app.storage.clock import stamp, utc_now
from app.storage.database import Database, wake
from app.storage.keys import KeyPurpose
from app.storage.openers import tag_of
from app.storage.second_factor import SecondFactors
from app.storage.ways_in import computer_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.storage.backup_format import ErasedCall, OpenBackup, StoredCall
    from app.storage.clock import Clock
    from app.storage.database import Writing
    from app.storage.header import Header
    from app.storage.keys import VaultKey
    from app.storage.remembered import Keyring

_SEARCHED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How somebody who is not in an open vault gets at a vault key: a name, a passphrase and a
    code, or the vault's recovery sheet."""

    passphrase: str = field(default="", repr=False)
    name: str = ""
    code: str = field(default="", repr=False)
    sheet: str = field(default="", repr=False)
    clock: Clock = utc_now
    keyring: Keyring | None = None

    def unlock(self, found: Header) -> VaultKey:
        """Return the vault key behind a header; raises `SignInError` or `VaultDamaged`."""
        if self.sheet:
            return sign_in.by_sheet(found, self.sheet)
        return sign_in.apart(
            found, self.name, self.passphrase, computer=lambda: self._computer(found.id)
        ).key

    def admitted(self, database: Database, audit: Audit, found: Header) -> str:
        """Return the name of who may put this vault back in place; raises `NotAllowed`,
        `PersonSuspended`, `CodeNeeded` or `WrongCode`. Whoever has the sheet may."""
        if self.sheet:
            return "recovery sheet"
        with database.reader() as reading:
            known = people_of.known(reading)
        wanted = found.opener(self.name)
        person = next(
            (one for one in known if wanted and tag_of(found.id, one.name) == wanted.tag), None
        )
        person = sign_in.expect_active(person)
        SecondFactors(database, audit, self.clock).expect(person, self.code)
        if Right.MANAGE_VAULT not in rights_of(person):
            raise NotAllowed("You may not put a vault in place.")
        return person.name

    def _computer(self, vault_id: str) -> bytes | None:
        try:
            return (self.keyring or remembered.system_keyring()).secret(computer_name(vault_id))
        except KeyringRefused:
            return None


def restore(
    place: Path,
    folder: Path,
    way: Way,
    *,
    keys_from: Path | None = None,
    erased_list: Path | None = None,
    progress: Callable[[Progress], None],
) -> RestoreReport:
    """Put the vault of a backup into an empty or new folder.

    `keys_from` is the folder of the key file, where it lies elsewhere; `erased_list` names calls
    that were erased since. Raises `BackupInvalid`, `VaultExists`, `SignInError`, `NotAllowed`,
    `DiskFull` or `StorageError`; nothing is left in the folder then.
    """
    backup = backup_format.opened(place, way.unlock, keys_from=keys_from)
    erased = backup.erased
    if erased_list is not None:
        erased += backup_format.erased_list(erased_list, backup.header, backup.key, way.unlock)
    with vault.making(folder) as path:
        return _Restoring(backup, folder, path, erased, progress).done(way)


@dataclass(slots=True)
class _Restoring:
    """One restore under way."""

    backup: OpenBackup
    folder: Path
    path: Path
    erased: tuple[ErasedCall, ...]
    progress: Callable[[Progress], None]
    left_out: list[CallId] = field(default_factory=list)
    without_key: list[CallId] = field(default_factory=list)

    def done(self, way: Way) -> RestoreReport:
        """Restore, and return what came back."""
        backup = self.backup
        files.create_private(self.path, backup.chunks(backup.database, backup.manifest.database))
        try:
            wake(self.path, backup.database_key())
            database = Database(self.path, backup.database_key())
        except AppError as error:
            raise BackupInvalid("The database of the backup cannot be opened.") from error
        try:
            audit = Audit(
                database, backup.key.derive(KeyPurpose.AUDIT), backup.header.id, way.clock
            )
            schema.upgrade(database, fresh=False, backup=lambda _: None)
            actor = way.admitted(database, audit, backup.header)
            calls = self._calls(database)
            with database.transaction() as writing:
                _erase(writing, self.erased)
                audit.append(
                    writing,
                    actor=actor,
                    act="vault.restore",
                    subject=str(backup.generation),
                    outcome=f"{calls} calls, {len(self.left_out)} erased,"
                    f" {len(self.without_key)} without key",
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
        )

    def _calls(self, database: Database) -> int:
        with database.reader() as reading:
            gone = {row[0] for row in reading.all("SELECT call FROM erased")}
        gone |= {one.call for one in self.erased}
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
                self._call(database, call, stored, sealed_key)
                restored += 1
        self.progress(Progress(done=len(calls), total=len(calls)))
        return restored

    def _call(
        self, database: Database, call: CallId, stored: StoredCall, sealed_key: bytes
    ) -> None:
        try:
            key = self.backup.call_keys().opened(call, sealed_key)
            record = opened_record(self.backup, call, stored, key)
            for one in stored.audio:
                target = place_of(self.folder, call, Purpose(one.purpose))
                files.make_private(target.parent)
                files.create_private(target, proven_audio(self.backup, call, one, key))
        except SealBroken as error:
            raise BackupInvalid(f"In the backup, call {call} is damaged.") from error
        with database.transaction() as writing:
            records.insert(writing, record, sealed_key, key)


def _erase(writing: Writing, erased: tuple[ErasedCall, ...]) -> None:
    writing.many(
        "INSERT OR IGNORE INTO erased (call, digest, at, removed) VALUES (?, ?, ?, 1)",
        [(one.call, one.digest, one.at) for one in erased],
    )
