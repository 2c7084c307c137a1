"""The word list: names, products and places by which recognised words are corrected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from app.counts import counted
from app.domain import Subject, WordListState
from app.ui.widgets import button, label

if TYPE_CHECKING:
    from app.domain import Changes
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.workspace import Workspace

_HINT = (
    "One entry on each line, and behind = how it sounds, where its letters do not tell. [names],"
    " [products], [places] and [others] begin sections. What is analysed from now on goes by the"
    " list. People of the list are redacted, and nothing is redacted less because of it."
)
_EXAMPLE = "[products]\nVelmora\n\n[names]\nSiobhan Kerrigan = shivawn kerrigan"
_NOTHING = WordListState(text="", entries=0, sha256=None)


def wrong_line(sentence: str) -> int | None:
    """Return the first line that a refusal names, counted from 0."""
    found = re.search(r"\bLine (\d+):", sentence)
    return int(found[1]) - 1 if found else None


class WordListTab(QWidget):
    """Shows the word list and changes it."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self._state = _NOTHING
        self.text = QPlainTextEdit()
        self.text.setAccessibleName("Word list, one entry on each line")
        self.text.setPlaceholderText(_EXAMPLE)
        self.text.setTabChangesFocus(True)
        self.count = label("", "quiet")
        self.wrong = label("", "problem", wrap=True)
        self.keep = button("Keep the list", self._keep, "primary")
        self.undo = button("Leave it as it is", self._show)
        self._build()
        self.text.textChanged.connect(self._enable)
        desk.tasks.announced.connect(self._changed)
        self._show()

    def open(self, workspace: Workspace | None) -> None:
        """Show the list of a workspace, or none."""
        self._workspace = workspace
        self._state = _NOTHING
        self._show()
        self.refresh()

    def refresh(self) -> None:
        """Read the list again, unless a person is changing it."""
        workspace = self._workspace
        if workspace is not None and not self._differs():
            self._desk.tasks.query(workspace.vocabulary.get, self._take, key="word-list")

    def _build(self) -> None:
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 12, 0, 0)
        whole.setSpacing(8)
        whole.addWidget(label(_HINT, "quiet", wrap=True))
        whole.addWidget(self.text, 1)
        whole.addWidget(self.wrong)
        ends = QHBoxLayout()
        ends.addWidget(self.keep)
        ends.addWidget(self.undo)
        ends.addStretch(1)
        ends.addWidget(self.count)
        whole.addLayout(ends)

    def _take(self, state: WordListState) -> None:
        if not self._differs():
            self._state = state
            self._show()

    def _show(self) -> None:
        self.text.setPlainText(self._state.text)
        entries = self._state.entries
        self.count.setText(counted(entries, "entry", "entries") if entries else "No list yet")
        self._enable()

    def _differs(self) -> bool:
        return self.text.toPlainText() != self._state.text.replace("\r\n", "\n")

    def _enable(self) -> None:
        self.keep.setEnabled(self._differs())
        self.undo.setVisible(self._differs())
        self.wrong.setText("")
        self.wrong.hide()

    def _keep(self) -> None:
        workspace, text = self._workspace, self.text.toPlainText()
        if workspace is not None:
            self._desk.tasks.change(
                lambda: workspace.vocabulary.change(text), self._kept, failed=self._refused
            )

    def _kept(self) -> None:
        self._state = WordListState(text=self.text.toPlainText(), entries=0, sha256=None)
        self.refresh()
        self._desk.messages.note("The word list is kept.")

    def _refused(self, error: AppError) -> None:
        self.wrong.setText(error.sentence)
        self.wrong.show()
        line = wrong_line(error.sentence)
        if line is not None:
            cursor = QTextCursor(self.text.document().findBlockByNumber(line))
            cursor.select(QTextCursor.SelectionType.LineUnderCursor)
            self.text.setTextCursor(cursor)
        self.text.setFocus()

    def _changed(self, changes: Changes) -> None:
        if Subject.SETTINGS in changes and self.isVisible():
            self.refresh()
