"""The way to a vault key for who is not in an open vault: into a backup, or a damaged folder.

Promises that only who may look after the vault puts one in place, by the people and the second
factors that are in what is put in place, and that guessing has to wait as it has at the vault:
failures are counted in the damaged folder, or on this computer by the vault's id. Whoever has the
recovery sheet may as well: it is for the day on which everything else is lost.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.access import rights_of
from app.domain import Right
from app.errors import (
    KeyringRefused,
    NotAllowed,
    RecoveryWrong,
    SignInDelayed,
    VaultLocked,
    WrongCode,
)
from app.storage import files, people, remembered, sign_in
from app.storage.attempts import SHEET, Attempts
from app.storage.clock import utc_now
from app.storage.openers import tag_of
from app.storage.second_factor import SecondFactors
from app.storage.ways_in import computer_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database
    from app.storage.header import Header
    from app.storage.keys import VaultKey
    from app.storage.remembered import Keyring


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How somebody who is not in an open vault gets at a vault key: a name, a passphrase and a
    code, or the vault's recovery sheet.

    Failures are counted in `attempts`, those of a folder whose lock is held, or else below the
    folder `counted`; where there is neither, nowhere.
    """

    passphrase: str = field(default="", repr=False)
    name: str = ""
    code: str = field(default="", repr=False)
    sheet: str = field(default="", repr=False)
    clock: Clock = utc_now
    keyring: Keyring | None = None
    counted: Path | None = None
    attempts: Attempts | None = field(default=None, repr=False)

    def unlock(self, found: Header) -> VaultKey:
        """Return the vault key behind a header; raises `SignInError` or `VaultDamaged`."""
        with self._counting(found) as attempts:
            if not self.sheet:
                return sign_in.by_passphrase(
                    found,
                    self.name,
                    self.passphrase,
                    attempts=attempts,
                    computer=lambda: self._computer(found.id),
                ).key
            try:
                return sign_in.by_sheet(found, self.sheet)
            except RecoveryWrong:
                if attempts is not None:
                    attempts.failed(SHEET)
                raise

    def unlock_again(self, found: Header) -> VaultKey:
        """Return the same for another header of a vault that let this one in already: that it does
        not open both is no guess, and is not counted."""
        return replace(self, attempts=None, counted=None).unlock(found)

    def admitted(self, database: Database, audit: Audit, found: Header) -> str:
        """Return the name of who may put this vault back in place; raises `NotAllowed`,
        `PersonSuspended`, `CodeNeeded`, `WrongCode` or `SignInDelayed`. Whoever has the sheet
        may."""
        if self.sheet:
            return "recovery sheet"
        with database.reader() as reading:
            known = people.known(reading)
        wanted = found.opener(self.name)
        person = next(
            (one for one in known if wanted and tag_of(found.id, one.name) == wanted.tag), None
        )
        person = sign_in.expect_active(person)
        who = sign_in.counted_as(found, self.name)
        with self._counting(found) as attempts:
            if attempts is not None:
                attempts.expect_no_wait(who)  # others may have guessed since the passphrase
            try:
                SecondFactors(database, audit, self.clock).expect(person, self.code)
            except WrongCode:
                if attempts is not None:
                    attempts.failed(who)
                raise
            if attempts is not None:
                attempts.release(who)
        if Right.MANAGE_VAULT not in rights_of(person):
            raise NotAllowed("You may not put a vault in place.")
        return person.name

    @contextmanager
    def _counting(self, found: Header) -> Iterator[Attempts | None]:
        """Give the counter of a vault, which nobody else has meanwhile."""
        if self.attempts is not None or self.counted is None:
            yield self.attempts
            return
        # the id of a foreign header names no path
        folder = self.counted / hashlib.sha256(found.id.encode()).hexdigest()
        files.make_folder(self.counted)
        files.make_private(folder)
        try:
            lock = files.FolderLock(folder / "lock")
        except VaultLocked as error:
            raise SignInDelayed("Somebody else is being let in; try again.") from error
        try:
            yield Attempts(folder, self.clock)
        finally:
            lock.release()

    def _computer(self, vault_id: str) -> bytes | None:
        try:
            return (self.keyring or remembered.system_keyring()).secret(computer_name(vault_id))
        except KeyringRefused:
            return None
