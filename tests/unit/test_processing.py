"""The queue's run: every call ends done, failed or cancelled, once, whatever its worker does."""

from __future__ import annotations

from contextlib import closing

import pytest

from app.config import ExecutionSettings, Settings
from app.domain import (
    CallId,
    CallMetadata,
    CallQuery,
    Failure,
    JobState,
    OriginalsRule,
)
from app.engine.client import Workers
from app.engine.wire import Places, Request
from app.errors import DiskFull, ModelMissing, UsageError
from app.processing import QueueRun, analyse_each, chosen, workers_for
from app.storage import keys, policy, vault
from tests.builders import call_analysis
from tests.workers import model_missing, pack_unknown, proving, ready_made, scripted

PLACES = Places(resources="", packs="")
PASSPHRASE = "a passphrase for testing"


@pytest.fixture
def opened(tmp_path):
    with vault.create(tmp_path / "vault", PASSPHRASE, cost=keys.LOWEST_COST) as one:
        yield one


def _workers(serve, count=1, stuck_after_seconds=60):
    return Workers(count, PLACES, threads=1, stuck_after_seconds=stuck_after_seconds, serve=serve)


def _add(opened, *recordings):
    return [
        opened.calls.add(bytes(one), name="x.wav", metadata=CallMetadata(), actor="t").call.id
        for one in recordings
    ]


def _run(opened, workers, **changes):
    steps = []
    options = {"cancelled": frozenset, "stop": lambda: False, "progress": steps.append} | changes
    run = QueueRun(vault=opened, workers=workers, settings=Settings(), actor="t", **options)
    return run.run(), steps


def _state(opened, call):
    return opened.jobs.get(call).state


def test_queued_calls_are_analysed_and_kept(opened):
    calls = _add(opened, b"one", b"two", b"three")
    report, steps = _run(opened, _workers(ready_made, 2))
    assert (report.done, report.failed, report.cancelled) == (3, 0, 0)
    assert report.audio_ms == 3 * call_analysis().duration_ms
    assert all(opened.calls.detail(call).analysis == call_analysis() for call in calls)
    totals = [(step.done, step.total) for step in steps if step.call is None]
    assert (totals[0], totals[-1]) == ((0, 3), (3, 3))
    assert {step.call for step in steps} == {None, *calls}


def test_originals_go_as_their_calls_are_proven_and_those_left_over_with_the_next_run(opened):
    calls = _add(opened, b"one", b"two")
    with opened._database.transaction() as writing:
        policy.keep(writing, policy.Policy(originals=OriginalsRule.DESTROY))
    destroy, seen = opened.originals.destroy, []

    def only_the_second(call):
        seen.append(call)
        return call == calls[1] and destroy(call)

    opened.originals.destroy = only_the_second
    assert _run(opened, _workers(proving))[0].done == 2
    assert sorted(seen) == sorted(calls)
    gone = [opened.calls.detail(call).original_destroyed_at is not None for call in calls]
    assert gone == [False, True]
    assert _run(opened, _workers(proving))[0].done == 0
    assert opened.calls.detail(calls[0]).original_destroyed_at is not None


def test_an_empty_queue_starts_no_process(opened):
    report, steps = _run(opened, _workers(ready_made))
    assert (report.done, len(steps)) == (0, 1)


def test_a_failed_call_keeps_its_reason_and_the_others_go_on(opened):
    good, bad = _add(opened, b"a reason to fail", b"another")
    report, _ = _run(opened, _workers(scripted))
    assert (report.done, report.failed) == (0, 2)
    assert opened.jobs.get(good).failure.sentence == "a reason to fail"
    assert opened.jobs.get(bad).failure.code == "echo"


def test_a_call_that_kills_its_worker_is_tried_again_and_then_fails(opened, expected_logs):
    (call,) = _add(opened, b"crash")
    report, _ = _run(opened, _workers(scripted))
    assert (report.done, report.failed) == (0, 1)
    job = opened.jobs.get(call)
    assert (job.state, job.failure.code, job.attempts) == (JobState.FAILED, "worker-died", 3)
    assert len(expected_logs) == 3


def test_a_cancelled_call_ends_at_once(opened):
    hanging, other = _add(opened, b"hang", b"another")
    cancelled = set()

    def cancel_when_it_runs(step):
        if step.call == hanging and opened.jobs.cancel(hanging, actor="t"):
            cancelled.add(hanging)

    report, _ = _run(
        opened,
        _workers(scripted),
        progress=cancel_when_it_runs,
        cancelled=lambda: frozenset(cancelled),
    )
    assert (report.cancelled, report.failed) == (1, 1)
    assert _state(opened, hanging) is JobState.CANCELLED
    assert _state(opened, other) is JobState.FAILED


