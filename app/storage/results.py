"""Keeping what a worker found out about a call, in one piece, and giving it back.

The analysis and the waveform are sealed under the call's own key; redacted turns go to the search
index; redacted values are kept as keyed blind indexes only, so that a person can be found among
them by whoever has the vault's key and the value, and by nobody else. Where a person corrected who
speaks, what follows from that is kept beside what the program found, and is what is shown.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from app.domain import CallAnalysis, CorrectedSpeakers, Waveform
from app.errors import NotAsKept
from app.storage.audit_format import joined
from app.storage.crypto import Binding, seal_bytes, unseal_bytes
from app.storage.rows import clean, rank
from app.storage.schema import TURN_BITS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from app.domain import (
        AnalysedCall,
        CallId,
        CorrectedCall,
        Labels,
        RedactedValue,
        Released,
        Turn,
    )
    from app.storage.database import Reading, Row, Writing
    from app.storage.keys import CallKeys

    Listed = tuple[Row | None, tuple[Row, ...], tuple[Row, ...]]

_FORMAT = 1
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sealed:
    """An analysis as it is, and in the form in which it is kept: sealed bodies and keyed values."""

    plain: CallAnalysis
    analysis: bytes
    waveform: bytes
    values: tuple[tuple[bytes, str, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A result in the form in which it is kept: what the program found, and what follows from a
    person's correction where there is one."""

    found: Sealed
    corrected: Sealed | None
    labels: Labels | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What is kept of a call: what the program `found`, and what is `shown`, which is something
    else where a person corrected who speaks."""

    found: CallAnalysis
    shown: CallAnalysis
    waveform: Waveform
    speakers: CorrectedSpeakers | None


def ready(call: CallId, analysed: AnalysedCall, key: bytes, call_keys: CallKeys) -> Ready:
    """Seal and key a result, which takes longer than a transaction should last."""
    waveform, corrected = analysed.waveform, None
    if analysed.corrected is not None:
        corrected = ready_correction(call, analysed.corrected, waveform, key, call_keys)
    labels = analysed.labels
    values = (*analysed.values, *(labels.values if labels else ()))
    return Ready(
        found=Sealed(
            plain=analysed.analysis,
            analysis=_sealed(analysed.analysis, key, "analysis", call),
            waveform=_sealed(waveform, key, "waveform", call),
            values=_keyed(values, call_keys),
        ),
        corrected=corrected,
        labels=labels,
    )


def ready_correction(
    call: CallId, corrected: CorrectedCall, waveform: Waveform, key: bytes, call_keys: CallKeys
) -> Sealed:
    """Seal and key what follows from a correction; `waveform` is the one that was shown before."""
    return Sealed(
        plain=corrected.analysis,
        analysis=_sealed(corrected.analysis, key, "corrected-analysis", call),
        waveform=_sealed(corrected.waveform or waveform, key, "corrected-waveform", call),
        values=_keyed(corrected.values, call_keys),
    )


def keep(writing: Writing, number: int, result: Ready, at: str) -> None:
    """Keep a result in place of an earlier one of the same call, but for the audio.

    That a person corrected the call stays where the result says what follows from it.
    """
    found, shown = result.found, result.found
    by = writing.one(_CORRECTED_BY, (number,))
    writing.change("DELETE FROM analyses WHERE call = ?", (number,))
    writing.change("DELETE FROM redacted_values WHERE call = ? AND value > 0", (number,))
    writing.change(
        "INSERT INTO analyses (call, at, format, analysis, waveform) VALUES (?, ?, ?, ?, ?)",
        (number, at, _FORMAT, found.analysis, found.waveform),
    )
    keep_digest(writing, number, "analysis", analysis_digest(found.analysis, found.waveform))
    keep_values(writing, number, found.values)
    if result.labels:
        labels = clean(result.labels.source_name), clean(result.labels.customer_reference)
        writing.change(_LABELS, (*labels, number, *labels))
    if by is not None and result.corrected is not None:
        shown = result.corrected
        _put_correction(writing, number, shown, *by)
    else:
        _drop_correction(writing, number)
    _show(writing, number, shown.plain)


def keep_values(writing: Writing, number: int, values: Iterable[tuple[bytes, str, int]]) -> None:
    """Keep keyed values of the call with a number; those of its labels have the number 0 and stay
    when it is analysed again."""
    writing.many(
        "INSERT OR IGNORE INTO redacted_values (call, blind, kind, value) VALUES (?, ?, ?, ?)",
        [(number, *value) for value in values],
    )
    _seal_values(writing, number)


def _seal_values(writing: Writing, number: int) -> None:
    keep_digest(writing, number, "values", values_digest(writing.all(_VALUES, (number,))))


def keep_correction(  # noqa: PLR0913 (what is said of it)
    writing: Writing, number: int, found: CallAnalysis, corrected: Sealed, *, by: str, at: str
) -> None:
    """Keep what follows from a person's correction, beside what the program `found`."""
    _drop_further_values(writing, number, found)
    _put_correction(writing, number, corrected, by, at)
    _show(writing, number, corrected.plain)


