"""The queue: one runner at a time, nothing lost, nothing twice."""

from __future__ import annotations

import threading

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.domain import CallId, CallMetadata, Failure, JobState
from app.errors import CallNotFound
from app.storage import vault
from app.storage.jobs import Lease
from tests.unit.storage.conftest import PASSPHRASE

FAILURE = Failure(code="audio-empty", sentence="Nothing is in it.", hint="Export it again.")


def add(opened, name):
    added = opened.calls.add(name.encode(), name=name, metadata=CallMetadata(), actor="ann")
    return added.call.id


@pytest.fixture
def three(opened):
    return [add(opened, name) for name in ("one", "two", "three")]


def _acts(opened):
    return [(entry.act, entry.outcome) for entry in opened.audit.entries()]


def test_the_oldest_waiting_call_is_claimed_first_and_once(opened, three):
    leases = [opened.jobs.claim("runner") for _ in range(4)]
    assert [lease and lease.call.id for lease in leases] == [*three, None]
    assert [job.state for job in opened.jobs.list()] == [JobState.RUNNING] * 3
    assert {lease.attempt for lease in leases[:3]} == {1}
    assert isinstance(leases[0], Lease)


def test_a_lease_can_be_renewed_until_it_is_over(opened, three, clock):
    lease = opened.jobs.claim("runner", lease_seconds=60)
    clock.move(50)
    assert opened.jobs.renew(lease, lease_seconds=60)
    clock.move(50)
    assert opened.jobs.release_expired() == 0
    clock.move(20)
    assert opened.jobs.release_expired() == 1
    assert not opened.jobs.renew(lease)
    assert not opened.calls.save(lease, FAILURE, actor="ann")
    assert opened.jobs.release(lease) is None
    assert opened.jobs.get(three[0]).state is JobState.QUEUED


def test_a_call_begun_before_comes_after_those_never_begun(opened, three, clock):
    opened.jobs.claim("runner", lease_seconds=1)
    clock.move(5)
    opened.jobs.release_expired()
    order = [opened.jobs.claim("runner").call.id for _ in range(3)]
    assert order == [three[1], three[2], three[0]]


def test_a_stopped_runner_gives_its_call_back_to_its_place(opened, three):
    lease = opened.jobs.claim("runner")
    assert opened.jobs.release(lease) is JobState.QUEUED
    again = opened.jobs.claim("runner")
    assert (again.call.id, again.attempt) == (three[0], 1)
    assert again.token != lease.token


def test_a_call_that_kills_its_worker_three_times_has_failed(opened, three):
    call = three[0]
    for wanted in (JobState.QUEUED, JobState.QUEUED, JobState.FAILED):
        lease = opened.jobs.claim("runner")
        while lease.call.id != call:
            opened.calls.save(lease, FAILURE, actor="ann")
            lease = opened.jobs.claim("runner")
        assert opened.jobs.release(lease, died=True) is wanted
    job = opened.jobs.get(call)
    assert (job.state, job.failure.code, job.attempts) == (JobState.FAILED, "worker-died", 3)
    assert "3 times" in job.failure.sentence
    assert _acts(opened)[0] == ("call.analyse", "worker-died")


def test_cancelling_ends_a_lease_and_keeps_no_result(opened, three):
    lease = opened.jobs.claim("runner")
    assert opened.jobs.cancel(three[0], actor="ann")
    assert not opened.jobs.cancel(three[0], actor="ann")
    assert not opened.jobs.renew(lease)
    assert not opened.calls.save(lease, FAILURE, actor="ann")
    assert opened.jobs.get(three[0]).state is JobState.CANCELLED
    assert opened.jobs.cancel(three[1], actor="ann")
    assert opened.jobs.claim("runner").call.id == three[2]
    assert _acts(opened)[:2] == [("call.cancel", "ok")] * 2


def test_retrying_queues_at_the_end_with_a_clean_slate(opened, three):
    opened.calls.save(opened.jobs.claim("runner"), FAILURE, actor="ann")
    assert opened.jobs.get(three[0]).failure == FAILURE
    assert opened.jobs.retry(three[0], actor="ann")
    assert not opened.jobs.retry(three[0], actor="ann")
    job = opened.jobs.get(three[0])
    assert (job.state, job.failure, job.attempts) == (JobState.QUEUED, None, 0)
    assert job.finished_at is None
    order = [opened.jobs.claim("runner").call.id for _ in range(3)]
    assert order == [three[1], three[2], three[0]]


def test_all_failed_calls_are_retried_and_no_others(opened, three):
    opened.calls.save(opened.jobs.claim("runner"), FAILURE, actor="ann")
    opened.calls.save(opened.jobs.claim("runner"), FAILURE, actor="ann")
    opened.jobs.cancel(three[2], actor="ann")
    assert opened.jobs.retry_failed(actor="ann") == 2
    assert opened.jobs.retry_failed(actor="ann") == 0
    assert [job.call for job in opened.jobs.list()] == three[:2]


