"""Whether all that a vault keeps is whole: pages, keys, analyses, recordings, and the audit log.

Promises to read everything once and to name what is damaged by the id of its call, so that it can
be brought back from a backup; what a damaged page takes with it is named too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import CallId, Progress
from app.errors import AppError, SealBroken, VaultDamaged
from app.storage import results
from app.storage.audio import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.storage.audio import SealedAudio
    from app.storage.database import Database
    from app.storage.keys import CallKeys

_TOLD_EVERY = 20


def problems(
    database: Database,
    audio: SealedAudio,
    call_keys: CallKeys,
    progress: Callable[[Progress], None],
) -> Iterator[str]:
    """Yield what is wrong with the calls of a vault."""
    try:
        with database.reader() as reading:
            calls = reading.all(_CALLS)
    except VaultDamaged:
        yield "the list of calls cannot be read"
        return
    for done, (call, sealed_key) in enumerate(calls):
        if done % _TOLD_EVERY == 0:
            progress(Progress(done=done, total=len(calls)))
        yield from _of_call(database, audio, call_keys, CallId(call), sealed_key)
    progress(Progress(done=len(calls), total=len(calls)))


def _of_call(
    database: Database,
    audio: SealedAudio,
    call_keys: CallKeys,
    call: CallId,
    sealed_key: bytes | None,
) -> Iterator[str]:
    try:
        key = call_keys.opened(call, sealed_key or b"")
    except SealBroken:
        yield f"the key of call {call} is missing or broken"
        return
    try:
        with database.reader() as reading:
            results.kept(reading, call, key)
    except AppError:
        yield f"the analysis of call {call} is broken"
    try:
        with database.reader() as reading:
            recordings = reading.all(_AUDIO, (call,))
    except VaultDamaged:
        yield f"what the vault knows of the recordings of call {call} cannot be read"
        return
    for purpose, size_bytes in recordings:
        try:
            size = sum(map(len, audio.chunks(call, Purpose(purpose))))
        except AppError:
            size = -1
        if size != size_bytes:
            yield f"the {purpose} recording of call {call} is missing or broken"


_CALLS = """
    SELECT calls.id, call_keys.sealed
    FROM calls LEFT JOIN call_keys ON call_keys.call = calls.number ORDER BY calls.number
"""
_AUDIO = """
    SELECT audio.purpose, audio.size_bytes FROM audio JOIN calls ON calls.number = audio.call
    WHERE calls.id = ? ORDER BY audio.purpose
"""
