"""What `--json` prints: one object per line, each with its `schema` first.

The documented schemas (resources/documents/*.schema.json) are made from these types, and a stored
or printed analysis can be given to `analyse` again as a transcript.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import msgspec

from app.cli.audit_records import (
    AuditCheckpointRecord,
    AuditCheckRecord,
    AuditEntryRecord,
    AuditExportRecord,
    AuditKeyRecord,
    AuditProofRecord,
)
from app.cli.backup_records import (
    BackupCheckRecord,
    BackupRecord,
    DrillRecord,
    ErasedListRecord,
    RescueRecord,
    RestoreRecord,
    VaultCheckRecord,
)
from app.cli.elusion_records import DrawnTurnRecord, SampleRecord
from app.cli.governing_records import (
    DestroyedRecord,
    ExportRecord,
    HoldRecord,
    OriginalsRecord,
    ReleaseRecord,
)
from app.cli.record import Record
from app.cli.redaction_record import RedactionRecord
from app.cli.speakers_record import SpeakersRecord
from app.cli.vocabulary import WordListRecord
from app.domain import (
    ApprovalRequest,
    AuditCheck,
    AuditEntry,
    AuditProof,
    CallAnalysis,
    CallDetail,
    CallId,
    CallMetadata,
    CallRow,
    Check,
    Checkpoint,
    CorrectedSpeakers,
    Correction,
    Failure,
    Finding,
    Flag,
    GuardedAct,
    ImportReport,
    Job,
    JobState,
    Judged,
    KeysState,
    Measures,
    MutedSpan,
    OriginalsRule,
    Person,
    PersonRole,
    PersonState,
    Policy,
    ProcessingReport,
    Proof,
    Provenance,
    Redaction,
    RequestState,
    Right,
    Role,
    RoleBasis,
    Score,
    SearchHit,
    Severity,
    Sha256,
    SummarySentence,
    Team,
    Turn,
    TurnSentiment,
    VaultInfo,
    Voices,
)


class AnalysisRecord(Record, frozen=True, kw_only=True, tag="autoinsights.analysis/1"):
    """All that is found out about one call. Times are milliseconds, characters are Unicode code
    points, spans include their start and not their end. `source` is the file as it was named (`-`:
    standard input), `line` its line where it holds several calls; `id` is the transcript's own, or
    the call's in a vault; `seconds` tells how long each stage took, and is empty for a call of a
    vault."""

    source: str
    line: int | None
    id: str | None
    duration_ms: int
    channels: int
    sample_rate_hz: int
    language: str
    language_confidence: float | None
    role_basis: RoleBasis
    role_confidence: float
    turns: tuple[Turn, ...]
    redactions: tuple[Redaction, ...]
    corrections: tuple[Correction, ...]
    muted: tuple[MutedSpan, ...]
    findings: tuple[Finding, ...]
    sentiment: tuple[TurnSentiment, ...]
    measures: Measures
    voices: Voices | None
    summary: tuple[SummarySentence, ...]
    score: Score
    flags: tuple[Flag, ...]
    warnings: tuple[str, ...]
    proof: Proof | None
    judged: Judged | None
    provenance: Provenance
    seconds: dict[str, float]


class ErrorRecord(Record, frozen=True, kw_only=True, tag="autoinsights.error/1"):
    """Why a call failed, or why the whole command did: then `source` is null. `error.code` is
    stable; errors.md lists the codes."""

    source: str | None
    line: int | None
    id: str | None
    error: Failure


class VaultRecord(Record, frozen=True, kw_only=True, tag="autoinsights.vault/1"):
    """A vault that was created; `audit_key` verifies its audit log, and belongs elsewhere."""

    id: str
    folder: str
    demo: bool
    created_at: str
    audit_key: str


class PersonRecord(Record, frozen=True, kw_only=True, tag="autoinsights.person/1"):
    """Somebody who is or was in the vault. `granted` are rights beside those of the roles; where
    `limited` is true they see the calls of these queues and teams only. `waits_until` is when they
    may try to sign in again after failed attempts, or null."""

    name: str
    roles: tuple[PersonRole, ...]
    granted: tuple[Right, ...]
    limited: bool
    queues: tuple[str, ...]
    teams: tuple[str, ...]
    state: PersonState
    second_factor: bool
    added_at: str
    waits_until: str | None


class KeysRecord(Record, frozen=True, kw_only=True, tag="autoinsights.keys/1"):
    """What opens a vault beside a passphrase: `computer` says that it opens on this computer only,
    `recovery_sheet` that there is one, `change_waits` that a change of keys was begun which the
    next opening of the vault ends."""

    computer: bool
    recovery_sheet: bool
    change_waits: bool


class SecretRecord(Record, frozen=True, kw_only=True, tag="autoinsights.secret/1"):
    """Something that is shown once, to whoever asked for it: `kind` is passphrase, recovery-sheet,
    second-factor or backup-codes."""

    kind: str
    values: tuple[str, ...]


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A file that was not taken in, and why."""

    name: str
    error: Failure


