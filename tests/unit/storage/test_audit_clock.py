"""Clocks that are set while nobody looks, and what the audit log says of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.storage.audit import Audit
from tests.unit.storage.audit_logs import KEY, VAULTS, begun


class Clocks:
    """The clock that can be set, and the one that cannot."""

    def __init__(self):
        self.now = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
        self.seconds = 1000.0

    def wall(self):
        return self.now

    def steady(self):
        return self.seconds

    def passes(self, seconds):
        self.now += timedelta(seconds=seconds)
        self.seconds += seconds

    def is_set(self, seconds):
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clocks():
    return Clocks()


@pytest.fixture
def store(tmp_path, clocks):
    path = tmp_path / "vault.db"
    database, log = begun(path, clock=clocks.wall, steady_clock=clocks.steady)
    log.record(actor="ann", act="first")
    yield database, log
    assert log.verify().ok
    times = [entry.at for entry in log.entries()]
    assert times == sorted(times, reverse=True)
    database.close()


def changes(log):
    """What the log says of the clock, the oldest first."""
    entries = [entry for entry in log.entries() if entry.act == "clock.change"]
    assert {entry.actor for entry in entries} <= {"system"}
    return [entry.outcome for entry in reversed(entries)]


def test_time_that_passes_is_no_change(store, clocks):
    _, log = store
    for seconds in (0, 0.4, 3600, 86_400 * 30):
        clocks.passes(seconds)
        log.record(actor="ann", act="one")
    assert changes(log) == []


@pytest.mark.parametrize(("seconds", "said"), [(121, "+121 s"), (86_400, "+86400 s")])
def test_a_jump_forward_within_a_session_is_an_entry(store, clocks, seconds, said):
    _, log = store
    clocks.is_set(seconds)
    log.record(actor="ann", act="one")
    log.record(actor="ann", act="two")
    assert changes(log) == [said]
    assert log.entries(limit=3)[2].subject == log.entries(limit=3)[2].at


def test_many_small_steps_forward_are_seen_together(store, clocks):
    _, log = store
    for _ in range(3):
        clocks.is_set(60)
        log.record(actor="ann", act="one")
    assert changes(log) == ["+180 s"]


def test_a_small_step_is_left_to_the_servers_of_time(store, clocks):
    _, log = store
    for seconds in (30, 60, -0.9):
        clocks.is_set(seconds)
        log.record(actor="ann", act="one")
    assert changes(log) == []


def test_a_clock_that_stands_behind_the_log_is_told_once_until_it_falls_behind_again(store, clocks):
    _, log = store
    clocks.is_set(-3600)
    for _ in range(3):
        clocks.passes(10)
        log.record(actor="ann", act="one")
    assert changes(log) == ["-3600 s"]
    clocks.is_set(-60)
    log.record(actor="ann", act="one")
    assert changes(log) == ["-3600 s", "-60 s"]
    clocks.passes(4000)
    log.record(actor="ann", act="one")
    newest = log.entries(limit=1)[0]
    assert newest.at == "2026-03-01T09:06:10.000Z"
    clocks.is_set(-50)
    log.record(actor="ann", act="one")
    assert changes(log) == ["-3600 s", "-60 s", "-50 s"]


def test_setting_it_back_and_forth_between_two_entries_leaves_no_trace_and_does_no_harm(
    store, clocks
):
    _, log = store
    clocks.is_set(-3600)
    clocks.is_set(3600)
    log.record(actor="ann", act="one")
    assert changes(log) == []


def test_every_session_tells_anew_that_the_clock_is_behind(store, clocks):
    database, log = store
    clocks.is_set(-7200)
    for _ in range(2):
        again = Audit(database, KEY, VAULTS[0], clocks.wall, steady_clock=clocks.steady)
        again.record(actor="ann", act="vault.open")
        again.record(actor="ann", act="one")
    assert changes(log) == ["-7200 s", "-7200 s"]
    assert log.entries(limit=3)[2].subject == "2026-03-01T07:00:00.000Z"


def test_a_new_session_does_not_compare_with_the_steady_clock_of_another(store, clocks):
    database, log = store
    clocks.passes(86_400)
    clocks.seconds = 5.0  # the computer was started anew
    again = Audit(database, KEY, VAULTS[0], clocks.wall, steady_clock=clocks.steady)
    again.record(actor="ann", act="vault.open")
    assert changes(log) == []


def test_a_change_that_was_undone_with_its_transaction_is_told_with_the_next_one(store, clocks):
    database, log = store

    def undone():
        with database.transaction() as writing:
            log.append(writing, actor="ann", act="undone")
            raise KeyError("bug")

    clocks.is_set(600)
    with pytest.raises(KeyError):
        undone()
    assert changes(log) == []
    log.record(actor="ann", act="one")
    assert changes(log) == ["+600 s"]


def test_the_computers_own_clocks_agree(tmp_path):
    from app.storage.clock import steady, utc_now

    database, log = begun(tmp_path / "own.db", clock=utc_now)
    for _ in range(3):
        log.record(actor="ann", act="one")
    assert changes(log) == []
    assert 0 <= steady() <= steady()
    database.close()


@pytest.mark.parametrize(("seconds", "said"), [(86_400, []), (86_401, ["+86401 s"])])
def test_a_long_time_before_a_session_is_an_entry_of_its_own(store, clocks, seconds, said):
    database, log = store
    clocks.passes(seconds)
    again = Audit(database, KEY, VAULTS[0], clocks.wall, steady_clock=clocks.steady)
    again.record(actor="ann", act="one")
    again.record(actor="ann", act="two")
    entries = [entry for entry in log.entries() if entry.act == "clock.gap"]
    assert [(one.actor, one.outcome) for one in entries] == [("system", one) for one in said]
    assert {one.subject for one in entries} <= {one.at for one in entries}
    assert changes(log) == []
