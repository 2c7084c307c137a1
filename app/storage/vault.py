"""A vault: one folder in which calls, their recordings and the record of all acts are sealed.

Promises that a vault is created whole or not at all, that it opens again after any interruption,
that one program has it open at a time, and that each way of not opening is its own error. Hides
keys, files and the order in which they are opened.

    vault.json   header: how the vault key is sealed      vault.db   encrypted database
    audio/       sealed recordings                        lock       held while the vault is open
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.access import FOUNDER
from app.domain import Person, PersonName, VaultInfo, VaultState
from app.errors import KeyringRefused, VaultDamaged, VaultExists, VaultMissing
from app.storage import files, header, schema
from app.storage.audio import SealedAudio
from app.storage.audit import Audit
from app.storage.calls import Calls
from app.storage.clock import stamp, utc_now
from app.storage.database import Database
from app.storage.header import Header
from app.storage.holds import Holds
from app.storage.jobs import Jobs
from app.storage.keys import (
    CallKeys,
    KeyCost,
    KeyPurpose,
    VaultKey,
    calibrated,
    checked_passphrase,
)
from app.storage.policy import Policies
from app.storage.remembered import Keyring, system_keyring
from app.storage.requests import Requests
from app.storage.scopes import Teams
from app.storage.search import Search

if TYPE_CHECKING:
    from pathlib import Path

    from app.storage.clock import Clock

_DATABASE = "vault.db"
_LOCK = "lock"
_BACKUPS = "backups"
_UNFINISHED = "unfinished"
_FIRST_PERSON = """
    INSERT INTO people (name, roles, granted, scope, state, added_at)
    VALUES (?, ?, '', '', 'active', ?)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What opening a vault put in order: calls given back to the queue, files nobody had named."""

    requeued: int
    removed_files: int


@dataclass(frozen=True, slots=True)
class _Opening:
    """Where a vault is being opened, by whom, under which lock and clock."""

    folder: Path
    lock: files.FolderLock
    actor: str
    clock: Clock


def state(folder: Path) -> VaultState:
    """Return what can be known of a folder without a passphrase.

    Raises `VaultDamaged` or `VaultNewer` where a header is there that cannot be read.
    """
    if (folder / _UNFINISHED).exists():
        return VaultState(exists=False)
    try:
        found = header.read(folder)
    except VaultMissing:
        return VaultState(exists=False)
    return VaultState(exists=True, demo=found.demo, id=found.id, remembered=found.remembered())


def create(  # noqa: PLR0913 (the last four are for demonstrations and tests)
    folder: Path,
    passphrase: str,
    *,
    demo: bool = False,
    actor: str = "owner",
    cost: KeyCost | None = None,
    clock: Clock = utc_now,
) -> Vault:
    """Make a vault in an empty or new folder and return it open.

    `cost` is what opening takes; by default it is measured so that it is about a second here.
    Raises `WeakPassphrase`, `VaultExists`, `FolderReadOnly` or `DiskFull`.
    """
    checked_passphrase(passphrase)
    if cost is not None and not cost.acceptable():
        raise ValueError("the cost protects nothing")
    _expect_empty(folder)
    files.make_private(folder)
    lock = files.FolderLock(folder / _LOCK)
    try:
        _expect_empty(folder)  # another program may have been here first
        opening = _Opening(folder, lock, actor, clock)
        return _created(opening, passphrase, cost or calibrated(), demo=demo)
    except BaseException:
        lock.release()
        raise


def open_vault(
    folder: Path, passphrase: str, *, actor: str = "owner", clock: Clock = utc_now
) -> Vault:
    """Open a vault with a passphrase.

    Raises `VaultMissing`, `VaultLocked`, `VaultNewer`, `VaultDamaged`, `WrongPassphrase`,
    `FolderReadOnly` or `DiskFull`.
    """
    found, lock = _found(folder)
    try:
        return _opened(_Opening(folder, lock, actor, clock), found, found.open_with(passphrase))
    except BaseException:
        lock.release()
        raise


def open_remembered(
    folder: Path,
    *,
    actor: str = "owner",
    clock: Clock = utc_now,
    keyring: Keyring | None = None,
) -> Vault | None:
    """Open a vault with the key that the system's keyring keeps; `None` where none fits.

    Raises what `open_vault` raises, and `KeyringRefused`.
    """
    if not state(folder).remembered:
        return None
    found, lock = _found(folder)
    try:
        secret = (keyring or system_keyring()).secret(found.id)
        key = None if secret is None else found.open_with_device(secret)
        if key is not None:
            return _opened(_Opening(folder, lock, actor, clock), found, key)
    except BaseException:
        lock.release()
        raise
    lock.release()
    return None


class Vault:
    """An open vault; usable from several threads; closed by `close` or a `with` block."""

    def __init__(self, opening: _Opening, found: Header, key: VaultKey, database: Database) -> None:
        """Put the parts of an opened vault together; use `create` or `open_vault`."""
        folder, clock = opening.folder, opening.clock
        self.info = VaultInfo(
            id=found.id, folder=folder, demo=found.demo, created_at=found.created_at
        )
        self.recovered = Recovered(requeued=0, removed_files=0)
        self._header = found
        self._key = key
        self._database = database
        self._lock = opening.lock
        call_keys = CallKeys(key.derive(KeyPurpose.CALLS), key.derive(KeyPurpose.INDEX))
        self.audit = Audit(database, key.derive(KeyPurpose.AUDIT), found.id, clock)
        self.audio = SealedAudio(folder, database, call_keys)
        self.jobs = Jobs(database, self.audit, clock)
        self.search = Search(database)
        self.calls = Calls(database, self.audio, self.audit, call_keys, clock)
        self.person = Person(name=PersonName(opening.actor), roles=FOUNDER)
        self.policy = Policies(database, self.audit)
        self.requests = Requests(database, self.audit, clock)
        self.holds = Holds(database, self.audit, clock)
        self.teams = Teams(database, self.audit)

    def remember(self, *, actor: str, keyring: Keyring | None = None) -> None:
        """Let the system's keyring open this vault on this device; raises `KeyringRefused`."""
        secret = (keyring or system_keyring()).new_secret(self.info.id)
        self._rewrite(self._header.with_device(self._key.sealed(secret, kind="device")))
        self.audit.record(actor=actor, act="key.remember")

    def forget(self, *, actor: str, keyring: Keyring | None = None) -> None:
        """Let the passphrase alone open this vault again.

        The opener in the header goes first: what a keyring that does not answer still keeps opens
        nothing any more.
        """
        self._rewrite(self._header.with_device(None))
        self.audit.record(actor=actor, act="key.forget")
        try:
            (keyring or system_keyring()).forget(self.info.id)
        except KeyringRefused:
            return

    def check(self) -> tuple[str, ...]:
        """Return every problem of the database, the recordings and the audit log; reads all."""
        found = [*self._database.problems()]
        if not found:
            found += self.audio.problems()
            audit = self.audit.verify()
            found += [] if audit.ok else [audit.sentence]
        return tuple(found)

    def backup(self, target: Path) -> None:
        """Write a consistent copy of the database, encrypted under the same key."""
        self._database.copy_to(target)

    def close(self) -> None:
        """Close the vault and forget its keys; a second time does nothing."""
        self._database.close()
        self._key.wipe()
        self._lock.release()

    def _recover(self) -> None:
        """Put in order what an interruption left."""
        folder = self.info.folder
        removed = sum(map(files.remove_temporary, (folder, folder / _BACKUPS)))
        removed += self.audio.recover()
        self.calls.erasure.finish()
        self.recovered = Recovered(requeued=self.jobs.recover(), removed_files=removed)

    def __enter__(self) -> Self:
        """Return the vault itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the vault."""
        self.close()

    def _rewrite(self, changed: Header) -> None:
        signed = changed.signed(self._key)
        header.write(self.info.folder, signed)
        self._header = signed


