"""Roles, sessions and the rules of guarded acts, without a vault."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import access
from app.access import ROLES, Session, rights_of, with_setting
from app.domain import (
    GuardedAct,
    KnownNames,
    OriginalsRule,
    Person,
    PersonName,
    PersonRole,
    PersonState,
    Policy,
    Right,
    Scope,
)
from app.errors import NotAllowed, SecondFactorMissing, SessionEnded, UsageError
from tests.builders import call_analysis

START = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)


def _person(*roles, **changes):
    return Person(name=PersonName("ann"), roles=frozenset(roles), **changes)


def _session(*roles, passed=timedelta(0), hours=12, **changes):
    return Session(
        _person(*roles, **changes), START, Policy(session_hours=hours), lambda: START + passed
    )


def test_a_person_has_the_rights_of_all_their_roles_and_grants():
    both = _person(PersonRole.AUDITOR, PersonRole.REVIEWER, granted=frozenset({Right.IMPORT}))
    assert rights_of(both) == (
        ROLES[PersonRole.AUDITOR] | ROLES[PersonRole.REVIEWER] | {Right.IMPORT}
    )
    assert rights_of(_person()) == frozenset()


@pytest.mark.parametrize("state", [PersonState.SUSPENDED, PersonState.REMOVED])
def test_who_may_not_sign_in_has_no_right(state):
    gone = _person(*PersonRole, granted=frozenset(Right), state=state)
    assert rights_of(gone) == frozenset()


def test_every_right_is_in_some_role_and_every_role_has_rights():
    assert set(ROLES) == set(PersonRole)
    assert frozenset().union(*ROLES.values()) == set(Right)
    assert set(PersonRole) >= access.FOUNDER
    assert rights_of(_person(*access.FOUNDER)) >= {*Right} - {Right.EXPORT_AUDIT}


def test_neither_administrator_nor_auditor_sees_or_hears_content():
    content = {Right.SEE_TRANSCRIPT, Right.HEAR_MUTED, Right.HEAR_ORIGINAL, Right.EXPORT_ORIGINAL}
    assert not ROLES[PersonRole.ADMINISTRATOR] & (content | {Right.SEE_EVIDENCE})
    assert not ROLES[PersonRole.AUDITOR] & content


def test_a_session_says_who_acts_and_on_what():
    scope = Scope(limited=True, queues=("claims",))
    session = _session(PersonRole.REVIEWER, scope=scope)
    assert (session.name, session.scope) == ("ann", scope)
    assert session.rights == ROLES[PersonRole.REVIEWER]


@pytest.mark.parametrize("right", Right)
@pytest.mark.parametrize("role", PersonRole)
def test_a_session_requires_each_right(role, right):
    session = _session(role)
    assert session.allows(right) == (right in ROLES[role])
    if right in ROLES[role]:
        session.require(right)
    else:
        with pytest.raises(NotAllowed, match=right.value):
            session.require(right)


@pytest.mark.parametrize(
    ("passed", "alive"),
    [
        (timedelta(0), True),
        (timedelta(hours=2) - timedelta(milliseconds=1), True),
        (timedelta(hours=2), False),
        (timedelta(minutes=-5), True),
        (timedelta(minutes=-6), False),
    ],
)
def test_a_session_ends_by_the_policy_and_by_a_clock_that_was_put_back(passed, alive):
    session = _session(PersonRole.REVIEWER, passed=passed, hours=2)
    for act in (
        session.expect_alive,
        lambda: session.require(Right.SEE_CALLS),
        lambda: session.allows(Right.SEE_CALLS),
    ):
        if alive:
            act()
        else:
            with pytest.raises(SessionEnded):
                act()


def test_a_clock_that_is_put_back_and_forth_makes_no_session_longer():
    now, steady = START, 1000.0
    policy = Policy(session_hours=2)
    session = Session.begun(_person(PersonRole.REVIEWER), policy, lambda: now, lambda: steady)
    for hour in range(4):
        steady = 1000.0 + 3600 * hour + 1800
        now = START + timedelta(minutes=30)  # put back each hour
        if hour < 2:
            session.expect_alive()
        else:
            with pytest.raises(SessionEnded):
                session.expect_alive()


def test_granted_rights_want_a_second_factor_as_soon_as_any_role_does():
    person = replace(_person(), granted=frozenset(Right))
    policy = Policy(second_factor=frozenset({PersonRole.AUDITOR}))
    assert Session(person, START, policy, lambda: START).rights == frozenset()
    assert Session(person, START, Policy(), lambda: START).rights == frozenset(Right)
    assert Session(replace(person, second_factor=True), START, policy, lambda: START).rights


def test_who_lacks_the_second_factor_of_their_role_has_no_right_until_they_have_it():
    policy = Policy(second_factor=frozenset({PersonRole.AUDITOR}))
    for has, role in ((False, PersonRole.REVIEWER), (True, PersonRole.AUDITOR)):
        Session(_person(role, second_factor=has), START, policy, lambda: START).require(
            Right.SEE_CALLS
        )
    without = Session(_person(PersonRole.AUDITOR), START, policy, lambda: START)
    assert without.rights == frozenset()
    assert not without.allows(Right.SEE_CALLS)
    for right in Right:
        with pytest.raises(SecondFactorMissing):
            without.require(right)


def test_every_guarded_act_has_a_rule_by_which_a_second_person_decides():
    assert set(access.ACTS) == set(GuardedAct)
    for rule in access.ACTS.values():
        assert Right.APPROVE in rule.approves
        assert rule.asks is not Right.APPROVE
        assert rule.on_call == (Right.SEE_CALLS in rule.approves)


def test_case_does_not_tell_people_apart():
    assert access.same_person("Ann", "ANN")
    assert not access.same_person("Ann", "Anne")
    assert not access.same_person(None, "Ann")


@pytest.mark.parametrize(
    ("days", "wanted", "lower"),
    [
        (0, 0, False),
        (0, 30, True),
        (30, 0, False),
        (30, 30, False),
        (30, 29, True),
        (29, 30, False),
    ],
)
def test_keeping_for_ever_is_the_longest_retention(days, wanted, lower):
    assert access.lowers_retention(days, wanted) == lower


def test_originals_are_let_go_by_the_rule_that_is_new():
    keep = Policy()
    destroy = replace(keep, originals=OriginalsRule.DESTROY)
    assert access.lets_go_of_originals(keep, destroy)
    assert not access.lets_go_of_originals(destroy, destroy)
    assert not access.lets_go_of_originals(destroy, keep)


def test_taking_away_a_second_person_or_factor_relaxes_and_adding_one_does_not():
    some = Policy(
        two_persons=frozenset({GuardedAct.ERASE_CALL}),
        second_factor=frozenset({PersonRole.AUDITOR}),
    )
    assert not access.relaxes(some, some)
    assert access.relaxes(some, replace(some, two_persons=frozenset()))
    assert access.relaxes(some, replace(some, second_factor=frozenset()))
    assert access.relaxes(some, replace(some, two_persons=frozenset({GuardedAct.END_HOLD})))
    assert not access.relaxes(some, replace(some, two_persons=frozenset(GuardedAct)))
    assert not access.relaxes(some, replace(some, second_factor=frozenset(PersonRole)))


@pytest.mark.parametrize(
    ("name", "value", "acts"),
    [
        ("retention_days", "30", {GuardedAct.LOWER_RETENTION}),
        ("originals", "destroy-after-verification", {GuardedAct.LOWER_RETENTION}),
        ("originals", "keep-sealed", set()),
        ("acoustic_analysis", "true", {GuardedAct.ALLOW_ACOUSTICS}),
        ("two_persons", "none", {GuardedAct.RELAX_POLICY}),
        ("second_factor", "auditor", set()),
        ("session_hours", "1", set()),
        ("lock_after_minutes", "480", set()),
    ],
)
def test_the_guarded_acts_in_a_change_are_found(name, value, acts):
    assert access.guarded_in(Policy(), with_setting(Policy(), name, value)) == acts


POLICIES = st.builds(
    Policy,
    two_persons=st.frozensets(st.sampled_from(GuardedAct)),
    second_factor=st.frozensets(st.sampled_from(PersonRole)),
    lock_after_minutes=st.integers(1, 480),
    session_hours=st.integers(1, 168),
    retention_days=st.integers(0, 36_500),
    acoustic_analysis=st.booleans(),
    originals=st.sampled_from(OriginalsRule),
)


@pytest.mark.parametrize("name", access.SETTINGS)
@given(POLICIES, POLICIES)
def test_settings_are_read_as_they_are_written(name, one, other):
    changed = with_setting(one, name, access.setting_text(other, name))
    assert getattr(changed, name) == getattr(other, name)
    assert replace(changed, **{name: getattr(one, name)}) == one


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("two_persons", "erase-everything"),
        ("two_persons", ""),
        ("second_factor", "boss"),
        ("acoustic_analysis", "perhaps"),
        ("originals", "destroy"),
        ("lock_after_minutes", "0"),
        ("session_hours", "169"),
        ("retention_days", "-1"),
        ("retention_days", "a month"),
        ("device_required", "true"),
        ("nothing", "1"),
    ],
)
def test_what_is_no_value_or_no_setting_is_refused(name, value):
    with pytest.raises(UsageError) as refused:
        with_setting(Policy(), name, value)
    assert refused.value.advice


def test_a_setting_that_does_not_exist_has_no_text():
    with pytest.raises(UsageError):
        access.setting_text(Policy(), "nothing")


def test_without_words_nothing_said_is_left_and_all_evidence_is():
    whole = call_analysis()
    bare = access.without_words(whole)
    said = {word.text for turn in whole.transcript.turns for word in turn.words}
    assert not {word for word in said if len(word) > 3 and f" {word}" in repr(bare)}
    assert all(not turn.text and not turn.words for turn in bare.transcript.turns)
    assert all(not sentence.text for sentence in bare.summary)
    assert [s.turns for s in bare.summary] == [s.turns for s in whole.summary]
    for kept in ("redactions", "muted", "findings", "flags", "score", "measures", "sentiment"):
        assert getattr(bare, kept) == getattr(whole, kept)
    times = [(t.start_ms, t.end_ms, t.role, t.channel) for t in whole.transcript.turns]
    assert [(t.start_ms, t.end_ms, t.role, t.channel) for t in bare.transcript.turns] == times


def test_a_name_that_nothing_is_known_of_comes_with_the_nearest_that_is():
    known = KnownNames(queues=("Billing", "Sales", "Claims", "Care"), teams=("North",))
    scope = Scope(limited=True, queues=("billing", "Biling", "Épargne"), teams=("north", "Nort"))
    queue, other, team = access.unknown_names(scope, known)
    assert (queue.kind, queue.name, queue.nearest[0]) == ("queue", "Biling", "Billing")
    assert (other.name, len(other.nearest)) == ("Épargne", 3)
    assert (team.kind, team.name, team.nearest) == ("team", "Nort", ("North",))
    assert queue.sentence.startswith("No queue is known by the name Biling yet; the nearest known:")
    assert access.unknown_names(Scope(), known) == ()


def test_names_are_told_apart_as_the_vault_does():
    scope = Scope(limited=True, queues=("épargne",))
    (unknown,) = access.unknown_names(scope, KnownNames(queues=("Épargne",)))
    assert unknown.nearest == ("Épargne",)
    (unknown,) = access.unknown_names(scope, KnownNames())
    assert unknown.sentence == "No queue is known by the name épargne yet; nor any other."
