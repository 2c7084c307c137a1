"""What was said and not written down: found by its time, and heard again.

Whisper sometimes takes an early end for the likelier reading, or leaves out the middle of a window,
and nothing of it shows but time: speech without words, or one word as long as a sentence. Promises
that only speech beyond doubt is heard again, at most twice and always alike; that words which were
surely heard stay; and that what is heard the second time is taken only where it says more, at a
pace at which people speak. Pure but for the hearing.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from app.engine import repetition
from app.engine.audio import RATE_HZ
from app.engine.pace import PART, longest_ms
from app.engine.speech_detection import FRAME, Detected, Region
from app.engine.windows import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.engine.turns import TimedWord
    from app.engine.windows import Window

    Hear = Callable[[Sequence[Window]], list[TimedWord]]

_PER_MS = RATE_HZ // 1000
_FRAME_MS = FRAME // _PER_MS
_SPEECH = 0.5  # a frame below this may be a breath, or the end of a word
_MISSED_MS = 400  # more speech than its words can take: something was left out
_PAUSE_MS = 190  # without speech: a phrase begins or ends here
_LONGEST_PHRASE_MS = 12_000
_WITHIN_MS = 150  # attention may begin a word before the middle of the pause before it
_SURE = 0.5  # word probability: a word that stays
_BELIEVED = 0.4  # mean word probability of what is taken instead
_FASTEST_MS = 120  # a word


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch of a channel, in milliseconds, with more speech than the words in it can take."""

    channel: int
    start_ms: int
    end_ms: int

    def holds(self, word: TimedWord) -> bool:
        """Whether a word sounds in it."""
        middle = (word.start_ms + word.end_ms) / 2
        return word.channel == self.channel and self.start_ms <= middle < self.end_ms

    def overlaps(self, later: Gap) -> bool:
        """Whether a gap that was found later begins in this one."""
        return later.channel == self.channel and later.start_ms < self.end_ms

    def certainty(self, detected: Detected) -> float:
        """Return the mean probability of speech in it."""
        first, last = self.start_ms // _FRAME_MS, -(-self.end_ms // _FRAME_MS)
        return float(detected.probabilities[first:last].mean())


def completed(
    words: Sequence[TimedWord], detected: Sequence[Detected], hear: Hear
) -> list[TimedWord]:
    """Return the words of all channels with those that were left out.

    Heard again is first the phrase around a gap, because Whisper understands a whole one best, and
    then what is still missing alone.
    """
    found = list(words)
    tried: set[Gap] = set()
    for whole in (True, False):
        missing = [gap for gap in gaps(found, detected, whole=whole) if gap not in tried]
        if not missing:
            continue
        tried.update(missing)
        again = hear(_windows(missing, detected))
        for gap in missing:
            new = _without_echoes(found, gap, [word for word in again if gap.holds(word)])
            found = _settled(found, gap, new)
    return found


def _windows(missing: Sequence[Gap], detected: Sequence[Detected]) -> list[Window]:
    """Return the gaps of each channel packed into windows of their own."""
    found: list[Window] = []
    for channel, of in enumerate(detected):
        regions = tuple(
            Region(gap.start_ms * _PER_MS, gap.end_ms * _PER_MS, gap.certainty(of))
            for gap in sorted(missing, key=lambda gap: gap.start_ms)
            if gap.channel == channel
        )
        found += pack(channel, Detected(of.probabilities, regions))
    return found


