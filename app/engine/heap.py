"""Giving memory that is not needed any more back to the system.

The C library of Linux keeps what was freed, in a heap for each thread, for the next who asks: after
an hour's call that is hundreds of megabytes, of which no other program gets anything. Elsewhere
nothing is done: the systems' own heaps give back by themselves.
"""

from __future__ import annotations

import ctypes
import sys
from functools import cache

_ARENA_MAX = -8  # M_ARENA_MAX of malloc.h


def use_one_heap() -> None:
    """Let all threads share one heap, before there are any others."""
    library = _glibc()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)


def give_back() -> None:
    """Give back what was freed; takes some milliseconds at most."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") else None
