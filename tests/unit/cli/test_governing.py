"""Erasing, holds, exports, requests, policy, teams and retention from the command line."""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from app import access
from app.cli import text
from app.domain import CallMetadata, GuardedAct, OriginalsRule, Person, PersonName, Right
from app.storage import clock, people, policy, vault
from tests.builders import held_back_call, proven_call
from tests.unit.cli.conftest import PASSPHRASE
from tests.unit.cli.test_main import every


@contextmanager
def opened_directly(vaulted):
    """Give a transaction on the vault, past every rule."""
    with (
        vault.open_vault(vaulted[1], PASSPHRASE) as opened,
        opened._database.transaction() as writing,
    ):
        yield writing


@pytest.fixture
def calls(records, vaulted, recordings):
    """The ids of two calls that were analysed."""
    _, printed = records("import", recordings, *vaulted)
    return every(printed, "import")[0]["imported"]


@pytest.fixture
def alone(vaulted):
    """Let one person do what usually takes two."""

    def set_policy(**changes):
        with opened_directly(vaulted) as writing:
            policy.keep(writing, replace(policy.current(writing), **changes))

    set_policy(two_persons=frozenset())
    return set_policy


@pytest.fixture
def colleague(vaulted):
    """Another person in the vault, so that the rule of two persons has a meaning."""
    with opened_directly(vaulted) as writing:
        people.insert(writing, Person(name=PersonName("bea"), roles=access.FOUNDER))


def test_whoever_is_alone_waits_for_nobody(records, vaulted, calls):
    _, printed = records("erase", calls[0], "--reason", "asked for", *vaulted)
    assert every(printed, "request")[0]["state"] == "approved"


@pytest.mark.usefixtures("colleague")
def test_erasing_waits_for_a_second_person(run, records, vaulted, calls):
    status, printed = records("erase", calls[0][:8], "--reason", "asked for", *vaulted)
    (request,) = every(printed, "request")
    assert (status, request["state"], request["act"]) == (0, "open", "erase-call")
    status, said, _ = run("erase", calls[0], "--reason", "again", *vaulted)
    assert (status, "waits for a second person" in said) == (0, True)
    _, printed = records("requests", *vaulted)
    assert [one["number"] for one in every(printed, "request")] == [2, 1]
    status, _, said = run("requests", "approve", "1", *vaulted)
    assert (status, "second person" in said) == (10, True)
    status, printed = records("requests", "withdraw", "1", *vaulted)
    assert (status, every(printed, "request")[0]["state"]) == (0, "withdrawn")
    status, printed = records("requests", "withdraw", "1", *vaulted)
    assert (status, printed[0]["error"]["code"]) == (6, "request-not-found")
    assert run("requests", "refuse", "2", "--reason", "no", *vaulted)[0] == 10
    run("requests", "withdraw", "2", *vaulted)
    assert "No request waits" in run("requests", "list", *vaulted)[1]
    said = run("requests", "list", "--all", *vaulted)[1]
    assert "withdrawn" in said
    assert len(every(records("list", *vaulted)[1], "call")) == 2


@pytest.mark.usefixtures("colleague")
def test_a_second_person_approves_from_the_command_line(records, vaulted, calls):
    records("erase", calls[0], "--reason", "asked for", *vaulted)
    with opened_directly(vaulted) as writing:
        writing.change("UPDATE requests SET asked_by = 'bea'")
    status, printed = records("requests", "approve", "1", *vaulted)
    assert (status, every(printed, "request")[0]["decided_by"]) == (0, "owner")
    assert [one["id"] for one in every(records("list", *vaulted)[1], "call")] == [calls[1]]


@pytest.mark.usefixtures("alone")
def test_an_erased_recording_is_refused_until_it_is_named(records, vaulted, calls, recordings):
    status, printed = records("erase", calls[0], "--reason", "asked for", *vaulted)
    assert (status, every(printed, "request")[0]["state"]) == (0, "approved")
    status, printed = records("import", recordings, *vaulted)
    taken = every(printed, "import")[0]
    assert (status, taken["duplicates"]) == (7, 1)
    assert taken["refused"][0]["error"]["code"] == "recording-erased"
    (recordings / "calls.csv").write_text("file,agent\na.wav,Sam\nb.mp3,Kim\n", encoding="utf-8")
    status, printed = records("import", recordings, "--even-erased", *vaulted)
    assert every(printed, "import")[0]["described"] == 2
    assert (status, len(every(printed, "import")[0]["imported"])) == (0, 1)


