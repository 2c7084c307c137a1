"""How it is known who speaks in a call, above its transcript, and the acts that put it right."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from app.domain import Right, Role
from app.ui import words
from app.ui.rights import may
from app.ui.widgets import button, clear, label

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import CallDetail, CallId, Changes
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.ui.tasks import Act
    from app.workspace import Workspace
    from app.workspace.speakers import Speakers

_AGAIN = "The call is analysed again…"


class SpeakerStrip(QWidget):
    """Says how the speakers are known; who may, swaps them, moves turns, and undoes both."""

    changed = Signal()
    """Other people speak in the call than before."""

    def __init__(self, desk: Desk, chosen: Callable[[], tuple[int, ...]]) -> None:
        """Begin without a call; `chosen` gives the turns that are selected, or the one heard."""
        super().__init__()
        self._desk = desk
        self._chosen = chosen
        self._workspace: Workspace | None = None
        self._detail: CallDetail | None = None
        self._act: Act | None = None
        self.note = label("", wrap=True)
        tip = "Agent and customer change places in the whole call"
        self.swap = button("Swap speakers", self._swap, "link", tip)
        tip = "Select words of several turns for more (O)"
        self.other = button("", self.move_turns, "link", tip)
        said = partial(self._set_turns, Role.AGENT), partial(self._set_turns, Role.CUSTOMER)
        self.agent = button("The agent says it", said[0], "link")
        self.customer = button("The customer says it", said[1], "link")
        self.undo = button("Undo", self._undo, "link", "As the program had it")
        self._sides = QHBoxLayout()
        acts = QHBoxLayout()
        acts.addLayout(self._sides)
        for part in (self.swap, self.agent, self.customer, self.other, self.undo):
            acts.addWidget(part)
        acts.addStretch(1)
        both = QVBoxLayout(self)
        both.setContentsMargins(14, 2, 10, 2)
        both.setSpacing(2)
        both.addWidget(self.note)
        both.addLayout(acts)

    def show_call(self, workspace: Workspace | None, detail: CallDetail | None) -> None:
        """Show how the speakers of a call are known; of none, nothing."""
        self._workspace, self._detail = workspace, detail
        clear(self._sides)
        found = detail.analysis if detail else None
        self.setVisible(found is not None)
        if detail is None or found is None:
            self.note.clear()
            return
        said, corrected = found.transcript, detail.speakers
        self.note.setText(words.speakers(said, corrected))
        allowed = may(workspace, Right.CORRECT_SPEAKERS)
        known = any(turn.role is not Role.UNKNOWN for turn in said.turns)
        self.swap.setVisible(allowed and known)
        self.undo.setVisible(allowed and corrected is not None)
        sides = sorted({turn.side for turn in said.turns} if allowed and not known else ())
        for side in sides if len(sides) > 1 else ():
            named = f"{words.role(Role.UNKNOWN, side)} is the agent"
            self._sides.addWidget(button(named, partial(self._set_agent, side), "link"))
        self.show_chosen()

    def show_chosen(self) -> None:
        """Offer what can be done with the turns that are chosen now."""
        if self._detail is None or self._detail.analysis is None:
            return
        turns, chosen = self._detail.analysis.transcript.turns, self._chosen()
        self.other.setText(words.other_side(len(chosen)))
        self.other.setAccessibleName(self.other.text())
        allowed = may(self._workspace, Right.CORRECT_SPEAKERS)
        meant = [turn for turn in turns if turn.index in chosen] or turns
        unknown = any(turn.role is Role.UNKNOWN for turn in meant)
        self.other.setVisible(allowed and not unknown)
        for part in (self.agent, self.customer):
            part.setVisible(allowed and unknown)

    def move_turns(self) -> None:
        """Give the chosen turns to the other side, where it is known which one they are of."""
        if self.other.isVisible():
            self._set_turns(None)

    def _swap(self) -> None:
        self._do(lambda speakers, call: speakers.swap(call))

    def _set_agent(self, side: int) -> None:
        self._do(lambda speakers, call: speakers.set_agent(call, side))

    def _set_turns(self, role: Role | None) -> None:
        chosen = self._chosen()
        if not chosen:
            self._desk.messages.note("No turn is chosen.", "Play one, or select words in it.")
            return
        self._do(lambda speakers, call: speakers.set_turns(call, chosen, role))

    def _undo(self) -> None:
        self._do(lambda speakers, call: speakers.undo(call))

    def _do(self, act: Callable[[Speakers, CallId], Changes]) -> None:
        """Correct the call beside the window: a worker has to analyse it again."""
        workspace, detail = self._workspace, self._detail
        if workspace is None or detail is None or (self._act and not self._act.ended):
            return
        call, before = detail.call.id, self.note.text()
        self.note.setText(_AGAIN)

        def again() -> None:
            if self._detail is detail:  # neither locked nor on another call meanwhile
                self.note.setText(before)

        def then(changes: Changes) -> None:
            again()
            self._desk.tasks.announced.emit(changes)
            self.changed.emit()

        def failed(error: AppError) -> None:
            again()
            self._desk.messages.problem(error)

        self._act = self._desk.tasks.run(
            lambda _: act(workspace.speakers, call), then, progress=lambda _: None, failed=failed
        )
