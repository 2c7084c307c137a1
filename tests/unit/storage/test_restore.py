"""Where backups go, who restores them, and the drill that shows that they restore."""

from __future__ import annotations

import os
import shutil
import signal
from dataclasses import replace
from datetime import timedelta

import pytest

from app.domain import AuditQuery, CallQuery, Person, PersonName, PersonRole
from app.errors import (
    AppError,
    BackupInvalid,
    CodeNeeded,
    DeviceUnknown,
    NameNeeded,
    NotAllowed,
    RecoveryWrong,
    SignInDelayed,
    StorageError,
    UsageError,
    VaultExists,
    WrongCode,
    WrongPassphrase,
)
from app.storage import drill, files, keys, records, restore, totp, vault
from app.storage.remembered import Keyring
from app.storage.way import Way
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_backup import WAY, add, contents, made, reopened, tree


@pytest.fixture
def place(tmp_path):
    return tmp_path / "backup"


@pytest.fixture
def again(tmp_path):
    return tmp_path / "again"


@pytest.fixture
def backed_up(opened, place):
    add(opened)
    add(opened, b"two")
    made(opened, place)
    return place


# --------------------------------------------------------------------------- places and people


def test_a_backup_goes_where_it_harms_nothing(opened, place, folder, tmp_path):
    place.mkdir()
    (place / "mine.txt").write_text("x")
    for wrong in (place, folder, folder / "backup", tmp_path):
        with pytest.raises(UsageError):
            opened.backups.make(wrong, actor="ann")
    assert (place / "mine.txt").read_text() == "x"
    place.chmod(0o755)
    (place / "mine.txt").unlink()
    made(opened, place)
    if os.name == "posix":
        assert place.stat().st_mode & 0o777 == 0o755


def test_one_that_is_stopped_is_taken_up_again(opened, place):
    for number in range(4):
        add(opened, b"%d" % number)
    asked = []

    def stop():
        asked.append(True)
        return len(asked) == 3

    assert opened.backups.make(place, actor="ann", stop=stop) is None
    with pytest.raises(BackupInvalid):
        opened.backups.check(place)
    left = tree(place)
    assert len([name for name in left if name.startswith("audio")]) == 4
    made(opened, place)
    now = tree(place)
    assert {name for name in left if name.startswith("audio")} <= set(now)
    assert "unfinished" not in now
    assert opened.backups.check(place).problems == ()


def test_a_full_disk_is_said_and_leaves_the_backup_as_it_was(opened, place, monkeypatch):
    add(opened)
    made(opened, place)
    before = tree(place)
    add(opened, b"two")
    write = files._write_all
    for most in range(12):
        count = []

        def full(descriptor, data, most=most, count=count):
            count.append(data)
            if len(count) > most:
                raise OSError(28, "no room")
            write(descriptor, data)

        monkeypatch.setattr(files, "_write_all", full)
        try:
            opened.backups.make(place, actor="ann")
        except StorageError as error:
            said = error.sentence
            monkeypatch.undo()
            assert said == "The disk that takes the backup is full."
            assert opened.backups.check(place).problems == ()
            assert {name: tree(place).get(name) for name in before} == before or (
                tree(place)["backup.json"] == before["backup.json"]
            )
        else:
            break
    else:
        raise AssertionError("the disk was never large enough")
    assert opened.backups.check(place).calls == 2


def test_the_vault_comes_back_into_an_empty_folder_only(opened, backed_up, again):
    again.mkdir()
    (again / "mine.txt").write_text("x")
    with pytest.raises(VaultExists):
        restore.restore(backed_up, again, WAY)
    assert (again / "mine.txt").read_text() == "x"
    (again / "mine.txt").unlink()
    restore.restore(backed_up, again, WAY)
    with pytest.raises(VaultExists):
        restore.restore(backed_up, again, WAY)


