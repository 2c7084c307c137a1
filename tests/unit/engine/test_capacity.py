"""How many workers and threads: a rule on cores and memory, and what a process may use of them."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine import capacity
from app.engine.capacity import fitting, usable_cores, usable_memory

if TYPE_CHECKING:
    from pathlib import Path

GB = 1 << 30


@pytest.mark.parametrize(
    ("cores", "memory_gb", "expected"),
    [
        (1, 4, (1, 1)),
        (2, 4, (1, 2)),
        (2, 64, (2, 1)),
        (3, 8, (3, 1)),
        (4, 4, (1, 4)),
        (4, 8, (4, 1)),
        (8, 8, (5, 1)),
        (16, 8, (5, 3)),
        (16, 64, (16, 1)),
        (0, 0, (1, 1)),
    ],
)
def test_the_choice(cores: int, memory_gb: int, expected: tuple[int, int]) -> None:
    assert fitting(cores, memory_gb * GB) == expected


@given(st.integers(1, 256), st.one_of(st.none(), st.integers(0, 1 << 42)))
def test_no_more_than_the_machine_has_and_no_less_with_more_of_it(
    cores: int, memory: int | None
) -> None:
    workers, threads = fitting(cores, memory)
    assert 1 <= workers * threads <= cores
    assert threads <= 4
    if memory is not None and workers > 1:
        assert workers * 1_200_000_000 + 2_000_000_000 <= memory
    if memory is not None:
        assert fitting(cores, memory + GB)[0] >= workers
    assert fitting(cores + 1, memory)[0] >= workers


def _cpus(folder: Path, siblings: dict[int, str]) -> Path:
    for number, shared in siblings.items():
        place = folder / f"cpu{number}" / "topology"
        place.mkdir(parents=True)
        (place / "thread_siblings_list").write_text(shared + "\n")
    return folder


@pytest.mark.parametrize(
    ("siblings", "quota", "expected"),
    [
        ({0: "0,4", 1: "1,5", 4: "0,4", 5: "1,5"}, "max 100000", 2),
        ({0: "0", 1: "1", 2: "2", 3: "3"}, "max 100000", 4),
        ({0: "0", 1: "1", 2: "2", 3: "3"}, "250000 100000", 2),
        ({0: "0", 1: "1", 2: "2", 3: "3"}, "50000 100000", 1),
        ({0: "0", 1: "1"}, "damaged", 2),
        ({}, "900000 100000", 4),
    ],
)
def test_second_threads_of_a_core_and_what_a_container_may_not_use_do_not_count(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    siblings: dict[int, str],
    quota: str,
    expected: int,
) -> None:
    may = frozenset(siblings) or frozenset(range(4))
    monkeypatch.setattr(capacity, "_affinity", lambda: may)
    (tmp_path / "cpu.max").write_text(quota)
    cores = _cpus(tmp_path / "cpus", siblings)
    assert usable_cores(group=tmp_path, cores=cores) == expected


def test_an_older_kernel_says_it_in_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "_affinity", lambda: frozenset(range(8)))
    (tmp_path / "cpu").mkdir()
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("300000")
    (tmp_path / "cpu" / "cpu.cfs_period_us").write_text("100000")
    assert usable_cores(group=tmp_path, cores=tmp_path) == 3
    (tmp_path / "cpu" / "cpu.cfs_quota_us").write_text("-1")
    assert usable_cores(group=tmp_path, cores=tmp_path) == 8


def test_a_system_without_affinity_counts_its_processors(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capacity, "_affinity", frozenset)
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert usable_cores(group=tmp_path, cores=tmp_path) == 6


def test_memory_is_what_a_container_may_have(tmp_path: Path) -> None:
    whole = usable_memory(group=tmp_path)
    assert whole is not None
    assert whole > 100_000_000
    (tmp_path / "memory.max").write_text("max\n")
    assert usable_memory(group=tmp_path) == whole
    (tmp_path / "memory.max").write_text("123456789\n")
    assert usable_memory(group=tmp_path) == 123456789
