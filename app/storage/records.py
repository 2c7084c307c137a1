"""One call as one record: all rows that the database keeps of it, to be put into another one.

Promises that a call that was gathered and inserted elsewhere is the same call: its number, its
place in the queue, its findings, its hold. A running analysis waits again: its runner is not there.
The call's key is not part of the record, which is sealed under it; the turns and their index are
not either, because the analysis holds them. A record is described in formats.md.
"""

from __future__ import annotations

import hashlib
import zlib
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.domain import CallId, JobState
from app.errors import NotAsKept, SealBroken
from app.storage import results, schema
from app.storage.audio import Purpose
from app.storage.crypto import Binding, seal_bytes, unseal_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.domain import CallAnalysis
    from app.storage.database import Reading, Value, Writing

FORMAT = 1
_HEAD_BYTES = 40  # of a sealed object: with its random mark, which no other object has


class _Row(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Columns of one row; the names of the fields are those of the columns."""


class CallColumns(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The row of the table `calls`, without a lease."""

    number: int
    id: str
    digest: str
    source_name: str
    size_bytes: int
    imported_at: str
    started_at: str | None
    started: str
    agent: str | None
    queue: str | None
    direction: str
    customer_reference: str | None
    channel_roles: str
    duration_ms: int | None
    channels: int | None
    sentiment: float | None
    score: float | None
    severity: int
    state: str
    place: int
    attempts: int
    deaths: int
    queued_at: str
    finished_at: str | None
    failure_code: str | None
    failure_sentence: str | None
    failure_hint: str | None


class AudioColumns(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the table `audio`."""

    purpose: str
    mark: bytes
    size_bytes: int


class AnalysisColumns(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The row of the table `analyses`; the bodies are sealed already."""

    at: str
    format: int
    analysis: bytes
    waveform: bytes


class CorrectedColumns(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The row of the table `corrected_analyses`; the bodies are sealed already."""

    corrected_by: str
    corrected_at: str
    format: int
    analysis: bytes
    waveform: bytes


class FlagColumns(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the table `flags`."""

    place: int
    label: str
    title: str
    severity: int


class ValueColumns(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the table `redacted_values`."""

    blind: bytes
    kind: str
    value: int


class HoldColumns(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The row of the table `holds`."""

    reason: str
    placed_by: str
    placed_at: str


class OriginalColumns(_Row, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The row of the table `originals`, but for what is left to do."""

    due_at: str
    destroyed_at: str | None


class CallRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that the database keeps of one call, but for its key; `muted` is the digest that was kept
    of its muted recording, if one was. `corrected`, `muted` and `original` are left out where there
    is nothing: earlier versions of the program read such a record."""

    format: int = FORMAT
    call: CallColumns
    audio: tuple[AudioColumns, ...] = ()
    analysis: AnalysisColumns | None = None
    flags: tuple[FlagColumns, ...] = ()
    values: tuple[ValueColumns, ...] = ()
    hold: HoldColumns | None = None
    corrected: CorrectedColumns | msgspec.UnsetType = msgspec.UNSET
    muted: bytes | msgspec.UnsetType = msgspec.UNSET
    original: OriginalColumns | msgspec.UnsetType = msgspec.UNSET

    @property
    def id(self) -> CallId:
        """The call's id."""
        return CallId(self.call.id)

    @property
    def original_is_destroyed(self) -> bool:
        """Whether the recording as it was imported is not there any more, on purpose."""
        return self.original is not msgspec.UNSET and self.original.destroyed_at is not None

    def without_original(self, destroyed_at: str) -> CallRecord:
        """Return the record as it is once its original was destroyed at a moment."""
        return msgspec.structs.replace(
            self,
            audio=tuple(one for one in self.audio if one.purpose != Purpose.ORIGINAL),
            original=OriginalColumns(due_at=destroyed_at, destroyed_at=destroyed_at),
        )


TABLES = (
    "calls", "call_keys", "audio", "analyses", "flags", "redacted_values", "holds", "turns",
    "contents", "corrected_analyses", "originals",
)  # fmt: skip
"""The tables that hold rows of calls."""

R = TypeVar("R", bound=_Row)


def gathered(reading: Reading, number: int, digests: Mapping[str, bytes]) -> CallRecord | None:
    """Return the record of the call with a number, or `None` if there is none; `digests` are those
    that were kept of what is sealed for it."""
    return _gathered(reading, number, digests, "analysis, waveform")


def marker(reading: Reading, number: int, digests: Mapping[str, bytes]) -> bytes | None:
    """Return a digest that changes with every change of a call's record, without reading it all.

    Of what is sealed the head is enough: it holds a mark that no other object has.
    """
    heads = f"substr(analysis, 1, {_HEAD_BYTES}), substr(waveform, 1, {_HEAD_BYTES})"
    record = _gathered(reading, number, digests, heads)
    return None if record is None else hashlib.sha256(msgspec.json.encode(record)).digest()


def call_columns(reading: Reading, number: int) -> CallColumns | None:
    """Return the row of the call with a number; one that was being analysed waits again."""
    found = _rows(reading, CallColumns, "calls WHERE number = ?", number)
    if found and found[0].state == JobState.RUNNING:
        return msgspec.structs.replace(found[0], state=JobState.QUEUED.value)
    return found[0] if found else None


def audio_columns(reading: Reading, number: int) -> tuple[AudioColumns, ...]:
    """Return which recordings count for the call with a number."""
    return _rows(reading, AudioColumns, "audio WHERE call = ? ORDER BY purpose", number)


def hold_columns(reading: Reading, number: int) -> HoldColumns | None:
    """Return the hold under which the call with a number is."""
    return next(iter(_rows(reading, HoldColumns, "holds WHERE call = ?", number)), None)


def original_columns(reading: Reading, number: int) -> OriginalColumns | msgspec.UnsetType:
    """Return what is kept of the original of the call with a number, if anything."""
    if schema.version(reading) < schema.SINCE["originals"]:
        return msgspec.UNSET  # a rescue reads older vaults
    found = _rows(reading, OriginalColumns, "originals WHERE call = ?", number)
    return next(iter(found), msgspec.UNSET)


def insert(writing: Writing, record: CallRecord, sealed_key: bytes, key: bytes) -> None:
    """Put a call into a database that lacks it; `key` is its opened key.

    Raises `SealBroken` if the analysis is not the call's.
    """
    number = record.call.number
    _add(writing, "calls", {}, record.call)
    writing.change("INSERT INTO call_keys (call, sealed) VALUES (?, ?)", (number, sealed_key))
    of = {"call": number}
    for audio in record.audio:
        _add(writing, "audio", of, audio)
    for flag in record.flags:
        _add(writing, "flags", of, flag)
    results.keep_values(writing, number, map(msgspec.structs.astuple, record.values))
    if record.hold is not None:
        _add(writing, "holds", of, record.hold)
    if record.original is not msgspec.UNSET:
        _add(writing, "originals", of, record.original)
    if record.muted is not msgspec.UNSET:
        results.keep_digest(writing, number, "muted", record.muted)
    for table, _, bodies in _analyses(record):
        _add(writing, table, of, bodies)
    for what, digest in analysis_digests(record).items():
        results.keep_digest(writing, number, what, digest)
    for analysis in opened_analyses(record, key)[-1:]:  # the one that is shown
        results.add_turns(writing, number, results.shown_turns(analysis))
        results.keep_in_list(writing, number, analysis)


def opened_analyses(record: CallRecord, key: bytes) -> tuple[CallAnalysis, ...]:
    """Return what the program found, and after it what follows from a correction; with their
    waveforms they are proven. Raises `SealBroken`."""
    return tuple(
        results.opened(
            record.id, bodies.analysis, bodies.waveform, key, corrected=what == "corrected"
        )[0]
        for _, what, bodies in _analyses(record)
    )


def analysis_digests(record: CallRecord) -> dict[str, bytes]:
    """Return the digests of what is sealed as analyses of a call, by what they are of."""
    return {
        what: results.analysis_digest(bodies.analysis, bodies.waveform)
        for _, what, bodies in _analyses(record)
    }


def expect_kept(record: CallRecord, digests: Mapping[str, bytes]) -> None:
    """Raise `NotAsKept` where an analysis of a call is not the one that was kept last, or its
    redacted values are not."""
    for _, what, bodies in _analyses(record):
        results.expect_kept(record.id, bodies.analysis, bodies.waveform, digests.get(what))
    values = results.values_digest(map(msgspec.structs.astuple, record.values))
    if digests.get("values", values) != values:
        raise NotAsKept(f"The redacted values of call {record.id} are not those that were kept.")


def missing(record: CallRecord, digests: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return what was kept of a call and is not in its record, in a person's words."""
    there = {one.purpose for one in record.audio} | {what for _, what, _ in _analyses(record)}
    there |= {"original"} if record.original_is_destroyed else set()
    return tuple(words for what, words in _KEPT.items() if what in digests and what not in there)


_KEPT = {
    "analysis": "analysis",
    "corrected": "corrected analysis",
    "muted": "muted recording",
    "original": "original recording",
}


def sealed(record: CallRecord, key: bytes) -> bytes:
    """Return a record sealed under the key of its call."""
    plain = zlib.compress(msgspec.json.encode(record))
    return seal_bytes(plain, key, _binding(record.id))


def unsealed(content: bytes, call: CallId, key: bytes) -> CallRecord:
    """Return the record of a call; raises `SealBroken` where it is not this call's or damaged."""
    plain = unseal_bytes(content, key, _binding(call))
    try:
        record = msgspec.json.decode(zlib.decompress(plain), type=CallRecord)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise SealBroken("A call's record is in a format that is not known here.") from error
    if record.format != FORMAT or record.id != call:
        raise SealBroken("A call's record is not what it should be.")
    return record


def _binding(call: CallId) -> Binding:
    return Binding("call-record", call)


def _gathered(
    reading: Reading, number: int, digests: Mapping[str, bytes], bodies: str
) -> CallRecord | None:
    call = call_columns(reading, number)
    if call is None:
        return None
    found = reading.one(f"SELECT at, format, {bodies} FROM analyses WHERE call = ?", (number,))  # noqa: S608
    values = "redacted_values WHERE call = ? ORDER BY blind, kind, value"
    return CallRecord(
        call=call,
        audio=audio_columns(reading, number),
        analysis=None if found is None else _row(AnalysisColumns, found),
        flags=_rows(reading, FlagColumns, "flags WHERE call = ? ORDER BY place", number),
        values=_rows(reading, ValueColumns, values, number),
        hold=hold_columns(reading, number),
        corrected=_corrected(reading, number, bodies),
        muted=digests.get("muted", msgspec.UNSET),
        original=original_columns(reading, number),
    )


def _corrected(reading: Reading, number: int, bodies: str) -> CorrectedColumns | msgspec.UnsetType:
    if schema.version(reading) < schema.SINCE["corrected_analyses"]:
        return msgspec.UNSET  # a rescue reads older vaults
    columns = f"corrected_by, corrected_at, format, {bodies}"
    found = reading.one(f"SELECT {columns} FROM corrected_analyses WHERE call = ?", (number,))  # noqa: S608
    return msgspec.UNSET if found is None else _row(CorrectedColumns, found)


def _analyses(
    record: CallRecord,
) -> Iterator[tuple[str, str, AnalysisColumns | CorrectedColumns]]:
    """Yield each analysis of a call: its table, what it is, and its row."""
    if record.analysis is not None:
        yield "analyses", "analysis", record.analysis
        if record.corrected is not msgspec.UNSET:
            yield "corrected_analyses", "corrected", record.corrected


def _rows(reading: Reading, kind: type[R], rest: str, number: int) -> tuple[R, ...]:
    rows = reading.all(f"SELECT {_columns(kind)} FROM {rest}", (number,))  # noqa: S608
    return tuple(_row(kind, row) for row in rows)


def _row(kind: type[R], row: tuple[Value, ...]) -> R:
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind)


def _add(writing: Writing, table: str, first: dict[str, int], columns: _Row) -> None:
    given: dict[str, Value] = {**first, **msgspec.structs.asdict(columns)}
    names, marks = ", ".join(given), ", ".join("?" * len(given))
    statement = f"INSERT INTO {table} ({names}) VALUES ({marks})"  # noqa: S608
    writing.change(statement, tuple(given.values()))


def _columns(kind: type[_Row]) -> str:
    return ", ".join(kind.__struct_fields__)
