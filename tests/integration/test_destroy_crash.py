"""Destroying originals that is killed: a call has its original or its muted recording alone, and
never neither; what was not destroyed is, once the vault is opened again.

`AUTOINSIGHTS_CRASHES` sets how often it is killed at random (default 30).
"""

from __future__ import annotations

import random
import shutil

import pytest

from app.domain import CallId, JobState, OriginalsRule
from app.errors import OriginalDestroyed
from app.storage import keys, policy, vault
from app.storage.audio import Purpose
from tests.builders import proven_call
from tests.integration.storage_child import PASSPHRASE, add
from tests.integration.test_storage_crash import CRASHES, _in_child, _killed, forks


def _made(folder):
    opened = vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST)
    rules = policy.Policy(originals=OriginalsRule.DESTROY)
    with opened._database.transaction() as writing:
        policy.keep(writing, rules)
    return opened


def _expect_whole(opened, folder):
    """Assert that each call has all that it should; return those without an original."""
    assert opened.check() == ()
    gone, files = set(), set()
    for job in opened.jobs.list(JobState, limit=10**6):
        detail = opened.calls.detail(job.call)
        if detail.original_destroyed_at is None:
            assert opened.audio.read(job.call, Purpose.ORIGINAL)
            files.add(f"{job.call}.original.sealed")
        else:
            with pytest.raises(OriginalDestroyed):
                opened.audio.read(job.call, Purpose.ORIGINAL)
            gone.add(job.call)
        if detail.analysis is not None:
            assert detail.analysis == proven_call().analysis
            assert opened.audio.read(job.call, Purpose.MUTED) == proven_call().muted_audio
            files.add(f"{job.call}.muted.sealed")
    assert {p.name for p in (folder / "audio").rglob("*") if p.is_file()} == files
    entries = opened.audit.entries(limit=10**6)
    assert {one.subject for one in entries if one.act == "call.destroy-original"} == gone
    return gone


def test_killed_while_originals_are_destroyed_no_sound_is_lost_and_none_comes_back(tmp_path):
    folder = tmp_path / "vault"
    _made(folder).close()
    chance, said = random.Random(9), []
    for _ in range(CRASHES):
        said += _killed("destroy", folder, chance, 0.3)
        with vault.open_vault(folder, PASSPHRASE) as opened:
            gone = _expect_whole(opened, folder)
            assert {call for word, *of in said if word in {"done", "destroyed"} for call in of} <= (
                gone
            )
    assert any(line[0] == "destroyed" for line in said)


def _destroy(folder, say):
    with vault.open_vault(folder, PASSPHRASE, name="owner") as opened:
        opened.originals.destroy_due()
        say("destroyed")


@forks
def test_stopped_at_every_step_of_destroying_nothing_is_half(tmp_path):
    full = tmp_path / "full"
    with _made(full) as opened:
        call = CallId(add(opened, b"first"))
        opened.calls.save(opened.jobs.claim("runner"), proven_call(), actor="ann")
    shutil.copytree(full, tmp_path / "whole")
    steps = int(_in_child(_destroy, tmp_path / "whole", 0)[-1].split()[1])
    assert steps > 20
    for last in range(1, steps, 1 if CRASHES > 30 else 3):
        folder = tmp_path / "stopped"
        shutil.copytree(full, folder)
        _in_child(_destroy, folder, last)
        with vault.open_vault(folder, PASSPHRASE) as opened:
            assert _expect_whole(opened, folder) == {call}
        shutil.rmtree(folder)
