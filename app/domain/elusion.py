"""The elusion sample: turns drawn by chance, what people judged of them, and what follows for how
much of what should be redacted is.

Kinds, counts and places only: no word that was said stands here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.domain.calls import CallId, Turn
from app.domain.people import PersonName
from app.domain.proof import Missed

KINDS: Final = (
    "PERSON", "ADDRESS", "POSTCODE", "DATE_OF_BIRTH", "PHONE", "EMAIL", "CARD", "CARD_CODE",
    "CARD_EXPIRY", "BANK_ACCOUNT", "SORT_CODE", "IBAN", "ACCOUNT_NUMBER", "NATIONAL_ID",
    "PASSPORT", "DRIVING_LICENCE", "PIN", "PASSWORD", "SECURITY_ANSWER", "OTHER",
)  # fmt: skip
"""The kinds that a person can name as missed, beside those that were found; the last one is any
that has no name here."""


class Channel(StrEnum):
    """Whose channel a turn is heard on; `shared` where one channel holds both sides."""

    AGENT = "agent"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"
    SHARED = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratum:
    """A part of the turns from which is drawn: those of a channel, with a redaction in them or
    without; how many there are, and how many of them were drawn."""

    channel: Channel
    redacted: bool
    turns: int
    drawn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundValues:
    """How many values of a kind are redacted on a channel."""

    channel: Channel
    kind: str
    values: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Turns drawn by chance: by whom, when (ISO 8601, UTC), and of what: how many calls, turns and
    redacted values there were at that moment."""

    number: int
    drawn_by: PersonName
    drawn_at: str
    calls: int
    strata: tuple[Stratum, ...]
    found: tuple[FoundValues, ...]

    @property
    def drawn(self) -> int:
        """How many turns were drawn."""
        return sum(one.drawn for one in self.strata)

    @property
    def turns(self) -> int:
        """Of how many turns."""
        return sum(one.turns for one in self.strata)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is known of one drawn turn: `missed` once it is judged, empty where nothing was."""

    channel: Channel
    missed: tuple[Missed, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """What the judged turns say of the values of a kind on a channel (`None`: of all).

    `found` values are redacted; judged turns hold `missed` that are not; of all that should be
    redacted, at least the share `at_least` is, with 95 % confidence: `None` where nothing can be
    said.
    """

    channel: Channel | None
    kind: str | None
    found: int
    judged: int
    missed: int
    at_least: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleReport:
    """How far judging a sample has come and what it says: `waiting` turns can still be judged,
    `lost` ones no more, because their calls were erased or analysed again. Both count as if
    something had been missed in them. `best` is the share that can be said at most once all that
    wait are judged; `since` counts the calls that were analysed since the sample was drawn, of
    which it says nothing."""

    sample: Sample
    judged: int
    waiting: int
    lost: int
    since: int
    best: float | None
    recalls: tuple[Recall, ...]

    @property
    def overall(self) -> Recall:
        """What it says of all values on all channels."""
        return self.recalls[0]

    @property
    def enough(self) -> bool:
        """Whether the sample is judged to its end, and something can be said."""
        return self.waiting == 0 and self.overall.at_least is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnToJudge:
    """A drawn turn as who judges it sees it: its place in the sample, its call, and the turns
    before and after it; `duration_ms` is the call's."""

    sample: int
    place: int
    call: CallId
    channel: Channel
    turn: Turn
    before: tuple[Turn, ...]
    after: tuple[Turn, ...]
    duration_ms: int
