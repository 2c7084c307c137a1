"""Whether all that a vault keeps is whole: pages, keys, analyses, recordings, and the audit log.

Promises to read everything once and to name what is damaged by the id of its call, so that it can
be brought back from a backup; what a damaged page takes with it is named too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import Progress
from app.errors import AppError, NotAsKept, SealBroken, VaultDamaged
from app.storage import records, results
from app.storage.audio import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.storage.audio import SealedAudio
    from app.storage.database import Database
    from app.storage.keys import CallKeys
    from app.storage.records import CallRecord

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
    for done, (number, call) in enumerate(calls):
        if done % _TOLD_EVERY == 0:
            progress(Progress(done=done, total=len(calls)))
        try:
            with database.reader() as reading:
                digests = results.digests(reading, number)
                record = records.gathered(reading, number, digests)
                sealed_key = reading.one("SELECT sealed FROM call_keys WHERE call = ?", (number,))
        except VaultDamaged:
            yield f"what the database has of call {call} cannot be read"
            continue
        if record is not None:  # it may have been erased meanwhile
            key = b"" if sealed_key is None else sealed_key[0]
            yield from _of_call(audio, call_keys, record, key, digests)
    progress(Progress(done=len(calls), total=len(calls)))


def _of_call(
    audio: SealedAudio,
    call_keys: CallKeys,
    record: CallRecord,
    sealed_key: bytes,
    digests: dict[str, bytes],
) -> Iterator[str]:
    call = record.id
    try:
        key = call_keys.opened(call, sealed_key)
    except SealBroken:
        yield f"the key of call {call} is missing or broken"
        return
    try:
        records.opened_analyses(record, key)
        records.expect_kept(record, digests)
    except NotAsKept:
        yield f"the analysis of call {call} is not the one that was kept"
    except SealBroken:
        yield f"the analysis of call {call} is broken"
    for what in records.missing(record, digests):
        yield f"the {what} of call {call} is not there any more"
    for one in record.audio:
        try:
            size = sum(len(chunk) for chunk in audio.chunks(call, Purpose(one.purpose)))
        except NotAsKept:
            yield f"the {one.purpose} recording of call {call} is not the one that was kept"
            continue
        except AppError:
            size = -1
        if size != one.size_bytes:
            yield f"the {one.purpose} recording of call {call} is missing or broken"


# the ids come from their index: a damaged page of the table takes no other call's name along
_CALLS = "SELECT number, id FROM calls INDEXED BY sqlite_autoindex_calls_1 ORDER BY number"
