"""Placeholders that a transcript brings with it, because it was redacted before.

They stand for values that nobody here knows, so they stay as they are: nothing is found in them,
and new values get numbers that none of them has.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.engine.raw import RawTranscript
    from app.engine.redaction.found import Found

# Four digits at most: a longer number is no count of values and may be one itself. The last digits
# that a policy shows stand behind it.
_PLACEHOLDER = re.compile(r"\[([A-Z]+(?:_[A-Z]+)*)-([1-9]\d{0,3})(?: \u2026\d{4})?\]", re.ASCII)


def numbers_taken(raw: RawTranscript) -> dict[str, int]:
    """Return the highest number that a transcript brings of each kind."""
    taken: dict[str, int] = {}
    for turn in raw.turns:
        for kind, number in _PLACEHOLDER.findall(turn.text):
            taken[kind] = max(taken.get(kind, 0), int(number))
    return taken


def beside_placeholders(
    raw: RawTranscript, found: Iterable[Found], kinds: Iterable[str]
) -> tuple[Found, ...]:
    """Return what was found without the parts that lie in placeholders of `kinds`."""
    known = frozenset(kinds)
    spans = [
        [match.span() for match in _PLACEHOLDER.finditer(turn.text) if match[1] in known]
        for turn in raw.turns
    ]
    return tuple(
        part for one in found for part in _outside(one, raw.turns[one.turn].text, spans[one.turn])
    )


def _outside(one: Found, text: str, spans: Iterable[tuple[int, int]]) -> Iterator[Found]:
    """Yield the pieces of a finding that lie outside all `spans` and hold something."""
    touching = [(start, end) for start, end in spans if start < one.end and end > one.start]
    if not touching:
        yield one
        return
    edges = [one.start, *(edge for span in touching for edge in span), one.end]
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        piece = text[start:end] if start < end else ""
        if any(char.isalnum() for char in piece):
            yield replace(one, start=start, end=end, value=piece.strip().lower(), tail="")
