"""Asks who a person is and what they may do: for somebody new, or to change that."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QRadioButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.access import ROLES
from app.domain import EVERYTHING, Person, PersonName, PersonRole, Right, Scope
from app.ui import people_words, start_page
from app.ui.passphrase_fields import NewPassphrase
from app.ui.widgets import Section, button, label

if TYPE_CHECKING:
    from app.domain import KnownNames, Team
    from app.ui.desk import Desk


def named(text: str) -> tuple[str, ...]:
    """Return the names in a text with commas between them."""
    return tuple(name for part in text.split(",") if (name := part.strip()))


class PersonDialog(QDialog):
    """Takes name, roles, further rights, scope, and for somebody new a passphrase."""

    given = Signal(object, str)
    """The person as wanted, and the passphrase of somebody new; the dialog is still open."""

    def __init__(
        self,
        parent: QWidget,
        desk: Desk,
        teams: tuple[Team, ...],
        known: KnownNames,
        person: Person | None = None,
    ) -> None:
        """Ask for somebody new, or change `person`; `known` are the queues that there are."""
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = "Add a person" if person is None else f"Change {person.name}"
        self.setWindowTitle(title)
        self.resize(600, 680)
        self._new_person = person is None
        self._known = known
        inside = QWidget()
        self._body = QVBoxLayout(inside)
        self._body.setContentsMargins(2, 2, 10, 2)
        self._body.setSpacing(8)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        self.name = start_page.field("Name under which the person signs in", longest=64)
        self.roles = {role: QCheckBox(people_words.ROLES[role][0]) for role in PersonRole}
        self.extra = {right: QCheckBox(_capital(people_words.RIGHTS[right])) for right in Right}
        self.everything, self.limited = QRadioButton("All calls"), QRadioButton("Only these:")
        self.queues = start_page.field("Queues, with commas between", "Billing, Complaints")
        self.unknown = label("", "notice", wrap=True)
        self.teams = {team.name: QCheckBox(team.name) for team in teams}
        self.new = NewPassphrase(desk)
        self._build(desk, title)
        self.keep = button("Add" if person is None else "Change", self._keep, "primary")
        self.keep.setDefault(True)
        ends = QHBoxLayout()
        ends.addStretch(1)
        ends.addWidget(button("Cancel", self.reject))
        ends.addWidget(self.keep)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 20, 16, 20)
        whole.addWidget(label(title, "heading"))
        whole.addWidget(area, 1)
        whole.addLayout(ends)
        self._fill(person)
        self._connect()
        (self.name if person is None else self.roles[PersonRole.ADMINISTRATOR]).setFocus()
        self._judge()

    def person(self) -> Person:
        """Return the person as the fields say."""
        scope = EVERYTHING
        if self.limited.isChecked():
            teams = tuple(name for name, box in self.teams.items() if box.isChecked())
            scope = Scope(limited=True, queues=named(self.queues.text()), teams=teams)
        roles = frozenset(role for role, box in self.roles.items() if box.isChecked())
        by_role = frozenset[Right]().union(*(ROLES[role] for role in roles))
        extra = frozenset(right for right, box in self.extra.items() if box.isChecked())
        return Person(
            name=PersonName(self.name.text().strip()),
            roles=roles,
            granted=extra - by_role,
            scope=scope,
        )

    def _build(self, desk: Desk, title: str) -> None:
        if title.startswith("Add"):
            self._body.addWidget(label("Name", "quiet"))
            self._body.addWidget(self.name)
        self._body.addWidget(label("Roles", "quiet"))
        for role, box in self.roles.items():
            self._body.addWidget(box)
            meaning = label(people_words.ROLES[role][1], "quiet", wrap=True)
            meaning.setContentsMargins(30, 0, 0, 4)
            box.setAccessibleDescription(people_words.ROLES[role][1])
            self._body.addWidget(meaning)
        more = Section("Further rights", desk.theme, opened=False)
        for box in self.extra.values():
            more.content.addWidget(box)
        self._body.addWidget(more)
        self._body.addWidget(label("Which calls are there for this person", "quiet"))
        self._body.addWidget(self.everything)
        self._body.addWidget(self.limited)
        self._limits = QWidget()
        limits = QVBoxLayout(self._limits)
        limits.setContentsMargins(30, 0, 0, 0)
        limits.addWidget(label("Queues, with commas between", "quiet"))
        limits.addWidget(self.queues)
        limits.addWidget(self.unknown)
        if self.teams:
            limits.addWidget(label("Teams", "quiet"))
        for box in self.teams.values():
            limits.addWidget(box)
        self._body.addWidget(self._limits)
        if title.startswith("Add"):
            self._body.addWidget(self.new)
        self._body.addStretch(1)

    def _fill(self, person: Person | None) -> None:
        self.everything.setChecked(person is None or not person.scope.limited)
        if person is None:
            self.roles[PersonRole.REVIEWER].setChecked(True)
        else:
            self.name.setText(person.name)
            for role, box in self.roles.items():
                box.setChecked(role in person.roles)
            for right, box in self.extra.items():
                box.setChecked(right in person.granted)
            self.limited.setChecked(person.scope.limited)
            self.queues.setText(", ".join(person.scope.queues))
            for name, box in self.teams.items():
                box.setChecked(name in person.scope.teams)
        self._limits.setVisible(self.limited.isChecked())

    def _connect(self) -> None:
        self.limited.toggled.connect(self._limits.setVisible)
        self.name.textChanged.connect(lambda name: self.new.set_person(name.strip()))
        self.name.textChanged.connect(self._judge)
        self.queues.textChanged.connect(self._judge)
        self.new.changed.connect(self._judge)
        for box in (*self.roles.values(), *self.extra.values()):
            box.toggled.connect(self._judge)

    def _judge(self) -> None:
        wanted = self.person()
        may_something = bool(wanted.roles or wanted.granted)
        named_well = bool(wanted.name) and (not self._new_person or self.new.ready())
        self.keep.setEnabled(may_something and named_well)
        remark = people_words.unknown(wanted.scope, self._known)
        self.unknown.setText(remark)
        self.unknown.setVisible(bool(remark))

    def _keep(self) -> None:
        self.given.emit(self.person(), self.new.text())

    def done(self, result: int) -> None:
        """Close, and forget what was typed."""
        self.new.clear()
        super().done(result)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
