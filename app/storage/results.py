"""Keeping what a worker found out about a call, in one piece, and giving it back.

The analysis and the waveform are sealed under the call's own key; redacted turns go to the search
index; redacted values are kept as keyed blind indexes only, so that a person can be found among
them by whoever has the vault's key and the value, and by nobody else.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.domain import CallAnalysis, Flag, Turn, Waveform
from app.storage.audit_format import joined
from app.storage.crypto import Binding, seal_bytes, unseal_bytes
from app.storage.rows import clean, rank
from app.storage.schema import TURN_BITS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain import AnalysedCall, CallId
    from app.storage.database import Reading, Row, Writing
    from app.storage.keys import CallKeys

    Listed = tuple[Row | None, tuple[Row, ...], tuple[Row, ...]]

_FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A result in the form in which it is kept: sealed bodies, keyed values and plain columns."""

    analysis: bytes
    waveform: bytes
    columns: tuple[int, int, float | None, float | None, int, str | None]
    turns: tuple[Turn, ...]
    flags: tuple[Flag, ...]
    values: tuple[tuple[bytes, str, int], ...]


def ready(call: CallId, analysed: AnalysedCall, key: bytes, call_keys: CallKeys) -> Ready:
    """Seal and key a result, which takes longer than a transaction should last."""
    analysis = analysed.analysis
    return Ready(
        analysis=_sealed(analysis, key, "analysis", call),
        waveform=_sealed(analysed.waveform, key, "waveform", call),
        columns=_columns(analysis),
        turns=analysis.transcript.turns,
        flags=analysis.flags,
        values=tuple(
            (call_keys.blind_index(v.kind, v.digest), v.kind, v.value) for v in analysed.values
        ),
    )


def keep(writing: Writing, number: int, result: Ready, at: str) -> None:
    """Keep a result in place of an earlier one of the same call, but for the audio."""
    _clear(writing, number)
    writing.change(
        "INSERT INTO analyses (call, at, format, analysis, waveform) VALUES (?, ?, ?, ?, ?)",
        (number, at, _FORMAT, result.analysis, result.waveform),
    )
    digest = analysis_digest(result.analysis, result.waveform, result.values)
    keep_digest(writing, number, "analysis", digest)
    writing.change(_SUMMARY, (*result.columns, number))
    add_turns(writing, number, result.turns)
    writing.many(
        "INSERT INTO flags (call, place, label, title, severity) VALUES (?, ?, ?, ?, ?)",
        [
            (number, place, flag.label, flag.title, rank(flag.severity))
            for place, flag in enumerate(result.flags)
        ],
    )
    writing.many(
        "INSERT OR IGNORE INTO redacted_values (call, blind, kind, value) VALUES (?, ?, ?, ?)",
        [(number, *value) for value in result.values],
    )


def keep_digest(writing: Writing, number: int, what: str, digest: bytes) -> None:
    """Keep the digest of what is sealed for a call: `analysis` or `muted`, its audio."""
    values = (number, what, digest)
    writing.change("INSERT OR REPLACE INTO contents (call, what, digest) VALUES (?, ?, ?)", values)


def digests(reading: Reading, number: int) -> dict[str, bytes]:
    """Return the digests that were kept of what is sealed for the call with a number."""
    rows = reading.all("SELECT what, digest FROM contents WHERE call = ?", (number,))
    return {what: bytes(digest) for what, digest in rows}


def analysis_digest(
    analysis: bytes, waveform: bytes, values: Iterable[tuple[bytes, str, int]]
) -> bytes:
    """Return the digest that is kept of an analysis and its waveform, as they are sealed, and of
    the redacted values of the call."""
    kept = [
        field
        for blind, kind, value in sorted(set(values))
        for field in (blind, kind.encode(), str(value).encode())
    ]
    return hashlib.sha256(joined(b"autoinsights-analysis-1", analysis, waveform, *kept)).digest()


def listed(reading: Reading, number: int) -> Listed:
    """Return what the lists and the search say of the call with a number."""
    first = number << TURN_BITS
    turns = reading.all(_TURNS, (first, first + (1 << TURN_BITS)))
    flags = reading.all(_FLAGS, (number,))
    return (reading.one(_LISTED, (number,)), tuple(turns), tuple(flags))


