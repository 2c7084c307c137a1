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

import threading
from typing import TYPE_CHECKING

import msgspec

from app.counts import counted, were
from app.errors import (
    AppError,
    BackupInvalid,
    UsageError,
    VaultDamaged,
)
from app.storage import backup_check, files, originals
from app.storage.backup_folder import (
    prepared,
)
from app.storage.backup_format import (
    ErasedList,
    enveloped,
    opened,
)
from app.storage.backup_run import Run, Source
from app.storage.own_tables import erased_calls

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.domain import BackupCheck, BackupReport, Progress
    from app.storage.audio import SealedAudio
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database
    from app.storage.header import Header, OpenHeader
    from app.storage.keys import CallKeys, VaultKey
    from app.storage.trust import Trust

_TRIES = 5


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
        *,
        earlier_key: Callable[[Header], VaultKey | None],
        trust: Trust,
    ) -> None:
        """Read the parts of a vault; nothing is written to them but audit entries. `earlier_key`
        leads into a backup from before a change of keys, where it can; `trust` speaks before
        one takes the place of a good one."""
        self._earlier_key = earlier_key
        self._trust = trust
        self._folder = folder
        self._header = opened
        self._database = database
        self._audit = audit
        self._source = Source(
            header=opened,
            database=database,
            audio=audio,
            audit=audit,
            call_keys=call_keys,
            clock=clock,
        )
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
        with self._one, prepared(place, keys_to, self._header, self._key_behind) as before:
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
            self._expect_still_erased(before.erased)
            entry = self._audit.record(actor=actor, act="vault.backup", outcome="begun")
            generation = max(entry.number, before.generation + 1)
            run = Run(self._source, generation, before, progress, stop)
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

    def _expect_still_erased(self, erased: frozenset[str]) -> None:
        """Refuse calls that the key file in the folder names as erased: an older state of the vault
        brought them back, and the backup would keep them."""
        with self._database.reader() as reading:
            back = sorted(
                call for call in erased if reading.one("SELECT 1 FROM calls WHERE id = ?", (call,))
            )
        if back:
            raise BackupInvalid(
                f"{counted(len(back), 'call')} of this vault {were(len(back))} erased before, as"
                f" the backup in the folder says: {back[0]}.",
                hint="Erase what came back, or restore the backup: it is gone in that.",
            )

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
            erased, gone = erased_calls(reading), originals.all_destroyed(reading)
            number = reading.number("SELECT max(number) FROM audit")
        named = ErasedList(erased=erased, originals=gone or msgspec.UNSET)
        content = enveloped("erased", head, number, named, self._header.key)
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

    def _key_behind(self, found: Header) -> VaultKey:
        """Return today's vault key, or an earlier one, behind a header; raises `VaultDamaged`."""
        try:
            found.verify(self._header.key)
        except VaultDamaged:
            earlier = self._earlier_key(found)
            if earlier is None:
                raise
            return earlier
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
