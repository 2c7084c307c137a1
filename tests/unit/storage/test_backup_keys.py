"""Backups after a change of the vault's keys: nothing that was good is lost, wherever one ends."""

from __future__ import annotations

import functools
import shutil

import pytest

from app.domain import PersonRole
from app.errors import DiskFull, SignInError, WrongPassphrase
from app.storage import backup_check, backup_format, files, keys, restore, vault
from app.storage.attempts import NAME, Attempts
from app.storage.audio import Purpose
from app.storage.sign_in import counted_as
from app.storage.way import Way
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added
from tests.unit.storage.test_backup import add, analyse, contents, made, tree

SECOND = "another phrase of lamp oil"
THIRD = "nine quiet herons by the lock"
BEFORE = "keys.previous.sealed"


def changed(opened, folder, passphrase):
    """Change the owner's passphrase, and with it the vault's keys; returns the vault anew."""
    opened.people.set_passphrase("owner", passphrase, actor="owner", cost=keys.LOWEST_COST)
    opened.close()
    name = "owner" if len(opened._header.now.people) > 1 else ""
    return vault.open_vault(folder, passphrase, name=name)


def opens(place, where, passphrase, name="", **options):
    """Return what a restore brings back, or `None` where the passphrase does not open it."""
    try:
        way = Way(passphrase=passphrase, name=name)
        report = restore.restore(place, where, way, **options)
    except SignInError:
        return None
    with vault.open_vault(where, passphrase, name=name) as back:
        assert back.check() == ()
    shutil.rmtree(where)
    return report


def recording(folder, call, purpose="original"):
    (path,) = (folder / "audio").rglob(f"{call}.{purpose}.*")
    return path


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


# ------------------------------------------------------- what only the backup still has whole


@pytest.mark.parametrize("harm", [flip, lambda path: path.unlink()], ids=["rotten", "missing"])
def test_a_recording_that_only_the_backup_has_whole_stays(opened, folder, tmp_path, harm):
    place, again = tmp_path / "backup", tmp_path / "again"
    call = add(opened, b"the only one" * 50)
    add(opened, b"another")
    made(opened, place)
    before = contents(opened)
    harm(recording(folder, call))
    with changed(opened, folder, SECOND) as later:
        for damaged in ((call,), ()):  # the second one no longer looks at what it has
            report = later.backups.make(place, actor="ann")
            assert (report.damaged, report.calls) == (damaged, 2)
            assert later.backups.check(place).problems == ()
    restore.restore(place, again, Way(passphrase=SECOND))
    with vault.open_vault(again, SECOND) as back:
        assert contents(back) == before
        assert back.check() == ()


def test_files_of_a_damaged_call_stay_until_it_is_erased(opened, folder, tmp_path):
    place = tmp_path / "backup"
    call = add(opened, b"the only one" * 50)
    made(opened, place)
    kept = recording(place, call)
    for path in (kept, recording(folder, call)):
        flip(path)
    rest = kept.read_bytes()
    with changed(opened, folder, SECOND) as later:
        assert later.backups.make(place, actor="ann").damaged == (call,)
        assert kept.read_bytes() == rest
        assert later.backups.check(place).problems == (
            f"the original recording of call {call} was damaged in the vault",
        )
        later.calls.erase(call, actor="ann")
        assert later.backups.make(place, actor="ann").damaged == ()
        assert not [name for name in tree(place) if call in name]


def test_an_older_recording_under_the_newest_name_is_not_taken(opened, folder, tmp_path):
    place = tmp_path / "backup"
    call = add(opened)
    made(opened, place)
    older = recording(place, call, "muted").read_bytes()
    opened.jobs.retry(call, actor="ann")
    analyse(opened, muted_audio=b"newer")
    made(opened, place)
    recording(place, call, "muted").write_bytes(older)
    flip(recording(folder, call, "muted"))
    with changed(opened, folder, SECOND) as later:
        assert later.backups.make(place, actor="ann").damaged == (call,)
        assert later.backups.check(place).problems == (
            f"the muted recording of call {call} was damaged in the vault",
        )
        assert later.audio.read(call, Purpose.ORIGINAL) == b"one"


# ------------------------------------------------------- ended between two writes


class _Ended(BaseException):
    """The program ends here."""


class _Steps:
    """Counts what writes to a disk, and fails from one step on, before or after it."""

    def __init__(self, monkeypatch, last, error):
        self.done, self._last, self._error = 0, last, error
        for name in ("create_private", "move", "remove", "_write_all"):
            monkeypatch.setattr(files, name, self._counted(getattr(files, name)))

    def _counted(self, act):
        @functools.wraps(act)
        def counted(*args):
            self._step()
            result = act(*args)
            self._step()
            return result

        return counted

    def _step(self):
        self.done += 1
        if self._last and self.done >= self._last:
            raise self._error


def _interrupted(opened, place, keys_to, monkeypatch, last, error):
    """Make a backup that ends at a step; returns how many steps there were, if it did not."""
    with monkeypatch.context() as patch:
        steps = _Steps(patch, last, error)
        try:
            opened.backups.make(place, keys_to=keys_to, actor="ann")
        except type(error):
            return 0
    return steps.done


