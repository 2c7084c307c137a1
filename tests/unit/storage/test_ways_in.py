"""The ways in as people change them: this computer, the keyring, dearer passphrases."""

from __future__ import annotations

import shutil

import pytest

from app.errors import (
    DeviceUnknown,
    DiskFull,
    KeyringRefused,
    PersonNotFound,
    UsageError,
    VaultDamaged,
    WrongPassphrase,
)
from app.storage import files, vault
from app.storage.keys import LOWEST_COST, KeyCost
from app.storage.remembered import Keyring
from app.storage.ways_in import computer_name
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added
from tests.unit.storage.test_remembered import Locked, Memory

DEARER = KeyCost(memory_kib=LOWEST_COST.memory_kib, passes=2, lanes=1)


def _acts(opened):
    return [(e.actor, e.act, e.outcome) for e in opened.audit.entries()]


@pytest.fixture
def memory():
    return Memory()


@pytest.fixture
def open_it(opened, folder, memory):
    """Open the vault of the owner and bob, with a recovery sheet, on this computer."""
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    added(opened, "bob")
    opened.close()

    def open_it(name="owner", passphrase=PASSPHRASE, *, backend=memory, where=folder):
        return vault.open_vault(where, passphrase, name=name, keyring=Keyring(backend))

    return open_it


def _asking(open_it):
    with open_it() as opened:
        opened.ways_in.ask_for_computer(actor="owner")


# --------------------------------------------------------------------------------- this computer


def test_a_copied_vault_stays_shut_on_another_computer(open_it, folder, tmp_path):
    _asking(open_it)
    copy = shutil.copytree(folder, tmp_path / "copy")
    for backend in (Memory(), Locked()):
        with pytest.raises(DeviceUnknown):
            open_it(where=copy, backend=backend)
        with pytest.raises(DeviceUnknown):
            open_it("bob", OTHER, where=copy, backend=backend)
    with pytest.raises(WrongPassphrase):  # the passphrase comes first
        open_it("bob", PASSPHRASE, where=copy)
    other = Memory()
    Keyring(other).new_secret(computer_name(vault.state(copy).id))
    with pytest.raises(DeviceUnknown):
        open_it(where=copy, backend=other)
    for name, passphrase in (("owner", PASSPHRASE), ("bob", OTHER)):
        open_it(name, passphrase).close()


def test_it_is_asked_for_and_not_asked_for_any_more(open_it, memory):
    with open_it() as opened:
        assert not opened.ways_in.asks_for_computer
        opened.ways_in.ask_for_computer(actor="owner")
        assert opened.ways_in.asks_for_computer
        assert _acts(opened)[0] == ("owner", "key.computer", "asked for")
    with open_it() as opened:
        opened.ways_in.ask_for_no_computer(actor="owner")
        assert _acts(opened)[0] == ("owner", "key.computer", "not asked for")
    assert memory.kept == {}
    open_it("bob", OTHER, backend=Locked()).close()


def test_a_keyring_that_does_not_answer_does_not_keep_it_asked_for(open_it, memory):
    _asking(open_it)
    with open_it() as opened:
        opened.ways_in._keyring = Keyring(Locked())
        opened.ways_in.ask_for_no_computer(actor="owner")
    open_it("bob", OTHER, backend=Locked()).close()


def test_without_a_recovery_sheet_it_is_not_asked_for(opened):
    with pytest.raises(UsageError, match="recovery sheet"):
        opened.ways_in.ask_for_computer(actor="owner")


def test_to_ask_twice_keeps_the_key_of_the_computer(open_it, memory):
    _asking(open_it)
    kept = dict(memory.kept)
    _asking(open_it)
    assert memory.kept == kept
    open_it("bob", OTHER).close()


@pytest.mark.parametrize("asked", [False, True])
def test_a_disk_that_is_full_locks_nobody_out(open_it, monkeypatch, asked):
    if asked:
        _asking(open_it)

    def full(*_args):
        raise DiskFull("full")

    with open_it() as opened, monkeypatch.context() as failing:
        failing.setattr(files, "create_private", full)
        for change in (opened.ways_in.ask_for_computer, opened.ways_in.ask_for_no_computer):
            with pytest.raises(DiskFull):
                change(actor="owner")
        assert opened.ways_in.asks_for_computer == asked
    with open_it() as opened:
        assert opened.ways_in.asks_for_computer == asked
    open_it("bob", OTHER).close()


