"""The ways into the vault: keyring, this computer, recovery sheet, and new keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import KeysState, Right, Subject

if TYPE_CHECKING:
    from app.domain import Changes
    from app.workspace.gate import Confirmed, Gate

_SETTINGS: Changes = frozenset({Subject.SETTINGS})


@dataclass(frozen=True, slots=True)
class Keys:
    """The ways into the vault, as people change them; each change is an audit entry.

    Whatever lets somebody in takes the passphrase again: `confirmed`, or `NotAllowed` is raised;
    and it takes a vault that is not in doubt, see `Gate.expect_trust`."""

    _gate: Gate

    def state(self) -> KeysState:
        """Return what the vault asks for."""
        self._gate.known()
        ways = self._gate.vault.ways_in
        return KeysState(
            asks_for_computer=ways.asks_for_computer,
            has_recovery_sheet=ways.has_recovery_sheet,
            change_waits=ways.change_waits,
            hindrance=ways.hindrance,
        )

    def remember(self, *, confirmed: Confirmed | None) -> Changes:
        """Let the system's keyring sign this person in here; raises `KeyringRefused`."""
        self._gate.present()
        self._gate.expect_confirmed("keys.remember", confirmed)
        self._gate.expect_trust()
        self._gate.vault.ways_in.remember(self._gate.vault.people.get(self._gate.actor))
        return _SETTINGS

    def forget(self) -> Changes:
        """Let the passphrase alone sign this person in again."""
        self._gate.known()
        self._gate.vault.ways_in.forget(self._gate.vault.people.get(self._gate.actor))
        return _SETTINGS

    def ask_for_computer(self, *, wanted: bool, confirmed: Confirmed | None) -> Changes:
        """Let the vault open on this computer only, or on any; raises `KeyringRefused`."""
        self._gate.require(Right.MANAGE_VAULT)
        self._gate.expect_confirmed("keys.ask_for_computer", confirmed)
        self._gate.expect_trust()
        ways = self._gate.vault.ways_in
        change = ways.ask_for_computer if wanted else ways.ask_for_no_computer
        change(actor=self._gate.actor)
        return _SETTINGS

    def new_sheet(self) -> str:
        """Return the text of a new recovery sheet, which opens nothing until `keep_sheet`."""
        self._gate.require(Right.MANAGE_VAULT)
        return self._gate.vault.ways_in.new_sheet()

    def keep_sheet(self, shown: str, typed: str, *, confirmed: Confirmed | None) -> Changes:
        """Let a sheet open the vault once it was typed as it is shown; raises `RecoveryWrong`."""
        self._gate.require(Right.MANAGE_VAULT)
        self._gate.expect_confirmed("keys.keep_sheet", confirmed)
        self._gate.expect_trust()
        self._gate.vault.ways_in.keep_sheet(shown, typed, actor=self._gate.actor)
        return _SETTINGS

    def rotate(self, *, confirmed: Confirmed | None) -> Changes:
        """Change the vault key and the database's key: done when the vault is opened next."""
        self._gate.require(Right.MANAGE_VAULT)
        self._gate.expect_confirmed("keys.rotate", confirmed)
        self._gate.vault.ways_in.rotate(actor=self._gate.actor)
        return _SETTINGS