@pytest.mark.parametrize(
    ("apart", "error"),
    [(False, DiskFull("full")), (True, _Ended())],
    ids=["together-full", "apart-killed"],
)
def test_wherever_a_backup_ends_one_passphrase_opens_what_is_there(
    opened, folder, tmp_path, monkeypatch, apart, error
):
    place, again = tmp_path / "backup", tmp_path / "again"
    keys_to = tmp_path / "keys" if apart else place
    add(opened)
    made(opened, place, keys_to=keys_to)
    folders = {place, keys_to}
    for one in folders:
        shutil.copytree(one, tmp_path / "kept" / one.name)

    def back_to_the_first():
        for one in folders:
            shutil.rmtree(one)
            shutil.copytree(tmp_path / "kept" / one.name, one)

    seen = set()
    with changed(opened, folder, SECOND) as later:
        add(later, b"new")
        steps = _interrupted(later, place, keys_to, monkeypatch, 0, error)
        assert steps > 40
        # the last ones are those about the key files and the manifest
        for last in (*range(1, steps - 24, 20), *range(steps - 24, steps + 1)):
            back_to_the_first()
            assert _interrupted(later, place, keys_to, monkeypatch, last, error) == 0
            found = [_whole(place, keys_to, one) for one in (PASSPHRASE, SECOND)]
            assert found in ([1, 0], [0, 2])
            seen.add((found[0] == 1, (keys_to / BEFORE).exists()))
            made(later, place, keys_to=keys_to)
            assert [_whole(place, keys_to, one) for one in (PASSPHRASE, SECOND)] == [0, 2]
            assert not [path for path in keys_to.iterdir() if path.name.startswith(".part-")]
            assert not (keys_to / BEFORE).exists()
    assert seen == {(True, False), (True, True), (False, True), (False, False)}
    assert opens(place, again, SECOND, keys_from=keys_to).calls == 2


def _whole(place, keys_to, passphrase):
    """Return how many calls are whole in a backup, or 0 where a passphrase does not open it."""
    way = Way(passphrase=passphrase)
    try:
        found = backup_format.opened(place, way.unlock, again=way.unlock_again, keys_from=keys_to)
    except WrongPassphrase:
        return 0
    report = backup_check.checked(found, progress=lambda _: None)
    assert report.problems == ()
    return report.calls


def _without_manifest(opened, place, monkeypatch, **options):
    """Make a backup that ends when all but its manifest stands."""
    whole = files.write_atomic

    def full(path, content):
        if path.name == "backup.json":
            raise DiskFull("full")
        whole(path, content)

    with monkeypatch.context() as patch:
        patch.setattr(files, "write_atomic", full)
        with pytest.raises(DiskFull):
            opened.backups.make(place, actor="ann", **options)


def test_ended_again_after_another_change_the_first_passphrase_still_opens_it(
    opened, folder, tmp_path, monkeypatch
):
    place, again = tmp_path / "backup", tmp_path / "again"
    add(opened)
    made(opened, place)
    with changed(opened, folder, SECOND) as later:
        _without_manifest(later, place, monkeypatch)
        last = changed(later, folder, THIRD)
    with last:
        for _ in range(2):
            _without_manifest(last, place, monkeypatch)
            assert opens(place, again, PASSPHRASE).calls == 1
            assert opens(place, again, SECOND) is opens(place, again, THIRD) is None
        made(last, place)
    assert BEFORE not in tree(place)
    assert opens(place, again, THIRD).calls == 1


def test_a_key_file_that_outlived_its_backup_is_taken_anew(opened, folder, tmp_path, monkeypatch):
    place, again = tmp_path / "backup", tmp_path / "again"
    add(opened)
    made(opened, place)
    stale = tree(place)["keys.sealed"]
    with changed(opened, folder, SECOND) as later:
        made(later, place)
        (place / BEFORE).write_bytes(stale)  # as if that had ended before it was removed
        assert opens(place, again, PASSPHRASE) is None
        last = changed(later, folder, THIRD)
    with last:
        _without_manifest(last, place, monkeypatch)
        assert tree(place)[BEFORE] != stale
        assert opens(place, again, SECOND).calls == 1
        (place / BEFORE).write_bytes(b"{")
        assert opens(place, again, SECOND) is None
        made(last, place)
    assert BEFORE not in tree(place)


def test_who_opens_the_newer_key_file_too_gets_no_erased_call(
    opened, folder, tmp_path, monkeypatch
):
    place, again = tmp_path / "backup", tmp_path / "again"
    added(opened, "bea", PersonRole.ADMINISTRATOR)
    gone = add(opened)
    add(opened, b"two")
    made(opened, place)
    with changed(opened, folder, SECOND) as later:
        later.calls.erase(gone, actor="ann")
        _without_manifest(later, place, monkeypatch)
    report = opens(place, again, OTHER, name="bea")
    assert (report.calls, report.erased) == (1, (gone,))
    assert opens(place, again, PASSPHRASE, name="owner").calls == 2  # as good as before


def test_the_key_file_that_does_not_open_is_no_failed_attempt(
    opened, folder, tmp_path, monkeypatch, clock
):
    place, counted = tmp_path / "backup", tmp_path / "counted"
    add(opened)
    made(opened, place)
    header = opened._header.now
    with changed(opened, folder, SECOND) as later:
        _without_manifest(later, place, monkeypatch)
    way = Way(passphrase=PASSPHRASE, counted=counted, clock=clock)
    for _ in range(4):
        with pytest.raises(WrongPassphrase):
            restore.restore(place, tmp_path / "again", Way(counted=counted, clock=clock))
    assert restore.restore(place, tmp_path / "again", way).calls == 1
    (kept,) = counted.rglob(NAME)
    failures = Attempts(kept.parent, clock).untold()[counted_as(header, "")]
    assert (failures.count, failures.untold) == (0, 4)
