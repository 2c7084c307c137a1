"""What acts on calls report: how an import, a run or a check went, and how far a long act is."""

from __future__ import annotations

from dataclasses import dataclass

from app.domain.calls import CallId, Failure, Stage


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportReport:
    """What an import did. `refused` pairs a file's name with the reason; `passed_over` counts the
    files of a folder that are no recordings, `described` the recordings that a metadata file says
    something of."""

    imported: tuple[CallId, ...]
    duplicates: int
    refused: tuple[tuple[str, Failure], ...]
    passed_over: int = 0
    described: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessingReport:
    """What a run through the queue did; `audio_ms` is the length of the calls that are done."""

    done: int
    failed: int
    cancelled: int
    audio_ms: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the self-test: what was checked, whether it is well, and what to do if not."""

    name: str
    ok: bool
    sentence: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a long act has come: `done` of `total` (0: unknown) calls or files.

    With a `call` it is one call's way through a `stage`, and `total` is 1.
    """

    done: float
    total: float
    call: CallId | None = None
    stage: Stage | None = None
