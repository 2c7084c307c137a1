"""The header: which of its faults is whose, and that the newest one counts."""

from __future__ import annotations

import json
import os
import shutil
import threading

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Person, PersonName, PersonRole, PersonState
from app.errors import (
    AppError,
    DiskFull,
    FolderReadOnly,
    StorageError,
    VaultDamaged,
    VaultMissing,
    VaultNewer,
    VaultTooOld,
    WrongPassphrase,
)
from app.storage import files, header, openers, vault
from app.storage.header import Header
from app.storage.keys import LOWEST_COST, KeyCost, KeyPurpose, VaultKey
from tests.unit.storage.conftest import OTHER, PASSPHRASE

VAULT = "ab" * 16


def _made():
    key = VaultKey.random(VAULT)
    people = [
        openers.person_opener(VAULT, key, name=name, passphrase=words, cost=LOWEST_COST)
        for name, words in (("ann", PASSPHRASE), ("bob", OTHER))
    ]
    made = Header(
        id=VAULT,
        created_at="2026-01-01T00:00:00.000Z",
        demo=False,
        database_salt=bytes(16),
        people=tuple(people),
        recovery=openers.recovery_opener(VAULT, key, bytes(20)),
        keyring=(openers.keyring_opener(VAULT, people[0].tag, bytes(128), b"k" * 32),),
        rotation=header.Rotation(
            vault_key=VaultKey.random(VAULT).sealed_under(key), database_salt=bytes(16)
        ),
    )
    return key, made.signed(key)


@pytest.fixture(scope="module")
def made():
    return _made()


@pytest.fixture
def written(tmp_path, made):
    header.write(tmp_path, made[1])
    return tmp_path


def _edit(folder, change):
    path = folder / header.NAME
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_what_is_written_is_read_and_is_as_it_was(written, made):
    found = header.read(written)
    assert found == made[1]
    found.verify(made[0])
    following = header.following_key(found, made[0])
    assert following.derive(KeyPurpose.INDEX) != made[0].derive(KeyPurpose.INDEX)


def test_no_folder_no_header_and_a_file_in_its_place_are_missing_vaults(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    for folder in (tmp_path / "nowhere", tmp_path, tmp_path / "file"):
        with pytest.raises(VaultMissing):
            header.read(folder)


def test_a_header_that_is_a_folder_is_trouble_with_the_disk(tmp_path):
    (tmp_path / header.NAME).mkdir()
    with pytest.raises((StorageError, FolderReadOnly)):
        header.read(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"format": 2}',
        b"null",
        b'{"product": "\xff"}',
        b'{"x": ' + b"[" * 200_000,
        b" " * ((1 << 24) + 1),
    ],
    ids=range(9),
)
def test_what_is_no_header_is_damage(tmp_path, content):
    (tmp_path / header.NAME).write_bytes(content)
    with pytest.raises(VaultDamaged):
        header.read(tmp_path)


def test_a_later_format_is_newer_and_an_earlier_one_too_old(written):
    _edit(written, lambda content: content.update(format=3, invention=True))
    with pytest.raises(VaultNewer):
        header.read(written)
    _edit(written, lambda content: content.update(format=1))
    with pytest.raises(VaultTooOld):
        header.read(written)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.update(demo=True),
        lambda content: content.update(id="cd" * 16),
        lambda content: content.update(generation=2),
        lambda content: content.update(format="2"),
        lambda content: content.update(invention=True),
        lambda content: content["people"][0]["cost"].update(memory_kib=65_537),
        lambda content: content["people"].clear(),
        lambda content: content["people"].reverse(),
        lambda content: content.update(recovery=None),
        lambda content: content.update(rotation=None),
        lambda content: content.update(check="0" * 64),
    ],
)
def test_an_accident_is_damage_before_the_passphrase_is_tried(written, change):
    _edit(written, change)
    with pytest.raises(VaultDamaged):
        header.read(written)


def _changed(content, at, bit):
    changed = bytearray(content)
    changed[at] ^= 1 << bit
    return bytes(changed)


def _expect_noticed(content, made):
    try:
        found = header.parsed(content)
    except AppError as error:
        assert isinstance(error, VaultDamaged | VaultNewer | VaultTooOld)  # noqa: PT017
        return
    # white space is no content; a changed `mac` shows when the vault key is known
    if found != made[1]:
        with pytest.raises(VaultDamaged):
            found.verify(made[0])


def test_no_changed_byte_goes_unnoticed(made):
    """Every byte once, in one bit or another."""
    content = header.encoded(made[1])
    for at in range(len(content)):
        _expect_noticed(_changed(content, at, at % 7), made)


@given(data=st.data())
def test_no_changed_bit_and_no_cut_goes_unnoticed(made, data):
    content = header.encoded(made[1])
    at = data.draw(st.integers(0, len(content) - 2))
    _expect_noticed(_changed(content, at, data.draw(st.integers(0, 7))), made)
    with pytest.raises(VaultDamaged):
        header.parsed(content[:at])


def _rechecked(found):
    """Return a header as one who knows the format, but no key, would forge it."""
    return msgspec.structs.replace(found, check=header._check(found))


