"""What is offered to whom, and how people, rules and the audit log read."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtGui import QImage

from app.access import ACTS, FOUNDER, ROLES, SETTINGS, Session, setting_text
from app.domain import (
    EARLIER_ORIGINALS,
    ApprovalRequest,
    AuditCheck,
    AuditEntry,
    GuardedAct,
    KeysState,
    KnownNames,
    OriginalsRule,
    OriginalsState,
    Person,
    PersonName,
    PersonRole,
    PersonState,
    Policy,
    RequestState,
    Right,
    Scope,
    Sha256,
    VaultInfo,
)
from app.errors import CodeNeeded, SignInDelayed, WrongCode, WrongPassphrase
from app.ui import account_page, audit_words, originals, people_words, retention_tab, rights
from app.ui.audit_page import export_folder
from app.ui.call_acts import CallAct, acts, suggested_name, told
from app.ui.first_steps import sheet_paper
from app.ui.paper import draw, grouped
from app.ui.people_tab import PersonAct, cells
from app.ui.people_tab import acts as person_acts
from app.ui.person_dialog import named
from app.ui.rights import Page, Tab
from app.ui.rules_tab import told as rules_told
from app.ui.secret_dialogs import typed_secret
from app.ui.teams_tab import agents
from app.ui.unlock_page import SignIn, keeps_passphrase

NOW = datetime(2026, 3, 12, 14, 2, tzinfo=UTC)
RITA = Person(name=PersonName("Rita"), roles=frozenset({PersonRole.REVIEWER}))
SOME_RIGHTS = st.frozensets(st.sampled_from(Right))


def session(*roles: PersonRole, name: str = "Rita", policy: Policy | None = None) -> Session:
    person = Person(name=PersonName(name), roles=frozenset(roles))
    return Session(person, NOW, policy or Policy(), lambda: NOW)


def request(**changes: object) -> ApprovalRequest:
    known: dict[str, object] = {
        "number": 3,
        "act": GuardedAct.ERASE_CALL,
        "subject": "0191148930a1b2c3" * 2,
        "value": "",
        "reason": "asked for",
        "asked_by": PersonName("Priya"),
        "asked_at": "2026-03-12T14:02:00",
        "state": RequestState.OPEN,
    }
    return ApprovalRequest(**(known | changes))  # type: ignore[arg-type]


def test_every_word_of_the_domain_has_words_of_the_window() -> None:
    assert set(people_words.ROLES) == set(PersonRole)
    assert set(people_words.RIGHTS) == set(Right)
    assert set(people_words.ACTS_SAID) == set(GuardedAct)
    assert set(people_words.STATES) == set(PersonState)
    assert set(people_words.SETTINGS) == set(SETTINGS)


def test_every_act_of_the_audit_log_has_words() -> None:
    code = re.compile(r"""act="([a-z.-]+)"|[(,]\s*"((?:key|person|vault|call)\.[a-z-]+)\"""")
    sources = (Path(people_words.__file__).parents[1] / part for part in ("storage", "workspace"))
    found = {
        one or other
        for folder in sources
        for path in folder.glob("*.py")
        for one, other in code.findall(path.read_text(encoding="utf-8"))
    }
    assert len(found) > 30
    assert found - set(audit_words._ACTS) == set()
    assert audit_words.act("something.new-here") == "Something: new here"


@pytest.mark.parametrize(
    ("role", "pages"),
    [
        (PersonRole.ADMINISTRATOR, set(Page) - {Page.JUDGING}),
        (PersonRole.REVIEWER, {Page.CALLS, Page.QUEUE, Page.ACCOUNT}),
        (PersonRole.SUPERVISOR, set(Page) - {Page.AUDIT}),
        (PersonRole.AUDITOR, {Page.CALLS, Page.QUEUE, Page.AUDIT, Page.ACCOUNT}),
        (PersonRole.PRIVACY_OFFICER, set(Page)),
    ],
)
def test_pages_follow_the_rights_of_a_role(role: PersonRole, pages: set[Page]) -> None:
    assert set(rights.pages(ROLES[role])) == pages


@given(SOME_RIGHTS)
def test_a_page_is_offered_exactly_where_something_is_on_it(held: frozenset[Right]) -> None:
    offered = rights.pages(held)
    assert offered[-1] is Page.ACCOUNT
    assert (Page.PEOPLE in offered) == bool(rights.tabs(held))
    assert (Tab.PEOPLE in rights.tabs(held)) == (Right.MANAGE_PEOPLE in held)
    assert (Tab.RETENTION in rights.tabs(held)) == (Right.ERASE in held)
    assert not rights.may(None, *held)


