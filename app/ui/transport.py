"""The row below the waveform: play, go back and forward, speed, which sound is heard."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QWidget

from app.ui import words
from app.ui.playback import SPEEDS
from app.ui.widgets import button, label, tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.ui.playback import Playback
    from app.ui.theme import Theme

STEP_MS = 5000
ORIGINAL = "What was muted is heard. Each hearing of the original is in the audit log."


class Transport(QWidget):
    """Steers the playback of a call."""

    def __init__(self, theme: Theme, playback: Playback, to_next: Callable[[], None]) -> None:
        """Steer `playback`; `to_next` goes to the next finding."""
        super().__init__()
        self._theme, self._playback = theme, playback
        self.play = tool("Play (Space)", playback.toggle, "round")
        self.play.setIconSize(QSize(24, 24))
        self.rewind = tool("Back 5 seconds (J)", lambda: playback.nudge(-STEP_MS))
        self.forward = tool("Forward 5 seconds (L)", lambda: playback.nudge(STEP_MS))
        self.next_finding = button(
            "Next finding", to_next, "link", "Play the next flag or finding (F)"
        )
        self.clock = label("")
        self.clock.setMinimumWidth(110)
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed of playback")
        for speed in SPEEDS:
            self.speed.addItem(words.times(speed), speed)
        self.speed.setCurrentIndex(SPEEDS.index(1.0))
        self.speed.currentIndexChanged.connect(lambda: playback.set_speed(self.speed.currentData()))
        self.original = button("Original sound", lambda: None, "", ORIGINAL)
        self.original.setCheckable(True)
        self.original.setAccessibleName("Hear the original sound")
        self.gone = label("", "quiet")
        self.trouble = label("", "quiet")
        self.follow = button("Follow playback", lambda: None, "link")
        self.follow.hide()
        bar = QHBoxLayout(self)
        bar.setContentsMargins(14, 0, 14, 0)
        bar.setSpacing(8)
        for part in (self.rewind, self.play, self.forward, self.clock, self.speed):
            bar.addWidget(part)
        bar.addWidget(self.next_finding)
        bar.addWidget(self.original)
        bar.addWidget(self.gone)
        bar.addWidget(self.trouble, 1)
        bar.addStretch(1)
        bar.addWidget(self.follow)

    def offer(self, *, hear: bool, original: bool, destroyed_at: str | None = None) -> None:
        """Show what the person may hear, and when the original was destroyed, if it was."""
        for part in (self.play, self.speed):
            part.setVisible(hear)
        self.original.setChecked(False)
        self.original.setVisible(hear and original and destroyed_at is None)
        self.gone.setVisible(destroyed_at is not None)
        self.gone.setText(f"Original destroyed on {words.day(destroyed_at)}")

    def show_position(self, position_ms: int) -> None:
        """Show where in the call playback stands."""
        total = words.duration(self._playback.duration_ms)
        self.clock.setText(f"{words.duration(position_ms)} / {total}")

    def draw(self) -> None:
        """Draw the icons in the colours of the theme, for whether it plays."""
        theme, playing = self._theme, self._playback.playing
        self.rewind.setIcon(theme.icon("rewind", "accent"))
        self.forward.setIcon(theme.icon("forward", "accent"))
        self.play.setIcon(theme.icon("pause" if playing else "play", "accent_text", 24))
        name = "Pause (Space)" if playing else "Play (Space)"
        self.play.setAccessibleName(name)
        self.play.setToolTip(name)
