"""The ways into a vault: one more sealed form of the same vault key for each person.

    passphrase --Argon2id--> opens a person's private key --HPKE--> opens the vault key
    recovery sheet --HKDF--> private key of the sheet     --HPKE--> opens the vault key
    keyring of this computer --> opens a person's private key, where the person asked for it

The vault key is sealed to public keys, so that it can be changed, and people can be added, without
anybody's passphrase. Since anyone can seal to a public key, what is sealed is sealed before under a
secret that only the person and the vault share: nobody can make another vault that opens with the
same passphrase. Where the vault asks for this computer too, the innermost seal is one under a key
of its keyring: a copied vault and a guessed passphrase do not open it.

HPKE is RFC 9180 with the hybrid of ML-KEM-768 and X25519, HKDF-SHA256 and AES-256-GCM: a header
that is copied today stays shut for a quantum computer of later, as the passphrase alone would be.
"""

from __future__ import annotations

import hashlib
import os
from typing import NamedTuple

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from app.errors import DeviceUnknown, SealBroken, VaultDamaged
from app.storage.crypto import Binding, derive, seal_bytes, unseal_bytes
from app.storage.keys import ARGON2, KeyCost, KeyPurpose, VaultKey, stretched
from app.storage.names import plain_name

_SALT_BYTES = 16
_MLKEM_SEED_BYTES = 64
_PAIR_BYTES = 96
_SHARED_BYTES = 32
_MLKEM_PUBLIC_BYTES = 1184
_SUITE = Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class _Pair(NamedTuple):
    """A private key as bytes (64 of ML-KEM's seed, 32 of X25519), its public key as bytes, and the
    secret that its holder shares with the vault."""

    private: bytes
    public: bytes
    shared: bytes

    @property
    def kept(self) -> bytes:
        return self.private + self.shared