def test_who_lacks_a_code_finds_the_account_only() -> None:
    wanted = Policy(second_factor=frozenset({PersonRole.REVIEWER}))
    assert rights.first_page(session(PersonRole.REVIEWER, policy=wanted)) is Page.ACCOUNT
    assert rights.first_page(session(PersonRole.REVIEWER)) is Page.CALLS


@pytest.mark.parametrize("act", GuardedAct)
def test_nobody_decides_on_what_they_asked_for(act: GuardedAct) -> None:
    founder = session(*FOUNDER, name="priya")
    other = session(*FOUNDER, name="Otto")
    open_one = request(act=act)
    assert not rights.may_decide(founder, open_one), "case does not make another person"
    assert rights.may_withdraw(founder, open_one)
    assert rights.may_decide(other, open_one) == (ACTS[act].approves <= other.rights)
    assert not rights.may_withdraw(other, open_one)
    done = replace(open_one, state=RequestState.APPROVED)
    assert not rights.may_decide(other, done)
    assert not rights.may_withdraw(founder, done)


@given(SOME_RIGHTS)
def test_who_hears_originals_releases_what_is_held_back(held: frozenset[Right]) -> None:
    release = {CallAct.RELEASE, CallAct.SILENCE}
    offered = acts(held, on_hold=False, export_approved=False, held_back=True)
    assert (release & set(offered)) == (release if Right.HEAR_ORIGINAL in held else set())
    assert not release & set(acts(held, on_hold=False, export_approved=False))


@given(SOME_RIGHTS, st.booleans())
def test_an_original_that_is_destroyed_is_neither_asked_for_nor_saved(
    held: frozenset[Right], approved: bool
) -> None:
    offered = acts(held, on_hold=False, export_approved=approved, destroyed=True)
    assert not {CallAct.EXPORT, CallAct.SAVE} & set(offered)


def test_how_it_stands_with_originals_is_said_in_words() -> None:
    state = OriginalsState(rule=OriginalsRule.DESTROY, destroyed=1, due=0, earlier=0)
    assert originals.rule(state) == "Originals are destroyed once the muted sound is proven."
    assert originals.numbers(state) == "1 original is destroyed so far."
    more = originals.numbers(replace(state, destroyed=0, due=2, earlier=1))
    assert more == (
        "0 originals are destroyed so far. 2 more will be: of calls that are on hold, held back,"
        " being analysed, or damaged. 1 call from before the rule keeps its own."
    )
    kept = replace(state, rule=OriginalsRule.KEEP_SEALED, earlier=5)
    assert originals.rule(kept) == "Originals are kept sealed."
    assert "before the rule" not in originals.numbers(kept)
    asked = request(subject=EARLIER_ORIGINALS, value="2026-03-01T09:00:00.000Z")
    assert people_words.request(asked).startswith("Destroy originals: calls analysed before 1 Mar")
    assert not people_words.names_a_call(asked)


@given(SOME_RIGHTS, st.booleans(), st.booleans())
def test_acts_on_a_call(held: frozenset[Right], on_hold: bool, approved: bool) -> None:
    offered = acts(held, on_hold=on_hold, export_approved=approved)
    assert not {CallAct.HOLD, CallAct.END_HOLD} <= set(offered)
    assert (CallAct.ERASE in offered) == (Right.ERASE in held and not on_hold)
    assert (CallAct.SAVE in offered) == (Right.EXPORT_ORIGINAL in held and approved)
    if not held & {Right.HOLD, Right.ERASE, Right.EXPORT_ORIGINAL}:
        assert offered == []


def test_what_became_of_what_was_asked_for() -> None:
    assert "second person" in told(request())[0]
    assert told(request(state=RequestState.APPROVED))[0] == "The call is erased."
    assert rules_told(1, 0) == "1 rule changed."
    assert rules_told(2, 1) == "2 rules changed. 1 change waits for a second person."
    assert rules_told(0, 2) == "2 changes wait for a second person."


@pytest.mark.parametrize(
    ("given_name", "offered"),
    [("a.wav", "a.wav"), ("../../x.wav", "x.wav"), ("C:\\x\\y.mp3", "y.mp3"), ("", "recording")],
)
def test_an_original_is_saved_under_its_name_and_never_a_path(
    given_name: str, offered: str
) -> None:
    assert suggested_name(given_name) == offered


