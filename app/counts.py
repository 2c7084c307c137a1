"""How many and how long, in words: the same in the window, on the command line and in the logs.

Promises the right singular, and units with every number.
"""

from __future__ import annotations

import math
from datetime import datetime


def counted(number: int, thing: str, plural: str = "") -> str:
    """Return a number with its noun: `1 call`, `1,200 calls`, `2 entries`."""
    return f"{number:,} {thing if number == 1 else plural or thing + 's'}"


def are(number: int) -> str:
    """Return the verb that goes with a number: `1 call is`, `2 calls are`."""
    return "is" if number == 1 else "are"


def were(number: int) -> str:
    """Return the verb of the past that goes with a number: `1 call was`, `2 calls were`."""
    return "was" if number == 1 else "were"


def lasting(seconds: int) -> str:
    """Return a time that somebody has to wait: `45 s`, `12 min`, `3 h 5 min`; begun ones count."""
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(-(-seconds // 60), 60)
    parts = [f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return " ".join(part for part in parts if part)


def seconds_until(until: str, now: datetime) -> int:
    """Return how many seconds there are from now to a time (ISO 8601), begun ones included."""
    return max(0, math.ceil((datetime.fromisoformat(until) - now).total_seconds()))
