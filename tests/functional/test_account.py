"""One's own account: the passphrase is typed again for what lets somebody in."""

from __future__ import annotations

import base64
import time
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog

from app.storage import totp, vault
from app.ui.rights import Page
from app.ui.secret_dialogs import (
    ConfirmDialog,
    PaperDialog,
    PassphraseDialog,
    SecondFactorDialog,
    SheetDialog,
)
from tests.functional import scenes
from tests.functional.scenes import PASSPHRASES, REVIEWER
from tests.functional.test_people import STRONG, bar, come_in, confirm, dialog

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from tests.functional.conftest import Person


@pytest.fixture(autouse=True)
def _cheap_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seal new passphrases as cheaply as is allowed: these tests type them many times."""
    monkeypatch.setattr(vault, "calibrated", lambda: scenes.LOWEST_COST)


def test_a_wrong_passphrase_changes_nothing(start: Callable[..., Person], program: Program) -> None:
    scenes.filled(program.folders.vault, done=0)
    person = start()
    person.unlock()
    person.window.show_page(Page.ACCOUNT)
    account = person.window.account
    person.wait(account.name.text)
    account.change_passphrase.click()
    confirm(person, "not the right one at all")
    asked = dialog(person, ConfirmDialog)
    person.wait(asked.problem.isVisible)
    assert asked.passphrase.text() == ""
    assert not person.window.findChildren(PassphraseDialog)
    assert not asked.confirm.isEnabled()
    asked.reject()


def authenticator(shown: str) -> Callable[[int], str]:
    """Return an authenticator into which the letters of the dialog were typed."""
    secret = base64.b32decode("".join(shown.split()))

    def code(ahead: int) -> str:
        return totp._totp(secret).generate(int(time.time()) + 30 * ahead).decode()

    return code


def test_a_second_factor_is_set_up_and_asked_for(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, REVIEWER, done=2)
    person = start()
    come_in(person, "Rita")
    person.window.show_page(Page.ACCOUNT)
    account = person.window.account
    person.wait(lambda: account.name.text() == "Rita")
    assert "queue Complaints" in account.roles.text()
    account.set_up_factor.click()
    confirm(person, PASSPHRASES["Rita"])
    asked = dialog(person, SecondFactorDialog)
    person.wait(asked.view.text.text)
    assert not asked.view.code.pixmap().isNull()
    code = authenticator(asked.view.text.text())
    person.qtbot.keyClicks(asked.code, "000000" if code(0) != "000000" else "111111")
    asked.confirm.click()
    person.wait(asked.problem.isVisible)
    person.qtbot.keyClicks(asked.code, code(0))
    asked.confirm.click()
    person.wait(asked.codes.text.text)
    backup = asked.codes.text.text().split()
    assert len(backup) == 10
    asked.close_button.click()
    person.wait(lambda: "10 backup codes" in account.factor.text())
    person.lock()

    page = person.session.unlock
    person.sign_in("Rita", PASSPHRASES["Rita"])
    person.wait(page.code.isVisible)
    assert person.window.focusWidget() is page.code
    assert not page.problem.isVisible()
    assert page.passphrase.text() == PASSPHRASES["Rita"], "not asked for again"
    person.qtbot.keyClicks(page.code, "123")
    person.qtbot.keyClick(page.code, Qt.Key.Key_Return)
    person.wait(page.problem.isVisible)
    assert page.code.text() == ""
    person.qtbot.keyClicks(page.code, code(1))
    person.qtbot.keyClick(page.code, Qt.Key.Key_Return)
    person.wait(person.window.main.isVisible)
    assert page.passphrase.text() == page.code.text() == ""
    person.lock()
    assert not page.code.isVisible()
    person.sign_in("Rita", PASSPHRASES["Rita"])
    person.wait(page.code.isVisible)
    person.qtbot.keyClicks(page.code, backup[3])
    person.qtbot.keyClick(page.code, Qt.Key.Key_Return)
    person.wait(person.window.main.isVisible)
    person.window.show_page(Page.ACCOUNT)
    person.wait(account.drop_factor.isVisible)
    account.drop_factor.click()
    confirm(person, PASSPHRASES["Rita"], backup[4])
    person.wait(lambda: "alone lets you in" in account.factor.text())


def test_who_lacks_a_second_factor_finds_only_the_way_to_one(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, REVIEWER, done=1)
    with vault.open_vault(program.folders.vault, scenes.PASSPHRASE, name="owner") as opened:
        opened.policy.change("second_factor", "reviewer", actor="owner")
        before = opened.audit.count()
    person = start()
    come_in(person, "Rita")
    assert person.window.account.isVisible()
    person.wait(person.window.account.lacks.isVisible)
    seen = {page for page, entry in person.window.side.entries.items() if entry.isVisible()}
    assert seen == {Page.ACCOUNT}
    person.window.account.set_up_factor.click()
    confirm(person, PASSPHRASES["Rita"])
    asked = dialog(person, SecondFactorDialog)
    person.wait(asked.view.text.text)
    person.qtbot.keyClicks(asked.code, authenticator(asked.view.text.text())(0))
    asked.confirm.click()
    person.wait(asked.codes.text.text)
    asked.close_button.click()
    person.wait(person.window.account.again.isVisible)
    person.window.account.again.click()
    person.wait(person.session.unlock.passphrase.edit.isEnabled)
    with vault.open_vault(program.folders.vault, scenes.PASSPHRASE, name="owner") as opened:
        entries = opened.audit.entries(limit=opened.audit.count() - before)
    assert "denied" not in {entry.act for entry in entries}, "nothing was tried in vain"


def test_a_new_sheet_and_the_key_are_found_under_the_account(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=0)
    person = start()
    person.unlock()
    person.window.show_page(Page.ACCOUNT)
    account = person.window.account
    person.wait(lambda: "There is no recovery sheet" in account.sheet_text.text())
    account.new_sheet.click()
    confirm(person, scenes.PASSPHRASE)
    made = dialog(person, SheetDialog)
    person.wait(made.step.view.text.text)
    person.qtbot.keyClicks(made.step.typed, made.step.view.text.text().replace("\n", "-"))
    made.step.keep.click()
    person.wait(lambda: "There is a recovery sheet" in account.sheet_text.text())
    account.show_key.click()
    key = dialog(person, PaperDialog)
    assert key.view.text.text().startswith("AIKEY2-")
    key.accept()
    assert not account.change_text.isVisible()
    account.rotate.click()
    confirm(person, scenes.PASSPHRASE)
    person.wait(lambda: "waits to be finished" in account.change_text.text())
    assert account.change_text.isVisible()
    account.change_passphrase.click()
    confirm(person, scenes.PASSPHRASE)
    asked = dialog(person, PassphraseDialog)
    for edit in (asked.new.passphrase.edit, asked.new.again.edit):
        person.qtbot.keyClicks(edit, STRONG)
    person.wait(asked.keep.isEnabled)
    asked.keep.click()
    person.wait(lambda: bar(person) == "Your passphrase is changed.")
    person.lock()
    with vault.open_vault(program.folders.vault, STRONG) as opened:
        assert not opened.ways_in.change_waits
    assert QApplication.activeModalWidget() is None


def test_a_dialog_that_is_closed_at_once_is_not_answered_any_more(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=0)
    person = start()
    person.unlock()
    account = person.window.account
    for act in (account.set_up_factor, account.new_sheet):
        act.click()
        confirm(person, scenes.PASSPHRASE)
        kind = SheetDialog if act is account.new_sheet else SecondFactorDialog
        dialog(person, kind)
        for one in person.window.findChildren(QDialog):
            one.reject()
    answered: list[int] = []
    person.session.tasks.query(lambda: 1, answered.append)
    person.wait(lambda: answered)
    assert not [one for one in person.window.findChildren(QDialog) if one.isVisible()]
