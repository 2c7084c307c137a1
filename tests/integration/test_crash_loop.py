"""Killed at any moment while importing and processing, nothing is lost, doubled or half done.

`AUTOINSIGHTS_CRASHES` sets how often the program is killed (default 25).
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

from app.domain import CallQuery, JobState
from app.storage import keys, vault
from tests import crash_child
from tests.builders import call_analysis

CRASHES = int(os.environ.get("AUTOINSIGHTS_CRASHES", "25"))
RECORDINGS_EACH = 6
PARTS = ("open", "imported")


def _child(folder, recordings):
    return subprocess.Popen(
        [sys.executable, "-m", "tests.crash_child", str(folder), str(recordings)],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
    )


def _record(recordings, crash):
    for number in range(RECORDINGS_EACH):
        content = random.Random(f"{crash}-{number}").randbytes(20_000 + 90_000 * number)
        (recordings / f"{crash:03}-{number}.wav").write_bytes(content)


def _ended(child):
    """Let the child come to its end; returns how many seconds each of its parts took."""
    told = [(line.rstrip("\n"), time.perf_counter()) for line in child.stdout]
    child.wait()
    child.stdout.close()
    assert [word for word, _ in told] == [*PARTS, "done"]
    return {word: after - at for (word, at), (_, after) in pairwise(told)}


def _kill_somewhere(child, chance, seconds):
    """Kill the child at a random moment of one of its parts; returns whether it had not ended."""
    part = chance.choice(PARTS)
    while (line := child.stdout.readline()) != f"{part}\n":
        assert line, "it ended by itself"
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=chance.uniform(0, seconds[part]))
    alive = child.poll() is None
    child.kill()
    child.wait()
    child.stdout.close()
    return alive


def _check(folder, known):
    """Open the vault as the next start would and return the calls in it, by name."""
    with vault.open_vault(folder, crash_child.PASSPHRASE) as opened:
        assert opened.check() == ()
        rows = opened.calls.page(CallQuery(), offset=0, limit=1000)
        names = [row.source_name for row in rows]
        assert len(names) == len(set(names)), "a call was doubled"
        assert known <= set(names), "a call was lost"
        assert JobState.RUNNING not in {row.state for row in rows}
        for row in rows:
            detail = opened.calls.detail(row.id)
            assert (detail.analysis is not None) == (row.state is JobState.DONE)
            assert detail.analysis in (None, call_analysis())
        assert opened.calls.totals()[JobState.FAILED] == 0
    return set(names)


def test_killed_at_any_moment_the_vault_opens_and_nothing_is_lost_or_doubled(tmp_path):
    recordings, folder = tmp_path / "recordings", tmp_path / "vault"
    recordings.mkdir()
    vault.create(folder, crash_child.PASSPHRASE, cost=keys.LOWEST_COST).close()
    chance = random.Random(20261123)
    _record(recordings, CRASHES)
    seconds = _ended(_child(folder, recordings))
    known, killed = _check(folder, set()), 0
    for crash in range(CRASHES):
        _record(recordings, crash)
        killed += _kill_somewhere(_child(folder, recordings), chance, seconds)
        known = _check(folder, known)
    child = _child(folder, recordings)
    said, _ = child.communicate(timeout=120)
    assert said.splitlines()[-1] == "done"
    assert killed > CRASHES // 5, "the kills came too late: the test shows little"
    assert len(_check(folder, known)) == (CRASHES + 1) * RECORDINGS_EACH
    with vault.open_vault(folder, crash_child.PASSPHRASE) as opened:
        assert opened.calls.totals()[JobState.DONE] == (CRASHES + 1) * RECORDINGS_EACH
        assert opened.audit.verify().ok
