"""Whether all that a vault keeps is whole: pages, keys, analyses, recordings, and the audit log.

Promises to read everything once and to name what is damaged by the id of its call, so that it can
be brought back from a backup; what a damaged page takes with it is named too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import Progress
from app.errors import AppError, NotAsKept, SealBroken, VaultDamaged
from app.storage import records, results
from app.storage.audio import Purpose
from app.storage.schema import TURN_BITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.storage.audio import SealedAudio
    from app.storage.database import Database, Reading
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
                listed = results.listed(reading, number)
                sealed_key = reading.one("SELECT sealed FROM call_keys WHERE call = ?", (number,))
        except VaultDamaged:
            yield f"what the database has of call {call} cannot be read"
            continue
        if record is not None:  # it may have been erased meanwhile
            key = b"" if sealed_key is None else sealed_key[0]
            yield from _of_call(audio, call_keys, _Kept(record, key, listed, digests))
    yield from _of_words(database)
    progress(Progress(done=len(calls), total=len(calls)))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What the database has of a call, and the digests that the log signs of it."""

    record: CallRecord
    sealed_key: bytes
    listed: results.Listed
    digests: dict[str, bytes]


def _of_call(audio: SealedAudio, call_keys: CallKeys, kept: _Kept) -> Iterator[str]:
    call = kept.record.id
    try:
        key = call_keys.opened(call, kept.sealed_key)
    except SealBroken:
        yield f"the key of call {call} is missing or broken"
        return
    yield from _of_analysis(kept, key)
    for what in records.missing(kept.record, kept.digests):
        yield f"the {what} of call {call} is not there any more"
    there = {one.purpose: one.size_bytes for one in kept.record.audio}
    for purpose in (one for one in Purpose if one in there):
        try:
            size = sum(len(chunk) for chunk in audio.chunks(call, purpose))
        except NotAsKept:
            yield f"the {purpose} recording of call {call} is not the one that was kept"
            continue
        except AppError:
            size = -1
        if size != there[purpose]:
            yield f"the {purpose} recording of call {call} is missing or broken"


def _of_analysis(kept: _Kept, key: bytes) -> Iterator[str]:
    call, number = kept.record.id, kept.record.call.number
    try:
        analyses = records.opened_analyses(kept.record, key)
        records.expect_kept(kept.record, kept.digests)
    except NotAsKept:
        yield f"the analysis of call {call} is not the one that was kept"
        return
    except SealBroken:
        yield f"the analysis of call {call} is broken"
        return
    if not analyses and "analysis" in kept.digests:
        return  # that it is missing is said
    nothing = (kept.listed[0], (), ())
    if kept.listed != (results.listed_of(number, analyses[-1]) if analyses else nothing):
        yield f"what the lists and the search say of call {call} is not what was found in it"


def _of_words(database: Database) -> Iterator[str]:
    """Compare the index of words with the turns; SQLite does so for who may write only."""
    try:
        with database.transaction() as writing:
            writing.change(
                "INSERT INTO turns_text (turns_text, rank) VALUES ('integrity-check', 1)"
            )
        with database.reader() as reading:  # each word takes its time, and nobody waits for it
            yield from _unfound_words(reading)
    except VaultDamaged:
        yield _OTHER_WORDS


def _unfound_words(reading: Reading) -> Iterator[str]:
    """Look every word up by which a turn can be found: SQLite's own check does not read by what a
    search finds its way. And no turn is of a call that is not there."""
    if reading.one(_OF_NO_CALL, (TURN_BITS,)) is not None:
        yield "the search knows turns of a call that is not there"
    for term, turns in reading.all(_WORDS):
        word = '"' + term.replace('"', '""') + '"'
        if reading.one(_FOUND, (word,)) != (turns,):
            yield _OTHER_WORDS
            return


_OTHER_WORDS = "the index of words is not that of what was said"
_OF_NO_CALL = "SELECT 1 FROM turns WHERE id >> ? NOT IN (SELECT number FROM calls) LIMIT 1"
_WORDS = "SELECT term, count(DISTINCT doc) FROM turns_words GROUP BY term"
_FOUND = "SELECT count(*) FROM turns_text WHERE turns_text MATCH ?"

# the ids come from their index: a damaged page of the table takes no other call's name along
_CALLS = "SELECT number, id FROM calls INDEXED BY sqlite_autoindex_calls_1 ORDER BY number"
