"""Erasing a call: its key is destroyed, its rows go, and it does not come back unnoticed.

Promises that a call is erased as a whole or not at all, that a call under hold is not, that what
still works on it finds it gone, and that afterwards no page of the database holds a word of it.
What remains is the call's id, a keyed form of the recording's digest, to know it again, what was
asked for of it, without the reasons, and what was judged of its turns, as numbers of no call. The
sealed files are removed after that; an interruption in between is made up for at the next opening,
and until then nobody can open them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import CallId
from app.errors import AppError, CallNotFound, OnHold, RecordingErased
from app.storage import files, holds
from app.storage.audio import Purpose
from app.storage.clock import stamp
from app.storage.scopes import number_of
from app.storage.search import forget_lost_words

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from app.domain import Scope, Sha256
    from app.storage.audio import SealedAudio
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Writing
    from app.storage.keys import CallKeys


# A reason can name the customer; in the audit log it stays, as the field for it says.
WITHOUT_REASON = "UPDATE requests SET reason = '' WHERE subject = ?"
"""What is done with the requests for a call that is erased."""

# What was judged stays as a number: without it, the share that is redacted would look better.
WITHOUT_CALL = "UPDATE sampled_turns SET call = '', turn = 0, result = '' WHERE call = ?"
"""What is done with the drawn turns of a call that is erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasing:
    """By whom and why a call is erased; `outcome` is what the audit log says of it."""

    actor: str
    scope: Scope
    reason: str
    outcome: str = "ok"


class Erasure:
    """The erasing of calls in an open vault.

    `also` removes what lies outside of the vault's folder and would still give an erased call back.
    """

    also: Callable[[], None] | None = None

    def __init__(  # noqa: PLR0913 (what a call is kept in)
        self,
        database: Database,
        audio: SealedAudio,
        audit: Audit,
        call_keys: CallKeys,
        clock: Clock,
        *,
        older_copies: Path,
    ) -> None:
        """Work on a database and the sealed files that belong to it.

        What lies in `older_copies` goes with the first call that is erased: these copies of the
        database from before an upgrade would still hold its key.
        """
        self._older_copies = older_copies
        self._database = database
        self._audio = audio
        self._audit = audit
        self._call_keys = call_keys
        self._clock = clock

    def within(self, writing: Writing, call: CallId, how: Erasing) -> None:
        """Erase a call in the transaction of what decided so; `finish` afterwards.

        Raises `CallNotFound` or `OnHold`.
        """
        number = number_of(writing, call, how.scope)
        holds.expect_free(writing, number)
        row = writing.one("SELECT digest FROM calls WHERE number = ?", (number,))
        known = self._known_by(row[0] if row else "")
        at = stamp(self._clock())
        writing.change(
            "INSERT OR REPLACE INTO erased (call, digest, at) VALUES (?, ?, ?)", (call, known, at)
        )
        writing.change("DELETE FROM calls WHERE number = ?", (number,))
        writing.change(_WITHDRAWN, (at, call))
        writing.change(WITHOUT_REASON, (call,))
        writing.change(WITHOUT_CALL, (call,))
        self._audit.append(
            writing,
            actor=how.actor,
            act="call.erase",
            subject=call,
            outcome=how.outcome,
            reason=how.reason,
        )

    def expire(self, calls: Iterable[CallId], *, scope: Scope) -> tuple[CallId, ...]:
        """Erase calls whose time is over, each by itself; returns those that were erased.

        One that is gone or under hold by now is left out.
        """
        how = Erasing(actor="system", scope=scope, reason="", outcome="retention")
        erased = []
        for call in calls:
            try:
                with self._database.transaction() as writing:
                    self.within(writing, call, how)
            except (CallNotFound, OnHold):
                continue
            erased.append(call)
        self.finish()
        return tuple(erased)

    def finish(self) -> int:
        """Remove the files of erased calls and destroyed originals, and the traces in the log of
        pages; returns of how many calls.

        What the disk refuses now, or somebody who reads holds up, is done at the next erasing or
        opening.
        """
        with self._database.reader() as reading:
            left = [CallId(row[0]) for row in reading.all(_LEFT)]
            originals = [CallId(row[0]) for row in reading.all(_ORIGINALS_LEFT)]
        if not left and not originals:
            return 0
        try:
            for call in left:
                self._audio.erase(call)
            for call in originals:
                self._audio.remove(call, Purpose.ORIGINAL)
            for copy in sorted(self._older_copies.glob("*")):
                files.remove(copy)
            if self.also is not None:
                self.also()
            with self._database.transaction() as writing:
                forget_lost_words(writing)
            if not self._database.checkpoint(wait_ms=_WAIT_MS):
                return 0
            with self._database.transaction() as writing:
                writing.many(_REMOVED, [(call,) for call in left])
                writing.many(_ORIGINAL_REMOVED, [(call,) for call in originals])
        except AppError:
            return 0
        return len(left) + len(originals)

    def expect_new(self, reading: Reading, digest: Sha256) -> None:
        """Raise `RecordingErased` if a recording with this digest was erased."""
        known = self._known_by(digest)
        if reading.one("SELECT 1 FROM erased WHERE digest = ?", (known,)) is not None:
            raise RecordingErased("This recording was in the vault and was erased.")

    def _known_by(self, digest: str) -> bytes:
        return self._call_keys.blind_index("recording", bytes.fromhex(digest))


_WAIT_MS = 2000  # for who reads just then: nobody else can write meanwhile

# Nobody can decide any more on what was asked for of a call that is gone.
_WITHDRAWN = """
    UPDATE requests SET state = 'withdrawn', decided_at = ? WHERE subject = ? AND state = 'open'
"""
_LEFT = "SELECT call FROM erased WHERE removed = 0"
_REMOVED = "UPDATE erased SET removed = 1 WHERE call = ?"
_ORIGINALS_LEFT = """
    SELECT calls.id FROM originals JOIN calls ON calls.number = originals.call
    WHERE originals.destroyed_at IS NOT NULL AND originals.removed = 0
"""
_ORIGINAL_REMOVED = """
    UPDATE originals SET removed = 1 WHERE call = (SELECT number FROM calls WHERE id = ?)
"""
