"""The order of the stages for one call, and the provenance of the result.

Decode, transcribe, speakers, redact, mute, analyse, score. The raw transcript lives and dies inside
`analyse`: only what redaction lets through goes on. The same request gives the same analysis again;
the seconds that each stage took are kept beside it.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app import __version__
from app.config import Settings, digest
from app.domain import (
    LOW_CONFIDENCE,
    SUPPORTED_LANGUAGES,
    AnalysedCall,
    CallAnalysis,
    Correction,
    MutedSpan,
    Provenance,
    Role,
    RoleBasis,
    Stage,
    Waveform,
)
from app.engine import transcripts
from app.engine.analysis import Analyst, voices
from app.engine.audio import decode, encode_flac, mute, waveform
from app.engine.diarisation import SPEAKER_ENCODER, Diariser
from app.engine.models import ModelLibrary
from app.engine.redaction import TAGGER, Redactor
from app.engine.scoring import score
from app.engine.speakers import assign_roles, fitting_map, roles_of_text
from app.engine.text_redaction import TextRedaction
from app.engine.transcription import Transcriber
from app.engine.word_list import LANGUAGE, WordList
from app.errors import AudioSilent, AudioTruncated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.domain import RedactedCall, SafeTranscript
    from app.engine.audio import Audio
    from app.engine.redaction import Redacted
    from app.engine.transcription import RawTranscript
    from app.engine.wire import RedactionRequest, Request

    Report = Callable[[Stage, float], None]


class Pipeline:
    """Analyses calls one after the other; models are loaded on first use and stay."""

    def __init__(self, resources: Path, packs: Path | None, *, threads: int) -> None:
        """Remember where things are; nothing is loaded yet."""
        self._resources = resources
        self._models = ModelLibrary(resources, packs)
        self._threads = threads
        self._texts = TextRedaction(self._models, resources / "recognisers", threads=threads)
        self._stages: _Stages | None = None
        self._list: tuple[str, WordList | None] = ("", None)

    def analyse(self, request: Request, report: Report) -> AnalysedCall:
        """Return all that is found out about one call; raises `CallFailed` or `ModelError`."""
        stages, listed = self._stages_for(request.settings), self._list_for(request.vocabulary)
        run = _Run(request, stages, listed, self._models, _Clock(report))
        return run.of_audio() if request.content == "audio" else run.of_transcript()

    def redact(self, request: RedactionRequest) -> RedactedCall:
        """Return one transcript made safe and nothing more; raises `CallFailed` or `ModelError`."""
        return self._texts.redact(request)

    def _list_for(self, text: str) -> WordList | None:
        """Return the word list that is written so, the last one again where it is the same."""
        if self._list[0] != text:
            self._list = (text, WordList.of(text, self._models))
        return self._list[1]

    def _stages_for(self, settings: Settings) -> _Stages:
        """Return the stages for these settings, the last ones again where they are the same."""
        if self._stages is None or self._stages.settings != settings:
            self._stages = _Stages.build(settings, self._models, self._resources, self._threads)
        return self._stages


@dataclass(frozen=True, slots=True)
class _Run:
    """One call on its way through the stages."""

    request: Request
    stages: _Stages
    listed: WordList | None
    models: ModelLibrary
    clock: _Clock

    def of_audio(self) -> AnalysedCall:
        settings, metadata = self.request.settings, self.request.metadata
        with self.clock.stage(Stage.DECODE):
            audio = decode(
                self.request.take_payload(),
                longest_minutes=settings.audio.longest_minutes,
                accept_truncated=settings.audio.accept_truncated,
                suffix=self.request.suffix,
            )
        roles = fitting_map(metadata.channel_roles, audio.channels)  # before the long work
        with self.clock.stage(Stage.TRANSCRIBE), _remnant(audio):
            heard = self.stages.transcriber.transcribe(
                audio,
                progress=lambda done: self.clock.report(Stage.TRANSCRIBE, done),
                hints=self.listed.first(settings.speech.hints) if self.listed else (),
            )
        with self.clock.stage(Stage.SPEAKERS):
            spoken, doubts = heard, tuple[str, ...]()
            if audio.channels == 1 and not roles:
                spoken, doubts = self.stages.diariser.tell_apart(heard, audio)
            spoken = assign_roles(spoken, roles, audio.channels)
        redacted, corrections = self._corrected(spoken)
        with self.clock.stage(Stage.MUTE):
            mute(audio, redacted.muted)
            facts = _Facts.of_audio(audio, redacted, encode_flac(audio), waveform(audio))
            facts = replace(facts, warnings=(*facts.warnings, *doubts))
        if metadata.channel_roles and not roles:
            facts = replace(facts, warnings=(*facts.warnings, "channel-map-not-used"))
        if heard.leaks:
            facts = replace(facts, warnings=(*facts.warnings, "crosstalk"))
        if heard.unheard:
            facts = replace(facts, warnings=(*facts.warnings, "speech-not-understood"))
        facts = replace(facts, corrections=corrections)
        return self._judge(redacted, facts, audio)

    def of_transcript(self) -> AnalysedCall:
        with self.clock.stage(Stage.DECODE):
            given = transcripts.parse(self.request.take_payload())
            spoken = transcripts.to_raw(given)
        with self.clock.stage(Stage.SPEAKERS):
            spoken = roles_of_text(spoken, self.request.metadata.channel_roles)
        return self._judge(self._redact(spoken), _Facts.of_transcript(spoken, given.duration_ms))

    def _redact(self, spoken: RawTranscript) -> Redacted:
        with self.clock.stage(Stage.REDACT):
            return self.stages.redactor.redact(spoken, agent_name=self.request.metadata.agent)

    def _corrected(self, spoken: RawTranscript) -> tuple[Redacted, tuple[Correction, ...]]:
        """Redact what was heard, with the words of the client's list where they are meant."""
        if self.listed is None or spoken.language != LANGUAGE:
            return self._redact(spoken), ()
        with self.clock.stage(Stage.REDACT):
            return self.listed.redact(
                spoken, self.stages.redactor, agent_name=self.request.metadata.agent
            )

    def _judge(self, redacted: Redacted, facts: _Facts, sound: Audio | None = None) -> AnalysedCall:
        """Analyse and score what is safe, and put the result together."""
        if not self.request.settings.analysis.acoustics:
            sound = None
        with self.clock.stage(Stage.ANALYSE):
            heard = voices.measure(redacted.transcript, sound.samples) if sound else None
            analysed = self.stages.analyst.analyse(redacted.transcript, facts.duration_ms)
        with self.clock.stage(Stage.SCORE):
            transcript = redacted.transcript
            roles_known = all(turn.role is not Role.UNKNOWN for turn in transcript.turns)
            scorecard = self.stages.analyst.pack.scorecard
            result, flags = score(scorecard, analysed.findings, roles_known=roles_known)
        analysis = CallAnalysis(
            duration_ms=facts.duration_ms,
            channels=facts.channels,
            sample_rate_hz=facts.sample_rate_hz,
            transcript=redacted.transcript,
            redactions=redacted.redactions,
            muted=facts.muted,
            findings=analysed.findings,
            sentiment=analysed.sentiment,
            measures=analysed.measures,
            summary=analysed.summary,
            score=result,
            flags=flags,
            warnings=facts.warnings,
            provenance=self._provenance(redacted.transcript, from_audio=facts.sample_rate_hz > 0),
            voices=heard,
            corrections=facts.corrections,
        )
        return AnalysedCall(
            analysis=analysis,
            values=redacted.values,
            waveform=facts.waveform,
            muted_audio=facts.flac,
            seconds=self.clock.seconds,
        )

    def _provenance(self, said: SafeTranscript, *, from_audio: bool) -> Provenance:
        settings = self.request.settings
        speech = (settings.speech.model, "silero-vad") if from_audio else ()
        if from_audio and said.role_basis is RoleBasis.ESTIMATED:
            speech = (*speech, SPEAKER_ENCODER)
        used = (*speech, "spacy-en", TAGGER, *self.stages.analyst.models)
        device, compute_type = ("cpu", "int8")
        if from_audio:
            device, compute_type = self.models.placed(settings.execution.device)
        return Provenance(
            app_version=__version__,
            models=tuple(self.models.ref(name) for name in used),
            settings_sha256=digest(settings),
            device=device,
            compute_type=compute_type,
            threads=self.stages.threads,
            packs=(*self.stages.analyst.pack.lineage, self.stages.redactor.lineage),
            vocabulary_sha256=self.listed.sha256 if self.listed and from_audio else None,
        )


