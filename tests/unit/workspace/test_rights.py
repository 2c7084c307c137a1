"""Who may do what: every part of the workspace, for every role, from one table."""

from __future__ import annotations

import inspect
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from app.access import ROLES, TYPED_AGAIN
from app.domain import (
    CallId,
    CallQuery,
    GuardedAct,
    Person,
    PersonName,
    PersonRole,
    PersonState,
    Right,
)
from app.errors import AppError, CallNotFound, NotAllowed, SessionEnded, WrongPassphrase
from app.workspace import Workspace
from app.workspace.gate import Confirmed
from tests.builders import analysed_call
from tests.unit.workspace.conftest import PASSPHRASE, Clock, Office, sure

MISSING = CallId("0" * 32)
LIST = CallQuery()
WORDS = CallQuery(text="complaint")
ANYBODY = None
NO_FOLDER = Path(__file__) / "no folder"
NEW = Person(name=PersonName("Noor"), roles=frozenset({PersonRole.REVIEWER}))

# What is done, the right that it takes, and how it is done on a call. "of": a case of its own.
TABLE = {
    "calls.page": (Right.SEE_CALLS, lambda w, _: w.calls.page(LIST, offset=0, limit=9)),
    "calls.page of words": (
        Right.SEE_TRANSCRIPT,
        lambda w, _: w.calls.page(WORDS, offset=0, limit=9),
    ),
    "calls.count": (Right.SEE_CALLS, lambda w, _: w.calls.count(LIST)),
    "calls.count of words": (Right.SEE_TRANSCRIPT, lambda w, _: w.calls.count(WORDS)),
    "calls.totals": (Right.SEE_CALLS, lambda w, _: w.calls.totals()),
    "calls.facets": (Right.SEE_CALLS, lambda w, _: w.calls.facets()),
    "calls.detail": (Right.SEE_EVIDENCE, lambda w, c: w.calls.detail(c)),
    "calls.muted_audio": (Right.HEAR_MUTED, lambda w, c: w.calls.muted_audio(c)),
    "calls.original_audio": (Right.HEAR_ORIGINAL, lambda w, c: w.calls.original_audio(c)),
    "calls.may_export": (Right.EXPORT_ORIGINAL, lambda w, c: w.calls.may_export(c)),
    "calls.export_original": (Right.EXPORT_ORIGINAL, lambda w, c: w.calls.export_original(c)),
    "calls.hold": (Right.HOLD, lambda w, c: w.calls.hold(c, "a dispute")),
    "calls.release": (Right.HEAR_ORIGINAL, lambda w, c: w.calls.release(c, "I listened")),
    "calls.search": (Right.SEE_TRANSCRIPT, lambda w, _: w.calls.search("complaint")),
    "speakers.swap": (Right.CORRECT_SPEAKERS, lambda w, c: w.speakers.swap(c)),
    "speakers.set_agent": (Right.CORRECT_SPEAKERS, lambda w, c: w.speakers.set_agent(c, 1)),
    "speakers.set_turns": (Right.CORRECT_SPEAKERS, lambda w, c: w.speakers.set_turns(c, [1])),
    "speakers.undo": (Right.CORRECT_SPEAKERS, lambda w, c: w.speakers.undo(c)),
    "elusion.draw": (Right.JUDGE_REDACTION, lambda w, _: w.elusion.draw(0)),
    "elusion.report": (Right.SEE_CALLS, lambda w, _: w.elusion.report()),
    "elusion.next": (Right.JUDGE_REDACTION, lambda w, _: w.elusion.next()),
    "elusion.judge": (Right.JUDGE_REDACTION, lambda w, _: w.elusion.judge(1, 1)),
    "elusion.undo": (Right.JUDGE_REDACTION, lambda w, _: w.elusion.undo()),
    "intake.import_paths": (Right.IMPORT, lambda w, _: w.intake.import_paths([])),
    "intake.import_paths of erased": (
        Right.ERASE,
        lambda w, _: w.intake.import_paths([], even_erased=True),
    ),
    "processing.run": (Right.PROCESS, lambda w, _: w.processing.run(stop=lambda: True)),
    "processing.cancel": (Right.PROCESS, lambda w, c: w.processing.cancel(c)),
    "processing.retry": (Right.PROCESS, lambda w, c: w.processing.retry(c)),
    "processing.retry_failed": (Right.PROCESS, lambda w, _: w.processing.retry_failed()),
    "processing.jobs": (Right.SEE_CALLS, lambda w, _: w.processing.jobs()),
    "requests.ask of erasing": (
        Right.ERASE,
        lambda w, c: w.requests.ask(GuardedAct.ERASE_CALL, c, reason="asked for"),
    ),
    "requests.ask of an export": (
        Right.EXPORT_ORIGINAL,
        lambda w, c: w.requests.ask(GuardedAct.EXPORT_ORIGINAL, c, reason="for the court"),
    ),
    "requests.ask of ending a hold": (
        Right.HOLD,
        lambda w, c: w.requests.ask(GuardedAct.END_HOLD, c, reason="settled"),
    ),
    **{
        f"requests.ask of {act.value}": (
            Right.CONFIGURE,
            lambda w, _, a=act: w.requests.ask(
                a, "retention_days", value="-1", reason="new rules", confirmed=sure(w)
            ),
        )
        for act in (
            GuardedAct.LOWER_RETENTION,
            GuardedAct.ALLOW_ACOUSTICS,
            GuardedAct.RELAX_POLICY,
        )
    },
    "requests.approve": (Right.APPROVE, lambda w, _: w.requests.approve(999, confirmed=sure(w))),
    "requests.ask_retention": (
        Right.ERASE,
        lambda w, _: w.requests.ask_retention("", reason=""),
    ),
    "requests.ask_originals": (
        Right.ERASE,
        lambda w, _: w.requests.ask_originals("", reason=""),
    ),
    "requests.refuse": (Right.APPROVE, lambda w, _: w.requests.refuse(999, "not needed")),
    "requests.withdraw": (ANYBODY, lambda w, _: w.requests.withdraw(999)),
    "requests.list": (ANYBODY, lambda w, _: w.requests.list()),
    "policy.get": (ANYBODY, lambda w, _: w.policy.get()),
    "policy.change": (
        Right.CONFIGURE,
        lambda w, _: w.policy.change("session_hours", "12", confirmed=sure(w)),
    ),
    "vocabulary.get": (Right.CONFIGURE, lambda w, _: w.vocabulary.get()),
    "vocabulary.change": (Right.CONFIGURE, lambda w, _: w.vocabulary.change("Velmora")),
    "teams.list": (Right.MANAGE_PEOPLE, lambda w, _: w.teams.list()),
    "teams.keep": (
        Right.MANAGE_PEOPLE,
        lambda w, _: w.teams.keep("blue", ["Sam"], confirmed=sure(w)),
    ),
    "retention.due": (Right.SEE_CALLS, lambda w, _: w.retention.due()),
    "retention.doubts": (Right.ERASE, lambda w, _: w.retention.doubts()),
    "retention.ask": (Right.ERASE, lambda w, _: w.retention.ask("their time is over")),
    "retention.apply": (Right.ERASE, lambda w, _: w.retention.apply()),
    "originals.state": (Right.SEE_CALLS, lambda w, _: w.originals.state()),
    "originals.ask": (Right.ERASE, lambda w, _: w.originals.ask("as the law says")),
    "originals.destroy": (Right.APPROVE, lambda w, _: w.originals.destroy()),
    "audit.verify": (Right.READ_AUDIT, lambda w, _: w.audit.verify()),
    "audit.entries": (Right.READ_AUDIT, lambda w, _: w.audit.entries()),
    "audit.count": (Right.READ_AUDIT, lambda w, _: w.audit.count()),
    "audit.names": (Right.READ_AUDIT, lambda w, _: w.audit.names()),
    "audit.key": (ANYBODY, lambda w, _: w.audit.key()),
    "audit.key_code": (ANYBODY, lambda w, _: w.audit.key_code()),
    "audit.key_sheet": (ANYBODY, lambda w, _: w.audit.key_sheet()),
    "audit.checkpoint": (Right.EXPORT_AUDIT, lambda w, _: w.audit.checkpoint()),
    "audit.prove_entry": (Right.EXPORT_AUDIT, lambda w, _: w.audit.prove_entry(1)),
    "audit.prove_since": (Right.EXPORT_AUDIT, lambda w, _: w.audit.prove_since(b"none")),
    "audit.export": (Right.EXPORT_AUDIT, lambda w, _: w.audit.export(NO_FOLDER)),
    "audit.doubt": (ANYBODY, lambda w, _: w.audit.doubt()),
    "audit.compare": (ANYBODY, lambda w, _: w.audit.compare()),
    "audit.accept": (
        Right.MANAGE_VAULT,
        lambda w, _: w.audit.accept("restored", confirmed=sure(w)),
    ),
    "people.list": (Right.MANAGE_PEOPLE, lambda w, _: w.people.list()),
    "people.waits": (Right.MANAGE_PEOPLE, lambda w, _: w.people.waits()),
    "people.known_names": (Right.MANAGE_PEOPLE, lambda w, _: w.people.known_names()),
    "people.add": (Right.MANAGE_PEOPLE, lambda w, _: w.people.add(NEW, "short", confirmed=sure(w))),
    "people.change": (Right.MANAGE_PEOPLE, lambda w, _: w.people.change(NEW, confirmed=sure(w))),
    "people.set_state": (
        Right.MANAGE_PEOPLE,
        lambda w, _: w.people.set_state("nobody", PersonState.SUSPENDED, confirmed=sure(w)),
    ),
    "people.set_passphrase of others": (
        Right.MANAGE_PEOPLE,
        lambda w, _: w.people.set_passphrase("owner", "short", confirmed=sure(w)),
    ),
    "people.set_passphrase of oneself": (
        ANYBODY,
        lambda w, _: w.people.set_passphrase(w.session.name.upper(), "short", confirmed=sure(w)),
    ),
    "people.release": (
        Right.MANAGE_PEOPLE,
        lambda w, _: w.people.release("nobody", confirmed=sure(w)),
    ),
    "people.new_second_factor": (ANYBODY, lambda w, _: w.people.new_second_factor()),
    "people.set_second_factor": (
        ANYBODY,
        lambda w, _: w.people.set_second_factor(
            w.people.new_second_factor(), "no code", confirmed=sure(w)
        ),
    ),
    "people.take_second_factor of others": (
        Right.MANAGE_PEOPLE,
        lambda w, _: w.people.take_second_factor("nobody", confirmed=sure(w)),
    ),
    "people.take_second_factor of oneself": (
        ANYBODY,
        lambda w, _: w.people.take_second_factor(w.session.name, confirmed=sure(w)),
    ),
    "people.backup_codes_left": (ANYBODY, lambda w, _: w.people.backup_codes_left()),
    "keys.state": (ANYBODY, lambda w, _: w.keys.state()),
    "keys.remember": (ANYBODY, lambda w, _: w.keys.remember(confirmed=sure(w))),
    "keys.forget": (ANYBODY, lambda w, _: w.keys.forget()),
    "keys.ask_for_computer": (
        Right.MANAGE_VAULT,
        lambda w, _: w.keys.ask_for_computer(wanted=True, confirmed=sure(w)),
    ),
    "keys.new_sheet": (Right.MANAGE_VAULT, lambda w, _: w.keys.new_sheet()),
    "keys.keep_sheet": (
        Right.MANAGE_VAULT,
        lambda w, _: w.keys.keep_sheet("one", "another", confirmed=sure(w)),
    ),
    "keys.rotate": (
        Right.MANAGE_VAULT,
        lambda w, _: w.keys.rotate(confirmed=sure(w)),
    ),
    "backups.make": (Right.MANAGE_VAULT, lambda w, _: w.backups.make(NO_FOLDER)),
    "backups.check": (Right.MANAGE_VAULT, lambda w, _: w.backups.check(NO_FOLDER)),
    "backups.write_erased_list": (
        Right.MANAGE_VAULT,
        lambda w, _: w.backups.write_erased_list(NO_FOLDER),
    ),
    "check": (Right.MANAGE_VAULT, lambda w, _: w.check()),
}
ON_A_CALL = (
    "calls.detail", "calls.muted_audio", "calls.original_audio", "calls.export_original",
    "calls.hold", "speakers.swap", "speakers.set_agent", "speakers.set_turns", "speakers.undo",
    "processing.cancel", "processing.retry", "requests.ask of erasing",
    "requests.ask of an export", "requests.ask of ending a hold",
)  # fmt: skip
WITHOUT_RIGHT = {"info", "session", "close", "sign_in", "confirm", "take_confirmed"}
# These only put into another form, or into a file, what was got by a right before.
FORMS = {
    "audit.checkpoint_file", "audit.checkpoint_text", "audit.checkpoint_sheet", "audit.proof_file",
    "audit.write", "elusion.sheet",
}  # fmt: skip


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """One vault for all that changes nothing."""
    office = Office(tmp_path_factory.mktemp("rights") / "vault", Clock())
    yield office, office.add()
    office.vault.close()