def test_who_may_not_manage_the_vault_restores_none(opened, backed_up, again):
    rob = Person(name=PersonName("Rob"), roles=frozenset({PersonRole.REVIEWER}))
    opened.people.add(rob, "a passphrase of Rob's", actor="owner", cost=keys.LOWEST_COST)
    made(opened, backed_up)
    for way, error in (
        (Way(passphrase="a passphrase of Rob's", name="rob"), NotAllowed),
        (Way(passphrase=PASSPHRASE, name="rob"), WrongPassphrase),
        (Way(passphrase=PASSPHRASE, name="nobody"), WrongPassphrase),
        (Way(passphrase=PASSPHRASE), NameNeeded),
        (Way(sheet="AAAA-BBBB"), RecoveryWrong),
    ):
        with pytest.raises(error):
            restore.restore(backed_up, again, way)
        assert not vault.state(again).exists
    restore.restore(backed_up, again, Way(passphrase=PASSPHRASE, name="Owner"))


def test_the_recovery_sheet_restores_where_everything_else_is_lost(opened, place, again):
    call = add(opened)
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    made(opened, place)
    restore.restore(place, again, Way(sheet=sheet))
    with reopened(again) as back:
        assert set(contents(back)) == {call}
        assert back.audit.entries(limit=2)[1].actor == "recovery sheet"


def _keyring(kept):
    """Return a keyring that keeps what it is given in a dictionary."""

    class Backend:
        def get_password(self, _service, name):
            return kept.get(name)

        def set_password(self, _service, name, secret):
            kept[name] = secret

        def delete_password(self, _service, name):
            del kept[name]

    return Keyring(Backend())


def test_a_vault_that_asks_for_its_computer_needs_the_sheet_elsewhere(
    opened, place, again, tmp_path
):
    kept = {}
    keyring = _keyring(kept)
    opened.ways_in._keyring = keyring
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    opened.ways_in.ask_for_computer(actor="owner")
    made(opened, place)
    restore.restore(place, again, Way(passphrase=PASSPHRASE, keyring=keyring))
    kept.clear()
    with pytest.raises(DeviceUnknown):
        restore.restore(place, tmp_path / "other", Way(passphrase=PASSPHRASE, keyring=keyring))
    restore.restore(place, tmp_path / "other", Way(sheet=sheet))


def _code(secret, now):
    return totp._totp(secret).generate(int(now.timestamp())).decode()


def test_a_second_factor_is_asked_for(opened, backed_up, again, clock):
    secret = totp.new_secret()
    code = _code(secret, clock())
    opened.second_factors.set_up(opened.person, secret, code, actor="owner")
    made(opened, backed_up)
    with pytest.raises(CodeNeeded):
        restore.restore(backed_up, again, WAY)
    clock.move(90)
    way = Way(passphrase=PASSPHRASE, code=_code(secret, clock()), clock=clock)
    restore.restore(backed_up, again, way)
    assert vault.state(again).exists


def test_after_a_change_of_keys_the_backup_is_made_anew_and_old_copies_still_restore(
    opened, place, again, folder, tmp_path
):
    gone, kept = add(opened, b"gone"), add(opened, b"kept")
    made(opened, place)
    opened.ways_in.rotate(actor="owner")
    made(opened, place)
    old = shutil.copytree(place, tmp_path / "old")
    opened.close()
    with reopened(folder) as later:
        with pytest.raises(BackupInvalid):
            later.backups.check(old)
        later.calls.erase(gone, actor="owner")
        report = made(later, place)
        assert report.calls == 1
        assert later.backups.check(place).problems == ()
    done = restore.restore(old, again, WAY, keys_from=place)
    assert (done.calls, done.erased) == (1, (gone,))
    with reopened(again) as back:
        assert set(contents(back)) == {kept}
        assert back.check() == ()
    restore.restore(place, tmp_path / "third", WAY)
    with reopened(tmp_path / "third") as back:
        assert set(contents(back)) == {kept}


