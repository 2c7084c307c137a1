"""Looking at calls: lists, one call, its sound, and the words that were said in it.

Every view of a call, every listening and every search is an audit entry, without content.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.access import without_words
from app.counts import counted
from app.domain import Right, Subject
from app.engine.redaction.labels import reference_digest
from app.storage.audio import Purpose
from app.workspace.gate import given_reason

if TYPE_CHECKING:
    from app.domain import (
        CallAnalysis,
        CallDetail,
        CallId,
        CallQuery,
        CallRow,
        Changes,
        Facets,
        JobState,
        SearchHit,
    )
    from app.workspace.gate import Gate


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of the vault as people see them."""

    _gate: Gate
    _searched: list[str] = field(default_factory=list)  # the words of the list shown last

    def page(self, query: CallQuery, *, offset: int, limit: int) -> tuple[CallRow, ...]:
        """Return a stretch of the list of calls that fit."""
        self._list(query)
        calls, customer = self._gate.vault.calls, _customer(query)
        return calls.page(
            query, offset=offset, limit=limit, scope=self._gate.scope, customer=customer
        )

    def count(self, query: CallQuery) -> int:
        """Return how many calls fit."""
        self._list(query)
        return self._count(query)

    def totals(self) -> dict[JobState, int]:
        """Return how many calls stand in each state."""
        self._gate.require(Right.SEE_CALLS)
        return self._gate.vault.calls.totals(scope=self._gate.scope)

    def facets(self) -> Facets:
        """Return the agents, queues and flags that there are, for the filters."""
        self._gate.require(Right.SEE_CALLS)
        return self._gate.vault.calls.facets(scope=self._gate.scope)

    def detail(self, call: CallId) -> CallDetail:
        """Return what is known of one call, its words only to who may see them.

        Raises `CallNotFound`.
        """
        self._gate.require(Right.SEE_EVIDENCE)
        detail = self._gate.vault.calls.detail(call, scope=self._gate.scope)
        self._record(act="call.view", subject=call)
        found = detail.analysis
        if found is None or self._sees_words(found):
            return detail
        return replace(detail, analysis=without_words(found))

    def muted_audio(self, call: CallId) -> bytes:
        """Return the muted audio as FLAC; raises `CallNotFound` or `SealBroken`.

        That of a call that is held back is for those who hear originals.
        """
        self._gate.require(Right.HEAR_MUTED)
        if self._gate.vault.calls.is_held_back(call, scope=self._gate.scope):
            self._gate.require(Right.HEAR_ORIGINAL)
        audio = self._gate.vault.audio.read(call, Purpose.MUTED, scope=self._gate.scope)
        self._record(act="call.listen", subject=call)
        return audio

    def original_audio(self, call: CallId) -> bytes:
        """Return the recording as it was imported; raises `CallNotFound`, `OriginalDestroyed` or
        `SealBroken`."""
        self._gate.require(Right.HEAR_ORIGINAL)
        audio = self._gate.vault.audio.read(call, Purpose.ORIGINAL, scope=self._gate.scope)
        self._record(act="call.listen-original", subject=call)
        return audio

    def export_original(self, call: CallId) -> bytes:
        """Return the recording as it was imported, to be kept outside of the vault.

        Raises `CallNotFound` or `OriginalDestroyed`, and `NotAllowed` unless an export by this
        person was approved, which is good once; `VaultInDoubt` while that is so.
        """
        self._gate.require(Right.EXPORT_ORIGINAL)
        self._gate.expect_trust()
        audio = self._gate.vault.audio.read(call, Purpose.ORIGINAL, scope=self._gate.scope)
        with self._gate.watched(Right.EXPORT_ORIGINAL):
            self._gate.vault.requests.use_export(call, by=self._gate.actor)
        return audio

    def may_export(self, call: CallId) -> bool:
        """Return whether an approved export of this call by this person waits to be made."""
        self._gate.require(Right.EXPORT_ORIGINAL)
        return self._gate.vault.requests.may_export(call, by=self._gate.actor)

    def hold(self, call: CallId, reason: str) -> Changes:
        """Put a call under legal hold until somebody asks to end it; raises `CallNotFound`."""
        self._gate.require(Right.HOLD)
        given = given_reason(reason)
        holds = self._gate.vault.holds
        placed = holds.place(call, given, actor=self._gate.actor, scope=self._gate.scope)
        return frozenset({Subject.CALLS} if placed else ())

    def release(self, call: CallId, reason: str, *, silence: bool = False) -> Changes:
        """Let a call go that was held back, or all of it but its sound.

        Raises `CallNotFound`, and `UsageError` where it is not held back.
        """
        self._gate.require(Right.HEAR_ORIGINAL)
        given = given_reason(reason)
        self._gate.expect_trust()
        self._gate.vault.calls.release(
            call, actor=self._gate.actor, scope=self._gate.scope, reason=given, silence=silence
        )
        self._gate.vault.originals.destroy(call)
        return frozenset({Subject.CALLS})

    def _sees_words(self, analysis: CallAnalysis) -> bool:
        """Whether the person may read the call: a held-back one only who hears originals."""
        sees = self._gate.allows(Right.SEE_TRANSCRIPT)
        return sees and (not analysis.held_back or self._gate.allows(Right.HEAR_ORIGINAL))

    def search(self, text: str, *, limit: int = 200) -> tuple[SearchHit, ...]:
        """Return the turns that hold all of the words, best first."""
        self._gate.require(Right.SEE_TRANSCRIPT)
        hits = self._gate.vault.search.find(text, limit=limit, scope=self._gate.scope)
        self._record(act="calls.search", outcome=counted(len(hits), "hit"))
        return hits

    def _list(self, query: CallQuery) -> None:
        """Let a query pass; one for words would tell without a transcript what was said, and one
        for a customer whose call it is.

        Such a list is a search: an entry for another one than last time, not for each page.
        """
        self._gate.require(Right.SEE_CALLS)
        words = query.text.strip()
        if words:
            self._gate.require(Right.SEE_TRANSCRIPT)
        if query.customer:
            self._gate.require(Right.SEE_EVIDENCE)
        asked = [words, query.customer]
        if any(asked) and self._searched != asked:
            self._record(act="calls.search", outcome=counted(self._count(query), "hit"))
            self._searched[:] = asked

    def _count(self, query: CallQuery) -> int:
        calls, customer = self._gate.vault.calls, _customer(query)
        return calls.count(query, scope=self._gate.scope, customer=customer)

    def _record(self, *, act: str, subject: str = "", outcome: str = "ok") -> None:
        self._gate.vault.audit.record(
            actor=self._gate.actor, act=act, subject=subject, outcome=outcome
        )


def _customer(query: CallQuery) -> bytes | None:
    return reference_digest(query.customer) if query.customer else None
