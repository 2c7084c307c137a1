"""How loud each side speaks, and whether that changes: measured on the muted sound, never judged.

Looked at only where the client has switched acoustic analysis on. A level says how a voice came
through a telephone, not what somebody feels: it is given as a figure, and no finding, flag or score
is made of it. What is muted is left out.
"""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from app.domain import Role, Voices
from app.engine.analysis import timing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import SafeTranscript, Turn
    from app.engine.samples import Channels

_PER_MS = 16  # samples
_SHORTEST_MS = 500  # of sound in a turn, for a level that means something
_FEWEST_TURNS = 6  # of a side, for a change between the first and the last third
_FULL_SCALE = 32768.0


def measure(transcript: SafeTranscript, samples: Channels) -> Voices:
    """Return the levels of a call from its muted sound."""
    agent = _levels(transcript.turns, Role.AGENT, samples)
    customer = _levels(transcript.turns, Role.CUSTOMER, samples)
    return Voices(
        agent_level_db=_middle(agent),
        agent_level_change_db=_change(agent),
        customer_level_db=_middle(customer),
        customer_level_change_db=_change(customer),
    )


def _levels(turns: Sequence[Turn], role: Role, samples: Channels) -> list[float]:
    """Return the level of each turn of a side in dB below full scale, in their order."""
    levels = (_level(turn, samples) for turn in turns if turn.role is role)
    return [level for level in levels if level is not None]


def _level(turn: Turn, samples: Channels) -> float | None:
    channel = samples[min(turn.channel, len(samples) - 1)]
    parts = [channel[start * _PER_MS : end * _PER_MS] for start, end in timing.stretches(turn)]
    sound = np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)
    heard = sound[sound != 0]
    if len(heard) < _SHORTEST_MS * _PER_MS:
        return None
    return float(20 * np.log10(np.sqrt(np.mean(heard**2)) / _FULL_SCALE))


def _middle(levels: Sequence[float]) -> float | None:
    return round(median(levels), 1) if levels else None


def _change(levels: Sequence[float]) -> float | None:
    if len(levels) < _FEWEST_TURNS:
        return None
    third = len(levels) // 3
    return round(median(levels[-third:]) - median(levels[:third]), 1)
