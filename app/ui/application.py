"""The window as a whole: starts Qt, opens and locks vaults, catches every fault in one place."""

from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from app import log
from app.domain import Subject
from app.ui.auto_lock import IdleWatch, seconds_passed
from app.ui.desk import Desk, Passphrases
from app.ui.entry import Entry
from app.ui.messages import Messages
from app.ui.preferences import Preferences
from app.ui.system_lock import SystemLock
from app.ui.tasks import Tasks
from app.ui.theme import Theme
from app.ui.window import NAME, MainWindow

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import TracebackType

    from app.bootstrap import Program
    from app.domain import Changes, PassphraseStrength, Policy
    from app.workspace import Workspace

_log = log.logger(__name__)
_SESSION_ENDED = "You were signed in for as long as this vault allows. Sign in again."
_START_PAGES_MINUTES = 10  # what was typed before a vault is open is cleared after that


def start(program: Program, *, vault: Path | None = None, passphrase: str = "") -> int:
    """Show the window until it is closed; return the exit status of the program.

    `vault` is the folder that is offered, instead of the last one that was used; with its
    `passphrase` it is opened at once, as the demonstration does.
    """
    application = qt_application()
    session = Session(program, application, vault=vault, passphrase=passphrase)
    system_lock = SystemLock()
    system_lock.locked.connect(session.lock)
    session.window.show()
    system_lock.listen(application, session.window)
    session.begin()
    try:
        return application.exec()
    finally:
        session.end()


def qt_application() -> QApplication:
    """Return the Qt application, set up for this product."""
    # Qt looks for sound and video libraries that a system may lack, and says so on standard error
    os.environ.setdefault(
        "QT_LOGGING_RULES", "qt.multimedia.*.warning=false;qt.multimedia.*.info=false"
    )
    running = QApplication.instance()
    application = running if isinstance(running, QApplication) else QApplication(sys.argv[:1])
    application.setApplicationName(NAME)
    application.setApplicationDisplayName(NAME)
    application.setStyle("Fusion")
    return application