def undo_correction(writing: Writing, number: int, found: CallAnalysis) -> None:
    """Show again what the program `found`, and keep no correction."""
    _drop_further_values(writing, number, found)
    _drop_correction(writing, number)
    _show(writing, number, found)


def keep_digest(writing: Writing, number: int, what: str, digest: bytes) -> None:
    """Keep the digest of what is kept for a call: `analysis`, `corrected`, `values`, or `muted`
    audio."""
    values = (number, what, digest)
    writing.change("INSERT OR REPLACE INTO contents (call, what, digest) VALUES (?, ?, ?)", values)


def keep_digests_of_all(writing: Writing) -> None:
    """Keep the digests of all analyses, and of their values, in a vault that had none; what its
    muted recordings are is not known to the database."""
    for (number,) in writing.all("SELECT call FROM analyses"):
        bodies = "SELECT analysis, waveform FROM analyses WHERE call = ?"
        ((analysis, waveform),) = writing.all(bodies, (number,))  # one at a time: they are large
        keep_digest(writing, number, "analysis", analysis_digest(analysis, waveform))
        _seal_values(writing, number)


def forget_digest(writing: Writing, number: int, what: str) -> None:
    """Forget the digest of what is not kept for a call any more."""
    writing.change("DELETE FROM contents WHERE call = ? AND what = ?", (number, what))


def digests(reading: Reading, number: int) -> dict[str, bytes]:
    """Return the digests that were kept of what is sealed for the call with a number: `analysis`,
    and its recordings by their purpose."""
    kept = {
        what: bytes(digest)
        for what, digest in reading.all(
            "SELECT what, digest FROM contents WHERE call = ?", (number,)
        )
    }
    original = reading.one("SELECT digest FROM calls WHERE number = ?", (number,))
    return {**kept, "original": bytes.fromhex(original[0])} if original else kept


def analysis_digest(analysis: bytes, waveform: bytes) -> bytes:
    """Return the digest that is kept of an analysis and its waveform, as they are sealed."""
    return hashlib.sha256(joined(b"autoinsights-analysis-1", analysis, waveform)).digest()


def values_digest(values: Iterable[Row]) -> bytes:
    """Return the digest that is kept of the redacted values of a call: blind, kind and number of
    each."""
    fields = [
        field
        for blind, kind, value in sorted(values)
        for field in (bytes(blind), kind.encode(), str(value).encode())
    ]
    return hashlib.sha256(joined(b"autoinsights-values-1", *fields)).digest()


def listed(reading: Reading, number: int) -> Listed:
    """Return what the lists and the search say of the call with a number."""
    first = number << TURN_BITS
    turns = reading.all(_TURNS, (first, first + (1 << TURN_BITS)))
    flags = reading.all(_FLAGS, (number,))
    return (reading.one(_LISTED, (number,)), tuple(turns), tuple(flags))


def listed_of(number: int, shown: CallAnalysis) -> Listed:
    """Return what they have to say of the analysis that is shown of it."""
    *measures, _language, held_back = _columns(shown)
    return (
        (*measures, int(held_back)),
        tuple(_turns(number, shown_turns(shown))),
        tuple(_flags(shown)),
    )


def expect_kept(call: CallId, analysis: bytes, waveform: bytes, digest: bytes | None) -> None:
    """Raise `NotAsKept` where a sealed analysis and its waveform do not have the digest that was
    kept of them, if one was."""
    if digest is not None and analysis_digest(analysis, waveform) != digest:
        raise NotAsKept(f"The analysis of call {call} is not the one that was kept.")


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


def _flags(analysis: CallAnalysis) -> list[Row]:
    return [
        (place, flag.label, flag.title, rank(flag.severity))
        for place, flag in enumerate(analysis.flags)
    ]


def shown_turns(analysis: CallAnalysis) -> tuple[Turn, ...]:
    """Return the turns that can be searched: none of a call that is held back."""
    return () if analysis.held_back else analysis.transcript.turns


def keep_in_list(writing: Writing, number: int, analysis: CallAnalysis) -> None:
    """Keep in the list what the analysis of the call with a number says beside its measures: the
    language, and whether the call is held back."""
    values = (clean(analysis.transcript.language), analysis.held_back, number)
    writing.change("UPDATE calls SET language = ?, held_back = ? WHERE number = ?", values)


