"""An erasing that is killed: the call is there as a whole, or nothing of it is.

`AUTOINSIGHTS_CRASHES` sets how often it is killed at random (default 30).
"""

from __future__ import annotations

import random
import shutil

import pytest

from app.domain import CallId, JobState
from app.errors import CallNotFound, RecordingErased
from app.storage import keys, vault
from app.storage.audio import Purpose
from tests.builders import analysed_call
from tests.integration.storage_child import PASSPHRASE, add
from tests.integration.test_storage_crash import CRASHES, _check, _in_child, _killed, forks


def _erased(opened):
    with opened._database.reader() as reading:
        rows = reading.all("SELECT call, removed FROM erased")
    assert all(removed for _, removed in rows)
    return {call for call, _ in rows}


def test_killed_while_erasing_a_call_is_there_or_gone(tmp_path):
    folder = tmp_path / "vault"
    vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
    chance, said = random.Random(5), []
    for _ in range(CRASHES):
        said += _killed("erase", folder, chance, 0.3)
        with vault.open_vault(folder, PASSPHRASE) as opened:
            kept, gone = _check(opened), _erased(opened)
            by_word = {word: {one[1] for one in said if one[0] == word} for word, _ in said}
            assert not kept & gone
            assert by_word.get("added", set()) <= kept | gone
            assert by_word.get("erased", set()) <= gone <= by_word.get("begun", set())
            acts = [entry.act for entry in opened.audit.entries(limit=10**6)]
            assert acts.count("call.erase") == len(gone)
    assert sorted({one[0] for one in said if one[0] == "erased"}) == ["erased"]


def _erase(folder, say):
    with vault.open_vault(folder, PASSPHRASE) as opened:
        for job in opened.jobs.list(JobState):
            say("begun")
            opened.calls.erase(job.call, actor="ann", reason="asked for")
            say("erased")


@forks
def test_stopped_at_every_step_of_erasing_nothing_is_half(tmp_path):
    full = tmp_path / "full"
    with vault.create(full, PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        call = CallId(add(opened, b"first"))
        opened.calls.save(opened.jobs.claim("runner"), analysed_call(), actor="ann")
    shutil.copytree(full, tmp_path / "whole")
    steps = int(_in_child(_erase, tmp_path / "whole", 0)[-1].split()[1])
    assert steps > 20
    for last in range(1, steps, 1 if CRASHES > 30 else 3):
        folder = tmp_path / "stopped"
        shutil.copytree(full, folder)
        said = _in_child(_erase, folder, last)
        with vault.open_vault(folder, PASSPHRASE) as opened:
            kept = _check(opened)
            assert (call in kept) != (call in _erased(opened))
            if "erased" in said:
                assert not kept
            if call in kept:
                assert opened.audio.read(call, Purpose.ORIGINAL) == b"first"
                assert opened.calls.detail(call).analysis is not None
            else:
                with pytest.raises(CallNotFound):
                    opened.calls.detail(call)
                with pytest.raises(RecordingErased):
                    add(opened, b"first")
        shutil.rmtree(folder)
