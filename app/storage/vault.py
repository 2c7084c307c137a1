"""A vault: one folder in which calls, their recordings and the record of all acts are sealed.

Promises that a vault is created whole or not at all, that it opens again after any interruption,
that one program has it open at a time, and that each way of not opening is its own error. Hides
keys, files and the order in which they are opened.

    vault.json      header: the ways to the vault key     vault.db   encrypted database
    vault-copy.json a copy of it, for a rescue
    audio/          sealed recordings                     lock       held while the vault is open
    attempts.json   failed sign-ins
"""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from app.access import FOUNDER
from app.domain import Person, PersonName, VaultInfo
from app.errors import (
    AppError,
    CodeNeeded,
    RecoveryWrong,
    VaultDamaged,
    VaultMissing,
)
from app.storage import (
    files,
    header,
    integrity,
    making,
    openers,
    passphrases,
    rotation,
    schema,
    sign_in,
)
from app.storage import people as people_of
from app.storage.attempts import SHEET, Attempts, key_of, times_of
from app.storage.audio import SealedAudio
from app.storage.audit import Audit
from app.storage.backup import Backups
from app.storage.calls import Calls
from app.storage.clock import stamp, utc_now
from app.storage.database import Database
from app.storage.destroying import AT_SIGN_IN, Destroying
from app.storage.elusion import Elusion
from app.storage.header import Header, OpenHeader
from app.storage.holds import Holds
from app.storage.jobs import Jobs
from app.storage.keys import (
    CallKeys,
    KeyCost,
    KeyPurpose,
    VaultKey,
    calibrated,
    new_index_key,
    opened_index_key,
)
from app.storage.making import expect_empty as _expect_empty
from app.storage.making import state as state  # noqa: PLC0414 (said to be given on)
from app.storage.names import checked_name
from app.storage.opening import Computer, Opening, expect_own
from app.storage.people import People
from app.storage.policy import Policies
from app.storage.requests import Requests
from app.storage.scopes import Teams
from app.storage.search import Search
from app.storage.second_factor import SecondFactors
from app.storage.speakers import Speakers
from app.storage.trust import Trust
from app.storage.upgrading import OLDER_COPIES, upgrade
from app.storage.vocabulary import WordLists
from app.storage.ways_in import WaysIn
from app.storage.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.domain import Progress
    from app.storage.clock import Clock
    from app.storage.remembered import Keyring
    from app.storage.sign_in import Entry

_OWNER = "owner"
_NOBODY = Person(name=PersonName("system"), roles=frozenset())


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovered:
    """What opening a vault put in order: calls given back to the queue, files nobody had named."""

    requeued: int
    removed_files: int


def create(  # noqa: PLR0913 (the last four are for demonstrations and tests)
    folder: Path,
    passphrase: str,
    *,
    name: str = _OWNER,
    demo: bool = False,
    cost: KeyCost | None = None,
    clock: Clock = utc_now,
    witness: Path | None = None,
) -> Vault:
    """Make a vault in an empty or new folder and return it open.

    `name` is the person who makes it and is in it alone; `cost` is what opening takes, measured by
    default so that it is about a second here. Raises `WeakPassphrase`, `UsageError` for the name,
    `VaultExists`, `FolderReadOnly` or `DiskFull`.
    """
    founder = checked_name(name)
    passphrases.checked(passphrase, names=[founder])
    if cost is not None and not cost.acceptable():
        raise ValueError("the cost protects nothing")
    _expect_empty(folder)
    files.make_private(folder)
    lock = files.FolderLock(folder / making.LOCK)
    try:
        _expect_empty(folder)  # another program may have been here first
        computer = Computer(clock, witness=witness)
        opening = Opening(folder, lock, computer, Attempts(folder, clock))
        return _created(opening, founder, passphrase, cost or calibrated(), demo=demo)
    except BaseException:
        lock.release()
        raise


