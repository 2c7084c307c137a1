"""The table of people: who is in the vault, and what can be done about it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.access import same_person
from app.domain import KnownNames, Person, PersonState, Subject
from app.ui import people_words, words
from app.ui.person_dialog import PersonDialog
from app.ui.secret_dialogs import PassphraseDialog
from app.ui.widgets import button

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.domain import Changes, PersonName, Team
    from app.ui.consent import Consent
    from app.ui.desk import Desk
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

    Op = Callable[[Workspace, Confirmed], Changes]

_HEADERS = ("Name", "Roles", "Sees", "Code", "State", "Since")
_WIDTHS = (150, 260, 190, 60, 220, 150)
_LOOK_AGAIN_MS = 60_000  # while somebody waits, whose time gets less


class PersonAct(StrEnum):
    """What can be done about a person, as the buttons name it."""

    CHANGE = "Change…"
    RENEW = "New passphrase…"
    NO_CODE = "Take the code away…"
    RELEASE = "End waiting"
    SUSPEND = "Suspend…"
    RESTORE = "Let in again"
    REMOVE = "Remove…"


_SENTENCES = {
    PersonAct.RELEASE: "{name} need not wait any more after failed sign-ins.",
    PersonAct.RESTORE: "{name} can sign in again.",
    PersonAct.NO_CODE: "{name} signs in without a code until a second factor is set up again, such"
    " as after the loss of a telephone.",
    PersonAct.SUSPEND: "{name} can sign in no more until somebody lets them in again.",
    PersonAct.REMOVE: "{name} can never sign in again, and nobody else gets this name. What"
    " {name} did stays in the audit log.",
}
_WHO = "An open window is nobody's consent: this says that it is you who asks for it."
_DONE = {
    PersonAct.NO_CODE: "{name} needs no code any more.",
    PersonAct.RELEASE: "{name} may try to sign in again at once.",
    PersonAct.SUSPEND: "{name} may sign in no more.",
    PersonAct.RESTORE: "{name} may sign in again.",
    PersonAct.REMOVE: "{name} is taken out of the vault.",
}


def acts(person: Person | None, *, own: bool) -> list[PersonAct]:
    """Return what can be done about a person; nobody shuts themselves out."""
    if person is None or person.state is PersonState.REMOVED:
        return []
    active = person.state is PersonState.ACTIVE
    offered = {
        PersonAct.CHANGE: True,
        PersonAct.RENEW: True,
        PersonAct.NO_CODE: person.second_factor,
        PersonAct.RELEASE: active and not own,
        PersonAct.SUSPEND: active and not own,
        PersonAct.RESTORE: not active and not own,
        PersonAct.REMOVE: not own,
    }
    return [act for act, there in offered.items() if there]


def cells(person: Person, waits_until: str | None, now: datetime) -> tuple[str, ...]:
    """Return the line of a person, who may have to wait before they sign in."""
    return (
        person.name,
        people_words.roles(person),
        people_words.scope(person.scope),
        "yes" if person.second_factor else "no",
        people_words.state(person, waits_until, now),
        words.moment(person.added_at),
    )


@dataclass(frozen=True, slots=True)
class Everybody:
    """What the tab shows, and what it needs to ask about somebody."""

    people: tuple[Person, ...] = ()
    waits: Mapping[PersonName, str] = field(default_factory=dict)
    teams: tuple[Team, ...] = ()
    known: KnownNames = field(default_factory=KnownNames)


def read(workspace: Workspace) -> Everybody:
    """Return everybody in a vault."""
    people = workspace.people
    return Everybody(people.list(), people.waits(), workspace.teams.list(), people.known_names())


class PeopleTab(QWidget):
    """Shows everybody and offers what can be done about the person who is selected."""

    def __init__(self, desk: Desk, consent: Consent) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk, self._consent = desk, consent
        self._workspace: Workspace | None = None
        self._all = Everybody()
        self._again = QTimer(self, singleShot=True, interval=_LOOK_AGAIN_MS)
        self._again.timeout.connect(self._look_again)
        self.add = button("Add a person…", self._add, "primary")
        self.buttons = {act: button(act.value, partial(self.act, act)) for act in PersonAct}
        self.table = self._build_table()
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.add)
        row.addStretch(1)
        for made in self.buttons.values():
            row.addWidget(made)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 12, 0, 0)
        whole.setSpacing(10)
        whole.addLayout(row)
        whole.addWidget(self.table, 1)
        desk.tasks.announced.connect(self._changed)
        self._offer()

    def open(self, workspace: Workspace | None) -> None:
        """Show the people of a workspace, or nobody."""
        self._workspace = workspace
        self._show(Everybody())
        self.refresh()

    def refresh(self) -> None:
        """Read the people again."""
        workspace = self._workspace
        if workspace is not None:
            self._desk.tasks.query(lambda: read(workspace), self._show, key="people")

    def selected(self) -> Person | None:
        """Return the person who is selected."""
        number = self.table.currentRow()
        people = self._all.people
        return people[number] if 0 <= number < len(people) else None

    def select(self, name: str) -> None:
        """Select a person."""
        for number, person in enumerate(self._all.people):
            if person.name == name:
                self.table.selectRow(number)

    def act(self, act: PersonAct) -> None:
        """Begin what a button offers for the person who is selected."""
        person = self.selected()
        if person is None:
            return
        if act is PersonAct.CHANGE:
            self._change(person)
        elif act is PersonAct.RENEW:
            self._passphrase(person)
        else:
            self._do(act, person)

    def _build_table(self) -> QTableWidget:
        table = QTableWidget(0, len(_HEADERS))
        table.setHorizontalHeaderLabels(_HEADERS)
        table.setAccessibleName("People")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setTabKeyNavigation(False)
        table.setWordWrap(False)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(40)
        columns = table.horizontalHeader()
        columns.setHighlightSections(False)
        columns.setFixedHeight(38)
        columns.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for column, width in enumerate(_WIDTHS):
            columns.resizeSection(column, width)
        columns.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        table.itemSelectionChanged.connect(self._offer)
        table.itemDoubleClicked.connect(lambda _: self.act(PersonAct.CHANGE))
        return table

    def _show(self, everybody: Everybody) -> None:
        before, now = self.selected(), datetime.now(UTC)
        self._all = everybody
        self.table.setRowCount(len(everybody.people))
        for number, person in enumerate(everybody.people):
            waits = everybody.waits.get(person.name)
            for column, text in enumerate(cells(person, waits, now)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                if person.state is not PersonState.ACTIVE:
                    item.setForeground(self._desk.theme.colour("quiet"))
                self.table.setItem(number, column, item)
        if before is not None:
            self.select(before.name)
        self._offer()
        if everybody.waits:
            self._again.start()
        else:
            self._again.stop()

    def _look_again(self) -> None:
        if self.isVisible():
            self.refresh()

    def _offer(self) -> None:
        workspace, person = self._workspace, self.selected()
        own = (
            workspace is not None
            and person is not None
            and same_person(person.name, workspace.session.name)
        )
        offered = acts(person, own=own)
        for act, made in self.buttons.items():
            made.setVisible(act in offered)

    def _changed(self, changes: Changes) -> None:
        if Subject.PEOPLE in changes and self.isVisible():
            self.refresh()

    def _tell(self, op: Op, confirmed: Confirmed, sentence: str) -> None:
        workspace = self._workspace
        if workspace is not None:
            note = self._desk.messages.note
            self._desk.tasks.change(lambda: op(workspace, confirmed), lambda: note(sentence))

    def _do(self, act: PersonAct, person: Person) -> None:
        name, text = person.name, act.value.removesuffix("…")
        state = partial(_set_state, name)
        ops: dict[PersonAct, Op] = {
            PersonAct.NO_CODE: lambda w, c: w.people.take_second_factor(name, confirmed=c),
            PersonAct.RELEASE: lambda w, c: w.people.release(name, confirmed=c),
            PersonAct.SUSPEND: partial(state, PersonState.SUSPENDED),
            PersonAct.RESTORE: partial(state, PersonState.ACTIVE),
            PersonAct.REMOVE: partial(state, PersonState.REMOVED),
        }
        self._consent.ask(
            self.window(),
            f"{text}: {name}",
            _SENTENCES[act].format(name=name),
            text,
            lambda confirmed: self._tell(ops[act], confirmed, _DONE[act].format(name=name)),
            sure=act.value.endswith("…"),
        )

    def _finish(self, dialog: QDialog, title: str, op: Op, sentence: str) -> None:
        """Do what a dialog was filled in for, and close it then."""

        def then(confirmed: Confirmed) -> None:
            dialog.accept()
            self._tell(op, confirmed, sentence)

        self._consent.ask(dialog, title, _WHO, "Go on", then)

    def _add(self) -> None:
        dialog = PersonDialog(self.window(), self._desk, self._all.teams, self._all.known)

        def given(person: Person, new: str) -> None:
            def add(workspace: Workspace, confirmed: Confirmed) -> Changes:
                return workspace.people.add(person, new, confirmed=confirmed)

            self._finish(dialog, f"Add {person.name}", add, f"{person.name} is in the vault.")

        dialog.given.connect(given)
        dialog.open()

    def _change(self, person: Person) -> None:
        everybody = self._all
        dialog = PersonDialog(self.window(), self._desk, everybody.teams, everybody.known, person)

        def given(wanted: Person, _: str) -> None:
            changed = replace(
                person, roles=wanted.roles, granted=wanted.granted, scope=wanted.scope
            )

            def change(workspace: Workspace, confirmed: Confirmed) -> Changes:
                return workspace.people.change(changed, confirmed=confirmed)

            done = f"{person.name} is changed; it counts when they sign in next."
            self._finish(dialog, f"Change {person.name}", change, done)

        dialog.given.connect(given)
        dialog.open()

    def _passphrase(self, person: Person) -> None:
        name = person.name
        sentence = f"The old one lets {name} in no more. Tell them the new one in person."
        dialog = PassphraseDialog(self.window(), self._desk, name, sentence)

        def chosen(new: str) -> None:
            def renew(workspace: Workspace, confirmed: Confirmed) -> Changes:
                return workspace.people.set_passphrase(name, new, confirmed=confirmed)

            title = f"New passphrase for {name}"
            self._finish(dialog, title, renew, f"{name} has a new passphrase.")

        dialog.chosen.connect(chosen)
        dialog.open()


def _set_state(
    name: PersonName, state: PersonState, workspace: Workspace, confirmed: Confirmed
) -> Changes:
    return workspace.people.set_state(name, state, confirmed=confirmed)
