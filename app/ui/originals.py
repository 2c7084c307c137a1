"""Originals: how many are destroyed, and destroying those of calls from before the rule."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout

from app.counts import are, counted
from app.domain import CallId, OriginalsRule, RequestState, Subject
from app.ui.reason_dialog import ReasonDialog
from app.ui.widgets import button, label

if TYPE_CHECKING:
    from app.domain import ApprovalRequest, Changes, OriginalsState, Progress
    from app.ui.desk import Desk
    from app.workspace import Workspace

_TITLE = "Destroy the originals of earlier calls"
_ASK = (
    "The recordings as they were imported are destroyed, in backups too, where the muted ones were"
    " heard again and nothing is left in them. Nobody hears, exports or analyses them again."
    " Another person may have to approve it."
)
_CHANGED: Changes = frozenset({Subject.CALLS, Subject.REQUESTS})


def rule(state: OriginalsState) -> str:
    """Return what becomes of originals."""
    if state.rule is OriginalsRule.DESTROY:
        return "Originals are destroyed once the muted sound is proven."
    return "Originals are kept sealed."


def numbers(state: OriginalsState) -> str:
    """Return how many originals are destroyed, and how many will be or could be."""
    parts = [f"{counted(state.destroyed, 'original')} {are(state.destroyed)} destroyed so far."]
    if state.due:
        parts.append(
            f"{state.due:,} more will be: of calls that are on hold, held back, being analysed, or"
            " damaged."
        )
    if state.rule is OriginalsRule.DESTROY and state.earlier:
        keep = "keeps its own" if state.earlier == 1 else "keep theirs"
        parts.append(f"{counted(state.earlier, 'call')} from before the rule {keep}.")
    return " ".join(parts)


def destroy(desk: Desk, workspace: Workspace) -> None:
    """Destroy what is due now, beside everything else, and say how many that were."""

    def progress(report: Progress) -> None:
        desk.messages.note(f"Destroying originals: {report.done:,} of {report.total:,}.")

    def then(gone: tuple[CallId, ...]) -> None:
        desk.tasks.announced.emit(_CHANGED)
        desk.messages.note(f"Destroyed: {counted(len(gone), 'original')}.")

    desk.tasks.run(
        lambda act: workspace.originals.destroy(progress=act.progress, stop=act.stopped),
        then,
        progress=progress,
    )


class OriginalsCard(QFrame):
    """Shows how it stands with originals, and asks to destroy earlier ones."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        super().__init__()
        self.setProperty("kind", "card")
        self._desk = desk
        self._workspace: Workspace | None = None
        self.rule, self.numbers = label("", "heading"), label("", wrap=True)
        self.ask = button("Destroy those of earlier calls…", self._ask)
        inside = QVBoxLayout(self)
        inside.setContentsMargins(18, 14, 18, 14)
        inside.setSpacing(8)
        inside.addWidget(self.rule)
        inside.addWidget(self.numbers)
        inside.addWidget(self.ask, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def open(self, workspace: Workspace | None) -> None:
        """Belong to a workspace, or to none."""
        self._workspace = workspace
        self.hide()

    def refresh(self) -> None:
        """Look again."""
        workspace = self._workspace
        if workspace is not None:
            self._desk.tasks.query(workspace.originals.state, self._show, key="originals")

    def _show(self, state: OriginalsState) -> None:
        self.rule.setText(rule(state))
        self.numbers.setText(numbers(state))
        self.ask.setVisible(state.rule is OriginalsRule.DESTROY and state.earlier > 0)
        self.show()

    def _ask(self) -> None:
        dialog = ReasonDialog(self.window(), _TITLE, _ASK, "Destroy them")
        dialog.given.connect(self._ask_for)
        dialog.open()

    def _ask_for(self, reason: str) -> None:
        workspace = self._workspace
        if workspace is None:
            return

        def then(request: ApprovalRequest) -> None:
            self._desk.tasks.announced.emit(_CHANGED)
            if request.state is RequestState.OPEN:
                self._desk.messages.note("Your request waits for a second person.")
            else:
                destroy(self._desk, workspace)

        self._desk.tasks.query(lambda: workspace.originals.ask(reason), then)
