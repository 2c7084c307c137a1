"""A vault whose program is killed: at random moments, and at every step that touches the disk.

`AUTOINSIGHTS_CRASHES` sets how often each test kills it at random. By default these are 100 times
while keys and people change, 30 each while a vault is made, used, backed up and while calls are
erased, and 40 while one is restored.
"""

from __future__ import annotations

import functools
import importlib
import os
import random
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from app.domain import CallId, CallQuery, JobState
from app.storage import database, files, keys, vault
from app.storage.audio import Purpose
from tests.builders import analysed_call, call_analysis
from tests.integration.storage_child import FAILURE, PASSPHRASE, add

CRASHES = int(os.environ.get("AUTOINSIGHTS_CRASHES", "30"))
ROOT = Path(__file__).parents[2]
CHILD = "tests.integration.storage_child"


class Forked:
    """An act of a module, run in a copy of this process."""

    def __init__(self, module, act, folder):
        reading, writing = os.pipe()
        self.child = os.fork()
        if self.child == 0:
            os.dup2(writing, 1)
            try:
                getattr(importlib.import_module(module), act)(folder)
            except BaseException as error:  # noqa: BLE001
                os.write(1, f"error {error!r}\n".encode())
            os._exit(0)
        os.close(writing)
        self.stdout = os.fdopen(reading, encoding="utf-8")

    def kill(self):
        os.kill(self.child, signal.SIGKILL)

    def wait(self):
        os.waitpid(self.child, 0)
        self.stdout.close()


