"""The window as a whole: starts Qt, opens and locks vaults, catches every fault in one place."""

from __future__ import annotations

import logging
import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QApplication

from app import log
from app.ui.desk import Desk
from app.ui.messages import Messages
from app.ui.preferences import Preferences
from app.ui.start_pages import SetUpPage, UnlockPage
from app.ui.tasks import Tasks
from app.ui.theme import Theme
from app.ui.window import NAME, MainWindow

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

    from app.bootstrap import Program
    from app.domain import VaultState
    from app.errors import AppError
    from app.workspace import Workspace

_log = log.logger(__name__)


def start(program: Program, *, vault: Path | None = None, passphrase: str = "") -> int:
    """Show the window until it is closed; return the exit status of the program.

    `vault` is the folder that is offered, instead of the last one that was used; with its
    `passphrase` it is opened at once, as the demonstration does.
    """
    application = qt_application()
    session = Session(program, application, vault=vault, passphrase=passphrase)
    session.window.show()
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
    """One run of the window: which vault is open, and how it was opened."""

    def __init__(
        self,
        program: Program,
        application: QApplication,
        *,
        vault: Path | None = None,
        passphrase: str = "",
        theme: str = "",
    ) -> None:
        """Make the window; `begin` shows the first page. `theme` fixes light or dark."""
        super().__init__()
        self._passphrase = passphrase  # until it is used, once
        self._program = program
        self._workspace: Workspace | None = None
        self._ended = False
        self.messages = Messages()
        self.tasks = Tasks(self.messages)
        self.theme = Theme(program.folders.resources, application, name=theme)
        self.preferences = Preferences(program.folders.settings_file.parent)
        self._first = vault
        desk = Desk(self.theme, self.tasks, self.messages)
        self.unlock = UnlockPage(self.theme)
        self.set_up = SetUpPage(self.theme, program.suggested_passphrase)
        self.window = MainWindow(desk, [self.unlock, self.set_up])
        self.window.resize(1280, 800)
        self.window.lock_wanted.connect(self.lock)
        self.window.own_vault_wanted.connect(self._to_own_vault)
        self.window.closed.connect(self.end)
        for page in (self.unlock, self.set_up):
            page.folder_wanted.connect(self.look_at)
        self.unlock.unlocked.connect(self._unlock)
        self.unlock.demo_wanted.connect(lambda: self.look_at(program.folders.demo_vault))
        self.set_up.created.connect(self._create)
        self._before = sys.excepthook
        sys.excepthook = self._caught

    def begin(self) -> None:
        """Look at the vault that is meant, and show what opens or makes it."""
        folder = self._first or self.preferences.vault or self._program.folders.vault
        self.look_at(folder, remembered=True)

    def look_at(self, folder: Path, *, remembered: bool = False) -> None:
        """Show the page for a folder: set-up where no vault is, unlock where one is."""

        def then(states: tuple[VaultState, bool]) -> None:
            state, demo_there = states
            if not state.exists:
                self.set_up.show_new(folder)
                self.window.show_start(self.set_up)
                return
            offer = demo_there and not state.demo
            self.unlock.show_vault(folder, state, offer_demo=offer)
            self.window.show_start(self.unlock)
            if remembered and self._passphrase:
                given, self._passphrase = self._passphrase, ""
                self._unlock(given, False)
            elif remembered and state.remembered:
                self._try_remembered(folder)

        def look() -> tuple[VaultState, bool]:
            demo = self._program.vault_state(self._program.folders.demo_vault)
            return self._program.vault_state(folder), demo.exists

        self.tasks.query(look, then, failed=partial(self._cannot_look, folder))

    def lock(self) -> None:
        """Stop what runs, close the vault and ask for the passphrase again."""
        if self._workspace is not None:
            self._close_vault(self._workspace.info.folder)

    def _to_own_vault(self) -> None:
        """Leave the demonstration for the person's own vault, or for making it."""
        self._close_vault(self.preferences.vault or self._program.folders.vault)

    def _close_vault(self, then_look_at: Path) -> None:
        workspace, self._workspace = self._workspace, None
        if workspace is None:
            return
        self.window.open(None)
        self.window.show_start(self.unlock)
        self.unlock.set_busy(busy=True)

        def closed(_: None) -> None:
            self.unlock.set_busy(busy=False)
            self.look_at(then_look_at)

        self.tasks.settle(lambda: self.tasks.query(workspace.close, closed))

    def end(self) -> None:
        """Stop everything and close the vault; the threads are gone afterwards."""
        if self._ended:
            return
        self._ended = True
        workspace, self._workspace = self._workspace, None
        self.window.call.playback.close()
        self.window.hide()
        self.tasks.close()
        if workspace is not None:
            workspace.close()
        self.window.deleteLater()
        sys.excepthook = self._before

    def _cannot_look(self, folder: Path, error: AppError) -> None:
        self.unlock.show_folder(folder)
        self.unlock.show_problem(error)
        self.window.show_start(self.unlock)

    def _unlock(self, passphrase: str, remember: bool) -> None:
        folder = self.unlock.folder

        def failed(error: AppError) -> None:
            self.unlock.set_busy(busy=False)
            self.unlock.show_problem(error)

        def opened(workspace: Workspace) -> None:
            self._opened(workspace)
            if remember:
                self.tasks.change(workspace.keys.remember)

        self.unlock.show_problem(None)
        self.unlock.set_busy(busy=True)
        self.tasks.query(lambda: self._program.open(folder, passphrase), opened, failed=failed)

    def _try_remembered(self, folder: Path) -> None:
        def then(workspace: Workspace | None) -> None:
            self.unlock.set_busy(busy=False)
            if workspace is not None:
                self._opened(workspace)

        def failed(error: AppError) -> None:
            self.unlock.set_busy(busy=False)
            self.unlock.show_problem(error)

        self.unlock.set_busy(busy=True)
        self.tasks.query(lambda: self._program.open_remembered(folder), then, failed=failed)

    def _create(self, passphrase: str) -> None:
        folder = self.set_up.folder

        def failed(error: AppError) -> None:
            self.set_up.set_busy(busy=False)
            self.set_up.show_problem(error)

        def made(workspace: Workspace) -> None:
            self.set_up.forget()
            self.set_up.set_busy(busy=False)
            self._opened(workspace)

        self.set_up.show_problem(None)
        self.set_up.set_busy(busy=True)
        self.tasks.query(lambda: self._program.create(folder, passphrase), made, failed=failed)

    def _opened(self, workspace: Workspace) -> None:
        self.unlock.set_busy(busy=False)
        self._workspace = workspace
        if not workspace.info.demo:
            self.preferences.vault = workspace.info.folder
        self.window.open(workspace)

    def _caught(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        """Tell of a fault that nothing else caught; Ctrl+C ends the program."""
        if issubclass(kind, KeyboardInterrupt):
            QTimer.singleShot(0, self.window, self.window.close)
            return
        log.event(_log, logging.ERROR, "an exception reached the window")
        self.messages.fault(error.with_traceback(trace))