def test_whoever_comes_later_is_asked_as_well(open_it):
    with open_it() as opened:
        opened.ways_in.ask_for_computer(actor="owner")
        added(opened, "carl")
        opened.people.set_passphrase("bob", PASSPHRASE, cost=LOWEST_COST, actor="owner")
    with open_it() as opened:
        added(opened, "dora")
        assert all(one.device for one in opened._header.now.people)
    for name, passphrase in (("bob", PASSPHRASE), ("carl", OTHER), ("dora", OTHER)):
        open_it(name, passphrase).close()
        with pytest.raises(DeviceUnknown):
            open_it(name, passphrase, backend=Memory())
    with open_it() as opened:
        opened.ways_in.ask_for_no_computer(actor="owner")
        added(opened, "erik")
        assert not any(one.device for one in opened._header.now.people)


def test_without_the_computers_key_nobody_is_let_in_by_a_weaker_way(open_it):
    with open_it() as opened:
        opened.ways_in.ask_for_computer(actor="owner")
        opened.ways_in._computer = None
        with pytest.raises(DeviceUnknown):
            added(opened, "carl")


# ----------------------------------------------------------------------------------- the keyring


def test_the_keyring_alone_does_not_replace_the_computer(open_it):
    with open_it() as opened:
        opened.ways_in.remember(opened.person)
        opened.ways_in.ask_for_computer(actor="owner")
        with pytest.raises(KeyringRefused):
            opened.ways_in.remember(opened.person)
        assert opened._header.now.keyring == ()


def test_who_made_the_vault_signs_in_once_first(opened):
    with pytest.raises(KeyringRefused, match="Sign in once"):
        opened.ways_in.remember(opened.person)


def test_after_a_new_passphrase_the_old_way_in_is_not_remembered(open_it, folder, memory):
    with open_it() as opened:
        opened.ways_in.remember(opened.person)
        opened.people.set_passphrase("owner", OTHER, cost=LOWEST_COST, actor="owner")
        with pytest.raises(KeyringRefused, match="Sign in once"):
            opened.ways_in.remember(opened.person)
    assert vault.open_remembered(folder, keyring=Keyring(memory)) is None
    with open_it(passphrase=OTHER) as opened:
        opened.ways_in.remember(opened.person)
    vault.open_remembered(folder, keyring=Keyring(memory)).close()


def test_nobody_forgets_for_another_person(open_it, folder, memory):
    with open_it() as opened:
        opened.ways_in.remember(opened.person)
    with open_it("bob", OTHER) as opened:
        opened.ways_in.forget(opened.person)
        assert len(opened._header.now.keyring) == 1
    with vault.open_remembered(folder, keyring=Keyring(memory)) as opened:
        assert opened.person.name == "owner"
    with open_it("bob", OTHER) as opened:
        opened.ways_in.remember(opened.person)
    with vault.open_remembered(folder, keyring=Keyring(memory)) as opened:
        assert opened.person.name == "bob"


def test_a_keyring_entry_of_somebody_who_is_asked_for_more_opens_nothing(open_it, folder, memory):
    """As somebody would have it who puts an entry back into the header with the vault's key."""
    with open_it() as opened:
        opened.ways_in.remember(opened.person)
        kept = opened._header.now.keyring
        opened.ways_in.ask_for_computer(actor="owner")
        opened._header.replace(lambda now: now.with_keyring(kept[0]), lambda _: None)
    assert vault.open_remembered(folder, keyring=Keyring(memory)) is None


# ------------------------------------------------------------------------------ dearer passphrases


def _cost(opened, name="owner"):
    return opened._header.now.opener(name).cost


