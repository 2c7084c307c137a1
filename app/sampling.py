"""What a sample says of all: how much of what should be redacted is, with 95 % confidence.

Pure arithmetic; the method and its reasons stand in resources/documents/redaction.md. Promises that
a bound errs to the safe side: a drawn turn that nobody judged counts as one in which something was
missed, and a small population is taken for an endless one.
"""

from __future__ import annotations

import math
from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from app.domain import Recall

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.domain import Channel, Sample, Stratum, Verdict

CONFIDENCE: Final = 0.95
"""One-sided."""
_NOTHING = 1e-18  # of a sum: what is added changes no digit of it


def allotted(sizes: Sequence[int], wanted: int) -> tuple[int, ...]:
    """Return how many are drawn from each part so that none has less than its share of `wanted`:
    a few more than that in all, and never more than there are."""
    total = sum(sizes)
    return tuple(min(size, -(-wanted * size // total)) if size else 0 for size in sizes)


@lru_cache(maxsize=256)
def most_hits(hits: int, turns: int, fraction: float) -> int:
    """Return how many of all turns miss something at most, where `hits` of the drawn ones do and
    at least `fraction` of each part of them was drawn.

    Were there more, so few would be among the drawn ones in one sample of twenty at most. Of `m`
    such turns, the number that is drawn spreads no wider than that of `m` tosses which succeed with
    the probability `fraction` (Vatutin and Mikhailov, 1982: drawing without putting back is a sum
    of tosses, as many as there are such turns; Hoeffding, "On the distribution of the number of
    successes in independent trials", 1956: tosses with one probability spread widest, which holds
    from one more expected hit than was seen on). In a large population this is the bound of Clopper
    and Pearson.
    """
    if fraction <= 0:
        return turns
    low, high = min(turns, math.ceil((hits + 1) / fraction) - 1), turns
    while low < high:
        middle = (low + high + 1) // 2
        if _at_most(hits, middle, fraction) > 1 - CONFIDENCE:
            low = middle
        else:
            high = middle - 1
    return low


def recalls(sample: Sample, verdicts: Sequence[Verdict]) -> tuple[Recall, ...]:
    """Return what the verdicts on all drawn turns say: of everything first, then of each channel
    where there are several, of each kind, and of each kind on each channel."""
    return tuple(
        _recall(sample, verdicts, channel, kind) for channel, kind in _parts(sample, verdicts)
    )


def _parts(
    sample: Sample, verdicts: Sequence[Verdict]
) -> Iterator[tuple[Channel | None, str | None]]:
    channels: list[Channel | None] = [*dict.fromkeys(one.channel for one in sample.strata)]
    several = channels if len(channels) > 1 else []
    named: Counter[str] = Counter()
    for found in sample.found:
        named[found.kind] += found.values
    for verdict in verdicts:
        named.update(dict.fromkeys((one.kind for one in verdict.missed or ()), 0))
    for kind in (None, *sorted(named, key=lambda kind: (-named[kind], kind))):
        for channel in (None, *several):
            yield channel, kind


def _recall(
    sample: Sample, verdicts: Sequence[Verdict], channel: Channel | None, kind: str | None
) -> Recall:
    strata = [one for one in sample.strata if channel in {None, one.channel}]
    drawn = [one for one in verdicts if channel in {None, one.channel}]
    missed = [_values(one, kind) for one in drawn if one.missed is not None]
    found = sum(
        one.values
        for one in sample.found
        if channel in {None, one.channel} and kind in {None, one.kind}
    )
    at_least = None
    if found and drawn:
        unjudged = len(drawn) - len(missed)
        most = _most_missed(strata, missed, unjudged=unjudged)
        at_least = found / (found + most)
    return Recall(
        channel=channel,
        kind=kind,
        found=found,
        judged=len(missed),
        missed=sum(missed),
        at_least=at_least,
    )


def _values(verdict: Verdict, kind: str | None) -> int:
    return sum(one.values for one in verdict.missed or () if kind in {None, one.kind})


def _most_missed(strata: Sequence[Stratum], missed: Sequence[int], *, unjudged: int) -> int:
    """Return how many values are missed in all turns of the strata at most, where the judged ones
    miss so many and no turn more than the worst of them; at least one."""
    turns = sum(one.turns for one in strata)
    fraction = min(one.drawn / one.turns for one in strata)
    hits = sum(map(bool, missed))
    others = most_hits(hits + unjudged, turns, fraction) - hits
    return sum(missed) + others * max([1, *missed])


def _at_most(hits: int, total: int, share: float) -> float:
    """Return the probability of `hits` or fewer of `total` at a share by which more are expected:
    there each number is less probable than the next one."""
    if share >= 1:
        return 0.0
    chosen = math.lgamma(total + 1) - math.lgamma(hits + 1) - math.lgamma(total - hits + 1)
    term = math.exp(chosen + hits * math.log(share) + (total - hits) * math.log1p(-share))
    whole = 0.0
    for number in range(hits, -1, -1):
        whole += term
        if term <= whole * _NOTHING:
            break
        term *= number / (total - number + 1) * (1 - share) / share
    return whole
