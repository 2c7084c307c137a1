"""Roles: from the channel map, guessed from what is said, or unknown."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Role, RoleBasis
from app.engine.speakers import assign_roles, fitting_map
from app.engine.transcription import RawTranscript, RawTurn
from app.errors import ChannelMapWrong

AGENT = (
    "Thank you for calling Northwind, this is Ann. How can I help you today?",
    "Of course. Could you confirm your postcode for me please?",
    "Is there anything else I can help with?",
)
CUSTOMER = (
    "Hi, I'm calling about my bill. I was charged twice.",
    "Yes, my name is on the account, it's my account.",
    "No, that's all, thanks.",
)


def _call(*turns: tuple[int, str]) -> RawTranscript:
    return RawTranscript(
        turns=tuple(
            RawTurn(
                channel=channel,
                role=Role.UNKNOWN,
                start_ms=index * 1000,
                end_ms=index * 1000 + 900,
                text=text,
            )
            for index, (channel, text) in enumerate(turns)
        ),
        language="en",
    )


def _dialogue(agent: int) -> RawTranscript:
    pairs = zip(AGENT, CUSTOMER, strict=True)
    return _call(*((c, t) for a, b in pairs for c, t in ((agent, a), (1 - agent, b))))


@pytest.mark.parametrize("agent", [0, 1])
def test_guesses_from_what_is_said(agent: int) -> None:
    guessed = assign_roles(_dialogue(agent), (), 2)
    assert guessed.role_basis is RoleBasis.GUESSED
    assert guessed.role_confidence == 0.95
    assert all((turn.role is Role.AGENT) == (turn.channel == agent) for turn in guessed.turns)


def test_an_outbound_call_is_told_by_its_words_not_by_who_speaks_first() -> None:
    call = _call(
        (0, "Hello?"),
        (1, "Good morning, this is Ann from Northwind. How can I help with the claim you made?"),
        (0, "Ah yes, my claim, I was waiting for you."),
        (1, "Could you please confirm your date of birth? Is there anything else?"),
    )
    assert assign_roles(call, (), 2).turns[1].role is Role.AGENT


def test_little_evidence_is_little_confidence() -> None:
    call = _call((0, "Hello."), (1, "Hello."))
    guessed = assign_roles(call, (), 2)
    assert 0.5 < guessed.role_confidence < 0.65


def test_the_channel_map_is_believed_against_all_words() -> None:
    mapped = assign_roles(_dialogue(0), (Role.CUSTOMER, Role.AGENT), 2)
    assert (mapped.role_basis, mapped.role_confidence) == (RoleBasis.CHANNEL_MAP, 1.0)
    assert mapped.turns[0].role is Role.CUSTOMER


def test_channels_beyond_the_map_are_unknown() -> None:
    call = _call((0, "Hello."), (1, "Hello."), (2, "Hello."))
    mapped = assign_roles(call, (Role.AGENT, Role.CUSTOMER), 3)
    assert [turn.role for turn in mapped.turns] == [Role.AGENT, Role.CUSTOMER, Role.UNKNOWN]


@pytest.mark.parametrize(("channels", "basis"), [(1, RoleBasis.ESTIMATED), (3, RoleBasis.GUESSED)])
def test_what_cannot_be_told_is_unknown(channels: int, basis: RoleBasis) -> None:
    call = _call(*((n % channels, text) for n, text in enumerate(AGENT)))
    given = assign_roles(call, (), channels)
    assert (given.role_basis, given.role_confidence) == (basis, 0.0)
    assert {turn.role for turn in given.turns} == {Role.UNKNOWN}


@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from(AGENT + CUSTOMER)), max_size=12))
def test_swapping_the_channels_swaps_the_roles(turns: list[tuple[int, str]]) -> None:
    one = assign_roles(_call(*turns), (), 2)
    other = assign_roles(_call(*((1 - channel, text) for channel, text in turns)), (), 2)
    assert one.role_confidence == other.role_confidence
    assert [turn.role for turn in one.turns] == [turn.role for turn in other.turns]
    assert 0 <= one.role_confidence <= 0.95


@given(st.lists(st.tuples(st.integers(0, 1), st.text(max_size=60)), max_size=12))
def test_only_roles_change(turns: list[tuple[int, str]]) -> None:
    before = _call(*turns)
    after = assign_roles(before, (), 2)
    assert [(t.channel, t.text, t.start_ms) for t in before.turns] == [
        (t.channel, t.text, t.start_ms) for t in after.turns
    ]


@pytest.mark.parametrize(
    ("roles", "channels", "of_sound", "fits"),
    [
        ((), 2, True, True),
        ((Role.AGENT, Role.CUSTOMER), 2, True, True),
        ((Role.AGENT,), 1, True, True),
        ((Role.AGENT,), 2, True, False),
        ((Role.AGENT,), 2, False, False),
        ((Role.AGENT, Role.CUSTOMER), 3, True, False),
        ((Role.AGENT, Role.CUSTOMER, Role.UNKNOWN), 2, True, False),
        ((Role.AGENT, Role.CUSTOMER, Role.UNKNOWN), 2, False, True),
        ((Role.AGENT, Role.CUSTOMER), 1, False, True),
    ],
)
def test_a_channel_map_fits_or_the_call_fails(
    roles: tuple[Role, ...], channels: int, of_sound: bool, fits: bool
) -> None:
    if fits:
        assert fitting_map(roles, channels, of_sound=of_sound) == roles
        return
    with pytest.raises(ChannelMapWrong, match=f"names {len(roles)} channel"):
        fitting_map(roles, channels, of_sound=of_sound)


def test_a_map_of_two_channels_does_not_apply_to_a_recording_with_one() -> None:
    assert fitting_map((Role.AGENT, Role.CUSTOMER), 1) == ()


@pytest.mark.parametrize("agent", [0, 1])
def test_voices_on_one_channel_get_roles_that_are_estimated(agent: int) -> None:
    call = _dialogue(agent)
    turns = tuple(replace(turn, speaker=turn.channel, channel=0) for turn in call.turns)
    told = assign_roles(replace(call, turns=turns), (), 1)
    assert told.role_basis is RoleBasis.ESTIMATED
    assert 0.5 < told.role_confidence < 0.9
    assert all((turn.role is Role.AGENT) == (turn.speaker == agent) for turn in told.turns)


def test_one_channel_on_which_no_voices_were_told_apart_has_no_roles() -> None:
    turns = tuple(replace(turn, channel=0) for turn in _dialogue(0).turns)
    told = assign_roles(replace(_dialogue(0), turns=turns), (), 1)
    assert (told.role_basis, told.role_confidence) == (RoleBasis.ESTIMATED, 0.0)
    assert {turn.role for turn in told.turns} == {Role.UNKNOWN}
