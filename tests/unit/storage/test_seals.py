"""What governs a vault is as the log signed it, or the vault says what is not.

Two attackers: one without keys has older copies of the folder and puts pages of them back; one with
a passphrase writes to the database with tools of her own. Neither asks the program.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from app.domain import EVERYTHING, CallMetadata, PersonRole, PersonState
from app.errors import VaultDamaged, WrongPassphrase
from app.storage import (
    audit_rows,
    files,
    header,
    keys,
    openers,
    policy,
    rescue,
    results,
    seals,
    sign_in,
    vault,
)
from app.storage.audio import Purpose, place_of
from app.storage.crypto import Binding, seal_bytes
from app.storage.keys import LOWEST_COST, KeyPurpose
from app.storage.way import Way
from tests.builders import analysed_call
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added

PAGE = 4096


def imported(opened, content=b"sound"):
    call = opened.calls.add(content, name="a.wav", metadata=CallMetadata(), actor="owner").call
    opened.calls.save(opened.jobs.claim("t"), analysed_call(), actor="t")
    return call.id


def raw(folder, name, passphrase):
    """The database as somebody opens it with a passphrase and a tool of their own; with the key."""
    found = header.read(folder)
    key = sign_in.by_passphrase(found, name, passphrase, attempts=None, computer=lambda: None).key
    path = (folder / "vault.db").absolute().as_uri()
    connection = dbapi2.connect(f"{path}?mode=rw", uri=True, isolation_level=None)
    secret = key.derive(KeyPurpose.DATABASE, found.database_salt)
    connection.execute(f"PRAGMA key = \"x'{secret.hex()}'\"")
    return connection, key


def pages(folder):
    content = (folder / "vault.db").read_bytes()
    return [content[at : at + PAGE] for at in range(0, len(content), PAGE)]


# ------------------------------------------------------------------------------ without any key


def test_no_page_of_an_older_copy_brings_an_old_rule_back(opened, folder, tmp_path):
    added(opened, "bea", PersonRole.PRIVACY_OFFICER)
    imported(opened)
    opened.close()
    old = shutil.copytree(folder, tmp_path / "old")
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        with again._database.transaction() as writing:
            rules = replace(policy.current(writing), retention_days=1)
            policy.keep(writing, rules)
        again._database.checkpoint()
    newest, before = pages(folder), pages(old)
    refused = 0
    for number in [n for n, page in enumerate(before) if newest[n] != page]:
        spliced = [*newest[:number], before[number], *newest[number + 1 :]]
        (folder / "vault.db").write_bytes(b"".join(spliced))
        try:
            with vault.open_vault(folder, OTHER, name="bea") as again:
                assert again.policy.get() == rules or not again.audit.verify().ok
        except VaultDamaged as error:
            refused += "the rules" in error.sentence
        for end in ("-wal", "-shm"):
            (folder / f"vault.db{end}").unlink(missing_ok=True)
    assert refused  # the page of the rules, and that of their seals


def test_a_removed_person_does_not_come_back_with_old_pages(opened, folder, tmp_path):
    added(opened, "bea", PersonRole.ADMINISTRATOR)
    opened._database.checkpoint()
    old = shutil.copytree(folder, tmp_path / "old")
    gone = replace(opened.people.get("bea"), state=PersonState.REMOVED)
    opened.people.change(gone, actor="owner")
    opened._header.shut = False  # the program ends before the keys are changed
    opened.close()
    connection, _ = raw(old, "bea", OTHER)
    roots = [
        row[0]
        for row in connection.execute(
            "SELECT rootpage FROM sqlite_master"
            " WHERE name IN ('headers', 'next_header', 'vault', 'people', 'seals')"
        )
    ]
    connection.close()
    newest, before = pages(folder), pages(old)
    for root in roots:
        newest[root - 1] = before[root - 1]
    (folder / "vault.db").write_bytes(b"".join(newest))
    shutil.copy(old / "vault.json", folder / "vault.json")
    with pytest.raises(VaultDamaged, match="changed outside of the program"):
        vault.open_vault(folder, OTHER, name="bea")


# ------------------------------------------------------------------ with a passphrase and a tool

EDITS = {
    "people": "UPDATE people SET roles = '[\"administrator\"]' WHERE name = 'bea'",
    "legal holds": "DELETE FROM holds",
    "the rules": "INSERT INTO policy VALUES (1, '{\"retention_days\":1}')",
    "teams": "INSERT INTO teams VALUES ('all', 'ann')",
    "requests": "UPDATE requests SET reason = 'because'",
    "the ways in": "UPDATE vault SET generation = generation + 1",
    "what was erased": "DELETE FROM erased",
    "the details of calls": "UPDATE calls SET started = '2001-01-01T00:00:00.000Z'",
    "the digests of analyses": "DELETE FROM contents",
    "the word list": "INSERT INTO vocabulary VALUES (1, 'Velmora')",
    "what was drawn to be judged": "INSERT INTO samples VALUES (1, 'bea', 'then', '{}', '{}')",
    "what was judged of it": (
        "INSERT INTO sampled_turns (sample, place, call, turn, result, channel)"
        " VALUES (1, 1, '', 0, '', 'agent')"
    ),
    "the key of the index": "INSERT INTO sealed_keys VALUES ('other', x'00')",
    "backup codes": "INSERT INTO backup_codes VALUES ('bea', zeroblob(32))",
}


@pytest.fixture
def rich(opened):
    """A vault with something of everything."""
    added(opened, "bea")
    call = imported(opened)
    opened.calls.erase(imported(opened, b"gone"), actor="owner")
    opened.holds.place(call, "court", actor="owner", scope=EVERYTHING)
    with opened._database.transaction() as writing:
        writing.change(
            "INSERT INTO requests (act, subject, value, reason, asked_by, asked_at, state)"
            " VALUES ('erase-call', ?, '', 'asked', 'bea', 'then', 'open')",
            (call,),
        )
    assert opened.check() == ()
    return opened


@pytest.mark.parametrize("triggers", [True, False])
@pytest.mark.parametrize("what", EDITS)
def test_what_somebody_changes_with_a_tool_is_named(rich, folder, what, triggers):
    rich.close()
    connection, _ = raw(folder, "bea", OTHER)
    noting = connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE '%sealed%'"
    ).fetchall()
    for name, _ in () if triggers else noting:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute(EDITS[what])
    for _, sql in () if triggers else noting:
        connection.execute(sql)
    connection.close()
    try:
        with vault.open_vault(folder, OTHER, name="bea") as again:
            said = " ".join(again.check())
            assert not again.audit.verify().ok
    except VaultDamaged as error:
        assert what in {seals.WORDS[part] for part in seals.AT_OPENING}
        said = error.sentence
    else:
        assert what not in {seals.WORDS[part] for part in seals.AT_OPENING}
    assert what in said


def test_what_is_written_beside_the_open_program_is_never_signed(rich, folder):
    connection, _ = raw(folder, "bea", OTHER)
    connection.execute(EDITS["people"])
    rich.teams.keep("red", ["ann"], actor="owner")
    assert "people" in rich.audit.verify().sentence
    connection.execute("DELETE FROM seals")
    connection.execute(EDITS["teams"])
    connection.close()
    rich.teams.keep("blue", ["ben"], actor="owner")
    assert not rich.audit.verify().ok
    rich.close()
    with pytest.raises(VaultDamaged):
        vault.open_vault(folder, PASSPHRASE, name="owner")


def test_seals_that_are_made_to_fit_do_not_fit_what_was_signed(rich, folder):
    rich.close()
    connection, _ = raw(folder, "bea", OTHER)

    class Tool:
        def all(self, sql, values=()):
            return connection.execute(sql, values).fetchall()

        def one(self, sql, values=()):
            return connection.execute(sql, values).fetchone()

        def number(self, sql):
            return self.one(sql)[0]

        def each(self, sql):
            return iter(self.all(sql))

        def change(self, sql, values=()):
            connection.execute(sql, values)

        def many(self, sql, rows):
            connection.executemany(sql, rows)

    connection.execute(EDITS["people"])
    seals.begin(Tool())
    connection.close()
    with pytest.raises(VaultDamaged, match="the seals themselves"):
        vault.open_vault(folder, OTHER, name="bea")


def test_who_puts_another_way_in_in_place_for_a_moment_is_kept_out(opened, folder):
    added(opened, "amal", passphrase=PASSPHRASE)
    added(opened, "bea")
    opened.close()
    found = header.read(folder)
    connection, key = raw(folder, "bea", OTHER)
    mine = "my own choice of words here"
    way = openers.person_opener(found.id, key, name="amal", passphrase=mine, cost=LOWEST_COST)
    forged = found.with_person(way).signed(key)
    connection.execute("INSERT INTO headers VALUES (?)", (forged.check,))
    connection.close()
    header.write(folder, forged)
    with pytest.raises(VaultDamaged, match="the ways in"):
        vault.open_vault(folder, mine, name="amal")


def test_recordings_and_analyses_that_were_exchanged_are_named(opened, folder):
    call, other = imported(opened), imported(opened, b"another")
    opened.close()
    connection, key = raw(folder, "owner", PASSPHRASE)
    calls = keys.CallKeys(key.derive(KeyPurpose.CALLS), b"")
    rows = connection.execute(
        "SELECT number, id, call_keys.sealed, analysis FROM calls JOIN call_keys ON"
        " call_keys.call = number JOIN analyses ON analyses.call = number"
    ).fetchall()
    for number, name, sealed, _ in rows:
        secret = calls.opened(name, sealed)
        for purpose, content in ((Purpose.ORIGINAL, b"forged"), (Purpose.MUTED, b"muted")):
            made = seal_bytes(content, secret, Binding(f"audio:{purpose}", name))
            place_of(folder, name, purpose).write_bytes(made)
            connection.execute(
                "UPDATE audio SET mark = ?, size_bytes = ? WHERE call = ? AND purpose = ?",
                (made[8:40], len(content), number, purpose),
            )
        plain = results._sealed(analysed_call().analysis, secret, "analysis", name)
        connection.execute("UPDATE analyses SET analysis = ? WHERE call = ?", (plain, number))
    connection.close()
    with vault.open_vault(folder, PASSPHRASE) as again:
        problems = again.check()
    for one in (call, other):
        for what in ("original recording", "muted recording", "analysis"):
            assert f"the {what} of call {one} is not the one that was kept" in problems


def test_a_changed_vault_is_saved_by_the_sheet_alone_and_says_what_was_changed(
    rich, folder, tmp_path
):
    sheet = rich.ways_in.new_sheet()
    rich.ways_in.keep_sheet(sheet, sheet, actor="owner")
    rich.close()
    connection, _ = raw(folder, "bea", OTHER)
    connection.execute("UPDATE people SET roles = '[\"administrator\"]'")
    connection.close()
    target = tmp_path / "saved"
    with pytest.raises(VaultDamaged, match="people"):
        rescue.rescue(folder, target, Way(name="bea", passphrase=OTHER))
    report = rescue.rescue(folder, target, Way(sheet=sheet))
    assert report.remarks == ("Changed outside of the program: people.",)
    with vault.open_vault(target, PASSPHRASE, name="owner") as again:
        assert again.check() == ()


# ----------------------------------------------------------------------------------- the promise


def test_every_entry_signs_the_state_of_its_moment(opened):
    first = last_state(opened)
    opened.audit.record(actor="owner", act="call.view")
    assert last_state(opened) == first
    opened.teams.keep("red", ["ann"], actor="owner")
    assert len({first, last_state(opened)}) == 2
    opened.teams.keep("red", [], actor="owner")
    assert last_state(opened) == first  # a set, whichever way it came about


def last_state(opened):
    with opened._database.reader() as reading:
        return audit_rows.last(reading).state


def test_what_no_entry_tells_of_is_signed_all_the_same(opened):
    with opened._database.transaction() as writing:
        writing.change("INSERT INTO teams VALUES ('red', 'ann')")
    assert opened.audit.entries(limit=1)[0].act == "vault.state"
    with opened._database.transaction() as writing:
        writing.change("UPDATE people SET failures = 3")
        writing.change("UPDATE people SET state = state")
    assert opened.audit.entries(limit=2)[0].act == "vault.state"
    assert opened.audit.verify().ok


def test_a_transaction_that_is_undone_takes_its_seals_along(opened):
    def undone():
        with opened._database.transaction() as writing:
            writing.change("INSERT INTO teams VALUES ('red', 'ann')")
            opened.audit.append(writing, actor="owner", act="team.change")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        undone()
    assert opened.audit.verify().ok


NAMES = st.sampled_from(["a", "b", "ä", "", "a.b", "x\0y"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["INSERT OR REPLACE", "INSERT OR IGNORE", "DELETE"]), NAMES, NAMES),
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(STEPS, max_size=3))
def test_however_rows_come_and_go_the_seals_are_those_of_what_is_there(opened, transactions):
    for steps in transactions:
        with opened._database.transaction() as writing:
            for how, one, other in steps:
                if how == "DELETE":
                    writing.change("DELETE FROM teams WHERE name = ?", (one,))
                else:
                    writing.change(f"{how} INTO teams VALUES (?, ?)", (one, other))
    with opened._database.reader() as reading:
        assert seals.foreign(reading, audit_rows.last(reading).state) == ()


def test_no_two_rows_are_written_alike(opened):
    rows = [("ab", "c"), ("a", "bc"), ("a.b", "c"), ("a", "b.c"), ("a\0", "b"), ("a", "\0b")]
    written = set()
    for one, other in rows:
        with opened._database.transaction() as writing:
            writing.change("DELETE FROM teams")
            writing.change("INSERT INTO teams VALUES (?, ?)", (one, other))
        written.add(last_state(opened))
    assert len(written) == len(rows)


def test_the_number_of_a_part_is_the_product_that_it_says(opened):
    with opened._database.transaction() as writing:
        writing.many("INSERT INTO teams VALUES (?, ?)", [("red", "ann"), ("red", "ben")])
    prime, product = 2**3072 - 1103717, 1
    for agent in ("ann", "ben"):
        row = ".".join(f"text{one.encode().hex().upper()}" for one in ("red", agent)).encode()
        parts = (b"teams", row)
        framed = b"autoinsights-row-1" + b"".join(len(p).to_bytes(4, "big") + p for p in parts)
        product *= int.from_bytes(hashlib.shake_256(framed).digest(384), "big")
    with opened._database.reader() as reading:
        (kept,) = reading.one("SELECT value FROM seals WHERE part = 'teams'")
    assert int.from_bytes(kept, "big") == product % prime


def test_a_lock_that_was_removed_lets_nobody_change_the_header(opened, folder):
    (folder / "lock").unlink()
    with vault.open_vault(folder, PASSPHRASE) as second:
        with pytest.raises(files.VaultLocked):
            added(opened, "bea")
        added(second, "bea")


def test_a_loosened_folder_is_tightened_and_a_database_elsewhere_refused(opened, folder, tmp_path):
    opened.close()
    folder.chmod(0o777)
    for name in ("vault.json", "vault.db"):
        (folder / name).chmod(0o666)
    vault.open_vault(folder, PASSPHRASE).close()
    modes = [path.stat().st_mode & 0o077 for path in (folder, *folder.glob("vault.*"))]
    assert not any(modes)
    (folder / "vault.db").rename(tmp_path / "elsewhere.db")
    (folder / "vault.db").symlink_to(tmp_path / "elsewhere.db")
    with pytest.raises(files.StorageError, match="leads out"):
        vault.open_vault(folder, PASSPHRASE)


def test_a_name_that_nobody_has_costs_as_much_as_the_slowest_one(opened, folder, monkeypatch):
    dearer = replace(LOWEST_COST, passes=2)
    person = added(opened, "bea")
    opened.people.set_passphrase(person.name, OTHER, actor="owner", cost=dearer)
    spent = []

    def slow_key(_passphrase, _salt, cost):
        spent.append(cost)
        return bytes(32)

    monkeypatch.setattr(openers, "slow_key", slow_key)
    with pytest.raises(WrongPassphrase):
        opened.sign_in("nobody", OTHER)
    assert spent == [dearer]


# --------------------------------------------------------------- while a change of keys waits


@pytest.mark.parametrize(
    ("sql", "part"),
    [
        ("UPDATE people SET roles = '[\"administrator\"]' WHERE name = 'bea'", "people"),
        ("DELETE FROM holds", "legal holds"),
        (
            'INSERT INTO policy VALUES (1, \'{"two_persons": [], "retention_days": 1}\')',
            "the rules",
        ),
    ],
)
def test_ending_a_change_of_keys_signs_nothing_that_others_wrote(
    opened, folder, tmp_path, sql, part
):
    added(opened, "bea")
    opened.holds.place(imported(opened), "court", actor="owner", scope=EVERYTHING)
    opened.close()
    killed, new = tmp_path / "killed", "nine quiet herons by the lock"
    with vault.open_vault(folder, OTHER, name="bea") as again:
        again.people.set_passphrase("bea", new, actor="bea", cost=LOWEST_COST)
        again._database.checkpoint()
        shutil.copytree(folder, killed)
    connection, _ = raw(killed, "bea", new)
    connection.execute(sql)
    connection.close()
    for _ in range(2):
        with pytest.raises(VaultDamaged, match=f"changed outside of the program: {part}"):
            vault.open_vault(killed, new, name="bea")


def test_a_log_that_does_not_guard_its_database_signs_no_change(opened):
    opened._database.guard = None
    with opened._database.transaction() as writing:
        rules = replace(policy.current(writing), retention_days=1)
        policy.keep(writing, rules)
        opened.audit.append(writing, actor="owner", act="policy.change")
    with pytest.raises(VaultDamaged, match="the rules"):
        opened.audit.expect_own_state()


# ------------------------------------------------------------------------- whatever is written

UNTOLD = {
    "vault": {"id", "created_at"},  # another id is, when the vault is opened
    "calls": {
        "place", "attempts", "deaths", "queued_at", "finished_at", "lease_owner", "lease_until",
        "failure_sentence", "failure_hint", "language",
    },
    "analyses": {"at", "format"},
    "people": {"totp_step", "totp_drift", "failures", "failed_at"},
    "erased": {"removed"},
    "sqlite_sequence": {"name", "seq"},
}  # fmt: skip
"""The columns that nobody is told of: the queue, counters, and times that follow from others."""
OTHER_VALUE = (
    "CASE typeof({0}) WHEN 'integer' THEN {0} + 1 WHEN 'real' THEN {0} + 1 WHEN 'text' THEN"
    " {0} || 'x' WHEN 'blob' THEN randomblob(length({0})) ELSE {1} END"
)


def told(opened):
    """Whether anything is said of a vault as it is now."""
    try:
        opened.audit.expect_own_state()
        opened.trust._compared = False
        opened.trust.compare()
    except VaultDamaged:
        return True
    return opened.trust.doubt() is not None or bool(opened.check())


def columns_of(connection):
    """The columns of each table that has rows, and their kinds."""
    tables = connection.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'turns_%'"
    ).fetchall()
    return {
        table: {one[1]: one[2] for one in connection.execute(f"PRAGMA table_info({table})")}
        for (table,) in tables
        if connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
    }


def test_no_column_that_means_something_is_changed_unseen(rich, folder):
    """Each in turn, past every rule of the tables and behind the back of the open program."""
    rich.teams.keep("red", ["ann"], actor="owner")
    rich.vocabulary.keep("Velmora", entries=1, actor="owner")
    rich.policy.change("session_hours", "11", actor="owner")
    with rich._database.transaction() as writing:
        writing.change("INSERT INTO backup_codes VALUES ('bea', zeroblob(32))")
    connection, _ = raw(folder, "bea", OTHER)
    for pragma in ("foreign_keys = OFF", "ignore_check_constraints = ON"):
        connection.execute(f"PRAGMA {pragma}")
    triggers = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'"
    ).fetchall()
    (number,) = connection.execute("PRAGMA schema_version").fetchone()

    def written(*statements):
        connection.execute("BEGIN")
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {name}")
        for sql, rows in statements:
            connection.executemany(sql, rows)
        for _, sql in triggers:
            connection.execute(sql)
        connection.execute(f"PRAGMA schema_version = {number}")
        connection.execute("COMMIT")

    unseen = {}
    for table, columns in columns_of(connection).items():
        whole = connection.execute(f"SELECT * FROM {table}").fetchall()
        put = f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})"
        for column, kind in columns.items():
            other = {"TEXT": "'n'", "BLOB": "x'00'"}.get(kind, "1")
            try:
                written(
                    (f"UPDATE {table} SET {column} = {OTHER_VALUE.format(column, other)}", [()])
                )
            except dbapi2.IntegrityError:  # two rows would be one
                connection.execute("ROLLBACK")
                continue
            if not told(rich):
                unseen.setdefault(table, set()).add(column)
            ends = rich.audit.count()
            mine = connection.execute(f"SELECT * FROM {table}").fetchall()
            added = mine[len(whole) :] if table == "audit" else []
            written((f"DELETE FROM {table}", [()]), (put, [*whole, *added]))
            assert ends == rich.audit.count()
        rich.audit._ends = ()
        assert not told(rich), table
    connection.close()
    assert unseen == UNTOLD
