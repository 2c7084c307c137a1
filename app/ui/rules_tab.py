"""The policy of the vault in plain words."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.access import WHOLE_NUMBERS
from app.counts import counted
from app.domain import GuardedAct, OriginalsRule, PersonRole, Policy, RequestState, Subject
from app.ui import people_words
from app.ui.reason_dialog import ReasonDialog
from app.ui.widgets import button, card, label

if TYPE_CHECKING:
    from PySide6.QtGui import QWheelEvent

    from app.domain import ApprovalRequest, Changes
    from app.ui.consent import Consent
    from app.ui.desk import Desk
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

_WIDTH = 860
_TITLE = "Change the rules"
_TWO = "One person asks, another one approves. Both stand in the audit log."
_CODE = "Who has one of these roles signs in with a code from their telephone as well."
_ACOUSTICS = (
    "Measures how loud each side speaks, from the next analysis on; nothing is judged by it. Many"
    " laws ask for more care with this: it stays off unless somebody decides otherwise."
)
_ORIGINALS = (
    "From the next analysis on: where the muted sound was heard again and nothing is left in it,"
    " the recording as it was imported is destroyed, in backups too. Nobody hears, exports or"
    " analyses it again. Calls that are held back or on legal hold keep theirs."
)
_CHANGED: Changes = frozenset({Subject.SETTINGS, Subject.REQUESTS})


def told(changed: int, waiting: int) -> str:
    """Return what became of changed rules, in one sentence."""
    parts = []
    if changed:
        parts.append(f"{counted(changed, 'rule')} changed.")
    if waiting:
        verb = "waits" if waiting == 1 else "wait"
        parts.append(f"{counted(waiting, 'change')} {verb} for a second person.")
    return " ".join(parts)


class RulesTab(QWidget):
    """Shows the rules and changes them."""

    def __init__(self, desk: Desk, consent: Consent) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk, self._consent = desk, consent
        self._workspace: Workspace | None = None
        self._policy = Policy()
        self.two = {act: QCheckBox(people_words.ACTS_SAID[act]) for act in GuardedAct}
        self.codes = {role: QCheckBox(people_words.ROLES[role][0]) for role in PersonRole}
        self.numbers = {name: _number(name) for name in WHOLE_NUMBERS}
        self.originals = QCheckBox(people_words.SETTINGS["originals"])
        self.acoustics = QCheckBox(people_words.SETTINGS["acoustic_analysis"])
        self.keep = button(_TITLE, self._keep, "primary")
        self.undo = button("Leave them as they are", self._show_policy)
        self._build()
        for box in (*self.two.values(), *self.codes.values(), self.originals, self.acoustics):
            box.toggled.connect(self._enable)
        for number in self.numbers.values():
            number.valueChanged.connect(self._enable)
        desk.tasks.announced.connect(self._changed)

    def open(self, workspace: Workspace | None) -> None:
        """Show the rules of a workspace, or the defaults."""
        self._workspace = workspace
        self._policy = Policy()
        self._show_policy()
        self.refresh()

    def refresh(self) -> None:
        """Read the rules again."""
        workspace = self._workspace
        if workspace is not None:
            self._desk.tasks.query(workspace.policy.get, self._take, key="policy")

    def wanted(self) -> Policy:
        """Return the rules as the fields say."""
        return Policy(
            two_persons=frozenset(act for act, box in self.two.items() if box.isChecked()),
            second_factor=frozenset(role for role, box in self.codes.items() if box.isChecked()),
            lock_after_minutes=self.numbers["lock_after_minutes"].value(),
            session_hours=self.numbers["session_hours"].value(),
            retention_days=self.numbers["retention_days"].value(),
            acoustic_analysis=self.acoustics.isChecked(),
            originals=(
                OriginalsRule.DESTROY if self.originals.isChecked() else OriginalsRule.KEEP_SEALED
            ),
        )

    def _build(self) -> None:
        inside = QWidget()
        inside.setMaximumWidth(_WIDTH)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 6, 0)
        column.setSpacing(12)
        column.addWidget(_part(people_words.SETTINGS["two_persons"], _TWO, *self.two.values()))
        column.addWidget(_part(people_words.SETTINGS["second_factor"], _CODE, *self.codes.values()))
        times = card()
        lines = QVBoxLayout(times)
        lines.setContentsMargins(18, 14, 18, 14)
        lines.addWidget(label("Times", "heading"))
        for name, number in self.numbers.items():
            row = QHBoxLayout()
            row.addWidget(label(people_words.SETTINGS[name]), 1)
            row.addWidget(number)
            lines.addLayout(row)
        column.addWidget(times)
        column.addWidget(_part("Originals", _ORIGINALS, self.originals))
        column.addWidget(_part("Voices", _ACOUSTICS, self.acoustics))
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(inside)
        ends = QHBoxLayout()
        ends.addWidget(self.keep)
        ends.addWidget(self.undo)
        ends.addStretch(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 12, 0, 0)
        whole.addWidget(area, 1)
        whole.addLayout(ends)

    def _take(self, policy: Policy) -> None:
        self._policy = policy
        self._show_policy()

    def _show_policy(self) -> None:
        policy = self._policy
        for act, box in self.two.items():
            box.setChecked(act in policy.two_persons)
        for role, box in self.codes.items():
            box.setChecked(role in policy.second_factor)
        for name, number in self.numbers.items():
            number.setValue(getattr(policy, name))
        self.originals.setChecked(policy.originals is OriginalsRule.DESTROY)
        self.acoustics.setChecked(policy.acoustic_analysis)
        self._enable()

    def _enable(self) -> None:
        changed = bool(people_words.changes(self._policy, self.wanted()))
        self.keep.setEnabled(changed)
        self.undo.setVisible(changed)

    def _keep(self) -> None:
        changed = people_words.changes(self._policy, self.wanted())
        titles = ", ".join(people_words.SETTINGS[name].lower() for name, _ in changed)
        sentence = f"Changed: {titles}."
        if not people_words.needs_reason(self._policy, changed):
            self._ask(changed, sentence, "")
            return
        relaxed = f"{sentence} What relaxes a rule may wait for a second person."
        dialog = ReasonDialog(self.window(), _TITLE, relaxed, _TITLE)
        dialog.given.connect(partial(self._ask, changed, sentence))
        dialog.open()

    def _ask(self, changed: list[tuple[str, str]], sentence: str, reason: str) -> None:
        then = partial(self._change, changed, reason)
        self._consent.ask(self.window(), _TITLE, sentence, _TITLE, then)

    def _change(self, changed: list[tuple[str, str]], reason: str, confirmed: Confirmed) -> None:
        workspace = self._workspace
        if workspace is None:
            return

        def work() -> list[ApprovalRequest | None]:
            return [
                workspace.policy.change(name, text, reason=reason, confirmed=confirmed)
                for name, text in changed
            ]

        def then(requests: list[ApprovalRequest | None]) -> None:
            waiting = sum(one is not None and one.state is RequestState.OPEN for one in requests)
            self._desk.tasks.announced.emit(_CHANGED)
            self._desk.messages.note(told(len(requests) - waiting, waiting))

        self._desk.tasks.query(work, then)

    def _changed(self, changes: Changes) -> None:
        if changes & {Subject.SETTINGS} and self.isVisible():
            self.refresh()


class _Number(QSpinBox):
    """A number that a wheel over it changes only while it has the focus: the page scrolls."""

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Leave the wheel to the page unless a person is at this number."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


def _number(name: str) -> QSpinBox:
    made = _Number()
    made.setRange(*WHOLE_NUMBERS[name])
    made.setSuffix(f" {people_words.UNITS[name]}s")
    if name == "retention_days":
        made.setSpecialValueText(people_words.FOR_EVER)
    made.setAlignment(Qt.AlignmentFlag.AlignCenter)
    made.setMinimumWidth(250)
    made.setAccessibleName(people_words.SETTINGS[name])
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return made


def _part(title: str, text: str, *boxes: QWidget) -> QFrame:
    made = card()
    inside = QVBoxLayout(made)
    inside.setContentsMargins(18, 14, 18, 14)
    inside.setSpacing(4)
    inside.addWidget(label(title, "heading"))
    inside.addWidget(label(text, "quiet", wrap=True))
    for box in boxes:
        inside.addWidget(box)
    return made
