"""The recovery sheet: read as it was written, and the way in that needs neither passphrase nor
computer."""

from __future__ import annotations

import shutil
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import PersonState
from app.errors import (
    KeyringRefused,
    PersonNotFound,
    RecoveryWrong,
    WeakPassphrase,
    WrongPassphrase,
)
from app.storage import recovery_sheet, vault
from app.storage.keys import LOWEST_COST
from app.storage.recovery_sheet import parsed, written
from app.storage.remembered import Keyring
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added
from tests.unit.storage.test_remembered import Locked, Memory
from tests.unit.storage.test_totp import SECRET, code_at

secrets = st.binary(min_size=20, max_size=20)
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@given(secrets)
def test_what_is_written_is_read(secret):
    sheet = written(secret)
    assert parsed(sheet) == secret
    assert [len(group) for group in sheet.split("-")] == [4] * 9


@given(secrets)
def test_case_spaces_and_signs_that_look_alike_do_not_matter(secret):
    sheet = written(secret)
    assert parsed(sheet.lower().replace("-", "\n ")) == secret
    assert parsed(sheet.replace("O", "0").replace("I", "1").replace("B", "8")) == secret


@given(secrets, st.data())
def test_a_slip_of_the_pen_is_found(secret, data):
    sheet = written(secret).replace("-", "")
    at = data.draw(st.integers(0, len(sheet) - 1))
    slip = sheet[:at] + data.draw(st.sampled_from(LETTERS.replace(sheet[at], ""))) + sheet[at + 1 :]
    with pytest.raises(RecoveryWrong, match="typed"):
        parsed(slip)


@given(secrets, st.integers(0, 34))
def test_two_neighbours_that_changed_places_are_found(secret, at):
    sheet = written(secret).replace("-", "")
    swapped = sheet[:at] + sheet[at + 1] + sheet[at] + sheet[at + 2 :]
    if swapped != sheet:
        with pytest.raises(RecoveryWrong):
            parsed(swapped)


@given(st.text(max_size=80))
def test_any_other_text_is_refused_and_nothing_fails(text):
    with pytest.raises(RecoveryWrong):
        parsed(text)


@pytest.mark.parametrize("text", ["", "A" * 36, "A" * 44, "²" * 36, "ß" * 18, "\udcff" * 36])
def test_what_is_no_sheet_is_refused(text):
    with pytest.raises(RecoveryWrong):
        parsed(text)


# --------------------------------------------------------------------------------- at the vault


def _kept(opened):
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet.lower(), actor="owner")
    return sheet


def _recovered(folder, sheet, name="owner", **changes):
    values = {"name": name, "passphrase": OTHER, "cost": LOWEST_COST, **changes}
    return vault.open_with_sheet(folder, sheet, **values)


def _acts(opened):
    return [(entry.actor, entry.act) for entry in opened.audit.entries()]


def test_a_sheet_opens_nothing_before_it_was_typed_as_shown(opened, folder):
    sheet = opened.ways_in.new_sheet()
    for typed in ("", written(bytes(20)), sheet[:-1]):
        with pytest.raises(RecoveryWrong):
            opened.ways_in.keep_sheet(sheet, typed, actor="owner")
    assert not opened.ways_in.has_recovery_sheet
    opened.close()
    assert not vault.state(folder).recovery_sheet
    with pytest.raises(RecoveryWrong):
        _recovered(folder, sheet)


def test_a_sheet_gives_a_new_passphrase_and_takes_the_code_away(opened, folder, clock):
    sheet = _kept(opened)
    step = int(clock().timestamp()) // 30
    opened.second_factors.set_up(opened.person, SECRET, code_at(step), actor="owner")
    opened.close()
    assert vault.state(folder).recovery_sheet
    with _recovered(folder, sheet) as again:
        assert again.person.name == "owner"
        assert not again.person.second_factor
        assert _acts(again)[0] == ("owner", "key.recovery-used")
        assert again.check() == ()
    vault.open_vault(folder, OTHER).close()
    with pytest.raises(WrongPassphrase):
        vault.open_vault(folder, PASSPHRASE)
    _recovered(folder, sheet, passphrase="seven green teapots sing").close()  # it stays good


