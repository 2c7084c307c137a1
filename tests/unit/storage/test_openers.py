"""The ways in: each opens for its own person, vault and computer, and for nothing else."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import DeviceUnknown, SealBroken, VaultDamaged
from app.storage import openers
from app.storage.keys import LOWEST_COST, KeyCost, VaultKey
from app.storage.names import plain_name

VAULT, ELSEWHERE = "ab" * 16, "cd" * 16
WORDS = "three unrelated words"
COMPUTER = b"c" * 32


def _opener(key, name="ann", *, vault_id=VAULT, device=None):
    return openers.person_opener(
        vault_id, key, name=name, passphrase=WORDS, cost=LOWEST_COST, device=device
    )


@pytest.fixture(scope="module")
def key():
    return VaultKey.random(VAULT)


@pytest.fixture(scope="module")
def ann(key):
    return _opener(key)


@pytest.fixture(scope="module")
def private(ann):
    return openers.private_key(VAULT, ann, WORDS)


@pytest.fixture(scope="module")
def admitted(key):
    """A way in that asks for a computer, and its private key."""
    opener = _opener(key, device=COMPUTER)
    return opener, openers.private_key(VAULT, opener, WORDS)


def _secret(opener, private, device=None, *, vault_id=VAULT):
    return openers.vault_key(vault_id, opener, private, device).secret_bytes()


def test_the_passphrase_opens_the_vault_key(key, ann, private):
    assert _secret(ann, private) == key.secret_bytes()
    assert not ann.device


def test_another_passphrase_opens_nothing(ann):
    with pytest.raises(SealBroken):
        openers.private_key(VAULT, ann, "three unrelated birds")


def test_no_two_ways_in_share_anything(key, ann):
    other = _opener(key)
    for field in ("salt", "private", "public", "shared", "vault_key"):
        assert getattr(ann, field) != getattr(other, field)
    assert ann.tag == other.tag


@pytest.mark.parametrize("field", ["private", "public", "shared", "vault_key", "salt", "tag"])
def test_a_part_of_another_persons_way_in_opens_nothing(key, ann, private, field):
    other = _opener(key, "bob")
    mixed = msgspec.structs.replace(ann, **{field: getattr(other, field)})
    if field in ("private", "salt", "tag"):
        with pytest.raises(SealBroken):
            openers.private_key(VAULT, mixed, WORDS)
    if field in ("vault_key", "tag"):
        with pytest.raises(VaultDamaged):
            _secret(mixed, private)
    if field == "shared":
        with pytest.raises(SealBroken):
            openers.rewrapped(VAULT, mixed, key, key, None)


def test_the_same_way_in_opens_no_other_vault(ann, private):
    with pytest.raises(SealBroken):
        openers.private_key(ELSEWHERE, ann, WORDS)
    with pytest.raises(VaultDamaged):
        _secret(ann, private, vault_id=ELSEWHERE)


def test_nobody_who_knows_the_public_key_only_can_put_another_vault_in_its_place(ann, private):
    """Sealing to a public key proves nothing about who sealed: the shared secret does."""
    theirs = VaultKey.random(VAULT)
    for shared in (bytes(32), ann.shared[:32], b""):
        forged = openers._wrapped(
            VAULT, theirs, openers._Pair(b"", ann.public, shared), ann.tag, None
        )
        with pytest.raises(VaultDamaged):
            _secret(msgspec.structs.replace(ann, vault_key=forged), private)


def test_the_computer_is_needed_where_it_is_asked_for(key, admitted):
    assert _secret(*admitted, COMPUTER) == key.secret_bytes()
    for other in (None, b"", b"d" * 32):
        with pytest.raises(DeviceUnknown):
            _secret(*admitted, other)


def test_to_say_that_no_computer_is_asked_for_opens_nothing(key, admitted):
    opener, private = admitted
    claimed = msgspec.structs.replace(opener, device=False)
    assert _secret(claimed, private) != key.secret_bytes()


def test_a_computer_comes_and_goes_without_the_passphrase(key, ann, private):
    asked = openers.rewrapped(VAULT, ann, key, key, COMPUTER)
    assert _secret(asked, private, COMPUTER) == key.secret_bytes()
    with pytest.raises(DeviceUnknown):
        _secret(asked, private)
    free = openers.rewrapped(VAULT, asked, key, key, None)
    assert (_secret(free, private), free.device) == (key.secret_bytes(), False)


def test_another_vault_key_is_sealed_without_the_passphrase(key, ann, private):
    following = VaultKey.random(VAULT)
    moved = openers.rewrapped(VAULT, ann, key, following, None)
    assert _secret(moved, private) == following.secret_bytes()
    again = openers.rewrapped(VAULT, moved, following, key, None)
    assert _secret(again, private) == key.secret_bytes()
    with pytest.raises(SealBroken):
        openers.rewrapped(VAULT, moved, key, key, None)


def test_another_passphrase_or_cost_keeps_the_key_pair(key, ann, private):
    dearer = KeyCost(memory_kib=LOWEST_COST.memory_kib, passes=2, lanes=1)
    changed = openers.with_passphrase(VAULT, ann, private, "four other birds", dearer)
    assert (changed.cost, changed.public, changed.tag) == (dearer, ann.public, ann.tag)
    assert openers.private_key(VAULT, changed, "four other birds") == private
    with pytest.raises(SealBroken):
        openers.private_key(VAULT, changed, WORDS)


@pytest.mark.parametrize(
    "change",
    [
        {"cost": KeyCost(memory_kib=8, passes=1, lanes=1)},
        {"cost": KeyCost(memory_kib=1 << 40, passes=1, lanes=1)},
        {"cost": KeyCost(memory_kib=1 << 16, passes=10**30, lanes=1)},
        {"argon2": 16},
        {"salt": b""},
        {"salt": bytes(17)},
    ],
)
def test_forged_costs_are_refused_before_they_are_run(ann, change):
    with pytest.raises(VaultDamaged, match="impossible"):
        openers.private_key(VAULT, msgspec.structs.replace(ann, **change), WORDS)


@given(data=st.data())
def test_a_changed_bit_in_what_is_sealed_never_opens(key, ann, private, data):
    field = data.draw(st.sampled_from(["vault_key", "shared"]))
    content = bytearray(getattr(ann, field))
    at = data.draw(st.integers(0, len(content) * 8 - 1))
    content[at // 8] ^= 1 << at % 8
    changed = msgspec.structs.replace(ann, **{field: bytes(content)})
    if field == "vault_key":
        with pytest.raises(VaultDamaged):
            _secret(changed, private)
    else:
        with pytest.raises(SealBroken):
            openers.rewrapped(VAULT, changed, key, key, None)


@given(sealed=st.binary(max_size=1300))
def test_what_was_never_sealed_never_opens(ann, private, sealed):
    with pytest.raises(VaultDamaged):
        _secret(msgspec.structs.replace(ann, vault_key=sealed), private)


def test_the_sheet_opens_its_own_vault_only(key):
    sheet = openers.recovery_opener(VAULT, key, b"s" * 20)
    found = openers.recovered_key(VAULT, sheet, b"s" * 20)
    assert found.secret_bytes() == key.secret_bytes()
    for vault_id, secret in ((VAULT, b"t" * 20), (ELSEWHERE, b"s" * 20)):
        with pytest.raises(SealBroken):
            openers.recovered_key(vault_id, sheet, secret)
    other = openers.recovery_opener(VAULT, key, b"t" * 20)
    for field in ("vault_key", "public"):
        mixed = msgspec.structs.replace(sheet, **{field: getattr(other, field)})
        with pytest.raises((VaultDamaged, SealBroken)):
            openers.recovered_key(VAULT, mixed, b"s" * 20)


def test_the_sheet_stays_good_for_another_vault_key(key):
    sheet, following = openers.recovery_opener(VAULT, key, b"s" * 20), VaultKey.random(VAULT)
    moved = openers.rewrapped_recovery(VAULT, sheet, key, following)
    found = openers.recovered_key(VAULT, moved, b"s" * 20)
    assert (found.secret_bytes(), moved.public) == (following.secret_bytes(), sheet.public)


def test_a_persons_way_in_is_no_sheet_and_the_reverse(key, ann):
    sheet = openers.recovery_opener(VAULT, key, b"s" * 20)
    pair = openers._sheet_pair(VAULT, b"s" * 20)
    with pytest.raises(VaultDamaged):
        openers._opened(VAULT, sheet.vault_key, pair.kept, ann.tag)


def test_the_keyring_opens_for_its_own_person_and_vault_only(ann, private):
    kept = openers.keyring_opener(VAULT, ann.tag, private, b"k" * 32)
    assert openers.private_key_of_keyring(VAULT, kept, b"k" * 32) == private
    bobs = msgspec.structs.replace(kept, tag=openers.tag_of(VAULT, "bob"))
    for vault_id, opener, secret in (
        (VAULT, kept, b"l" * 32),
        (ELSEWHERE, kept, b"k" * 32),
        (VAULT, bobs, b"k" * 32),
    ):
        with pytest.raises(SealBroken):
            openers.private_key_of_keyring(vault_id, opener, secret)


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("Ann", " ann "),
        ("José", "jose\u0301"),
        ("\uff41\uff4e\uff4e", "Ann"),
        ("\ufb01ona", "FIONA"),
        ("straße", "STRASSE"),
        ("ann  lee", "ann lee"),
        ("\u2126", "\u03c9"),
    ],
)
def test_a_name_has_one_tag_however_it_is_typed(one, two):
    assert openers.tag_of(VAULT, one) == openers.tag_of(VAULT, two)


def test_other_names_and_other_vaults_have_other_tags():
    tags = {
        openers.tag_of(vault_id, name)
        for vault_id in (VAULT, ELSEWHERE)
        for name in ("ann", "bob", "anne", "\u0430nn", "\udcff", "")
    }
    assert len(tags) == 12


@given(st.text(max_size=20))
def test_a_tag_never_fails_and_folds_to_itself(name):
    plain = plain_name(name)
    assert openers.tag_of(VAULT, plain) == openers.tag_of(VAULT, name)
    assert len(openers.tag_of(VAULT, name)) == 16
