"""What a finder says of a stretch of a turn, and how finders that disagree are reconciled.

Union of all finders, fail closed: stretches that overlap become one that covers them all; its kind
is that of the surest and most specific finder. Values hide themselves from `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A stretch `start`..`end` (characters of turn `turn`) that holds data of a person.

    `value` is what was said in a normal form (`4929421234600821`), so that the same value said
    twice is recognised; `score` is 0 to 1; `rule` names the finder for the record. `tail` is what
    of the value may be shown by the policy.
    """

    kind: str
    turn: int
    start: int
    end: int
    score: float
    rule: str
    value: str = field(repr=False)
    tail: str = field(default="", repr=False)


def resolve(found: Iterable[Found], ranks: Mapping[str, int]) -> tuple[Found, ...]:
    """Return stretches that do not overlap, in order, covering everything that was found.

    `ranks` orders kinds from most (0) to least specific where scores are equal.
    """
    ordered = sorted(found, key=attrgetter("turn", "start", "end", "kind", "rule"))
    resolved: list[Found] = []
    for _, in_turn in groupby(ordered, key=attrgetter("turn")):
        for cluster in _clusters(in_turn):
            resolved.append(_winner(cluster, ranks))
    return tuple(resolved)


def _clusters(ordered: Iterable[Found]) -> list[list[Found]]:
    """Group stretches that overlap, directly or through others."""
    clusters: list[list[Found]] = []
    reach = -1
    for one in ordered:
        if one.start < reach:
            clusters[-1].append(one)
        else:
            clusters.append([one])
        reach = max(reach, one.end) if len(clusters[-1]) > 1 else one.end
    return clusters


def _winner(cluster: Sequence[Found], ranks: Mapping[str, int]) -> Found:
    """Return the surest finder's claim stretched over the whole cluster; its tail is shown only
    where all agree on it."""
    last = len(ranks)
    best = min(cluster, key=lambda one: (-one.score, ranks.get(one.kind, last), one.start))
    start = min(one.start for one in cluster)
    end = max(one.end for one in cluster)
    tail = best.tail if all(one.tail == best.tail for one in cluster) else ""
    return replace(best, start=start, end=end, tail=tail)
