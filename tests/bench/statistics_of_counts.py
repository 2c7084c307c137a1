"""Exact bounds of shares, without a statistics package."""

from __future__ import annotations

import math


def bounds(hits: int, total: int, *, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson bounds of `hits` of `total`."""
    if total == 0:
        return 0.0, 1.0
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else _solve(lambda p: _at_least(hits, total, p) - tail)
    high = 1.0 if hits == total else _solve(lambda p: tail - _at_most(hits, total, p))
    return low, high


def _at_most(hits: int, total: int, p: float) -> float:
    return 1 - _at_least(hits + 1, total, p)


def _at_least(hits: int, total: int, p: float) -> float:
    """Return the probability of `hits` or more of `total` at share `p`."""
    if p <= 0:
        return 0.0
    if p >= 1:
        return 1.0
    logs = (
        math.lgamma(total + 1)
        - math.lgamma(k + 1)
        - math.lgamma(total - k + 1)
        + k * math.log(p)
        + (total - k) * math.log1p(-p)
        for k in range(hits, total + 1)
    )
    return math.fsum(math.exp(one) for one in logs)


def _solve(rises) -> float:
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rises(middle) < 0 else (low, middle)
    return (low + high) / 2
