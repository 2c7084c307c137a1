"""The main window: before a vault is open the start pages, afterwards side bar, pages and strip."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import (
    QApplication,
    QDialog,
    QHBoxLayout,
    QMainWindow,
    QStackedWidget,
    QToolTip,
    QVBoxLayout,
    QWidget,
)

from app.domain import CallId, Right, Subject
from app.ui import rights, words
from app.ui.account_page import AccountPage
from app.ui.audit_page import AuditPage
from app.ui.bars import ButtonKeys, DemoBanner, DropCover, MessageBar
from app.ui.call_page import CallPage
from app.ui.calls_page import CallsPage
from app.ui.dialogs import KeysDialog, ReportDialog
from app.ui.importing import Importing
from app.ui.judging_page import JudgingPage
from app.ui.messages import Kind, Message
from app.ui.people_page import PeoplePage
from app.ui.processing import ProcessingControl
from app.ui.queue_page import QueuePage, Strip
from app.ui.rights import Page, may
from app.ui.side_bar import SideBar

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.domain import Changes
    from app.errors import AppError
    from app.ui.desk import Desk
    from app.ui.playback import Playback
    from app.workspace import Workspace

NAME = "AutoInsights"
_Page = CallsPage | QueuePage | JudgingPage | PeoplePage | AuditPage | AccountPage


class MainWindow(QMainWindow):
    """Holds the pages; `lock_wanted` and `closed` are answered by the application."""

    lock_wanted = Signal()
    work_moved = Signal()
    """What `at_work` and `work` say is another."""
    own_vault_wanted = Signal()
    closed = Signal()

    def __init__(self, desk: Desk, start_pages: Sequence[QWidget]) -> None:
        """Begin with the start pages and no vault."""
        super().__init__()
        self._desk = desk
        self._workspace: Workspace | None = None
        self.setWindowTitle(NAME)
        self.setAcceptDrops(True)
        self.setMinimumSize(1000, 640)
        self.control, self.importing = ProcessingControl(desk), Importing(desk, self)
        self._build(start_pages)
        self._make_shortcuts()
        self._keys = ButtonKeys(self)
        QApplication.instance().focusChanged.connect(self._keys.watch)  # type: ignore[union-attr]
        desk.messages.listen(self._show_message)
        desk.tasks.announced.connect(self._changed)
        self.control.moved.connect(self.work_moved)
        self.importing.moved.connect(self.work_moved)
        self.importing.told.connect(lambda message: self.bar.tell(message))  # noqa: PLW0108  (made later)
        desk.theme.changed.connect(self._draw_icons)
        self._draw_icons()

    @property
    def workspace(self) -> Workspace | None:
        """The vault that is shown."""
        return self._workspace

    @property
    def playbacks(self) -> tuple[Playback, ...]:
        """All by which calls are heard."""
        return self.call.playback, self.judging.playback

    @property
    def running(self) -> bool:
        """Whether calls are being analysed or imported."""
        return self.control.running or self.importing.busy

    @property
    def at_work(self) -> bool:
        """Whether that is so, or may be in a moment: behind the lock the vault stays open then."""
        return self.control.busy or self.importing.busy

    def work(self) -> str:
        """Return what goes on, in a sentence without content."""
        run = self.control.run
        if run is None and self.importing.busy:
            return words.going_on(0, 0, self.importing.progress or "starting")
        return words.going_on(run.done, run.total) if run is not None else words.going_on(0, 0)

    def show_start(self, page: QWidget) -> None:
        """Show a page before a vault is open."""
        self.setWindowTitle(NAME)
        self.root.setCurrentWidget(page)

    def hide_content(self) -> None:
        """Take everything off the window that came from the vault; what runs goes on."""
        QToolTip.hideText()
        while (popup := QApplication.activePopupWidget()) is not None:
            popup.close()
        for dialog in self.findChildren(QDialog):
            if not isinstance(dialog, ReportDialog):
                dialog.reject()
        self._forget()
        self._desk.tasks.forget()
        self.control.keep_on()

    def _forget(self) -> None:
        self._workspace = None
        for page in self._pages.values():
            page.open(None)
        self.call.open(None)
        self.importing.open(None)
        self.bar.dismiss()
        self.side.show_vault(Path(), "", demo=False)

    def open(self, workspace: Workspace | None) -> None:
        """Show a vault, or forget the one that was shown."""
        self._forget()
        self.control.open(workspace)
        if workspace is None:
            return
        self._workspace = workspace
        for page in (*self._pages.values(), self.call, self.importing):
            page.open(workspace)
        demo, session = workspace.info.demo, workspace.session
        self.demo.setVisible(demo)
        self.side.show_vault(workspace.info.folder, session.name, demo=demo)
        self.side.offer(rights.pages(session.rights))
        self.setWindowTitle(f"{NAME} \N{EN DASH} demonstration" if demo else NAME)
        self.root.setCurrentWidget(self.main)
        self.show_page(rights.first_page(session))
        self._read_totals()
        self._read_requests()
        self._compare(workspace)

    def _compare(self, workspace: Workspace) -> None:
        """Say what speaks against relying on the vault; with very many calls that takes a while."""

        def tell(doubt: AppError | None) -> None:
            if doubt is not None and self._workspace is workspace:
                self._desk.messages.problem(doubt)

        self._desk.tasks.run(
            lambda act: workspace.audit.compare(act.stopped), tell, progress=lambda _: None
        )

    def show_page(self, page: Page) -> None:
        """Show a page, if the person can use it."""
        workspace = self._workspace
        if workspace is None or page not in rights.pages(workspace.session.rights):
            return
        self.call.leave()
        shown = self._pages[page]
        self.pages.setCurrentWidget(shown)
        shown.come()
        self.side.mark(page)

    def show_calls(self) -> None:
        """Show the list of calls."""
        self.show_page(Page.CALLS)

    def show_queue(self) -> None:
        """Show the queue."""
        self.show_page(Page.QUEUE)

    def show_call(self, call: str, searched: str = "") -> None:
        """Show one call, and where in it the words are that were searched for."""
        if not may(self._workspace, Right.SEE_EVIDENCE):
            return
        self.call.show_call(CallId(call), searched=searched)
        self.pages.setCurrentWidget(self.call)
        self.side.mark(Page.CALLS)

    def ask_import(self, paths: Sequence[Path] = ()) -> None:
        """Ask what to import and what is known of it, then import."""
        self.importing.ask(paths)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        """Let the application end the work beside the window first."""
        self.closed.emit()
        super().closeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        """Take files while a vault is open."""
        if may(self._workspace, Right.IMPORT) and _local_paths(event):
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
        self.judging = JudgingPage(self._desk)
        self.people, self.audit = PeoplePage(self._desk), AuditPage(self._desk)
        self.account = AccountPage(self._desk)
        self._pages: dict[Page, _Page] = {
            Page.CALLS: self.calls,
            Page.QUEUE: self.queue,
            Page.JUDGING: self.judging,
            Page.PEOPLE: self.people,
            Page.AUDIT: self.audit,
            Page.ACCOUNT: self.account,
        }
        self.pages = QStackedWidget()
        for page in (*self._pages.values(), self.call):
            self.pages.addWidget(page)
        self.side, self.strip = SideBar(NAME, self._desk), Strip(self._desk, self.control)
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
        self.call.gone.connect(self.show_calls)
        self.people.call_wanted.connect(self.show_call)
        self.account.lock_wanted.connect(self.lock_wanted)
        self.side.chosen.connect(self.show_page)
        self.side.lock.clicked.connect(self.lock_wanted)
        self.demo.own_vault_wanted.connect(self.own_vault_wanted)
        self.side.keys.clicked.connect(self._show_keys)

    def _make_shortcuts(self) -> None:
        keys: dict[str, Callable[[], object]] = {
            "Ctrl+I": self.ask_import,
            "Ctrl+F": self._search,
            "Ctrl+L": self.lock_wanted.emit,
        }
        for number, page in enumerate(Page, start=1):
            keys[f"Ctrl+{number}"] = partial(self.show_page, page)
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
        if not may(self._workspace, Right.SEE_CALLS, Right.SEE_TRANSCRIPT):
            return
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

    def _changed(self, changes: Changes) -> None:
        if Subject.JOBS in changes:
            self._read_totals()
        if Subject.REQUESTS in changes:
            self._read_requests()

    def _read_requests(self) -> None:
        workspace = self._workspace
        if workspace is None or not may(workspace, Right.APPROVE):
            self.side.show_requests(0)
            return

        def count() -> int:
            return sum(
                rights.may_decide(workspace.session, one) for one in workspace.requests.list()
            )

        self._desk.tasks.query(count, self.side.show_requests, key="requests.count")

    def _read_totals(self) -> None:
        workspace = self._workspace
        if workspace is not None and may(workspace, Right.SEE_CALLS):
            show = self.side.show_totals
            self._desk.tasks.query(workspace.calls.totals, show, key="totals")

    def _draw_icons(self) -> None:
        self.setWindowIcon(self._desk.theme.icon("app", "text", 64))


def _local_paths(event: QDropEvent) -> list[Path]:
    urls = event.mimeData().urls()
    return [Path(url.toLocalFile()) for url in urls if url.isLocalFile()]