def open_vault(  # noqa: PLR0913 (what a person types, and what tests exchange)
    folder: Path,
    passphrase: str,
    *,
    name: str = "",
    code: str = "",
    clock: Clock = utc_now,
    keyring: Keyring | None = None,
    least_seconds: float = 0.0,
    witness: Path | None = None,
) -> Vault:
    """Open a vault for a person: by name, where there are several, passphrase and code.

    A passphrase that takes less than `least_seconds` to check is sealed anew at a cost that suits
    this machine. Raises `VaultMissing`, `VaultLocked`, `VaultNewer`, `VaultTooOld`, `VaultDamaged`,
    `SignInError`, `FolderReadOnly` or `DiskFull`.
    """
    with _found(folder, Computer(clock, keyring, witness)) as (found, opening):
        entry = sign_in.by_passphrase(
            found,
            name,
            passphrase,
            attempts=opening.attempts,
            computer=lambda: opening.computer_key(found.id),
        )
        vault = _opened(opening, found, entry)
        with vault.closed_on_error():
            vault.let_in(entry, code)
            if 0.0 < entry.seconds < least_seconds:
                vault.ways_in.strengthen(passphrase, calibrated())
        return vault


def open_remembered(
    folder: Path,
    *,
    clock: Clock = utc_now,
    keyring: Keyring | None = None,
    witness: Path | None = None,
) -> Vault | None:
    """Open a vault with the key that the system's keyring keeps; `None` where none fits.

    Raises what `open_vault` raises, and `KeyringRefused`.
    """
    if not state(folder).remembered:
        return None
    with _found(folder, Computer(clock, keyring, witness)) as (found, opening):
        secret = opening.computer.chosen_keyring().secret(found.id)
        entry = None if secret is None else sign_in.by_keyring(found, secret)
        if entry is None:
            opening.lock.release()
            return None
        vault = _opened(opening, found, entry)
        try:
            with vault.closed_on_error():
                vault.let_in(entry, "")
        except CodeNeeded:  # set up since then: the keyring alone is not enough any more
            return None
        return vault


def open_with_sheet(  # noqa: PLR0913 (what a person types, and what tests exchange)
    folder: Path,
    sheet: str,
    *,
    name: str,
    passphrase: str,
    cost: KeyCost | None = None,
    clock: Clock = utc_now,
    keyring: Keyring | None = None,
    witness: Path | None = None,
) -> Vault:
    """Open a vault with its recovery sheet and give a person a new passphrase.

    The person needs no code until they set a second factor up again, and where the vault asks for a
    computer, it asks for this one from now on. All that is in the audit log. Raises
    `RecoveryWrong`, `PersonNotFound`, `WeakPassphrase`, `KeyringRefused` and what `open_vault`
    raises.
    """
    passphrases.checked(passphrase, names=[name])
    with _found(folder, Computer(clock, keyring, witness)) as (found, opening):
        try:
            key = sign_in.by_sheet(found, sheet)
        except RecoveryWrong:
            opening.attempts.failed(SHEET)
            raise
        computer = opening.admitted_computer(found)
        vault = _unlocked(opening.with_secret(computer), found, key)
        with vault.closed_on_error():
            person = vault.people.expected(name)
            if computer is not None:
                vault.ways_in.ask_for_computer(actor=person.name)
            vault.person = vault.people.recover(name, passphrase, cost=cost)
            vault.tell_of_attempts(SHEET)
        return vault


def open_with_key(folder: Path, key: VaultKey, *, clock: Clock = utc_now) -> Vault:
    """Open a vault with its key, for the program itself: nobody is signed in."""
    with _found(folder, Computer(clock)) as (found, opening):
        return _unlocked(opening, found, key, None)


