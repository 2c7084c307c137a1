"""What lets somebody in is changed by who types their passphrase, not by who finds a screen."""

from __future__ import annotations

from dataclasses import replace

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
from tests.unit.storage.test_remembered import Memory
from tests.unit.workspace.conftest import sure

PLACES = Places(resources="", packs="")
OWN, NEW = "a passphrase for testing", "two tin drums under the stairs"


@pytest.fixture
def owner(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(vault, "calibrated", lambda: keys.LOWEST_COST)
    keyring = Keyring(Memory())
    monkeypatch.setattr(remembered, "system_keyring", lambda: keyring)
    opened = vault.create(tmp_path / "vault", OWN, cost=keys.LOWEST_COST, clock=clock)
    session = Session(opened.person, clock(), opened.policy.get(), clock)
    yield Workspace(opened, session, Settings(), PLACES, typed=True)
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
    somebody = Workspace(owner._vault, replace(owner.session), Settings(), PLACES)
    header, count = owner._vault._header.now, owner._vault.audit.count()
    for act in acts(clock).values():
        for confirmed in (None, sure(somebody)):
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
    owner.people.add(rita, NEW, confirmed=sure(owner))
    hers = owner.sign_in(NEW, name="Rita")
    owner.people.set_state("Rita", PersonState.SUSPENDED, confirmed=sure(owner))
    with pytest.raises(PersonSuspended):
        hers.confirm(NEW)
    clock.move(hours=13)
    with pytest.raises(SessionEnded):
        owner.confirm(OWN)


def test_the_passphrase_that_was_typed_to_get_in_counts_once_and_for_minutes(owner, clock):
    confirmed = owner.take_confirmed()
    assert owner.take_confirmed() is None
    owner.people.set_passphrase("owner", NEW, confirmed=confirmed)
    beside = owner.sign_in(NEW, name="owner")
    assert beside.take_confirmed().session is beside.session
    again = owner.sign_in(NEW, name="owner")
    clock.move(minutes=5)
    assert again.take_confirmed() is None


def test_one_typing_is_enough_for_twenty_people_within_minutes(owner, clock):
    confirmed = owner.confirm(OWN)
    for number in range(20):
        clock.move(seconds=14)
        person = Person(name=PersonName(f"R{number}"), roles=frozenset({PersonRole.REVIEWER}))
        owner.people.add(person, NEW, confirmed=confirmed)
    clock.move(seconds=20)
    with pytest.raises(NotAllowed, match="typed again"):
        owner.people.set_state("R1", PersonState.SUSPENDED, confirmed=confirmed)
    assert len(owner.people.list()) == 21
    assert {one.state for one in owner.people.list()} == {PersonState.ACTIVE}


def test_what_was_typed_before_locking_counts_no_more_after_it(owner):
    before = owner.confirm(OWN)
    after = owner.sign_in(OWN, name="owner")
    rita = Person(name=PersonName("Rita"), roles=frozenset({PersonRole.REVIEWER}))
    with pytest.raises(NotAllowed, match="typed again"):
        after.people.add(rita, NEW, confirmed=before)
    with pytest.raises(NotAllowed, match="typed again"):
        after.keys.rotate(confirmed=before)
    after.people.add(rita, NEW, confirmed=after.confirm(OWN))


def test_a_clock_that_is_put_back_makes_no_typing_count_longer(owner, clock):
    steady = [1000.0]
    session = Session.begun(owner.session.person, owner.session.policy, clock, lambda: steady[0])
    w = Workspace(owner._vault, session, Settings(), PLACES)
    confirmed = w.confirm(OWN)
    steady[0] += 299
    assert w.teams.keep("North", ["Sam"], confirmed=confirmed)
    steady[0] += 1
    with pytest.raises(NotAllowed, match="typed again"):
        w.teams.keep("South", ["Kim"], confirmed=confirmed)
