"""Signing in: from a name and a passphrase to the vault key, and from there to a person.

Promises that a name that nobody has and a wrong passphrase look and take the same, that failures
are counted before the answer is given, and that whoever has to wait waits whatever they type.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.domain import Person, PersonState
from app.errors import (
    NameNeeded,
    PersonSuspended,
    RecoveryWrong,
    SealBroken,
    WrongPassphrase,
)
from app.storage import openers, recovery_sheet
from app.storage.attempts import key_of
from app.storage.keys import LOWEST_COST

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.storage.attempts import Attempts
    from app.storage.header import Header
    from app.storage.keys import VaultKey
    from app.storage.openers import PersonOpener


@dataclass(frozen=True, slots=True)
class Entry:
    """Somebody whose passphrase was right: their way in, their private key, the vault key.

    `computer` is the key of this computer, where the vault asks for it; `seconds` is how long the
    passphrase took to check, 0 where it was the keyring's key.
    """

    opener: PersonOpener = field(repr=False)
    private: bytes = field(repr=False)
    key: VaultKey
    computer: bytes | None = field(default=None, repr=False)
    seconds: float = 0.0


def by_passphrase(
    header: Header,
    name: str,
    passphrase: str,
    *,
    attempts: Attempts | None,
    computer: Callable[[], bytes | None],
) -> Entry:
    """Return who a name and a passphrase let in; without `attempts`, nothing is counted.

    Raises `WrongPassphrase`, `SignInDelayed`, `DeviceUnknown` or `VaultDamaged`.
    """
    if not name.strip() and len(header.people) > 1:
        raise NameNeeded("Several people use this vault: a name is needed.")
    opener = header.opener(name)
    who = counted_as(header, name)
    if attempts is not None:
        attempts.expect_no_wait(who)
    started = time.perf_counter()
    private = _private_key(header, opener, passphrase)
    seconds = time.perf_counter() - started
    if opener is None or private is None:
        if attempts is not None:
            attempts.failed(who)
        raise WrongPassphrase("The name and the passphrase do not open this vault.")
    secret = computer() if opener.device else None
    return Entry(opener, private, _vault_key(header, opener, private, secret), secret, seconds)


def counted_as(header: Header, name: str) -> str:
    """Return under what the failed attempts of a name are counted."""
    opener = header.opener(name)
    tag = openers.tag_of(header.id, name) if opener is None else opener.tag
    return key_of(tag, known=opener is not None)


def by_keyring(header: Header, secret: bytes) -> Entry | None:
    """Return who the key that the system's keyring keeps lets in, or `None`."""
    for kept in header.keyring:
        opener = header.opener_of(kept.tag)
        if opener is None or opener.device:
            continue
        try:
            private = openers.private_key_of_keyring(header.id, kept, secret)
        except SealBroken:
            continue
        return Entry(opener, private, _vault_key(header, opener, private, None))
    return None


def by_sheet(header: Header, sheet: str) -> VaultKey:
    """Return the vault key that a recovery sheet opens; raises `RecoveryWrong`."""
    secret = recovery_sheet.parsed(sheet)
    try:
        if header.recovery is None:
            raise SealBroken("there is no sheet")  # noqa: TRY301 (one answer for both)
        key = openers.recovered_key(header.id, header.recovery, secret)
    except SealBroken as error:
        raise RecoveryWrong("This is not the newest recovery sheet of this vault.") from error
    header.verify(key)
    return key


def expect_active(person: Person | None) -> Person:
    """Return a person who may sign in; raises `PersonSuspended`."""
    if person is None or person.state is not PersonState.ACTIVE:
        raise PersonSuspended("This person may not sign in to this vault any more.")
    return person


def _private_key(header: Header, opener: PersonOpener | None, passphrase: str) -> bytes | None:
    """Return what a passphrase opens, or `None`; a name that nobody has takes as long."""
    if opener is None:
        # as the slowest of all: whoever knows nobody cannot tell by the time who is there
        costs = [one.cost for one in header.people]
        cost = max(costs, key=lambda one: one.work, default=LOWEST_COST)
        openers.slow_key(passphrase, bytes(16), cost)
        return None
    try:
        return openers.private_key(header.id, opener, passphrase)
    except SealBroken:
        return None


def _vault_key(
    header: Header, opener: PersonOpener, private: bytes, computer: bytes | None
) -> VaultKey:
    key = openers.vault_key(header.id, opener, private, computer)
    header.verify(key)
    return key
