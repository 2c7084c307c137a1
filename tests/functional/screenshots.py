"""Draws the window's pictures for the documents: `python -m tests.functional.screenshots [FOLDER]`.

Every page in both themes at 1280x800, and the main ones at 1920x1080, from real vaults with made-up
calls. Nothing is shown on a screen.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

os.environ["QT_QPA_PLATFORM"] = "offscreen"

import numpy as np
from PySide6.QtCore import QDeadlineTimer, QEventLoop, Qt
from PySide6.QtGui import QImage
from PySide6.QtTest import QTest

from app import config
from app.bootstrap import Folders, Program, resources
from app.domain import (
    EVERYTHING,
    GuardedAct,
    NewSecondFactor,
    PersonName,
    Progress,
    Stage,
    VaultInfo,
)
from app.errors import CodeNeeded
from app.storage import vault
from app.storage.elusion import Judging
from app.storage.requests import Asked
from app.ui import first_steps
from app.ui.application import Session, qt_application
from app.ui.import_dialog import ImportDialog
from app.ui.people_tab import PersonAct
from app.ui.person_dialog import PersonDialog
from app.ui.progress import RunProgress
from app.ui.rights import Page, Tab
from app.ui.secret_dialogs import ConfirmDialog, SecondFactorDialog
from app.ui.unlock_page import SignIn
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication, QDialog, QWidget

SIZES = ((1280, 800), (1920, 1080))
_A_SHEET = "KQ3M-7TZA-XW5P-B2HD-NR6Y-4CLE-VJ2S-G3UF-QH7I"
_A_KEY = "AIKEY2-Q7ZK-3MTA-XW5P-B2HD-NR6Y-4CLE-VJ2S-G3UF-QH7I-M5XO-6WPD-2RBA-K4TN-7ZEQ-C3LU-HY2V"
_A_LIST = """# What our callers speak of
[products]
Velmora
Zentaro Plus

[names]
Siobhan Kerrigan = shivawn kerrigan

