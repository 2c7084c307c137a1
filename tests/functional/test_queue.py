"""Importing, the queue, and what happens when a call cannot be analysed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QPushButton

from app.bootstrap import resources
from app.domain import JobState, Stage
from app.ui.import_dialog import ImportDialog
from app.ui.progress import CallProgress
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.bootstrap import Program
    from app.ui.window import MainWindow
    from tests.functional.conftest import Person


def drop(window: MainWindow, paths: list[Path]) -> None:
    """Drop files on the window as a file manager does."""
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    shared = (
        Qt.DropAction.CopyAction,
        data,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter = QDragEnterEvent(QPoint(400, 300), *shared)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    assert window.drop.isVisible()
    QApplication.sendEvent(window, QDropEvent(QPointF(400, 300), *shared))
    assert not window.drop.isVisible()


def answer_import(person: Person) -> ImportDialog:
    """Wait for the import dialog."""
    person.wait(lambda: bool(person.window.findChildren(ImportDialog)))
    dialog: ImportDialog = person.window.findChildren(ImportDialog)[0]
    return dialog


def shown_buttons(person: Person) -> dict[str, QPushButton]:
    found = person.window.queue.findChildren(QPushButton)
    return {button.accessibleName(): button for button in found if button.isVisible()}


def test_dropped_files_are_imported_and_a_broken_one_fails_with_a_reason(
    start: Callable[..., Person], program: Program, tmp_path: Path
) -> None:
    scenes.filled(program.folders.vault, done=0)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"this is no recording at all" * 40)
    person = start()
    person.unlock()
    person.wait(person.window.calls.empty.isVisible)
    drop(person.window, [broken])
    dialog = answer_import(person)
    person.qtbot.keyClicks(dialog.agent, "A. Osei")
    dialog.channels.setCurrentIndex(1)
    person.qtbot.keyClick(dialog.start, Qt.Key.Key_Return)
    person.wait(lambda: person.window.bar.sentence.text() == "1 recording imported.")
    person.wait(lambda: (row := person.window.calls.model.row(0)) and row.state is JobState.FAILED)
    row = person.window.calls.model.row(0)
    assert row is not None
    assert row.agent == "A. Osei"
    assert row.failure is not None
    person.window.side.queue.click()
    person.wait(lambda: "Retry broken.wav" in shown_buttons(person))
    line = person.window.queue._lines[row.id]
    line.show_progress(CallProgress(stage=Stage.REDACT, share=0.5))  # told late
    texts = [label.text() for label in line.findChildren(type(person.window.queue.totals))]
    assert row.failure.sentence in texts
    assert row.failure.hint in texts
    drop(person.window, [broken])
    answer_import(person).accept()
    person.wait(lambda: person.window.bar.sentence.text() == "1 already in this vault.")


def test_waiting_calls_can_be_paused_cancelled_and_retried(
    start: Callable[..., Person], program: Program
) -> None:
    filled = scenes.filled(program.folders.vault, done=0, failed=2, queued=2)
    person = start()
    # nothing is analysed here: a queue that is paused from the start
    control = person.window.control
    control._look = lambda: None  # type: ignore[method-assign]
    person.unlock()
    person.window.show_queue()
    page = person.window.queue
    person.wait(lambda: len(page._lines) == 4)
    assert page.totals.text() == "2 queued  \N{MIDDLE DOT}  2 failed"
    assert not person.window.strip.isVisible()
    page.pause.click()
    assert page.pause.text() == "Go on"
    person.window.show_calls()
    person.wait(person.window.strip.isVisible)
    person.window.strip.opened.emit()
    names = {row.id: row.source_name for row in (line._row for line in page._lines.values())}
    person.wait(lambda: f"Cancel {names[filled.queued[0]]}" in shown_buttons(person))
    shown_buttons(person)[f"Cancel {names[filled.queued[0]]}"].click()
    person.wait(lambda: "1 queued" in page.totals.text())
    person.wait(lambda: f"Retry {names[filled.queued[0]]}" in shown_buttons(person))
    shown_buttons(person)[f"Retry {names[filled.queued[0]]}"].click()
    person.wait(lambda: "2 queued" in page.totals.text())
    shown_buttons(person)["Retry all failed"].click()
    person.wait(lambda: "4 queued" in page.totals.text())
    assert not page.retry_all.isVisible()
    person.wait(lambda: person.window.side.queue.text().strip() == "Queue  (4)")


def test_a_fault_is_told_without_content_and_the_window_goes_on(
    start: Callable[..., Person], program: Program, expected_logs: list[object]
) -> None:
    from app.ui.dialogs import ReportDialog

    scenes.filled(program.folders.vault, done=1)
    person = start()
    person.unlock()
    person.see_list()
    secret = "my mother's maiden name"

    def broken() -> None:
        raise RuntimeError(secret)

    with person.qtbot.captureExceptions():
        person.session._caught(RuntimeError, RuntimeError(secret), None)
    person.session.tasks.query(broken, lambda _: None)
    person.wait(lambda: len(person.window.findChildren(ReportDialog)) == 2)
    for dialog in person.window.findChildren(ReportDialog):
        assert "RuntimeError" in dialog.report.toPlainText()
        assert secret not in dialog.report.toPlainText()
        dialog.accept()
    assert expected_logs
    person.open_first()


@pytest.mark.models
def test_a_sample_goes_from_the_folder_to_its_first_finding(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=0)
    person = start()
    person.unlock()
    person.wait(person.window.calls.empty.isVisible)
    person.window.ask_import([resources() / "samples" / "retail.opus"])
    answer_import(person).accept()
    model = person.window.calls.model
    person.qtbot.waitUntil(
        lambda: (row := model.row(0)) is not None and row.state is JobState.DONE, timeout=180_000
    )
    person.open_first()
    page = person.window.call
    assert page._marks
    page.next_finding.click()
    person.wait(lambda: page.playback.playing and page.playback.position_ms > 0)
    assert page.transcript.toPlainText()
    person.wait(lambda: person.window.control.run is None)
