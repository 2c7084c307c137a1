"""Vaults for the window's tests and pictures: real vaults, filled with prepared outcomes.

No speech model is needed: calls are imported, claimed and saved through the storage as processing
does it, with outcomes that are written here.
"""

from __future__ import annotations

import io
import math
import random
import shutil
import tempfile
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile

from app.domain import (
    AnalysedCall,
    CallAnalysis,
    CallId,
    CallMetadata,
    Criterion,
    Direction,
    Evidence,
    Failure,
    Finding,
    FindingKind,
    Flag,
    Measures,
    ModelRef,
    MutedSpan,
    Person,
    PersonName,
    PersonRole,
    ProofOutcome,
    Provenance,
    Redaction,
    Role,
    RoleBasis,
    SafeTranscript,
    Scope,
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
from app.storage import vault
from app.storage.keys import LOWEST_COST
from app.ui.words import PLACEHOLDER
from tests.builders import proof

if TYPE_CHECKING:
    from app.storage.vault import Vault

PASSPHRASE = "seven quiet herons by the canal"
RATE = 8000
STEP_MS = 20

_A, _C = Role.AGENT, Role.CUSTOMER
SCRIPT: tuple[tuple[Role, str], ...] = (
    (
        _A,
        "Good afternoon, this is Northfield Energy. This call is recorded. How can I help?",
    ),
    (
        _C,
        "Hello, I am [PERSON-1]. I have been charged twice this month, nobody can say why.",
    ),
    (_A, "I am sorry to hear that. Can I take your account number, please?"),
    (_C, "Yes, it is [ACCOUNT_NUMBER-1], and the postcode is [POSTCODE-1]."),
    (_A, "Thank you. I can see both payments here, one on the second and one on the fifth."),
    (_C, "This is the third time I call about it. I want to make a complaint."),
    (
        _A,
        "I will log the complaint now, and you will have an answer within eight weeks.",
    ),
    (
        _C,
        "My husband passed away in March, and I just cannot afford to pay the bills twice.",
    ),
    (_A, "I am very sorry for your loss. Let me pass the second payment back to your card today."),
    (_C, "The card is [CARD-1], it runs out [CARD_EXPIRY-1]."),
    (
        _A,
        "You will see it in five days. I have also noted that you may need extra support.",
    ),
    (_C, "Thank you, that does help. Should I do anything else?"),
    (_A, "No, that is all from our side. We will send the complaint reference to [EMAIL-1]."),
    (_C, "All right. Thank you for sorting it out."),
    (_A, "You are welcome. Take care, goodbye."),
)
_MS_PER_WORD = 330
FLAGS = (
    ("complaint", "Complaint", Severity.WARNING),
    ("bereavement", "Bereavement", Severity.ALERT),
    ("financial-hardship", "Financial hardship", Severity.WARNING),
    ("no-disclosure", "Recording notice missing", Severity.NOTICE),
    ("threat-to-leave", "Customer threatens to leave", Severity.NOTICE),
)


@dataclass(frozen=True, slots=True)
class Filled:
    """A vault and what is in it: the ids of the calls that are done, and of the others."""

    folder: Path
    done: tuple[CallId, ...]
    failed: tuple[CallId, ...]
    queued: tuple[CallId, ...]


def turns(script: tuple[tuple[Role, str], ...] = SCRIPT) -> tuple[Turn, ...]:
    """Return a script as turns with times."""
    made: list[Turn] = []
    at = 600
    for number, (role, text) in enumerate(script):
        words: list[Word] = []
        position = 0
        start_ms = at
        for order, part in enumerate(text.split()):
            start = text.index(part, position)
            position = start + len(part)
            confidence = 0.35 if (number * 7 + order) % 29 == 11 else 0.94
            end_ms = at + _MS_PER_WORD - 40
            words.append(
                Word(
                    text=part,
                    start=start,
                    end=position,
                    start_ms=at,
                    end_ms=end_ms,
                    confidence=confidence,
                )
            )
            at += _MS_PER_WORD
        channel = 0 if role is Role.AGENT else 1
        made.append(
            Turn(
                index=number,
                channel=channel,
                role=role,
                start_ms=start_ms,
                end_ms=at,
                text=text,
                words=tuple(words),
                confidence=0.9,
            )
        )
        at += 700 if number != 8 else 3400
    return tuple(made)


def evidence(turn: Turn, phrase: str) -> Evidence:
    """Return the place of a phrase in a turn."""
    start = turn.text.index(phrase)
    end = start + len(phrase)
    inside = [w for w in turn.words if w.start < end and w.end > start]
    return Evidence(
        turn=turn.index, start=start, end=end, start_ms=inside[0].start_ms, end_ms=inside[-1].end_ms
    )


@cache
def story() -> AnalysedCall:
    """Return a whole call: a customer was charged twice, complains, and is in a hard place."""
    said = turns()
    redactions, muted = _redacted(said)
    complaint = evidence(said[5], "I want to make a complaint")
    loss = evidence(said[7], "My husband passed away")
    hardship = evidence(said[7], "I just cannot afford to pay")
    twice = evidence(said[1], "charged twice this month")
    promise = evidence(said[8], "pass the second payment back")
    duration_ms = said[-1].end_ms + 900
    analysis = CallAnalysis(
        duration_ms=duration_ms,
        channels=2,
        sample_rate_hz=RATE,
        transcript=SafeTranscript(
            turns=said, language="en", role_basis=RoleBasis.GUESSED, role_confidence=0.86
        ),
        redactions=redactions,
        muted=muted,
        findings=(
            _finding(FindingKind.TOPIC, "billing", "Bill or charge", 0.93, twice),
            _finding(
                FindingKind.CONDUCT, "complaint", "The customer makes a complaint", 0.96, complaint
            ),
            _finding(FindingKind.VULNERABILITY, "bereavement", "A bereavement is told", 0.95, loss),
            _finding(FindingKind.VULNERABILITY, "hardship", "Paying is hard", 0.88, hardship),
            _finding(FindingKind.TOPIC, "refund", "Refund", 0.84, promise),
            _finding(
                FindingKind.COMPLIANCE,
                "recording-notice",
                "The recording is announced",
                0.97,
                evidence(said[0], "This call is recorded"),
            ),
        ),
        sentiment=tuple(_sentiment(turn) for turn in said),
        measures=Measures(
            talk_ms=said[-1].end_ms - 9_000,
            agent_talk_ms=35_600,
            customer_talk_ms=32_400,
            silence_ms=9_800,
            longest_silence_ms=3_400,
            overtalk_ms=1_200,
            interruptions=1,
            agent_talk_ratio=0.52,
            agent_words_per_minute=148.0,
            customer_words_per_minute=156.0,
            customer_sentiment=-0.34,
            customer_sentiment_trend=0.42,
        ),
        summary=(
            SummarySentence(
                text="I have been charged twice this month, nobody can say why.", turns=(1,)
            ),
            SummarySentence(
                text="This is the third time I call about it. I want to make a complaint.",
                turns=(5,),
            ),
            SummarySentence(
                text="Let me pass the second payment back to your card today.", turns=(8,)
            ),
        ),
        score=Score(
            scorecard="general",
            value=80.0,
            criteria=(
                _criterion(
                    "greeting", "Greets and names the company", evidence(said[0], "Good afternoon")
                ),
                _criterion(
                    "notice", "Announces the recording", evidence(said[0], "This call is recorded")
                ),
                Criterion(label="verify", title="Verifies the customer", weight=2.0, met=False),
                _criterion(
                    "empathy", "Shows empathy", evidence(said[8], "I am very sorry for your loss")
                ),
                Criterion(label="sale", title="Reads the sale's terms", weight=1.0, met=None),
            ),
        ),
        flags=(
            Flag(
                label="bereavement", title="Bereavement", severity=Severity.ALERT, evidence=(loss,)
            ),
            Flag(
                label="complaint",
                title="Complaint",
                severity=Severity.WARNING,
                evidence=(complaint,),
            ),
            Flag(
                label="financial-hardship",
                title="Financial hardship",
                severity=Severity.WARNING,
                evidence=(hardship,),
            ),
        ),
        warnings=(),
        provenance=Provenance(
            app_version="0.1.0",
            models=(
                ModelRef(name="whisper-base", version="1.0.0", sha256=Sha256("d01c3014" * 8)),
                ModelRef(name="minilm", version="0.1.0", sha256=Sha256("8199be6f" * 8)),
            ),
            settings_sha256=Sha256("4c1f" * 16),
            device="cpu",
            compute_type="int8",
            threads=2,
            packs=("general 1",),
        ),
    )
    return AnalysedCall(
        analysis=analysis,
        values=(),
        waveform=_waveform(analysis),
        muted_audio=_sound(analysis),
        seconds={"transcribe": 6.1},
    )


def short_outcome(number: int) -> AnalysedCall:
    """Return a small outcome whose length, mood, score and flags depend on a number."""
    dice = random.Random(number)
    whole = story()
    said = whole.analysis.transcript.turns[:4]
    picked = dice.sample(FLAGS, k=dice.choice((0, 0, 0, 1, 1, 2, 3)))
    picked.sort(key=lambda flag: (Severity.ALERT, Severity.WARNING, Severity.NOTICE).index(flag[2]))
    shown = (evidence(said[1], "charged twice this month"),)
    mood = max(-1.0, min(1.0, dice.gauss(0.1, 0.4)))
    analysis = replace(
        whole.analysis,
        duration_ms=dice.randrange(45_000, 1_500_000),
        transcript=replace(whole.analysis.transcript, turns=said),
        redactions=(),
        muted=(),
        findings=(),
        sentiment=(),
        summary=(),
        measures=replace(whole.analysis.measures, customer_sentiment=mood),
        score=Score(scorecard="general", value=float(dice.randrange(35, 101, 5)), criteria=()),
        flags=tuple(
            Flag(label=label, title=title, severity=severity, evidence=shown)
            for label, title, severity in picked
        ),
    )
    return replace(
        whole, analysis=analysis, waveform=Waveform(step_ms=20, peaks=(b"", b"")), muted_audio=b""
    )


def in_german(outcome: AnalysedCall) -> AnalysedCall:
    """Return an outcome of a call that was heard in German, and not surely so."""
    analysis = outcome.analysis
    said = replace(analysis.transcript, language="de", language_confidence=0.46)
    warnings = ("language-not-supported", "language-uncertain")
    return replace(outcome, analysis=replace(analysis, transcript=said, warnings=warnings))


def on_one_channel(outcome: AnalysedCall, *, told_apart: bool = True) -> AnalysedCall:
    """Return an outcome of the same call on one channel, its voices told apart or not."""
    analysis = outcome.analysis
    said = tuple(
        replace(
            turn,
            channel=0,
            speaker=turn.channel if told_apart else None,
            role=turn.role if told_apart else Role.UNKNOWN,
        )
        for turn in analysis.transcript.turns
    )
    transcript = replace(
        analysis.transcript,
        turns=said,
        role_basis=RoleBasis.ESTIMATED,
        role_confidence=0.78 if told_apart else 0.0,
    )
    mono = replace(
        analysis,
        channels=1,
        transcript=transcript,
        muted=tuple(replace(span, channel=0) for span in analysis.muted),
        warnings=("speakers-estimated" if told_apart else "speakers-not-separated",),
    )
    left, right = outcome.waveform.peaks
    together = Waveform(step_ms=STEP_MS, peaks=(bytes(map(max, left, right)),))
    return replace(outcome, analysis=mono, waveform=together, muted_audio=_sound(mono))


def held_back(outcome: AnalysedCall) -> AnalysedCall:
    """Return an outcome of a call in which a card was understood to the last."""
    return replace(outcome, analysis=replace(outcome.analysis, proof=proof()))


def proven(outcome: AnalysedCall) -> AnalysedCall:
    """Return an outcome of a call in whose muted sound nothing was found."""
    clean = proof(ProofOutcome.CLEAN)
    return replace(outcome, analysis=replace(outcome.analysis, proof=clean))


def metadata(number: int) -> CallMetadata:
    """Return what a recorder would say of a call."""
    dice = random.Random(number * 31 + 5)
    started = datetime(2026, 3, 27, 16, 40, tzinfo=UTC) - timedelta(
        minutes=23 * number + dice.randrange(9)
    )
    return CallMetadata(
        agent=dice.choice(("A. Osei", "M. Lindqvist", "P. Novak", "R. Haddad", "S. Whitlock")),
        queue=dice.choice(("Billing", "Billing", "Moving home", "Retention", "Complaints")),
        direction=Direction.INBOUND,
        started_at=started.isoformat(timespec="seconds"),
        channel_roles=(),
    )


FAILURE = Failure(
    code="audio-unreadable",
    sentence="The file is damaged, or is no recording.",
    hint="Export the recording as WAV, MP3, Ogg, FLAC, M4A, WebM or AMR and import it again.",
)


def new_vault(folder: Path, *, demo: bool = False) -> Vault:
    """Return a new vault, open, that is quick to unlock."""
    return vault.create(folder, PASSPHRASE, demo=demo, cost=LOWEST_COST)


def filled(
    folder: Path, *, done: int = 1, failed: int = 0, queued: int = 0, demo: bool = False
) -> Filled:
    """Copy a vault with calls to a folder: the newest is `story`, the others are small."""
    master = _made_once(done, failed, queued, demo)
    shutil.copytree(master.folder, folder)
    return replace(master, folder=folder)


class Masters:
    """Where the vaults lie that are copied."""

    folder: Path | None = None  # the temporary one


@cache
def _made_once(done: int, failed: int, queued: int, demo: bool) -> Filled:
    folder = Path(tempfile.mkdtemp(prefix="scene-", dir=Masters.folder)) / "vault"
    opened = new_vault(folder, demo=demo)
    try:
        finished = tuple(
            add_done(opened, number, story() if number == 0 else short_outcome(number))
            for number in range(done)
        )
        broken = tuple(_save(opened, 5000 + number, FAILURE) for number in range(failed))
        waiting = tuple(_add(opened, 8000 + number) for number in range(queued))
    finally:
        opened.close()
    return Filled(folder, finished, broken, waiting)


REVIEWER = Person(
    name=PersonName("Rita"),
    roles=frozenset({PersonRole.REVIEWER}),
    scope=Scope(limited=True, queues=("Complaints",)),
)
AUDITOR = Person(name=PersonName("Otto"), roles=frozenset({PersonRole.AUDITOR}))
OFFICER = Person(name=PersonName("Priya"), roles=frozenset({PersonRole.PRIVACY_OFFICER}))
ADMINISTRATOR = Person(name=PersonName("Adam"), roles=frozenset({PersonRole.ADMINISTRATOR}))
PASSPHRASES = {
    "owner": PASSPHRASE,
    "Rita": "three brown bears under a willow",
    "Otto": "eleven grey geese over the quarry",
    "Priya": "forty blue kites above the harbour",
    "Adam": "sixteen wet boots behind the chapel",
}


def office(
    folder: Path, *people: Person, done: int = 12, failed: int = 0, queued: int = 0
) -> Filled:
    """Copy a vault with calls and these people beside its owner to a folder."""
    made = filled(folder, done=done, failed=failed, queued=queued)
    with vault.open_vault(folder, PASSPHRASE) as opened:
        for person in people:
            opened.people.add(person, PASSPHRASES[person.name], actor="owner", cost=LOWEST_COST)
    return made


def add_done(opened: Vault, number: int, outcome: AnalysedCall) -> CallId:
    """Import a made-up recording and save its outcome."""
    return _save(opened, number, outcome)


def add_waiting(opened: Vault, number: int) -> CallId:
    """Import a made-up recording that waits in the queue."""
    return _add(opened, number)


def _save(opened: Vault, number: int, outcome: AnalysedCall | Failure) -> CallId:
    call = _add(opened, number)
    lease = opened.jobs.claim("scene")
    assert lease is not None
    assert lease.call.id == call
    assert opened.calls.save(lease, outcome, actor="scene")
    return call


def _add(opened: Vault, number: int) -> CallId:
    content = b"recording number %d" % number
    name = f"REC-2026-{40210 - number:05d}.wav"
    added = opened.calls.add(content, name=name, metadata=metadata(number), actor="scene")
    return added.call.id


def _redacted(said: tuple[Turn, ...]) -> tuple[tuple[Redaction, ...], tuple[MutedSpan, ...]]:
    redactions, muted = [], []
    for turn in said:
        for match in PLACEHOLDER.finditer(turn.text):
            inside = [w for w in turn.words if w.start < match.end() and w.end > match.start()]
            start_ms, end_ms = inside[0].start_ms - 40, inside[-1].end_ms + 40
            redactions.append(
                Redaction(
                    kind=match[1],
                    value=int(match[2]),
                    turn=turn.index,
                    start=match.start(),
                    end=match.end(),
                    safe_start=match.start(),
                    safe_end=match.end(),
                    start_ms=start_ms,
                    end_ms=end_ms,
                    confidence=0.97,
                    rule="scene",
                )
            )
            muted.append(MutedSpan(channel=turn.channel, start_ms=start_ms, end_ms=end_ms))
    return tuple(redactions), tuple(muted)


def _finding(kind: FindingKind, label: str, title: str, sure: float, shown: Evidence) -> Finding:
    return Finding(kind=kind, label=label, title=title, confidence=sure, evidence=(shown,))


def _criterion(label: str, title: str, shown: Evidence) -> Criterion:
    return Criterion(label=label, title=title, weight=1.0, met=True, evidence=(shown,))


def _sentiment(turn: Turn) -> TurnSentiment:
    score = {1: -0.6, 5: -0.7, 7: -0.8, 11: 0.4, 13: 0.6}.get(turn.index, 0.0)
    word = "neutral" if not score else "negative" if score < 0 else "positive"
    return TurnSentiment(turn=turn.index, label=SentimentLabel(word), score=score)


def _waveform(analysis: CallAnalysis) -> Waveform:
    dice = random.Random(4)
    lanes = [bytearray(b"\x02" * (analysis.duration_ms // STEP_MS)) for _ in range(2)]
    for turn in analysis.transcript.turns:
        for word in turn.words:
            for step in range(word.start_ms // STEP_MS, word.end_ms // STEP_MS):
                along = (step * STEP_MS - word.start_ms) / (word.end_ms - word.start_ms)
                lanes[turn.channel][step] = int(
                    dice.uniform(90, 240) * max(0.0, math.sin(math.pi * along)) ** 0.6
                )
    for span in analysis.muted:
        for step in range(span.start_ms // STEP_MS, span.end_ms // STEP_MS):
            lanes[span.channel][step] = 0
    return Waveform(step_ms=STEP_MS, peaks=tuple(bytes(lane) for lane in lanes))


def _sound(analysis: CallAnalysis) -> bytes:
    shape = (analysis.duration_ms * RATE // 1000, analysis.channels)
    samples = np.zeros(shape, dtype=np.int16)
    tone = (np.sin(np.arange(len(samples)) * 2 * np.pi * 220 / RATE) * 4000).astype(np.int16)
    for turn in analysis.transcript.turns:
        start, end = turn.start_ms * RATE // 1000, turn.end_ms * RATE // 1000
        samples[start:end, turn.channel] = tone[start:end]
    for span in analysis.muted:
        samples[span.start_ms * RATE // 1000 : span.end_ms * RATE // 1000, span.channel] = 0
    packed = io.BytesIO()
    soundfile.write(packed, samples, RATE, format="FLAC", subtype="PCM_16")
    return packed.getvalue()
