"""From words in windows to turns of the call: times of the recording, text with exact offsets.

Promises `text == turn.text[start:end]` for every word, words that never leave the speech they were
heard in, and turns in the order in which they start. Drops what Whisper invents where hardly
anything was heard. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.domain import Role
from app.engine.audio import RATE_HZ
from app.engine.raw import RawTurn, RawWord
from app.engine.speech_detection import FRAME

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.engine.recognition import Heard, HeardWord
    from app.engine.speech_detection import Detected
    from app.engine.windows import Piece

PAUSE_MS = 700
"""A pause longer than this ends a turn."""

_UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km", "bo"})
_SHORTEST_MS = 60
_FRAME_MS = FRAME * 1000 // RATE_HZ
_SPEECH = 0.1  # a frame below this at a word's edge is a pause that the alignment swallowed
# Text is dropped only over sound that is hardly speech: what is dropped is not redacted either.
_HARDLY_SPEECH = 0.3  # mean speech probability of a region
_FEW_WORDS = 2
_DOUBTED = 0.4  # mean word probability
# A word or two that Whisper itself gives next to nothing for need more than a doubtful sound
_DOUBTFUL_SPEECH = 0.5
_HARDLY_BELIEVED = 0.2


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word on a channel in the recording's time; `joined` says that no space precedes it."""

    channel: int
    text: str = field(repr=False)
    joined: bool
    start_ms: int
    end_ms: int
    probability: float


def timed_words(heard: Heard, detected: Detected, language: str) -> list[TimedWord]:
    """Return a window's words in the recording's time."""
    window = heard.window
    by_piece: dict[int, list[HeardWord]] = {}
    for word in _whole(heard.words, language):
        by_piece.setdefault(window.piece_at((word.start + word.end) / 2), []).append(word)
    found: list[TimedWord] = []
    for index, words in sorted(by_piece.items()):
        if _invented(window.pieces[index], words):
            continue
        for word in words:
            start = window.to_recording_ms(word.start, index)
            end = window.to_recording_ms(word.end, index)
            start, end = _tightened(start, end, detected)
            found.append(_timed(window.channel, word, start, end))
    return _in_order(found)


def _whole(words: Iterable[HeardWord], language: str) -> list[HeardWord]:
    """Join what belongs to one written word, such as `high` and `-end`."""
    from app.engine.recognition import HeardWord

    whole: list[HeardWord] = []
    for word in words:
        if whole and not word.text.startswith(" ") and language not in _UNSPACED:
            last = whole[-1]
            sure = min(last.probability, word.probability)
            whole[-1] = HeardWord(last.text + word.text, last.start, word.end, sure)
        else:
            whole.append(word)
    return whole


def _invented(piece: Piece, words: Sequence[HeardWord]) -> bool:
    """Whether Whisper was led to write by music or noise: few or doubted words over sound that is
    hardly speech."""
    few = len(words) <= _FEW_WORDS
    belief = sum(word.probability for word in words) / len(words)
    hardly = piece.certainty < _HARDLY_SPEECH
    guessed = belief < _HARDLY_BELIEVED and piece.certainty < _DOUBTFUL_SPEECH
    return (few and (piece.lone or hardly or guessed)) or (belief < _DOUBTED and hardly)


def _tightened(start_ms: int, end_ms: int, detected: Detected) -> tuple[int, int]:
    """Take pauses off a word's ends: the alignment gives a pause to one of its neighbours."""
    loud = detected.probabilities
    first, last = start_ms // _FRAME_MS, min(-(-end_ms // _FRAME_MS), len(loud))
    while first < last and loud[first] < _SPEECH:
        first += 1
    while last > first and loud[last - 1] < _SPEECH:
        last -= 1
    if first >= last:
        return start_ms, end_ms
    return max(start_ms, first * _FRAME_MS), min(end_ms, last * _FRAME_MS)


def _timed(channel: int, word: HeardWord, start_ms: int, end_ms: int) -> TimedWord:
    return TimedWord(
        channel=channel,
        text=word.text.strip(),
        joined=not word.text.startswith(" "),
        start_ms=start_ms,
        end_ms=max(end_ms, start_ms + _SHORTEST_MS),
        probability=word.probability,
    )


def _in_order(words: list[TimedWord]) -> list[TimedWord]:
    """Keep words of one window in the order in which they were said."""
    ordered: list[TimedWord] = []
    for word in words:
        start = max(word.start_ms, ordered[-1].start_ms if ordered else 0)
        end = max(word.end_ms, start + _SHORTEST_MS)
        ordered.append(
            TimedWord(word.channel, word.text, word.joined, start, end, word.probability)
        )
    return ordered


def to_turns(words: Iterable[TimedWord]) -> tuple[RawTurn, ...]:
    """Group words into turns: a turn ends with a pause, or where another channel begins to
    speak."""
    ordered = sorted(words, key=lambda word: (word.start_ms, word.channel))
    runs: list[list[TimedWord]] = []
    latest: dict[int, list[TimedWord]] = {}  # the run of each channel that may go on
    for word in ordered:
        run = latest.get(word.channel)
        interrupted = bool(runs) and run is not runs[-1]
        pause_ms = word.start_ms - run[-1].end_ms if run else 0
        # a short "mhm" of the other side does not tear a sentence apart, a pause beside it does
        if run is None or pause_ms > PAUSE_MS or (interrupted and pause_ms > PAUSE_MS // 3):
            run = []
            runs.append(run)
            latest[word.channel] = run
        run.append(word)
    turns = [_turn(run) for run in runs]
    return tuple(sorted(turns, key=lambda turn: (turn.start_ms, turn.channel)))


def _turn(words: Sequence[TimedWord]) -> RawTurn:
    text, spoken = "", []
    for word in words:
        text += "" if word.joined or not text else " "
        spoken.append(
            RawWord(
                text=word.text,
                start=len(text),
                end=len(text) + len(word.text),
                start_ms=word.start_ms,
                end_ms=word.end_ms,
                confidence=word.probability,
            )
        )
        text += word.text
    return RawTurn(
        channel=words[0].channel,
        role=Role.UNKNOWN,
        start_ms=words[0].start_ms,
        end_ms=max(word.end_ms for word in words),
        text=text,
        words=tuple(spoken),
        confidence=round(sum(word.probability for word in words) / len(words), 4),
    )