def test_a_hold_is_placed_seen_and_ended(run, records, vaulted, calls, alone):
    status, printed = records("hold", calls[0], "--reason", "a dispute", *vaulted)
    assert (status, every(printed, "hold")[0]["changed"]) == (0, True)
    assert "already" in run("hold", calls[0], "--reason", "a dispute", *vaulted)[1]
    _, printed = records("list", *vaulted)
    assert {one["id"]: one["on_hold"] for one in every(printed, "call")} == {
        calls[0]: True,
        calls[1]: False,
    }
    _, printed = records("list", "--on-hold", *vaulted)
    assert [one["id"] for one in every(printed, "call")] == [calls[0]]
    assert every(records("show", calls[0], *vaulted)[1], "call-detail")[0]["on_hold"]
    status, printed = records("erase", calls[0], "--reason", "asked for", *vaulted)
    assert (status, printed[0]["error"]["code"]) == (10, "on-hold")
    status, said, _ = run("hold", calls[0], "--end", "--reason", "settled", *vaulted)
    assert (status, said) == (0, "The hold is ended.\n")
    assert run("erase", calls[0], "--reason", "asked for", *vaulted)[0] == 0


@pytest.fixture
def held(vaulted, calls):
    """The id of a third call, which is held back."""
    with vault.open_vault(vaulted[1], PASSPHRASE) as opened:
        call = opened.calls.add(b"held", name="h.wav", metadata=CallMetadata(), actor="t").call.id
        opened.calls.save(opened.jobs.claim("t"), held_back_call(), actor="t")
    assert call not in calls
    return call


def test_a_held_back_call_is_listed_and_released(run, records, vaulted, calls, held):
    _, printed = records("list", "--held-back", *vaulted)
    assert [(one["id"], one["held_back"]) for one in every(printed, "call")] == [(held, True)]
    assert "HELD BACK" in run("list", *vaulted)[1]
    _, printed = records("show", held, *vaulted)
    proof = every(printed, "call-detail")[0]["analysis"]["proof"]
    assert (proof["outcome"], proof["released"]) == ("held-back", None)
    status, printed = records("release", held, "--reason", "hold music", *vaulted)
    assert (status, every(printed, "release")) == (
        0,
        [{"schema": "autoinsights.release/1", "call": held, "silenced": False}],
    )
    assert not every(records("list", "--held-back", *vaulted)[1], "call")
    status, printed = records("release", calls[0], "--reason", "hold music", *vaulted)
    assert (status, printed[0]["error"]["code"]) == (2, "usage")


def test_a_held_back_call_is_released_without_its_sound(run, vaulted, held):
    said = run("release", held, "--silence", "--reason", "half a card", *vaulted)[1]
    assert said == "The call is no longer held back, and nothing of it can be heard any more.\n"
    assert "Released without its sound" in run("show", held, *vaulted)[1]


def test_calls_in_another_language_are_listed(run, records, vaulted, calls):
    with opened_directly(vaulted) as writing:
        writing.change("UPDATE calls SET language = 'de' WHERE id = ?", (calls[0],))
    _, printed = records("list", *vaulted)
    languages = {one["id"]: one["language"] for one in every(printed, "call")}
    assert languages == {calls[0]: "de", calls[1]: "en"}
    _, printed = records("list", "--other-language", *vaulted)
    assert [one["id"] for one in every(printed, "call")] == [calls[0]]
    assert "NOT IN ENGLISH (de)" in run("list", *vaulted)[1]