def test_stopping_puts_running_calls_back_into_the_queue(opened):
    (call,) = _add(opened, b"hang")
    seen = []
    _run(opened, _workers(scripted), progress=seen.append, stop=lambda: len(seen) > 2)
    assert _state(opened, call) is JobState.QUEUED


def test_a_damaged_recording_fails_alone(opened, tmp_path):
    damaged, whole = _add(opened, b"one" * 1000, b"two" * 1000)
    for sealed in tmp_path.rglob(f"{damaged}*"):
        sealed.write_bytes(sealed.read_bytes()[:-1] + b"\x00")
    report, _ = _run(opened, _workers(ready_made))
    assert (report.done, report.failed) == (1, 1)
    assert opened.jobs.get(damaged).failure.code == "seal-broken"
    assert _state(opened, whole) is JobState.DONE


def test_a_full_disk_ends_the_run_and_loses_nothing(opened, monkeypatch):
    calls = _add(opened, b"one", b"two")

    def full(*_args, **_options):
        raise DiskFull("There is no room left on the disk.")

    monkeypatch.setattr(type(opened.calls), "save", full)
    with pytest.raises(DiskFull):
        _run(opened, _workers(ready_made))
    assert {_state(opened, call) for call in calls} == {JobState.QUEUED}
    monkeypatch.undo()
    assert _run(opened, _workers(ready_made))[0].done == 2


@pytest.mark.parametrize("serve", [model_missing, pack_unknown])
def test_a_wrong_model_or_setting_ends_the_run_and_is_no_call_s_fault(opened, serve):
    calls = _add(opened, b"one", b"two")
    with pytest.raises((ModelMissing, UsageError), match=r"no .* called nope") as raised:
        _run(opened, _workers(serve))
    assert raised.value.advice == "A hint."
    assert {_state(opened, call) for call in calls} == {JobState.QUEUED}
    assert _run(opened, _workers(ready_made))[0].done == 2
    request = Request(content="audio", payload=b"", settings=Settings())
    outcomes = analyse_each(
        [(CallId("a"), request)], _workers(serve), progress=lambda _: None, stop=lambda: False
    )
    with pytest.raises((ModelMissing, UsageError)):
        list(outcomes)


def test_calls_that_are_not_kept_come_out_as_they_finish():
    requests = [
        (CallId(str(n)), Request(content="audio", payload=str(n).encode(), settings=Settings()))
        for n in range(5)
    ]
    steps = []
    with closing(_workers(scripted, 2)) as workers:
        outcomes = dict(analyse_each(requests, workers, progress=steps.append, stop=lambda: False))
    assert {call: outcome.sentence for call, outcome in outcomes.items()} == {
        str(n): str(n) for n in range(5)
    }
    assert all(isinstance(outcome, Failure) for outcome in outcomes.values())
    assert len(steps) == 5


def test_stopping_an_analysis_that_is_not_kept_gives_what_there_is():
    request = Request(content="audio", payload=b"hang", settings=Settings())
    seen = []
    outcomes = analyse_each(
        [(CallId("a"), request)], _workers(scripted), progress=seen.append, stop=lambda: bool(seen)
    )
    assert list(outcomes) == []


@pytest.mark.parametrize(
    ("cores", "asked", "expected"),
    [
        (2, {}, (2, 1)),
        (16, {}, (16, 1)),
        (16, {"workers": 3}, (3, 4)),
        (2, {"workers": 1}, (1, 2)),
        (2, {"workers": 3}, (3, 1)),
        (16, {"threads_per_worker": 4}, (4, 4)),
        (16, {"threads_per_worker": 1}, (16, 1)),
        (2, {"threads_per_worker": 8}, (1, 8)),
        (4, {"workers": 5, "threads_per_worker": 3}, (5, 3)),
    ],
)
def test_what_settings_leave_open_follows_the_machine(cores, asked, expected):
    assert chosen(ExecutionSettings(**asked), cores, 64 << 30) == expected


def test_the_number_of_workers_follows_the_machine(monkeypatch):
    monkeypatch.setattr("app.processing.usable_cores", lambda: 8)
    monkeypatch.setattr("app.processing.usable_memory", lambda: None)
    assert workers_for(ExecutionSettings(), PLACES).idle == 8
    assert workers_for(ExecutionSettings(), PLACES, calls=9).idle == 8
    assert workers_for(ExecutionSettings(), PLACES, calls=3).idle == 3
    assert workers_for(ExecutionSettings(), PLACES, calls=0).idle == 1
    assert workers_for(ExecutionSettings(workers=2), PLACES, calls=1).idle == 2


def test_the_list_shows_what_was_done(opened):
    _add(opened, b"one")
    _run(opened, _workers(ready_made))
    (row,) = opened.calls.page(CallQuery(flagged=True), offset=0, limit=5)
    assert (row.state, row.flags, row.score) == (JobState.DONE, ("Complaint",), 75.0)