[places]
Little Stenning"""
_A_VAULT = VaultInfo(
    id="1f0c" * 8, folder=Path("vault"), demo=False, created_at="2026-03-27T16:36:00+00:00"
)
_A_URI = "otpauth://totp/AutoInsights:owner?secret=KQ3M7TZAXW5PB2HDNR6Y4CLEVJ2SG3UF"
_A_FOLDER = "/home/you/.local/share/AutoInsights/vault"
OUT = Path(__file__).parents[2] / "resources" / "documents" / "screenshots"


class Camera:
    """One session of the window in one theme, and where its pictures go."""

    def __init__(self, application: QApplication, data: Path, theme: str, out: Path) -> None:
        """Open a session over the vaults in `data`."""
        self.application, self.theme, self.out = application, theme, out
        folders = Folders(
            resources=resources(),
            data=data,
            settings_file=data / "settings" / "settings.toml",
            log_file=data / "log",
        )
        program = Program(settings=config.Settings(), folders=folders)
        self.session = Session(program, application, theme=theme)
        self.window = self.session.window
        # the pictures need no models: what runs is played in `_picture_queue`
        self.window.control._look = lambda: None
        self.window.show()

    def wait(self, condition: Callable[[], bool]) -> None:
        """Let the window work until a condition holds."""
        deadline = QDeadlineTimer(20_000)
        while not condition():
            self.application.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents, 50)
            if deadline.hasExpired():
                raise TimeoutError("the window did not come to the scene")

    def shoot(
        self, name: str, sizes: tuple[tuple[int, int], ...] = SIZES, *, in_dark: bool = True
    ) -> None:
        """Keep the window as it is, in several sizes; some in light only."""
        if self.theme == "dark" and not in_dark:
            return
        for width, height in sizes:
            self.window.resize(width, height)
            for _ in range(3):
                QTest.qWait(40)
                self.application.processEvents()
            self.keep(self.window, f"{name}-{self.theme}-{width}x{height}")

    def keep(self, widget: QWidget, name: str) -> None:
        """Keep a picture of a widget in few colours, which is a third of the size."""
        picture = widget.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)
        pixels = np.frombuffer(picture.constBits(), dtype=np.uint32)
        colours, often = np.unique(pixels, return_counts=True)
        table = [int(colour) for colour in colours[np.argsort(-often)][:256]]
        few = picture.convertToFormat(
            QImage.Format.Format_Indexed8, table, Qt.ImageConversionFlag.ThresholdDither
        )
        few.save(str(self.out / f"{name}.png"))


def take_all(camera: Camera, folder: Path) -> None:
    """Walk through the pages of the window and picture each."""
    _picture_entry(camera, folder)
    session, window = camera.session, camera.window
    _open(camera, folder / "vault", "owner")
    camera.wait(lambda: window.calls.model.row(0) is not None)
    window.calls.table.selectRow(0)
    camera.shoot("calls")
    call = window.calls.model.row(0)
    assert call is not None
    window.show_call(call.id)
    camera.wait(window.call.transcript.isVisible)
    page = window.call
    page.transcript.highlight(page._detail.analysis.flags[1].evidence)
    page.playback.seek(27_200)
    camera.shoot("call")
    _picture_judging(camera)
    _picture_people(camera)
    _picture_queue(camera)
    session.lock()
    camera.wait(lambda: session.unlock.isVisible() and session.unlock.passphrase.edit.isEnabled())
    _open(camera, folder / "vault", "Otto")
    camera.wait(lambda: window.calls.model.row(0) is not None)
    window.show_call(call.id)
    camera.wait(window.call.no_words.isVisible)
    camera.shoot("call-without-words", SIZES[:1], in_dark=False)
    session.end()


def _picture_entry(camera: Camera, folder: Path) -> None:
    """Picture what stands before an open vault."""
    session, entry, window = camera.session, camera.session.entry, camera.window
    session.look_at(folder / "nothing-yet")
    camera.wait(session.set_up.isVisible)
    session.set_up.folder_label.setText(_A_FOLDER)
    for edit in (session.set_up.new.passphrase.edit, session.set_up.new.again.edit):
        edit.setText(scenes.PASSPHRASE)
    camera.wait(lambda: session.set_up.new.meter.value() == 100)
    camera.shoot("set-up", SIZES[:1])
    entry.sheet_step.view.show_paper(first_steps.sheet_paper(_A_SHEET, _A_VAULT))
    window.show_start(entry.sheet_step)
    camera.shoot("recovery-sheet", SIZES[:1])
    entry.key_step.show_key(_A_KEY, _A_VAULT)
    window.show_start(entry.key_step)
    camera.shoot("verification-key", SIZES[:1], in_dark=False)
    session.look_at(folder / "vault")
    camera.wait(session.unlock.isVisible)
    session.unlock.folder_label.setText(_A_FOLDER)
    session.unlock.name.setText("Rita")
    session.unlock.passphrase.edit.setText(scenes.PASSPHRASE)
    session.unlock.show_going_on("Analysis goes on: 3 of 12 calls")
    camera.shoot("unlock", SIZES[:1])
    session.unlock.show_going_on("")
    session.unlock.refuse(CodeNeeded("The code of the second factor is needed, too."))
    camera.shoot("unlock-code", SIZES[:1], in_dark=False)
    _open(camera, folder / "empty")
    camera.wait(window.calls.empty.isVisible)
    camera.shoot("empty", SIZES[:1])
    session.lock()
    camera.wait(lambda: session.unlock.isVisible() and session.unlock.passphrase.edit.isEnabled())


def _picture_judging(camera: Camera) -> None:
    """Picture a drawn turn in which something is counted as missed."""
    window, page = camera.window, camera.window.judging
    window.show_page(Page.JUDGING)
    if camera.theme == "light":
        camera.wait(page.empty.isVisible)
        page.number.setValue(100)
        page.draw.click()
    camera.wait(lambda: page.content.isVisible() and bool(page.text.text()))
    page.count_missed(next(iter(page.kinds)))
    camera.shoot("judging", SIZES[:1])
    page.clear_missed()


def _picture_people(camera: Camera) -> None:
    """Picture the pages about people, rules, the audit log and one's own account."""
    window = camera.window
    window.show_page(Page.PEOPLE)
    page = window.people
    camera.wait(lambda: bool(page.requests.lines))
    camera.shoot("requests", SIZES[:1])
    page.show_tab(Tab.PEOPLE)
    camera.wait(lambda: page.people.table.rowCount() > 3)
    page.people.select("Rita")
    camera.shoot("people", SIZES[:1])
    page.people.act(PersonAct.CHANGE)
    _keep_dialog(camera, PersonDialog, "person")
    page.show_tab(Tab.TEAMS)
    camera.wait(lambda: page.teams.list.count() > 0)
    page.teams.list.setCurrentRow(0)
    camera.shoot("teams", SIZES[:1], in_dark=False)
    page.show_tab(Tab.RULES)
    camera.wait(page.rules.isVisible)
    camera.shoot("rules", SIZES[:1])
    page.show_tab(Tab.WORDS)
    camera.wait(page.word_list.isVisible)
    page.word_list.text.setPlainText(_A_LIST)
    camera.shoot("word-list", SIZES[:1])
    window.show_page(Page.AUDIT)
    audit = window.audit
    camera.wait(lambda: audit.model.row(0) is not None)
    audit.verify.click()
    camera.wait(audit.verify.isEnabled)
    camera.shoot("audit")
    window.show_page(Page.ACCOUNT)
    camera.wait(lambda: bool(window.account.name.text()))
    camera.shoot("account", SIZES[:1])
    window.account.set_up_factor.click()
    _keep_dialog(camera, ConfirmDialog, "typed-again")
    assert window.workspace is not None
    window.account._show_factor(window.workspace.confirm(scenes.PASSPHRASE))
    camera.wait(lambda: bool(window.findChildren(SecondFactorDialog)))
    dialog = window.findChildren(SecondFactorDialog)[0]
    camera.wait(lambda: bool(dialog.view.text.text()))
    dialog._show(NewSecondFactor(secret=b"", uri=_A_URI))
    _keep_dialog(camera, SecondFactorDialog, "second-factor")