class PersonOpener(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One person's way in: their private key (and the shared secret) sealed under their passphrase,
    the vault key sealed to their public key, the shared secret sealed under the vault key. `tag` is
    a digest of the sign-in name, so that the header lists nobody."""

    tag: bytes
    argon2: int = ARGON2
    cost: KeyCost
    salt: bytes
    private: bytes
    public: bytes
    shared: bytes
    device: bool
    vault_key: bytes


class RecoveryOpener(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The recovery sheet's way in; it needs no computer in particular."""

    public: bytes
    shared: bytes
    vault_key: bytes


class KeyringOpener(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A person's private key, sealed under a random key that the system's keyring keeps."""

    tag: bytes
    private: bytes


def tag_of(vault_id: str, name: str) -> bytes:
    """Return the digest under which a sign-in name stands in the header."""
    text = f"autoinsights-person-2:{vault_id}:{plain_name(name)}"
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def person_opener(  # noqa: PLR0913 (all that one way in is made of)
    vault_id: str,
    key: VaultKey,
    *,
    name: str,
    passphrase: str,
    cost: KeyCost,
    device: bytes | None = None,
) -> PersonOpener:
    """Return a new way in for a person, with a key pair and a salt of its own."""
    pair = _new_pair()
    tag = tag_of(vault_id, name)
    salt = os.urandom(_SALT_BYTES)
    secret = stretched(passphrase, salt, cost)
    return PersonOpener(
        tag=tag,
        cost=cost,
        salt=salt,
        private=seal_bytes(pair.kept, secret, _private_binding(vault_id, tag)),
        public=pair.public,
        shared=seal_bytes(pair.shared, key.derive(KeyPurpose.HEADER), _shared(vault_id, tag)),
        device=device is not None,
        vault_key=_wrapped(vault_id, key, pair, tag, device),
    )


def private_key(vault_id: str, opener: PersonOpener, passphrase: str) -> bytes:
    """Return a person's private key; raises `SealBroken` where the passphrase is another one."""
    if opener.argon2 != ARGON2 or len(opener.salt) != _SALT_BYTES:
        raise VaultDamaged("The vault's header holds impossible values.")
    secret = slow_key(passphrase, opener.salt, opener.cost)
    return unseal_bytes(opener.private, secret, _private_binding(vault_id, opener.tag))


def slow_key(passphrase: str, salt: bytes, cost: KeyCost) -> bytes:
    """Return what Argon2id makes of a passphrase at a cost that a header names."""
    if not cost.acceptable():
        raise VaultDamaged("The vault's header holds impossible values.")
    return stretched(passphrase, salt, cost)


def with_passphrase(
    vault_id: str, opener: PersonOpener, private: bytes, passphrase: str, cost: KeyCost
) -> PersonOpener:
    """Return the same way in behind another passphrase, or the same one at another cost."""
    salt = os.urandom(_SALT_BYTES)
    secret = stretched(passphrase, salt, cost)
    sealed = seal_bytes(private, secret, _private_binding(vault_id, opener.tag))
    return msgspec.structs.replace(opener, cost=cost, salt=salt, private=sealed)


def vault_key(
    vault_id: str, opener: PersonOpener, private: bytes, device: bytes | None
) -> VaultKey:
    """Return the vault key that a person's private key opens.

    `device` is the key of this computer's keyring, where the vault demands it. Raises
    `DeviceUnknown` where that is missing or another one, `VaultDamaged` where the header was
    changed.
    """
    sealed = _opened(vault_id, opener.vault_key, private, opener.tag)
    if opener.device:
        try:
            sealed = unseal_bytes(sealed, device or b"", _device_binding(vault_id, opener.tag))
        except SealBroken as error:
            raise DeviceUnknown("This computer may not open this vault.") from error
    return VaultKey(vault_id, sealed)


def rewrapped(
    vault_id: str, opener: PersonOpener, old: VaultKey, new: VaultKey, device: bytes | None
) -> PersonOpener:
    """Return a person's way in to another vault key, or with or without this computer's key.

    `old` is the vault key that the way in leads to now.
    """
    tag = opener.tag
    shared = unseal_bytes(opener.shared, old.derive(KeyPurpose.HEADER), _shared(vault_id, tag))
    to = _Pair(b"", opener.public, shared)
    return msgspec.structs.replace(
        opener,
        shared=seal_bytes(shared, new.derive(KeyPurpose.HEADER), _shared(vault_id, tag)),
        device=device is not None,
        vault_key=_wrapped(vault_id, new, to, tag, device),
    )


def recovery_opener(vault_id: str, key: VaultKey, secret: bytes) -> RecoveryOpener:
    """Return the way in of a sheet that holds `secret`."""
    return _recovery_opener(vault_id, key, _sheet_pair(vault_id, secret))


def rewrapped_recovery(
    vault_id: str, opener: RecoveryOpener, old: VaultKey, new: VaultKey
) -> RecoveryOpener:
    """Return the sheet's way in to another vault key; the paper stays good."""
    binding = _shared(vault_id, _SHEET)
    shared = unseal_bytes(opener.shared, old.derive(KeyPurpose.HEADER), binding)
    return _recovery_opener(vault_id, new, _Pair(b"", opener.public, shared))


def recovered_key(vault_id: str, opener: RecoveryOpener, secret: bytes) -> VaultKey:
    """Return the vault key that a recovery sheet opens; raises `SealBroken` for another sheet."""
    pair = _sheet_pair(vault_id, secret)
    if pair.public != opener.public:
        raise SealBroken("This is not the recovery sheet of this vault.")
    return VaultKey(vault_id, _opened(vault_id, opener.vault_key, pair.kept, _SHEET))


def keyring_opener(vault_id: str, tag: bytes, private: bytes, secret: bytes) -> KeyringOpener:
    """Return a person's way in by a key that the system's keyring keeps."""
    sealed = seal_bytes(private, secret, _keyring_binding(vault_id, tag))
    return KeyringOpener(tag=tag, private=sealed)


def private_key_of_keyring(vault_id: str, opener: KeyringOpener, secret: bytes) -> bytes:
    """Return a person's private key; raises `SealBroken` where the keyring's key is another one."""
    return unseal_bytes(opener.private, secret, _keyring_binding(vault_id, opener.tag))


_SHEET = b"recovery sheet"


def _new_pair() -> _Pair:
    return _pair(
        MLKEM768PrivateKey.generate(), X25519PrivateKey.generate(), os.urandom(_SHARED_BYTES)
    )


def _sheet_pair(vault_id: str, secret: bytes) -> _Pair:
    """Return the key pair that follows from a sheet: its secret has 160 random bits."""
    names = ("mlkem-1", "mlkem-2", "x25519", "shared")
    parts = [derive(secret, f"autoinsights/2/recovery/{vault_id}/{name}") for name in names]
    mlkem = MLKEM768PrivateKey.from_seed_bytes(parts[0] + parts[1])
    return _pair(mlkem, X25519PrivateKey.from_private_bytes(parts[2]), parts[3])


def _pair(mlkem: MLKEM768PrivateKey, x25519: X25519PrivateKey, shared: bytes) -> _Pair:
    return _Pair(
        mlkem.private_bytes_raw() + x25519.private_bytes_raw(),
        mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw(),
        shared,
    )


def _recovery_opener(vault_id: str, key: VaultKey, pair: _Pair) -> RecoveryOpener:
    binding = _shared(vault_id, _SHEET)
    return RecoveryOpener(
        public=pair.public,
        shared=seal_bytes(pair.shared, key.derive(KeyPurpose.HEADER), binding),
        vault_key=_wrapped(vault_id, key, pair, _SHEET, None),
    )


def _wrapped(
    vault_id: str, key: VaultKey, to: _Pair, subject: bytes, device: bytes | None
) -> bytes:
    content = key.secret_bytes()
    if device is not None:
        content = seal_bytes(content, device, _device_binding(vault_id, subject))
    content = seal_bytes(content, to.shared, _vault_key_binding(vault_id, subject))
    public = MLKEM768X25519PublicKey(
        MLKEM768PublicKey.from_public_bytes(to.public[:_MLKEM_PUBLIC_BYTES]),
        X25519PublicKey.from_public_bytes(to.public[_MLKEM_PUBLIC_BYTES:]),
    )
    return _SUITE.encrypt(content, public, info=_info(vault_id, subject))


def _opened(vault_id: str, sealed: bytes, kept: bytes, subject: bytes) -> bytes:
    """Return what is sealed to a private key and the shared secret behind it."""
    own = MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(kept[:_MLKEM_SEED_BYTES]),
        X25519PrivateKey.from_private_bytes(kept[_MLKEM_SEED_BYTES:_PAIR_BYTES]),
    )
    try:
        content = _SUITE.decrypt(sealed, own, info=_info(vault_id, subject))
        return unseal_bytes(content, kept[_PAIR_BYTES:], _vault_key_binding(vault_id, subject))
    except (InvalidTag, ValueError, SealBroken) as error:
        raise VaultDamaged("The vault's header was changed.") from error


def _info(vault_id: str, subject: bytes) -> bytes:
    return b"autoinsights-vault-key-2:" + vault_id.encode() + b":" + subject


def _private_binding(vault_id: str, tag: bytes) -> Binding:
    return Binding("private-key", f"{vault_id}:{tag.hex()}")


def _shared(vault_id: str, subject: bytes) -> Binding:
    return Binding("shared-secret", f"{vault_id}:{subject.hex()}")


def _vault_key_binding(vault_id: str, subject: bytes) -> Binding:
    return Binding("vault-key:shared", f"{vault_id}:{subject.hex()}")


def _device_binding(vault_id: str, subject: bytes) -> Binding:
    return Binding("vault-key:device", f"{vault_id}:{subject.hex()}")


def _keyring_binding(vault_id: str, tag: bytes) -> Binding:
    return Binding("private-key:keyring", f"{vault_id}:{tag.hex()}")
