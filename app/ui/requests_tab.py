"""What people asked for that takes a second person, and deciding on it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.domain import EARLIER_ORIGINALS, ApprovalRequest, RequestState, Right, Subject
from app.ui import originals, people_words, rights
from app.ui.reason_dialog import ReasonDialog
from app.ui.rights import may
from app.ui.widgets import EmptyState, button, clear, label

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import Changes
    from app.ui.consent import Consent
    from app.ui.desk import Desk
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

SHOWN = 200
_CHANGED: Changes = frozenset(
    {Subject.REQUESTS, Subject.CALLS, Subject.JOBS, Subject.SETTINGS, Subject.PEOPLE}
)


class RequestsTab(QWidget):
    """Lists requests, those that wait first."""

    call_wanted = Signal(str)

    def __init__(self, desk: Desk, consent: Consent) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk, self._consent = desk, consent
        self._workspace: Workspace | None = None
        self.lines: dict[int, RequestLine] = {}
        self._shown: tuple[ApprovalRequest, ...] | None = None
        self.decided = QCheckBox("Show those that are decided, too")
        self.decided.toggled.connect(self.refresh)
        self.empty = EmptyState(desk.theme, "done")
        self.empty.say(
            "No request waits",
            "What takes a second person is listed here until somebody decides on it.",
        )
        inside = QWidget()
        self._list = QVBoxLayout(inside)
        self._list.setContentsMargins(0, 0, 6, 0)
        self._list.setSpacing(8)
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.setWidget(inside)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 12, 0, 0)
        whole.addWidget(self.decided)
        whole.addWidget(self._area, 1)
        whole.addWidget(self.empty, 1)
        desk.tasks.announced.connect(self._changed)

    def open(self, workspace: Workspace | None) -> None:
        """Show the requests of a workspace, or nothing."""
        self._workspace = workspace
        self._shown = None
        clear(self._list)
        self.lines.clear()
        self._area.hide()
        self.empty.hide()
        self.refresh()

    def refresh(self) -> None:
        """Read the requests again."""
        workspace, open_only = self._workspace, not self.decided.isChecked()
        if workspace is not None:
            read = partial(workspace.requests.list, open_only=open_only)
            self._desk.tasks.query(read, self._show, key="requests")

    def _show(self, requests: tuple[ApprovalRequest, ...]) -> None:
        workspace = self._workspace
        if workspace is None or requests == self._shown:
            return
        self._shown = requests
        clear(self._list)
        self.lines.clear()
        for request in requests[:SHOWN]:
            line = RequestLine(request, workspace)
            line.approved.connect(partial(self._approve, request))
            line.refused.connect(partial(self._refuse, request))
            line.withdrawn.connect(partial(self._withdraw, request))
            line.call_wanted.connect(self.call_wanted)
            self.lines[request.number] = line
            self._list.addWidget(line)
        if len(requests) > SHOWN:
            self._list.addWidget(label(f"and {len(requests) - SHOWN:,} older ones", "quiet"))
        self._list.addStretch(1)
        self._area.setVisible(bool(requests))
        self.empty.setVisible(not requests)

    def _approve(self, request: ApprovalRequest) -> None:
        title = f"Approve: {people_words.request(request)}"
        sentence = (
            f"{request.asked_by} asked for it, because: {request.reason}. It is done at once."
        )

        def approve(confirmed: Confirmed) -> None:
            self._decide(
                lambda workspace: workspace.requests.approve(request.number, confirmed=confirmed),
                "Approved.",
            )

        self._consent.ask(self.window(), title, sentence, "Approve", approve, sure=True)

    def _refuse(self, request: ApprovalRequest) -> None:
        title = f"Refuse: {people_words.request(request)}"
        sentence = f"{request.asked_by} asked for it, because: {request.reason}."
        dialog = ReasonDialog(self.window(), title, sentence, "Refuse")
        dialog.given.connect(
            lambda reason: self._decide(
                lambda workspace: workspace.requests.refuse(request.number, reason), "Refused."
            )
        )
        dialog.open()

    def _withdraw(self, request: ApprovalRequest) -> None:
        self._decide(
            lambda workspace: workspace.requests.withdraw(request.number),
            "Your request is withdrawn.",
        )

    def _decide(self, op: Callable[[Workspace], ApprovalRequest], sentence: str) -> None:
        workspace = self._workspace
        if workspace is None:
            return

        def then(request: ApprovalRequest) -> None:
            self._desk.tasks.announced.emit(_CHANGED)
            self._desk.messages.note(sentence)
            approved = request.state is RequestState.APPROVED
            if approved and request.subject == EARLIER_ORIGINALS:
                originals.destroy(self._desk, workspace)

        self._desk.tasks.query(lambda: op(workspace), then)

    def _changed(self, changes: Changes) -> None:
        if Subject.REQUESTS in changes and self.isVisible():
            self.refresh()


class RequestLine(QFrame):
    """One request: what, why, by whom, and what this person can do about it."""

    approved = Signal()
    refused = Signal()
    withdrawn = Signal()
    call_wanted = Signal(str)

    def __init__(self, request: ApprovalRequest, workspace: Workspace) -> None:
        """Show a request."""
        super().__init__()
        self.setProperty("kind", "card")
        session = workspace.session
        title = people_words.request(request)
        texts = QVBoxLayout()
        texts.setSpacing(3)
        texts.addWidget(label(title, "heading"))
        texts.addWidget(label(request.reason, wrap=True))
        texts.addWidget(label(people_words.request_details(request), "quiet", wrap=True))
        whole = QHBoxLayout(self)
        whole.setContentsMargins(14, 10, 14, 10)
        whole.setSpacing(8)
        whole.addLayout(texts, 1)
        if people_words.names_a_call(request) and may(workspace, Right.SEE_EVIDENCE):
            self._add("Open the call", lambda: self.call_wanted.emit(request.subject), title)
        if rights.may_decide(session, request):
            self._add("Refuse…", self.refused.emit, title)
            self._add("Approve…", self.approved.emit, title, "primary")
        if rights.may_withdraw(session, request):
            self._add("Withdraw", self.withdrawn.emit, title)

    def _add(self, text: str, act: Callable[[], object], title: str, kind: str = "") -> None:
        made = button(text, act, kind)
        made.setAccessibleName(f"{text.removesuffix('…')}: {title}")
        layout = self.layout()
        if layout is not None:
            layout.addWidget(made)
