"""What `--json` prints of the audit log."""

from __future__ import annotations

from app.cli.record import Record
from app.domain import Sha256  # noqa: TC001 - msgspec reads it when the program runs


class AuditCheckRecord(Record, frozen=True, kw_only=True, tag="autoinsights.audit-check/1"):
    """What verifying the audit log found; the checkpoint that was given vouches for `covered`."""

    entries: int
    ok: bool
    first_bad: int | None
    sentence: str
    restarts: tuple[int, ...]
    covered: int


class AuditEntryRecord(Record, frozen=True, kw_only=True, tag="autoinsights.audit-entry/1"):
    """One entry of the audit log; `hash` covers it and `previous`."""

    number: int
    at: str
    actor: str
    act: str
    subject: str
    outcome: str
    reason: str
    previous: Sha256
    hash: Sha256


class AuditKeyRecord(Record, frozen=True, kw_only=True, tag="autoinsights.audit-key/1"):
    """The key that verifies the audit log of a vault, for the auditor to keep elsewhere."""

    vault: str
    key: str


class AuditCheckpointRecord(
    Record, frozen=True, kw_only=True, tag="autoinsights.audit-checkpoint/1"
):
    """What the audit log was at one moment, signed; `text` is the short form, for paper. Byte
    strings are hexadecimal."""

    vault: str
    key: str
    size: int
    root: Sha256
    hash: Sha256
    at: str
    signer: str
    signature: str
    text: str


class AuditProofRecord(Record, frozen=True, kw_only=True, tag="autoinsights.audit-proof/1"):
    """A proof that was written to `file`: of the entry `number`, or else that the log extends the
    checkpoint of `since` entries. It leads to a checkpoint of `size` entries."""

    file: str
    number: int | None
    since: int | None
    size: int


class AuditExportRecord(Record, frozen=True, kw_only=True, tag="autoinsights.audit-export/1"):
    """The audit log was written to a folder; `checkpoint` is the short form of its checkpoint."""

    folder: str
    entries: int
    checkpoint: str
