"""Creating, opening and closing, and each way in which that is refused."""

from __future__ import annotations

import json
import shutil

import pytest

from app.domain import AuditQuery, CallMetadata, VaultState
from app.errors import (
    KeyringRefused,
    VaultDamaged,
    VaultExists,
    VaultLocked,
    VaultMissing,
    VaultNewer,
    WeakPassphrase,
    WrongPassphrase,
)
from app.storage import header, keys, openers, remembered, schema, vault
from app.storage.database import Database
from app.storage.remembered import Keyring
from tests.unit.storage.conftest import OTHER, PASSPHRASE
from tests.unit.storage.test_remembered import Locked, Memory


def _create(folder, **changes):
    return vault.create(folder, PASSPHRASE, **{"cost": keys.LOWEST_COST, **changes})


@pytest.fixture
def closed(opened, folder):
    opened.calls.add(b"one", name="one.wav", metadata=CallMetadata(), actor="ann")
    opened.close()
    return folder


def _acts(opened):
    return [(entry.actor, entry.act) for entry in opened.audit.entries()]


def test_a_vault_is_made_opened_and_opened_again(folder, clock):
    assert vault.state(folder) == VaultState(exists=False)
    with _create(folder, demo=True, name="ann", clock=clock) as made:
        info = made.info
        assert (info.folder, info.demo, len(info.id)) == (folder, True, 32)
        assert info.created_at == "2026-03-01T09:00:00.000Z"
    state = vault.state(folder)
    assert state == VaultState(exists=True, demo=True, id=info.id)
    with vault.open_vault(folder, PASSPHRASE, name="Ann ", clock=clock) as again:
        assert (again.info, again.person.name) == (info, "ann")
        assert _acts(again) == [("ann", "vault.open"), ("ann", "vault.create")]
        assert again.check() == ()


def test_only_the_owner_can_see_into_the_folder(opened, folder):
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {p.name: p.stat().st_mode & 0o777 for p in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert {"vault.json", "vault.db", "lock"} <= set(modes)
    assert "unfinished" not in modes


def test_the_cost_is_calibrated_unless_it_is_given(folder, monkeypatch):
    monkeypatch.setattr(vault, "calibrated", lambda: keys.LOWEST_COST)
    _create(folder, cost=None).close()
    vault.open_vault(folder, PASSPHRASE).close()


def test_a_cost_that_protects_nothing_is_a_mistake_of_the_program(folder):
    with pytest.raises(ValueError, match="protects nothing"):
        _create(folder, cost=keys.KeyCost(memory_kib=1024, passes=1, lanes=1))
    assert not folder.exists()


def test_a_weak_passphrase_makes_nothing(folder):
    with pytest.raises(WeakPassphrase):
        vault.create(folder, "short", cost=keys.LOWEST_COST)
    assert not folder.exists()


def test_a_vault_is_not_made_over_anything(closed, folder, tmp_path):
    with pytest.raises(VaultExists, match="already a vault"):
        _create(folder)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "letter.txt").write_text("mine")
    with pytest.raises(VaultExists, match="not empty"):
        _create(tmp_path / "full")
    assert (tmp_path / "full" / "letter.txt").read_text() == "mine"
    assert (tmp_path / "full").stat().st_mode & 0o077 != 0
    (tmp_path / "file").touch()
    with pytest.raises(VaultExists, match="is a file"):
        _create(tmp_path / "file")
    vault.open_vault(folder, PASSPHRASE).close()


def test_a_folder_that_fills_up_while_it_is_taken_is_refused(folder, monkeypatch):
    seen = []

    def second_time(where):
        seen.append(where)
        if len(seen) == 2:
            raise VaultExists("too late")

    monkeypatch.setattr(vault, "_expect_empty", second_time)
    with pytest.raises(VaultExists, match="too late"):
        _create(folder)
    monkeypatch.undo()
    _create(folder).close()


def test_a_header_that_is_lost_while_its_copy_is_there_is_no_missing_vault(folder):
    _create(folder).close()
    (folder / "vault.json").unlink()
    with pytest.raises(VaultDamaged) as caught:
        vault.state(folder)
    assert "vault rescue" in caught.value.advice
    (folder / "vault-copy.json").unlink()
    assert vault.state(folder) == VaultState(exists=False)


def test_what_an_interrupted_creation_left_is_no_vault_and_is_replaced(folder):
    _create(folder).close()
    (folder / "unfinished").touch()
    assert vault.state(folder) == VaultState(exists=False)
    with pytest.raises(VaultMissing):
        vault.open_vault(folder, PASSPHRASE)
    vault.create(folder, OTHER, cost=keys.LOWEST_COST).close()
    with pytest.raises(WrongPassphrase):
        vault.open_vault(folder, PASSPHRASE)
    vault.open_vault(folder, OTHER).close()


