"""Dialogs for one's own ways in: a new passphrase, a second factor, a sheet, a key on paper."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from app.ui import start_page
from app.ui.first_steps import SheetStep
from app.ui.paper import Paper, PaperView, ask_and_print
from app.ui.passphrase_fields import NewPassphrase, PassphraseField
from app.ui.widgets import button, label, while_alive

if TYPE_CHECKING:
    from app.domain import NewSecondFactor
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

_SCAN = (
    "Read this with an authenticator on your telephone, or type the letters into it. Then type the"
    " six digits that it shows."
)
_BACKUP = (
    "From now on a code is asked for when you sign in. Keep these backup codes on paper, for the"
    " day on which the telephone is lost. Each is good once, and they are shown only now."
)


def typed_secret(uri: str) -> tuple[str, ...]:
    """Return the letters of a second factor, in groups of four, for who cannot read a QR code."""
    found = re.search(r"[?&]secret=([A-Z2-7]+)", uri)
    secret = found[1] if found else ""
    groups = [secret[at : at + 4] for at in range(0, len(secret), 4)]
    return tuple(" ".join(groups[at : at + 4]) for at in range(0, len(groups), 4))


class _Dialog(QDialog):
    """A dialog with a heading that goes with its secrets when it closes."""

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setMinimumWidth(520)
        self.whole = QVBoxLayout(self)
        self.whole.setContentsMargins(26, 20, 26, 20)
        self.whole.setSpacing(12)
        self.whole.addWidget(label(title, "heading"))

    def add_ends(self, *ends: QWidget) -> None:
        row = QHBoxLayout()
        row.addStretch(1)
        for end in ends:
            row.addWidget(end)
        self.whole.addSpacing(4)
        self.whole.addLayout(row)


class ConfirmDialog(_Dialog):
    """Asks whether something shall be done, and for the passphrase of who is signed in; for the
    code too where they have a second factor."""

    confirmed = Signal(object)
    """The passphrase was right: `Confirmed`."""

    def __init__(  # noqa: PLR0913 (what is asked, and of whom)
        self,
        parent: QWidget,
        desk: Desk,
        workspace: Workspace,
        *,
        title: str,
        sentence: str,
        act: str,
        code: bool,
    ) -> None:
        """Ask with a sentence that says what will happen; `act` is what the button does."""
        super().__init__(parent, title)
        self._desk, self._workspace = desk, workspace
        self.whole.addWidget(label(sentence, wrap=True))
        self.whole.addWidget(label("Your passphrase", "quiet"))
        self.passphrase = PassphraseField(desk.theme, "Your passphrase")
        self.whole.addWidget(self.passphrase)
        self.code = start_page.field("Code of your second factor", "Six digits", longest=30)
        self.code_label = label("Code that the authenticator shows, or a backup code", "quiet")
        for part in (self.code_label, self.code):
            self.whole.addWidget(part)
            part.setVisible(code)
        self._code_wanted = code
        self.problem = label("", "problem", wrap=True)
        self.problem.hide()
        self.whole.addWidget(self.problem)
        self.confirm = button(act, self._confirm, "primary")
        self.confirm.setDefault(True)
        self.add_ends(button("Cancel", self.reject), self.confirm)
        self.passphrase.changed.connect(self._enable)
        self.code.textChanged.connect(self._enable)
        self.passphrase.setFocus()
        self._enable()

    def _enable(self) -> None:
        typed = bool(self.passphrase.text())
        given = not self._code_wanted or bool(self.code.text().strip())
        self.confirm.setEnabled(typed and given)

    def _confirm(self) -> None:
        passphrase, code, workspace = self.passphrase.text(), self.code.text(), self._workspace
        self.confirm.setEnabled(False)
        self._desk.tasks.query(
            lambda: workspace.confirm(passphrase, code=code),
            while_alive(self, self._done),
            failed=while_alive(self, self._failed),
        )

    def _done(self, confirmed: Confirmed) -> None:
        self._forget()
        self.accept()
        self.confirmed.emit(confirmed)

    def _failed(self, error: AppError) -> None:
        self._forget()
        self.problem.setText(f"{error.sentence} {error.advice}")
        self.problem.show()
        self.passphrase.setFocus()

    def _forget(self) -> None:
        self.passphrase.clear()
        self.code.clear()


class PassphraseDialog(_Dialog):
    """Takes a new passphrase."""

    chosen = Signal(str)
    """The new passphrase; the dialog is still open."""

    def __init__(self, parent: QWidget, desk: Desk, name: str, sentence: str) -> None:
        """Ask for the new passphrase of the person called `name`."""
        super().__init__(parent, f"New passphrase for {name}")
        self.whole.addWidget(label(sentence, "quiet", wrap=True))
        self.new = NewPassphrase(desk)
        self.new.set_person(name)
        self.whole.addWidget(self.new)
        self.keep = button("Change the passphrase", self._keep, "primary")
        self.keep.setDefault(True)
        self.add_ends(button("Cancel", self.reject), self.keep)
        self.new.changed.connect(self._judge)
        self.new.setFocus()
        self._judge()

    def _judge(self) -> None:
        self.keep.setEnabled(self.new.ready())

    def _keep(self) -> None:
        self.chosen.emit(self.new.text())

    def done(self, result: int) -> None:
        """Close, and forget what was typed."""
        self.new.clear()
        super().done(result)


class SecondFactorDialog(_Dialog):
    """Sets one's own second factor up: a code to read, a code to type, backup codes."""

    kept = Signal()
    """Codes are asked for from now on."""

    def __init__(
        self, parent: QWidget, desk: Desk, workspace: Workspace, confirmed: Confirmed
    ) -> None:
        """Ask the workspace for a new secret; `confirmed`: the passphrase was typed for it."""
        super().__init__(parent, "Second factor")
        self._desk, self._workspace, self._confirmed = desk, workspace, confirmed
        self._new: NewSecondFactor | None = None
        self._codes: tuple[str, ...] = ()
        self.steps = QStackedWidget()
        self.steps.addWidget(self._build_scan())
        self.steps.addWidget(self._build_backup())
        self.whole.addWidget(self.steps)
        new = workspace.people.new_second_factor
        desk.tasks.query(new, while_alive(self, self._show))

    def _build_scan(self) -> QWidget:
        page, inside = _page()
        inside.addWidget(label(_SCAN, "quiet", wrap=True))
        self.view = PaperView("Secret of the second factor")
        inside.addWidget(self.view)
        self.code = start_page.field("Code that the authenticator shows", "Six digits", longest=10)
        inside.addWidget(self.code)
        self.problem = label("", "problem", wrap=True)
        self.problem.hide()
        inside.addWidget(self.problem)
        self.confirm = button("Use it", self._confirm, "primary")
        self.confirm.setDefault(True)
        self.code.textChanged.connect(self._enable)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(button("Cancel", self.reject))
        row.addWidget(self.confirm)
        inside.addLayout(row)
        self._enable()
        return page

    def _build_backup(self) -> QWidget:
        page, inside = _page()
        inside.addWidget(label(_BACKUP, "quiet", wrap=True))
        self.codes = PaperView("Backup codes")
        inside.addWidget(self.codes)
        row = QHBoxLayout()
        row.addWidget(button("Copy", self._copy))
        row.addWidget(button("Print…", self._print))
        row.addStretch(1)
        self.close_button = button("I have kept them", self.accept, "primary")
        row.addWidget(self.close_button)
        inside.addLayout(row)
        return page

    def _show(self, new: NewSecondFactor) -> None:
        self._new = new
        self.view.show_paper(Paper("", "", typed_secret(new.uri), new.uri))
        self._enable()
        self.code.setFocus()

    def _enable(self) -> None:
        self.confirm.setEnabled(self._new is not None and bool(self.code.text().strip()))

    def _confirm(self) -> None:
        new, code, people = self._new, self.code.text(), self._workspace.people
        if new is None:
            return

        def failed(error: AppError) -> None:
            self.problem.setText(f"{error.sentence} {error.advice}")
            self.problem.show()
            self.code.clear()
            self.code.setFocus()

        self.confirm.setEnabled(False)
        self._desk.tasks.query(
            lambda: people.set_second_factor(new, code, confirmed=self._confirmed),
            while_alive(self, self._kept),
            failed=while_alive(self, failed),
        )

    def _kept(self, codes: tuple[str, ...]) -> None:
        self._new, self._codes = None, codes
        self.view.show_paper(None)
        self.codes.show_paper(self._paper())
        self.steps.setCurrentIndex(1)
        self.close_button.setDefault(True)
        self.close_button.setFocus()
        self.kept.emit()

    def _paper(self) -> Paper:
        pairs = zip(self._codes[::2], self._codes[1::2], strict=False)
        lines = tuple(f"{one}   {other}" for one, other in pairs)
        return Paper("Backup codes of AutoInsights", "Each is good once.", lines)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText("\n".join(self._codes))

    def _print(self) -> None:
        ask_and_print(self._paper(), self)


