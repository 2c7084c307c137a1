"""The calls of a vault: taking them in, listing them, and keeping what is found out about them.

Promises that a call is taken in or not at all: sealed recording, row, key, place in the queue and
audit entry appear together; the same bytes are never kept twice for the same eyes; a result is kept
whole and only for the runner that holds the call's lease.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import (
    CUSTOMER_REFERENCE,
    EVERYTHING,
    AnalysedCall,
    Call,
    CallDetail,
    CallId,
    JobState,
    Released,
    Sha256,
)
from app.errors import AppError, NotAllowed, RecordingErased, UsageError
from app.storage import elusion, listing, originals, results, retention
from app.storage.audio import Incoming, Purpose
from app.storage.clock import sortable, stamp
from app.storage.crypto import CHUNK_BYTES
from app.storage.erasure import Erasing, Erasure
from app.storage.jobs import finish
from app.storage.rows import CALL, CALL_WIDTH, JOB, call_of, clean, job_of
from app.storage.scopes import not_found, number_of, within

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from app.domain import (
        CallMetadata,
        CallQuery,
        CallRow,
        Facets,
        Outcome,
        RedactedValue,
        Scope,
    )
    from app.storage.audio import SealedAudio
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Writing
    from app.storage.jobs import Lease
    from app.storage.keys import CallKeys

_NO_FAILURE = (None, None, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Added:
    """A call that was taken in, or the one that holds the same bytes already."""

    call: Call
    duplicate: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Taking:
    """Who takes a recording in, what they see, and whether it may have been erased before."""

    actor: str
    scope: Scope = EVERYTHING
    even_erased: bool = False


class Calls:
    """The calls of an open vault."""

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
        """Work on a database with the vault's keys for calls; `older_copies` is the folder of those
        that were made of it before an upgrade."""
        self._database = database
        self._audio = audio
        self._audit = audit
        self._call_keys = call_keys
        self._clock = clock
        self.erasure = Erasure(database, audio, audit, call_keys, clock, older_copies=older_copies)

    def add(
        self,
        source: Path | bytes,
        *,
        name: str,
        metadata: CallMetadata,
        actor: str,
    ) -> Added:
        """Take in a recording for somebody who sees everything; see `take`."""
        return self.take(source, name=name, metadata=metadata, how=Taking(actor=actor))

    def take(
        self,
        source: Path | bytes,
        *,
        name: str,
        metadata: CallMetadata,
        how: Taking,
        values: Sequence[RedactedValue] = (),
    ) -> Added:
        """Take in a recording and queue it; a file is read in pieces, whatever its size. `name` and
        `metadata` are safe to be shown; `values` are what was taken out of them.

        An `OSError` of reading `source` passes unchanged; what goes wrong with the vault's disk is
        an `AppError`. Raises `RecordingErased`, and `NotAllowed` for a call that would be outside
        of the scope.
        """
        digest = _digest(source)
        known = self.find_by_digest(digest, scope=how.scope)
        if known is not None:
            return Added(call=known, duplicate=True)
        if not how.even_erased:
            with self._database.reader() as reading:
                self.erasure.expect_new(reading, digest)
        call_id = CallId(secrets.token_hex(16))
        key, sealed_key = self._call_keys.new(call_id)
        content = _Measured(source)
        incoming = self._audio.write(call_id, Purpose.ORIGINAL, key, content.pieces())
        call = Call(
            id=call_id,
            digest=content.digest(),
            source_name=clean(name) or "",
            size_bytes=content.size_bytes,
            imported_at=stamp(self._clock()),
            metadata=metadata,
        )
        blind = [(self._call_keys.blind_index(v.kind, v.digest), v.kind, v.value) for v in values]
        return self._named(call, sealed_key, incoming, how, blind)

    def save(self, lease: Lease, outcome: Outcome, *, actor: str) -> bool:
        """Keep what came of a call; returns `False`, and keeps nothing, if the lease is over.

        A failure leaves an earlier analysis of the same call in place.
        """
        if isinstance(outcome, AnalysedCall):
            return self._save_analysis(lease, outcome, actor)
        failure = (outcome.code, clean(outcome.sentence), clean(outcome.hint))
        with self._database.transaction() as writing:
            if finish(writing, lease, stamp(self._clock()), failure) is None:
                return False
            self._record(writing, lease.call.id, actor, outcome.code)
        return True

    def erase(self, call: CallId, *, actor: str, reason: str = "") -> None:
        """Erase a call for good; raises `CallNotFound` or `OnHold`."""
        with self._database.transaction() as writing:
            how = Erasing(actor=actor, scope=EVERYTHING, reason=reason)
            self.erasure.within(writing, call, how)
        self.erasure.finish()

    def is_held_back(self, call: CallId, *, scope: Scope = EVERYTHING) -> bool:
        """Return whether a call waits for a person, by its sealed analysis.

        Raises `CallNotFound` or `SealBroken`.
        """
        analysis = self.detail(call, scope=scope).analysis
        return analysis is not None and analysis.held_back

    def release(
        self, call: CallId, *, actor: str, scope: Scope, reason: str, silence: bool
    ) -> None:
        """Let a held-back call go, as it is or without its sound.

        Raises `CallNotFound`, `SealBroken`, and `UsageError` where it is not held back.
        """
        with self._database.transaction() as writing:
            number = number_of(writing, call, scope)
            row = writing.one(_KEY, (call,))
            if row is None:
                raise not_found()
            key = self._call_keys.opened(call, row[0])
            held = results.kept(writing, call, key)
            if held is None or not held.found.held_back:
                raise UsageError("This call is not held back.", hint="Everybody sees it who may.")
            at = stamp(self._clock())
            by = Released(by=actor, at=at, reason=clean(reason) or "", silenced=silence)
            results.change(writing, number, call, key, held, lambda one: results.released(one, by))
            if silence:
                self._audio.forget(writing, number, call, Purpose.MUTED)
                results.forget_digest(writing, number, "muted")
            self._audit.append(
                writing,
                actor=actor,
                act="call.release",
                subject=call,
                outcome="silenced" if silence else "ok",
                reason=reason,
            )

    def get(self, call: CallId) -> Call:
        """Return a call; raises `CallNotFound`."""
        with self._database.reader() as reading:
            row = reading.one(_BY_ID, (call,))
        if row is None:
            raise not_found()
        return call_of(row)

    def detail(self, call: CallId, *, scope: Scope = EVERYTHING) -> CallDetail:
        """Return all that is known of a call; raises `CallNotFound`, `SealBroken` or
        `NotAsKept`."""
        condition, values = within(scope)
        with self._database.reader() as reading:
            row = reading.one(f"{_DETAIL} AND {condition}", (call, *values))
            if row is None:
                raise not_found()
            key = self._call_keys.opened(call, row[2])
            kept = results.kept(reading, call, key)
            original_destroyed_at = originals.destroyed_at(reading, row[1])
        return CallDetail(
            call=call_of(row[3:]),
            job=job_of(row[3 + CALL_WIDTH :]),
            analysis=kept.shown if kept else None,
            waveform=kept.waveform if kept else None,
            on_hold=bool(row[0]),
            speakers=kept.speakers if kept else None,
            original_destroyed_at=original_destroyed_at,
        )

    def find_by_digest(self, digest: Sha256, *, scope: Scope = EVERYTHING) -> Call | None:
        """Return the call that was imported from exactly these bytes, or `None`."""
        with self._database.reader() as reading:
            return _by_digest(reading, digest, scope)

    def holding(self, kind: str, digest: bytes) -> tuple[CallId, ...]:
        """Return the calls in which a redacted value occurs, by the digest that workers send."""
        with self._database.reader() as reading:
            rows = reading.all(_HOLDING, (self._call_keys.blind_index(kind, digest),))
        return tuple(CallId(row[0]) for row in rows)

    def page(
        self,
        query: CallQuery,
        *,
        offset: int,
        limit: int,
        scope: Scope = EVERYTHING,
        customer: bytes | None = None,
    ) -> tuple[CallRow, ...]:
        """Return `limit` lines of the list of calls from `offset` on; `customer` is the digest of
        the reference that the query names."""
        holding = self._of_customer(customer)
        with self._database.reader() as reading:
            return listing.page(
                reading, query, offset=offset, limit=limit, scope=scope, holding=holding
            )

    def count(
        self, query: CallQuery, *, scope: Scope = EVERYTHING, customer: bytes | None = None
    ) -> int:
        """Return how many calls a query narrows the list to; `customer` as in `page`."""
        holding = self._of_customer(customer)
        with self._database.reader() as reading:
            return listing.count(reading, query, scope=scope, holding=holding)

    def _of_customer(self, digest: bytes | None) -> bytes | None:
        return None if digest is None else self._call_keys.blind_index(CUSTOMER_REFERENCE, digest)

    def totals(self, *, scope: Scope = EVERYTHING) -> dict[JobState, int]:
        """Return how many calls are in each state."""
        with self._database.reader() as reading:
            return listing.totals(reading, scope=scope)

    def facets(self, *, scope: Scope = EVERYTHING) -> Facets:
        """Return the agents, queues and flags by which the list can be narrowed."""
        with self._database.reader() as reading:
            return listing.facets(reading, scope=scope)

    def older_than(self, moment: str, *, scope: Scope = EVERYTHING) -> tuple[CallId, ...]:
        """Return the calls that took place before a moment and are not on hold, oldest first."""
        with self._database.reader() as reading:
            return retention.older_than(reading, moment, scope)

    def _named(
        self,
        call: Call,
        sealed_key: bytes,
        incoming: Incoming,
        how: Taking,
        values: Sequence[tuple[bytes, str, int]],
    ) -> Added:
        try:
            with self._database.transaction() as writing:
                known = _by_digest(writing, call.digest, how.scope)
                if known is None:
                    outcome = self._expect_not_erased(writing, call.digest, how)
                    number = _insert(writing, call, sealed_key)
                    _expect_seen(writing, number, how.scope)
                    results.keep_values(writing, number, values)
                    self._audio.name(writing, number, incoming, call.size_bytes)
                    self._audit.append(
                        writing,
                        actor=how.actor,
                        act="call.import",
                        subject=call.id,
                        outcome=outcome,
                    )
        except BaseException:
            self._drop(incoming)
            raise
        if known is not None:  # the same bytes came in by another thread meanwhile
            self._drop(incoming)
            return Added(call=known, duplicate=True)
        self._audio.settle(incoming)
        return Added(call=call, duplicate=False)

    def _expect_not_erased(self, reading: Reading, digest: Sha256, how: Taking) -> str:
        """Return what the audit log says of the import; raises `RecordingErased`."""
        try:
            self.erasure.expect_new(reading, digest)
        except RecordingErased:
            if not how.even_erased:
                raise
            return "even-erased"
        return "ok"

    def _save_analysis(self, lease: Lease, analysed: AnalysedCall, actor: str) -> bool:
        call, at = lease.call.id, stamp(self._clock())
        key = self._key(call)
        if key is None:
            return False
        ready = results.ready(call, analysed, key, self._call_keys)
        muted = (analysed.corrected and analysed.corrected.muted_audio) or analysed.muted_audio
        with (
            self._audio.muted_anew(call, key, muted) as name_audio,
            self._database.transaction() as writing,
        ):
            number = finish(writing, lease, at, _NO_FAILURE)
            if number is None:
                return False
            judged = elusion.holding(writing, call, key)
            results.keep(writing, number, ready, at)
            if judged is not None:
                elusion.hold(writing, number, call, key, judged)
            name_audio(writing, number)
            originals.mark(writing, number, analysed.analysis.proof, at)
            self._record(writing, call, actor, "done")
        return True

    def _key(self, call: CallId) -> bytes | None:
        with self._database.reader() as reading:
            row = reading.one(_KEY, (call,))
        return None if row is None else self._call_keys.opened(call, row[0])

    def _record(self, writing: Writing, call: CallId, actor: str, outcome: str) -> None:
        self._audit.append(writing, actor=actor, act="call.analyse", subject=call, outcome=outcome)

    def _drop(self, incoming: Incoming | None) -> None:
        """Remove an unnamed file; where even that fails, the next opening does it."""
        try:
            if incoming:
                self._audio.drop(incoming)
        except AppError:
            return


class _Measured:
    """A source that is measured while it is read."""

    def __init__(self, source: Path | bytes) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self.size_bytes = 0

    def pieces(self) -> Iterator[bytes]:
        for piece in _pieces(self._source):
            self._hash.update(piece)
            self.size_bytes += len(piece)
            yield piece

    def digest(self) -> Sha256:
        return Sha256(self._hash.hexdigest())


def _pieces(source: Path | bytes) -> Iterator[bytes]:
    if isinstance(source, bytes):
        yield source
        return
    with source.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            yield piece


def _digest(source: Path | bytes) -> Sha256:
    measured = _Measured(source)
    for _ in measured.pieces():
        pass
    return measured.digest()


def _expect_seen(reading: Reading, number: int, scope: Scope) -> None:
    """Refuse to take in what the person could not see afterwards."""
    condition, values = within(scope)
    statement = f"SELECT 1 FROM calls WHERE number = ? AND {condition}"  # noqa: S608
    if reading.one(statement, (number, *values)) is None:
        raise NotAllowed(
            "The call would belong to no queue and no team of yours.",
            hint="Name one of your queues or agents with the import.",
        )


def _by_digest(reading: Reading, digest: Sha256, scope: Scope) -> Call | None:
    condition, values = within(scope)
    row = reading.one(f"{_BY_DIGEST} AND {condition} ORDER BY number LIMIT 1", (digest, *values))
    return None if row is None else call_of(row)


def _insert(writing: Writing, call: Call, sealed_key: bytes) -> int:
    given = call.metadata
    number = writing.insert(
        _INSERT,
        (
            call.id,
            call.digest,
            call.source_name,
            call.size_bytes,
            call.imported_at,
            clean(given.started_at),
            sortable(given.started_at, otherwise=call.imported_at),
            clean(given.agent),
            clean(given.queue),
            given.direction,
            clean(given.customer_reference),
            ",".join(given.channel_roles),
            call.imported_at,
        ),
    )
    writing.change("INSERT INTO call_keys (call, sealed) VALUES (?, ?)", (number, sealed_key))
    return number


_INSERT = """
    INSERT INTO calls (id, digest, source_name, size_bytes, imported_at, started_at, started,
        agent, queue, direction, customer_reference, channel_roles, state, place, queued_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'queued',
        (SELECT coalesce(max(place), 0) + 1 FROM calls), ?)
"""
_BY_ID = f"SELECT {CALL} FROM calls WHERE id = ?"  # noqa: S608
_BY_DIGEST = f"SELECT {CALL} FROM calls WHERE digest = ?"  # noqa: S608
_DETAIL = f"""
    SELECT EXISTS (SELECT 1 FROM holds WHERE holds.call = calls.number), calls.number,
        call_keys.sealed, {CALL}, {JOB}
    FROM calls JOIN call_keys ON call_keys.call = calls.number WHERE calls.id = ?
"""  # noqa: S608
_KEY = """
    SELECT call_keys.sealed FROM calls JOIN call_keys ON call_keys.call = calls.number
    WHERE calls.id = ?
"""
_HOLDING = """
    SELECT DISTINCT calls.id FROM redacted_values JOIN calls ON calls.number = redacted_values.call
    WHERE blind = ? ORDER BY calls.number
"""
