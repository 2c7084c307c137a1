"""Finding a call, opening it, hearing what was found in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QTextCursor, QWheelEvent
from PySide6.QtWidgets import QApplication

from app.domain import CallOrder, JobState
from app.storage import vault
from app.ui import paged_table, playback
from app.ui.call_table import FLAGS, NAME, SCORE
from app.ui.timeline import moment_of
from app.ui.widgets import Chip, RowButton
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from tests.functional.conftest import Person


@pytest.fixture
def person(start: Callable[..., Person], program: Program) -> Person:
    """Return a person who sees the list of a vault with 40 calls, the newest a whole one."""
    scenes.filled(program.folders.vault, done=38, failed=2)
    somebody = start()
    somebody.unlock()
    somebody.see_list()
    return somebody


def test_the_list_is_sorted_by_a_header(person: Person) -> None:
    page = person.window.calls
    assert page.count.text() == "40 calls"
    assert page.stack.currentWidget() is page.table
    header = page.table.horizontalHeader()
    place = QPoint(header.sectionViewportPosition(SCORE) + 8, 10)
    person.qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert page.model.query.order is CallOrder.SCORE
    person.wait(lambda: page.model.row(39) is not None)
    scores = [row.score for row in map(page.model.row, range(40)) if row and row.score is not None]
    ordered = sorted(scores, reverse=page.model.query.descending)
    assert scores == ordered


def test_filters_narrow_the_list_and_an_empty_one_says_what_to_do(person: Person) -> None:
    page = person.window.calls
    person.qtbot.keyClick(page.table, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    person.wait(page.search.hasFocus)
    person.qtbot.keyClicks(page.search, "hardly")
    person.wait(page.empty.isVisible)
    assert page.search.hasFocus(), "typing goes on"
    page.search.clear()
    person.qtbot.keyClicks(page.search, "complaint")
    person.wait(lambda: page.count.text() == "1 call found")
    page.clear_filters()
    person.wait(lambda: page.count.text() == "40 calls")
    page.state.setCurrentIndex(page.state.findData(JobState.FAILED))
    person.wait(lambda: page.count.text() == "2 calls found")
    page.state.setCurrentIndex(0)
    page.flagged.click()
    person.wait(lambda: page.model.query.flagged and page.model.row(0) is not None)
    shown = [page.model.row(number) for number in range(page.model.rowCount())]
    assert all(row is not None and row.flags for row in shown)
    person.wait(lambda: page.agent.count() > 1)
    assert page.agent.itemText(1).endswith(")"), "with the number of calls"


def test_calls_in_another_language_are_marked_and_can_be_listed(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=3)
    with vault.open_vault(program.folders.vault, scenes.PASSPHRASE) as opened:
        german = scenes.add_done(opened, 900, scenes.in_german(scenes.short_outcome(900)))
    person = start()
    person.unlock()
    person.see_list()
    page = person.window.calls
    assert page.count.text() == "4 calls"
    page.other_language.click()
    person.wait(lambda: page.count.text() == "1 call found")
    person.wait(lambda: page.model.row(0) is not None)
    shown = page.model.index(0, FLAGS)
    assert "Not in English but in German" in shown.data(Qt.ItemDataRole.AccessibleTextRole)
    person.see_list()
    page.table.selectRow(0)
    person.qtbot.keyClick(page.table, Qt.Key.Key_Return)
    person.wait(lambda: person.window.call._call == german)
    call = person.window.call
    person.wait(lambda: "In German, uncertain" in [c.text() for c in call.findChildren(Chip)])
    person.window.show_calls()
    page.clear_filters()
    assert not page.other_language.isChecked()
    person.wait(lambda: page.count.text() == "4 calls")


def test_searched_words_are_marked_in_the_call(person: Person) -> None:
    page = person.window.calls
    person.qtbot.keyClicks(page.search, "complaint")
    person.wait(lambda: page.count.text() == "1 call found")
    person.see_list()
    page.table.selectRow(0)
    person.qtbot.keyClick(page.table, Qt.Key.Key_Return)
    transcript = person.window.call.transcript
    person.wait(transcript.isVisible)
    assert transcript.marked() == ["complaint", "complaint", "complaint"]


def test_a_call_is_opened_heard_and_left_by_keyboard_alone(person: Person) -> None:
    window = person.window
    window.calls.table.setFocus()
    person.qtbot.keyClick(window.calls.table, Qt.Key.Key_Home, Qt.KeyboardModifier.ControlModifier)
    person.qtbot.keyClick(window.calls.table, Qt.Key.Key_Return)
    person.wait(window.call.transcript.isVisible)
    page = window.call
    assert page.play.hasFocus()
    person.qtbot.keyClick(page.play, Qt.Key.Key_Space)
    assert page.playback.playing
    person.wait(lambda: page.playback.position_ms > 200)
    assert page.play.accessibleName() == "Pause (Space)"
    person.qtbot.keyClick(page.play, Qt.Key.Key_Space)
    assert not page.playback.playing
    at = page.playback.position_ms
    person.qtbot.keyClick(page.play, Qt.Key.Key_L)
    assert page.playback.position_ms == at + 5000
    person.qtbot.keyClick(page.play, Qt.Key.Key_J)
    assert page.playback.position_ms == at
    page.waveform.setFocus()
    person.qtbot.keyClick(page.waveform, Qt.Key.Key_Right)
    assert page.playback.position_ms == at + 5000
    person.qtbot.keyClick(page.waveform, Qt.Key.Key_Home)
    assert page.playback.position_ms == 0
    person.qtbot.keyClick(page.waveform, Qt.Key.Key_F)
    assert page.playback.playing, "the next finding is heard"
    first = min(e.start_ms for f in scenes.story().analysis.findings for e in f.evidence)
    assert abs(page.playback.position_ms - first) < 1000
    person.qtbot.keyClick(page.waveform, Qt.Key.Key_Escape)
    assert window.calls.isVisible()
    assert not page.playback.playing
    assert window.calls.table.hasFocus()


def test_a_click_on_a_word_goes_to_its_second(person: Person) -> None:
    person.open_first()
    page = person.window.call
    turn = scenes.story().analysis.transcript.turns[5]
    character = turn.text.index("complaint")
    cursor = QTextCursor(page.transcript.document().findBlockByNumber(5))
    cursor.movePosition(QTextCursor.MoveOperation.Right, n=character + 2)
    spot = page.transcript.cursorRect(cursor).center()
    person.qtbot.mouseClick(
        page.transcript.viewport(), Qt.MouseButton.LeftButton, pos=spot + QPoint(2, 0)
    )
    assert page.playback.position_ms == moment_of(turn, character)


def test_a_finding_brings_its_words_into_view_and_plays(person: Person) -> None:
    person.open_first()
    page = person.window.call
    rows = {row.text(): row for row in page.side.findChildren(RowButton)}
    flag = scenes.story().analysis.flags[0]
    rows[flag.title].click()
    assert page.playback.playing
    assert abs(page.playback.position_ms - flag.evidence[0].start_ms) < 1000
    assert page.transcript.marked()[0] == "My husband passed away"
    assert not page.transcript.following
    assert page.follow.isVisible()
    page.follow.click()
    assert page.transcript.following
    summary = scenes.story().analysis.summary[2]
    rows[summary.text].click()
    turn = scenes.story().analysis.transcript.turns[summary.turns[0]]
    assert abs(page.playback.position_ms - turn.start_ms) < 1000


def test_the_transcript_follows_until_a_person_scrolls(person: Person) -> None:
    person.window.resize(1000, 640)
    person.open_first()
    page = person.window.call
    turns = scenes.story().analysis.transcript.turns
    bar = page.transcript.verticalScrollBar()
    page.playback.seek(turns[-2].start_ms + 100)
    person.wait(lambda: bar.value() > 0)
    assert page.transcript.marked() == [turns[-2].words[0].text]
    middle = QPointF(page.transcript.viewport().rect().center())
    wheel = QWheelEvent(
        middle,
        page.transcript.viewport().mapToGlobal(middle),
        QPoint(),
        QPoint(0, 1200),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(page.transcript.viewport(), wheel)
    assert not page.transcript.following
    at = bar.value()
    page.playback.seek(turns[-1].start_ms + 100)
    person.qtbot.wait(30)
    assert bar.value() == at


def test_a_mark_above_the_waveform_can_be_clicked(person: Person) -> None:
    person.open_first()
    page = person.window.call
    flag = scenes.story().analysis.flags[1].evidence[0]
    x = round(page.waveform._x(flag.start_ms))
    person.qtbot.mouseClick(page.waveform, Qt.MouseButton.LeftButton, pos=QPoint(x, 9))
    assert abs(page.playback.position_ms - flag.start_ms) < 1000
    assert page.playback.playing
    page.playback.pause()
    person.qtbot.mouseClick(page.waveform, Qt.MouseButton.LeftButton, pos=QPoint(x + 100, 60))
    assert page.playback.position_ms > flag.start_ms + 1000


def test_listening_is_audited_and_only_when_someone_listens(person: Person) -> None:
    person.open_first()
    page = person.window.call
    workspace = person.session._workspace
    assert workspace is not None
    page.playback.seek(5000)
    person.wait(lambda: page.playback.position_ms == 5000)
    acts = [entry.act for entry in workspace.audit.entries(limit=200)]
    assert "call.view" in acts
    assert "call.listen" not in acts
    page.play.click()
    person.wait(lambda: "call.listen" in [e.act for e in workspace.audit.entries(limit=5)])
    person.wait(lambda: page.playback.position_ms > 5200)


def test_without_a_sound_device_the_call_can_still_be_followed(person: Person) -> None:
    person.open_first()
    page = person.window.call
    page.play.click()
    person.wait(lambda: page.playback.position_ms > 100)
    assert page.trouble.text() in ("", playback.NO_DEVICE), "a device or a sentence"


@pytest.mark.qt_log_ignore("Could not open media", extend=True)
def test_sound_that_cannot_be_played_says_so(person: Person) -> None:
    person.open_first()
    page = person.window.call
    page.playback.wanted.disconnect()
    page.playback.wanted.connect(lambda: page.playback.supply(b"fLaC" + bytes(400)))
    page.play.click()
    person.wait(lambda: page.trouble.text() == playback.NO_SOUND)
    assert not page.playback.playing


def test_the_next_flagged_call_is_one_key_away(person: Person) -> None:
    page = person.window.calls
    person.wait(lambda: page.model.row(39) is not None)
    flagged = [row.id for row in map(page.model.row, range(40)) if row and row.flags]
    page.table.selectRow(0)
    page.table.setFocus()
    person.qtbot.keyClick(page.table, Qt.Key.Key_N)
    person.wait(person.window.call.transcript.isVisible)
    assert person.window.call._call == flagged[1]
    person.qtbot.keyClick(person.window.call, Qt.Key.Key_N)
    person.wait(lambda: person.window.call._call == flagged[2])
    person.window.call.next_flagged.emit(flagged[-1])
    person.wait(lambda: person.window.call._call == flagged[0])


def test_a_failed_call_opens_with_its_reason(person: Person) -> None:
    page = person.window.calls
    page.state.setCurrentIndex(page.state.findData(JobState.FAILED))
    person.wait(lambda: page.model.rowCount() == 2 and page.model.row(0) is not None)
    page.table.doubleClicked.emit(page.model.index(0, NAME))
    empty = person.window.call.empty
    person.wait(empty.isVisible)
    assert empty._title.text() == scenes.FAILURE.sentence
    assert empty._hint.text() == scenes.FAILURE.hint
    assert not person.window.call.playback.playing


def test_only_pages_that_are_seen_are_read(
    start: Callable[..., Person], program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paged_table, "PAGE", 20)
    opened = scenes.new_vault(program.folders.vault)
    for number in range(80):
        scenes.add_waiting(opened, number)
    opened.close()
    person = start()
    person.session.window.control._look = lambda: None  # type: ignore[method-assign]
    person.unlock()
    person.see_list()
    model, table = person.window.calls.model, person.window.calls.table
    assert model.rowCount() == 80
    assert set(model._pages) == {0}
    table.scrollToBottom()
    person.wait(lambda: 3 in model._pages)
    assert 1 not in model._pages
    last = model.row(80 - 1)
    assert last is not None


def test_nothing_that_was_said_stands_in_a_title(person: Person) -> None:
    person.open_first()
    titles = [widget.windowTitle() for widget in QApplication.topLevelWidgets()]
    names = {title for title in titles if title}
    assert names == {"AutoInsights"}
