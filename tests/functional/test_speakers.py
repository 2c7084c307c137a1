"""Putting right who speaks in a call, with the mouse and with keys."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QPushButton

from app.domain import Role
from app.engine.client import LoneWorker
from app.storage import vault
from app.workspace import speakers
from tests import workers
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from app.config import ExecutionSettings
    from app.domain import AnalysedCall
    from app.engine.wire import Places
    from tests.functional.conftest import Person

A, C = Role.AGENT, Role.CUSTOMER
AS_FOUND = [role for role, _ in scenes.SCRIPT]
SWAPPED = [C if role is A else A for role in AS_FOUND]


@pytest.fixture(autouse=True)
def _quick_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Analyse again with a worker that answers at once."""

    def lone(_execution: ExecutionSettings, places: Places) -> LoneWorker:
        return LoneWorker(places, threads=1, serve=workers.ready_made)

    monkeypatch.setattr(speakers, "lone_worker", lone)


@pytest.fixture
def see(start: Callable[..., Person], program: Program) -> Callable[[AnalysedCall], Person]:
    """Return what opens the page of one call in a vault with no other."""

    def seen(outcome: AnalysedCall) -> Person:
        scenes.filled(program.folders.vault, done=0)
        with vault.open_vault(program.folders.vault, scenes.PASSPHRASE) as opened:
            scenes.add_done(opened, 1, outcome)
        person = start()
        person.unlock()
        person.open_first()
        return person

    return seen


def roles(person: Person) -> list[Role]:
    """Return who speaks in the call that is shown."""
    detail = person.window.call._detail
    assert detail is not None
    assert detail.analysis is not None
    return [turn.role for turn in detail.analysis.transcript.turns]


def test_estimated_speakers_are_marked_swapped_and_undone(
    see: Callable[[AnalysedCall], Person],
) -> None:
    person = see(scenes.on_one_channel(scenes.story()))
    page, strip = person.window.call, person.window.call.speakers
    assert strip.note.text() == "Speakers estimated from one channel, 78 % sure"
    assert not strip.undo.isVisible()
    person.qtbot.mouseClick(strip.swap, Qt.MouseButton.LeftButton)
    person.wait(lambda: roles(person) == SWAPPED)
    person.wait(lambda: strip.note.text().startswith("Corrected by owner, "))
    assert strip.note.text().endswith("15 turns; when each side speaks is estimated")
    assert page.side.isVisible()
    person.window.show_calls()
    person.wait(lambda: person.window.calls.model.row(0).score == 10.0)
    person.open_first()
    person.wait(strip.undo.isVisible)
    person.qtbot.mouseClick(strip.undo, Qt.MouseButton.LeftButton)
    person.wait(lambda: roles(person) == AS_FOUND)
    person.wait(lambda: not strip.undo.isVisible())
    assert strip.note.text() == "Speakers estimated from one channel, 78 % sure"


def test_turns_go_to_the_other_side_by_keys_and_the_place_stays(
    see: Callable[[AnalysedCall], Person],
) -> None:
    person = see(scenes.on_one_channel(scenes.story()))
    page, strip = person.window.call, person.window.call.speakers
    person.qtbot.keyClick(page, Qt.Key.Key_O)
    assert roles(person) == AS_FOUND, "no turn is chosen yet"
    turns = page._detail.analysis.transcript.turns
    page.playback.seek(turns[8].start_ms + 400)
    assert strip.other.text() == "This turn is the other side"
    person.qtbot.keyClick(page, Qt.Key.Key_O)
    expected = [*AS_FOUND]
    expected[8] = C
    person.wait(lambda: roles(person) == expected)
    assert page.playback.position_ms == turns[8].start_ms + 400
    cursor = page.transcript.textCursor()
    cursor.setPosition(page.transcript._starts[2] + 3)
    cursor.setPosition(page.transcript._starts[5], QTextCursor.MoveMode.KeepAnchor)
    page.transcript.setTextCursor(cursor)
    assert strip.other.text() == "These 3 turns are the other side"
    strip.other.setFocus()
    person.qtbot.keyClick(strip.other, Qt.Key.Key_Space)
    expected[2:5] = [C, A, C]
    person.wait(lambda: roles(person) == expected)
    person.wait(lambda: "4 turns" in strip.note.text())
    assert strip.other.hasFocus()


