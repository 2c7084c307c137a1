"""Policy, teams, holds and retention as people meet them."""

from __future__ import annotations

import pytest

from app.domain import (
    CallQuery,
    JobState,
    KnownNames,
    PersonRole,
    Policy,
    Right,
    Scope,
    Subject,
    Team,
    WordListState,
)
from app.errors import CallNotFound, NotAllowed, RequestNotFound, UsageError, VaultDamaged
from app.storage import vault
from tests.unit.workspace.conftest import PASSPHRASE, sure

OFFICER, ADMIN = PersonRole.PRIVACY_OFFICER, PersonRole.ADMINISTRATOR


@pytest.fixture
def pia(office):
    return office.sign_in("pia", OFFICER, ADMIN)


@pytest.fixture
def adam(office):
    return office.sign_in("adam", OFFICER, ADMIN)


def test_a_new_vault_goes_by_the_defaults_and_keeps_what_is_changed(office, pia, tmp_path):
    assert pia.policy.get() == Policy()
    pia.policy.change("lock_after_minutes", " 5 ", confirmed=sure(pia))
    pia.policy.change("second_factor", "auditor, administrator", confirmed=sure(pia))
    wanted = Policy(
        lock_after_minutes=5,
        second_factor=frozenset({PersonRole.AUDITOR, PersonRole.ADMINISTRATOR}),
    )
    assert pia.policy.get() == wanted
    office.vault.close()
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as again:
        assert again.policy.get() == wanted


def test_the_policy_alone_says_whether_voices_are_looked_at(office, pia):
    assert not pia.processing._by_policy().analysis.acoustics
    office.policy(acoustic_analysis=True)
    assert pia.processing._by_policy().analysis.acoustics


def test_a_word_list_is_kept_given_to_workers_and_audited_without_its_words(office, pia, tmp_path):
    listed = "# brands\n[products]\nVelmora = vel more a\nQuentrix\n"
    assert pia.vocabulary.get() == WordListState(text="", entries=0, sha256=None)
    assert pia.vocabulary.change(listed) == {Subject.SETTINGS}
    entry = office.newest()
    assert (entry.actor, entry.act, entry.subject, entry.outcome, entry.reason) == (
        "pia",
        "vocabulary.change",
        "",
        "2 entries",
        "",
    )
    state = pia.vocabulary.get()
    assert (state.text, state.entries, len(state.sha256)) == (listed, 2, 64)
    assert "Velmora" not in repr(state)
    office.vault.close()
    with vault.open_vault(tmp_path / "vault", PASSPHRASE) as again:
        assert again.vocabulary.get() == listed


def test_a_wrong_word_list_leaves_the_old_one_and_none_ends_it(office, pia):
    pia.vocabulary.change("Velmora")
    before = office.vault.audit.count()
    with pytest.raises(UsageError, match="Line 2"):
        pia.vocabulary.change("Quentrix\n!")
    assert (pia.vocabulary.get().text, office.vault.audit.count()) == ("Velmora", before)
    pia.vocabulary.change("# nothing\n")
    assert pia.vocabulary.get() == WordListState(text="", entries=0, sha256=None)
    assert office.newest().outcome == "0 entries"


def test_a_change_of_a_setting_is_an_entry_with_its_old_and_new_value(office, pia):
    pia.policy.change("second_factor", "auditor", reason="the bank wants it", confirmed=sure(pia))
    entry = office.newest()
    assert (entry.actor, entry.act, entry.subject, entry.outcome) == (
        "pia",
        "policy.change",
        "second_factor",
        "none -> auditor",
    )


def test_a_wrong_value_changes_nothing_and_leaves_no_entry(office, pia):
    before = office.vault.audit.count()
    for name, value in (("session_hours", "0"), ("colour", "blue")):
        with pytest.raises(UsageError):
            pia.policy.change(name, value, confirmed=sure(pia))
    assert (pia.policy.get(), office.vault.audit.count()) == (Policy(), before)


def test_a_policy_that_cannot_be_read_is_damage(office, pia):
    with office.vault._database.transaction() as writing:
        writing.change('INSERT INTO policy VALUES (1, \'{"session_hours": "long"}\')')
    with pytest.raises(VaultDamaged):
        pia.policy.get()


def test_teams_are_kept_listed_and_ended(office, pia):
    assert pia.teams.keep(" Blue ", ["Kim", "Sam", "sam", " "], confirmed=sure(pia)) == {
        Subject.PEOPLE
    }
    pia.teams.keep("red", ["Ann"], confirmed=sure(pia))
    assert pia.teams.list() == (
        Team(name="Blue", agents=("Kim", "Sam")),
        Team(name="red", agents=("Ann",)),
    )
    pia.teams.keep("BLUE", [], confirmed=sure(pia))
    assert [team.name for team in pia.teams.list()] == ["red"]
    entry = office.newest()
    assert (entry.act, entry.subject, entry.outcome) == ("team.change", "BLUE", "0 agents")
    with pytest.raises(UsageError):
        pia.teams.keep("  ", ["Ann"], confirmed=sure(pia))


