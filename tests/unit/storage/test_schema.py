"""Steps from nothing to today: whole, numbered, backed up, never backwards."""

from __future__ import annotations

import pytest
from sqlcipher3 import dbapi2

from app.errors import VaultDamaged, VaultNewer
from app.storage import schema
from app.storage.database import Database

KEY = bytes(32)
ONE = ("CREATE TABLE one (x)",)
TWO = ("CREATE TABLE two (x)", "INSERT INTO two VALUES (1)")
THREE = ("ALTER TABLE two ADD COLUMN y", "CREATE INDEX two_y ON two (y)")


@pytest.fixture
def empty(tmp_path):
    made = Database.created(tmp_path / "vault.db", KEY)
    yield made
    made.close()


def _schema(database):
    with database.reader() as reading:
        return reading.all("SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY name")


def _version(database):
    with database.reader() as reading:
        return schema.version(reading)


def _no_backup(version):
    raise AssertionError(f"no backup was needed of {version}")


def test_a_new_vault_goes_through_all_steps_without_a_backup(empty):
    assert schema.upgrade(empty, fresh=True, backup=_no_backup) == len(schema.STEPS)
    assert _version(empty) == len(schema.STEPS)
    assert schema.upgrade(empty, fresh=False, backup=_no_backup) == 0


@pytest.mark.parametrize("reached", [1, 2])
def test_a_new_vault_and_an_upgraded_one_are_the_same(tmp_path, reached):
    steps, saved = (ONE, TWO, THREE), []
    fresh = Database.created(tmp_path / "fresh.db", KEY)
    schema.upgrade(fresh, fresh=True, backup=_no_backup, steps=steps)
    old = Database.created(tmp_path / "old.db", KEY)
    schema.upgrade(old, fresh=True, backup=_no_backup, steps=steps[:reached])
    done = schema.upgrade(old, fresh=False, backup=saved.append, steps=steps)
    assert (done, saved) == (3 - reached, [reached])
    assert _schema(old) == _schema(fresh)
    fresh.close()
    old.close()


def test_every_released_step_leads_to_todays_schema(tmp_path):
    wanted = None
    for reached in range(len(schema.STEPS), 0, -1):
        old = Database.created(tmp_path / f"{reached}.db", KEY)
        schema.upgrade(old, fresh=True, backup=_no_backup, steps=schema.STEPS[:reached])
        schema.upgrade(old, fresh=False, backup=lambda _: None)
        wanted = wanted or _schema(old)
        assert _schema(old) == wanted
        old.close()


def test_a_step_that_fails_is_as_if_it_had_not_begun(empty):
    broken = ("CREATE TABLE three (x)", "INSERT INTO nowhere VALUES (1)")
    schema.upgrade(empty, fresh=True, backup=_no_backup, steps=(ONE,))
    before = _schema(empty)
    with pytest.raises(dbapi2.OperationalError):
        schema.upgrade(empty, fresh=False, backup=lambda _: None, steps=(ONE, TWO, broken))
    assert _version(empty) == 2
    assert {row[1] for row in _schema(empty)} - {row[1] for row in before} == {"two"}


def test_without_its_backup_no_step_is_taken(empty):
    def full(_):
        raise OSError("full")

    schema.upgrade(empty, fresh=True, backup=_no_backup, steps=(ONE,))
    with pytest.raises(OSError, match="full"):
        schema.upgrade(empty, fresh=False, backup=full, steps=(ONE, TWO))
    assert _version(empty) == 1


def test_a_newer_vault_is_refused_unchanged(empty):
    schema.upgrade(empty, fresh=True, backup=_no_backup, steps=(ONE, TWO))
    before = _schema(empty)
    with pytest.raises(VaultNewer):
        schema.upgrade(empty, fresh=False, backup=_no_backup, steps=(ONE,))
    assert _schema(empty) == before


def test_an_empty_database_in_place_of_a_vault_is_damage(empty):
    with pytest.raises(VaultDamaged):
        schema.upgrade(empty, fresh=False, backup=_no_backup)


def test_turns_are_found_added_and_removed_but_never_changed(database):
    with database.transaction() as writing:
        writing.change("INSERT INTO turns VALUES (1, 'agent', 0, 'marzipan')")
    with pytest.raises(dbapi2.IntegrityError), database.transaction() as writing:
        writing.change("UPDATE turns SET text = 'x'")
    with database.transaction() as writing:
        writing.change("DELETE FROM turns")
        found = writing.all("SELECT rowid FROM turns_text WHERE turns_text MATCH 'marzipan'")
    assert found == []


def test_a_word_of_a_removed_turn_is_in_no_page_of_the_index(database):
    with database.transaction() as writing:
        writing.change("INSERT INTO turns VALUES (1, 'agent', 0, 'marzipan')")
        writing.change("INSERT INTO turns VALUES (2, 'agent', 0, 'other')")
    with database.transaction() as writing:
        writing.change("DELETE FROM turns WHERE id = 1")
    with database.reader() as reading:
        blocks = reading.all("SELECT block FROM turns_text_data")
    assert any(b"ther" in bytes(block) for (block,) in blocks)
    assert not any(b"arzipan" in bytes(block) for (block,) in blocks)
