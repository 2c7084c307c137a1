"""The pages before a vault is open: set-up on the first start, unlock afterwards.

They hold a passphrase only in their fields and clear them as soon as it was handed over.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QProgressBar,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.ui import words
from app.ui.widgets import button, card, label, line, set_kind, tool

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import VaultState
    from app.errors import AppError
    from app.ui.theme import Theme

_WIDTH = 560
_CAPS_HINT = "Caps Lock seems to be on."
_LOSS = (
    "Write the passphrase down and keep it in a safe place. Nobody can open the vault without it:"
    " no support desk, no administrator, no second key. If it is lost, the calls are lost."
)
_DEMO = (
    "This is a demonstration vault with made-up calls. Its passphrase lies in a file beside its"
    " folder that ends in .passphrase, for everybody to read: real calls stay out of it."
)


def caps_lock_suspected(text: str, *, shift: bool) -> bool:
    """Return whether a typed letter is of the case that Shift does not explain."""
    return (
        len(text) == 1
        and text.isalpha()
        and text.isupper() != shift
        and text.upper() != text.lower()
    )


class PassphraseField(QWidget):
    """A field for a passphrase that can be shown, and that notices Caps Lock."""

    changed = Signal()
    confirmed = Signal()

    def __init__(self, theme: Theme, name: str) -> None:
        """Begin empty and hidden."""
        super().__init__()
        self._theme = theme
        self.edit = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.edit.setAccessibleName(name)
        self.edit.setMinimumHeight(36)
        self.edit.setMaxLength(1024)
        self.edit.textChanged.connect(self.changed)
        self.edit.returnPressed.connect(self.confirmed)
        self.edit.installEventFilter(self)
        self.eye = tool(f"Show {name.lower()}", self._toggle)
        self.caps = label("", "problem")
        self.caps.hide()
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.edit, 1)
        row.addWidget(self.eye)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(4)
        whole.addLayout(row)
        whole.addWidget(self.caps)
        self.setFocusProxy(self.edit)
        self._name = name
        self._draw()
        theme.changed.connect(self._draw)

    def text(self) -> str:
        """Return what was typed."""
        return self.edit.text()

    def clear(self) -> None:
        """Forget what was typed and hide again."""
        self.edit.clear()
        self.edit.setEchoMode(QLineEdit.EchoMode.Password)
        self.caps.hide()
        self._draw()

    def show_text(self) -> None:
        """Show what stands in the field."""
        self.edit.setEchoMode(QLineEdit.EchoMode.Normal)
        self._draw()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Watch for letters that only Caps Lock explains."""
        typed = isinstance(event, QKeyEvent) and event.type() is QEvent.Type.KeyPress
        if typed and isinstance(event, QKeyEvent) and event.text().isalpha():
            shift = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
            self.caps.setText(_CAPS_HINT)
            self.caps.setVisible(caps_lock_suspected(event.text(), shift=shift))
        return super().eventFilter(watched, event)

    def _toggle(self) -> None:
        hidden = self.edit.echoMode() is QLineEdit.EchoMode.Password
        modes = QLineEdit.EchoMode
        self.edit.setEchoMode(modes.Normal if hidden else modes.Password)
        self._draw()

    def _draw(self) -> None:
        hidden = self.edit.echoMode() is QLineEdit.EchoMode.Password
        self.eye.setIcon(self._theme.icon("eye" if hidden else "eye-off", "quiet"))
        verb = "Show" if hidden else "Hide"
        self.eye.setToolTip(f"{verb} {self._name.lower()}")
        self.eye.setAccessibleName(f"{verb} {self._name.lower()}")


