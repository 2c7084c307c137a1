"""Saving what can be read of a damaged vault: all of what is whole, nothing that is wrong."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from app.domain import EVERYTHING, AuditQuery, JobState
from app.errors import (
    AppError,
    RecoveryWrong,
    SignInDelayed,
    VaultDamaged,
    VaultExists,
    VaultMissing,
    WrongCode,
    WrongPassphrase,
)
from app.storage import header, keys, rescue, rotation, schema, seals, totp, vault
from app.storage.clock import utc_now
from app.storage.database import Database
from app.storage.way import Way
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_backup import WAY, add, contents, tree
from tests.unit.storage.test_seals import raw

GOLDEN = Path(__file__).parents[2] / "golden" / "vaults"
PAGE = 4096
CALLS = 12


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A closed vault, and all that it says of its calls."""
    folder = tmp_path_factory.mktemp("rescue") / "whole"
    with vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        for number in range(CALLS):
            add(opened, b"%d" % number, agent="a" * 300, queue="q" * 200)
        erased = add(opened, b"erased")
        opened.calls.erase(erased, actor="ann")
        held = add(opened, b"held", analysed=False)
        opened.holds.place(held, "a dispute", actor="ann", scope=EVERYTHING)
        state = contents(opened)
    return folder, state, held


@pytest.fixture
def damaged(whole, tmp_path):
    return shutil.copytree(whole[0], tmp_path / "damaged")


def flipped(content, *places):
    changed = bytearray(content)
    for at in places:
        changed[at] ^= 0x40
    return bytes(changed)


def saved(damaged, tmp_path, state):
    """Rescue, and assert that what was saved is right and what was not is named."""
    before = tree(damaged)
    target = tmp_path / "saved"
    report = rescue.rescue(damaged, target, WAY)
    assert tree(damaged) == before
    assert set(report.saved) | set(report.lost) == set(state)
    assert not set(report.saved) & set(report.lost)
    assert not set(report.lost) & set(report.incomplete)
    with vault.open_vault(target, PASSPHRASE) as opened:
        broken = set(report.without_recording)
        problems = opened.check()
        assert all(
            any(call in problem for call in broken) or "udit" in problem for problem in problems
        )
        assert {row.id for row in opened.calls.page(LIST, offset=0, limit=999)} == set(report.saved)
        for call in set(report.saved) - broken:
            found = contents_of(opened, call)
            if call in report.incomplete:
                assert found[1].job.state is JobState.QUEUED
                assert found[1].analysis is None
                assert (found[1].call.digest, found[2]) == (
                    state[call][1].call.digest,
                    state[call][2],
                )
            else:
                assert found == state[call]
        assert opened.people.all()
        acts = [entry.act for entry in opened.audit.entries(limit=4)]
        assert "vault.rescue" in acts
    return report


from app.domain import CallQuery  # noqa: E402
from app.storage.audio import Purpose  # noqa: E402

LIST = CallQuery()


def contents_of(opened, call):
    (row,) = (one for one in opened.calls.page(LIST, offset=0, limit=999) if one.id == call)
    muted = opened.audio.read(call, Purpose.MUTED) if row.duration_ms and row.score else None
    return (row, opened.calls.detail(call), opened.audio.read(call, Purpose.ORIGINAL), muted)


def test_a_vault_that_is_whole_is_saved_whole(whole, damaged, tmp_path):
    report = saved(damaged, tmp_path, whole[1])
    assert set(report.saved) == set(whole[1])
    assert (report.lost, report.incomplete, report.without_recording, report.remarks) == (
        (), (), (), (),
    )  # fmt: skip
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as opened:
        assert contents(opened) == whole[1]
        assert opened.check() == ()
        assert opened.calls.detail(whole[2]).on_hold


def test_around_each_damaged_page_the_rest_is_saved(whole, damaged, tmp_path):
    path = damaged / "vault.db"
    content = path.read_bytes()
    chance = random.Random(5)
    pages = len(content) // PAGE
    outcomes = set()
    for number in [*chance.sample(range(1, pages), 16), 1, 2]:
        path.write_bytes(flipped(content, number * PAGE + chance.randrange(PAGE)))
        try:
            report = saved(damaged, tmp_path, whole[1])
        except VaultDamaged as error:
            outcomes.add(error.sentence)
        else:
            outcomes.add(len(report.saved))
            shutil.rmtree(tmp_path / "saved")
    assert len(whole[1]) in outcomes
    assert any(isinstance(one, int) and one < len(whole[1]) for one in outcomes)


