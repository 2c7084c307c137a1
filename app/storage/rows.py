"""How rows of the table `calls` become domain types: the one place that knows the order of columns.

The columns are named in the queries of the modules beside this one, always through the constants
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import (
    Call,
    CallId,
    CallMetadata,
    Direction,
    Failure,
    Job,
    JobState,
    Role,
    Severity,
    Sha256,
)

if TYPE_CHECKING:
    from app.storage.database import Row

CALL = (
    "calls.id, calls.digest, calls.source_name, calls.size_bytes, calls.imported_at, "
    "calls.duration_ms, calls.channels, calls.agent, calls.customer_reference, calls.queue, "
    "calls.direction, calls.started_at, calls.channel_roles"
)
CALL_WIDTH = 13
JOB = (
    "calls.id, calls.state, calls.attempts, calls.queued_at, calls.finished_at, "
    "calls.failure_code, calls.failure_sentence, calls.failure_hint"
)

_RANKS = {Severity.NOTICE: 1, Severity.WARNING: 2, Severity.ALERT: 3}
_SEVERITIES = {rank: severity for severity, rank in _RANKS.items()}


def call_of(row: Row) -> Call:
    """Return the call of the columns `CALL`."""
    return Call(
        id=CallId(row[0]),
        digest=Sha256(row[1]),
        source_name=row[2],
        size_bytes=row[3],
        imported_at=row[4],
        duration_ms=row[5],
        channels=row[6],
        metadata=CallMetadata(
            agent=row[7],
            customer_reference=row[8],
            queue=row[9],
            direction=Direction(row[10]),
            started_at=row[11],
            channel_roles=tuple(Role(name) for name in row[12].split(",") if name),
        ),
    )


def job_of(row: Row) -> Job:
    """Return the job of the columns `JOB`."""
    return Job(
        call=CallId(row[0]),
        state=JobState(row[1]),
        attempts=row[2],
        queued_at=row[3],
        finished_at=row[4],
        failure=failure_of(row[5:8]),
    )


def failure_of(row: Row) -> Failure | None:
    """Return the failure of three columns, or `None`."""
    code, sentence, hint = row
    return None if code is None else Failure(code=code, sentence=sentence or "", hint=hint or "")


def rank(severity: Severity) -> int:
    """Return the number by which severities are sorted: 1 to 3."""
    return _RANKS[severity]


def severity_of(rank_: int) -> Severity | None:
    """Return the severity of a number, or `None` for 0."""
    return _SEVERITIES.get(rank_)


def clean(text: str | None) -> str | None:
    """Return text that any database takes: file names of some systems are no valid Unicode."""
    return None if text is None else text.encode("utf-8", "replace").decode()
