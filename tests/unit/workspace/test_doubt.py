"""What cannot be taken back is not done on the word of a vault that is in doubt."""

from __future__ import annotations

import pytest

from app.access import FOUNDER
from app.domain import CallId, GuardedAct, Person, PersonName, PersonRole, PersonState
from app.errors import AppError, NotAllowed, UsageError, VaultDamaged, VaultInDoubt
from app.storage.witness import Seen, Witness
from tests.unit.workspace.conftest import sure

NEW = Person(name=PersonName("Noor"), roles=frozenset({PersonRole.REVIEWER}))
CALL = CallId("0" * 32)

REFUSED = {
    "people.add": lambda w: w.people.add(NEW, "nine quiet herons by the lock", confirmed=sure(w)),
    "people.change": lambda w: w.people.change(NEW, confirmed=sure(w)),
    "people.set_state": lambda w: w.people.set_state("bea", PersonState.ACTIVE, confirmed=sure(w)),
    "people.set_passphrase of others": lambda w: w.people.set_passphrase(
        "bea", "short", confirmed=sure(w)
    ),
    "people.set_passphrase": lambda w: w.people.set_passphrase("all", "short", confirmed=sure(w)),
    "people.set_second_factor": lambda w: w.people.set_second_factor(
        w.people.new_second_factor(), "", confirmed=sure(w)
    ),
    "people.take_second_factor": lambda w: w.people.take_second_factor("bea", confirmed=sure(w)),
    "keys.remember": lambda w: w.keys.remember(confirmed=sure(w)),
    "keys.ask_for_computer": lambda w: w.keys.ask_for_computer(wanted=False, confirmed=sure(w)),
    "keys.keep_sheet": lambda w: w.keys.keep_sheet("", "", confirmed=sure(w)),
    "policy.change": lambda w: w.policy.change("session_hours", "12", confirmed=sure(w)),
    "teams.keep": lambda w: w.teams.keep("red", ["ann"], confirmed=sure(w)),
    "requests.ask": lambda w: w.requests.ask(GuardedAct.ERASE_CALL, CALL, reason="asked"),
    "requests.ask_retention": lambda w: w.requests.ask_retention("2020", reason="asked"),
    "requests.approve": lambda w: w.requests.approve(1, confirmed=sure(w)),
    "retention.apply": lambda w: w.retention.apply(),
    "calls.export_original": lambda w: w.calls.export_original(CALL),
    "calls.release": lambda w: w.calls.release(CALL, "I listened"),
    "intake of erased": lambda w: w.intake.import_paths([], even_erased=True),
    "backups.write_erased_list": lambda w: w.backups.write_erased_list(None),
}


@pytest.fixture
def workspace(office, tmp_path):
    """Who may do everything, in a vault with another person and a call."""
    office.add()
    office.sign_in("bea", PersonRole.REVIEWER)
    office.vault.audit._witness = Witness(tmp_path / "remembered", office.vault.info.id)
    office.vault.audit.save_witness()
    return office.sign_in("all", *FOUNDER)


@pytest.fixture
def in_doubt(office, workspace):
    """The same, where this computer saw more of the log than there is."""
    memory = office.vault.audit._witness.read()
    newer = Seen(key=memory.newest.key, size=memory.newest.size + 9, root="ab" * 32)
    office.vault.audit._witness.write(memory.after(newer, fits=True, found=0))
    assert office.vault.audit.meet_witness().act == "audit.mismatch"
    return workspace


@pytest.mark.parametrize("act", REFUSED)
def test_what_cannot_be_taken_back_is_refused(office, in_doubt, act):
    state = office.vault.audit._database
    with state.reader() as reading:
        before = [reading.all(f"SELECT * FROM {one}") for one in ("people", "policy", "requests")]
    with pytest.raises(VaultInDoubt, match="older state"):
        REFUSED[act](in_doubt)
    with state.reader() as reading:
        after = [reading.all(f"SELECT * FROM {one}") for one in ("people", "policy", "requests")]
    assert after == before


@pytest.mark.parametrize("act", REFUSED)
def test_the_same_is_asked_of_the_act_alone_where_nothing_is_in_doubt(workspace, act):
    try:
        REFUSED[act](workspace)
    except VaultInDoubt:
        pytest.fail("nothing is in doubt")
    except (AppError, AttributeError):
        return


def test_people_are_shut_out_and_calls_taken_in_all_the_same(office, in_doubt, tmp_path):
    in_doubt.people.set_state("bea", PersonState.SUSPENDED, confirmed=sure(in_doubt))
    assert office.vault.people.get("bea").state is PersonState.SUSPENDED
    assert in_doubt.intake.import_paths([]).imported == ()
    assert in_doubt.requests.list() == ()
    assert in_doubt.backups.make(tmp_path / "backup").calls == 1
    with pytest.raises(VaultInDoubt):
        in_doubt.backups.make(tmp_path / "backup")


def test_it_ends_when_somebody_accepts_it_who_may_and_types_the_passphrase(office, in_doubt):
    sue = office.sign_in("sue", PersonRole.SUPERVISOR)
    assert isinstance(in_doubt.audit.doubt(), VaultInDoubt)
    with pytest.raises(NotAllowed):
        sue.audit.accept("mine", confirmed=sure(sue))
    for confirmed in (None, sure(sue)):
        with pytest.raises(NotAllowed, match="typed again"):
            in_doubt.audit.accept("restored", confirmed=confirmed)
    with pytest.raises(UsageError):
        in_doubt.audit.accept(" ", confirmed=sure(in_doubt))
    assert in_doubt.audit.doubt() is not None
    entry = in_doubt.audit.accept("restored after a fire", confirmed=sure(in_doubt))
    assert (entry.actor, entry.act, entry.reason) == (
        "all",
        "audit.accept",
        "restored after a fire",
    )
    assert in_doubt.audit.doubt() is None
    assert in_doubt.audit.compare() is None
    in_doubt.teams.keep("red", ["ann"], confirmed=sure(in_doubt))


def test_what_others_wrote_is_told_before_it_is_relied_on(office, workspace):
    database = office.vault._database
    database.guard = None
    with database.transaction() as writing:
        writing.change("UPDATE calls SET agent = 'nobody'")
    database.guard = office.vault.audit
    assert workspace.audit.doubt() is None
    assert isinstance(workspace.audit.compare(), VaultDamaged)
    with pytest.raises(VaultDamaged, match="the details of calls"):
        workspace.teams.keep("red", ["ann"], confirmed=sure(workspace))
