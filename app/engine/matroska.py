"""The elements of a WebM file (RFC 9559), looked at without decoding: its clusters and blocks.

Promises the place up to which a file is in order: each element within the one around it, the times
of each track never going back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675  # the elements that are looked into
_TIME, _SIMPLE_BLOCK, _BLOCK_GROUP, _BLOCK = 0xE7, 0xA3, 0xA0, 0xA1


@dataclass(frozen=True, slots=True)
class Element:
    """An element from `start` on, its content from `body` to `end`; -1 where a live recorder did
    not know."""

    kind: int
    start: int
    body: int
    end: int


def elements(data: bytes) -> Iterator[Element]:
    """Give the elements in order, the content of the segment and of clusters among them.

    Raises `IndexError` where the bytes are none. Ends after one that is not looked into and reaches
    beyond the file or has no known length.
    """
    at = 0
    while at < len(data):
        kind, after = _number(data, at, keep_mark=True)
        size, body = _number(data, after, keep_mark=False)
        end = -1 if size < 0 else body + size
        yield Element(kind, at, body, end)
        inside = kind in (_SEGMENT, _CLUSTER)
        if not inside and not 0 <= end <= len(data):
            return
        at = body if inside else end


def in_order(data: bytes) -> int:
    """Return how many bytes of the file are in order from its beginning on."""
    cluster_time, cluster_end, good = 0, -1, 0
    times: dict[int, int] = {}
    try:
        for element in elements(data):
            inside = element.kind in (_SEGMENT, _CLUSTER)
            if element.end > len(data) and not inside:
                return good
            if element.kind == _CLUSTER:
                cluster_end = element.end
            elif cluster_end != -1 and element.start < cluster_end < element.end:
                return good
            elif element.kind == _TIME:
                cluster_time = int.from_bytes(data[element.body : element.end], "big")
            elif element.kind in (_SIMPLE_BLOCK, _BLOCK_GROUP) and not _goes_on(
                data, element, cluster_time, times
            ):
                return good
            good = element.body if inside else max(good, element.end)
    except IndexError:
        return good
    return len(data)


def _goes_on(data: bytes, element: Element, cluster_time: int, times: dict[int, int]) -> bool:
    """Whether a block's time is not before the one before it on its track; notes its time."""
    at = element.body
    if element.kind == _BLOCK_GROUP:
        kind, after = _number(data, at, keep_mark=True)
        if kind != _BLOCK:
            return True
        _, at = _number(data, after, keep_mark=False)
    track, at = _number(data, at, keep_mark=False)
    time = cluster_time + int.from_bytes(data[at : at + 2], "big", signed=True)
    before = times.get(track)
    times[track] = time
    return before is None or time >= before


def _number(data: bytes, at: int, *, keep_mark: bool) -> tuple[int, int]:
    """Return a number of variable length (RFC 8794) and where it ends; -1 for "unknown"."""
    first = data[at]
    length = 9 - first.bit_length()
    end = at + length
    if not first or end > len(data):
        raise IndexError("no number of EBML")
    value = int.from_bytes(data[at:end], "big")
    if keep_mark:
        return value, end
    value &= (1 << 7 * length) - 1
    return (-1 if value == (1 << 7 * length) - 1 else value), end
