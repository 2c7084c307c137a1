"""Passphrases and the hierarchy of keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SealBroken, StorageError, WeakPassphrase
from app.storage import keys
from app.storage.keys import LOWEST_COST, CallKeys, KeyCost, KeyPurpose, VaultKey

VAULT = "f" * 32


@pytest.mark.parametrize("passphrase", ["", "short", "x" * 14, "e\u0301" * 14])
def test_a_passphrase_below_fifteen_characters_is_refused(passphrase):
    with pytest.raises(WeakPassphrase):
        keys.checked_passphrase(passphrase)


@pytest.mark.parametrize("passphrase", ["x" * 15, "e\u0301" * 15, "пятнадцать букв", "🔑" * 15])
def test_fifteen_characters_of_any_script_are_enough(passphrase):
    assert keys.checked_passphrase(passphrase) == passphrase


def test_the_refusal_does_not_repeat_the_passphrase():
    with pytest.raises(WeakPassphrase) as refusal:
        keys.checked_passphrase("hunter2hunter2")
    assert "hunter2" not in f"{refusal.value} {refusal.value.advice}"


def test_composed_and_decomposed_letters_are_the_same_passphrase():
    one = keys.stretched("caf\u00e9 au lait svp", bytes(16), LOWEST_COST)
    two = keys.stretched("cafe\u0301 au lait svp", bytes(16), LOWEST_COST)
    assert one == two


def test_letters_salt_and_cost_all_matter():
    dearer = KeyCost(memory_kib=LOWEST_COST.memory_kib, passes=2, lanes=1)
    made = {
        keys.stretched("a passphrase, here", bytes(16), LOWEST_COST),
        keys.stretched("A passphrase, here", bytes(16), LOWEST_COST),
        keys.stretched("a passphrase, here", b"1" * 16, LOWEST_COST),
        keys.stretched("a passphrase, here", bytes(16), dearer),
    }
    assert len(made) == 4


def test_a_passphrase_that_is_no_valid_unicode_works():
    assert len(keys.stretched("\udcff" * 15, bytes(16), LOWEST_COST)) == 32


def test_too_little_memory_is_said_plainly(monkeypatch):
    def fail(*_args, **_kwargs):
        raise keys.HashingError("Memory allocation error")

    monkeypatch.setattr(keys, "hash_secret_raw", fail)
    with pytest.raises(StorageError, match="not enough memory"):
        keys.stretched("x" * 15, bytes(16), LOWEST_COST)


def _timed(monkeypatch, seconds_per_mib_pass):
    def took(cost):
        return cost.passes * cost.memory_kib / 1024 * seconds_per_mib_pass

    monkeypatch.setattr(keys, "_seconds_for", took)
    return took


@pytest.mark.parametrize("speed", [0.00001, 0.0005, 0.001, 0.002, 0.005, 1.0])
def test_the_cost_fits_the_machine_and_never_falls_below_the_floor(monkeypatch, speed):
    took = _timed(monkeypatch, speed)
    cost = keys.calibrated(1.0)
    assert cost.acceptable()
    assert cost.passes >= 3
    assert cost.memory_kib >= 64 * 1024
    floor = KeyCost(memory_kib=64 * 1024, passes=3, lanes=1)
    assert took(cost) <= max(1.5, took(floor))


def test_calibrating_this_machine_works():
    assert keys.calibrated(0.01).acceptable()


@pytest.mark.parametrize(
    "cost",
    [
        KeyCost(memory_kib=64 * 1024 - 1, passes=3, lanes=1),
        KeyCost(memory_kib=1 << 40, passes=3, lanes=1),
        KeyCost(memory_kib=64 * 1024, passes=0, lanes=1),
        KeyCost(memory_kib=64 * 1024, passes=10**6, lanes=1),
        KeyCost(memory_kib=64 * 1024, passes=3, lanes=0),
        KeyCost(memory_kib=64 * 1024, passes=3, lanes=65),
    ],
)
def test_costs_that_protect_nothing_or_cannot_be_run_are_not_acceptable(cost):
    assert not cost.acceptable()


def test_every_purpose_has_a_key_of_its_own():
    key = VaultKey.random(VAULT)
    made = {key.derive(purpose) for purpose in KeyPurpose}
    assert len(made) == len(KeyPurpose)
    assert len({VaultKey.random(VAULT).derive(KeyPurpose.INDEX) for _ in range(9)}) == 9


def test_the_vault_key_opens_for_its_own_vault_and_kind_of_opener_only():
    key, opener = VaultKey.random(VAULT), bytes(32)
    sealed = key.sealed(opener, kind="passphrase")
    again = VaultKey.opened(VAULT, sealed, opener, kind="passphrase")
    assert again.derive(KeyPurpose.AUDIT) == key.derive(KeyPurpose.AUDIT)
    for vault_id, secret, kind in (
        ("e" * 32, opener, "passphrase"),
        (VAULT, b"1" * 32, "passphrase"),
        (VAULT, opener, "device"),
    ):
        with pytest.raises(SealBroken):
            VaultKey.opened(vault_id, sealed, secret, kind=kind)


def test_a_wiped_key_gives_nothing_and_no_key_shows_itself():
    key = VaultKey.random(VAULT)
    shown = key.derive(KeyPurpose.DATABASE).hex() + bytes(key._secret).hex()
    assert repr(key) == f"VaultKey({VAULT})"
    assert bytes(key._secret).hex() in shown
    key.wipe()
    assert not any(key._secret)
    with pytest.raises(RuntimeError):
        key.derive(KeyPurpose.DATABASE)


def test_a_call_key_opens_for_its_own_call_only():
    calls = CallKeys(bytes(32), bytes(32))
    secret, sealed = calls.new("a" * 32)
    assert calls.opened("a" * 32, sealed) == secret
    with pytest.raises(SealBroken):
        calls.opened("b" * 32, sealed)
    with pytest.raises(SealBroken):
        CallKeys(b"1" * 32, bytes(32)).opened("a" * 32, sealed)


@given(st.text(max_size=9), st.binary(max_size=40), st.text(max_size=9), st.binary(max_size=40))
def test_blind_indexes_tell_values_apart_and_need_the_key(kind, digest, other_kind, other):
    calls = CallKeys(bytes(32), bytes(32))
    same = calls.blind_index(kind, digest) == calls.blind_index(other_kind, other)
    assert same == ((kind, digest) == (other_kind, other))
    elsewhere = CallKeys(bytes(32), b"1" * 32)
    assert elsewhere.blind_index(kind, digest) != calls.blind_index(kind, digest)
