"""The words of the product as frozen types.

Times are integer milliseconds from the start of the recording; spans include their start and not
their end; character offsets count Unicode code points of a turn's text. Everything here is safe to
keep and show: text is redacted text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import NewType

CallId = NewType("CallId", str)
"""32 lower-case hexadecimal digits, random."""

Sha256 = NewType("Sha256", str)
"""64 lower-case hexadecimal digits."""


class Role(StrEnum):
    """Who speaks."""

    AGENT = "agent"
    CUSTOMER = "customer"
    UNKNOWN = "unknown"


class RoleBasis(StrEnum):
    """How the roles of a call are known."""

    # the recorder or the person who imported says which channel is whose
    CHANNEL_MAP = "channel-map"
    GUESSED = "guessed"  # from what is said on each channel
    ESTIMATED = "estimated"  # one channel: the speakers themselves are estimated
    GIVEN = "given"  # a transcript came with roles


PersonName = NewType("PersonName", str)
"""The name under which a person signs in; it is never given to another person."""


class PersonRole(StrEnum):
    """What a person is in the organisation; a role is a named set of rights."""

    ADMINISTRATOR = "administrator"
    REVIEWER = "reviewer"
    SUPERVISOR = "supervisor"
    AUDITOR = "auditor"
    PRIVACY_OFFICER = "privacy-officer"


class Right(StrEnum):
    """One thing that a person may do; which role holds which stands in `app.access`."""

    SEE_CALLS = "see-calls"  # the list: names, times, states, flags
    SEE_EVIDENCE = "see-evidence"  # what was found in a call and how, without its words
    SEE_TRANSCRIPT = "see-transcript"  # the redacted words, and searching in them
    HEAR_MUTED = "hear-muted"
    HEAR_ORIGINAL = "hear-original"
    EXPORT_ORIGINAL = "export-original"
    IMPORT = "import"
    PROCESS = "process"  # run, cancel and repeat analyses
    HOLD = "hold"  # place and end legal holds
    ERASE = "erase"
    APPROVE = "approve"  # decide on what another person asked for
    READ_AUDIT = "read-audit"
    EXPORT_AUDIT = "export-audit"
    CONFIGURE = "configure"
    MANAGE_PEOPLE = "manage-people"
    MANAGE_VAULT = "manage-vault"  # backups, keys, checks


class PersonState(StrEnum):
    """Whether a person may sign in."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"  # the name stays, because the audit log names it


class GuardedAct(StrEnum):
    """What one person asks for and another one approves, as far as the policy says so."""

    ERASE_CALL = "erase-call"
    EXPORT_ORIGINAL = "export-original"
    END_HOLD = "end-hold"
    LOWER_RETENTION = "lower-retention"
    ALLOW_ACOUSTICS = "allow-acoustics"
    RELAX_POLICY = "relax-policy"  # taking an act off this list, or a second factor off a role


class RequestState(StrEnum):
    """What became of something that a person asked for."""

    OPEN = "open"
    APPROVED = "approved"  # and done
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    UNKNOWN = "unknown"


