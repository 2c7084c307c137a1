"""What somebody plants among the tables is named, and no act of the program carries it.

The attacker has a passphrase and the tools for the database. She changes what the database is made
of, rather than what is in it: before the vault is opened, while it is open, and while a change of
keys waits.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import suppress
from dataclasses import replace

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from app.domain import CallMetadata, PersonRole
from app.errors import AppError, BackupInvalid, VaultDamaged
from app.storage import backup_format, rescue, restore, rotation, schema, vault
from app.storage.database import Database
from app.storage.keys import LOWEST_COST, KeyPurpose
from app.storage.way import Way
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added
from tests.unit.storage.test_seals import imported, raw

RAISE = "UPDATE people SET roles = '[\"administrator\"]' WHERE name = 'bea'"
REWRITE = "UPDATE sqlite_schema SET sql = replace(sql, '{}', '{}') WHERE name = '{}'"


def rewritten(name, old, new):
    """Change the text of something that is there, which is how a forger would hide."""
    return ("PRAGMA writable_schema = ON", REWRITE.format(old, new, name))


PLANTS = {
    # a trigger on whatever an act writes to
    **{
        f"a trigger on {table}": (
            "the trigger zz was put in",
            (f"CREATE TRIGGER zz AFTER INSERT ON {table} BEGIN {RAISE}; END",),
        )
        for table in (
            "calls",
            "call_keys",
            "audio",
            "turns",
            "audit",
            "audit_head",
            "policy",
            "teams",
            "holds",
            "requests",
            "unsealed",
            "seals",
            "contents",
            "vocabulary",
            "headers",
            "backup_codes",
        )
    },
    "one that fires before": (
        "the trigger zz was put in",
        (f"CREATE TRIGGER zz BEFORE INSERT ON audit BEGIN {RAISE}; END",),
    ),
    "one that hides what it did": (
        "the trigger zz was put in",
        (
            f"CREATE TRIGGER zz AFTER INSERT ON audit BEGIN {RAISE};"
            " DELETE FROM unsealed WHERE part = 'people'; END",
        ),
    ),
    "one that undoes itself": (
        "the trigger zz was put in",
        (
            f"CREATE TRIGGER zz AFTER INSERT ON teams BEGIN {RAISE}; UPDATE people SET roles ="
            " '[\"reviewer\"]' WHERE name = 'bea'; END",
        ),
    ),
    "one with the name of another": (
        "the trigger people_kept was changed",
        (
            "DROP TRIGGER people_kept",
            f"CREATE TRIGGER people_kept AFTER INSERT ON audit BEGIN {RAISE}; END",
        ),
    ),
    "a view in place of a table": (
        "the table people is missing",
        (
            "PRAGMA legacy_alter_table = ON",
            "ALTER TABLE people RENAME TO hidden",
            "CREATE VIEW people AS SELECT name, '[\"administrator\"]' AS roles, granted, scope,"
            " state, added_at, totp, totp_step, totp_drift, failures, failed_at FROM hidden",
            "CREATE TRIGGER zz INSTEAD OF UPDATE ON people BEGIN SELECT 1; END",
        ),
    ),
    "a view": ("the view zz was put in", ("CREATE VIEW zz AS SELECT * FROM people",)),
    "a table": ("the table zz was put in", ("CREATE TABLE zz (x)",)),
    "statistics": ("the table sqlite_stat1 was put in", ("ANALYZE",)),
    "a full-text table": (
        "the table zz was put in",
        ("CREATE VIRTUAL TABLE zz USING fts5 (x)",),
    ),
    "a unique index": (
        "the index zz was put in",
        ("CREATE UNIQUE INDEX zz ON calls (customer_reference, id)",),
    ),
    "an index that is gone": (
        "the index erased_by_digest is missing",
        ("DROP INDEX erased_by_digest",),
    ),
    "a guard that is gone": ("the trigger audit_kept is missing", ("DROP TRIGGER audit_kept",)),
    "a note that is gone": (
        "the trigger people_sealed_other is missing",
        ("DROP TRIGGER people_sealed_other",),
    ),
    "a table that is gone": ("the table seals is missing", ("DROP TABLE seals",)),
    "another text of a trigger": (
        "the trigger people_sealed_new was changed",
        rewritten("people_sealed_new", "BEGIN ", f"BEGIN {RAISE.replace(chr(39), chr(39) * 2)}; "),
    ),
    "a trigger that never fires": (
        "the trigger people_sealed_other was changed",
        rewritten("people_sealed_other", "BEGIN", "WHEN 0 BEGIN"),
    ),
    "a table without its rules": (
        "the table requests was changed",
        rewritten("requests", "decided_by IS NOT asked_by", "1"),
    ),
    "a hold that anybody may lose": (
        "the table holds was changed",
        rewritten("holds", "RESTRICT", "CASCADE"),
    ),
    "an index of nothing": (
        "the index erased_by_digest was changed",
        rewritten("erased_by_digest", "(digest)", "(digest) WHERE 0"),
    ),
    "white space alone": (
        "the trigger audit_fixed was changed",
        rewritten("audit_fixed", "BEGIN", "BEGIN "),
    ),
    "another table's pages": (
        "lies where something else lies",
        (
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema"
            " WHERE name = 'holds') WHERE name = 'analyses'",
        ),
    ),
    "the text of a shadow table": (
        "the table turns_text_config was changed",
        rewritten("turns_text_config", "WITHOUT ROWID", "WITHOUT  ROWID"),
    ),
    "a name that is no text": (
        "was put in",
        (
            "CREATE TABLE zz (x)",
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_schema SET name = CAST(x'ff0a41' AS TEXT), tbl_name ="
            " CAST(x'ff0a41' AS TEXT) WHERE name = 'zz'",
        ),
    ),
}


def plant(connection, statements):
    for statement in statements:
        connection.execute(statement)


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A vault with two people and a call, made once, and the key of its database."""
    folder = tmp_path_factory.mktemp("planted") / "vault"
    with vault.create(folder, PASSPHRASE, cost=LOWEST_COST) as made:
        added(made, "bea")
        imported(made)
        salt = made._header.now.database_salt
        secret = made._header.key.derive(KeyPurpose.DATABASE, salt)
    return folder, secret