def test_what_can_be_done_about_a_person() -> None:
    assert person_acts(None, own=False) == []
    assert person_acts(replace(RITA, state=PersonState.REMOVED), own=False) == []
    offered = person_acts(RITA, own=False)
    assert PersonAct.SUSPEND in offered
    assert PersonAct.NO_CODE not in offered
    assert PersonAct.NO_CODE in person_acts(replace(RITA, second_factor=True), own=False)
    suspended = person_acts(replace(RITA, state=PersonState.SUSPENDED), own=False)
    assert PersonAct.RESTORE in suspended
    assert PersonAct.SUSPEND not in suspended
    own = set(person_acts(RITA, own=True))
    assert own == {PersonAct.CHANGE, PersonAct.RENEW}


def test_people_and_scopes_in_words() -> None:
    limited = Scope(limited=True, queues=("Billing",), teams=("North",))
    shown = replace(RITA, scope=limited, granted=frozenset({Right.HOLD}), added_at="2026-03-12")
    assert cells(shown, None, NOW)[:5] == (
        "Rita",
        "Reviewer + 1 right",
        "queue Billing, team North",
        "no",
        "active",
    )
    waits = people_words.state(RITA, "2026-03-12T14:16:00.500Z", NOW)
    assert re.fullmatch(r"active, waits 15 min, until \d\d:\d\d", waits)
    known = KnownNames(queues=("Billing",))
    remark = people_words.unknown(limited, known)
    assert remark == "No team is known by the name North yet; nor any other."
    assert people_words.unknown(Scope(limited=True, queues=("BILLING",)), known) == ""
    assert people_words.scope(Scope()) == "all calls"
    assert people_words.scope(Scope(limited=True)) == "no calls"
    nobody = replace(RITA, roles=frozenset())
    assert people_words.roles(nobody) == "no role"
    assert people_words.rights(frozenset()) == "You may do nothing here yet."
    may = people_words.rights(frozenset({Right.ERASE, Right.HOLD}))
    assert may == "You may place and end legal holds; erase calls."


def test_requests_in_words() -> None:
    assert people_words.request(request()) == "Erase a call: 01911489"
    keep = request(act=GuardedAct.LOWER_RETENTION, subject="retention_days", value="730")
    assert people_words.request(keep) == "Keep calls for 730 days"
    relax = request(act=GuardedAct.RELAX_POLICY, subject="two_persons", value="erase-call,end-hold")
    assert people_words.request(relax) == ("Needs a second person: erase a call, end a legal hold")
    assert people_words.request_details(request()).endswith("waits for a decision")
    at_once = request(state=RequestState.APPROVED, decided_at="2026-03-12T14:02:00")
    assert "no second person" in people_words.request_details(at_once)
    refused = replace(at_once, state=RequestState.REFUSED, decided_by=PersonName("Adam"))
    assert "refused by Adam" in people_words.request_details(refused)
    used = people_words.request_details(replace(refused, used_at="2026-03-12T14:02:00"))
    assert "used 12 Mar 2026" in used


def test_values_in_words() -> None:
    assert people_words.value("retention_days", "0") == "as long as nobody erases them"
    assert people_words.value("lock_after_minutes", "1") == "1 minute"
    assert people_words.value("acoustic_analysis", "true") == "on"
    assert people_words.value("second_factor", "none") == "nobody"
    assert people_words.value("two_persons", "none") == "none"


def test_changed_rules_and_whether_they_take_a_reason() -> None:
    policy = Policy()
    stricter = replace(policy, lock_after_minutes=3, session_hours=2)
    changed = people_words.changes(policy, stricter)
    assert changed == [("lock_after_minutes", "3"), ("session_hours", "2")]
    assert not people_words.needs_reason(policy, changed)
    for wanted in (
        replace(policy, retention_days=30),
        replace(policy, acoustic_analysis=True),
        replace(policy, two_persons=frozenset()),
    ):
        assert people_words.needs_reason(policy, people_words.changes(policy, wanted))
    assert people_words.changes(policy, policy) == []
    assert setting_text(policy, "two_persons")


def test_audit_entries_in_words() -> None:
    entry = AuditEntry(
        number=1234,
        at="2026-03-12T14:02:00",
        actor="Rita",
        act="call.view",
        subject="x",
        outcome="ok",
        reason="",
        previous=Sha256(""),
        hash=Sha256(""),
    )
    shown = [audit_words.cell(entry, column) for column in range(len(audit_words.COLUMNS))]
    assert shown == ["1,234", "12 Mar 2026, 14:02", "Rita", "Call looked at", "x", "ok", ""]
    assert audit_words.count(1, narrowed=False) == "1 entry"
    assert audit_words.count(2, narrowed=True) == "2 entries found"
    assert export_folder(Path("a"), NOW) == Path("a/audit-log-2026-03-12-140200")