class ImportRecord(Record, frozen=True, kw_only=True, tag="autoinsights.import/1"):
    """What an import did; `queued` calls wait in the vault afterwards, `described` recordings were
    found in a metadata file."""

    imported: tuple[CallId, ...]
    duplicates: int
    passed_over: int
    described: int
    refused: tuple[Refused, ...]
    queued: int


class ProcessingRecord(Record, frozen=True, kw_only=True, tag="autoinsights.processing/1"):
    """What a run through the queue did; `audio_ms` is the length of the calls that are done."""

    done: int
    failed: int
    cancelled: int
    audio_ms: int
    seconds: float


class CallRecord(Record, frozen=True, kw_only=True, tag="autoinsights.call/1"):
    """One line of the list of calls. `flags` are titles, most severe first; `language` is null
    until it is known."""

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
    flags: tuple[str, ...]
    severity: Severity | None
    failure: Failure | None
    on_hold: bool
    language: str | None
    held_back: bool


class DetailRecord(Record, frozen=True, kw_only=True, tag="autoinsights.call-detail/1"):
    """All that is kept of one call; `analysis` is null until it is done, and without its words for
    who may not see them; `speakers` says who corrected who speaks, null where nobody did;
    `original_destroyed_at` is null while the recording is there as it was imported."""

    id: CallId
    digest: Sha256
    source_name: str
    size_bytes: int
    imported_at: str
    metadata: CallMetadata
    job: Job
    analysis: AnalysisRecord | None
    on_hold: bool
    speakers: CorrectedSpeakers | None
    original_destroyed_at: str | None


class HitRecord(Record, frozen=True, kw_only=True, tag="autoinsights.hit/1"):
    """A turn that holds the words that were searched for; `snippet` marks them with U+2039 and
    U+203A."""

    call: CallId
    turn: int
    role: Role
    start_ms: int
    snippet: str


class ModelRecord(Record, frozen=True, kw_only=True, tag="autoinsights.model/1"):
    """A model: built in or from an imported pack, and whether it is there."""

    name: str
    kind: str
    version: str
    purpose: str
    licence: str
    source: str
    size_bytes: int
    origin: str
    state: str


class CheckRecord(Record, frozen=True, kw_only=True, tag="autoinsights.check/1"):
    """One line of the self-test or of `models check`."""

    name: str
    ok: bool
    sentence: str
    hint: str


class RequestRecord(Record, frozen=True, kw_only=True, tag="autoinsights.request/1"):
    """A guarded act that a person asked for. `subject` is a call's id, `retention` with the moment
    before which calls took place as `value`, or a setting of the policy with its `value`;
    `decided_by` is null too where the policy wanted no second person; `used_at` is when an approved
    export was made."""

    number: int
    act: GuardedAct
    subject: str
    value: str
    reason: str
    asked_by: str
    asked_at: str
    state: RequestState
    decided_by: str | None
    decided_at: str | None
    used_at: str | None