@pytest.mark.usefixtures("colleague")
def test_an_original_is_exported_once_it_is_approved(records, vaulted, calls, alone, tmp_path):
    target = tmp_path / "out.wav"
    command = ("export-original", calls[0], "--out", target)
    assert records(*command, *vaulted)[0] == 2
    status, printed = records(*command, "--reason", "for the court", *vaulted)
    written = every(printed, "export")[0]
    assert (status, written["size_bytes"], target.read_bytes()) == (0, 5, b"a.wav")
    if os.name == "posix":
        assert target.stat().st_mode & 0o077 == 0
    assert records(*command, "--reason", "again", *vaulted)[0] == 2
    other = ("export-original", calls[0], "--out", tmp_path / "other.wav", *vaulted)
    assert records(*other)[0] == 2
    alone(two_persons=frozenset(GuardedAct))
    status, printed = records(*other, "--reason", "again")
    assert (status, every(printed, "request")[0]["state"]) == (0, "open")
    assert not (tmp_path / "other.wav").exists()


def test_a_place_that_cannot_be_written_uses_no_approval(run, vaulted, calls, alone, tmp_path):
    target = tmp_path / "absent" / "out.wav"
    command = ("export-original", calls[0], "--reason", "for the court", *vaulted)
    status, _, said = run(*command, "--out", target)
    assert (status, "cannot be written" in said) == (5, True)
    status, said, _ = run("export-original", calls[0], "--out", tmp_path / "out.wav", *vaulted)
    assert (status, "used up" in said) == (0, True)


@pytest.mark.usefixtures("colleague")
def test_the_policy_is_shown_and_changed(run, records, vaulted):
    status, printed = records("policy", *vaulted)
    rules = every(printed, "policy")[0]
    assert (status, rules["retention_days"], len(rules["two_persons"])) == (0, 0, len(GuardedAct))
    _, printed = records("policy", "set", "session_hours", "8", *vaulted)
    assert every(printed, "policy")[0]["session_hours"] == 8
    _, printed = records("policy", "set", "retention_days", "9", "--reason", "law", *vaulted)
    assert every(printed, "request")[0]["state"] == "open"
    assert run("policy", "set", "retention_days", "9", *vaulted)[0] == 2
    assert run("policy", "set", "colour", "blue", *vaulted)[0] == 2
    said = run("policy", "show", *vaulted)[1]
    assert "session_hours       8" in said
    assert "retention_days      0" in said


def test_a_rule_that_takes_nobody_else_is_changed_at_once(run, vaulted, alone):
    status, said, _ = run("policy", "set", "retention_days", "9", "--reason", "law", *vaulted)
    assert (status, said) == (0, "`retention_days` is changed.\n")


def test_teams_are_kept(run, records, vaulted):
    assert "no team" in run("teams", *vaulted)[1]
    _, printed = records("teams", "set", "blue", "Sam", "Kim", *vaulted)
    assert every(printed, "team")[0] == {
        "schema": "autoinsights.team/1",
        "name": "blue",
        "agents": ["Kim", "Sam"],
    }
    assert run("teams", "list", *vaulted)[1] == "blue: Kim, Sam\n"
    assert "no team" in run("teams", "remove", "blue", *vaulted)[1]


def test_retention_shows_and_erases_what_is_due(run, records, vaulted, calls, alone):
    assert "until erased" in run("retention", *vaulted)[1]
    alone(retention_days=30)
    with opened_directly(vaulted) as writing:
        writing.change("UPDATE calls SET started = '2000' WHERE id = ?", (calls[0],))
    _, printed = records("retention", "show", *vaulted)
    assert every(printed, "retention")[0]["due"] == [calls[0]]
    assert calls[0] in run("retention", *vaulted)[1]
    _, printed = records("retention", "apply", *vaulted)
    assert every(printed, "retention")[0]["erased"] == [calls[0]]
    assert "Erased: 0" in run("retention", "apply", *vaulted)[1]


