"""The audit page: reading, narrowing, verifying and handing out the log."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtWidgets import QApplication

from app.errors import VaultInDoubt
from app.storage import vault
from app.ui import paged_table
from app.ui.reason_dialog import ReasonDialog
from app.ui.rights import Page
from app.ui.secret_dialogs import PaperDialog
from tests.functional import scenes
from tests.functional.scenes import ADMINISTRATOR, PASSPHRASES
from tests.functional.test_account import confirm
from tests.functional.test_people import dialog

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.bootstrap import Program
    from tests.functional.conftest import Person


@pytest.fixture
def person(start: Callable[..., Person], program: Program) -> Person:
    """Return the owner of a vault with some hundred entries, at the audit page."""
    scenes.office(program.folders.vault, ADMINISTRATOR, done=30)
    somebody = start()
    somebody.sign_in("owner", scenes.PASSPHRASE)
    somebody.wait(somebody.window.main.isVisible)
    somebody.window.show_page(Page.AUDIT)
    somebody.wait(lambda: somebody.window.audit.model.row(0) is not None)
    return somebody


def test_the_newest_entry_is_first_and_pages_are_read_as_they_are_seen(
    person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paged_table, "PAGE", 10)
    page = person.window.audit
    page.refresh()
    person.wait(lambda: page.model.rowCount() > 60 and page.model.row(0) is not None)
    first, count = page.model.row(0), page.model.rowCount()
    assert first is not None
    assert first.number == count
    assert count - 1 > 10 * len(page.model._pages), "not all pages are read"
    page.table.scrollToBottom()
    person.wait(lambda: page.model.row(count - 1) is not None)
    last = page.model.row(count - 1)
    assert last is not None
    assert (last.number, last.act) == (1, "vault.create")
    assert page.count.text() == f"{count} entries"


def test_entries_are_narrowed_by_person_and_act(person: Person) -> None:
    page = person.window.audit
    person.wait(lambda: page.act.count() > 2)
    page.act.setCurrentIndex(page.act.findData("person.add"))
    person.wait(lambda: page.count.text() == "1 entry found")
    person.wait(lambda: page.model.row(0) is not None)
    assert page.model.row(0).subject == "Adam"  # type: ignore[union-attr]
    page.person.setCurrentIndex(page.person.findData("scene"))
    person.wait(lambda: page.count.text() == "0 entries found")


def test_verifying_says_that_all_is_well_and_names_what_is_not(
    person: Person, program: Program
) -> None:
    page = person.window.audit
    page.verify.click()
    assert not page.verify.isEnabled()
    person.wait(page.verify.isEnabled)
    assert page.verdict.property("kind") == "verdict-good"
    workspace = person.window.workspace
    assert workspace is not None
    with workspace._vault._database.transaction() as writing:
        writing.change("DROP TRIGGER audit_fixed")
        writing.change("UPDATE audit SET outcome = 'nothing' WHERE number = 7")
    page.verify.click()
    person.wait(lambda: page.verdict.property("kind") == "verdict-bad")
    assert "7" in page.verdict.text()


def test_the_log_is_handed_out_by_who_may(person: Person, tmp_path: Path) -> None:
    page = person.window.audit
    person.lock()
    person.sign_in("Adam", PASSPHRASES["Adam"])
    person.wait(person.window.main.isVisible)
    person.window.show_page(Page.AUDIT)
    assert not page.export.isVisible(), "an administrator reads, an auditor hands out"
    person.lock()
    with_auditor(person)
    page.export_to(tmp_path)
    person.wait(lambda: "entries are in" in person.window.bar.sentence.text())
    folders = [one for one in tmp_path.iterdir() if one.name.startswith("audit-log-")]
    assert {one.name for one in folders[0].iterdir()} >= {"audit.jsonl", "verify_audit.py"}
    page.checkpoint.click()
    person.wait(lambda: any(d.isVisible() for d in person.window.findChildren(PaperDialog)))
    shown = person.window.findChildren(PaperDialog)[0]
    assert shown.view.text.text().startswith("AIROOT2-")
    person.session.lock()
    assert not shown.isVisible()


def test_a_log_of_before_is_told_and_accepted_by_who_types_the_passphrase(
    start: Callable[..., Person], program: Program
) -> None:
    folder = program.folders.vault
    scenes.office(folder, ADMINISTRATOR, done=2)
    older = {path: path.read_bytes() for path in folder.glob("vault.*")}
    program.open(folder, scenes.PASSPHRASE, name="owner").close()
    for path, content in older.items():
        path.write_bytes(content)
    person = start()
    person.sign_in("owner", scenes.PASSPHRASE)
    person.wait(lambda: "older state" in person.window.bar.sentence.text())
    person.window.show_page(Page.AUDIT)
    page = person.window.audit
    person.wait(page.accept.isVisible)
    assert "are refused" in page.doubt.text()
    workspace = person.window.workspace
    assert workspace is not None
    typed = workspace.confirm(scenes.PASSPHRASE)
    with pytest.raises(VaultInDoubt):
        workspace.teams.keep("red", ["ann"], confirmed=typed)
    page.accept.click()
    reason = dialog(person, ReasonDialog)
    assert not reason.confirm.isEnabled()
    person.qtbot.keyClicks(reason.reason, "restored after a fire")
    reason.confirm.click()
    confirm(person, scenes.PASSPHRASE)
    person.wait(lambda: not page.doubt.isVisible())
    assert not page.accept.isVisible()
    person.wait(lambda: page.model.row(0) is not None and page.model.row(0).act == "audit.accept")
    workspace.teams.keep("red", ["ann"], confirmed=typed)


def with_auditor(person: Person) -> None:
    """Add an auditor while the vault is shut, and come in as that."""
    folder = person.session.unlock.folder
    person.wait(person.session.unlock.passphrase.edit.isEnabled)
    with vault.open_vault(folder, scenes.PASSPHRASE, name="owner") as opened:
        opened.people.add(
            scenes.AUDITOR, PASSPHRASES["Otto"], actor="owner", cost=scenes.LOWEST_COST
        )
    person.sign_in("Otto", PASSPHRASES["Otto"])
    person.wait(person.window.main.isVisible)
    person.window.show_page(Page.AUDIT)
    person.wait(person.window.audit.export.isVisible)


def test_locking_while_verifying_stops_it(person: Person) -> None:
    page = person.window.audit
    page.verify.click()
    person.session.lock()
    person.wait(person.session.unlock.passphrase.edit.isEnabled)
    assert page.model.rowCount() == 0
    assert page.verdict.text() == ""
    assert page.person.count() == 1
    assert QApplication.activeModalWidget() is None
