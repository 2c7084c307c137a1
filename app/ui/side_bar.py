"""The bar at the side: leads to the pages, and tells which vault is open and for whom."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QToolButton, QVBoxLayout

from app.counts import counted
from app.domain import JobState
from app.ui import words
from app.ui.rights import Page
from app.ui.widgets import label

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from app.ui.desk import Desk

ENTRIES = {
    Page.CALLS: ("Calls", "Ctrl+1", "calls"),
    Page.QUEUE: ("Queue", "Ctrl+2", "queue"),
    Page.JUDGING: ("Judge redaction", "Ctrl+3", "eye-off"),
    Page.PEOPLE: ("People and rules", "Ctrl+4", "people"),
    Page.AUDIT: ("Audit", "Ctrl+5", "audit"),
    Page.ACCOUNT: ("Your account", "Ctrl+6", "person"),
}


class SideBar(QFrame):
    """Leads to the pages that the person can use."""

    chosen = Signal(object)
    """The `Page` that a person wants to see."""

    def __init__(self, name: str, desk: Desk) -> None:
        """Begin without a vault; `name` is the product's."""
        super().__init__()
        self.setObjectName("side")
        self.setFixedWidth(200)
        self._theme = desk.theme
        self._failed = False
        self.entries: dict[Page, QToolButton] = {}
        for page, (title, key, _) in ENTRIES.items():
            entry = self._entry(title, key)
            entry.setCheckable(True)
            entry.setAutoExclusive(True)
            entry.clicked.connect(lambda _=False, page=page: self.chosen.emit(page))
            self.entries[page] = entry
        self.calls, self.queue = self.entries[Page.CALLS], self.entries[Page.QUEUE]
        self.keys, self.lock = self._entry("Keyboard", "F1"), self._entry("Lock", "Ctrl+L")
        self.person = label("", wrap=True)
        self.vault = label("", "quiet", wrap=True)
        for text in (self.person, self.vault):
            text.setContentsMargins(12, 0, 0, 0)
        self._mark = QLabel()
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self._mark)
        top.addWidget(label(name, "heading"), 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 18, 12, 14)
        whole.setSpacing(4)
        whole.addLayout(top)
        whole.addSpacing(18)
        for entry in self.entries.values():
            whole.addWidget(entry)
        whole.addStretch(1)
        whole.addWidget(self.keys)
        whole.addWidget(self.lock)
        whole.addSpacing(8)
        whole.addWidget(self.person)
        whole.addWidget(self.vault)
        self._draw()
        desk.theme.changed.connect(self._draw)

    def show_vault(self, folder: Path, person: str, *, demo: bool) -> None:
        """Name the vault that is open and who is signed in."""
        self.person.setText(person)
        self.vault.setText(f"{'Demonstration vault' if demo else 'Vault'}: {folder.name}")
        self.vault.setToolTip(str(folder))

    def offer(self, pages: Iterable[Page]) -> None:
        """Lead to these pages only."""
        offered = frozenset(pages)
        for page, entry in self.entries.items():
            entry.setVisible(page in offered)

    def mark(self, page: Page) -> None:
        """Show which page is seen."""
        self.entries[page].setChecked(True)

    def show_totals(self, totals: dict[JobState, int]) -> None:
        """Show how much waits and how much failed beside the queue."""
        waiting = totals.get(JobState.QUEUED, 0) + totals.get(JobState.RUNNING, 0)
        failed = totals.get(JobState.FAILED, 0)
        self.queue.setText(f"  Queue  ({waiting:,})" if waiting else "  Queue")
        self.queue.setToolTip(f"Queue (Ctrl+2): {words.totals(totals)}")
        self._failed = failed > 0
        self._draw()
        self.queue.setAccessibleName(f"Queue, {words.totals(totals)}")

    def show_requests(self, waiting: int) -> None:
        """Show how many requests wait for this person's decision."""
        people = self.entries[Page.PEOPLE]
        people.setText(f"  People  ({waiting:,})" if waiting else "  People and rules")
        waits = f", {counted(waiting, 'request')} to decide" if waiting else ""
        people.setAccessibleName(f"People and rules{waits}")

    def _entry(self, name: str, key: str) -> QToolButton:
        entry = QToolButton()
        entry.setText(f"  {name}")
        entry.setAccessibleName(name)
        entry.setToolTip(f"{name} ({key})")
        entry.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        entry.setIconSize(QSize(18, 18))
        entry.setFixedWidth(176)
        entry.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return entry

    def _draw(self) -> None:
        pictures = {entry: ENTRIES[page][2] for page, entry in self.entries.items()}
        pictures |= {self.keys: "help", self.lock: "lock"}
        if self._failed:
            pictures[self.queue] = "failed"
        for entry, icon in pictures.items():
            entry.setIcon(self._theme.icon(icon, "side_text"))
        picture = self._theme.pixmap("app", "text", 60)
        picture.setDevicePixelRatio(2)
        self._mark.setPixmap(picture)