def test_a_cheap_passphrase_is_sealed_anew_and_the_keyring_still_opens(
    open_it, folder, memory, monkeypatch
):
    with open_it() as opened:
        opened.ways_in.remember(opened.person)
    monkeypatch.setattr(vault, "calibrated", lambda: DEARER)
    with vault.open_vault(folder, PASSPHRASE, name="owner", least_seconds=100) as opened:
        assert _cost(opened) == DEARER
        assert _cost(opened, "bob") == LOWEST_COST
        assert _acts(opened)[0] == ("system", "key.strengthen", "64 MiB, 2 passes")
    vault.open_remembered(folder, keyring=Keyring(memory)).close()
    open_it().close()


def test_what_takes_long_enough_or_would_become_cheaper_stays(open_it, folder, monkeypatch):
    monkeypatch.setattr(vault, "calibrated", lambda: LOWEST_COST)
    for least in (0.0, 1e-9, 100):
        with vault.open_vault(folder, PASSPHRASE, name="owner", least_seconds=least) as opened:
            assert "key.strengthen" not in {act for _, act, _ in _acts(opened)}


def test_it_is_sealed_anew_after_a_change_of_keys_as_well(open_it, folder, monkeypatch):
    with open_it() as opened:
        opened.ways_in.rotate(actor="owner")
    monkeypatch.setattr(vault, "calibrated", lambda: DEARER)
    with vault.open_vault(folder, PASSPHRASE, name="owner", least_seconds=100) as opened:
        assert _cost(opened) == DEARER
    with open_it() as opened:
        assert opened.check() == ()
    open_it("bob", OTHER).close()


def test_an_old_passphrase_is_not_sealed_over_the_new_one(open_it, folder, monkeypatch):
    """The program ended before the header of the new passphrase was in place."""

    def end(*_):
        raise KeyboardInterrupt

    with open_it() as opened, monkeypatch.context() as ending:
        ending.setattr(files, "move", end)
        with pytest.raises(KeyboardInterrupt):
            opened.people.set_passphrase("owner", OTHER, cost=LOWEST_COST, actor="owner")
    monkeypatch.setattr(vault, "calibrated", lambda: DEARER)
    vault.open_vault(folder, PASSPHRASE, name="owner", least_seconds=100).close()
    open_it(passphrase=OTHER).close()
    with pytest.raises(WrongPassphrase):
        open_it()


def test_a_vault_that_was_just_made_is_dear_enough(opened):
    opened.ways_in.strengthen(PASSPHRASE, DEARER)
    assert _cost(opened) == LOWEST_COST


# --------------------------------------------------------------------------------------- closing


def test_closing_lets_go_of_every_key(open_it):
    _asking(open_it)
    opened = open_it()
    assert opened.ways_in._entry is not None
    assert opened.ways_in._computer is not None
    shown = repr(opened.ways_in._entry)
    assert opened.ways_in._entry.private.hex() not in shown
    opened.close()
    assert opened.ways_in._entry is None
    assert opened.ways_in._computer is None
    assert opened._database._key == b""
    assert not any(opened._header.key._secret)
    assert not any(opened._call_keys._key)
    with pytest.raises(RuntimeError):
        opened.ways_in.rotate(actor="owner")


def test_a_vault_that_does_not_open_keeps_no_key(open_it, folder, monkeypatch):
    made = []
    random_key = vault.sign_in.by_passphrase

    def noted(*args, **kwargs):
        made.append(random_key(*args, **kwargs))
        return made[-1]

    monkeypatch.setattr(vault.sign_in, "by_passphrase", noted)
    (folder / "vault.db").write_bytes(b"")
    with pytest.raises(VaultDamaged):
        open_it()
    assert not any(made[0].key._secret)


def test_a_right_sheet_with_a_name_that_nobody_has_is_an_entry(opened, folder):
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    opened.close()
    with pytest.raises(PersonNotFound):
        vault.open_with_sheet(
            folder, sheet, name="Nobody", passphrase=OTHER, cost=LOWEST_COST
        ).close()
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert ("unknown", "key.recovery-refused", "person-not-found") in _acts(again)
        assert "Nobody" not in repr(again.audit.entries())