def _needed(name, right):
    beside = {"of words": Right.SEE_CALLS, "of erased": Right.IMPORT}
    also = {other for end, other in beside.items() if name.endswith(end)}
    if right is Right.JUDGE_REDACTION:
        also.add(Right.SEE_TRANSCRIPT)
    return ({right} | also) - {ANYBODY}


def _answer(act, workspace):
    """Return the kind of the error that an act on a missing call ends with, or `None`."""
    try:
        act(workspace, MISSING)
    except AppError as error:
        return type(error)
    return None


@pytest.mark.parametrize("name", TABLE)
@pytest.mark.parametrize("role", PersonRole)
def test_every_act_takes_its_right(shared, quick_workers, role, name):
    office, _ = shared
    right, act = TABLE[name]
    workspace = office.sign_in(f"the {role.value}", role)
    before = office.vault.audit.count()
    answer = _answer(act, workspace)
    missing = _needed(name, right) - ROLES[role]
    assert (answer is NotAllowed) == bool(missing)
    if missing:
        entry = office.newest()
        assert office.vault.audit.count() == before + 1
        assert (entry.actor, entry.act, entry.outcome) == (f"the {role.value}", "denied", "denied")
        assert entry.subject in {one.value for one in missing}


def test_the_table_holds_every_public_method_and_every_right(shared):
    office, _ = shared
    workspace = office.sign_in("somebody")
    parts = {name: part for name, part in vars(workspace).items() if not name.startswith("_")}
    methods = {
        f"{name}.{method}"
        for name, part in parts.items()
        if name != "session"
        for method, _ in inspect.getmembers(part, inspect.ismethod)
        if not method.startswith("_")
    }
    own = {name for name in vars(Workspace) if not name.startswith("_")} - WITHOUT_RIGHT
    assert (methods - FORMS) | own == {name.partition(" ")[0] for name in TABLE}
    assert {right for right, _ in TABLE.values()} - {ANYBODY} == set(Right)


