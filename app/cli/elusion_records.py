"""What `elusion` prints: a sample and what it says, and a turn to be judged."""

from __future__ import annotations

from app.cli.record import Record
from app.domain import CallId, Channel, FoundValues, Recall, Stratum, Turn


class SampleRecord(Record, frozen=True, kw_only=True, tag="autoinsights.elusion/1"):
    """A sample: from how many calls it was drawn, of which turns (`strata`) and beside which
    redacted values (`found`), how far it is judged, and what it says (`recalls`: of everything
    first; `channel` and `kind` are null where it is all of them, and `at_least` where nothing can
    be said). A turn that waits or is lost counts as missed; `best` is the share where nothing is
    missed in what waits; `since` counts the calls that were analysed later."""

    number: int
    drawn_by: str
    drawn_at: str
    calls: int
    turns: int
    drawn: int
    strata: tuple[Stratum, ...]
    found: tuple[FoundValues, ...]
    judged: int
    waiting: int
    lost: int
    since: int
    enough: bool
    confidence: float
    at_least: float | None
    best: float | None
    recalls: tuple[Recall, ...]


class DrawnTurnRecord(Record, frozen=True, kw_only=True, tag="autoinsights.elusion-turn/1"):
    """A drawn turn to be judged, with its `place` in the sample and the turns around it."""

    sample: int
    place: int
    call: CallId
    channel: Channel
    turn: Turn
    before: tuple[Turn, ...]
    after: tuple[Turn, ...]
