"""The way to a vault key for who is not in an open vault: into a backup, or a damaged folder.

Promises that only who may look after the vault puts one in place, by the people and the second
factors that are in what is put in place. Whoever has the recovery sheet may as well: it is for the
day on which everything else is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.access import rights_of
from app.domain import Right
from app.errors import KeyringRefused, NotAllowed
from app.storage import people, remembered, sign_in
from app.storage.clock import utc_now
from app.storage.openers import tag_of
from app.storage.second_factor import SecondFactors
from app.storage.ways_in import computer_name

if TYPE_CHECKING:
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database
    from app.storage.header import Header
    from app.storage.keys import VaultKey
    from app.storage.remembered import Keyring


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
            known = people.known(reading)
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
