"""Calls whose time is over, and whether it can be so as the clock and their number have it.

A clock that was set forward makes calls old, and whoever sets it needs nobody for that: what looks
like it is left to two persons. Promises that a long time without an entry in the audit log is
noticed until a second person has approved erasing by retention after it, and so is that most calls
would go at once. Pure reading.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import CallId, GuardedAct
from app.storage.scopes import within

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import Scope
    from app.storage.database import Reading

SUBJECT = "retention"
"""What a request to erase by retention names in place of a call; its value is the moment before
which the calls took place."""

GAP_DAYS = 7
"""A longer time without an entry is a clock that may have been set forward."""

FEW_CALLS = 20
"""So many calls at once are never most of a vault."""


def older_than(reading: Reading, moment: str, scope: Scope) -> tuple[CallId, ...]:
    """Return the calls that took place before a moment and are not on hold, oldest first."""
    condition, values = within(scope)
    rows = reading.all(_OLDER.format(condition), (moment, *values))
    return tuple(CallId(row[0]) for row in rows)


def doubts(reading: Reading, due: Sequence[CallId], now: str) -> str:
    """Return in one sentence why a second person should look at what is due; empty if nothing."""
    if not due:
        return ""
    if _gap(reading, now):
        return (
            f"For more than {GAP_DAYS} days nothing was written into the audit log: the vault was"
            " not used, or the clock was set forward."
        )
    if len(due) > FEW_CALLS and 2 * len(due) > reading.number("SELECT count(*) FROM calls"):
        return f"{len(due):,} calls would be erased, more than half of all."
    return ""


def _gap(reading: Reading, now: str) -> bool:
    approved = f"% {GuardedAct.ERASE_CALL.value} {SUBJECT}=%"
    return bool(reading.number(_GAPS, (approved, now, GAP_DAYS)))


_OLDER = """
    SELECT id FROM calls WHERE started < ? AND {}
        AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.call = calls.number)
    ORDER BY started, number
"""
# From the last approval on, with what the clock says now as the end.
_GAPS = """
    WITH times (number, at) AS (
        SELECT number, at FROM audit WHERE number >= (
            SELECT coalesce(max(number), 0) FROM audit
            WHERE act = 'request.approve' AND subject LIKE ?)
        UNION ALL SELECT 1 << 62, ?
    ), gaps (days) AS (
        SELECT julianday(at) - julianday(lag(at) OVER (ORDER BY number)) FROM times
    )
    SELECT count(*) FROM gaps WHERE days > ?
"""
