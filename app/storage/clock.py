"""The time as it is kept: UTC, ISO 8601 with milliseconds, from a clock that is passed in."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the time now, with its zone."""

Steady = Callable[[], float]
"""Returns seconds from a start of its own; nobody can set this clock, and it counts sleep too."""


def utc_now() -> datetime:
    """Return the time now in UTC."""
    return datetime.now(UTC)


def steady() -> float:
    """Return what the clock says that runs since the computer was started, in seconds."""
    # Python's own monotonic clock stands still on Linux and macOS while the computer sleeps.
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        if hasattr(time, name):
            return time.clock_gettime(getattr(time, name))
    return time.monotonic()  # pragma: no cover - Windows, where it counts sleep


def stamp(moment: datetime) -> str:
    """Return a time as text that sorts by time, such as `2026-01-31T09:30:00.250Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: datetime) -> int:
    """Return a time as whole milliseconds since 1970."""
    return round(moment.timestamp() * 1000)


def sortable(text: str | None, *, otherwise: str) -> str:
    """Return a given time of any zone in the form of `stamp`; without a zone it counts as UTC.

    Returns `otherwise` where nothing is given or it is no time.
    """
    try:
        moment = datetime.fromisoformat(text or "")
        return stamp(moment if moment.tzinfo else moment.replace(tzinfo=UTC))
    except (ValueError, OverflowError):
        return otherwise
