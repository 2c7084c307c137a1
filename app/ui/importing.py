"""Import from the window: asks what is known of the recordings, imports, tells what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal

from app.counts import counted
from app.domain import Right, Subject
from app.ui import words
from app.ui.import_dialog import ImportDialog
from app.ui.messages import Kind, Message
from app.ui.rights import may

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from PySide6.QtWidgets import QWidget

    from app.domain import CallMetadata, Changes, ImportReport, Progress
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.ui.tasks import Act
    from app.workspace import Workspace

OWN_CALLS_REFUSED = Message(
    Kind.PROBLEM,
    "This is the demonstration vault, and its passphrase lies beside it: your own calls do not"
    " belong in it.",
    "Make a vault of your own: it takes a minute.",
)
_CHANGED: Changes = frozenset({Subject.CALLS, Subject.JOBS})


class Importing(QObject):
    """Imports into the vault that is shown; what has begun goes on behind the lock."""

    told = Signal(object)
    """A `Message` for the vault's window: names of files are content."""
    moved = Signal()
    """Whether something is imported, or how far it is, is another."""

    def __init__(self, desk: Desk, window: QWidget) -> None:
        """Ask over `window`."""
        super().__init__(window)
        self._desk, self._window = desk, window
        self._workspace: Workspace | None = None
        self._act: Act | None = None
        self.progress = ""
        desk.tasks.broke.connect(self._broke)

    @property
    def busy(self) -> bool:
        """Whether something is imported."""
        return self._act is not None

    def open(self, workspace: Workspace | None) -> None:
        """Import into another vault from now on, or into none."""
        self._workspace = workspace

    def ask(self, paths: Sequence[Path] = ()) -> None:
        """Ask what to import and what is known of it, then import."""
        workspace = self._workspace
        if workspace is None or not may(workspace, Right.IMPORT):
            return
        if workspace.info.demo:
            self.told.emit(OWN_CALLS_REFUSED)
            return
        dialog = ImportDialog(self._window, paths)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.start(dialog.paths, dialog.metadata()))
        dialog.open()

    def start(self, paths: Sequence[Path], metadata: CallMetadata) -> None:
        """Import files and folders beside the window and tell what came of it."""
        workspace = self._workspace
        if workspace is None:
            return
        self._tell(Message(Kind.NOTE, "Importing…"))

        def work(act: Act) -> ImportReport:
            return workspace.intake.import_paths(
                tuple(paths), metadata=metadata, progress=act.progress, stop=act.stopped
            )

        self._act = self._desk.tasks.run(
            work, self._imported, progress=self._advance, failed=self._failed
        )

    def _advance(self, state: Progress) -> None:
        done, total = round(state.done), round(state.total)
        of = f"{done:,} of " if total else ""
        self.progress = f"{of}{counted(total or done, 'recording')}"
        self._tell(Message(Kind.NOTE, f"Importing: {self.progress}"))
        self.moved.emit()

    def _imported(self, report: ImportReport) -> None:
        self._act, self.progress = None, ""
        self._desk.tasks.announced.emit(_CHANGED)
        kind = Kind.PROBLEM if report.refused else Kind.NOTE
        reasons = [f"{name}: {failure.sentence}" for name, failure in report.refused[:3]]
        self._tell(Message(kind, words.imported(report), " ".join(reasons)))
        self.moved.emit()

    def _failed(self, error: AppError) -> None:
        self._act, self.progress = None, ""
        self._desk.messages.problem(error)
        self.moved.emit()

    def _broke(self) -> None:
        if self._act is not None and self._act.ended:
            self._act, self.progress = None, ""
            self.moved.emit()

    def _tell(self, message: Message) -> None:
        if self._workspace is not None:  # else it was locked meanwhile
            self.told.emit(message)
