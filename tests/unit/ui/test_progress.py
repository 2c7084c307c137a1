"""How far a run has come."""

from __future__ import annotations

from itertools import pairwise

import pytest

from app.domain import CallId, Progress, Stage
from app.ui import words
from app.ui.progress import RunProgress, share

CALL = CallId("1" * 32)


def test_a_call_moves_from_nothing_to_whole() -> None:
    steps = [share(stage, part, 1) for stage in Stage for part in (0, 0.5, 1)]
    assert steps[0] == 0
    assert steps[-1] == pytest.approx(1)
    assert all(a <= b for a, b in pairwise(steps))


def test_a_run_adds_up_calls_that_are_done_and_under_way() -> None:
    run = RunProgress(started_s=100)
    assert run.sentence(100) == "Starting…"
    assert run.note(Progress(done=1, total=4), 110)
    assert not run.note(Progress(done=1, total=4), 110), "nothing new"
    assert run.note(Progress(done=0, total=1, call=CALL, stage=Stage.TRANSCRIBE), 111), (
        "a call began"
    )
    assert not run.note(Progress(done=1, total=1, call=CALL, stage=Stage.SCORE), 112)
    assert run.fraction() == pytest.approx(0.5)
    assert run.seconds_left(130) == pytest.approx(30)
    assert run.per_hour(130) == pytest.approx(120)
    run.forget(set())
    assert run.fraction() == 0.25


def test_nothing_is_guessed_without_ground() -> None:
    run = RunProgress(started_s=0)
    assert run.seconds_left(50) is None
    assert run.per_hour(50) is None
    run.note(Progress(done=0, total=3), 1)
    assert run.sentence(1) == "Analysing call 1 of 3"


def test_the_sentence_of_a_run() -> None:
    run = RunProgress(started_s=0)
    run.note(Progress(done=1, total=3), 42)
    run.note(Progress(done=2, total=3), 60)
    assert run.sentence(60).startswith("Analysing call 3 of 3")
    assert "120 calls an hour" in run.sentence(60)
    assert "left" in run.sentence(60)
    assert run.sentence(60).endswith("first call after 42 seconds")


def test_the_first_call_s_time_is_rounded_to_what_it_is_worth() -> None:
    assert words.first_after(0.2) == "first call after 1 second"
    assert words.first_after(250) == "first call after 4 minutes"