@pytest.fixture
def shut(template, folder):
    """A copy of it, and how whoever has its key opens its database with a tool."""
    shutil.copytree(template[0], folder)

    def tool():
        return with_key(folder, template[1])

    return tool


def with_key(folder, secret):
    path = (folder / "vault.db").absolute().as_uri()
    connection = dbapi2.connect(f"{path}?mode=rw", uri=True, isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{secret.hex()}'\"")
    return connection


@pytest.fixture
def kept(shut, folder):
    """The same, open."""
    with vault.open_vault(folder, PASSPHRASE, name="owner") as opened:
        yield opened


def entries_in(connection):
    """Return how many entries the log holds, and close; no text among the tables says nothing."""
    try:
        return connection.execute("SELECT count(*) FROM audit").fetchone()[0]
    except UnicodeDecodeError:
        return None
    finally:
        connection.close()


@pytest.mark.parametrize("what", PLANTS)
def test_what_was_planted_is_named_and_the_vault_does_not_open(shut, folder, what):
    named, statements = PLANTS[what]
    connection = shut()
    plant(connection, statements)
    connection.close()
    before = entries_in(shut())
    for _ in range(2):
        with pytest.raises(VaultDamaged) as caught:
            vault.open_vault(folder, PASSPHRASE, name="owner")
        said = caught.value.sentence
        assert named in said or "malformed" in said or "is damaged" in said
        assert said.isprintable()
    assert entries_in(shut()) == before


@pytest.mark.parametrize("seen", ["as SQLite tells it", "behind the old number"])
@pytest.mark.parametrize("what", PLANTS)
def test_what_is_planted_while_the_vault_is_open_is_never_signed(shut, kept, folder, what, seen):
    kept.teams.keep("red", ["ann"], actor="owner")
    connection, before = shut(), kept.audit.count()
    (number,) = connection.execute("PRAGMA schema_version").fetchone()
    plant(connection, PLANTS[what][1])
    if seen == "behind the old number":
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute(f"PRAGMA schema_version = {number}")
    elif connection.execute("PRAGMA schema_version").fetchone() == (number,):
        connection.execute(f"PRAGMA schema_version = {number + 1}")
    connection.close()
    acts = (
        lambda: kept.calls.add(b"new", name="b", metadata=CallMetadata(), actor="owner"),
        lambda: kept.teams.keep("blue", ["ben"], actor="owner"),
        lambda: kept.audit.record(actor="owner", act="call.view"),
    )
    if seen == "behind the old number":
        for act in acts:
            with suppress(AppError, dbapi2.Error):  # such as of a table that is gone
                act()
        if "trigger" in what or what.startswith("one "):
            connection = shut()
            roles = connection.execute("SELECT roles FROM people WHERE name = 'bea'").fetchone()
            connection.close()
            assert roles == ('["reviewer"]',)
    else:
        for act in acts:
            with pytest.raises(VaultDamaged, match=r"while it was open|is damaged"):
                act()
        assert entries_in(shut()) in {before, None}
    kept.close()
    with pytest.raises(VaultDamaged) as caught:
        vault.open_vault(folder, PASSPHRASE, name="owner")
    said = caught.value.sentence
    assert "hanged outside" in said or "damaged" in said


def test_a_trigger_that_comes_and_goes_before_the_vault_is_open_never_fires(opened, folder):
    """It was there when the writer first looked, and is gone when its schema is compared."""
    added(opened, "bea")
    key, salt = opened._header.key, opened._header.now.database_salt
    secret = key.derive(KeyPurpose.DATABASE, salt)
    attacker, _ = raw(folder, "bea", OTHER)
    attacker.execute(f"CREATE TRIGGER zz AFTER INSERT ON teams BEGIN {RAISE}; END")
    (number,) = attacker.execute("PRAGMA schema_version").fetchone()
    with_it_in_mind = Database(folder / "vault.db", secret)
    attacker.execute("DROP TRIGGER zz")
    attacker.execute(f"PRAGMA schema_version = {number}")
    with_it_in_mind.hold_schema(schema.expect_own)
    with with_it_in_mind.transaction() as writing:
        writing.change("INSERT INTO teams VALUES ('red', 'ann')")
        assert writing.one("SELECT roles FROM people WHERE name = 'bea'") == ('["reviewer"]',)
    with_it_in_mind.close()
    attacker.close()


def test_a_schema_that_is_held_is_that_which_was_looked_at(opened, folder):
    attacker, _ = raw(folder, "owner", PASSPHRASE)
    attacker.execute("CREATE TABLE zz (x)")
    with pytest.raises(VaultDamaged, match="table zz was put in"):
        opened._database.hold_schema(schema.expect_own)
    attacker.execute("DROP TABLE zz")
    attacker.close()
    opened._database.hold_schema(schema.expect_own)
    opened.teams.keep("red", ["ann"], actor="owner")
    assert opened.check() == ()


@pytest.mark.parametrize(
    "what", ["a trigger on audit", "a trigger on headers", "a view", "a note that is gone"]
)
def test_ending_a_change_of_keys_carries_nothing_that_was_planted(kept, folder, tmp_path, what):
    kept.close()
    named, statements = PLANTS[what]
    killed, new = tmp_path / "killed", "nine quiet herons by the lock"
    with vault.open_vault(folder, OTHER, name="bea") as again:
        again.people.set_passphrase("bea", new, actor="bea", cost=LOWEST_COST)
        again._database.checkpoint()
        shutil.copytree(folder, killed)
    connection, _ = raw(killed, "bea", new)
    plant(connection, statements)
    connection.close()
    before = entries_in(raw(killed, "bea", new)[0])
    for _ in range(2):
        with pytest.raises(VaultDamaged, match=named):
            vault.open_vault(killed, new, name="bea")
    assert entries_in(raw(killed, "bea", new)[0]) == before


def test_what_is_planted_between_the_steps_of_a_change_of_keys_is_not_signed(
    kept, folder, monkeypatch
):
    kept.ways_in.rotate(actor="owner")
    kept.close()
    connection, _ = raw(folder, "bea", OTHER)
    whole = rotation.expect_room_to_rekey

    def meanwhile(path):
        plant(connection, PLANTS["a trigger on audit"][1])
        whole(path)

    monkeypatch.setattr(rotation, "expect_room_to_rekey", meanwhile)
    with pytest.raises(VaultDamaged, match="trigger zz was put in"):
        vault.open_vault(folder, PASSPHRASE, name="owner")
    roles = connection.execute("SELECT roles FROM people WHERE name = 'bea'").fetchone()
    assert roles == ('["reviewer"]',)
    connection.close()


def _take_back_to_step_one(connection):
    """Take out of a database all that later steps put in."""
    older = dbapi2.connect(":memory:")
    for statement in schema.STEPS[0]:
        older.execute(statement)
    objects = "SELECT type, name FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL"
    for kind in ("trigger", "index", "table"):
        there = set(older.execute(objects, (kind,)))
        for one in set(connection.execute(objects, (kind,))) - there:
            connection.execute("DROP " + " ".join(one))
    for _, table in older.execute(objects, ("table",)).fetchall():
        there = {row[1] for row in older.execute(f"PRAGMA table_info({table})")}
        for row in connection.execute(f"PRAGMA table_info({table})").fetchall():
            if row[1] not in there:
                connection.execute(f"ALTER TABLE {table} DROP COLUMN {row[1]}")
    older.close()


def test_a_vault_that_is_made_to_look_older_is_not_signed_anew(kept, folder):
    """Without its seals it would be one of before there were any, and be sealed as it is."""
    kept.close()
    connection, _ = raw(folder, "bea", OTHER)
    _take_back_to_step_one(connection)
    connection.execute(RAISE)
    connection.execute("PRAGMA user_version = 1")
    connection.close()
    before = entries_in(raw(folder, "bea", OTHER)[0])
    for _ in range(2):
        with pytest.raises(VaultDamaged, match="Audit entry"):
            vault.open_vault(folder, PASSPHRASE, name="owner")
    assert entries_in(raw(folder, "bea", OTHER)[0]) == before


@pytest.mark.parametrize("number", [-1, 0, 1])
def test_another_number_of_the_schema_helps_nobody(kept, folder, number):
    kept.close()
    connection, _ = raw(folder, "bea", OTHER)
    connection.execute(f"PRAGMA user_version = {number}")
    connection.close()
    with pytest.raises(VaultDamaged, match="hanged outside of the program"):
        vault.open_vault(folder, PASSPHRASE, name="owner")


def test_many_things_are_counted_and_a_long_name_is_cut(kept, folder):
    kept.close()
    connection, _ = raw(folder, "bea", OTHER)
    for number in range(9):
        connection.execute(f"CREATE TABLE {'z' * 500}{number} (x)")
    connection.close()
    with pytest.raises(VaultDamaged, match=r"and 4 more\.$") as caught:
        vault.open_vault(folder, PASSPHRASE, name="owner")
    assert len(caught.value.sentence) < 500


def test_what_is_planted_is_named_by_whoever_verifies_the_open_vault(kept, folder):
    connection, _ = raw(folder, "bea", OTHER)
    plant(connection, PLANTS["a view"][1])
    connection.close()
    assert "the view zz was put in" in kept.audit.verify().sentence
    with pytest.raises(VaultDamaged, match="the view zz was put in"):
        kept.sign_in("owner", PASSPHRASE)
    assert any("the view zz" in one for one in kept.check())


def test_a_planted_vault_is_saved_by_the_sheet_alone_and_without_what_was_planted(
    kept, folder, tmp_path
):
    sheet = kept.ways_in.new_sheet()
    kept.ways_in.keep_sheet(sheet, sheet, actor="owner")
    bea = replace(kept.people.get("bea"), roles=frozenset({PersonRole.ADMINISTRATOR}))
    kept.people.change(bea, actor="owner")
    kept.close()
    connection, _ = raw(folder, "bea", OTHER)
    plant(connection, PLANTS["a trigger on audit"][1])
    connection.close()
    target = tmp_path / "saved"
    with pytest.raises(VaultDamaged, match="trigger zz was put in"):
        rescue.rescue(folder, target, Way(name="bea", passphrase=OTHER))
    report = rescue.rescue(folder, target, Way(sheet=sheet))
    assert report.remarks == ("Changed outside of the program: the trigger zz was put in.",)
    with vault.open_vault(target, PASSPHRASE, name="owner") as again:
        assert again.check() == ()


# ------------------------------------------------------------------ the end of the log, live


def forged(connection, **columns):
    """Write to the last entry of the log, past its guards, which are there again afterwards."""
    guards = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE name IN ('audit_fixed', 'audit_kept')"
    ).fetchall()
    (number,) = connection.execute("PRAGMA schema_version").fetchone()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    for column, value in columns.items():
        connection.execute(
            f"UPDATE audit SET {column} = ? WHERE number = (SELECT max(number) FROM audit)",
            (value,),
        )
    for _, sql in guards:
        connection.execute(sql)
    connection.execute(f"PRAGMA schema_version = {number}")


