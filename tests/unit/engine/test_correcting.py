"""What follows when a person says who speaks: with the shipped models, from the safe transcript."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.config import Settings, override
from app.domain import CallMetadata, Role, RoleBasis, SentimentLabel
from app.engine.pipeline import Pipeline
from app.engine.said_by import swapped, with_turns
from app.engine.wire import Request, SpeakersRequest

ROOT = Path(__file__).parents[3]
A, C, U = Role.AGENT, Role.CUSTOMER, Role.UNKNOWN
RATE = 16_000

pytestmark = [pytest.mark.models, pytest.mark.usefixtures("qapp")]

# Channel 1 is the agent; the channel map says that channel 0 is.
CALLED = [
    (1, "Thank you for calling Northfield Energy. How can I help you today?"),
    (0, "Hello, this is Declan Osgood. I want to make a complaint about my bill, it is awful."),
    (1, "I am sorry to hear that. Can I take your account number, please?"),
    (0, "It is 48213377, and my e-mail is declan.osgood@example.com."),
    (1, "Thank you, Declan. I will put that right for you now, is there anything else?"),
    (0, "No, that was terrible service, and I am really angry about it. Goodbye."),
]


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(ROOT / "resources", None, threads=2)


def analysed(pipeline, roles=(A, C), settings=None):
    """The call as the program analyses it, with a channel map."""
    turns = [
        {"text": text, "channel": channel, "start_ms": 8000 * n, "end_ms": 8000 * n + 7000}
        for n, (channel, text) in enumerate(CALLED)
    ]
    request = Request(
        content="transcript",
        payload=json.dumps({"turns": turns}).encode(),
        settings=settings or Settings(),
        metadata=CallMetadata(channel_roles=roles),
    )
    return pipeline.analyse(request, lambda *_: None).analysis


def corrected(pipeline, found, said, *, audio=b"", settings=None):
    request = SpeakersRequest(
        analysis=found, said=said, muted_audio=audio, settings=settings or Settings()
    )
    return pipeline.correct(request)


def words(analysis):
    return " ".join(turn.text for turn in analysis.transcript.turns)


def flac():
    tone = np.sin(np.arange(48 * RATE) / 20) * 8000
    packed = io.BytesIO()
    soundfile.write(packed, np.stack([tone, tone], 1).astype(np.int16), RATE, format="FLAC")
    return packed.getvalue()


def test_a_name_that_was_taken_for_the_agents_goes_with_the_roles(pipeline):
    found = analysed(pipeline)
    assert "Declan Osgood" in words(found), "the program believed the channel map"
    made = corrected(pipeline, found, swapped(found.transcript), audio=flac())
    kept = made.analysis
    assert "Declan" not in words(kept)
    assert "Osgood" not in words(kept)
    assert "[PERSON-1]" in kept.transcript.turns[1].text
    for placeholder in ("[ACCOUNT_NUMBER-1]", "[EMAIL-1]"):
        assert placeholder in words(found)
        assert placeholder in words(kept)
    assert {(one.kind, one.value) for one in found.redactions} < {
        (one.kind, one.value) for one in kept.redactions
    }
    for one in kept.redactions:
        text = kept.transcript.turns[one.turn].text
        assert text[one.safe_start : one.safe_end] == f"[{one.kind}-{one.value}]"
    spoken = CALLED[1][1]
    (name,) = [one for one in kept.redactions if one.turn == 1]
    assert spoken[name.start : name.end] == "Declan Osgood"
    assert {value.kind for value in made.values} == {"PERSON"}


def test_the_name_is_muted_too_and_what_was_silent_stays_silent(pipeline):
    found = analysed(pipeline)
    made = corrected(pipeline, found, swapped(found.transcript), audio=flac())
    sound, rate = soundfile.read(io.BytesIO(made.muted_audio), dtype="int16", always_2d=True)
    spans = [span for span in made.analysis.muted if span.channel == 0]
    assert spans
    for span in spans:
        start, end = span.start_ms * rate // 1000, min(span.end_ms * rate // 1000, len(sound))
        assert not sound[start:end, 0].any()
    assert sound[:rate, 0].any()
    step = made.waveform.step_ms
    assert made.waveform.peaks[0][spans[0].start_ms // step + 1] == 0


def test_findings_score_and_measures_follow_the_roles(pipeline):
    found = analysed(pipeline)
    kept = corrected(pipeline, found, swapped(found.transcript)).analysis
    assert kept.measures.agent_talk_ms == found.measures.customer_talk_ms
    assert kept.measures.customer_sentiment < found.measures.customer_sentiment
    assert [turn.role for turn in kept.transcript.turns] == [A, C, A, C, A, C]
    negative = {one.turn for one in kept.sentiment if one.label is SentimentLabel.NEGATIVE}
    assert negative & {1, 5}
    assert kept.transcript.role_basis is RoleBasis.CHANNEL_MAP
    assert kept.provenance.models == found.provenance.models
    assert kept.provenance.packs == found.provenance.packs


def test_it_is_the_same_as_if_the_roles_had_been_right_but_for_what_stays_redacted(pipeline):
    right = analysed(pipeline, (C, A))
    found = analysed(pipeline)
    kept = corrected(pipeline, found, swapped(found.transcript)).analysis
    assert kept.measures == right.measures
    assert [one.label for one in kept.findings] == [one.label for one in right.findings]
    assert kept.score == right.score


def test_estimated_roles_redact_nothing_more_and_nothing_less(pipeline):
    found = analysed(pipeline, ())
    turns = tuple(replace(turn, channel=0, speaker=turn.channel) for turn in found.transcript.turns)
    said = replace(
        found.transcript, turns=turns, role_basis=RoleBasis.ESTIMATED, role_confidence=0.7
    )
    found = replace(found, transcript=said, channels=1, warnings=("speakers-estimated",))
    made = corrected(pipeline, found, with_turns(said, {0, 2}, C), audio=b"not read")
    kept = made.analysis
    assert words(kept) == words(found)
    assert (made.values, made.waveform, made.muted_audio) == ((), None, b"")
    assert kept.redactions == found.redactions
    assert kept.warnings == ("speakers-estimated",)
    assert kept.transcript.role_confidence == 0.7


def test_what_was_said_of_unknown_roles_goes_when_all_are_known(pipeline):
    found = analysed(pipeline, ())
    turns = tuple(replace(turn, role=U) for turn in found.transcript.turns)
    said = replace(found.transcript, turns=turns, role_basis=RoleBasis.ESTIMATED)
    found = replace(found, transcript=said, warnings=("roles-unknown", "no-times"))
    some = corrected(pipeline, found, with_turns(said, {0}, A)).analysis
    assert some.warnings == ("roles-unknown", "no-times")
    every = with_turns(with_turns(said, {0, 2, 4}, A), {1, 3, 5}, C)
    assert corrected(pipeline, found, every).analysis.warnings == ("no-times",)


def test_levels_of_voices_are_measured_on_the_muted_sound(pipeline):
    settings = override(Settings(), {"analysis.acoustics": True})
    found = analysed(pipeline)
    said = swapped(found.transcript)
    kept = corrected(pipeline, found, said, audio=flac(), settings=settings).analysis
    assert kept.voices.agent_level_db == pytest.approx(kept.voices.customer_level_db, abs=1)
    assert corrected(pipeline, found, said, settings=settings).analysis.voices is None


def test_a_call_is_analysed_again_with_its_own_pack(pipeline):
    retail = override(Settings(), {"analysis.pack": "retail"})
    found = analysed(pipeline, settings=retail)
    kept = corrected(pipeline, found, swapped(found.transcript)).analysis
    assert kept.score.scorecard == found.score.scorecard == "retail"
    assert kept.provenance == found.provenance
    gone = (*found.provenance.packs[:-2], "gone-7", found.provenance.packs[-1])
    found = replace(found, provenance=replace(found.provenance, packs=gone))
    kept = corrected(pipeline, found, swapped(found.transcript)).analysis
    assert kept.score.scorecard == "general"