class JobState(StrEnum):
    """A call's place in the queue."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Stage(StrEnum):
    """The steps of analysing one call, in order."""

    DECODE = "decode"
    TRANSCRIBE = "transcribe"
    SPEAKERS = "speakers"
    REDACT = "redact"
    MUTE = "mute"
    ANALYSE = "analyse"
    SCORE = "score"


class SentimentLabel(StrEnum):
    """How a turn sounds in words; indicative, never a judgement of a person."""

    NEGATIVE = "negative"
    NEUTRAL = "neutral"
    POSITIVE = "positive"


class FindingKind(StrEnum):
    """What sort of claim a finding makes."""

    TOPIC = "topic"
    SENTIMENT = "sentiment"
    COMPLIANCE = "compliance"
    VULNERABILITY = "vulnerability"
    CONDUCT = "conduct"


class Severity(StrEnum):
    """How soon a person should look."""

    NOTICE = "notice"
    WARNING = "warning"
    ALERT = "alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """One word of a turn: `text == turn.text[start:end]`, when it is heard, how sure (0 to 1)."""

    text: str
    start: int
    end: int
    start_ms: int
    end_ms: int
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One stretch of one speaker; `index` is its place in the transcript, `confidence` 0 to 1."""

    index: int
    channel: int
    role: Role
    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()
    confidence: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeTranscript:
    """The turns after redaction, in the order in which they start."""

    turns: tuple[Turn, ...]
    language: str
    role_basis: RoleBasis
    role_confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """Where something was redacted, never what.

    `start`/`end` count characters of the turn as it was spoken (so that a gold standard can be
    compared), `safe_start`/ `safe_end` those of the turn as it is kept, where the placeholder
    stands. `value` numbers equal values of one kind within the call: the second `[CARD-1]` is the
    same card.
    """

    kind: str
    value: int
    turn: int
    start: int
    end: int
    safe_start: int
    safe_end: int
    start_ms: int
    end_ms: int
    confidence: float
    rule: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MutedSpan:
    """A stretch of audio that nobody hears; `channel` is counted from 0."""

    channel: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """The words and the seconds that show a claim."""

    turn: int
    start: int
    end: int
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One claim about the call; without evidence it cannot be built."""

    kind: FindingKind
    label: str  # stable code, such as `complaint`
    title: str  # what a person reads
    confidence: float
    evidence: tuple[Evidence, ...]

    def __post_init__(self) -> None:
        """Refuse a claim that nothing shows."""
        if not self.evidence:
            raise ValueError("a finding needs evidence")


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnSentiment:
    """The sentiment of one turn: `score` runs from -1 (negative) to 1 (positive)."""

    turn: int
    label: SentimentLabel
    score: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What a clock can say about the call. Ratios are 0 to 1; `None` where the speakers are not
    known."""

    talk_ms: int  # time in which at least one side talks
    agent_talk_ms: int
    customer_talk_ms: int
    silence_ms: int
    longest_silence_ms: int
    overtalk_ms: int
    interruptions: int  # times the agent starts while the customer talks
    agent_talk_ratio: float | None
    agent_words_per_minute: float | None
    customer_words_per_minute: float | None
    customer_sentiment: float | None  # mean of the customer's turns weighted by words, -1 to 1
    customer_sentiment_trend: float | None  # last third minus first third


