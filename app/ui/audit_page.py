"""Stub."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

if TYPE_CHECKING:
    from app.ui.desk import Desk
    from app.workspace import Workspace


class AuditPage(QWidget):
    """Stub."""

    call_wanted = Signal(str)
    lock_wanted = Signal()

    def __init__(self, desk: Desk) -> None:
        """Begin."""
        super().__init__()
        self._desk = desk

    def open(self, workspace: Workspace | None) -> None:
        """Open."""

    def come(self) -> None:
        """Come."""
