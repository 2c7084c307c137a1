"""An older state that somebody put back is relied on for nothing that cannot be taken back.

Pages of an older copy are put back together with the old end of the log, so that the rules fit that
older moment; or all of the folder is, on a computer that saw the newer one.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain import EVERYTHING, AuditQuery, PersonState
from app.errors import VaultDamaged, VaultInDoubt
from app.storage import audit_rows, header, policy, rescue, seals, trust, vault
from app.storage.audit_head import Head
from app.storage.database import Writing
from app.storage.keys import KeyPurpose
from app.storage.way import Way
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added
from tests.unit.storage.test_seals import imported, raw

GOLDEN = Path(__file__).parents[2] / "golden" / "vaults" / "0.1.0"
OF_THE_LOG = ("audit", "audit_head", "seals")
GOVERNING = (
    "vault", "headers", "next_header", "backup_codes", "teams", "policy", "requests", "holds",
    "vocabulary", "sealed_keys",
)  # fmt: skip


@pytest.fixture
def where(tmp_path):
    return tmp_path / "remembered"


@pytest.fixture
def two(opened, folder, tmp_path):
    """A vault, and a copy of it from before there were rules, holds and a second call."""
    added(opened, "bea")
    imported(opened)
    opened.close()
    old = shutil.copytree(folder, tmp_path / "old")
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        with again._database.transaction() as writing:
            policy.keep(writing, replace(policy.current(writing), retention_days=365))
        again.holds.place(imported(again, b"second"), "court", actor="owner", scope=EVERYTHING)
        again.calls.erase(imported(again, b"third"), actor="owner")
        again.people.change(
            replace(again.people.get("bea"), state=PersonState.SUSPENDED), actor="owner"
        )
    return folder, old


def put_back(folder, old, *tables):
    """Put the rows of tables back as they were in an older copy, as its pages would."""
    source, _ = raw(old, "owner", PASSPHRASE)
    target, _ = raw(folder, "owner", PASSPHRASE)
    guards = target.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").fetchall()
    target.execute("PRAGMA foreign_keys = OFF")
    for name, _ in guards:
        target.execute(f"DROP TRIGGER {name}")
    for table in tables:
        rows = source.execute(f"SELECT * FROM {table}").fetchall()
        target.execute(f"DELETE FROM {table}")
        if rows:
            marks = ", ".join("?" * len(rows[0]))
            target.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)
    for _, sql in guards:
        target.execute(sql)
    source.close()
    target.close()
    shutil.copy(old / "vault.json", folder / "vault.json")


def test_rules_of_before_with_the_end_of_the_log_are_noticed_by_what_is_newer(two):
    folder, old = two
    put_back(folder, old, *OF_THE_LOG, *GOVERNING, "people")
    with vault.open_vault(folder, OTHER, name="bea") as again:  # suspended, and let in by the pages
        assert again.policy.get().retention_days != 365
        with pytest.raises(VaultDamaged) as caught:
            again.trust.expect()
        newer = [seals.WORDS[part] for part in ("erased", "calls", "contents")]
        for part in newer:
            assert part in caught.value.sentence
        (told,) = again.audit.entries(AuditQuery(act="vault.changed"))
        assert told.outcome == ", ".join(newer)
        assert not again.audit.verify().ok
        again.audit.accept_mismatch(actor="bea", reason="let me")
        with pytest.raises(VaultDamaged):  # what the log does not vouch for is accepted by nobody
            again.trust.expect()
    with vault.open_vault(folder, OTHER, name="bea") as again:
        assert again.audit.count(AuditQuery(act="vault.changed")) == 2


@pytest.mark.parametrize("newer", ["erased", "contents", "calls"])
def test_one_part_that_was_left_as_it_is_is_enough(two, newer):
    folder, old = two
    parts = [one for one in ("calls", "contents", "erased") if one != newer]
    put_back(folder, old, *OF_THE_LOG, *GOVERNING, "people", *parts)
    with (
        vault.open_vault(folder, OTHER, name="bea") as again,
        pytest.raises(VaultDamaged, match=seals.WORDS[newer]),
    ):
        again.trust.expect()


def test_with_very_many_calls_it_is_found_before_what_cannot_be_taken_back(two, monkeypatch):
    folder, old = two
    monkeypatch.setattr(trust, "_FEW_CALLS", 0)
    put_back(folder, old, *OF_THE_LOG, *GOVERNING, "people")
    with vault.open_vault(folder, OTHER, name="bea") as again:
        assert again.trust.doubt() is None
        assert again.audit.count(AuditQuery(act="vault.changed")) == 0
        again.trust.compare(lambda: True)  # stopped: nothing is known then
        assert again.trust.doubt() is None
        for _ in range(2):
            with pytest.raises(VaultDamaged):
                again.trust.expect()
        assert again.audit.count(AuditQuery(act="vault.changed")) == 1
        assert isinstance(again.trust.doubt(), VaultDamaged)


def test_a_vault_that_nobody_touched_is_in_no_doubt(two, where):
    folder, _ = two
    for content in (b"fourth", b"fifth"):
        with vault.open_vault(folder, PASSPHRASE, name="owner", witness=where) as again:
            again.trust.expect()
            assert again.trust.doubt() is None
            imported(again, content)
            again.trust.expect()


def test_a_whole_folder_of_before_is_in_doubt_until_somebody_accepts_it(two, where):
    folder, old = two
    vault.open_vault(folder, PASSPHRASE, name="owner", witness=where).close()
    shutil.rmtree(folder)
    shutil.copytree(old, folder)
    for _ in range(2):
        with vault.open_vault(folder, OTHER, name="bea", witness=where) as again:
            assert isinstance(again.trust.doubt(), VaultInDoubt)
            with pytest.raises(VaultInDoubt, match="older state"):
                again.trust.expect()
    with vault.open_vault(folder, PASSPHRASE, name="owner", witness=where) as again:
        again.audit.accept_mismatch(actor="owner", reason="restored after a fire")
        again.trust.expect()
    with vault.open_vault(folder, PASSPHRASE, name="owner", witness=where) as again:
        again.trust.expect()
        assert again.audit.verify().ok


def test_an_end_of_the_log_that_does_not_fit_is_in_doubt_until_somebody_accepts_it(two):
    folder, _ = two
    connection, _ = raw(folder, "owner", PASSPHRASE)
    connection.execute("UPDATE audit_head SET mac = zeroblob(32)")
    connection.close()
    for _ in range(2):
        with (
            vault.open_vault(folder, PASSPHRASE, name="owner") as again,
            pytest.raises(VaultInDoubt, match="does not end as it was written"),
        ):
            again.trust.expect()
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        again.audit.accept_mismatch(actor="owner", reason="the disk was bad")
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        again.trust.expect()
        assert not again.audit.verify().ok


def test_what_was_accepted_before_does_not_excuse_an_end_that_is_cut_off_later(two):
    folder, _ = two
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        again.audit.accept_mismatch(actor="owner", reason="restored after a fire")
        again.audit.record(actor="owner", act="call.listen-original")
    connection, _ = raw(folder, "owner", PASSPHRASE)
    (guard,) = connection.execute(
        "SELECT sql FROM sqlite_schema WHERE name = 'audit_kept'"
    ).fetchone()
    connection.execute("DROP TRIGGER audit_kept")
    connection.execute("DELETE FROM audit WHERE number = (SELECT max(number) FROM audit)")
    connection.execute(guard)
    connection.close()
    with (
        vault.open_vault(folder, PASSPHRASE, name="owner") as again,
        pytest.raises(VaultInDoubt, match="does not end"),
    ):
        again.trust.expect()
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:  # it goes on all the same
        again.audit.accept_mismatch(actor="owner", reason="we know who it was")
        again.trust.expect()
        assert not again.audit.verify().ok


@pytest.mark.parametrize("left", [0, 1, 5])
def test_a_log_that_was_cut_off_vouches_for_nothing(two, left):
    """Least of all an empty one, as that of a vault which is just being made."""
    folder, _ = two
    connection, _ = raw(folder, "owner", PASSPHRASE)
    guards = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE name IN ('audit_kept', 'audit_appended')"
    ).fetchall()
    for name, _ in guards:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("DELETE FROM audit WHERE number > ?", (left,))
    connection.execute("UPDATE people SET roles = '[\"administrator\"]', state = 'active'")
    connection.execute("UPDATE audit_head SET number = ?", (left,))
    for _, sql in guards:
        connection.execute(sql)
    connection.close()
    for _ in range(2):
        with pytest.raises(VaultDamaged):
            vault.open_vault(folder, OTHER, name="bea")


@pytest.mark.usefixtures("real_stretching")
def test_a_log_that_is_cut_back_to_before_there_were_seals_vouches_for_nothing(tmp_path):
    folder = shutil.copytree(GOLDEN / "vault", tmp_path / "vault")
    facts = json.loads((GOLDEN / "facts.json").read_text(encoding="utf-8"))
    passphrase = facts["passphrases"]["Bea"]
    vault.open_vault(folder, passphrase, name="Bea").close()
    connection, _ = raw(folder, "Bea", passphrase)
    guards = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE name = 'audit_kept'"
    ).fetchall()
    connection.execute("DROP TRIGGER audit_kept")
    connection.execute("DELETE FROM audit WHERE number > ?", (facts["entries"],))
    connection.execute("UPDATE people SET roles = '[\"administrator\"]', state = 'active'")
    connection.execute(guards[0][1])
    connection.close()
    with pytest.raises(VaultDamaged, match="end of the audit log is missing"):
        vault.open_vault(folder, passphrase, name="Bea")
    with pytest.raises(VaultDamaged, match="the end of the audit log"):
        rescue.rescue(folder, tmp_path / "saved", Way(name="Bea", passphrase=passphrase))


def test_an_entry_of_a_rescue_that_nobody_made_lets_nobody_in(two):
    """Such an entry goes on from a lost end: so its own end must be lost, too."""
    folder, _ = two
    connection, key = raw(folder, "owner", PASSPHRASE)
    connection.execute("UPDATE people SET roles = '[\"administrator\"]', state = 'active'")
    head = Head(header.read(folder).id, key.derive(KeyPurpose.AUDIT))
    writing = Writing(connection)
    state = seals.begin(writing)
    end = replace(head.read(writing), signer=Ed25519PrivateKey.generate(), state=state)
    last = audit_rows.last(writing).entry
    _, end = head.add(writing, end, replace(last, act="vault.rescue", reason=""))
    head.keep(writing, end)
    connection.close()
    with pytest.raises(VaultDamaged, match="is not as it was written"):
        vault.open_vault(folder, OTHER, name="bea")


def test_no_backup_holds_what_others_wrote(two, tmp_path):
    folder, _ = two
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        connection, _ = raw(folder, "owner", PASSPHRASE)
        connection.execute("UPDATE people SET roles = '[\"administrator\"]'")
        connection.close()
        with pytest.raises(VaultDamaged, match="people"):
            again.backups.make(tmp_path / "backup", actor="owner")


def test_what_is_changed_while_the_vault_is_open_is_found_before_each_such_act(two):
    folder, _ = two
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        again.trust.expect()
        connection, _ = raw(folder, "owner", PASSPHRASE)
        connection.execute("DELETE FROM holds")
        connection.close()
        with pytest.raises(VaultDamaged, match="legal holds"):
            again.trust.expect()
        with pytest.raises(VaultDamaged, match="legal holds"):
            again.sign_in("owner", PASSPHRASE)


def test_a_backup_in_a_new_folder_is_made_and_none_takes_the_place_of_another(two, where, tmp_path):
    folder, old = two
    with vault.open_vault(folder, PASSPHRASE, name="owner", witness=where) as again:
        again.backups.make(tmp_path / "good", actor="owner")
    shutil.rmtree(folder)
    shutil.copytree(old, folder)
    before = sorted(path.read_bytes() for path in (tmp_path / "good").glob("*.*"))
    with vault.open_vault(folder, PASSPHRASE, name="owner", witness=where) as again:
        with pytest.raises(VaultInDoubt):
            again.backups.make(tmp_path / "good", actor="owner")
        assert again.backups.make(tmp_path / "another", actor="owner").calls == 1
        with pytest.raises(VaultInDoubt):
            again.backups.make(tmp_path / "another", actor="owner")
    assert sorted(path.read_bytes() for path in (tmp_path / "good").glob("*.*")) == before


def test_rows_that_are_there_and_are_not_found_are_named(opened, folder):
    """In another order than the table's, a row is hidden from who asks for it."""
    opened.teams.keep("a", ["ann"], actor="owner")
    opened.teams.keep("B", ["ben"], actor="owner")
    opened.close()
    connection, _ = raw(folder, "owner", PASSPHRASE)
    noting = connection.execute(
        "SELECT name, sql FROM sqlite_schema WHERE tbl_name = 'teams' AND type = 'trigger'"
    ).fetchall()
    (text,) = connection.execute("SELECT sql FROM sqlite_schema WHERE name = 'teams'").fetchone()
    for name, _ in noting:
        connection.execute(f"DROP TRIGGER {name}")
    connection.execute("PRAGMA writable_schema = ON")
    put = "UPDATE sqlite_schema SET sql = ? WHERE name = 'teams'"
    connection.execute(put, (text.replace(" COLLATE NOCASE", ""),))
    connection.execute("PRAGMA writable_schema = RESET")
    connection.execute("DELETE FROM teams")
    connection.execute("INSERT INTO teams VALUES ('a', 'ann'), ('B', 'ben')")
    connection.execute("PRAGMA writable_schema = ON")
    connection.execute(put, (text,))
    connection.execute("PRAGMA writable_schema = RESET")
    for _, sql in noting:
        connection.execute(sql)
    assert len(connection.execute("SELECT * FROM teams").fetchall()) == 2
    assert connection.execute("SELECT * FROM teams WHERE name = 'a'").fetchall() == []
    connection.close()
    with pytest.raises(VaultDamaged, match="teams"):
        vault.open_vault(folder, PASSPHRASE)


def test_pages_that_cannot_be_read_keep_back_all_but_a_backup(two, tmp_path):
    folder, _ = two
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        again.backups.make(tmp_path / "good", actor="owner")
    connection, _ = raw(folder, "owner", PASSPHRASE)
    (page,) = connection.execute(
        "SELECT rootpage FROM sqlite_schema WHERE name = 'contents'"
    ).fetchone()
    connection.close()
    with (folder / "vault.db").open("r+b") as file:
        file.seek((page - 1) * 4096 + 2000)
        file.write(b"\xff" * 20)
    with vault.open_vault(folder, PASSPHRASE, name="owner") as again:
        for _ in range(2):
            with pytest.raises(VaultDamaged, match="database is damaged"):
                again.trust.expect()
        again.trust.expect(readable=False)
        assert again.audit.count(AuditQuery(act="vault.changed")) == 0