def test_a_new_sheet_takes_the_place_of_the_old_one(opened, folder):
    old, new = _kept(opened), _kept(opened)
    assert _acts(opened)[:2] == [("owner", "key.recovery-sheet")] * 2
    opened.close()
    with pytest.raises(RecoveryWrong, match="newest"):
        _recovered(folder, old)
    _recovered(folder, new).close()


def test_the_sheet_of_another_vault_opens_nothing_and_is_told_of(opened, folder, tmp_path):
    _kept(opened)
    opened.close()
    with vault.create(tmp_path / "other", PASSPHRASE, cost=LOWEST_COST) as other:
        sheet = _kept(other)
    with pytest.raises(RecoveryWrong):
        _recovered(folder, sheet)
    with vault.open_vault(folder, PASSPHRASE) as again:
        told = [(e.actor, e.outcome) for e in again.audit.entries() if e.act == "sign-in.failed"]
    assert told == [("unknown", "once")]


def test_a_sheet_lets_in_who_is_in_the_vault_only(opened, folder):
    sheet = _kept(opened)
    added(opened, "bob")
    opened.people.change(
        replace(opened.people.get("bob"), state=PersonState.REMOVED), actor="owner"
    )
    opened.close()
    for name in ("bob", "carl", ""):
        with pytest.raises(PersonNotFound):
            _recovered(folder, sheet, name)
    with pytest.raises(WeakPassphrase):
        _recovered(folder, sheet, passphrase="short")
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert ("bob", "key.recovery-used") not in _acts(again)


def test_a_sheet_ends_the_wait(opened, folder, clock):
    sheet = _kept(opened)
    opened.close()
    for _ in range(5):
        with pytest.raises(WrongPassphrase):
            vault.open_vault(folder, OTHER, clock=clock)
    _recovered(folder, sheet, clock=clock).close()
    vault.open_vault(folder, OTHER, clock=clock).close()


def test_a_sheet_costs_what_a_new_vault_costs(opened, folder, monkeypatch):
    sheet = _kept(opened)
    opened.close()
    monkeypatch.setattr(vault, "calibrated", lambda: LOWEST_COST)
    _recovered(folder, sheet, cost=None).close()


@pytest.fixture
def asking(opened, folder):
    """A vault that asks for its computer: the folder, its sheet and the computer's keyring."""
    sheet = _kept(opened)
    added(opened, "bob")
    opened.close()
    memory = Memory()
    with vault.open_vault(folder, PASSPHRASE, name="owner", keyring=Keyring(memory)) as again:
        again.ways_in.ask_for_computer(actor="owner")
    return folder, sheet, memory


@pytest.mark.parametrize("rotating", [False, True])
def test_a_sheet_admits_another_computer(asking, tmp_path, rotating):
    folder, sheet, memory = asking
    if rotating:
        with vault.open_vault(folder, PASSPHRASE, name="owner", keyring=Keyring(memory)) as again:
            again.ways_in.rotate(actor="owner")
    copy = shutil.copytree(folder, tmp_path / "copy")
    there = Keyring(Memory())
    with _recovered(copy, sheet, keyring=there) as opened:
        assert opened.ways_in.asks_for_computer
        assert all(one.device for one in opened._header.now.people)
        assert _acts(opened)[:2] == [("owner", "key.recovery-used"), ("owner", "key.computer")]
    vault.open_vault(copy, OTHER, name="owner", keyring=there).close()
    vault.open_vault(copy, OTHER, name="bob", keyring=there).close()
    vault.open_vault(folder, PASSPHRASE, name="owner", keyring=Keyring(memory)).close()


def test_a_keyring_that_refuses_changes_nothing(asking):
    folder, sheet, memory = asking
    before = (folder / "vault.json").read_bytes()
    with pytest.raises(KeyringRefused):
        _recovered(folder, sheet, keyring=Keyring(Locked()))
    assert (folder / "vault.json").read_bytes() == before
    vault.open_vault(folder, PASSPHRASE, name="owner", keyring=Keyring(memory)).close()


def test_a_sheet_on_the_same_computer_keeps_its_key(asking):
    folder, sheet, memory = asking
    kept = dict(memory.kept)
    _recovered(folder, sheet, keyring=Keyring(memory)).close()
    assert memory.kept == kept
    vault.open_vault(folder, OTHER, name="bob", keyring=Keyring(memory)).close()


def test_sheets_are_random():
    assert len({recovery_sheet.new_secret() for _ in range(20)}) == 20