def test_many_damaged_pages_and_zeros_give_nothing_wrong(whole, damaged, tmp_path):
    path = damaged / "vault.db"
    content = path.read_bytes()
    pages = len(content) // PAGE
    for seed in range(6):
        chance = random.Random(seed)
        changed = bytearray(content)
        for number in chance.sample(range(pages // 3, pages), 6):
            if chance.random() < 0.5:
                changed[number * PAGE : (number + 1) * PAGE] = bytes(PAGE)
            else:
                changed[number * PAGE + chance.randrange(PAGE)] ^= 1
        path.write_bytes(changed)
        try:
            saved(damaged, tmp_path, whole[1])
        except VaultDamaged:
            continue
        shutil.rmtree(tmp_path / "saved")


@pytest.mark.parametrize("kept", [0.95, 0.75, 0.65])
def test_a_database_that_was_cut_off_gives_what_is_left(whole, damaged, tmp_path, kept):
    path = damaged / "vault.db"
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    report = saved(damaged, tmp_path, whole[1])
    assert report.remarks or report.lost or report.incomplete


def test_damaged_and_missing_recordings_are_named(whole, damaged, tmp_path):
    first, second = sorted(whole[1])[:2]
    for path in (damaged / "audio").rglob(f"{first}.original.*"):
        path.write_bytes(flipped(path.read_bytes(), 50))
    for path in (damaged / "audio").rglob(f"{second}.*"):
        path.unlink()
    report = saved(damaged, tmp_path, whole[1])
    assert (set(report.without_recording), report.lost) == ({first, second}, ())


def test_what_cannot_be_saved_is_said_and_leaves_nothing(whole, damaged, tmp_path):
    target = tmp_path / "saved"
    with pytest.raises(WrongPassphrase):
        rescue.rescue(damaged, target, Way(passphrase="another passphrase"))
    with pytest.raises(VaultMissing):
        rescue.rescue(tmp_path / "nowhere", target, WAY)
    with pytest.raises(VaultExists):
        rescue.rescue(damaged, whole[0], WAY)
    path = damaged / "vault.db"
    content = path.read_bytes()
    beginning = flipped(content, *(number * PAGE + 99 for number in range(46)))
    for broken in (beginning, content[:100], b"", None):
        path.write_bytes(broken) if broken is not None else path.unlink()
        with pytest.raises(VaultDamaged):
            rescue.rescue(damaged, target, WAY)
        assert not vault.state(target).exists
    for name in ("vault.json", "vault-copy.json"):
        head = damaged / name
        head.write_bytes(flipped(head.read_bytes(), 900))
    with pytest.raises(AppError):
        rescue.rescue(damaged, target, WAY)


def test_guessing_at_a_vault_by_rescue_waits_and_is_told_of(damaged, tmp_path):
    for _ in range(5):
        with pytest.raises(WrongPassphrase):
            rescue.rescue(damaged, tmp_path / "saved", Way(passphrase="another passphrase"))
    with pytest.raises(SignInDelayed):
        rescue.rescue(damaged, tmp_path / "saved", WAY)
    with pytest.raises(SignInDelayed):
        vault.open_vault(damaged, PASSPHRASE)
    later = replace(WAY, clock=lambda: utc_now() + timedelta(minutes=5))
    rescue.rescue(damaged, tmp_path / "saved", later)
    for folder in (tmp_path / "saved", damaged):
        with vault.open_vault(folder, PASSPHRASE) as opened:
            entries = opened.audit.entries(limit=9)
            assert opened.audit.verify().ok
        told = [(one.actor, one.outcome) for one in entries if one.act == "sign-in.failed"]
        assert told == [("owner", "5 times")]


def test_codes_guessed_by_rescue_are_counted_too(damaged, tmp_path):
    secret = totp.new_secret()
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        code = totp._totp(secret).generate(int(utc_now().timestamp())).decode()
        backup = opened.second_factors.set_up(opened.person, secret, code, actor="owner")[0]
    for _ in range(5):
        with pytest.raises(WrongCode):
            rescue.rescue(damaged, tmp_path / "saved", replace(WAY, code="not one"))
    with pytest.raises(SignInDelayed):
        rescue.rescue(damaged, tmp_path / "saved", replace(WAY, code=backup))


def test_a_wrong_sheet_is_counted(damaged, tmp_path):
    with pytest.raises(RecoveryWrong):
        rescue.rescue(damaged, tmp_path / "saved", Way(sheet="AAAA-BBBB"))
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        assert "recovery-sheet" in opened._attempts.untold() or any(
            one.act == "sign-in.failed" for one in opened.audit.entries(limit=9)
        )


def damage(folder, opened_key, salt, *tables):
    """Flip a bit in the first page of some tables."""
    path = folder / "vault.db"
    database = Database(path, opened_key.derive(keys.KeyPurpose.DATABASE, salt))
    with database.reader() as reading:
        pages = [
            reading.number("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,))
            for table in tables
        ]
    database.close()
    path.write_bytes(flipped(path.read_bytes(), *((page - 1) * PAGE + 50 for page in pages)))


@pytest.mark.parametrize(
    "tables", [("headers",), ("next_header",), ("headers", "next_header"), ("vault",)]
)
def test_an_older_header_is_refused_by_what_can_be_read(damaged, tmp_path, tables):
    new = "nine quiet herons by the lock"
    older = (damaged / "vault.json").read_bytes()
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        opened.people.set_passphrase("owner", new, actor="owner", cost=keys.LOWEST_COST)
        opened._header.shut = False  # the program ends before the keys are changed
        key = keys.VaultKey(opened.info.id, opened._key.secret_bytes())
        salt = opened._header.now.database_salt
    newest = (damaged / "vault.json").read_bytes()
    damage(damaged, key, salt, *tables)
    (damaged / "vault.json").write_bytes(older)
    with pytest.raises(VaultDamaged, match="not the newest"):
        rescue.rescue(damaged, tmp_path / "saved", WAY)
    (damaged / "vault.json").write_bytes(newest)
    report = rescue.rescue(damaged, tmp_path / "saved", Way(passphrase=new))
    assert (len(report.lost), report.remarks) == (0, (rescue._NOT_COMPARED,))
    vault.open_vault(tmp_path / "saved", new).close()


def test_where_the_age_of_the_header_cannot_be_seen_the_sheet_is_needed(damaged, tmp_path):
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        sheet = opened.ways_in.new_sheet()
        opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
        key = keys.VaultKey(opened.info.id, opened._key.secret_bytes())
        salt = opened._header.now.database_salt
    damage(damaged, key, salt, "headers", "vault")
    with pytest.raises(VaultDamaged, match="cannot be seen"):
        rescue.rescue(damaged, tmp_path / "saved", WAY)
    report = rescue.rescue(damaged, tmp_path / "saved", Way(sheet=sheet))
    assert "could not be seen" in report.remarks[0]
    vault.open_vault(tmp_path / "saved", PASSPHRASE).close()


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("hurt", [False, True])
def test_a_change_of_keys_that_had_begun_is_no_hindrance(whole, damaged, tmp_path, step, hurt):
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        opened.ways_in.rotate(actor="owner")
        old = keys.VaultKey(opened.info.id, opened._key.secret_bytes())
    found = header.read(damaged)
    path = damaged / "vault.db"
    following = header.following_key(found, old)
    if step == 2:
        database = Database(path, old.derive(keys.KeyPurpose.DATABASE, found.database_salt))
        rotation._reseal(database, found.id, old, following, utc_now)
        database.close()
    if step == 3:  # as if the program had ended before the last header was in place
        again = keys.VaultKey(found.id, old.secret_bytes())
        rotation.finish(damaged, path, found, again, None)
        header.write(damaged, found)
    if hurt:
        salt = found.rotation.database_salt if step == 3 else found.database_salt
        damage(damaged, following if step == 3 else old, salt, "flags_by_label", "turns_text_idx")
    report = saved(damaged, tmp_path, whole[1])
    assert report.lost == ()
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as opened:
        assert header.read(tmp_path / "saved").rotation is None
        assert opened._key.secret_bytes() != old.secret_bytes()
        assert opened.check() == ()
        if not hurt:
            assert report.remarks == ()
            assert contents(opened) == whole[1]


# --------------------------------------------------------------------------- what others wrote


def _with_sheet(folder):
    with vault.open_vault(folder, PASSPHRASE) as opened:
        sheet = opened.ways_in.new_sheet()
        opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    return sheet


def _written(folder, *statements):
    connection, _ = raw(folder, "owner", PASSPHRASE)
    for sql in statements:
        connection.execute(sql)
    connection.close()


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("UPDATE calls SET agent = 'somebody else' WHERE number = 1", "the details of calls"),
        ("DELETE FROM erased", "what was erased"),
        ("DELETE FROM contents WHERE call = 1", "the digests of analyses"),
    ],
)
def test_what_others_wrote_is_saved_by_the_sheet_alone_and_told(damaged, tmp_path, sql, said):
    sheet = _with_sheet(damaged)
    _written(damaged, sql)
    with pytest.raises(VaultDamaged, match=said):
        rescue.rescue(damaged, tmp_path / "saved", WAY)
    report = rescue.rescue(damaged, tmp_path / "saved", Way(sheet=sheet, name="owner"))
    assert f"Changed outside of the program: {said}." in report.remarks
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as opened:
        (entry,) = opened.audit.entries(AuditQuery(act="vault.rescue"))
        assert said in entry.outcome


def test_a_state_that_somebody_lent_the_last_entry_is_not_believed(damaged, tmp_path):
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        key = opened._key.derive(keys.KeyPurpose.DATABASE, opened._header.now.database_salt)
    database = Database(damaged / "vault.db", key)
    with database.transaction() as writing:
        writing.change("DROP TRIGGER audit_fixed")
        writing.change("UPDATE people SET scope = '[]'")
        state = seals.begin(writing)
        last = "(SELECT max(number) FROM audit)"
        writing.change(f"UPDATE audit SET state = ? WHERE number = {last}", (state,))
        (guard,) = [one for one in schema.STEPS[0] if "TRIGGER audit_fixed" in one]
        writing.change(guard)
    database.close()
    with pytest.raises(VaultDamaged, match="not as it was written"):
        vault.open_vault(damaged, PASSPHRASE)
    with pytest.raises(VaultDamaged, match="the end of the audit log"):
        rescue.rescue(damaged, tmp_path / "saved", WAY)


# --------------------------------------------------------------------------- the first things lost


@pytest.mark.parametrize(
    "hurt",
    [lambda old: flipped(old, 900), lambda old: bytes(len(old)), lambda old: old[:700], None],
    ids=["flipped", "zeros", "cut", "gone"],
)
def test_a_header_that_cannot_be_read_is_taken_from_its_copy(whole, damaged, tmp_path, hurt):
    path = damaged / "vault.json"
    newest = path.read_bytes()
    path.write_bytes(hurt(newest)) if hurt else path.unlink()
    with pytest.raises((VaultDamaged, VaultMissing)):
        vault.open_vault(damaged, PASSPHRASE)  # a rescue only
    report = saved(damaged, tmp_path, whole[1])
    assert (report.lost, report.incomplete, report.remarks) == ((), (), ())
    for name in ("vault.json", "vault-copy.json"):
        assert msgspec.json.decode((tmp_path / "saved" / name).read_bytes())["id"]


def test_the_copy_of_the_header_is_that_of_now_and_an_older_one_is_refused(damaged, tmp_path):
    new = "nine quiet herons by the lock"
    head, copy = damaged / "vault.json", damaged / "vault-copy.json"
    older = copy.read_bytes()
    assert older == head.read_bytes()
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        opened.people.set_passphrase("owner", new, actor="owner", cost=keys.LOWEST_COST)
        assert copy.read_bytes() == head.read_bytes() != older
        opened.ways_in.rotate(actor="owner")
        opened._header.shut = False  # so that the next opening changes the keys
        assert copy.read_bytes() == head.read_bytes()
    begun = copy.read_bytes()
    vault.open_vault(damaged, new).close()
    assert copy.read_bytes() == head.read_bytes() != begun
    newest = head.read_bytes()
    head.unlink()
    for old, passphrase in ((older, PASSPHRASE), (begun, new)):
        copy.write_bytes(old)
        with pytest.raises(VaultDamaged):
            rescue.rescue(damaged, tmp_path / "saved", Way(passphrase=passphrase))
    head.write_bytes(newest)
    vault.open_vault(damaged, new).close()
    assert copy.read_bytes() == newest  # put right by the way


def test_a_copy_that_cannot_be_written_keeps_nothing_back(damaged):
    copy = damaged / "vault-copy.json"
    copy.unlink()
    copy.mkdir()
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        opened.people.set_passphrase(
            "owner", "nine quiet herons by the lock", actor="owner", cost=keys.LOWEST_COST
        )
    copy.rmdir()
    vault.open_vault(damaged, "nine quiet herons by the lock").close()
    assert copy.read_bytes() == (damaged / "vault.json").read_bytes()


@pytest.mark.parametrize(
    "hurt",
    [
        lambda page: flipped(page, 3),
        lambda page: flipped(page, 30),
        lambda page: flipped(page, PAGE - 1),
        lambda page: bytes(16) + page[16:],
        lambda _: bytes(PAGE),
        lambda _: random.Random(1).randbytes(PAGE),
    ],
    ids=["salt", "content", "proof", "no salt", "zeros", "noise"],
)
def test_a_lost_first_page_costs_nothing(whole, damaged, tmp_path, hurt):
    path = damaged / "vault.db"
    content = path.read_bytes()
    path.write_bytes(hurt(content[:PAGE]) + content[PAGE:])
    with pytest.raises(VaultDamaged):
        vault.open_vault(damaged, PASSPHRASE)
    report = saved(damaged, tmp_path, whole[1])
    assert (report.lost, report.incomplete, report.remarks) == ((), (), ())
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as opened:
        assert contents(opened) == whole[1]
        assert opened.check() == ()


def test_a_lost_first_page_and_others_give_nothing_wrong(whole, damaged, tmp_path):
    path = damaged / "vault.db"
    content = path.read_bytes()
    outcomes = set()
    for seed in range(6):
        chance = random.Random(seed)
        changed = bytearray(bytes(PAGE) + content[PAGE:])
        for number in chance.sample(range(1, len(content) // PAGE), 2):
            changed[number * PAGE + chance.randrange(PAGE)] ^= 1
        path.write_bytes(changed)
        try:
            outcomes.add(len(saved(damaged, tmp_path, whole[1]).saved))
        except VaultDamaged as error:
            outcomes.add(error.code)
        else:
            shutil.rmtree(tmp_path / "saved")
    assert len(whole[1]) in outcomes


def test_a_change_of_keys_gives_the_database_the_salt_of_its_new_key(whole, damaged, tmp_path):
    with vault.open_vault(damaged, PASSPHRASE) as opened:
        opened.ways_in.rotate(actor="owner")
    vault.open_vault(damaged, PASSPHRASE).close()
    path = damaged / "vault.db"
    path.write_bytes(bytes(PAGE) + path.read_bytes()[PAGE:])
    assert saved(damaged, tmp_path, whole[1]).lost == ()


def _rows(opened):
    return opened.calls.page(CallQuery(), offset=0, limit=9)


@pytest.mark.usefixtures("real_stretching")
def test_an_older_vault_has_its_salt_in_its_first_bytes_only(tmp_path):
    golden = GOLDEN / "0.1.0"
    facts = json.loads((golden / "facts.json").read_text(encoding="utf-8"))
    damaged = shutil.copytree(golden / "vault", tmp_path / "damaged")
    way = Way(passphrase=facts["passphrases"]["Amal"], name="Amal")
    path = damaged / "vault.db"
    content = path.read_bytes()
    path.write_bytes(content[:16] + bytes(PAGE - 16) + content[PAGE:])
    assert len(rescue.rescue(damaged, tmp_path / "saved", way).saved) == 2
    with vault.open_vault(tmp_path / "saved", way.passphrase, name="Amal") as opened:
        languages = {row.state: row.language for row in _rows(opened)}
    assert languages == {JobState.DONE: "en", JobState.QUEUED: None}  # as the analyses say
    path.write_bytes(bytes(PAGE) + content[PAGE:])
    with pytest.raises(VaultDamaged, match="Too much of the beginning") as caught:
        rescue.rescue(damaged, tmp_path / "other", way)
    assert "restore" in caught.value.advice
    assert not vault.state(tmp_path / "other").exists
