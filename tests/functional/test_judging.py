"""Turns that were drawn, judged at the window by keys alone; and what the list of calls tells."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt

from app.domain import EVERYTHING, KINDS, PersonRole
from app.limits import NO_SAMPLE
from app.storage import vault
from app.ui.judging_page import ALL_JUDGED, NONE_DRAWN, OTHERS_LEFT, kinds_of
from app.ui.rights import Page
from tests.functional import scenes
from tests.functional.scenes import PASSPHRASES, REVIEWER

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from tests.functional.conftest import Person


@pytest.fixture
def filled(program: Program) -> scenes.Filled:
    """Fill a vault, with a privacy officer and a reviewer in it."""
    made = scenes.filled(program.folders.vault, done=2)
    with vault.open_vault(program.folders.vault, scenes.PASSPHRASE) as opened:
        reviewer = replace(REVIEWER, scope=EVERYTHING)
        officer = replace(reviewer, name="Pia", roles=frozenset({PersonRole.PRIVACY_OFFICER}))
        for person in (reviewer, officer):
            opened.people.add(person, PASSPHRASES["Rita"], actor="owner", cost=scenes.LOWEST_COST)
    return made


def _at_the_page(person: Person) -> None:
    person.wait(person.window.main.isVisible)
    person.window.show_page(Page.JUDGING)
    person.wait(person.window.judging.isVisible)


def _draw(person: Person, turns: int) -> None:
    page = person.window.judging
    person.wait(page.empty.isVisible)
    page.number.setValue(turns)
    page.draw.click()
    person.wait(lambda: page.content.isVisible() and page.text.text())


def _press(person: Person, key: Qt.Key) -> None:
    person.qtbot.keyClick(person.window.judging.content, key)


def test_a_sample_is_drawn_and_judged_by_keys_alone(
    start: Callable[..., Person], filled: scenes.Filled
) -> None:
    person = start()
    person.sign_in("owner", scenes.PASSPHRASE)
    person.wait(lambda: person.window.calls.recall.text() == NO_SAMPLE)
    _at_the_page(person)
    page = person.window.judging
    person.wait(lambda: page.empty._title.text() == NONE_DRAWN)
    _draw(person, 4)
    report = page._report
    assert report is not None
    drawn = report.sample.drawn
    assert page.where.text().startswith(f"Turn 1 of {drawn} ")
    person.wait(page.content.hasFocus)
    first = page.text.text()
    _press(person, Qt.Key.Key_1)
    _press(person, Qt.Key.Key_1)
    _press(person, Qt.Key.Key_N)  # something is counted: that is not nothing
    kind = next(iter(page.kinds))
    assert page.kinds[kind].text().endswith("\N{MULTIPLICATION SIGN}2")
    _press(person, Qt.Key.Key_Backspace)
    _press(person, Qt.Key.Key_Return)  # nothing is counted: nothing is kept
    assert page.nothing.isEnabled()
    _press(person, Qt.Key.Key_2)
    _press(person, Qt.Key.Key_Return)
    person.wait(lambda: page.where.text().startswith(f"Turn 2 of {drawn} "))
    assert page._report is not None
    assert page._report.overall.missed == 1
    _press(person, Qt.Key.Key_U)
    person.wait(lambda: page.where.text().startswith(f"Turn 1 of {drawn} "))
    assert page.text.text() == first
    for number in range(drawn):
        told = f"Turn {number + 1} of {drawn} "
        person.wait(lambda told=told: page.where.text().startswith(told) and page._turn)
        _press(person, Qt.Key.Key_N)
    person.wait(lambda: page.empty.isVisible() and page.empty._title.text() == ALL_JUDGED)
    assert page.line.text().startswith("Recall at least ")
    person.window.show_calls()
    person.wait(lambda: person.window.calls.recall.text() == page.line.text())


def test_a_turn_is_heard_from_just_before_it_to_just_after_it(
    start: Callable[..., Person], filled: scenes.Filled
) -> None:
    person = start()
    person.sign_in("owner", scenes.PASSPHRASE)
    _at_the_page(person)
    _draw(person, 4)
    page = person.window.judging
    turn = page._turn
    assert turn is not None
    begins = max(0, turn.turn.start_ms - 400)
    assert page.playback.position_ms == begins
    _press(person, Qt.Key.Key_Space)
    assert page.playback.playing
    person.wait(lambda: page.playback._audio is not None or page.trouble.text())
    page.playback.seek(turn.turn.end_ms + 401)
    assert not page.playback.playing
    _press(person, Qt.Key.Key_Space)
    assert page.playback.playing
    person.window.show_calls()
    assert not page.playback.playing


def test_who_hears_no_originals_is_told_what_is_left(
    start: Callable[..., Person], filled: scenes.Filled
) -> None:
    person = start()
    person.sign_in("Pia", PASSPHRASES["Rita"])
    _at_the_page(person)
    _draw(person, 60)
    page = person.window.judging
    for _ in filled.done:
        person.wait(lambda: page._turn is not None)
        before = page._turn
        _press(person, Qt.Key.Key_1)
        _press(person, Qt.Key.Key_Enter)
        person.wait(
            lambda before=before: page._turn not in (before, None) or page.empty.isVisible()
        )
    person.wait(lambda: page.empty.isVisible() and page.empty._title.text() == OTHERS_LEFT)
    assert "not enough" in page.line.text()


def test_who_may_not_judge_has_no_such_page_and_no_remark(
    start: Callable[..., Person], filled: scenes.Filled
) -> None:
    person = start()
    person.sign_in("Rita", PASSPHRASES["Rita"])
    person.wait(person.window.main.isVisible)
    person.see_list()
    assert not person.window.side.entries[Page.JUDGING].isVisible()
    person.window.show_page(Page.JUDGING)
    assert not person.window.judging.isVisible()
    assert not person.window.calls.recall.isVisible()


def test_locking_takes_the_turn_off_the_page(
    start: Callable[..., Person], filled: scenes.Filled
) -> None:
    person = start()
    person.sign_in("owner", scenes.PASSPHRASE)
    _at_the_page(person)
    _draw(person, 4)
    page = person.window.judging
    person.session.lock()
    assert (page.text.text(), page.before.text(), page.after.text()) == ("", "", "")
    assert person.window.calls.recall.text() == ""


def test_every_kind_can_be_named_those_that_are_found_most_first() -> None:
    assert kinds_of(None) == KINDS


def test_where_there_is_nothing_to_draw_it_says_so(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=0)
    person = start()
    person.unlock()
    _at_the_page(person)
    page = person.window.judging
    page.draw.click()
    person.wait(lambda: "no turn to be drawn" in person.window.bar.sentence.text())
    assert page.draw.isEnabled()
    person.wait(lambda: page.empty._title.text() == NONE_DRAWN)
