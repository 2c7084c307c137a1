"""What the commands of who is responsible print about one call."""

from __future__ import annotations

from app.cli.record import Record
from app.domain import (
    CallId,  # noqa: TC001 - msgspec reads it when the program runs
    OriginalsRule,  # noqa: TC001
)


class HoldRecord(Record, frozen=True, kw_only=True, tag="autoinsights.hold/1"):
    """A call that is under legal hold; `changed` is false where it was already."""

    call: CallId
    on_hold: bool
    changed: bool


class ExportRecord(Record, frozen=True, kw_only=True, tag="autoinsights.export/1"):
    """A recording that was written to a file as it was imported."""

    call: CallId
    file: str
    size_bytes: int


class ReleaseRecord(Record, frozen=True, kw_only=True, tag="autoinsights.release/1"):
    """A call that was held back and is so no more; `silenced`: nothing of it can be heard."""

    call: CallId
    silenced: bool


class OriginalsRecord(Record, frozen=True, kw_only=True, tag="autoinsights.originals/1"):
    """How it stands with the recordings as they were imported: how many are destroyed, how many
    will be, and how many more there are in calls that were analysed before the rule."""

    rule: OriginalsRule
    destroyed: int
    due: int
    earlier: int


class DestroyedRecord(Record, frozen=True, kw_only=True, tag="autoinsights.originals-destroyed/1"):
    """The calls whose originals were destroyed now, and how many are still to be."""

    calls: tuple[CallId, ...]
    due: int
