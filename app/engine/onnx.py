"""ONNX graphs in memory, ready to run: the only door to onnxruntime.

Promises that a graph runs on the processor with the threads it is given, and that onnxruntime keeps
no record of where it runs: left alone, it writes an id of the computer and the path of the program
to the user's cache folder while it is imported.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnxruntime import InferenceSession

_FATAL_ONLY = 4


def session(
    content: bytes, *, threads: int = 1, arena: bool = True, without: Sequence[str] = ()
) -> InferenceSession:
    """Return a graph from its bytes, as a session of so many threads.

    Without `arena` it gives memory back after each run; `without` names the ways of onnxruntime to
    rewrite a graph that are left out. Raises one of `refusals()` for what is no graph.
    """
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at the import, so it has to stand before
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = arena
    options.log_severity_level = _FATAL_ONLY
    return onnxruntime.InferenceSession(
        content, options, providers=["CPUExecutionProvider"], disabled_optimizers=set(without)
    )


def refusals() -> tuple[type[Exception], ...]:
    """Return what onnxruntime raises for a graph that cannot be loaded, or cannot be run so."""
    from onnxruntime.capi import onnxruntime_pybind11_state as raised

    return (
        raised.EPFail,
        raised.Fail,
        raised.InvalidArgument,
        raised.InvalidGraph,
        raised.InvalidProtobuf,
        raised.NoModel,
        raised.NoSuchFile,
        raised.NotFound,
        raised.NotImplemented,
        raised.RuntimeException,
        RuntimeError,
        ValueError,
    )