def _takes_typing(name, workspace, confirmed, monkeypatch):
    """Return whether an act of the table asks for the passphrase, where `confirmed` is given."""
    monkeypatch.setattr("tests.unit.workspace.test_rights.sure", lambda _: confirmed)
    try:
        TABLE[name][1](workspace, MISSING)
    except NotAllowed as error:
        return "typed again" in error.sentence
    except AppError:
        return False
    return False


def test_the_acts_for_which_the_passphrase_is_typed_again_are_those_of_the_list(
    shared, quick_workers, monkeypatch
):
    office, _ = shared
    w = office.sign_in("careless", granted=set(Right))
    asks = {name for name in TABLE if _takes_typing(name, w, None, monkeypatch)}
    assert asks == set(TYPED_AGAIN)


@pytest.mark.parametrize("name", TYPED_AGAIN)
def test_what_was_typed_counts_in_its_session_and_as_long_as_the_list_says(
    shared, monkeypatch, name
):
    office, _ = shared
    w = office.sign_in("careful", granted=set(Right))
    before_locking = sure(office.sign_in("careful", granted=set(Right)))
    lasts = TYPED_AGAIN[name] or timedelta(hours=11)
    now = w.session.now()
    late = Confirmed(w.session, replace(now, at=now.at - lasts))
    in_time = Confirmed(w.session, replace(now, at=now.at - lasts + timedelta(seconds=1)))
    assert _takes_typing(name, w, before_locking, monkeypatch)
    assert _takes_typing(name, w, late, monkeypatch) == (TYPED_AGAIN[name] is not None)
    assert not _takes_typing(name, w, in_time, monkeypatch)


