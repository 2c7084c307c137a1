"""Finders that disagree are reconciled: union of the span, the surest kind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine.redaction.found import Found, resolve

RANKS = {"CARD": 1, "PHONE": 2, "NUMBER": 9}


def found(kind: str, start: int, end: int, score: float = 0.5, turn: int = 0) -> Found:
    return Found(
        kind=kind, turn=turn, start=start, end=end, score=score, rule="rule", value="secret"
    )


def test_overlaps_become_one_with_the_surest_kind() -> None:
    (one,) = resolve([found("NUMBER", 0, 10), found("CARD", 5, 15, 0.9)], RANKS)
    assert (one.kind, one.start, one.end) == ("CARD", 0, 15)


def test_equal_scores_are_decided_by_rank() -> None:
    (one,) = resolve([found("NUMBER", 0, 10), found("PHONE", 0, 10)], RANKS)
    assert one.kind == "PHONE"


def test_neighbours_and_other_turns_stay_apart() -> None:
    some = [found("CARD", 0, 5), found("CARD", 5, 9), found("CARD", 0, 9, turn=1)]
    assert resolve(some, RANKS) == tuple(some)


def test_a_finding_hides_its_value() -> None:
    assert "secret" not in repr(found("CARD", 0, 4))


_FOUND = st.builds(
    lambda kind, start, length, score, turn: found(kind, start, start + length, score, turn),
    st.sampled_from(list(RANKS)),
    st.integers(0, 60),
    st.integers(1, 20),
    st.floats(0.1, 1),
    st.integers(0, 2),
)


@given(st.lists(_FOUND, max_size=15))
def test_everything_found_is_covered_without_overlaps(some: list[Found]) -> None:
    resolved = resolve(some, RANKS)
    places = [(one.turn, place) for one in resolved for place in range(one.start, one.end)]
    assert len(places) == len(set(places))
    wanted = {(one.turn, place) for one in some for place in range(one.start, one.end)}
    assert set(places) == wanted
    assert resolve(reversed(some), RANKS) == resolved
