"""The vault's header, `vault.json`: what is known of a vault before it is opened.

Promises to tell apart a header that was changed (`VaultDamaged`), one from a newer program
(`VaultNewer`) and a passphrase that does not fit (`WrongPassphrase`). A checksum finds accidents
before the passphrase is tried; once the vault key is known, a keyed digest over the whole header
finds changes that were made on purpose. Every opener is one more sealed form of the same vault key.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Literal

import msgspec

from app.errors import (
    SealBroken,
    VaultDamaged,
    VaultMissing,
    VaultNewer,
    WrongPassphrase,
)
from app.storage import files
from app.storage.crypto import keyed_digest
from app.storage.keys import ARGON2, KeyCost, KeyPurpose, VaultKey, stretched

if TYPE_CHECKING:
    from pathlib import Path

NAME = "vault.json"
FORMAT = 1
_LARGEST_BYTES = 1 << 20
_SALT_BYTES = 16


class PassphraseOpener(
    msgspec.Struct, frozen=True, tag_field="kind", tag="passphrase", forbid_unknown_fields=True
):
    """The vault key, sealed under a key that Argon2id makes of a person's passphrase."""

    person: str
    argon2: int
    cost: KeyCost
    salt: bytes
    sealed: bytes


class DeviceOpener(
    msgspec.Struct, frozen=True, tag_field="kind", tag="device", forbid_unknown_fields=True
):
    """The vault key, sealed under a random key that the system's keyring keeps."""

    sealed: bytes


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All fields of `vault.json`; `check` is for accidents, `mac` for changes made on purpose."""

    product: Literal["autoinsights-vault"] = "autoinsights-vault"
    format: int = FORMAT
    id: str
    created_at: str
    demo: bool
    openers: tuple[PassphraseOpener | DeviceOpener, ...]
    check: str = ""
    mac: str = ""

    def signed(self, key: VaultKey) -> Header:
        """Return the header with both digests as they must be."""
        mac = _mac(self, key)
        return msgspec.structs.replace(self, check=_check(self), mac=mac)

    def verify(self, key: VaultKey) -> None:
        """Raise `VaultDamaged` unless the header is as the program wrote it."""
        if not hmac.compare_digest(self.mac.encode(), _mac(self, key).encode()):
            raise VaultDamaged("The vault's header was changed.")

    def open_with(self, passphrase: str) -> VaultKey:
        """Return the vault key that a passphrase opens; raises `WrongPassphrase`."""
        for opener in self.openers:
            if not isinstance(opener, PassphraseOpener):
                continue
            if opener.argon2 != ARGON2 or not opener.cost.acceptable():
                raise VaultDamaged("The vault's header holds impossible values.")
            secret = stretched(passphrase, opener.salt, opener.cost)
            try:
                key = VaultKey.opened(self.id, opener.sealed, secret, kind="passphrase")
            except SealBroken:
                continue
            self.verify(key)
            return key
        raise WrongPassphrase("The passphrase does not open this vault.")

    def open_with_device(self, secret: bytes) -> VaultKey | None:
        """Return the vault key that a device's key opens, or `None` if no opener fits it."""
        for opener in self.openers:
            if not isinstance(opener, DeviceOpener):
                continue
            try:
                key = VaultKey.opened(self.id, opener.sealed, secret, kind="device")
            except SealBroken:
                continue
            self.verify(key)
            return key
        return None

    def remembered(self) -> bool:
        """Return whether a device's key may open the vault."""
        return any(isinstance(opener, DeviceOpener) for opener in self.openers)

    def with_device(self, sealed: bytes | None) -> Header:
        """Return the header with this one device's opener, or with none."""
        kept = tuple(o for o in self.openers if not isinstance(o, DeviceOpener))
        added = () if sealed is None else (DeviceOpener(sealed),)
        return msgspec.structs.replace(self, openers=kept + added)


def passphrase_opener(key: VaultKey, passphrase: str, cost: KeyCost) -> PassphraseOpener:
    """Return the vault key sealed under a passphrase, with a salt of its own."""
    salt = os.urandom(_SALT_BYTES)
    sealed = key.sealed(stretched(passphrase, salt, cost), kind="passphrase")
    return PassphraseOpener(person="owner", argon2=ARGON2, cost=cost, salt=salt, sealed=sealed)


def read(folder: Path) -> Header:
    """Return the header of a vault; raises `VaultMissing`, `VaultNewer` or `VaultDamaged`."""
    path = folder / NAME
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise VaultMissing(f"There is no vault in {folder}.") from error
    except OSError as error:
        raise files.explained(error) from error
    return _parsed(content)


def write(folder: Path, header: Header) -> None:
    """Put a signed header in place as a whole."""
    content = msgspec.json.format(msgspec.json.encode(header), indent=2)
    files.write_atomic(folder / NAME, content + b"\n")


def _parsed(content: bytes) -> Header:
    try:
        version = msgspec.json.decode(content, type=_Version)
        if version.format > FORMAT:
            raise VaultNewer("This vault was written by a newer version of AutoInsights.")
        header = msgspec.json.decode(content, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise VaultDamaged("The vault's header cannot be read.") from error
    if header.check != _check(header) or header.format != FORMAT:
        raise VaultDamaged("The vault's header is damaged.")
    return header


class _Version(msgspec.Struct):
    product: Literal["autoinsights-vault"]
    format: int


def _canonical(header: Header) -> bytes:
    bare = msgspec.structs.replace(header, check="", mac="")
    return msgspec.json.encode(bare, order="sorted")


def _check(header: Header) -> str:
    return hashlib.sha256(_canonical(header)).hexdigest()


def _mac(header: Header, key: VaultKey) -> str:
    return keyed_digest(key.derive(KeyPurpose.HEADER), _canonical(header)).hex()