def test_a_grant_is_enough_and_a_grant_alone_is_nothing_more(shared, quick_workers):
    office, _ = shared
    for name, (right, act) in TABLE.items():
        workspace = office.sign_in("granted", granted=_needed(name, right))
        assert _answer(act, workspace) is not NotAllowed, name


@pytest.mark.parametrize("name", ON_A_CALL)
def test_without_the_right_an_existing_and_a_missing_call_get_the_same_answer(shared, name):
    office, call = shared
    right, act = TABLE[name]
    workspace = office.sign_in("nearly", granted=set(Right) - {right})
    answers = set()
    entries = set()
    for subject in (call, MISSING, "no id at all"):
        with pytest.raises(AppError) as refused:
            act(workspace, subject)
        answers.add((type(refused.value), refused.value.sentence, refused.value.advice))
        entry = office.newest()
        entries.add((entry.actor, entry.act, entry.subject, entry.outcome))
    assert {kind for kind, _, _ in answers} == {NotAllowed}
    assert (len(answers), len(entries)) == (1, 1)
    assert call not in repr(entries)


@pytest.mark.parametrize("name", ON_A_CALL)
def test_with_the_right_a_missing_call_is_not_found(shared, name):
    office, _ = shared
    with pytest.raises(CallNotFound):
        TABLE[name][1](office.sign_in("all", granted=set(Right)), MISSING)


