"""Originals in the window: the rule, what the page of a call says, and those of earlier calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.domain import OriginalsRule
from app.storage import policy, vault
from app.ui.call_acts import CallAct
from app.ui.rights import Page, Tab
from tests.functional import scenes
from tests.functional.test_people import bar, confirm, give_reason
from tests.functional.test_requests import press

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from tests.functional.conftest import Person


@pytest.fixture
def proven(program: Program) -> str:
    """Add a call that is proven to a vault, from before the rule."""
    scenes.filled(program.folders.vault, done=2)
    with vault.open_vault(program.folders.vault, scenes.PASSPHRASE) as opened:
        return scenes.add_done(opened, 900, scenes.proven(scenes.story()))


def test_the_rule_is_changed_and_earlier_originals_destroyed(
    start: Callable[..., Person], proven: str
) -> None:
    person = start()
    person.unlock()
    person.window.show_page(Page.PEOPLE)
    tabs = person.window.people
    tabs.show_tab(Tab.RETENTION)
    card = tabs.retention.originals
    person.wait(card.isVisible)
    assert card.rule.text() == "Originals are kept sealed."
    assert not card.ask.isVisible()
    tabs.show_tab(Tab.RULES)
    rules = tabs.rules
    person.wait(rules.isVisible)
    rules.originals.click()
    rules.keep.click()
    give_reason(person, "the works council")
    confirm(person, scenes.PASSPHRASE)
    person.wait(lambda: bar(person) == "1 rule changed.")
    tabs.show_tab(Tab.RETENTION)
    person.wait(card.ask.isVisible)
    assert card.numbers.text().endswith("2 calls from before the rule keep theirs.")
    card.ask.click()
    give_reason(person, "the works council")
    person.wait(lambda: bar(person) == "Destroyed: 1 original.")
    person.window.calls.opened.emit(proven, "")
    page = person.window.call
    person.wait(page.transport.gone.isVisible)
    assert page.transport.gone.text().startswith("Original destroyed on ")
    assert not page.transport.original.isVisible()
    assert page.play.isVisible()
    person.wait(page.acts.menu.actions)
    assert CallAct.EXPORT not in [entry.text() for entry in page.acts.menu.actions()]


def test_whoever_approves_it_has_it_done(start: Callable[..., Person], program: Program) -> None:
    scenes.office(program.folders.vault, scenes.OFFICER, done=1)
    folder, passphrase = program.folders.vault, scenes.PASSPHRASE
    with vault.open_vault(folder, passphrase, name="owner") as opened:
        scenes.add_done(opened, 900, scenes.proven(scenes.story()))
        with opened._database.transaction() as writing:
            policy.keep(writing, policy.Policy(originals=OriginalsRule.DESTROY))
    person = start()
    person.sign_in("owner", scenes.PASSPHRASE)
    person.wait(person.window.main.isVisible)
    person.window.show_page(Page.PEOPLE)
    tabs = person.window.people
    tabs.show_tab(Tab.RETENTION)
    person.wait(tabs.retention.originals.ask.isVisible)
    tabs.retention.originals.ask.click()
    give_reason(person, "the works council")
    person.wait(lambda: bar(person) == "Your request waits for a second person.")
    person.lock()
    person.sign_in("Priya", scenes.PASSPHRASES["Priya"])
    person.wait(person.window.main.isVisible)
    person.window.show_page(Page.PEOPLE)
    requests = person.window.people.requests
    person.wait(lambda: len(requests.lines) == 1)
    press(next(iter(requests.lines.values())), "Approve…")
    confirm(person, scenes.PASSPHRASES["Priya"])
    person.wait(lambda: bar(person) == "Destroyed: 1 original.")
