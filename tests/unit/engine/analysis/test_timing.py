"""Stretches of time: a slow model that counts milliseconds gives the same answers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.domain import Role, Turn
from app.engine.analysis import timing
from tests.builders import turn

PARTS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=8)


def milliseconds(parts: list[timing.Stretch]) -> set[int]:
    return {ms for start, end in parts for ms in range(start, end)}


@given(PARTS)
def test_a_union_covers_the_same_milliseconds_without_overlap(parts: list[timing.Stretch]) -> None:
    joined = timing.union(parts)
    assert milliseconds(joined) == milliseconds(parts)
    assert timing.total(joined) == len(milliseconds(parts))
    assert joined == sorted(joined)
    assert timing.union(joined) == joined


@given(PARTS, st.integers(60, 80))
def test_gaps_are_what_the_union_leaves(parts: list[timing.Stretch], duration: int) -> None:
    joined = timing.union(parts)
    free = milliseconds(timing.gaps(joined, duration))
    assert free == set(range(duration)) - milliseconds(joined)


@given(st.lists(PARTS, max_size=4))
def test_shared_is_where_two_hold(unions: list[list[timing.Stretch]]) -> None:
    joined = [timing.union(parts) for parts in unions]
    counted = [milliseconds(parts) for parts in joined]
    expected = {ms for ms in range(60) if sum(ms in part for part in counted) >= 2}
    assert milliseconds(timing.shared(joined)) == expected


def test_a_breath_inside_a_turn_is_talk_and_a_pause_is_not() -> None:
    near, far = turn(0, Role.AGENT, "one two", 0), turn(1, Role.AGENT, "three", 5000)
    words = (*near.words, *far.words)
    both = Turn(
        index=0, channel=0, role=Role.AGENT, start_ms=0, end_ms=5280, text="one two three",
        words=words,
    )  # fmt: skip
    assert timing.stretches(both) == [(0, 580), (5000, 5280)]


def spoken(index: int, role: Role, start_ms: int, end_ms: int, text: str) -> Turn:
    return Turn(index=index, channel=0, role=role, start_ms=start_ms, end_ms=end_ms, text=text)


def test_breaking_in_is_an_interruption_and_a_nod_is_not() -> None:
    customer = spoken(0, Role.CUSTOMER, 0, 10_000, "so what happened was that")
    breaking_in = spoken(1, Role.AGENT, 4_000, 6_000, "no that is wrong")
    nod = spoken(2, Role.AGENT, 4_000, 4_400, "yes okay")
    at_the_end = spoken(3, Role.AGENT, 9_800, 12_000, "let me have a look")
    found = timing.interruptions([customer, breaking_in, nod, at_the_end])
    assert [(i.turn.index, i.over.index) for i in found] == [(1, 0)]


def test_the_customer_breaking_in_is_no_interruption() -> None:
    agent = spoken(0, Role.AGENT, 0, 10_000, "the terms are as follows")
    customer = spoken(1, Role.CUSTOMER, 4_000, 6_000, "hold on a minute please")
    assert timing.interruptions([agent, customer]) == []


def test_a_turn_without_length_is_never_counted() -> None:
    empty = spoken(0, Role.AGENT, 500, 500, "hello there you all")
    assert timing.talking([empty], 1000) == []
    assert timing.interruptions([empty]) == []