def killed(module, act, folder, seconds):
    """Run an act, kill it some time after it is ready, and return what it said."""
    if hasattr(os, "fork"):  # many times faster than to start Python
        child = Forked(module, act, folder)
    else:
        asked = [sys.executable, "-m", module, act, str(folder)]
        child = subprocess.Popen(asked, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout.readline() == "open\n"
    timer = threading.Timer(seconds, child.kill)
    timer.start()
    said = child.stdout.read()
    timer.cancel()
    timer.join()
    child.wait()
    # the last line may be cut short by the kill
    lines = [line.split() for line in said.splitlines(keepends=True) if line.endswith("\n")]
    assert not [line for line in lines if line[0] == "error"], lines
    return lines


def _killed(act, folder, chance, longest):
    return killed(CHILD, act, folder, chance.uniform(0, longest))


def _check(opened):
    """Assert that nothing is half: every call whole, every file in its place and named."""
    assert opened.check() == ()
    assert JobState.RUNNING not in {job.state for job in opened.jobs.list(JobState, limit=10**6)}
    rows = opened.calls.page(CallQuery(), offset=0, limit=10**6)
    sealed = set()
    for row in rows:
        assert opened.calls.detail(row.id).analysis in (None, call_analysis())
        with opened._database.reader() as reading:
            named = reading.all(
                "SELECT purpose FROM audio JOIN calls ON number = call WHERE id = ?", (row.id,)
            )
        sealed |= {f"{row.id}.{purpose}.sealed" for (purpose,) in named}
    folder = opened.info.folder
    assert {p.name for p in (folder / "audio").rglob("*") if p.is_file()} == sealed
    assert {p.name for p in folder.iterdir()} <= {
        "audio", "backups", "lock", "vault-copy.json", "vault.db", "vault.db-shm", "vault.db-wal",
        "vault.json",
    }  # fmt: skip
    assert len({row.id for row in rows}) == len(rows)
    return {row.id for row in rows}


def test_killed_while_importing_and_analysing_nothing_is_lost_or_doubled(tmp_path):
    folder = tmp_path / "vault"
    vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
    chance, said = random.Random(2), []
    for _ in range(CRASHES):
        said += _killed("work", folder, chance, 0.25)
        with vault.open_vault(folder, PASSPHRASE) as opened:
            kept = _check(opened)
            assert {line[1] for line in said} <= kept
            done = {line[1] for line in said if line[0] == "done"}
            for call in done:
                assert opened.calls.detail(CallId(call)).analysis is not None
    assert said, "no act ended before a kill: the test shows nothing"


def test_killed_while_a_vault_is_made_the_folder_can_be_used(tmp_path):
    chance, started = random.Random(3), time.perf_counter()
    assert killed(CHILD, "make", tmp_path / "whole", 60) == [["made"]]
    longest, made = 1.2 * (time.perf_counter() - started), []
    for number in range(CRASHES):
        folder = tmp_path / str(number)
        said = _killed("make", folder, chance, longest)
        made.append(vault.state(folder).exists)
        if made[-1]:
            vault.open_vault(folder, PASSPHRASE).close()
        else:
            assert ["made"] not in said
            vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
            if number % 5 == 0:
                vault.open_vault(folder, PASSPHRASE).close()
    assert made.count(False) > CRASHES // 10, "the kills came too late: the test shows little"


# ------------------------------------------------------------------------- at every single step

forks = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


class Steps:
    """Counts the steps that touch the disk and ends the process at one of them."""

    def __init__(self, last):
        self.done = 0
        self.last = last

    def __call__(self, act):
        @functools.wraps(act)
        def counted(*args, **kwargs):
            self.step()
            result = act(*args, **kwargs)
            self.step()
            return result

        return counted

    def step(self):
        self.done += 1
        if self.done == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def _in_child(scenario, folder, last):
    """Run a scenario in a fork that ends at a step; returns what it said, and how many steps."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            steps = Steps(last)
            for module, name in (
                (files, "_sync"),
                (files, "sync_folder"),
                (files, "_write_all"),
                (files.os, "open"),
                (Path, "replace"),
                (Path, "unlink"),
                (Path, "mkdir"),
                (database.Writing, "change"),
                (database.Writing, "insert"),
                (database.Writing, "many"),
            ):
                setattr(module, name, steps(getattr(module, name)))
            scenario(folder, lambda word: os.write(writing, word.encode() + b"\n"))
            os.write(writing, f"steps {steps.done}\n".encode())
        except BaseException as error:  # noqa: BLE001
            os.write(writing, f"error {error!r}\n".encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read().splitlines()
    os.waitpid(child, 0)
    assert not [line for line in said if line.startswith("error")]
    return said


def _use(folder, say):
    with vault.open_vault(folder, PASSPHRASE) as opened:
        say(add(opened, b"first"))
        say(add(opened, b"second"))
        for outcome in (analysed_call(), FAILURE):
            opened.calls.save(opened.jobs.claim("runner"), outcome, actor="ann")
        for job in opened.jobs.list(JobState):
            opened.jobs.retry(job.call, actor="ann")
        opened.calls.save(
            opened.jobs.claim("runner"), analysed_call(muted_audio=b"newer"), actor="ann"
        )


@forks
def test_stopped_at_every_step_of_using_a_vault_nothing_is_half(tmp_path):
    fresh = tmp_path / "fresh"
    vault.create(fresh, PASSPHRASE, cost=keys.LOWEST_COST).close()
    shutil.copytree(fresh, tmp_path / "whole")
    steps = int(_in_child(_use, tmp_path / "whole", 0)[-1].split()[1])
    assert steps > 60
    for last in range(1, steps, 1 if CRASHES > 30 else 5):
        folder = tmp_path / "stopped"
        shutil.copytree(fresh, folder)
        said = _in_child(_use, folder, last)
        with vault.open_vault(folder, PASSPHRASE) as opened:
            kept = _check(opened)
            assert set(said) <= kept
            for content in (b"first", b"second"):
                assert add(opened, content) in kept or len(kept) < 2
            for call in kept:
                assert opened.audio.read(CallId(call), Purpose.ORIGINAL) in (b"first", b"second")
            assert sum(opened.calls.totals().values()) == 2
        shutil.rmtree(folder)


def _make(folder, say):
    vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
    say("made")


@forks
def test_stopped_at_every_step_of_making_a_vault_there_is_one_or_none(tmp_path):
    steps = int(_in_child(_make, tmp_path / "whole", 0)[-1].split()[1])
    assert steps > 60
    for last in range(1, steps, 1 if CRASHES > 30 else 7):
        folder = tmp_path / str(last)
        said = _in_child(_make, folder, last)
        if not vault.state(folder).exists:
            assert said == []
            vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
        with vault.open_vault(folder, PASSPHRASE) as opened:
            assert _check(opened) == set()
