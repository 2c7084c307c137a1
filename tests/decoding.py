"""The product's own worker process with nothing behind its decoding: fuzzed files are sent to it.

Everything else is the real thing: the loop, the fences, the watchdog of whoever waits. Each request
is decoded twice, because damaged files, too, have to give the same samples again.
"""

from __future__ import annotations

import hashlib
import resource
from typing import TYPE_CHECKING, Any

import msgspec

from app.config import Settings
from app.domain import Failure
from app.engine import pipeline, worker
from app.engine.audio import decode
from app.engine.wire import Request
from app.errors import AppError
from tests.arrays import whole

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

    from app.engine.wire import Places

DECODED = "decoded"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one file: what it gave each time, and the most memory the process ever had."""

    outcomes: tuple[str, ...]
    sentence: str = ""
    duration_ms: int = 0
    peak_kb: int = 0


def serve(pipe: Connection, places: Places, threads: int) -> None:
    """Run the worker until the pipe closes."""
    pipeline.Pipeline = _Decoding  # type: ignore[assignment,misc]
    worker.main(pipe, places, threads)


def request(content: bytes, suffix: str, settings: Settings | None = None) -> Request:
    """Return what is sent for one file."""
    return Request(content="audio", payload=content, suffix=suffix, settings=settings or Settings())


def found(outcome: object) -> Found | None:
    """Return what a worker says of a file; `None` where it is no answer of `serve`."""
    if not isinstance(outcome, Failure) or outcome.code != DECODED:
        return None
    return msgspec.json.decode(outcome.hint, type=Found)


class _Decoding:
    """Stands where the stages stand: decodes, and gives what came of it as a failure's hint."""

    def __init__(self, *_places: Any, threads: int) -> None:
        pass

    def analyse(self, asked: Request, _report: object) -> Failure:
        outcomes, sentence, duration_ms = [], "", 0
        payload = asked.take_payload()
        for _ in range(2):
            try:
                audio = decode(
                    payload,
                    longest_minutes=asked.settings.audio.longest_minutes,
                    accept_truncated=asked.settings.audio.accept_truncated,
                    suffix=asked.suffix,
                )
            except AppError as error:
                outcomes.append(error.code)
                sentence = error.sentence
                continue
            digest = hashlib.sha256(whole(audio.samples).tobytes()).hexdigest()[:16]
            outcomes.append(f"read {'in part' if audio.truncated else 'whole'} {digest}")
            duration_ms = audio.duration_ms
        peak_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        told = Found(
            outcomes=tuple(outcomes), sentence=sentence, duration_ms=duration_ms, peak_kb=peak_kb
        )
        return Failure(code=DECODED, sentence="", hint=msgspec.json.encode(told).decode())
