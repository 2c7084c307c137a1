"""The encrypted database: no plain text, no way around, and every fault by its name."""

from __future__ import annotations

import random
import threading

import pytest
from sqlcipher3 import dbapi2

from app.errors import DiskFull, FolderReadOnly, StorageError, VaultDamaged
from app.storage import database as module
from app.storage.database import Database, Duplicate

KEY = bytes(range(32))


@pytest.fixture
def database(tmp_path):
    made = Database.created(tmp_path / "vault.db", KEY)
    with made.transaction() as writing:
        writing.change("CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT UNIQUE)")
    yield made
    made.close()


def _fill(database, count=2000):
    with database.transaction() as writing:
        rows = ((f"marzipan word {n}",) for n in range(count))
        writing.many("INSERT INTO words (word) VALUES (?)", rows)


def test_nothing_is_in_plain_text_while_open_and_after(database, tmp_path):
    _fill(database)
    for _ in range(2):
        kept = b"".join(path.read_bytes() for path in tmp_path.iterdir() if path.is_file())
        assert len(kept) > 50_000
        assert b"marzipan" not in kept
        assert b"SQLite format" not in kept
        database.close()


def test_every_protection_is_on(database):
    with database.transaction() as writing:
        connection = writing._connection
    connection.set_authorizer(None)
    for pragma, wanted in {
        "temp_store": 2,
        "foreign_keys": 1,
        "secure_delete": 1,
        "synchronous": 2,
        "trusted_schema": 0,
        "journal_mode": "wal",
        "cipher_version": None,
    }.items():
        found = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
        assert found == wanted or (wanted is None and found)
    options = {row[0] for row in connection.execute("PRAGMA compile_options").fetchall()}
    assert "TEMP_STORE=2" in options


@pytest.mark.parametrize(
    "statement",
    [
        "ATTACH DATABASE 'plain.db' AS plain KEY ''",
        "ATTACH DATABASE ':memory:' AS plain",
        "VACUUM INTO 'plain.db'",
        "DETACH DATABASE main",
        "PRAGMA key = 'x'",
        "PRAGMA rekey = ''",
        "PRAGMA temp_store = FILE",
        "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = OFF",
        "PRAGMA synchronous = OFF",
        "PRAGMA foreign_keys = OFF",
        "SELECT load_extension('x')",
        "SELECT sqlcipher_export('main')",
    ],
)
def test_an_open_connection_cannot_be_led_around_its_protections(database, tmp_path, statement):
    with pytest.raises(dbapi2.DatabaseError), database.reader() as reading:
        reading.all(statement)
    with pytest.raises(dbapi2.DatabaseError), database._writing:
        database._writer.execute(statement)
    assert not (tmp_path / "plain.db").exists()


def test_a_library_that_does_not_encrypt_is_refused(tmp_path, monkeypatch):
    import sqlite3

    database = tmp_path / "other.db"
    database.touch()
    monkeypatch.setattr(module, "dbapi2", sqlite3)
    with pytest.raises(RuntimeError, match="does not encrypt"):
        module._keyed(database, KEY)


def test_a_reader_cannot_write(database):
    with pytest.raises(FolderReadOnly), database.reader() as reading:
        reading.one("INSERT INTO words (word) VALUES ('x')")


def test_another_key_no_file_and_junk_are_damage(database, tmp_path):
    database.close()
    with pytest.raises(VaultDamaged):
        Database(tmp_path / "vault.db", bytes(32))
    with pytest.raises(VaultDamaged, match="missing"):
        Database(tmp_path / "nothing.db", KEY)
    (tmp_path / "junk.db").write_bytes(b"SQLite format 3\0" + bytes(5000))
    with pytest.raises(VaultDamaged):
        Database(tmp_path / "junk.db", KEY)


def test_a_plain_database_in_its_place_is_damage(tmp_path):
    connection = dbapi2.connect(str(tmp_path / "plain.db"))
    connection.execute("CREATE TABLE t (x)")
    connection.commit()
    connection.close()
    with pytest.raises(VaultDamaged):
        Database(tmp_path / "plain.db", KEY)


