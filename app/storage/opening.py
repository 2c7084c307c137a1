"""Where a vault is opened, and what it uses of the computer."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.errors import KeyringRefused, VaultDamaged
from app.storage import files, making, remembered
from app.storage.clock import utc_now
from app.storage.ways_in import computer_name, computer_secret

if TYPE_CHECKING:
    from pathlib import Path

    from app.storage.attempts import Attempts
    from app.storage.clock import Clock
    from app.storage.database import Database
    from app.storage.files import FolderLock
    from app.storage.header import Header
    from app.storage.remembered import Keyring


@dataclass(frozen=True, slots=True)
class Computer:
    """What a vault uses of the computer: its clock, its keyring (the system's own unless given),
    and the folder in which it remembers audit logs (nowhere unless given)."""

    clock: Clock = utc_now
    keyring: Keyring | None = None
    witness: Path | None = None

    def chosen_keyring(self) -> Keyring:
        """Return the keyring; raises `KeyringRefused` where there is no safe one."""
        return self.keyring or remembered.system_keyring()


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a vault is being opened, under which lock, on which computer.

    `secret` is the key of this computer, where the vault asks for it.
    """

    folder: Path
    lock: FolderLock
    computer: Computer
    attempts: Attempts
    secret: bytes | None = field(default=None, repr=False)

    def with_secret(self, secret: bytes | None) -> Opening:
        """Return the same with the key of this computer."""
        return replace(self, secret=secret)

    @property
    def database(self) -> Path:
        """The vault's database."""
        return files.inside(self.folder, making.DATABASE)

    def computer_key(self, vault_id: str) -> bytes | None:
        """Return the key of this computer, as far as its keyring answers."""
        try:
            return self.computer.chosen_keyring().secret(computer_name(vault_id))
        except KeyringRefused:
            return None

    def admitted_computer(self, found: Header) -> bytes | None:
        """Return the key of this computer for a vault that asks for one, made where there is none.

        Raises `KeyringRefused`.
        """
        if not any(one.device for one in found.people):
            return None
        return computer_secret(self.computer.chosen_keyring(), found.id)


def expect_own(database: Database, found: Header) -> None:
    """Raise `VaultDamaged` where the database is another vault's."""
    with database.reader() as reading:
        row = reading.one("SELECT id FROM vault")
        if row is None or row[0] != found.id:
            raise VaultDamaged("The vault's database belongs to another vault.")
