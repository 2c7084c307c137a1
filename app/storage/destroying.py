"""Destroying the originals of calls whose muted recordings are proven.

A call has one key. So the call gets another one, all else that is sealed for it is sealed under
that, and the key before goes, and with it the original in every copy that does not hold that key:
the same as erasing a call does to all of it. Promises that this happens in one transaction, after
the muted recording was read to its end, as it was kept, and what was sealed anew was read back;
that a call which is held back, on hold, being analysed, or not proven keeps its original, and so
does every call while the vault is in doubt (`trust`); and that what is interrupted is as if it had
not begun, and is done at the next run or sign-in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import OriginalsState, Progress
from app.errors import AppError
from app.storage import holds, originals, policy, results
from app.storage.audio import Purpose
from app.storage.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import CallId, Scope
    from app.storage.audio import SealedAudio
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Writing
    from app.storage.erasure import Erasure
    from app.storage.keys import CallKeys
    from app.storage.trust import Trust

    _Ready = tuple[int, bytes, dict[str, bytes]]

AT_SIGN_IN = 20
"""So many originals are destroyed before somebody is let in; a run does all."""
_AT_ONCE = 20  # originals whose traces are removed together


class _NotNow(Exception):
    """The original stays for now."""


class _NeverHeardAgain(_NotNow):
    """The muted recording was not heard again: the original stays until it is analysed anew."""


class Destroying:
    """The destroying of originals in an open vault."""

    def __init__(  # noqa: PLR0913, PLR0917 (what a call is kept in)
        self,
        database: Database,
        audio: SealedAudio,
        audit: Audit,
        call_keys: CallKeys,
        clock: Clock,
        erasure: Erasure,
        trust: Trust,
    ) -> None:
        """Work on a database and the sealed files that belong to it; while the vault is in doubt,
        nothing is destroyed."""
        self._database = database
        self._audio = audio
        self._audit = audit
        self._call_keys = call_keys
        self._clock = clock
        self._erasure = erasure
        self._trust = trust

    def state(self, *, scope: Scope) -> OriginalsState:
        """Return how it stands with the originals of a scope."""
        now = stamp(self._clock())
        with self._database.reader() as reading:
            rule = policy.current(reading).originals
            destroyed, due, earlier = originals.counts(reading, now, scope)
        return OriginalsState(rule=rule, destroyed=destroyed, due=due, earlier=earlier)

    def earlier_within(self, writing: Writing, before: str, *, scope: Scope) -> int:
        """Let the originals of calls that were analysed before a moment be destroyed, in the
        transaction of what decided so; `destroy_due` does it. Returns how many.

        Raises `UsageError` where the rule is to keep them.
        """
        originals.expect_destroying(writing)
        return originals.mark_earlier(writing, before, stamp(self._clock()), scope)

    def destroy(self, call: CallId) -> bool:
        """Destroy the original of a call, if that may be now."""
        destroyed = self._destroyed(call)
        if destroyed:
            self._erasure.finish()
        return destroyed

    def destroy_due(
        self,
        *,
        most: int | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> tuple[CallId, ...]:
        """Destroy the originals that may be now, at most so many; returns whose those were.

        One that the disk refuses, or whose call is damaged, stays.
        """
        with self._database.reader() as reading:
            due = originals.due(reading)[:most] if originals.are_destroyed(reading) else ()
        destroyed: list[CallId] = []
        for done, call in enumerate(due):
            if stop():
                break
            progress(Progress(done=done, total=len(due)))
            if self._destroyed(call):
                destroyed.append(call)
                if len(destroyed) % _AT_ONCE == 0:
                    self._erasure.finish()
        if destroyed:
            self._erasure.finish()
        return tuple(destroyed)

    def _destroyed(self, call: CallId) -> bool:
        try:
            with self._database.reader() as reading:
                seen = self._ready(reading, call)
            self._trust.expect()
            muted = self._audio.read(call, Purpose.MUTED)
            new_key, sealed_key = self._call_keys.new(call)
            with (
                self._audio.muted_anew(call, new_key, muted, read_back=True) as name_audio,
                self._database.transaction() as writing,
            ):
                number, key, _ = self._ready(writing, call, seen)
                results.seal_under(writing, number, call, key, new_key)
                values = (sealed_key, number)
                writing.change("UPDATE call_keys SET sealed = ? WHERE call = ?", values)
                name_audio(writing, number)
                self._audio.unname(writing, number, Purpose.ORIGINAL)
                self._noted(writing, number, call)
        except _NeverHeardAgain:
            with self._database.transaction() as writing:
                originals.forget_due(writing, call)
            return False
        except (AppError, _NotNow):
            return False
        return True

    def _noted(self, writing: Writing, number: int, call: CallId) -> None:
        at = stamp(self._clock())
        writing.change("UPDATE originals SET destroyed_at = ? WHERE call = ?", (at, number))
        self._audit.append(writing, actor="system", act="call.destroy-original", subject=call)

    def _ready(self, reading: Reading, call: CallId, seen: _Ready | None = None) -> _Ready:
        """Return the number, the key and the digests of a call whose original may go: the same that
        were `seen` before.

        Raises `_NotNow`, and `SealBroken` where its analysis is not as it was kept.
        """
        row = reading.one(_ONE, (call,))
        if row is None or not originals.are_destroyed(reading) or holds.is_held(reading, row[0]):
            raise _NotNow
        number, key = int(row[0]), self._call_keys.opened(call, row[1])
        kept = results.kept(reading, call, key)
        digests = results.digests(reading, number)
        if kept is None or kept.found.proof is None:
            raise _NeverHeardAgain
        if kept.found.held_back or "muted" not in digests:
            raise _NotNow
        if seen not in (None, (number, key, digests)):
            raise _NotNow  # it was analysed or corrected meanwhile
        return number, key, digests


_ONE = """
    SELECT calls.number, call_keys.sealed FROM calls
    JOIN call_keys ON call_keys.call = calls.number
    JOIN originals ON originals.call = calls.number AND originals.destroyed_at IS NULL
    WHERE calls.id = ? AND calls.state = 'done'
"""