def test_nothing_is_done_after_the_session_has_ended(office, quick_workers):
    call = office.add()
    workspace = office.sign_in("all", granted=set(Right))
    office.clock.move(hours=12)
    before = office.vault.audit.count()
    for _, act in TABLE.values():
        with pytest.raises(SessionEnded):
            act(workspace, call)
    assert office.vault.audit.count() == before
    assert timedelta(hours=12) == office.clock() - workspace.session.started_at


def test_a_person_without_the_transcript_sees_evidence_without_words(office):
    call = office.add()
    auditor = office.sign_in("ada", PersonRole.AUDITOR)
    reviewer = office.sign_in("rob", PersonRole.REVIEWER)
    whole = analysed_call().analysis
    assert reviewer.calls.detail(call).analysis == whole
    found = auditor.calls.detail(call).analysis
    assert "complaint about" not in repr(found)
    assert "[CARD-1]" not in repr(found)
    assert (found.flags, found.findings, found.score) == (whole.flags, whole.findings, whole.score)
    waiting = office.add(b"two", analysed=False)
    assert auditor.calls.detail(waiting).analysis is None


def test_every_look_is_an_entry_under_the_name_of_the_person(office):
    call = office.add(b"sound")
    workspace = office.sign_in("sue", PersonRole.SUPERVISOR)
    workspace.calls.detail(call)
    assert workspace.calls.muted_audio(call) == analysed_call().muted_audio
    assert workspace.calls.original_audio(call) == b"sound"
    workspace.calls.search("complaint")
    entries = office.vault.audit.entries(limit=4)[::-1]
    assert [(e.act, e.subject, e.outcome) for e in entries] == [
        ("call.view", call, "ok"),
        ("call.listen", call, "ok"),
        ("call.listen-original", call, "ok"),
        ("calls.search", "", "1 hit"),
    ]
    assert {entry.actor for entry in entries} == {"sue"}


