"""How fast a large vault is: 100,000 calls, 100,000 turns, made of invented words.

Run with `python -m tests.bench.storage`; prints one line per figure.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain import CallId, CallMetadata, CallOrder, CallQuery, JobState, Role, Scope
from app.storage import keys, vault
from app.storage.audio import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CALLS = 100_000
PAGE = 100
_WORDS = ["".join(random.Random(n).choices("aeiourstlnmkp", k=3 + n % 6)) for n in range(8000)]


def fill(opened: vault.Vault, calls: int = CALLS, turns: int = CALLS) -> None:
    """Put invented calls, flags and turns into a vault, much faster than by importing them."""
    rng = random.Random(7)
    states = ["done"] * 90 + ["queued"] * 8 + ["cancelled"] * 2
    with opened._database.transaction() as writing:
        writing.many(
            """INSERT INTO calls (number, id, digest, source_name, size_bytes, imported_at,
                started_at, started, agent, queue, direction, channel_roles, duration_ms, channels,
                sentiment, score, severity, state, place, queued_at)
            VALUES (?, ?, ?, ?, 1, ?, NULL, ?, ?, ?, 'unknown', '', ?, 2, ?, ?, ?, ?, ?, ?)""",
            _calls(rng, calls, states),
        )
        writing.many(
            "INSERT INTO flags (call, place, label, title, severity) VALUES (?, 0, ?, ?, 2)",
            ((n, f"flag-{n % 9}", f"Flag {n % 9}") for n in range(1, calls + 1, 7)),
        )
        writing.many(
            "INSERT INTO holds (call, reason, placed_by, placed_at) VALUES (?, 'bench', 'b', '')",
            ((n,) for n in range(500, calls + 1, 1000)),
        )
        writing.many(
            "INSERT INTO turns (id, role, start_ms, text) VALUES (?, ?, ?, ?)",
            turns_of(turns, per_call=max(1, turns // calls)),
        )


def turns_of(number: int, *, per_call: int = 20) -> Iterator[tuple[int, str, int, str]]:
    """Yield rows of invented turns: id, role, start in milliseconds, text."""
    rng = random.Random(7)
    for n in range(number):
        yield (1 + n // per_call << 20) + n % per_call, Role.AGENT, n, _sentence(rng)


def _calls(rng: random.Random, calls: int, states: list[str]) -> Iterator[tuple[object, ...]]:
    for n in range(1, calls + 1):
        at = f"2026-0{1 + n % 9}-{10 + n % 18}T{10 + n % 13}:00:00.{n % 1000:03d}Z"
        yield (
            n, f"{n:032x}", f"{n:064x}", f"recording-{rng.randrange(10**6)}.wav", at, at,
            f"Agent {rng.randrange(80)}", f"Queue {rng.randrange(12)}", rng.randrange(10**6),
            rng.uniform(-1, 1), rng.uniform(0, 100), 2 * (n % 7 == 1), rng.choice(states), n, at,
        )  # fmt: skip


def _sentence(rng: random.Random) -> str:
    # words are drawn as in speech: a few all the time, most of them rarely
    picks = (int(len(_WORDS) * rng.random() ** 4) for _ in range(rng.randrange(8, 30)))
    return " ".join(_WORDS[pick] for pick in picks)


def median_ms(act: Callable[[], object], times: int = 9) -> float:
    """Return the median time of an act in milliseconds."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        act()
        took.append((time.perf_counter() - started) * 1000)
    return statistics.median(took)


def measure(folder: Path) -> Iterator[tuple[str, float, str]]:
    """Yield a name, a figure and its unit."""
    started = time.perf_counter()
    cost = keys.calibrated()
    yield "calibrate the cost of a passphrase", time.perf_counter() - started, "s"
    with vault.create(folder, "correct horse battery", cost=cost) as opened:
        yield from _measure_import(opened)
        fill(opened)
    started = time.perf_counter()
    opened = vault.open_vault(folder, "correct horse battery")
    yield "open a vault of 100,000 calls", time.perf_counter() - started, "s"
    with opened:
        yield from _measure_list(opened)
        yield from _measure_search(opened)
        yield from _measure_scope(opened)
        yield from _measure_erasing(opened)
        yield "verify 100,000 audit entries", _audit(opened), "s"


