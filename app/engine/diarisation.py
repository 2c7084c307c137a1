"""Who speaks when on one channel that holds both sides: voices told apart by their sound.

Promises a count of voices that is honest (one, two, more, or doubtful), a score for every tenth of
a second that says which of two voices it is, and turns that change hands at words. An estimate, and
marked as one: nothing that has to be safe may rest on it. Hides vectors and clusters; nothing of a
voice leaves the worker. The thresholds are measured: resources/documents/speech.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from app.engine.audio import RATE_HZ
from app.engine.speaker_encoder import STRETCH, SpeakerEncoder

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from app.engine.audio import Audio
    from app.engine.models import ModelLibrary
    from app.engine.raw import RawTranscript, RawTurn, RawWord
    from app.engine.samples import Channel

    Floats = NDArray[np.float32]
    Span = tuple[int, int]

SPEAKER_ENCODER: Final = "speaker-encoder"
"""The model in use."""

SPLIT_MS: Final = 100
"""The grain of the scores."""

_HOP = RATE_HZ // 2  # from one stretch to the next
_PER_MS = RATE_HZ // 1000
_JOINED_MS = 300  # speech this near belongs to one stretch
_FEWEST = 8  # stretches, below which nothing can be told apart
_ONE_VOICE = 0.85  # cosine between the middles of two halves of one voice, and from here on of one
_TWO_VOICES = 0.75  # and below this of two, if they lie apart enough for their width
_FAR_ENOUGH = 5.2
_APART = 0.55  # the middles of three voices are all farther apart than this
_SHARE = 0.04  # of the speech, that a voice has to have at least
_ROUNDS = 20
_MOST = 1200  # vectors that decide on the cut: all of ten minutes of speech
_CHANGE = 2.2  # what a change of voice costs within speech, in units of the scores
_CHANGE_AT_PAUSE = 0.7  # and where somebody pauses or ends a sentence
_PAUSE_MS = 200
_SHARPNESS = 12.0  # from a difference of cosines to a score


@dataclass(frozen=True, slots=True)
class Voices:
    """The voices of a channel: how many (0: in doubt, 3: more than two), how far the two main ones
    lie apart for their width, and per `SPLIT_MS` a score: positive for voice 0, negative for 1."""

    count: int
    distance: float
    scores: Floats

    def at(self, start_ms: int, end_ms: int) -> float:
        """Return the mean score of a stretch of time."""
        first = min(start_ms // SPLIT_MS, len(self.scores) - 1)
        last = max(first + 1, -(-end_ms // SPLIT_MS))
        return float(self.scores[first:last].mean())


_SILENT = Voices(1, 0.0, np.zeros(1, np.float32))


class Diariser:
    """Tells the two sides of a call with one channel apart; the model is loaded on first use."""

    def __init__(self, models: ModelLibrary) -> None:
        """Remember where the model is."""
        self._models = models
        self._encoder: SpeakerEncoder | None = None

    def tell_apart(self, raw: RawTranscript, audio: Audio) -> tuple[RawTranscript, tuple[str, ...]]:
        """Return the transcript with a speaker for each turn, and warnings of how sure that is.

        Where there is one voice, or doubt, the transcript stays as it is.
        """
        if self._encoder is None:
            self._encoder = SpeakerEncoder(self._models.read(SPEAKER_ENCODER, "model.onnx"))
        speech = [(one.start_ms, one.end_ms) for turn in raw.turns for one in turn.words or (turn,)]
        voices = told_apart(self._encoder, audio.samples[0], speech)
        turns = by_speaker(raw.turns, voices)
        if voices.count == 1:
            return raw, ("one-speaker",)
        if voices.count == 0 or len({turn.speaker for turn in turns}) == 1:
            return raw, ("speakers-not-separated",)
        more = ("more-than-two-speakers",) if voices.count > 2 else ()
        return replace(raw, turns=turns), ("speakers-estimated", *more)


def told_apart(encoder: SpeakerEncoder, channel: Channel, speech: Sequence[Span]) -> Voices:
    """Tell the voices of a channel apart; `speech` is when somebody speaks, in milliseconds."""
    starts = _starts(joined(speech), len(channel))
    if len(starts) < _FEWEST:
        return replace(_SILENT, count=0)
    vectors = encoder.vectors(channel, starts)
    labels = _halved(vectors)
    distance = _distance(vectors, labels)
    middles = _middles(vectors, labels)
    frames = len(channel) // (SPLIT_MS * _PER_MS) + 1
    side = (vectors @ (middles[0] - middles[1])) * _SHARPNESS
    return Voices(_count(vectors, labels, distance), distance, _spread(side, starts, frames))


def joined(speech: Sequence[Span]) -> list[Span]:
    """Return the spans in order, those that lie near each other as one."""
    found: list[Span] = []
    for start, end in sorted(speech):
        if found and start - found[-1][1] <= _JOINED_MS:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def _starts(speech: Sequence[Span], samples: int) -> list[int]:
    """Return where stretches begin (samples): all through longer speech, around shorter."""
    starts: list[int] = []
    for start_ms, end_ms in speech:
        start, spare = start_ms * _PER_MS, (end_ms - start_ms) * _PER_MS - STRETCH
        steps = max(0, -(-spare // _HOP))
        first = start if spare > 0 else start + spare // 2
        places = [first + round(spare * n / steps) for n in range(steps + 1)] if steps else [first]
        starts += [max(0, min(place, samples - STRETCH)) for place in places]
    return starts


def _halved(vectors: Floats) -> NDArray[np.bool_]:
    """Cut the vectors in two by the normalised cut of their likeness, then settle by the middles.

    The cut is the sign of the second eigenvector (Shi and Malik 2000); of two starting points the
    one counts whose halves are tighter. Of many vectors some decide, evenly spread: likeness takes
    memory by the square of their number, and the cut time by the cube.
    """
    some = vectors
    if len(vectors) > _MOST:
        some = vectors[np.linspace(0, len(vectors) - 1, _MOST).astype(int)]
    settled = [_settled(some, labels) for labels in _cuts(some)]
    if len(some) < len(vectors):
        settled = [_settled(vectors, _nearer(vectors, _middles(some, one))) for one in settled]
    return max(settled, key=lambda labels: _tightness(vectors, labels))


def _cuts(vectors: Floats) -> Iterator[NDArray[np.bool_]]:
    """Yield the halves to begin with."""
    likeness = np.maximum(vectors @ vectors.T, 0).astype(np.float64) ** 2
    scale = 1 / np.sqrt(likeness.sum(1))
    _, parts = np.linalg.eigh(likeness * scale[:, None] * scale[None])
    cut = parts[:, -2] * scale
    centred = vectors - vectors.mean(0)
    main = np.linalg.svd(centred.astype(np.float64), full_matrices=False)[0][:, 0]
    for start in (cut, main):
        yield start > np.median(start)
    for start in (cut, main):
        yield start > 0


def _settled(vectors: Floats, labels: NDArray[np.bool_]) -> NDArray[np.bool_]:
    for _ in range(_ROUNDS):
        if labels.all() or not labels.any():
            break
        nearer = _nearer(vectors, _middles(vectors, labels))
        if (nearer == labels).all():
            break
        labels = nearer
    return labels


def _nearer(vectors: Floats, middles: Floats) -> NDArray[np.bool_]:
    """Return which vectors lie nearer to the second middle."""
    nearer: NDArray[np.bool_] = vectors @ middles[1] > vectors @ middles[0]
    return nearer


def _middles(vectors: Floats, labels: NDArray[np.bool_]) -> Floats:
    """Return the two directions in which the halves point, [2, WIDTH]; of nothing, the mean's."""
    parts = [vectors[labels == half] for half in (False, True)]
    means = np.stack([(part if len(part) else vectors).mean(0) for part in parts])
    lengths = np.linalg.norm(means, axis=1, keepdims=True)
    middles: Floats = means / np.maximum(lengths, 1e-9)
    return middles


