"""How far work has come, and Ctrl+C as a wish."""

from __future__ import annotations

import io
import os
import signal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.output import Output
from app.cli.progress import Bar, Interruption, Steps
from app.domain import CallId, Progress, Stage

A, B = CallId("a"), CallId("b")


def test_running_calls_count_in_part():
    steps = Steps()
    steps.take(Progress(done=0, total=2))
    steps.take(Progress(done=0.5, total=1, call=A, stage=Stage.TRANSCRIBE))
    assert 0.3 < steps.done < 0.6
    steps.take(Progress(done=1, total=1, call=A, stage=Stage.SCORE))
    assert steps.done == pytest.approx(1)
    steps.take(Progress(done=1, total=2))
    assert (steps.done, steps.total) == (1, 2)


@given(st.lists(st.tuples(st.sampled_from(list(Stage)), st.floats(0, 1)), max_size=20))
def test_one_call_is_never_more_than_whole(course):
    steps = Steps()
    steps.take(Progress(done=0, total=1))
    for stage, done in course:
        steps.take(Progress(done=done, total=1, call=A, stage=stage))
        assert 0 <= steps.done <= 1 + 1e-9


def test_stages_go_forward_only():
    steps = Steps()
    seen = []
    for stage in Stage:
        for done in (0.0, 1.0):
            steps.take(Progress(done=done, total=1, call=A, stage=stage))
            seen.append(steps.done)
    assert seen == sorted(seen)


def test_the_call_that_came_furthest_is_the_one_that_finished():
    steps = Steps()
    steps.take(Progress(done=0, total=2))
    steps.take(Progress(done=1, total=1, call=A, stage=Stage.SCORE))
    steps.take(Progress(done=0, total=1, call=B, stage=Stage.TRANSCRIBE))
    steps.take(Progress(done=1, total=2))
    assert 1 < steps.done < 1.1


class _Terminal(io.StringIO):
    def isatty(self):
        return True


def course(bar):
    with bar:
        bar.tell(Progress(done=0, total=2))
        for number in (1, 2):
            with bar.aside():
                pass
            bar.tell(Progress(done=number, total=2))


def test_off_a_terminal_nothing_is_drawn():
    for stream, quiet in ((io.StringIO(), False), (_Terminal(), True)):
        course(Bar(Output(io.StringIO(), stream, quiet=quiet), "Analysing", "call"))
        assert stream.getvalue() == ""


def test_what_takes_long_shows_rate_and_time_left(monkeypatch):
    monkeypatch.setattr("app.cli.progress._DELAY_SECONDS", 0.0)
    monkeypatch.setenv("LINES", "30")
    monkeypatch.setenv("COLUMNS", "100")
    stream = _Terminal()
    bar = Bar(Output(io.StringIO(), stream), "Analysing", "call")
    bar._bar.mininterval = 0
    course(bar)
    assert "Analysing call 2 of 2" in stream.getvalue()
    assert "s/call" in stream.getvalue()
    assert "left" in stream.getvalue()


def working(action):
    with Interruption() as stop:
        action(stop)


def interrupt():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_interruption_is_a_wish_that_is_said_at_the_end():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work(stop):
        seen.append(stop())
        interrupt()
        seen.append(stop())

    with pytest.raises(KeyboardInterrupt):
        working(work)
    assert seen == [False, True]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_second_interruption_stops_at_once():
    reached = []

    def work(_):
        interrupt()
        interrupt()
        reached.append("too far")

    with pytest.raises(KeyboardInterrupt):
        working(work)
    assert not reached


def test_an_error_of_the_work_goes_before_the_interruption():
    def work(_):
        interrupt()
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        working(work)


def test_a_process_that_ignores_interruptions_goes_on_ignoring_them():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Interruption() as stop:
            os.kill(os.getpid(), signal.SIGINT)
            assert not stop()
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
