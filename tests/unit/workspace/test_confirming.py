"""What lets somebody in is changed by who types their passphrase, not by who finds a screen."""

from __future__ import annotations

import pytest

from app.access import Session
from app.config import Settings
from app.domain import Person, PersonName, PersonRole, PersonState
from app.engine.wire import Places
from app.errors import (
    CodeNeeded,
    NotAllowed,
    PersonSuspended,
    SessionEnded,
    SignInDelayed,
    WrongCode,
    WrongPassphrase,
)
from app.storage import keys, remembered, totp, vault
from app.storage.remembered import Keyring
from app.workspace import Workspace
from app.workspace.gate import Confirmed
from tests.unit.storage.test_remembered import Memory

OWN, NEW = "a passphrase for testing", "two tin drums under the stairs"


@pytest.fixture
def owner(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(vault, "calibrated", lambda: keys.LOWEST_COST)
    keyring = Keyring(Memory())
    monkeypatch.setattr(remembered, "system_keyring", lambda: keyring)
    opened = vault.create(tmp_path / "vault", OWN, cost=keys.LOWEST_COST, clock=clock)
    session = Session(opened.person, clock(), opened.policy.get(), clock)
    yield Workspace(opened, session, Settings(), Places(resources="", packs=""), typed=True)
    opened.close()


def code_of(secret, clock):
    return totp._totp(secret).generate(int(clock().timestamp())).decode()


def acts(clock):
    """What changes who comes in, each as somebody at an unlocked screen would do it."""

    def factor(w, confirmed):
        new = w.people.new_second_factor()
        w.people.set_second_factor(new, code_of(new.secret, clock), confirmed=confirmed)

    def sheet(w, confirmed):
        shown = w.keys.new_sheet()
        w.keys.keep_sheet(shown, shown, confirmed=confirmed)

    name = "OWNER"
    return {
        "sheet": sheet,
        "computer": lambda w, c: w.keys.ask_for_computer(wanted=True, confirmed=c),
        "any computer": lambda w, c: w.keys.ask_for_computer(wanted=False, confirmed=c),
        "rotate": lambda w, c: w.keys.rotate(confirmed=c),
        "factor": factor,
        "no factor": lambda w, c: w.people.take_second_factor(name, confirmed=c),
        "passphrase": lambda w, c: w.people.set_passphrase(name, NEW, confirmed=c),
    }


def test_an_unlocked_screen_gives_nobody_a_way_in(owner, clock):
    header, count = owner._vault._header.now, owner._vault.audit.count()
    for act in acts(clock).values():
        for confirmed in (None, Confirmed(PersonName("somebody else"))):
            with pytest.raises(NotAllowed, match="typed again"):
                act(owner, confirmed)
    with pytest.raises(NotAllowed):
        owner.keys.remember(confirmed=None)
    assert (owner._vault._header.now, owner._vault.audit.count()) == (header, count)
    assert not owner.people.me.second_factor


def test_who_types_the_passphrase_and_the_code_may_do_all_of_it(owner, clock):
    done = acts(clock)
    for name in ("sheet", "computer", "any computer", "rotate", "factor"):
        done[name](owner, owner.confirm(OWN))
    assert owner.people.me.second_factor
    with owner._vault._database.reader() as reading:
        secret = reading.one("SELECT totp FROM people")[0]
    for wrong, error in (("", CodeNeeded), ("000000", WrongCode)):
        with pytest.raises(error):
            owner.confirm(OWN, code=wrong)
        refused = owner.audit.entries(limit=1)[0]
        assert (refused.actor, refused.act, refused.outcome) == (
            "owner", "confirm.refused", error.code,
        )  # fmt: skip
    clock.move(seconds=30)
    code = code_of(secret, clock)
    confirmed = owner.confirm(OWN, code=code)
    with pytest.raises(WrongCode):  # a code counts once
        owner.confirm(OWN, code=code)
    done["no factor"](owner, confirmed)
    done["passphrase"](owner, owner.confirm(OWN))
    with pytest.raises(WrongPassphrase):
        owner.confirm(OWN)
    owner.confirm(NEW)


def test_guessing_here_gets_slow_and_is_told(owner, clock):
    for _ in range(5):
        with pytest.raises(WrongPassphrase):
            owner.confirm("not the right one at all")
    with pytest.raises(SignInDelayed):
        owner.confirm(OWN)
    clock.move(seconds=31)
    owner.confirm(OWN)
    told = owner.audit.entries(limit=1)[0]
    assert (told.actor, told.act, told.outcome) == ("owner", "sign-in.failed", "5 times")


def test_nobody_confirms_after_their_session_or_who_was_suspended(owner, clock):
    rita = Person(name=PersonName("Rita"), roles=frozenset({PersonRole.REVIEWER}))
    owner.people.add(rita, NEW)
    hers = owner.sign_in(NEW, name="Rita")
    owner.people.set_state("Rita", PersonState.SUSPENDED)
    with pytest.raises(PersonSuspended):
        hers.confirm(NEW)
    clock.move(hours=13)
    with pytest.raises(SessionEnded):
        owner.confirm(OWN)


def test_the_passphrase_that_was_typed_to_get_in_counts_once(owner):
    confirmed = owner.take_confirmed()
    assert owner.take_confirmed() is None
    owner.people.set_passphrase("owner", NEW, confirmed=confirmed)
    beside = owner.sign_in(NEW, name="owner")
    assert beside.take_confirmed() == confirmed
