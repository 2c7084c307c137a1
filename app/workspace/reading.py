"""Looking at calls: lists, one call, its muted audio, and the words that were said in it.

Every view of a call and every listening is an audit entry, without content.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.storage.audio import Purpose

if TYPE_CHECKING:
    from app.domain import CallDetail, CallId, CallQuery, CallRow, Facets, JobState, SearchHit
    from app.storage.vault import Vault


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of the vault as people see them."""

    _vault: Vault
    _actor: str

    def page(self, query: CallQuery, *, offset: int, limit: int) -> tuple[CallRow, ...]:
        """Return a stretch of the list of calls that fit."""
        return self._vault.calls.page(query, offset=offset, limit=limit)

    def count(self, query: CallQuery) -> int:
        """Return how many calls fit."""
        return self._vault.calls.count(query)

    def totals(self) -> dict[JobState, int]:
        """Return how many calls stand in each state."""
        return self._vault.calls.totals()

    def facets(self) -> Facets:
        """Return the agents, queues and flags that there are, for the filters."""
        return self._vault.calls.facets()

    def detail(self, call: CallId) -> CallDetail:
        """Return all that is known of one call; raises `CallNotFound`."""
        detail = self._vault.calls.detail(call)
        self._vault.audit.record(actor=self._actor, act="call.view", subject=call)
        return detail

    def muted_audio(self, call: CallId) -> bytes:
        """Return the muted audio as FLAC; raises `CallNotFound` or `SealBroken`."""
        audio = self._vault.audio.read(call, Purpose.MUTED)
        self._vault.audit.record(actor=self._actor, act="call.listen", subject=call)
        return audio

    def search(self, text: str, *, limit: int = 200) -> tuple[SearchHit, ...]:
        """Return the turns that hold all of the words, best first."""
        hits = self._vault.search.find(text, limit=limit)
        self._vault.audit.record(actor=self._actor, act="calls.search", outcome=f"{len(hits)} hits")
        return hits
