"""A full disk, a folder that cannot be written to, and a second instance: each its own error.

The disk is a real one of a few megabytes where the system lets a test mount it (a private name
space on Linux); everywhere, a real limit on the size of files stands in for a disk that refuses to
write.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.domain import JobState
from app.errors import AppError, FolderReadOnly, StorageError, VaultLocked
from app.storage import keys, vault
from tests.integration.storage_child import PASSPHRASE, add

ROOT = Path(__file__).parents[2]
CHILD = "tests.integration.storage_child"
MOUNT = 'mount -t tmpfs -o size="$1" none "$2" && shift 2 && exec "$@"'


def _own_disk(size, folder, *command):
    return subprocess.run(
        ["unshare", "-rm", "sh", "-c", MOUNT, "sh", size, str(folder), *command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def _can_mount():
    if shutil.which("unshare") is None:
        return False
    return _own_disk("1m", Path("/mnt"), "true").returncode == 0


mounts = pytest.mark.skipif(not _can_mount(), reason="this system lets no test mount a disk")


@mounts
def test_on_a_full_disk_every_act_says_so_and_nothing_kept_is_lost(tmp_path):
    folder = tmp_path / "vault"
    result = _own_disk("9m", tmp_path, sys.executable, "-m", CHILD, "fill_up", str(folder))
    assert result.stderr == ""
    waits = "waits A change of keys waits, and the old keys count until then."
    assert result.stdout.splitlines() == [
        *["full disk-full"] * 6,
        f"{waits} The disk that holds the vault is full.",
        "kept",
        "changed ",
        "made",
    ]


@mounts
def test_a_full_disk_during_a_backup_an_erasing_or_a_restore_loses_nothing(tmp_path):
    result = _own_disk(
        "9m", tmp_path, sys.executable, "-m", CHILD, "back_up_on_a_full_disk", str(tmp_path / "v")
    )
    assert result.stderr == ""
    said = result.stdout.splitlines()
    assert said[-1] == "whole"
    assert not [line for line in said if line.startswith("problems")]
    for act in ("backup", "erase", "restore"):
        outcomes = [line for line in said if line.startswith(act)]
        assert (f"{act} full" in outcomes, outcomes[-1]) == (True, f"{act} done")


@mounts
def test_a_folder_that_cannot_be_written_to_says_so(tmp_path):
    folder = tmp_path / "vault"
    result = _own_disk("9m", tmp_path, sys.executable, "-m", CHILD, "locked_out", str(folder))
    assert result.stderr == ""
    assert result.stdout.splitlines() == ["True", "folder-read-only", "folder-read-only"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="rights do not bind this user"
)
def test_a_folder_without_the_right_to_write_says_so(tmp_path):
    folder = tmp_path / "vault"
    vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
    for path in (*folder.iterdir(), folder, tmp_path):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        with pytest.raises(FolderReadOnly):
            vault.open_vault(folder, PASSPHRASE)
        with pytest.raises(FolderReadOnly):
            vault.create(tmp_path / "second", PASSPHRASE, cost=keys.LOWEST_COST)
    finally:
        for path in (tmp_path, folder):
            path.chmod(0o700)


def test_a_disk_that_refuses_to_write_is_trouble_and_not_a_loss(tmp_path):
    resource = pytest.importorskip("resource", reason="this system limits no file sizes")
    with vault.create(tmp_path / "vault", PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        kept = add(opened, b"kept")
        _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
        for act in (
            lambda: add(opened, os.urandom(3_000_000)),
            lambda: [opened.audit.record(actor="x" * 3000, act="x") for _ in range(2000)],
        ):
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, most))
            try:
                with pytest.raises(StorageError):
                    act()
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
            add(opened, os.urandom(50))
            assert opened.check() == ()
        assert opened.calls.detail(kept).job.state is JobState.QUEUED
        assert opened.calls.totals()[JobState.QUEUED] == 3


def test_a_second_program_is_refused_while_the_first_has_the_vault(tmp_path):
    folder = tmp_path / "vault"
    vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
    child = subprocess.Popen(
        [sys.executable, "-m", CHILD, "work", str(folder)], cwd=ROOT, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout.readline() == b"open\n"
        with pytest.raises(VaultLocked) as refusal:
            vault.open_vault(folder, PASSPHRASE)
        assert isinstance(refusal.value, AppError)
        child.kill()
    with vault.open_vault(folder, PASSPHRASE) as opened:
        assert opened.check() == ()