@pytest.mark.parametrize("state", [b"", bytes(32)])
def test_a_state_that_somebody_lends_the_last_entry_is_not_gone_on_with(kept, folder, state):
    """It would be signed by the next act, and could be taken out of its entry again."""
    connection, _ = raw(folder, "bea", OTHER)
    connection.execute(RAISE)
    forged(connection, state=state)
    for _ in range(2):
        with pytest.raises(VaultDamaged, match="audit log was changed outside"):
            kept.audit.record(actor="owner", act="call.view")
    connection.close()
    kept.close()
    with pytest.raises(VaultDamaged, match=r"not as it was written|end of the audit log"):
        vault.open_vault(folder, PASSPHRASE, name="owner")


def test_an_act_that_was_undone_is_no_change_of_the_log(kept):
    def undone():
        with kept._database.transaction() as writing:
            kept.audit.append(writing, actor="owner", act="call.view")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    kept.audit.record(actor="owner", act="call.view")
    assert kept.audit.verify().ok


def test_a_transaction_that_could_not_be_kept_is_no_change_of_the_log(kept, monkeypatch):
    """The guard has seen its end; the disk refused it all the same."""
    whole = kept.audit.ending

    def refused(writing):
        whole(writing)
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(kept.audit, "ending", refused)
        with pytest.raises(ZeroDivisionError):
            kept.audit.record(actor="owner", act="call.view")
    kept.audit.record(actor="owner", act="call.view")
    assert kept.audit.verify().ok


