"""Brands, firms and products: known by a list, and only where the token tagger is sure."""

from __future__ import annotations

import pytest

from app.engine.redaction.things import ThingFinder
from tests.unit.engine.redaction.calls import data, read


def things(line: str, doubted: str = "") -> list[str]:
    """Return the words of a line that name things where the tagger doubts those in `doubted`."""
    (turn,) = read(f"C: {line}").turns
    start = turn.text.index(doubted)
    places = ThingFinder(data()).places(turn, set(range(start, start + len(doubted))))
    return [turn.words[place] for place in sorted(places)]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("I bought a Paul Smith jacket", ["paul", "smith", "jacket"]),
        ("the ben and jerry's one", ["ben", "and", "jerry's"]),
        ("a decaf Cortado please", ["decaf", "cortado"]),
        ("corrigan water sent a bill", ["corrigan", "water"]),
        ("it is silver birch water", ["silver", "birch", "water"]),
        ("water", ["water"]),
        ("thank you for calling ngozi", []),
        ("I bought a Declan Osgood jacket", ["declan", "osgood", "jacket"]),
        ("two bosch kettles", ["bosch", "kettles"]),
        ("I gave Declan Osgood boots", ["boots"]),
        ("declan osgood kettle", ["kettle"]),
        ("the osgood contract", ["contract"]),
    ],
)
def test_things_are_known_by_a_list(line: str, found: list[str]) -> None:
    assert things(line) == found


def test_any_doubt_of_the_tagger_makes_a_person_of_a_thing() -> None:
    assert things("I asked Paul Smith about it", "Smith") == []
    assert things("i'm corrigan water", "corrigan") == []
    assert things("a declan osgood jacket", "osgood") == ["jacket"]