def test_unknown_calls_are_not_found(opened):
    for act in (
        lambda: opened.jobs.get(CallId("0" * 32)),
        lambda: opened.jobs.cancel(CallId("0" * 32), actor="ann"),
        lambda: opened.jobs.retry(CallId("0" * 32), actor="ann"),
    ):
        with pytest.raises(CallNotFound):
            act()


def test_jobs_are_listed_by_state_and_age(opened):
    calls = [add(opened, str(n)) for n in range(6)]
    for _ in range(2):
        opened.calls.save(opened.jobs.claim("runner"), FAILURE, actor="ann")
    opened.jobs.claim("runner")
    opened.jobs.cancel(calls[5], actor="ann")
    listed = [job.call for job in opened.jobs.list()]
    assert listed == [calls[2], calls[3], calls[4], calls[1], calls[0]]
    assert [job.call for job in opened.jobs.list([JobState.CANCELLED])] == [calls[5]]
    assert [job.call for job in opened.jobs.list([JobState.FAILED], limit=1)] == [calls[1]]
    assert opened.jobs.list([JobState.DONE]) == ()


def test_opening_takes_up_what_an_ended_program_was_working_on(opened, three, folder, clock):
    lease = opened.jobs.claim("runner", lease_seconds=10**6)
    opened.close()
    with vault.open_vault(folder, PASSPHRASE, clock=clock) as again:
        assert again.recovered.requeued == 1
        assert {job.state for job in again.jobs.list()} == {JobState.QUEUED}
        assert not again.calls.save(lease, FAILURE, actor="ann")
        assert again.jobs.get(three[0]).attempts == 1


def test_many_runners_share_the_queue_without_doubling(opened):
    calls = [add(opened, str(n)) for n in range(40)]
    claimed, guard = [], threading.Lock()

    def work(name):
        while lease := opened.jobs.claim(name):
            with guard:
                claimed.append(lease.call.id)
            opened.calls.save(lease, FAILURE, actor=name)

    runners = [threading.Thread(target=work, args=(f"runner {n}",)) for n in range(4)]
    for runner in runners:
        runner.start()
    for runner in runners:
        runner.join()
    assert sorted(claimed) == sorted(calls)
    assert opened.calls.totals()[JobState.FAILED] == 40


class Queue(RuleBasedStateMachine):
    """Whatever runners and people do, each call is in exactly one state, and the right one."""

    def __init__(self, opened, clock):
        super().__init__()
        self.vault = opened
        self.clock = clock
        self.states: dict[str, JobState] = {}
        self.leases: list[Lease] = []
        self.held: dict[str, str] = {}
        with opened._database.transaction() as writing:
            writing.change("DELETE FROM calls")

    def _end(self, lease, state):
        self.states[lease.call.id] = state
        self.held.pop(lease.call.id, None)

    def _mine(self, lease):
        return self.held.get(lease.call.id) == lease.token

    @rule()
    def import_one(self):
        self.states[add(self.vault, f"call {len(self.states)}")] = JobState.QUEUED

    @rule()
    def claim(self):
        lease = self.vault.jobs.claim("runner", lease_seconds=100)
        assert (lease is None) == (JobState.QUEUED not in self.states.values())
        if lease:
            assert self.states[lease.call.id] is JobState.QUEUED
            self.states[lease.call.id] = JobState.RUNNING
            self.held[lease.call.id] = lease.token
            self.leases.append(lease)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def finish(self, data):
        lease = data.draw(st.sampled_from(self.leases))
        mine = self._mine(lease)
        assert self.vault.calls.save(lease, FAILURE, actor="ann") == mine
        if mine:
            self._end(lease, JobState.FAILED)

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), died=st.booleans())
    def release(self, data, died):
        lease = data.draw(st.sampled_from(self.leases))
        mine = self._mine(lease)
        state = self.vault.jobs.release(lease, died=died)
        assert (state is not None) == mine
        if mine:
            self._end(lease, state)

    @precondition(lambda self: self.states)
    @rule(data=st.data())
    def cancel(self, data):
        call = data.draw(st.sampled_from(list(self.states)))  # in their order: ids are random
        could = self.states[call] in (JobState.QUEUED, JobState.RUNNING)
        assert self.vault.jobs.cancel(CallId(call), actor="ann") == could
        if could:
            self.states[call] = JobState.CANCELLED
            self.held.pop(call, None)

    @rule()
    def retry_all(self):
        failed = [call for call, state in self.states.items() if state is JobState.FAILED]
        assert self.vault.jobs.retry_failed(actor="ann") == len(failed)
        self.states.update(dict.fromkeys(failed, JobState.QUEUED))

    @rule()
    def let_leases_run_out(self):
        self.clock.move(101)
        assert self.vault.jobs.release_expired() == len(self.held)
        self.states.update(dict.fromkeys(self.held, JobState.QUEUED))
        self.held.clear()

    @invariant()
    def every_call_is_in_its_state(self):
        kept = {job.call: job.state for job in self.vault.jobs.list(JobState)}
        assert kept == self.states


def test_whatever_runners_and_people_do_each_call_is_in_its_state(opened, clock):
    unhurried = settings(
        max_examples=20,
        stateful_step_count=30,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(lambda: Queue(opened, clock), settings=unhurried)
