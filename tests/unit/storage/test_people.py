"""The people of a vault: added, changed and removed as a whole, under names of their own."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Person, PersonName, PersonRole, PersonState, Right, Scope
from app.errors import (
    AppError,
    PersonNotFound,
    PersonSuspended,
    SignInDelayed,
    UsageError,
    WeakPassphrase,
    WrongPassphrase,
)
from app.storage import vault
from app.storage.clock import milliseconds
from app.storage.keys import LOWEST_COST
from app.storage.names import checked_name, plain_name
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added


def _told(opened, act):
    entries = opened.audit.entries()
    return [(e.actor, e.subject, e.outcome) for e in entries if e.act == act]


def _open(folder, name, passphrase=OTHER):
    return vault.open_vault(folder, passphrase, name=name)


def test_somebody_who_was_added_signs_in_with_their_own_passphrase(opened, folder):
    person = Person(
        name=PersonName(" Bob  Lee "),
        roles=frozenset({PersonRole.REVIEWER, PersonRole.AUDITOR}),
        granted=frozenset({Right.EXPORT_AUDIT}),
        scope=Scope(limited=True, queues=("billing",), teams=("north",)),
        state=PersonState.REMOVED,
        second_factor=True,
        added_at="long ago",
    )
    bob = opened.people.add(person, OTHER, cost=LOWEST_COST, actor="owner")
    assert (bob.name, bob.state, bob.second_factor) == ("Bob Lee", PersonState.ACTIVE, False)
    assert bob.added_at == "2026-03-01T09:00:00.000Z"
    assert opened.people.get("BOB lee") == bob
    said = "active, auditor, reviewer, +export-audit, only, queue billing, team north"
    assert _told(opened, "person.add") == [("owner", "Bob Lee", said)]
    opened.close()
    with _open(folder, "bob lee") as again:
        assert again.person == bob
        assert _told(again, "vault.open") == [("Bob Lee", "", "ok")]
        assert [one.name for one in again.people.all()] == ["Bob Lee", "owner"]
    with pytest.raises(WrongPassphrase):
        _open(folder, "Bob Lee", PASSPHRASE)
    with pytest.raises(WrongPassphrase):
        _open(folder, "owner", OTHER)
    _open(folder, "owner", PASSPHRASE).close()


TWINS = [
    ("bob", "BOB"),
    ("bob", " bob "),
    ("José", "jose\u0301"),
    ("bob", "\uff42\uff4f\uff42"),
    ("fiona", "\ufb01ona"),
    ("strasse", "straße"),
    ("ann lee", "ann  lee"),
]


@pytest.mark.parametrize(("name", "twin"), TWINS)
def test_a_name_that_reads_the_same_is_taken_and_takes_nobodys_place(opened, folder, name, twin):
    added(opened, name)
    with pytest.raises(UsageError, match="taken"):
        added(opened, twin, passphrase="quite another set of words")
    assert len(opened.people.all()) == 2
    opened.close()
    with _open(folder, name) as again:
        assert plain_name(again.person.name) == plain_name(name)


UNSEEN = [
    "",
    "   ",
    "x" * 65,
    "bob\x1b[1mlee",
    "bob\u200b",
    "\u202ebob",
    "bob\x00",
    "\ufe0f",
    "bob\ufe0f",
    "bob\U000e0101",
    "\u3164",
    "b\u115fob",
    "\u2800",
    "\ud800",
    "\ue000",
    "system",
    "System ",
    "\uff55nknown",
]


@pytest.mark.parametrize("name", UNSEEN, ids=ascii)
def test_names_that_cannot_be_seen_or_mean_something_else_are_refused(opened, name):
    with pytest.raises(UsageError, match="cannot be used"):
        added(opened, name)
    assert len(opened.people.all()) == 1


@pytest.mark.parametrize("name", ["x", "x" * 64, "Łukasz Żak", "王小明", "नेहा", "o'neil@uk", "🙂"])
def test_names_of_any_script_sign_in(opened, folder, name):
    added(opened, name)
    opened.close()
    with _open(folder, name) as again:
        assert again.person.name == name


@given(st.text(max_size=70))
def test_a_name_is_kept_in_one_form_or_refused(name):
    try:
        kept = checked_name(name)
    except UsageError:
        return
    assert checked_name(kept) == kept
    assert plain_name(kept) == plain_name(name)


@pytest.mark.parametrize("passphrase", ["short", "bob bob bob bob bob", "password password"])
def test_nobody_is_added_behind_a_weak_passphrase(opened, passphrase):
    with pytest.raises(WeakPassphrase):
        added(opened, "bob", passphrase=passphrase)
    assert len(opened.people.all()) == len(opened._header.now.people) == 1


def test_of_two_threads_that_add_one_name_one_is_refused_and_the_other_one_counts(opened, folder):
    words = ["one set of odd words", "another set of odd words"]
    got_in = []

    def add(passphrase):
        try:
            added(opened, "bob", passphrase=passphrase)
        except UsageError:
            return
        got_in.append(passphrase)

    threads = [threading.Thread(target=add, args=(one,)) for one in words]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got_in) == 1
    opened.close()
    for passphrase in words:
        try:
            _open(folder, "bob", passphrase).close()
        except WrongPassphrase:
            assert passphrase not in got_in
        else:
            assert passphrase in got_in


def test_a_race_that_is_lost_after_the_first_look_changes_nothing(opened, folder, monkeypatch):
    added(opened, "bob")
    before = (folder / "vault.json").read_bytes()
    looked = []

    def later(self, reading, name):
        looked.append(name)
        if len(looked) > 1:
            return expect_free(self, reading, name)
        return None

    expect_free = type(opened.people)._expect_free
    monkeypatch.setattr(type(opened.people), "_expect_free", later)
    with pytest.raises(UsageError, match="taken"):
        added(opened, "bob", passphrase="one set of odd words")
    assert (folder / "vault.json").read_bytes() == before
    assert len(looked) == 2


def test_what_a_person_may_do_changes_and_is_told(opened, folder):
    bob = added(opened, "bob")
    changed = replace(bob, roles=frozenset({PersonRole.SUPERVISOR}), state=PersonState.SUSPENDED)
    opened.people.change(replace(changed, name=PersonName("BOB")), actor="owner")
    assert opened.people.get("bob") == changed
    assert _told(opened, "person.change") == [("owner", "bob", "suspended, supervisor")]
    opened.close()
    with pytest.raises(PersonSuspended):
        _open(folder, "bob")
    with _open(folder, "owner", PASSPHRASE) as again:
        assert _told(again, "sign-in.refused") == [("bob", "", "person-suspended")]
        again.people.change(replace(changed, state=PersonState.ACTIVE), actor="owner")
    _open(folder, "bob").close()


def _removed(opened, name):
    opened.people.change(replace(opened.people.get(name), state=PersonState.REMOVED), actor="owner")


def test_a_removed_person_is_out_and_their_name_stays(opened, folder):
    added(opened, "bob")
    _removed(opened, "bob")
    assert len(opened._header.now.people) == 1
    assert opened.people.get("bob").state is PersonState.REMOVED
    with pytest.raises(UsageError, match="taken"):
        added(opened, "Bob")
    for act in (
        lambda: opened.people.change(opened.people.get("bob"), actor="owner"),
        lambda: opened.people.set_passphrase("bob", OTHER, cost=LOWEST_COST, actor="owner"),
        lambda: opened.people.release("bob", actor="owner"),
        lambda: opened.people.recover("bob", OTHER, cost=LOWEST_COST),
    ):
        with pytest.raises(PersonNotFound):
            act()
    assert opened.check() == ()
    opened.close()
    with pytest.raises(WrongPassphrase):
        _open(folder, "bob")


def test_a_removed_person_whose_way_in_is_left_is_refused(opened, folder):
    """As a database put back from another day would have it."""
    added(opened, "bob")
    with opened._database.transaction() as writing:
        writing.change("UPDATE people SET state = 'removed' WHERE name = 'bob'")
    opened.close()
    with pytest.raises(PersonSuspended):
        _open(folder, "bob")
    with pytest.raises(WrongPassphrase):
        _open(folder, "bob")
    with _open(folder, "owner", PASSPHRASE) as again:
        assert _told(again, "sign-in.refused") == [("bob", "", "person-suspended")]


def test_somebody_without_a_row_is_refused(opened, folder):
    from app.storage.openers import person_opener

    found, key = opened._header.now, opened._header.key
    opener = person_opener(found.id, key, name="eve", passphrase=OTHER, cost=LOWEST_COST)
    opened._header.replace(lambda now: now.with_person(opener), lambda _: None)
    opened.close()
    with pytest.raises(PersonSuspended):
        _open(folder, "eve")
    with _open(folder, "", PASSPHRASE) as again:
        assert _told(again, "sign-in.refused") == [("unknown", "", "person-suspended")]


def test_somebody_removed_while_signed_in_does_not_come_back(opened, folder):
    added(opened, "bob", PersonRole.ADMINISTRATOR)
    opened.close()
    with _open(folder, "bob") as again:
        again.people.change(
            replace(again.people.get("bob"), state=PersonState.REMOVED), actor="bob"
        )
        with pytest.raises(AppError):
            again.ways_in.remember(again.person)
        again.ways_in.strengthen(OTHER, replace(LOWEST_COST, passes=2))
        assert again.check() == ()
    with pytest.raises(WrongPassphrase):
        _open(folder, "bob")
    _open(folder, "owner", PASSPHRASE).close()


@pytest.mark.parametrize(
    "change",
    [
        {"roles": frozenset({PersonRole.REVIEWER})},
        {"state": PersonState.SUSPENDED},
        {"state": PersonState.REMOVED},
    ],
)
def test_the_last_who_manages_people_stays(opened, folder, change):
    added(opened, "bob")
    owner = opened.people.get("owner")
    before = (folder / "vault.json").read_bytes()
    with pytest.raises(UsageError, match="Nobody would be left"):
        opened.people.change(replace(owner, **change), actor="owner")
    assert opened.people.get("owner") == owner
    assert (folder / "vault.json").read_bytes() == before
    added(opened, "ann", PersonRole.ADMINISTRATOR)
    opened.people.change(replace(owner, **change), actor="owner")


def test_of_two_administrators_who_remove_each_other_one_stays(opened):
    added(opened, "ann", PersonRole.ADMINISTRATOR)
    refused = []

    def remove(name, actor):
        try:
            _removed(opened, name)
        except UsageError as error:
            refused.append(error)

    pairs = [("owner", "ann"), ("ann", "owner")]
    threads = [threading.Thread(target=remove, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert len(opened._header.now.people) == 1


def test_it_is_known_who_waits_after_wrong_passphrases_and_codes(opened, clock):
    added(opened, "bob")
    added(opened, "Eve")
    gone = added(opened, "ann")
    assert opened.people.waits() == {}
    for name in ("bob", "ann", "carl"):
        for _ in range(6):
            with suppress(WrongPassphrase, SignInDelayed):
                opened.sign_in(name, "not the passphrase at all")
    with opened._database.transaction() as writing:
        writing.change(
            "UPDATE people SET failures = 6, failed_at = ? WHERE name = 'Eve'", (10**15,)
        )
    opened.people.change(replace(gone, state=PersonState.REMOVED), actor="owner")
    assert opened.people.waits() == {
        "bob": "2026-03-01T09:00:30.000Z",
        "Eve": "2026-03-01T09:01:00.000Z",
    }
    opened.people.release("bob", actor="owner")
    assert set(opened.people.waits()) == {"Eve"}
    with opened._database.transaction() as writing:
        ended = milliseconds(clock()) - 60_000
        writing.change("UPDATE people SET failed_at = ? WHERE name = 'Eve'", (ended,))
    assert opened.people.waits() == {}


def test_nobody_else_is_found(opened):
    for name in ("carl", "", "\ud800"):
        with pytest.raises(PersonNotFound):
            opened.people.get(name)
        with pytest.raises(PersonNotFound):
            opened.people.release(name, actor="owner")
    with pytest.raises(PersonNotFound):
        opened.people.change(Person(name=PersonName("carl"), roles=frozenset()), actor="owner")


def test_a_new_passphrase_counts_and_the_old_one_never_again(opened, folder):
    added(opened, "bob")
    new = "seven green teapots sing"
    opened.people.set_passphrase("BOB", new, cost=LOWEST_COST, actor="owner")
    assert _told(opened, "person.passphrase") == [("owner", "bob", "ok")]
    with pytest.raises(WeakPassphrase):
        opened.people.set_passphrase("bob", "bob bob bob bob", cost=LOWEST_COST, actor="owner")
    opened.close()
    _open(folder, "bob", new).close()
    with pytest.raises(WrongPassphrase):
        _open(folder, "bob")


@pytest.mark.parametrize(
    "passphrase", ["\udcff words \ud800 of no text", "caf\u00e9 au lait svp ok"]
)
def test_passphrases_of_any_characters_open(opened, folder, passphrase):
    added(opened, "bob", passphrase=passphrase)
    opened.close()
    _open(folder, "bob", passphrase.replace("\u00e9", "e\u0301")).close()


def test_an_error_while_somebody_is_let_in_leaves_no_lock_and_no_key(opened, folder, monkeypatch):
    opened.close()
    made = []
    tell = vault.Vault.tell_of_attempts

    def fail(self, who):
        made.append(self)
        raise RuntimeError("as if")

    monkeypatch.setattr(vault.Vault, "tell_of_attempts", fail)
    with pytest.raises(RuntimeError, match="as if"):
        _open(folder, "", PASSPHRASE)
    monkeypatch.setattr(vault.Vault, "tell_of_attempts", tell)
    assert not any(made[0]._key._secret)
    _open(folder, "", PASSPHRASE).close()


def test_a_database_that_does_not_close_leaves_no_lock_and_no_key(opened, folder, monkeypatch):
    def fail():
        raise OSError

    with monkeypatch.context() as failing:
        failing.setattr(opened._database, "close", fail)
        with pytest.raises(OSError):  # noqa: PT011
            opened.close()
    assert not any(opened._key._secret)
    opened._database.close()
    _open(folder, "", PASSPHRASE).close()
