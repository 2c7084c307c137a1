"""When the computer's clock was changed, as far as the audit log can tell.

An entry's time is never before that of the entry before it. What the times alone do not say becomes
an entry of its own: that the clock stands behind the last entry, or that it was set while the vault
was open, which a clock that nobody can set shows. So does the time that lies between two sessions:
nothing shows whether it passed or the clock was set forward meanwhile. Pure: what is remembered
between two entries stands in the head of the log, so that a transaction that is undone takes it
along.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from app.storage.clock import milliseconds, stamp

if TYPE_CHECKING:
    from app.storage.clock import Clock, Steady

_BEHIND_MS = 1000
_JUMP_MS = 120_000
_GAP_MS = 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockState:
    """What was known of the clocks at an entry: in which session it was written, how far the
    computer's clock was ahead of the steady one, and how far behind the log it was said to be."""

    session: bytes = b""
    offset_ms: int = 0
    behind_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the clocks say for one entry: its time, and what to remember with it. `change` says by
    how much the clock was changed, where it was, `gap` how long after the last entry of another
    session this one is, where that is more than a day, and `wall` what the clock says now."""

    at: str
    state: ClockState
    wall: str
    change: str = ""
    gap: str = ""


@dataclass(frozen=True, slots=True)
class AuditClock:
    """The computer's clock beside a steady one, in one session; without a steady one only a clock
    that is behind the log is noticed."""

    wall: Clock
    steady: Steady | None
    session: bytes

    def read(self, last_at: str, before: ClockState) -> Reading:
        """Return the time of the entry after one that was written at `last_at`."""
        now = self.wall()
        wall = stamp(now)
        since_ms = milliseconds(now) - _milliseconds(last_at, otherwise=now)
        behind = max(0, -since_ms)
        offset = 0 if self.steady is None else milliseconds(now) - round(self.steady() * 1000)
        known = before.session == self.session
        jump = offset - before.offset_ms if known else 0
        further = behind - (before.behind_ms if known else 0)
        changed_ms = 0
        if abs(jump) > _JUMP_MS:
            changed_ms = jump
        elif further > _BEHIND_MS:
            changed_ms = min(jump, -_BEHIND_MS) if known and self.steady else -further
        state = ClockState(
            session=self.session,
            offset_ms=before.offset_ms if known and not changed_ms else offset,
            behind_ms=min(before.behind_ms, behind) if known and not changed_ms else behind,
        )
        return Reading(
            at=last_at if behind else wall,
            state=state,
            wall=wall,
            change=_said(changed_ms),
            gap="" if known or since_ms <= _GAP_MS else _said(since_ms),
        )


def _said(by_ms: int) -> str:
    return f"{round(by_ms / 1000):+d} s" if by_ms else ""


def _milliseconds(at: str, *, otherwise: datetime) -> int:
    """Return a time of the log as milliseconds; one that is no time, because somebody changed it,
    counts as `otherwise`."""
    try:
        return milliseconds(datetime.fromisoformat(at))
    except (ValueError, OverflowError):
        return milliseconds(otherwise)