class StartPage(QWidget):
    """A card in the middle of the window: the frame of set-up and unlock."""

    folder_wanted = Signal(object)
    """Another folder was chosen."""

    def __init__(self, theme: Theme, title: str) -> None:
        """Show the mark of the product above a title."""
        super().__init__()
        self._theme = theme
        self.folder = Path()
        self.card = card()
        self.card.setFixedWidth(_WIDTH)
        self.body = QVBoxLayout(self.card)
        self.body.setContentsMargins(36, 30, 36, 30)
        self.body.setSpacing(10)
        self._mark = QLabel()
        self.heading = label(title, "title")
        self.body.addWidget(self._mark)
        self.body.addWidget(self.heading)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(self.card)
        middle.addStretch(1)
        inside = QWidget()
        tall = QVBoxLayout(inside)
        tall.addStretch(1)
        tall.addLayout(middle)
        tall.addStretch(1)
        area = QScrollArea()  # for windows that are lower than the card
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(area)
        picture = theme.pixmap("app", "text", 104)
        picture.setDevicePixelRatio(2)
        self._mark.setPixmap(picture)

    def add_folder_row(self, what: str) -> None:
        """Add the line that names the folder and lets a person choose another."""
        self.body.addWidget(label(what, "quiet"))
        row = QHBoxLayout()
        self.folder_label = label("", wrap=True)
        self.folder_label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.change_folder = button("Choose…", self._choose)
        self.change_folder.setAccessibleName("Choose another folder")
        row.addWidget(self.folder_label, 1)
        row.addWidget(self.change_folder)
        self.body.addLayout(row)

    def add_problem(self) -> None:
        """Add the place where a problem is told, and the bar that shows work."""
        self.problem = label("", "problem", wrap=True)
        self.hint = label("", "quiet", wrap=True)
        self.busy = QProgressBar(textVisible=False)
        self.busy.setRange(0, 0)
        self.busy.setAccessibleName("Working")
        for part in (self.problem, self.hint, self.busy):
            part.hide()
            self.body.addWidget(part)

    def show_folder(self, folder: Path) -> None:
        """Show the folder that is meant."""
        self.folder = folder
        self.folder_label.setText(str(folder))
        self.show_problem(None)

    def show_problem(self, error: AppError | None) -> None:
        """Tell what went wrong, with its own sentence and hint."""
        self.problem.setText(error.sentence if error else "")
        self.hint.setText(error.advice if error else "")
        self.problem.setVisible(error is not None)
        self.hint.setVisible(bool(error and error.advice))

    def set_busy(self, *, busy: bool) -> None:
        """Show that work is going on, and take no other input."""
        self.busy.setVisible(busy)
        for part in self.card.findChildren(QWidget):
            if part is not self.busy and part.focusPolicy() is not Qt.FocusPolicy.NoFocus:
                part.setEnabled(not busy)

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the vault", str(self.folder))
        if chosen:
            self.folder_wanted.emit(Path(chosen))


class UnlockPage(StartPage):
    """Opens a vault with its passphrase."""

    unlocked = Signal(str, bool)
    """The passphrase, and whether this computer shall remember."""
    demo_wanted = Signal()

    def __init__(self, theme: Theme) -> None:
        """Begin without a folder."""
        super().__init__(theme, "Unlock your vault")
        self.demo = _note(_DEMO)
        self.body.addWidget(self.demo)
        self.add_folder_row("Vault")
        self.body.addSpacing(4)
        self.body.addWidget(label("Passphrase", "quiet"))
        self.passphrase = PassphraseField(theme, "Passphrase")
        self.body.addWidget(self.passphrase)
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
        self.offer = button("Open the demonstration vault instead", self.demo_wanted.emit, "link")
        self.body.addWidget(self.offer)
        self.passphrase.confirmed.connect(self._submit)
        self.passphrase.changed.connect(self._enable)
        self._enable()

    def show_vault(self, folder: Path, state: VaultState, *, offer_demo: bool) -> None:
        """Show which vault is to be opened, and offer the demonstration vault where one is."""
        self.show_folder(folder)
        self.offer.setVisible(offer_demo)
        self.demo.setVisible(state.demo)
        self.passphrase.clear()
        self.remember.setChecked(False)
        self._enable()
        self.passphrase.setFocus()

    def set_busy(self, *, busy: bool) -> None:
        """Show that the key is being made."""
        super().set_busy(busy=busy)
        self.unlock.setText("Unlocking…" if busy else "Unlock")
        if not busy:
            self._enable()
            self.passphrase.setFocus()

    def _enable(self) -> None:
        self.unlock.setEnabled(bool(self.passphrase.text()))

    def _submit(self) -> None:
        passphrase = self.passphrase.text()
        if passphrase:
            self.passphrase.clear()
            self.unlocked.emit(passphrase, self.remember.isChecked())


