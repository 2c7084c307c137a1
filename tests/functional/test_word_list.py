"""The word list in the window: kept, refused with its line, ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.ui.rights import Page, Tab
from tests.functional import scenes
from tests.functional.scenes import ADMINISTRATOR
from tests.functional.test_people import bar, come_in

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.bootstrap import Program
    from tests.functional.conftest import Person


def test_the_word_list_is_kept_and_a_wrong_line_is_shown(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.office(program.folders.vault, ADMINISTRATOR, done=0)
    person = start()
    come_in(person, "Adam")
    workspace = person.window.workspace
    assert workspace is not None
    person.window.show_page(Page.PEOPLE)
    page = person.window.people
    page.show_tab(Tab.WORDS)
    listed = page.word_list
    person.wait(listed.isVisible)
    assert listed.count.text() == "No list yet"
    assert not listed.keep.isEnabled()
    listed.text.setPlainText("[products]\nVelmora\n[brands]\nQuentrix")
    listed.keep.click()
    person.wait(listed.wrong.isVisible)
    assert "Line 3: There is no such section." in listed.wrong.text()
    assert listed.text.textCursor().selectedText() == "[brands]"
    assert workspace.vocabulary.get().entries == 0
    listed.text.textCursor().insertText("[others]")
    assert not listed.wrong.isVisible()
    listed.keep.click()
    person.wait(lambda: bar(person) == "The word list is kept.")
    person.wait(lambda: listed.count.text() == "2 entries")
    assert workspace.vocabulary.get().text == "[products]\nVelmora\n[others]\nQuentrix"
    assert not listed.keep.isEnabled()
    listed.text.clear()
    assert listed.undo.isVisible()
    listed.undo.click()
    assert listed.text.toPlainText().endswith("Quentrix")
    listed.text.clear()
    listed.keep.click()
    person.wait(lambda: listed.count.text() == "No list yet")
