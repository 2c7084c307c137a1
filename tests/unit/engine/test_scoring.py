"""The score and the flags: every branch, and what must hold for any scorecard."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Evidence, Finding, FindingKind, Severity
from app.engine.scoring import CriterionRule, FlagRule, Scorecard, score


def shown(turn: int, start: int = 0) -> Evidence:
    return Evidence(
        turn=turn, start=start, end=start + 5, start_ms=turn * 10_000, end_ms=turn * 10_000 + 500
    )


def finding(label: str, *turns: int, confidence: float = 0.9) -> Finding:
    return Finding(
        kind=FindingKind.CONDUCT,
        label=label,
        title=label,
        confidence=confidence,
        evidence=tuple(shown(turn) for turn in turns or (0,)),
    )


def rule(**fields: Any) -> CriterionRule:
    return CriterionRule(**({"label": "line", "title": "Line"} | fields))


def flag(**fields: Any) -> FlagRule:
    return FlagRule(**({"label": "flag", "title": "Flag", "severity": Severity.NOTICE} | fields))


def card(*criteria: CriterionRule, flags: tuple[FlagRule, ...] = ()) -> Scorecard:
    return Scorecard(label="card", title="Card", criteria=criteria, flags=flags)


def only(criterion: CriterionRule, *findings: Finding, roles_known: bool = True) -> Any:
    return score(card(criterion), findings, roles_known=roles_known)[0].criteria[0]


def test_a_criterion_is_met_by_its_finding_and_shows_it() -> None:
    judged = only(rule(met_by=("greeting",)), finding("greeting", 2, 0))
    assert judged.met is True
    assert judged.evidence == (shown(0), shown(2))


def test_a_criterion_that_nothing_meets_has_failed() -> None:
    assert only(rule(met_by=("greeting",))).met is False


def test_a_criterion_that_does_not_apply_is_undecided() -> None:
    judged = only(rule(applies_when=("complaint",), met_by=("apology",)), finding("apology"))
    assert judged.met is None
    assert judged.evidence == ()


def test_an_unmet_criterion_shows_why_it_applied() -> None:
    judged = only(rule(applies_when=("complaint",), met_by=("apology",)), finding("complaint", 3))
    assert judged.met is False
    assert judged.evidence == (shown(3),)


def test_a_failing_finding_wins_over_a_meeting_one() -> None:
    judged = only(
        rule(met_by=("polite",), failed_by=("rude",)), finding("rude", 1), finding("polite")
    )
    assert judged.met is False
    assert judged.evidence == (shown(1),)


def test_without_anything_to_meet_nothing_wrong_is_enough() -> None:
    assert only(rule(failed_by=("rude",))).met is True


def test_who_may_have_been_the_customer_fails_nobody() -> None:
    judged = only(rule(failed_by=("rude",)), finding("rude", 1), roles_known=False)
    assert judged.met is None
    assert judged.evidence == (shown(1),)


@pytest.mark.parametrize(("turn", "met"), [(0, True), (1, True), (2, False)])
def test_only_what_comes_early_enough_counts(turn: int, met: bool) -> None:
    judged = only(rule(met_by=("greeting",), within_seconds=20), finding("greeting", turn))
    assert judged.met is met


@pytest.mark.parametrize(("turn", "met"), [(1, False), (2, False), (3, True)])
def test_only_what_comes_after_the_trigger_counts(turn: int, met: bool) -> None:
    criterion = rule(applies_when=("death",), met_by=("sorry",), after_trigger=True)
    assert only(criterion, finding("death", 2, 5), finding("sorry", turn)).met is met


def test_after_trigger_without_a_trigger_changes_nothing() -> None:
    assert only(rule(met_by=("sorry",), after_trigger=True), finding("sorry")).met is True


def test_the_value_weighs_what_applied() -> None:
    criteria = (
        rule(label="a", met_by=("a",), weight=3),
        rule(label="b", met_by=("b",), weight=1),
        rule(label="c", met_by=("c",), applies_when=("never",), weight=50),
    )
    result, _ = score(card(*criteria), [finding("a")])
    assert result.value == 75.0
    assert result.scorecard == "card"


def test_where_nothing_applied_there_is_no_value() -> None:
    assert score(card(rule(applies_when=("never",))), [])[0].value is None
    assert score(card(), [])[0].value is None


def test_flags_come_most_severe_first_then_earliest_then_by_name() -> None:
    flags = (
        flag(label="late", when=("x",)),
        flag(label="early", when=("y",)),
        flag(label="also-early", when=("y",)),
        flag(label="bad", severity=Severity.ALERT, when=("x",)),
        flag(label="worse", severity=Severity.WARNING, when_failed=("line",)),
    )
    criterion = rule(met_by=("never",))
    _, raised = score(card(criterion, flags=flags), [finding("x", 5), finding("y", 1)])
    assert [f.label for f in raised] == ["bad", "worse", "also-early", "early", "late"]
    assert raised[1].evidence == ()


def test_a_flag_needs_a_sure_enough_finding() -> None:
    rules = (flag(when=("x",), at_least=0.5),)
    assert score(card(flags=rules), [finding("x", confidence=0.4)])[1] == ()
    assert len(score(card(flags=rules), [finding("x", confidence=0.5)])[1]) == 1


def test_a_flag_is_held_back_by_unless() -> None:
    rules = (flag(when=("x",), unless=("fine",)),)
    assert score(card(flags=rules), [finding("x"), finding("fine")])[1] == ()


def test_an_undecided_or_met_criterion_raises_nothing() -> None:
    rules = (flag(when_failed=("line", "other")),)
    criteria = (rule(applies_when=("never",)), rule(label="other"))
    assert score(card(*criteria, flags=rules), [])[1] == ()


LABELS = st.sampled_from(["a", "b", "c", "d"])
SOME = st.lists(LABELS, max_size=3, unique=True).map(tuple)
RULES = st.builds(
    CriterionRule,
    label=LABELS,
    title=st.just("Line"),
    weight=st.floats(0.1, 100),
    met_by=SOME,
    failed_by=SOME,
    applies_when=SOME,
    within_seconds=st.none() | st.floats(0.1, 60),
    after_trigger=st.booleans(),
)
FINDINGS = st.builds(
    lambda label, turns, sure: finding(label, *turns, confidence=sure),
    LABELS,
    st.lists(st.integers(0, 6), min_size=1, max_size=3),
    st.floats(0, 1),
)


@given(st.lists(RULES, max_size=6), st.lists(FINDINGS, max_size=6), st.booleans())
def test_any_scorecard_gives_a_value_in_range_that_its_lines_explain(
    rules: list[CriterionRule], findings: list[Finding], roles_known: bool
) -> None:
    result, _ = score(card(*rules), findings, roles_known=roles_known)
    applied = [c for c in result.criteria if c.met is not None]
    assert (result.value is None) == (not applied)
    if result.value is not None:
        assert 0 <= result.value <= 100
        assert (result.value == 100) >= all(c.met for c in applied)
    known = {e for f in findings for e in f.evidence}
    assert all(e in known for c in result.criteria for e in c.evidence)


@given(st.lists(RULES, max_size=5), st.lists(FINDINGS, max_size=5))
def test_the_order_of_findings_does_not_matter(
    rules: list[CriterionRule], findings: list[Finding]
) -> None:
    flags = (flag(when=("a", "b")), flag(label="other", when_failed=("a",)))
    scorecard = card(*rules, flags=flags)
    assert score(scorecard, findings) == score(scorecard, findings[::-1])
