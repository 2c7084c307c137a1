"""Whisper on packed windows: sound in, words with times and probabilities out.

Promises the same words for the same windows: temperature 0 only, no text carried from window to
window, and batches that depend on the call alone. Where Whisper starts to repeat itself, the window
is recognised again in halves, which is as repeatable as the first try. Hides tokens, prompts,
features and alignment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypedDict

from app.engine import repetition
from app.engine.encoding import SAMPLES_PER_FRAME, Encoder, SilenceEncoder
from app.engine.heap import give_back

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from ctranslate2 import StorageView
    from ctranslate2.models import WhisperGenerationResult
    from faster_whisper import WhisperModel
    from faster_whisper.tokenizer import Tokenizer

    from app.engine.samples import Channels
    from app.engine.windows import Window

    Pieces = tuple[list[str], list[list[int]]]

BATCH = 4  # of eight, the states take 230 MB more for 3 % less time
_GPU_BATCH = 16  # a graphics card is idle with fewer; its memory holds the base model's states
_MOST_TOKENS = 224  # half of Whisper's memory: what 30 s of fast speech needs, and no endless loop
_MOST_HINTS = 218  # tokens: the other half, without the prompt around them
_NO_SPEECH = 0.6
_UNLIKELY = -1.0  # mean log probability
_APPENDED = "\"'.。,，!！?？:：”)]}、"  # noqa: RUF001  punctuation as Whisper writes it
_PREPENDED = "\"'“¿([{-"


@dataclass(frozen=True, slots=True)
class HeardWord:
    """A word with its leading space, when it sounds within its window (seconds), how sure."""

    text: str = field(repr=False)
    start: float
    end: float
    probability: float


@dataclass(frozen=True, slots=True)
class Heard:
    """What was recognised in one window."""

    window: Window
    words: tuple[HeardWord, ...] = field(repr=False)


class Aligned(TypedDict):
    """A word as faster-whisper aligns it; times in seconds."""

    word: str
    tokens: list[int]
    start: float
    end: float
    probability: float


class Recogniser:
    """One Whisper model with fixed settings."""

    def __init__(
        self,
        model: WhisperModel,
        *,
        beam_size: int,
        short_windows: bool,
        hints: Sequence[str] = (),
    ) -> None:
        """Use a loaded model; with `short_windows` only what is said of a window is encoded.

        `hints` are written before every window, as if said earlier.
        """
        self._model = model
        self._beam_size = beam_size
        self._silence = SilenceEncoder(model) if short_windows else None
        self._hints = ", ".join(hints)

    def encoder(self, samples: Channels, *, brief: bool = False) -> Encoder:
        """Return the encoder of a call's `samples` [channels, samples]; `brief`: for short
        stretches that are heard again."""
        return Encoder(self._model, samples, self._silence, brief=brief)

    def languages(self, windows: Sequence[Window], encoder: Encoder) -> list[tuple[str, float]]:
        """Return the languages heard in the windows with their mean probabilities, likeliest
        first; nothing from a model that knows English only."""
        if not self._model.model.is_multilingual:
            return []
        sums: dict[str, float] = {}
        for result in self._model.model.detect_language(encoder.kept(windows)):
            for token, probability in result:
                language = token[2:-2]
                sums[language] = sums.get(language, 0.0) + probability / len(windows)
        return sorted(sums.items(), key=lambda item: (-item[1], item[0]))

    def recognise(
        self,
        windows: Sequence[Window],
        encoder: Encoder,
        language: str,
        done: Callable[[int], None],
    ) -> list[Heard]:
        """Recognise windows of a call; `done` is told after each batch how many windows it
        held."""
        heard: list[Heard] = []
        size = _GPU_BATCH if self._model.model.device == "cuda" else BATCH
        size *= 1 + encoder.brief  # windows of half the length: the same memory
        for start in range(0, len(windows), size):
            batch = windows[start : start + size]
            heard += self._batch(batch, encoder, language)
            give_back()
            done(len(batch))
        return heard

    def _batch(self, windows: Sequence[Window], encoder: Encoder, language: str) -> list[Heard]:
        tokenizer = self._tokenizer(language)
        encoded = encoder.encoded(windows)
        results = self._generate(encoded, tokenizer, len(windows))
        give_back()
        tokens = [[t for t in r.sequences_ids[0] if t < tokenizer.eot] for r in results]
        lengths = [-(-window.length // SAMPLES_PER_FRAME) for window in windows]
        aligned = self._align(encoded, tokenizer, tokens, lengths)
        heard: list[Heard] = []
        for window, result, tokens_timed in zip(windows, results, aligned, strict=True):
            words = joined_numbers(tokens_timed)
            halves = window.halves()
            torn = torn_numbers(tokens_timed, window)
            if torn:
                heard += self._batch(window.split(torn), encoder, language)
            elif halves and repetition.suspicious([word["word"] for word in words]):
                heard += self._batch(halves, encoder, language)
            elif not _nothing_said(result):
                heard.append(Heard(window, _without_loops(_words(words))))
        return heard

    def _tokenizer(self, language: str) -> Tokenizer:
        """Return the model's tokenizer, by which each token of a number is a word of its own."""
        from faster_whisper.tokenizer import Tokenizer

        class NumbersApart(Tokenizer):  # type: ignore[misc]  # faster-whisper has no types
            def split_tokens_on_spaces(self, tokens: list[int]) -> Pieces:
                words, parts = list[str](), list[list[int]]()
                whole = super().split_tokens_on_spaces(tokens)
                for word, of in zip(*whole, strict=True):
                    number = any(character.isdigit() for character in word)
                    split = self.split_tokens_on_unicode(of) if number else ([word], [of])
                    words += split[0]
                    parts += split[1]
                return words, parts

        model = self._model
        return NumbersApart(
            model.hf_tokenizer, model.model.is_multilingual, task="transcribe", language=language
        )

    def _generate(
        self, encoded: StorageView, tokenizer: Tokenizer, number: int
    ) -> list[WhisperGenerationResult]:
        from faster_whisper.transcribe import get_suppressed_tokens

        prompt = [*self._said_before(tokenizer), *tokenizer.sot_sequence, tokenizer.no_timestamps]
        found: list[WhisperGenerationResult] = self._model.model.generate(
            encoded,
            [prompt] * number,
            beam_size=self._beam_size,
            patience=1,
            length_penalty=1,
            max_length=len(prompt) + _MOST_TOKENS,
            suppress_blank=True,
            suppress_tokens=list(get_suppressed_tokens(tokenizer, [-1])),
            return_scores=True,
            return_no_speech_prob=True,
            sampling_temperature=0,
        )
        return found

    def _said_before(self, tokenizer: Tokenizer) -> list[int]:
        """Return the hints as Whisper is told of text before a window, as many as it can hold.

        The full stop at their end counts: without it Whisper writes no more of them itself.
        """
        if not self._hints:
            return []
        listed = tokenizer.encode(f" {self._hints}")[:_MOST_HINTS]
        return [tokenizer.sot_prev, *listed, *tokenizer.encode(".")]

    def _align(
        self,
        encoded: StorageView,
        tokenizer: Tokenizer,
        tokens: list[list[int]],
        lengths: list[int],
    ) -> list[list[Aligned]]:
        from faster_whisper.transcribe import merge_punctuations

        if not any(tokens):
            return [[] for _ in tokens]
        aligned: list[list[Aligned]] = self._model.find_alignment(
            tokenizer, tokens, encoded, lengths
        )
        for words in aligned:
            merge_punctuations(words, _PREPENDED, _APPENDED)
        return aligned