@pytest.mark.parametrize("page", [0, 1, 5, -1])
def test_a_flipped_bit_in_any_page_is_found_and_never_read_as_data(database, tmp_path, page):
    _fill(database)
    database.close()
    path = tmp_path / "vault.db"
    content = bytearray(path.read_bytes())
    content[(page * 4096 + 700) % len(content)] ^= 4
    path.write_bytes(bytes(content))
    with pytest.raises(VaultDamaged):
        _read_all(path)


def test_bits_flipped_anywhere_are_found_and_never_read_as_data(database, tmp_path):
    _fill(database)
    database.close()
    path, chance = tmp_path / "vault.db", random.Random("bits")
    content = path.read_bytes()
    for _ in range(300):
        at, bit = chance.randrange(len(content)), 1 << chance.randrange(8)
        path.write_bytes(content[:at] + bytes([content[at] ^ bit]) + content[at + 1 :])
        with pytest.raises(VaultDamaged):
            _read_all(path)


def _read_all(path):
    damaged = Database(path, KEY)
    try:
        problems = damaged.problems()
        with damaged.reader() as reading:
            rows = reading.all("SELECT word FROM words ORDER BY id")
            reading.all("SELECT word FROM words ORDER BY word")
        assert problems, "damage was not reported"
        assert rows == [(f"marzipan word {n}",) for n in range(2000)]
        raise VaultDamaged("found by the check, in a page that reading does not need")
    finally:
        damaged.close()


def test_a_healthy_database_has_no_problems_even_with_work_in_its_log(database):
    _fill(database)
    with database.reader() as reading:
        assert reading.number("SELECT count(*) FROM words") == 2000
    _fill_more(database)
    assert database.problems() == ()


def _fill_more(database):
    with database.transaction() as writing:
        writing.change("UPDATE words SET word = word || '!'")


def test_a_transaction_that_raises_keeps_nothing(database):
    def undone():
        with database.transaction() as writing:
            writing.change("INSERT INTO words (word) VALUES ('x')")
            raise KeyError("bug")

    with pytest.raises(KeyError):
        undone()
    with database.reader() as reading:
        assert reading.number("SELECT count(*) FROM words") == 0
    _fill(database, 1)


def test_a_transaction_in_a_transaction_is_a_mistake_of_the_program(database):
    with (
        pytest.raises(RuntimeError, match="holds another"),
        database.transaction(),
        database.transaction(),
    ):
        pass
    _fill(database, 1)


def test_a_broken_rule_passes_as_what_it_is(database):
    _fill(database, 1)
    with pytest.raises(Duplicate):
        _fill(database, 1)


def test_a_mistake_in_a_statement_is_no_trouble_of_the_disk(database):
    with pytest.raises(dbapi2.OperationalError), database.reader() as reading:
        reading.all("SELECT nothing FROM nowhere")


def test_a_reader_keeps_its_view_while_the_writer_goes_on(database):
    with database.reader() as reading:
        assert reading.number("SELECT count(*) FROM words") == 0
        _fill(database, 5)
        assert reading.number("SELECT count(*) FROM words") == 0
    with database.reader() as reading:
        assert reading.number("SELECT count(*) FROM words") == 5
        assert reading.number("SELECT id FROM words WHERE id = 99") == 0
        assert reading.number("SELECT max(id) FROM words WHERE id = 99") == 0


def test_many_threads_read_and_write_at_once(database):
    faults = []

    def work(number):
        try:
            for turn in range(15):
                with database.transaction() as writing:
                    writing.change("INSERT INTO words (word) VALUES (?)", (f"{number}-{turn}",))
                with database.reader() as reading:
                    reading.all("SELECT * FROM words")
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    with database.reader() as reading:
        assert reading.number("SELECT count(*) FROM words") == 90
    assert database.problems() == ()


