"""What `--json` prints of who speaks in a call."""

from __future__ import annotations

from app.cli.record import Record
from app.domain import CallId, CorrectedSpeakers, RoleBasis  # noqa: TC001 - msgspec reads them


class SpeakersRecord(Record, frozen=True, kw_only=True, tag="autoinsights.speakers/1"):
    """Who speaks in a call, and how that is known: `changed` says whether this command changed it,
    `speakers` who corrected it and in which turns, null where nobody did."""

    call: CallId
    changed: bool
    role_basis: RoleBasis
    role_confidence: float
    speakers: CorrectedSpeakers | None
