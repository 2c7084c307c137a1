"""What is sealed well for a call and is not what was kept last: somebody put it back. It is neither
shown nor backed up in place of the last good one."""

from __future__ import annotations

import shutil

import pytest

from app.domain import JobState
from app.errors import NotAsKept, VaultDamaged
from app.storage import rescue, restore, vault
from app.storage.audio import Purpose, audio_binding, place_of
from app.storage.crypto import seal_bytes
from app.storage.database import Database
from tests.builders import analysed_call
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_backup import WAY, add, analyse, contents, made, tree
from tests.unit.storage.test_rotation_damage import _flip, _pages_of


@pytest.fixture
def place(tmp_path):
    return tmp_path / "backup"


@pytest.fixture
def tool(opened, folder):
    """The database as somebody has it open with tools of their own, beside the program."""
    other = Database(folder / "vault.db", opened._database._key)
    yield other
    other.close()


def _change(tool, sql, *values):
    with tool.transaction() as writing:
        assert writing.change(sql, values) == 1


def _kept(opened, call):
    """All that is kept of a call, as somebody copies it who means to put it back."""
    with opened._database.reader() as reading:
        bodies = reading.one("SELECT analysis, waveform FROM analyses WHERE call = 1")
        (mark,) = reading.one("SELECT mark FROM audio WHERE purpose = 'muted'")
        digests = reading.all("SELECT what, digest FROM contents WHERE call = 1")
    path = place_of(opened.info.folder, call, Purpose.MUTED)
    return bodies, mark, path.read_bytes(), digests


def _put_back(opened, tool, call, older, *what):
    bodies, mark, sealed, digests = older
    if "muted" in what:
        place_of(opened.info.folder, call, Purpose.MUTED).write_bytes(sealed)
        _change(tool, "UPDATE audio SET mark = ? WHERE purpose = 'muted' AND call = 1", mark)
    if "analysis" in what:
        _change(tool, "UPDATE analyses SET analysis = ?, waveform = ? WHERE call = 1", *bodies)
    for name, digest in digests if "digests" in what else ():
        _change(tool, "UPDATE contents SET digest = ? WHERE call = 1 AND what = ?", digest, name)


@pytest.fixture
def twice(opened):
    """A call that was analysed twice, and what was kept of it after the first time."""
    call = add(opened)
    older = _kept(opened, call)
    opened.jobs.retry(call, actor="ann")
    analyse(opened, muted_audio=b"muted better")
    add(opened, b"another")
    return call, older


# ---------------------------------------------------------------------------------- on reading


def test_an_older_muted_recording_with_its_mark_is_not_played(opened, tool, twice):
    call, older = twice
    _put_back(opened, tool, call, older, "muted")
    with pytest.raises(NotAsKept, match=f"muted recording of call {call}") as caught:
        opened.audio.read(call, Purpose.MUTED)
    assert "`autoinsights vault check`" in caught.value.advice
    assert opened.check() == (f"the muted recording of call {call} is not the one that was kept",)
    assert opened.calls.detail(call).analysis is not None
    assert opened.audio.read(call, Purpose.ORIGINAL) == b"one"


def test_an_older_analysis_is_not_shown(opened, tool, twice):
    call, older = twice
    _put_back(opened, tool, call, older, "analysis")
    with pytest.raises(NotAsKept, match=f"analysis of call {call}"):
        opened.calls.detail(call)
    assert opened.check() == (f"the analysis of call {call} is not the one that was kept",)
    assert opened.audio.read(call, Purpose.MUTED) == b"muted better"


def test_another_original_is_not_heard_and_not_analysed(opened, tool, twice):
    call, _ = twice
    _forge(opened, tool, call, Purpose.ORIGINAL)
    with pytest.raises(NotAsKept, match=f"original recording of call {call}"):
        opened.audio.read(call, Purpose.ORIGINAL)


def _forge(opened, tool, call, purpose):
    with opened._database.reader() as reading:
        (sealed,) = reading.one("SELECT sealed FROM call_keys WHERE call = 1")
    key = opened._call_keys.opened(call, sealed)
    made_up = seal_bytes(b"made up", key, audio_binding(call, purpose))
    place_of(opened.info.folder, call, purpose).write_bytes(made_up)
    sql = "UPDATE audio SET mark = ?, size_bytes = 7 WHERE purpose = ? AND call = 1"
    _change(tool, sql, made_up[8:40], purpose)


