"""The ways into an open vault, as people change them: keyring, computer, recovery sheet, new keys.

Promises that each change is one new header in step with the database and one audit entry, and that
nothing but ways in is sealed again.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from app.errors import (
    AppError,
    DeviceUnknown,
    KeyringRefused,
    RecoveryWrong,
    UsageError,
    VaultDamaged,
)
from app.storage import openers, recovery_sheet, remembered, rotation

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import Person
    from app.storage.audit import Audit
    from app.storage.header import Header, OpenHeader
    from app.storage.keys import KeyCost, VaultKey
    from app.storage.remembered import Keyring
    from app.storage.sign_in import Entry


def computer_name(vault_id: str) -> str:
    """Return under which name the keyring keeps the key of this computer for a vault."""
    return f"{vault_id}:computer"


class WaysIn:
    """The ways into an open vault."""

    def __init__(
        self,
        header: OpenHeader,
        audit: Audit,
        entry: Entry | None,
        *,
        computer: bytes | None,
        keyring: Keyring | None,
    ) -> None:
        """Work on the header; `entry` is how the vault was opened, a new one has none; `computer`
        is the key of this computer, where the vault asks for one."""
        self._header = header
        self._audit = audit
        self._entry = entry
        self._keyring = keyring
        self._computer = computer
        self.hindrance = ""
        """Why the change of keys was not finished when the vault was opened; nothing where none
        waited."""

    def tell_of_hindrance(self, error: AppError) -> None:
        """Say in the audit log, and to whoever asks, why a change of keys goes on waiting."""
        damaged = isinstance(error, VaultDamaged)
        why = "Something is damaged: run `autoinsights vault check`." if damaged else error.sentence
        self.hindrance = f"A change of keys waits, and the old keys count until then. {why}"
        outcome = f"waits: {error.code}"
        self._audit.record(actor="system", act="key.rotate", outcome=outcome)

    def came_in(self, entry: Entry) -> None:
        """Take note of how the person came in who is signed in now."""
        self._entry = entry

    @property
    def asks_for_computer(self) -> bool:
        """Whether the vault opens with this computer's key only, beside a passphrase."""
        return any(opener.device for opener in self._header.now.people)

    @property
    def has_recovery_sheet(self) -> bool:
        """Whether there is a recovery sheet."""
        return self._header.now.recovery is not None

    @property
    def change_waits(self) -> bool:
        """Whether a change of keys was begun, which the next opening of the vault ends."""
        return self._header.now.rotation is not None

    def computer_key(self, found: Header) -> bytes | None:
        """Return this computer's key, where a header asks for it; raises `DeviceUnknown`."""
        if not any(opener.device for opener in found.people):
            return None
        if self._computer is None:
            raise DeviceUnknown("This computer may not open this vault.")
        return self._computer

    def earlier_key(self, found: Header) -> VaultKey | None:
        """Return the vault key behind an earlier header of this vault, such as a backup's, where
        the way in of who is signed in leads to it still."""
        entry, now = self._entry, self._header.now
        opener = None if entry is None else found.opener_of(entry.opener.tag)
        if entry is None or opener is None or found.id != now.id:
            return None
        try:
            key = openers.vault_key(found.id, opener, entry.private, self._computer)
            found.verify(key)
        except (DeviceUnknown, VaultDamaged):
            return None
        return key

    def remember(self, person: Person) -> None:
        """Let the system's keyring alone sign a person in on this computer.

        Raises `KeyringRefused`, also where the vault asks for more than one ingredient.
        """
        entry = self._entry
        own = openers.tag_of(self._header.now.id, person.name)
        if entry is None or entry.opener.tag != own or not _same(entry, self._header.now):
            raise KeyringRefused("Sign in once with the passphrase first.")
        if person.second_factor or self.asks_for_computer:
            raise KeyringRefused("The keyring alone may not open this vault.")
        tag, private = entry.opener.tag, entry.private
        secret = self._system().new_secret(self._header.now.id)
        opener = openers.keyring_opener(self._header.now.id, tag, private, secret)
        self._replace(lambda now: now.with_keyring(opener), person.name, "key.remember")

    def forget(self, person: Person) -> None:
        """Let the passphrase alone sign a person in again.

        The header goes first: what a keyring that does not answer still keeps opens nothing then.
        """
        vault_id = self._header.now.id
        tag = openers.tag_of(vault_id, person.name)
        self._replace(lambda now: now.without_keyring(tag), person.name, "key.forget", shut=True)
        if self._header.now.keyring:  # another person's
            return
        with suppress(KeyringRefused):
            self._system().forget(vault_id)

    def ask_for_computer(self, *, actor: str) -> None:
        """Open with the key of this computer's keyring only, beside a passphrase.

        Raises `KeyringRefused`, and `UsageError` without a recovery sheet: a keyring that is lost
        must not be the loss of the vault. Other computers, and the keyring alone, open the vault no
        more.
        """
        if not self.has_recovery_sheet:
            raise UsageError(
                "Without a recovery sheet, a lost computer would be a lost vault.",
                hint="Make a recovery sheet first.",
            )
        if self._computer is None:
            # a key that is there stays: what other copies of the vault ask for is not replaced
            self._computer = computer_secret(self._system(), self._header.now.id)
        self._rewrap(self._computer, actor, "asked for")

    def ask_for_no_computer(self, *, actor: str) -> None:
        """Open with a passphrase on any computer again."""
        self._rewrap(None, actor, "not asked for")
        self._computer = None
        with suppress(KeyringRefused):
            self._system().forget(computer_name(self._header.now.id))

    def new_sheet(self) -> str:
        """Return the text of a new recovery sheet; it opens nothing until `keep_sheet`."""
        return recovery_sheet.written(recovery_sheet.new_secret())

    def keep_sheet(self, shown: str, typed: str, *, actor: str) -> None:
        """Let a sheet open the vault, in place of an older one, once it was typed as shown.

        Raises `RecoveryWrong` where it was not; nothing has changed then.
        """
        secret = recovery_sheet.parsed(typed)
        if secret != recovery_sheet.parsed(shown):
            raise RecoveryWrong("This is another sheet than the one that is shown.")
        vault_id, key = self._header.now.id, self._header.key
        opener = openers.recovery_opener(vault_id, key, secret)
        if openers.recovered_key(vault_id, opener, secret).secret_bytes() != key.secret_bytes():
            raise RuntimeError("a recovery sheet does not open what it was made for")
        self._replace(
            lambda now: msgspec.structs.replace(now, recovery=opener),
            actor,
            "key.recovery-sheet",
            shut=self.has_recovery_sheet,
        )

    def strengthen(self, passphrase: str, cost: KeyCost) -> None:
        """Seal the way in of who is signed in at a higher cost, which suits today's machines."""
        entry = self._entry
        if entry is None or cost.work <= entry.opener.cost.work:
            return
        vault_id = self._header.now.id

        def changed(now: Header) -> Header:
            # the one of now: since the sign-in, a change of keys may have sealed it anew
            opener = now.opener_of(entry.opener.tag)
            if opener is None or not _same(entry, now):
                return now
            return now.with_person(
                openers.with_passphrase(vault_id, opener, entry.private, passphrase, cost)
            )

        outcome = f"{cost.memory_kib // 1024} MiB, {cost.passes} passes"
        self._replace(changed, "system", "key.strengthen", outcome)

    def rotate(self, *, actor: str) -> None:
        """Begin to change the vault key and the database's key; opening the vault again ends it."""
        rotation.begin(self._header, self._audit, actor=actor)

    def begin_what_is_due(self) -> bool:
        """Where a way in was shut, begin the change of keys anew, with keys that nobody can have
        copied from the header meanwhile; returns whether it began."""
        if not self._header.shut:
            return False
        try:
            rotation.begin(self._header, self._audit, actor="system")
        except AppError:  # what began when the way in was shut is ended by the next opening
            return False
        return True

    def forget_keys(self) -> None:
        """Let go of what opened the vault."""
        self._entry = None
        self._computer = None

    def _rewrap(self, computer: bytes | None, actor: str, outcome: str) -> None:
        key = self._header.key

        def changed(now: Header) -> Header:
            people = tuple(openers.rewrapped(now.id, one, key, key, computer) for one in now.people)
            keyring = now.keyring if computer is None else ()
            return msgspec.structs.replace(now, people=people, keyring=keyring)

        shut = computer is not None
        self._replace(changed, actor, "key.computer", outcome, shut=shut)

    def _replace(
        self,
        change: Callable[[Header], Header],
        actor: str,
        act: str,
        outcome: str = "ok",
        *,
        shut: bool = False,
    ) -> None:
        """Replace the header; `shut`: what opened the vault before shall not do so any more."""
        replace = self._header.without_old_ways if shut else self._header.replace
        replace(
            change,
            lambda writing: self._audit.append(writing, actor=actor, act=act, outcome=outcome),
        )

    def _system(self) -> Keyring:
        return self._keyring or remembered.system_keyring()


def computer_secret(keyring: Keyring, vault_id: str) -> bytes:
    """Return the key of this computer for a vault, made where there is none.

    Raises `KeyringRefused`.
    """
    name = computer_name(vault_id)
    return keyring.secret(name) or keyring.new_secret(name)


def _same(entry: Entry, now: Header) -> bool:
    """Return whether what somebody signed in with still is their way in."""
    opener = now.opener_of(entry.opener.tag)
    return opener is not None and opener.public == entry.opener.public
