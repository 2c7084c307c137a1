"""What a person may do with a call beside looking at it: hold, release, erase, and take the
original out."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QWidget

from app.domain import GuardedAct, RequestState, Right, Subject
from app.errors import StorageError
from app.ui.reason_dialog import ReasonDialog
from app.ui.rights import may
from app.ui.widgets import button

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import ApprovalRequest, CallDetail, Changes
    from app.ui.desk import Desk
    from app.workspace import Workspace

_CHANGED: Changes = frozenset({Subject.CALLS, Subject.JOBS, Subject.REQUESTS})


class CallAct(StrEnum):
    """The acts, as the menu names them."""

    RELEASE = "Release the call…"
    SILENCE = "Release it without its sound…"
    HOLD = "Place a legal hold…"
    END_HOLD = "End the legal hold…"
    EXPORT = "Ask to export the original…"
    SAVE = "Save the original recording…"
    ERASE = "Erase this call…"


_SENTENCES = {
    CallAct.RELEASE: "Everybody with the right reads the transcript and hears the muted sound from"
    " now on. Listen to it first: something was understood in it that should be muted.",
    CallAct.SILENCE: "The transcript is shown from now on, and nothing of the call can be heard but"
    " the original, by whom it may be. Analysing it again brings its sound back.",
    CallAct.HOLD: "Nobody and no rule erases the call until the hold is ended.",
    CallAct.END_HOLD: "The call can be erased again, by people and by the rules of retention.",
    CallAct.EXPORT: "The recording leaves the vault as it was imported, with everything that was"
    " said. An approval is good once, for 24 hours.",
    CallAct.ERASE: "The recording, its words and all that was found are destroyed, in backups too."
    " Nothing brings them back.",
}
_BUTTONS = {
    CallAct.RELEASE: "Release",
    CallAct.SILENCE: "Release without sound",
    CallAct.HOLD: "Place the hold",
    CallAct.END_HOLD: "End the hold",
    CallAct.EXPORT: "Ask for it",
    CallAct.ERASE: "Erase",
}
_GUARDED = {
    CallAct.END_HOLD: GuardedAct.END_HOLD,
    CallAct.EXPORT: GuardedAct.EXPORT_ORIGINAL,
    CallAct.ERASE: GuardedAct.ERASE_CALL,
}
_DONE = {
    GuardedAct.END_HOLD: "The legal hold is ended.",
    GuardedAct.EXPORT_ORIGINAL: "The original may be saved once, within 24 hours.",
    GuardedAct.ERASE_CALL: "The call is erased.",
}


def acts(
    rights: frozenset[Right],
    *,
    on_hold: bool,
    export_approved: bool,
    held_back: bool = False,
    destroyed: bool = False,
) -> list[CallAct]:
    """Return the acts that a person may do with a call as it stands, in the order of the menu;
    `destroyed`: its original is not there any more."""
    may_export = Right.EXPORT_ORIGINAL in rights and not destroyed
    may_release = Right.HEAR_ORIGINAL in rights and held_back
    offered = {
        CallAct.RELEASE: may_release,
        CallAct.SILENCE: may_release,
        CallAct.HOLD: Right.HOLD in rights and not on_hold,
        CallAct.END_HOLD: Right.HOLD in rights and on_hold,
        CallAct.EXPORT: may_export and not export_approved,
        CallAct.SAVE: may_export and export_approved,
        CallAct.ERASE: Right.ERASE in rights and not on_hold,
    }
    return [act for act, there in offered.items() if there]


def told(request: ApprovalRequest) -> tuple[str, str]:
    """Return sentence and hint on what became of something that was asked for."""
    if request.state is RequestState.OPEN:
        return "Your request waits for a second person.", "You find it under People and rules."
    return _DONE.get(request.act, "It is done."), ""


def suggested_name(source_name: str) -> str:
    """Return the name under which an original is offered to be saved: never a path."""
    return Path(source_name.replace("\\", "/")).name or "recording"


class CallActs(QWidget):
    """A button with a menu; hidden from those who may do none of it."""

    changed = Signal()
    """The call is another one than it was."""
    erased = Signal()

    def __init__(self, desk: Desk) -> None:
        """Begin without a call."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self._detail: CallDetail | None = None
        self.more = button("More…", self._pop_up, tip="Legal hold, erasing, the original")
        self.menu = QMenu(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.more)
        self.hide()

    def show_call(self, workspace: Workspace | None, detail: CallDetail | None) -> None:
        """Offer what may be done with a call, or nothing."""
        self._workspace, self._detail = workspace, detail
        self.menu.clear()
        self.hide()
        if workspace is None or detail is None:
            return
        call = detail.call.id

        def then(export_approved: bool) -> None:
            if self._detail is detail:
                self._fill(detail, export_approved=export_approved)

        if may(workspace, Right.EXPORT_ORIGINAL):
            ask = partial(workspace.calls.may_export, call)
            self._desk.tasks.query(ask, then, key="may-export")
        else:
            then(False)

    def act(self, act: CallAct) -> None:
        """Begin an act: ask for a reason, or where to save."""
        if act is CallAct.SAVE:
            self._choose_file()
            return
        alone = " Another person has to approve it." if self._takes_two(act) else ""
        title = act.value.removesuffix("…")
        dialog = ReasonDialog(self.window(), title, _SENTENCES[act] + alone, _BUTTONS[act])
        dialog.given.connect(partial(self._do, act))
        dialog.open()

    def _fill(self, detail: CallDetail, *, export_approved: bool) -> None:
        workspace = self._workspace
        if workspace is None:
            return
        offered = acts(
            workspace.session.rights,
            on_hold=detail.on_hold,
            export_approved=export_approved,
            held_back=detail.analysis is not None and detail.analysis.held_back,
            destroyed=detail.original_destroyed_at is not None,
        )
        for act in offered:
            entry = QAction(act.value, self.menu)
            entry.triggered.connect(partial(self.act, act))
            self.menu.addAction(entry)
        self.setVisible(not self.menu.isEmpty())

    def _takes_two(self, act: CallAct) -> bool:
        guarded = _GUARDED.get(act)
        return self._workspace is not None and guarded in self._workspace.session.policy.two_persons

    def _pop_up(self) -> None:
        self.menu.popup(self.more.mapToGlobal(self.more.rect().bottomLeft()))
        if self.menu.actions():
            self.menu.setActiveAction(self.menu.actions()[0])

    def _do(self, act: CallAct, reason: str) -> None:
        workspace, detail = self._workspace, self._detail
        if workspace is None or detail is None:
            return
        call = detail.call.id
        if act is CallAct.HOLD:
            self._desk.tasks.change(lambda: workspace.calls.hold(call, reason), self._placed)
            return
        if act in (CallAct.RELEASE, CallAct.SILENCE):
            silence = act is CallAct.SILENCE
            release = partial(workspace.calls.release, call, reason, silence=silence)
            self._desk.tasks.change(release, self._released)
            return
        guarded = _GUARDED[act]
        ask = partial(workspace.requests.ask, guarded, call, reason=reason)
        self._desk.tasks.query(ask, self._asked)

    def _placed(self) -> None:
        self._desk.messages.note("The call is on legal hold.")
        self.changed.emit()

    def _released(self) -> None:
        self._desk.messages.note("The call is released.")
        self.changed.emit()

    def _asked(self, request: ApprovalRequest) -> None:
        self._desk.tasks.announced.emit(_CHANGED)
        erased = request.act is GuardedAct.ERASE_CALL and request.state is RequestState.APPROVED
        (self.erased if erased else self.changed).emit()
        self._desk.messages.note(*told(request))

    def _choose_file(self) -> None:
        detail = self._detail
        if detail is None:
            return
        dialog = QFileDialog(self.window(), "Save the original recording")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(suggested_name(detail.call.source_name))
        dialog.fileSelected.connect(lambda name: self.save(Path(name)))
        dialog.open()

    def save(self, path: Path) -> None:
        """Write the original to a file that a person chose; the approval is used up by that."""
        workspace, detail = self._workspace, self._detail
        if workspace is None or detail is None:
            return
        call = detail.call.id
        write: Callable[[], None] = partial(
            _write, path, partial(workspace.calls.export_original, call)
        )

        def then(_: None) -> None:
            self._desk.messages.note("The original is saved outside of the vault.")
            self.changed.emit()

        self._desk.tasks.query(write, then)


def _write(path: Path, export: Callable[[], bytes]) -> None:
    """Write what is exported; the place is tried first, because an approval is good once."""
    try:
        with path.open("wb") as file:
            file.write(export())
    except OSError as error:
        raise StorageError(
            "The file cannot be written there.", hint="Choose another place, then try again."
        ) from error
