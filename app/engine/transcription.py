"""Speech to text: from the sound of a call to the raw transcript of `app.engine.raw`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import SUPPORTED_LANGUAGES
from app.engine.raw import RawTranscript, RawTurn, RawWord
from app.errors import AudioSilent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from faster_whisper import WhisperModel

    from app.config import ExecutionSettings, SpeechSettings
    from app.engine.audio import Audio
    from app.engine.encoding import Encoder
    from app.engine.models import ModelLibrary
    from app.engine.recognition import Recogniser
    from app.engine.samples import Channels
    from app.engine.speech_detection import Detected, SpeechDetector
    from app.engine.turns import TimedWord
    from app.engine.windows import Window

__all__ = ["RawTranscript", "RawTurn", "RawWord", "Transcriber"]

CLEARLY = 5.0  # times as likely as a supported language


class Transcriber:
    """Speech to text for all channels of a call, with the models and settings it was given.

    Each channel's speech is found first and packed into windows of up to 30 seconds; what is not
    speech is never decoded. Windows never mix channels, so that no word can change sides.
    """

    def __init__(
        self, models: ModelLibrary, speech: SpeechSettings, execution: ExecutionSettings
    ) -> None:
        """Remember what to use; models are loaded with the first call."""
        self._models = models
        self._speech = speech
        self._execution = execution
        self._latest: tuple[tuple[WhisperModel, tuple[str, ...]], Recogniser] | None = None

    def transcribe(
        self, audio: Audio, *, progress: Callable[[float], None], hints: Sequence[str] = ()
    ) -> RawTranscript:
        """Return what is said; raises `AudioSilent` when nobody speaks.

        `progress` is told the part that is done, 0 to 1; `hints` are words that may be said. Roles
        are unknown.
        """
        from app.engine import second_hearing, word_times
        from app.engine.crosstalk import crosstalk
        from app.engine.models import gpu_faults
        from app.engine.turns import timed_words, to_turns
        from app.engine.unheard import unheard
        from app.engine.windows import pack

        crossed = crosstalk(audio.samples)
        samples = crossed.silenced(audio.samples)
        detected = self._detect(samples)
        windows = [w for channel, found in enumerate(detected) for w in pack(channel, found)]
        if not windows:
            raise AudioSilent("Nobody speaks in the recording.")
        recogniser = self._recogniser(hints)
        encoder = recogniser.encoder(samples)
        with gpu_faults():
            language, sure = self._language(recogniser, windows, encoder)
        done = 0

        def count(number: int) -> None:
            nonlocal done
            done += number
            progress(min(1.0, done / len(windows)))  # what is heard again is little

        def hear(these: Sequence[Window]) -> list[TimedWord]:
            with gpu_faults():
                heard = recogniser.recognise(these, encoder, language, count)
            return [
                word
                for one in heard
                for word in timed_words(one, detected[one.window.channel], language)
            ]

        words = second_hearing.completed(hear(windows), detected, hear)
        words = word_times.by_sound(words, samples)
        turns = to_turns(crossed.kept(words))
        if not turns:
            raise AudioSilent("Nobody speaks in the recording in a way that can be understood.")
        return RawTranscript(
            turns=turns,
            language=language,
            language_confidence=sure,
            leaks=crossed.leaks,
            unheard=unheard(words, detected, samples),
        )

    def hear_again(
        self,
        audio: Audio,
        groups: Sequence[tuple[int, Sequence[tuple[int, int]]]],
        *,
        language: str,
        hints: Sequence[str] = (),
    ) -> list[TimedWord]:
        """Return what is understood in groups of stretches, crosstalk too; nothing where nobody
        speaks. The rest of the recording is not listened to.

        A group is a channel and stretches of it (from, to, in samples) that share windows. These
        are half as long as other ones: a whole one takes more than twice the time.
        """
        from app.engine.models import gpu_faults
        from app.engine.turns import timed_words
        from app.engine.windows import HALF_WINDOW, pack

        detector = self._detector()
        detected = [
            detector.within(
                samples, sorted(one for at, of in groups if at == channel for one in of)
            )
            for channel, samples in enumerate(audio.samples)
        ]
        windows = [w for at, of in groups for w in pack(at, detected[at].between(of), HALF_WINDOW)]
        recogniser = self._recogniser(hints)
        encoder = recogniser.encoder(audio.samples, brief=True)
        with gpu_faults():
            heard = recogniser.recognise(windows, encoder, language, lambda _: None)
        return [
            word
            for one in heard
            for word in timed_words(one, detected[one.window.channel], language)
        ]

    def _detect(self, samples: Channels) -> list[Detected]:
        detector = self._detector()
        return [detector.detect(channel) for channel in samples]

    def _detector(self) -> SpeechDetector:
        from app.engine.speech_detection import SpeechDetector

        return SpeechDetector(self._models.read("silero-vad", "silero_vad_v6.onnx"))

    def _recogniser(self, hints: Sequence[str]) -> Recogniser:
        """Return the recogniser for these hints, the last one again where they are the same: it
        knows how silence is encoded."""
        from app.engine.recognition import Recogniser

        model = self._models.whisper(
            self._speech.model,
            device=self._execution.device,
            threads=self._execution.threads_per_worker,
        )
        if self._latest is None or self._latest[0] != (model, tuple(hints)):
            short = self._models.short_windows(self._speech.model, self._execution.device)
            recogniser = Recogniser(
                model, beam_size=self._speech.beam_size, short_windows=short, hints=hints
            )
            self._latest = ((model, tuple(hints)), recogniser)
        return self._latest[1]

    def _language(
        self, recogniser: Recogniser, windows: Sequence[Window], encoder: Encoder
    ) -> tuple[str, float | None]:
        """Return the language of the settings, or the one that is heard and how sure that is."""
        if self._speech.language != "auto":
            return self._speech.language, None
        return decided(recogniser.languages(telling(windows), encoder))


def telling(windows: Sequence[Window]) -> list[Window]:
    """Return the windows that tell the language: each channel's fullest."""
    fullest: dict[int, Window] = {}
    for window in windows:
        held = fullest.get(window.channel)
        if held is None or window.length > held.length:
            fullest[window.channel] = window
    longest = max(window.length for window in fullest.values())
    # a channel that says little would only add doubt
    return [window for window in fullest.values() if 2 * window.length >= longest]


def decided(
    found: Sequence[tuple[str, float]], clearly: float = CLEARLY
) -> tuple[str, float | None]:
    """Return which of the languages heard, likeliest first, a call is in, and how sure that is.

    One that is not supported has to be `clearly` times as likely as any that is.
    """
    if not found:
        return "en", None
    supported = next((one for one in found if one[0] in SUPPORTED_LANGUAGES), found[0])
    likeliest = found[0] if found[0][1] > clearly * supported[1] else supported
    return likeliest[0], round(likeliest[1], 3)