def gaps(words: Sequence[TimedWord], detected: Sequence[Detected], *, whole: bool) -> list[Gap]:
    """Return where something was left out; `whole`: from pause to pause around it."""
    found: list[Gap] = []
    for channel, of in enumerate(detected):
        speech = _Speech.of(of)
        said = sorted((w for w in words if w.channel == channel), key=lambda w: w.start_ms)
        for region in of.regions:
            start, end = -(-region.start // _PER_MS), region.end // _PER_MS
            inside = [w for w in said if start <= (w.start_ms + w.end_ms) / 2 < end]
            for first, last in _overlong(inside, start, end, speech):
                around = speech.phrase(inside, first, last, (start, end)) if whole else None
                gap = Gap(channel, *(around or (first, last)))
                if found and found[-1].overlaps(gap):
                    before = found.pop()
                    gap = Gap(channel, before.start_ms, max(before.end_ms, gap.end_ms))
                found.append(gap)
    return found


def _overlong(
    words: Sequence[TimedWord], start: int, end: int, speech: _Speech
) -> Iterator[tuple[int, int]]:
    """Yield the times from one word's start to the next one's that no word takes so long to say."""
    times = [start, *(min(max(word.start_ms, start), end) for word in words), end]
    asked = [0, *(longest_ms(word.text) for word in words)]
    for (first, last), most in zip(itertools.pairwise(times), asked, strict=True):
        if speech.between(first, last) - most >= _MISSED_MS:
            yield first, last


def _settled(words: list[TimedWord], gap: Gap, new: list[TimedWord]) -> list[TimedWord]:
    """Return the words with those of the gap replaced, where the new ones are better."""
    old = [word for word in words if gap.holds(word)]
    lost = _lost([word for word in old if word.probability >= _SURE], new)
    if not new or (lost and len(old) > 1):
        return words
    new = [*(_shortened(word, new) for word in lost), *new]
    if not _believed(new) or _asked(new) <= _asked(old):
        return words
    return [*(word for word in words if not gap.holds(word)), *new]


def _without_echoes(
    words: Sequence[TimedWord], gap: Gap, again: Sequence[TimedWord]
) -> list[TimedWord]:
    """Leave out a word at the gap's border that is its neighbour's sound heard once more; two equal
    digits are two digits."""
    of = sorted((w for w in words if w.channel == gap.channel), key=lambda w: w.start_ms)
    before = [_plain(w) for w in of if (w.start_ms + w.end_ms) / 2 < gap.start_ms][-1:]
    after = [_plain(w) for w in of if (w.start_ms + w.end_ms) / 2 >= gap.end_ms][:1]
    new = list(again)
    if new and [_plain(new[0])] == before and not before[0].isdigit():
        del new[0]
    if new and [_plain(new[-1])] == after and not after[0].isdigit():
        del new[-1]
    return new


def _lost(old: Sequence[TimedWord], new: Sequence[TimedWord]) -> list[TimedWord]:
    """Return the old words that the new ones do not hold in the same order."""
    lost, left = [], [_plain(word) for word in new]
    for word in old:
        if (plain := _plain(word)) in left:
            del left[: left.index(plain) + 1]
        else:
            lost.append(word)
    return lost


def _shortened(word: TimedWord, new: Sequence[TimedWord]) -> TimedWord:
    """Return a word that stays, without the time of what was said after it."""
    return replace(word, end_ms=max(word.start_ms + 60, min(word.end_ms, new[0].start_ms)))


def _believed(words: Sequence[TimedWord]) -> bool:
    """Whether somebody can have said this in its time."""
    if repetition.suspicious([word.text for word in words]):
        return False
    sure = sum(word.probability for word in words) / len(words)
    lasts_ms = words[-1].end_ms - words[0].start_ms
    return sure >= _BELIEVED and lasts_ms >= _FASTEST_MS * len(words)


def _asked(words: Sequence[TimedWord]) -> int:
    return sum(longest_ms(word.text) for word in words)


def _plain(word: TimedWord) -> str:
    return "".join(PART.findall(word.text)).casefold()


@dataclass(frozen=True, slots=True)
class _Speech:
    """How much speech beyond doubt a channel holds."""

    frames: np.ndarray[tuple[int], np.dtype[np.bool_]]
    before_ms: np.ndarray[tuple[int], np.dtype[np.int64]]  # of speech before each frame

    @classmethod
    def of(cls, detected: Detected) -> _Speech:
        frames = detected.probabilities >= _SPEECH
        return cls(frames, np.concatenate([[0], np.cumsum(frames) * _FRAME_MS]))

    def between(self, start_ms: int, end_ms: int) -> int:
        """Return how many milliseconds of speech lie between two times."""
        last = len(self.frames)
        first, end = min(start_ms // _FRAME_MS, last), min(end_ms // _FRAME_MS, last)
        return int(self.before_ms[max(first, end)] - self.before_ms[first])

    def phrase(
        self, words: Sequence[TimedWord], first: int, last: int, region: tuple[int, int]
    ) -> tuple[int, int] | None:
        """Return the stretch around `first` to `last` from a pause to a pause; nothing where
        people speak on for too long."""
        pauses = (
            self._pause(one.end_ms, other.start_ms) for one, other in itertools.pairwise(words)
        )
        cuts = [region[0], *(at for at in pauses if at is not None), region[1]]
        start = max(at for at in cuts[:-1] if at <= first + _WITHIN_MS)
        end = min(at for at in cuts[1:] if at >= last - _WITHIN_MS and at > start)
        return (start, end) if end - start <= _LONGEST_PHRASE_MS else None

    def _pause(self, end_ms: int, start_ms: int) -> int | None:
        """Return the middle of the longest pause around where one word ends and one starts."""
        first = max(0, (min(end_ms, start_ms) - 100) // _FRAME_MS)
        last = (max(end_ms, start_ms) + 100) // _FRAME_MS + 1
        runs = np.flatnonzero(np.concatenate([[True], self.frames[first:last], [True]]))
        lengths = np.diff(runs) - 1
        longest = int(lengths.argmax())
        if lengths[longest] * _FRAME_MS < _PAUSE_MS:
            return None
        return (first + int(runs[longest]) + int(lengths[longest]) // 2) * _FRAME_MS