def test_another_analysis_replaces_what_was_put_back(opened, tool, twice):
    call, older = twice
    _put_back(opened, tool, call, older, "muted", "analysis")
    opened.jobs.retry(call, actor="ann")
    analyse(opened, muted_audio=b"third")
    assert opened.audio.read(call, Purpose.MUTED) == b"third"
    assert opened.calls.detail(call).analysis == analysed_call().analysis
    assert opened.check() == ()


# ------------------------------------------------------------------------------- in a backup


@pytest.mark.parametrize("what", [("muted",), ("analysis",), ("muted", "analysis"), ("original",)])
def test_a_backup_keeps_the_last_good_one(opened, tool, twice, place, tmp_path, what):
    call, older = twice
    before = contents(opened)
    made(opened, place)
    files = tree(place)
    _put_back(opened, tool, call, older, *what)
    if what == ("original",):
        _forge(opened, tool, call, Purpose.ORIGINAL)
    for _ in range(2):
        report = opened.backups.make(place, actor="ann")
        assert (report.damaged, report.calls) == ((call,), 2)
        assert opened.backups.check(place).problems == ()
        kept = {name: body for name, body in files.items() if call in name}
        assert kept.items() <= tree(place).items()
    restore.restore(place, tmp_path / "again", WAY)
    with vault.open_vault(tmp_path / "again", PASSPHRASE) as again:
        assert contents(again) == before
        assert again.check() == ()


@pytest.mark.parametrize(("what", "calls"), [("muted", 2), ("original", 2), ("analysis", 1)])
def test_a_first_backup_takes_nothing_that_was_put_back(opened, tool, twice, place, what, calls):
    call, older = twice
    _put_back(opened, tool, call, older, what)
    if what == "original":
        _forge(opened, tool, call, Purpose.ORIGINAL)
    report = opened.backups.make(place, actor="ann")
    assert (report.damaged, report.calls) == ((call,), calls)
    problems = opened.backups.check(place).problems
    assert problems == (
        (f"the {what} recording of call {call} was damaged in the vault",) if calls == 2 else ()
    )
    assert not list(place.rglob(f"{call}.{what}.*"))


def test_what_was_put_back_with_its_digests_is_no_backup(opened, tool, twice, place):
    """A reading compares one call; a backup compares what the log signed."""
    call, older = twice
    made(opened, place)
    before = tree(place)
    _put_back(opened, tool, call, older, "muted", "analysis", "digests")
    with pytest.raises(VaultDamaged, match="the digests of analyses") as caught:
        opened.backups.make(place, actor="ann")
    assert "restore the newest backup" in caught.value.advice
    named = {name: body for name, body in tree(place).items() if name in before}
    assert named == before
    assert opened.backups.check(place).problems == ()
    (told,) = opened.audit.entries(limit=1)
    assert (told.act, told.outcome) == ("vault.changed", "the digests of analyses")


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE people SET roles = '[\"reviewer\"]'",
        "UPDATE calls SET started = '2001-01-01T00:00:00.000Z' WHERE number = 1",
        "DELETE FROM contents WHERE call = 1 AND what = 'muted'",
    ],
    ids=["people", "calls", "contents"],
)
def test_what_somebody_changed_with_a_tool_is_no_backup(opened, tool, twice, place, sql):
    made(opened, place)
    before = tree(place)["backup.json"]
    _change(tool, sql)
    with pytest.raises(VaultDamaged, match="changed outside of the program"):
        opened.backups.make(place, actor="ann")
    assert tree(place)["backup.json"] == before


def test_where_the_digests_cannot_be_compared_nothing_of_the_last_one_is_replaced(
    opened, folder, place, tmp_path
):
    calls = [add(opened, b"%d" % number, agent="a" * 1500) for number in range(10)]
    made(opened, place)
    before = contents(opened)
    opened.jobs.retry(calls[5], actor="ann")
    analyse(opened, muted_audio=b"newer")
    new = add(opened, b"new", agent="a" * 1500)
    opened._database.checkpoint()
    key = type(opened._key)(opened.info.id, opened._key.secret_bytes())
    opened.close()
    leaf = _pages_of(folder, key, "calls", leaves=True)[0]
    _flip(folder, leaf)
    with vault.open_vault(folder, PASSPHRASE) as again:
        report = again.backups.make(place, actor="ann")
        assert {calls[0], calls[5]} <= set(report.damaged)
        assert report.calls >= len(calls)
        assert again.backups.check(place).problems == ()
    restore.restore(place, tmp_path / "again", WAY)
    with vault.open_vault(tmp_path / "again", PASSPHRASE) as back:
        found = contents(back)
        assert {call: found[call] for call in before} == before
        assert set(found) - set(before) <= {new}


