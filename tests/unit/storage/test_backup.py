"""Backups: what comes back is what was there, less what was erased, or nothing at all."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import (
    EVERYTHING,
    CallMetadata,
    CallQuery,
    JobState,
)
from app.errors import (
    BackupInvalid,
    UsageError,
    WrongPassphrase,
)
from app.storage import keys, own_tables, records, restore, vault
from app.storage.audio import Purpose
from app.storage.schema import STEPS
from app.storage.way import Way
from tests.builders import analysed_call
from tests.unit.storage.conftest import PASSPHRASE

WAY = Way(passphrase=PASSPHRASE)


def add(opened, content=b"one", *, analysed=True, **metadata):
    """Take in a call, and analyse it; returns its id."""
    given = CallMetadata(**metadata)
    call = opened.calls.add(content, name="a.wav", metadata=given, actor="ann").call
    if analysed:
        analyse(opened)
    return call.id


def analyse(opened, **changes):
    lease = opened.jobs.claim("t")
    assert opened.calls.save(lease, analysed_call(**changes), actor="ann")


def contents(opened):
    """Return all that a vault says of its calls, but for a lease."""
    rows = opened.calls.page(CallQuery(), offset=0, limit=10**6)
    return {
        row.id: (
            row,
            opened.calls.detail(row.id),
            opened.audio.read(row.id, Purpose.ORIGINAL),
            opened.audio.read(row.id, Purpose.MUTED) if row.duration_ms else None,
        )
        for row in rows
    }


def tree(folder):
    """Return every file of a folder with its content."""
    paths = [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@pytest.fixture
def place(tmp_path):
    return tmp_path / "backup"


@pytest.fixture
def again(tmp_path):
    return tmp_path / "again"


def made(opened, place, **options):
    report = opened.backups.make(place, actor="ann", **options)
    assert report.damaged == ()
    return report


def reopened(folder, **options):
    return vault.open_vault(folder, PASSPHRASE, **options)


# --------------------------------------------------------------------------- what comes back


def test_what_comes_back_is_what_was_there(opened, place, again):
    add(opened, agent="Sam", queue="blue")
    add(opened, b"two", analysed=False, customer_reference="r-1")
    held = add(opened, b"two too", analysed=False)
    opened.holds.place(held, "a dispute", actor="ann", scope=EVERYTHING)
    before = contents(opened)
    assert made(opened, place).calls == 3
    assert opened.backups.check(place).problems == ()
    done = restore.restore(place, again, WAY)
    assert (done.calls, done.erased, done.without_key) == (3, (), ())
    with reopened(again) as back:
        assert contents(back) == before
        assert back.check() == ()
        assert back.audit.verify().ok
        assert back.info.id == opened.info.id
        assert len(back.search.find("complaint")) == 1
        assert back.calls.totals() == opened.calls.totals()
        assert back.jobs.claim("x").call.id in before
        entry = back.audit.entries(limit=2)[1]
        assert (entry.act, entry.actor) == ("vault.restore", "owner")
        assert entry.outcome == "3 calls, 0 erased, 0 without key"
        new = add(back, b"new", analysed=False)
        with back._database.reader() as reading:
            assert reading.number("SELECT number FROM calls WHERE id = ?", (new,)) == 4


def test_a_running_analysis_waits_again(opened, place, again):
    call = add(opened, analysed=False)
    opened.jobs.claim("t")
    made(opened, place)
    assert opened.jobs.get(call).state is JobState.RUNNING
    restore.restore(place, again, WAY)
    with reopened(again) as back:
        assert back.jobs.get(call).state is JobState.QUEUED


def test_only_what_changed_is_written_and_what_is_gone_is_removed(opened, place):
    kept, changed, gone = (add(opened, name) for name in (b"kept", b"changed", b"gone"))
    first = made(opened, place)
    before = tree(place)
    assert (first.written_files, first.removed_files) == (len(before), 0)
    opened.jobs.retry(changed, actor="ann")
    analyse(opened, muted_audio=b"newer")
    opened.calls.erase(gone, actor="ann")
    new = add(opened, b"new", analysed=False)
    second = made(opened, place)
    after = tree(place)
    assert (second.calls, second.generation > first.generation) == (3, True)
    same = {name for name in after if before.get(name) == after[name]}
    assert {name.split("/")[-1].split(".")[0] for name in same} == {kept, changed}
    assert len([name for name in same if changed in name]) == 1  # the original recording
    assert len([name for name in same if kept in name]) == 3
    assert len([name for name in after if changed in name]) == 3
    assert not [name for name in after if gone in name]
    assert [name for name in after if new in name]
    assert second.removed_files == 3 + 2 + 1  # of the erased call, of the changed one, the database
    third = made(opened, place)
    assert (third.written_files, third.removed_files) == (3, 1)
    assert opened.backups.check(place).problems == ()


def test_keys_may_lie_elsewhere_and_are_needed(opened, place, again, tmp_path):
    add(opened)
    elsewhere = tmp_path / "keys"
    made(opened, place)
    made(opened, place, keys_to=elsewhere)
    assert "keys.sealed" not in tree(place)
    assert set(tree(elsewhere)) == {"keys.sealed"}
    for attempt in (opened.backups.check, lambda p: restore.restore(p, again, WAY)):
        with pytest.raises(BackupInvalid):
            attempt(place)
    assert opened.backups.check(place, keys_from=elsewhere).problems == ()
    assert restore.restore(place, again, WAY, keys_from=elsewhere).calls == 1


@pytest.mark.parametrize("spelled", ["relative", "link", "dots"])
def test_keys_that_go_to_the_backup_by_another_name_stay_there(
    opened, place, again, tmp_path, monkeypatch, spelled
):
    add(opened)
    monkeypatch.chdir(tmp_path)
    given, keys_to = place, place
    if spelled == "relative":
        given = place.relative_to(tmp_path)
    elif spelled == "link":
        if os.name != "posix":
            pytest.skip("links need rights there")
        keys_to = tmp_path / "link"
        keys_to.symlink_to(place, target_is_directory=True)
    else:
        (tmp_path / "beside").mkdir()
        keys_to = tmp_path / "beside" / ".." / place.name
    for _ in range(2):
        place.mkdir(exist_ok=True)
        made(opened, given, keys_to=keys_to)
        assert "keys.sealed" in tree(place)
    assert opened.backups.check(place).problems == ()
    assert restore.restore(place, again, WAY).calls == 1


def test_every_table_is_in_a_backup_in_one_way(opened, database):
    assert len(STEPS) == 2
    with database.reader() as reading:
        rows = reading.all("SELECT name FROM sqlite_master WHERE type = 'table'")
    tables = {row[0] for row in rows if not row[0].startswith(("turns_", "sqlite_"))}
    own = {*own_tables.OWN_TABLES, "headers", "next_header", "audit", "audit_head"}
    own |= {"seals", "unsealed"}  # made anew by a restore
    assert own | set(records.TABLES) == tables
    assert not own & set(records.TABLES)


def test_nothing_of_a_call_is_in_the_database_of_the_backup(opened, place):
    call = add(opened, agent="agnesquill")
    made(opened, place)
    from app.storage.database import Database

    (path,) = place.glob("vault-*.db")
    copy = Database(path, opened._database._key)
    with copy.reader() as reading:
        for table in records.TABLES:
            assert reading.number(f"SELECT count(*) FROM {table}") == 0
        assert reading.number("SELECT count(*) FROM turns_text") == 0
        assert reading.number("SELECT count(*) FROM audit WHERE subject = ?", (call,)) == 2
    copy.close()
    assert not list(place.glob("*-wal"))


def test_one_erased_while_the_backup_is_made_is_not_in_it(opened, place):
    first, second = add(opened, b"first"), add(opened, b"second")

    def erase(step):
        if step.done == 1 and step.total == 2:
            opened.calls.erase(first, actor="ann")

    assert made(opened, place, progress=erase).calls == 1
    assert not [name for name in tree(place) if first in name]
    assert opened.backups.check(place).problems == ()
    assert [name for name in tree(place) if second in name]


def test_one_that_is_analysed_while_the_backup_is_made_is_in_it_as_it_is_then(opened, place, again):
    call = add(opened, b"first", analysed=False)

    def go_on(step):
        if step.done == 1:
            analyse(opened)

    made(opened, place, progress=go_on)
    restore.restore(place, again, WAY)
    with reopened(again) as back:
        assert back.calls.detail(call).analysis is not None
        assert back.check() == ()


def test_a_passphrase_that_is_changed_between_two_looks_opens_the_backup(
    opened, place, again, database, monkeypatch
):
    add(opened)
    look, steps = database.reader, []
    newer = "another phrase of lamp oil"

    def change_first():
        monkeypatch.setattr(database, "reader", look)
        opened.people.set_passphrase("owner", newer, actor="owner", cost=keys.LOWEST_COST)
        return look()

    def wait_for_the_end(step):
        if step.done == step.total and not steps:
            steps.append(step)
            monkeypatch.setattr(database, "reader", change_first)

    made(opened, place, progress=wait_for_the_end)
    with pytest.raises(WrongPassphrase):
        restore.restore(place, again, WAY)
    assert restore.restore(place, again, Way(passphrase=newer)).calls == 1


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    acts=st.lists(
        st.sampled_from(["add", "analyse", "erase", "retry", "hold", "backup"]), max_size=14
    )
)
def test_a_restore_is_the_state_at_the_last_backup_less_what_was_erased(tmp_path_factory, acts):
    folder = tmp_path_factory.mktemp("property")
    with vault.create(folder / "vault", PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        made(opened, folder / "backup", keys_to=folder / "keys")
        state = {}
        for number, act in enumerate(acts):
            calls = sorted(contents(opened))
            if act == "add":
                add(opened, b"%d" % number, analysed=False)
            elif act == "analyse" and opened.calls.totals().get(JobState.QUEUED):
                analyse(opened)
            elif act == "erase" and calls and not opened.calls.detail(calls[0]).on_hold:
                opened.calls.erase(calls[0], actor="ann")
            elif act == "retry" and calls:
                opened.jobs.retry(calls[-1], actor="ann")
            elif act == "hold" and calls:
                opened.holds.place(calls[-1], "x", actor="ann", scope=EVERYTHING)
            elif act == "backup":
                made(opened, folder / "backup", keys_to=folder / "keys")
                state = contents(opened)
        opened.backups.write_erased_list(folder / "erased", actor="ann")
        with opened._database.reader() as reading:
            erased = {row[0] for row in reading.all("SELECT call FROM erased")}
    restore.restore(
        folder / "backup", folder / "again", WAY,
        keys_from=folder / "keys", erased_list=folder / "erased",
    )  # fmt: skip
    with reopened(folder / "again") as back:
        assert contents(back) == {call: one for call, one in state.items() if call not in erased}
        assert back.check() == ()


# --------------------------------------------------------------------------- what was changed


def _kinds(place):
    """Return one file of each kind."""
    found = {}
    for path in sorted(place.rglob("*")):
        if path.is_file() and path.name != "lock":
            found[path.relative_to(place).parts[0].split("-")[0]] = path
    return found


@pytest.fixture
def backed_up(opened, place):
    add(opened)
    add(opened, b"two")
    made(opened, place)
    return place


def _refused(opened, place, again):
    """Assert that a backup is known to be bad, by checking and by restoring: nothing is left."""
    try:
        problems = opened.backups.check(place).problems
    except BackupInvalid:
        problems = ("cannot be opened",)
    assert problems
    with pytest.raises(BackupInvalid):
        restore.restore(place, again, WAY)
    assert not vault.state(again).exists
    assert not again.exists() or {path.name for path in again.iterdir()} <= {"lock"}


@pytest.mark.parametrize("kind", ["backup.json", "keys.sealed", "vault", "calls", "audio"])
def test_a_changed_byte_anywhere_is_found(opened, backed_up, again, kind, monkeypatch):
    path = _kinds(backed_up)[kind]
    whole = path.read_bytes()
    places = {0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 2, len(whole) - 1}
    for at in sorted(places | set(range(5, len(whole), len(whole) // 12 + 1))):
        changed = bytearray(whole)
        changed[at] ^= 1 << (at % 8)
        path.write_bytes(changed)
        _refused(opened, backed_up, again)
    path.write_bytes(whole)
    assert opened.backups.check(backed_up).problems == ()


@pytest.mark.parametrize("kind", ["backup.json", "keys.sealed", "vault", "calls", "audio"])
def test_a_file_that_is_cut_off_longer_or_missing_is_found(opened, backed_up, again, kind):
    path = _kinds(backed_up)[kind]
    whole = path.read_bytes()
    for content in (b"", whole[:1], whole[: len(whole) // 2], whole[:-1], whole + b"\0", None):
        path.write_bytes(content) if content is not None else path.unlink()
        _refused(opened, backed_up, again)


@pytest.mark.parametrize("kind", ["calls", "audio"])
def test_files_of_two_calls_that_were_swapped_are_found(opened, backed_up, again, kind):
    one, two = sorted(path for path in (backed_up / kind).rglob("*") if path.is_file())[:2]
    content = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(content)
    _refused(opened, backed_up, again)


def test_a_stale_file_in_place_of_the_newest_is_found(opened, backed_up, again):
    before = tree(backed_up)
    for call in contents(opened):
        opened.jobs.retry(call, actor="ann")
    analyse(opened)
    analyse(opened)
    made(opened, backed_up)
    after = tree(backed_up)
    for name in set(after) - {"backup.json", "keys.sealed"} - set(before):
        stem, kind = name.split("-")[0].split(".")[0], name.split(".")[1]
        (old,) = [one for one in before if one.startswith(stem) and one not in after] or [None]
        if old is None:
            (old,) = [one for one in before if one.startswith(stem) and f".{kind}." in one]
        (backed_up / name).write_bytes(before[old])
        _refused(opened, backed_up, again)
        (backed_up / name).write_bytes(after[name])


def test_two_generations_are_not_mixed(opened, backed_up, again):
    before = tree(backed_up)
    add(opened, b"three")
    made(opened, backed_up)
    after = tree(backed_up)
    (backed_up / "keys.sealed").write_bytes(before["keys.sealed"])
    _refused(opened, backed_up, again)
    (backed_up / "keys.sealed").write_bytes(after["keys.sealed"])
    (backed_up / "backup.json").write_bytes(before["backup.json"])
    _refused(opened, backed_up, again)


def test_two_vaults_are_not_mixed(opened, backed_up, again, tmp_path):
    with vault.create(tmp_path / "second", PASSPHRASE, cost=keys.LOWEST_COST) as second:
        add(second)
        other = tmp_path / "other"
        made(second, other)
        assert second.backups.check(other).problems == ()
        with pytest.raises(BackupInvalid):
            second.backups.check(backed_up)
        for options in ({}, {"keys_to": backed_up}):
            with pytest.raises(BackupInvalid):
                second.backups.make(
                    tmp_path / "new" if options else backed_up, actor="x", **options
                )
        second.backups.write_erased_list(tmp_path / "erased", actor="x")
    with pytest.raises(BackupInvalid):
        restore.restore(backed_up, again, WAY, erased_list=tmp_path / "erased")
    with pytest.raises(BackupInvalid):
        restore.restore(backed_up, again, WAY, keys_from=other)
    for kind in ("keys.sealed", "vault"):
        path, theirs = _kinds(backed_up)[kind], _kinds(other)[kind]
        whole = path.read_bytes()
        path.write_bytes(theirs.read_bytes())
        _refused(opened, backed_up, again)
        path.write_bytes(whole)


def test_a_backup_of_a_damaged_vault_keeps_what_an_earlier_one_has(opened, place, again, folder):
    call, other = add(opened), add(opened, b"two")
    made(opened, place)
    before = contents(opened)
    for path in (folder / "audio").rglob(f"{call}.*"):
        path.write_bytes(path.read_bytes()[:-1])
    with opened._database.transaction() as writing:
        writing.change("UPDATE call_keys SET sealed = x'00'")
    report = opened.backups.make(place, actor="ann")
    assert set(report.damaged) == {call, other}
    restore.restore(place, again, WAY)
    with reopened(again) as back:
        assert contents(back) == before


def test_a_recording_that_was_damaged_before_any_backup_is_named(opened, place, again, folder):
    call, other = add(opened), add(opened, b"two")
    (path,) = (folder / "audio").rglob(f"{call}.original.*")
    path.write_bytes(path.read_bytes()[:-1])
    report = opened.backups.make(place, actor="ann")
    assert report.damaged == (call,)
    assert opened.backups.check(place).problems == (
        f"the original recording of call {call} was damaged in the vault",
    )
    restore.restore(place, again, WAY)
    with reopened(again) as back:
        assert back.check() == (f"the original recording of call {call} is missing or broken",)
        assert back.audio.read(other, Purpose.ORIGINAL) == b"two"


def damage_page(opened, folder, name):
    """Change one byte of the first page of a table or an index of an open vault."""
    database = opened._database
    with database.reader() as reading:
        sql = "SELECT rootpage FROM sqlite_master WHERE name = ?"
        page = reading.number(sql, (name,))
    database.checkpoint()
    while database._idle:
        database._idle.pop().close()
    path = folder / "vault.db"
    content = bytearray(path.read_bytes())
    content[(page - 1) * 4096 + 100] ^= 0x40
    path.write_bytes(content)


@pytest.mark.parametrize("name", ["calls", "call_keys", "analyses", "flags", "audio"])
def test_damaged_pages_leave_what_an_earlier_backup_had(opened, place, again, folder, name):
    calls = {add(opened, b"%d" % number) for number in range(3)}
    before = contents(opened)
    made(opened, place)
    damage_page(opened, folder, name)
    report = opened.backups.make(place, actor="ann")
    assert (set(report.damaged), report.calls) == (calls, 3)
    assert opened.backups.check(place).problems == ()
    restore.restore(place, again, WAY)
    with reopened(again) as back:
        assert contents(back) == before


def test_a_damaged_index_of_calls_costs_no_call(opened, place, folder):
    add(opened)
    damage_page(opened, folder, "sqlite_autoindex_calls_1")
    assert made(opened, place).calls == 1


def test_a_damaged_call_leaves_the_others_in_a_first_backup(opened, place, again, folder):
    damaged, *others = [add(opened, b"%d" % number) for number in range(3)]
    database = opened._database
    with database.transaction() as writing:
        # one page of its own, behind all others
        writing.change("UPDATE calls SET failure_sentence = ? WHERE id = ?", ("x" * 9000, damaged))
    database.checkpoint()
    while database._idle:
        database._idle.pop().close()
    path = folder / "vault.db"
    content = bytearray(path.read_bytes())
    content[-2000] ^= 0x40
    path.write_bytes(content)
    report = opened.backups.make(place, actor="ann")
    assert report.damaged == (damaged,)
    assert opened.backups.check(place).problems == ()
    assert restore.restore(place, again, WAY).calls == 2
    with reopened(again) as back:
        assert {row.id for row in back.calls.page(CallQuery(), offset=0, limit=9)} == set(others)


def test_keys_that_are_kept_apart_stay_apart(opened, tmp_path):
    add(opened)
    opened.backups.make(tmp_path / "backup", keys_to=tmp_path / "keys", actor="ann")
    with pytest.raises(UsageError, match="kept apart"):
        opened.backups.make(tmp_path / "backup", actor="ann")
    assert not (tmp_path / "backup" / "keys.sealed").exists()


def test_keys_that_are_kept_apart_stay_apart_after_a_change_of_keys(opened, tmp_path, folder):
    add(opened)
    place, keys_to = tmp_path / "backup", tmp_path / "keys"
    opened.backups.make(place, keys_to=keys_to, actor="ann")
    opened.backups.make(tmp_path / "together", actor="ann")
    opened.ways_in.rotate(actor="owner")
    opened.close()
    with reopened(folder) as later:
        with pytest.raises(UsageError, match="kept apart"):
            later.backups.make(place, actor="ann")
        assert not (place / "keys.sealed").exists()
        later.backups.make(place, keys_to=keys_to, actor="ann")
        assert not (place / "keys.sealed").exists()
        assert later.backups.check(place, keys_from=keys_to).problems == ()
        later.backups.make(tmp_path / "together", actor="ann")
        assert later.backups.check(tmp_path / "together").calls == 1