class SheetDialog(QDialog):
    """Makes a new recovery sheet, as after the making of a vault."""

    def __init__(
        self, parent: QWidget, desk: Desk, workspace: Workspace, confirmed: Confirmed
    ) -> None:
        """Show a new sheet; `confirmed`: the passphrase was typed for it."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Recovery sheet")
        self.resize(640, 720)
        self.step = SheetStep(desk, skip="Leave it as it is (Esc)")
        self.step.passed.connect(self.accept)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.step)
        self.step.begin(workspace, confirmed)


class PaperDialog(_Dialog):
    """Shows something to keep on paper, and prints it."""

    def __init__(self, parent: QWidget, paper: Paper) -> None:
        """Show a page."""
        super().__init__(parent, paper.title)
        self._paper = paper
        self.whole.addWidget(label(paper.purpose, "quiet", wrap=True))
        self.view = PaperView(paper.title)
        self.view.show_paper(paper)
        self.whole.addWidget(self.view)
        close = button("Close", self.accept, "primary")
        close.setDefault(True)
        self.add_ends(button("Copy", self._copy), button("Print…", self._print), close)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._paper.code)

    def _print(self) -> None:
        ask_and_print(self._paper, self)


def _page() -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    inside = QVBoxLayout(page)
    inside.setContentsMargins(0, 0, 0, 0)
    inside.setSpacing(12)
    return page, inside