class Vault:
    """An open vault; usable from several threads; closed by `close` or a `with` block.

    `person` is who is signed in.
    """

    def __init__(
        self,
        opening: Opening,
        found: Header,
        key: VaultKey,
        database: Database,
        entry: Entry | None = None,
    ) -> None:
        """Put the parts of an opened vault together; use `create` or `open_vault`."""
        folder, clock = opening.folder, opening.computer.clock
        self.info = VaultInfo(
            id=found.id, folder=folder, demo=found.demo, created_at=found.created_at
        )
        self.recovered = Recovered(requeued=0, removed_files=0)
        self.person = _NOBODY
        self._header = OpenHeader(folder, found, key, database, opening.lock)
        self._key = key
        self._database = database
        self._opening = opening
        self._lock = opening.lock
        self._attempts = opening.attempts
        self._closed = False
        call_keys = CallKeys(key.derive(KeyPurpose.CALLS), _index_key(database, key))
        self._call_keys = call_keys
        where = opening.computer.witness
        witness = None if where is None else Witness(where, found.id, folder)
        audit_key = key.derive(KeyPurpose.AUDIT)
        self.audit = Audit(database, audit_key, found.id, clock, witness=witness)
        database.guard = self.audit
        self.trust = Trust(database, self.audit)
        self.audio = SealedAudio(folder, database, call_keys)
        self.jobs = Jobs(database, self.audit, clock)
        self.search = Search(database)
        self.calls = Calls(
            database, self.audio, self.audit, call_keys, clock, older_copies=folder / OLDER_COPIES
        )
        self.originals = Destroying(
            database, self.audio, self.audit, call_keys, clock, self.calls.erasure, self.trust
        )
        self.speakers = Speakers(database, self.audio, self.audit, call_keys, clock)
        self.elusion = Elusion(database, self.audit, call_keys, clock)
        self.policy = Policies(database, self.audit)
        self.vocabulary = WordLists(database, self.audit)
        self.requests = Requests(database, self.audit, clock)
        self.holds = Holds(database, self.audit, clock)
        self.teams = Teams(database, self.audit)
        self.ways_in = WaysIn(
            self._header,
            self.audit,
            entry,
            computer=opening.secret,
            keyring=opening.computer.keyring,
        )
        self.backups = Backups(
            folder,
            self._header,
            database,
            self.audio,
            self.audit,
            call_keys,
            clock,
            earlier_key=self.ways_in.earlier_key,
            trust=self.trust,
        )
        self.people = People(
            database,
            self._header,
            self.audit,
            clock,
            computer_key=self.ways_in.computer_key,
            calibrated=calibrated,
            attempts=opening.attempts,
        )
        self.second_factors = SecondFactors(database, self.audit, clock)

    def let_in(self, entry: Entry, code: str) -> None:
        """Sign in who opened the vault, or refuse them; either is in the audit log."""
        found = self.people.of_tag(entry.opener.tag)
        name = found.name if found else PersonName("unknown")
        try:
            person = sign_in.expect_active(found)
            how = self.second_factors.expect(person, code)
        except CodeNeeded:
            if entry.seconds:  # somebody typed the passphrase: who stops here is known, too
                self.audit.record(actor=name, act="sign-in.code-asked")
            raise
        except AppError as error:
            self.audit.record(actor=name, act="sign-in.refused", outcome=error.code)
            raise
        self.tell_of_attempts(key_of(entry.opener.tag, known=True))
        self.person = person
        self.audit.record(actor=name, act="vault.open", outcome=_HOW.get(how, "ok"))
        self.originals.destroy_due(most=AT_SIGN_IN)
        self.audit.save_witness()

    def sign_in(self, name: str, passphrase: str, *, code: str = "") -> Person:
        """Sign a person in while the vault is open, as `open_vault` would; returns who it is.

        Nothing else changes: whoever was signed in before goes on with what is running. Raises
        `SignInError` or `VaultDamaged`.
        """
        entry = self._typed(name, passphrase)
        self.audit.expect_own_state()
        self.let_in(entry, code)
        self.ways_in.came_in(entry)
        return self.person

    def confirm(self, name: PersonName, passphrase: str, *, code: str = "") -> None:
        """Expect the passphrase and the code of who is signed in; raises `SignInError`."""
        entry = self._typed(name, passphrase)
        try:
            self.second_factors.expect(sign_in.expect_active(self.people.get(name)), code)
        except AppError as error:
            self.audit.record(actor=name, act="confirm.refused", outcome=error.code)
            raise
        self.tell_of_attempts(key_of(entry.opener.tag, known=True))

    def _typed(self, name: str, passphrase: str) -> Entry:
        entry = sign_in.by_passphrase(
            self._header.now,
            name,
            passphrase,
            attempts=self._attempts,
            computer=lambda: self._opening.computer_key(self.info.id),
        )
        entry.key.wipe()  # the vault has its own
        return entry

    def check(self, progress: Callable[[Progress], None] = lambda _: None) -> tuple[str, ...]:
        """Return every problem of pages, keys, analyses, recordings and the audit log, and what
        keeps a change of keys waiting; reads all.

        What is damaged is named by the id of its call.
        """
        found = [*self._database.problems()]
        found += integrity.problems(self._database, self.audio, self._call_keys, progress)
        try:
            audit = self.audit.verify()
            found += [] if audit.ok else [audit.sentence]
        except VaultDamaged:
            found.append("the audit log cannot be read")
        found += [self.ways_in.hindrance] if self.ways_in.hindrance else []
        return tuple(found)

    def backup(self, target: Path) -> None:
        """Write a consistent copy of the database, encrypted under the same key."""
        self._database.copy_to(target)

    def close(self) -> None:
        """Close the vault and forget its keys; a second time does nothing."""
        due = False
        if not self._closed:
            self._closed = True
            due = self.ways_in.begin_what_is_due()
            with suppress(AppError):  # a damaged database is closed too
                self.audit.save_witness()
        try:
            self._database.close()
            if due:
                self._change_keys()
        finally:
            self._key.wipe()
            self._call_keys.wipe()
            self.ways_in.forget_keys()
            self._lock.release()

    def _change_keys(self) -> None:
        """End the change of keys; what the disk refuses now, the next opening does."""
        opening, found = self._opening, self._header.now
        with suppress(AppError):
            rotation.finish(
                opening.folder,
                opening.database,
                found,
                self._key,
                self.ways_in.computer_key(found),
                clock=opening.computer.clock,
            )

    @contextmanager
    def closed_on_error(self) -> Iterator[None]:
        """Close the vault if what is done with it raises."""
        try:
            yield
        except BaseException:
            self.close()
            raise

    def tell_of_attempts(self, got_in: str) -> None:
        """Write the failed attempts since the last sign-in into the audit log.

        Of who got in now, no attempts count any more; `got_in` is what `key_of` makes of them.
        """
        names = {
            key_of(openers.tag_of(self.info.id, one.name), known=True): one.name
            for one in self.people.all()
        }
        for name, number in self._attempts.untold_times(names).items():
            self.audit.record(actor=name, act="sign-in.failed", outcome=times_of(number))
        self._attempts.told(got_in=got_in)

    def _recover(self) -> None:
        """Put in order what an interruption left."""
        folder = self.info.folder
        removed = sum(map(files.remove_temporary, (folder, folder / OLDER_COPIES)))
        removed += self.audio.recover()
        self.people.drop_strangers()
        self.calls.erasure.finish()
        self.recovered = Recovered(requeued=self.jobs.recover(), removed_files=removed)

    def __enter__(self) -> Self:
        """Return the vault itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the vault."""
        self.close()


