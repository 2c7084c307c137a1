"""One's own account: who one is here, passphrase, second factor, sheet and keys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.counts import are, counted
from app.domain import Person, Right, Subject
from app.ui import people_words
from app.ui.first_steps import key_paper
from app.ui.rights import may
from app.ui.secret_dialogs import (
    ConfirmDialog,
    PaperDialog,
    PassphraseDialog,
    SecondFactorDialog,
    SheetDialog,
)
from app.ui.widgets import button, card, label

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QPushButton

    from app.domain import Changes, KeysState
    from app.ui.desk import Desk
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

_WIDTH = 860
_LACKS = "This vault wants a second factor of you. Set it up, then sign in again."
_SET_UP = "The second factor is set up. Sign in again to go on."
_ROTATE = (
    "The vault key and the key of the database are replaced when the vault is opened next, which"
    " can take a while. Passphrases and the recovery sheet stay as they are."
)
_CHANGE_WAITS = (
    "A change of keys waits to be finished. Lock the vault, when nothing is being analysed, and"
    " unlock it; until then the old keys count."
)


@dataclass(frozen=True, slots=True)
class Account:
    """What the page shows."""

    me: Person
    keys: KeysState
    backup_codes: int


def read(workspace: Workspace) -> Account:
    """Return what the page shows of a vault and the person."""
    people = workspace.people
    return Account(people.me, workspace.keys.state(), people.backup_codes_left())


def second_factor(account: Account) -> str:
    """Return how it stands with the second factor."""
    if not account.me.second_factor:
        return "Your passphrase alone lets you in. A code from your telephone makes that two."
    left = account.backup_codes
    return f"A code is asked for when you sign in. {counted(left, 'backup code')} {are(left)} left."


def sheet(keys: KeysState) -> str:
    """Return how it stands with the recovery sheet."""
    if keys.has_recovery_sheet:
        return "There is a recovery sheet. A new one takes its place."
    return "There is no recovery sheet: a lost passphrase is the end of what only it opens."


def change_of_keys(keys: KeysState) -> str:
    """Return what is to be said of a change of keys that was begun; nothing where none was."""
    return keys.hindrance or (_CHANGE_WAITS if keys.change_waits else "")


class AccountPage(QWidget):
    """Shows and changes what is one's own."""

    lock_wanted = Signal()

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(0, 0, 6, 0)
        self._column.setSpacing(12)
        inside.setMaximumWidth(_WIDTH)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 18, 24, 18)
        whole.setSpacing(12)
        whole.addWidget(label("Your account", "page-title"))
        whole.addWidget(area, 1)
        self._build()
        desk.tasks.announced.connect(self._changed)

    def open(self, workspace: Workspace | None) -> None:
        """Show the account in a workspace, or nothing."""
        self._workspace = workspace
        for text in (self.name, self.roles, self.rights, self.factor, self.sheet_text):
            text.clear()
        self._vault_part.setVisible(may(workspace, Right.MANAGE_VAULT))
        self.lacks.hide()
        self.again.hide()
        self.change_text.hide()
        self.refresh()

    def come(self) -> None:
        """Come into view."""
        self.refresh()
        (self.set_up_factor if self.lacks.isVisible() else self.change_passphrase).setFocus()

    def refresh(self) -> None:
        """Read everything again."""
        workspace = self._workspace
        if workspace is not None:
            self._desk.tasks.query(lambda: read(workspace), self._show, key="account")

    def _build(self) -> None:
        self.lacks = label(_LACKS, "notice", wrap=True)
        self.again = button("Sign in again", self.lock_wanted.emit, "primary")
        self._column.addWidget(self.lacks)
        self._column.addWidget(self.again, 0, Qt.AlignmentFlag.AlignLeft)
        self.name, self.roles = label("", "heading"), label("", wrap=True)
        self.rights = label("", "quiet", wrap=True)
        who = self._part("", self.name, self.roles, self.rights)
        self._column.addWidget(who)
        self.change_passphrase = button("Change the passphrase…", self._change_passphrase)
        text = label("Nobody else knows it. Change it when somebody might.", "quiet", wrap=True)
        self._column.addWidget(self._part("Passphrase", text, acts=[self.change_passphrase]))
        self.factor = label("", "quiet", wrap=True)
        self.set_up_factor = button("Set it up…", self._set_up_factor)
        self.drop_factor = button("Do without it…", self._drop_factor)
        acts = [self.set_up_factor, self.drop_factor]
        self._column.addWidget(self._part("Second factor", self.factor, acts=acts))
        self._column.addWidget(self._build_computer())
        self._column.addWidget(self._build_key())
        self._vault_part = self._build_vault()
        self._column.addWidget(self._vault_part)
        self._column.addStretch(1)

    def _build_computer(self) -> QFrame:
        text = (
            "A key in this system's keyring can sign you in here without the passphrase, where no"
            " second factor is asked for."
        )
        self.remember = button("Remember me here", self._remember)
        self.forget = button("Forget me here", self._forget)
        shown = label(text, "quiet", wrap=True)
        return self._part("This computer", shown, acts=[self.remember, self.forget])

    def _build_key(self) -> QFrame:
        text = "With it an auditor proves that no entry of the audit log was changed or removed."
        self.show_key = button("Show it…", self._show_key)
        shown = label(text, "quiet", wrap=True)
        return self._part("Verification key of the audit log", shown, acts=[self.show_key])

    def _build_vault(self) -> QFrame:
        self.sheet_text = label("", "quiet", wrap=True)
        self.computer_text = label("", "quiet", wrap=True)
        self.change_text = label("", "notice", wrap=True)
        self.new_sheet = button("Make a recovery sheet…", self._new_sheet)
        self.ask_computer = button("", self._ask_computer)
        self.rotate = button("Change the keys…", self._rotate)
        acts = [self.new_sheet, self.ask_computer, self.rotate]
        texts = (self.sheet_text, self.computer_text, self.change_text)
        return self._part("The vault", *texts, acts=acts)

    def _part(self, title: str, *texts: QWidget, acts: list[QPushButton] | None = None) -> QFrame:
        made = card()
        inside = QVBoxLayout(made)
        inside.setContentsMargins(18, 14, 18, 14)
        inside.setSpacing(8)
        if title:
            inside.addWidget(label(title, "heading"))
        for text in texts:
            inside.addWidget(text)
        if acts:
            row = QHBoxLayout()
            row.setSpacing(8)
            for act in acts:
                row.addWidget(act)
            row.addStretch(1)
            inside.addLayout(row)
        return made

    def _show(self, account: Account) -> None:
        workspace = self._workspace
        if workspace is None:
            return
        session, me = workspace.session, account.me
        self.name.setText(me.name)
        self.roles.setText(f"{people_words.roles(me)}. You see {people_words.scope(me.scope)}.")
        self.rights.setText(people_words.rights(session.rights))
        lacking = session.lacks_second_factor
        self.lacks.setText(_SET_UP if me.second_factor else _LACKS)
        self.lacks.setVisible(lacking)
        self.again.setVisible(lacking and me.second_factor)
        self.factor.setText(second_factor(account))
        self.set_up_factor.setText("Set it up anew…" if me.second_factor else "Set it up…")
        wanted = not session.policy.second_factor.isdisjoint(me.roles)
        self.drop_factor.setVisible(me.second_factor and not wanted)
        self.remember.setVisible(not (me.second_factor or account.keys.asks_for_computer))
        self.sheet_text.setText(sheet(account.keys))
        waits = change_of_keys(account.keys)
        self.change_text.setText(waits)
        self.change_text.setVisible(bool(waits))
        asks = account.keys.asks_for_computer
        self.computer_text.setText(
            "The vault opens on this computer only."
            if asks
            else "The vault opens on any computer, with a passphrase."
        )
        name = "Open on any computer…" if asks else "Open on this computer only…"
        self.ask_computer.setText(name)
        self.ask_computer.setAccessibleName(name)
        self._asks = asks
        self._code = me.second_factor

    _asks = False
    _code = False

    def _changed(self, changes: Changes) -> None:
        if self.isVisible() and changes & {Subject.PEOPLE, Subject.SETTINGS}:
            self.refresh()

    def _do(self, op: Callable[[Workspace], Changes], sentence: str) -> None:
        workspace = self._workspace
        if workspace is not None:
            done = self._desk.messages.note
            self._desk.tasks.change(lambda: op(workspace), lambda: done(sentence))

    def _ask(self, title: str, sentence: str, act: str, then: Callable[[Confirmed], None]) -> None:
        """Ask for the passphrase: an unlocked screen is not enough for what lets somebody in."""
        workspace = self._workspace
        if workspace is not None:
            dialog = ConfirmDialog(
                self.window(),
                self._desk,
                workspace,
                title=title,
                sentence=sentence,
                act=act,
                code=self._code,
            )
            dialog.confirmed.connect(then)
            dialog.open()

    def _change_passphrase(self) -> None:
        title = "Change your passphrase"
        self._ask(title, "The old one first, then the new one.", "Go on", self._ask_for_new)

    def _ask_for_new(self, confirmed: Confirmed) -> None:
        workspace = self._workspace
        if workspace is None:
            return
        name = workspace.session.name
        sentence = "The old one opens nothing any more from then on."
        dialog = PassphraseDialog(self.window(), self._desk, name, sentence)

        def chosen(new: str) -> None:
            dialog.accept()
            self._do(
                lambda workspace: workspace.people.set_passphrase(name, new, confirmed=confirmed),
                "Your passphrase is changed.",
            )

        dialog.chosen.connect(chosen)
        dialog.open()

    def _set_up_factor(self) -> None:
        sentence = "From then on a code is asked for when you sign in."
        self._ask("Set up a second factor", sentence, "Go on", self._show_factor)

    def _show_factor(self, confirmed: Confirmed) -> None:
        if self._workspace is not None:
            dialog = SecondFactorDialog(self.window(), self._desk, self._workspace, confirmed)
            dialog.kept.connect(
                lambda: self._desk.tasks.announced.emit(frozenset({Subject.PEOPLE}))
            )
            dialog.open()

    def _drop_factor(self) -> None:
        def drop(confirmed: Confirmed) -> None:
            self._do(
                lambda workspace: workspace.people.take_second_factor(
                    workspace.session.name, confirmed=confirmed
                ),
                "Your passphrase alone lets you in again.",
            )

        sentence = "Your passphrase alone will let you in."
        self._ask("Do without a second factor", sentence, "Do without it", drop)

    def _remember(self) -> None:
        self._ask(
            "Remember me here",
            "Whoever uses your account of this computer opens the vault as you.",
            "Remember me here",
            lambda confirmed: self._do(
                lambda workspace: workspace.keys.remember(confirmed=confirmed),
                "This computer signs you in.",
            ),
        )

    def _forget(self) -> None:
        self._do(
            lambda workspace: workspace.keys.forget(), "Your passphrase is asked for from now on."
        )

    def _new_sheet(self) -> None:
        sentence = "Whoever holds the sheet can open the vault."
        self._ask("Make a recovery sheet", sentence, "Go on", self._show_sheet)

    def _show_sheet(self, confirmed: Confirmed) -> None:
        if self._workspace is not None:
            SheetDialog(self.window(), self._desk, self._workspace, confirmed).open()

    def _ask_computer(self) -> None:
        wanted = not self._asks
        title = "Open on this computer only" if wanted else "Open on any computer"
        sentence = (
            "A key in this system's keyring is needed beside the passphrase: a copied vault stays"
            " shut elsewhere. Other computers open the vault no more; the recovery sheet does."
            if wanted
            else "A passphrase opens the vault again wherever its folder is."
        )
        self._ask(
            title,
            sentence,
            "Do so",
            lambda confirmed: self._do(
                lambda workspace: workspace.keys.ask_for_computer(
                    wanted=wanted, confirmed=confirmed
                ),
                "It is done.",
            ),
        )

    def _rotate(self) -> None:
        self._ask(
            "Change the keys",
            _ROTATE,
            "Change the keys",
            lambda confirmed: self._do(
                lambda workspace: workspace.keys.rotate(confirmed=confirmed),
                "The keys are changed when the vault is opened next.",
            ),
        )

    def _show_key(self) -> None:
        workspace = self._workspace
        if workspace is not None:
            vault = workspace.info
            self._desk.tasks.query(
                workspace.audit.key,
                lambda key: PaperDialog(self.window(), key_paper(key, vault)).open(),
            )
