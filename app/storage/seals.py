"""What governs a vault, in 32 bytes that every entry of the audit log signs.

Promises that a row which was changed, taken away, or brought back with an old page of the database
is found and its part named: people, rules, holds, requests, the newest header, what was erased,
the details of calls and the digests of what is sealed for them; and so is a table, an index or a
trigger that somebody changed or put in. Each part of rows has one number, the
product of all its rows as numbers modulo a prime (MuHash: Bellare and Micciancio, "A new paradigm
for collision-free hashing", 1997, with SHAKE-256), so that a row comes and goes in the same time
however many there are, and that no two sets of rows with one number can be made; a sum of digests
would not hold that. Triggers note which rows change, and only the program's own transactions move
the numbers: what somebody else wrote is never signed.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from app.errors import VaultDamaged
from app.storage import header, schema, schema_check
from app.storage.audit_format import joined

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from app.storage.database import Reading, Writing

WORDS: Mapping[str, str] = {
    "header": "the ways in",
    "people": "people",
    "backup_codes": "backup codes",
    "teams": "teams",
    "policy": "the rules",
    "requests": "requests",
    "holds": "legal holds",
    "vocabulary": "the word list",
    "erased": "what was erased",
    "calls": "the details of calls",
    "contents": "the digests of analyses",
    "corrected_analyses": "who corrected the speakers of calls",
    "samples": "what was drawn to be judged",
    "sampled_turns": "what was judged of it",
    "originals": "which originals are destroyed",
    "sealed_keys": "the key of the index",
    "schema": "tables, indexes or triggers",
}
"""Each part, in a person's words."""
LATER = (
    "erased", "calls", "contents", "corrected_analyses", "samples", "sampled_turns", "originals",
)  # fmt: skip
"""The parts that grow with the calls: compared at once in a small vault, and in any before what
somebody does that cannot be taken back."""
AT_OPENING = tuple(part for part in WORDS if part not in LATER)
"""The parts that decide who may do what: few rows, compared each time the vault is opened."""
_UNKNOWN = "the seals themselves"
_HEADER, _SCHEMA = "header", "schema"
_BITS, _LESS = 3072, 1103717  # 2**3072 - 1103717 is the largest safe prime below 2**3072
_PRIME = (1 << _BITS) - _LESS
_MASK = (1 << _BITS) - 1
_BYTES = _BITS // 8
_ASKED_EVERY, _UNREADABLE = 1000, "error code"  # of a page that does not prove itself


def pending(reading: Reading) -> bool:
    """Return whether rows changed in this transaction that no entry has signed yet."""
    return reading.one("SELECT 1 FROM unsealed LIMIT 1") is not None


def discard(writing: Writing) -> None:
    """Forget what is noted: at the beginning of a transaction it is what others have written."""
    writing.change("DELETE FROM unsealed")


def begin(writing: Writing) -> bytes:
    """Seal everything as it is now, in a new vault and one that was put in place anew."""
    values = {part: _value(writing, part) for part in WORDS}
    discard(writing)
    return _kept(writing, values)


def moved(writing: Writing, signed: bytes, *, upgraded: bool = False) -> bytes:
    """Return the state after this transaction; `signed` is what the last entry signed, or nothing
    in a log that was begun before there were seals. `upgraded`: it has led to other tables.

    What does not fit the signed state was written by others: it stays as it is, to be found.
    """
    if not signed:
        return begin(writing)
    if not (upgraded or pending(writing)):
        return signed
    values = _stored(writing)
    if _root(values) != signed:
        discard(writing)
        return signed
    added: dict[str, int] = {}
    removed: dict[str, int] = {}
    for part, row, is_added in writing.all("SELECT part, row, added FROM unsealed"):
        if part != _HEADER:
            into = added if is_added else removed
            into[part] = _times(into.get(part, 1), _number(part, row))
    discard(writing)
    for part in {*added, *removed}:
        value = _times(int.from_bytes(values[part], "big"), added.get(part, 1))
        value = _times(value, pow(removed.get(part, 1), -1, _PRIME))
        values[part] = _encoded(value)
    for part in (_HEADER, _SCHEMA) if upgraded else (_HEADER,):
        values[part] = _value(writing, part)
    return _kept(writing, values)


