"""What stands around the pages: messages, the mark of a demonstration, the drop cover."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from app.ui.messages import Kind, Message
from app.ui.widgets import EmptyState, button, label, set_kind, tool

if TYPE_CHECKING:
    from app.ui.desk import Desk


class MessageBar(QFrame):
    """Shows the last message until it is dismissed or another takes its place."""

    def __init__(self, desk: Desk) -> None:
        """Begin hidden."""
        super().__init__()
        self._theme = desk.theme
        self.card = QFrame()
        self.card.setProperty("kind", "message")
        self.sentence = label("", "", wrap=True)
        self.hint = label("", "", wrap=True)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.sentence)
        texts.addWidget(self.hint)
        self.close_button = tool("Dismiss this message", self.dismiss)
        inside = QHBoxLayout(self.card)
        inside.setContentsMargins(14, 8, 8, 8)
        inside.addLayout(texts, 1)
        inside.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 14, 24, 0)
        whole.addWidget(self.card)
        self._draw()
        desk.theme.changed.connect(self._draw)
        self.hide()

    def tell(self, message: Message) -> None:
        """Show a message."""
        self.sentence.setText(message.sentence)
        self.hint.setText(message.hint)
        self.hint.setVisible(bool(message.hint))
        problem = message.kind is Kind.PROBLEM
        set_kind(self.card, "message-problem" if problem else "message")
        for part in (self.sentence, self.hint):
            set_kind(part, "")
        self.setAccessibleName(message.sentence)
        self.show()

    def dismiss(self) -> None:
        """Hide the message."""
        self.hide()

    def _draw(self) -> None:
        self.close_button.setIcon(self._theme.icon("close", "quiet"))


class DropCover(QFrame):
    """Covers the window while files are held over it."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        """Begin hidden."""
        super().__init__(parent)
        self.setProperty("kind", "drop")
        whole = QVBoxLayout(self)
        inside = EmptyState(desk.theme, "import")
        inside.say("Drop to import", "Files and whole folders; you can say more about them next.")
        whole.addWidget(inside)
        self.hide()

    def cover(self, widget: QWidget) -> None:
        """Lie over a widget."""
        self.setGeometry(widget.rect().adjusted(10, 10, -10, -10))
        self.raise_()
        self.show()


class ButtonKeys(QObject):
    """Lets the button or filter that has the focus keep Space and Enter for itself."""

    def __init__(self, parent: QObject) -> None:
        """Watch nothing yet."""
        super().__init__(parent)
        self._watched: QWidget | None = None

    def watch(self, old: QWidget | None, new: QWidget | None) -> None:
        """Watch the widget that has the focus now."""
        if old is not None:
            old.removeEventFilter(self)
        if isinstance(new, QAbstractButton | QComboBox):
            new.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keep Space from being a shortcut here, and press buttons by Enter."""
        if not isinstance(event, QKeyEvent):
            return False
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.type() is QEvent.Type.ShortcutOverride and (
            enter or event.key() == Qt.Key.Key_Space
        ):
            event.accept()
            return True
        if event.type() is QEvent.Type.KeyPress and enter and isinstance(watched, QAbstractButton):
            watched.click()
            return True
        return False


class DemoBanner(QFrame):
    """Marks every page of a demonstration vault, and leads to a vault of one's own."""

    own_vault_wanted = Signal()

    def __init__(self) -> None:
        """Begin hidden."""
        super().__init__()
        self.setObjectName("demo")
        self.own_vault = button("Use a vault of your own", self.own_vault_wanted.emit, "link")
        inside = QHBoxLayout(self)
        inside.setContentsMargins(24, 2, 24, 2)
        inside.addWidget(label("Demonstration vault: made-up calls. Real calls stay out of it."))
        inside.addStretch(1)
        inside.addWidget(self.own_vault)
        self.hide()
