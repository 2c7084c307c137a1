"""Signing in to a vault that is open already, as the window does behind its lock."""

from __future__ import annotations

import pytest

from app.access import Session
from app.config import Settings
from app.domain import Person, PersonName, PersonRole, PersonState, Right
from app.engine.wire import Places
from app.errors import (
    CodeNeeded,
    KeyringRefused,
    NameNeeded,
    NotAllowed,
    PersonSuspended,
    SignInDelayed,
    WrongPassphrase,
)
from app.storage import keys, remembered, totp, vault
from app.workspace import Workspace
from tests.unit.storage.test_remembered import Memory
from tests.unit.workspace.conftest import sure

OWN, HERS = "a passphrase for testing", "another passphrase for testing"
RITA = Person(name=PersonName("Rita"), roles=frozenset({PersonRole.REVIEWER}))


@pytest.fixture
def first(tmp_path, clock):
    opened = vault.create(tmp_path / "vault", OWN, cost=keys.LOWEST_COST, clock=clock)
    opened.people.add(RITA, HERS, actor="owner", cost=keys.LOWEST_COST)
    session = Session(opened.person, clock(), opened.policy.get(), clock)
    yield Workspace(opened, session, Settings(), Places(resources="", packs=""))
    opened.close()


def acts(workspace, count=3):
    return [entry.act for entry in workspace.audit.entries(limit=count)]


def test_another_person_comes_in_with_their_own_rights(first, clock):
    second = first.sign_in(HERS, name="Rita")
    assert second.session.name == "Rita"
    assert second.session.rights == frozenset(
        {Right.SEE_CALLS, Right.SEE_EVIDENCE, Right.SEE_TRANSCRIPT, Right.HEAR_MUTED}
    )
    with pytest.raises(NotAllowed):
        second.people.list()
    assert first.people.list(), "who was here before goes on"
    assert first.audit.entries(limit=3)[0].act == "denied"
    assert first.audit.entries(limit=3)[1].actor == "Rita"


def test_what_is_cancelled_by_one_ends_in_the_run_of_the_other(first):
    second = first.sign_in(OWN, name="owner")
    assert second.processing._cancelled is first.processing._cancelled


def test_a_wrong_passphrase_opens_nothing_and_is_told_at_the_next_sign_in(first):
    for _ in range(2):
        with pytest.raises(WrongPassphrase):
            first.sign_in("not the right one at all", name="Rita")
    with pytest.raises(WrongPassphrase):
        first.sign_in(HERS, name="nobody")
    with pytest.raises(NameNeeded):
        first.sign_in(HERS)
    first.sign_in(HERS, name="rita")
    assert acts(first)[0] == "vault.open"
    assert "sign-in.failed" in acts(first)
    first.calls.totals()


def test_waiting_holds_here_too(first, clock):
    for _ in range(5):
        with pytest.raises(WrongPassphrase):
            first.sign_in("not the right one at all", name="Rita")
    with pytest.raises(SignInDelayed):
        first.sign_in(HERS, name="Rita")
    clock.move(seconds=31)
    assert first.sign_in(HERS, name="Rita").session.name == "Rita"


def test_who_is_suspended_or_lacks_the_code_stays_out(first, clock):
    secret = totp.new_secret()
    code = totp._totp(secret).generate(int(clock().timestamp())).decode()
    first._vault.second_factors.set_up(RITA, secret, code, actor="Rita")
    with pytest.raises(CodeNeeded):
        first.sign_in(HERS, name="Rita")
    clock.move(seconds=30)
    later = totp._totp(secret).generate(int(clock().timestamp())).decode()
    assert first.sign_in(HERS, name="Rita", code=later).session.name == "Rita"
    first.people.set_state("Rita", PersonState.SUSPENDED, confirmed=sure(first))
    with pytest.raises(PersonSuspended):
        first.sign_in(HERS, name="Rita", code=later)


def test_a_new_session_begins_and_the_vault_closes_for_all(first, clock):
    clock.move(hours=11)
    second = first.sign_in(OWN, name="owner")
    clock.move(hours=2)
    second.calls.totals()
    second.close()
    assert not any(first._vault._key._secret)


def test_what_is_erased_by_one_ends_what_runs_for_the_other(first):
    second = first.sign_in(HERS, name="Rita")
    assert second.requests._ended is first.requests._ended
    assert second.retention._ended is first.retention._ended
    assert second.policy._requests is second.retention._requests is second.requests


def test_the_keyring_remembers_nobody_but_who_signed_in_last(first, monkeypatch):
    monkeypatch.setattr(remembered, "system_keyring", lambda: remembered.Keyring(Memory()))
    first.sign_in(HERS, name="Rita")
    with pytest.raises(KeyringRefused):
        first.keys.remember(confirmed=first.confirm(OWN))
