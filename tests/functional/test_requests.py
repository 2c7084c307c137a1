"""What takes two people is asked for, approved and refused in the window, each kind of it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QPushButton, QWidget

from app.domain import CallQuery, GuardedAct, PersonRole, RequestState
from app.storage import policy, vault
from app.ui import people_words
from app.ui.call_acts import CallAct
from app.ui.reason_dialog import ReasonDialog
from app.ui.rights import Page, Tab
from tests.functional import scenes
from tests.functional.scenes import OFFICER, PASSPHRASES
from tests.functional.test_people import bar, come_in, confirm, dialog, give_reason

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from app.domain import ApprovalRequest
    from tests.functional.conftest import Person

ASKED = {
    GuardedAct.ERASE_CALL: "Erase a call",
    GuardedAct.EXPORT_ORIGINAL: "Export an original recording",
    GuardedAct.END_HOLD: "End a legal hold",
    GuardedAct.LOWER_RETENTION: "Keep calls for 365 days",
    GuardedAct.ALLOW_ACOUSTICS: "Acoustic analysis of voices: on",
    GuardedAct.RELAX_POLICY: "Needs a code to sign in: nobody",
}


def ask_for_everything(person: Person, passphrase: str) -> None:
    """Ask in the window for one of each that takes a second person, and for retention."""
    person.open_first()
    page = person.window.call
    person.wait(page.acts.isVisible)
    for act in (CallAct.ERASE, CallAct.EXPORT, CallAct.HOLD, CallAct.END_HOLD):
        page.acts.act(act)
        give_reason(person, "somebody asked")
        entry = CallAct.END_HOLD if act is CallAct.HOLD else CallAct.EXPORT
        person.wait(lambda entry=entry: entry in [e.text() for e in page.acts.menu.actions()])
    person.window.show_page(Page.PEOPLE)
    tabs = person.window.people
    tabs.show_tab(Tab.RETENTION)
    person.wait(tabs.retention.ask.isVisible)
    tabs.retention.ask.click()
    give_reason(person, "their time is over")
    person.wait(lambda: bar(person) == "Your request waits for a second person.")
    tabs.show_tab(Tab.RULES)
    rules = tabs.rules
    person.wait(lambda: rules.isVisible() and rules.numbers["retention_days"].value() == 730)
    rules.numbers["retention_days"].setValue(365)
    rules.acoustics.click()
    next(box for box in rules.codes.values() if box.isChecked()).click()
    rules.keep.click()
    give_reason(person, "the new contract")
    confirm(person, passphrase)
    person.wait(lambda: bar(person) == "3 changes wait for a second person.")


@pytest.mark.parametrize("approved", [True, False])
def test_every_kind_of_request_is_asked_for_and_decided_in_the_window(
    start: Callable[..., Person], program: Program, *, approved: bool
) -> None:
    scenes.office(program.folders.vault, OFFICER, done=23)
    with (
        vault.open_vault(program.folders.vault, scenes.PASSPHRASE, name="owner") as opened,
        opened._database.transaction() as writing,
    ):
        codes = frozenset({PersonRole.REVIEWER})
        kept = replace(policy.current(writing), retention_days=730, second_factor=codes)
        policy.keep(writing, kept)
        writing.change("UPDATE calls SET started = '2000' WHERE number > 1")
    person = start()
    come_in(person, "owner")
    ask_for_everything(person, scenes.PASSPHRASE)
    person.lock()
    come_in(person, "Priya")
    person.window.show_page(Page.PEOPLE)
    requests = person.window.people.requests
    person.wait(lambda: len(requests.lines) == 7)
    workspace = person.window.workspace
    assert workspace is not None
    asked = {one.number: one for one in workspace.requests.list()}
    titles = {people_words.request(one) for one in asked.values()}
    for act, title in ASKED.items():
        assert any(shown.startswith(title) for shown in titles), act
    assert any(shown.startswith("Erase by retention") for shown in titles)

    order = [GuardedAct.END_HOLD, GuardedAct.EXPORT_ORIGINAL, *GuardedAct]
    for first, number in enumerate(sorted(asked, key=lambda one: order.index(asked[one].act))):
        press(requests.lines[number], "Approve…" if approved else "Refuse…")
        if not approved:
            give_reason(person, "not now")
        elif first == 0:
            confirm(person, PASSPHRASES["Priya"])
        else:
            dialog(person, ReasonDialog).confirm.click()
        person.wait(lambda number=number: number not in requests.lines)
    decided = {(one.act, one.state, one.decided_by) for one in all_requests(person)}
    state = RequestState.APPROVED if approved else RequestState.REFUSED
    assert decided == {(act, state, "Priya") for act in GuardedAct}
    assert workspace.calls.count(CallQuery()) == (0 if approved else 23)
    rules = workspace.policy.get()
    found = (rules.retention_days, rules.acoustic_analysis, bool(rules.second_factor))
    assert found == ((365, True, False) if approved else (730, False, True))


def press(line: QWidget, text: str) -> None:
    """Press a button of a line."""
    (made,) = [one for one in line.findChildren(QPushButton) if one.text() == text]
    made.click()


def all_requests(person: Person) -> tuple[ApprovalRequest, ...]:
    """Return every request that the person sees, decided or not."""
    workspace = person.window.workspace
    assert workspace is not None
    return workspace.requests.list(open_only=False)