# --------------------------------------------------------------------------- whatever is written

TEXTS = st.sampled_from(
    ["x", "'", '"', "\\", "ä", "--", "\n", "; DROP TABLE people", "WHEN 0", ")"]
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.integers(0, 200), st.integers(0, 4000), TEXTS)
def test_no_character_of_the_schema_can_be_changed_unseen(opened, number, place, text):
    with opened._database.reader() as reading:
        rows = reading.all("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
        assert schema.foreign(reading) == ()
        (sql,) = rows[number % len(rows)]
        changed = f"{sql[: place % len(sql)]}{text}{sql[place % len(sql) :]}"

        class Forged:
            """What a reader would see of it."""

            def all(self, statement):
                return [
                    (*row[:-1], changed.encode() if row[-1] == sql.encode() else row[-1])
                    for row in reading.all(statement)
                ]

            def number(self, statement):
                return reading.number(statement)

        assert schema.foreign(Forged())


# -------------------------------------------------------------------------------- in a backup


def test_what_was_planted_in_a_backup_does_not_come_back(kept, tmp_path):
    """She has every key: so the backup's own seals are hers to make."""
    place = tmp_path / "backup"
    kept.backups.make(place, actor="owner")
    key = kept._header.key
    backup = backup_format.opened(place, lambda _: key)
    connection = dbapi2.connect(str(backup.database), isolation_level=None)
    connection.execute(f"PRAGMA key = \"x'{backup.database_key().hex()}'\"")
    plant(connection, PLANTS["a trigger on audit"][1])
    connection.close()
    content = backup.database.read_bytes()
    forged = msgspec.structs.replace(
        backup.manifest,
        database=backup_format.StoredFile(
            size=len(content), sha256=hashlib.sha256(content).digest()
        ),
    )
    (place / backup_format.MANIFEST).write_bytes(
        backup_format.enveloped("manifest", backup.header, backup.generation, forged, key)
    )
    assert kept.backups.check(place).problems == (
        "Changed outside of the program: the trigger zz was put in, in the backup.",
    )
    way, target = Way(passphrase=PASSPHRASE, name="owner"), tmp_path / "again"
    with pytest.raises(BackupInvalid, match="trigger zz was put in"):
        restore.restore(place, target, way)
    assert not (target / "vault.db").exists()
