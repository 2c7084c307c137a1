"""The worker process: one request in, progress and one outcome out, until its pipe closes.

A worker shuts the network off first, is given audio and settings and never a key or the vault, and
is one of the four places that catch everything: whatever goes wrong with one call is an answer.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain import Failure
from app.engine import wire
from app.engine.heap import give_back, use_one_heap
from app.errors import AppError, AudioUnreadable, InternalFault
from app.log import describe, event, logger
from app.memory import keep_private
from app.offline import (
    native_network_is_refused,
    network_is_refused,
    refuse_network,
    refuse_network_in_kernel,
)

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.domain import Stage
    from app.engine.pipeline import Pipeline, Report
    from app.engine.wire import Places

_log = logger(__name__)


def main(pipe: Connection, places: Places, threads: int) -> None:
    """Serve requests until the other end closes the pipe."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    _silence_native_output()
    use_one_heap()
    keep_private()
    refuse_network()
    refuse_network_in_kernel()
    os.environ["OMP_NUM_THREADS"] = str(threads)

    from app.engine.pipeline import Pipeline

    pipeline = Pipeline(Path(places.resources), Path(places.packs), threads=threads)
    try:
        while True:
            _serve(pipeline, pipe)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def _serve(pipeline: Pipeline, pipe: Connection) -> None:
    """Answer one request, and keep nothing of it."""
    for frame in _answer(pipeline, pipe):
        pipe.send_bytes(frame)
    del frame
    give_back()


def _answer(pipeline: Pipeline, pipe: Connection) -> wire.Frames:
    def report(stage: Stage, done: float) -> None:
        for frame in wire.encode_answer(wire.StageProgress(stage=stage, done=done)):
            pipe.send_bytes(frame)

    try:
        question = wire.decode_request(pipe.recv_bytes)
        return wire.encode_answer(_reply(pipeline, question, report))
    except (BrokenPipeError, ConnectionResetError, EOFError):
        raise
    except AppError as error:
        return _failed(error)
    except MemoryError:
        return _failed(AudioUnreadable("The recording needs more memory than this computer has."))
    except Exception as error:  # noqa: BLE001 - the one place where a worker catches everything
        return _failed(_fault(error))


def _reply(pipeline: Pipeline, question: wire.Question, report: Report) -> wire.Answer:
    if isinstance(question, wire.NetworkTrial):
        return wire.NetworkTried(
            python_refused=network_is_refused(), native_refused=native_network_is_refused()
        )
    if isinstance(question, wire.HeadTrial):
        from app.engine.analysis.heads import try_out

        try_out(question.content, question.head)
        return wire.HeadTried()
    if isinstance(question, wire.RedactionRequest):
        return pipeline.redact(question)
    if isinstance(question, wire.SpeakersRequest):
        return pipeline.correct(question)
    return pipeline.analyse(question, report)


def _fault(error: Exception) -> InternalFault:
    """Return a bug as a failure that says where it arose and nothing of what was being read."""
    event(_log, logging.ERROR, "a call met a fault in the program", code=describe(error)[0])
    where = " < ".join(reversed(describe(error)[1:][-3:]))
    return InternalFault(f"The program met a fault of its own ({type(error).__name__} at {where}).")


def _failed(error: AppError) -> wire.Frames:
    failure = Failure(code=error.code, sentence=error.sentence, hint=error.advice)
    return wire.encode_answer(failure)


def _silence_native_output() -> None:
    """Send what native libraries print to nowhere: they may quote what they were given."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)
    sys.stdout = sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
