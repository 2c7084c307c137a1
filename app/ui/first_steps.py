"""The two steps after a vault was made, or later from the account page: what is kept on paper.

Each is passed by one key: Esc passes the sheet, Enter or Esc the verification key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QHBoxLayout
from shiboken6 import isValid

from app.ui import start_page, words
from app.ui.paper import Paper, PaperView, ask_and_print, grouped
from app.ui.start_page import StartPage
from app.ui.widgets import button, label, while_alive

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import VaultInfo
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

_SHEET = (
    "Whoever holds this sheet can open the vault and choose a new passphrase. Write it on paper or"
    " print it, and keep it where this computer is not. It is shown only now."
)
_SHEET_PRINTED = (
    "Whoever holds this sheet can open the vault and choose a new passphrase: keep it where the"
    " computer is not. The window offers it under “Use the recovery sheet”."
)
_SKIP = (
    "Without a sheet, a lost passphrase is the end of the vault. You can make one later, under"
    " Your account."
)
_KEY = (
    "Give this to the person who will audit this vault. It is no secret and opens nothing: with it"
    " they can prove that no entry of the audit log was changed or removed. You find it again"
    " under Your account."
)


_KEY_PRINTED = (
    "For the person who audits this vault, to keep away from its computer. It is no secret and"
    " opens nothing: with it they can prove that no entry of the audit log was changed or removed."
)


def sheet_paper(sheet: str, vault: VaultInfo) -> Paper:
    """Return the page of a recovery sheet."""
    title = "Recovery sheet of an AutoInsights vault"
    return Paper(title, f"{_SHEET_PRINTED} {_of(vault)}", grouped(sheet), sheet)


def key_paper(key: str, vault: VaultInfo) -> Paper:
    """Return the page of a verification key."""
    purpose = f"{_KEY_PRINTED} {_of(vault)}"
    return Paper("Verification key of an audit log", purpose, grouped(key, 4), key)


def _of(vault: VaultInfo) -> str:
    return f"Vault {vault.id[:8]}, made {words.moment(vault.created_at)}."


class SheetStep(StartPage):
    """Shows a new recovery sheet, and lets it count once it was typed from the paper."""

    passed = Signal()
    """The sheet counts, or a person does without."""

    def __init__(self, desk: Desk, *, skip: str = "Go on without a sheet (Esc)") -> None:
        """Begin without a sheet; `skip` names the way past it."""
        super().__init__(desk.theme, "Recovery sheet")
        self._desk = desk
        self._workspace: Workspace | None = None
        self._confirmed: Confirmed | None = None
        self._sheet = ""
        self.body.addWidget(label(_SHEET, "quiet", wrap=True))
        self.view = PaperView("Recovery sheet")
        self.body.addWidget(self.view)
        self.body.addWidget(label("Type it from the paper, to see that it can be read", "quiet"))
        self.typed = start_page.field("The sheet as you wrote it down", "ABCD-EFGH-…")
        self.typed.setProperty("kind", "mono")
        self.body.addWidget(self.typed)
        self.add_problem()
        self.print = button("Print…", self._print)
        self.keep = button("Use this sheet", self._keep, "primary")
        self.skip = button(skip, self._skip, "link")
        row = QHBoxLayout()
        row.addWidget(self.print)
        row.addStretch(1)
        row.addWidget(self.keep)
        self.body.addLayout(row)
        self.body.addWidget(label(_SKIP, "quiet", wrap=True))
        self.body.addWidget(self.skip, 0, Qt.AlignmentFlag.AlignLeft)
        self.typed.textChanged.connect(self._enable)
        self.typed.returnPressed.connect(self._keep)
        _on_escape(self, self._skip)
        self._enable()

    def begin(self, workspace: Workspace, confirmed: Confirmed | None) -> None:
        """Make a new sheet for a vault and show it; `confirmed`: the passphrase was typed."""
        self.forget()
        self._workspace, self._confirmed = workspace, confirmed
        self._desk.tasks.query(
            workspace.keys.new_sheet,
            while_alive(self, self._show),
            failed=while_alive(self, self.show_problem),
        )

    def forget(self) -> None:
        """Forget the sheet."""
        self._workspace, self._confirmed, self._sheet = None, None, ""
        self.typed.clear()
        self.view.show_paper(None)
        self.show_problem(None)
        self._enable()

    def _show(self, sheet: str) -> None:
        self._sheet = sheet
        self.view.show_paper(self._paper())
        self._enable()
        self.typed.setFocus()

    def _enable(self) -> None:
        self.keep.setEnabled(bool(self._sheet and self.typed.text().strip()))

    def _print(self) -> None:
        if (paper := self._paper()) is not None:
            ask_and_print(paper, self)

    def _paper(self) -> Paper | None:
        workspace = self._workspace
        return sheet_paper(self._sheet, workspace.info) if workspace and self._sheet else None

    def _keep(self) -> None:
        workspace, sheet, typed = self._workspace, self._sheet, self.typed.text()
        confirmed = self._confirmed
        if workspace is None or not self.keep.isEnabled():
            return

        def failed(error: AppError) -> None:
            self.set_busy(busy=False)
            self._enable()
            self.show_problem(error)
            self.typed.setFocus()

        def kept() -> None:
            if isValid(self):
                self.set_busy(busy=False)
                self._pass()

        self.show_problem(None)
        self.set_busy(busy=True)
        self._desk.tasks.change(
            lambda: workspace.keys.keep_sheet(sheet, typed, confirmed=confirmed),
            kept,
            failed=while_alive(self, failed),
        )

    def _skip(self) -> None:
        if not self.busy.isVisible():
            self._pass()

    def _pass(self) -> None:
        self.forget()
        self.passed.emit()


class KeyStep(StartPage):
    """Shows the verification key of the audit log."""

    passed = Signal()

    def __init__(self, desk: Desk) -> None:
        """Begin without a key."""
        super().__init__(desk.theme, "Verification key for the auditor")
        self._paper: Paper | None = None
        self.body.addWidget(label(_KEY, "quiet", wrap=True))
        self.view = PaperView("Verification key")
        self.body.addWidget(self.view)
        self.print = button("Print…", self._print)
        self.go_on = button("Go on", self.passed.emit, "primary")
        row = QHBoxLayout()
        row.addWidget(self.print)
        row.addStretch(1)
        row.addWidget(self.go_on)
        self.body.addLayout(row)
        _on_escape(self, self.passed.emit)

    def show_key(self, key: str, vault: VaultInfo) -> None:
        """Show the key of a vault."""
        self._paper = key_paper(key, vault)
        self.view.show_paper(self._paper)
        self.go_on.setFocus()

    def forget(self) -> None:
        """Show no key any more."""
        self._paper = None
        self.view.show_paper(None)

    def _print(self) -> None:
        if self._paper is not None:
            ask_and_print(self._paper, self)


def _on_escape(page: StartPage, act: Callable[[], object]) -> None:
    escape = QShortcut(QKeySequence("Esc"), page)
    escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
    escape.activated.connect(act)
