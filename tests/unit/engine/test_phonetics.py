"""How alike spellings sound: what English writes in two ways is equal, and a distance is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.phonetics import likeness, sounds, sounds_of, weight

CODES = st.text("aeoubdfgklmnprstvzSCJTNRhwj", max_size=12)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("knight", "night"),
        ("Philips", "fillips"),
        ("Quentrix", "kwentricks"),
        ("Brightlio", "Bright Leo"),
        ("wrack", "rack"),
        ("Xavier", "zavier"),
        ("judge", "juj"),
        ("Zoë", "zoe"),
        ("station", "stashon"),
    ],
)
def test_two_spellings_of_one_sound(one: str, other: str) -> None:
    assert likeness(sounds_of(one), sounds_of(other)) == 1.0


@pytest.mark.parametrize(
    ("near", "far", "to"),
    [
        ("Wexgum", "Wigan", "Wexcombe"),
        ("Shivon Carrigan", "Shannon Harrison", "Siobhan Kerrigan"),
        ("Solvander", "Salamander", "Solvanta"),
        ("Furlby", "Derby", "Thirlby"),
    ],
)
def test_what_was_misheard_is_nearer_than_another_word(near: str, far: str, to: str) -> None:
    wanted = sounds_of(to)
    assert likeness(sounds_of(near), wanted) >= 0.7 > likeness(sounds_of(far), wanted)


@given(CODES, CODES)
def test_likeness_is_between_0_and_1_and_the_same_both_ways(one: str, other: str) -> None:
    alike = likeness(one, other)
    assert 0.0 <= alike <= 1.0
    assert alike == pytest.approx(likeness(other, one))
    assert likeness(one, one) == float(bool(one))


@given(CODES, CODES, st.floats(0, 1))
def test_giving_up_early_changes_no_figure_that_counts(one: str, other: str, least: float) -> None:
    whole, early = likeness(one, other), likeness(one, other, least=least)
    assert early in {0.0, whole}
    if whole > least + 1e-9:
        assert early == whole


@given(st.text(max_size=30))
def test_any_word_has_sounds_that_can_be_weighed(word: str) -> None:
    assert weight(sounds(word)) <= 2 * len(word) + 2
    assert sounds(word) == sounds(word.casefold())
