"""Trains the project's own heads on the frozen sentence encoder: resources/models/heads.

    python build/train_heads.py --data FOLDER

FOLDER holds the public sets under text/ (goemotions, banking77, taskmaster: where they come from
and their licences stand in resources/documents/attributions.md). The project's own sentences are in
build/data. Needs nothing but the product's environment. The same data gives the same bytes again.

Sentiment is a multinomial logistic regression (negative, neutral, positive) over the encoder's
vectors: convex, so that the result depends on the data alone. Own sentences of calls weigh more
than comments from the web, which are many but of another kind. What is printed at the end is
measured on sentences that were never trained on: the held-out part of build/data, written apart,
and the development part of GoEmotions.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import random
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.engine.analysis.encoder import SentenceEncoder  # noqa: E402

OWN = ROOT / "build" / "data"
MODELS = ROOT / "resources" / "models"
CLASSES = ("negative", "neutral", "positive")
# Numbers are places in GoEmotions' list of 28 labels. Confusion, curiosity, realisation and
# surprise lean either way and are left out.
NEGATIVE = {2, 3, 9, 10, 11, 12, 14, 16, 19, 24, 25}
POSITIVE = {0, 1, 4, 5, 13, 15, 17, 18, 20, 21, 23}
NEUTRAL = {27}
OWN_WEIGHT, SERVICE_WEIGHT, WEB_WEIGHT = 12.0, 1.0, 1.0
PENALTY = 1e-4
MOST_WEB_PER_CLASS = 3500
SERVICE_LINES = 500
ROUNDS = 1000
SEED = 11


class Line(NamedTuple):
    """A sentence, the place of its class, and how much it weighs."""

    text: str
    label: int
    weight: float


def main() -> int:
    """Encode, train, measure on held-back sentences, and save."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=MODELS / "heads")
    given = arguments.parse_args()
    minilm = MODELS / "minilm"
    encoder = SentenceEncoder(
        (minilm / "model.onnx").read_bytes(), (minilm / "tokenizer.json").read_bytes(), threads=2
    )
    lines = own("sentiment_calls.tsv") + service(given.data) + web(given.data, "go_train.tsv")
    vectors = encoder.encode([line.text for line in lines])
    weights, bias = trained(vectors, lines)
    save(given.out / "sentiment.npz", weights, bias)
    for name, held in (
        ("calls, held out", own("sentiment_calls_held_out.tsv")),
        ("GoEmotions dev", web(given.data, "go_dev.tsv")),
    ):
        guess = (encoder.encode([line.text for line in held]) @ weights + bias).argmax(axis=1)
        report(name, guess, held)
    return 0


def own(name: str) -> list[Line]:
    """Return sentences written for this project."""
    rows = (OWN / name).read_text(encoding="utf-8").splitlines()
    pairs = (row.split("\t") for row in rows if row and not row.startswith("#"))
    return [Line(text, CLASSES.index(label), OWN_WEIGHT) for label, text in pairs]


def service(data: Path) -> list[Line]:
    """Return what people say to a service without feeling: orders and questions, as neutral."""
    with (data / "text/banking77/train.csv").open(encoding="utf-8", newline="") as file:
        bank = [row["text"].strip().lower() for row in csv.DictReader(file)]
    dialogues = json.loads((data / "text/taskmaster/data_07.json").read_text(encoding="utf-8"))
    coffee = [turn["text"].lower() for talk in dialogues for turn in talk["utterances"]]
    chosen = random.Random(SEED)  # noqa: S311
    picked = chosen.sample(bank, SERVICE_LINES) + chosen.sample(coffee, SERVICE_LINES)
    return [Line(text, CLASSES.index("neutral"), SERVICE_WEIGHT) for text in picked]


def web(data: Path, name: str) -> list[Line]:
    """Return comments whose labels all lie on one side, as many of each side."""
    sides: list[list[Line]] = [[], [], []]
    for row in (data / "text/goemotions" / name).read_text(encoding="utf-8").splitlines():
        text, labels, _ = row.split("\t")
        emotions = {int(label) for label in labels.split(",")}
        for side, group in enumerate((NEGATIVE, NEUTRAL, POSITIVE)):
            if emotions <= group:
                sides[side].append(Line(text.replace("[NAME]", "sam"), side, WEB_WEIGHT))
    chosen = random.Random(SEED)  # noqa: S311
    return [
        line for side in sides for line in chosen.sample(side, min(MOST_WEB_PER_CLASS, len(side)))
    ]


def trained(vectors: np.ndarray, lines: list[Line]) -> tuple[np.ndarray, np.ndarray]:
    """Return weights [384, 3] and bias [3] that minimise the weighted log loss, by accelerated
    gradient descent in double precision."""
    x = np.hstack([vectors.astype(np.float64), np.ones((len(vectors), 1))])
    target = np.eye(3)[[line.label for line in lines]]
    weight = np.array([line.weight for line in lines])
    mass = weight @ target
    weight = (weight * (target @ (mass.sum() / (3 * mass))))[:, None]  # classes count alike
    weight /= weight.sum()
    penalty = np.full((x.shape[1], 1), PENALTY)
    penalty[-1] = 0.0
    theta = np.zeros((x.shape[1], 3))
    ahead, momentum = theta, 1.0
    step = 1.0 / (0.5 * float((weight[:, 0] * (x * x).sum(axis=1)).sum()) + PENALTY)
    for _ in range(ROUNDS):
        logits = x @ ahead
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        odds /= odds.sum(axis=1, keepdims=True)
        following = ahead - step * (x.T @ (weight * (odds - target)) + penalty * ahead)
        faster = (1 + (1 + 4 * momentum * momentum) ** 0.5) / 2
        ahead = following + (momentum - 1) / faster * (following - theta)
        theta, momentum = following, faster
    return theta[:-1].astype(np.float32), theta[-1].astype(np.float32)


def save(path: Path, weights: np.ndarray, bias: np.ndarray) -> None:
    """Write the arrays without pickles, and print what belongs in the manifest."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.savez(path, allow_pickle=False, weights=weights, bias=bias)
    content = path.read_bytes()
    print(f"{path.name}  {len(content)} bytes  sha256 {hashlib.sha256(content).hexdigest()}")


def report(name: str, guess: np.ndarray, held: list[Line]) -> None:
    """Print macro-F1 and accuracy."""
    gold = np.array([line.label for line in held])
    scores = []
    for label in range(3):
        right = float(((guess == label) & (gold == label)).sum())
        scores.append(2 * right / max(1.0, float((guess == label).sum() + (gold == label).sum())))
    each = ", ".join(f"{c} {s:.2f}" for c, s in zip(CLASSES, scores, strict=True))
    accuracy = float((guess == gold).mean())
    print(f"{name}: {len(held)} lines, macro-F1 {np.mean(scores):.3f} ({each}), {accuracy:.1%}")


if __name__ == "__main__":
    sys.exit(main())
