"""Whether what the settings ask for is installed, before anything is taken in or analysed.

A wrong setting is one mistake and is told once, not once for each call that it would fail. Reads
manifests and the files of model packs; loads no model.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.engine import analysis
from app.engine.models import ENCODER, ONNX_HEADS, OWN_HEADS, WHISPER
from app.engine.redaction import TAGGER, chosen_policy

if TYPE_CHECKING:
    from pathlib import Path

    from app.config import Settings
    from app.engine.models import ModelLibrary


def check(settings: Settings, models: ModelLibrary, resources: Path, *, sound: bool) -> None:
    """Raise where the settings name what is not here: `UsageError` for an industry pack or a
    redaction policy, `ModelMissing`, `ModelMismatch` or `DeviceMissing` for models and the device.

    `sound` tells whether there are recordings to hear, or transcripts alone.
    """
    analysis.chosen(models, settings.analysis, resources / "packs")
    chosen_policy(resources / "recognisers", settings.redaction)
    for name in ("spacy-en", TAGGER, ENCODER, OWN_HEADS):
        models.look_at(name)
    if settings.analysis.heads != OWN_HEADS:
        models.look_at(settings.analysis.heads, kind=ONNX_HEADS)
    if sound:
        models.look_at("silero-vad")
        models.look_at(settings.speech.model, kind=WHISPER)
        if settings.execution.device == "cuda":
            models.placed("cuda")