class Stopped(Exception):
    """Comparing is not wanted any more."""


def foreign(
    reading: Reading,
    signed: bytes,
    parts: Iterable[str] = WORDS,
    stop: Callable[[], bool] = lambda: False,
) -> tuple[str, ...]:
    """Return which of the parts are not as the last entry signed them, in a person's words; raises
    `VaultDamaged` where one cannot be read, and `Stopped` once `stop` says so.

    Where the schema is not that of the program, it is named alone: no table can be relied on then.
    """
    named = schema.foreign(reading) if _SCHEMA in parts else ()
    if named or not signed:
        return named
    values = _stored(reading)
    found = [WORDS[one] for one in parts if values.get(one) != _value_in_order(reading, one, stop)]
    return tuple(found) if found or _root(values) == signed else (_UNKNOWN,)


def _stored(reading: Reading) -> dict[str, bytes]:
    rows = reading.all("SELECT part, value FROM seals ORDER BY part")
    return {part: bytes(value) for part, value in rows}


def _kept(writing: Writing, values: Mapping[str, bytes]) -> bytes:
    rows = list(values.items())
    writing.many("INSERT OR REPLACE INTO seals (part, value) VALUES (?, ?)", rows)
    return _root(values)


def _root(values: Mapping[str, bytes]) -> bytes:
    fields = [field for part in WORDS for field in (part.encode(), values.get(part, b""))]
    return hashlib.sha256(joined(b"autoinsights-state-1", *fields)).digest()


def _value_in_order(reading: Reading, part: str, stop: Callable[[], bool]) -> bytes | None:
    """Return the number of a part, or `None` where its rows are out of their order: a row is there
    then for who reads all of them, and for nobody who asks for it."""
    if part in schema.SEALED_COLUMNS:
        pragma = "quick_check" if part == "calls" else "integrity_check"  # indexes: `problems`
        found = reading.all(f"PRAGMA {pragma}({part})")
        if any(_UNREADABLE in text for (text,) in found):
            raise VaultDamaged("The vault's database is damaged.")
        if found != [("ok",)]:
            return None
    return _value(reading, part, stop)


def _value(reading: Reading, part: str, stop: Callable[[], bool] = lambda: False) -> bytes:
    """Return the number of a part as its rows are now."""
    if part == _HEADER:
        return _header_value(reading)
    if part == _SCHEMA:
        return schema_check.digest(reading)
    product = 1
    for done, row in enumerate(_rows(reading, part)):
        if done % _ASKED_EVERY == 0 and stop():
            raise Stopped
        product = _times(product, _number(part, row))
    return _encoded(product)


def _rows(reading: Reading, part: str) -> Iterable[str]:
    columns = schema.SEALED_COLUMNS[part]
    sql = f"SELECT {schema.row_text(columns)} FROM {part} ORDER BY {columns[0]}"  # noqa: S608
    return (row[0] for row in reading.each(sql))


def _header_value(reading: Reading) -> bytes:
    """Return the digest of the newest header: the one that is being put in place, if one is."""
    following = reading.one("SELECT content FROM next_header")
    if following is None:
        known = [row[0] for row in reading.all("SELECT digest FROM headers ORDER BY digest")]
    else:
        known = [header.parsed(bytes(following[0])).check]
    generation = reading.number("SELECT generation FROM vault")
    fields = [str(one).encode("utf-8", "surrogatepass") for one in (generation, *known)]
    return hashlib.sha256(joined(b"autoinsights-newest-header-1", *fields)).digest()


def _number(part: str, row: str) -> int:
    content = joined(b"autoinsights-row-1", part.encode(), row.encode())
    return int.from_bytes(hashlib.shake_256(content).digest(_BYTES), "big")


def _times(one: int, other: int) -> int:
    """Return a product of about the prime's size, reduced by the prime's form, which is fast."""
    product = one * other
    product = (product & _MASK) + (product >> _BITS) * _LESS
    return (product & _MASK) + (product >> _BITS) * _LESS


def _encoded(value: int) -> bytes:
    return (value % _PRIME).to_bytes(_BYTES, "big")
