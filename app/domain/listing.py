"""The list of calls: its rows, how it is narrowed and sorted, and what a search finds."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from app.domain.calls import SUPPORTED_LANGUAGES, CallId, Failure, JobState, Role, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One line of the list of calls."""

    id: CallId
    source_name: str
    imported_at: str
    started_at: str | None
    state: JobState
    duration_ms: int | None
    agent: str | None
    queue: str | None
    customer_sentiment: float | None
    score: float | None
    flags: tuple[str, ...]  # titles, most severe first
    severity: Severity | None  # of the most severe flag
    failure: Failure | None
    on_hold: bool = False
    language: str | None = None  # of the newest analysis, where one is known
    held_back: bool = False

    @property
    def other_language(self) -> bool:
        """Whether the call is in a language for which redaction and findings are not made."""
        return self.language is not None and self.language not in SUPPORTED_LANGUAGES


class CallOrder(StrEnum):
    """The columns by which the list of calls is sorted."""

    STARTED = "started"
    DURATION = "duration"
    AGENT = "agent"
    SENTIMENT = "sentiment"
    SCORE = "score"
    SEVERITY = "severity"
    STATE = "state"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class CallQuery:
    """Which calls to list, and in which order. Empty fields do not narrow; `text` searches the
    redacted words, `customer` is a customer's whole reference, also where the policy hides it."""

    states: frozenset[JobState] = frozenset()
    agent: str | None = None
    queue: str | None = None
    flag: str | None = None  # a flag's label
    flagged: bool = False  # any flag
    on_hold: bool = False  # under legal hold
    other_language: bool = False  # known to be in none of the supported ones
    held_back: bool = False  # until a person has listened
    text: str = ""
    customer: str = field(default="", repr=False)
    order: CallOrder = CallOrder.STARTED
    descending: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchHit:
    """A turn that holds the words that were searched for; `snippet` marks them with U+2039 and
    U+203A."""

    call: CallId
    turn: int
    role: Role
    start_ms: int
    snippet: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """A value by which the list of calls can be narrowed, and how many calls have it."""

    label: str
    title: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facets:
    """The values by which the list of calls can be narrowed, the most frequent first."""

    agents: tuple[Facet, ...]
    queues: tuple[Facet, ...]
    flags: tuple[Facet, ...]
