"""The real encoder, heads and packs on whole calls: what a careful listener would also note."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from app.config import AnalysisSettings
from app.domain import Finding, SafeTranscript, SentimentLabel
from app.engine.analysis import Analysed, Analyst
from app.engine.models import ModelLibrary
from app.engine.packs import import_pack
from app.engine.scoring import score
from tests.onnx_graphs import linear
from tests.unit.engine.analysis.calls import call, length_of

pytestmark = pytest.mark.models
RESOURCES = Path(__file__).parents[2] / "resources"

UTILITIES = call(
    "A: Good morning, you're through to Northgate Energy, my name is Beth. Calls are recorded for "
    "training. How can I help?",
    "C: Hi, I'm ringing about my bill. It's doubled since January and I've called three times "
    "about it and nobody's got back to me.",
    "A: I'm sorry to hear that. Can I take your full name and the first line of your address?",
    "C: It's [PERSON-1], [ADDRESS-1].",
    "A: Thanks. I can see the last two bills were estimated, because the smart meter stopped "
    "sending readings in February.",
    "C: Well that's ridiculous, I can't afford to pay four hundred pounds. My hours have been cut "
    "and I've got my mum here, she's on oxygen.",
    "A: I completely understand, that must be really worrying. I can put you on the priority "
    "services register so you get extra help.",
    "C: Okay, that would help.",
    "A: If you give me a reading now, you'll get the new bill by email within two days. I'll also "
    "set up a payment plan of thirty pounds a month.",
    "C: Oh, thank you so much, that's a relief. You've been really helpful.",
    "A: You're welcome. Is there anything else I can help you with?",
    "C: No, that's everything. Bye.",
)
FINANCE_MISSED = call(
    "A: Hello, card services.",
    "C: my dad passed away in march and his card is still being charged for things",
    "A: what is the card number",
    "C: [CARD-1]",
    "A: right that has been cancelled",
    "C: okay",
)


@pytest.fixture(scope="module")
def analysts() -> dict[str, Analyst]:
    models = ModelLibrary(RESOURCES, None)
    settings = {name: AnalysisSettings(pack=name) for name in ("utilities", "finance", "general")}
    return {name: Analyst(models, s, RESOURCES / "packs") for name, s in settings.items()}


def labels(findings: tuple[Finding, ...]) -> set[str]:
    return {finding.label for finding in findings}


def check_evidence(analysed: Analysed, transcript: SafeTranscript, duration_ms: int) -> None:
    for finding in analysed.findings:
        for shown in finding.evidence:
            text = transcript.turns[shown.turn].text
            assert 0 <= shown.start < shown.end <= len(text)
            assert 0 <= shown.start_ms <= shown.end_ms <= duration_ms


def test_a_whole_call(analysts: dict[str, Analyst]) -> None:
    duration = length_of(UTILITIES)
    analysed = analysts["utilities"].analyse(UTILITIES, duration)
    check_evidence(analysed, UTILITIES, duration)
    found = labels(analysed.findings)
    assert found >= {
        "meter-reading", "high-bill", "recording-notice", "identity-check", "financial-hardship",
        "health", "complaint", "repeat-contact", "empathy", "next-step", "closing",
        "vulnerability-acknowledged", "priority-services", "thanks",
    }  # fmt: skip
    assert not found & {"bereavement", "agent-rude", "threat-to-leave", "leak-emergency"}
    by_turn = {judged.turn: judged for judged in analysed.sentiment}
    assert by_turn[5].label is SentimentLabel.NEGATIVE
    assert by_turn[9].label is SentimentLabel.POSITIVE
    assert analysed.measures.customer_sentiment_trend is not None
    assert analysed.measures.customer_sentiment_trend > 0.5


def test_its_summary_is_its_own_words(analysts: dict[str, Analyst]) -> None:
    summary = analysts["utilities"].analyse(UTILITIES, length_of(UTILITIES)).summary
    assert 2 <= len(summary) <= 5
    assert all(s.text in UTILITIES.turns[n].text for s in summary for n in s.turns)
    assert any("bill" in s.text or "doubled" in s.text for s in summary[:2])


def test_its_score_and_flags(analysts: dict[str, Analyst]) -> None:
    analyst = analysts["utilities"]
    findings = analyst.analyse(UTILITIES, length_of(UTILITIES)).findings
    result, flags = score(analyst.pack.scorecard, findings)
    assert result.value is not None
    assert result.value > 90
    assert {f.label for f in flags} >= {"vulnerable-customer", "complaint", "repeat-contact"}
    assert not any(f.label.endswith("missed") for f in flags)


def test_a_bereavement_that_nobody_acknowledges_is_an_alert(analysts: dict[str, Analyst]) -> None:
    analyst = analysts["finance"]
    findings = analyst.analyse(FINANCE_MISSED, length_of(FINANCE_MISSED)).findings
    result, flags = score(analyst.pack.scorecard, findings)
    assert flags[0].label == "vulnerability-missed"
    missed = next(c for c in result.criteria if c.label == "acknowledges-vulnerability")
    assert missed.met is False
    assert [e.turn for e in missed.evidence] == [1]


def test_the_same_call_gives_the_same_result(analysts: dict[str, Analyst]) -> None:
    duration = length_of(UTILITIES)
    first = analysts["utilities"].analyse(UTILITIES, duration)
    again = Analyst(
        ModelLibrary(RESOURCES, None), AnalysisSettings(pack="utilities"), RESOURCES / "packs"
    )
    assert again.analyse(UTILITIES, duration) == first


def test_punctuation_and_capitals_change_little(analysts: dict[str, Analyst]) -> None:
    lines = [
        f"{turn.role.value[0].upper()}: {re.sub(r'[.,?]', '', turn.text).lower()}"
        for turn in UTILITIES.turns
    ]
    plain = call(*lines)
    found = labels(analysts["utilities"].analyse(plain, length_of(plain)).findings)
    assert found >= {"high-bill", "financial-hardship", "complaint", "repeat-contact", "thanks"}


@pytest.mark.parametrize(
    "lines", [(), ("C: ",), ("C: ...",), ("U: yes",), ("A: " + "word " * 5000,)]
)
def test_odd_calls_are_analysed_too(analysts: dict[str, Analyst], lines: tuple[str, ...]) -> None:
    transcript = call(*(line for line in lines if line.split()[1:]))
    analysed = analysts["general"].analyse(transcript, length_of(transcript))
    assert len(analysed.sentiment) == len(transcript.turns)


def test_heads_of_a_pack_judge_in_place_of_those_that_ship(tmp_path: Path) -> None:
    """A head that finds everything negative, and one that hears one topic everywhere."""
    bias = np.array([0, 5, 0], np.float32)
    sure = np.array([5, 0], np.float32)
    graphs = {
        "s.onnx": linear(np.zeros((384, 3), np.float32), bias),
        "t.onnx": linear(np.zeros((384, 2), np.float32), sure),
    }
    source = tmp_path / "pack"
    source.mkdir()
    text = 'format = 1\nname = "own"\nkind = "onnx-heads"\nversion = "1"\npurpose = "all bad"\n'
    text += 'licence = "own"\nsource = "here"\nencoder = "minilm-1.0.0"\n'
    for name, content in graphs.items():
        (source / name).write_bytes(content)
        text += f'[[file]]\nname = "{name}"\nsize = {len(content)}\n'
        text += f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
    text += '[[head]]\nfile = "s.onnx"\npurpose = "sentiment"\ninput = 384\n'
    text += 'labels = ["neutral", "negative", "positive"]\n'
    text += '[[head]]\nfile = "t.onnx"\npurpose = "topics"\ninput = 384\n'
    text += 'labels = ["high-bill", "none"]\n'
    (source / "pack.toml").write_text(text)
    import_pack(source, tmp_path / "packs", encoder="minilm-1.0.0")
    models = ModelLibrary(RESOURCES, tmp_path / "packs")
    settings = AnalysisSettings(pack="utilities", heads="own")
    analyst = Analyst(models, settings, RESOURCES / "packs")
    assert analyst.models == ("minilm", "own")
    analysed = analyst.analyse(UTILITIES, length_of(UTILITIES))
    assert {judged.label for judged in analysed.sentiment} == {SentimentLabel.NEGATIVE}
    bill = next(finding for finding in analysed.findings if finding.label == "high-bill")
    assert len(bill.evidence) > 4
    assert analysed == analyst.analyse(UTILITIES, length_of(UTILITIES))
