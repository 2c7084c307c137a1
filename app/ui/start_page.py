"""The frame of the pages before a vault is shown: a card in the middle of the window.

They hold a passphrase only in their fields and clear them as soon as it has done its work.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
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

from app.ui.widgets import button, card, label

if TYPE_CHECKING:
    from app.errors import AppError
    from app.ui.theme import Theme

_WIDTH = 560


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
        self._draw_mark()
        theme.changed.connect(self._draw_mark)

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

    def show_remark(self, sentence: str) -> None:
        """Tell something that is no problem."""
        self.hint.setText(sentence)
        self.hint.setVisible(bool(sentence))

    def set_busy(self, *, busy: bool) -> None:
        """Show that work is going on, and take no other input."""
        self.busy.setVisible(busy)
        for part in self.card.findChildren(QWidget):
            if part is not self.busy and part.focusPolicy() is not Qt.FocusPolicy.NoFocus:
                part.setEnabled(not busy)

    def _draw_mark(self) -> None:
        picture = self._theme.pixmap("app", "text", 104)
        picture.setDevicePixelRatio(2)
        self._mark.setPixmap(picture)

    def _choose(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, "Folder of the vault", str(self.folder))
        if chosen:
            self.folder_wanted.emit(Path(chosen))


def field(name: str, hint: str = "", *, longest: int = 200) -> QLineEdit:
    """Return a field for one line of text; `name` says to screen readers what it is for."""
    made = QLineEdit(placeholderText=hint)
    made.setAccessibleName(name)
    made.setMinimumHeight(36)
    made.setMaxLength(longest)
    return made


def note(text: str) -> QFrame:
    """Return a text on a quiet ground."""
    made = QFrame()
    made.setProperty("kind", "note")
    inside = QVBoxLayout(made)
    inside.setContentsMargins(14, 10, 14, 10)
    inside.addWidget(label(text, wrap=True))
    return made
