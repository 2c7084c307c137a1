"""The ways into an open vault, as people change them: keyring, computer, recovery sheet, new keys.

Promises that each change is one new header in step with the database and one audit entry, and that
nothing but ways in is sealed again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.errors import KeyringRefused, RecoveryWrong
from app.storage import openers, recovery_sheet, rotation
from app.storage.remembered import system_keyring

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import Person
    from app.storage.audit import Audit
    from app.storage.header import Header, OpenHeader
    from app.storage.keys import KeyCost
    from app.storage.remembered import Keyring
    from app.storage.sign_in import Entry


def computer_name(vault_id: str) -> str:
    """Return under which name the keyring keeps the key of this computer for a vault."""
    return f"{vault_id}:computer"


class WaysIn:
    """The ways into an open vault."""

    def __init__(
        self, header: OpenHeader, audit: Audit, entry: Entry | None, keyring: Keyring | None
    ) -> None:
        """Work on the header; `entry` is how the vault was opened; a new one has none."""
        self._header = header
        self._audit = audit
        self._entry = entry
        self._keyring = keyring
        self._computer = entry.computer if entry else None

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

    def computer_key(self) -> bytes | None:
        """Return this computer's key, where the vault asks for it."""
        return self._computer

    def remember(self, person: Person) -> None:
        """Let the system's keyring alone sign a person in on this computer.

        Raises `KeyringRefused`, also where the vault asks for more than one ingredient.
        """
        if self._entry is None:
            raise KeyringRefused("Sign in once with the passphrase first.")
        if person.second_factor or self.asks_for_computer:
            raise KeyringRefused("The keyring alone may not open this vault.")
        tag, private = self._entry.opener.tag, self._entry.private
        secret = self._system().new_secret(self._header.now.id)
        opener = openers.keyring_opener(self._header.now.id, tag, private, secret)
        self._replace(lambda now: now.with_keyring(opener), person.name, "key.remember")

    def forget(self, person: Person) -> None:
        """Let the passphrase alone sign a person in again.

        The header goes first: what a keyring that does not answer still keeps opens nothing then.
        """
        vault_id = self._header.now.id
        tag = openers.tag_of(vault_id, person.name)
        self._replace(lambda now: now.without_keyring(tag), person.name, "key.forget")
        try:
            self._system().forget(vault_id)
        except KeyringRefused:
            return

    def ask_for_computer(self, *, actor: str) -> None:
        """Open with a new key of this computer's keyring only, beside a passphrase.

        Raises `KeyringRefused`. Other computers, and the keyring alone, open the vault no more.
        """
        secret = self._system().new_secret(computer_name(self._header.now.id))
        self._rewrap(secret, actor, "key.computer", "asked for")

    def ask_for_no_computer(self, *, actor: str) -> None:
        """Open with a passphrase on any computer again."""
        self._rewrap(None, actor, "key.computer", "not asked for")
        try:
            self._system().forget(computer_name(self._header.now.id))
        except KeyringRefused:
            return

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
            lambda now: msgspec.structs.replace(now, recovery=opener), actor, "key.recovery-sheet"
        )

    def strengthen(self, passphrase: str, cost: KeyCost) -> None:
        """Seal the way in of who is signed in at a cost that suits today's machines."""
        entry = self._entry
        if entry is None:
            return
        vault_id = self._header.now.id
        opener = openers.with_passphrase(vault_id, entry.opener, entry.private, passphrase, cost)
        outcome = f"{cost.memory_kib // 1024} MiB, {cost.passes} passes"
        self._replace(lambda now: now.with_person(opener), "system", "key.strengthen", outcome)

    def rotate(self, *, actor: str) -> None:
        """Begin to change the vault key and the database's key; opening the vault again ends it."""
        rotation.begin(self._header, self._audit, actor=actor)

    def forget_keys(self) -> None:
        """Let go of what opened the vault."""
        self._entry = None
        self._computer = None

    def _rewrap(self, computer: bytes | None, actor: str, act: str, outcome: str) -> None:
        header = self._header

        def changed(now: Header) -> Header:
            people = tuple(
                openers.rewrapped(now.id, one, header.key, computer) for one in now.people
            )
            keyring = now.keyring if computer is None else ()
            return msgspec.structs.replace(now, people=people, keyring=keyring)

        self._replace(changed, actor, act, outcome)
        self._computer = computer

    def _replace(
        self, change: Callable[[Header], Header], actor: str, act: str, outcome: str = "ok"
    ) -> None:
        self._header.replace(
            change,
            lambda writing: self._audit.append(writing, actor=actor, act=act, outcome=outcome),
        )

    def _system(self) -> Keyring:
        return self._keyring or system_keyring()
