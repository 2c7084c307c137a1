"""What was freed goes back to the system, where the system's library would keep it."""

from __future__ import annotations

import sys

import psutil
import pytest

from app.engine import heap


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere nothing is done")
def test_what_was_freed_is_given_back():
    heap.use_one_heap()
    small = [bytearray(2000) for _ in range(50_000)]  # too small to be given back by themselves
    kept, full = small[-1], psutil.Process().memory_info().rss
    small.clear()  # the last one stays, above all the others
    heap.give_back()
    assert kept is not None
    assert full - psutil.Process().memory_info().rss > 60_000_000


def test_elsewhere_nothing_is_done(monkeypatch):
    heap._glibc.cache_clear()
    monkeypatch.setattr(sys, "platform", "win32")
    assert heap._glibc() is None
    heap.use_one_heap()
    heap.give_back()
    heap._glibc.cache_clear()
