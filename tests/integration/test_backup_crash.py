"""Backups and restores whose program is killed: the old one or the new one, never half.

`AUTOINSIGHTS_CRASHES` sets how often it is killed at random (default 30 and 40).
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from app.domain import CallQuery
from app.errors import WrongPassphrase
from app.storage import backup_check, backup_format, database, files, keys, restore, vault
from app.storage.way import Way
from tests.integration.backup_child import PASSPHRASE, add, prepare
from tests.integration.test_storage_crash import CRASHES, Steps, killed

CHILD = "tests.integration.backup_child"
forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
WAY = Way(passphrase=PASSPHRASE)


def _problems(folder, key):
    """Return what a backup is and what is wrong with it, read with the key of its vault."""
    backup = backup_format.opened(folder / "backup", lambda _: key, keys_from=folder / "keys")
    return backup, backup_check.checked(backup, progress=lambda _: None).problems


def test_killed_while_backing_up_there_is_the_old_backup_or_the_new_one(tmp_path):
    prepare(tmp_path)
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as opened:
        opened.backups.make(tmp_path / "backup", actor="ann", keys_to=tmp_path / "keys")
        key = type(opened._key)(opened.info.id, opened._key.secret_bytes())
    chance, newest, gone = random.Random(4), 0, set()
    for _ in range(CRASHES):
        said = killed(CHILD, "make", tmp_path, chance.uniform(0, 0.4))
        newest = max([newest, *(int(line[1]) for line in said if line[0] == "made")])
        gone |= {line[1] for line in said if line[0] == "erased"}
        backup, problems = _problems(tmp_path, key)
        assert problems == ()
        assert backup.generation >= newest
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as opened:
        assert opened.check() == ()
        opened.backups.make(tmp_path / "backup", actor="ann", keys_to=tmp_path / "keys")
        listed = {row.id for row in opened.calls.page(CallQuery(), offset=0, limit=999)}
    backup, problems = _problems(tmp_path, key)
    assert (set(backup.manifest.calls), problems) == (listed, ())
    assert set(backup.keys) == listed
    assert not gone & listed
    names = {path.name for path in (tmp_path / "backup").iterdir()}
    assert names == {"backup.json", "calls", "audio", "lock", f"vault-{backup.generation}.db"}
    restore.restore(tmp_path / "backup", tmp_path / "again", WAY, keys_from=tmp_path / "keys")
    with vault.open_vault(tmp_path / "again", PASSPHRASE) as again:
        assert again.check() == ()


def test_killed_while_restoring_there_is_the_whole_vault_or_none(tmp_path):
    prepare(tmp_path)
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as opened:
        opened.backups.make(tmp_path / "backup", actor="ann", keys_to=tmp_path / "keys")
    folder, chance, seen = tmp_path / "again", random.Random(6), Counter()
    started = time.perf_counter()
    assert killed(CHILD, "bring_back", tmp_path, 60) == [["restored", "4"]]
    longest = 1.2 * (time.perf_counter() - started)
    _expect_restored(folder)
    for _ in range(max(40, CRASHES)):
        said = killed(CHILD, "bring_back", tmp_path, chance.uniform(0, longest))
        whole = vault.state(folder).exists
        assert whole or not said
        seen[whole] += 1
        if whole:
            _expect_restored(folder)
        # what is not whole stays: the next one has to begin over it
    if not whole:
        restore.restore(tmp_path / "backup", folder, WAY, keys_from=tmp_path / "keys")
        _expect_restored(folder)
    assert seen[False] > 5, "the kills came too late: the test shows little"


def _expect_restored(folder):
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert again.check() == ()
        assert again.calls.count(CallQuery()) == 4
    shutil.rmtree(folder)


def _in_child(scenario, last):
    """Run a scenario in a fork that ends at a step; returns how many steps it took, or 0."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            steps = Steps(last)
            for module, name in (
                (files, "_sync"),
                (files, "sync_folder"),
                (files, "_write_all"),
                (Path, "replace"),
                (Path, "unlink"),
                (Path, "mkdir"),
                (database.Writing, "change"),
                (database.Writing, "many"),
            ):
                setattr(module, name, steps(getattr(module, name)))
            scenario()
            os.write(writing, f"{steps.done}".encode())
        except BaseException as error:  # noqa: BLE001
            os.write(writing, f"error {error!r}".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    assert not said.startswith("error"), said
    assert said or os.WTERMSIG(status) == signal.SIGKILL
    return int(said or 0)


def _every(steps, most):
    """Return some of the steps, spread evenly."""
    return range(1, steps, max(1, steps // most))


@forks
def test_stopped_at_every_kind_of_step_a_backup_is_the_old_one_or_the_new_one(tmp_path):
    prepare(tmp_path)
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as opened:
        opened.backups.make(tmp_path / "backup", actor="ann", keys_to=tmp_path / "keys")
        old = opened.backups.check(tmp_path / "backup", keys_from=tmp_path / "keys").generation
        row = opened.calls.page(CallQuery(), offset=0, limit=1)[0]
        opened.calls.erase(row.id, actor="ann")
        add(opened, b"new")
        key = type(opened._key)(opened.info.id, opened._key.secret_bytes())

    def run(folder):
        with vault.open_with_key(
            folder / "vault", type(key)(key._vault_id, key.secret_bytes())
        ) as v:
            v.backups.make(folder / "backup", actor="ann", keys_to=folder / "keys")

    def copied(name):
        folder = tmp_path / name
        for part in ("vault", "backup", "keys"):
            shutil.copytree(tmp_path / part, folder / part)
        return folder

    whole = copied("whole")
    steps = _in_child(lambda: run(whole), 0)
    assert steps > 60
    seen = set()
    for last in _every(steps, max(20, CRASHES // 2)):
        folder = copied("stopped")
        _in_child(lambda folder=folder: run(folder), last)
        backup, problems = _problems(folder, key)
        assert problems == ()
        seen.add(backup.generation == old)
        run(folder)
        backup, problems = _problems(folder, key)
        assert (problems, row.id in backup.manifest.calls) == ((), False)
        assert not list((folder / "backup").rglob(f"{row.id}*"))
        shutil.rmtree(folder)
    assert seen == {True, False}


@forks
def test_stopped_at_the_last_steps_after_a_change_of_keys_one_passphrase_opens_it(tmp_path):
    prepare(tmp_path)
    first, second = tmp_path / "backup", "another phrase of lamp oil"
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as opened:
        opened.backups.make(first, actor="ann")
        opened.people.set_passphrase("owner", second, actor="owner", cost=keys.LOWEST_COST)
    with vault.open_vault(tmp_path / "vault", second) as opened:
        add(opened, b"new")

    def run(folder):
        with vault.open_vault(folder / "vault", second) as v:
            v.backups.make(folder / "backup", actor="ann")

    def copied(name):
        for part in ("vault", "backup"):
            shutil.copytree(tmp_path / part, tmp_path / name / part)
        return tmp_path / name

    whole = copied("whole")
    steps, seen = _in_child(lambda: run(whole), 0), set()
    for last in range(steps - 60, steps, 2):
        folder = copied("stopped")
        _in_child(lambda folder=folder: run(folder), last)
        found = [_calls_opened(folder / "backup", one) for one in (PASSPHRASE, second)]
        assert found in ([4, 0], [0, 5])
        seen.add((found[0] == 4, (folder / "backup" / "keys.previous.sealed").exists()))
        shutil.rmtree(folder)
    assert {(True, False), (True, True), (False, False)} <= seen


def _calls_opened(place, passphrase):
    """Return how many calls are whole in a backup, or 0 where a passphrase does not open it."""
    way = Way(passphrase=passphrase)
    try:
        found = backup_format.opened(place, way.unlock, again=way.unlock_again)
    except WrongPassphrase:
        return 0
    report = backup_check.checked(found, progress=lambda _: None)
    assert report.problems == ()
    return report.calls


@forks
def test_stopped_after_a_change_of_keys_a_call_that_the_vault_lost_stays_in_the_backup(tmp_path):
    prepare(tmp_path)
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as opened:
        opened.backups.make(tmp_path / "backup", actor="ann")
        with opened._database.transaction() as writing:
            writing.change("UPDATE call_keys SET sealed = x'00' WHERE call = 2")
        opened.ways_in.rotate(actor="owner")
    vault.open_vault(tmp_path / "vault", PASSPHRASE).close()

    def run(folder):
        with vault.open_vault(folder / "vault", PASSPHRASE) as v:
            v.backups.make(folder / "backup", actor="ann")

    def copied(name):
        for part in ("vault", "backup"):
            shutil.copytree(tmp_path / part, tmp_path / name / part)
        return tmp_path / name

    old = _generation(tmp_path / "backup")
    whole = copied("whole")
    steps, seen = _in_child(lambda: run(whole), 0), set()
    for last in (*_every(steps - 60, max(4, CRASHES // 7)), *range(steps - 60, steps, 9)):
        folder = copied("stopped")
        for at in (last, last // 2 + 1):  # and once more, in the next one
            _in_child(lambda folder=folder: run(folder), at)
            assert _calls_opened(folder / "backup", PASSPHRASE) == 4
            seen.add(_generation(folder / "backup") == old)
        run(folder)
        assert _calls_opened(folder / "backup", PASSPHRASE) == 4
        shutil.rmtree(folder)
    assert seen == {True, False}


def _generation(place):
    return backup_format.read_envelope(place / "backup.json", "manifest").generation


@forks
def test_stopped_at_every_kind_of_step_a_restore_leaves_a_vault_or_none(tmp_path):
    prepare(tmp_path)
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as opened:
        opened.backups.make(tmp_path / "backup", actor="ann")

    def run(folder):
        restore.restore(tmp_path / "backup", folder, WAY)

    steps = _in_child(lambda: run(tmp_path / "whole"), 0)
    assert steps > 60
    seen = set()
    for last in _every(steps, max(12, CRASHES // 2)):
        folder = tmp_path / "again"
        _in_child(lambda folder=folder: run(folder), last)
        seen.add(vault.state(folder).exists)
        if not vault.state(folder).exists:
            run(folder)
        with vault.open_vault(folder, PASSPHRASE) as again:
            assert again.check() == ()
            assert again.calls.count(CallQuery()) == 4
        shutil.rmtree(folder)
    assert False in seen
