"""The list of calls against a list that is narrowed and sorted in plain Python."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import (
    EVERYTHING,
    CallMetadata,
    CallOrder,
    CallQuery,
    Facet,
    Failure,
    Flag,
    JobState,
    Severity,
)
from app.storage import keys, vault
from tests.builders import analysed_call, call_analysis, proof, turn
from tests.unit.storage.conftest import PASSPHRASE, Clock

AGENTS = [None, "Ann", "bob", "Cem"]
QUEUES = [None, "Sales", "Care"]
LANGUAGES = ["en", "de", "en", "yue"]
FLAGS = [
    (),
    (("complaint", Severity.WARNING),),
    (("vulnerable", Severity.ALERT), ("complaint", Severity.NOTICE)),
]
FAILURE = Failure(code="audio-empty", sentence="Nothing is in it.", hint="Export it again.")


def _outcome(number):
    if number % 5 == 4:
        return FAILURE
    whole = call_analysis()
    shown = whole.flags[0].evidence
    flags = tuple(
        Flag(label=label, title=label.title(), severity=severity, evidence=shown)
        for label, severity in FLAGS[number % 3]
    )
    words = "marzipan and bills" if number % 4 == 0 else "only bills"
    said = replace(
        whole.transcript,
        turns=(turn(0, whole.transcript.turns[0].role, words, 0),),
        language=LANGUAGES[number % 4],
    )
    measures = replace(whole.measures, customer_sentiment=None if number % 6 == 0 else number / 40)
    score = replace(whole.score, value=None if number % 7 == 0 else float(number % 9))
    return analysed_call(
        analysis=replace(
            whole,
            flags=flags,
            transcript=said,
            measures=measures,
            score=score,
            duration_ms=1000 * (number % 11),
            proof=proof() if number % 7 == 1 else None,
        ),
        muted_audio=b"",
    )


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    clock = Clock()
    folder = tmp_path_factory.mktemp("listing") / "vault"
    with vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST, clock=clock) as opened:
        for number in range(40):
            metadata = CallMetadata(
                agent=AGENTS[number % 4],
                queue=QUEUES[number % 3],
                started_at=None if number % 8 == 0 else f"2026-02-{1 + number % 20:02}T10:00:00Z",
            )
            name = f"{'x' if number % 2 else 'X'}{number}.wav"
            opened.calls.add(f"{number}".encode(), name=name, metadata=metadata, actor="ann")
            clock.move(1)
        for number in range(30):
            opened.calls.save(opened.jobs.claim("runner"), _outcome(number), actor="ann")
        for row in opened.calls.page(CallQuery(), offset=0, limit=1000)[::9]:
            opened.holds.place(row.id, "a dispute", actor="ann", scope=EVERYTHING)
        opened.jobs.claim("runner")
        opened.jobs.cancel(opened.jobs.list([JobState.QUEUED])[-1].call, actor="ann")
        yield opened


def _everything(opened):
    return opened.calls.page(CallQuery(), offset=0, limit=1000)


def _fits(query, row, opened):
    checks = [
        not query.states or row.state in query.states,
        query.agent is None or row.agent == query.agent,
        query.queue is None or row.queue == query.queue,
        not query.flagged or bool(row.flags),
        query.flag is None or query.flag.title() in row.flags,
        not query.on_hold or row.on_hold,
        not query.other_language or row.language in {"de", "yue"},
        not query.held_back or row.held_back,
    ]
    if query.text.strip():
        checks.append(row.id in {hit.call for hit in opened.search.find(query.text, limit=1000)})
    return all(checks)


RANK = {None: 0, Severity.NOTICE: 1, Severity.WARNING: 2, Severity.ALERT: 3}
SORTED_BY = {
    CallOrder.STARTED: lambda row: (row.started_at or row.imported_at).replace("Z", ".000Z")[:24],
    CallOrder.DURATION: lambda row: (row.duration_ms is not None, row.duration_ms),
    CallOrder.AGENT: lambda row: (row.agent is not None, (row.agent or "").lower()),
    CallOrder.SENTIMENT: lambda row: (row.customer_sentiment is not None, row.customer_sentiment),
    CallOrder.SCORE: lambda row: (row.score is not None, row.score),
    CallOrder.SEVERITY: lambda row: RANK[row.severity],
    CallOrder.STATE: lambda row: row.state,
    CallOrder.NAME: lambda row: row.source_name.lower(),
}

queries = st.builds(
    CallQuery,
    states=st.frozensets(st.sampled_from(JobState), max_size=3),
    agent=st.sampled_from([None, None, "Ann", "bob", "nobody"]),
    queue=st.sampled_from([None, None, "Sales", "nowhere"]),
    flag=st.sampled_from([None, None, "complaint", "vulnerable", "unknown"]),
    flagged=st.booleans(),
    on_hold=st.sampled_from([False, False, True]),
    other_language=st.sampled_from([False, False, True]),
    held_back=st.sampled_from([False, False, True]),
    text=st.sampled_from(["", "", "  ", "marzipan", "bills", "nothing", "---"]),
    order=st.sampled_from(CallOrder),
    descending=st.booleans(),
)


@given(query=queries, offset=st.integers(0, 45), limit=st.integers(0, 20))
def test_the_list_is_what_plain_python_would_make_of_it(listed, query, offset, limit):
    fitting = [row for row in _everything(listed) if _fits(query, row, listed)]
    page = listed.calls.page(query, offset=0, limit=1000)
    assert {row.id for row in page} == {row.id for row in fitting}
    assert listed.calls.count(query) == len(fitting)
    keys_ = [SORTED_BY[query.order](row) for row in page]
    present = [key for key in keys_ if not (isinstance(key, tuple) and not key[0])]
    assert present == sorted(present, reverse=query.descending)
    absent = [key for key in keys_ if isinstance(key, tuple) and not key[0]]
    assert keys_ == (present + absent if query.descending else absent + present)
    assert listed.calls.page(query, offset=offset, limit=limit) == page[offset : offset + limit]


def test_a_line_shows_the_most_severe_flag_first(listed):
    rows = listed.calls.page(CallQuery(flag="vulnerable"), offset=0, limit=100)
    assert {row.flags for row in rows} == {("Vulnerable", "Complaint")}
    assert {row.severity for row in rows} == {Severity.ALERT}
    failed = listed.calls.page(CallQuery(states=frozenset({JobState.FAILED})), offset=0, limit=1)
    assert failed[0].failure == FAILURE


def test_a_line_names_the_language_once_it_is_known(listed):
    rows = _everything(listed)
    done = [row for row in rows if row.state is JobState.DONE]
    assert {row.language for row in done} == {"en", "de", "yue"}
    assert {row.language for row in rows if row.state is not JobState.DONE} == {None}
    assert all(row.other_language == (row.language in {"de", "yue"}) for row in rows)


def test_totals_name_every_state(listed):
    assert listed.calls.totals() == {
        JobState.QUEUED: 8,
        JobState.RUNNING: 1,
        JobState.DONE: 24,
        JobState.FAILED: 6,
        JobState.CANCELLED: 1,
    }


def test_facets_count_calls_and_put_the_most_frequent_first(listed):
    facets = listed.calls.facets()
    assert facets.agents == tuple(Facet(label=n, title=n, count=10) for n in ("Ann", "bob", "Cem"))
    assert facets.queues == tuple(Facet(label=n, title=n, count=13) for n in ("Care", "Sales"))
    rows = _everything(listed)
    for facet in facets.flags:
        assert facet.count == sum(facet.title in row.flags for row in rows)
    assert [facet.label for facet in facets.flags] == ["complaint", "vulnerable"]


def test_an_empty_vault_lists_nothing(opened):
    assert opened.calls.page(CallQuery(), offset=0, limit=10) == ()
    assert opened.calls.count(CallQuery(text="x")) == 0
    assert set(opened.calls.totals().values()) == {0}
    assert opened.calls.facets().agents == ()
