"""Calls written line by line, for the tests of the analysis."""

from __future__ import annotations

from app.domain import Role, RoleBasis, SafeTranscript
from tests.builders import turn

ROLES = {"A": Role.AGENT, "C": Role.CUSTOMER, "U": Role.UNKNOWN}


def call(
    *lines: str, basis: RoleBasis = RoleBasis.CHANNEL_MAP, sure: float = 1.0, pause_ms: int = 500
) -> SafeTranscript:
    """Return a transcript of lines such as `A: good morning`."""
    turns, at = [], 0
    for index, line in enumerate(lines):
        who, _, text = line.partition(": ")
        turns.append(turn(index, ROLES[who], text, at))
        at = turns[-1].end_ms + pause_ms
    return SafeTranscript(turns=tuple(turns), language="en", role_basis=basis, role_confidence=sure)


def length_of(transcript: SafeTranscript) -> int:
    """Return when the last word ends."""
    return max((turn.end_ms for turn in transcript.turns), default=0)
