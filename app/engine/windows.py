"""Packs regions of speech into windows of up to 30 seconds, which is what Whisper looks at.

Promises that every sample of a region is in exactly one window, that no window is longer than it
may be, and that a time in a window leads back to the right time of the recording. Pure arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from app.engine.audio import RATE_HZ
from app.engine.speech_detection import FRAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Set

    from numpy.typing import NDArray

    from app.engine.samples import Channel
    from app.engine.speech_detection import Detected, Region

WINDOW = 30 * RATE_HZ
HALF_WINDOW = WINDOW // 2


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of the recording, `start` to `end` in samples, that begins at `at` of a window;
    `certainty` and `lone` are those of its region."""

    start: int
    end: int
    at: int
    certainty: float
    lone: bool = False

    @property
    def length(self) -> int:
        """The length in samples."""
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Window:
    """Pieces of one channel that are recognised together."""

    channel: int
    pieces: tuple[Piece, ...]

    @property
    def length(self) -> int:
        """The length in samples."""
        return sum(piece.length for piece in self.pieces)

    def cut(self, samples: Channel) -> NDArray[np.float32]:
        """Return the window's sound from the channel's samples, from -1 to 1."""
        parts = [samples[piece.start : piece.end] for piece in self.pieces]
        return np.concatenate(parts).astype(np.float32) / np.float32(32768.0)

    def piece_at(self, seconds: float) -> int:
        """Return the index of the piece that sounds at a time of the window."""
        at = seconds * RATE_HZ
        return max(i for i, piece in enumerate(self.pieces) if i == 0 or piece.at <= at)

    def to_recording_ms(self, seconds: float, piece: int) -> int:
        """Return the recording's time of a time in the window, kept within the piece."""
        of = self.pieces[piece]
        sample = min(max(of.start + seconds * RATE_HZ - of.at, of.start), of.end)
        return round(sample * 1000 / RATE_HZ)

    def halves(self) -> list[Window]:
        """Split between the two middle pieces; nothing where there is only one."""
        return self.split({len(self.pieces) // 2}) if len(self.pieces) > 1 else []

    def split(self, pieces: Set[int]) -> list[Window]:
        """Split before each of the given pieces."""
        borders = [0, *sorted(pieces), len(self.pieces)]
        return [
            Window(self.channel, _placed(self.pieces[first:last]))
            for first, last in pairwise(borders)
        ]


def pack(channel: int, detected: Detected, longest: int = WINDOW) -> list[Window]:
    """Fill windows of at most `longest` samples with a channel's regions in order; a region longer
    than that is cut where it is quietest. Lone regions get windows of their own: music beside
    speech would spoil it."""
    windows: list[Window] = []
    for lone in (False, True):
        pieces = (
            piece
            for region in detected.regions
            if region.lone is lone
            for piece in _split(region, detected.probabilities, longest)
        )
        windows += _filled(channel, pieces, longest)
    return windows


def _filled(channel: int, pieces: Iterable[Piece], longest: int) -> Iterator[Window]:
    waiting: list[Piece] = []
    filled = 0
    for piece in pieces:
        if waiting and filled + piece.length > longest:
            yield Window(channel, _placed(tuple(waiting)))
            waiting, filled = [], 0
        waiting.append(piece)
        filled += piece.length
    if waiting:
        yield Window(channel, _placed(tuple(waiting)))


def _placed(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Line the pieces up from the window's start."""
    placed, at = [], 0
    for piece in pieces:
        placed.append(replace(piece, at=at))
        at += piece.length
    return tuple(placed)


def _split(region: Region, probabilities: NDArray[np.float32], longest: int) -> Iterator[Piece]:
    start = region.start
    while region.end - start > longest:
        first = (start + longest // 2) // FRAME
        last = min((start + longest) // FRAME, len(probabilities))
        # the quietest tenth of a second, not the quietest frame: a stop consonant is quiet, too
        quiet = np.convolve(probabilities[first:last], np.ones(3), mode="valid")
        cut = (first + int(quiet.argmin()) + 1) * FRAME + FRAME // 2
        cut = min(cut, start + longest)
        yield Piece(start, cut, 0, region.certainty, region.lone)
        start = cut
    yield Piece(start, region.end, 0, region.certainty, region.lone)
