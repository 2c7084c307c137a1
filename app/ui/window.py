"""The main window: before a vault is open the start pages, afterwards side bar, pages and strip."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.domain import CallId, JobState, Subject
from app.ui import words
from app.ui.call_page import CallPage
from app.ui.calls_page import CallsPage
from app.ui.dialogs import KeysDialog, ReportDialog
from app.ui.import_dialog import ImportDialog
from app.ui.messages import Kind, Message
from app.ui.processing import ProcessingControl
from app.ui.queue_page import QueuePage, Strip
from app.ui.widgets import EmptyState, button, label, set_kind, tool

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import CallMetadata, Changes, ImportReport, Progress
    from app.ui.desk import Desk
    from app.ui.tasks import Act
    from app.workspace import Workspace

NAME = "AutoInsights"
OWN_CALLS_REFUSED = Message(
    Kind.PROBLEM,
    "This is the demonstration vault, and its passphrase lies beside it: your own calls do not"
    " belong in it.",
    "Make a vault of your own: it takes a minute.",
)
_CHANGED: Changes = frozenset({Subject.CALLS, Subject.JOBS})


class MainWindow(QMainWindow):
    """Holds the pages; `lock_wanted` and `closed` are answered by the application."""

    lock_wanted = Signal()
    own_vault_wanted = Signal()
    closed = Signal()

    def __init__(self, desk: Desk, start_pages: Sequence[QWidget]) -> None:
        """Begin with the start pages and no vault."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self._importing: Act | None = None
        self.setWindowTitle(NAME)
        self.setAcceptDrops(True)
        self.setMinimumSize(1000, 640)
        self.control = ProcessingControl(desk)
        self._build(start_pages)
        self._make_shortcuts()
        self._keys = ButtonKeys(self)
        QApplication.instance().focusChanged.connect(self._keys.watch)  # type: ignore[union-attr]
        desk.messages.listen(self._show_message)
        desk.tasks.announced.connect(self._changed)
        desk.theme.changed.connect(self._draw_icons)
        self._draw_icons()

    def show_start(self, page: QWidget) -> None:
        """Show a page before a vault is open."""
        self.setWindowTitle(NAME)
        self.root.setCurrentWidget(page)

    def open(self, workspace: Workspace | None) -> None:
        """Show a vault, or forget the one that was shown."""
        self._workspace = workspace
        for page in (self.calls, self.call, self.queue, self.control):
            page.open(workspace)
        self.bar.dismiss()
        if workspace is None:
            return
        demo = workspace.info.demo
        self.demo.setVisible(demo)
        self.side.show_vault(workspace.info.folder, demo=demo)
        self.setWindowTitle(f"{NAME} \N{EN DASH} demonstration" if demo else NAME)
        self.root.setCurrentWidget(self.main)
        self.show_calls()
        self._read_totals()

    def show_calls(self) -> None:
        """Show the list of calls."""
        self.call.leave()
        self.pages.setCurrentWidget(self.calls)
        self.side.calls.setChecked(True)
        self.calls.take_focus()

    def show_queue(self) -> None:
        """Show the queue."""
        self.call.leave()
        self.queue.refresh()
        self.pages.setCurrentWidget(self.queue)
        self.queue.setFocus()
        self.side.queue.setChecked(True)

    def show_call(self, call: str, searched: str = "") -> None:
        """Show one call, and where in it the words are that were searched for."""
        self.call.show_call(CallId(call), searched=searched)
        self.pages.setCurrentWidget(self.call)
        self.side.calls.setChecked(True)

    def ask_import(self, paths: Sequence[Path] = ()) -> None:
        """Ask what to import and what is known of it, then import."""
        if self._workspace is None:
            return
        if self._workspace.info.demo:
            self.bar.tell(OWN_CALLS_REFUSED)
            return
        dialog = ImportDialog(self, paths)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: self.import_paths(dialog.paths, dialog.metadata()))
        dialog.open()

    def import_paths(self, paths: Sequence[Path], metadata: CallMetadata) -> None:
        """Import files and folders beside the window and tell what came of it."""
        workspace = self._workspace
        if workspace is None:
            return
        self.bar.tell(Message(Kind.NOTE, "Importing…"))

        def work(act: Act) -> ImportReport:
            return workspace.intake.import_paths(
                tuple(paths), metadata=metadata, progress=act.progress, stop=act.stopped
            )

        def progress(state: Progress) -> None:
            of = f" of {state.total:,.0f}" if state.total else ""
            self.bar.tell(Message(Kind.NOTE, f"Importing: {state.done:,.0f}{of} recordings"))

        self._importing = self._desk.tasks.run(work, self._imported, progress=progress)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Let the application end the work beside the window first."""
        self.closed.emit()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Take files while a vault is open."""
        if self._workspace is not None and _local_paths(event):
            event.acceptProposedAction()
            self.drop.cover(self.main)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        """Show the page again."""
        self.drop.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        """Import what was dropped."""
        self.drop.hide()
        paths = _local_paths(event)
        if paths:
            event.acceptProposedAction()
            self.ask_import(paths)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Keep the drop cover over the whole page."""
        super().resizeEvent(event)
        if self.drop.isVisible():
            self.drop.cover(self.main)

    def _build(self, start_pages: Sequence[QWidget]) -> None:
        self.root = QStackedWidget()
        self.setCentralWidget(self.root)
        self.root.addWidget(QWidget())  # nothing, until it is known which page is right
        for page in start_pages:
            self.root.addWidget(page)
        self.calls, self.call = CallsPage(self._desk), CallPage(self._desk)
        self.queue = QueuePage(self._desk, self.control)
        self.pages = QStackedWidget()
        for page in (self.calls, self.call, self.queue):
            self.pages.addWidget(page)
        self.side, self.strip = SideBar(self._desk), Strip(self._desk, self.control)
        self.bar = MessageBar(self._desk)
        self.demo = DemoBanner()
        right = QVBoxLayout()
        right.setContentsMargins(0, 0, 0, 0)
        right.setSpacing(0)
        for part in (self.demo, self.bar):
            right.addWidget(part)
        right.addWidget(self.pages, 1)
        right.addWidget(self.strip)
        self.main = QWidget()
        whole = QHBoxLayout(self.main)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.side)
        whole.addLayout(right, 1)
        self.root.addWidget(self.main)
        self.drop = DropCover(self._desk, self.main)
        self._connect_pages()

    def _connect_pages(self) -> None:
        self.calls.opened.connect(self.show_call)
        self.calls.import_wanted.connect(self.ask_import)
        self.call.left.connect(self.show_calls)
        self.call.next_flagged.connect(lambda call: self.calls.to_next_flagged(CallId(call)))
        self.queue.opened.connect(self.show_call)
        self.strip.opened.connect(self.show_queue)
        self.pages.currentChanged.connect(
            lambda: self.strip.want(wanted=self.pages.currentWidget() is not self.queue)
        )
        self.side.calls.clicked.connect(self.show_calls)
        self.side.queue.clicked.connect(self.show_queue)
        self.side.lock.clicked.connect(self.lock_wanted)
        self.demo.own_vault_wanted.connect(self.own_vault_wanted)
        self.side.keys.clicked.connect(self._show_keys)

    def _make_shortcuts(self) -> None:
        keys = {
            "Ctrl+I": self.ask_import,
            "Ctrl+F": self._search,
            "Ctrl+1": self.show_calls,
            "Ctrl+2": self.show_queue,
            "Ctrl+L": self.lock_wanted.emit,
        }
        for key, act in keys.items():
            QShortcut(QKeySequence(key), self.main).activated.connect(lambda act=act: act())
        QShortcut(QKeySequence("F1"), self).activated.connect(self._show_keys)
        flagged = QShortcut(QKeySequence("N"), self.calls.table)
        back = QShortcut(QKeySequence("Esc"), self.calls)
        for shortcut in (flagged, back):
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        flagged.activated.connect(lambda: self.calls.to_next_flagged(self.calls.current()))
        back.activated.connect(self.calls.clear_filters)

    def _search(self) -> None:
        self.show_calls()
        self.calls.search.setFocus()
        self.calls.search.selectAll()

    def _show_keys(self) -> None:
        dialog = KeysDialog(self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _show_message(self, message: Message) -> None:
        if message.kind is Kind.FAULT:
            dialog = ReportDialog(self, message.sentence, message.hint, message.report)
            dialog.open()
        else:
            self.bar.tell(message)

    def _imported(self, report: ImportReport) -> None:
        self._importing = None
        kind = Kind.PROBLEM if report.refused else Kind.NOTE
        reasons = [f"{name}: {failure.sentence}" for name, failure in report.refused[:3]]
        self.bar.tell(Message(kind, words.imported(report), " ".join(reasons)))
        self._desk.tasks.announced.emit(_CHANGED)

    def _changed(self, changes: Changes) -> None:
        if Subject.JOBS in changes:
            self._read_totals()

    def _read_totals(self) -> None:
        workspace = self._workspace
        if workspace is not None:
            show = self.side.show_totals
            self._desk.tasks.query(workspace.calls.totals, show, key="totals")

    def _draw_icons(self) -> None:
        self.setWindowIcon(self._desk.theme.icon("app", "text", 64))


class SideBar(QFrame):
    """Leads to the pages, and tells which vault is open."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        super().__init__()
        self.setObjectName("side")
        self.setFixedWidth(200)
        self._theme = desk.theme
        self._failed = False
        self.calls, self.queue = self._entry("Calls", "Ctrl+1"), self._entry("Queue", "Ctrl+2")
        self.keys, self.lock = self._entry("Keyboard", "F1"), self._entry("Lock", "Ctrl+L")
        for entry in (self.calls, self.queue):
            entry.setCheckable(True)
            entry.setAutoExclusive(True)
        self.vault = label("", "quiet", wrap=True)
        self.vault.setContentsMargins(12, 0, 0, 0)
        self._mark = QLabel()
        name = label(NAME, "heading")
        top = QHBoxLayout()
        top.setSpacing(10)
        top.addWidget(self._mark)
        top.addWidget(name, 1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(12, 18, 12, 14)
        whole.setSpacing(4)
        whole.addLayout(top)
        whole.addSpacing(18)
        whole.addWidget(self.calls)
        whole.addWidget(self.queue)
        whole.addStretch(1)
        whole.addWidget(self.keys)
        whole.addWidget(self.lock)
        whole.addSpacing(8)
        whole.addWidget(self.vault)
        self._draw()
        desk.theme.changed.connect(self._draw)

    def show_vault(self, folder: Path, *, demo: bool) -> None:
        """Name the vault that is open."""
        self.vault.setText(f"{'Demonstration vault' if demo else 'Vault'}: {folder.name}")
        self.vault.setToolTip(str(folder))

    def show_totals(self, totals: dict[JobState, int]) -> None:
        """Show how much waits and how much failed beside the queue."""
        waiting = totals.get(JobState.QUEUED, 0) + totals.get(JobState.RUNNING, 0)
        failed = totals.get(JobState.FAILED, 0)
        self.queue.setText(f"  Queue  ({waiting:,})" if waiting else "  Queue")
        self.queue.setToolTip(f"Queue (Ctrl+2): {words.totals(totals)}")
        self._failed = failed > 0
        self._draw()
        self.queue.setAccessibleName(f"Queue, {words.totals(totals)}")

    def _entry(self, name: str, key: str) -> QToolButton:
        entry = QToolButton()
        entry.setText(f"  {name}")
        entry.setAccessibleName(name)
        entry.setToolTip(f"{name} ({key})")
        entry.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        entry.setIconSize(QSize(18, 18))
        entry.setFixedWidth(176)
        entry.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        return entry

    def _draw(self) -> None:
        for entry, icon in (
            (self.calls, "calls"),
            (self.queue, "failed" if self._failed else "queue"),
            (self.keys, "help"),
            (self.lock, "lock"),
        ):
            entry.setIcon(self._theme.icon(icon, "side_text"))
        picture = self._theme.pixmap("app", "text", 60)
        picture.setDevicePixelRatio(2)
        self._mark.setPixmap(picture)


class MessageBar(QFrame):
    """Shows the last message until it is dismissed or another takes its place."""

    def __init__(self, desk: Desk) -> None:
        """Begin hidden."""
        super().__init__()
        self._theme = desk.theme
        self.card = QFrame()
        self.card.setProperty("kind", "message")
        self.sentence = label("", "", wrap=True)
        self.hint = label("", "", wrap=True)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.sentence)
        texts.addWidget(self.hint)
        self.close_button = tool("Dismiss this message", self.dismiss)
        inside = QHBoxLayout(self.card)
        inside.setContentsMargins(14, 8, 8, 8)
        inside.addLayout(texts, 1)
        inside.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(24, 14, 24, 0)
        whole.addWidget(self.card)
        self._draw()
        desk.theme.changed.connect(self._draw)
        self.hide()

    def tell(self, message: Message) -> None:
        """Show a message."""
        self.sentence.setText(message.sentence)
        self.hint.setText(message.hint)
        self.hint.setVisible(bool(message.hint))
        problem = message.kind is Kind.PROBLEM
        set_kind(self.card, "message-problem" if problem else "message")
        for part in (self.sentence, self.hint):
            set_kind(part, "")
        self.setAccessibleName(message.sentence)
        self.show()

    def dismiss(self) -> None:
        """Hide the message."""
        self.hide()

    def _draw(self) -> None:
        self.close_button.setIcon(self._theme.icon("close", "quiet"))