def test_a_hold_is_seen_in_the_list_and_in_the_call(office, pia):
    held, free = office.add(b"1"), office.add(b"2")
    pia.calls.hold(held, "a dispute")
    entry = office.newest()
    assert (entry.actor, entry.act, entry.subject) == ("pia", "hold.place", held)
    rows = pia.calls.page(CallQuery(), offset=0, limit=9)
    assert {row.id: row.on_hold for row in rows} == {held: True, free: False}
    assert pia.calls.detail(held).on_hold
    assert not pia.calls.detail(free).on_hold
    with pytest.raises(UsageError):
        pia.calls.hold(free, " ")


def test_nothing_is_due_where_calls_are_kept_for_ever(office, pia):
    office.add(started_at="1999-01-01T00:00:00Z")
    assert pia.retention.due() == ()
    assert pia.retention.apply() == ()
    assert office.newest().outcome == "0 calls erased"


def test_retention_erases_what_is_older_and_not_on_hold(office, pia):
    office.policy(retention_days=30, two_persons=frozenset())
    old = office.add(b"1", started_at="2026-01-29T09:00:00Z")
    held = office.add(b"2", started_at="2026-01-01T09:00:00Z")
    office.add(b"3", started_at="2026-02-01T09:00:00Z")
    office.add(b"4")
    pia.calls.hold(held, "a dispute")
    assert pia.retention.due() == (old,)
    assert pia.retention.apply() == (old,)
    assert pia.calls.totals()[JobState.DONE] == 3
    with pytest.raises(CallNotFound):
        pia.calls.detail(old)
    applied, erased = office.vault.audit.entries(limit=2)
    assert (erased.actor, erased.act, erased.subject) == ("system", "call.erase", old)
    assert erased.outcome == "retention"
    assert (applied.actor, applied.outcome) == ("pia", "1 call erased")
    office.clock.move(days=31)
    later = office.sign_in("pia", OFFICER)
    assert len(later.retention.apply()) == 2
    assert later.calls.count(CallQuery()) == 1
    assert office.vault.check() == ()


def _retaining(office, many=3):
    """Let calls be kept for ten years, and give as many as are wanted."""
    office.policy(retention_days=3650)
    return [office.add(b"%d" % one, analysed=False) for one in range(many)]


def _reopened(office, years=0.0, name="pia"):
    """Open the vault anew after the clock was set, and sign in."""
    folder = office.vault.info.folder
    office.vault.close()
    office.clock.move(days=366 * years)
    office.vault = vault.open_vault(folder, PASSPHRASE, name="owner", clock=office.clock)
    return office.sign_in(name, OFFICER, ADMIN)


def test_a_clock_that_was_set_forward_is_no_way_to_erase_alone(office, pia, adam):
    calls = _retaining(office)
    pia = _reopened(office, years=10)
    for _ in range(2):
        assert set(pia.retention.due()) == set(calls)
        with pytest.raises(NotAllowed) as caught:
            pia.retention.apply()
        assert "set forward" in caught.value.sentence
        assert "--reason" in caught.value.advice
        assert office.newest().act == "denied"
        pia = _reopened(office)  # another opening does not make it right
    gaps = [e for e in office.vault.audit.entries(limit=99) if e.act == "clock.gap"]
    assert [(e.actor, e.subject[:4], int(e.outcome.split()[0]) > 10 * 365 * 86_400) for e in gaps]
    assert len(gaps) == 1

    request = pia.retention.ask("their time is over")
    assert (request.state, request.subject) == ("open", "retention")
    assert request.value.startswith("2026-")
    assert pia.calls.count(CallQuery()) == 3
    with pytest.raises(NotAllowed):
        pia.requests.approve(request.number, confirmed=sure(pia))
    adam = office.sign_in("adam", OFFICER, ADMIN)
    adam.requests.approve(request.number, confirmed=sure(adam))
    assert pia.calls.count(CallQuery()) == 0
    erased = [e for e in office.vault.audit.entries(limit=9) if e.act == "call.erase"]
    assert {(e.actor, e.outcome, e.reason) for e in erased} == {
        ("pia", "approved by adam", "their time is over")
    }
    assert office.vault.check() == ()
    new = office.add(b"new", analysed=False, started_at="1999-01-01T00:00:00Z")
    assert pia.retention.apply() == (new,)  # what was doubted is decided


def test_also_while_the_vault_is_open(office, pia, adam):
    _retaining(office)
    office.clock.move(days=3660)
    with pytest.raises(NotAllowed):
        office.sign_in("pia", OFFICER, ADMIN).retention.apply()


