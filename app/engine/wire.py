"""What goes over the pipe between the program and a worker.

A frame is one tag byte and MessagePack of one of the types here; nothing is pickled, and a frame
that does not fit its type is refused. A worker is asked to analyse a call, to analyse a safe one in
which other people speak than was thought, to redact a transcript, or to try something out that
belongs behind its fences.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import msgspec

from app.config import Settings
from app.domain import (
    AnalysedCall,
    CallAnalysis,
    CallMetadata,
    CorrectedCall,
    Failure,
    Outcome,
    RedactedCall,
    SafeTranscript,
    Stage,
)
from app.engine.manifest import ModelHead


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where a worker finds what it reads: the program's resources and the client's model packs."""

    resources: str
    packs: str


@dataclass(slots=True, kw_only=True)
class Request:
    """One call to analyse: the recording's bytes, or one transcript as a JSON object.

    `suffix` is the end of the recording's name, such as `.wav`, and `source_name` all of it, where
    it is kept and has to be safe; `vocabulary` the client's word list as it was written;
    `corrected` the transcript of an earlier analysis in which a person said who speaks. The payload
    can be taken out, so that a long recording does not lie in memory beside its samples.
    """

    content: Literal["audio", "transcript"]
    payload: bytes = field(repr=False)
    settings: Settings
    suffix: str = ""
    source_name: str = field(default="", repr=False)
    metadata: CallMetadata = field(default_factory=CallMetadata)
    vocabulary: str = field(default="", repr=False)
    corrected: SafeTranscript | None = field(default=None, repr=False)

    def take_payload(self) -> bytes:
        """Return the payload and forget it."""
        payload, self.payload = self.payload, b""
        return payload


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeakersRequest:
    """A call as the program analysed it, and its transcript as a person says who speaks: to be
    redacted further where it has to be, and analysed again. `muted_audio` is what may be heard."""

    analysis: CallAnalysis = field(repr=False)
    said: SafeTranscript = field(repr=False)
    muted_audio: bytes = field(repr=False)
    settings: Settings
    metadata: CallMetadata = field(default_factory=CallMetadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionRequest:
    """One transcript, a JSON object, to be redacted and nothing more."""

    payload: bytes = field(repr=False)
    settings: Settings
    metadata: CallMetadata = field(default_factory=CallMetadata)


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTrial:
    """Try to reach the network from within the worker."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTried:
    """Whether Python code was refused in the worker, and native code past it; `None` where the
    operating system has no fence for native code."""

    python_refused: bool
    native_refused: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StageProgress:
    """How far a stage has come, 0 to 1."""

    stage: Stage
    done: float


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTrial:
    """Load a head that a client brings, and let it judge one vector."""

    head: ModelHead
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class HeadTried:
    """The head does what its pack declares."""


Question = Request | SpeakersRequest | RedactionRequest | NetworkTrial | HeadTrial
Answer = StageProgress | Outcome | CorrectedCall | RedactedCall | NetworkTried | HeadTried
_ASKED: dict[bytes, type[Question]] = {
    b"C": Request,
    b"S": SpeakersRequest,
    b"R": RedactionRequest,
    b"N": NetworkTrial,
    b"H": HeadTrial,
}
_TAGS: dict[bytes, type[Answer]] = {
    b"P": StageProgress,
    b"D": AnalysedCall,
    b"F": Failure,
    b"S": CorrectedCall,
    b"R": RedactedCall,
    b"N": NetworkTried,
    b"H": HeadTried,
}


def encode_request(question: Question) -> bytes:
    """Return what a worker is asked as one frame."""
    tag = next(tag for tag, kind in _ASKED.items() if isinstance(question, kind))
    return tag + msgspec.msgpack.encode(question)


def decode_request(frame: bytes) -> Question:
    """Return what a frame asks; raises `ValueError` for anything else."""
    kind = _ASKED.get(frame[:1])
    if kind is None:
        raise ValueError("not a frame of the program")
    return msgspec.msgpack.decode(memoryview(frame)[1:], type=kind)


def encode_answer(answer: Answer) -> bytes:
    """Return what a worker says as one frame."""
    tag = next(tag for tag, kind in _TAGS.items() if isinstance(answer, kind))
    return tag + msgspec.msgpack.encode(answer)


def decode_answer(frame: bytes) -> Answer:
    """Return what a worker's frame says; raises `ValueError` for a frame that is none of ours."""
    kind = _TAGS.get(frame[:1])
    if kind is None:
        raise ValueError("not a frame of a worker")
    return msgspec.msgpack.decode(memoryview(frame)[1:], type=kind)
