"""Speech to text with the shipped models on the shipped samples and on sound that is no speech."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import numpy as np
import pytest

from app.config import ExecutionSettings, SpeechSettings
from app.domain import Role, RoleBasis
from app.engine.audio import RATE_HZ, Audio
from app.engine.models import ModelLibrary
from app.engine.speakers import assign_roles
from app.engine.transcription import RawTranscript, Transcriber
from app.errors import AudioSilent, DeviceMissing
from tests.arrays import decoded
from tests.spoken import words as plain

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "resources" / "samples"

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def models() -> ModelLibrary:
    return ModelLibrary(ROOT / "resources", None)


def _transcriber(models: ModelLibrary, **settings: object) -> Transcriber:
    speech = msgspec.convert(settings, SpeechSettings)
    return Transcriber(models, speech, ExecutionSettings(device="cpu", threads_per_worker=2))


def _quiet(_done: float) -> None:
    """Nobody watches the progress."""


@pytest.fixture(scope="module")
def call() -> Audio:
    """The first half of a minute of a call of two synthetic voices on two channels at 8 kHz."""
    audio = decoded((SAMPLES / "utilities.wav").read_bytes(), longest_minutes=5)
    return Audio(audio.samples[:, : 30 * RATE_HZ], audio.source_rate_hz)


@pytest.fixture(scope="module")
def heard(models: ModelLibrary, call: Audio) -> RawTranscript:
    return _transcriber(models).transcribe(call, progress=_quiet)


def test_hears_what_the_script_says(heard: RawTranscript) -> None:
    gold = msgspec.json.decode((SAMPLES / "utilities.json").read_bytes())
    said = plain(" ".join(turn["text"] for turn in gold["turns"]))
    found = plain(" ".join(turn.text for turn in heard.turns))
    assert heard.language == "en"
    assert heard.language_confidence is not None
    assert 0.5 < heard.language_confidence <= 1
    assert len(found) > 30
    missing = sum(word not in said for word in found)
    assert missing <= len(found) // 10


def test_words_have_exact_offsets_and_times_in_order(heard: RawTranscript, call: Audio) -> None:
    assert {turn.channel for turn in heard.turns} == {0, 1}
    for turn in heard.turns:
        assert turn.role is Role.UNKNOWN
        assert 0 <= turn.start_ms < turn.end_ms <= call.duration_ms + 60
        times = [word.start_ms for word in turn.words]
        assert times == sorted(times)
        for word in turn.words:
            assert turn.text[word.start : word.end] == word.text
            assert turn.start_ms <= word.start_ms < word.end_ms <= turn.end_ms
            assert 0 <= word.confidence <= 1


def test_the_roles_are_guessed_from_what_is_said(heard: RawTranscript) -> None:
    gold = msgspec.json.decode((SAMPLES / "utilities.json").read_bytes())
    agent = next(turn["channel"] for turn in gold["turns"] if turn["role"] == "agent")
    guessed = assign_roles(heard, (), 2)
    assert guessed.role_basis is RoleBasis.GUESSED
    assert {turn.channel for turn in guessed.turns if turn.role is Role.AGENT} == {agent}


@pytest.mark.parametrize(
    ("sample", "beam", "left_out"),
    [("public-service", 1, "1134960122"), ("utilities", 3, "going to the ombudsman")],
)
def test_what_whisper_leaves_out_is_heard_the_second_time(
    models: ModelLibrary, sample: str, beam: int, left_out: str
) -> None:
    """A telephone number that came out as "0", and the end of a complaint that was skipped."""
    audio = decoded((SAMPLES / f"{sample}.wav").read_bytes(), longest_minutes=5)
    found = _transcriber(models, language="en", beam_size=beam).transcribe(audio, progress=_quiet)
    gold = msgspec.json.decode((SAMPLES / f"{sample}.json").read_bytes())
    sign = "double two" if beam == 1 else "ombudsman"
    (said,) = (turn for turn in gold["turns"] if sign in turn["text"])
    heard = [
        word
        for turn in found.turns
        if turn.channel == said["channel"]
        for word in turn.words
        if said["start_ms"] - 300 <= word.start_ms <= said["end_ms"]
    ]
    text = " ".join(word.text for word in heard)
    if left_out.isdigit():
        text = "".join(filter(str.isdigit, text))
    assert left_out in text
    assert max(word.end_ms for word in heard) > said["end_ms"] - 1000


def test_the_same_sound_gives_the_same_words_again(
    models: ModelLibrary, call: Audio, heard: RawTranscript
) -> None:
    again = _transcriber(models).transcribe(call, progress=_quiet)
    assert msgspec.json.encode(again) == msgspec.json.encode(heard)


def test_what_was_heard_before_changes_nothing(
    models: ModelLibrary, call: Audio, heard: RawTranscript
) -> None:
    transcriber = _transcriber(models)
    quieter = Audio(call.samples[:, : 10 * RATE_HZ] // 16, call.source_rate_hz)
    transcriber.transcribe(quieter, progress=_quiet)
    again = transcriber.transcribe(call, progress=_quiet)
    assert msgspec.json.encode(again) == msgspec.json.encode(heard)


CHILD = """
import sys, pathlib, msgspec
from app.config import ExecutionSettings, SpeechSettings
from app.engine.audio import RATE_HZ, Audio
from tests.arrays import decoded
from app.engine.models import ModelLibrary
from app.engine.transcription import Transcriber
audio = decoded(pathlib.Path(sys.argv[1]).read_bytes(), longest_minutes=5)
audio = Audio(audio.samples[:, : 30 * RATE_HZ], audio.source_rate_hz)
execution = ExecutionSettings(device="cpu", threads_per_worker=int(sys.argv[2]))
library = ModelLibrary(pathlib.Path("resources"), None)
found = Transcriber(library, SpeechSettings(), execution).transcribe(audio, progress=lambda _: None)
sys.stdout.buffer.write(msgspec.json.encode(found))
"""


@pytest.mark.parametrize("threads", [1, 2])
def test_another_process_with_other_threads_hears_the_same(
    heard: RawTranscript, threads: int
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(SAMPLES / "utilities.wav"), str(threads)],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    assert done.stdout == msgspec.json.encode(heard)


def test_progress_rises_to_the_end(models: ModelLibrary, call: Audio) -> None:
    told: list[float] = []
    _transcriber(models, language="en").transcribe(call, progress=told.append)
    assert told == sorted(told)
    assert told[-1] == 1.0


def _tones(*hertz: float, seconds: float = 20.0) -> np.ndarray:
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    return sum(np.sin(2 * np.pi * each * time) for each in hertz) / max(1, len(hertz))


def _pulsed(sound: np.ndarray, on_s: float, off_s: float) -> np.ndarray:
    time = np.arange(len(sound)) / RATE_HZ
    return sound * (time % (on_s + off_s) < on_s)


def _dial() -> np.ndarray:
    keys = [(697, 1209), (770, 1336), (852, 1477), (941, 1336), (697, 1477), (852, 1209)] * 10
    return np.concatenate([_pulsed(_tones(*key, seconds=0.2), 0.1, 0.1) for key in keys])


def _melody() -> np.ndarray:
    """Hold music: chords that change, with overtones and a beat."""
    chords = [(262, 330, 392), (220, 262, 330), (175, 220, 262), (196, 247, 294)] * 6
    bars = [_tones(*(n * k for n in chord for k in (1, 2, 3)), seconds=1.0) for chord in chords]
    beat = np.concatenate([np.linspace(1, 0.2, RATE_HZ // 2)] * (2 * len(bars)))
    return np.concatenate(bars) * beat


def _noise(seconds: float = 20.0) -> np.ndarray:
    return np.random.default_rng(5).normal(0, 0.3, int(seconds * RATE_HZ))


NO_SPEECH = {
    "tone": _tones(1000),
    "ring-back": _pulsed(_tones(400, 450), 0.4, 2.0),
    "busy": _pulsed(_tones(480, 620), 0.5, 0.5),
    "dial": _dial(),
    "music": _melody(),
    "noise": _noise(),
    "quiet noise": _noise() * 0.01,
    "brown noise": np.cumsum(_noise()) / 200,
    "hum": _tones(50, 150, 250),
    "clicks": _pulsed(_noise(), 0.005, 1.0),
}


@pytest.mark.parametrize("name", sorted(NO_SPEECH))
@pytest.mark.parametrize("language", ["auto", "en"])
def test_what_is_no_speech_is_never_written_down(
    models: ModelLibrary, name: str, language: str
) -> None:
    sound = np.clip(NO_SPEECH[name] * 0.4 * 32767, -32768, 32767).astype(np.int16)
    with pytest.raises(AudioSilent):
        _transcriber(models, language=language).transcribe(
            Audio(np.stack([sound, sound // 3]), 8000), progress=_quiet
        )


def test_speech_after_minutes_of_hold_music_has_its_own_time(
    models: ModelLibrary, call: Audio, heard: RawTranscript
) -> None:
    music = np.clip(_melody() * 8000, -32768, 32767).astype(np.int16)
    hold = np.stack([np.tile(music, 5), np.zeros(5 * len(music), np.int16)])
    held_ms = hold.shape[1] * 1000 // RATE_HZ
    late = Audio(np.concatenate([hold, call.samples], axis=1), 8000)
    found = _transcriber(models).transcribe(late, progress=_quiet)
    assert all(turn.start_ms >= held_ms - 100 for turn in found.turns)
    first, last = found.turns[0], found.turns[-1]
    assert abs(first.start_ms - held_ms - heard.turns[0].start_ms) <= 250
    assert abs(last.end_ms - held_ms - heard.turns[-1].end_ms) <= 250


def test_what_leaks_to_the_other_channel_is_not_written_twice(
    models: ModelLibrary, call: Audio, heard: RawTranscript
) -> None:
    lag = RATE_HZ * 60 // 1000
    mixed = call.samples.astype(np.float32)
    mixed[0, lag:] += 0.05 * call.samples[1, :-lag]  # -26 dB
    leaking = Audio(np.clip(mixed, -32768, 32767).astype(np.int16), call.source_rate_hz)
    found = _transcriber(models).transcribe(leaking, progress=_quiet)
    (leak,) = found.leaks
    assert (leak.source, leak.target) == (1, 0)
    assert abs(leak.delay_ms - 60) <= 20
    assert heard.leaks == ()
    for channel in (0, 1):
        said, again = (
            plain(" ".join(turn.text for turn in raw.turns if turn.channel == channel))
            for raw in (heard, found)
        )
        assert abs(len(again) - len(said)) <= max(2, len(said) // 10)


def test_a_gpu_that_is_not_there_is_named() -> None:
    models = ModelLibrary(ROOT / "resources", None, gpu=frozenset)
    transcriber = Transcriber(models, SpeechSettings(), ExecutionSettings(device="cuda"))
    sound = decoded((SAMPLES / "utilities.wav").read_bytes(), longest_minutes=5)
    with pytest.raises(DeviceMissing):
        transcriber.transcribe(sound, progress=_quiet)
