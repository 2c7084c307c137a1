"""Teams: named lists of agents, by which people's views are limited."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QListWidget, QPlainTextEdit, QVBoxLayout, QWidget

from app.counts import counted
from app.domain import Subject
from app.ui import start_page
from app.ui.widgets import button, label

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import Changes, Team
    from app.ui.consent import Consent
    from app.ui.desk import Desk
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

_HINT = "A person who is limited to a team sees the calls of its agents only."


def agents(text: str) -> tuple[str, ...]:
    """Return the agents that stand one on each line, each once."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(dict.fromkeys(line for line in lines if line))


class TeamsTab(QWidget):
    """Shows the teams and changes who is in them."""

    def __init__(self, desk: Desk, consent: Consent) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk, self._consent = desk, consent
        self._workspace: Workspace | None = None
        self._teams: tuple[Team, ...] = ()
        self.list = QListWidget()
        self.list.setAccessibleName("Teams")
        self.list.currentRowChanged.connect(self._choose)
        self.name = start_page.field("Name of the team", "Name of a new team", longest=64)
        self.agents = QPlainTextEdit()
        self.agents.setAccessibleName("Agents of the team, one on each line")
        self.agents.setPlaceholderText("One agent on each line, as the calls name them")
        self.agents.setTabChangesFocus(True)
        self.keep = button("Keep the team", self._keep, "primary")
        self.remove = button("Remove the team", self._remove)
        self.new = button("New team", self._clear)
        self._build()
        self.name.textChanged.connect(self._enable)
        self.agents.textChanged.connect(self._enable)
        desk.tasks.announced.connect(self._changed)
        self._enable()

    def open(self, workspace: Workspace | None) -> None:
        """Show the teams of a workspace, or none."""
        self._workspace = workspace
        self._show(())
        self._clear()
        self.refresh()

    def refresh(self) -> None:
        """Read the teams again."""
        workspace = self._workspace
        if workspace is not None:
            self._desk.tasks.query(workspace.teams.list, self._show, key="teams")

    def _build(self) -> None:
        left = QVBoxLayout()
        left.addWidget(self.list, 1)
        left.addWidget(self.new)
        right = QVBoxLayout()
        right.setSpacing(8)
        right.addWidget(label(_HINT, "quiet", wrap=True))
        right.addWidget(label("Name", "quiet"))
        right.addWidget(self.name)
        right.addWidget(label("Agents, one on each line", "quiet"))
        right.addWidget(self.agents, 1)
        ends = QHBoxLayout()
        ends.addStretch(1)
        ends.addWidget(self.remove)
        ends.addWidget(self.keep)
        right.addLayout(ends)
        whole = QHBoxLayout(self)
        whole.setContentsMargins(0, 12, 0, 0)
        whole.setSpacing(18)
        whole.addLayout(left, 2)
        whole.addLayout(right, 3)

    def _show(self, teams: tuple[Team, ...]) -> None:
        shown = self.name.text()
        self._teams = teams
        self.list.clear()
        for team in teams:
            self.list.addItem(f"{team.name}  ({counted(len(team.agents), 'agent')})")
        names = [team.name for team in teams]
        if shown in names:
            self.list.setCurrentRow(names.index(shown))
        self._enable()

    def _choose(self, number: int) -> None:
        if 0 <= number < len(self._teams):
            team = self._teams[number]
            self.name.setText(team.name)
            self.agents.setPlainText("\n".join(team.agents))

    def _clear(self) -> None:
        self.list.setCurrentRow(-1)
        self.name.clear()
        self.agents.clear()
        self.name.setFocus()

    def _enable(self) -> None:
        name = self.name.text().strip()
        self.keep.setEnabled(bool(name and agents(self.agents.toPlainText())))
        self.remove.setVisible(any(team.name.casefold() == name.casefold() for team in self._teams))

    def _keep(self) -> None:
        name, members = self.name.text().strip(), agents(self.agents.toPlainText())
        self._ask(f"Keep the team {name}", partial(self._do, name, members, "The team is kept."))

    def _remove(self) -> None:
        name = self.name.text().strip()

        def remove(confirmed: Confirmed) -> None:
            self._do(name, (), "The team is no more.", confirmed)
            self._clear()

        self._ask(f"Remove the team {name}", remove)

    def _ask(self, title: str, then: Callable[[Confirmed], None]) -> None:
        sentence = "It decides which calls are there for people who are limited to this team."
        self._consent.ask(self.window(), title, sentence, "Go on", then)

    def _do(self, name: str, members: tuple[str, ...], sentence: str, confirmed: Confirmed) -> None:
        workspace = self._workspace
        if workspace is not None:
            note = self._desk.messages.note
            self._desk.tasks.change(
                lambda: workspace.teams.keep(name, members, confirmed=confirmed),
                lambda: note(sentence),
            )

    def _changed(self, changes: Changes) -> None:
        if Subject.PEOPLE in changes and self.isVisible():
            self.refresh()
