"""From the first start to a vault, and what stands in the way of opening one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit

from app.storage import vault
from app.ui.import_dialog import ImportDialog
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from tests.functional.conftest import Person

LONG = "a lantern under the old bridge"


def test_the_first_start_makes_a_vault_and_the_second_opens_it(
    start: Callable[..., Person], program: Program
) -> None:
    person = start()
    page = person.session.set_up
    person.wait(page.isVisible)
    assert page.folder_label.text() == str(program.folders.vault)
    assert not page.make.isEnabled()
    new = page.new
    person.qtbot.keyClicks(new.passphrase.edit, LONG)
    person.wait(lambda: new.advice.text() == "Hard to guess. Type it a second time.")
    assert new.meter.value() == 100
    person.qtbot.keyClicks(new.again.edit, LONG)
    assert not page.make.isEnabled(), "what cannot be recovered must be confirmed"
    person.qtbot.keyClick(page.understood, Qt.Key.Key_Space)
    person.qtbot.keyClick(new.again.edit, Qt.Key.Key_Return)
    person.pass_the_steps()
    person.wait(person.window.calls.empty.isVisible)
    assert person.window.side.person.text() == "owner"
    assert new.passphrase.text() == new.again.text() == ""
    assert not person.window.demo.isVisible()
    person.session.end()

    again = start()
    person.wait(again.session.unlock.isVisible)
    person.qtbot.keyClicks(again.session.unlock.passphrase.edit, LONG)
    person.qtbot.keyClick(again.session.unlock.passphrase.edit, Qt.Key.Key_Return)
    again.wait(again.window.main.isVisible)
    assert again.session.unlock.passphrase.text() == "", "used and forgotten"


def test_a_passphrase_can_be_made_and_must_be_copied(start: Callable[..., Person]) -> None:
    person = start()
    person.wait(person.session.set_up.isVisible)
    page = person.session.set_up.new
    page.suggest.click()
    made = page.generated.text()
    assert len(made) >= 20
    assert page.passphrase.text() == made
    assert page.again.text() == ""
    page.suggest.click()
    assert page.generated.text() != made


def test_a_passphrase_can_be_shown_and_caps_lock_is_noticed(start: Callable[..., Person]) -> None:
    person = start()
    field = person.session.set_up.new.passphrase
    person.wait(field.isVisible)
    person.qtbot.keyClicks(field.edit, "q")
    assert not field.caps.isVisible()
    person.qtbot.keyClicks(field.edit, "Q")  # without Shift
    assert field.caps.isVisible()
    assert field.edit.echoMode() is QLineEdit.EchoMode.Password
    field.eye.click()
    assert field.edit.echoMode() is QLineEdit.EchoMode.Normal
    assert field.eye.accessibleName() == "Hide passphrase"


def test_a_wrong_passphrase_says_so_and_can_be_typed_again(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=1)
    person = start()
    page = person.session.unlock
    person.wait(page.isVisible)
    person.qtbot.keyClicks(page.passphrase.edit, "not the right one at all")
    page.unlock.click()
    person.wait(page.problem.isVisible)
    assert page.problem.text() == "The name and the passphrase do not open this vault."
    assert page.passphrase.text() == ""
    assert "Caps Lock" in page.hint.text()
    person.unlock()


def test_a_vault_in_use_says_so(start: Callable[..., Person], program: Program) -> None:
    scenes.filled(program.folders.vault, done=0)
    other = vault.open_vault(program.folders.vault, scenes.PASSPHRASE)
    try:
        person = start()
        page = person.session.unlock
        person.wait(page.isVisible)
        person.qtbot.keyClicks(page.passphrase.edit, scenes.PASSPHRASE)
        page.unlock.click()
        person.wait(page.problem.isVisible)
        assert "open" in page.problem.text()
        assert "try again" in page.hint.text()
        assert page.busy.isHidden()
    finally:
        other.close()
    person.unlock()


def test_a_damaged_vault_says_so(start: Callable[..., Person], program: Program) -> None:
    scenes.filled(program.folders.vault, done=0)
    header = program.folders.vault / "vault.json"
    header.write_text(header.read_text(encoding="utf-8")[:-20], encoding="utf-8")
    person = start()
    page = person.session.unlock
    person.wait(page.problem.isVisible)
    assert "restore" in page.hint.text()


def test_another_folder_and_the_demonstration_can_be_chosen(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=0)
    scenes.filled(program.folders.demo_vault, done=1, demo=True)
    person = start()
    page = person.session.unlock
    person.wait(page.isVisible)
    assert page.offer.isVisible()
    assert not page.demo.isVisible()
    page.offer.click()
    person.wait(page.demo.isVisible)
    person.unlock()
    assert person.window.demo.isVisible()
    assert "demonstration" in person.window.windowTitle()
    assert "Demonstration" in person.window.side.vault.text()
    person.open_first()
    assert person.window.demo.isVisible(), "marked on every page"
    assert person.session.preferences.vault is None, "the demonstration is not the next start"


def test_own_calls_stay_out_of_the_demonstration(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.demo_vault, done=1, demo=True)
    person = start(program.folders.demo_vault)
    person.unlock()
    person.see_list()
    person.window.calls.import_button.click()
    assert "do not belong" in person.window.bar.sentence.text()
    assert not person.window.findChildren(ImportDialog)
    person.window.demo.own_vault.click()
    person.wait(person.session.set_up.isVisible)
    assert person.session.set_up.folder == program.folders.vault


def test_a_given_passphrase_opens_the_vault_at_once(
    program: Program, start: Callable[..., Person]
) -> None:
    scenes.filled(program.folders.demo_vault, done=1, demo=True)
    person = start(program.folders.demo_vault, scenes.PASSPHRASE)
    person.wait(person.window.main.isVisible)
    person.window.side.lock.click()
    person.wait(
        lambda: (
            person.session.unlock.isVisible() and person.session.unlock.passphrase.edit.isEnabled()
        )
    )
    person.see_nothing_open()


@pytest.mark.parametrize("what", ["lock", "shortcut"])
def test_locking_closes_the_vault_and_forgets_what_was_shown(
    start: Callable[..., Person], program: Program, what: str
) -> None:
    scenes.filled(program.folders.vault, done=1)
    person = start()
    person.unlock()
    person.open_first()
    if what == "lock":
        person.window.side.lock.click()
    else:
        person.qtbot.keyClick(person.window.call, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    page = person.session.unlock
    person.wait(lambda: page.isVisible() and page.passphrase.edit.isEnabled())
    assert person.window.call.transcript.toPlainText() == ""
    assert person.window.call.title.text() == ""
    assert person.window.calls.model.rowCount() == 0
    vault.open_vault(program.folders.vault, scenes.PASSPHRASE).close()
    person.unlock()
