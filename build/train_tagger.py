"""Trains the token tagger of redaction: resources/models/tagger.

Needs the virtual environment of `build/export_encoder.py` and msgspec:

    VENV/bin/python build/train_tagger.py --data FOLDER

FOLDER holds the public sets under pii/ and text/ (build/tagger/sets.py names them and what of them
is held back; licences in resources/documents/attributions.md). Everything else is made up by
build/tagger from a seed. The encoder is all-MiniLM-L6-v2, the same as resources/models/minilm; its
tokenizer, its word embeddings and its lowest layer stay as they are. With the same versions on
the same kind of processor the same weights come out; the scores in tagger.json are those of the
finished int8 graph on what was not trained on. `--until N --state FILE` stops after N steps and
goes on later.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from export_encoder import OPSET, WIDTH, encoder, quantise, source_folder, strip
from tokenizers import Tokenizer
from torch import Tensor, nn

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tagger import sets  # noqa: E402
from tagger.calls import LABEL_OF, Calls, Turn  # noqa: E402

from app.domain import Role  # noqa: E402
from app.engine.redaction.tagger import (  # noqa: E402
    BEGINS,
    ENDS,
    SPEAKERS,
    TokenTagger,
    windows,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from export_encoder import Encoder

SEED = 17
STEPS, BATCH = 1000, 10
RATE, WARM_UP, DECAY = 2.5e-4, 60, 0.01
FROZEN_LAYERS = 1
KINDS = list(dict.fromkeys(LABEL_OF.values()))
LABELS = ["O", *(f"{side}-{kind}" for kind in KINDS for side in "BI")]
SKIPPED = -100
# Shares of the calls that a batch is drawn from.
SHARES = {"made up": 0.56, "presidio_research": 0.14, "evi": 0.08, "plain": 0.2, "taskmaster": 0.02}


class Tagger(nn.Module):
    """The encoder with a label for every token: ids [n, tokens] to odds [n, tokens, labels]."""

    def __init__(self, base: Encoder) -> None:
        super().__init__()
        self.base, self.drop = base, nn.Dropout(0.1)
        self.head = nn.Linear(WIDTH, len(LABELS))

    def logits(self, ids: Tensor, mask: Tensor) -> Tensor:
        """Return what the odds come from; `mask` is 0 where a window is padded."""
        base = self.base
        x = base.norm(base.words(ids) + base.places.weight[: ids.shape[1]] + base.kind)
        bias = (1.0 - mask)[:, None, None, :] * -10000.0
        for block in base.blocks:
            x = block(x, bias)
        return self.head(self.drop(x))

    def forward(self, input_ids: Tensor) -> Tensor:
        """Return the odds of every label, for windows without padding."""
        return torch.softmax(
            self.logits(input_ids, torch.ones_like(input_ids, dtype=torch.float32)), -1
        )


class Reader:
    """Turns calls into windows of ids and labels, as the product reads them."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def windows(self, call: list[Turn]) -> Iterator[tuple[list[int], list[int]]]:
        """Yield ids and labels; what stands as context only is skipped."""
        read = self._tokenizer.encode_batch([one.text for one in call], add_special_tokens=False)
        labels = [_labels(one, said.offsets) for one, said in zip(call, read, strict=True)]
        for parts in windows([len(one.ids) for one in read]):
            ids, wanted = [BEGINS], [SKIPPED]
            for part in parts:
                ids += [
                    SPEAKERS[Role(call[part.turn].role)],
                    *read[part.turn].ids[part.first : part.last],
                    ENDS,
                ]
                own = labels[part.turn][part.first : part.last]
                wanted += [SKIPPED, *([SKIPPED] * len(own) if part.again else own), SKIPPED]
            yield ids, wanted


def _labels(call_turn: Turn, offsets: list[tuple[int, int]]) -> list[int]:
    """Return the label of every token of a turn."""
    labels = [0] * len(offsets)
    for start, end, label in call_turn.values:
        begun = False
        for place, (first, last) in enumerate(offsets):
            if first >= end or last <= start:
                continue
            if label == sets.IGNORED:
                labels[place] = SKIPPED
            else:
                labels[place] = LABELS.index(f"{'I' if begun else 'B'}-{label}")
                begun = True
    return labels