@pytest.mark.parametrize(
    ("due", "kept", "refused"), [(21, 20, True), (21, 21, False), (20, 0, False)]
)
def test_most_calls_at_once_take_a_second_person(office, pia, adam, due, kept, refused):
    office.policy(retention_days=30)
    for one in range(due):
        office.add(b"%d" % one, analysed=False, started_at="1999-01-01T00:00:00Z")
    for one in range(kept):
        office.add(b"new %d" % one, analysed=False)
    if refused:
        with pytest.raises(NotAllowed):
            pia.retention.apply()
        office.policy(two_persons=frozenset())
    assert len(pia.retention.apply()) == due


def test_retention_is_asked_for_only_where_something_is_due_and_reaches_ones_own_calls(office, pia):
    office.policy(retention_days=30)
    with pytest.raises(UsageError):
        pia.retention.ask("nothing there")
    claims = Scope(limited=True, queues=("Claims",))
    lea = office.sign_in("lea", OFFICER, scope=claims)
    old = {"started_at": "1999-01-01T00:00:00Z"}
    office.add(b"1", analysed=False, queue="Claims", **old)
    other = office.add(b"2", analysed=False, queue="Other", **old)
    request = lea.retention.ask("their time is over")
    adam = office.sign_in("adam", OFFICER, ADMIN, scope=claims)
    with pytest.raises(RequestNotFound):  # who sees a part decides on what is theirs to see
        adam.requests.approve(request.number, confirmed=sure(adam))
    pia.requests.approve(request.number, confirmed=sure(pia))
    assert pia.retention.due() == (other,)


def test_what_came_under_hold_or_went_meanwhile_is_left_out(office, pia):
    office.policy(retention_days=1)
    held, gone, old = (office.add(bytes([n])) for n in range(3))
    office.clock.move(days=2)
    pia = office.sign_in("pia", OFFICER, ADMIN)
    due = pia.retention.due()
    pia.calls.hold(held, "a dispute")
    office.vault.calls.erase(gone, actor="pia")
    assert office.vault.calls.erasure.expire(due, scope=pia.session.scope) == (old,)


def test_an_erased_recording_comes_back_only_when_that_is_said(office, pia, tmp_path):
    (tmp_path / "a.wav").write_bytes(b"same")
    sue = office.sign_in("sue", PersonRole.SUPERVISOR)
    (call,) = sue.intake.import_paths([tmp_path / "a.wav"]).imported
    office.vault.calls.erase(call, actor="pia")
    report = sue.intake.import_paths([tmp_path / "a.wav"])
    assert [(name, reason.code) for name, reason in report.refused] == [
        ("a.wav", "recording-erased")
    ]
    with pytest.raises(NotAllowed, match="`erase`"):
        sue.intake.import_paths([tmp_path / "a.wav"], even_erased=True)
    entry = office.newest()
    assert (entry.actor, entry.act, entry.subject) == ("sue", "denied", "erase")
    both = office.sign_in("zoe", PersonRole.SUPERVISOR, PersonRole.PRIVACY_OFFICER)
    report = both.intake.import_paths([tmp_path / "a.wav"], even_erased=True)
    assert len(report.imported) == 1
    entry = office.newest()
    assert (entry.actor, entry.act, entry.outcome) == ("zoe", "call.import", "even-erased")


def test_an_erased_call_that_is_being_analysed_ends_the_run_well(office, quick_workers):
    office.policy(two_persons=frozenset())
    call = office.add(b"1", analysed=False)
    office.add(b"2", analysed=False)
    pia = office.sign_in("pia", OFFICER, ADMIN)

    def erase_once(step):
        if step.call == call and pia.calls.count(CallQuery()) == 2:
            office.vault.calls.erase(call, actor="pia")

    report = pia.processing.run(progress=erase_once)
    assert (report.done, report.cancelled) == (1, 1)
    assert pia.calls.count(CallQuery()) == 1


def test_known_names_are_those_of_calls_people_and_teams_that_a_person_may_see(office):
    office.add(b"1", queue="Billing")
    office.add(b"2", queue="Sales")
    office.sign_in("rob", PersonRole.REVIEWER, scope=Scope(limited=True, queues=("Care",)))
    ada = office.sign_in("ada", ADMIN)
    ada.teams.keep("North", ["Sam"], confirmed=sure(ada))
    assert ada.people.known_names() == KnownNames(
        queues=("Billing", "Care", "Sales"), teams=("North",)
    )
    few = Scope(limited=True, queues=("Sales",))
    assert office.sign_in("eve", ADMIN, scope=few).people.known_names().queues == ("Care", "Sales")
    blind = office.sign_in("bob", granted={Right.MANAGE_PEOPLE})
    assert blind.people.known_names().queues == ("Care", "Sales")
