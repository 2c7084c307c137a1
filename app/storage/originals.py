"""Which originals are to be destroyed, and which are: what the vault keeps of that.

A row comes with an analysis under the rule that destroys, or for calls from before by an approved
request; it goes where the rule is to keep them again. Pure reading and writing of rows; the deed is
in `destroying`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import CallId, OriginalsRule
from app.errors import OriginalDestroyed, UsageError
from app.storage import policy
from app.storage.scopes import within

if TYPE_CHECKING:
    from app.domain import Proof, Scope
    from app.storage.database import Reading, Writing


def are_destroyed(reading: Reading) -> bool:
    """Return whether the rule is to destroy originals."""
    return policy.current(reading).originals is OriginalsRule.DESTROY


def expect_destroying(reading: Reading) -> None:
    """Raise `UsageError` where the rule is to keep originals."""
    if not are_destroyed(reading):
        raise UsageError(
            "The rule is to keep originals.",
            hint="`policy set originals destroy-after-verification` changes it.",
        )


def mark(writing: Writing, number: int, proof: Proof | None, at: str) -> None:
    """Note that a call was analysed under the rule that destroys, if it is the rule and the muted
    recording was heard again."""
    if proof is not None and are_destroyed(writing):
        writing.change(_MARK, (number, at))


def mark_earlier(writing: Writing, before: str, at: str, scope: Scope) -> int:
    """Note the originals of calls that were analysed before a moment; returns how many."""
    numbers = _earlier(writing, before, scope)
    writing.many(_MARK, [(number, at) for number in numbers])
    return len(numbers)


def forget_due(writing: Writing, call: CallId) -> None:
    """Keep the original of a call, unless it is destroyed."""
    writing.change(_FORGET, (call,))


def due(reading: Reading) -> tuple[CallId, ...]:
    """Return the calls whose originals may be destroyed now, as far as the list says."""
    return tuple(CallId(row[0]) for row in reading.all(_DUE))


def destroyed_at(reading: Reading, number: int) -> str | None:
    """Return when the original of the call with a number was destroyed, if it was."""
    row = reading.one("SELECT destroyed_at FROM originals WHERE call = ?", (number,))
    return None if row is None else row[0]


def expect_there(reading: Reading, number: int) -> None:
    """Raise `OriginalDestroyed` where the original of the call with a number is."""
    at = destroyed_at(reading, number)
    if at is not None:
        raise OriginalDestroyed(f"The original of this call was destroyed on {at[:10]}.")


def counts(reading: Reading, now: str, scope: Scope) -> tuple[int, int, int]:
    """Return how many originals of a scope are destroyed, are to be, and are those of calls from
    before the rule."""
    condition, values = within(scope)
    row = reading.one(_COUNTS.format(condition), values)
    destroyed, waiting = (row[0] or 0, row[1] or 0) if row else (0, 0)
    return destroyed, waiting, len(_earlier(reading, now, scope))


def all_destroyed(reading: Reading) -> dict[str, str]:
    """Return when each original was destroyed, by the ids of their calls."""
    return dict(reading.all(_ALL))


def _earlier(reading: Reading, before: str, scope: Scope) -> list[int]:
    condition, values = within(scope)
    return [row[0] for row in reading.all(_EARLIER.format(condition), (before, *values))]


_FORGET = """
    DELETE FROM originals
    WHERE destroyed_at IS NULL AND call = (SELECT number FROM calls WHERE id = ?)
"""
_MARK = "INSERT OR IGNORE INTO originals (call, due_at) VALUES (?, ?)"
# What is held back, or was released without its sound, keeps its original.
_MAY_BE = """
    calls.state = 'done' AND NOT calls.held_back
    AND NOT EXISTS (SELECT 1 FROM holds WHERE holds.call = calls.number)
    AND EXISTS (SELECT 1 FROM contents WHERE contents.call = calls.number AND what = 'muted')
"""
_DUE = f"""
    SELECT calls.id FROM originals JOIN calls ON calls.number = originals.call
    WHERE originals.destroyed_at IS NULL AND {_MAY_BE} ORDER BY calls.number
"""  # noqa: S608
_EARLIER = f"""
    SELECT calls.number FROM calls JOIN analyses ON analyses.call = calls.number
    WHERE analyses.at < ? AND {{}} AND {_MAY_BE}
        AND NOT EXISTS (SELECT 1 FROM originals WHERE originals.call = calls.number)
    ORDER BY calls.number
"""  # noqa: S608
_COUNTS = """
    SELECT sum(destroyed_at IS NOT NULL), sum(destroyed_at IS NULL)
    FROM originals JOIN calls ON calls.number = originals.call WHERE {}
"""
_ALL = """
    SELECT calls.id, destroyed_at FROM originals JOIN calls ON calls.number = originals.call
    WHERE destroyed_at IS NOT NULL ORDER BY calls.id
"""
