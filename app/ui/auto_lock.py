"""Locks when nobody is there: counts the time since the last key, click or touch.

One filter over the whole application and one timer. The clock goes on while the computer sleeps, so
that whoever wakes it finds the vault locked: the first key or click after that is swallowed.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QTimer, Signal

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication

_LOOK_EVERY_MS = 5_000
_SIGNS_OF_LIFE = frozenset(
    {
        QEvent.Type.KeyPress,
        QEvent.Type.MouseButtonPress,
        QEvent.Type.MouseButtonDblClick,
        QEvent.Type.MouseMove,
        QEvent.Type.Wheel,
        QEvent.Type.TouchBegin,
        QEvent.Type.TouchUpdate,
        QEvent.Type.TabletPress,
        QEvent.Type.Drop,
    }
)


def seconds_passed() -> float:
    """Return a time that never goes back and goes on during sleep, where the system has one."""
    boottime = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boottime is None else time.clock_gettime(boottime)


class IdleWatch(QObject):
    """Tells by `idle` that nobody used the window for as long as the policy allows."""

    idle = Signal()

    def __init__(
        self, application: QApplication, *, clock: Callable[[], float] = seconds_passed
    ) -> None:
        """Watch nothing until `start`."""
        super().__init__()
        self._application = application
        self._clock = clock
        self._limit_s = self._last_s = 0.0
        self._timer = QTimer(self, interval=_LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)
        application.installEventFilter(self)

    def start(self, minutes: int) -> None:
        """Count from now, and tell after so many minutes."""
        self._limit_s = minutes * 60.0
        self.touch()
        self._timer.start()

    def stop(self) -> None:
        """Count no more."""
        self._timer.stop()

    def touch(self) -> None:
        """Note that somebody is there."""
        self._last_s = self._clock()

    def look(self) -> bool:
        """Tell if nobody was there for too long; return whether that is so."""
        if not self._timer.isActive() or self._clock() - self._last_s < self._limit_s:
            return False
        self.stop()
        self.idle.emit()
        return True

    def close(self) -> None:
        """Leave the application alone."""
        self.stop()
        self._application.removeEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: ARG002, N802
        """Note signs of life; one that comes too late only locks."""
        if event.type() not in _SIGNS_OF_LIFE:
            return False
        if self.look():
            return True
        self.touch()
        return False
