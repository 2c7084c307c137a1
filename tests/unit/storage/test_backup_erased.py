"""What was erased does not come back from a backup, nor get into one again."""

from __future__ import annotations

import shutil

import pytest

from app.errors import BackupInvalid, RecordingErased, UsageError
from app.storage import restore
from tests.unit.storage.test_backup import WAY, add, again, contents, made, place, reopened

__all__ = ["again", "place"]  # fixtures


def test_an_erased_call_does_not_come_back_from_an_old_copy_with_the_new_key_file(
    opened, place, again, tmp_path
):
    elsewhere = tmp_path / "keys"
    gone, kept = add(opened, b"gone"), add(opened, b"kept")
    made(opened, place, keys_to=elsewhere)
    old = shutil.copytree(place, tmp_path / "old")
    opened.calls.erase(gone, actor="ann", reason="asked for")
    made(opened, place, keys_to=elsewhere)
    assert opened.backups.check(old, keys_from=elsewhere).problems == ()
    done = restore.restore(old, again, WAY, keys_from=elsewhere)
    assert (done.calls, done.erased, done.without_key) == (1, (gone,), ())
    with reopened(again) as back:
        assert set(contents(back)) == {kept}
        assert back.check() == ()
        with pytest.raises(RecordingErased):
            add(back, b"gone")
    assert gone.encode() in (old / "calls" / gone[:2]).iterdir().__next__().name.encode()


def test_an_erased_call_does_not_come_back_from_a_complete_old_copy_with_the_list(
    opened, place, again, tmp_path
):
    gone, kept = add(opened, b"gone"), add(opened, b"kept")
    made(opened, place)
    opened.calls.erase(gone, actor="ann")
    assert opened.backups.write_erased_list(tmp_path / "erased", actor="ann") == 1
    assert opened.audit.entries(limit=1)[0].act == "vault.erased-list"
    with pytest.raises(UsageError):
        opened.backups.write_erased_list(tmp_path / "erased", actor="ann")
    done = restore.restore(place, again, WAY, erased_list=tmp_path / "erased")
    assert (done.calls, done.erased) == (1, (gone,))
    with reopened(again) as back:
        assert set(contents(back)) == {kept}
        with pytest.raises(RecordingErased):
            add(back, b"gone")


def test_a_call_whose_key_alone_is_gone_is_named(opened, place, again, monkeypatch):
    call = add(opened)
    made(opened, place)
    from app.storage import backup_format

    found = backup_format.opened

    def without(*args, **options):
        import dataclasses

        return dataclasses.replace(found(*args, **options), keys={})

    monkeypatch.setattr(backup_format, "opened", without)
    done = restore.restore(place, again, WAY)
    assert (done.calls, done.without_key) == (0, (call,))


def test_an_erased_call_that_an_older_state_brought_back_does_not_get_into_the_backup(
    opened, place, folder, tmp_path
):
    erased, _ = add(opened), add(opened, b"two")
    opened.close()
    shutil.copytree(folder, tmp_path / "older")
    with reopened(folder) as now:
        now.calls.erase(erased, actor="ann")
        made(now, place)
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / "older", folder)
    with reopened(folder) as now:
        with pytest.raises(BackupInvalid, match=f"erased before.*{erased}"):
            now.backups.make(place, actor="ann")
        now.calls.erase(erased, actor="ann")
        assert made(now, place).calls == 1
