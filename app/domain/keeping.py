"""Keeping: vaults, their audit log, and their backups."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.domain.calls import CallId, Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the audit log: who did what to what, when, with which outcome and why; chained by
    `hash`. No content."""

    number: int
    at: str
    actor: str
    act: str
    subject: str
    outcome: str
    reason: str
    previous: Sha256
    hash: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditQuery:
    """Which entries of the audit log to list. Empty fields do not narrow; `up_to` is the newest
    entry that counts, so that a list stands still while entries are added."""

    actor: str = ""
    act: str = ""
    up_to: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """What the audit log was at one moment, for an auditor to keep elsewhere: how many entries, the
    root of the tree over them, the last entry's hash. Every byte string is hexadecimal; `key` is
    the log's verification key, `signer` the key that the last entry names as the next one."""

    vault: str
    key: str
    size: int
    root: Sha256
    hash: Sha256
    at: str
    signer: str
    signature: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditProof:
    """That one entry is in a log (`number`, `entry`) or that a log begins with an older one
    (`since`, `since_root`): the path of hashes that leads to the root of `checkpoint`."""

    checkpoint: Checkpoint
    path: tuple[Sha256, ...]
    entry: AuditEntry | None = None
    since: int = 0
    since_root: Sha256 | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditCheck:
    """What verifying the audit log found; `first_bad` is the number of the first entry that is not
    as written, `restarts` those with which a log that is good goes on after a restore or rescue;
    `covered` is how many entries a checkpoint vouches for that was given and that fits."""

    entries: int
    ok: bool
    first_bad: int | None
    sentence: str
    restarts: tuple[int, ...] = ()
    covered: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultState:
    """What can be known of a folder without a passphrase; `id` is empty where no vault is."""

    exists: bool
    demo: bool = False
    id: str = ""
    remembered: bool = False  # a key in the system's keyring may open it
    several_people: bool = False  # a name is needed to sign in
    recovery_sheet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class VaultInfo:
    """An open vault: its id (32 hexadecimal digits), its folder, whether it is a demonstration."""

    id: str
    folder: Path
    demo: bool
    created_at: str  # ISO 8601, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupReport:
    """What a backup wrote; `damaged` are calls of which the vault cannot give all: what an earlier
    backup has of them was kept."""

    place: Path
    generation: int
    made_at: str  # ISO 8601, UTC
    calls: int
    written_files: int
    written_bytes: int
    removed_files: int
    damaged: tuple[CallId, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupCheck:
    """What reading a backup to its end found; it is whole where there are no `problems`."""

    generation: int
    made_at: str  # ISO 8601, UTC
    calls: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreReport:
    """What came back from a backup, and which calls did not: those that were erased, those whose
    key is not there any more, and damaged ones that were left out."""

    folder: Path
    generation: int
    made_at: str  # ISO 8601, UTC
    calls: int
    erased: tuple[CallId, ...]
    without_key: tuple[CallId, ...]
    damaged: tuple[CallId, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DrillReport:
    """What trying a backup showed: it restores where there are no `problems`."""

    generation: int
    made_at: str  # ISO 8601, UTC
    age_seconds: int
    seconds: float
    calls: int
    turns: int
    audit_entries: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RescueReport:
    """What was saved of a damaged vault. `lost` are the calls that were in it and could not be
    read, `incomplete` those that came without their analysis, `without_recording` those with a
    recording that is missing or damaged; `remarks` say what else is not whole."""

    folder: Path
    saved: tuple[CallId, ...]
    lost: tuple[CallId, ...]
    incomplete: tuple[CallId, ...]
    without_recording: tuple[CallId, ...]
    audit_entries: int
    remarks: tuple[str, ...]