def test_only_a_code_is_asked_for_again_where_the_passphrase_was_right() -> None:
    assert keeps_passphrase(CodeNeeded("x"), code_shown=False)
    assert keeps_passphrase(WrongCode("x"), code_shown=True)
    assert keeps_passphrase(SignInDelayed("x"), code_shown=True)
    assert not keeps_passphrase(SignInDelayed("x"), code_shown=False)
    assert not keeps_passphrase(WrongPassphrase("x"), code_shown=True)


def test_what_was_typed_is_not_in_a_log_by_mistake() -> None:
    typed = SignIn("Rita", "seven quiet herons", "123456")
    assert "herons" not in repr(typed)
    assert "123456" not in repr(typed)


def test_texts_for_paper() -> None:
    assert grouped("AB-CD-EF-GH", 3) == ("AB-CD-EF", "GH")
    uri = "otpauth://totp/X:y?digits=6&secret=ABCDEFGHIJKLMNOPQRSTUVWX&issuer=X"
    assert typed_secret(uri) == ("ABCD EFGH IJKL MNOP", "QRST UVWX")
    assert typed_secret("otpauth://totp/X") == ()
    assert agents(" A. Osei \n\nA. Osei\nP. Novak") == ("A. Osei", "P. Novak")
    assert named(" Billing, ,Complaints ") == ("Billing", "Complaints")


def test_the_account_in_words() -> None:
    without = KeysState(asks_for_computer=False, has_recovery_sheet=False)
    account = account_page.Account(RITA, without, 0)
    assert "alone" in account_page.second_factor(account)
    with_code = replace(account, me=replace(RITA, second_factor=True), backup_codes=7)
    assert "7 backup codes are left" in account_page.second_factor(with_code)
    one_code = replace(with_code, backup_codes=1)
    assert "1 backup code is left" in account_page.second_factor(one_code)
    assert account_page.change_of_keys(without) == ""
    assert "unlock" in account_page.change_of_keys(replace(without, change_waits=True))
    hindered = replace(without, change_waits=True, hindrance="It waits: the disk is full.")
    assert account_page.change_of_keys(hindered) == "It waits: the disk is full."
    assert "no recovery sheet" in account_page.sheet(without)
    assert "A new one" in account_page.sheet(replace(without, has_recovery_sheet=True))


def test_a_sheet_is_drawn_in_black_on_white_with_all_that_is_on_it(qapp: object) -> None:
    vault = VaultInfo(id="1f" * 16, folder=Path("v"), demo=False, created_at="2026-03-12T14:02:00")
    paper = sheet_paper("ABCD-EFGH-IJKL-MNOP", vault)
    assert paper.lines == ("ABCD-EFGH-IJKL", "MNOP")
    assert "Vault 1f1f1f1f, made 12 Mar 2026" in paper.purpose
    page = QImage(827, 1169, QImage.Format.Format_Grayscale8)
    page.fill(255)
    draw(paper, page)
    dark = sum(byte < 128 for byte in bytes(page.constBits()))
    assert 20_000 < dark < 200_000
    assert "ABCD" not in repr(paper)


@pytest.mark.parametrize(
    ("due", "said"),
    [
        (retention_tab.Due(), "Calls are kept for as long as nobody erases them."),
        (retention_tab.Due(days=1), "Calls are kept for 1 day."),
        (retention_tab.Due(days=365), "Calls are kept for 365 days."),
    ],
)
def test_the_tab_says_how_long_calls_are_kept(due: retention_tab.Due, said: str) -> None:
    assert retention_tab.kept(due) == said


@pytest.mark.parametrize(
    ("calls", "said"),
    [
        (0, "No call is older than that, or those that are older are on legal hold."),
        (1, "1 call is older than that and not on legal hold."),
        (2, "2 calls are older than that and not on legal hold."),
    ],
)
def test_the_tab_says_how_many_calls_are_due(calls: int, said: str) -> None:
    assert retention_tab.older(retention_tab.Due(days=9, calls=calls)) == said


@pytest.mark.parametrize("ok", [True, False])
def test_a_log_that_is_good_is_said_not_to_show_everything(*, ok: bool) -> None:
    check = AuditCheck(entries=3, ok=ok, first_bad=None if ok else 3, sentence="So it is.")
    said = audit_words.verdict(check)
    assert said.startswith("So it is.")
    assert ("only by a checkpoint" in said) == ok