class PolicyRecord(Record, frozen=True, kw_only=True, tag="autoinsights.policy/1"):
    """The rules of the vault; `retention_days` of 0 keeps calls until somebody erases them."""

    two_persons: tuple[GuardedAct, ...]
    second_factor: tuple[PersonRole, ...]
    lock_after_minutes: int
    session_hours: int
    retention_days: int
    originals: OriginalsRule
    acoustic_analysis: bool


class TeamRecord(Record, frozen=True, kw_only=True, tag="autoinsights.team/1"):
    """A named list of agents."""

    name: str
    agents: tuple[str, ...]


class RetentionRecord(Record, frozen=True, kw_only=True, tag="autoinsights.retention/1"):
    """The calls that are due to be erased, and those that were erased now."""

    days: int
    due: tuple[CallId, ...]
    erased: tuple[CallId, ...]


AnyRecord = (
    AnalysisRecord
    | RedactionRecord
    | ErrorRecord
    | VaultRecord
    | ImportRecord
    | ProcessingRecord
    | CallRecord
    | DetailRecord
    | HitRecord
    | ModelRecord
    | CheckRecord
    | AuditCheckRecord
    | AuditEntryRecord
    | AuditKeyRecord
    | AuditCheckpointRecord
    | AuditProofRecord
    | AuditExportRecord
    | PersonRecord
    | KeysRecord
    | SecretRecord
    | RequestRecord
    | SpeakersRecord
    | SampleRecord
    | DrawnTurnRecord
    | HoldRecord
    | ExportRecord
    | ReleaseRecord
    | PolicyRecord
    | TeamRecord
    | RetentionRecord
    | OriginalsRecord
    | DestroyedRecord
    | BackupRecord
    | BackupCheckRecord
    | DrillRecord
    | ErasedListRecord
    | RestoreRecord
    | VaultCheckRecord
    | RescueRecord
    | WordListRecord
)


def of_analysis(
    analysis: CallAnalysis,
    *,
    source: str,
    line: int | None = None,
    call: str | None = None,
    seconds: dict[str, float] | None = None,
) -> AnalysisRecord:
    """Return an analysis with its transcript laid open at the top level."""
    said = analysis.transcript
    return AnalysisRecord(
        source=source,
        line=line,
        id=call,
        duration_ms=analysis.duration_ms,
        channels=analysis.channels,
        sample_rate_hz=analysis.sample_rate_hz,
        language=said.language,
        language_confidence=said.language_confidence,
        role_basis=said.role_basis,
        role_confidence=said.role_confidence,
        turns=said.turns,
        redactions=analysis.redactions,
        corrections=analysis.corrections,
        muted=analysis.muted,
        findings=analysis.findings,
        sentiment=analysis.sentiment,
        measures=analysis.measures,
        voices=analysis.voices,
        summary=analysis.summary,
        score=analysis.score,
        flags=analysis.flags,
        warnings=analysis.warnings,
        proof=analysis.proof,
        judged=analysis.judged,
        provenance=analysis.provenance,
        seconds=seconds or {},
    )


def of_vault(info: VaultInfo, audit_key: str) -> VaultRecord:
    """Return a vault's record."""
    return VaultRecord(
        id=info.id,
        folder=str(info.folder),
        demo=info.demo,
        created_at=info.created_at,
        audit_key=audit_key,
    )


def of_import(report: ImportReport, queued: int) -> ImportRecord:
    """Return what an import did."""
    return ImportRecord(
        imported=report.imported,
        duplicates=report.duplicates,
        passed_over=report.passed_over,
        described=report.described,
        refused=tuple(Refused(name=name, error=reason) for name, reason in report.refused),
        queued=queued,
    )