def _tightness(vectors: Floats, labels: NDArray[np.bool_]) -> float:
    middles = _middles(vectors, labels)
    return float((vectors * middles[labels.astype(int)]).sum(1).mean())


def _distance(vectors: Floats, labels: NDArray[np.bool_]) -> float:
    """Return how far apart the halves lie along the line between their middles, for their width."""
    if labels.all() or not labels.any():
        return 0.0
    middles = _middles(vectors, labels)
    along = (vectors @ (middles[1] - middles[0])).astype(np.float64)
    near, far = along[~labels], along[labels]
    return float((far.mean() - near.mean()) / max(np.sqrt((near.var() + far.var()) / 2), 1e-6))


def _count(vectors: Floats, labels: NDArray[np.bool_], distance: float) -> int:
    """Return how many voices there are: 1, 2, 3 for more, 0 for doubt."""
    share = min(labels.mean(), 1 - labels.mean())
    middles = _middles(vectors, labels)
    cosine = float(middles[0] @ middles[1])
    if cosine >= _ONE_VOICE or share == 0:
        return 1
    if cosine >= _TWO_VOICES or distance < _FAR_ENOUGH or share < _SHARE:
        return 0
    return 3 if any(_holds_two(vectors, labels, half) for half in (False, True)) else 2


def _holds_two(vectors: Floats, labels: NDArray[np.bool_], half: bool) -> bool:
    """Whether a half is two voices itself, both of them unlike the other half."""
    inner = vectors[labels == half]
    if len(inner) < 2 * _FEWEST:
        return False
    parted = _halved(inner)
    if min(parted.mean(), 1 - parted.mean()) < 2 * _SHARE:
        return False
    first, second = _middles(inner, parted)
    other = _middles(vectors, labels)[int(not half)]
    return bool(max(first @ second, first @ other, second @ other) < _APART)


