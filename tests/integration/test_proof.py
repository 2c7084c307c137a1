"""A call with a spoken card whose muting is falsified: heard again, it is mended or held back."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Settings
from app.domain import CallMetadata, ProofOutcome, Role
from app.engine import pipeline as whole
from app.engine import proof as proving
from app.engine.pipeline import Pipeline
from app.engine.redaction import Redactor
from app.engine.wire import Request
from tests.arrays import decoded

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "resources" / "samples"

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def pipeline():
    return Pipeline(ROOT / "resources", None, threads=2)


def _analysed(pipeline):
    request = Request(
        content="audio",
        payload=(SAMPLES / "retail.opus").read_bytes(),
        suffix=".opus",
        settings=Settings(),
        metadata=CallMetadata(channel_roles=(Role.AGENT, Role.CUSTOMER)),
    )
    return pipeline.analyse(request, lambda *_: None)


def _audible(found):
    """Return how many words of the card are heard in the muted audio: by the gold standard's times,
    where more than half of them is not silent."""
    gold = json.loads((SAMPLES / "retail.json").read_text(encoding="utf-8"))
    card = next(one for one in gold["entities"] if one["kind"] == "CARD")
    turn = gold["turns"][card["turn"]]
    sound = decoded(found.muted_audio, longest_minutes=10).samples[turn["channel"]]
    said = [word for word in turn["words"] if card["start"] <= word["start"] < card["end"]]
    assert len(said) >= 16
    heard = [sound[word["start_ms"] * 16 : word["end_ms"] * 16] for word in said]
    return sum(bool((abs(one) > 8).mean() > 0.5) for one in heard)


def test_a_card_that_was_not_muted_is_heard_again_and_muted(pipeline, monkeypatch):
    redact = Redactor.redact

    def without_longest(self, raw, **more):
        redacted = redact(self, raw, **more)
        longest = max(redacted.muted, key=lambda span: span.end_ms - span.start_ms)
        return replace(redacted, muted=tuple(one for one in redacted.muted if one != longest))

    monkeypatch.setattr(Redactor, "redact", without_longest)
    found = _analysed(pipeline)
    proof = found.analysis.proof
    assert proof.outcome is ProofOutcome.MENDED
    assert "CARD" in {one.kind for one in proof.found}
    assert _audible(found) == 0
    assert found.seconds["verify"] > 0


def test_a_card_that_cannot_be_silenced_holds_the_call_back(pipeline, monkeypatch):
    for module in (whole, proving):
        monkeypatch.setattr(module, "mute", lambda _audio, _spans: None)
    found = _analysed(pipeline)
    assert found.analysis.held_back
    assert found.analysis.proof.rounds == proving.ROUNDS
    assert _audible(found) >= 16