def test_a_closed_database_is_closed_for_all_and_twice(database):
    with database.reader() as reading:
        database.close()
        database.close()
        assert reading.number("SELECT count(*) FROM words") == 0
    for opening in (database.reader, database.transaction):
        with pytest.raises(RuntimeError, match="closed"), opening():
            pass


def test_a_copy_is_whole_encrypted_and_opens_with_the_same_key(database, tmp_path):
    _fill(database)
    target = tmp_path / "copy.db"
    database.copy_to(target)
    database.copy_to(target)
    assert b"marzipan" not in target.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o600
    copy = Database(target, KEY)
    with copy.reader() as reading:
        assert reading.number("SELECT count(*) FROM words") == 2000
    assert copy.problems() == ()
    copy.close()
    assert not list(tmp_path.glob(".part-*"))


def test_a_copy_that_fails_leaves_nothing(database, tmp_path):
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "x").touch()
    with pytest.raises((StorageError, FolderReadOnly)):
        database.copy_to(tmp_path / "target")
    assert [p.name for p in tmp_path.iterdir() if "target" in p.name] == ["target"]


class _Said(dbapi2.DatabaseError):
    def __init__(self, code):
        super().__init__("what it says may quote content")
        self.sqlite_errorcode = code


@pytest.mark.parametrize(
    ("code", "room", "kind"),
    [
        (13, True, DiskFull),
        (10 | 3 << 8, False, DiskFull),
        (14, False, DiskFull),
        (8, True, FolderReadOnly),
        (3, True, FolderReadOnly),
        (11, True, VaultDamaged),
        (26, True, VaultDamaged),
        (10, True, StorageError),
        (14 | 2 << 8, True, StorageError),
        (1, True, None),
        (19, True, None),
        (0, True, None),
    ],
)
def test_each_fault_of_the_database_is_its_own_error(tmp_path, monkeypatch, code, room, kind):
    monkeypatch.setattr(module, "_has_room", lambda _: room)
    ours = module._ours(_Said(code), tmp_path / "vault.db")
    assert type(ours) is (kind or type(None))
    assert "quote" not in str(ours)


def test_an_error_without_a_code_is_told_by_its_message(tmp_path):
    ours = module._ours(dbapi2.OperationalError("database or disk is full"), tmp_path / "x")
    assert type(ours) is DiskFull


def test_a_folder_that_forbids_writing_explains_a_file_that_cannot_be_made(tmp_path, monkeypatch):
    monkeypatch.setattr(module.os, "access", lambda *_: False)
    assert type(module._ours(_Said(14), tmp_path / "vault.db")) is FolderReadOnly


def test_room_is_measured_where_the_system_can_tell(tmp_path, monkeypatch):
    assert module._has_room(tmp_path / "x")
    assert module._has_room(tmp_path / "nowhere" / "x")
    monkeypatch.delattr(module.os, "statvfs")
    assert module._has_room(tmp_path / "x")


def test_ctrl_c_that_falls_into_sqlcipher_is_raised_again(database, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("app.storage.database._authorised", interrupted)
    again = Database(database._path, database._key)
    with pytest.raises(KeyboardInterrupt), again.reader() as reading:
        reading.one("SELECT 1")
    monkeypatch.undo()
    again.close()


def test_what_is_kept_stays_kept_where_the_log_cannot_be_emptied(database):
    class Refusing:
        """The writer of a disk that has room for the log and for nothing else."""

        def __init__(self, writer):
            self._writer = writer

        def execute(self, sql, *values):
            if "wal_checkpoint" in sql:
                raise dbapi2.OperationalError("database or disk is full")
            return self._writer.execute(sql, *values)

        def __getattr__(self, name):
            return getattr(self._writer, name)

    database._writer = Refusing(database._writer)
    with database.transaction() as writing:
        writing.leave_no_trace()
        writing.change("CREATE TABLE kept (x)")
        writing.change("INSERT INTO kept VALUES (1)")
    with database.reader() as reading:
        assert reading.number("SELECT count(*) FROM kept") == 1
