"""Fields for passphrases: one that is typed to get in, and a new one that is judged meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QProgressBar, QVBoxLayout, QWidget

from app.ui import words
from app.ui.widgets import button, label, set_kind, tool, while_alive

if TYPE_CHECKING:
    from app.domain import PassphraseStrength
    from app.ui.desk import Desk
    from app.ui.theme import Theme

_CAPS_HINT = "Caps Lock seems to be on."
_TYPING_PAUSE_MS = 120


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


class NewPassphrase(QWidget):
    """A new passphrase, typed twice or made: a bar and a sentence say how hard it is to guess.

    Judging takes place beside the window, a moment after the last key.
    """

    changed = Signal()
    confirmed = Signal()

    def __init__(self, desk: Desk, what: str = "Passphrase") -> None:
        """Begin empty."""
        super().__init__()
        self._desk = desk
        self._name = ""
        self._judged: tuple[str, PassphraseStrength] | None = None
        self._pause = QTimer(self, singleShot=True, interval=_TYPING_PAUSE_MS)
        self._pause.timeout.connect(self._ask)
        self.suggest = button("Make one for me", self._make, "link")
        self.generated = label("", "passphrase", wrap=True)
        self.generated.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.generated.setAccessibleName("The passphrase that was made for you")
        self.generated.hide()
        self.passphrase = PassphraseField(desk.theme, what)
        self.meter = QProgressBar(textVisible=False, maximum=100)
        self.meter.setAccessibleName(f"Strength of the {what.lower()}")
        self.again = PassphraseField(desk.theme, f"{what} again")
        self.advice = label("", "quiet", wrap=True)
        self._build(what)
        for field in (self.passphrase, self.again):
            field.changed.connect(self._typed)
            field.confirmed.connect(self.confirmed)
        self.setFocusProxy(self.passphrase)
        self._show()

    def text(self) -> str:
        """Return the passphrase."""
        return self.passphrase.text()

    def set_person(self, name: str) -> None:
        """Judge the passphrase of somebody: their name is what others would try."""
        if name != self._name:
            self._name, self._judged = name, None
            self._typed()

    def ready(self) -> bool:
        """Return whether nothing is known that keeps the passphrase from being used."""
        return not self._hint()

    def clear(self) -> None:
        """Clear everything that was typed or made."""
        for field in (self.passphrase, self.again):
            field.clear()
        self.generated.clear()
        self.generated.setAccessibleName("The passphrase that was made for you")
        self.generated.hide()
        self._judged = None

    def _build(self, what: str) -> None:
        row = QHBoxLayout()
        needed = f"{what}, at least {words.SHORTEST_PASSPHRASE} characters"
        row.addWidget(label(needed, "quiet"))
        row.addStretch(1)
        row.addWidget(self.suggest)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(8)
        whole.addLayout(row)
        for part in (self.generated, self.passphrase, self.meter):
            whole.addWidget(part)
        whole.addWidget(label("The same again", "quiet"))
        whole.addWidget(self.again)
        whole.addWidget(self.advice)

    def _make(self) -> None:
        made = self._desk.passphrases.suggested()
        self.generated.setText(made)
        self.generated.setAccessibleName(f"The passphrase that was made for you: {made}")
        self.generated.show()
        self.passphrase.edit.setText(made)
        self.again.clear()
        self.again.setFocus()

    def _typed(self) -> None:
        self._show()
        if self._strength() is None:
            self._pause.start()
        self.changed.emit()

    def _ask(self) -> None:
        typed, name = self.text(), self._name
        if not typed:
            return
        strength = self._desk.passphrases.strength

        def then(found: PassphraseStrength) -> None:
            self._judged = (typed, found)
            self._show()
            self.changed.emit()

        key = f"strength.{id(self)}"
        self._desk.tasks.query(lambda: strength(typed, name), while_alive(self, then), key=key)

    def _strength(self) -> PassphraseStrength | None:
        """Return how strong what stands there is, if it was judged already."""
        judged = self._judged
        return judged[1] if judged is not None and judged[0] == self.text() else None

    def _hint(self) -> str:
        return words.passphrase_hint(self.text(), self.again.text(), self._strength())

    def _show(self) -> None:
        strength, hint = self._strength(), self._hint()
        sentence = words.passphrase_sentence(hint, strength)
        self.advice.setText(sentence)
        self.meter.setAccessibleDescription(sentence)
        if not self.text():
            self.meter.setValue(0)
        elif strength is not None:
            self.meter.setValue(round(strength.share * 100))
            set_kind(self.meter, "enough" if strength.good else "short")
