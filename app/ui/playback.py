"""Playing the muted audio of a call from memory.

The position exists without any sound: it can be moved before the audio is fetched, and on a
computer without a sound device. Audio is fetched when a person first presses play (hearing a call
is an audited act) and never touches the disk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QDataStream, QObject, QTimer, QUrl, Signal

if TYPE_CHECKING:
    from PySide6.QtMultimedia import QAudioOutput, QMediaPlayer

SPEEDS = (0.75, 1.0, 1.25, 1.5, 2.0)
NO_DEVICE = "No sound device: the call can be followed, not heard."
NO_SOUND = "The sound of this call cannot be played here."
_TICK_MS = 40


def clamped(position_ms: int, duration_ms: int) -> int:
    """Return a position within a call."""
    return max(0, min(position_ms, duration_ms))


class Playback(QObject):
    """Plays one call; `moved` gives the position in milliseconds."""

    moved = Signal(int)
    switched = Signal(bool)
    """Whether it plays, when that changes."""
    wanted = Signal()
    """The audio is needed: answer with `supply`."""
    troubled = Signal(str)
    """A sentence on why nothing is heard."""

    def __init__(self, parent: QObject) -> None:
        """Begin without a call."""
        super().__init__(parent)
        self.position_ms = 0
        self.duration_ms = 0
        self.playing = False
        self.speed = 1.0
        self._player: QMediaPlayer | None = None
        self._output: QAudioOutput | None = None
        self._audio: QDataStream | None = None
        self._told = self._asked = False
        self._tick = QTimer(self, interval=_TICK_MS)
        self._tick.timeout.connect(self._follow)

    def reset(self, duration_ms: int) -> None:
        """Forget the call and its audio and stand at the start of another."""
        self._set_playing(playing=False)
        if self._player is not None:
            self._player.setSource(QUrl())  # lets go of the old audio before that goes
        self._audio, self._asked = None, False
        self.duration_ms = duration_ms
        self._move(0)

    def change_sound(self) -> None:
        """Let go of the audio and ask for it again: the same call, another sound of it."""
        if self._player is not None:
            self._player.setSource(QUrl())
        self._audio, self._asked = None, False
        if self.playing:
            self._ask()

    def toggle(self) -> None:
        """Play or pause."""
        if self.playing:
            self.pause()
        else:
            self.play()

    def play(self) -> None:
        """Play from the position; from the start when it stands at the end."""
        if self.duration_ms == 0:
            return
        if self.position_ms >= self.duration_ms - 50:
            self.seek(0)
        self._set_playing(playing=True)
        if self._audio is None:
            self._ask()
        elif self._player is not None:
            self._player.setPosition(self.position_ms)
            self._player.play()

    def pause(self) -> None:
        """Stand still."""
        self._set_playing(playing=False)
        if self._player is not None:
            self._player.pause()

    def seek(self, position_ms: int) -> None:
        """Go to a position."""
        position_ms = clamped(position_ms, self.duration_ms)
        if self._player is not None and self._audio is not None:
            self._player.setPosition(position_ms)
        self._move(position_ms)

    def nudge(self, by_ms: int) -> None:
        """Go forward or back."""
        self.seek(self.position_ms + by_ms)

    def set_speed(self, speed: float) -> None:
        """Play faster or slower."""
        self.speed = speed
        if self._player is not None:
            self._player.setPlaybackRate(speed)

    def supply(self, flac: bytes) -> None:
        """Give the audio that was `wanted`; it plays if a person still wants to hear."""
        try:
            player = self._made_player()
        except ImportError:
            # QtMultimedia needs libpulse0 on Linux; the rest of the window does not
            self.fail(NO_SOUND)
            return
        # A QBuffer made here would ask for Python's lock in every read of the player's threads,
        # while this thread waits for them with the lock held. The stream's own buffer does not.
        self._audio = QDataStream(QByteArray(flac))
        player.setSourceDevice(self._audio.device())
        player.setPlaybackRate(self.speed)
        player.setPosition(self.position_ms)
        if self.playing:
            player.play()

    def fail(self, sentence: str = "") -> None:
        """Stop because the audio cannot be had."""
        self._asked = False
        self._set_playing(playing=False)
        if sentence:
            self.troubled.emit(sentence)

    def close(self) -> None:
        """Let go of the player and the sound device."""
        self.reset(0)
        for part in (self._player, self._output):
            if part is not None:
                part.deleteLater()
        self._player = self._output = None

    def _ask(self) -> None:
        if not self._asked:
            self._asked = True
            self.wanted.emit()

    def _made_player(self) -> QMediaPlayer:
        from PySide6.QtMultimedia import QAudioOutput, QMediaDevices, QMediaPlayer

        if self._player is None:
            self._player = QMediaPlayer(self)
            self._player.errorOccurred.connect(lambda *_: self.fail(NO_SOUND))
            self._player.mediaStatusChanged.connect(self._status)
        if QMediaDevices.defaultAudioOutput().isNull():
            if not self._told:
                self._told = True
                self.troubled.emit(NO_DEVICE)
        elif self._output is None:
            self._output = QAudioOutput(self)
            self._player.setAudioOutput(self._output)
        return self._player

    def _status(self, status: QMediaPlayer.MediaStatus) -> None:
        from PySide6.QtMultimedia import QMediaPlayer

        loaded = QMediaPlayer.MediaStatus.LoadedMedia
        if status is loaded and self._player is not None and self.position_ms:
            self._player.setPosition(self.position_ms)
        if status is QMediaPlayer.MediaStatus.EndOfMedia:
            self._set_playing(playing=False)
            self._move(self.duration_ms)

    def _follow(self) -> None:
        if self._player is not None and self._audio is not None:
            position = clamped(self._player.position(), self.duration_ms)
            if position:  # a player that is still loading says 0
                self._move(position)

    def _set_playing(self, *, playing: bool) -> None:
        if playing == self.playing:
            return
        self.playing = playing
        if playing:
            self._tick.start()
        else:
            self._tick.stop()
        self.switched.emit(playing)

    def _move(self, position_ms: int) -> None:
        self.position_ms = position_ms
        self.moved.emit(position_ms)
