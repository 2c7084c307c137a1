"""Legal holds: a call under one is not erased, by nobody and no rule, until the hold is ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import OnHold, UsageError
from app.storage.clock import stamp
from app.storage.rows import clean
from app.storage.scopes import number_of

if TYPE_CHECKING:
    from app.domain import CallId, Scope
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Writing


class Holds:
    """The legal holds of an open vault."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        """Work on a database."""
        self._database = database
        self._audit = audit
        self._clock = clock

    def place(self, call: CallId, reason: str, *, actor: str, scope: Scope) -> bool:
        """Put a call under hold; `False` if it is under one. Raises `CallNotFound`."""
        with self._database.transaction() as writing:
            number = number_of(writing, call, scope)
            if is_held(writing, number):
                return False
            writing.change(_PLACE, (number, clean(reason), actor, stamp(self._clock())))
            self._audit.append(writing, actor=actor, act="hold.place", subject=call, reason=reason)
        return True

    def end_within(  # noqa: PLR0913 (the fields of the audit entry)
        self,
        writing: Writing,
        call: CallId,
        *,
        actor: str,
        scope: Scope,
        reason: str,
        outcome: str,
    ) -> None:
        """End a hold in the transaction of what decided so.

        Raises `CallNotFound`, and `UsageError` where no hold is.
        """
        number = number_of(writing, call, scope)
        expect_held(writing, number)
        writing.change("DELETE FROM holds WHERE call = ?", (number,))
        self._audit.append(
            writing, actor=actor, act="hold.end", subject=call, outcome=outcome, reason=reason
        )


def is_held(reading: Reading, number: int) -> bool:
    """Return whether the call with a number is under hold."""
    return reading.one("SELECT 1 FROM holds WHERE call = ?", (number,)) is not None


def expect_held(reading: Reading, number: int) -> None:
    """Raise `UsageError` unless the call with a number is under hold."""
    if not is_held(reading, number):
        raise UsageError("This call is not under legal hold.", hint="There is nothing to end.")


def expect_free(reading: Reading, number: int) -> None:
    """Raise `OnHold` if the call with a number is under hold."""
    if is_held(reading, number):
        raise OnHold("This call is under legal hold.")


_PLACE = "INSERT INTO holds (call, reason, placed_by, placed_at) VALUES (?, ?, ?, ?)"
