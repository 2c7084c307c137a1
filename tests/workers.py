"""What test workers run instead of the real one: they answer, crash, hang or babble on request.

They stand in a module of their own, because a spawned process imports what it runs.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain import CorrectedCall, Failure, Stage
from app.engine import transcripts, wire, worker
from app.errors import TranscriptInvalid
from tests.builders import analysed_call, call_analysis, proven_call, redacted_call

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.engine.wire import Places


def _say(pipe: Connection, answer: wire.Answer) -> None:
    for frame in wire.encode_answer(answer):
        pipe.send_bytes(frame)


def scripted(pipe: Connection, _places: Places, _threads: int) -> None:
    """Do what each request's payload says, until the pipe closes."""
    try:
        while True:
            request = wire.decode_request(pipe.recv_bytes)
            step = wire.StageProgress(stage=Stage.DECODE, done=0.5)
            _say(pipe, step)
            match request.payload:
                case b"crash":
                    os.kill(os.getpid(), signal.SIGSEGV)
                case b"hang":
                    time.sleep(600)
                case b"babble":
                    pipe.send_bytes(b"?nonsense")
                    time.sleep(600)
            answer = Failure(code="echo", sentence=request.payload.decode(), hint=str(os.getpid()))
            _say(pipe, answer)
    except (EOFError, OSError):
        return


def ready_made(pipe: Connection, _places: Places, _threads: int) -> None:
    """Answer every request with the same finished call, after some steps of progress."""
    try:
        while True:
            asked = wire.decode_request(pipe.recv_bytes)
            if isinstance(asked, wire.RedactionRequest):
                _say(pipe, _redacted(asked))
                continue
            if isinstance(asked, wire.SpeakersRequest):
                _say(pipe, _corrected(asked))
                continue
            if isinstance(asked, wire.NetworkTrial):
                tried = wire.NetworkTried(python_refused=True, native_refused=True)
                _say(pipe, tried)
                continue
            for stage in Stage:
                _say(pipe, wire.StageProgress(stage=stage, done=1.0))
            _say(pipe, _analysed(asked))
    except (EOFError, OSError):
        return


def proving(pipe: Connection, _places: Places, _threads: int) -> None:
    """Answer every request with a call in whose muted audio nothing was found."""
    try:
        while True:
            wire.decode_request(pipe.recv_bytes)
            _say(pipe, proven_call())
    except (EOFError, OSError):
        return


def unhurried(pipe: Connection, places: Places, threads: int) -> None:
    """Answer as `ready_made` does, after a while."""
    time.sleep(0.7)
    ready_made(pipe, places, threads)


def _analysed(asked: wire.Question) -> wire.Answer:
    """Return the same finished call, and what follows where a person had said who speaks."""
    said = asked.corrected if isinstance(asked, wire.Request) else None
    corrected = said and CorrectedCall(analysis=call_analysis(transcript=said))
    return analysed_call(corrected=corrected)


def _corrected(asked: wire.SpeakersRequest) -> wire.Answer:
    """Return the call with other roles, which give it another score; its sound is as it was."""
    score = replace(asked.analysis.score, value=10.0)
    return CorrectedCall(analysis=replace(asked.analysis, transcript=asked.said, score=score))


def _redacted(asked: wire.RedactionRequest) -> wire.Answer:
    """Return the same safe call for every transcript that can be read; end where one says so."""
    if b"crash" in asked.payload:
        os.kill(os.getpid(), signal.SIGSEGV)
    try:
        transcripts.parse(asked.payload)
    except TranscriptInvalid as error:
        return Failure(code=error.code, sentence=error.sentence, hint=error.advice)
    return redacted_call()


def silent(pipe: Connection, _places: Places, _threads: int) -> None:
    """Read one request and do what its payload says, without any word of progress."""
    try:
        match wire.decode_request(pipe.recv_bytes).payload:
            case b"crash":
                os.kill(os.getpid(), signal.SIGSEGV)
            case b"babble":
                pipe.send_bytes(b"?nonsense")
            case b"hang":
                pipe.recv_bytes()
    except (EOFError, OSError):
        return


def echoing(pipe: Connection, _places: Places, _threads: int) -> None:
    """Answer every request with its payload and this process, or do what the payload says."""
    try:
        while True:
            payload = wire.decode_request(pipe.recv_bytes).payload
            match payload:
                case b"crash":
                    os.kill(os.getpid(), signal.SIGSEGV)
                case b"hang":
                    time.sleep(600)
            answer = Failure(code="echo", sentence=payload.decode(), hint=str(os.getpid()))
            _say(pipe, answer)
    except (EOFError, OSError):
        return


def model_missing(pipe: Connection, _places: Places, _threads: int) -> None:
    """Answer every request as a worker does that lacks the model."""
    _always(pipe, Failure(code="model-missing", sentence="no model called nope", hint="A hint."))


def pack_unknown(pipe: Connection, _places: Places, _threads: int) -> None:
    """Answer every request as a worker does that lacks the industry pack."""
    _always(pipe, Failure(code="usage", sentence="no pack called nope", hint="A hint."))


def _always(pipe: Connection, answer: Failure) -> None:
    try:
        while True:
            wire.decode_request(pipe.recv_bytes)
            _say(pipe, answer)
    except (EOFError, OSError):
        return


def ends(pipe: Connection, _places: Places, _threads: int) -> None:
    """Take a question and end without an answer."""
    wire.decode_request(pipe.recv_bytes)


def at_fault(pipe: Connection, _places: Places, _threads: int) -> None:
    """Answer every request as a worker does that met a fault of its own."""
    _always(pipe, Failure(code="internal", sentence="A fault.", hint="Retry."))


def off_the_point(pipe: Connection, _places: Places, _threads: int) -> None:
    """Answer every request with what nobody asked."""
    try:
        while True:
            wire.decode_request(pipe.recv_bytes)
            _say(pipe, wire.HeadTried())
    except (EOFError, OSError):
        return


def naming_its_files(pipe: Connection, places: Places, threads: int) -> None:
    """Be a real worker whose temporary files can be found and read by others."""
    tempfile.TemporaryFile = tempfile.NamedTemporaryFile
    worker.main(pipe, places, threads)
