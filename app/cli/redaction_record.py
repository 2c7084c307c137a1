"""What `redact --json` prints."""

from __future__ import annotations

from app.cli.record import Record
from app.domain import Provenance, Redaction, RoleBasis, Turn


class RedactionRecord(Record, frozen=True, kw_only=True, tag="autoinsights.redaction/1"):
    """One transcript made safe. `turns` are those that were given, in that order, with their safe
    text; a redaction's `start` and `end` count the characters of its turn as it was given, its
    `safe_start` and `safe_end` those of the safe text. `source` is the file as it was named (`-`:
    standard input), `line` the transcript's line in it, `id` the transcript's own."""

    source: str
    line: int
    id: str | None
    language: str
    role_basis: RoleBasis
    role_confidence: float
    turns: tuple[Turn, ...]
    redactions: tuple[Redaction, ...]
    provenance: Provenance
