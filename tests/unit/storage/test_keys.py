"""Passphrases and the hierarchy of keys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import SealBroken, StorageError
from app.storage import keys
from app.storage.keys import LOWEST_COST, CallKeys, KeyCost, KeyPurpose, VaultKey

VAULT = "f" * 32

pytestmark = pytest.mark.usefixtures("real_stretching")


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


def test_a_vault_key_leads_to_the_one_that_takes_its_place_in_its_own_vault_only():
    key, following = VaultKey.random(VAULT), VaultKey.random(VAULT)
    sealed = following.sealed_under(key)
    assert key.following(sealed).secret_bytes() == following.secret_bytes()
    for other in (following, VaultKey.random(VAULT), VaultKey("e" * 32, key.secret_bytes())):
        with pytest.raises(SealBroken):
            other.following(sealed)


def test_the_key_of_the_index_moves_and_stays_the_same():
    old, new = VaultKey.random(VAULT), VaultKey.random(VAULT)
    sealed = keys.new_index_key(old)
    moved = keys.moved_index_key(sealed, old, new)
    assert keys.opened_index_key(moved, new) == keys.opened_index_key(sealed, old)
    with pytest.raises(SealBroken):
        keys.opened_index_key(moved, old)


def test_a_salt_makes_another_key_of_the_same_purpose():
    key = VaultKey.random(VAULT)
    salts = (None, b"1" * 16, b"2" * 16)
    assert len({key.derive(KeyPurpose.DATABASE, salt) for salt in salts}) == 3


def test_wiped_keys_of_calls_seal_nothing_more():
    calls = CallKeys(b"1" * 32, b"2" * 32)
    calls.wipe()
    for act in (
        lambda: calls.new("a" * 32),
        lambda: calls.opened("a" * 32, b""),
        lambda: calls.blind_index("CARD", b""),
    ):
        with pytest.raises(RuntimeError):
            act()


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
    calls = CallKeys(b"0" * 32, b"0" * 32)
    secret, sealed = calls.new("a" * 32)
    assert calls.opened("a" * 32, sealed) == secret
    with pytest.raises(SealBroken):
        calls.opened("b" * 32, sealed)
    with pytest.raises(SealBroken):
        CallKeys(b"1" * 32, b"0" * 32).opened("a" * 32, sealed)


@given(st.text(max_size=9), st.binary(max_size=40), st.text(max_size=9), st.binary(max_size=40))
def test_blind_indexes_tell_values_apart_and_need_the_key(kind, digest, other_kind, other):
    calls = CallKeys(b"0" * 32, b"0" * 32)
    same = calls.blind_index(kind, digest) == calls.blind_index(other_kind, other)
    assert same == ((kind, digest) == (other_kind, other))
    elsewhere = CallKeys(b"0" * 32, b"1" * 32)
    assert elsewhere.blind_index(kind, digest) != calls.blind_index(kind, digest)