def test_a_forged_header_is_damage_once_the_key_is_known(made):
    forged = _rechecked(msgspec.structs.replace(made[1], demo=True))
    with pytest.raises(VaultDamaged, match="changed"):
        forged.verify(made[0])


def test_a_forged_change_of_keys_is_damage(made):
    key, plain = made
    step = msgspec.structs.replace(plain.rotation, vault_key=plain.people[0].shared)
    with pytest.raises(VaultDamaged):
        header.following_key(msgspec.structs.replace(plain, rotation=step), key)
    assert header.following_key(msgspec.structs.replace(plain, rotation=None), key) is None


def test_who_is_found_by_which_name(made):
    _, plain = made
    assert plain.opener(" ANN") == plain.people[0]
    assert plain.opener("bob") == plain.people[1]
    assert plain.opener("carl") is None
    assert plain.opener("  ") is None
    alone = plain.without_people(frozenset({plain.people[0].tag}))
    assert (alone.opener(""), alone.keyring) == (plain.people[1], ())


def test_a_new_key_pair_takes_the_way_in_by_the_keyring_with_it_and_a_new_cost_does_not(made):
    key, plain = made
    dearer = KeyCost(memory_kib=LOWEST_COST.memory_kib, passes=2, lanes=1)
    same = openers.with_passphrase(VAULT, plain.people[0], bytes(128), OTHER, dearer)
    assert plain.with_person(same).keyring == plain.keyring
    new = openers.person_opener(VAULT, key, name="ann", passphrase=OTHER, cost=LOWEST_COST)
    assert plain.with_person(new).keyring == ()
    assert [one.tag for one in plain.with_person(new).people] == [
        plain.people[1].tag, plain.people[0].tag,
    ]  # fmt: skip


# --------------------------------------------------------------------------- an older one put back


@pytest.fixture
def old(opened, folder):
    """Return the content of a header that has been replaced since."""
    content = (folder / header.NAME).read_bytes()
    opened.people.set_passphrase("owner", OTHER, cost=LOWEST_COST, actor="owner")
    opened.close()
    return content


def test_an_older_header_put_back_is_refused_and_the_newest_one_opens(old, folder):
    newest = (folder / header.NAME).read_bytes()
    (folder / header.NAME).write_bytes(old)
    with pytest.raises(WrongPassphrase):
        vault.open_vault(folder, OTHER)
    with pytest.raises(VaultDamaged):  # the keys have changed with the passphrase
        vault.open_vault(folder, PASSPHRASE)
    (folder / header.NAME).write_bytes(newest)
    vault.open_vault(folder, OTHER).close()


def test_a_removed_person_does_not_come_back_with_an_older_header(opened, folder):
    bob = Person(name=PersonName("bob"), roles=frozenset({PersonRole.REVIEWER}))
    opened.people.add(bob, OTHER, cost=LOWEST_COST, actor="owner")
    old = (folder / header.NAME).read_bytes()
    opened.people.change(
        Person(name=bob.name, roles=bob.roles, state=PersonState.REMOVED), actor="owner"
    )
    opened.close()
    with pytest.raises(WrongPassphrase):
        vault.open_vault(folder, OTHER, name="bob")
    (folder / header.NAME).write_bytes(old)
    for name, passphrase in (("bob", OTHER), ("owner", PASSPHRASE)):
        with pytest.raises(VaultDamaged):
            vault.open_vault(folder, passphrase, name=name)


# ---------------------------------------------------------- the program ends while it is replaced


class Ended(BaseException):
    """The program ends here."""


def _end(*_args, **_kwargs):
    raise Ended


def _acts(opened):
    return [entry.act for entry in opened.audit.entries()]


def _leftovers(folder):
    return [path.name for path in folder.iterdir() if path.name.startswith(files.TEMPORARY)]


@pytest.mark.parametrize("error", [Ended, DiskFull("full")])
@pytest.mark.parametrize("where", ["create_private", "act", "expect_next"])
def test_an_end_before_the_transaction_is_as_if_nothing_had_begun(
    opened, folder, monkeypatch, where, error
):
    before = (folder / header.NAME).read_bytes()

    def fail(*_args, **_kwargs):
        raise error

    with monkeypatch.context() as ending:
        if where == "create_private":
            ending.setattr(files, "create_private", fail)
        elif where == "expect_next":
            ending.setattr(header, "expect_next", fail)
        else:
            ending.setattr(opened.people, "_record", fail)
        with pytest.raises((Ended, DiskFull)):
            opened.people.set_passphrase("owner", OTHER, cost=LOWEST_COST, actor="owner")
    assert (folder / header.NAME).read_bytes() == before
    assert _leftovers(folder) == []
    assert "person.passphrase" not in _acts(opened)
    opened.ways_in.rotate(actor="owner")  # and it goes on
    opened.close()
    with pytest.raises(WrongPassphrase):
        vault.open_vault(folder, OTHER)
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert again.check() == ()


