"""Work beside the window."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from app.domain import CallId, Progress, Stage, Subject
from app.errors import DiskFull
from app.ui.messages import Kind, Message, Messages
from app.ui.tasks import Tasks

if TYPE_CHECKING:
    import logging
    from collections.abc import Iterator

    from pytestqt.qtbot import QtBot

    from app.ui.tasks import Act


@pytest.fixture
def messages(qtbot: QtBot) -> Messages:
    return Messages()


@pytest.fixture
def told(messages: Messages) -> list[Message]:
    seen: list[Message] = []
    messages.listen(seen.append)
    return seen


@pytest.fixture
def tasks(messages: Messages) -> Iterator[Tasks]:
    made = Tasks(messages)
    yield made
    made.close()


def test_results_come_back_on_the_window_thread(tasks: Tasks, qtbot: QtBot) -> None:
    seen: list[tuple[str, str]] = []

    def then(worked_on: str) -> None:
        seen.append((worked_on, threading.current_thread().name))

    tasks.query(lambda: threading.current_thread().name, then)
    qtbot.waitUntil(lambda: bool(seen))
    assert seen[0][0].startswith("store")
    assert seen[0][1] == threading.main_thread().name


def test_a_change_is_announced_once(tasks: Tasks, qtbot: QtBot) -> None:
    announced: list[object] = []
    done: list[bool] = []
    tasks.announced.connect(announced.append)
    tasks.change(lambda: frozenset({Subject.JOBS}), lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
    assert announced == [frozenset({Subject.JOBS})]


def test_an_expected_problem_reaches_the_bridge_or_its_own_page(
    tasks: Tasks, told: list[Message], qtbot: QtBot
) -> None:
    def full() -> None:
        raise DiskFull("There is no room left.")

    own: list[str] = []
    tasks.query(full, lambda _: None)
    tasks.query(full, lambda _: None, failed=lambda error: own.append(error.code))
    qtbot.waitUntil(lambda: bool(told) and bool(own))
    assert told == [Message(Kind.PROBLEM, "There is no room left.", DiskFull.hint)]
    assert own == ["disk-full"]


def test_a_fault_is_reported_without_content(
    tasks: Tasks, told: list[Message], qtbot: QtBot, expected_logs: list[logging.LogRecord]
) -> None:
    def broken() -> None:
        raise RuntimeError("my name is Tyler")

    tasks.query(broken, lambda _: None)
    qtbot.waitUntil(lambda: bool(told))
    assert told[0].kind is Kind.FAULT
    assert "RuntimeError" in told[0].report
    assert "Tyler" not in told[0].report
    assert [record.msg for record in expected_logs] == ["a fault in the window"]


def test_a_fault_of_a_long_act_ends_it(
    tasks: Tasks, told: list[Message], qtbot: QtBot, expected_logs: list[logging.LogRecord]
) -> None:
    def broken(_: Act) -> None:
        raise RuntimeError

    act = tasks.run(broken, lambda _: None, progress=lambda _: None)
    qtbot.waitUntil(lambda: bool(told))
    assert act.ended
    assert expected_logs


def test_a_newer_query_takes_the_place_of_a_waiting_one(tasks: Tasks, qtbot: QtBot) -> None:
    hold = threading.Event()
    seen: list[int] = []
    tasks.query(hold.wait, lambda _: None)
    for number in range(50):
        tasks.query(lambda number=number: number, seen.append, key="list")  # type: ignore[misc]
    hold.set()
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [49]


def test_progress_is_thinned_out_and_ends_are_kept(tasks: Tasks, qtbot: QtBot) -> None:
    seen: list[Progress] = []
    call = CallId("2" * 32)

    def work(act: Act) -> str:
        for number in range(1001):
            act.progress(Progress(done=number / 1000, total=1, call=call, stage=Stage.TRANSCRIBE))
        act.progress(Progress(done=0, total=1, call=call, stage=Stage.REDACT))
        return "done"

    ended: list[str] = []
    tasks.run(work, ended.append, progress=seen.append)
    qtbot.waitUntil(lambda: bool(ended))
    assert len(seen) < 100
    assert Progress(done=1.0, total=1, call=call, stage=Stage.TRANSCRIBE) in seen
    assert seen[-1].stage is Stage.REDACT


def test_settling_stops_acts_and_forgets_what_comes_late(tasks: Tasks, qtbot: QtBot) -> None:
    late: list[bool] = []
    settled: list[bool] = []
    hold = threading.Event()

    def wait_for_stop(act: Act) -> None:
        while not act.stopped():
            hold.wait(0.01)

    tasks.run(wait_for_stop, lambda _: None, progress=lambda _: None)
    tasks.query(lambda: hold.wait(0.2), late.append)
    tasks.settle(lambda: settled.append(True))
    qtbot.waitUntil(lambda: bool(settled))
    after: list[bool] = []
    tasks.query(lambda: True, after.append)
    qtbot.waitUntil(lambda: bool(after))
    assert late == []


def test_closing_leaves_no_thread_and_delivers_nothing(messages: Messages, qtbot: QtBot) -> None:
    tasks = Tasks(messages)
    seen: list[str] = []
    started = threading.Event()

    def work(act: Act) -> str:
        started.set()
        while not act.stopped():
            pass
        return "late"

    tasks.run(work, seen.append, progress=lambda _: None)
    assert started.wait(5)
    tasks.query(lambda: "late", seen.append)
    tasks.close()
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith(("store", "runner"))]
    tasks.query(lambda: "after", seen.append)
    qtbot.wait(10)
    assert seen == []


def test_messages_before_anyone_listens_are_kept(messages: Messages) -> None:
    messages.note("Early")
    seen: list[Message] = []
    messages.listen(seen.append)
    messages.note("Late")
    assert [message.sentence for message in seen] == ["Early", "Late"]