@pytest.mark.parametrize("name", ["header.write", "schema.upgrade", "Database.created"])
def test_a_creation_that_fails_can_be_tried_again(folder, monkeypatch, name):
    part, act = name.split(".")

    def fail(*_args, **_kwargs):
        raise VaultDamaged("as if")

    monkeypatch.setattr(getattr(vault, part), act, fail)
    with pytest.raises(VaultDamaged):
        _create(folder)
    monkeypatch.undo()
    assert vault.state(folder) == VaultState(exists=False)
    _create(folder).close()


def test_a_second_opening_is_refused_until_the_first_is_closed(opened, folder):
    with pytest.raises(VaultLocked):
        vault.open_vault(folder, PASSPHRASE)
    with pytest.raises(VaultExists):
        _create(folder)
    opened.close()
    vault.open_vault(folder, PASSPHRASE).close()


def test_a_second_creation_at_the_same_time_is_refused(folder, monkeypatch):
    from app.storage.files import FolderLock, make_private

    make_private(folder)
    held = FolderLock(folder / "lock")
    with pytest.raises(VaultLocked):
        _create(folder)
    held.release()


def test_a_wrong_passphrase_leaves_the_vault_free(closed):
    with pytest.raises(WrongPassphrase):
        vault.open_vault(closed, "three unrelated birds")
    vault.open_vault(closed, PASSPHRASE).close()


def test_no_vault_and_no_folder_are_missing_vaults_and_nothing_is_made(tmp_path):
    for folder in (tmp_path / "nowhere", tmp_path):
        before = sorted(folder.iterdir()) if folder.exists() else None
        with pytest.raises(VaultMissing):
            vault.open_vault(folder, PASSPHRASE)
        assert before == (sorted(folder.iterdir()) if folder.exists() else None)


def test_a_newer_database_is_a_newer_vault(closed):
    steps = (*schema.STEPS, ("CREATE TABLE later (x)",))
    database = Database(closed / "vault.db", _database_key(closed))
    schema.upgrade(database, fresh=False, backup=lambda _: None, steps=steps)
    database.close()
    with pytest.raises(VaultNewer):
        vault.open_vault(closed, PASSPHRASE)


def test_a_newer_header_is_a_newer_vault(closed):
    content = json.loads((closed / "vault.json").read_text())
    (closed / "vault.json").write_text(json.dumps(content | {"format": 3}))
    for opening in (lambda: vault.open_vault(closed, PASSPHRASE), lambda: vault.state(closed)):
        with pytest.raises(VaultNewer):
            opening()


def _database_key(folder):
    found = header.read(folder)
    private = openers.private_key(found.id, found.people[0], PASSPHRASE)
    key = openers.vault_key(found.id, found.people[0], private, None)
    return key.derive(keys.KeyPurpose.DATABASE, found.database_salt)


def test_an_upgrade_backs_up_first(closed, monkeypatch):
    steps = (*schema.STEPS, ("CREATE TABLE later (x)",))
    monkeypatch.setitem(schema.upgrade.__kwdefaults__, "steps", steps)
    monkeypatch.setattr(schema.foreign, "__defaults__", (steps,))
    monkeypatch.setattr(schema.expect_own, "__defaults__", (steps,))
    key = _database_key(closed)
    for _ in range(2):
        with vault.open_vault(closed, PASSPHRASE) as opened:
            assert opened.check() == ()
            (told,) = opened.audit.entries(AuditQuery(act="vault.upgrade"))
            assert told.subject == str(len(steps))
    (name,) = (path.name for path in (closed / "backups").iterdir())
    assert name == f"before-step-{len(steps)}.db"
    backup = Database(closed / "backups" / name, key)
    with backup.reader() as reading:
        assert schema.version(reading) == len(steps) - 1
        assert reading.number("SELECT count(*) FROM calls") == 1
    backup.close()


def test_a_vault_that_goes_away_while_it_is_opened_leaves_no_lock(closed, monkeypatch):
    def gone(_):
        raise VaultMissing("gone")

    with monkeypatch.context() as racing:
        racing.setattr(vault, "state", lambda _: VaultState(exists=True))
        racing.setattr(vault.header, "read", gone)
        with pytest.raises(VaultMissing):
            vault.open_vault(closed, PASSPHRASE)
    vault.open_vault(closed, PASSPHRASE).close()


@pytest.mark.parametrize("name", ["vault.db", "vault.json"])
def test_a_missing_or_emptied_file_is_no_open_vault(closed, name):
    (closed / name).write_bytes(b"")
    with pytest.raises(VaultDamaged):
        vault.open_vault(closed, PASSPHRASE)
    (closed / name).unlink()
    with pytest.raises((VaultDamaged, VaultMissing)):
        vault.open_vault(closed, PASSPHRASE)
    assert not (closed / name).exists()


