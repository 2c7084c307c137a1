"""The self-test says what it found of the fences, in the program and where calls are analysed."""

from __future__ import annotations

import pytest

from app.engine.models import ModelLibrary
from app.engine.wire import NetworkTried
from app.errors import WorkerDied
from app.selftest import checks


@pytest.fixture
def told(tmp_path, network_attempts):
    """What is said of the workers' network for what they met."""
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "manifest.toml").write_text("format = 1\n")

    def telling(reach_out):
        models = ModelLibrary(tmp_path, None)
        found = checks(models, tmp_path, reach_out=reach_out, analyse=lambda: pytest.fail("run"))
        return next(check for check in found if check.name == "network of workers")

    return telling


@pytest.mark.parametrize(
    ("python", "native", "ok", "words"),
    [
        (True, True, True, "for native code too"),
        (True, None, True, "no fence for native code"),
        (True, False, False, "Native code can open a connection"),
        (False, True, False, "was not refused"),
        (False, None, False, "was not refused"),
    ],
)
def test_what_workers_met_is_said(told, python, native, ok, words):
    check = told(lambda: NetworkTried(python_refused=python, native_refused=native))
    assert check.ok is ok
    assert words in check.sentence
    assert bool(check.hint) is not ok


def test_a_worker_that_does_not_answer_is_a_fault(told):
    def dies():
        raise WorkerDied("It ended.")

    assert not told(dies).ok
