"""Damaged recordings of every form, through a real worker process: a reason or samples, every time.

`AUTOINSIGHTS_DAMAGED` sets how many files (default 400); thousands are for tests/bench/soak_audio.
"""

from __future__ import annotations

import os

from tests.bench.soak_audio import Tally, decoded

FILES = int(os.environ.get("AUTOINSIGHTS_DAMAGED", "400"))
SEED = 4


def test_no_damage_ends_the_worker_or_gives_other_samples_the_second_time():
    tally = Tally(seed=SEED)
    for file, outcome, seconds in decoded(SEED, range(FILES), 1):
        tally.take(file, outcome, seconds)
    assert tally.files == FILES
    assert tally.wrong == []
    read = sum(count for (_, code), count in tally.outcomes.items() if code.startswith("read"))
    assert 0.2 * FILES < read < 0.8 * FILES