def change(  # noqa: PLR0913, PLR0917 (what is kept, and where)
    writing: Writing,
    number: int,
    call: CallId,
    key: bytes,
    before: Kept,
    how: Callable[[CallAnalysis], CallAnalysis],
) -> None:
    """Keep what is kept of a call with a person's decision in it: that it is held back, or let
    go."""
    _replace(writing, number, call, key, how(before.found), "analysis")
    if before.speakers is not None:
        _replace(writing, number, call, key, how(before.shown), "corrected")
    _show(writing, number, how(before.shown))


def released(analysis: CallAnalysis, by: Released) -> CallAnalysis:
    """Return an analysis that is held back no more."""
    proof, judged = analysis.proof, analysis.judged
    if proof is not None and proof.held_back:
        proof = replace(proof, released=by)
    if judged is not None and judged.held_back:
        judged = replace(judged, released=by)
    return replace(analysis, proof=proof, judged=judged)


def _replace(  # noqa: PLR0913, PLR0917
    writing: Writing, number: int, call: CallId, key: bytes, analysis: CallAnalysis, what: str
) -> None:
    """Keep an analysis in place of what is kept, with its waveform as it is; `what` names both the
    digest and where it is kept."""
    table, purpose = _KEPT_IN[what]
    row = writing.one(f"SELECT waveform FROM {table} WHERE call = ?", (number,))  # noqa: S608
    sealed = _sealed(analysis, key, purpose, call)
    writing.change(f"UPDATE {table} SET analysis = ? WHERE call = ?", (sealed, number))  # noqa: S608
    keep_digest(writing, number, what, analysis_digest(sealed, bytes(row[0]) if row else b""))


def seal_under(writing: Writing, number: int, call: CallId, key: bytes, another: bytes) -> None:
    """Keep the analyses of a call as they are, but sealed under another key in place of its key."""
    for what, (table, purpose) in _KEPT_IN.items():
        row = writing.one(f"SELECT analysis, waveform FROM {table} WHERE call = ?", (number,))  # noqa: S608
        if row is None:
            continue
        waveform = purpose.replace("analysis", "waveform")
        bodies = [
            seal_bytes(unseal_bytes(body, key, binding), another, binding)
            for body, binding in (
                (row[0], Binding(purpose, call)),
                (row[1], Binding(waveform, call)),
            )
        ]
        change = f"UPDATE {table} SET analysis = ?, waveform = ? WHERE call = ?"  # noqa: S608
        writing.change(change, (*bodies, number))
        keep_digest(writing, number, what, analysis_digest(*bodies))


def kept(reading: Reading, call: CallId, call_key: bytes) -> Kept | None:
    """Return what is kept of a call; raises `SealBroken` or `NotAsKept`."""
    row = reading.one(_ONE, (call,))
    if row is None:
        if reading.one(_KEPT, (call,)) is not None:
            raise NotAsKept(f"The analysis of call {call} is not there any more.")
        return None
    found, waveform = _as_kept(call, row[:3], call_key)
    by, at, *corrected = row[3:]
    if by is None:
        if corrected[2] is not None:
            raise NotAsKept(f"The corrected analysis of call {call} is not there any more.")
        return Kept(found=found, shown=found, waveform=waveform, speakers=None)
    shown, waveform = _as_kept(call, corrected, call_key, corrected=True)
    both = zip(found.transcript.turns, shown.transcript.turns, strict=True)
    turns = tuple(one.index for one, other in both if one.role is not other.role)
    speakers = CorrectedSpeakers(by=by, at=at, turns=turns)
    return Kept(found=found, shown=shown, waveform=waveform, speakers=speakers)


def _as_kept(
    call: CallId, row: Sequence[Any], call_key: bytes, *, corrected: bool = False
) -> tuple[CallAnalysis, Waveform]:
    """Return what a row of sealed analysis, waveform and their digest holds."""
    expect_kept(call, *row)
    return opened(call, row[0], row[1], call_key, corrected=corrected)


def opened(
    call: CallId, analysis: bytes, waveform: bytes, call_key: bytes, *, corrected: bool = False
) -> tuple[CallAnalysis, Waveform]:
    """Return a call's analysis and waveform as they were sealed; raises `SealBroken`."""
    before = "corrected-" if corrected else ""
    return (
        _opened(analysis, call_key, f"{before}analysis", call, CallAnalysis),
        _opened(waveform, call_key, f"{before}waveform", call, Waveform),
    )


