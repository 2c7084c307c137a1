"""The system's keyring as a convenience beside the passphrase, never instead of it.

What is kept there is a random key of this device; what it opens lies in the vault's header. So the
keyring holds neither the passphrase nor the vault key, and a copied vault folder is not opened by a
copied keyring of another device. Only keyrings that are known to encrypt are used; any other one
(plain text, null, a chain with something unknown in it) is refused with `KeyringRefused`.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from app.errors import KeyringRefused
from app.storage.crypto import KEY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterator

SERVICE = "AutoInsights vault"

_ALLOWED = frozenset(
    {
        "keyring.backends.SecretService.Keyring",
        "keyring.backends.kwallet.DBusKeyring",
        "keyring.backends.kwallet.DBusKeyringKWallet4",
        "keyring.backends.kwallet.DBusKeyringKWallet5",
        "keyring.backends.Windows.WinVaultKeyring",
        "keyring.backends.macOS.Keyring",
    }
)
_CHAIN = "keyring.backends.chainer.ChainerBackend"


class Backend(Protocol):
    """The part of a keyring that is used."""

    def get_password(self, service: str, username: str, /) -> str | None:
        """Return what is kept under a name."""

    def set_password(self, service: str, username: str, password: str, /) -> None:
        """Keep something under a name."""

    def delete_password(self, service: str, username: str, /) -> None:
        """Forget what is kept under a name."""


def allowed(backend: object) -> bool:
    """Return whether a keyring is one of those that are known to encrypt what they keep."""
    kind = type(backend)
    name = f"{kind.__module__}.{kind.__qualname__}"
    if name == _CHAIN:
        links = tuple(getattr(backend, "backends", ()))
        return bool(links) and all(allowed(link) for link in links)
    return name in _ALLOWED


def system_keyring() -> Keyring:
    """Return the keyring of the system; raises `KeyringRefused` where there is no safe one."""
    import keyring

    backend = keyring.get_keyring()
    if not allowed(backend):
        raise KeyringRefused("This system offers no keyring that keeps a key encrypted.")
    return Keyring(backend)


class Keyring:
    """Keeps one random key per vault."""

    def __init__(self, backend: Backend) -> None:
        """Use a backend that the caller has found to be safe (see `allowed`)."""
        self._backend = backend

    def new_secret(self, vault_id: str) -> bytes:
        """Make, keep and return a random key for a vault, over any older one."""
        secret = secrets.token_bytes(KEY_BYTES)
        with _refusals():
            self._backend.set_password(SERVICE, vault_id, secret.hex())
        if self.secret(vault_id) != secret:
            raise KeyringRefused("The system's keyring did not keep the key.")
        return secret

    def secret(self, vault_id: str) -> bytes | None:
        """Return the key that is kept for a vault, or `None`."""
        with _refusals():
            kept = self._backend.get_password(SERVICE, vault_id)
        try:
            secret = bytes.fromhex(kept or "")
        except (TypeError, ValueError):
            return None
        return secret if len(secret) == KEY_BYTES else None

    def forget(self, vault_id: str) -> None:
        """Remove the key of a vault, if one is kept."""
        with _refusals():
            if self._backend.get_password(SERVICE, vault_id) is not None:
                self._backend.delete_password(SERVICE, vault_id)


@contextmanager
def _refusals() -> Iterator[None]:
    from keyring.errors import KeyringError

    try:
        yield
    except (KeyringError, OSError, RuntimeError) as error:
        raise KeyringRefused("The system's keyring is locked or does not answer.") from error