@dataclass(frozen=True, slots=True)
class _Stages:
    """The parts in use for one set of settings."""

    settings: Settings
    threads: int
    transcriber: Transcriber
    diariser: Diariser
    redactor: Redactor
    analyst: Analyst

    @classmethod
    def build(
        cls, settings: Settings, models: ModelLibrary, resources: Path, threads: int
    ) -> _Stages:
        execution = settings.execution
        if not execution.threads_per_worker:
            execution = replace(execution, threads_per_worker=threads)
        return cls(
            settings,
            execution.threads_per_worker,
            Transcriber(models, settings.speech, execution),
            Diariser(models),
            Redactor(
                models,
                settings.redaction,
                resources / "recognisers",
                threads=execution.threads_per_worker,
            ),
            Analyst(models, settings.analysis, resources / "packs"),
        )


@dataclass(frozen=True, slots=True)
class _Facts:
    """What is known of the call besides what is said."""

    duration_ms: int
    channels: int
    sample_rate_hz: int
    muted: tuple[MutedSpan, ...]
    warnings: tuple[str, ...]
    waveform: Waveform
    flac: bytes
    corrections: tuple[Correction, ...] = ()

    @classmethod
    def of_audio(cls, audio: Audio, redacted: Redacted, flac: bytes, peaks: Waveform) -> _Facts:
        warnings = ["audio-truncated"] if audio.truncated else []
        warnings += _doubts(redacted)
        return cls(
            audio.duration_ms,
            audio.channels,
            audio.source_rate_hz,
            redacted.muted,
            tuple(warnings),
            peaks,
            flac,
        )

    @classmethod
    def of_transcript(cls, spoken: RawTranscript, duration_ms: int) -> _Facts:
        last_ms = max(turn.end_ms for turn in spoken.turns)
        channels = 1 + max(turn.channel for turn in spoken.turns)
        warnings = _doubts_of_language(spoken) + ([] if last_ms else ["no-times"])
        nothing = Waveform(step_ms=1, peaks=())
        return cls(max(duration_ms, last_ms), channels, 0, (), tuple(warnings), nothing, b"")