def _measure_import(opened: vault.Vault) -> Iterator[tuple[str, float, str]]:
    rng = random.Random(1)
    megabyte = [rng.randbytes(1_000_000) for _ in range(9)]
    name, given = "call.wav", CallMetadata()
    pieces = iter(megabyte)
    yield (
        "import one call of 1 MB",
        median_ms(lambda: opened.calls.add(next(pieces), name=name, metadata=given, actor="b")),
        "ms",
    )
    big = rng.randbytes(1_000_000) * 200
    started = time.perf_counter()
    added = opened.calls.add(big, name=name, metadata=given, actor="bench")
    yield "seal 200 MB", 200 / (time.perf_counter() - started), "MB/s"
    started = time.perf_counter()
    opened.audio.read(added.call.id, Purpose.ORIGINAL)
    yield "unseal 200 MB", 200 / (time.perf_counter() - started), "MB/s"
    with opened._database.transaction() as writing:
        writing.change("DELETE FROM calls")


def _measure_list(opened: vault.Vault) -> Iterator[tuple[str, float, str]]:
    calls = opened.calls
    for order in CallOrder:
        query = CallQuery(order=order)
        for name, offset in (("first", 0), ("far", CALLS - PAGE)):
            took = median_ms(lambda q=query, o=offset: calls.page(q, offset=o, limit=PAGE))
            yield f"{name} page by {order}", took, "ms"
    for name, query in {
        "agent": CallQuery(agent="Agent 7"),
        "queue": CallQuery(queue="Queue 7", order=CallOrder.SCORE),
        "state": CallQuery(states=frozenset({JobState.DONE}), order=CallOrder.AGENT),
        "flag": CallQuery(flag="flag-3"),
        "any flag": CallQuery(flagged=True),
        "legal hold": CallQuery(on_hold=True),
        "another language": CallQuery(other_language=True),
        "a rare word": CallQuery(text=_WORDS[-1]),
        "a frequent word": CallQuery(text=_WORDS[0]),
    }.items():
        total = calls.count(query)
        far = max(0, total - PAGE)
        yield f"count by {name} ({total})", median_ms(lambda q=query: calls.count(q)), "ms"
        took = median_ms(lambda q=query, o=far: calls.page(q, offset=o, limit=PAGE))
        yield f"far page by {name}", took, "ms"
    yield "totals", median_ms(calls.totals), "ms"
    yield "facets", median_ms(calls.facets), "ms"


def _measure_scope(opened: vault.Vault) -> Iterator[tuple[str, float, str]]:
    opened.teams.keep("blue", [f"Agent {n}" for n in range(10)], actor="bench")
    calls = opened.calls
    for name, scope in {
        "a queue and a team": Scope(limited=True, queues=("Queue 7",), teams=("blue",)),
        "nothing": Scope(limited=True),
    }.items():
        for order in (CallOrder.STARTED, CallOrder.SCORE):
            for where, offset in (("first", 0), ("far", 10_000)):
                query = CallQuery(order=order)
                took = median_ms(
                    lambda q=query, o=offset, s=scope: calls.page(q, offset=o, limit=PAGE, scope=s)
                )
                yield f"{where} page by {order}, seeing {name}", took, "ms"
        took = median_ms(lambda s=scope: calls.totals(scope=s))
        yield f"totals, seeing {name}", took, "ms"
        took = median_ms(lambda s=scope: calls.facets(scope=s))
        yield f"facets, seeing {name}", took, "ms"
        took = median_ms(lambda s=scope: opened.search.find(_WORDS[600], scope=s))
        yield f"search middling word, seeing {name}", took, "ms"


def _measure_erasing(opened: vault.Vault) -> Iterator[tuple[str, float, str]]:
    ids = iter(range(1, CALLS))
    erase = opened.calls.erase
    took = median_ms(lambda: erase(CallId(f"{next(ids):032x}"), actor="bench"))
    yield "erase a call", took, "ms"
    with opened._database.transaction() as writing:
        started = time.perf_counter()
        writing.change("INSERT INTO turns_text (turns_text) VALUES ('rebuild')")
        yield "make the index of 100,000 turns anew", time.perf_counter() - started, "s"


def _measure_search(opened: vault.Vault) -> Iterator[tuple[str, float, str]]:
    find = opened.search.find
    for name, text in {
        "rare word": _WORDS[-1],
        "middling word": _WORDS[600],
        "frequent word": _WORDS[0],
        "two words": f"{_WORDS[0]} {_WORDS[30]}",
        "prefix": _WORDS[40][:3] + "*",
    }.items():
        hits = len(find(text))
        yield f"search {name} ({hits} hits)", median_ms(lambda t=text: find(t), times=15), "ms"


def _audit(opened: vault.Vault) -> float:
    with opened._database.transaction() as writing:
        for n in range(100_000):
            opened.audit.append(writing, actor="bench", act="call.view", subject=f"{n:032x}")
    started = time.perf_counter()
    opened.audit.verify()
    return time.perf_counter() - started


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        for what, figure, unit in measure(Path(temporary) / "vault"):
            sys.stdout.write(f"{what:44} {figure:10.2f} {unit}\n")
