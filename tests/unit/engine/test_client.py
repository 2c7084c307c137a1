"""Worker processes: every submitted call ends as exactly one outcome, whatever its worker does."""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.config import Settings
from app.domain import CallId
from app.engine.client import Advanced, Finished, LoneWorker, Workers, ask
from app.engine.wire import NetworkTrial, NetworkTried, Places, Request
from app.errors import WorkerDied, WorkerStuck
from tests.workers import echoing, scripted, silent


def _workers(count=1, stuck_after_seconds=60.0):
    return Workers(
        count,
        Places(resources="", packs=""),
        threads=1,
        stuck_after_seconds=stuck_after_seconds,
        serve=scripted,
    )


def _request(payload):
    return Request(content="transcript", payload=payload, settings=Settings())


def _until_finished(workers, calls=1):
    finished, advanced = [], []
    while len(finished) < calls:
        for event in workers.events(30):
            (finished if isinstance(event, Finished) else advanced).append(event)
    return finished, advanced


def test_a_call_reports_progress_and_its_outcome():
    with closing(_workers()) as workers:
        workers.submit(CallId("a"), _request(b"hello"))
        assert (workers.idle, workers.running) == (0, ("a",))
        finished, advanced = _until_finished(workers)
        assert [(one.call, one.outcome.sentence) for one in finished] == [("a", "hello")]
        assert advanced == [Advanced(call=CallId("a"), stage="decode", done=0.5)]
        assert (workers.idle, workers.running) == (1, ())


def test_a_worker_is_used_again_for_the_next_call():
    with closing(_workers()) as workers:
        processes = set()
        for _ in range(2):
            workers.submit(CallId("a"), _request(b"hello"))
            processes.add(_until_finished(workers)[0][0].outcome.hint)
        assert len(processes) == 1


def test_a_native_crash_fails_one_call_and_a_new_worker_takes_the_next(expected_logs):
    with closing(_workers()) as workers:
        workers.submit(CallId("a"), _request(b"crash"))
        assert _until_finished(workers)[0][0].outcome.code == "worker-died"
        workers.submit(CallId("b"), _request(b"hello"))
        assert _until_finished(workers)[0][0].outcome.code == "echo"
    assert [record.msg for record in expected_logs] == ["a worker died"]


def test_a_cancelled_call_says_so_and_the_others_go_on():
    with closing(_workers(2)) as workers:
        workers.submit(CallId("a"), _request(b"hang"))
        workers.submit(CallId("b"), _request(b"hello"))
        workers.cancel(CallId("a"))
        finished, _ = _until_finished(workers, calls=2)
        assert {one.call: one.outcome.code for one in finished} == {"a": "cancelled", "b": "echo"}
        assert workers.idle == 2


def test_a_call_without_progress_is_given_up():
    with closing(_workers(stuck_after_seconds=0.2)) as workers:
        workers.submit(CallId("a"), _request(b"hang"))
        finished = []
        while not finished:
            finished = [one for one in workers.events(0.05) if isinstance(one, Finished)]
        assert finished[0].outcome.code in {"worker-stuck"}


def test_a_worker_that_answers_nonsense_is_ended(expected_logs):
    with closing(_workers()) as workers:
        workers.submit(CallId("a"), _request(b"babble"))
        assert _until_finished(workers)[0][0].outcome.code == "worker-died"


def test_a_busy_worker_takes_no_second_call():
    with closing(_workers()) as workers:
        workers.submit(CallId("a"), _request(b"hang"))
        with pytest.raises(RuntimeError):
            workers.submit(CallId("b"), _request(b"hello"))


def test_closing_ends_running_workers_at_once():
    workers = _workers()
    workers.submit(CallId("a"), _request(b"hang"))
    workers.close()
    assert workers.idle == 1
    assert list(workers.events(0)) == []


def test_a_real_worker_finds_the_network_shut_off():
    resources = Path(__file__).parents[3] / "resources"
    tried = ask(NetworkTrial(), Places(resources=str(resources), packs=""), seconds=60)
    native = True if sys.platform == "linux" else None
    assert tried == NetworkTried(python_refused=True, native_refused=native)


@pytest.mark.parametrize("payload", [b"crash", b"babble"])
def test_a_question_without_an_answer_ends_as_an_error(payload):
    with pytest.raises(WorkerDied):
        ask(_request(payload), Places(resources="", packs=""), seconds=60, serve=silent)


def test_a_question_that_takes_too_long_is_given_up():
    with pytest.raises(WorkerStuck):
        ask(_request(b"hang"), Places(resources="", packs=""), seconds=0.1, serve=silent)


def test_one_worker_answers_one_question_after_the_other_and_is_replaced_when_it_dies():
    places = Places(resources="", packs="")
    with closing(LoneWorker(places, threads=1, serve=echoing)) as lone:
        answers = [lone.ask(_request(b"hello"), seconds=60) for _ in range(2)]
        with pytest.raises(WorkerDied):
            lone.ask(_request(b"crash"), seconds=60)
        answers.append(lone.ask(_request(b"hello"), seconds=60))
        with pytest.raises(WorkerStuck):
            lone.ask(_request(b"hang"), seconds=0.1)
        answers.append(lone.ask(_request(b"hello"), seconds=60))
    first, second, third, fourth = (answer.hint for answer in answers)  # the process that answered
    assert first == second
    assert len({first, third, fourth}) == 3


def test_a_worker_makes_way_for_a_new_one_after_many_calls(monkeypatch):
    monkeypatch.setattr("app.engine.client._MOST_CALLS", 2)
    with closing(_workers()) as workers:
        processes = []
        for _ in range(5):
            workers.submit(CallId("a"), _request(b"hello"))
            processes.append(_until_finished(workers)[0][0].outcome.hint)
        assert [processes.index(one) for one in processes] == [0, 0, 2, 2, 4]
