"""Speech to text where a graphics card is found, on a computer that has none.

The probe is a fake; the model, its loading and CTranslate2's own refusal are real. A card that
computes is stood in for by the processor at 32 bits, which is at least as exact as float16.
"""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from app.config import ExecutionSettings, SpeechSettings
from app.engine.audio import RATE_HZ, Audio
from app.engine.models import ModelLibrary, cuda_compute_types, gpu_faults
from app.engine.recognition import Recogniser
from app.engine.transcription import Transcriber
from app.errors import DeviceMissing
from tests.arrays import decoded
from tests.spoken import words as plain

ROOT = Path(__file__).parents[2]
CARD = frozenset({"float16", "int8_float16", "int8", "float32"})

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def call() -> Audio:
    content = (ROOT / "resources" / "samples" / "utilities.wav").read_bytes()
    audio = decoded(content, longest_minutes=5)
    return Audio(audio.samples[:, : 20 * RATE_HZ], audio.source_rate_hz)


def _said(models: ModelLibrary, call: Audio, device: str) -> list[str]:
    execution = ExecutionSettings(device=device, threads_per_worker=2)
    heard = Transcriber(models, SpeechSettings(), execution).transcribe(
        call, progress=lambda _: None
    )
    return plain(" ".join(turn.text for turn in heard.turns))


@pytest.fixture
def no_card() -> None:
    if cuda_compute_types():
        pytest.skip("this computer has a graphics card")


@pytest.mark.usefixtures("no_card")
def test_a_card_that_cannot_compute_is_left_alone_where_the_choice_is_ours(call: Audio) -> None:
    promised = ModelLibrary(ROOT / "resources", None, gpu=lambda: CARD)
    assert promised.placed("auto") == ("cuda", "float16")
    assert _said(promised, call, "auto") == _said(
        ModelLibrary(ROOT / "resources", None), call, "cpu"
    )
    assert promised.placed("auto") == ("cpu", "int8")  # what provenance will say


@pytest.mark.usefixtures("no_card")
def test_a_card_that_cannot_compute_is_named_where_it_was_asked_for(call: Audio) -> None:
    promised = ModelLibrary(ROOT / "resources", None, gpu=lambda: CARD)
    with pytest.raises(DeviceMissing, match="cannot compute") as raised:
        _said(promised, call, "cuda")
    assert "fewer `workers`" in raised.value.advice


@pytest.mark.parametrize("types", [CARD, CARD - {"float16"}])
def test_what_a_card_hears_is_what_the_processor_hears(
    call: Audio, monkeypatch: pytest.MonkeyPatch, types: frozenset[str]
) -> None:
    import faster_whisper

    asked: list[tuple[str, str]] = []

    class OnTheProcessor(faster_whisper.WhisperModel):
        def __init__(self, name: str, **how: object) -> None:
            asked.append((str(how.pop("device")), str(how.pop("compute_type"))))
            super().__init__(name, device="cpu", compute_type="float32", **how)

    expected = _said(ModelLibrary(ROOT / "resources", None), call, "cpu")
    monkeypatch.setattr(faster_whisper, "WhisperModel", OnTheProcessor)
    models = ModelLibrary(ROOT / "resources", None, gpu=lambda: types)
    found = _said(models, call, "auto")
    assert asked == [("cuda", "float16" if "float16" in types else "int8_float16")]
    assert models.placed("auto") == asked[0]
    differing = sum(one != other for one, other in zip(found, expected, strict=False))
    differing += abs(len(found) - len(expected))
    assert len(expected) > 20
    assert differing <= 0.05 * len(expected)  # the tolerance that speech.md states


def test_a_card_takes_larger_batches_of_one_call_alone() -> None:
    sizes: dict[str, list[int]] = {}
    for device in ("cpu", "cuda"):
        model = SimpleNamespace(model=SimpleNamespace(device=device))
        recogniser = Recogniser(model, beam_size=1, short_windows=False)
        recogniser._batch = lambda windows, *_: list(windows)  # type: ignore[method-assign]
        sizes[device] = []
        encoder = SimpleNamespace(brief=False)
        assert recogniser.recognise(range(35), encoder, "en", sizes[device].append) == list(
            range(35)
        )  # type: ignore[arg-type,comparison-overlap]
    assert sizes == {"cpu": [4] * 8 + [3], "cuda": [16, 16, 3]}


@pytest.mark.parametrize(
    "said", ["CUDA failed with error out of memory", "cuBLAS failed with status 13"]
)
def test_a_card_that_fails_on_the_way_is_no_call_s_fault(said: str) -> None:
    with pytest.raises(DeviceMissing), gpu_faults():
        raise RuntimeError(said)
    with pytest.raises(RuntimeError, match="something else"), gpu_faults():
        raise RuntimeError("something else")
