"""The system's keyring: which ones are refused, and what they are given."""

from __future__ import annotations

import keyring
import keyring.backends.chainer
import keyring.backends.fail
import keyring.backends.kwallet
import keyring.backends.macOS
import keyring.backends.null
import keyring.backends.SecretService
import keyring.backends.Windows
import pytest
from keyring.errors import KeyringLocked, PasswordSetError

from app.errors import KeyringRefused
from app.storage import remembered
from app.storage.remembered import SERVICE, Keyring, allowed, system_keyring

VAULT = "ab" * 16


class Memory:
    """A keyring in memory, with the faults that real ones have."""

    def __init__(self):
        self.kept = {}

    def get_password(self, service, username):
        return self.kept.get((service, username))

    def set_password(self, service, username, password):
        self.kept[service, username] = password

    def delete_password(self, service, username):
        del self.kept[service, username]


class Locked(Memory):
    def get_password(self, *_):
        raise KeyringLocked("locked")


class Full(Memory):
    def set_password(self, *_):
        raise PasswordSetError("full")


class Forgetful(Memory):
    def set_password(self, *_):
        pass


class PlaintextKeyring(Memory):
    """What `keyrings.alt` brings; named like a safe one by its module only."""


def _bare(kind):
    return kind.__new__(kind)


def _chain(*links):
    chain = _bare(type("ChainerBackend", (), {"backends": links}))
    type(chain).__module__ = "keyring.backends.chainer"
    return chain


SAFE = [
    keyring.backends.SecretService.Keyring,
    keyring.backends.kwallet.DBusKeyring,
    keyring.backends.kwallet.DBusKeyringKWallet4,
    keyring.backends.Windows.WinVaultKeyring,
    keyring.backends.macOS.Keyring,
]


@pytest.mark.parametrize("kind", SAFE)
def test_keyrings_that_encrypt_are_allowed(kind):
    assert allowed(_bare(kind))


@pytest.mark.parametrize(
    "backend",
    [
        _bare(keyring.backends.null.Keyring),
        _bare(keyring.backends.fail.Keyring),
        PlaintextKeyring(),
        Memory(),
        object(),
        None,
        _chain(),
        _chain(_bare(SAFE[0]), PlaintextKeyring()),
        _chain(_chain(_bare(keyring.backends.null.Keyring))),
    ],
)
def test_all_others_are_refused(backend):
    assert not allowed(backend)


def test_a_chain_of_safe_ones_is_allowed():
    assert allowed(_chain(_bare(SAFE[0]), _bare(SAFE[1])))


def test_a_class_made_from_a_safe_one_is_refused():
    assert not allowed(_bare(type("Keyring", (SAFE[0],), {})))


@pytest.mark.parametrize("name", ["null", "fail"])
def test_the_system_without_a_safe_keyring_is_refused(name):
    before = keyring.get_keyring()
    keyring.set_keyring(getattr(keyring.backends, name).Keyring())
    try:
        with pytest.raises(KeyringRefused):
            system_keyring()
    finally:
        keyring.set_keyring(before)


def test_a_safe_system_keyring_is_used(monkeypatch):
    backend = _bare(SAFE[0])
    monkeypatch.setattr(keyring, "get_keyring", lambda: backend)
    assert system_keyring()._backend is backend


def test_one_random_key_per_vault_is_kept_and_forgotten():
    memory = Memory()
    kept = Keyring(memory)
    secret = kept.new_secret(VAULT)
    assert kept.secret(VAULT) == secret
    assert kept.secret("cd" * 16) is None
    assert len(secret) == 32
    assert memory.kept == {(SERVICE, VAULT): secret.hex()}
    assert kept.new_secret(VAULT) != secret
    kept.forget(VAULT)
    kept.forget(VAULT)
    assert kept.secret(VAULT) is None


@pytest.mark.parametrize("junk", ["", "zz", "ab", "ab" * 33, "päss"])
def test_something_else_in_the_keyring_is_no_key(junk):
    memory = Memory()
    memory.kept[SERVICE, VAULT] = junk
    assert Keyring(memory).secret(VAULT) is None


@pytest.mark.parametrize("backend", [Locked(), Full(), Forgetful()])
def test_a_keyring_that_does_not_keep_is_refused(backend):
    with pytest.raises(KeyringRefused):
        Keyring(backend).new_secret(VAULT)


def test_a_locked_keyring_is_refused_everywhere():
    for act in ("secret", "forget"):
        with pytest.raises(KeyringRefused):
            getattr(Keyring(Locked()), act)(VAULT)


def test_the_allow_list_names_classes_that_exist():
    assert {f"{kind.__module__}.{kind.__qualname__}" for kind in SAFE} <= remembered._ALLOWED