_HOW = {"code": "with a code", "backup code": "with a backup code"}


def _created(
    opening: Opening, founder: PersonName, passphrase: str, cost: KeyCost, *, demo: bool
) -> Vault:
    # While the mark is there, nothing in the folder counts: a half-made vault is none.
    mark = opening.folder / making.UNFINISHED
    if not mark.exists():
        files.create_private(mark, [])
    making.emptied(opening.folder)
    vault_id = secrets.token_hex(16)
    key = VaultKey.random(vault_id)
    made = Header(
        id=vault_id,
        created_at=stamp(opening.computer.clock()),
        demo=demo,
        database_salt=os.urandom(header.SALT_BYTES),
        people=(
            openers.person_opener(vault_id, key, name=founder, passphrase=passphrase, cost=cost),
        ),
    ).signed(key)
    vault = _filled(opening, made, key, founder)
    with vault.closed_on_error():
        header.write(opening.folder, made)
        files.remove(mark)
    return vault


def _filled(opening: Opening, made: Header, key: VaultKey, founder: PersonName) -> Vault:
    """Make the database of a new vault and what must be in it."""
    person = Person(name=founder, roles=FOUNDER, added_at=made.created_at)
    database = Database.created(
        opening.database, key.derive(KeyPurpose.DATABASE, made.database_salt)
    )
    try:
        schema.upgrade(database, fresh=True, backup=lambda _: None)
        with database.transaction() as writing:
            writing.change("INSERT INTO vault VALUES (1, ?, ?, 1)", (made.id, made.created_at))
            writing.change("INSERT INTO headers VALUES (?)", (made.check,))
            writing.change("INSERT INTO sealed_keys VALUES ('index', ?)", (new_index_key(key),))
            people_of.insert(writing, person)
        vault = Vault(opening, made, key, database)
        with database.transaction() as writing:
            vault.audit.begin(writing)
            vault.audit.append(writing, actor=founder, act="vault.create")
    except BaseException:
        database.close()
        raise
    vault.person = person
    return vault