def test_after_a_change_of_passphrase_and_keys_the_sheet_opens_what_one_passphrase_cannot(
    opened, place, again, folder, tmp_path
):
    elsewhere, newer = tmp_path / "keys", "another phrase of lamp oil"
    add(opened)
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    made(opened, place, keys_to=elsewhere)
    old = shutil.copytree(place, tmp_path / "old")
    opened.people.set_passphrase("owner", newer, actor="owner", cost=keys.LOWEST_COST)
    opened.ways_in.rotate(actor="owner")
    opened.close()
    with vault.open_vault(folder, newer) as later:
        made(later, place, keys_to=elsewhere)
    for passphrase in (PASSPHRASE, newer):
        with pytest.raises(WrongPassphrase):
            restore.restore(old, again, Way(passphrase=passphrase), keys_from=elsewhere)
    assert restore.restore(old, again, Way(sheet=sheet), keys_from=elsewhere).calls == 1


# --------------------------------------------------------------------------- damaged calls


@pytest.mark.parametrize("kind", ["calls", "audio"])
def test_damaged_calls_are_left_out_where_that_is_wanted(opened, place, tmp_path, kind):
    damaged, whole = add(opened), add(opened, b"two")
    opened.backups.make(place, actor="ann")
    path = max((place / kind).rglob(f"{damaged}.*"))
    path.write_bytes(path.read_bytes()[:-1])
    again = tmp_path / "again"
    with pytest.raises(BackupInvalid, match=damaged) as caught:
        restore.restore(place, again, WAY)
    assert "--without-damaged" in caught.value.advice
    report = restore.restore(place, again, WAY, without_damaged=True)
    assert (report.calls, report.damaged) == (1, (damaged,))
    assert not list((again / "audio").rglob(f"{damaged}.*"))
    with vault.open_vault(again, PASSPHRASE) as back:
        assert [row.id for row in back.calls.page(CallQuery(), offset=0, limit=9)] == [whole]
        assert back.check() == ()
        (entry,) = back.audit.entries(AuditQuery(act="vault.restore"))
        assert entry.outcome.endswith("0 without key, 1 damaged")


# --------------------------------------------------------------------------- the drill


def test_the_drill_restores_compares_and_removes(opened, backed_up, tmp_path, clock):
    clock.move(7200)
    report = drill.drill(backed_up, tmp_path / "beside", Way(passphrase=PASSPHRASE, clock=clock))
    assert report.problems == ()
    assert (report.calls, report.turns, report.age_seconds) == (2, 8, 7200)
    assert report.audit_entries > 5
    assert {path.name for path in (tmp_path / "beside").iterdir()} == {"backup-drill.lock"}


def test_the_drill_tells_what_would_not_come_back(opened, place, tmp_path, folder, monkeypatch):
    call = add(opened)
    (path,) = (folder / "audio").rglob(f"{call}.muted.*")
    path.unlink()
    opened.backups.make(place, actor="ann")
    report = drill.drill(place, tmp_path / "beside", WAY)
    assert report.problems == (f"the muted recording of call {call} is missing or broken",)
    monkeypatch.setattr(records.results, "add_turns", lambda *_: None)
    report = drill.drill(place, tmp_path / "beside", WAY)
    assert "4 turns should be in the index, and not 0" in report.problems
    assert any("are not found" in problem for problem in report.problems)
    with pytest.raises(AppError):
        drill.drill(tmp_path, tmp_path / "beside", WAY)
    assert {path.name for path in (tmp_path / "beside").iterdir()} == {"backup-drill.lock"}


def test_the_drill_of_a_vault_whose_keys_were_being_changed(opened, place, tmp_path):
    kept = {}
    opened.ways_in._keyring = keyring = _keyring(kept)
    add(opened)
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    opened.ways_in.ask_for_computer(actor="owner")
    opened.ways_in.rotate(actor="owner")
    made(opened, place)
    before = dict(kept)
    for way in (Way(passphrase=PASSPHRASE, keyring=keyring), Way(sheet=sheet)):
        report = drill.drill(place, tmp_path / "beside", way)
        assert (report.calls, report.problems) == (1, ())
    assert kept == before