_KEPT_IN = {
    "analysis": ("analyses", "analysis"),
    "corrected": ("corrected_analyses", "corrected-analysis"),
}
_SUMMARY = """
    UPDATE calls
    SET duration_ms = ?, channels = ?, sentiment = ?, score = ?, severity = ?, language = ?,
        held_back = ?
    WHERE number = ?
"""
_LABELS = """
    UPDATE calls SET source_name = ?, customer_reference = ?
    WHERE number = ? AND (source_name IS NOT ? OR customer_reference IS NOT ?)
"""
_KEPT = """
    SELECT 1 FROM contents JOIN calls ON calls.number = contents.call
    WHERE calls.id = ? AND contents.what = 'analysis'
"""
_LISTED = """
    SELECT duration_ms, channels, sentiment, score, severity, held_back
    FROM calls WHERE number = ?
"""
_TURNS = "SELECT id, role, start_ms, text FROM turns WHERE id >= ? AND id < ? ORDER BY id"
_FLAGS = "SELECT place, label, title, severity FROM flags WHERE call = ? ORDER BY place"
_VALUES = "SELECT blind, kind, value FROM redacted_values WHERE call = ?"
_ONE = """
    SELECT found.analysis, found.waveform, of_found.digest,
        corrected_by, corrected_at, corrected.analysis, corrected.waveform, of_corrected.digest
    FROM analyses AS found JOIN calls ON calls.number = found.call
    LEFT JOIN corrected_analyses AS corrected ON corrected.call = found.call
    LEFT JOIN contents AS of_found ON of_found.call = found.call AND of_found.what = 'analysis'
    LEFT JOIN contents AS of_corrected
        ON of_corrected.call = found.call AND of_corrected.what = 'corrected'
    WHERE calls.id = ?
"""
_CORRECTED_BY = "SELECT corrected_by, corrected_at FROM corrected_analyses WHERE call = ?"
_CORRECTED = """
    INSERT OR REPLACE INTO corrected_analyses
        (call, corrected_by, corrected_at, format, analysis, waveform)
    VALUES (?, ?, ?, ?, ?, ?)
"""


def _put_correction(writing: Writing, number: int, corrected: Sealed, by: str, at: str) -> None:
    bodies = (corrected.analysis, corrected.waveform)
    writing.change(_CORRECTED, (number, by, at, _FORMAT, *bodies))
    keep_digest(writing, number, "corrected", analysis_digest(*bodies))
    keep_values(writing, number, corrected.values)


def _drop_correction(writing: Writing, number: int) -> None:
    writing.change("DELETE FROM corrected_analyses WHERE call = ?", (number,))
    writing.change("DELETE FROM contents WHERE call = ? AND what = 'corrected'", (number,))


def _drop_further_values(writing: Writing, number: int, found: CallAnalysis) -> None:
    """Forget the values that only an earlier correction of the call redacts."""
    known = {(one.kind, one.value) for one in found.redactions}
    values = "SELECT DISTINCT kind, value FROM redacted_values WHERE call = ? AND value > 0"
    for kind, value in writing.all(values, (number,)):
        if (kind, value) not in known:
            one = "DELETE FROM redacted_values WHERE call = ? AND kind = ? AND value = ?"
            writing.change(one, (number, kind, value))
    _seal_values(writing, number)


def _show(writing: Writing, number: int, shown: CallAnalysis) -> None:
    """Put an analysis into the list, the filters and the search in place of an earlier one."""
    writing.change(_SUMMARY, (*_columns(shown), number))
    first = number << TURN_BITS
    writing.change("DELETE FROM turns WHERE id >= ? AND id < ?", (first, first + (1 << TURN_BITS)))
    add_turns(writing, number, shown_turns(shown))
    writing.change("DELETE FROM flags WHERE call = ?", (number,))
    writing.many(
        "INSERT INTO flags (call, place, label, title, severity) VALUES (?, ?, ?, ?, ?)",
        [(number, *flag) for flag in _flags(shown)],
    )


def _keyed(
    values: Iterable[RedactedValue], call_keys: CallKeys
) -> tuple[tuple[bytes, str, int], ...]:
    return tuple((call_keys.blind_index(v.kind, v.digest), v.kind, v.value) for v in values)


def _columns(
    analysis: CallAnalysis,
) -> tuple[int, int, float | None, float | None, int, str | None, bool]:
    return (
        analysis.duration_ms,
        analysis.channels,
        analysis.measures.customer_sentiment,
        analysis.score.value,
        max((rank(flag.severity) for flag in analysis.flags), default=0),
        clean(analysis.transcript.language),
        analysis.held_back,
    )


def _sealed(value: CallAnalysis | Waveform, key: bytes, purpose: str, call: CallId) -> bytes:
    return seal_bytes(zlib.compress(msgspec.json.encode(value)), key, Binding(purpose, call))


def _opened(sealed: bytes, key: bytes, purpose: str, call: CallId, kind: type[T]) -> T:
    plain = zlib.decompress(unseal_bytes(sealed, key, Binding(purpose, call)))
    return msgspec.json.decode(plain, type=kind)
