"""Files that are whole or absent, private, and inside."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys

import pytest

from app.errors import DiskFull, FolderReadOnly, StorageError, VaultLocked
from app.storage import files


def _mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_folders_and_files_are_the_owners_only(tmp_path):
    folder = tmp_path / "a" / "b"
    before = os.umask(0)
    try:
        files.make_private(folder)
        files.write_atomic(folder / "file", b"x")
        files.FolderLock(folder / "lock").release()
    finally:
        os.umask(before)
    assert (_mode(folder), _mode(folder.parent)) == (0o700, 0o700)
    assert (_mode(folder / "file"), _mode(folder / "lock")) == (0o600, 0o600)


def test_a_folder_that_others_may_enter_becomes_private(tmp_path):
    folder = tmp_path / "open"
    folder.mkdir(mode=0o755)
    files.make_private(folder)
    assert _mode(folder) == 0o700
    assert _mode(tmp_path) != 0o600


def test_writing_replaces_as_a_whole_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "file"
    files.write_atomic(path, b"one")
    files.write_atomic(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    files.write_atomic(path, b"one")

    def full(*_):
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(files, "_sync", full)
    with pytest.raises(DiskFull):
        files.write_atomic(path, b"two")
    assert path.read_bytes() == b"one"
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == ["file"]


def test_a_rename_that_fails_leaves_no_part(tmp_path):
    (tmp_path / "target").mkdir()
    with pytest.raises((StorageError, FolderReadOnly)):
        files.write_atomic(tmp_path / "target", b"x")
    assert [p.name for p in tmp_path.iterdir() if p.is_file()] == []


def test_errors_of_the_content_pass_unchanged_and_leave_no_part(tmp_path):
    def content():
        yield b"begun"
        raise FileNotFoundError("the recording went away")

    with pytest.raises(FileNotFoundError, match="went away"):
        files.create_private(tmp_path / "file", content())
    assert not (tmp_path / "file").exists()


def test_a_new_file_never_overwrites(tmp_path):
    (tmp_path / "file").write_bytes(b"mine")
    with pytest.raises(StorageError):
        files.create_private(tmp_path / "file", [b"x"])
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_link_is_not_followed_when_a_file_is_made(tmp_path):
    (tmp_path / "file").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError):
        files.create_private(tmp_path / "file", [b"x"])
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("parts", [("..", "x"), ("a", "..", "..", "x"), ("/etc/passwd",)])
def test_paths_that_lead_out_are_refused(tmp_path, parts):
    folder = tmp_path / "vault"
    folder.mkdir()
    with pytest.raises(StorageError, match="leads out"):
        files.inside(folder, *parts)


def test_links_that_lead_out_are_refused(tmp_path):
    folder = tmp_path / "vault"
    folder.mkdir()
    (folder / "audio").symlink_to(tmp_path)
    with pytest.raises(StorageError, match="leads out"):
        files.inside(folder, "audio", "file")
    assert files.inside(folder, "other", "file") == folder / "other" / "file"


def test_leftovers_of_interrupted_writes_are_removed_and_nothing_else(tmp_path):
    (tmp_path / ".part-0011").write_bytes(b"x")
    (tmp_path / "kept").write_bytes(b"x")
    assert files.remove_temporary(tmp_path) == 1
    assert not (tmp_path / ".part-0011").exists()
    assert (tmp_path / "kept").exists()


def test_removing_what_is_not_there_is_no_error(tmp_path):
    files.remove(tmp_path / "nothing")


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        (errno.ENOSPC, DiskFull),
        (errno.EDQUOT, DiskFull),
        (errno.EFBIG, DiskFull),
        (errno.EROFS, FolderReadOnly),
        (errno.EACCES, FolderReadOnly),
        (errno.EPERM, FolderReadOnly),
        (errno.EIO, StorageError),
        (None, StorageError),
    ],
)
def test_each_trouble_of_the_disk_is_its_own_error(number, kind):
    error = OSError(number, "x", "/secret/name") if number else OSError()
    assert type(files.explained(error)) is kind
    assert "secret" not in str(files.explained(error))


def test_a_lock_is_held_once_and_can_be_had_again(tmp_path):
    lock = files.FolderLock(tmp_path / "lock")
    with pytest.raises(VaultLocked):
        files.FolderLock(tmp_path / "lock")
    lock.release()
    lock.release()
    files.FolderLock(tmp_path / "lock").release()


def test_a_lock_ends_with_its_program_however_that_ends(tmp_path):
    code = (
        "import sys, pathlib; from app.storage import files;"
        "lock = files.FolderLock(pathlib.Path(sys.argv[1])); print('held', flush=True);"
        "sys.stdin.read()"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with child:
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(VaultLocked):
            files.FolderLock(tmp_path / "lock")
        child.kill()
        child.wait()
    files.FolderLock(tmp_path / "lock").release()


def test_a_disk_that_cannot_lock_is_said_plainly(tmp_path, monkeypatch):
    def no_locks(_):
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr(files, "_lock", no_locks)
    with pytest.raises(StorageError):
        files.FolderLock(tmp_path / "lock")


@pytest.mark.parametrize("number", [errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG])
def test_a_folder_that_cannot_be_there_is_no_fault_of_the_disk(number):
    said = files.explained(OSError(number, "no"))
    assert "cannot be made or found" in said.sentence
    assert "name of the folder" in said.advice
    assert "connection" in files.explained(OSError(errno.EIO, "no")).advice