@contextmanager
def _found(folder: Path, computer: Computer) -> Iterator[tuple[Header, Opening]]:
    """Hold the lock of a vault's folder; it stays with the vault unless something is raised."""
    if not state(folder).exists:
        raise VaultMissing(f"There is no vault in {folder}.")
    lock = files.FolderLock(folder / making.LOCK)
    try:
        files.tighten(folder, header.NAME, making.DATABASE)
        yield (
            header.read(folder),
            Opening(folder, lock, computer, Attempts(folder, computer.clock)),
        )
    except BaseException:
        lock.release()
        raise


def _opened(opening: Opening, found: Header, entry: Entry) -> Vault:
    return _unlocked(opening.with_secret(entry.computer), found, entry.key, entry)


def _unlocked(opening: Opening, found: Header, key: VaultKey, entry: Entry | None = None) -> Vault:
    """Open what the vault key opens, after what a change of keys left to do."""
    try:
        found, key, hindered = rotation.tried(
            opening.folder,
            opening.database,
            found,
            key,
            opening.secret,
            clock=opening.computer.clock,
        )
        database = Database(opening.database, key.derive(KeyPurpose.DATABASE, found.database_salt))
    except BaseException:
        key.wipe()
        raise

    log = Audit(database, key.derive(KeyPurpose.AUDIT), found.id, opening.computer.clock)
    try:
        upgrade(database, opening.folder, log)
        expect_own(database, found)
        found = header.newest(opening.folder, database, found, key)
        header.keep_copy(opening.folder, found)
        vault = Vault(opening, found, key, database, entry)
        vault.audit.expect_own_state()
        vault._recover()
        vault.audit.meet_witness()
        vault.trust.compare_few()
        if hindered is not None:
            vault.ways_in.tell_of_hindrance(hindered)
    except BaseException:
        database.close()
        key.wipe()
        raise
    return vault


def _index_key(database: Database, key: VaultKey) -> bytes:
    with database.reader() as reading:
        row = reading.one("SELECT sealed FROM sealed_keys WHERE name = 'index'")
    if row is None:
        raise VaultDamaged("The vault's database lacks a key.")
    return opened_index_key(row[0], key)