class DropCover(QFrame):
    """Covers the window while files are held over it."""

    def __init__(self, desk: Desk, parent: QWidget) -> None:
        """Begin hidden."""
        super().__init__(parent)
        self.setProperty("kind", "drop")
        whole = QVBoxLayout(self)
        inside = EmptyState(desk.theme, "import")
        inside.say("Drop to import", "Files and whole folders; you can say more about them next.")
        whole.addWidget(inside)
        self.hide()

    def cover(self, widget: QWidget) -> None:
        """Lie over a widget."""
        self.setGeometry(widget.rect().adjusted(10, 10, -10, -10))
        self.raise_()
        self.show()


class ButtonKeys(QObject):
    """Lets the button or filter that has the focus keep Space and Enter for itself."""

    def __init__(self, parent: QObject) -> None:
        """Watch nothing yet."""
        super().__init__(parent)
        self._watched: QWidget | None = None

    def watch(self, old: QWidget | None, new: QWidget | None) -> None:
        """Watch the widget that has the focus now."""
        if old is not None:
            old.removeEventFilter(self)
        if isinstance(new, QAbstractButton | QComboBox):
            new.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        """Keep Space from being a shortcut here, and press buttons by Enter."""
        if not isinstance(event, QKeyEvent):
            return False
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if event.type() is QEvent.Type.ShortcutOverride and (
            enter or event.key() == Qt.Key.Key_Space
        ):
            event.accept()
            return True
        if event.type() is QEvent.Type.KeyPress and enter and isinstance(watched, QAbstractButton):
            watched.click()
            return True
        return False


def _local_paths(event: QDropEvent) -> list[Path]:
    urls = event.mimeData().urls()
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]


class DemoBanner(QFrame):
    """Marks every page of a demonstration vault, and leads to a vault of one's own."""

    own_vault_wanted = Signal()

    def __init__(self) -> None:
        """Begin hidden."""
        super().__init__()
        self.setObjectName("demo")
        self.own_vault = button("Use a vault of your own", self.own_vault_wanted.emit, "link")
        inside = QHBoxLayout(self)
        inside.setContentsMargins(24, 2, 24, 2)
        inside.addWidget(label("Demonstration vault: made-up calls. Real calls stay out of it."))
        inside.addStretch(1)
        inside.addWidget(self.own_vault)
        self.hide()
