"""What the token tagger is trained on holds nothing of what redaction is measured on."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

import pytest

from tests.bench.said_by_agents import SAID

if TYPE_CHECKING:
    from types import ModuleType

BUILD = Path(__file__).resolve().parents[3] / "build"
HALVES = ("development", "held_back")


def part(name: str) -> ModuleType:
    """Return a module of build/tagger."""
    sys.path.insert(0, str(BUILD))
    try:
        return importlib.import_module(f"tagger.{name}")
    finally:
        sys.path.remove(str(BUILD))


def taught() -> list[str]:
    """Return every sentence that training puts values into."""
    talk = part("talk")
    around = [line for lines in (*talk.SAYS.values(), *talk.ASKS.values()) for line in lines]
    return [*around, *talk.GREETINGS, *talk.PLAIN]


def bare(line: str) -> str:
    """Return a sentence without signs and without what its slots hold."""
    return " ".join(re.findall(r"[a-z']+", re.sub(r"<\w+>|\{\w+\}", " x ", line.lower())))


@pytest.mark.parametrize("half", HALVES)
def test_no_sentence_of_the_bench_is_taught(half: str) -> None:
    measured = {
        bare(line)
        for kind in ("openings", "names", "middles", "closings", "plain")
        for line in SAID[half][kind]
    }
    assert measured.isdisjoint({bare(line) for line in taught()})


@pytest.mark.parametrize("half", HALVES)
def test_no_firm_of_the_bench_is_taught(half: str) -> None:
    lines = [*taught(), *part("talk").BRAND_NAMES]
    assert not {name for name in SAID[half]["firms"] if any(name.lower() in line for line in lines)}


def test_the_halves_of_the_bench_share_no_name() -> None:
    for kind in ("agents", "customers", "firms", "brands", "openings", "closings", "plain"):
        development, held_back = (set(SAID[half][kind]) for half in HALVES)
        assert not development & held_back


def test_the_same_seed_draws_the_same_calls_with_values_where_they_are_said() -> None:
    calls = part("calls")
    drawn = []
    for seed in (3, 3, 4):
        source = calls.Calls(Random(seed))
        drawn.append([source.draw() for _ in range(40)])
    assert drawn[0] == drawn[1] != drawn[2]
    labelled = [
        (turn.text[start:end], label)
        for call in drawn[0]
        for turn in call
        for start, end, label in turn.values
    ]
    assert {label for _, label in labelled} >= {"PERSON", "AGENT"}
    assert all(value and not value.isspace() for value, _ in labelled)
