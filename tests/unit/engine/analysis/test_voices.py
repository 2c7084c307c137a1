"""How loud each side speaks, from sound that was made for it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from app.domain import Role
from app.engine.analysis.voices import measure
from tests.builders import transcript, turn

RATE_HZ = 16_000


def spoken(*levels_db, role=Role.CUSTOMER, channel=1, seconds=1):
    """Return turns of a tone at these levels, one after the other, and their sound."""
    turns, sound = [], np.zeros((2, RATE_HZ * seconds * len(levels_db)), np.int16)
    for number, level in enumerate(levels_db):
        start = number * seconds * 1000
        said = turn(number, role, "so loud", start)
        end = start + seconds * 1000
        turns.append(replace(said, words=(), start_ms=start, end_ms=end, channel=channel))
        time = np.arange(RATE_HZ * seconds) / RATE_HZ
        tone = np.sqrt(2) * 10 ** (level / 20) * np.sin(2 * np.pi * 200 * time + 0.1)
        at = number * seconds * RATE_HZ
        sound[channel, at : at + len(tone)] = np.round(tone * 32767)
    return replace(transcript(), turns=tuple(turns)), sound


def test_a_level_is_that_of_the_sound_in_db_below_full_scale():
    said, sound = spoken(-20, -20, -20)
    found = measure(said, sound)
    assert found.customer_level_db == pytest.approx(-20, abs=0.2)
    assert (found.agent_level_db, found.agent_level_change_db) == (None, None)
    assert found.customer_level_change_db is None, "three turns are too few"


def test_a_voice_that_gets_louder_is_told():
    said, sound = spoken(-30, -30, -25, -25, -18, -18)
    found = measure(said, sound)
    assert found.customer_level_change_db == pytest.approx(12, abs=0.3)


def test_what_is_muted_and_what_is_too_short_counts_for_nothing():
    said, sound = spoken(-20, -20, -20, -20, -20, -20)
    sound[1, : RATE_HZ * 3] = 0
    found = measure(said, sound)
    assert found.customer_level_db == pytest.approx(-20, abs=0.2)
    sound[1, : RATE_HZ * 6 - 100] = 0
    assert measure(said, sound).customer_level_db is None


def test_one_channel_for_both_sides_is_measured_too():
    said, sound = spoken(-24, -24, role=Role.AGENT, channel=0)
    found = measure(said, sound[:1])
    assert found.agent_level_db == pytest.approx(-24, abs=0.2)