def test_every_export_is_an_entry_that_names_its_approval(office):
    call = office.add(b"sound")
    sue = office.sign_in("sue", PersonRole.SUPERVISOR)
    request = sue.requests.ask(GuardedAct.EXPORT_ORIGINAL, call, reason="for the court")
    pia = office.sign_in("pia", PersonRole.PRIVACY_OFFICER)
    pia.requests.approve(request.number, confirmed=sure(pia))
    assert sue.calls.export_original(call) == b"sound"
    entry = office.newest()
    assert (entry.actor, entry.act, entry.subject, entry.outcome) == (
        "sue", "call.export-original", call, f"request {request.number}",
    )  # fmt: skip


def test_every_failed_sign_in_is_an_entry(office):
    workspace = office.sign_in("owner", *PersonRole)
    before = office.vault.audit.count()
    for name in ("owner", "owner", "nobody"):
        with pytest.raises(WrongPassphrase):
            workspace.sign_in("not the right one at all", name=name)
    workspace.sign_in(PASSPHRASE, name="owner")
    entries = office.vault.audit.entries(limit=office.vault.audit.count() - before)
    failed = {(e.actor, e.outcome) for e in entries if e.act == "sign-in.failed"}
    assert failed == {("owner", "2 times"), ("unknown", "once")}


def test_a_list_of_a_customers_calls_is_a_search_and_takes_a_right(office):
    office.add(customer_reference="C-7")
    asked = CallQuery(customer="C-7")
    workspace = office.sign_in("sue", PersonRole.SUPERVISOR)
    before = office.vault.audit.count()
    workspace.calls.count(asked)
    workspace.calls.page(asked, offset=0, limit=1)
    assert office.vault.audit.count() == before + 1
    entry = office.newest()
    assert (entry.act, entry.outcome) == ("calls.search", "0 hits")
    assert "C-7" not in repr(entry) + repr(asked)
    with pytest.raises(NotAllowed):
        office.sign_in("adam", PersonRole.ADMINISTRATOR).calls.count(asked)


def test_a_list_of_words_is_a_search_and_an_entry_once(office):
    call = office.add()
    workspace = office.sign_in("sue", PersonRole.SUPERVISOR)
    before = office.vault.audit.count()
    assert workspace.calls.count(WORDS) == 1
    for offset in (0, 1):
        workspace.calls.page(WORDS, offset=offset, limit=1)
    assert office.vault.audit.count() == before + 1
    entry = office.newest()
    assert (entry.act, entry.outcome) == ("calls.search", "1 hit")
    assert "complaint" not in repr(entry)
    workspace.calls.count(CallQuery(text="zebra"))
    workspace.calls.count(WORDS)
    workspace.calls.count(LIST)
    assert workspace.calls.page(WORDS, offset=0, limit=9)[0].id == call
    assert office.vault.audit.count() == before + 3


def test_the_log_is_exported_as_a_whole_with_its_own_export(office, tmp_path):
    office.add()
    workspace = office.sign_in("ada", PersonRole.AUDITOR)
    checkpoint = workspace.audit.export(tmp_path / "log")
    _, *lines = (tmp_path / "log" / "audit.jsonl").read_text(encoding="utf-8").splitlines()
    log = [json.loads(line) for line in lines]
    assert [entry["number"] for entry in log] == list(range(1, checkpoint.size + 1))
    assert (log[-1]["actor"], log[-1]["act"]) == ("ada", "audit.export")
