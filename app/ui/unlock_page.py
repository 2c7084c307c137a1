"""The page that opens a vault: by name, passphrase and code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox

from app.errors import CodeNeeded, NameNeeded, SignInDelayed, WrongCode
from app.ui import start_page
from app.ui.passphrase_fields import PassphraseField
from app.ui.start_page import StartPage, note
from app.ui.widgets import button, label

if TYPE_CHECKING:
    from pathlib import Path

    from app.domain import VaultState
    from app.errors import AppError
    from app.ui.desk import Desk

_DEMO = (
    "This is a demonstration vault with made-up calls. Its passphrase lies in a file beside its"
    " folder that ends in .passphrase, for everybody to read: real calls stay out of it."
)
_CODE = (
    "The passphrase is right. Now type the six digits that your authenticator shows, or a backup"
    " code."
)


@dataclass(frozen=True, slots=True)
class SignIn:
    """What a person typed to get in; `remember`: this computer shall."""

    name: str
    passphrase: str = field(repr=False)
    code: str = field(default="", repr=False)
    remember: bool = False


def keeps_passphrase(error: AppError, *, code_shown: bool) -> bool:
    """Return whether the passphrase was right, so that only the code is typed again."""
    return isinstance(error, CodeNeeded | WrongCode) or (
        code_shown and isinstance(error, SignInDelayed)
    )


class UnlockPage(StartPage):
    """Opens a vault with what a person knows and has."""

    unlocked = Signal(object)
    """The `SignIn` that was typed."""
    demo_wanted = Signal()
    sheet_wanted = Signal()

    def __init__(self, desk: Desk) -> None:
        """Begin without a folder."""
        super().__init__(desk.theme, "Unlock your vault")
        self.demo = note(_DEMO)
        self.body.addWidget(self.demo)
        self.going_on = label("", "going-on")
        self.going_on.hide()
        self.body.addWidget(self.going_on)
        self.add_folder_row("Vault")
        self.body.addSpacing(4)
        self.name_label = label("Name", "quiet")
        self.name = start_page.field("Name")
        self.body.addWidget(self.name_label)
        self.body.addWidget(self.name)
        self.body.addWidget(label("Passphrase", "quiet"))
        self.passphrase = PassphraseField(desk.theme, "Passphrase")
        self.body.addWidget(self.passphrase)
        self._add_code()
        self.remember = QCheckBox("Remember on this computer")
        self.remember.setToolTip(
            "Keeps a key in this system's keyring, so that the vault opens without the passphrase"
        )
        self.body.addWidget(self.remember)
        self.add_problem()
        self.body.addSpacing(4)
        self.unlock = button("Unlock", self._submit, "primary")
        self.unlock.setMinimumHeight(38)
        self.body.addWidget(self.unlock)
        self.sheet = button("Use the recovery sheet", self.sheet_wanted.emit, "link")
        self.offer = button("Open the demonstration vault instead", self.demo_wanted.emit, "link")
        self.body.addWidget(self.sheet)
        self.body.addWidget(self.offer)
        for typed in (self.name, self.code):
            typed.textChanged.connect(self._enable)
            typed.returnPressed.connect(self._submit)
        self.passphrase.confirmed.connect(self._submit)
        self.passphrase.changed.connect(self._enable)
        self._ask_name(asked=False)
        self._ask_code(asked=False)
        self._enable()

    def show_vault(self, folder: Path, state: VaultState, *, offer_demo: bool) -> None:
        """Show which vault is to be opened, and offer the demonstration vault where one is."""
        self.show_folder(folder)
        self._offer_demo, self._has_sheet = offer_demo, state.recovery_sheet
        self.demo.setVisible(state.demo)
        self._ask_name(asked=state.several_people)
        self.forget()
        self.show_going_on(self.going_on.text())
        self._take_focus()

    def show_going_on(self, sentence: str) -> None:
        """Tell what goes on behind the lock; empty where nothing does.

        While it does, this vault and no other one is opened here, and not by its sheet.
        """
        self.going_on.setText(sentence)
        self.going_on.setVisible(bool(sentence))
        self.change_folder.setVisible(not sentence)
        self.offer.setVisible(self._offer_demo and not sentence)
        self.sheet.setVisible(self._has_sheet and not sentence)

    def refuse(self, error: AppError) -> None:
        """Tell why a person was not let in, and ask for what is missing or wrong."""
        code_shown = self.code.isVisibleTo(self)
        keeps = keeps_passphrase(error, code_shown=code_shown)
        self.code.clear()
        if not keeps:
            self.passphrase.clear()
        self._ask_code(asked=keeps)
        if isinstance(error, NameNeeded):
            self._ask_name(asked=True)
        self.show_problem(None if isinstance(error, CodeNeeded) else error)
        self._take_focus()

    def forget(self) -> None:
        """Clear what was typed."""
        self.name.clear()
        self.passphrase.clear()
        self.code.clear()
        self.remember.setChecked(False)
        self._ask_code(asked=False)
        self._enable()

    def set_busy(self, *, busy: bool) -> None:
        """Show that the key is being made."""
        super().set_busy(busy=busy)
        self.unlock.setText("Unlocking…" if busy else "Unlock")
        if not busy:
            self._enable()
            self._take_focus()

    _offer_demo = _has_sheet = False

    def _add_code(self) -> None:
        self.code_label = label(_CODE, "quiet", wrap=True)
        self.code = start_page.field("Code of the second factor", "Six digits", longest=40)
        self.body.addWidget(self.code_label)
        self.body.addWidget(self.code)

    def _ask_name(self, *, asked: bool) -> None:
        self.name_label.setVisible(asked)
        self.name.setVisible(asked)

    def _ask_code(self, *, asked: bool) -> None:
        self.code_label.setVisible(asked)
        self.code.setVisible(asked)
        self.remember.setVisible(not asked)  # a keyring never stands in for two factors

    def _take_focus(self) -> None:
        if self.code.isVisibleTo(self):
            self.code.setFocus()
        elif self.name.isVisibleTo(self) and not self.name.text():
            self.name.setFocus()
        else:
            self.passphrase.setFocus()

    def _enable(self) -> None:
        named = bool(self.name.text().strip()) or not self.name.isVisibleTo(self)
        coded = bool(self.code.text().strip()) or not self.code.isVisibleTo(self)
        self.unlock.setEnabled(bool(self.passphrase.text()) and named and coded)

    def _submit(self) -> None:
        if self.unlock.isEnabled():
            named = self.name.isVisibleTo(self)
            self.unlocked.emit(
                SignIn(
                    self.name.text().strip() if named else "",
                    self.passphrase.text(),
                    self.code.text().strip(),
                    self.remember.isChecked(),
                )
            )
        elif self.name.hasFocus():
            self.passphrase.setFocus()
