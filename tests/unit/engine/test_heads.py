"""Heads that a client brings are tried before they are kept, and judge what their pack declares."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import AnalysisSettings
from app.domain import SentimentLabel
from app.engine.analysis import chosen
from app.engine.analysis.encoder import WIDTH
from app.engine.analysis.heads import CLASSES, OnnxHead, in_order, try_out
from app.engine.manifest import ModelHead, parse_pack
from app.engine.models import ModelLibrary
from app.engine.packs import import_pack
from app.errors import ModelMismatch, ModelMissing, PackInvalid, UsageError
from tests.onnx_graphs import linear

ROOT = Path(__file__).parents[3]
ENCODER = "minilm-1.0.0"
LABELS = ("positive", "negative", "neutral")


def graph(labels=3, width=WIDTH, **options):
    weights = np.random.default_rng(3).standard_normal((width, labels)).astype(np.float32)
    return linear(weights, np.zeros(labels, np.float32), **options)


def declared(**changes):
    whole = {"file": "head.onnx", "purpose": "sentiment", "input": WIDTH, "labels": LABELS}
    return ModelHead(**{**whole, **changes})


def pack(folder, content=None, *, head=None, encoder=ENCODER, tables=1):
    content = graph() if content is None else content
    head = declared() if head is None else head
    labels = ", ".join(f'"{label}"' for label in head.labels)
    folder.mkdir()
    (folder / "head.onnx").write_bytes(content)
    lines = ["format = 1", 'name = "my-heads"', 'kind = "onnx-heads"', 'version = "3"']
    lines += ['purpose = "sentiment of our calls"', 'licence = "ours"', 'source = "here"']
    lines += [f'encoder = "{encoder}"', "[[file]]", 'name = "head.onnx"', f"size = {len(content)}"]
    lines += [f'sha256 = "{hashlib.sha256(content).hexdigest()}"']
    one = ["[[head]]", f'file = "{head.file}"', f'purpose = "{head.purpose}"']
    one += [f"input = {head.input}", f"labels = [{labels}]"]
    (folder / "pack.toml").write_text("\n".join([*lines, *one * tables, ""]))
    return folder


def kept(source, tmp_path):
    packs = tmp_path / "packs"
    card = import_pack(source, packs, encoder=ENCODER)
    return card, ModelLibrary(ROOT / "resources", packs)


def test_a_pack_of_heads_is_kept_and_says_what_it_judges(tmp_path):
    card, library = kept(pack(tmp_path / "pack"), tmp_path)
    assert (card.name, card.kind, card.purpose) == (
        "my-heads",
        "onnx-heads",
        "sentiment of our calls",
    )
    assert library.heads("my-heads") == (declared(),)
    assert library.heads("call-heads") == ()
    assert library.ref("my-heads").version == "3"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"garbage" * 100, "no ONNX graph"),
        (b"x", "no ONNX graph"),
        (graph(width=100), "does not take one vector"),
        (graph(labels=4), "must give 3 numbers"),
        (graph(softmax=False), "must give probabilities"),
        (linear(np.full((WIDTH, 3), np.nan, np.float32), np.zeros(3, np.float32)), "probabilities"),
    ],
)
def test_a_graph_that_does_not_do_what_is_declared_is_not_kept(tmp_path, content, said):
    with pytest.raises(PackInvalid, match=said):
        kept(pack(tmp_path / "pack", content), tmp_path)
    assert list((tmp_path / "packs").iterdir()) == []


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (declared(input=512), "384 numbers"),
        (declared(labels=("positive", "negative")), "labels of sentiment are"),
        (declared(labels=("good", "bad", "plain")), "labels of sentiment are"),
        (declared(labels=("positive", "positive", "neutral")), "each of them once"),
        (declared(purpose="topics", labels=("billing",)), "two labels or more"),
        (declared(purpose="emotion"), "sentiment or topics"),
        (declared(file="other.onnx"), "not listed"),
    ],
)
def test_a_declaration_that_fits_nothing_is_refused(tmp_path, head, said):
    with pytest.raises(PackInvalid, match=said):
        kept(pack(tmp_path / "pack", head=head), tmp_path)


def test_heads_for_another_encoder_are_refused(tmp_path):
    with pytest.raises(PackInvalid, match=r'encoder = "minilm-1\.0\.0"'):
        kept(pack(tmp_path / "pack", encoder="minilm-0.9"), tmp_path)
    _, library = kept(pack(tmp_path / "other"), tmp_path)
    manifest = tmp_path / "packs" / "my-heads" / "pack.toml"
    manifest.write_text(manifest.read_text().replace(ENCODER, "minilm-0.9"))
    library = ModelLibrary(ROOT / "resources", tmp_path / "packs")
    with pytest.raises(ModelMismatch, match=r"minilm-0\.9"):
        library.heads("my-heads")


@pytest.mark.parametrize("tables", [0, 2])
def test_a_pack_has_one_head_for_each_purpose(tmp_path, tables):
    with pytest.raises(PackInvalid, match=r"purpose|what each of them judges"):
        kept(pack(tmp_path / "pack", tables=tables), tmp_path)


def test_heads_are_onnx_and_json_only(tmp_path):
    source = pack(tmp_path / "pack")
    manifest = source / "pack.toml"
    manifest.write_text(manifest.read_text().replace("head.onnx", "head.npz"))
    with pytest.raises(PackInvalid, match=r"\.onnx and \.json"):
        kept(source, tmp_path)
    text = manifest.read_text().replace("head.npz", "head.json")
    assert parse_pack(text)
    manifest.write_text(text)
    with pytest.raises(PackInvalid, match=r"no \.onnx file"):
        kept(source, tmp_path)


def test_a_speech_model_has_no_heads(tmp_path):
    source = pack(tmp_path / "pack")
    manifest = source / "pack.toml"
    manifest.write_text(manifest.read_text().replace("onnx-heads", "whisper-ctranslate2"))
    with pytest.raises(PackInvalid, match="has no heads"):
        kept(source, tmp_path)


def test_an_unknown_key_of_a_head_is_named():
    text = 'format = 1\n[[head]]\nfile = "a.onnx"\nlayers = 3\n'
    with pytest.raises(PackInvalid, match="unknown key `layers`"):
        parse_pack(text)


@given(st.integers(0, 6), st.randoms())
def test_a_vector_is_judged_the_same_whatever_stands_beside_it(others, random):
    head = OnnxHead(graph(), declared())
    assert head.probabilities(np.zeros((0, WIDTH), np.float32)).shape == (0, 3)
    rng = np.random.default_rng(random.randrange(1 << 30))
    vectors = rng.standard_normal((others + 1, WIDTH)).astype(np.float32)
    alone = head.probabilities(vectors[:1])
    assert np.array_equal(head.probabilities(vectors)[:1], alone)
    assert abs(alone.sum() - 1) < 0.001


def test_labels_are_read_in_the_order_of_the_analysis():
    bias = np.array([3, 0, -3], np.float32)  # positive, negative, neutral
    content = linear(np.zeros((WIDTH, 3), np.float32), bias)
    head = in_order(OnnxHead(content, declared()), LABELS, CLASSES)
    row = head.probabilities(np.zeros((1, WIDTH), np.float32))[0]
    assert CLASSES[int(row.argmax())] is SentimentLabel.POSITIVE
    assert CLASSES[int(row.argmin())] is SentimentLabel.NEUTRAL


def test_trying_out_is_what_the_import_does():
    try_out(graph(), declared())
    with pytest.raises(PackInvalid):
        try_out(graph(2), declared())


def test_heads_of_topics_have_to_fit_the_industry_pack():
    def models(*labels):
        return SimpleNamespace(heads=lambda _: (declared(purpose="topics", labels=labels),))

    settings = AnalysisSettings(pack="general", heads="my-heads")
    folder = ROOT / "resources" / "packs"
    known = chosen(models(), AnalysisSettings(), folder)[0].topics[0].label
    assert chosen(models(known, "none"), settings, folder)[1]["topics"].labels == (known, "none")
    with pytest.raises(UsageError, match="know the topic sailing"):
        chosen(models(known, "sailing"), settings, folder)


def test_only_heads_can_be_chosen_as_heads():
    library = ModelLibrary(ROOT / "resources", None)
    with pytest.raises(ModelMissing, match="holds no heads"):
        chosen(library, AnalysisSettings(heads="whisper-base"), ROOT / "resources" / "packs")
    with pytest.raises(ModelMissing, match="no model called"):
        chosen(library, AnalysisSettings(heads="nope"), ROOT / "resources" / "packs")
