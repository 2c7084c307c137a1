"""How many workers of how many threads a computer carries.

Promises a choice that is a function of cores and memory alone, and that counts only what this
process may use: not the cores of others in a container, nor the second threads of one core.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

_THREADS = 1  # measured: another worker gains far more than another thread does (speech.md)
_MOST_THREADS = 4
_WORKER_BYTES = 1_200_000_000  # a worker with any call; measured: speech.md
_SPARE_BYTES = 2_000_000_000  # the window, the vault, the system
_GROUP = Path("/sys/fs/cgroup")
_CORES = Path("/sys/devices/system/cpu")


def fitting(cores: int, memory_bytes: int | None, threads: int = _THREADS) -> tuple[int, int]:
    """Return the number of workers and the threads of each; memory that is not known is enough.

    Workers of so many threads use all cores; where memory carries fewer workers, each gets
    the cores that the others would have had.
    """
    cores = max(1, cores)
    workers = max(1, cores // threads)
    if memory_bytes is not None:
        workers = max(1, min(workers, (memory_bytes - _SPARE_BYTES) // _WORKER_BYTES))
    return workers, min(cores // workers, max(threads, _MOST_THREADS))


def shared(cores: int, workers: int) -> int:
    """Return the threads of each of so many workers: at least one, four at most, because more gain
    hardly anything."""
    return max(1, min(cores // workers, _MOST_THREADS))


def usable_cores(*, group: Path = _GROUP, cores: Path = _CORES) -> int:
    """Return how many physical cores this process may use, at least one."""
    affine = _affinity()
    count = len(affine) if affine else os.cpu_count() or 1
    siblings = {_siblings(cores / f"cpu{number}") for number in affine}
    if affine and None not in siblings:
        count = len(siblings)
    quota = _quota(group)
    return max(1, min(count, quota) if quota else count)


def usable_memory(*, group: Path = _GROUP) -> int | None:
    """Return the bytes of memory that this computer or container has; `None` if it does not say."""
    found = [_limit(group / "memory.max"), _limit(group / "memory" / "memory.limit_in_bytes")]
    known = [one for one in (*found, _physical_memory()) if one]
    return min(known) if known else None


def _affinity() -> frozenset[int]:
    told = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return frozenset(told(0)) if told else frozenset()


def _siblings(core: Path) -> str | None:
    """Return what names the physical core of a logical one: all threads on it."""
    try:
        return (core / "topology" / "thread_siblings_list").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        return None


def _quota(group: Path) -> int:
    """Return the whole cores that a container may use (cgroup 2, then 1); 0 where nothing says."""
    try:
        share, period = map(int, (group / "cpu.max").read_text(encoding="ascii").split())
    except (OSError, ValueError):  # not there, or "max"
        share = _limit(group / "cpu" / "cpu.cfs_quota_us") or 0
        period = _limit(group / "cpu" / "cpu.cfs_period_us") or 0
    return max(1, share // period) if share and period else 0


def _limit(file: Path) -> int | None:
    """Return a positive number from a file; `None` for none and for "max"."""
    try:
        value = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return value if value > 0 else None


def _physical_memory() -> int | None:
    if sys.platform == "win32":
        kilobytes = ctypes.c_ulonglong()
        told = ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
        return kilobytes.value * 1024 if told else None
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError):
        return None
