"""The queue of calls that wait to be analysed.

Promises that a call is worked on by one runner at a time, that work of a runner that ended is taken
up again, and that nothing is lost or done twice. A runner holds a lease: only it may finish, fail
or release the call, and only until the lease is over or a person cancels the call.

Order: the calls that were begun least often first, the oldest of them first. So a call that takes
the whole program down with it cannot keep the others from their turn. A call whose worker process
died `_MOST_DEATHS` times has failed.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.domain import EVERYTHING, Call, CallId, Job, JobState
from app.errors import WorkerDied
from app.storage import originals
from app.storage.clock import milliseconds, stamp
from app.storage.rows import CALL, JOB, call_of, job_of
from app.storage.scopes import not_found, number_of, within

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain import Scope
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Writing

_MOST_DEATHS = 3
_SHOWN = (JobState.QUEUED, JobState.RUNNING, JobState.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A runner's right to work on a call; `attempt` counts from 1."""

    call: Call
    owner: str
    token: str
    attempt: int


class Jobs:
    """The queue of an open vault."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        """Work on a database."""
        self._database = database
        self._audit = audit
        self._clock = clock

    def claim(
        self, owner: str, *, lease_seconds: float = 600, scope: Scope = EVERYTHING
    ) -> Lease | None:
        """Return a lease of the next queued call of a scope, or `None` when none waits."""
        condition, values = within(scope)
        with self._database.transaction() as writing:
            row = writing.one(_NEXT.format(condition), values)
            if row is None:
                return None
            token = secrets.token_hex(16)
            until = self._until(lease_seconds)
            writing.change(_CLAIM, (owner, token, until, row[0]))
        return Lease(call=call_of(row[2:]), owner=owner, token=token, attempt=row[1] + 1)

    def renew(self, lease: Lease, *, lease_seconds: float = 600) -> bool:
        """Make a lease last longer; returns `False` if it is over: then stop working on it."""
        until = self._until(lease_seconds)
        with self._database.transaction() as writing:
            return writing.change(_RENEW, (until, lease.call.id, lease.token)) == 1

    def release(self, lease: Lease, *, died: bool = False) -> JobState | None:
        """Give an unfinished call back to the queue; returns its state now.

        With `died` its worker process ended by itself: it goes to the end of the queue, and fails
        when that happened too often. Otherwise the attempt does not count. `None`: the lease was
        over already and nothing is changed.
        """
        with self._database.transaction() as writing:
            row = writing.one(_HELD, (lease.call.id, lease.token))
            if row is None:
                return None
            if not died:
                writing.change(_RELEASE, (row[0],))
                return JobState.QUEUED
            return self._died(writing, row[0], deaths=row[1] + 1)

    def cancel(self, call: CallId, *, actor: str, scope: Scope = EVERYTHING) -> bool:
        """Take a call that waits or is worked on out of the queue; `False` if it does neither."""
        with self._database.transaction() as writing:
            state = _state(writing, call, scope)
            if state not in (JobState.QUEUED, JobState.RUNNING):
                return False
            writing.change(_CANCEL, (stamp(self._clock()), call))
            self._audit.append(writing, actor=actor, act="call.cancel", subject=call)
        return True

    def retry(self, call: CallId, *, actor: str, scope: Scope = EVERYTHING) -> bool:
        """Put a call that is done, failed or cancelled at the end of the queue again.

        Raises `CallNotFound`, and `OriginalDestroyed` where there is nothing left to analyse.
        """
        with self._database.transaction() as writing:
            state = _state(writing, call, scope)
            if state in (JobState.QUEUED, JobState.RUNNING):
                return False
            originals.expect_there(writing, number_of(writing, call, scope))
            self._again(writing, call, actor)
        return True

    def retry_failed(self, *, actor: str, scope: Scope = EVERYTHING) -> int:
        """Put all failed calls at the end of the queue again; returns how many."""
        condition, values = within(scope)
        failed = f"SELECT id FROM calls WHERE state = 'failed' AND {condition}"  # noqa: S608
        with self._database.transaction() as writing:
            rows = writing.all(f"{failed} ORDER BY place", values)
            for row in rows:
                self._again(writing, CallId(row[0]), actor)
        return len(rows)

    def release_expired(self) -> int:
        """Give calls whose lease has run out back to the queue; returns how many."""
        now = milliseconds(self._clock())
        with self._database.transaction() as writing:
            return writing.change(_REQUEUE + " AND lease_until < ?", (now,))

    def recover(self) -> int:
        """Give every call that was being worked on back to the queue, when a vault is opened.

        Only one program has a vault open: whoever held these leases is gone.
        """
        with self._database.transaction() as writing:
            return writing.change(_REQUEUE)

    def get(self, call: CallId) -> Job:
        """Return a call's job; raises `CallNotFound`."""
        with self._database.reader() as reading:
            row = reading.one(f"SELECT {JOB} FROM calls WHERE id = ?", (call,))  # noqa: S608
        if row is None:
            raise not_found()
        return job_of(row)

    def list(
        self,
        states: Iterable[JobState] = _SHOWN,
        *,
        limit: int = 1000,
        scope: Scope = EVERYTHING,
    ) -> tuple[Job, ...]:
        """Return jobs: those worked on, those waiting in their order, then the others by age.

        At most `limit` of each state; failed, cancelled and done ones from the newest on.
        """
        wanted = set(states)
        condition, values = within(scope)
        with self._database.reader() as reading:
            rows = [
                row
                for state in _LISTED
                if state in wanted
                for row in reading.all(_LIST[state].format(condition), (state, *values, limit))
            ]
        return tuple(job_of(row) for row in rows)

    def _until(self, seconds: float) -> int:
        return milliseconds(self._clock() + timedelta(seconds=seconds))

    def _died(self, writing: Writing, number: int, *, deaths: int) -> JobState:
        if deaths < _MOST_DEATHS:
            writing.change(_DIED, (number,))
            return JobState.QUEUED
        sentence = f"The analysing process ended without an answer {deaths} times."
        now = stamp(self._clock())
        writing.change(_FAIL, (deaths, now, WorkerDied.code, sentence, WorkerDied.hint, number))
        row = writing.one("SELECT id FROM calls WHERE number = ?", (number,))
        self._audit.append(
            writing,
            actor="program",
            act="call.analyse",
            subject=row[0] if row else "",
            outcome=WorkerDied.code,
        )
        return JobState.FAILED

    def _again(self, writing: Writing, call: CallId, actor: str) -> None:
        writing.change(_RETRY, (stamp(self._clock()), call))
        self._audit.append(writing, actor=actor, act="call.retry", subject=call)


