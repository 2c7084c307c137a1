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
from app.domain import Progress, Stage
from app.ui.application import Session, qt_application
from app.ui.import_dialog import ImportDialog
from app.ui.progress import RunProgress
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QApplication, QWidget

SIZES = ((1280, 800), (1920, 1080))
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

    def shoot(self, name: str, sizes: tuple[tuple[int, int], ...] = SIZES) -> None:
        """Keep the window as it is, in several sizes."""
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
    session, window = camera.session, camera.window
    session.look_at(folder / "nothing-yet")
    camera.wait(session.set_up.isVisible)
    session.set_up.folder_label.setText(_A_FOLDER)
    camera.shoot("set-up", SIZES[:1])
    session.look_at(folder / "vault")
    camera.wait(session.unlock.isVisible)
    session.unlock.folder_label.setText(_A_FOLDER)
    camera.shoot("unlock", SIZES[:1])
    _open(camera, folder / "empty")
    camera.wait(window.calls.empty.isVisible)
    camera.shoot("empty", SIZES[:1])
    session.lock()
    camera.wait(lambda: session.unlock.isVisible() and session.unlock.passphrase.edit.isEnabled())
    _open(camera, folder / "vault")
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
    _picture_queue(camera)
    session.end()


def _open(camera: Camera, folder: Path) -> None:
    session = camera.session
    session.look_at(folder)
    camera.wait(lambda: session.unlock.folder == folder)
    session.unlock.unlocked.emit(scenes.PASSPHRASE, False)
    camera.wait(camera.window.main.isVisible)


def _picture_queue(camera: Camera) -> None:
    """Picture a run in its midst; the worker's part is played here."""
    session, window = camera.session, camera.window
    workspace = session._workspace
    assert workspace is not None
    lease = workspace._vault.jobs.claim("picture")
    assert lease is not None
    window.control.paused = False
    window.control.run = run = RunProgress(time.monotonic() - 95)
    run.note(Progress(done=3, total=9))
    window.show_queue()
    camera.wait(lambda: lease.call.id in window.queue._lines)
    run.note(Progress(done=0.6, total=1, call=lease.call.id, stage=Stage.TRANSCRIBE))
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
        scenes.filled(folder / "vault", done=46, failed=2, queued=6)
        scenes.filled(folder / "empty", done=0)
        scenes.filled(folder / "demo-vault", done=1, demo=True)
        for theme in ("light", "dark"):
            take_all(Camera(application, folder, theme, out), folder)


if __name__ == "__main__":
    main()
