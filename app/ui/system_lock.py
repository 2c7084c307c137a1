"""Hears that the system locks its screen or goes to sleep.

Linux: the signals of the screen saver on the session's bus and of login1 on the system's bus, where
these buses are. Windows: the messages about the session and about sleep. macOS offers no such
signal that Qt passes on: there the idle lock alone holds.
"""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractNativeEventFilter, QObject, Signal, Slot

from app import log

if TYPE_CHECKING:
    from PySide6.QtCore import QByteArray
    from PySide6.QtDBus import QDBusConnection
    from PySide6.QtWidgets import QApplication, QWidget

_log = log.logger(__name__)
_SAVERS = ("org.freedesktop.ScreenSaver", "org.gnome.ScreenSaver", "org.cinnamon.ScreenSaver")
_LOGIN = "org.freedesktop.login1"
# Slots as Qt writes them: text when the program runs, whatever the published types say.
_CHANGED: Any = "1changed(bool)"
_LOCK: Any = "1lock()"
_WM_POWERBROADCAST, _PBT_APMSUSPEND = 0x0218, 0x0004
_WM_WTSSESSION_CHANGE, _WTS_SESSION_LOCK = 0x02B1, 0x0007


def session_path(session_id: str) -> str:
    """Return the path of a login session on the bus, which names it by its escaped id.

    An empty path stands for every session: better locked once too often.
    """
    if not session_id:
        return ""
    escaped = "".join(
        char
        if char.isascii() and (char.isalpha() or (char.isdigit() and place))
        else f"_{ord(char):02x}"
        for place, char in enumerate(session_id)
    )
    return f"/org/freedesktop/login1/session/{escaped}"


def is_lock(message: int, wparam: int) -> bool:
    """Return whether a message of Windows says that the screen is locked or sleep begins."""
    return (message, wparam) in {
        (_WM_WTSSESSION_CHANGE, _WTS_SESSION_LOCK),
        (_WM_POWERBROADCAST, _PBT_APMSUSPEND),
    }


class SystemLock(QObject):
    """Tells by `locked` that the screen is locked or the computer goes to sleep."""

    locked = Signal()

    def __init__(self) -> None:
        """Hear nothing until one of the `listen` methods is called."""
        super().__init__()
        self._filter: QAbstractNativeEventFilter | None = None

    def listen(self, application: QApplication, window: QWidget) -> None:
        """Listen to what this system offers."""
        if sys.platform == "linux":
            self._listen_to_buses()
        elif sys.platform == "win32":
            self._listen_to_windows(application, window)

    def listen_to_session(self, bus: QDBusConnection) -> None:
        """Listen to the screen savers on a session's bus."""
        for name in _SAVERS:
            bus.connect("", "", name, "ActiveChanged", self, _CHANGED)

    def listen_to_system(self, bus: QDBusConnection, session_id: str) -> None:
        """Listen to login1 on the system's bus: to this session's lock, and to sleep."""
        path = session_path(session_id)
        bus.connect("", path, f"{_LOGIN}.Session", "Lock", self, _LOCK)
        manager = f"{_LOGIN}.Manager"
        bus.connect("", "", manager, "PrepareForSleep", self, _CHANGED)

    @Slot(bool)
    def changed(self, begins: bool) -> None:
        """Hear that the screen saver or sleep begins, or ends."""
        if begins:
            self.locked.emit()

    @Slot()
    def lock(self) -> None:
        """Hear that the session is locked."""
        self.locked.emit()

    def _listen_to_buses(self) -> None:
        try:
            from PySide6.QtDBus import QDBusConnection
        except ImportError:
            log.event(_log, logging.INFO, "no bus to hear the screen lock on")
            return
        here = os.environ.get("XDG_RUNTIME_DIR", "")
        if os.environ.get("DBUS_SESSION_BUS_ADDRESS") or os.path.exists(f"{here}/bus"):  # noqa: PTH110
            self.listen_to_session(QDBusConnection.sessionBus())
        if os.path.exists("/run/dbus/system_bus_socket"):  # noqa: PTH110
            session_id = os.environ.get("XDG_SESSION_ID", "")
            self.listen_to_system(QDBusConnection.systemBus(), session_id)

    def _listen_to_windows(self, application: QApplication, window: QWidget) -> None:
        if sys.platform == "win32":
            import ctypes

            self._filter = _SessionMessages(self)
            application.installNativeEventFilter(self._filter)
            ctypes.windll.wtsapi32.WTSRegisterSessionNotification(int(window.winId()), 0)


class _SessionMessages(QAbstractNativeEventFilter):
    """Reads the messages that Windows sends to the window."""

    def __init__(self, told: SystemLock) -> None:
        super().__init__()
        self._told = told

    def nativeEventFilter(  # noqa: N802
        self, kind: QByteArray | bytes | bytearray | memoryview, message: int
    ) -> object:
        """Pass every message on, and tell of those that lock."""
        if sys.platform == "win32" and bytes(kind) == b"windows_generic_MSG":
            from ctypes import wintypes

            read = wintypes.MSG.from_address(int(message))
            if is_lock(read.message, read.wParam):
                self._told.lock()
        return False, 0
