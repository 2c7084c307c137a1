"""The same recording, models and settings give the same bytes again, in another process."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.sameness import digests, requests

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "resources" / "samples"


def _analyse(*files, workers):
    settings = Path("settings.toml").absolute()
    execution = f"[execution]\nthreads_per_worker = 1\nworkers = {workers}\n"
    settings.write_text(execution, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "app", "--settings", settings, "--json", "analyse", *files],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    return {json.loads(line)["source"]: _without_times(line) for line in done.stdout.splitlines()}


def _without_times(line):
    """Return the line as it stands but for what a clock measured of the run itself."""
    found = json.loads(line)
    assert found.pop("seconds")
    return json.dumps(found, sort_keys=True)


@pytest.mark.models
def test_a_call_comes_out_the_same_alone_with_others_and_beside_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    first, second = SAMPLES / "finance.mp3", SAMPLES / "utilities.wav"
    one_after_another = _analyse(first, second, workers=1)
    assert len(one_after_another) == 2
    assert _analyse(second, first, workers=2) == one_after_another
    assert _analyse(second, workers=1).items() < one_after_another.items()


@pytest.mark.models
def test_every_byte_of_a_result_is_the_same_in_any_order_and_beside_any_other():
    """Also the muted sound, the waveform and the blind indexes; 20 runs: tests/bench/sameness."""
    calls = list(requests().items())[:3]
    first = digests(calls, 1, 1)
    assert len(set(first.values())) == len(calls)
    assert digests(calls[::-1], 2, 1) == first
    assert digests(calls[1:2], 1, 1).items() < first.items()