def _keep_dialog(camera: Camera, kind: type[QDialog], name: str) -> None:
    dialog = camera.window.findChildren(kind)[0]
    camera.wait(dialog.isVisible)
    for _ in range(4):
        QTest.qWait(40)
    if camera.theme == "light":
        camera.keep(dialog, f"{name}-light")
    dialog.reject()


def _open(camera: Camera, folder: Path, name: str = "") -> None:
    session = camera.session
    session.look_at(folder)
    camera.wait(lambda: session.unlock.folder == folder)
    passphrase = scenes.PASSPHRASES.get(name, scenes.PASSPHRASE)
    session.unlock.unlocked.emit(SignIn(name, passphrase))
    camera.wait(camera.window.main.isVisible)


def _furnish(folder: Path) -> None:
    """Fill a vault with calls, people, a team and what people ask for."""
    people = (scenes.REVIEWER, scenes.AUDITOR, scenes.OFFICER, scenes.ADMINISTRATOR)
    made = scenes.office(folder, *people, done=46, failed=2, queued=6)
    with vault.open_vault(folder, scenes.PASSPHRASE, name="owner") as opened:
        opened.teams.keep("North", ["A. Osei", "M. Lindqvist"], actor="owner")
        opened.teams.keep("South", ["P. Novak", "R. Haddad", "S. Whitlock"], actor="owner")
        asked = Asked(
            act=GuardedAct.EXPORT_ORIGINAL,
            subject=made.done[0],
            value="",
            reason="The ombudsman asked for the recording in case 4711",
        )
        own = Asked(
            act=GuardedAct.LOWER_RETENTION,
            subject="retention_days",
            value="730",
            reason="The new contract keeps calls for two years",
        )
        for by, one in ((PersonName("Priya"), asked), (PersonName("owner"), own)):
            opened.requests.ask(one, by=by, check=lambda _: None, do=lambda *_: None)
        opened.holds.place(made.done[1], "Dispute 17", actor="Priya", scope=EVERYTHING)
        _judge(opened)


def _judge(opened: vault.Vault) -> None:
    """Draw turns and judge all of them."""
    who = Judging(actor="Priya", scope=EVERYTHING, held_back=True)
    opened.elusion.draw(120, actor="Priya", scope=EVERYTHING, progress=lambda _: None)
    while (turn := opened.elusion.next(who=who)) is not None:
        opened.elusion.judge(turn.sample, turn.place, (), who=who)


def _picture_queue(camera: Camera) -> None:
    """Picture a run in its midst; the worker's part is played here."""
    session, window = camera.session, camera.window
    workspace = session._workspace
    assert workspace is not None
    lease = workspace._vault.jobs.claim("picture")
    assert lease is not None
    window.control.paused = False
    window.control.run = run = RunProgress(time.monotonic() - 95)
    run.note(Progress(done=3, total=9), time.monotonic() - 60)
    window.show_queue()
    camera.wait(lambda: lease.call.id in window.queue._lines)
    now = time.monotonic()
    run.note(Progress(done=0.6, total=1, call=lease.call.id, stage=Stage.TRANSCRIBE), now)
    window.control.moved.emit()
    camera.shoot("queue")
    window.show_calls()
    window.ask_import([Path(__file__), Path(__file__).parent])
    camera.wait(lambda: bool(window.findChildren(ImportDialog)))
    camera.keep(window.findChildren(ImportDialog)[0], f"import-{camera.theme}")
    window.findChildren(ImportDialog)[0].reject()


def main() -> None:
    """Draw all pictures."""
    out = Path(sys.argv[1]) if len(sys.argv) > 1 else OUT
    out.mkdir(parents=True, exist_ok=True)
    application = qt_application()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        _furnish(folder / "vault")
        scenes.filled(folder / "empty", done=0)
        scenes.filled(folder / "demo-vault", done=1, demo=True)
        for theme in ("light", "dark"):
            take_all(Camera(application, folder, theme, out), folder)


if __name__ == "__main__":
    main()
