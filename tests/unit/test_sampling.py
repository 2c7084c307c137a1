"""What a sample says of all: checked against other arithmetic, and by how often it is wrong."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Channel, FoundValues, Missed, PersonName, Sample, Stratum, Verdict
from app.sampling import allotted, most_hits, recalls
from tests.bench.statistics_of_counts import bounds

AGENT, CUSTOMER = Channel.AGENT, Channel.CUSTOMER
CLEAN = ()


def sample(strata, found):
    """Return a sample of strata given as (channel, redacted, turns, drawn)."""
    names = ("channel", "redacted", "turns", "drawn")
    return Sample(
        number=1,
        drawn_by=PersonName("pia"),
        drawn_at="2026-03-01T09:00:00.000Z",
        calls=10,
        strata=tuple(Stratum(**dict(zip(names, one, strict=True))) for one in strata),
        found=tuple(
            FoundValues(channel=channel, kind=kind, values=values)
            for channel, kind, values in found
        ),
    )


def verdicts(channel, *missed):
    """Return a verdict for each of what was missed: `None`, nothing, or kinds with numbers."""
    return [
        Verdict(
            channel=channel,
            missed=None
            if one is None
            else tuple(Missed(kind=kind, values=values) for kind, values in one),
        )
        for one in missed
    ]


@given(st.integers(0, 40), st.integers(60, 400))
def test_in_a_large_population_it_is_the_bound_of_clopper_and_pearson(hits, drawn):
    turns = 20_000_000
    share = bounds(hits, drawn, confidence=0.9)[1]
    assert most_hits(hits, turns, drawn / turns) / turns == pytest.approx(
        share, rel=0.04 + hits / drawn
    )


@given(st.integers(1, 50), st.integers(1, 200))
def test_where_all_was_judged_no_more_is_missed_than_was_seen(hits, turns):
    hits = min(hits, turns)
    assert most_hits(hits, turns, 1.0) == hits
    assert most_hits(0, turns, 1.0) == 0


def test_where_nothing_was_drawn_all_may_miss_something():
    assert most_hits(0, 70, 0.0) == 70


@pytest.mark.parametrize(
    ("hits", "turns", "drawn"), [(0, 10_000, 300), (0, 10_000, 59), (1, 10_000, 300), (0, 100, 50)]
)
def test_the_bound_is_the_last_number_that_one_sample_in_twenty_hides(hits, turns, drawn):
    fraction = drawn / turns

    def hidden(missing):
        return sum(
            comb(missing, k) * fraction**k * (1 - fraction) ** (missing - k)
            for k in range(hits + 1)
        )

    most = most_hits(hits, turns, fraction)
    assert hidden(most) > 0.05 >= hidden(most + 1)


@given(st.lists(st.integers(0, 5_000), max_size=8), st.integers(1, 3_000))
def test_no_part_is_drawn_less_than_its_share(sizes, wanted):
    drawn = allotted(sizes, wanted)
    total = sum(sizes)
    assert all(0 <= one <= size for one, size in zip(drawn, sizes, strict=True))
    assert min(wanted, total) <= sum(drawn) <= wanted + len(sizes)
    for one, size in zip(drawn, sizes, strict=True):
        assert one == size or one * total >= wanted * size


def _ways(turns, bad, drawn):
    """Return how probable each number of bad turns is among the drawn ones of a stratum."""
    return {
        hits: comb(bad, hits) * comb(turns - bad, drawn - hits) / comb(turns, drawn)
        for hits in range(max(0, drawn - turns + bad), min(bad, drawn) + 1)
    }


@given(
    st.lists(st.tuples(st.integers(1, 60), st.floats(0, 1)), min_size=1, max_size=3),
    st.integers(1, 80),
    st.integers(1, 60),
)
def test_what_is_said_is_wrong_once_in_twenty_samples_at_most(parts, wanted, found):
    """The probability over all samples that could have been drawn, exactly."""
    turns = [size for size, _ in parts]
    bad = [round(size * share) for size, share in parts]
    drawn = allotted(turns, wanted)
    strata = [(AGENT, bool(at), size, drawn[at]) for at, size in enumerate(turns)]
    of = sample(strata, [(AGENT, "CARD", found)])
    probable = {0: 1.0}
    for size, missing, taken in zip(turns, bad, drawn, strict=True):
        added = {}
        for before, chance in probable.items():
            for hits, more in _ways(size, missing, taken).items():
                added[before + hits] = added.get(before + hits, 0.0) + chance * more
        probable = added
    true = found / (found + sum(bad))
    wrong = 0.0
    for hits, chance in probable.items():
        judged = verdicts(AGENT, *[(("CARD", 1),)] * hits, *[CLEAN] * (sum(drawn) - hits))
        if recalls(of, judged)[0].at_least > true + 1e-9:
            wrong += chance
    assert wrong <= 0.05 + 1e-9


def test_it_is_told_for_everything_then_by_channel_and_by_kind():
    of = sample(
        [(AGENT, False, 500, 50), (CUSTOMER, False, 400, 40), (CUSTOMER, True, 100, 10)],
        [(AGENT, "PERSON", 20), (CUSTOMER, "PERSON", 40), (CUSTOMER, "CARD", 100)],
    )
    judged = [
        *verdicts(AGENT, *[CLEAN] * 50),
        *verdicts(CUSTOMER, (("PHONE", 1),), *[CLEAN] * 49),
    ]
    told = recalls(of, judged)
    assert [(one.channel, one.kind) for one in told] == [
        (channel, kind)
        for kind in (None, "CARD", "PERSON", "PHONE")
        for channel in (None, AGENT, CUSTOMER)
    ]
    everything, agent, customer = told[:3]
    assert (everything.found, everything.judged, everything.missed) == (160, 100, 1)
    assert everything.at_least == pytest.approx(160 / (160 + most_hits(1, 1000, 0.1)))
    assert agent.at_least == pytest.approx(20 / (20 + most_hits(0, 500, 0.1)))
    assert customer.at_least == pytest.approx(140 / (140 + most_hits(1, 500, 0.1)))
    by_part = {(one.channel, one.kind): one for one in told}
    assert by_part[None, "PHONE"].at_least is None  # nothing of the kind was ever found
    assert by_part[AGENT, "CARD"].at_least is None
    assert by_part[CUSTOMER, "PHONE"].missed == 1


def test_one_channel_is_told_once():
    of = sample([(AGENT, False, 10, 5)], [(AGENT, "CARD", 3)])
    told = recalls(of, verdicts(AGENT, *[CLEAN] * 5))
    assert [(one.channel, one.kind) for one in told] == [(None, None), (None, "CARD")]


def test_what_nobody_judged_counts_as_missed():
    of = sample([(AGENT, False, 1000, 100)], [(AGENT, "CARD", 50)])
    clean = recalls(of, verdicts(AGENT, *[CLEAN] * 100))[0]
    some = recalls(of, verdicts(AGENT, *[CLEAN] * 97, None, None, None))
    none = recalls(of, verdicts(AGENT, *[None] * 100))[0]
    assert some[0].judged == 97
    assert none.at_least == pytest.approx(50 / 1050)
    assert none.at_least < some[0].at_least < clean.at_least
    assert some[1].at_least == some[0].at_least  # of each kind, too
    assert some[0].at_least == pytest.approx(50 / (50 + most_hits(3, 1000, 0.1)))


def test_a_turn_that_misses_several_values_stands_for_others_like_it():
    of = sample([(AGENT, False, 1000, 100)], [(AGENT, "CARD", 50)])
    one = recalls(of, verdicts(AGENT, (("CARD", 1),), *[CLEAN] * 99))[0]
    three = recalls(of, verdicts(AGENT, (("CARD", 1), ("PHONE", 2)), *[CLEAN] * 99))
    most = most_hits(1, 1000, 0.1)
    assert one.at_least == pytest.approx(50 / (50 + most))
    assert three[0].at_least == pytest.approx(50 / (50 + 3 * most))
    assert three[1].at_least == one.at_least  # of cards one only


def test_without_anything_found_or_drawn_nothing_is_said():
    nothing_found = recalls(sample([(AGENT, False, 9, 9)], []), verdicts(AGENT, *[CLEAN] * 9))
    assert nothing_found[0].at_least is None
    assert recalls(sample([], []), [])[0].at_least is None
    untouched = sample([(AGENT, False, 9, 3), (CUSTOMER, False, 9, 0)], [(AGENT, "CARD", 9)])
    told = recalls(untouched, verdicts(AGENT, *[CLEAN] * 3))
    assert told[0].at_least == pytest.approx(9 / (9 + 18))  # the others may all miss one
    assert told[2].at_least is None
