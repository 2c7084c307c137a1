"""A person's corrections of who speaks: kept beside what the program found, and undone at any time.

Promises that the program's own analysis is never changed by one; that what is kept fits the
analysis which the person corrected; and that list, filters and search go by what is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import EVERYTHING, JobState
from app.errors import SealBroken, UsageError
from app.storage import results
from app.storage.clock import stamp
from app.storage.rows import CALL, call_of
from app.storage.scopes import not_found, number_of, within

if TYPE_CHECKING:
    from app.domain import Call, CallId, CorrectedCall, SafeTranscript, Scope
    from app.storage.audio import SealedAudio
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Row
    from app.storage.keys import CallKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class Correctable:
    """A call that can be corrected: what is kept of it, and the digests by which it is known to be
    the same still."""

    call: Call
    kept: results.Kept
    digests: dict[str, bytes]


class Speakers:
    """Who speaks in the calls of an open vault, as people correct it."""

    def __init__(
        self,
        database: Database,
        audio: SealedAudio,
        audit: Audit,
        call_keys: CallKeys,
        clock: Clock,
    ) -> None:
        """Work on a database with the vault's keys for calls."""
        self._database = database
        self._audio = audio
        self._audit = audit
        self._call_keys = call_keys
        self._clock = clock

    def of(self, call: CallId, *, scope: Scope) -> Correctable:
        """Return a call that can be corrected now; raises `CallNotFound`, and `UsageError` where
        it was not analysed yet, is being analysed, or is held back."""
        with self._database.reader() as reading:
            number, sealed_key, *row = _row(reading, call, scope)
            _expect_still(reading, number)
            kept = results.kept(reading, call, self._call_keys.opened(call, sealed_key))
            digests = results.digests(reading, number)
        if kept is None:
            raise UsageError(
                "This call was not analysed yet.", hint="Correct its speakers when it is done."
            )
        if kept.found.held_back:
            raise UsageError(
                "This call is held back.", hint="Correct its speakers when it is released."
            )
        return Correctable(call=call_of(tuple(row)), kept=kept, digests=digests)

    def corrected(self, call: CallId) -> SafeTranscript | None:
        """Return the transcript of a call as a person corrected it, for analysing it again.

        A correction that cannot be read any more is none: a new analysis makes the call whole.
        Raises `CallNotFound`.
        """
        with self._database.reader() as reading:
            number, sealed_key, *_ = _row(reading, call, EVERYTHING)
            if reading.one("SELECT 1 FROM corrected_analyses WHERE call = ?", (number,)) is None:
                return None
            try:
                kept = results.kept(reading, call, self._call_keys.opened(call, sealed_key))
            except SealBroken:
                return None
        return kept.shown.transcript if kept else None

    def keep(
        self, of: Correctable, made: CorrectedCall, *, actor: str, scope: Scope, outcome: str
    ) -> None:
        """Keep what follows from a correction; raises `CallNotFound`, and `UsageError` where the
        call was analysed or corrected meanwhile."""
        call = of.call.id
        with self._database.reader() as reading:
            key = self._call_keys.opened(call, _row(reading, call, scope)[1])
        ready = results.ready_correction(call, made, of.kept.waveform, key, self._call_keys)
        with (
            self._audio.muted_anew(call, key, made.muted_audio) as name_audio,
            self._database.transaction() as writing,
        ):
            number = _same(writing, of, scope)
            results.keep_correction(
                writing, number, of.kept.found, ready, by=actor, at=stamp(self._clock())
            )
            name_audio(writing, number)
            self._audit.append(
                writing, actor=actor, act="call.speakers", subject=call, outcome=outcome
            )

    def undo(self, of: Correctable, *, actor: str, scope: Scope) -> None:
        """Show again what the program found; raises as `keep` does.

        What was muted because of the correction stays muted until the call is analysed again.
        """
        with self._database.transaction() as writing:
            number = _same(writing, of, scope)
            results.undo_correction(writing, number, of.kept.found)
            self._audit.append(
                writing, actor=actor, act="call.speakers", subject=of.call.id, outcome="undone"
            )


def _row(reading: Reading, call: CallId, scope: Scope) -> Row:
    """Return a call's number, its sealed key, and the columns `CALL`."""
    condition, values = within(scope)
    row = reading.one(f"{_ONE} AND {condition}", (call, *values))
    if row is None:
        raise not_found()
    return row


def _same(reading: Reading, of: Correctable, scope: Scope) -> int:
    """Return the number of a call that is as it was when it was read."""
    number = number_of(reading, of.call.id, scope)
    _expect_still(reading, number)
    if results.digests(reading, number) != of.digests:
        raise UsageError(
            "This call was analysed or corrected by somebody else meanwhile.",
            hint="Look at it once more, then try again.",
        )
    return number


def _expect_still(reading: Reading, number: int) -> None:
    running = "SELECT 1 FROM calls WHERE number = ? AND state = ?"
    if reading.one(running, (number, JobState.RUNNING)) is not None:
        raise UsageError(
            "This call is being analysed.", hint="Correct its speakers when that is done."
        )


_ONE = f"""
    SELECT calls.number, call_keys.sealed, {CALL}
    FROM calls JOIN call_keys ON call_keys.call = calls.number WHERE calls.id = ?
"""  # noqa: S608