def test_guessing_at_a_backup_waits_wherever_it_is_restored_to(backed_up, tmp_path, clock):
    way = Way(passphrase="another passphrase", counted=tmp_path / "counts", clock=clock)
    for number in range(5):
        with pytest.raises(WrongPassphrase):
            restore.restore(backed_up, tmp_path / f"to-{number}", way)
    right = replace(way, passphrase=PASSPHRASE)
    with pytest.raises(SignInDelayed):
        restore.restore(backed_up, tmp_path / "again", right)
    with pytest.raises(SignInDelayed):
        drill.drill(backed_up, tmp_path / "beside", right)
    with pytest.raises(RecoveryWrong):
        restore.restore(backed_up, tmp_path / "again", replace(way, sheet="AAAA-BBBB"))
    clock.now += timedelta(minutes=5)
    restore.restore(backed_up, tmp_path / "again", right)
    with pytest.raises(WrongPassphrase):  # the count began anew
        restore.restore(backed_up, tmp_path / "other", way)
    (folder,) = (tmp_path / "counts").iterdir()
    lock = files.FolderLock(folder / "lock")
    with pytest.raises(SignInDelayed):
        restore.restore(backed_up, tmp_path / "other", right)
    lock.release()


def test_codes_guessed_at_a_backup_are_counted(opened, place, tmp_path):
    secret = totp.new_secret()
    now = opened.second_factors._clock()
    backup = opened.second_factors.set_up(opened.person, secret, _code(secret, now), actor="owner")
    made(opened, place)
    way = Way(passphrase=PASSPHRASE, code="not one", counted=tmp_path / "counts")
    for _ in range(5):
        with pytest.raises(WrongCode):
            restore.restore(place, tmp_path / "again", way)
    with pytest.raises(SignInDelayed):
        restore.restore(place, tmp_path / "again", replace(way, code=backup[0]))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_what_a_killed_drill_left_goes_with_the_next_erased_call(opened, place, tmp_path):
    call = add(opened)
    add(opened, b"two")
    made(opened, place)
    beside = tmp_path / "beside"

    def die(step):
        if step.done == step.total:
            os.kill(os.getpid(), signal.SIGKILL)

    for through in (lambda: drill.remove_left(beside), lambda: _erased(opened, call, beside)):
        child = os.fork()
        if child == 0:
            drill.drill(place, beside, WAY, progress=die)
            os._exit(0)
        assert os.waitpid(child, 0)[1] == signal.SIGKILL
        assert list(beside.rglob(f"{call}.original.sealed"))  # it is in there
        lock = files.FolderLock(beside / "backup-drill.lock")
        drill.remove_left(beside)
        assert (beside / "backup-drill").exists()  # one that is under way is left alone
        lock.release()
        through()
        assert {path.name for path in beside.iterdir()} == {"backup-drill.lock"}


def _erased(opened, call, beside):
    opened.calls.erasure.also = lambda: drill.remove_left(beside)
    opened.calls.erase(call, actor="owner")


def test_a_call_that_was_erased_since_leaves_no_reason_in_the_restored_requests(
    opened, place, again, tmp_path
):
    gone, kept = add(opened, b"gone"), add(opened, b"kept")
    with opened._database.transaction() as writing:
        for call in (gone, kept):
            writing.change(_A_REQUEST, (call, f"Mrs Example wants {call}"))
    made(opened, place)
    opened.calls.erase(gone, actor="ann")
    opened.backups.write_erased_list(tmp_path / "erased", actor="ann")
    restore.restore(place, again, WAY, erased_list=tmp_path / "erased")
    with reopened(again) as back, back._database.reader() as reading:
        reasons = reading.all("SELECT reason FROM requests ORDER BY number")
    assert reasons == [("",), (f"Mrs Example wants {kept}",)]


_A_REQUEST = """
    INSERT INTO requests (act, subject, value, reason, asked_by, asked_at, state)
    VALUES ('export-original', ?, '', ?, 'owner', '2026-03-01', 'approved')
"""
