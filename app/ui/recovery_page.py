"""The page for the day on which a passphrase is lost: the recovery sheet, and a new passphrase."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut

from app.ui import start_page
from app.ui.passphrase_fields import NewPassphrase
from app.ui.start_page import StartPage
from app.ui.widgets import button, label, line

if TYPE_CHECKING:
    from pathlib import Path

    from app.ui.desk import Desk

DEFAULT_NAME = "owner"
_INTRO = (
    "Type the text of the sheet as it stands there: nine groups of four. Then choose a new"
    " passphrase. The audit log will tell that the sheet was used."
)


@dataclass(frozen=True, slots=True)
class Recovery:
    """What a person typed who has the recovery sheet."""

    name: str
    sheet: str = field(repr=False)
    passphrase: str = field(repr=False)


class RecoveryPage(StartPage):
    """Opens a vault with its recovery sheet."""

    recovered = Signal(object)
    """The `Recovery` that was typed."""
    left = Signal()

    def __init__(self, desk: Desk) -> None:
        """Begin without a folder."""
        super().__init__(desk.theme, "Use the recovery sheet")
        self.body.addWidget(label(_INTRO, "quiet", wrap=True))
        self.add_folder_row("Vault")
        self.change_folder.hide()
        self.body.addWidget(label("Text of the sheet", "quiet"))
        self.sheet = start_page.field("Text of the recovery sheet", "ABCD-EFGH-…")
        self.sheet.setProperty("kind", "mono")
        self.body.addWidget(self.sheet)
        self.body.addWidget(label("Your name", "quiet"))
        self.name = start_page.field("Your name", DEFAULT_NAME, longest=64)
        self.body.addWidget(self.name)
        self.body.addWidget(line())
        self.new = NewPassphrase(desk, "New passphrase")
        self.body.addWidget(self.new)
        self.add_problem()
        self.open = button("Open the vault", self._submit, "primary")
        self.open.setMinimumHeight(38)
        self.back = button("Back", self.left.emit, "link")
        self.body.addWidget(self.open)
        self.body.addWidget(self.back)
        self.sheet.textChanged.connect(self._judge)
        self.name.textChanged.connect(lambda name: self.new.set_person(name.strip()))
        self.new.changed.connect(self._judge)
        self.new.confirmed.connect(self._submit)
        leave = QShortcut(QKeySequence("Esc"), self)
        leave.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        leave.activated.connect(self.left)
        self._judge()

    def show_vault(self, folder: Path) -> None:
        """Show which vault is to be opened."""
        self.show_folder(folder)
        self.forget()
        self.sheet.setFocus()

    def forget(self) -> None:
        """Clear what was typed."""
        self.sheet.clear()
        self.name.clear()
        self.new.clear()

    def set_busy(self, *, busy: bool) -> None:
        """Show that the vault is being opened."""
        super().set_busy(busy=busy)
        self.open.setText("Opening…" if busy else "Open the vault")
        if not busy:
            self._judge()

    def _judge(self) -> None:
        self.open.setEnabled(bool(self.sheet.text().strip()) and self.new.ready())

    def _submit(self) -> None:
        if self.open.isEnabled():
            name = self.name.text().strip() or DEFAULT_NAME
            self.recovered.emit(Recovery(name, self.sheet.text(), self.new.text()))
