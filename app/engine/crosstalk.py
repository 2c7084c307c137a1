"""The other side heard faintly on a channel: found by the sound, and not written down twice.

Handsets and lines let a part of one voice through to the other channel, a moment later and much
weaker. Promises that such a leak is found only where the weak channel follows the loud one, that
speech which is louder than the leak stays (both may speak at once), and that a leak's delay goes
with the transcript, so that what is muted on one channel is muted where it leaks to, too. Hides
the comparison of loudness curves in steps of 10 ms.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from app.engine.audio import RATE_HZ
from app.engine.raw import Leak
from app.engine.word_times import STEP_MS, decibels

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from app.engine.samples import Channel, Channels
    from app.engine.turns import TimedWord
    from app.engine.word_times import Levels

_STEP = RATE_HZ * STEP_MS // 1000
_LATEST = 40  # steps: an echo later than 400 ms is another thing
_BLOCK = 1500  # steps of loud speech that are compared at once: 15 s
_FEWEST = 300  # 3 s: two voices may follow each other by chance for a second
_SYLLABLE = 31  # steps: slower changes than this are turn-taking, not the same voice
_FOLLOWS = 0.5  # correlation of the two curves
_STANDS_OUT = 0.15  # above the correlation at the other delays
_SPEECH_DB = 20.0  # below the loud parts of a channel its speech ends
_WEAKER_DB = 12.0  # at least so much weaker is a leak
_OWN_DB = 6.0  # louder than the leak by this is a voice of the channel's own
_NOISE_DB = 6.0  # above the noise of a channel something is heard
_AROUND_OWN = 30  # steps beside own speech that stay: its soft beginnings and ends
_SHORTEST = 30  # steps of leak that are worth silencing
_MOSTLY_OWN = 0.3
_WORD = re.compile(r"\w+")
_NEAR_MS = 400


@dataclass(frozen=True, slots=True)
class Crosstalk:
    """The leaks of a call, and for each channel which steps hold a voice of its own."""

    leaks: tuple[Leak, ...]
    own: dict[int, NDArray[np.bool_]]  # of channels that are leaked to
    heard: dict[int, NDArray[np.bool_]]  # steps above the noise

    def silenced(self, samples: Channels) -> Channels:
        """Return the channels as they are without stretches that are nothing but leak."""
        if not self.leaks:
            return samples
        return tuple(
            _Hushed(channel, self._nothing_but_leak(at)) if at in self.own else channel
            for at, channel in enumerate(samples)
        )

    def _nothing_but_leak(self, channel: int) -> list[tuple[int, int]]:
        """Return the stretches, in samples, that are worth silencing."""
        near = np.convolve(self.own[channel], np.ones(2 * _AROUND_OWN + 1), "same") > 0.5
        return [
            (first * _STEP, last * _STEP)
            for first, last in _stretches(~near)
            if last - first >= _SHORTEST
        ]

    def kept(self, words: Sequence[TimedWord]) -> list[TimedWord]:
        """Return the words without those that are the other side's, heard once more."""
        if not self.leaks:
            return list(words)
        said: dict[int, list[TimedWord]] = {}
        for word in words:
            said.setdefault(word.channel, []).append(word)
        return [word for word in words if not self._leaked(word, said)]

    def _leaked(self, word: TimedWord, said: dict[int, list[TimedWord]]) -> bool:
        if word.channel not in self.own:
            return False
        first, last = word.start_ms // STEP_MS, -(-word.end_ms // STEP_MS)
        heard = self.heard[word.channel][first:last]
        own = self.own[word.channel][first:last] & heard
        if own.sum() >= _MOSTLY_OWN * max(1, heard.sum()):
            return False
        return any(
            _same(word, other, leak.delay_ms)
            for leak in self.leaks
            if leak.target == word.channel
            for other in said.get(leak.source, ())
        )


class _Hushed:
    """A channel that is silent in some stretches (from, to, in samples), in order and apart."""

    def __init__(self, channel: Channel, stretches: Sequence[tuple[int, int]]) -> None:
        self._channel = channel
        self._stretches = stretches
        self._ends = [end for _, end in stretches]

    def __len__(self) -> int:
        return len(self._channel)

    def __getitem__(self, place: slice) -> NDArray[np.int16]:
        start, end, _ = place.indices(len(self))
        sound = self._channel[place].copy()
        for first, last in self._stretches[bisect_right(self._ends, start) :]:
            if first >= end:
                break
            sound[max(0, first - start) : last - start] = 0
        return sound


def _same(word: TimedWord, other: TimedWord, delay_ms: int) -> bool:
    """Whether a word repeats another one that was said at the same time."""
    if abs(word.start_ms - delay_ms - other.start_ms) > _NEAR_MS:
        return False
    return _WORD.findall(word.text.casefold()) == _WORD.findall(other.text.casefold())


