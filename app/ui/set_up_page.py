"""The page of the first start: makes a vault."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox

from app.ui import start_page
from app.ui.passphrase_fields import NewPassphrase
from app.ui.recovery_page import DEFAULT_NAME
from app.ui.start_page import StartPage, note
from app.ui.widgets import button, label, line

if TYPE_CHECKING:
    from pathlib import Path

    from app.ui.desk import Desk

_INTRO = (
    "Your calls are kept in a vault: sealed on this computer and redacted before anyone reads them."
    " Choose where it lives and a passphrase that opens it."
)
_LOSS = (
    "Write the passphrase down and keep it in a safe place. Nobody can open the vault without it:"
    " no support desk and no second key. The next step offers a recovery sheet for the day on"
    " which it is lost; without that, the calls are lost with it."
)


@dataclass(frozen=True, slots=True)
class NewVault:
    """What a person typed who makes a vault."""

    name: str
    passphrase: str = field(repr=False)


class SetUpPage(StartPage):
    """Makes a vault on the first start."""

    created = Signal(object)
    """The `NewVault` that was typed."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a folder."""
        super().__init__(desk.theme, "Welcome to AutoInsights")
        self.body.addWidget(label(_INTRO, "quiet", wrap=True))
        self.body.addSpacing(4)
        self.add_folder_row("Where to keep the vault")
        self.body.addWidget(line())
        self.body.addWidget(label("Your name, under which you sign in", "quiet"))
        self.name = start_page.field("Your name", DEFAULT_NAME, longest=64)
        self.body.addWidget(self.name)
        self.new = NewPassphrase(desk)
        self.body.addWidget(self.new)
        self.body.addWidget(note(_LOSS))
        self.understood = QCheckBox("I have kept the passphrase in a safe place")
        self.body.addWidget(self.understood)
        self.add_problem()
        self.make = button("Create the vault", self._submit, "primary")
        self.make.setMinimumHeight(38)
        self.body.addWidget(self.make)
        self.name.textChanged.connect(lambda name: self.new.set_person(name.strip()))
        self.understood.toggled.connect(self._judge)
        self.new.changed.connect(self._judge)
        self.new.confirmed.connect(self._submit)
        self._judge()

    def show_new(self, folder: Path) -> None:
        """Offer a folder for the new vault."""
        self.show_folder(folder)
        self.new.setFocus()

    def set_busy(self, *, busy: bool) -> None:
        """Show that the vault is being made."""
        super().set_busy(busy=busy)
        self.make.setText("Creating the vault…" if busy else "Create the vault")
        if not busy:
            self._judge()

    def forget(self) -> None:
        """Clear everything that was typed or made."""
        self.name.clear()
        self.new.clear()
        self.understood.setChecked(False)

    def _judge(self) -> None:
        self.make.setEnabled(self.new.ready() and self.understood.isChecked())

    def _submit(self) -> None:
        if self.make.isEnabled():
            name = self.name.text().strip() or DEFAULT_NAME
            self.created.emit(NewVault(name, self.new.text()))
