"""The window for people who hear it or use keys only."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QShortcut
from PySide6.QtWidgets import QApplication, QDialog, QWidget

from app.ui.dialogs import KeysDialog
from app.ui.import_dialog import ImportDialog
from app.ui.person_dialog import PersonDialog
from app.ui.rights import Page, Tab
from app.ui.secret_dialogs import ConfirmDialog, SecondFactorDialog, SheetDialog
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from tests.functional.conftest import Person


def nameless(root: QWidget) -> list[str]:
    """Return what can take the focus and has no name that a screen reader could say."""
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        if widget.focusPolicy() is Qt.FocusPolicy.NoFocus or not widget.isVisible():
            continue
        if widget.objectName().startswith("qt_") or widget.focusProxy() is not None:
            continue
        interface = QAccessible.queryAccessibleInterface(widget)
        if interface is None or not interface.text(QAccessible.Text.Name).strip():
            found.append(
                f"{type(widget).__name__} {widget.accessibleName() or widget.objectName()!r}"
            )
    return found


@pytest.fixture
def person(start: Callable[..., Person], program: Program) -> Person:
    scenes.filled(program.folders.vault, done=2, failed=1)
    return start()


def test_everything_has_a_name(person: Person, program: Program) -> None:
    window = person.window
    person.wait(person.session.unlock.isVisible)
    assert nameless(window) == []
    person.session.look_at(program.folders.data / "none")
    person.wait(person.session.set_up.isVisible)
    assert nameless(window) == []
    entry = person.session.entry
    entry.recovery.show_vault(program.folders.vault)
    for step in (entry.recovery, entry.sheet_step, entry.key_step):
        window.show_start(step)
        assert nameless(window) == []
    person.session.look_at(program.folders.vault)
    person.unlock()
    person.see_list()
    assert nameless(window) == []
    person.open_first()
    assert nameless(window) == []
    window.show_queue()
    person.wait(lambda: len(window.queue._lines) == 1)
    assert nameless(window) == []
    for page in Page:
        window.show_page(page)
        person.wait(window._pages[page].isVisible)
        assert nameless(window) == [], page
    for tab in Tab:
        window.show_page(Page.PEOPLE)
        window.people.show_tab(tab)
        assert nameless(window) == [], tab
    window.people.people.add.click()
    window.account.set_up_factor.click()
    person.wait(lambda: window.findChildren(ConfirmDialog))
    (asked,) = window.findChildren(ConfirmDialog)
    assert nameless(asked) == []
    person.qtbot.keyClicks(asked.passphrase.edit, scenes.PASSPHRASE)
    asked.confirm.click()
    person.wait(lambda: window.findChildren(SecondFactorDialog))
    assert window.workspace is not None
    window.account._show_sheet(window.workspace.confirm(scenes.PASSPHRASE))
    for kind in (PersonDialog, SecondFactorDialog, SheetDialog):
        person.wait(lambda kind=kind: window.findChildren(kind)[0].isVisible())
        dialog = window.findChildren(kind)[0]
        assert nameless(dialog) == []
        dialog.reject()
    window.show_calls()
    window.ask_import()
    window._show_keys()
    for kind in (ImportDialog, KeysDialog):
        dialog = window.findChildren(kind)[0]
        assert isinstance(dialog, QDialog)
        person.wait(dialog.isVisible)
        assert nameless(dialog) == []
        dialog.reject()


def test_cells_of_the_list_are_read_with_their_column(person: Person) -> None:
    person.unlock()
    person.see_list()
    model = person.window.calls.model
    role = Qt.ItemDataRole.AccessibleTextRole
    texts = [model.data(model.index(0, column), role) for column in range(model.columnCount())]
    assert texts[0] == "State: Done"
    assert "Customer: negative" in texts
    assert "Flags: Bereavement, Complaint, Financial hardship" in texts


def test_tab_goes_round_the_call_page_without_a_trap(person: Person) -> None:
    person.unlock()
    person.open_first()
    person.window.activateWindow()
    person.window.call.play.setFocus()
    seen: list[QWidget] = []
    for _ in range(80):
        focused = QApplication.focusWidget()
        if focused is None or (seen and focused is seen[0]):
            break
        seen.append(focused)
        person.qtbot.keyClick(focused, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is seen[0], "round and back"
    page = person.window.call
    assert {page.waveform, page.transcript, page.speed, page.next} <= set(seen)


@pytest.mark.parametrize("page", [Page.PEOPLE, Page.AUDIT, Page.ACCOUNT])
def test_tab_goes_round_the_other_pages_without_a_trap(person: Person, page: Page) -> None:
    person.unlock()
    person.see_list()
    window = person.window
    window.show_page(page)
    for tab in Tab if page is Page.PEOPLE else (None,):
        if tab is not None:
            window.people.show_tab(tab)
        person.qtbot.wait(1)
        window.activateWindow()
        window.side.lock.setFocus()
        seen: list[QWidget] = []
        for _ in range(120):
            focused = QApplication.focusWidget()
            if focused is None or (seen and focused is seen[0]):
                break
            seen.append(focused)
            person.qtbot.keyClick(focused, Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is seen[0], "round and back"
        inside = [one for one in seen if window._pages[page].isAncestorOf(one)]
        assert len(inside) >= (1 if tab is Tab.RETENTION else 2)  # nothing is due here


def test_enter_presses_the_button_that_has_the_focus(person: Person) -> None:
    person.unlock()
    person.open_first()
    page = person.window.call
    person.window.activateWindow()
    page.next_finding.setFocus()
    person.wait(page.next_finding.hasFocus)
    person.qtbot.keyClick(page.next_finding, Qt.Key.Key_Return)
    assert page.playback.playing
    page.playback.pause()
    page.back.setFocus()
    person.qtbot.keyClick(page.back, Qt.Key.Key_Space)
    assert person.window.calls.isVisible(), "Space presses the button, it does not play"


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_theme_can_change_while_the_window_is_open(person: Person, name: str) -> None:
    person.unlock()
    person.open_first()
    theme = person.session.theme
    theme._fixed = name
    theme._follow()
    person.window.grab()
    assert person.window.call.transcript.toPlainText()


def test_every_key_of_the_window_is_in_the_manual(person: Person) -> None:
    manual = (person.session._program.folders.resources / "documents" / "manual.md").read_text(
        encoding="utf-8"
    )
    section = manual.split("### Keys")[1].split("###")[0]
    shortcuts = {
        part
        for found in person.window.findChildren(QShortcut)
        for part in [found.key().toString()]
        if part != "Alt+Left"
    }
    assert shortcuts
    missing = {key for key in shortcuts if key not in section}
    assert missing == set()
