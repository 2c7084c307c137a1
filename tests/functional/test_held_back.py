"""A call that is held back: marked and hidden, until somebody who may releases it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from app.domain import EVERYTHING
from app.storage import vault
from app.ui.call_acts import CallAct
from app.ui.call_page import HELD_BACK
from app.ui.widgets import Chip
from tests.functional import scenes
from tests.functional.scenes import PASSPHRASES, REVIEWER
from tests.functional.test_people import give_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from tests.functional.conftest import Person


@pytest.fixture
def held(program: Program) -> str:
    """Add a call that is held back to a vault with a reviewer, who sees all calls."""
    reviewer = replace(REVIEWER, scope=EVERYTHING)
    scenes.filled(program.folders.vault, done=2)
    with vault.open_vault(program.folders.vault, scenes.PASSPHRASE) as opened:
        call = scenes.add_done(opened, 900, scenes.held_back(scenes.story()))
        opened.people.add(reviewer, PASSPHRASES["Rita"], actor="owner", cost=scenes.LOWEST_COST)
    return call


def _opened(person: Person, held: str) -> None:
    person.wait(person.window.main.isVisible)
    page = person.window.calls
    person.wait(lambda: page.flag.count() > 2)
    page.flag.setCurrentIndex(page.flag.findText("Held back"))
    person.wait(lambda: page.count.text() == "1 call found")
    person.wait(lambda: (row := page.model.row(0)) and row.held_back and row.id == held)
    page.opened.emit(held, "")
    person.wait(person.window.call.side.isVisible)


def _chips(person: Person) -> list[str]:
    return [chip.text() for chip in person.window.call.findChildren(Chip) if chip.isVisible()]


def test_who_hears_no_originals_neither_reads_nor_hears_it(
    start: Callable[..., Person], held: str
) -> None:
    person = start()
    person.sign_in("Rita", PASSPHRASES["Rita"])
    _opened(person, held)
    page = person.window.call
    person.wait(page.no_words.isVisible)
    assert page.no_words._title.text() == HELD_BACK
    assert not page.play.isVisible()
    person.wait(lambda: "Held back: a person must listen" in _chips(person))
    assert CallAct.RELEASE not in [entry.text() for entry in page.acts.menu.actions()]


def test_who_does_releases_it_without_its_sound(start: Callable[..., Person], held: str) -> None:
    person = start()
    person.sign_in("owner", scenes.PASSPHRASE)
    _opened(person, held)
    page = person.window.call
    person.wait(page.transcript.isVisible)
    assert page.play.isVisible()
    person.wait(page.acts.menu.actions)
    offered = [entry.text() for entry in page.acts.menu.actions()]
    assert offered[:2] == [CallAct.RELEASE, CallAct.SILENCE]
    page.acts.act(CallAct.SILENCE)
    give_reason(person, "Half a card is heard")
    person.wait(lambda: "Released without its sound" in _chips(person))
    page.play.click()
    person.wait(lambda: page.trouble.text() == "This call was released without its sound.")
