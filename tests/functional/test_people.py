"""Several people at one vault: who signs in how, who sees what, and what takes two of them."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QPushButton

from app.domain import CallQuery, GuardedAct, PersonState, RequestState
from app.storage import totp, vault
from app.ui.call_acts import CallAct
from app.ui.call_page import WORDS_HIDDEN
from app.ui.people_tab import PersonAct
from app.ui.person_dialog import PersonDialog
from app.ui.reason_dialog import ReasonDialog
from app.ui.rights import Page, Tab
from app.ui.secret_dialogs import ConfirmDialog, PassphraseDialog
from app.ui.widgets import Chip, RowButton
from tests.functional import scenes
from tests.functional.scenes import ADMINISTRATOR, AUDITOR, OFFICER, PASSPHRASES, REVIEWER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.bootstrap import Program
    from tests.functional.conftest import Person

STRONG = "a lantern under the old bridge"


D = TypeVar("D", bound=QDialog)


def dialog(person: Person, kind: type[D]) -> D:
    """Wait for a dialog."""

    def shown() -> list[D]:
        return [one for one in person.window.findChildren(kind) if one.isVisible()]

    person.wait(shown)
    return shown()[0]


def give_reason(person: Person, reason: str) -> None:
    asked = dialog(person, ReasonDialog)
    assert not asked.confirm.isEnabled(), "a reason is needed"
    person.qtbot.keyClicks(asked.reason, reason)
    asked.confirm.click()


def confirm(person: Person, passphrase: str, code: str = "") -> None:
    """Type the passphrase again, and a code where one is asked for."""
    asked = dialog(person, ConfirmDialog)
    assert asked.code.isVisible() == bool(code)
    assert not asked.confirm.isEnabled()
    person.qtbot.keyClicks(asked.passphrase.edit, passphrase)
    if code:
        assert not asked.confirm.isEnabled()
        person.qtbot.keyClicks(asked.code, code)
    asked.confirm.click()


def come_in(person: Person, name: str) -> None:
    person.sign_in(name, PASSPHRASES[name])
    person.wait(person.window.main.isVisible)


def bar(person: Person) -> str:
    return person.window.bar.sentence.text() if person.window.bar.isVisible() else ""


def offered(person: Person) -> set[str]:
    """Return the names of all buttons that are seen."""
    found = person.window.main.findChildren(QPushButton)
    return {one.text() for one in found if one.isVisible()}


def test_a_sheet_is_kept_at_set_up_and_opens_the_vault(
    start: Callable[..., Person], program: Program
) -> None:
    person = start()
    page = person.session.set_up
    person.wait(page.isVisible)
    person.qtbot.keyClicks(page.name, "Zoe")
    for edit in (page.new.passphrase.edit, page.new.again.edit):
        person.qtbot.keyClicks(edit, STRONG)
    page.understood.click()
    page.make.click()
    step = person.session.entry.sheet_step
    person.wait(lambda: step.isVisible() and step.view.text.text())
    sheet = step.view.text.text().replace("\n", "-")
    assert not step.view.code.pixmap().isNull()
    person.qtbot.keyClicks(step.typed, sheet[:-1] + ("A" if sheet[-1] != "A" else "B"))
    person.qtbot.keyClick(step.typed, Qt.Key.Key_Return)
    person.wait(step.problem.isVisible)
    step.typed.clear()
    person.qtbot.keyClicks(step.typed, sheet.lower().replace("-", " "))
    person.qtbot.keyClick(step.typed, Qt.Key.Key_Return)
    key = person.session.entry.key_step
    person.wait(key.isVisible)
    assert step.view.text.text() == "", "shown only once"
    assert key.view.text.text().startswith("AIKEY2-")
    person.qtbot.keyClick(key, Qt.Key.Key_Escape)
    person.wait(person.window.main.isVisible)
    assert person.window.side.person.text() == "Zoe"

    person.lock()
    unlock = person.session.unlock
    person.wait(unlock.sheet.isVisible)
    unlock.sheet.click()
    recovery = person.session.entry.recovery
    person.wait(recovery.isVisible)
    person.qtbot.keyClicks(recovery.sheet, sheet)
    person.qtbot.keyClicks(recovery.name, "Zoe")
    for edit in (recovery.new.passphrase.edit, recovery.new.again.edit):
        person.qtbot.keyClicks(edit, "nine copper kettles in a row")
    person.wait(recovery.open.isEnabled)
    recovery.open.click()
    person.wait(person.window.main.isVisible)
    person.wait(lambda: "signed in as Zoe" in bar(person))
    person.lock()
    vault.open_vault(program.folders.vault, "nine copper kettles in a row").close()


def test_a_second_person_signs_in_by_name_and_sees_their_queue_only(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, REVIEWER)
    with vault.open_vault(program.folders.vault, scenes.PASSPHRASE, name="owner") as opened:
        everything = opened.calls.count(CallQuery())
        hers = opened.calls.count(CallQuery(queue="Complaints"))
    assert 0 < hers < everything
    person = start()
    page = person.session.unlock
    person.wait(page.name.isVisible)
    person.sign_in("Rita", "not her passphrase at all")
    person.wait(page.problem.isVisible)
    assert page.name.text() == "Rita"
    come_in(person, "Rita")
    person.see_list()
    assert person.window.calls.model.rowCount() == hers
    assert person.window.side.person.text() == "Rita"
    seen = {page for page, entry in person.window.side.entries.items() if entry.isVisible()}
    assert seen == {Page.CALLS, Page.QUEUE, Page.ACCOUNT}
    assert "Import…" not in offered(person)
    person.qtbot.keyClick(person.window.calls, Qt.Key.Key_4, Qt.KeyboardModifier.ControlModifier)
    assert person.window.calls.isVisible(), "what is not offered is not reached by keys either"
    person.open_first()
    assert not person.window.call.acts.isVisible()
    assert not person.window.call.transport.original.isVisible()
    person.window.show_queue()
    person.wait(person.window.queue.isVisible)
    assert not person.window.queue.pause.isVisible()


def test_too_many_wrong_passphrases_have_to_wait(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, REVIEWER, done=1)
    person = start()
    page = person.session.unlock
    for _ in range(6):
        person.sign_in("Rita", "not her passphrase at all")
        person.wait(lambda: page.problem.isVisible() and page.passphrase.edit.isEnabled())
    assert "try again in" in page.problem.text()
    come_in(person, "owner")
    person.window.show_page(Page.PEOPLE)
    people = person.window.people.people
    person.window.people.show_tab(Tab.PEOPLE)
    person.wait(lambda: people.table.rowCount() == 2)
    people.select("Rita")
    shown = people.table.item(people.table.currentRow(), 4)
    assert shown is not None
    assert re.fullmatch(r"active, waits [1-3]?\d s, until \d\d:\d\d", shown.text())
    assert people._again.isActive(), "it is looked at again while somebody waits"
    people.act(PersonAct.RELEASE)
    confirm(person, scenes.PASSPHRASE)
    person.wait(lambda: people.table.item(people.table.currentRow(), 4).text() == "active")  # type: ignore[union-attr]
    assert not people._again.isActive()


def test_an_auditor_sees_what_was_found_and_not_the_words(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, AUDITOR, done=1)
    person = start()
    come_in(person, "Otto")
    assert not person.window.calls.search.isVisible()
    person.see_list()
    row = person.window.calls.model.row(0)
    assert row is not None
    person.window.calls.opened.emit(row.id, "")
    page = person.window.call
    person.wait(page.no_words.isVisible)
    assert page.no_words._title.text() == WORDS_HIDDEN
    assert not page.transcript.isVisible()
    assert page.transcript.toPlainText().strip() == ""
    texts = [row.accessibleName() for row in page.side.findChildren(RowButton)]
    assert texts
    assert not any("charged twice" in text for text in texts)
    assert not page.play.isVisible()
    page.next_finding.click()
    assert page.playback.position_ms > 0
    assert not page.playback.playing
    person.qtbot.keyClick(page, Qt.Key.Key_Space)
    assert not page.playback.playing


def test_an_administrator_sees_the_list_and_no_call(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, ADMINISTRATOR, done=2)
    person = start()
    come_in(person, "Adam")
    person.see_list()
    assert person.window.calls.list_only.isVisible()
    person.window.calls.table.selectRow(0)
    person.qtbot.keyClick(person.window.calls.table, Qt.Key.Key_Return)
    assert person.window.calls.isVisible()


def test_erasing_takes_two_people(start: Callable[..., Person], program: Program) -> None:
    made = scenes.office(program.folders.vault, OFFICER, done=3)
    person = start()
    come_in(person, "owner")
    person.open_first()
    page = person.window.call
    person.wait(page.acts.isVisible)
    page.acts.act(CallAct.ERASE)
    give_reason(person, "The customer asked for it")
    person.wait(lambda: "waits for a second person" in bar(person))
    person.window.show_page(Page.PEOPLE)
    requests = person.window.people.requests
    person.wait(lambda: 1 in requests.lines)
    assert "Withdraw" in offered(person)
    assert "Approve…" not in offered(person), "nobody approves what they asked for"
    person.lock()

    come_in(person, "Priya")
    person.wait(lambda: "(1)" in person.window.side.entries[Page.PEOPLE].text())
    person.window.show_page(Page.PEOPLE)
    person.wait(lambda: 1 in requests.lines)
    requests.lines[1].approved.emit()
    confirm(person, PASSPHRASES["Priya"])
    person.wait(lambda: bar(person) == "Approved.")
    person.wait(requests.empty.isVisible)
    person.window.show_calls()
    person.wait(lambda: person.window.calls.model.rowCount() == 2)
    person.wait(lambda: "(1)" not in person.window.side.entries[Page.PEOPLE].text())
    requests.decided.click()
    workspace = person.window.workspace
    assert workspace is not None
    done = workspace.requests.list(open_only=False)[0]
    assert (done.state, done.decided_by) == (RequestState.APPROVED, "Priya")
    assert done.subject == made.done[0]


def test_a_request_is_refused_or_withdrawn(start: Callable[..., Person], program: Program) -> None:
    scenes.office(program.folders.vault, OFFICER, done=2)
    person = start()
    come_in(person, "owner")
    workspace = person.window.workspace
    assert workspace is not None
    calls = workspace.calls.page(CallQuery(), offset=0, limit=2)
    for call in calls:
        workspace.requests.ask(GuardedAct.ERASE_CALL, call.id, reason="asked for")
    person.window.show_page(Page.PEOPLE)
    requests = person.window.people.requests
    person.wait(lambda: {1, 2} <= set(requests.lines))
    requests.lines[1].withdrawn.emit()
    person.wait(lambda: set(requests.lines) == {2})
    person.lock()
    come_in(person, "Priya")
    person.window.show_page(Page.PEOPLE)
    person.wait(lambda: set(requests.lines) == {2})
    requests.lines[2].refused.emit()
    give_reason(person, "Not theirs to ask")
    person.wait(requests.empty.isVisible)


def test_a_hold_is_placed_seen_and_keeps_a_call_from_being_erased(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=2)
    person = start()
    person.unlock()
    person.open_first()
    page = person.window.call
    person.wait(page.acts.isVisible)
    entries = [entry.text() for entry in page.acts.menu.actions()]
    assert entries == [act.value for act in (CallAct.HOLD, CallAct.EXPORT, CallAct.ERASE)]
    page.acts.act(CallAct.HOLD)
    give_reason(person, "Dispute 17")
    person.wait(lambda: "On legal hold" in [c.text() for c in chips(person)])
    person.wait(
        lambda: [e.text() for e in page.acts.menu.actions()] == [CallAct.END_HOLD, CallAct.EXPORT]
    )
    person.window.show_calls()
    calls = person.window.calls
    person.wait(lambda: (row := calls.model.row(0)) and row.on_hold)
    assert calls.count.text() == "2 calls"
    calls.on_hold.click()
    person.wait(lambda: calls.count.text() == "1 call found")
    person.wait(lambda: (row := calls.model.row(0)) and row.on_hold)
    calls.clear_filters()
    assert not calls.on_hold.isChecked()
    person.wait(lambda: calls.count.text() == "2 calls")


def chips(person: Person) -> list[Chip]:
    return [chip for chip in person.window.call.findChildren(Chip) if chip.isVisible()]


def test_the_original_is_heard_and_saved_by_who_may(
    start: Callable[..., Person],
    program: Program,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenes.filled(program.folders.vault, done=1)
    person = start()
    person.unlock()
    person.open_first()
    page = person.window.call
    person.wait(page.acts.isVisible)
    workspace = person.window.workspace
    assert workspace is not None
    page.acts.act(CallAct.EXPORT)
    give_reason(person, "For the court")
    person.wait(lambda: CallAct.SAVE in [entry.text() for entry in page.acts.menu.actions()])
    target = tmp_path / "out.wav"
    page.acts.save(target)
    person.wait(lambda: "saved outside" in bar(person))
    assert target.read_bytes() == b"recording number 0"
    heard: list[bytes] = []
    monkeypatch.setattr(page.playback, "supply", heard.append)  # it is no sound that plays
    page.transport.original.click()
    page.playback.play()
    person.wait(lambda: heard)
    assert heard == [b"recording number 0"]
    assert "call.listen-original" in [e.act for e in workspace.audit.entries(limit=5)]
    page.transport.original.click()
    person.wait(lambda: len(heard) == 2)
    assert heard[1].startswith(b"fLaC"), "what is redacted is muted again"
    page.playback.reset(0)


def test_people_are_added_changed_and_suspended(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=1)
    person = start()
    person.unlock()
    workspace = person.window.workspace
    assert workspace is not None
    person.window.show_page(Page.PEOPLE)
    page = person.window.people
    page.show_tab(Tab.TEAMS)
    person.qtbot.keyClicks(page.teams.name, "North")
    page.teams.agents.setPlainText("A. Osei\nM. Lindqvist\n")
    page.teams.keep.click()
    confirm(person, scenes.PASSPHRASE)
    person.wait(lambda: page.teams.list.count() == 1)
    page.show_tab(Tab.PEOPLE)
    person.wait(lambda: page.people.table.rowCount() == 1 and page.people._all.teams)
    page.people.add.click()
    asked = dialog(person, PersonDialog)
    assert not asked.keep.isEnabled()
    person.qtbot.keyClicks(asked.name, "Sven")
    asked.limited.click()
    asked.teams["North"].click()
    asked.new.suggest.click()
    made = asked.new.text()
    person.qtbot.keyClicks(asked.new.again.edit, made)
    person.wait(asked.keep.isEnabled)
    asked.keep.click()
    person.wait(lambda: page.people.table.rowCount() == 2)
    page.people.select("Sven")
    assert PersonAct.SUSPEND.value in offered(person)
    page.people.act(PersonAct.SUSPEND)
    dialog(person, ReasonDialog).confirm.click()
    person.wait(lambda: page.people.selected().state is PersonState.SUSPENDED)  # type: ignore[union-attr]
    assert PersonAct.RESTORE.value in offered(person)
    page.people.act(PersonAct.RESTORE)
    person.wait(lambda: page.people.selected().state is PersonState.ACTIVE)  # type: ignore[union-attr]
    page.people.act(PersonAct.RENEW)
    renewed = dialog(person, PassphraseDialog)
    for edit in (renewed.new.passphrase.edit, renewed.new.again.edit):
        person.qtbot.keyClicks(edit, STRONG)
    person.wait(renewed.keep.isEnabled)
    renewed.keep.click()
    person.wait(lambda: bar(person) == "Sven has a new passphrase.")
    page.people.select("owner")
    assert PersonAct.REMOVE.value not in offered(person), "nobody shuts themselves out"
    sven = next(one for one in workspace.people.list() if one.name == "Sven")
    assert sven.scope.teams == ("North",)
    person.lock()
    person.sign_in("Sven", STRONG)
    person.wait(person.window.main.isVisible)


def test_a_queue_that_nobody_knows_is_remarked_on_while_it_is_typed(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=12)
    person = start()
    person.unlock()
    person.window.show_page(Page.PEOPLE)
    page = person.window.people
    page.show_tab(Tab.PEOPLE)
    person.wait(lambda: "Complaints" in page.people._all.known.queues)
    page.people.add.click()
    asked = dialog(person, PersonDialog)
    asked.limited.click()
    assert not asked.unknown.isVisible()
    person.qtbot.keyClicks(asked.queues, "Complaintz")
    assert asked.unknown.isVisible()
    assert "No queue is known by the name Complaintz yet" in asked.unknown.text()
    assert "the nearest known: Complaints" in asked.unknown.text()
    asked.queues.setText("complaints")
    assert not asked.unknown.isVisible()
    asked.reject()


def test_rules_are_changed_with_a_reason_where_they_are_relaxed(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, ADMINISTRATOR, done=0)
    person = start()
    come_in(person, "Adam")
    person.window.show_page(Page.PEOPLE)
    page = person.window.people
    page.show_tab(Tab.RULES)
    rules = page.rules
    person.wait(rules.isVisible)
    assert not rules.keep.isEnabled()
    rules.numbers["lock_after_minutes"].setValue(3)
    rules.keep.click()
    confirm(person, PASSPHRASES["Adam"])
    person.wait(lambda: bar(person) == "1 rule changed.")
    person.wait(lambda: person.session.idle._limit_s == 180)
    person.wait(lambda: not rules.keep.isEnabled())
    rules.numbers["retention_days"].setValue(365)
    rules.keep.click()
    give_reason(person, "The law says a year")
    person.wait(lambda: bar(person) == "1 change waits for a second person.")
    person.wait(lambda: rules.numbers["retention_days"].value() == 0)


def test_people_are_changed_by_who_types_their_passphrase_and_nobody_else(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, REVIEWER, done=1)
    person = start()
    come_in(person, "owner")
    person.window.show_page(Page.PEOPLE)
    page = person.window.people
    page.show_tab(Tab.PEOPLE)
    person.wait(lambda: page.people.table.rowCount() == 2)
    page.people.select("Rita")
    page.people.act(PersonAct.RENEW)
    renewed = dialog(person, PassphraseDialog)
    for edit in (renewed.new.passphrase.edit, renewed.new.again.edit):
        person.qtbot.keyClicks(edit, STRONG)
    person.wait(renewed.keep.isEnabled)
    renewed.keep.click()
    confirm(person, "not the right one at all")
    asked = dialog(person, ConfirmDialog)
    person.wait(asked.problem.isVisible)
    asked.reject()
    assert renewed.isVisible(), "what was typed is there still"
    renewed.keep.click()
    confirm(person, scenes.PASSPHRASE)
    person.wait(lambda: bar(person) == "Rita has a new passphrase.")
    assert not [one for one in person.window.findChildren(QDialog) if one.isVisible()]

    page.people.act(PersonAct.SUSPEND)
    dialog(person, ReasonDialog).confirm.click()  # typed a moment ago
    person.wait(lambda: page.people.selected().state is PersonState.SUSPENDED)  # type: ignore[union-attr]
    person.lock()
    come_in(person, "owner")
    person.window.show_page(Page.PEOPLE)
    page.show_tab(Tab.PEOPLE)
    person.wait(lambda: page.people.table.rowCount() == 2)
    page.people.select("Rita")
    page.people.act(PersonAct.RESTORE)
    confirm(person, scenes.PASSPHRASE)  # what was typed before locking counts no more
    person.wait(lambda: page.people.selected().state is PersonState.ACTIVE)  # type: ignore[union-attr]


def test_who_has_a_second_factor_is_asked_for_a_code_as_well(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=1)
    with vault.open_vault(program.folders.vault, scenes.PASSPHRASE) as opened:
        secret = totp.new_secret()
        code = totp._totp(secret).generate(int(time.time())).decode()
        backup = opened.second_factors.set_up(opened.person, secret, code, actor="owner")
    person = start()
    page = person.session.unlock
    person.wait(lambda: page.isVisible() and page.passphrase.edit.isEnabled())
    person.qtbot.keyClicks(page.passphrase.edit, scenes.PASSPHRASE)
    page.unlock.click()
    person.wait(page.code.isVisible)
    person.qtbot.keyClicks(page.code, backup[0])
    person.qtbot.keyClick(page.code, Qt.Key.Key_Return)
    person.wait(person.window.main.isVisible)
    person.window.show_page(Page.PEOPLE)
    teams = person.window.people.teams
    person.window.people.show_tab(Tab.TEAMS)
    person.qtbot.keyClicks(teams.name, "North")
    teams.agents.setPlainText("A. Osei")
    teams.keep.click()
    confirm(person, scenes.PASSPHRASE, backup[0])
    asked = dialog(person, ConfirmDialog)
    person.wait(asked.problem.isVisible)  # it was used up
    assert teams.list.count() == 0
    person.qtbot.keyClicks(asked.passphrase.edit, scenes.PASSPHRASE)
    person.qtbot.keyClicks(asked.code, backup[1])
    asked.confirm.click()
    person.wait(lambda: teams.list.count() == 1)


@pytest.fixture(autouse=True)
def _cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal new passphrases as cheaply as is allowed: these tests type them many times."""
    monkeypatch.setattr(vault, "calibrated", lambda: scenes.LOWEST_COST)