def _expect_empty(folder: Path) -> None:
    """Refuse a folder that holds a vault or anything else; what an interrupted `create` left is
    nothing."""
    with files.translated():
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if folder.exists() and not folder.is_dir():
        raise VaultExists(f"{folder} is a file.")
    if header.NAME in names and _UNFINISHED not in names:
        raise VaultExists(f"There is already a vault in {folder}.")
    if _UNFINISHED not in names and names - {_LOCK}:
        raise VaultExists(f"The folder {folder} is not empty.", hint="Choose an empty folder.")


def _created(opening: _Opening, passphrase: str, cost: KeyCost, *, demo: bool) -> Vault:
    # While the mark is there, nothing in the folder counts: a half-made vault is none.
    folder = opening.folder
    mark = folder / _UNFINISHED
    if not mark.exists():
        files.create_private(mark, [])
    for left in (header.NAME, _DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm"):
        files.remove(folder / left)
    vault_id = secrets.token_hex(16)
    key = VaultKey.random(vault_id)
    made = Header(
        id=vault_id,
        created_at=stamp(opening.clock()),
        demo=demo,
        openers=(header.passphrase_opener(key, passphrase, cost),),
    ).signed(key)
    database = Database.created(folder / _DATABASE, key.derive(KeyPurpose.DATABASE))
    try:
        schema.upgrade(database, fresh=True, backup=lambda _: None)
        vault = Vault(opening, made, key, database)
        with database.transaction() as writing:
            writing.change("INSERT INTO vault VALUES (1, ?, ?)", (vault_id, made.created_at))
            writing.change(_FIRST_PERSON, (opening.actor, ",".join(FOUNDER), made.created_at))
            vault.audit.append(writing, actor=opening.actor, act="vault.create")
        header.write(folder, made)
        files.remove(mark)
    except BaseException:
        database.close()
        raise
    return vault


def _found(folder: Path) -> tuple[Header, files.FolderLock]:
    if not state(folder).exists:
        raise VaultMissing(f"There is no vault in {folder}.")
    lock = files.FolderLock(folder / _LOCK)
    try:
        return header.read(folder), lock
    except BaseException:
        lock.release()
        raise


def _opened(opening: _Opening, found: Header, key: VaultKey) -> Vault:
    folder = opening.folder

    def keep_copy(version: int) -> None:
        files.make_private(folder / _BACKUPS)
        database.copy_to(folder / _BACKUPS / f"before-step-{version + 1}.db")

    database = Database(folder / _DATABASE, key.derive(KeyPurpose.DATABASE))
    try:
        schema.upgrade(database, fresh=False, backup=keep_copy)
        _expect_id(database, found.id)
        vault = Vault(opening, found, key, database)
        vault._recover()
        vault.audit.record(actor=opening.actor, act="vault.open")
    except BaseException:
        database.close()
        raise
    return vault


def _expect_id(database: Database, vault_id: str) -> None:
    with database.reader() as reading:
        row = reading.one("SELECT id FROM vault")
    if row is None or row[0] != vault_id:
        raise VaultDamaged("The vault's database belongs to another vault.")
