"""Retention: the calls whose time is over, and erasing them, alone or with a second person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.counts import are, counted
from app.domain import CallId, RequestState, Subject
from app.ui import people_words
from app.ui.originals import OriginalsCard
from app.ui.reason_dialog import ReasonDialog
from app.ui.widgets import button, card, label

if TYPE_CHECKING:
    from app.domain import ApprovalRequest, Changes
    from app.ui.desk import Desk
    from app.workspace import Workspace

_WIDTH = 860
_CHANGED: Changes = frozenset({Subject.CALLS, Subject.JOBS, Subject.REQUESTS})
_ERASE = "Their recordings, their words and all that was found are destroyed, in backups too."
_ASK = f"{_ERASE} Another person has to approve it."


@dataclass(frozen=True, slots=True)
class Due:
    """What the tab shows: how long calls are kept, how many are older, and why a second person
    has to look at them, if so."""

    days: int = 0
    calls: int = 0
    doubts: str = ""


def read(workspace: Workspace) -> Due:
    """Return how it stands with the calls that a person sees."""
    part = workspace.retention
    return Due(workspace.policy.get().retention_days, len(part.due()), part.doubts())


def kept(due: Due) -> str:
    """Return how long calls are kept."""
    return f"Calls are kept for {people_words.value('retention_days', str(due.days))}."


def older(due: Due) -> str:
    """Return how many calls are due."""
    if not due.calls:
        return "No call is older than that, or those that are older are on legal hold."
    counted_calls = counted(due.calls, "call")
    return f"{counted_calls} {are(due.calls)} older than that and not on legal hold."


def told(request: ApprovalRequest) -> str:
    """Return what became of a request."""
    waits = request.state is RequestState.OPEN
    return "Your request waits for a second person." if waits else "The calls are erased."


class RetentionTab(QWidget):
    """Shows how many calls are due and erases them, or asks a second person for it."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self.kept, self.older = label("", "heading"), label("", wrap=True)
        self.doubts = label("", "notice", wrap=True)
        self.erase = button("Erase them…", self._erase, "primary")
        self.ask = button("Ask a second person…", self._ask, "primary")
        shown = card()
        shown.setMaximumWidth(_WIDTH)
        inside = QVBoxLayout(shown)
        inside.setContentsMargins(18, 14, 18, 14)
        inside.setSpacing(8)
        for part in (self.kept, self.older, self.doubts):
            inside.addWidget(part)
        for act in (self.erase, self.ask):
            inside.addWidget(act, 0, Qt.AlignmentFlag.AlignLeft)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 12, 0, 0)
        whole.setSpacing(12)
        whole.addWidget(shown)
        self.originals = OriginalsCard(desk)
        self.originals.setMaximumWidth(_WIDTH)
        whole.addWidget(self.originals)
        whole.addStretch(1)
        desk.tasks.announced.connect(self._changed)
        self._show(Due())

    def open(self, workspace: Workspace | None) -> None:
        """Show what is due in a workspace, or nothing."""
        self._workspace = workspace
        self._show(Due())
        self.originals.open(workspace)
        self.refresh()

    def refresh(self) -> None:
        """Look again."""
        workspace = self._workspace
        if workspace is not None:
            self._desk.tasks.query(lambda: read(workspace), self._show, key="retention")
            self.originals.refresh()

    def _show(self, due: Due) -> None:
        self.kept.setText(kept(due))
        self.older.setText(older(due))
        self.older.setVisible(bool(due.days))
        self.doubts.setText(f"{due.doubts} A second person has to approve this erasing.")
        self.doubts.setVisible(bool(due.doubts))
        self.erase.setVisible(bool(due.calls) and not due.doubts)
        self.ask.setVisible(bool(due.calls and due.doubts))

    def _erase(self) -> None:
        title, act = "Erase the calls whose time is over", "Erase them"
        dialog = ReasonDialog(self.window(), title, _ERASE, act, needed=False)
        dialog.given.connect(lambda _: self._apply())
        dialog.open()

    def _ask(self) -> None:
        title = "Ask to erase the calls whose time is over"
        dialog = ReasonDialog(self.window(), title, _ASK, "Ask for it")
        dialog.given.connect(self._ask_for)
        dialog.open()

    def _apply(self) -> None:
        def then(erased: tuple[CallId, ...]) -> None:
            self._desk.tasks.announced.emit(_CHANGED)
            self._desk.messages.note(f"Erased: {counted(len(erased), 'call')}.")

        if self._workspace is not None:
            self._desk.tasks.query(self._workspace.retention.apply, then)

    def _ask_for(self, reason: str) -> None:
        workspace = self._workspace

        def then(request: ApprovalRequest) -> None:
            self._desk.tasks.announced.emit(_CHANGED)
            self._desk.messages.note(told(request))

        if workspace is not None:
            self._desk.tasks.query(lambda: workspace.retention.ask(reason), then)

    def _changed(self, changes: Changes) -> None:
        if changes & {Subject.CALLS, Subject.SETTINGS} and self.isVisible():
            self.refresh()
