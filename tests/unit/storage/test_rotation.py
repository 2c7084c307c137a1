"""A change of the vault key and the database's key: all of it, whenever it is interrupted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from app.domain import CallMetadata
from app.errors import DeviceUnknown, DiskFull, StorageError, VaultDamaged, WrongPassphrase
from app.storage import database, files, header, rotation, vault
from app.storage.audio import Purpose
from app.storage.keys import LOWEST_COST, KeyPurpose, VaultKey
from app.storage.remembered import Keyring
from tests.builders import analysed_call, call_analysis
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added
from tests.unit.storage.test_remembered import Memory

GOLDEN = Path(__file__).parents[2] / "golden" / "vaults" / "0.1.0"
DIGEST = analysed_call().values[0].digest


class Ended(BaseException):
    """The program ends here."""


def _end(*_args, **_kwargs):
    raise Ended


@pytest.fixture
def begun(opened, folder):
    """A vault with a call in it, several ways in, and a change of keys that has begun.

    Holds its folder, the call, the sheet, the keyring, and the old vault key.
    """
    added(opened, "bob")
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    opened.close()
    keyring = Keyring(Memory())
    with vault.open_vault(folder, PASSPHRASE, name="owner", keyring=keyring) as again:
        call = again.calls.add(b"sound", name="a.wav", metadata=CallMetadata(), actor="ann").call.id
        again.calls.save(again.jobs.claim("runner"), analysed_call(), actor="ann")
        again.ways_in.remember(again.person)
        again.ways_in.rotate(actor="owner")
        assert again.check() == ()
        secret = again._header.key.secret_bytes()
    return folder, call, sheet, keyring, secret


def _expect_whole(begun, opened):
    _, call, _, _, secret = begun
    assert opened._header.shut or opened._header.now.rotation is None
    assert opened._header.key.secret_bytes() != secret
    assert opened.check() == ()
    assert opened.audit.verify().ok
    assert opened.calls.detail(call).analysis == call_analysis()
    assert opened.audio.read(call, Purpose.ORIGINAL) == b"sound"
    assert opened.audio.read(call, Purpose.MUTED) == analysed_call().muted_audio
    assert opened.calls.holding("CARD", DIGEST) == (call,)


def _open(folder, name="owner", passphrase=PASSPHRASE):
    return vault.open_vault(folder, passphrase, name=name)


WAYS = {
    "passphrase": lambda b: _open(b[0]),
    "another person": lambda b: _open(b[0], "bob", OTHER),
    "sheet": lambda b: vault.open_with_sheet(
        b[0], b[2], name="bob", passphrase=OTHER, cost=LOWEST_COST
    ),
    "keyring": lambda b: vault.open_remembered(b[0], keyring=b[3]),
}


@pytest.mark.parametrize("first", WAYS)
def test_whoever_opens_it_next_everything_opens_afterwards(begun, first):
    with WAYS[first](begun) as opened:
        _expect_whole(begun, opened)
        assert opened.calls.add(b"new", name="b", metadata=CallMetadata(), actor="ann")
    for way in WAYS.values():
        with way(begun) as opened:
            _expect_whole(begun, opened)


def test_two_changes_after_each_other_and_two_in_one_go(begun):
    with _open(begun[0]) as opened:
        first = opened._header.key.secret_bytes()
        opened.ways_in.rotate(actor="owner")
        opened.ways_in.rotate(actor="owner")
    with _open(begun[0]) as opened:
        assert opened._header.key.secret_bytes() not in (first, begun[4])
        _expect_whole(begun, opened)


def test_old_and_new_parts_do_not_open_together(begun, tmp_path):
    folder = begun[0]
    old = shutil.copytree(folder, tmp_path / "old")
    _open(folder).close()
    for old_part in ("vault.json", "vault.db"):
        mixed = shutil.copytree(folder, tmp_path / f"mixed-{old_part}")
        shutil.copy(old / old_part, mixed / old_part)
        with pytest.raises(VaultDamaged):
            _open(mixed)
    _open(folder).close()


def test_a_header_from_the_middle_of_a_change_does_not_bring_old_ways_in_back(begun):
    """It leads to the key that counts now: still it is not the newest one."""
    folder = begun[0]
    middle = (folder / "vault.json").read_bytes()
    with _open(folder) as opened:
        opened.people.set_passphrase("bob", PASSPHRASE, cost=LOWEST_COST, actor="owner")
    newest = (folder / "vault.json").read_bytes()
    (folder / "vault.json").write_bytes(middle)
    with pytest.raises(VaultDamaged):
        _open(folder, "bob", OTHER)
    assert (folder / "vault.json").read_bytes() == middle
    (folder / "vault.json").write_bytes(newest)
    with pytest.raises(WrongPassphrase):
        _open(folder, "bob", OTHER)
    _open(folder, "bob", PASSPHRASE).close()


STEPS = [
    (rotation, "_reseal"),
    (rotation, "rekey"),
    (rotation, "_rewrapped"),
    (header, "write"),
    (header, "settle"),
]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("module", "name"), STEPS, ids=[name for _, name in STEPS])
def test_interrupted_at_any_step_it_is_finished_next_time(begun, monkeypatch, module, name, when):
    act = getattr(module, name)

    def end(*args, **kwargs):
        if when == "after":
            act(*args, **kwargs)
        raise Ended

    for _ in range(2):
        with monkeypatch.context() as ending:
            ending.setattr(module, name, end)
            with pytest.raises(Ended):
                _open(begun[0], "bob", OTHER)
        if (name, when) in {("rekey", "after"), ("write", "after")}:  # that step is taken once
            break
    with _open(begun[0]) as opened:
        _expect_whole(begun, opened)


def test_a_disk_that_refuses_to_write_keeps_the_old_keys(begun):
    resource = pytest.importorskip("resource", reason="this system limits no file sizes")
    with _open(begun[0]) as opened:
        with opened._database.transaction() as writing:
            for _ in range(400):
                opened.audit.append(writing, actor="x" * 3000, act="x")
        opened.ways_in.rotate(actor="owner")
    _, most = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, most))
    try:
        with _open(begun[0]) as opened:
            _expect_waiting(opened, "storage")
            kept = opened._header.key.secret_bytes()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
    with _open(begun[0]) as opened:
        assert opened._header.key.secret_bytes() != kept
        _expect_whole(begun, opened)


def _expect_waiting(opened, code):
    """The change of keys waits, the old keys count, and everybody is told, once a session."""
    told = [one for one in opened.audit.entries() if one.outcome == f"waits: {code}"]
    assert [(one.actor, one.act) for one in told[:1]] == [("system", "key.rotate")]
    assert opened._header.now.rotation is not None
    assert opened.ways_in.hindrance.startswith("A change of keys waits")
    assert opened.audit.verify().ok
    return len(told)


def _full(*_):
    raise DiskFull("The disk that holds the vault is full.")


@pytest.mark.parametrize(("module", "name"), STEPS[:2])
def test_on_a_full_disk_the_vault_opens_under_its_old_keys_and_says_so(
    begun, monkeypatch, module, name
):
    with monkeypatch.context() as full:
        act = getattr(module, name)
        # what takes room is refused, and putting back what was there before is not
        forth = [_full]

        def once(*args):
            return (forth.pop() if forth else act)(*args)

        full.setattr(module, name, once)
        for session in range(1, 3):
            forth[:] = [_full]
            with _open(begun[0]) as opened:
                assert _expect_waiting(opened, "disk-full") == session
                assert opened._header.key.secret_bytes() == begun[4]
                assert opened.check() == (opened.ways_in.hindrance,)
                assert opened.audio.read(begun[1], Purpose.ORIGINAL) == b"sound"
    with _open(begun[0]) as opened:
        _expect_whole(begun, opened)
        assert opened.ways_in.hindrance == ""


def test_without_room_for_the_new_encryption_nothing_is_sealed_anew(begun, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(database, "_has_room", lambda *_: False)
        full.setattr(rotation, "rekey", lambda *_: pytest.fail("there is no room for it"))
        with _open(begun[0]) as opened:
            _expect_waiting(opened, "disk-full")
    with _open(begun[0]) as opened:
        _expect_whole(begun, opened)


def test_ended_between_two_steps_and_then_without_room_it_opens_under_the_old_keys(
    begun, monkeypatch
):
    with monkeypatch.context() as ending:
        ending.setattr(rotation, "rekey", _end)
        with pytest.raises(Ended):
            _open(begun[0])
    with monkeypatch.context() as full:
        full.setattr(rotation, "expect_room_to_rekey", _full)
        with _open(begun[0]) as opened:
            _expect_waiting(opened, "disk-full")
            added(opened, "carl")
            opened.ways_in.rotate(actor="owner")
    with _open(begun[0], "carl", OTHER) as opened:
        _expect_whole(begun, opened)


def test_where_not_even_going_back_has_room_the_full_disk_is_what_is_said(begun, monkeypatch):
    with monkeypatch.context() as ending:
        ending.setattr(rotation, "rekey", _end)
        with pytest.raises(Ended):
            _open(begun[0])
    with monkeypatch.context() as full:
        full.setattr(rotation, "_reseal", _full)
        with pytest.raises(DiskFull):
            _open(begun[0])
    with _open(begun[0]) as opened:
        _expect_whole(begun, opened)


def test_under_its_new_key_the_database_opens_by_finishing_alone(begun, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr(header, "write", _full)
        with pytest.raises(DiskFull):
            _open(begun[0])
    with _open(begun[0]) as opened:
        _expect_whole(begun, opened)


def test_how_much_room_is_asked_for_grows_with_the_database(tmp_path, monkeypatch):
    path = tmp_path / "vault.db"
    path.write_bytes(bytes(640_000))
    wanted = []
    monkeypatch.setattr(database, "_has_room", lambda _, room: not wanted.append(room))
    database.expect_room_to_rekey(path)
    assert wanted == [(1 << 20) + 650_000]


def test_where_a_foreign_change_comes_between_two_steps_nothing_is_signed(begun, monkeypatch):
    with monkeypatch.context() as ending:
        ending.setattr(rotation, "_rewrapped", _end)
        with pytest.raises(Ended):
            _open(begun[0])
    found = header.read(begun[0])
    key = VaultKey(found.id, begun[4])
    secret = rotation._database_key(found, header.following_key(found, key))
    planted = database.Database(begun[0] / "vault.db", secret)
    with planted.transaction() as writing:
        writing.change("UPDATE people SET roles = '[]' WHERE name = 'owner'")
    planted.close()
    for _ in range(2):
        with pytest.raises(VaultDamaged, match="changed outside of the program: people"):
            _open(begun[0])


@pytest.mark.parametrize(("room", "error"), [(False, DiskFull), (True, StorageError)])
def test_a_silent_failure_of_the_new_encryption_is_said(begun, monkeypatch, room, error):
    """As SQLCipher has it: it answers `ok`."""

    class Silent:
        def __init__(self, connection):
            self.connection = connection

        def execute(self, sql):
            return self.connection.execute("SELECT 'ok'" if "rekey" in sql else sql)

        def close(self):
            self.connection.close()

    keyed = database._keyed
    monkeypatch.setattr(database, "_has_room", lambda _: room)
    monkeypatch.setattr(database, "_keyed", lambda *args: Silent(keyed(*args)))
    with pytest.raises(error):
        database.rekey(begun[0] / "vault.db", _key(begun), bytes(32))
    monkeypatch.undo()
    with _open(begun[0]) as opened:
        _expect_whole(begun, opened)


def _key(begun):
    found = header.read(begun[0])
    return VaultKey(found.id, begun[4]).derive(KeyPurpose.DATABASE, found.database_salt)


def test_what_is_changed_after_it_began_is_kept(begun):
    with _open(begun[0]) as opened:
        opened.ways_in.rotate(actor="owner")
        added(opened, "carl")
        sheet = opened.ways_in.new_sheet()
        opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
        opened.calls.add(b"new", name="b", metadata=CallMetadata(), actor="ann")
    with _open(begun[0], "carl", OTHER) as opened:
        _expect_whole(begun, opened)
    vault.open_with_sheet(begun[0], sheet, name="carl", passphrase=OTHER, cost=LOWEST_COST).close()


@pytest.mark.parametrize("again", [False, True])
def test_a_change_that_was_kept_and_not_put_in_place_is_part_of_it(begun, monkeypatch, again):
    with _open(begun[0]) as opened:
        if again:
            opened.ways_in.rotate(actor="owner")
        with monkeypatch.context() as ending:
            ending.setattr(files, "move", _end)
            with pytest.raises(Ended):
                added(opened, "carl")
            with pytest.raises(Ended):
                opened.ways_in.rotate(actor="owner")
    for _ in range(2):
        with _open(begun[0]) as opened:
            assert opened.check() == ()
    with _open(begun[0], "carl", OTHER) as opened:
        _expect_whole(begun, opened)


def test_the_computer_is_asked_for_afterwards_as_well(begun):
    folder, keyring = begun[0], begun[3]
    with _open(folder) as opened:
        opened.ways_in._keyring = keyring
        opened.ways_in.ask_for_computer(actor="owner")
        opened.ways_in.rotate(actor="owner")
    with pytest.raises(DeviceUnknown):
        vault.open_vault(folder, PASSPHRASE, name="owner", keyring=Keyring(Memory()))
    for name, passphrase in (("owner", PASSPHRASE), ("bob", OTHER)):
        with vault.open_vault(folder, passphrase, name=name, keyring=keyring) as opened:
            assert opened.ways_in.asks_for_computer
            _expect_whole(begun, opened)
    with pytest.raises(DeviceUnknown):
        vault.open_vault(folder, OTHER, name="bob", keyring=Keyring(Memory()))


def test_a_change_is_never_finished_by_a_weaker_way_in(begun):
    with _open(begun[0]) as opened:
        opened.ways_in._keyring = begun[3]
        opened.ways_in.ask_for_computer(actor="owner")
        opened.ways_in.rotate(actor="owner")
        found = opened._header.now
        key = opened._header.key
        with pytest.raises(DeviceUnknown):
            rotation._rewrapped(found, key, key.following(found.rotation.vault_key), None)


def test_a_database_without_the_key_of_its_index_is_damaged(begun):
    opened_database = database.Database(begun[0] / "vault.db", _key(begun))
    with opened_database.transaction() as writing:
        writing.change("DELETE FROM sealed_keys")
    opened_database.close()
    with pytest.raises(VaultDamaged, match="the key of the index"):
        _open(begun[0])


def test_no_step_is_taken_where_none_has_begun(opened):
    found, key = opened._header.now, opened._header.key
    assert rotation.finish(opened.info.folder, opened.info.folder, found, key, None) == (found, key)
    for act in (
        lambda: rotation._rewrapped(found, key, key, None),
        lambda: rotation._database_key(found, key),
    ):
        with pytest.raises(ValueError, match="no rotation"):
            act()


@pytest.mark.usefixtures("real_stretching")
def test_a_change_that_an_older_program_began_is_finished(tmp_path):
    """Its database has no seals until the change has ended: steps of the schema come afterwards."""
    folder, copy = tmp_path / "vault", tmp_path / "copy"
    passphrase = json.loads((GOLDEN / "facts.json").read_text("utf-8"))["passphrases"]["Amal"]
    for place in (folder, copy):
        shutil.copytree(GOLDEN / "vault", place)
    with vault.open_vault(copy, passphrase, name="Amal") as opened:
        key = VaultKey(opened.info.id, opened._header.key.secret_bytes())
    found = header.read(folder)
    following = header.with_next_keys(found, key)
    following = msgspec.structs.replace(following, generation=found.generation + 1).signed(key)
    secret = key.derive(KeyPurpose.DATABASE, found.database_salt)
    old = database.Database(folder / "vault.db", secret)
    with old.transaction() as writing:
        header.expect_next(writing, following)
        header.settle(writing, following)
    old.close()
    header.write(folder, following)
    with vault.open_vault(folder, passphrase, name="Amal") as opened:
        assert opened._header.key.secret_bytes() != key.secret_bytes()
        assert opened._header.now.rotation is None
        assert opened.check() == ()
        assert opened.audit.verify().ok


def test_ended_before_the_new_pages_are_in_their_place_it_is_finished(begun, monkeypatch, tmp_path):
    """They lie in the write-ahead log, and the file still begins with the salt of the old key."""
    killed = tmp_path / "killed"

    class Watched:
        def __init__(self, connection):
            self.connection = connection

        def execute(self, sql):
            done = self.connection.execute(sql)
            if "rekey" in sql:
                done.fetchall()
                shutil.copytree(begun[0], killed)
            return done

        def close(self):
            self.connection.close()

    rekey, keyed = database.rekey, database._keyed

    def watched(*args):
        with monkeypatch.context() as watching:
            watching.setattr(database, "_keyed", lambda *key: Watched(keyed(*key)))
            rekey(*args)

    monkeypatch.setattr(rotation, "rekey", watched)
    _open(begun[0]).close()
    assert (killed / "vault.db-wal").stat().st_size > 0
    with _open(killed) as opened:
        _expect_whole(begun, opened)
