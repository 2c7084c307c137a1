"""What `--json` prints of backups, restores and rescues; `app.cli.records` has the rest."""

from __future__ import annotations

from app.cli.record import Record
from app.domain import CallId


class BackupRecord(Record, frozen=True, kw_only=True, tag="autoinsights.backup/1"):
    """A backup that was made; of the `damaged` calls the vault itself does not have all."""

    place: str
    generation: int
    made_at: str
    calls: int
    written_files: int
    written_bytes: int
    removed_files: int
    damaged: tuple[CallId, ...]


class BackupCheckRecord(Record, frozen=True, kw_only=True, tag="autoinsights.backup-check/1"):
    """What reading a backup to its end found."""

    generation: int
    made_at: str
    calls: int
    problems: tuple[str, ...]


class DrillRecord(Record, frozen=True, kw_only=True, tag="autoinsights.drill/1"):
    """What restoring a backup for trial showed."""

    generation: int
    made_at: str
    age_seconds: int
    seconds: float
    calls: int
    turns: int
    audit_entries: int
    problems: tuple[str, ...]


class ErasedListRecord(Record, frozen=True, kw_only=True, tag="autoinsights.erased-list/1"):
    """A list of erased calls that was written."""

    file: str
    calls: int


class RestoreRecord(Record, frozen=True, kw_only=True, tag="autoinsights.restore/1"):
    """A vault that came back from a backup, and the calls that did not."""

    folder: str
    generation: int
    made_at: str
    calls: int
    erased: tuple[CallId, ...]
    without_key: tuple[CallId, ...]
    damaged: tuple[CallId, ...] = ()


class VaultCheckRecord(Record, frozen=True, kw_only=True, tag="autoinsights.vault-check/1"):
    """What is damaged in a vault."""

    id: str
    problems: tuple[str, ...]


class RescueRecord(Record, frozen=True, kw_only=True, tag="autoinsights.rescue/1"):
    """What was saved of a damaged vault."""

    folder: str
    saved: tuple[CallId, ...]
    lost: tuple[CallId, ...]
    incomplete: tuple[CallId, ...]
    without_recording: tuple[CallId, ...]
    audit_entries: int
    remarks: tuple[str, ...]
