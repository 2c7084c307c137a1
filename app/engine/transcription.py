"""Speech to text: from the sound of a call to the raw transcript of `app.engine.raw`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

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
    from app.engine.speech_detection import Detected
    from app.engine.windows import Window

__all__ = ["RawTranscript", "RawTurn", "RawWord", "Transcriber"]


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
        from app.engine import word_times
        from app.engine.crosstalk import crosstalk
        from app.engine.models import gpu_faults
        from app.engine.turns import timed_words, to_turns
        from app.engine.unheard import unheard
        from app.engine.windows import pack

        crossed = crosstalk(audio.samples)
        audio = replace(audio, samples=crossed.silenced(audio.samples))
        detected = self._detect(audio)
        windows = [w for channel, found in enumerate(detected) for w in pack(channel, found)]
        if not windows:
            raise AudioSilent("Nobody speaks in the recording.")
        recogniser = self._recogniser(hints)
        encoder = recogniser.encoder(audio.samples)
        with gpu_faults():
            language, sure = self._language(recogniser, windows, encoder)
        done = 0

        def count(number: int) -> None:
            nonlocal done
            done += number
            progress(done / len(windows))

        with gpu_faults():
            heard = recogniser.recognise(windows, encoder, language, count)
        words = [
            word
            for one in heard
            for word in timed_words(one, detected[one.window.channel], language)
        ]
        words = word_times.by_sound(words, audio.samples)
        turns = to_turns(crossed.kept(words))
        if not turns:
            raise AudioSilent("Nobody speaks in the recording in a way that can be understood.")
        return RawTranscript(
            turns=turns,
            language=language,
            language_confidence=sure,
            leaks=crossed.leaks,
            unheard=unheard(words, detected, audio.samples),
        )

    def _detect(self, audio: Audio) -> list[Detected]:
        from app.engine.speech_detection import SpeechDetector

        detector = SpeechDetector(self._models.read("silero-vad", "silero_vad_v6.onnx"))
        return [detector.detect(channel) for channel in audio.samples]

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
        """Return the language of the settings, or the one heard in each channel's fullest window
        and how sure that is."""
        if self._speech.language != "auto":
            return self._speech.language, None
        fullest: dict[int, Window] = {}
        for window in windows:
            held = fullest.get(window.channel)
            if held is None or window.length > held.length:
                fullest[window.channel] = window
        longest = max(window.length for window in fullest.values())
        # a channel that says little would only add doubt
        asked = [window for window in fullest.values() if 2 * window.length >= longest]
        found = recogniser.languages(asked, encoder)
        return (found[0][0], round(found[0][1], 3)) if found else ("en", None)