@dataclass(frozen=True, slots=True, kw_only=True)
class SummarySentence:
    """A sentence of the summary: taken from the call, with the turns that it stands on."""

    text: str
    turns: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Criterion:
    """The result of one line of the scorecard; `met` is `None` where the line does not apply to
    this call."""

    label: str
    title: str
    weight: float
    met: bool | None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A scorecard's result: `value` of 100, `None` where no line applied."""

    scorecard: str
    value: float | None
    criteria: tuple[Criterion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """A reason why a person should look at this call."""

    label: str
    title: str
    severity: Severity
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRef:
    """A model that was used: its name, its version, and one digest over the digests of all its
    files."""

    name: str
    version: str
    sha256: Sha256


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Enough to repeat the result; sums of floating point depend on `threads` on some processors,
    and a comma may depend on them."""

    app_version: str
    models: tuple[ModelRef, ...]
    settings_sha256: Sha256
    device: str
    compute_type: str
    threads: int
    packs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallAnalysis:
    """All that is found out about one call. The same recording, models and settings give the same
    value again."""

    duration_ms: int
    channels: int
    sample_rate_hz: int
    transcript: SafeTranscript
    redactions: tuple[Redaction, ...]
    muted: tuple[MutedSpan, ...]
    findings: tuple[Finding, ...]
    sentiment: tuple[TurnSentiment, ...]
    measures: Measures
    summary: tuple[SummarySentence, ...]
    score: Score
    flags: tuple[Flag, ...]
    warnings: tuple[str, ...]  # codes, such as `audio-truncated`, of what limits this result
    provenance: Provenance


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedValue:
    """An unkeyed digest of a redacted value on its way to the store, which keys it and forgets this
    form."""

    kind: str
    value: int
    digest: bytes

    def __repr__(self) -> str:
        """Name the kind and hide the digest: of a short value it could be guessed."""
        return f"RedactedValue({self.kind}-{self.value})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """What a person sees of the sound: per channel one peak (0 to 255) for every `step_ms`, of the
    muted audio."""

    step_ms: int
    peaks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedCall:
    """What a worker sends back when a call is done: the analysis, and the muted audio as FLAC
    (`b""` for a transcript)."""

    analysis: CallAnalysis
    values: tuple[RedactedValue, ...]
    waveform: Waveform
    muted_audio: bytes
    seconds: dict[str, float]  # per stage, as measured: not part of the result


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call could not be analysed: the code, sentence and hint of the `CallFailed` or
    `ModelError` behind it."""

    code: str
    sentence: str
    hint: str


Outcome = AnalysedCall | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class CallMetadata:
    """What the recorder or the importing person knows of a call. `channel_roles` names the role of
    each channel."""

    agent: str | None = None
    customer_reference: str | None = None
    queue: str | None = None
    direction: Direction = Direction.UNKNOWN
    started_at: str | None = None  # ISO 8601, UTC
    channel_roles: tuple[Role, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it stands in the vault; `duration_ms` and `channels` are known once it is
    decoded."""

    id: CallId
    digest: Sha256
    source_name: str  # the file's name, kept in the encrypted database only
    size_bytes: int
    imported_at: str  # ISO 8601, UTC
    metadata: CallMetadata
    duration_ms: int | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A call's place in the queue. `failure` is set when the state is failed; times are ISO 8601,
    UTC."""

    call: CallId
    state: JobState
    attempts: int
    queued_at: str
    finished_at: str | None = None
    failure: Failure | None = None


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
    redacted words."""

    states: frozenset[JobState] = frozenset()
    agent: str | None = None
    queue: str | None = None
    flag: str | None = None  # a flag's label
    flagged: bool = False  # any flag
    text: str = ""
    order: CallOrder = CallOrder.STARTED
    descending: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDetail:
    """All that a person sees of one call; `analysis` and `waveform` once it is done."""

    call: Call
    job: Job
    analysis: CallAnalysis | None
    waveform: Waveform | None
    on_hold: bool = False


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
    as written."""

    entries: int
    ok: bool
    first_bad: int | None
    sentence: str


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
class Scope:
    """Which calls a person sees: all, or those of some queues and of some teams' agents."""

    limited: bool = False
    queues: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()


EVERYTHING = Scope()


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who may sign in; `granted` are rights beside those of the roles."""

    name: PersonName
    roles: frozenset[PersonRole]
    granted: frozenset[Right] = frozenset()
    scope: Scope = EVERYTHING
    state: PersonState = PersonState.ACTIVE
    second_factor: bool = False
    added_at: str = ""  # ISO 8601, UTC


@dataclass(frozen=True, slots=True, kw_only=True)
class PassphraseStrength:
    """How hard a passphrase is to guess: good enough or not, a share of that from 0 to 1, and what
    would make it better."""

    good: bool
    share: float
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecondFactor:
    """The secret of a second factor that is being set up, and what an authenticator reads."""

    secret: bytes = field(repr=False)
    uri: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysState:
    """What a vault asks for beside a passphrase, and whether there is a sheet for the day on which
    it is lost."""

    asks_for_computer: bool
    has_recovery_sheet: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules of a vault, which the client decides.

    `two_persons` are the acts that need a second person; `second_factor` the roles that need a
    code; `retention_days` of 0 keeps calls until somebody erases them.
    """

    two_persons: frozenset[GuardedAct] = frozenset(GuardedAct)
    second_factor: frozenset[PersonRole] = frozenset()
    lock_after_minutes: int = 10
    session_hours: int = 12
    retention_days: int = 0
    acoustic_analysis: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovalRequest:
    """A guarded act that a person asked for: on what, why, and what became of it.

    `subject` is a call's id, or the name of a setting with its wanted `value`. An act that needs no
    second person is approved at once and `decided_by` nobody; `used_at` is when an approved export
    was made.
    """

    number: int
    act: GuardedAct
    subject: str
    value: str
    reason: str
    asked_by: PersonName
    asked_at: str
    state: RequestState
    decided_by: PersonName | None = None
    decided_at: str | None = None
    used_at: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Team:
    """A named list of agents, by which a person's view can be limited."""

    name: str
    agents: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did. `refused` pairs a file's name with the reason; `passed_over` counts the
    files of a folder that are no recordings."""

    imported: tuple[CallId, ...]
    duplicates: int
    refused: tuple[tuple[str, Failure], ...]
    passed_over: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingReport:
    """What a run through the queue did; `audio_ms` is the length of the calls that are done."""

    done: int
    failed: int
    cancelled: int
    audio_ms: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the self-test: what was checked, whether it is well, and what to do if not."""

    name: str
    ok: bool
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a long act has come: `done` of `total` (0: unknown) calls or files.

    With a `call` it is one call's way through a `stage`, and `total` is 1.
    """

    done: float
    total: float
    call: CallId | None = None
    stage: Stage | None = None


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
    """What came back from a backup, and which calls did not: those that were erased, and those
    whose key is not there any more."""

    folder: Path
    generation: int
    made_at: str  # ISO 8601, UTC
    calls: int
    erased: tuple[CallId, ...]
    without_key: tuple[CallId, ...]


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


class Subject(StrEnum):
    """The kinds of things that a command can change."""

    CALLS = "calls"
    JOBS = "jobs"
    SETTINGS = "settings"
    MODELS = "models"
    PEOPLE = "people"
    REQUESTS = "requests"


Changes = frozenset[Subject]
"""Which kinds of things a command changed; every mutating method returns it, alone or in its
report."""
