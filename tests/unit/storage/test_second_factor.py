"""The second factor at sign-in: asked for, counted, and gone with the recovery sheet only."""

from __future__ import annotations

import pytest

from app.domain import PersonName
from app.errors import CodeNeeded, KeyringRefused, SignInDelayed, WrongCode, WrongPassphrase
from app.storage import totp, vault
from app.storage.remembered import Keyring
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_remembered import Memory
from tests.unit.storage.test_totp import SECRET, code_at


def _code(clock, ahead=0):
    return code_at(int(clock().timestamp()) // 30 + ahead)


@pytest.fixture
def closed(opened, folder, clock):
    """A vault whose owner needs a code."""
    codes = opened.second_factors.set_up(opened.person, SECRET, _code(clock), actor="owner")
    opened.close()
    clock.move(30)
    return folder, clock, codes


def _open(closed, code="", passphrase=PASSPHRASE):
    return vault.open_vault(closed[0], passphrase, code=code, clock=closed[1])


def _told(opened):
    return [(e.actor, e.act, e.outcome) for e in opened.audit.entries()]


def test_a_right_passphrase_without_the_code_lets_nobody_in_and_is_in_the_log(closed):
    for code in ("", "  "):
        with pytest.raises(CodeNeeded):
            _open(closed, code)
    with _open(closed, _code(closed[1])) as opened:
        assert opened.person.second_factor
        assert _told(opened) == [
            ("owner", "vault.open", "with a code"),
            ("owner", "sign-in.code-asked", "ok"),
            ("owner", "sign-in.code-asked", "ok"),
            ("owner", "person.second-factor", "on"),
            ("owner", "vault.create", "ok"),
        ]


def test_the_passphrase_is_asked_for_first(closed):
    with pytest.raises(WrongPassphrase):
        _open(closed, _code(closed[1]), "three unrelated birds")


def test_a_code_is_right_once_even_in_the_same_half_minute(closed):
    _open(closed, _code(closed[1])).close()
    with pytest.raises(WrongCode):
        _open(closed, _code(closed[1]))
    closed[1].move(30)
    _open(closed, _code(closed[1])).close()


def test_the_code_of_the_set_up_does_not_sign_in(opened, folder, clock):
    opened.second_factors.set_up(opened.person, SECRET, _code(clock), actor="owner")
    opened.close()
    with pytest.raises(WrongCode):
        vault.open_vault(folder, PASSPHRASE, code=_code(clock), clock=clock)


def test_wrong_codes_are_counted_in_the_vault_and_make_wait(closed):
    folder, clock, _ = closed
    for _ in range(5):
        with pytest.raises(WrongCode):
            _open(closed, "000000")
    (folder / "attempts.json").unlink(missing_ok=True)  # that does not help
    for code in ("000000", _code(clock)):
        with pytest.raises(SignInDelayed, match="30 s"):
            _open(closed, code)
    clock.move(30)
    with _open(closed, _code(clock)) as opened:
        refused = [entry for entry in _told(opened) if entry[1] == "sign-in.refused"]
    assert refused == [
        *[("owner", "sign-in.refused", "sign-in-delayed")] * 2,
        *[("owner", "sign-in.refused", "wrong-code")] * 5,
    ]
    with pytest.raises(WrongCode):  # counted from nothing again
        _open(closed, "000000")


def test_a_clock_that_is_set_back_begins_the_wait_for_codes_anew_once(closed):
    clock = closed[1]
    for _ in range(5):
        with pytest.raises(WrongCode):
            _open(closed, "000000")
    clock.move(-3600)
    with pytest.raises(SignInDelayed):
        _open(closed, "000000")
    clock.move(30)
    with pytest.raises(WrongCode):
        _open(closed, "000000")


def test_a_backup_code_opens_once(closed):
    for code in closed[2][:2]:
        with _open(closed, f" {code[:5].upper()}-{code[5:]} ") as opened:
            assert _told(opened)[0] == ("owner", "vault.open", "with a backup code")
        with pytest.raises(WrongCode):
            _open(closed, code)
    with _open(closed, closed[2][2]) as opened:
        assert opened.second_factors.backup_codes_left(opened.person) == 7


def test_a_release_ends_the_wait_for_codes(closed):
    for _ in range(6):
        with pytest.raises((WrongCode, SignInDelayed)):
            _open(closed, "000000")
    closed[1].move(30)
    with _open(closed, _code(closed[1])) as opened:
        with opened._database.transaction() as writing:
            writing.change("UPDATE people SET failures = 20, failed_at = ?", (10**15,))
        opened.people.release("owner", actor="owner")
    closed[1].move(30)
    _open(closed, _code(closed[1])).close()


def test_a_set_up_needs_a_code_of_the_new_secret(opened, clock):
    with pytest.raises(WrongCode):
        opened.second_factors.set_up(opened.person, totp.new_secret(), "000000", actor="owner")
    assert not opened.people.get("owner").second_factor
    assert opened.second_factors.backup_codes_left(opened.person) == 0


def test_a_second_set_up_takes_the_older_codes_away(closed):
    with _open(closed, closed[2][0]) as opened:
        secret = totp.new_secret()
        step = int(closed[1]().timestamp()) // 30
        codes = opened.second_factors.set_up(
            opened.person, secret, code_at(step, secret), actor="owner"
        )
        assert opened.second_factors.backup_codes_left(opened.person) == 10
    for code in (closed[2][1], _code(closed[1], 1)):
        with pytest.raises(WrongCode):
            _open(closed, code)
    _open(closed, codes[0]).close()


def test_it_can_be_taken_away(closed):
    with _open(closed, closed[2][0]) as opened:
        opened.second_factors.take_away(opened.person, actor="owner")
        assert _told(opened)[0] == ("owner", "person.second-factor", "off")
        assert opened.second_factors.backup_codes_left(opened.person) == 0
    _open(closed).close()


def test_the_keyring_alone_opens_no_more_once_a_code_is_needed(opened, folder, clock):
    opened.close()
    keyring = Keyring(Memory())
    with vault.open_vault(folder, PASSPHRASE, clock=clock, keyring=keyring) as again:
        again.ways_in.remember(again.person)
        again.second_factors.set_up(again.person, SECRET, _code(clock), actor="owner")
        with pytest.raises(KeyringRefused):
            again.ways_in.remember(again.people.get("owner"))
    assert vault.open_remembered(folder, clock=clock, keyring=keyring) is None
    clock.move(30)
    with vault.open_vault(folder, PASSPHRASE, code=_code(clock), clock=clock) as last:
        # nobody typed anything: the program tried by itself
        assert "sign-in.code-asked" not in {act for _, act, _ in _told(last)}


def test_a_person_without_a_row_has_proved_nothing(opened):
    from dataclasses import replace

    nobody = replace(opened.person, name=PersonName("carl"), second_factor=True)
    with pytest.raises(WrongCode):
        opened.second_factors.expect(nobody, "000000")


def test_a_secret_that_was_taken_out_of_the_database_lets_nobody_in(opened, clock):
    """A person who is asked for a code, by a row that holds none, is refused and nothing fails."""
    opened.second_factors.set_up(opened.person, SECRET, _code(clock), actor="owner")
    person = opened.people.get("owner")
    with opened._database.transaction() as writing:
        writing.change("UPDATE people SET totp = NULL")
    with pytest.raises(WrongCode):
        opened.second_factors.expect(person, "000000")