@contextmanager
def _remnant(audio: Audio) -> Iterator[None]:
    """Say of a recording that was cut off, and in whose rest nobody speaks, that it was cut off."""
    try:
        yield
    except AudioSilent as error:
        if not audio.truncated:
            raise
        seconds = audio.duration_ms / 1000
        raise AudioTruncated(
            f"The recording is cut off, and nobody speaks in the {seconds:.1f} s that are left.",
            hint="Copy or export the recording again; the copy was probably interrupted.",
        ) from error


def _doubts(redacted: Redacted) -> list[str]:
    """Return the codes of what makes this transcript less certain than others."""
    transcript = redacted.transcript
    doubts = []
    unknown = any(turn.role is Role.UNKNOWN for turn in transcript.turns)
    together = transcript.role_basis is RoleBasis.ESTIMATED and transcript.turns[0].speaker is None
    if unknown and not together:  # of sides that were not told apart, the diariser has spoken
        doubts.append("roles-unknown")
    return doubts + _doubts_of_language(transcript)


def _doubts_of_language(said: RawTranscript | SafeTranscript) -> list[str]:
    doubts = []
    if said.language not in SUPPORTED_LANGUAGES:
        doubts.append("language-not-supported")
    if said.language_confidence is not None and said.language_confidence < LOW_CONFIDENCE:
        doubts.append("language-uncertain")
    return doubts


class _Clock:
    """Reports each stage and measures how long it takes."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, stage: Stage) -> Iterator[None]:
        self.report(stage, 0.0)
        started = time.perf_counter()
        yield
        self.seconds[stage.value] = round(time.perf_counter() - started, 3)
        self.report(stage, 1.0)
