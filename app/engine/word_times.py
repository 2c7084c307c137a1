"""When words begin and end, by the sound: moves the recogniser's borders to where the voice pauses.

Whisper's attention tells roughly where a word is, and often gives the last sound of a word, and the
pause after it, to the next one; a muted number would keep its last digit. Here each stretch of
words is laid over the channel's loudness anew: borders lie where it is quiet, near the attention's,
and each word gets about the time that its length asks for. Promises words in the same order that
overlap no more than before, the same times for the same sound, and that a border moves a bounded
way. Hides the search (dynamic programming on steps of 10 ms). Weights are measured:
resources/documents/speech.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from app.engine.audio import RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from app.engine.samples import Channel, Channels
    from app.engine.turns import TimedWord

    Levels = NDArray[np.float32]

STEP_MS = 10
_STEP = RATE_HZ * STEP_MS // 1000
_BLOCK = 50  # steps of which one level is kept
_QUIETEST_DB = -90.0  # below this is digital silence
_FAINT_DB = 40.0  # below the loudest around: no part of a word any more
_ENDING = frozenset("0123456789,.?!;:")
_LETTERS = re.compile(r"[^\W\d_]+|\d|[%$£€&@+]")


@dataclass(frozen=True, slots=True)
class Weights:
    """What the search weighs; times in milliseconds."""

    back_ms: int = 240  # how far a border may move to the front
    ahead_ms: int = 600  # and to the back: the attention is early more often than late
    run_ms: int = 800  # a gap this long between two words is no border to share
    loud: float = 0.3  # for a border in the midst of full loudness
    early: float = 0.45  # for each 100 ms before the attention's border
    late: float = 0.06  # for each 100 ms after it
    length: float = 0.11  # for a word twice or half as long as its letters ask for
    final: float = 1.5  # words before a comma or stop last longer
    digit: float = 5.0  # letters that a digit asks for
    pause: float = 0.16  # for each 100 ms of a pause inside a word that is no number
    pause_ms: int = 50  # a shorter one may be the closure of a stop
    closure_ms: int = 130  # so short a silence lies within a word, not behind it
    tail_ms: int = 450  # how far a last sound may reach
    tail: float = 0.4  # part of `late` that counts after a number, a comma or a stop
    audible: float = 0.07  # part of the local range that belongs to a word
    around_ms: int = 90  # a border is as loud as this much around it


def by_sound(words: Iterable[TimedWord], samples: Channels) -> list[TimedWord]:
    """Return the words of all channels with borders that fit the sound."""
    channels: dict[int, list[TimedWord]] = {}
    for word in sorted(words, key=attrgetter("start_ms")):
        channels.setdefault(word.channel, []).append(word)
    return [word for channel, of in channels.items() for word in refined(of, samples[channel])]


def refined(
    words: Sequence[TimedWord], samples: Channel, weights: Weights | None = None
) -> list[TimedWord]:
    """Return one channel's words, in order, with borders that fit its sound."""
    weights = weights or Weights()
    if not words:
        return []
    sound = _Sound.of(loudness(samples), weights)
    letters = np.array([_asked(word.text, weights) for word in words])
    rate = _rate(words, letters, sound.voiced)
    found: list[TimedWord] = []
    for first, last in _runs(words, weights):
        before = found[-1].end_ms if found else 0
        after = words[last].start_ms if last < len(words) else len(sound.heard) * STEP_MS
        search = _Search(sound, weights, before // STEP_MS, -(-after // STEP_MS))
        borders = search.borders(words[first:last], letters[first:last] * rate)
        borders[-1] = search.tail(borders[-1])
        found += search.placed(words[first:last], borders)
    return found


def loudness(samples: Channel) -> Levels:
    """Return how loud each step of 10 ms is: 0 at the noise around it, 1 at the loudest voice."""
    level = decibels(samples)
    if not len(level):
        return level
    smooth = np.convolve(level, np.ones(3, np.float32) / 3, "same")
    padded = np.pad(smooth, (0, -len(smooth) % _BLOCK), mode="edge").reshape(-1, _BLOCK)
    loudest = _around(padded.max(axis=1), 6).max(axis=1)
    floor = np.maximum(_around(padded.min(axis=1), 10).min(axis=1), loudest - _FAINT_DB)
    full = np.repeat(loudest, _BLOCK)[: len(smooth)] - 3
    quiet = np.repeat(floor, _BLOCK)[: len(smooth)] + 3
    scaled: Levels = np.clip((level - quiet) / np.maximum(full - quiet, 6), 0, 1)
    return scaled


def decibels(samples: Channel) -> Levels:
    """Return the level of each step of 10 ms, over 20 ms, with weak high sounds lifted."""
    steps = len(samples) // _STEP
    power = np.zeros(steps + 1)
    for first in range(0, steps, 6000):  # a minute at a time: memory does not grow
        last = min(first + 6000, steps)
        sound = samples[max(0, first * _STEP - 1) : last * _STEP].astype(np.float32) / 32768
        lead = 1 if first else 0
        lifted = np.diff(sound, prepend=sound[:1])[lead:] + 0.05 * sound[lead:]
        power[first:last] = np.square(lifted).reshape(-1, _STEP).mean(axis=1)
    both = (power[:-1] + np.concatenate([power[:1], power[: steps - 1]])) / 2
    level: Levels = np.maximum(10 * np.log10(both + 1e-12), _QUIETEST_DB).astype(np.float32)
    return level


def _around(values: Levels, reach: int) -> Levels:
    """Return for each value those up to `reach` places away."""
    padded = np.pad(values, reach, mode="edge")
    return np.lib.stride_tricks.sliding_window_view(padded, 2 * reach + 1)


def _asked(text: str, weights: Weights) -> float:
    """Return for how many letters of time a word asks; a digit is a word of its own."""
    asked = 0.0
    for part in _LETTERS.findall(text):
        if len(part) == 1:
            asked += weights.digit if part.isdigit() or not part.isalpha() else 2.5
        else:
            asked += 2.5 * len(part) if part.isupper() else 1.0 + len(part)
    return max(asked, 1.0) * (weights.final if text[-1:] in ",.?!;:" else 1.0)


def _is_number(text: str) -> bool:
    return any(character.isdigit() for character in text)


def _rate(words: Sequence[TimedWord], letters: NDArray[np.float64], voiced: Levels) -> float:
    """Return how many steps of full voice a letter takes on this channel."""
    last = len(voiced) - 1
    starts = np.minimum([word.start_ms // STEP_MS for word in words], last)
    ends = np.minimum([word.end_ms // STEP_MS for word in words], last)
    return max(float((voiced[ends] - voiced[starts]).sum() / letters.sum()), 0.5)


def _runs(words: Sequence[TimedWord], weights: Weights) -> list[tuple[int, int]]:
    """Return stretches of words without a long gap between them."""
    cuts = [
        index
        for index in range(1, len(words))
        if words[index].start_ms - words[index - 1].end_ms >= weights.run_ms
    ]
    return list(zip([0, *cuts], [*cuts, len(words)], strict=True))


@dataclass(frozen=True, slots=True)
class _Sound:
    """A channel's loudness in the forms that the search asks for, a value per step."""

    heard: Levels
    voiced: Levels  # loudness of all steps before
    paused: Levels  # how many of the steps before lie in a pause
    onset: NDArray[np.int64]  # the first audible step from here
    offset: NDArray[np.int64]  # the step behind the last audible one before here

    @classmethod
    def of(cls, heard: Levels, weights: Weights) -> _Sound:
        audible = heard > weights.audible
        steps = np.arange(len(heard) + 1)
        onset = np.where(np.append(audible, True), steps, len(heard))
        onset = np.minimum.accumulate(onset[::-1])[::-1]
        offset = np.maximum.accumulate(np.where(np.insert(audible, 0, True), steps, 0))
        pause = (onset - offset)[:-1] * STEP_MS >= weights.pause_ms
        paused = np.concatenate([[0], np.cumsum(pause & ~audible)])
        voiced = np.concatenate([[0.0], np.cumsum(heard)])
        return cls(heard, voiced, paused, onset, offset)


@dataclass(frozen=True, slots=True)
class _Search:
    """Finds the borders of one stretch within steps `low` to `high` of the channel."""

    sound: _Sound
    weights: Weights
    low: int
    high: int

    def borders(self, words: Sequence[TimedWord], asked: NDArray[np.float64]) -> list[int]:
        """Return the steps of all borders, one more than there are words."""
        places = [self._places(words, index) for index in range(len(words) + 1)]
        cost = self._cost(places[0], words, 0)
        origins: list[NDArray[np.int64]] = []
        for index in range(1, len(words) + 1):
            lengths = self._lengths(places[index - 1], places[index], asked[index - 1])
            if not _is_number(words[index - 1].text):
                lengths += self._pauses(places[index - 1], places[index])
            total = cost[:, None] + lengths
            origin = total.argmin(axis=0)
            origins.append(origin)
            cost = total[origin, np.arange(len(origin))] + self._cost(places[index], words, index)
        at = int(cost.argmin())
        chosen = [int(places[-1][at])]
        for place, origin in zip(reversed(places[:-1]), reversed(origins), strict=True):
            at = int(origin[at])
            chosen.append(int(place[at]))
        return chosen[::-1]

    def _prior(self, words: Sequence[TimedWord], index: int) -> tuple[float, float]:
        """Return between which steps the attention puts a border."""
        first = words[max(index - 1, 0)].end_ms if index else words[0].start_ms
        last = words[index].start_ms if index < len(words) else words[-1].end_ms
        return min(first, last) / STEP_MS, max(first, last) / STEP_MS

    def _places(self, words: Sequence[TimedWord], index: int) -> NDArray[np.int64]:
        first, last = self._prior(words, index)
        first -= self.weights.back_ms / STEP_MS
        last += self.weights.ahead_ms / STEP_MS
        low = min(max(round(first), self.low), self.high)
        return np.arange(low, max(low, min(round(last), self.high)) + 1)

    def _cost(
        self, places: NDArray[np.int64], words: Sequence[TimedWord], index: int
    ) -> NDArray[np.float64]:
        first, last = self._prior(words, index)
        reach = self.weights.around_ms // STEP_MS // 2
        span = len(self.sound.voiced) - 1
        low, high = np.maximum(places - reach, 0), np.minimum(places + reach + 1, span)
        loud = (self.sound.voiced[high] - self.sound.voiced[low]) / (2 * reach + 1)
        before, after = np.maximum(first - places, 0), np.maximum(places - last, 0)
        per = STEP_MS / 100
        late = self.weights.late
        if index and words[index - 1].text[-1:] in _ENDING:
            late *= self.weights.tail
        away = self.weights.early * per * before + late * per * after
        cost: NDArray[np.float64] = self.weights.loud * loud + away
        return cost

    def _lengths(
        self, starts: NDArray[np.int64], ends: NDArray[np.int64], asked: float
    ) -> NDArray[np.float64]:
        got = self.sound.voiced[ends][None, :] - self.sound.voiced[starts][:, None]
        ratio = np.log2((np.maximum(got, 0) + 2) / (asked + 2))
        cost: NDArray[np.float64] = self.weights.length * np.minimum(np.square(ratio), 6)
        cost[ends[None, :] - starts[:, None] < 3] = 1e6
        return cost

    def _pauses(self, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the cost of the pauses between the first and the last sound of a word."""
        paused = self.sound.paused
        inside = (
            paused[self.sound.offset[ends]][None, :] - paused[self.sound.onset[starts]][:, None]
        )
        cost: NDArray[np.float64] = self.weights.pause * STEP_MS / 100 * np.maximum(inside, 0)
        return cost

    def tail(self, end: int) -> int:
        """Return where the sound ends that goes on behind the last border, as the s of "six" does:
        no other word claims it."""
        last = min(end + self.weights.tail_ms // STEP_MS, self.high)
        while True:
            begins = int(self.sound.onset[end])
            if begins >= last or (begins - end) * STEP_MS > self.weights.closure_ms:
                return end
            quiet = np.flatnonzero(self.sound.heard[begins:last] <= self.weights.audible)
            end = begins + int(quiet[0]) if len(quiet) else last

    def placed(self, words: Sequence[TimedWord], borders: list[int]) -> list[TimedWord]:
        """Return the words between their borders, without the quiet at their ends."""
        found: list[TimedWord] = []
        free = self.low
        for word, first, last in zip(words, borders[:-1], borders[1:], strict=True):
            start, end = first, last
            audible = np.flatnonzero(self.sound.heard[first:last] > self.weights.audible)
            if len(audible):
                start, end = first + int(audible[0]), first + int(audible[-1]) + 1
            start = max(start, free)  # where words are crowded there is no room for all
            free = max(end, start + 1)
            found.append(replace(word, start_ms=start * STEP_MS, end_ms=free * STEP_MS))
        return found
