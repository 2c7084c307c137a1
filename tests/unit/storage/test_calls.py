"""Taking calls in and keeping what is found out about them."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from sqlcipher3 import dbapi2

from app.domain import (
    CUSTOMER_REFERENCE,
    CallId,
    CallMetadata,
    CallQuery,
    Direction,
    Failure,
    JobState,
    Labels,
    RedactedValue,
    Role,
)
from app.errors import CallNotFound, DiskFull, SealBroken
from app.storage import calls as module
from app.storage import files
from app.storage.audio import Purpose
from app.storage.calls import Taking
from tests.builders import analysed_call, call_analysis

NOBODY = CallMetadata()
FAILURE = Failure(code="audio-empty", sentence="Nothing is in it.", hint="Export it again.")
GIVEN = CallMetadata(
    agent="Ann",
    customer_reference="C-17",
    queue="Sales",
    direction=Direction.INBOUND,
    started_at="2026-02-03T10:00:00+01:00",
    channel_roles=(Role.AGENT, Role.CUSTOMER),
)


def _add(opened, content=b"one", name="one.wav", metadata=NOBODY):
    return opened.calls.add(content, name=name, metadata=metadata, actor="ann")


def _analyse(opened, outcome=None):
    return opened.calls.save(opened.jobs.claim("runner"), outcome or analysed_call(), actor="ann")


def _sealed_files(opened):
    return [p for p in (opened.info.folder / "audio").rglob("*") if p.is_file()]


def test_a_call_is_taken_in_with_all_that_is_known_of_it(opened, clock):
    added = _add(opened, b"sound", "call 1.wav", GIVEN)
    call = added.call
    assert not added.duplicate
    assert call.digest == hashlib.sha256(b"sound").hexdigest()
    assert (call.size_bytes, call.source_name, call.metadata) == (5, "call 1.wav", GIVEN)
    assert call.imported_at == "2026-03-01T09:00:00.000Z"
    assert opened.calls.get(call.id) == call
    assert opened.calls.find_by_digest(call.digest) == call
    assert opened.jobs.get(call.id).state is JobState.QUEUED
    detail = opened.calls.detail(call.id)
    assert (detail.call, detail.analysis, detail.waveform) == (call, None, None)
    newest = opened.audit.entries(limit=1)[0]
    assert (newest.actor, newest.act, newest.subject) == ("ann", "call.import", call.id)


def test_a_file_is_taken_in_like_bytes(opened, tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(b"sound" * 500_000)
    call = _add(opened, path).call
    assert call.size_bytes == 2_500_000
    assert opened.audio.read(call.id, Purpose.ORIGINAL) == path.read_bytes()
    assert path.exists()


def test_the_same_bytes_are_kept_once(opened):
    first = _add(opened, b"same", "one.wav")
    again = _add(opened, b"same", "two.wav")
    assert again.duplicate
    assert again.call == first.call
    assert len(_sealed_files(opened)) == 1
    assert opened.audit.count() == 2


def test_the_same_bytes_at_the_same_time_are_kept_once(opened, monkeypatch):
    first = _add(opened, b"same")
    monkeypatch.setattr(opened.calls, "find_by_digest", lambda *_, **__: None)
    again = _add(opened, b"same")
    assert (again.duplicate, again.call) == (True, first.call)
    assert len(_sealed_files(opened)) == 1


def test_an_empty_file_is_taken_in(opened):
    call = _add(opened, b"").call
    assert opened.audio.read(call.id, Purpose.ORIGINAL) == b""


def test_a_name_and_metadata_that_are_no_valid_unicode_are_taken_in(opened):
    odd = "caf\udce9.wav"
    call = _add(opened, b"x", odd, replace(GIVEN, agent=odd, queue=odd, started_at=odd)).call
    assert opened.calls.get(call.id).source_name == "caf?.wav"


def test_a_source_that_cannot_be_read_passes_its_error_and_leaves_nothing(opened, tmp_path):
    with pytest.raises(FileNotFoundError):
        _add(opened, tmp_path / "nothing.wav")
    with pytest.raises(IsADirectoryError):
        _add(opened, tmp_path)
    assert _sealed_files(opened) == []
    assert opened.audit.count() == 1


def test_a_source_that_changes_while_it_is_read_is_kept_as_it_was_sealed(opened, tmp_path):
    path = tmp_path / "growing.wav"
    path.write_bytes(b"begun")
    opened.calls.find_by_digest = lambda *_, **__: path.write_bytes(b"begun and ended") and None
    call = _add(opened, path).call
    assert call.digest == hashlib.sha256(b"begun and ended").hexdigest()
    assert opened.audio.read(call.id, Purpose.ORIGINAL) == b"begun and ended"


def test_a_call_that_cannot_be_named_leaves_no_file(opened, monkeypatch):
    def full(*_):
        raise DiskFull("full")

    monkeypatch.setattr(module, "_insert", full)
    with pytest.raises(DiskFull):
        _add(opened)
    assert _sealed_files(opened) == []
    assert opened.check() == ()


def test_where_even_removing_fails_the_error_is_the_first_one(opened, monkeypatch):
    def full(*_):
        raise DiskFull("full")

    monkeypatch.setattr(module, "_insert", full)
    monkeypatch.setattr(opened.audio, "drop", full)
    with pytest.raises(DiskFull):
        _add(opened)


def test_a_result_is_kept_whole(opened, clock):
    call = _add(opened, metadata=GIVEN).call
    clock.move(60)
    assert _analyse(opened)
    detail = opened.calls.detail(call.id)
    assert detail.analysis == call_analysis()
    assert detail.waveform == analysed_call().waveform
    assert (detail.call.duration_ms, detail.call.channels) == (13_000, 2)
    assert (detail.job.state, detail.job.finished_at) == (
        JobState.DONE,
        "2026-03-01T09:01:00.000Z",
    )
    assert opened.audio.read(call.id, Purpose.MUTED) == analysed_call().muted_audio
    assert [hit.turn for hit in opened.search.find("complaint")] == [1]
    newest = opened.audit.entries(limit=1)[0]
    assert (newest.act, newest.subject, newest.outcome) == ("call.analyse", call.id, "done")
    assert opened.check() == ()


def test_a_second_result_replaces_the_first(opened):
    call = _add(opened).call
    _analyse(opened)
    opened.jobs.retry(call.id, actor="ann")
    assert opened.calls.detail(call.id).analysis is not None
    said = call_analysis().transcript
    turns = (replace(said.turns[0], text="only marzipan"),)
    analysis = call_analysis(transcript=replace(said, turns=turns), flags=(), findings=())
    values = (RedactedValue(kind="PHONE", value=1, digest=b"\x08" * 32),)
    _analyse(opened, analysed_call(analysis=analysis, values=values, muted_audio=b"new"))
    assert opened.calls.detail(call.id).analysis == analysis
    assert opened.search.find("complaint") == ()
    assert len(opened.search.find("marzipan")) == 1
    assert opened.calls.holding("CARD", b"\x07" * 32) == ()
    assert opened.calls.holding("PHONE", b"\x08" * 32) == (call.id,)
    assert opened.calls.facets().flags == ()
    assert opened.check() == ()


def test_a_failure_keeps_its_reason_and_an_earlier_result(opened):
    call = _add(opened).call
    _analyse(opened)
    opened.jobs.retry(call.id, actor="ann")
    assert _analyse(opened, FAILURE)
    detail = opened.calls.detail(call.id)
    assert (detail.job.state, detail.job.failure) == (JobState.FAILED, FAILURE)
    assert detail.analysis == call_analysis()
    assert opened.audit.entries(limit=1)[0].outcome == "audio-empty"


def test_a_result_without_its_lease_is_not_kept(opened):
    call = _add(opened).call
    lease = opened.jobs.claim("runner")
    opened.jobs.cancel(call.id, actor="ann")
    for outcome in (analysed_call(), FAILURE):
        assert not opened.calls.save(lease, outcome, actor="ann")
    assert opened.calls.detail(call.id).analysis is None
    assert len(_sealed_files(opened)) == 1
    assert opened.search.find("complaint") == ()


def test_a_result_of_a_call_that_is_gone_is_not_kept(opened, database):
    _add(opened)
    lease = opened.jobs.claim("runner")
    with database.transaction() as writing:
        writing.change("DELETE FROM calls")
    assert not opened.calls.save(lease, analysed_call(), actor="ann")


def test_a_result_that_cannot_be_kept_whole_is_not_kept_at_all(opened, database):
    call = _add(opened).call
    lease = opened.jobs.claim("runner")
    with database.transaction() as writing:
        writing.change(
            "CREATE TRIGGER broken BEFORE INSERT ON flags BEGIN SELECT RAISE(ABORT, 'x'); END"
        )
    before = opened.audit.count()
    with pytest.raises(dbapi2.IntegrityError):
        opened.calls.save(lease, analysed_call(), actor="ann")
    assert opened.jobs.get(call.id).state is JobState.RUNNING
    assert opened.calls.detail(call.id).analysis is None
    assert opened.search.find("complaint") == ()
    assert len(_sealed_files(opened)) == 1
    assert opened.audit.count() == before


def test_removing_a_call_removes_every_trace_of_it(opened, database):
    _add(opened)
    _analyse(opened)
    with database.transaction() as writing:
        writing.change("DELETE FROM calls")
        tables = ("call_keys", "audio", "analyses", "flags", "redacted_values", "turns")
        left = {t: writing.number(f"SELECT count(*) FROM {t}") for t in tables}
    assert set(left.values()) == {0}
    assert opened.search.find("complaint") == ()
    assert opened.check() == ()


def test_redacted_values_are_found_by_their_digest_and_kept_in_no_other_form(opened, database):
    calls = [_add(opened, name.encode()).call.id for name in ("one", "two")]
    for _ in calls:
        _analyse(opened)
    assert list(opened.calls.holding("CARD", b"\x07" * 32)) == calls
    assert opened.calls.holding("PHONE", b"\x07" * 32) == ()
    assert opened.calls.holding("CARD", b"\x08" * 32) == ()
    with database.reader() as reading:
        rows = reading.all("SELECT blind FROM redacted_values")
    assert all(bytes(blind) != b"\x07" * 32 for (blind,) in rows)


def test_an_analysis_put_in_the_place_of_another_is_refused(opened, database):
    one, two = (_add(opened, name.encode()).call for name in ("one", "two"))
    _analyse(opened)
    _analyse(opened)
    with database.transaction() as writing:
        writing.change("UPDATE analyses SET analysis = (SELECT analysis FROM analyses LIMIT 1)")
    assert opened.calls.detail(one.id).analysis is not None
    with pytest.raises(SealBroken):
        opened.calls.detail(two.id)


def test_unknown_calls_are_not_found(opened):
    for act in (opened.calls.get, opened.calls.detail):
        with pytest.raises(CallNotFound):
            act(CallId("0" * 32))
    assert opened.calls.find_by_digest(module.Sha256("0" * 64)) is None


def test_a_full_disk_while_sealing_leaves_the_vault_as_it_was(opened, monkeypatch):
    def full(*_):
        raise OSError(28, "no room")

    monkeypatch.setattr(files, "_write_all", full)
    with pytest.raises(DiskFull):
        _add(opened)
    assert _sealed_files(opened) == []
    assert opened.calls.totals()[JobState.QUEUED] == 0


def _value(kind: str, byte: bytes) -> RedactedValue:
    return RedactedValue(kind=kind, value=0, digest=byte * 32)


def test_what_was_taken_out_of_labels_is_found_and_stays_when_a_call_is_analysed(opened):
    values = [_value(CUSTOMER_REFERENCE, b"\x01"), _value("PERSON", b"\x02")]
    call = opened.calls.take(
        b"one", name="[PERSON-1].wav", metadata=NOBODY, how=Taking(actor="ann"), values=values
    ).call.id
    for _ in range(2):
        assert opened.calls.holding("PERSON", b"\x02" * 32) == (call,)
        assert opened.calls.count(CallQuery(), customer=b"\x01" * 32) == 1
        (row,) = opened.calls.page(CallQuery(), offset=0, limit=9, customer=b"\x01" * 32)
        assert row.id == call
        assert opened.calls.count(CallQuery(), customer=b"\x03" * 32) == 0
        _analyse(opened)
        opened.jobs.retry(call, actor="ann")


def test_labels_that_an_analysis_made_safe_take_the_place_of_the_old_ones(opened):
    call = _add(opened, b"one", "call wojciechowska.wav", GIVEN).call.id
    labels = Labels(
        source_name="call [PERSON-1].wav",
        customer_reference="[PERSON-2]",
        values=(_value("PERSON", b"\x04"),),
    )
    _analyse(opened, replace(analysed_call(), labels=labels))
    kept = opened.calls.get(call)
    assert (kept.source_name, kept.metadata.customer_reference) == (
        "call [PERSON-1].wav",
        "[PERSON-2]",
    )
    assert kept.metadata.agent == GIVEN.agent
    assert opened.calls.holding("PERSON", b"\x04" * 32) == (call,)
    assert opened.check() == ()
    assert opened.audit.verify().ok