def listed_of(number: int, analysis: CallAnalysis) -> Listed:
    """Return what they have to say of an analysis."""
    flags = enumerate(analysis.flags)
    return (
        _columns(analysis)[:-1],
        tuple(_turns(number, analysis.transcript.turns)),
        tuple((place, one.label, one.title, rank(one.severity)) for place, one in flags),
    )


def add_turns(writing: Writing, number: int, turns: Iterable[Turn]) -> None:
    """Put the turns of the call with a number into the search index."""
    writing.many(
        "INSERT INTO turns (id, role, start_ms, text) VALUES (?, ?, ?, ?)",
        _turns(number, turns),
    )


def _turns(number: int, turns: Iterable[Turn]) -> list[Row]:
    return [
        ((number << TURN_BITS) + turn.index, turn.role, turn.start_ms, clean(turn.text))
        for turn in turns
    ]


def keep_language(writing: Writing, number: int, analysis: CallAnalysis) -> None:
    """Keep in the list the language of the call with a number, as its analysis says."""
    language = clean(analysis.transcript.language)
    writing.change("UPDATE calls SET language = ? WHERE number = ?", (language, number))


def kept(
    reading: Reading, call: CallId, call_key: bytes
) -> tuple[CallAnalysis | None, Waveform | None]:
    """Return a call's analysis and waveform, or `None` for both; raises `SealBroken`."""
    row = reading.one(_ONE, (call,))
    if row is None:
        return None, None
    return opened_analysis(call, row[0], call_key), opened_waveform(call, row[1], call_key)


def opened_analysis(call: CallId, sealed: bytes, call_key: bytes) -> CallAnalysis:
    """Return a call's analysis as it was sealed; raises `SealBroken`."""
    return _opened(sealed, call_key, "analysis", call, CallAnalysis)


def opened_waveform(call: CallId, sealed: bytes, call_key: bytes) -> Waveform:
    """Return a call's waveform as it was sealed; raises `SealBroken`."""
    return _opened(sealed, call_key, "waveform", call, Waveform)


_SUMMARY = """
    UPDATE calls
    SET duration_ms = ?, channels = ?, sentiment = ?, score = ?, severity = ?, language = ?
    WHERE number = ?
"""
_LISTED = "SELECT duration_ms, channels, sentiment, score, severity FROM calls WHERE number = ?"
_TURNS = "SELECT id, role, start_ms, text FROM turns WHERE id >= ? AND id < ? ORDER BY id"
_FLAGS = "SELECT place, label, title, severity FROM flags WHERE call = ? ORDER BY place"
_ONE = """
    SELECT analysis, waveform FROM analyses JOIN calls ON calls.number = analyses.call
    WHERE calls.id = ?
"""


def _clear(writing: Writing, number: int) -> None:
    writing.change("DELETE FROM analyses WHERE call = ?", (number,))
    writing.change("DELETE FROM flags WHERE call = ?", (number,))
    writing.change("DELETE FROM redacted_values WHERE call = ?", (number,))
    first = number << TURN_BITS
    writing.change("DELETE FROM turns WHERE id >= ? AND id < ?", (first, first + (1 << TURN_BITS)))


def _columns(
    analysis: CallAnalysis,
) -> tuple[int, int, float | None, float | None, int, str | None]:
    return (
        analysis.duration_ms,
        analysis.channels,
        analysis.measures.customer_sentiment,
        analysis.score.value,
        max((rank(flag.severity) for flag in analysis.flags), default=0),
        clean(analysis.transcript.language),
    )


def _sealed(value: CallAnalysis | Waveform, key: bytes, purpose: str, call: CallId) -> bytes:
    return seal_bytes(zlib.compress(msgspec.json.encode(value)), key, Binding(purpose, call))


def _opened(sealed: bytes, key: bytes, purpose: str, call: CallId, kind: type[T]) -> T:
    plain = zlib.decompress(unseal_bytes(sealed, key, Binding(purpose, call)))
    return msgspec.json.decode(plain, type=kind)
