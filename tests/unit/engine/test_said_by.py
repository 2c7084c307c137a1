"""What a person says of who speaks: roles change, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Role, RoleBasis
from app.engine.said_by import (
    carried_over,
    differing,
    swapped,
    with_agent,
    with_roles_of,
    with_turns,
)
from app.errors import UsageError
from tests.builders import transcript, turn

A, C, U = Role.AGENT, Role.CUSTOMER, Role.UNKNOWN


def said(*roles, basis=RoleBasis.ESTIMATED, sure=0.7):
    """A mono call of turns of a second, each by one of two voices."""
    turns = [
        replace(
            turn(index, role, "one two three", index * 1000),
            channel=0,
            end_ms=index * 1000 + 900,
            speaker=index % 2,
        )
        for index, role in enumerate(roles)
    ]
    return replace(transcript(), turns=tuple(turns), role_basis=basis, role_confidence=sure)


def roles(of):
    return [turn.role for turn in of.turns]


def without_roles(of):
    return [replace(turn, role=U) for turn in of.turns]


@given(
    st.lists(st.sampled_from(Role), min_size=1, max_size=8).filter(lambda all_: set(all_) != {U})
)
def test_swapping_twice_gives_the_same_roles_and_no_word_is_changed(given_roles):
    once = swapped(said(*given_roles))
    assert roles(swapped(once)) == given_roles
    assert without_roles(once) == without_roles(said(*given_roles))


def test_what_is_not_known_stays_so_when_the_others_are_swapped():
    assert roles(swapped(said(A, U, C))) == [C, U, A]


def test_nothing_can_be_swapped_where_nobody_is_known():
    with pytest.raises(UsageError, match="not known which side"):
        swapped(said(U, U))


@pytest.mark.parametrize(
    ("basis", "surest"),
    [(RoleBasis.ESTIMATED, 0.85), (RoleBasis.GUESSED, 0.95), (RoleBasis.CHANNEL_MAP, 1.0)],
)
def test_a_person_knows_the_sides_as_surely_as_they_can_be_known(basis, surest):
    call = said(A, C, basis=basis, sure=0.6)
    assert swapped(call).role_confidence == surest
    assert with_agent(call, 1).role_confidence == surest
    assert with_turns(call, {1}, A).role_confidence == 0.6  # of the rest nobody said anything


def test_one_side_is_the_agent_and_the_others_are_the_customer():
    assert roles(with_agent(said(U, U, U), 1)) == [C, A, C]
    with pytest.raises(UsageError) as refused:
        with_agent(said(U, U), 2)
    assert "1, 2" in refused.value.advice


def test_single_turns_go_to_the_other_side_or_to_whom_is_named():
    assert roles(with_turns(said(A, C, A), {0, 1})) == [C, A, A]
    assert roles(with_turns(said(U, C, A), {0, 2}, C)) == [C, C, C]


@pytest.mark.parametrize("turns", [set(), {3}, {-1}])
def test_a_turn_that_is_not_there_is_refused(turns):
    with pytest.raises(UsageError) as refused:
        with_turns(said(A, C, A), turns)
    assert "0 to 2" in refused.value.advice


def test_the_other_side_of_nobody_is_not_guessed():
    with pytest.raises(UsageError, match="no other side"):
        with_turns(said(A, U), {1})


def test_roles_are_carried_over_by_time_where_the_turns_are_cut_otherwise():
    earlier = swapped(said(A, C, A, C))
    again = said(A, C, C, C, A, sure=0.6)
    cut = [(0, 900), (1000, 1900), (2000, 2400), (2450, 3900), (9000, 9900)]
    turns = [
        replace(one, start_ms=start, end_ms=end)
        for one, (start, end) in zip(again.turns, cut, strict=True)
    ]
    carried = carried_over(replace(again, turns=tuple(turns)), earlier)
    # the fourth is mostly the last turn of before; of the last one nothing was there
    assert roles(carried) == [C, A, C, A, A]
    assert carried.role_confidence == 0.85


def test_roles_of_another_channel_are_nobody_elses():
    earlier = replace(said(C), role_basis=RoleBasis.CHANNEL_MAP, role_confidence=1.0)
    other = replace(earlier, turns=tuple(replace(one, channel=1) for one in said(A).turns))
    assert roles(carried_over(other, earlier)) == [A]


def test_roles_are_taken_from_a_transcript_with_other_words():
    other = swapped(said(A, C))
    shorter = replace(other, turns=tuple(replace(one, text="[PERSON-1]") for one in other.turns))
    taken = with_roles_of(said(A, C), shorter)
    assert roles(taken) == [C, A]
    assert taken.role_confidence == 0.85
    assert without_roles(taken) == without_roles(said(A, C))
    assert differing(taken, said(A, C)) == (0, 1)
