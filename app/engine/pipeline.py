"""The order of the stages for one call, and the provenance of the result.

Decode, transcribe, speakers, redact, mute, verify, analyse, score. The raw transcript lives and
dies inside `analyse`: only what redaction lets through goes on. The same request gives the same
analysis again; the seconds that each stage took are kept beside it. Where a
person said who speaks, everything that follows from that is made once more of the safe transcript,
beside the program's own analysis.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

from app import __version__
from app.config import Settings, Sound, digest
from app.domain import (
    LOW_CONFIDENCE,
    SUPPORTED_LANGUAGES,
    AnalysedCall,
    CallAnalysis,
    CorrectedCall,
    Correction,
    MutedSpan,
    Proof,
    ProofMode,
    Provenance,
    Role,
    RoleBasis,
    Stage,
    Waveform,
)
from app.engine import transcripts
from app.engine.analysis import Analyst, packs, voices
from app.engine.aside import Aside, aside, whole
from app.engine.audio import decode, encode_flac, mute, waveform
from app.engine.diarisation import SPEAKER_ENCODER, Diariser
from app.engine.heap import give_back
from app.engine.models import ModelLibrary
from app.engine.proof import Listening
from app.engine.redaction import TAGGER, Redacted, Redactor
from app.engine.redaction.further import Further, as_spoken, beside
from app.engine.redaction.policies import POLICY
from app.engine.said_by import carried_over
from app.engine.scoring import score
from app.engine.speakers import assign_roles, fitting_map, roles_of_text
from app.engine.text_redaction import TextRedaction
from app.engine.transcription import Transcriber
from app.engine.word_list import LANGUAGE, WordList
from app.errors import AudioSilent, AudioTruncated

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.domain import CallMetadata, Labels, RedactedCall, SafeTranscript
    from app.engine.audio import Audio
    from app.engine.transcription import RawTranscript
    from app.engine.wire import RedactionRequest, Request, SpeakersRequest

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
        run = self._run(request, report, self._list_for(request.vocabulary))
        audio = request.content == "audio"
        found = run.of_audio(request) if audio else run.of_transcript(request)
        return replace(found, labels=run.labels(request.source_name))

    def correct(self, request: SpeakersRequest) -> CorrectedCall:
        """Return what follows from a person's word on who speaks; raises as `analyse` does.

        The call is analysed with its own pack, where that is still there.
        """
        pack = _pack_of(request.analysis)
        if pack in packs.names(self._resources / "packs"):
            analysis = replace(request.settings.analysis, pack=pack)
            request = replace(request, settings=replace(request.settings, analysis=analysis))
        run = self._run(request, lambda _stage, _done: None)
        return run.of_speakers(request.analysis, request.said, lambda: _heard(request))

    def redact(self, request: RedactionRequest) -> RedactedCall:
        """Return one transcript made safe and nothing more; raises `CallFailed` or `ModelError`."""
        return self._texts.redact(request)

    def _run(
        self, request: Request | SpeakersRequest, report: Report, listed: WordList | None = None
    ) -> _Run:
        stages = self._stages_for(request.settings)
        settings, metadata = request.settings, request.metadata
        return _Run(settings, metadata, stages, listed, self._models, _Clock(report))

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

    settings: Settings
    metadata: CallMetadata
    stages: _Stages
    listed: WordList | None
    models: ModelLibrary
    clock: _Clock

    def of_audio(self, request: Request) -> AnalysedCall:
        settings, metadata = self.settings, self.metadata
        with self.clock.stage(Stage.DECODE):
            audio = decode(
                request.take_payload(),
                longest_minutes=settings.audio.longest_minutes,
                accept_truncated=settings.audio.accept_truncated,
                suffix=request.suffix,
            )
        roles = fitting_map(metadata.channel_roles, audio.channels)  # before the long work
        with self.clock.stage(Stage.TRANSCRIBE), _remnant(audio):
            heard = self.stages.transcriber.transcribe(
                audio,
                progress=lambda done: self.clock.report(Stage.TRANSCRIBE, done),
                hints=self._hints,
            )
        with self.clock.stage(Stage.SPEAKERS):
            spoken, doubts = heard, tuple[str, ...]()
            if audio.channels == 1 and not roles:
                spoken, doubts = self.stages.diariser.tell_apart(heard, audio)
            spoken = assign_roles(spoken, roles, audio.channels)
        redacted, corrections = self._corrected(spoken)
        with self.clock.stage(Stage.MUTE):
            mute(audio, redacted.muted)
            facts = _Facts.of_audio(audio, redacted, settings.redaction.sound)
            facts = replace(facts, warnings=(*facts.warnings, *doubts))
        if metadata.channel_roles and not roles:
            facts = replace(facts, warnings=(*facts.warnings, "channel-map-not-used"))
        if heard.leaks:
            facts = replace(facts, warnings=(*facts.warnings, "crosstalk"))
        if heard.unheard:
            facts = replace(facts, warnings=(*facts.warnings, "speech-not-understood"))
        facts = replace(facts, corrections=corrections)
        if settings.redaction.proof != "off":
            with self.clock.stage(Stage.VERIFY):
                redacted, facts = self._proven(audio, spoken, redacted, facts)
        result = self._judge(redacted, facts, audio)
        if request.corrected is None:
            return result
        said = carried_over(result.analysis.transcript, request.corrected)
        return replace(result, corrected=self.of_speakers(result.analysis, said, lambda: audio))

    def _proven(
        self, audio: Audio, spoken: RawTranscript, redacted: Redacted, facts: _Facts
    ) -> tuple[Redacted, _Facts]:
        """Hear the muted audio again, and keep what is left of it after that."""
        settings = self.settings
        listening = Listening(
            transcriber=self.stages.transcriber,
            redactor=self.stages.redactor,
            mode=ProofMode(settings.redaction.proof),
            speech=settings.speech.model,
            agent_name=self.metadata.agent,
            hints=self._hints,
        )
        proven = listening.prove(audio, spoken, redacted, facts.corrections)
        if proven.proof.found:
            facts = facts.muted_again(audio, proven.redacted, settings.redaction.sound)
        return proven.redacted, replace(facts, corrections=proven.corrections, proof=proven.proof)

    @property
    def _hints(self) -> tuple[str, ...]:
        return self.listed.first(self.settings.speech.hints) if self.listed else ()

    def of_transcript(self, request: Request) -> AnalysedCall:
        with self.clock.stage(Stage.DECODE):
            given = transcripts.parse(whole(request.take_payload()))
            spoken = transcripts.to_raw(given)
        with self.clock.stage(Stage.SPEAKERS):
            spoken = roles_of_text(spoken, self.metadata.channel_roles)
        return self._judge(self._redact(spoken), _Facts.of_transcript(spoken, given.duration_ms))

    def of_speakers(
        self, found: CallAnalysis, said: SafeTranscript, sound: Callable[[], Audio | None]
    ) -> CorrectedCall:
        """Return what follows when a person says who speaks; `sound` gives the muted audio."""
        further = self._further(found, said)
        redacted = further.redacted
        more = redacted.muted != found.muted
        audio = sound() if more or self.settings.analysis.acoustics else None
        changed = None
        if more and audio is not None:
            with self.clock.stage(Stage.MUTE):
                mute(audio, redacted.muted)
                flac = encode_flac(audio, redacted.muted, self.settings.redaction.sound)
                changed = flac, waveform(audio)
        flac, peaks = changed or (b"", None)
        made = self._provenance_since(found.provenance, redacted=_rests_on_roles(said))
        return CorrectedCall(
            analysis=self._analysed(redacted, _Facts.of_earlier(found, further), made, audio),
            values=redacted.values,
            waveform=peaks,
            muted_audio=flac,
        )

    def _further(self, found: CallAnalysis, said: SafeTranscript) -> Further:
        """Redact what has to be where other people speak; estimated roles decided on nothing."""
        if not _rests_on_roles(said):
            as_before = Redacted(
                transcript=said, redactions=found.redactions, values=(), muted=found.muted
            )
            return Further(as_before, found.corrections)
        return beside(found, self._redact(as_spoken(said)))

    def _redact(self, spoken: RawTranscript) -> Redacted:
        with self.clock.stage(Stage.REDACT):
            return self.stages.redactor.redact(spoken, agent_name=self.metadata.agent)

    def _corrected(self, spoken: RawTranscript) -> tuple[Redacted, tuple[Correction, ...]]:
        """Redact what was heard, with the words of the client's list where they are meant."""
        if self.listed is None or spoken.language != LANGUAGE:
            return self._redact(spoken), ()
        with self.clock.stage(Stage.REDACT):
            return self.listed.redact(spoken, self.stages.redactor, agent_name=self.metadata.agent)

    def _judge(self, redacted: Redacted, facts: _Facts, sound: Audio | None = None) -> AnalysedCall:
        """Analyse and score what is safe, and put the result together."""
        made = self._provenance(redacted.transcript, from_audio=facts.sample_rate_hz > 0)
        return AnalysedCall(
            analysis=self._analysed(redacted, facts, made, sound),
            values=redacted.values,
            waveform=facts.waveform,
            muted_audio=facts.flac.content(),
            seconds=self.clock.seconds,
        )

    def _analysed(
        self, redacted: Redacted, facts: _Facts, made: Provenance, sound: Audio | None
    ) -> CallAnalysis:
        if not self.settings.analysis.acoustics:
            sound = None
        with self.clock.stage(Stage.ANALYSE):
            heard = voices.measure(redacted.transcript, sound.samples) if sound else None
            analysed = self.stages.analyst.analyse(redacted.transcript, facts.duration_ms)
        with self.clock.stage(Stage.SCORE):
            transcript = redacted.transcript
            roles_known = all(turn.role is not Role.UNKNOWN for turn in transcript.turns)
            scorecard = self.stages.analyst.pack.scorecard
            result, flags = score(scorecard, analysed.findings, roles_known=roles_known)
        return CallAnalysis(
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
            provenance=made,
            voices=heard,
            corrections=facts.corrections,
            proof=facts.proof,
        )

    def labels(self, source_name: str) -> Labels | None:
        """Return what came with a recording that is kept, made safe by all finders."""
        if not source_name:
            return None
        return self.stages.redactor.labels(source_name, self.metadata)

    def _provenance(self, said: SafeTranscript, *, from_audio: bool) -> Provenance:
        settings = self.settings
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
            packs=(*self.stages.analyst.pack.lineage, *self.stages.redactor.lineage),
            vocabulary_sha256=self.listed.sha256 if self.listed and from_audio else None,
        )

    def _provenance_since(self, before: Provenance, *, redacted: bool) -> Provenance:
        """Return how a corrected result was made: heard as before, analysed by what is here now."""
        analyst, redactor = self.stages.analyst, self.stages.redactor
        today = {"spacy-en", TAGGER} if redacted else set[str]()
        heard = takewhile(lambda ref: ref.name != analyst.models[0], before.models)
        kept = (self.models.ref(ref.name) if ref.name in today else ref for ref in heard)
        number = len(redactor.lineage)
        recognisers = redactor.lineage if redacted else before.packs[-number:]
        return replace(
            before,
            app_version=__version__,
            models=(*kept, *map(self.models.ref, analyst.models)),
            settings_sha256=digest(self.settings),
            threads=self.stages.threads,
            packs=(*analyst.pack.lineage, *recognisers),
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
    flac: Aside
    corrections: tuple[Correction, ...] = ()
    proof: Proof | None = None

    def muted_again(self, audio: Audio, redacted: Redacted, sound: Sound) -> _Facts:
        """Return the facts with the sound as it is now."""
        flac = aside(encode_flac(audio, redacted.muted, sound))
        return replace(self, muted=redacted.muted, waveform=waveform(audio), flac=flac)

    @classmethod
    def of_audio(cls, audio: Audio, redacted: Redacted, sound: Sound) -> _Facts:
        warnings = ["audio-truncated"] if audio.truncated else []
        warnings += _doubts(redacted)
        return cls(
            audio.duration_ms,
            audio.channels,
            audio.source_rate_hz,
            redacted.muted,
            tuple(warnings),
            waveform(audio),
            aside(encode_flac(audio, redacted.muted, sound)),
        )

    @classmethod
    def of_transcript(cls, spoken: RawTranscript, duration_ms: int) -> _Facts:
        last_ms = max(turn.end_ms for turn in spoken.turns)
        channels = 1 + max(turn.channel for turn in spoken.turns)
        warnings = _doubts_of_language(spoken) + ([] if last_ms else ["no-times"])
        nothing = Waveform(step_ms=1, peaks=())
        return cls(max(duration_ms, last_ms), channels, 0, (), tuple(warnings), nothing, aside(b""))

    @classmethod
    def of_earlier(cls, found: CallAnalysis, further: Further) -> _Facts:
        known = all(turn.role is not Role.UNKNOWN for turn in further.redacted.transcript.turns)
        warnings = [one for one in found.warnings if not (known and one in _OF_UNKNOWN_ROLES)]
        return cls(
            found.duration_ms,
            found.channels,
            found.sample_rate_hz,
            further.redacted.muted,
            tuple(warnings),
            Waveform(step_ms=1, peaks=()),
            aside(b""),
            further.corrections,
            found.proof,
        )


_OF_UNKNOWN_ROLES = frozenset({"roles-unknown", "speakers-not-separated"})


def _pack_of(found: CallAnalysis) -> str:
    """Return the name of the pack with which a call was analysed; empty where none is known."""
    told = found.provenance.packs[:-1]  # the last names the recognisers
    lineage = [one for one in told if not one.startswith(POLICY)]
    return lineage[-1].rpartition("-")[0] if lineage else ""


def _rests_on_roles(said: SafeTranscript) -> bool:
    """Return whether redaction looked at who speaks: never where that is estimated."""
    return said.role_basis is not RoleBasis.ESTIMATED


def _heard(request: SpeakersRequest) -> Audio | None:
    """Return the muted audio of a call that was corrected, if it has sound."""
    if not request.muted_audio:
        return None
    minutes = request.analysis.duration_ms // 60_000 + 1
    return decode(request.muted_audio, longest_minutes=minutes)


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
        give_back()
        self.seconds[stage.value] = round(time.perf_counter() - started, 3)
        self.report(stage, 1.0)
