"""Reads calls whose redactions are marked in the text: `{KIND:what was said}`."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import Role, RoleBasis
from app.engine.transcription import RawTranscript, RawTurn

if TYPE_CHECKING:
    from pathlib import Path

_MARK = re.compile(r"\{([A-Z_]+):([^}]*)\}")


@dataclass(frozen=True)
class Marked:
    """A call and where its values are: (turn, kind, start, end)."""

    name: str
    raw: RawTranscript
    gold: tuple[tuple[int, str, int, int], ...]


def read(path: Path) -> tuple[Marked, ...]:
    """Return the marked calls of a TOML file."""
    content = tomllib.loads(path.read_text(encoding="utf-8"))
    return tuple(call(one["name"], one["turns"]) for one in content["call"])


def call(name: str, lines: list[str]) -> Marked:
    """Return the call of lines such as `C: my card is {CARD:4111}`."""
    turns, gold = [], []
    for index, line in enumerate(lines):
        speaker, _, marked = line.partition(": ")
        text, read_to = "", 0
        for mark in _MARK.finditer(marked):
            text += marked[read_to : mark.start()]
            gold.append((index, mark[1], len(text), len(text) + len(mark[2])))
            text += mark[2]
            read_to = mark.end()
        text += marked[read_to:]
        role = Role.AGENT if speaker == "A" else Role.CUSTOMER
        channel = 0 if role is Role.AGENT else 1
        turns.append(RawTurn(channel=channel, role=role, start_ms=0, end_ms=0, text=text))
    raw = RawTranscript(
        turns=tuple(turns), language="en", role_basis=RoleBasis.GIVEN, role_confidence=1.0
    )
    return Marked(name, raw, tuple(gold))