def finish(
    writing: Writing, lease: Lease, at: str, failure: tuple[str | None, str | None, str | None]
) -> int | None:
    """End a lease as done, or as failed with a code, sentence and hint.

    Returns the call's number, or `None` if the lease is over: then nothing may be kept.
    """
    row = writing.one(_HELD, (lease.call.id, lease.token))
    if row is None:
        return None
    state = JobState.DONE if failure[0] is None else JobState.FAILED
    writing.change(_FINISH, (state, at, *failure, row[0]))
    return int(row[0])


def _state(writing: Writing, call: CallId, scope: Scope) -> JobState:
    condition, values = within(scope)
    row = writing.one(
        f"SELECT state FROM calls WHERE id = ? AND {condition}",  # noqa: S608
        (call, *values),
    )
    if row is None:
        raise not_found()
    return JobState(row[0])


_NEXT = f"""
    SELECT calls.number, calls.attempts, {CALL} FROM calls
    WHERE state = 'queued' AND {{}} ORDER BY attempts, place LIMIT 1
"""  # noqa: S608
_CLAIM = """
    UPDATE calls SET state = 'running', attempts = attempts + 1,
        lease_owner = ?, lease_token = ?, lease_until = ?
    WHERE number = ?
"""
_RENEW = "UPDATE calls SET lease_until = ? WHERE id = ? AND state = 'running' AND lease_token = ?"
_HELD = """
    SELECT number, deaths FROM calls WHERE id = ? AND state = 'running' AND lease_token = ?
"""
_NO_LEASE = "lease_owner = NULL, lease_token = NULL, lease_until = NULL"
_NO_FAILURE = "failure_code = NULL, failure_sentence = NULL, failure_hint = NULL"
_REQUEUE = f"UPDATE calls SET state = 'queued', {_NO_LEASE} WHERE state = 'running'"  # noqa: S608
_RELEASE = f"""
    UPDATE calls SET state = 'queued', attempts = attempts - 1, {_NO_LEASE} WHERE number = ?
"""  # noqa: S608
_DIED = f"""
    UPDATE calls SET state = 'queued', deaths = deaths + 1, {_NO_LEASE} WHERE number = ?
"""  # noqa: S608
_FAIL = f"""
    UPDATE calls SET state = 'failed', deaths = ?, finished_at = ?, {_NO_LEASE},
        failure_code = ?, failure_sentence = ?, failure_hint = ?
    WHERE number = ?
"""  # noqa: S608
_FINISH = f"""
    UPDATE calls SET state = ?, finished_at = ?, {_NO_LEASE},
        failure_code = ?, failure_sentence = ?, failure_hint = ?
    WHERE number = ?
"""  # noqa: S608
_CANCEL = f"""
    UPDATE calls SET state = 'cancelled', finished_at = ?, {_NO_LEASE} WHERE id = ?
"""  # noqa: S608
_RETRY = f"""
    UPDATE calls SET state = 'queued', queued_at = ?, finished_at = NULL, attempts = 0, deaths = 0,
        place = (SELECT max(place) + 1 FROM calls), {_NO_LEASE}, {_NO_FAILURE}
    WHERE id = ?
"""  # noqa: S608
_LISTED = (
    JobState.RUNNING,
    JobState.QUEUED,
    JobState.FAILED,
    JobState.CANCELLED,
    JobState.DONE,
)
_LIST = {
    state: f"SELECT {JOB} FROM calls WHERE state = ? AND {{}} ORDER BY {order} LIMIT ?"  # noqa: S608
    for state, order in (
        (JobState.RUNNING, "place"),
        (JobState.QUEUED, "attempts, place"),
        (JobState.FAILED, "number DESC"),
        (JobState.CANCELLED, "number DESC"),
        (JobState.DONE, "number DESC"),
    )
}