def torn_numbers(words: list[Aligned], window: Window) -> set[int]:
    """Return the pieces into which a number goes on that began in the piece before.

    Whisper writes one number where somebody pauses between two: for minutes of the recording.
    """
    places = [window.piece_at((word["start"] + word["end"]) / 2) for word in words]
    return {
        place
        for word, place, before in zip(words[1:], places[1:], places, strict=False)
        if place != before and _continues(word)
    }


def joined_numbers(words: list[Aligned]) -> list[Aligned]:
    """Put the tokens of each number together again."""
    joined: list[Aligned] = []
    for word in words:
        if not joined or not _continues(word):
            joined.append(word)
            continue
        last = joined[-1]
        many, more = len(last["tokens"]), len(word["tokens"])
        sure = (many * last["probability"] + more * word["probability"]) / (many + more)
        joined[-1] = Aligned(
            word=last["word"] + word["word"],
            tokens=[*last["tokens"], *word["tokens"]],
            start=last["start"],
            end=word["end"],
            probability=sure,
        )
    return joined


def _continues(word: Aligned) -> bool:
    return word["word"][:1].isdigit()


def _words(aligned: list[Aligned]) -> tuple[HeardWord, ...]:
    return tuple(
        HeardWord(
            text=word["word"],
            start=float(word["start"]),
            end=float(word["end"]),
            probability=round(float(word["probability"]), 4),
        )
        for word in aligned
        if word["word"].strip()
    )


def _without_loops(words: tuple[HeardWord, ...]) -> tuple[HeardWord, ...]:
    places = repetition.kept(
        [word.text for word in words], [word.start for word in words], [word.end for word in words]
    )
    return tuple(words[place] for place in places)


def _nothing_said(result: WhisperGenerationResult) -> bool:
    """Whether Whisper itself doubts that anybody speaks, and was unsure of every token."""
    length = len(result.sequences_ids[0])
    likelihood = result.scores[0] * length / (length + 1)
    return bool(result.no_speech_prob > _NO_SPEECH and likelihood < _UNLIKELY)