def test_the_database_of_another_vault_is_damage(closed, tmp_path):
    _create(tmp_path / "other").close()
    shutil.copy(tmp_path / "other" / "vault.db", closed / "vault.db")
    with pytest.raises(VaultDamaged):
        vault.open_vault(closed, PASSPHRASE)


def test_a_database_that_names_another_vault_is_damage(closed):
    database = Database(closed / "vault.db", _database_key(closed))
    with database.transaction() as writing:
        writing.change("UPDATE vault SET id = 'x'")
    database.close()
    with pytest.raises(VaultDamaged, match="another vault"):
        vault.open_vault(closed, PASSPHRASE)


def test_a_vault_may_be_moved_while_it_is_closed(closed, tmp_path):
    closed.rename(tmp_path / "moved here")
    with vault.open_vault(tmp_path / "moved here", PASSPHRASE) as opened:
        assert opened.check() == ()


def test_closing_twice_does_nothing_and_forgets_the_key(opened):
    opened.close()
    opened.close()
    with pytest.raises(RuntimeError):
        opened.audit.count()
    assert not any(opened._key._secret)
    assert not any(opened._call_keys._key + opened._call_keys._index_key)


def test_leftovers_of_interrupted_writes_go_at_opening(closed):
    (closed / "backups").mkdir()
    for name in (".part-00", "backups/.part-copy.db", "backups/.part-copy.db-journal"):
        (closed / name).write_bytes(b"x")
    with vault.open_vault(closed, PASSPHRASE) as opened:
        assert opened.recovered == vault.Recovered(requeued=0, removed_files=3)


def _remembered(closed, backend):
    with vault.open_vault(closed, PASSPHRASE, keyring=Keyring(backend)) as opened:
        opened.ways_in.remember(opened.person)


def test_the_keyring_opens_until_it_is_forgotten(closed):
    memory = Memory()
    keyring = Keyring(memory)
    assert vault.open_remembered(closed, keyring=keyring) is None
    _remembered(closed, memory)
    assert vault.state(closed).remembered
    with vault.open_remembered(closed, keyring=keyring) as opened:
        assert _acts(opened)[:2] == [("owner", "vault.open"), ("owner", "key.remember")]
        opened.ways_in.forget(opened.person)
        assert _acts(opened)[0] == ("owner", "key.forget")
    assert memory.kept == {}
    assert vault.open_remembered(closed, keyring=keyring) is None
    vault.open_vault(closed, PASSPHRASE).close()


def test_the_keyring_holds_neither_passphrase_nor_vault_key(closed):
    memory = Memory()
    with vault.open_vault(closed, PASSPHRASE, keyring=Keyring(memory)) as opened:
        opened.ways_in.remember(opened.person)
        secret = bytes(opened._key._secret).hex()
    kept = " ".join(memory.kept.values())
    assert PASSPHRASE not in kept
    assert secret not in kept


def test_a_keyring_without_the_key_or_with_another_opens_nothing(closed):
    memory = Memory()
    _remembered(closed, memory)
    assert vault.open_remembered(closed, keyring=Keyring(Memory())) is None
    Keyring(memory).new_secret(vault.state(closed).id)
    assert vault.open_remembered(closed, keyring=Keyring(memory)) is None
    vault.open_vault(closed, PASSPHRASE).close()


def test_a_locked_keyring_is_refused_and_leaves_the_vault_free(closed):
    _remembered(closed, Memory())
    with pytest.raises(KeyringRefused):
        vault.open_remembered(closed, keyring=Keyring(Locked()))
    with vault.open_vault(closed, PASSPHRASE, keyring=Keyring(Locked())) as opened:
        opened.ways_in.forget(opened.person)
    assert not vault.state(closed).remembered


def test_the_systems_own_keyring_is_asked_where_none_is_given(closed, monkeypatch):
    memory = Keyring(Memory())
    monkeypatch.setattr(remembered, "system_keyring", lambda: memory)
    with vault.open_vault(closed, PASSPHRASE) as opened:
        opened.ways_in.remember(opened.person)
    with vault.open_remembered(closed) as opened:
        opened.ways_in.forget(opened.person)


def test_a_backup_opens_in_the_place_of_the_database(opened, folder, tmp_path):
    opened.calls.add(b"one", name="one.wav", metadata=CallMetadata(), actor="ann")
    opened.backup(tmp_path / "copy.db")
    opened.close()
    shutil.copy(tmp_path / "copy.db", folder / "vault.db")
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert again.check() == ()
        assert sum(again.calls.totals().values()) == 1


def test_a_check_reports_damaged_pages(opened, monkeypatch):
    monkeypatch.setattr(opened._database, "problems", lambda: ("page 7 is damaged",))
    assert opened.check() == ("page 7 is damaged",)