def test_an_end_between_transaction_and_file_is_made_good_when_it_is_opened(
    opened, folder, clock, monkeypatch
):
    with monkeypatch.context() as ending:
        ending.setattr(files, "move", _end)
        with pytest.raises(Ended):
            opened.people.set_passphrase("owner", OTHER, cost=LOWEST_COST, actor="owner")
    opened.close()
    with pytest.raises(WrongPassphrase):
        vault.open_vault(folder, OTHER)
    with vault.open_vault(folder, PASSPHRASE, clock=clock) as again:  # once, and then never again
        assert _acts(again) == [
            "vault.open", "sign-in.failed", "person.passphrase", "vault.create",
        ]  # fmt: skip
        assert again.check() == ()
    with pytest.raises(WrongPassphrase):
        vault.open_vault(folder, PASSPHRASE)
    vault.open_vault(folder, OTHER).close()


def test_a_vault_goes_on_after_a_header_that_was_not_put_in_place(opened, folder, monkeypatch):
    bob = Person(name=PersonName("bob"), roles=frozenset({PersonRole.REVIEWER}))
    with monkeypatch.context() as ending:
        ending.setattr(files, "move", _end)
        with pytest.raises(Ended):
            opened.people.add(bob, OTHER, cost=LOWEST_COST, actor="owner")
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    opened.close()
    with vault.open_vault(folder, OTHER, name="bob") as again:
        assert again.ways_in.has_recovery_sheet
        assert again.check() == ()


def test_an_end_before_it_is_settled_leaves_no_older_header_behind(opened, folder, monkeypatch):
    old = (folder / header.NAME).read_bytes()
    with monkeypatch.context() as ending:
        ending.setattr(header, "settle", _end)
        with pytest.raises(Ended):
            opened.people.set_passphrase("owner", OTHER, cost=LOWEST_COST, actor="owner")
    opened.close()
    newest = (folder / header.NAME).read_bytes()
    (folder / header.NAME).write_bytes(old)
    vault.open_vault(folder, PASSPHRASE).close()
    assert (folder / header.NAME).read_bytes() == newest
    (folder / header.NAME).write_bytes(old)
    with pytest.raises(VaultDamaged, match="not the newest"):
        vault.open_vault(folder, PASSPHRASE)


def test_a_disk_that_is_full_when_it_is_settled_keeps_nothing_back(opened, folder, monkeypatch):
    def full(*_):
        raise DiskFull("full")

    with monkeypatch.context() as ending:
        ending.setattr(header, "settle", full)
        opened.people.set_passphrase("owner", OTHER, cost=LOWEST_COST, actor="owner")
    opened.close()
    with vault.open_vault(folder, OTHER) as again, again._database.reader() as reading:
        assert reading.number("SELECT count(*) FROM headers") == 1
        assert reading.number("SELECT count(*) FROM next_header") == 0


def test_a_next_header_of_another_key_is_damage(opened, folder, made):
    with opened._database.transaction() as writing:
        header.expect_next(writing, made[1])
    opened.close()
    with pytest.raises(VaultDamaged, match="changed"):
        vault.open_vault(folder, PASSPHRASE)


def test_threads_that_replace_at_once_lose_nothing(opened, folder):
    names = [f"person {number}" for number in range(6)]
    refused = []

    def add(name):
        person = Person(name=PersonName(name), roles=frozenset({PersonRole.AUDITOR}))
        try:
            opened.people.add(person, OTHER, cost=LOWEST_COST, actor="owner")
        except AppError as error:
            refused.append(error)

    threads = [threading.Thread(target=add, args=(name,)) for name in [*names, "PERSON 0"]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert opened._header.now.generation == 7
    assert len(opened._header.now.people) == 7
    opened.close()
    for name in names:
        with vault.open_vault(folder, OTHER, name=name) as again:
            assert again.person.name.casefold() == name


def test_a_header_that_could_not_be_read_again_is_not_written(opened, folder, monkeypatch):
    monkeypatch.setattr(header, "_LARGEST_BYTES", (folder / header.NAME).stat().st_size + 2000)
    person = Person(name=PersonName("bob"), roles=frozenset({PersonRole.AUDITOR}))
    with pytest.raises(StorageError, match="no room"):
        opened.people.add(person, OTHER, cost=LOWEST_COST, actor="owner")
    assert len(opened.people.all()) == 1
    opened.close()
    vault.open_vault(folder, PASSPHRASE).close()


def test_a_header_of_a_thousand_people_opens(opened, folder):
    opener = opened._header.now.people[0]
    many = tuple(msgspec.structs.replace(opener, tag=os.urandom(16)) for _ in range(1000))
    opened._header.replace(
        lambda now: msgspec.structs.replace(now, people=(*many, *now.people)), lambda _: None
    )
    opened.close()
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        assert len(again._header.now.people) == 1  # the others are in no row


def test_the_whole_folder_of_an_older_day_opens(opened, folder, tmp_path):
    """What is put back together is not told apart here: an exported checkpoint does that."""
    opened.close()
    shutil.copytree(folder, tmp_path / "old")
    with vault.open_vault(folder, PASSPHRASE) as again:
        again.people.set_passphrase("owner", OTHER, cost=LOWEST_COST, actor="owner")
    vault.open_vault(tmp_path / "old", PASSPHRASE).close()
