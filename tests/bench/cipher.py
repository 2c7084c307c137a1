"""What encryption costs: the vault's own tables at a million turns, encrypted and plain in turn.

    python -m tests.bench.cipher                 # a million turns, three rounds, some minutes
    python -m tests.bench.cipher --turns 100000

Both sides are the same library, the same statements and the same settings but for the key, so that
the ratio is that of the encryption alone. What is measured is time on the processor, which what else
runs on the machine disturbs least. The plain database holds invented words and is deleted.
"""

from __future__ import annotations

import argparse
import secrets
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from sqlcipher3 import dbapi2

from app.storage import schema
from tests.bench.storage import _WORDS, turns_of

if TYPE_CHECKING:
    from app.storage.database import Connection

_SETTINGS = (
    "PRAGMA journal_mode = WAL",
    "PRAGMA temp_store = MEMORY",
    "PRAGMA mmap_size = 0",
    "PRAGMA secure_delete = ON",
    "PRAGMA synchronous = FULL",
    "PRAGMA cache_size = -32768",
)
_BATCH = 1000  # turns in a transaction: some calls
_SEARCHES = (_WORDS[-1], _WORDS[600], f"{_WORDS[0]} {_WORDS[30]}", _WORDS[40][:3] + "*")
_SEARCH = """
    SELECT turns.id, snippet(turns_text, 0, '', '', '', 12) FROM turns_text
    JOIN turns ON turns.id = turns_text.rowid
    WHERE turns_text MATCH ? ORDER BY rank LIMIT 200
"""


def main() -> None:
    """Print the time of each side and their ratio."""
    parser = argparse.ArgumentParser(description="Measure what encryption costs.")
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    took: dict[str, list[dict[str, float]]] = {"plain": [], "encrypted": []}
    for number in range(args.rounds):
        # who goes first changes: the disk is not the same for both
        for side in ("plain", "encrypted") if number % 2 else ("encrypted", "plain"):
            with tempfile.TemporaryDirectory() as folder:
                key = secrets.token_bytes(32) if side == "encrypted" else None
                took[side].append(_measured(Path(folder) / "bench.db", key, args.turns))
    sys.stdout.write(f"{args.turns:,} turns, median of {args.rounds} rounds\n")
    for what in took["plain"][0]:
        plain, encrypted = (
            statistics.median(one[what] for one in took[side]) for side in ("plain", "encrypted")
        )
        sys.stdout.write(
            f"{what:<34} plain {plain:10.2f}  encrypted {encrypted:10.2f}"
            f"  {100 * (encrypted / plain - 1):+.1f} %\n"
        )


def _measured(path: Path, key: bytes | None, turns: int) -> dict[str, float]:
    connection = _opened(path, key)
    for step in schema.STEPS:
        for statement in step:
            connection.execute(statement)
    started = time.process_time()
    rows = turns_of(turns)
    while batch := [row for _, row in zip(range(_BATCH), rows, strict=False)]:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            "INSERT INTO turns (id, role, start_ms, text) VALUES (?, ?, ?, ?)", batch
        )
        connection.execute("COMMIT")
    figures = {"insert (s)": time.process_time() - started}
    connection.close()
    connection = _opened(path, key)
    for words in _SEARCHES:
        figures[f"search for {words!r} (ms)"] = _median_ms(connection, words)
    connection.close()
    return figures


def _median_ms(connection: Connection, words: str) -> float:
    times = []
    for _ in range(9):
        started = time.process_time()
        connection.execute(_SEARCH, (words,)).fetchall()
        times.append(1000 * (time.process_time() - started))
    return statistics.median(times)


def _opened(path: Path, key: bytes | None) -> Connection:
    connection: Connection = dbapi2.connect(str(path), isolation_level=None)
    if key is not None:
        connection.execute(f"PRAGMA key = \"x'{key.hex()}'\"")
    for setting in _SETTINGS:
        connection.execute(setting).fetchall()
    return connection


if __name__ == "__main__":
    main()
