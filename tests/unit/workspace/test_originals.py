"""The rule that destroys originals: who may let them go, and what everybody is told afterwards."""

from __future__ import annotations

import pytest

from app.domain import (
    CallMetadata,
    GuardedAct,
    OriginalsRule,
    PersonRole,
    RequestState,
    Scope,
)
from app.errors import NotAllowed, OriginalDestroyed, UsageError
from tests.builders import held_back_call, proven_call
from tests.unit.workspace.conftest import sure

OFFICER, ADMIN = PersonRole.PRIVACY_OFFICER, PersonRole.ADMINISTRATOR
DESTROY = OriginalsRule.DESTROY


@pytest.fixture
def pia(office):
    return office.sign_in("pia", OFFICER)


@pytest.fixture
def adam(office):
    return office.sign_in("adam", OFFICER, ADMIN)


@pytest.fixture
def sue(office):
    return office.sign_in("sue", PersonRole.SUPERVISOR)


def _saved(office, outcome=None, content=b"one", **metadata):
    given = CallMetadata(**metadata)
    call = office.vault.calls.add(content, name="a.wav", metadata=given, actor="owner").call.id
    office.vault.calls.save(office.vault.jobs.claim("t"), outcome or proven_call(), actor="t")
    return call


def _destroyed(workspace, call):
    return workspace.calls.detail(call).original_destroyed_at is not None


def test_the_rule_takes_two_people_a_reason_and_a_passphrase(office, adam, pia):
    def change(value, **given):
        return adam.policy.change("originals", value, **given)

    with pytest.raises(NotAllowed, match="typed again"):
        change(DESTROY.value, reason="the law", confirmed=None)
    with pytest.raises(UsageError, match="reason"):
        change(DESTROY.value, confirmed=sure(adam))
    asked = change(DESTROY.value, reason="the law", confirmed=sure(adam))
    assert (asked.act, asked.state) == (GuardedAct.LOWER_RETENTION, RequestState.OPEN)
    assert pia.policy.get().originals is OriginalsRule.KEEP_SEALED
    pia.requests.approve(asked.number, confirmed=sure(pia))
    assert pia.policy.get().originals is DESTROY
    assert office.newest().outcome.startswith("keep-sealed -> destroy-after-verification")
    assert change("keep-sealed", confirmed=sure(adam)) is None  # keeping more takes nobody


def test_a_release_lets_the_original_go(office, sue):
    office.policy(originals=DESTROY)
    call = _saved(office, held_back_call())
    office.vault.originals.destroy_due()
    assert sue.calls.original_audio(call) == b"one"
    sue.calls.release(call, "I listened")
    assert _destroyed(sue, call)
    assert sue.calls.muted_audio(call) == held_back_call().muted_audio


def test_the_end_of_a_hold_lets_it_go(office, pia, adam, sue):
    office.policy(originals=DESTROY)
    call = _saved(office)
    pia.calls.hold(call, "a dispute")
    assert pia.originals.destroy() == ()
    assert pia.originals.state().due == 1
    asked = pia.requests.ask(GuardedAct.END_HOLD, call, reason="settled")
    assert not _destroyed(sue, call)
    adam.requests.approve(asked.number, confirmed=sure(adam))
    assert _destroyed(sue, call)


def test_what_is_gone_says_so_to_who_asks_for_it(office, sue):
    office.policy(originals=DESTROY)
    asked, call = _saved(office, content=b"two"), _saved(office)
    office.policy(two_persons=frozenset())
    sue.requests.ask(GuardedAct.EXPORT_ORIGINAL, asked, reason="the court")
    assert sue.calls.may_export(asked)
    office.vault.originals.destroy_due()
    for act in (
        lambda: sue.calls.original_audio(call),
        lambda: sue.calls.export_original(asked),
        lambda: sue.requests.ask(GuardedAct.EXPORT_ORIGINAL, call, reason="the court"),
        lambda: sue.processing.retry(call),
    ):
        with pytest.raises(OriginalDestroyed) as caught:
            act()
        assert "muted recording and the transcript stay" in caught.value.advice
    assert not sue.requests.list()
    assert sue.calls.search("complaint")


def test_who_may_not_hear_originals_is_not_told_by_the_attempt(office):
    office.policy(originals=DESTROY)
    call = _saved(office)
    office.vault.originals.destroy_due()
    with pytest.raises(NotAllowed, match="hear-original"):
        office.sign_in("rita", PersonRole.REVIEWER).calls.original_audio(call)


@pytest.mark.usefixtures("quick_workers")
def test_a_correction_of_who_speaks_needs_no_original(office, sue):
    office.policy(originals=DESTROY)
    call = _saved(office)
    office.vault.originals.destroy_due()
    assert sue.speakers.swap(call)
    assert sue.calls.detail(call).speakers is not None
    assert office.vault.check() == ()


# -------------------------------------------------------------------------------- earlier calls


def test_those_of_earlier_calls_take_two_people(office, clock, pia, adam):
    calls = [_saved(office, content=bytes([number])) for number in range(3)]
    held = _saved(office, content=b"held")
    pia.calls.hold(held, "a dispute")
    clock.move(hours=1)
    with pytest.raises(UsageError, match="rule is to keep"):
        pia.originals.ask("the law")
    office.policy(originals=DESTROY)
    assert (pia.originals.state().due, pia.originals.state().earlier) == (0, 3)
    asked = pia.originals.ask("the law")
    assert (asked.act, asked.subject, asked.state) == (
        GuardedAct.ERASE_CALL,
        "earlier-originals",
        RequestState.OPEN,
    )
    later = _saved(office, content=b"later")
    adam.requests.approve(asked.number, confirmed=sure(adam))
    assert adam.originals.state().due == 4
    assert set(adam.originals.destroy()) == {*calls, later}
    state = adam.originals.state()
    assert (state.rule, state.destroyed, state.due, state.earlier) == (DESTROY, 4, 0, 0)
    assert not _destroyed(pia, held)
    with pytest.raises(UsageError, match="no original of an earlier call"):
        pia.originals.ask("the law")


def test_they_are_not_let_go_where_the_rule_changed_meanwhile(office, clock, pia, adam):
    _saved(office)
    clock.move(hours=1)
    office.policy(originals=DESTROY)
    asked = pia.originals.ask("the law")
    office.policy(originals=OriginalsRule.KEEP_SEALED)
    with pytest.raises(UsageError, match="rule is to keep"):
        adam.requests.approve(asked.number, confirmed=sure(adam))
    assert pia.originals.destroy() == ()


def test_only_those_in_the_scope_of_who_asked_go(office, clock, adam):
    seen, other = _saved(office, content=b"1", queue="billing"), _saved(office, content=b"2")
    clock.move(hours=1)
    office.policy(originals=DESTROY, two_persons=frozenset())
    small = office.sign_in("olga", OFFICER, scope=Scope(limited=True, queues=("billing",)))
    assert small.originals.state().earlier == 1
    assert small.originals.ask("the law").state is RequestState.APPROVED
    assert small.originals.destroy() == (seen,)
    assert not _destroyed(office.sign_in("sue", PersonRole.SUPERVISOR), other)
    assert adam.originals.state().earlier == 1


def test_who_was_removed_since_lets_none_go(office, clock, pia, adam):
    _saved(office)
    clock.move(hours=1)
    office.policy(originals=DESTROY)
    asked = pia.originals.ask("the law")
    office.suspend("pia")
    with pytest.raises(NotAllowed):
        adam.requests.approve(asked.number, confirmed=sure(adam))
