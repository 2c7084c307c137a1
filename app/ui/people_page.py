"""The page about people and rules: requests, people, teams, rules, retention, word list; of that
what one has to do with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QTabWidget, QVBoxLayout, QWidget

from app.ui import rights
from app.ui.consent import Consent
from app.ui.people_tab import PeopleTab
from app.ui.requests_tab import RequestsTab
from app.ui.retention_tab import RetentionTab
from app.ui.rights import Tab
from app.ui.rules_tab import RulesTab
from app.ui.teams_tab import TeamsTab
from app.ui.widgets import label
from app.ui.word_list_tab import WordListTab

if TYPE_CHECKING:
    from app.ui.desk import Desk
    from app.workspace import Workspace

_Part = RequestsTab | PeopleTab | TeamsTab | RulesTab | RetentionTab | WordListTab


class PeoplePage(QWidget):
    """Holds the parts that the person has to do with."""

    call_wanted = Signal(str)

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        super().__init__()
        self._consent = consent = Consent(desk)
        self.requests, self.people = RequestsTab(desk, consent), PeopleTab(desk, consent)
        self.teams, self.rules = TeamsTab(desk, consent), RulesTab(desk, consent)
        self.retention, self.word_list = RetentionTab(desk), WordListTab(desk)
        self._parts: dict[Tab, _Part] = {
            Tab.REQUESTS: self.requests,
            Tab.PEOPLE: self.people,
            Tab.TEAMS: self.teams,
            Tab.RULES: self.rules,
            Tab.RETENTION: self.retention,
            Tab.WORDS: self.word_list,
        }
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.tabs.tabBar().setAccessibleName("Parts of this page")
        self.tabs.currentChanged.connect(self._refresh)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 18, 24, 18)
        whole.setSpacing(12)
        whole.addWidget(label("People and rules", "page-title"))
        whole.addWidget(self.tabs, 1)
        self.requests.call_wanted.connect(self.call_wanted)

    def open(self, workspace: Workspace | None) -> None:
        """Show the parts of a workspace that the person has to do with, or nothing."""
        self._consent.open(workspace)
        offered = () if workspace is None else rights.tabs(workspace.session.rights)
        self.tabs.clear()
        for tab, part in self._parts.items():
            part.open(workspace if tab in offered else None)
            if tab in offered:
                self.tabs.addTab(part, tab.value)

    def show_tab(self, tab: Tab) -> None:
        """Show one part."""
        self.tabs.setCurrentWidget(self._parts[tab])

    def come(self) -> None:
        """Come into view."""
        self._refresh()
        self.tabs.tabBar().setFocus()

    def _refresh(self) -> None:
        shown = self.tabs.currentWidget()
        if self.isVisible() and isinstance(shown, _Part):
            shown.refresh()