# --------------------------------------------------------------- what comes back compares, too


def test_a_restored_vault_finds_what_is_put_back_in_it(opened, twice, place, tmp_path):
    call, older = twice
    made(opened, place)
    opened.close()
    restore.restore(place, tmp_path / "again", WAY)
    with vault.open_vault(tmp_path / "again", PASSPHRASE) as again:
        assert again.check() == ()
        with again._database.reader() as reading:
            assert reading.number("SELECT count(*) FROM contents WHERE what = 'muted'") == 2
        _put_back(again, again._database, call, older, "muted")
        with pytest.raises(NotAsKept):
            again.audio.read(call, Purpose.MUTED)


def test_a_rescue_saves_nothing_that_was_put_back_and_keeps_the_digests(
    opened, tool, twice, folder, tmp_path
):
    call, older = twice
    whole = shutil.copytree(folder, tmp_path / "whole")
    _put_back(opened, tool, call, older, "muted", "analysis")
    tool.close()
    opened.close()
    report = rescue.rescue(folder, tmp_path / "saved", WAY)
    assert (report.incomplete, report.without_recording, report.lost) == ((call,), (call,), ())
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as saved:
        assert saved.jobs.get(call).state is JobState.QUEUED
        assert saved.audio.read(call, Purpose.ORIGINAL) == b"one"
        assert _digests(saved) == 2
    assert rescue.rescue(whole, tmp_path / "other", WAY).without_recording == ()
    with vault.open_vault(tmp_path / "other", PASSPHRASE) as saved:
        assert saved.audio.read(call, Purpose.MUTED) == b"muted better"
        assert _digests(saved) == 2


def _digests(opened):
    with opened._database.reader() as reading:
        return reading.number("SELECT count(*) FROM contents WHERE what = 'muted'")


def test_a_rescue_where_the_digests_cannot_be_read_saves_the_rest(opened, twice, folder, tmp_path):
    opened._database.checkpoint()
    key = type(opened._key)(opened.info.id, opened._key.secret_bytes())
    state = contents(opened)
    opened.close()
    _flip(folder, *_pages_of(folder, key, "contents"))
    report = rescue.rescue(folder, tmp_path / "saved", WAY)
    assert (report.lost, report.incomplete, report.without_recording) == ((), (), ())
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as saved:
        assert contents(saved) == state


# ------------------------------------------------------------------------- what was taken away

GONE = {
    "muted recording": "DELETE FROM audio WHERE call = 1 AND purpose = 'muted'",
    "original recording": "DELETE FROM audio WHERE call = 1 AND purpose = 'original'",
    "analysis": "DELETE FROM analyses WHERE call = 1",
}


@pytest.mark.parametrize("what", GONE)
def test_what_was_taken_away_stays_in_the_backup(opened, tool, twice, place, tmp_path, what):
    call, _ = twice
    before = contents(opened)
    made(opened, place)
    _change(tool, GONE[what])
    assert opened.check() == (f"the {what} of call {call} is not there any more",)
    assert opened.backups.make(place, actor="ann").damaged == (call,)
    restore.restore(place, tmp_path / "again", WAY)
    with vault.open_vault(tmp_path / "again", PASSPHRASE) as again:
        assert contents(again) == before
    report = opened.backups.make(tmp_path / "first", actor="ann")
    assert (report.damaged, report.calls) == ((call,), 2)


def test_an_analysis_that_was_taken_away_is_not_shown_as_if_there_had_been_none(
    opened, tool, twice
):
    call, _ = twice
    _change(tool, GONE["analysis"])
    with pytest.raises(NotAsKept, match="not there any more"):
        opened.calls.detail(call)


@pytest.mark.parametrize(
    ("trigger", "sql"),
    [
        ("audit_fixed", "UPDATE audit SET actor = 'eve' WHERE number = 2"),
        ("audit_kept", "DELETE FROM audit WHERE number = 2"),
    ],
)
def test_a_log_that_somebody_changed_takes_the_place_of_no_backup(
    opened, tool, twice, place, trigger, sql
):
    made(opened, place)
    before = tree(place)
    with tool.transaction() as writing:
        writing.change(f"DROP TRIGGER {trigger}")
    _change(tool, sql)
    with pytest.raises(VaultDamaged):
        opened.backups.make(place, actor="ann")
    assert before.items() <= tree(place).items()
    assert opened.backups.check(place).problems == ()
