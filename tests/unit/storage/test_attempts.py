"""Failed sign-ins: who waits, how long, and what the file tells."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import NameNeeded, SignInDelayed, VaultDamaged, WrongPassphrase
from app.storage import attempts, header, openers, vault
from app.storage.attempts import NAME, Attempts, Failures, key_of, wait_s
from app.storage.clock import milliseconds
from app.storage.keys import KeyCost
from tests.unit.storage.conftest import PASSPHRASE, added

ANN = key_of(openers.tag_of("ab" * 16, "ann"), known=True)
WRONG = "three unrelated birds"


@pytest.fixture
def kept(tmp_path, clock):
    return Attempts(tmp_path, clock)


def _fail(kept, times, who=ANN):
    for _ in range(times):
        kept.failed(who)


def test_the_fifth_failure_makes_wait_and_each_further_one_twice_as_long():
    assert [wait_s(count) for count in range(9)] == [0, 0, 0, 0, 0, 30, 60, 120, 240]
    assert wait_s(17) == 24 * 3600
    assert wait_s(10**9) == 24 * 3600
    assert wait_s(-5) == 0


def test_the_wait_ends_with_the_clock(kept, clock):
    _fail(kept, 4)
    kept.expect_no_wait(ANN)
    _fail(kept, 1)
    with pytest.raises(SignInDelayed, match="in 30 s"):
        kept.expect_no_wait(ANN)
    clock.move(29.5)
    with pytest.raises(SignInDelayed, match="in 1 s"):
        kept.expect_no_wait(ANN)
    clock.move(0.5)
    kept.expect_no_wait(ANN)
    _fail(kept, 2)
    with pytest.raises(SignInDelayed, match="in 2 min 0 s"):
        kept.expect_no_wait(ANN)


def test_it_is_known_until_when_a_name_waits(kept, clock):
    now_ms = milliseconds(clock())
    _fail(kept, 4)
    assert kept.waits_until_ms(ANN) == 0
    _fail(kept, 1)
    assert kept.waits_until_ms(ANN) == now_ms + 30_000
    assert kept.waits_until_ms("another") == 0
    clock.move(-86_400)
    assert kept.waits_until_ms(ANN) == milliseconds(clock()) + 30_000
    clock.move(86_400 + 30)
    assert kept.waits_until_ms(ANN) == 0


def test_others_do_not_wait(kept):
    _fail(kept, 9)
    kept.expect_no_wait("another")


def test_waiting_survives_the_end_of_the_program(kept, tmp_path, clock):
    _fail(kept, 6)
    with pytest.raises(SignInDelayed, match="in 1 min 0 s"):
        Attempts(tmp_path, clock).expect_no_wait(ANN)


@pytest.mark.parametrize("days", [1, 400, 20_000])
def test_a_clock_that_is_set_back_begins_the_wait_anew_once(kept, tmp_path, clock, days):
    _fail(kept, 5)
    clock.move(-days * 86_400)
    with pytest.raises(SignInDelayed, match="in 30 s"):
        Attempts(tmp_path, clock).expect_no_wait(ANN)
    clock.move(29)
    with pytest.raises(SignInDelayed, match="in 1 s"):
        Attempts(tmp_path, clock).expect_no_wait(ANN)
    clock.move(1)
    Attempts(tmp_path, clock).expect_no_wait(ANN)


def test_a_clock_that_is_set_forward_ends_the_wait_and_not_the_count(kept, clock):
    _fail(kept, 5)
    clock.move(86_400)
    kept.expect_no_wait(ANN)
    _fail(kept, 1)
    with pytest.raises(SignInDelayed, match="in 1 min"):
        kept.expect_no_wait(ANN)


def test_a_name_that_nobody_has_is_counted_and_not_found_in_the_file(kept, tmp_path):
    for name in ("three unrelated words", "carl"):
        tag = openers.tag_of("ab" * 16, name)
        who = key_of(tag, known=False)
        _fail(kept, 5, who)
        with pytest.raises(SignInDelayed):
            kept.expect_no_wait(who)
        content = (tmp_path / NAME).read_text()
        assert tag.hex()[:4] not in content
        assert name not in content


@settings(max_examples=30)
@given(st.lists(st.text(max_size=9), max_size=300))
def test_made_up_names_do_not_fill_the_disk(names):
    assert len({key_of(openers.tag_of("", name), known=False) for name in names}) <= 256


DAMAGED = [
    b"",
    b"{",
    b"[]",
    b"\xff",
    b'{"\xff": 1}',
    b'{"a": 1}',
    b'{"a": {"count": "x"}}',
    b'{"a": {"invention": ' + b"[" * 100_000 + b"}}",
    b'{"a": {"count": 1e400}}',
    b'{"a": {"count": ' + b"9" * 5000 + b"}}",
    b" " * ((1 << 22) + 1) + b"{}",
]


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_counts_as_nothing_and_is_replaced(tmp_path, clock, content):
    (tmp_path / NAME).write_bytes(content)
    kept = Attempts(tmp_path, clock)
    kept.expect_no_wait(ANN)
    _fail(kept, 5)
    with pytest.raises(SignInDelayed):
        Attempts(tmp_path, clock).expect_no_wait(ANN)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    count=st.integers(-(2**63), 2**64 - 1),
    last=st.integers(-(2**63), 2**64 - 1),
)
def test_no_number_makes_wait_longer_than_a_day(tmp_path, clock, count, last):
    values = {"count": count, "untold": 0, "last_ms": last}
    (tmp_path / NAME).write_text(json.dumps({ANN: values}))
    kept = Attempts(tmp_path, clock)
    for _ in range(2):
        try:
            kept.expect_no_wait(ANN)
        except SignInDelayed:
            clock.move(24 * 3600)
        else:
            break
    kept.expect_no_wait(ANN)
    clock.now = type(clock)().now


def test_a_folder_in_the_place_of_the_file_counts_as_nothing(tmp_path, clock):
    (tmp_path / NAME).mkdir()
    Attempts(tmp_path, clock).expect_no_wait(ANN)


def test_what_the_audit_log_told_is_not_told_again_and_still_counts(kept, tmp_path, clock):
    _fail(kept, 3)
    _fail(kept, 5, "bob")
    assert {who: found.untold for who, found in kept.untold().items()} == {ANN: 3, "bob": 5}
    kept.told(got_in=ANN)
    again = Attempts(tmp_path, clock)
    assert again.untold() == {}
    with pytest.raises(SignInDelayed):
        again.expect_no_wait("bob")
    content = (tmp_path / NAME).stat().st_mtime_ns
    again.told(got_in=ANN)
    assert (tmp_path / NAME).stat().st_mtime_ns == content


def test_a_release_ends_the_wait_and_stays_to_be_told(kept, tmp_path, clock):
    _fail(kept, 9)
    kept.release(ANN)
    again = Attempts(tmp_path, clock)
    again.expect_no_wait(ANN)
    assert again.untold()[ANN] == Failures(
        count=0, untold=9, last_ms=attempts.milliseconds(clock())
    )
    again.release(ANN)
    again.release("nobody")
    assert "nobody" not in (tmp_path / NAME).read_text()


# --------------------------------------------------------------------------------- at the vault


def _wrong(folder, clock, name="", times=1):
    for _ in range(times):
        with pytest.raises(WrongPassphrase):
            vault.open_vault(folder, WRONG, name=name, clock=clock)


def test_the_right_passphrase_waits_as_well_and_then_opens_and_tells(opened, folder, clock):
    opened.close()
    _wrong(folder, clock, times=5)
    with pytest.raises(SignInDelayed):
        vault.open_vault(folder, PASSPHRASE, clock=clock)
    clock.move(30)
    with vault.open_vault(folder, PASSPHRASE, clock=clock) as again:
        told = [(e.actor, e.act, e.outcome) for e in again.audit.entries()][:2]
    assert told == [("owner", "vault.open", "ok"), ("owner", "sign-in.failed", "5 times")]
    _wrong(folder, clock, times=4)
    vault.open_vault(folder, PASSPHRASE, clock=clock).close()


def test_a_name_that_nobody_has_waits_like_any_other(opened, folder, clock):
    opened.close()
    said = []
    for name in ("owner", "carl"):
        _wrong(folder, clock, name, times=5)
        with pytest.raises(SignInDelayed) as refusal:
            vault.open_vault(folder, WRONG, name=name, clock=clock)
        said.append(str(refusal.value))
    assert said[0] == said[1]
    clock.move(60)
    _wrong(folder, clock, "carl")
    clock.move(60)
    with vault.open_vault(folder, PASSPHRASE, name="owner", clock=clock) as again:
        entries = again.audit.entries()
        told = sorted((e.actor, e.outcome) for e in entries if e.act == "sign-in.failed")
    assert told == [("owner", "5 times"), ("unknown", "6 times")]


def test_a_wrong_passphrase_and_an_unknown_name_say_the_same(opened, folder, clock):
    opened.close()
    said = []
    for name in ("owner", "carl"):
        with pytest.raises(WrongPassphrase) as refusal:
            vault.open_vault(folder, WRONG, name=name, clock=clock)
        said.append((str(refusal.value), refusal.value.advice))
    assert said[0] == said[1]


def test_a_release_by_an_administrator_ends_the_wait(opened, folder, clock):
    added(opened, "bob")
    opened.close()
    _wrong(folder, clock, "bob", times=5)
    with pytest.raises(SignInDelayed):
        vault.open_vault(folder, WRONG, name="bob", clock=clock)
    with vault.open_vault(folder, PASSPHRASE, name="owner", clock=clock) as again:
        again.people.release("bob", actor="owner")
    _wrong(folder, clock, "bob")


def test_a_forged_cost_is_damage_for_a_name_that_nobody_has_as_well(opened, folder):
    opened.close()
    found = header.read(folder)
    dear = KeyCost(memory_kib=1 << 40, passes=1, lanes=1)
    forged = msgspec.structs.replace(
        found, people=(msgspec.structs.replace(found.people[0], cost=dear),)
    )
    header.write(folder, msgspec.structs.replace(forged, check=header._check(forged)))
    for name in ("owner", "carl"):
        with pytest.raises(VaultDamaged, match="impossible"):
            vault.open_vault(folder, PASSPHRASE, name=name)


def test_without_a_name_nobody_is_guessed(opened, folder, clock):
    added(opened, "bob")
    opened.close()
    for name in ("", "  "):
        with pytest.raises(NameNeeded):
            vault.open_vault(folder, PASSPHRASE, name=name, clock=clock)
    assert not (folder / NAME).exists()


def test_what_somebody_planted_in_the_file_fills_no_audit_log(folder, opened):
    known = key_of(openers.tag_of(opened.info.id, "owner"), known=True)
    opened.close()
    planted = {f"x{number}": {"count": 0, "untold": 1, "last_ms": 0} for number in range(1500)}
    planted |= {
        known: {"count": 0, "untold": 10**15, "last_ms": 0},
        "y": {"count": -5, "untold": -5, "last_ms": -(10**15)},
    }
    (folder / NAME).write_text(json.dumps(planted))
    with vault.open_vault(folder, PASSPHRASE) as again:
        told = [
            (one.actor, one.outcome)
            for one in again.audit.entries(limit=50)
            if one.act == "sign-in.failed"
        ]
    assert sorted(told) == [("owner", "1000000 times"), ("unknown", "1500 times")]