@pytest.mark.usefixtures("colleague")
def test_retention_says_what_it_takes_and_asks_for_it(run, records, vaulted, calls):
    with opened_directly(vaulted) as writing:
        policy.keep(writing, replace(policy.current(writing), retention_days=30))
        writing.change("UPDATE calls SET started = '2000' WHERE id = ?", (calls[0],))

    class Later(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.now(tz) + timedelta(days=400)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(clock, "datetime", Later)
        status, _, said = run("retention", "apply", *vaulted)
    assert (status, "set forward" in said, "--reason" in said) == (10, True, True)
    _, printed = records("retention", "apply", "--reason", "their time is over", *vaulted)
    request = every(printed, "request")[0]
    assert (request["state"], request["subject"]) == ("open", "retention")
    assert "retention = " in run("requests", *vaulted)[1]


def test_originals_are_shown_asked_for_and_destroyed(run, records, vaulted, calls, alone):
    assert "kept sealed" in run("originals", *vaulted)[1]
    alone(originals=OriginalsRule.DESTROY)
    with vault.open_vault(vaulted[1], PASSPHRASE) as opened:
        for call in calls:
            opened.jobs.retry(call, actor="t")
        with opened._database.transaction() as writing:
            policy.keep(
                writing, replace(policy.current(writing), originals=OriginalsRule.KEEP_SEALED)
            )
        for _ in calls:
            opened.calls.save(opened.jobs.claim("t"), proven_call(), actor="t")
        with opened._database.transaction() as writing:
            policy.keep(writing, replace(policy.current(writing), originals=OriginalsRule.DESTROY))
    said = run("originals", "show", *vaulted)[1]
    assert f"{len(calls)} calls from before the rule still have their originals" in said
    assert run("originals", "apply", *vaulted)[1] == "0 originals destroyed.\n"
    _, printed = records("originals", "earlier", "--reason", "the law", *vaulted)
    assert every(printed, "request")[0]["subject"] == "earlier-originals"
    destroyed = every(printed, "originals-destroyed")[0]
    assert (sorted(destroyed["calls"]), destroyed["due"]) == (sorted(calls), 0)
    _, printed = records("originals", *vaulted)
    found = every(printed, "originals")[0]
    assert (found["rule"], found["destroyed"]) == ("destroy-after-verification", len(calls))
    status, _, said = run("export-original", calls[0], "--out", "x.wav", "--reason", "y", *vaulted)
    assert (status, "was destroyed on" in said) == (7, True)
    assert "Original  destroyed on" in run("show", calls[0], *vaulted)[1]
    _, printed = records("show", calls[0], *vaulted)
    assert every(printed, "call-detail")[0]["original_destroyed_at"].endswith("Z")


@pytest.mark.usefixtures("colleague")
def test_those_of_earlier_calls_wait_for_a_second_person(run, records, vaulted, calls):
    with opened_directly(vaulted) as writing:
        policy.keep(writing, replace(policy.current(writing), originals=OriginalsRule.DESTROY))
    assert calls
    _, printed = records("originals", "earlier", "--reason", "the law", *vaulted)
    request = every(printed, "request")[0]
    assert (request["state"], request["act"]) == ("open", "erase-call")
    assert every(printed, "originals-destroyed") == []
    assert "earlier-originals = " in run("requests", *vaulted)[1]


def test_who_may_not_see_words_gets_a_report_without_them(run, vaulted, calls, monkeypatch):
    from app import access

    def few(_person):
        return frozenset({Right.SEE_CALLS, Right.SEE_EVIDENCE})

    assert "make a complaint" in run("show", calls[0], *vaulted)[1]
    monkeypatch.setattr(access, "rights_of", few)
    status, said, _ = run("show", calls[0], *vaulted)
    assert (status, "The customer complains" in said) == (0, True)
    assert "make a complaint" not in said
    assert run("search", "complaint", *vaulted)[0] == 10
    assert run("show", "0" * 32, *vaulted)[0] == 6


@pytest.mark.usefixtures("colleague")
def test_times_are_shown_in_the_zone_of_the_computer(run, records, vaulted, calls):
    _, printed = records("erase", calls[0], "--reason", "asked for", *vaulted)
    asked_at = every(printed, "request")[0]["asked_at"]
    assert asked_at.endswith("Z"), "other programs get UTC"
    said = run("requests", *vaulted)[1]
    assert f"asked by owner at {text.moment(asked_at)}: asked for" in said
    assert asked_at not in said
    run("requests", "withdraw", "1", *vaulted)
    _, printed = records("requests", "list", "--all", *vaulted)
    decided_at = every(printed, "request")[0]["decided_at"]
    said = run("requests", "list", "--all", *vaulted)[1]
    assert f"decided by owner at {text.moment(decided_at)}" in said


def test_a_scope_of_what_nobody_knows_is_remarked_on_and_kept(
    run, records, vaulted, recordings, tmp_path
):
    new = tmp_path / "new"
    new.write_text("eleven grey geese over the quarry", encoding="utf-8")
    run("import", recordings, "--queue", "Billing", *vaulted)
    add = ["people", "add", "rita", "--role", "reviewer", "--new-passphrase-file", new]
    status, _, beside = run(*add, "--queue", "Biling", "--team", "North", *vaulted)
    assert status == 0
    assert beside.splitlines() == [
        "No queue is known by the name Biling yet; the nearest known: Billing.",
        "No team is known by the name North yet; nor any other.",
    ]
    vaulted = [*vaulted, "--person", "owner"]
    status, _, beside = run("people", "change", "rita", "--queue", "billing", *vaulted)
    assert (status, beside) == (0, "")
    run("people", "change", "rita", "--queue", "Later", *vaulted)
    assert run("people", "change", "rita", "--role", "auditor", *vaulted)[2] == ""
    _, printed = records("people", *vaulted)
    assert {one["name"]: one["queues"] for one in every(printed, "person")} == {
        "owner": [],
        "rita": ["Later"],
    }


def test_who_waits_is_listed_with_how_long_until_they_are_released(run, records, vaulted, tmp_path):
    new = tmp_path / "new"
    new.write_text("eleven grey geese over the quarry", encoding="utf-8")
    run("people", "add", "rita", "--role", "reviewer", "--new-passphrase-file", new, *vaulted)
    vaulted = [*vaulted, "--person", "owner"]
    wrong = tmp_path / "wrong"
    wrong.write_text("not her passphrase at all", encoding="utf-8")
    hers = ["--vault", vaulted[1], "--passphrase-file", wrong, "--person", "rita"]
    for _ in range(6):
        assert run("list", *hers)[0] == 4
    said = run("people", "list", *vaulted)[1]
    line = said.splitlines()[-1]
    assert re.match(r"rita waits [1-3]?\d s \(until .*\) after failed sign-ins; `people rel", line)
    _, printed = records("people", *vaulted)
    waits = {one["name"]: one["waits_until"] for one in every(printed, "person")}
    assert waits["owner"] is None
    assert waits["rita"].endswith("Z")
    said = run("people", "release", "rita", *vaulted)[1]
    assert "waits" not in said
    assert "waits" not in run("people", "list", *vaulted)[1]


def test_a_change_of_keys_that_waits_is_said_with_what_to_do(run, records, vaulted):
    status, said, _ = run("key", "rotate", *vaulted)
    assert (status, "A change of keys waits to be finished: opening the vault" in said) == (0, True)
    _, printed = records("key", "show", *vaulted)
    assert every(printed, "keys")[0]["change_waits"] is False, "opening the vault finished it"
    assert "waits" not in run("key", "show", *vaulted)[1]
    _, printed = records("key", "rotate", *vaulted)
    assert every(printed, "keys")[0]["change_waits"] is True


def test_the_word_list_is_set_shown_and_ended(run, records, vaulted, tmp_path):
    file = tmp_path / "words.txt"
    file.write_text("# brands\nVelmora = vel more a\n", "utf-8")
    assert "There is no word list." in run("vocabulary", *vaulted)[1]
    status, printed = records("vocabulary", "set", file, *vaulted)
    (kept,) = every(printed, "vocabulary")
    assert (status, kept["entries"], kept["text"]) == (0, 1, file.read_text("utf-8"))
    said = run("vocabulary", "show", *vaulted)[1]
    assert "Velmora = vel more a" in said
    assert "1 entries" not in said
    file.write_text("Velmora\n[brands]\n", "utf-8")
    status, _, said = run("vocabulary", "set", file, *vaulted)
    assert (status, "Line 2" in said) == (2, True)
    assert every(records("vocabulary", *vaulted)[1], "vocabulary") == [kept]
    assert "There is no word list." in run("vocabulary", "clear", *vaulted)[1]
    file.write_bytes(b"\xff")
    assert run("vocabulary", "set", file, *vaulted)[0] == 2
    assert run("vocabulary", "set", tmp_path / "missing.txt", *vaulted)[0] == 2