class SetUpPage(StartPage):
    """Makes a vault on the first start."""

    created = Signal(str)
    """The passphrase of the new vault."""

    def __init__(self, theme: Theme, generate: Callable[[], str]) -> None:
        """`generate` gives a passphrase that nobody can guess."""
        super().__init__(theme, "Welcome to AutoInsights")
        self._generate = generate
        intro = (
            "Your calls are kept in a vault: sealed on this computer and redacted before anyone"
            " reads them. Choose where it lives and a passphrase that opens it."
        )
        self.body.addWidget(label(intro, "quiet", wrap=True))
        self.body.addSpacing(4)
        self.add_folder_row("Where to keep the vault")
        self.body.addWidget(line())
        self._add_passphrases(theme)
        self._add_warning()
        self.add_problem()
        self.make = button("Create the vault", self._submit, "primary")
        self.make.setMinimumHeight(38)
        self.body.addWidget(self.make)
        self._judge()

    def _add_passphrases(self, theme: Theme) -> None:
        row = QHBoxLayout()
        row.addWidget(
            label(f"Passphrase, at least {words.SHORTEST_PASSPHRASE} characters", "quiet")
        )
        row.addStretch(1)
        self.suggest = button("Make one for me", self._make, "link")
        row.addWidget(self.suggest)
        self.body.addLayout(row)
        self.generated = label("", "passphrase", wrap=True)
        self.generated.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.generated.setAccessibleName("The passphrase that was made for you")
        self.generated.hide()
        self.body.addWidget(self.generated)
        self.passphrase = PassphraseField(theme, "Passphrase")
        self.meter = QProgressBar(textVisible=False, maximum=100)
        self.meter.setAccessibleName("Length of the passphrase")
        self.again = PassphraseField(theme, "Passphrase again")
        self.advice = label("", "quiet")
        self.body.addWidget(self.passphrase)
        self.body.addWidget(self.meter)
        self.body.addWidget(label("The same again", "quiet"))
        self.body.addWidget(self.again)
        self.body.addWidget(self.advice)
        for field in (self.passphrase, self.again):
            field.changed.connect(self._judge)
            field.confirmed.connect(self._submit)

    def _add_warning(self) -> None:
        self.body.addWidget(_note(_LOSS))
        self.understood = QCheckBox("I have kept the passphrase in a safe place")
        self.understood.toggled.connect(self._judge)
        self.body.addWidget(self.understood)

    def show_new(self, folder: Path) -> None:
        """Offer a folder for the new vault."""
        self.show_folder(folder)
        self.passphrase.setFocus()

    def set_busy(self, *, busy: bool) -> None:
        """Show that the vault is being made."""
        super().set_busy(busy=busy)
        self.make.setText("Creating the vault…" if busy else "Create the vault")
        if not busy:
            self._judge()

    def forget(self) -> None:
        """Clear everything that was typed or made."""
        for field in (self.passphrase, self.again):
            field.clear()
        self.generated.clear()
        self.generated.hide()
        self.understood.setChecked(False)

    def _make(self) -> None:
        made = self._generate()
        self.generated.setText(made)
        self.generated.show()
        self.passphrase.edit.setText(made)
        self.again.clear()
        self.again.setFocus()

    def _judge(self) -> None:
        typed, again = self.passphrase.text(), self.again.text()
        advice = words.passphrase_hint(typed, again)
        self.advice.setText(advice or "Both are the same.")
        self.meter.setValue(words.passphrase_fill(typed))
        enough = len(typed) >= words.SHORTEST_PASSPHRASE
        set_kind(self.meter, "enough" if enough else "short")
        self.meter.setAccessibleDescription(advice)
        self.make.setEnabled(not advice and self.understood.isChecked())

    def _submit(self) -> None:
        if self.make.isEnabled():
            self.created.emit(self.passphrase.text())


def _note(text: str) -> QFrame:
    made = QFrame()
    made.setProperty("kind", "note")
    inside = QVBoxLayout(made)
    inside.setContentsMargins(14, 10, 14, 10)
    inside.addWidget(label(text, wrap=True))
    return made
