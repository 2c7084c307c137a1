"""The real window over real vaults, driven as a person would."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt

from app import config
from app.bootstrap import Folders, Program, resources
from app.ui.application import Session, qt_application
from app.ui.auto_lock import seconds_passed
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pytestqt.qtbot import QtBot

PATIENCE_MS = 60_000


class Person:
    """Somebody at the window: waits for what they see, and knows the passphrase."""

    def __init__(self, session: Session, qtbot: QtBot) -> None:
        self.session, self.window, self.qtbot = session, session.window, qtbot

    def wait(self, condition: Callable[[], object]) -> None:
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=PATIENCE_MS)

    def unlock(self) -> None:
        """Type the passphrase of the scenes and see the list."""
        page = self.session.unlock
        self.wait(lambda: page.isVisible() and page.passphrase.edit.isEnabled())
        self.qtbot.keyClicks(page.passphrase.edit, scenes.PASSPHRASE)
        page.unlock.click()
        self.wait(self.window.main.isVisible)

    def sign_in(self, name: str, passphrase: str) -> None:
        """Type a name and a passphrase of a vault with several people."""
        page = self.session.unlock
        self.wait(lambda: page.isVisible() and page.name.isVisible() and page.name.isEnabled())
        page.name.clear()
        self.qtbot.keyClicks(page.name, name)
        self.qtbot.keyClicks(page.passphrase.edit, passphrase)
        self.qtbot.keyClick(page.passphrase.edit, Qt.Key.Key_Return)

    def lock(self) -> None:
        """Lock, and wait until the vault is closed."""
        self.session.lock()
        page = self.session.unlock
        self.wait(lambda: page.isVisible() and page.passphrase.edit.isEnabled())

    def pass_the_steps(self) -> None:
        """Pass the steps of a new vault, with one key each."""
        entry = self.session.entry
        self.wait(lambda: entry.sheet_step.isVisible() and entry.sheet_step.view.text.text())
        self.qtbot.keyClick(entry.sheet_step.typed, Qt.Key.Key_Escape)
        self.wait(entry.key_step.isVisible)
        self.qtbot.keyClick(entry.key_step.go_on, Qt.Key.Key_Return)
        self.wait(self.window.main.isVisible)

    def see_nothing_open(self) -> None:
        """Check that no vault is shown."""
        assert not self.window.main.isVisible()
        assert self.window.calls.model.rowCount() == 0

    def see_list(self) -> None:
        """Wait until the first row is there."""
        self.wait(lambda: self.window.calls.model.row(0) is not None)

    def open_first(self) -> None:
        """Open the first call of the list and wait for its page."""
        self.see_list()
        row = self.window.calls.model.row(0)
        assert row is not None
        self.window.calls.opened.emit(row.id, "")
        self.wait(self.window.call.transcript.isVisible)


Start = "Callable[..., Person]"


@pytest.fixture(scope="session", autouse=True)
def _lasting_masters(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep the vaults that are copied beyond the test that first wanted them."""
    scenes.Masters.folder = tmp_path_factory.mktemp("scenes")


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Return the program over folders of this test."""
    data = tmp_path / "data"
    folders = Folders(
        resources=resources(),
        data=data,
        settings_file=tmp_path / "settings" / "settings.toml",
        log_file=tmp_path / "log.txt",
    )
    return Program(settings=config.Settings(), folders=folders)


@pytest.fixture
def start(program: Program, qtbot: QtBot) -> Iterator[Callable[..., Person]]:
    """Return what opens the window; it is closed, with all its threads, after the test."""
    sessions: list[Session] = []

    def begin(
        vault: Path | None = None,
        passphrase: str = "",
        clock: Callable[[], float] = seconds_passed,
    ) -> Person:
        session = Session(
            program,
            qt_application(),
            vault=vault,
            passphrase=passphrase,
            theme="light",
            clock=clock,
        )
        sessions.append(session)
        session.window.show()
        qtbot.waitExposed(session.window)
        session.begin()
        return Person(session, qtbot)

    yield begin
    for session in sessions:
        session.end()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
