"""The audit log: who did what, and whether the log is as it was written."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QProgressBar,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.counts import are, counted
from app.domain import AuditQuery, Right
from app.errors import VaultInDoubt
from app.ui import audit_words
from app.ui.audit_table import AuditTableModel
from app.ui.consent import Consent
from app.ui.paper import Paper, grouped
from app.ui.reason_dialog import ReasonDialog
from app.ui.rights import may
from app.ui.secret_dialogs import PaperDialog
from app.ui.widgets import button, label, set_kind

if TYPE_CHECKING:
    from app.domain import AuditCheck, Checkpoint, Progress
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.ui.tasks import Act
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

_WIDTHS = (66, 142, 110, 176, 250, 150)
_CHECKPOINT = (
    "Keep this away from the computer that holds the vault: with it, everybody can verify later"
    " that none of the entries so far was changed or removed."
)


_DOUBT = "Erasing, exports, backups over older ones and changes of people and rules are refused."
_ACCEPT = "Accept this audit log"
_ACCEPTING = (
    "Do so only when you know why it is another one than this computer saw, such as after a backup"
    " was restored. That you accepted it, and why, stays in the log."
)


class _Stopped(Exception):
    """Verifying is not wanted any more."""


def export_folder(chosen: Path, now: datetime) -> Path:
    """Return the folder of an export below the one that was chosen: a new one each time."""
    return chosen / f"audit-log-{now:%Y-%m-%d-%H%M%S}"


class AuditPage(QWidget):
    """Shows the entries, verifies them, and hands them out."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        super().__init__()
        self._desk, self._consent = desk, Consent(desk)
        self._workspace: Workspace | None = None
        self._verifying: Act | None = None
        self.model = AuditTableModel(desk.tasks)
        self.model.counted.connect(self._counted)
        self.count = label("", "quiet")
        self.person, self.act = self._filter("Person"), self._filter("Act")
        self.verify = button("Verify", self._verify, "primary", "Check every entry")
        self.checkpoint = button("Checkpoint…", self._checkpoint)
        self.export = button("Export…", self._export)
        self.accept = button("Accept…", self._accept)
        self.doubt = label("", "notice", wrap=True)
        self.verdict = label("", "quiet", wrap=True)
        self.progress = QProgressBar(textVisible=False)
        self.progress.setAccessibleName("Progress of verifying")
        self.table = self._build_table()
        self._build()

    def open(self, workspace: Workspace | None) -> None:
        """Use a workspace whose log the person may read, or none."""
        if self._verifying is not None:
            self._verifying.stop()
        self._verifying = None
        readable = may(workspace, Right.READ_AUDIT)
        self._workspace = workspace if readable else None
        self._consent.open(self._workspace)
        self.model.open(self._workspace)
        self._fill(((), ()))
        self.count.clear()
        self._say("", "quiet")
        self.verify.setEnabled(True)
        self._hide_what_is_rare()
        for part in (self.export, self.checkpoint):
            part.setVisible(may(workspace, Right.EXPORT_AUDIT))

    def come(self) -> None:
        """Come into view: read the log as it stands now."""
        self.refresh()
        self.table.setFocus()

    def refresh(self) -> None:
        """Read the entries and the filters' again."""
        workspace = self._workspace
        if workspace is not None:
            self._desk.tasks.query(workspace.audit.names, self._fill, key="audit.names")
            self._desk.tasks.query(workspace.audit.doubt, self._show_doubt, key="audit.doubt")
            self._ask()

    def _build(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(label("Audit", "page-title"))
        head.addSpacing(8)
        head.addWidget(self.count)
        head.addStretch(1)
        for part in (self.accept, self.checkpoint, self.export, self.verify):
            head.addWidget(part)
        filters = QHBoxLayout()
        filters.setSpacing(8)
        filters.addWidget(self.person)
        filters.addWidget(self.act)
        filters.addSpacing(12)
        filters.addWidget(self.verdict, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 18, 24, 18)
        whole.setSpacing(12)
        whole.addLayout(head)
        whole.addWidget(self.doubt)
        whole.addLayout(filters)
        whole.addWidget(self.progress)
        whole.addWidget(self.table, 1)
        self._hide_what_is_rare()

    def _hide_what_is_rare(self) -> None:
        self.progress.hide()
        self.doubt.hide()
        self.accept.hide()

    def _build_table(self) -> QTableView:
        table = QTableView()
        table.setModel(self.model)
        table.setAccessibleName("Entries of the audit log")
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setTextElideMode(Qt.TextElideMode.ElideRight)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTabKeyNavigation(False)
        rows = table.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setDefaultSectionSize(34)
        columns = table.horizontalHeader()
        columns.setHighlightSections(False)
        columns.setStretchLastSection(True)
        columns.setFixedHeight(38)
        for column, width in enumerate(_WIDTHS):
            columns.resizeSection(column, width)
        return table

    def _filter(self, name: str) -> QComboBox:
        made = QComboBox()
        made.setAccessibleName(f"{name} of the entries to show")
        made.setMinimumWidth(190)
        made.currentIndexChanged.connect(self._ask)
        return made

    def _fill(self, names: tuple[tuple[str, ...], tuple[str, ...]]) -> None:
        actors, acts = names
        sorted_acts = sorted(acts, key=audit_words.act)
        for field, every, entries in (
            (self.person, "Everybody", [(actor, actor) for actor in actors]),
            (self.act, "All acts", [(audit_words.act(act), act) for act in sorted_acts]),
        ):
            chosen = field.currentData()
            with QSignalBlocker(field):
                field.clear()
                field.addItem(every, "")
                for text, value in entries:
                    field.addItem(text, value)
                field.setCurrentIndex(max(0, field.findData(chosen)))

    def _ask(self) -> None:
        actor, act = self.person.currentData() or "", self.act.currentData() or ""
        self.model.show(AuditQuery(actor=actor, act=act))

    def _counted(self, count: int) -> None:
        narrowed = bool(self.model.query.actor or self.model.query.act)
        self.count.setText(audit_words.count(count, narrowed=narrowed))

    def _say(self, sentence: str, kind: str) -> None:
        self.verdict.setText(sentence)
        set_kind(self.verdict, kind)

    def _verify(self) -> None:
        workspace = self._workspace
        if workspace is None or self._verifying is not None:
            return

        def work(act: Act) -> AuditCheck | None:
            def told(state: Progress) -> None:
                if act.stopped():
                    raise _Stopped
                act.progress(state)

            try:
                return workspace.audit.verify(progress=told)
            except _Stopped:
                return None

        def done(check: AuditCheck | None) -> None:
            if self._verifying is act:
                self._end_verifying()
                if check is not None:
                    self._say(
                        audit_words.verdict(check), "verdict-good" if check.ok else "verdict-bad"
                    )

        def failed(error: AppError) -> None:
            if self._verifying is act:
                self._end_verifying()
                self._say("", "quiet")
                self._desk.messages.problem(error)

        self._say("Verifying…", "quiet")
        self.verify.setEnabled(False)
        self.progress.setRange(0, 0)
        self.progress.show()
        act = self._desk.tasks.run(work, done, progress=self._advance, failed=failed)
        self._verifying = act

    def _advance(self, state: Progress) -> None:
        self.progress.setRange(0, max(1, round(state.total)))
        self.progress.setValue(round(state.done))

    def _end_verifying(self) -> None:
        self._verifying = None
        self.verify.setEnabled(True)
        self.progress.hide()

    def _show_doubt(self, doubt: AppError | None) -> None:
        self.doubt.setText("" if doubt is None else f"{doubt.sentence} {_DOUBT}")
        self.doubt.setVisible(doubt is not None)
        acceptable = isinstance(doubt, VaultInDoubt) and may(self._workspace, Right.MANAGE_VAULT)
        self.accept.setVisible(acceptable)

    def _accept(self) -> None:
        dialog = ReasonDialog(self.window(), _ACCEPT, _ACCEPTING, "Go on")
        dialog.given.connect(self._ask_for_passphrase)
        dialog.open()

    def _ask_for_passphrase(self, reason: str) -> None:
        def accept(confirmed: Confirmed) -> None:
            workspace = self._workspace
            if workspace is not None:
                self._desk.tasks.query(
                    lambda: workspace.audit.accept(reason, confirmed=confirmed),
                    lambda _: self.refresh(),
                )

        self._consent.ask(self.window(), _ACCEPT, _ACCEPTING, "Accept it", accept)

    def _checkpoint(self) -> None:
        workspace = self._workspace
        if workspace is None:
            return

        def make() -> tuple[Checkpoint, str]:
            made = workspace.audit.checkpoint()
            return made, workspace.audit.checkpoint_text(made)

        def show(made: tuple[Checkpoint, str]) -> None:
            checkpoint, text = made
            entries = counted(checkpoint.size, "entry", "entries")
            title = f"Checkpoint of an audit log of {entries}"
            PaperDialog(self.window(), Paper(title, _CHECKPOINT, grouped(text, 4), text)).open()

        self._desk.tasks.query(make, show)

    def _export(self) -> None:
        dialog = QFileDialog(self.window(), "Folder in which to put the audit log")
        dialog.setFileMode(QFileDialog.FileMode.Directory)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda name: self.export_to(Path(name)))
        dialog.open()

    def export_to(self, chosen: Path) -> None:
        """Write the log, a checkpoint and the stand-alone verifier into a new folder."""
        workspace = self._workspace
        if workspace is None:
            return
        folder = export_folder(chosen, datetime.now().astimezone())

        def then(checkpoint: Checkpoint) -> None:
            size = checkpoint.size
            self._desk.messages.note(
                f"{counted(size, 'entry', 'entries')} {are(size)} in {folder}.",
                "README.txt there says how they are verified without AutoInsights.",
            )

        self._desk.tasks.run(
            lambda _: workspace.audit.export(folder), then, progress=lambda _: None
        )
