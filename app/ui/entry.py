"""The ways into a vault, from the start pages to an open `Workspace`.

One vault at a time: while something goes on `behind` the lock, whoever unlocks signs in to the
vault that is open already.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.ui.first_steps import KeyStep, SheetStep
from app.ui.recovery_page import RecoveryPage
from app.ui.set_up_page import SetUpPage
from app.ui.unlock_page import UnlockPage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.bootstrap import Program
    from app.domain import VaultState
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.ui.recovery_page import Recovery
    from app.ui.set_up_page import NewVault
    from app.ui.unlock_page import SignIn
    from app.workspace import Workspace


class Entry(QObject):
    """Holds the start pages and opens what they ask for."""

    page_wanted = Signal(object)
    """The start page that is to be shown."""
    made = Signal(object)
    """The workspace of a new vault, which is open but not shown yet."""
    opened = Signal(object)
    """A workspace to show."""
    tried = Signal()
    """An attempt to sign in has ended."""

    def __init__(self, program: Program, desk: Desk) -> None:
        """Begin with nothing open."""
        super().__init__()
        self._program, self._desk = program, desk
        self._new: Workspace | None = None
        self.behind: Workspace | None = None
        self.signing_in = False
        self.remark = ""
        """What the unlock page tells once, such as why the vault was locked."""
        self.unlock, self.set_up = UnlockPage(desk), SetUpPage(desk)
        self.recovery = RecoveryPage(desk)
        self.sheet_step, self.key_step = SheetStep(desk), KeyStep(desk)
        self.pages = (self.unlock, self.set_up, self.recovery, self.sheet_step, self.key_step)
        for page in self.pages:
            page.folder_wanted.connect(self.look_at)
        self.unlock.unlocked.connect(self._unlock)
        self.unlock.demo_wanted.connect(lambda: self.look_at(program.folders.demo_vault))
        self.unlock.sheet_wanted.connect(self._show_recovery)
        self.recovery.recovered.connect(self._recover)
        self.recovery.left.connect(lambda: self.look_at(self.recovery.folder))
        self.set_up.created.connect(self._create)
        self.sheet_step.passed.connect(self._to_key)
        self.key_step.passed.connect(self._steps_done)

    def look_at(self, folder: Path, *, passphrase: str = "", try_remembered: bool = False) -> None:
        """Show the page for a folder: set-up where no vault is, unlock where one is.

        With a `passphrase` the vault is opened at once, as the demonstration does. Until it is
        known which page, nothing can be typed: it would be cleared.
        """

        def then(states: tuple[VaultState, bool]) -> None:
            state, demo_there = states
            self.unlock.set_busy(busy=False)
            if not state.exists:
                self.set_up.show_new(folder)
                self.page_wanted.emit(self.set_up)
                return
            self.unlock.show_vault(folder, state, offer_demo=demo_there and not state.demo)
            self.unlock.show_remark(self.remark)
            self.remark = ""
            self.page_wanted.emit(self.unlock)
            if passphrase:
                self._open(lambda: self._program.open(folder, passphrase), remember=False)
            elif try_remembered and state.remembered:
                self._try_remembered(folder)

        def look() -> tuple[VaultState, bool]:
            demo = self._program.vault_state(self._program.folders.demo_vault)
            return self._program.vault_state(folder), demo.exists

        self.unlock.set_busy(busy=True)
        self._desk.tasks.query(look, then, failed=partial(self._cannot_look, folder))

    def forget(self) -> None:
        """Clear what was typed on the pages, and leave the steps of a new vault."""
        self._new = None
        self.sheet_step.forget()
        self.key_step.forget()
        for page in (self.unlock, self.recovery, self.set_up):
            page.forget()

    def _cannot_look(self, folder: Path, error: AppError) -> None:
        self.unlock.set_busy(busy=False)
        self.unlock.show_folder(folder)
        self.unlock.show_problem(error)
        self.page_wanted.emit(self.unlock)

    def _unlock(self, typed: SignIn) -> None:
        folder, behind = self.unlock.folder, self.behind

        def sign_in() -> Workspace:
            if behind is not None:
                return behind.sign_in(typed.passphrase, name=typed.name, code=typed.code)
            return self._program.open(folder, typed.passphrase, name=typed.name, code=typed.code)

        self._open(sign_in, remember=typed.remember)

    def _open(self, sign_in: Callable[[], Workspace], *, remember: bool) -> None:
        def failed(error: AppError) -> None:
            self.signing_in = False
            self.unlock.set_busy(busy=False)
            self.unlock.refuse(error)
            self.tried.emit()

        def opened(workspace: Workspace) -> None:
            self.signing_in = False
            self.unlock.set_busy(busy=False)
            self.unlock.forget()
            confirmed = workspace.take_confirmed()
            self.opened.emit(workspace)
            if remember:
                self._desk.tasks.change(lambda: workspace.keys.remember(confirmed=confirmed))

        self.unlock.show_problem(None)
        self.unlock.set_busy(busy=True)
        self.signing_in = True
        self._desk.tasks.query(sign_in, opened, failed=failed)

    def _try_remembered(self, folder: Path) -> None:
        def then(workspace: Workspace | None) -> None:
            self.unlock.set_busy(busy=False)
            if workspace is not None:
                self.opened.emit(workspace)

        def failed(error: AppError) -> None:
            self.unlock.set_busy(busy=False)
            self.unlock.refuse(error)

        self.unlock.set_busy(busy=True)
        open_it = partial(self._program.open_remembered, folder)
        self._desk.tasks.query(open_it, then, failed=failed)

    def _show_recovery(self) -> None:
        self.recovery.show_vault(self.unlock.folder)
        self.page_wanted.emit(self.recovery)

    def _recover(self, typed: Recovery) -> None:
        folder = self.recovery.folder

        def failed(error: AppError) -> None:
            self.recovery.set_busy(busy=False)
            self.recovery.show_problem(error)

        def opened(workspace: Workspace) -> None:
            self.recovery.set_busy(busy=False)
            self.recovery.forget()
            workspace.take_confirmed()
            self.opened.emit(workspace)
            self._desk.messages.note(
                f"You are signed in as {workspace.session.name}, with the new passphrase.",
                "The sheet stays good. A second factor has to be set up again.",
            )

        self.recovery.show_problem(None)
        self.recovery.set_busy(busy=True)
        self._desk.tasks.query(
            lambda: self._program.open_with_sheet(
                folder, typed.sheet, name=typed.name, passphrase=typed.passphrase
            ),
            opened,
            failed=failed,
        )

    def _create(self, typed: NewVault) -> None:
        folder = self.set_up.folder

        def failed(error: AppError) -> None:
            self.set_up.set_busy(busy=False)
            self.set_up.show_problem(error)

        def made(workspace: Workspace) -> None:
            self.set_up.forget()
            self.set_up.set_busy(busy=False)
            self._new = workspace
            self.made.emit(workspace)
            self.sheet_step.begin(workspace, workspace.take_confirmed())
            self.page_wanted.emit(self.sheet_step)

        self.set_up.show_problem(None)
        self.set_up.set_busy(busy=True)
        self._desk.tasks.query(
            lambda: self._program.create(folder, typed.passphrase, name=typed.name),
            made,
            failed=failed,
        )

    def _to_key(self) -> None:
        workspace = self._new
        if workspace is None:
            return

        def then(key: str) -> None:
            self.key_step.show_key(key, workspace.info)
            self.page_wanted.emit(self.key_step)
            self.key_step.go_on.setFocus()

        self._desk.tasks.query(workspace.audit.key, then)

    def _steps_done(self) -> None:
        workspace, self._new = self._new, None
        if workspace is not None:
            self.key_step.forget()
            self.opened.emit(workspace)
