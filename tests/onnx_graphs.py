"""ONNX graphs written by hand: nothing installed here can make one.

Only the fields that a small graph needs (onnx/onnx.proto3): a linear map with or without a softmax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FLOAT = 1


def linear(
    weights: NDArray[np.float32], bias: NDArray[np.float32], *, softmax: bool = True
) -> bytes:
    """Return a graph that gives `vectors @ weights + bias`, as probabilities with `softmax`."""
    width, labels = weights.shape
    nodes = [_node("MatMul", ("vectors", "weights"), "moved"), _node("Add", ("moved", "bias"), "l")]
    nodes += [_node("Softmax", ("l",), "p")] if softmax else []
    graph = b"".join(_bytes(1, node) for node in nodes)
    graph += _bytes(2, b"head")
    graph += _bytes(5, _tensor("weights", weights)) + _bytes(5, _tensor("bias", bias))
    graph += _bytes(11, _value("vectors", width)) + _bytes(
        12, _value("p" if softmax else "l", labels)
    )
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, b"") + _number(2, 17))


def _node(kind: str, inputs: tuple[str, ...], output: str) -> bytes:
    names = b"".join(_bytes(1, name.encode()) for name in inputs)
    return names + _bytes(2, output.encode()) + _bytes(4, kind.encode())


def _tensor(name: str, values: NDArray[np.float32]) -> bytes:
    sizes = b"".join(_number(1, size) for size in values.shape)
    return sizes + _number(2, FLOAT) + _bytes(8, name.encode()) + _bytes(9, values.tobytes())


def _value(name: str, width: int) -> bytes:
    """A tensor [n, width] of float32."""
    shape = _bytes(1, _bytes(2, b"n")) + _bytes(1, _number(1, width))
    return _bytes(1, name.encode()) + _bytes(2, _bytes(1, _number(1, FLOAT) + _bytes(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, content: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes((*found, value))