def crosstalk(samples: Channels) -> Crosstalk:
    """Find what leaks between the channels."""
    levels = [decibels(channel) for channel in samples]
    leaks = [
        leak
        for source, target in permutations(range(len(levels)), 2)
        if (leak := _leak(source, target, levels)) is not None
    ]
    own: dict[int, NDArray[np.bool_]] = {}
    heard: dict[int, NDArray[np.bool_]] = {}
    for leak in leaks:
        level = levels[leak.target]
        expected = _expected(levels[leak.source], leak, _floor(level))
        louder = level > expected + _OWN_DB
        own[leak.target] = own[leak.target] & louder if leak.target in own else louder
        heard[leak.target] = level > _floor(level) + _NOISE_DB
    return Crosstalk(tuple(leaks), {at: _lasting(mask) for at, mask in own.items()}, heard)


def _leak(source: int, target: int, levels: Sequence[Levels]) -> Leak | None:
    """Return how the source is heard on the target, the clearest 15 s of its speech deciding."""
    loud, weak = levels[source], levels[target]
    if len(loud) < _LATEST + _FEWEST:
        return None
    speech = np.flatnonzero(loud[: len(loud) - _LATEST] > np.percentile(loud, 98) - _SPEECH_DB)
    if len(speech) < _FEWEST or np.percentile(loud, 98) < np.percentile(loud, 2) + _NOISE_DB:
        return None
    fast, slow = _syllables(loud), _syllables(weak)
    best: tuple[float, int, float] | None = None
    for first in range(0, len(speech), _BLOCK):
        block = speech[first : first + _BLOCK]
        # where the target speaks itself, nothing can be told
        quiet = [block[weak[block + lag] < loud[block] - _WEAKER_DB] for lag in range(_LATEST)]
        if min(len(at) for at in quiet) < _FEWEST:
            continue
        follows = np.array([_follows(fast[at], slow[at + lag]) for lag, at in enumerate(quiet)])
        lag = int(follows.argmax())
        if follows[lag] < max(_FOLLOWS, float(np.median(follows)) + _STANDS_OUT):
            continue
        if best is None or follows[lag] > best[0]:
            gain = _gain(loud[quiet[lag]], weak[quiet[lag] + lag], _floor(weak))
            best = (float(follows[lag]), lag, gain)
    if best is None or best[2] > -_WEAKER_DB:
        return None
    return Leak(source=source, target=target, delay_ms=best[1] * STEP_MS, gain_db=round(best[2], 1))


def _gain(loud: Levels, weak: Levels, floor: float) -> float:
    """Return how much the leak is weaker, from the steps where it stands above the noise."""
    above = weak > floor + 3
    if above.sum() < _FEWEST // 3:
        above = loud >= np.percentile(loud, 80)
    return float(np.median(weak[above] - loud[above]))


def _follows(one: Levels, other: Levels) -> float:
    """Return the correlation of two curves."""
    one, other = one - one.mean(), other - other.mean()
    size = float(np.sqrt(np.square(one).sum() * np.square(other).sum()))
    return float((one * other).sum()) / size if size > 1e-6 else 0.0


def _syllables(level: Levels) -> Levels:
    """Return how the level differs from that of the third of a second around it."""
    around = np.convolve(level, np.ones(_SYLLABLE, np.float32) / _SYLLABLE, "same")
    difference: Levels = level - around
    return difference


def _floor(level: Levels) -> float:
    """Return the noise of a channel that is silent for a part of the call."""
    return float(np.percentile(level, 10))


def _expected(loud: Levels, leak: Leak, floor: float) -> Levels:
    """Return how loud the target is where only the leak and its noise are heard."""
    lag = leak.delay_ms // STEP_MS
    shifted = np.concatenate([np.full(lag, loud.min(), np.float32), loud[: len(loud) - lag]])
    around = np.pad(shifted, 2, mode="edge")  # the delay is no whole number of steps
    highest = np.lib.stride_tricks.sliding_window_view(around, 5).max(axis=1)
    leaked = 10 ** ((highest + leak.gain_db) / 10) + 10 ** (floor / 10)
    expected: Levels = (10 * np.log10(leaked)).astype(np.float32)
    return expected


def _lasting(own: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return the steps with own voice, clicks of fewer than three steps left out."""
    lasting = own.copy()
    for first, last in _stretches(own):
        if last - first < 3:
            lasting[first:last] = False
    return lasting


def _stretches(mask: NDArray[np.bool_]) -> Iterable[tuple[int, int]]:
    """Return the stretches in which a mask holds."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return [(int(first), int(last)) for first, last in edges.reshape(-1, 2)]
