"""Calls that wait for a person after their muted audio was heard again: nothing of them can be
searched, the sealed proof decides, and a release is kept with who, when and why."""

from __future__ import annotations

import pytest

from app.domain import EVERYTHING, CallId, CallMetadata, CallQuery, ProofOutcome, Released, Scope
from app.errors import CallNotFound, UsageError
from app.storage import drill, keys, vault
from app.storage.audio import Purpose
from app.storage.way import Way
from tests.builders import analysed_call, call_analysis, held_back_call, proof
from tests.unit.storage.conftest import Clock

PASSPHRASE = "a passphrase for testing"
HELD = CallQuery(held_back=True)


@pytest.fixture
def opened(tmp_path):
    folder = tmp_path / "vault"
    with vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST, clock=Clock()) as made:
        yield made


def _saved(opened, outcome, content=b"one"):
    added = opened.calls.add(content, name="a.wav", metadata=CallMetadata(), actor="ann")
    opened.calls.save(opened.jobs.claim("runner"), outcome, actor="ann")
    return added.call.id


def _released(opened, call, *, silence=False, scope=EVERYTHING):
    opened.calls.release(call, actor="ann", scope=scope, reason="I listened", silence=silence)


def _listed(opened):
    return [row.id for row in opened.calls.page(HELD, offset=0, limit=9)]


def test_a_held_back_call_is_listed_and_none_of_its_words_can_be_found(opened):
    held = _saved(opened, held_back_call())
    free = _saved(opened, analysed_call(), b"two")
    assert _listed(opened) == [held]
    assert opened.calls.count(HELD) == 1
    assert {hit.call for hit in opened.search.find("complaint")} == {free}
    assert opened.calls.is_held_back(held)
    assert not opened.calls.is_held_back(free)
    assert opened.check() == ()


@pytest.mark.parametrize("silence", [False, True])
def test_a_release_is_kept_in_the_proof_and_shows_the_words(opened, silence):
    call = _saved(opened, held_back_call())
    _released(opened, call, silence=silence)
    kept = opened.calls.detail(call).analysis.proof
    assert kept.outcome is ProofOutcome.HELD_BACK
    assert (kept.released.by, kept.released.reason) == ("ann", "I listened")
    assert kept.released.silenced is silence
    assert not opened.calls.is_held_back(call)
    assert _listed(opened) == []
    assert [hit.call for hit in opened.search.find("complaint")] == [call]
    entry = opened.audit.entries(limit=1)[0]
    outcome = "silenced" if silence else "ok"
    assert (entry.act, entry.subject, entry.outcome) == ("call.release", call, outcome)
    assert entry.reason == "I listened"
    assert opened.check() == ()


def test_without_its_sound_nothing_of_a_call_can_be_heard_until_it_is_analysed_again(
    opened, tmp_path
):
    call = _saved(opened, held_back_call())
    file = next((tmp_path / "vault" / "audio").rglob(f"{call}.muted.*"))
    _released(opened, call, silence=True)
    assert not file.exists()
    with pytest.raises(CallNotFound):
        opened.audio.read(call, Purpose.MUTED)
    assert opened.audio.read(call, Purpose.ORIGINAL) == b"one"
    opened.jobs.retry(call, actor="ann")
    opened.calls.save(opened.jobs.claim("runner"), analysed_call(), actor="ann")
    assert opened.audio.read(call, Purpose.MUTED) == analysed_call().muted_audio


def test_sound_that_is_not_in_its_place_yet_goes_too(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(opened.audio, "settle", lambda _incoming: None)
    call = _saved(opened, held_back_call())
    _released(opened, call, silence=True)
    assert [
        path.name.split(".")[1] for path in (tmp_path / "vault" / "audio").rglob("*.sealed")
    ] == ["original"]


def test_only_what_is_held_back_and_seen_can_be_released(opened):
    held = _saved(opened, held_back_call())
    others = [
        _saved(opened, analysed_call(), b"two"),
        _saved(opened, analysed_call(analysis=call_analysis(proof=_clean())), b"three"),
        opened.calls.add(b"four", name="a.wav", metadata=CallMetadata(), actor="ann").call.id,
    ]
    for call in others:
        with pytest.raises(UsageError, match="not held back"):
            _released(opened, call)
    with pytest.raises(CallNotFound):
        _released(opened, CallId("0" * 32))
    with pytest.raises(CallNotFound):
        _released(opened, held, scope=Scope(limited=True))
    _released(opened, held)
    with pytest.raises(UsageError, match="not held back"):
        _released(opened, held)


def _clean():
    return proof(ProofOutcome.CLEAN)


def test_the_next_analysis_decides_again(opened):
    call = _saved(opened, analysed_call())
    for outcome, held in ((held_back_call(), True), (analysed_call(), False)):
        opened.jobs.retry(call, actor="ann")
        opened.calls.save(opened.jobs.claim("runner"), outcome, actor="ann")
        assert opened.calls.is_held_back(call) is held
        assert bool(_listed(opened)) is held
        assert bool(opened.search.find("complaint")) is not held


def test_the_list_is_not_what_decides(opened):
    call = _saved(opened, held_back_call())
    with opened._database.transaction() as writing:
        writing.change("UPDATE calls SET held_back = 0")
    assert opened.calls.is_held_back(call)


def test_a_release_says_what_it_is():
    given = Released(by="ann", at="2026-03-01T09:30:00.000Z", reason="I listened", silenced=False)
    assert proof().held_back
    assert not proof(released=given).held_back
    assert not _clean().held_back


def test_a_drill_looks_for_none_of_its_words(opened, tmp_path):
    _saved(opened, held_back_call())
    _saved(opened, analysed_call(), b"two")
    opened.backups.make(tmp_path / "backup", actor="ann")
    report = drill.drill(tmp_path / "backup", tmp_path / "beside", Way(passphrase=PASSPHRASE))
    assert report.problems == ()
