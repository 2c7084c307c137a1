"""Locking: by key, when nobody is there, when the session is over, and while calls are analysed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog

from app.domain import JobState, ProcessingReport, Progress
from app.errors import VaultLocked
from app.storage import vault
from app.workspace.control import Processing
from tests.functional import scenes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.bootstrap import Program
    from tests.functional.conftest import Person


class Clock:
    """A time that only moves when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Analysis:
    """Stands in for the workers: reports two of three calls done, and waits to be let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.starts = 0

    def run(
        self,
        _: Processing,
        *,
        progress: Callable[[Progress], None],
        stop: Callable[[], bool],
    ) -> ProcessingReport:
        self.starts += 1
        progress(Progress(done=2, total=3))
        while not (stop() or self.go.wait(0.01)):
            pass
        return ProcessingReport(done=0, failed=0, cancelled=0, audio_ms=0, seconds=1.0)


@pytest.fixture
def analysis(monkeypatch: pytest.MonkeyPatch) -> Iterator[Analysis]:
    made = Analysis()
    monkeypatch.setattr(
        Processing,
        "run",
        lambda self, *, progress, stop: made.run(self, progress=progress, stop=stop),
    )
    yield made
    made.go.set()


def expect_no_content(person: Person) -> None:
    window = person.window
    assert not window.main.isVisible()
    assert window.call.transcript.toPlainText() == ""
    assert window.call.title.text() == ""
    assert window.calls.model.rowCount() == 0
    assert window.calls.agent.count() == 1
    assert window.call.waveform._analysis is None
    assert window.side.person.text() == ""


def closed(program: Program) -> bool:
    try:
        vault.open_vault(program.folders.vault, scenes.PASSPHRASE).close()
    except VaultLocked:
        return False
    return True


def test_nobody_there_locks_and_a_key_in_time_does_not(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=1)
    clock = Clock()
    person = start(clock=clock)
    person.unlock()
    person.open_first()
    clock.now += 9 * 60
    person.qtbot.keyClick(person.window.call, Qt.Key.Key_Home)
    clock.now += 9 * 60
    assert not person.session.idle.look()
    assert person.window.call.transcript.isVisible()
    clock.now += 2 * 60
    person.session.idle._timer.setInterval(1)
    person.wait(lambda: not person.window.main.isVisible())
    expect_no_content(person)
    person.wait(person.session.unlock.passphrase.edit.isEnabled)
    assert closed(program)


def test_the_first_key_after_sleep_only_locks(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=1)
    clock = Clock()
    person = start(clock=clock)
    person.unlock()
    person.open_first()
    clock.now += 8 * 3600
    person.qtbot.keyClick(person.window.call.play, Qt.Key.Key_Space)
    assert not person.window.call.playback.playing
    expect_no_content(person)


def test_the_minutes_are_those_of_the_policy(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=0)
    clock = Clock()
    person = start(clock=clock)
    person.unlock()
    workspace = person.window.workspace
    assert workspace is not None
    confirmed = workspace.confirm(scenes.PASSPHRASE)
    assert workspace.policy.change("lock_after_minutes", "2", confirmed=confirmed) is None
    from app.domain import Subject

    person.session.tasks.announced.emit(frozenset({Subject.SETTINGS}))
    person.wait(lambda: person.session.idle._limit_s == 120.0)
    clock.now += 121
    assert person.session.idle.look()


def test_locking_takes_dialogs_and_typed_secrets_away_and_leaves_the_clipboard(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=1)
    person = start()
    person.unlock()
    person.see_list()
    QApplication.clipboard().setText("something of the person's own")
    person.window.ask_import()
    person.wait(lambda: any(d.isVisible() for d in person.window.findChildren(QDialog)))
    person.session.lock()
    assert not any(d.isVisible() for d in person.window.findChildren(QDialog))
    assert QApplication.clipboard().text() == "something of the person's own"
    person.wait(person.session.unlock.passphrase.edit.isEnabled)
    person.qtbot.keyClicks(person.session.unlock.passphrase.edit, "half typed")
    person.session.lock()
    assert person.session.unlock.passphrase.text() == ""


def test_a_lock_of_the_screen_while_the_passphrase_is_checked_holds(
    start: Callable[..., Person], program: Program
) -> None:
    scenes.filled(program.folders.vault, done=1)
    person = start()
    page = person.session.unlock
    person.wait(lambda: page.isVisible() and page.passphrase.edit.isEnabled())
    person.qtbot.keyClicks(page.passphrase.edit, scenes.PASSPHRASE)
    page.unlock.click()
    person.session.lock()
    person.wait(lambda: not person.session.entry.signing_in and page.passphrase.edit.isEnabled())
    expect_no_content(person)
    person.wait(lambda: closed(program))


def test_a_session_that_is_over_locks(start: Callable[..., Person], program: Program) -> None:
    from dataclasses import replace
    from datetime import timedelta

    scenes.filled(program.folders.vault, done=1)
    person = start()
    person.unlock()
    person.open_first()
    workspace = person.window.workspace
    assert workspace is not None
    late = replace(workspace.session, started_at=workspace.session.started_at - timedelta(hours=13))
    object.__setattr__(workspace._gate, "session", late)
    person.window.calls.refresh()
    person.wait(person.session.unlock.isVisible)
    expect_no_content(person)
    person.wait(lambda: "Sign in again" in person.session.unlock.hint.text())


def test_analysis_goes_on_behind_the_lock_and_whoever_unlocks_finds_it(
    start: Callable[..., Person], program: Program, analysis: Analysis
) -> None:
    scenes.filled(program.folders.vault, done=1, queued=3)
    person = start()
    person.unlock()
    person.wait(lambda: person.window.control.run is not None and person.window.control.run.total)
    person.open_first()
    before = person.window.workspace
    assert before is not None
    person.qtbot.keyClick(person.window.call, Qt.Key.Key_L, Qt.KeyboardModifier.ControlModifier)
    expect_no_content(person)
    page = person.session.unlock
    person.wait(page.going_on.isVisible)
    assert page.going_on.text() == "Analysis goes on: 2 of 3 calls"
    assert not page.change_folder.isVisible(), "one vault at a time"
    assert not closed(program)
    person.wait(page.passphrase.edit.isEnabled)
    person.qtbot.keyClicks(page.passphrase.edit, "not the right one at all")
    page.unlock.click()
    person.wait(page.problem.isVisible)
    assert not closed(program), "a wrong passphrase ends nothing"
    person.unlock()
    after = person.window.workspace
    assert after is not None
    assert after is not before
    assert after._vault is before._vault
    assert analysis.starts == 1
    assert person.window.control.run is not None
    acts = [entry.act for entry in after.audit.entries(limit=6)]
    assert "vault.open" in acts
    assert "sign-in.failed" in acts
    person.session.lock()
    assert not closed(program)


def test_when_the_queue_is_done_behind_the_lock_the_vault_closes(
    start: Callable[..., Person], program: Program, analysis: Analysis
) -> None:
    scenes.filled(program.folders.vault, done=1, queued=3)
    person = start()
    person.unlock()
    person.wait(lambda: person.window.control.run is not None)
    workspace = person.window.workspace
    assert workspace is not None
    person.session.lock()
    page = person.session.unlock
    person.wait(page.going_on.isVisible)
    answered: list[int] = []
    person.session.tasks.query(lambda: 1, answered.append)  # after what the page itself asked
    person.wait(lambda: answered)
    person.qtbot.keyClicks(page.passphrase.edit, "being typed")
    analysis.go.set()
    person.wait(lambda: not page.going_on.isVisible())
    person.wait(lambda: closed(program))
    assert not any(workspace._vault._key._secret), "the key is wiped"
    assert page.passphrase.text() == "being typed", "nobody is disturbed"
    page.passphrase.clear()
    person.session.window.control._look = lambda: None  # type: ignore[method-assign]
    person.unlock()
    totals = person.window.workspace.calls.totals()  # type: ignore[union-attr]
    assert totals[JobState.QUEUED] == 3


def test_a_fault_behind_the_lock_does_not_keep_the_vault_open(
    start: Callable[..., Person],
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    expected_logs: list[object],
) -> None:
    go = threading.Event()

    def broken(self: Processing, *, progress: object, stop: Callable[[], bool]) -> None:
        while not (stop() or go.wait(0.01)):
            pass
        raise RuntimeError("a mistake of the program")

    monkeypatch.setattr(Processing, "run", broken)
    scenes.filled(program.folders.vault, done=0, queued=1)
    person = start()
    person.unlock()
    person.wait(lambda: person.window.control.run is not None)
    person.session.lock()
    person.wait(person.session.unlock.going_on.isVisible)
    go.set()
    person.wait(lambda: not person.session.unlock.going_on.isVisible())
    person.wait(lambda: closed(program))
    assert expected_logs