def test_the_acts_are_reached_with_the_tab_key(see: Callable[[AnalysedCall], Person]) -> None:
    person = see(scenes.on_one_channel(scenes.story()))
    page, strip = person.window.call, person.window.call.speakers
    page.playback.seek(5_000)
    page.follow.setFocus()
    reached = set()
    for _ in range(40):
        person.qtbot.keyClick(person.window.focusWidget(), Qt.Key.Key_Tab)
        reached.add(person.window.focusWidget())
    assert {strip.swap, strip.other, page.transcript} <= reached


def test_where_nobody_is_known_it_is_said_of_each_turn(
    see: Callable[[AnalysedCall], Person],
) -> None:
    person = see(scenes.on_one_channel(scenes.story(), told_apart=False))
    page, strip = person.window.call, person.window.call.speakers
    assert strip.note.text() == "It is not known who speaks: both sides are on one channel"
    assert not strip.swap.isVisible()
    assert not strip.other.isVisible()
    page.playback.seek(1_000)
    person.qtbot.mouseClick(strip.agent, Qt.MouseButton.LeftButton)
    person.wait(lambda: roles(person)[0] is A)
    assert roles(person)[1] is Role.UNKNOWN
    person.wait(strip.other.isVisible)


def test_where_neither_side_is_known_one_is_named_as_the_agent(
    see: Callable[[AnalysedCall], Person],
) -> None:
    told = scenes.story()
    said = told.analysis.transcript
    turns = tuple(replace(turn, role=Role.UNKNOWN) for turn in said.turns)
    said = replace(said, turns=turns, role_confidence=0.0)
    person = see(replace(told, analysis=replace(told.analysis, transcript=said)))
    strip = person.window.call.speakers
    assert strip.note.text() == "It is not known who speaks"
    assert not strip.swap.isVisible()
    sides = [b for b in strip.findChildren(QPushButton) if b.text().endswith("is the agent")]
    assert [b.text() for b in sides] == ["Speaker 1 is the agent", "Speaker 2 is the agent"]
    sides[1].click()
    person.wait(lambda: roles(person) == SWAPPED)
    person.wait(strip.swap.isVisible)


def test_what_cannot_be_analysed_again_stays_and_is_explained(
    see: Callable[[AnalysedCall], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lone(_execution: ExecutionSettings, places: Places) -> LoneWorker:
        return LoneWorker(places, threads=1, serve=workers.model_missing)

    monkeypatch.setattr(speakers, "lone_worker", lone)
    person = see(scenes.story())
    strip = person.window.call.speakers
    before = strip.note.text()
    strip.swap.click()
    assert strip.note.text() == "The call is analysed again…"
    person.wait(lambda: strip.note.text() == before)
    assert roles(person) == AS_FOUND


def test_who_may_not_correct_sees_how_the_speakers_are_known(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, scenes.AUDITOR, done=1)
    person = start()
    person.sign_in("Otto", scenes.PASSPHRASES["Otto"])
    person.see_list()
    person.window.calls.opened.emit(person.window.calls.model.row(0).id, "")
    strip = person.window.call.speakers
    person.wait(strip.note.isVisible)
    assert not any(part.isVisible() for part in (strip.swap, strip.other, strip.agent, strip.undo))


def test_a_lock_meanwhile_waits_for_the_correction_and_closes_the_vault_after_it(
    see: Callable[[AnalysedCall], Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    def lone(_execution: ExecutionSettings, places: Places) -> LoneWorker:
        return LoneWorker(places, threads=1, serve=workers.unhurried)

    monkeypatch.setattr(speakers, "lone_worker", lone)
    person = see(scenes.on_one_channel(scenes.story()))
    person.window.call.speakers.swap.click()
    person.lock()
    assert person.window.call.speakers.note.text() == ""
    person.unlock()
    person.open_first()
    person.wait(lambda: roles(person) == SWAPPED)