def material(data: Path, calls: Calls, *, validation: bool = False) -> dict[str, list[list[Turn]]]:
    """Return the calls of every public set, short ones put together by threes."""
    chance = calls.chance
    presidio = list(sets.presidio_research(data, calls, validation=validation))
    if not validation:  # twice more with other names
        for _ in range(2):
            presidio += sets.presidio_research(data, calls, validation=False)
    lines = list(sets.plain(data, validation=validation))
    chance.shuffle(lines)
    chance.shuffle(presidio)
    return {
        "presidio_research": presidio,
        "evi": list(sets.evi(data, calls, validation=validation)),
        "plain": [list(chain(*lines[i : i + 3])) for i in range(0, len(lines), 3)],
        "taskmaster": list(sets.taskmaster(data, validation=validation)),
    }


def batches(data: Path, reader: Reader) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield ids, mask and labels, always the same in the same order."""
    chance = random.Random(SEED)  # noqa: S311
    calls = Calls(chance)
    public = material(data, calls)
    places = dict.fromkeys(public, 0)
    pool: list[tuple[list[int], list[int]]] = []
    while True:
        while len(pool) < BATCH * 24:
            name = chance.choices(list(SHARES), list(SHARES.values()))[0]
            if name == "made up":
                call = calls.draw()
            else:
                call = public[name][places[name] % len(public[name])]
                places[name] += 1
            pool += reader.windows(call)
        pool.sort(key=lambda one: len(one[0]))  # alike in length, so that little is padded
        start = chance.randrange(len(pool) - BATCH)
        chosen = pool[start : start + BATCH]
        del pool[start : start + BATCH]
        yield _padded(chosen)


def _padded(chosen: list[tuple[list[int], list[int]]]) -> tuple[Tensor, Tensor, Tensor]:
    longest = max(len(ids) for ids, _ in chosen)
    ids = torch.zeros(len(chosen), longest, dtype=torch.int64)
    mask = torch.zeros(len(chosen), longest)
    labels = torch.full((len(chosen), longest), SKIPPED, dtype=torch.int64)
    for row, (one, wanted) in enumerate(chosen):
        ids[row, : len(one)] = torch.tensor(one)
        mask[row, : len(one)] = 1.0
        labels[row, : len(one)] = torch.tensor(wanted)
    return ids, mask, labels


def trained(data: Path, tokenizer: Tokenizer, until: int, state: Path | None) -> Tagger | None:
    """Return the trained tagger, `None` where it was stopped before its last step."""
    torch.manual_seed(SEED)
    model = Tagger(encoder(source_folder() / "model.safetensors"))
    for part in (
        model.base.words,
        model.base.places,
        model.base.norm,
        *model.base.blocks[:FROZEN_LAYERS],
    ):
        part.requires_grad_(False)
    model.base.kind.requires_grad_(False)
    weights = [one for one in model.parameters() if one.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY, fused=True)
    done = 0
    if state and state.exists():
        kept = torch.load(state, weights_only=True)
        model.load_state_dict(kept["model"])
        optimiser.load_state_dict(kept["optimiser"])
        torch.set_rng_state(kept["chance"])
        done = kept["step"]
    model.train()
    started, losses = time.monotonic(), []
    for step, (ids, mask, labels) in enumerate(islice(batches(data, Reader(tokenizer)), until)):
        if step < done:
            continue
        for group in optimiser.param_groups:
            group["lr"] = RATE * min(1.0, (step + 1) / WARM_UP) * (1.0 - step / STEPS)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = model.logits(ids, mask)
        loss = nn.functional.cross_entropy(
            logits.float().reshape(-1, len(LABELS)), labels.reshape(-1), ignore_index=SKIPPED
        )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        optimiser.zero_grad()
        losses.append(float(loss.detach()))
        if step % 100 == 99:
            spent = time.monotonic() - started
            print(f"step {step + 1}: loss {np.mean(losses[-100:]):.4f}, {spent:.0f} s", flush=True)
    if state:
        kept = {"model": model.state_dict(), "optimiser": optimiser.state_dict(), "step": until}
        torch.save({**kept, "chance": torch.get_rng_state()}, state)
    return model.eval() if until >= STEPS else None


def export(model: Tagger, path: Path) -> None:
    """Write the float32 graph with free batch and token axes."""
    axes = {
        0: torch.export.Dim("n", min=1, max=4096),
        1: torch.export.Dim("tokens", min=1, max=512),
    }
    program = torch.onnx.export(
        model,
        (torch.ones(2, 7, dtype=torch.int64),),
        dynamo=True,
        opset_version=OPSET,
        input_names=["input_ids"],
        output_names=["odds"],
        dynamic_shapes=(axes,),
        optimize=True,
    )
    strip(program.model_proto)
    onnx.save(program.model_proto, str(path))


def scores(tagger: TokenTagger, groups: dict[str, list[list[Turn]]]) -> dict[str, dict[str, float]]:
    """Return for each group of calls how much is found, how much of it is right, per kind too."""
    result = {}
    for name, calls in groups.items():
        wanted, found, marked, right, turns = Counter(), Counter(), 0, 0, 0
        for call in calls:
            read = tagger.read([(Role(one.role), one.text) for one in call])
            for one, reading in zip(call, read, strict=True):
                tagged = reading.tagged
                turns += 1
                hit = {c for tag in tagged for c in range(tag.start, tag.end)}
                gold = {c for start, end, _ in one.values for c in range(start, end)}
                for start, end, label in one.values:
                    places = [c for c in range(start, end) if one.text[c].isalnum()]
                    if label != sets.IGNORED and places:
                        wanted[label] += 1
                        found[label] += sum(c in hit for c in places) >= 0.9 * len(places)
                marked += len(tagged)
                right += sum(bool(gold & set(range(tag.start, tag.end))) for tag in tagged)
        each = {f"recall {kind}": round(found[kind] / wanted[kind], 4) for kind in sorted(wanted)}
        result[name] = {
            "turns": turns,
            "values": wanted.total(),
            "recall": round(found.total() / max(1, wanted.total()), 4),
            "precision": round(right / max(1, marked), 4),
            "wrong per 100 turns": round(100 * (marked - right) / max(1, turns), 2),
            **each,
        }
    return result


def main() -> int:
    """Train, export, quantise, measure what was kept from training, and print the hashes."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    arguments.add_argument("--data", type=Path, required=True)
    arguments.add_argument("--out", type=Path, default=ROOT / "resources" / "models" / "tagger")
    arguments.add_argument("--until", type=int, default=STEPS)
    arguments.add_argument("--state", type=Path)
    given = arguments.parse_args()
    torch.use_deterministic_algorithms(mode=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # nothing reads it, and it is slow
    torch.set_num_threads(1)  # sums in one order, and no thread that waits on a busy machine
    source = source_folder() / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(source))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    model = trained(given.data, tokenizer, min(given.until, STEPS), given.state)
    if model is None:
        return 0
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "float32.onnx"
        export(model, plain)
        quantise(plain, given.out / "model.onnx")
    describe(given.data, given.out, source)
    for name in ("model.onnx", "tagger.json"):
        content = (given.out / name).read_bytes()
        print(f"{name}  {len(content)} bytes  sha256 {hashlib.sha256(content).hexdigest()}")
    return 0


def describe(data: Path, out: Path, tokenizer: Path) -> None:
    """Write tagger.json: the labels, and the scores of the int8 graph on what was kept apart."""
    description: dict[str, object] = {"labels": LABELS}
    parts = ((out / "model.onnx").read_bytes(), tokenizer.read_bytes())
    tagger = TokenTagger(*parts, json.dumps(description).encode())
    apart = Calls(random.Random(SEED + 1), unseen=True)  # noqa: S311
    groups = {"made up, names never seen": [apart.draw() for _ in range(300)]}
    groups |= material(data, apart, validation=True)
    description["scores"] = scores(tagger, groups)
    content = json.dumps(description, indent=1, sort_keys=True) + "\n"
    (out / "tagger.json").write_text(content, encoding="utf-8")
    for name, given in description["scores"].items():  # type: ignore[attr-defined]
        print(f"{name}: {given}")


if __name__ == "__main__":
    sys.exit(main())
