"""Domain values for tests: whole, consistent and small."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from app.access import Session
from app.domain import (
    AnalysedCall,
    CallAnalysis,
    Evidence,
    Finding,
    FindingKind,
    Flag,
    FoundAgain,
    Measures,
    ModelRef,
    MutedSpan,
    Policy,
    Proof,
    ProofMode,
    ProofOutcome,
    Provenance,
    RedactedCall,
    RedactedValue,
    Redaction,
    Role,
    RoleBasis,
    SafeTranscript,
    Score,
    SentimentLabel,
    Severity,
    Sha256,
    SummarySentence,
    Turn,
    TurnSentiment,
    Waveform,
    Word,
)

if TYPE_CHECKING:
    from app.domain import Person


def session_of(person: Person, policy: Policy | None = None) -> Session:
    """Return a session of a person that does not end while a test lasts."""
    started = datetime.now(UTC)
    return Session(person, started, policy or Policy(), lambda: started)


def turn(index: int, role: Role, text: str, start_ms: int) -> Turn:
    """Return a turn whose words take 300 ms each."""
    words: list[Word] = []
    position = 0
    for number, part in enumerate(text.split()):
        position = text.index(part, position)
        at = start_ms + 300 * number
        end = position + len(part)
        words.append(
            Word(text=part, start=position, end=end, start_ms=at, end_ms=at + 280, confidence=0.9)
        )
        position = end
    return Turn(
        index=index,
        channel=0 if role is Role.AGENT else 1,
        role=role,
        start_ms=start_ms,
        end_ms=words[-1].end_ms,
        text=text,
        words=tuple(words),
        confidence=0.9,
    )


def evidence(of: Turn) -> Evidence:
    """Return the whole of a turn as evidence."""
    return Evidence(
        turn=of.index, start=0, end=len(of.text), start_ms=of.start_ms, end_ms=of.end_ms
    )


def transcript() -> SafeTranscript:
    """Return a conversation of four turns with one redaction in it."""
    return SafeTranscript(
        turns=(
            turn(0, Role.AGENT, "thank you for calling my name is Sam", 0),
            turn(1, Role.CUSTOMER, "I want to make a complaint about my bill", 3_000),
            turn(2, Role.AGENT, "can I take the card number please", 7_000),
            turn(3, Role.CUSTOMER, "it is [CARD-1] thank you", 10_000),
        ),
        language="en",
        role_basis=RoleBasis.CHANNEL_MAP,
        role_confidence=1.0,
    )


def call_analysis(**changes: Any) -> CallAnalysis:
    """Return an analysis of `transcript()` with a complaint in it."""
    said = transcript()
    complaint = evidence(said.turns[1])
    whole = CallAnalysis(
        duration_ms=13_000,
        channels=2,
        sample_rate_hz=8_000,
        transcript=said,
        redactions=(
            Redaction(
                kind="CARD",
                value=1,
                turn=3,
                start=6,
                end=40,
                safe_start=6,
                safe_end=14,
                start_ms=10_600,
                end_ms=10_880,
                confidence=0.99,
                rule="card-luhn",
            ),
        ),
        muted=(MutedSpan(channel=1, start_ms=10_520, end_ms=10_960),),
        findings=(
            Finding(
                kind=FindingKind.CONDUCT,
                label="complaint",
                title="The customer complains",
                confidence=0.9,
                evidence=(complaint,),
            ),
        ),
        sentiment=(TurnSentiment(turn=1, label=SentimentLabel.NEGATIVE, score=-0.7),),
        measures=Measures(
            talk_ms=9_000,
            agent_talk_ms=5_000,
            customer_talk_ms=4_000,
            silence_ms=4_000,
            longest_silence_ms=900,
            overtalk_ms=0,
            interruptions=0,
            agent_talk_ratio=0.55,
            agent_words_per_minute=150.0,
            customer_words_per_minute=160.0,
            customer_sentiment=-0.7,
            customer_sentiment_trend=None,
        ),
        summary=(SummarySentence(text="I want to make a complaint about my bill", turns=(1,)),),
        score=Score(scorecard="general", value=75.0, criteria=()),
        flags=(
            Flag(
                label="complaint",
                title="Complaint",
                severity=Severity.WARNING,
                evidence=(complaint,),
            ),
        ),
        warnings=(),
        provenance=Provenance(
            app_version="0.1.0",
            models=(ModelRef(name="whisper-base", version="1", sha256=Sha256("0" * 64)),),
            settings_sha256=Sha256("1" * 64),
            device="cpu",
            compute_type="int8",
            threads=2,
            packs=("general-1",),
        ),
    )
    return replace(whole, **changes)


def proof(outcome: ProofOutcome = ProofOutcome.HELD_BACK, **changes: Any) -> Proof:
    """Return the proof of a call in which a card was understood again, but for a clean one."""
    clean = outcome is ProofOutcome.CLEAN
    whole = Proof(
        mode=ProofMode.STANDARD,
        outcome=outcome,
        rounds=1 if clean else 3,
        stretches=4,
        heard_ms=12_300,
        found=() if clean else (FoundAgain(kind="CARD", places=1),),
        models=("whisper-base",),
    )
    return replace(whole, **changes)


def held_back_call() -> AnalysedCall:
    """Return what a worker sends back for a call that a person has to listen to."""
    return analysed_call(analysis=call_analysis(proof=proof()))


def proven_call(**changes: Any) -> AnalysedCall:
    """Return what a worker sends back for a call in whose muted audio nothing was found."""
    clean = proof(ProofOutcome.CLEAN)
    return analysed_call(analysis=call_analysis(proof=clean), **changes)


def analysed_call(**changes: Any) -> AnalysedCall:
    """Return what a worker sends back for `call_analysis()`."""
    whole = AnalysedCall(
        analysis=call_analysis(),
        values=(RedactedValue(kind="CARD", value=1, digest=b"\x07" * 32),),
        waveform=Waveform(step_ms=50, peaks=(bytes(range(200)), bytes(200))),
        muted_audio=b"fLaC" + bytes(200),
        seconds={"transcribe": 1.5},
    )
    return replace(whole, **changes)


def redacted_call() -> RedactedCall:
    """A transcript made safe, of the same call."""
    found = call_analysis()
    return RedactedCall(
        transcript=found.transcript, redactions=found.redactions, provenance=found.provenance
    )