def of_processing(report: ProcessingReport) -> ProcessingRecord:
    """Return what a run through the queue did."""
    return msgspec.convert(report, ProcessingRecord, from_attributes=True)


def of_row(row: CallRow) -> CallRecord:
    """Return a line of the list of calls."""
    return msgspec.convert(row, CallRecord, from_attributes=True)


def of_detail(detail: CallDetail) -> DetailRecord:
    """Return all that is kept of one call."""
    call = detail.call
    found = detail.analysis
    name = call.source_name
    return DetailRecord(
        id=call.id,
        digest=call.digest,
        source_name=call.source_name,
        size_bytes=call.size_bytes,
        imported_at=call.imported_at,
        metadata=call.metadata,
        job=detail.job,
        analysis=None if found is None else of_analysis(found, source=name, call=call.id),
        on_hold=detail.on_hold,
        speakers=detail.speakers,
        original_destroyed_at=detail.original_destroyed_at,
    )


def of_hit(hit: SearchHit) -> HitRecord:
    """Return a turn that was found."""
    return msgspec.convert(hit, HitRecord, from_attributes=True)


def of_model(card: object) -> ModelRecord:
    """Return a model's card."""
    return msgspec.convert(card, ModelRecord, from_attributes=True)


def of_check(check: Check) -> CheckRecord:
    """Return a line of the self-test."""
    return msgspec.convert(check, CheckRecord, from_attributes=True)


def of_audit_check(check: AuditCheck) -> AuditCheckRecord:
    """Return what verifying the audit log found."""
    return msgspec.convert(check, AuditCheckRecord, from_attributes=True)


def of_audit_entry(entry: AuditEntry) -> AuditEntryRecord:
    """Return an entry of the audit log."""
    return msgspec.convert(entry, AuditEntryRecord, from_attributes=True)


def of_person(person: Person, waits_until: str | None) -> PersonRecord:
    """Return somebody as an object, and until when they have to wait."""
    return PersonRecord(
        name=person.name,
        roles=tuple(sorted(person.roles)),
        granted=tuple(sorted(person.granted)),
        limited=person.scope.limited,
        queues=person.scope.queues,
        teams=person.scope.teams,
        state=person.state,
        second_factor=person.second_factor,
        added_at=person.added_at,
        waits_until=waits_until,
    )


def of_keys(state: KeysState) -> KeysRecord:
    """Return what opens a vault as an object."""
    return KeysRecord(
        computer=state.asks_for_computer,
        recovery_sheet=state.has_recovery_sheet,
        change_waits=state.change_waits,
    )


def of_checkpoint(made: Checkpoint, text: str) -> AuditCheckpointRecord:
    """Return a checkpoint with its short form."""
    return AuditCheckpointRecord(**asdict(made), text=text)


def of_proof(proof: AuditProof, file: Path) -> AuditProofRecord:
    """Return what a proof in a file is about."""
    return AuditProofRecord(
        file=str(file),
        number=None if proof.entry is None else proof.entry.number,
        since=proof.since or None,
        size=proof.checkpoint.size,
    )


def of_request(request: ApprovalRequest) -> RequestRecord:
    """Return what a person asked for."""
    return msgspec.convert(request, RequestRecord, from_attributes=True)


def of_policy(policy: Policy) -> PolicyRecord:
    """Return the rules, lists in order."""
    return PolicyRecord(
        two_persons=tuple(sorted(policy.two_persons)),
        second_factor=tuple(sorted(policy.second_factor)),
        lock_after_minutes=policy.lock_after_minutes,
        session_hours=policy.session_hours,
        retention_days=policy.retention_days,
        originals=policy.originals,
        acoustic_analysis=policy.acoustic_analysis,
    )


def of_team(team: Team) -> TeamRecord:
    """Return a team."""
    return msgspec.convert(team, TeamRecord, from_attributes=True)