class Session(QObject):
    """One run of the window: which vault is open and shown, and when it is locked."""

    def __init__(  # noqa: PLR0913 (the last two are for tests and pictures)
        self,
        program: Program,
        application: QApplication,
        *,
        vault: Path | None = None,
        passphrase: str = "",
        theme: str = "",
        clock: Callable[[], float] = seconds_passed,
    ) -> None:
        """Make the window; `begin` shows the first page. `theme` fixes light or dark, `clock`
        tells how long nobody was there."""
        super().__init__()
        self._passphrase = passphrase  # until it is used, once
        self._program = program
        self._workspace: Workspace | None = None
        self._ended = self._lock_when_open = False
        self.messages = Messages()
        self.tasks = Tasks(self.messages)
        self.theme = Theme(program.folders.resources, application, name=theme)
        self.preferences = Preferences(program.folders.settings_file.parent)
        self._first = vault

        def strength(passphrase: str, name: str) -> PassphraseStrength:
            return program.passphrase_strength(passphrase, name=name)

        passphrases = Passphrases(program.suggested_passphrase, strength)
        desk = Desk(self.theme, self.tasks, self.messages, passphrases)
        self.entry = Entry(program, desk)
        self.unlock, self.set_up = self.entry.unlock, self.entry.set_up
        self.window = MainWindow(desk, self.entry.pages)
        self.window.resize(1280, 800)
        self.idle = IdleWatch(application, clock=clock)
        self.idle.start(_START_PAGES_MINUTES)
        self._connect()
        self._before = sys.excepthook
        sys.excepthook = self._caught

    def begin(self) -> None:
        """Look at the vault that is meant, and show what opens or makes it."""
        folder = self._first or self.preferences.vault or self._program.folders.vault
        given, self._passphrase = self._passphrase, ""
        self.entry.look_at(folder, passphrase=given, try_remembered=True)

    def look_at(self, folder: Path) -> None:
        """Show the page for a folder: set-up where no vault is, unlock where one is."""
        self.entry.look_at(folder)

    def lock(self) -> None:
        """Take all content off the window at once, then close the vault.

        While calls are analysed or imported the vault stays open for that only; it closes when
        that is done. Before a vault is open, what was typed is cleared.
        """
        workspace, self._workspace = self._workspace, None
        self.entry.forget()
        if workspace is None:
            self._lock_when_open = self.entry.signing_in
            self.idle.start(_START_PAGES_MINUTES)
            return
        self.window.hide_content()
        self.window.show_start(self.unlock)
        self.idle.start(_START_PAGES_MINUTES)
        if self.window.running:
            self.entry.behind = workspace
            self.unlock.show_going_on(self.window.work())
            self.entry.look_at(workspace.info.folder)
        else:
            self._close(workspace, workspace.info.folder)

    def end(self) -> None:
        """Stop everything and close the vault; the threads are gone afterwards."""
        if self._ended:
            return
        self._ended = True
        self.idle.close()
        workspace, self._workspace = self._workspace or self.entry.behind, None
        for playback in self.window.playbacks:
            playback.close()
        self.window.hide()
        self.tasks.close()
        if workspace is not None:
            workspace.close()
        self.window.deleteLater()
        sys.excepthook = self._before

    def _connect(self) -> None:
        self.entry.page_wanted.connect(self._show_start)
        self.entry.made.connect(self._hold)
        self.entry.opened.connect(self._show)
        self.entry.tried.connect(self._tried)
        self.window.lock_wanted.connect(self.lock)
        self.window.own_vault_wanted.connect(self._to_own_vault)
        self.window.work_moved.connect(self._watch_work)
        self.window.closed.connect(self.end)
        # somebody who listens is there, though they touch nothing
        for playback in self.window.playbacks:
            playback.moved.connect(self._heard)
        self.idle.idle.connect(self.lock)
        self.tasks.session_ended.connect(self._session_ended)
        self.tasks.announced.connect(self._changed)

    def _show_start(self, page: object) -> None:
        """Show a start page, unless a vault came into view meanwhile."""
        if self.window.workspace is None:
            self.window.show_start(page)  # type: ignore[arg-type]

    def _hold(self, workspace: Workspace) -> None:
        """Take care of a vault that is open and not shown yet."""
        self._workspace = workspace
        self.idle.start(workspace.session.policy.lock_after_minutes)

    def _show(self, workspace: Workspace) -> None:
        self.entry.behind = None
        self.unlock.show_going_on("")
        self._hold(workspace)
        if self._lock_when_open:  # the screen was locked while the passphrase was checked
            self._lock_when_open = False
            self.lock()
            return
        if not workspace.info.demo:
            self.preferences.vault = workspace.info.folder
        self.window.open(workspace)

    def _to_own_vault(self) -> None:
        """Leave the demonstration for the person's own vault, or for making it."""
        workspace, self._workspace = self._workspace, None
        if workspace is not None:
            self.window.hide_content()
            self.window.show_start(self.unlock)
            self._close(workspace, self.preferences.vault or self._program.folders.vault)

    def _close(self, workspace: Workspace, then_look_at: Path) -> None:
        """Stop what runs, close the vault and show what opens the next one."""
        self.window.open(None)
        self.unlock.set_busy(busy=True)
        self.tasks.settle(
            lambda: self.tasks.query(workspace.close, lambda _: self.look_at(then_look_at))
        )

    def _tried(self) -> None:
        self._lock_when_open = False
        self._watch_work()

    def _watch_work(self) -> None:
        """Tell what goes on behind the lock; when nothing does any more, close the vault."""
        workspace = self.entry.behind
        if workspace is None:
            return
        if self.window.at_work:
            self.unlock.show_going_on(self.window.work())
        elif not self.entry.signing_in:
            self.entry.behind = None
            self.unlock.show_going_on("")
            self.window.open(None)
            # whoever signs in from now on opens it anew, after this: both are on one thread
            close = workspace.close
            self.tasks.settle(lambda: self.tasks.query(close, lambda _: None), forget=False)

    def _session_ended(self) -> None:
        if self._workspace is not None:
            self.entry.remark = _SESSION_ENDED
            self.lock()
        elif self.entry.behind is not None:
            self.window.control.open(None)  # who began it may do nothing more: the rest waits
            self._watch_work()

    def _heard(self) -> None:
        if any(playback.playing for playback in self.window.playbacks):
            self.idle.touch()

    def _changed(self, changes: Changes) -> None:
        workspace = self._workspace
        if workspace is None or Subject.SETTINGS not in changes:
            return

        def then(policy: Policy) -> None:
            if self._workspace is workspace:
                self.idle.start(policy.lock_after_minutes)

        self.tasks.query(workspace.policy.get, then, key="policy.lock")

    def _caught(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Tell of a fault that nothing else caught; Ctrl+C ends the program."""
        if issubclass(kind, KeyboardInterrupt):
            QTimer.singleShot(0, self.window, self.window.close)
            return
        log.event(_log, logging.ERROR, "an exception reached the window")
        self.messages.fault(error.with_traceback(trace))
