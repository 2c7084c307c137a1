"""Calls: what is said in them, what is found, where they stand, and how they are listed.

Times are integer milliseconds from the start of the recording; spans include their start and not
their end; character offsets count Unicode code points of a turn's text. Everything here is safe to
keep and show: text is redacted text.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NewType

from app.domain.proof import Judged, Proof

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
    ESTIMATED = "estimated"  # one channel: the speakers themselves are estimated, if at all
    GIVEN = "given"  # a transcript came with roles


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
    VERIFY = "verify"
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


LOW_CONFIDENCE = 0.5
"""A word, a turn or a language that the recogniser is less sure of is marked as uncertain."""

CUSTOMER_REFERENCE = "CUSTOMER_REFERENCE"
"""The kind of the reference by which a client knows a customer or a case."""

SUPPORTED_LANGUAGES = frozenset({"en"})
"""The languages for which redaction and findings are made, by Whisper's codes."""


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
    """One stretch of one speaker; `index` is its place in the transcript, `confidence` 0 to 1.
    `speaker` counts the voices told apart on a channel that holds both sides; otherwise `None`."""

    index: int
    channel: int
    role: Role
    start_ms: int
    end_ms: int
    text: str
    words: tuple[Word, ...] = ()
    confidence: float = 1.0
    speaker: int | None = None

    @property
    def side(self) -> int:
        """Which side of the call speaks: the channel, or the voice on a channel with several."""
        return self.channel if self.speaker is None else self.speaker

    @property
    def uncertain(self) -> bool:
        """Whether the turn as a whole was not heard clearly."""
        return self.confidence < LOW_CONFIDENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeTranscript:
    """The turns after redaction, in the order in which they start."""

    turns: tuple[Turn, ...]
    language: str
    role_basis: RoleBasis
    role_confidence: float
    language_confidence: float | None = None  # 0 to 1, where the language was listened for


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


class EntryKind(StrEnum):
    """What an entry of the client's word list is."""

    NAME = "name"  # of a person
    PRODUCT = "product"
    PLACE = "place"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """Words of a safe turn that were put in place of what was recognised, because they sound like
    an entry of the word list: `turn.text[start:end]` is the entry as it is written, `likeness` how
    alike both sound (0 to 1), `confidence` how sure the recogniser was of what it had heard."""

    turn: int
    start: int
    end: int
    kind: EntryKind
    likeness: float
    confidence: float


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
class Voices:
    """How loud each side speaks: the middle level of their turns in dB below full scale, and by how
    much the last third of their turns differs from the first. `None` where too little is heard."""

    agent_level_db: float | None
    agent_level_change_db: float | None
    customer_level_db: float | None
    customer_level_change_db: float | None


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
    vocabulary_sha256: Sha256 | None = None  # of the word list in use


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
    voices: Voices | None = None  # only where acoustic analysis is switched on
    corrections: tuple[Correction, ...] = ()  # by the word list; none where something is redacted
    proof: Proof | None = None  # of audio only, unless it is switched off
    judged: Judged | None = None  # where a person found something that is not redacted

    @property
    def held_back(self) -> bool:
        """Whether the call waits for a person: something was found in it that should be redacted,
        by the program in its muted audio or by who judged it."""
        return any(one is not None and one.held_back for one in (self.proof, self.judged))

    @property
    def silenced(self) -> bool:
        """Whether the call was let go without its sound."""
        held = [one.released for one in (self.proof, self.judged) if one is not None]
        return any(one is not None and one.silenced for one in held)


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
class Labels:
    """What came with a recording, made safe as its words are: its file's name and the customer's
    reference, with the digests of what was taken out (their number is 0)."""

    source_name: str
    customer_reference: str | None
    values: tuple[RedactedValue, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waveform:
    """What a person sees of the sound: per channel one peak (0 to 255) for every `step_ms`, of the
    muted audio."""

    step_ms: int
    peaks: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectedCall:
    """What follows when a person says who speaks, to be kept beside what the program found.

    `values` are those that are redacted beside the ones of the program's own analysis; `waveform`
    and `muted_audio` are there where more is muted than before.
    """

    analysis: CallAnalysis
    values: tuple[RedactedValue, ...] = ()
    waveform: Waveform | None = None
    muted_audio: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysedCall:
    """What a worker sends back when a call is done: the analysis, and the muted audio as FLAC
    (`b""` for a transcript); `corrected` where a person had said who speaks."""

    analysis: CallAnalysis
    values: tuple[RedactedValue, ...]
    waveform: Waveform
    muted_audio: bytes
    seconds: dict[str, float]  # per stage, as measured: not part of the result
    labels: Labels | None = None  # of a recording that came with some
    corrected: CorrectedCall | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a call could not be analysed: the code, sentence and hint of the `CallFailed` or
    `ModelError` behind it."""

    code: str
    sentence: str
    hint: str


Outcome = AnalysedCall | Failure


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactedCall:
    """What a worker sends back of a transcript that was to be redacted and nothing more; turns are
    those that were given, in the order in which they were given."""

    transcript: SafeTranscript
    redactions: tuple[Redaction, ...]
    provenance: Provenance


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
    source_name: str  # the file's name as the policy lets it be seen
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
class CorrectedSpeakers:
    """That a person corrected who speaks, when (ISO 8601, UTC), and in which turns: the program had
    taken them for another side."""

    by: str
    at: str
    turns: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CallDetail:
    """All that a person sees of one call; `analysis` and `waveform` once it is done: as a person
    corrected it, where `speakers` says so. `original_destroyed_at` (ISO 8601, UTC) is null while
    the recording is there as it was imported."""

    call: Call
    job: Job
    analysis: CallAnalysis | None
    waveform: Waveform | None
    on_hold: bool = False
    speakers: CorrectedSpeakers | None = None
    original_destroyed_at: str | None = None
