"""Correcting who speaks: what a person may, what they are shown, and what the log says of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain import CallQuery, Changes, CorrectedCall, PersonRole, Role, Subject
from app.engine.client import LoneWorker
from app.errors import CallFailed, ModelMissing, NotAllowed, UsageError, WorkerDied
from app.workspace import speakers
from tests import workers
from tests.builders import call_analysis

CHANGED: Changes = frozenset({Subject.CALLS})
A, C = Role.AGENT, Role.CUSTOMER


@pytest.fixture
def rob(office, quick_workers):
    return office.sign_in("rob", PersonRole.REVIEWER)


def roles(workspace, call):
    return [turn.role for turn in workspace.calls.detail(call).analysis.transcript.turns]


def last_act(office):
    entry = next(e for e in office.vault.audit.entries(limit=9) if e.act == "call.speakers")
    return entry.actor, entry.subject, entry.outcome


def test_agent_and_customer_change_places_for_everybody(office, rob):
    call = office.add()
    assert rob.speakers.swap(call) == CHANGED
    assert last_act(office) == ("rob", call, "swapped")
    sue = office.sign_in("sue", PersonRole.SUPERVISOR)
    assert roles(sue, call) == [C, A, C, A]
    detail = sue.calls.detail(call)
    assert (detail.speakers.by, detail.speakers.turns) == ("rob", (0, 1, 2, 3))
    assert detail.analysis.score.value == 10.0
    (row,) = sue.calls.page(CallQuery(), offset=0, limit=9)
    assert row.score == 10.0


def test_turns_are_the_other_sides_and_sides_are_named(office, rob):
    call = office.add()
    assert rob.speakers.set_turns(call, [2, 3, 3]) == CHANGED
    assert last_act(office) == ("rob", call, "2 turns")
    assert roles(rob, call) == [A, C, C, A]
    assert rob.speakers.set_agent(call, 1) == CHANGED
    assert last_act(office) == ("rob", call, "side 2 is the agent")
    assert roles(rob, call) == [C, A, C, A]
    assert rob.speakers.set_turns(call, [0], Role.AGENT) == CHANGED
    assert roles(rob, call) == [A, A, C, A]


def test_a_correction_is_undone_by_its_own_act_or_by_a_word(office, rob):
    call = office.add()
    whole = rob.calls.detail(call)
    rob.speakers.swap(call)
    assert rob.speakers.swap(call) == CHANGED
    assert last_act(office) == ("rob", call, "undone")
    assert rob.calls.detail(call) == whole
    rob.speakers.set_turns(call, [1])
    assert rob.speakers.undo(call) == CHANGED
    assert rob.calls.detail(call) == whole


def test_what_changes_nothing_is_no_act(office, rob):
    call = office.add()
    before = office.acts()
    assert rob.speakers.undo(call) == frozenset()
    assert rob.speakers.set_agent(call, 0) == frozenset()
    assert office.acts() == before


def test_a_correction_that_makes_no_sense_is_refused(office, rob):
    call = office.add()
    with pytest.raises(UsageError, match="no such turn"):
        rob.speakers.set_turns(call, [4])
    with pytest.raises(UsageError, match="no such side"):
        rob.speakers.set_agent(call, 5)
    assert rob.calls.detail(call).speakers is None


def test_a_call_without_sound_is_corrected_too(office, rob):
    call = office.add()
    with office.vault._database.transaction() as writing:
        writing.change("DELETE FROM audio WHERE purpose = 'muted'")
    assert rob.speakers.swap(call) == CHANGED


@pytest.mark.parametrize(
    ("serve", "error"),
    [
        (workers.model_missing, ModelMissing),
        (workers.pack_unknown, UsageError),
        (workers.ends, WorkerDied),
        (workers.at_fault, CallFailed),
        (workers.off_the_point, WorkerDied),
    ],
)
def test_where_the_call_cannot_be_analysed_again_nothing_is_changed(
    office, monkeypatch, serve, error
):
    call = office.add()
    rob = office.sign_in("rob", PersonRole.REVIEWER)
    before, acts = rob.calls.detail(call), office.acts()

    def lone(_execution, places):
        return LoneWorker(places, threads=1, serve=serve)

    monkeypatch.setattr(speakers, "lone_worker", lone)
    with pytest.raises(error):
        rob.speakers.swap(call)
    assert office.acts() == acts
    assert rob.calls.detail(call) == before


def test_the_worker_is_given_what_the_policy_says_and_what_may_be_heard(office, rob, monkeypatch):
    call = office.add(agent="Sam")
    office.policy(acoustic_analysis=True)
    asked = []

    def correct(request, _lone, *, seconds):
        asked.append((request, seconds))
        return CorrectedCall(analysis=replace(request.analysis, transcript=request.said))

    monkeypatch.setattr(speakers, "correct", correct)
    rob.speakers.swap(call)
    ((request, seconds),) = asked
    assert request.analysis == call_analysis()
    assert request.settings.analysis.acoustics
    assert request.metadata.agent == "Sam"
    assert request.muted_audio.startswith(b"fLaC")
    assert seconds > 60
    assert "complaint" not in repr(request)


def test_who_only_reads_may_not_correct(office, quick_workers):
    call = office.add()
    for role in (PersonRole.PRIVACY_OFFICER, PersonRole.AUDITOR, PersonRole.ADMINISTRATOR):
        with pytest.raises(NotAllowed, match="correct-speakers"):
            office.sign_in(f"a {role.value}", role).speakers.swap(call)


def test_a_call_that_is_analysed_again_keeps_what_a_person_said(office, rob):
    call = office.add()
    rob.speakers.swap(call)
    sue = office.sign_in("sue", PersonRole.SUPERVISOR)
    sue.processing.retry(call)
    assert sue.processing.run().done == 1
    assert roles(sue, call) == [C, A, C, A]
    assert sue.calls.detail(call).speakers.by == "rob"
