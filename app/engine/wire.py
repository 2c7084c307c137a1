"""What goes over the pipe between the program and a worker.

A frame is one tag byte and MessagePack of one of the types here, without the recording, which
follows in frames of a megabyte; nothing is pickled, and a frame that does not fit its type is
refused. A worker is asked to analyse a call, to analyse a safe one in
which other people speak than was thought, to redact a transcript, or to try something out that
belongs behind its fences.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Literal

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
from app.engine.aside import PART_BYTES, Aside, parts_of
from app.engine.manifest import ModelHead
from app.errors import TemporaryFileFailed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Frames = Iterator[bytes | memoryview]


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
    `corrected` the transcript of an earlier analysis in which a person said who speaks. A worker is
    given a long payload as `kept`. It can be taken out, so that it goes when it was read.
    """

    content: Literal["audio", "transcript"]
    payload: bytes = field(repr=False)
    settings: Settings
    suffix: str = ""
    source_name: str = field(default="", repr=False)
    metadata: CallMetadata = field(default_factory=CallMetadata)
    vocabulary: str = field(default="", repr=False)
    corrected: SafeTranscript | None = field(default=None, repr=False)
    kept: Aside | None = field(default=None, repr=False)

    def take_payload(self) -> bytes | Aside:
        """Return the payload and forget it."""
        payload = self.payload if self.kept is None else self.kept
        self.kept, self.payload = None, b""
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


def encode_request(question: Question) -> Frames:
    """Return what a worker is asked as the frames that are sent one after the other."""
    tag = next(tag for tag, kind in _ASKED.items() if isinstance(question, kind))
    return _frames(question, tag)


def decode_request(receive: Callable[[], bytes]) -> Question:
    """Return what the next frames ask; raises `ValueError` for anything else."""
    frame = receive()
    kind = _ASKED.get(frame[:1])
    if kind is None:
        raise ValueError("not a frame of the program")
    return _asked(msgspec.msgpack.decode(memoryview(frame)[1:], type=kind), receive)


def encode_answer(answer: Answer) -> Frames:
    """Return what a worker says as the frames that are sent one after the other."""
    tag = next(tag for tag, kind in _TAGS.items() if isinstance(answer, kind))
    return _frames(answer, tag)


def decode_answer(receive: Callable[[], bytes]) -> Answer:
    """Return what a worker's next frames say; raises `ValueError` for one that is none of ours."""
    frame = receive()
    kind = _TAGS.get(frame[:1])
    if kind is None:
        raise ValueError("not a frame of a worker")
    return _said(msgspec.msgpack.decode(memoryview(frame)[1:], type=kind), receive)


# What is as long as a recording follows the rest in frames of its own, which no worker has to hold
# at once; in one frame with the rest it would lie in memory two or three times


def _frames(said: Question | Answer, tag: bytes) -> Frames:
    rest, apart = said, None
    if isinstance(said, Request):
        rest, apart = replace(said, payload=b""), said.payload
    elif isinstance(said, SpeakersRequest | AnalysedCall | CorrectedCall):
        rest, apart = replace(said, muted_audio=b""), said.muted_audio
    behind = () if apart is None else parts_of(apart)
    return chain([tag + msgspec.msgpack.encode(rest)], behind)


def _parts(receive: Callable[[], bytes]) -> Iterator[bytes]:
    while len(part := receive()) == PART_BYTES:
        yield part
    yield part


def _aside(parts: Iterator[bytes]) -> Aside:
    try:
        return Aside(parts)
    except TemporaryFileFailed:
        for _ in parts:  # so that what is still to come is not taken for the next question
            pass
        raise


def _asked(question: Question, receive: Callable[[], bytes]) -> Question:
    if isinstance(question, Request):
        kept = _aside(_parts(receive))
        if kept.few:
            return replace(question, payload=kept.content())
        return replace(question, kept=kept)
    if isinstance(question, SpeakersRequest):
        return replace(question, muted_audio=b"".join(_parts(receive)))
    return question


def _said(answer: Answer, receive: Callable[[], bytes]) -> Answer:
    if isinstance(answer, AnalysedCall | CorrectedCall):
        return replace(answer, muted_audio=b"".join(_parts(receive)))
    return answer