def _spread(side: Floats, starts: Sequence[int], frames: int) -> Floats:
    """Return the scores of stretches as scores of time: each counts most at its middle."""
    grain = SPLIT_MS * _PER_MS
    width = STRETCH // grain
    shape = np.bartlett(width + 2)[1:-1]
    scores, weights = np.zeros(frames), np.full(frames, 1e-9)
    for value, start in zip(side, starts, strict=True):
        first = round(start / grain)
        last = min(first + width, frames)
        scores[first:last] += value * shape[: last - first]
        weights[first:last] += shape[: last - first]
    spread: Floats = (scores / weights).astype(np.float32)
    return spread


# ---------------------------------------------------------------------- words and turns


def by_speaker(turns: Sequence[RawTurn], voices: Voices) -> tuple[RawTurn, ...]:
    """Return the turns cut where the voice changes, each with its `speaker`: who speaks first is 0.

    Every word keeps its text, its times and its order; a turn without words goes by its middle.
    """
    words = [(turn, word) for turn in turns for word in turn.words or (None,)]
    scores = [
        voices.at(word.start_ms, word.end_ms) if word else voices.at(turn.start_ms, turn.end_ms)
        for turn, word in words
    ]
    costs = [_CHANGE] + [_cost(words[n - 1], words[n]) for n in range(1, len(words))]
    path = smoothed(scores, costs)
    labels = [int(label != path[0]) for label in path]
    found: list[RawTurn] = []
    place = 0
    for turn in turns:
        length = max(1, len(turn.words))
        found += _cut(turn, labels[place : place + length])
        place += length
    return tuple(found)


def segments(speech: Sequence[Span], voices: Voices) -> list[tuple[int, int, int]]:
    """Return who speaks when without looking at words: start, end, voice (for measuring)."""
    frames = [
        (max(start, at), min(end, at + SPLIT_MS))
        for start, end in joined(speech)
        for at in range(start // SPLIT_MS * SPLIT_MS, end, SPLIT_MS)
    ]
    scores = [voices.at(*frame) / 3 for frame in frames]
    costs = [
        _CHANGE_AT_PAUSE if n and frames[n - 1][1] < frames[n][0] else _CHANGE
        for n in range(len(frames))
    ]
    found: list[tuple[int, int, int]] = []
    for (start, end), label in zip(frames, smoothed(scores, costs), strict=True):
        if found and found[-1][1] == start and found[-1][2] == label:
            found[-1] = (found[-1][0], end, label)
        else:
            found.append((start, end, label))
    return found


def smoothed(scores: Sequence[float], costs: Sequence[float]) -> list[int]:
    """Return the cheapest way through: a label 0 (positive scores) or 1 each, changes cost."""
    best, back = [0.0, 0.0], []
    for score, cost in zip(scores, costs, strict=True):
        came = [label if best[label] >= best[1 - label] - cost else 1 - label for label in (0, 1)]
        best = [
            best[came[label]] - (cost if came[label] != label else 0.0) + (score, -score)[label]
            for label in (0, 1)
        ]
        back.append(came)
    label = 0 if best[0] >= best[1] else 1
    path = []
    for came in reversed(back):
        path.append(label)
        label = came[label]
    return path[::-1]


def _cost(before: tuple[RawTurn, RawWord | None], after: tuple[RawTurn, RawWord | None]) -> float:
    """Return what a change of voice between two words costs."""
    if before[0] is not after[0] or before[1] is None or after[1] is None:
        return _CHANGE_AT_PAUSE
    pause = after[1].start_ms - before[1].end_ms >= _PAUSE_MS
    return _CHANGE_AT_PAUSE if pause or before[1].text.endswith((".", "?", "!")) else _CHANGE


def _cut(turn: RawTurn, labels: Sequence[int]) -> list[RawTurn]:
    """Cut a turn where the label of its words changes."""
    if not turn.words:
        return [replace(turn, speaker=labels[0])]
    borders = [n for n in range(1, len(labels)) if labels[n] != labels[n - 1]]
    parts = zip([0, *borders], [*borders, len(labels)], strict=True)
    return [_part(turn, first, last, labels[first]) for first, last in parts]


def _part(turn: RawTurn, first: int, last: int, speaker: int) -> RawTurn:
    """Return the words `first` to `last` (not included) of a turn as a turn of their own."""
    if (first, last) == (0, len(turn.words)):
        return replace(turn, speaker=speaker)
    words = turn.words[first:last]
    start, end = words[0].start, words[-1].end
    return replace(
        turn,
        speaker=speaker,
        start_ms=words[0].start_ms,
        end_ms=max(word.end_ms for word in words),
        text=turn.text[start:end],
        words=tuple(replace(w, start=w.start - start, end=w.end - start) for w in words),
        confidence=round(sum(word.confidence for word in words) / len(words), 4),
    )
