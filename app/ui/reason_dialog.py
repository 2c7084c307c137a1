"""Asks for a reason before something is done that others will ask about."""

from __future__ import annotations

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from app.ui.widgets import button, label


class ReasonDialog(QDialog):
    """Takes a reason; with `needed=False` it only asks whether something shall be done."""

    given = Signal(str)
    """The reason, once a person confirmed."""

    def __init__(
        self, parent: QWidget, title: str, sentence: str, act: str, *, needed: bool = True
    ) -> None:
        """Ask with a sentence that says what will happen; `act` is what the button does."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setMinimumWidth(500)
        self.reason = QLineEdit(placeholderText="Kept in the audit log for good: name no customer")
        self.reason.setAccessibleName("Reason")
        self.reason.setMaxLength(500)
        self.reason.setVisible(needed)
        self._needed = needed
        self.confirm = button(act, self._confirm, "primary")
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 20, 24, 20)
        whole.setSpacing(12)
        whole.addWidget(label(title, "heading"))
        whole.addWidget(label(sentence, wrap=True))
        if needed:
            whole.addWidget(label("Reason", "quiet"))
        whole.addWidget(self.reason)
        ends = QHBoxLayout()
        ends.addStretch(1)
        ends.addWidget(button("Cancel", self.reject))
        ends.addWidget(self.confirm)
        whole.addSpacing(4)
        whole.addLayout(ends)
        self.confirm.setDefault(True)
        self.reason.textChanged.connect(self._enable)
        self._enable()
        (self.reason if needed else self.confirm).setFocus()

    def _enable(self) -> None:
        self.confirm.setEnabled(not self._needed or bool(self.reason.text().strip()))

    def _confirm(self) -> None:
        reason = self.reason.text().strip()
        self.accept()
        self.given.emit(reason)
