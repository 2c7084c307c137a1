"""A person whose view is limited: calls outside of it are like no calls at all."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain import CallOrder, CallQuery, GuardedAct, JobState, PersonRole, Right, Scope
from app.errors import AppError, CallNotFound, RequestNotFound
from tests.unit.workspace.conftest import sure
from tests.unit.workspace.test_rights import MISSING, ON_A_CALL, TABLE

CLAIMS = Scope(limited=True, queues=("Claims",))
BLUE = Scope(limited=True, teams=("blue",))
NOTHING = Scope(limited=True)
EVERY_RIGHT = frozenset(Right)


@pytest.fixture
def mixed(office):
    """Five calls in two queues and none, of three agents, and a team of two of them."""
    office.calls = {
        "claims": office.add(b"1", agent="Sam", queue="claims"),
        "sales": office.add(b"2", agent="Kim", queue="sales"),
        "none": office.add(b"3"),
        "waiting": office.add(b"4", analysed=False, agent="Kim", queue="claims"),
        "other": office.add(b"5", analysed=False, agent="Jo", queue="sales"),
    }
    office.vault.teams.keep("Blue", ["kim", "Ann"], actor="owner")
    return office


def _names(office, calls):
    names = {call: name for name, call in office.calls.items()}
    return {names[call] for call in calls}


def _limited(office, scope):
    return office.sign_in("lim", scope=scope, granted=EVERY_RIGHT)


@pytest.mark.parametrize(
    ("scope", "seen"),
    [
        (CLAIMS, {"claims", "waiting"}),
        (BLUE, {"sales", "waiting"}),
        (Scope(limited=True, queues=("claims",), teams=("BLUE",)), {"claims", "sales", "waiting"}),
        (Scope(limited=True, queues=("nowhere",), teams=("no team",)), set()),
        (NOTHING, set()),
        (Scope(queues=("claims",)), {"claims", "sales", "none", "waiting", "other"}),
    ],
)
def test_lists_counts_facets_totals_hits_and_jobs_hold_the_scope_only(mixed, scope, seen):
    workspace = _limited(mixed, scope)
    calls = workspace.calls
    for order in CallOrder:
        rows = calls.page(CallQuery(order=order), offset=0, limit=50)
        assert _names(mixed, [row.id for row in rows]) == seen
    assert calls.count(CallQuery()) == len(seen)
    done = seen & {"claims", "sales", "none"}
    for narrowed in (
        CallQuery(flag="complaint"),
        CallQuery(flagged=True),
        CallQuery(text="complaint"),
        CallQuery(states=frozenset({JobState.DONE})),
    ):
        assert calls.count(narrowed) == len(done)
    for queue in ("claims", "sales"):
        rows = calls.page(CallQuery(queue=queue), offset=0, limit=50)
        assert _names(mixed, [row.id for row in rows]) <= seen
    assert sum(calls.totals().values()) == len(seen)
    assert _names(mixed, [hit.call for hit in calls.search("complaint")]) == done
    assert _names(mixed, [job.call for job in workspace.processing.jobs()]) == seen - done
    facets = calls.facets()
    agents = {"claims": "Sam", "sales": "Kim", "waiting": "Kim", "other": "Jo"}
    assert {facet.label for facet in facets.agents} == {
        agents[name] for name in seen if name in agents
    }
    assert sum(facet.count for facet in facets.queues) == len(seen - {"none"})
    assert sum(facet.count for facet in facets.flags) == len(done)


@pytest.mark.parametrize("name", ON_A_CALL)
@pytest.mark.parametrize("subject", ["sales", "none", "other"])
def test_a_call_out_of_scope_is_answered_like_a_missing_one(mixed, name, subject):
    workspace = _limited(mixed, CLAIMS)
    act = TABLE[name][1]
    answers = set()
    for call in (mixed.calls[subject], MISSING):
        before = mixed.vault.audit.count()
        with pytest.raises(CallNotFound) as refused:
            act(workspace, call)
        answers.add((refused.value.sentence, refused.value.advice))
        assert mixed.vault.audit.count() == before
    assert len(answers) == 1
    assert mixed.vault.jobs.get(mixed.calls[subject]).attempts <= 1


def test_a_search_is_cut_off_after_the_scope(mixed):
    assert len(_limited(mixed, BLUE).calls.search("complaint", limit=1)) == 1


def test_retrying_what_failed_and_a_run_stay_in_scope(mixed, quick_workers):
    workspace = _limited(mixed, CLAIMS)
    steps = []
    report = workspace.processing.run(progress=steps.append)
    assert (report.done, report.failed, report.cancelled) == (1, 0, 0)
    assert {step.call for step in steps} <= {None, mixed.calls["waiting"]}
    assert max(step.total for step in steps) == 1
    assert mixed.vault.jobs.get(mixed.calls["other"]).state is JobState.QUEUED
    with mixed.vault._database.transaction() as writing:
        writing.change(
            "UPDATE calls SET state = 'failed', failure_code = 'x' WHERE state != 'running'"
        )
    workspace.processing.retry_failed()
    queued = _limited(mixed, Scope()).calls.page(
        CallQuery(states=frozenset({JobState.QUEUED})), offset=0, limit=9
    )
    assert _names(mixed, [row.id for row in queued]) == {"claims", "waiting"}


def test_an_import_tells_nothing_of_recordings_out_of_scope(mixed, tmp_path):
    from app.domain import CallMetadata

    workspace = _limited(mixed, CLAIMS)
    (tmp_path / "mine.wav").write_bytes(b"1")
    (tmp_path / "theirs.wav").write_bytes(b"2")
    paths = [tmp_path / "mine.wav", tmp_path / "theirs.wav"]
    given = CallMetadata(queue="claims")
    report = workspace.intake.import_paths(paths, metadata=given)
    assert (len(report.imported), report.duplicates) == (1, 1)
    again = workspace.intake.import_paths(paths, metadata=given)
    assert (len(again.imported), again.duplicates) == (0, 2)
    everything = _limited(mixed, Scope()).intake.import_paths(paths)
    assert (len(everything.imported), everything.duplicates) == (0, 2)
    assert mixed.vault.check() == ()


def test_nobody_imports_what_they_could_not_see(mixed, tmp_path):
    workspace = _limited(mixed, CLAIMS)
    (tmp_path / "new.wav").write_bytes(b"new")
    report = workspace.intake.import_paths([tmp_path / "new.wav"])
    assert [(name, reason.code) for name, reason in report.refused] == [("new.wav", "not-allowed")]
    assert _limited(mixed, Scope()).calls.count(CallQuery()) == 5
    assert list((mixed.vault.info.folder / "audio" / "incoming").iterdir()) == []


def test_requests_on_calls_out_of_scope_are_not_there(mixed):
    asker = mixed.sign_in("pia", PersonRole.PRIVACY_OFFICER, PersonRole.ADMINISTRATOR)
    asks = {
        name: asker.requests.ask(GuardedAct.ERASE_CALL, mixed.calls[name], reason="asked for")
        for name in ("claims", "sales")
    }
    rule = asker.policy.change("retention_days", "30", reason="new rules", confirmed=sure(asker))
    workspace = _limited(mixed, CLAIMS)
    seen = {request.number for request in workspace.requests.list()}
    assert seen == {asks["claims"].number, rule.number}
    answers = set()
    for number in (asks["sales"].number, 999):
        for decide in (
            lambda n: workspace.requests.approve(n, confirmed=sure(workspace)),
            workspace.requests.withdraw,
            lambda n: workspace.requests.refuse(n, "no"),
        ):
            with pytest.raises(RequestNotFound) as refused:
                decide(number)
            answers.add((refused.value.sentence, refused.value.advice))
    assert len(answers) == 1


def test_retention_erases_in_scope_only(mixed):
    mixed.policy(retention_days=1)
    mixed.clock.move(days=2)
    workspace = _limited(mixed, CLAIMS)
    assert _names(mixed, workspace.retention.due()) == {"claims", "waiting"}
    assert _names(mixed, workspace.retention.apply()) == {"claims", "waiting"}
    left = _limited(mixed, Scope())
    assert left.calls.count(CallQuery()) == 3


def test_a_team_that_changes_changes_what_is_seen_at_once(mixed):
    workspace = _limited(mixed, BLUE)
    assert workspace.calls.count(CallQuery()) == 2
    mixed.vault.teams.keep("blue", ["Sam"], actor="owner")
    assert workspace.calls.count(CallQuery()) == 1
    mixed.vault.teams.keep("blue", [], actor="owner")
    assert workspace.calls.count(CallQuery()) == 0
    assert mixed.vault.teams.list() == ()


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    queues=st.lists(st.sampled_from(["claims", "SALES", "' OR 1 --", "%", ""]), max_size=3),
    teams=st.lists(st.sampled_from(["blue", "Blue", "x') OR (1", ""]), max_size=3),
)
def test_any_scope_agrees_with_itself_everywhere(mixed, queues, teams):
    workspace = _limited(mixed, Scope(limited=True, queues=tuple(queues), teams=tuple(teams)))
    want = set()
    want |= {"claims", "waiting"} if "claims" in queues else set()
    want |= {"sales", "other"} if "SALES" in queues else set()
    want |= {"sales", "waiting"} if {"blue", "Blue"} & set(teams) else set()
    rows = workspace.calls.page(CallQuery(), offset=0, limit=9)
    assert _names(mixed, [row.id for row in rows]) == want
    opened = set()
    for call in mixed.calls.values():
        with suppress(AppError):
            opened.add(workspace.calls.detail(call).call.id)
    assert _names(mixed, opened) == want
