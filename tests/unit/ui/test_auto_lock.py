"""When the window locks by itself, and what of the system it hears."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QObject

from app.ui.auto_lock import IdleWatch, seconds_passed
from app.ui.system_lock import SystemLock, is_lock, session_path

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PySide6.QtWidgets import QApplication


class Watched:
    """A watch over an application, with a time that a test moves."""

    def __init__(self, application: QApplication) -> None:
        self.now = 0.0
        self.told = 0
        self.watch = IdleWatch(application, clock=lambda: self.now)
        self.watch.idle.connect(self._count)

    def _count(self) -> None:
        self.told += 1


@pytest.fixture
def watched(qapp: QApplication) -> Iterator[Watched]:
    made = Watched(qapp)
    yield made
    made.watch.close()


def test_it_tells_once_after_the_minutes_of_the_policy(watched: Watched) -> None:
    watched.watch.start(2)
    watched.now = 119.9
    assert not watched.watch.look()
    watched.now = 120.0
    assert watched.watch.look()
    assert not watched.watch.look(), "once"
    assert watched.told == 1


@pytest.mark.parametrize("kind", [QEvent.Type.KeyPress, QEvent.Type.MouseMove, QEvent.Type.Wheel])
def test_a_sign_of_life_puts_it_off(watched: Watched, kind: QEvent.Type) -> None:
    watched.watch.start(1)
    for _ in range(5):
        watched.now += 50
        QCoreApplication.sendEvent(QObject(), QEvent(kind))
    assert not watched.watch.look()
    assert watched.told == 0


def test_what_happens_by_itself_is_no_sign_of_life(watched: Watched) -> None:
    watched.watch.start(1)
    watched.now = 50
    QCoreApplication.sendEvent(QObject(), QEvent(QEvent.Type.Timer))
    watched.now = 61
    assert watched.watch.look()


def test_a_sign_of_life_that_comes_too_late_is_swallowed(watched: Watched) -> None:
    watched.watch.start(1)
    watched.now = 3600.0
    assert watched.watch.eventFilter(QObject(), QEvent(QEvent.Type.KeyPress))
    assert watched.told == 1
    assert not watched.watch.eventFilter(QObject(), QEvent(QEvent.Type.KeyPress))


def test_the_clock_goes_on() -> None:
    assert seconds_passed() <= seconds_passed()


@pytest.mark.parametrize(
    ("session_id", "path"),
    [
        ("", ""),
        ("2", "/org/freedesktop/login1/session/_32"),
        ("c1", "/org/freedesktop/login1/session/c1"),
        ("c-1", "/org/freedesktop/login1/session/c_2d1"),
    ],
)
def test_a_session_is_found_on_the_bus(session_id: str, path: str) -> None:
    assert session_path(session_id) == path


def test_messages_of_windows_that_lock() -> None:
    assert is_lock(0x02B1, 0x7)
    assert not is_lock(0x02B1, 0x8), "unlocked"
    assert is_lock(0x0218, 0x4)
    assert not is_lock(0x0218, 0x7), "awake again"


def test_the_end_of_a_screen_saver_locks_nothing(qapp: QApplication) -> None:
    heard = SystemLock()
    told: list[int] = []
    heard.locked.connect(lambda: told.append(1))
    heard.changed(False)
    assert told == []
    heard.changed(True)
    heard.lock()
    assert len(told) == 2
