"""The whole way of one recording, where the recording and what is said of it do not fit."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from app.config import Settings, override
from app.domain import CallMetadata, EntryKind, Role, RoleBasis
from app.engine.pipeline import Pipeline
from app.engine.said_by import swapped
from app.engine.wire import Request
from app.errors import AudioTruncated, ChannelMapWrong
from tests.unit.engine.recordings import recording, tone

ROOT = Path(__file__).parents[2]
BOTH = (Role.AGENT, Role.CUSTOMER)

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def pipeline():
    """The real one, on the processor."""
    return Pipeline(ROOT / "resources", None, threads=2)


@pytest.fixture(scope="module")
def analysed(pipeline):
    """Analyse a WAV with a channel map; what is left of a cut one, too, where it is accepted."""

    def running(content, roles=(), *, accept_truncated=False, vocabulary="", hints=0):
        changes = {"audio.accept_truncated": accept_truncated, "execution.device": "cpu"}
        changes["speech.hints"] = hints
        request = Request(
            content="audio",
            payload=content,
            settings=override(Settings(), changes),
            metadata=CallMetadata(channel_roles=roles),
            vocabulary=vocabulary,
        )
        return pipeline.analyse(request, lambda *_: None).analysis

    return running


@pytest.fixture(scope="module")
def one_side():
    """Twelve seconds of one channel of a sample."""
    sound, rate_hz = soundfile.read(ROOT / "resources" / "samples" / "utilities.wav")
    return recording(sound[: 12 * rate_hz, :1], rate_hz)


def test_what_is_left_of_a_call_on_one_channel_says_what_limits_it(analysed, one_side):
    cut = one_side[: len(one_side) * 3 // 4]
    with pytest.raises(AudioTruncated):
        analysed(cut, BOTH)
    found = analysed(cut, BOTH, accept_truncated=True)
    assert {"audio-truncated", "channel-map-not-used"} < set(found.warnings)
    assert found.duration_ms == pytest.approx(9000, abs=10)
    assert {turn.role for turn in found.transcript.turns} == {Role.UNKNOWN}
    assert [model.name for model in found.provenance.models] == [
        *(
            "whisper-base",
            "silero-vad",
            "speaker-encoder",
            "spacy-en",
            "tagger",
            "minilm",
            "call-heads",
        )
    ]
    assert found.provenance.packs[-1].startswith("recognisers-")


def test_both_sides_on_one_channel_are_told_apart_and_marked_as_estimated(analysed):
    samples = ROOT / "resources" / "samples"
    sound, rate_hz = soundfile.read(samples / "public-service.wav")
    found = analysed(recording(sound.sum(axis=1, keepdims=True), rate_hz))
    said = found.transcript
    assert found.channels == 1
    assert said.role_basis is RoleBasis.ESTIMATED
    assert 0.5 < said.role_confidence < 0.9
    assert "speakers-estimated" in found.warnings
    assert {turn.channel for turn in said.turns} == {0}
    gold = json.loads((samples / "public-service.json").read_text(encoding="utf-8"))["turns"]
    words = [(word, turn.role) for turn in said.turns for word in turn.words]
    right = [role == _speaking(gold, word) for word, role in words if _speaking(gold, word)]
    assert len(right) > 100
    assert sum(right) / len(right) > 0.97
    assert 0.3 < found.measures.agent_talk_ratio < 0.8


def _speaking(gold, word):
    """Return the role that speaks in the middle of a word, where it is one."""
    middle = (word.start_ms + word.end_ms) / 2
    roles = {turn["role"] for turn in gold if turn["start_ms"] <= middle < turn["end_ms"]}
    return roles.pop() if len(roles) == 1 else None


def test_a_rest_in_which_nobody_speaks_was_cut_off_before_it_was_silent(analysed):
    cut = recording(tone(10.0), 8000)[:8044]
    with pytest.raises(AudioTruncated, match=r"nobody speaks in the 0\.5 s"):
        analysed(cut, accept_truncated=True)


def test_a_channel_map_of_another_recording_fails_the_call(analysed):
    with pytest.raises(ChannelMapWrong, match="names 1 channel, and the call has 2"):
        analysed(recording(tone(1.0, 8000, 2), 8000), (Role.AGENT,))


def test_what_a_person_said_of_the_speakers_outlasts_another_analysis(pipeline):
    sound, rate_hz = soundfile.read(ROOT / "resources" / "samples" / "utilities.wav")
    request = Request(
        content="audio",
        payload=recording(sound[: 10 * rate_hz], rate_hz),
        settings=override(Settings(), {"execution.device": "cpu"}),
        metadata=CallMetadata(channel_roles=BOTH),
    )
    first = pipeline.analyse(replace(request), lambda *_: None)
    assert first.corrected is None
    said = swapped(first.analysis.transcript)
    again = pipeline.analyse(replace(request, corrected=said), lambda *_: None)
    assert again.analysis == first.analysis, "what the program finds is as it was"
    kept = again.corrected.analysis
    assert [turn.role for turn in kept.transcript.turns] == [turn.role for turn in said.turns]
    assert kept.measures.agent_talk_ms == first.analysis.measures.customer_talk_ms
    assert kept.provenance == first.analysis.provenance
    assert spoken(first.analysis) <= spoken(kept), "nothing comes back"


def spoken(analysis):
    """Return which stretches of what was spoken are redacted."""
    return {(one.turn, one.start, one.end, one.kind) for one in analysis.redactions}


def test_a_word_list_puts_a_name_right_and_says_so(analysed):
    sound, rate_hz = soundfile.read(ROOT / "resources" / "samples" / "utilities.wav")
    begin = recording(sound[: 10 * rate_hz], rate_hz)
    without = analysed(begin, BOTH)
    assert "Bluegum Energy" not in without.transcript.turns[0].text
    assert (without.corrections, without.provenance.vocabulary_sha256) == ((), None)
    listed = "[names]\nNobody Atall\n[products]\nBluegum Energy\nVelmora"
    found = analysed(begin, BOTH, vocabulary=listed)
    (correction,) = found.corrections
    turn = found.transcript.turns[correction.turn]
    assert turn.text[correction.start : correction.end] == "Bluegum Energy"
    assert all(turn.text[word.start : word.end] == word.text for word in turn.words)
    assert correction.kind is EntryKind.PRODUCT
    assert 0.7 <= correction.likeness <= 1
    assert correction.confidence < 0.85
    assert len(found.provenance.vocabulary_sha256) == 64
    assert found.provenance.settings_sha256 == without.provenance.settings_sha256
    assert len(found.redactions) >= len(without.redactions)
    assert analysed(begin, BOTH, vocabulary=listed) == found
    told = analysed(begin, BOTH, vocabulary="Bluegum Energy", hints=1)
    assert "Bluegum Energy" in told.transcript.turns[0].text
    assert told.provenance.settings_sha256 != found.provenance.settings_sha256


def test_what_came_with_a_recording_is_made_safe_in_the_worker(pipeline):
    def labels(**known):
        payload = b'{"turns": [{"text": "hello"}]}'
        request = Request(content="transcript", payload=payload, settings=Settings(), **known)
        return pipeline.analyse(request, lambda *_: None).labels

    assert labels() is None
    known = CallMetadata(customer_reference="KL-88412")
    found = labels(source_name="call_Wojciechowska_20260301.wav", metadata=known)
    assert found.source_name == "call_[PERSON-1]_20260301.wav"
    assert found.customer_reference == "KL-88412"
    assert {one.kind for one in found.values} == {"PERSON", "CUSTOMER_REFERENCE"}


def test_a_tone_is_heard_where_something_is_muted(pipeline):
    sound, rate_hz = soundfile.read(ROOT / "resources" / "samples" / "utilities.wav")
    content = recording(sound[: 25 * rate_hz], rate_hz)

    def muted(kind):
        changes = {"redaction.sound": kind, "execution.device": "cpu"}
        request = Request(
            content="audio",
            payload=content,
            settings=override(Settings(), changes),
            metadata=CallMetadata(channel_roles=BOTH),
        )
        made = pipeline.analyse(request, lambda *_: None)
        samples, rate = soundfile.read(io.BytesIO(made.muted_audio), dtype="int16")
        return made.analysis, samples, rate

    analysis, silent, rate = muted("silence")
    same, toned, _ = muted("tone")
    assert same.muted == analysis.muted
    assert same.provenance.settings_sha256 != analysis.provenance.settings_sha256
    span = max(analysis.muted, key=lambda one: one.end_ms - one.start_ms)
    inside = slice((span.start_ms + 50) * rate // 1000, (span.end_ms - 50) * rate // 1000)
    assert abs(silent[inside, span.channel]).max() <= 60
    heard = np.abs(np.fft.rfft(toned[inside, span.channel]))
    assert abs(np.argmax(heard) * rate / len(toned[inside]) - 1000) < 20
