"""The audit log: it only grows, every entry is signed by a key that is gone, changes are found."""

from __future__ import annotations

import hashlib
from dataclasses import fields, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from app.domain import AuditEntry, Progress, Sha256
from app.errors import UsageError, VaultDamaged
from app.storage import audit_format, audit_rows, merkle, vault
from app.storage.audit import Audit
from app.storage.audit_format import key_of_text
from app.storage.witness import Seen
from tests.unit.storage.audit_logs import KEY, VAULTS, Ticking, begun
from tests.unit.storage.conftest import PASSPHRASE

words = st.text(max_size=12)
TEXTS = [field.name for field in fields(AuditEntry) if field.name not in ("number", "hash")]


@given(*[st.lists(words, min_size=len(TEXTS), max_size=len(TEXTS))] * 2)
def test_no_two_entries_look_alike(one, two):
    def entry(texts):
        return AuditEntry(number=1, hash=Sha256(""), **dict(zip(TEXTS, texts, strict=True)))

    assert (audit_format.hashed(entry(one)) == audit_format.hashed(entry(two))) == (one == two)


def test_the_documented_bytes_hash_by_hand(opened):
    entry = opened.audit.record(actor="ann", act="call.view", subject="s", reason="why")
    plain = b"autoinsights-audit-2"
    texts = (str(entry.number), entry.at, "ann", "call.view", "s", "ok", "why", entry.previous)
    for field in texts:
        plain += len(field.encode()).to_bytes(4, "big") + field.encode()
    assert hashlib.sha256(plain).hexdigest() == entry.hash
    key = key_of_text(opened.audit.verification_key())
    start = b"autoinsights-audit-2" + len(opened.info.id).to_bytes(4, "big")
    start += opened.info.id.encode() + len(key).to_bytes(4, "big") + key
    assert opened.audit.entries(offset=1)[0].previous == hashlib.sha256(start).hexdigest()


def test_entries_are_numbered_chained_and_given_newest_first(opened):
    for act in ("one", "two", "three"):
        opened.audit.record(actor="ann", act=act)
    entries = opened.audit.entries(limit=3)
    assert [entry.act for entry in entries] == ["three", "two", "one"]
    assert entries[0].previous == entries[1].hash
    assert opened.audit.count() == 4
    assert [entry.act for entry in opened.audit.entries(offset=1, limit=1)] == ["two"]
    check = opened.audit.verify()
    assert (check.ok, check.entries, check.first_bad) == (True, 4, None)


def test_a_clock_that_goes_back_is_an_entry_and_no_time_goes_back(opened, clock):
    opened.audit.record(actor="ann", act="later")
    clock.move(-86_400)
    opened.audit.record(actor="ann", act="earlier")
    newest, change, before = opened.audit.entries(limit=3)
    assert (newest.act, newest.number) == ("earlier", before.number + 2)
    assert newest.at == change.at == before.at
    assert (change.actor, change.act, change.outcome) == ("system", "clock.change", "-86400 s")
    assert change.subject == "2026-02-28T09:00:00.000Z"
    assert opened.audit.verify().ok


def test_an_act_that_is_undone_leaves_no_entry(opened, database):
    def undone():
        with database.transaction() as writing:
            opened.audit.append(writing, actor="ann", act="undone")
            raise KeyError("bug")

    with pytest.raises(KeyError):
        undone()
    assert opened.audit.count() == 1
    assert opened.audit.verify().ok


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit SET actor = 'eve' WHERE number = 2",
        "DELETE FROM audit WHERE number = 2",
        "DELETE FROM audit",
        "INSERT INTO audit VALUES (9, '', '', '', '', '', '', '', '', x'', x'', x'', x'')",
        "INSERT INTO audit VALUES (1, '', '', '', '', '', '', '', '', x'', x'', x'', x'')",
        "INSERT OR REPLACE INTO audit SELECT * FROM audit WHERE number = 2",
    ],
)
def test_the_database_itself_refuses_to_change_entries(opened, database, statement):
    opened.audit.record(actor="ann", act="one")
    with pytest.raises(dbapi2.IntegrityError), database.transaction() as writing:
        writing.change(statement)
    assert opened.audit.verify().ok


@pytest.mark.parametrize(
    ("statements", "first_bad"),
    [
        (["UPDATE audit SET actor = 'eve' WHERE number = 3"], 3),
        (["DELETE FROM audit WHERE number = 3"], 3),
        (["DELETE FROM audit WHERE number = 6"], 6),
        (["DELETE FROM audit WHERE number > 2"], 3),
        (["DELETE FROM audit"], 1),
        (["DELETE FROM audit_head"], 1),
        (["UPDATE audit_head SET first_key = zeroblob(32)"], 1),
        (["UPDATE audit_head SET seed = zeroblob(90)"], 7),
        (["UPDATE audit_head SET seed = x''"], 7),
        (["UPDATE audit_head SET frontier = x''"], 7),
        (["UPDATE audit_head SET frontier = zeroblob(length(frontier))"], 7),
        (["UPDATE audit_head SET number = 7"], 7),
        (["UPDATE audit_head SET behind_ms = 9999999"], 7),
        (["UPDATE audit SET reason = CAST(x'ff' AS TEXT) WHERE number = 4"], 4),
        (["UPDATE audit SET hash = 'none' WHERE number = 6"], 6),
        (["UPDATE audit SET at = CAST(x'ff' AS TEXT) WHERE number = 6"], 6),
        (["UPDATE audit SET number = 9000000000000000000 WHERE number = 6"], 6),
        (["UPDATE audit SET number = -5 WHERE number = 1"], 1),
        (["UPDATE audit SET root = x'' WHERE number = 2"], 2),
        (["UPDATE audit_head SET mac = zeroblob(32)"], 7),
        (["DELETE FROM audit WHERE number = 6", "UPDATE audit_head SET number = 5"], 6),
        (["UPDATE audit SET at = '2030' WHERE number = 6"], 6),
    ],
)
def test_who_gets_past_the_triggers_is_found(opened, database, statements, first_bad):
    for _ in range(5):
        opened.audit.record(actor="ann", act="one")
    with database.transaction() as writing:
        for trigger in ("audit_fixed", "audit_kept", "audit_appended"):
            writing.change(f"DROP TRIGGER {trigger}")
        for statement in statements:
            writing.change(statement)
    check = opened.audit.verify()
    assert (check.ok, check.first_bad) == (False, first_bad)
    assert check.entries == first_bad - 1
    assert check.sentence in (
        f"Audit entry {first_bad} is not as it was written.",
        f"Audit entries after number {first_bad - 1} are missing, or the log's end was changed.",
    )
    assert any("udit" in problem for problem in opened.check())
    opened.audit.checkpoint()
    try:  # the log goes on, and nothing that is added heals it
        opened.audit.record(actor="ann", act="call.view")
        opened.audit.record(actor="ann", act="call.view")
    except VaultDamaged:
        assert "9000000000000000000" in statements[0]
    check = opened.audit.verify()
    assert (check.ok, check.first_bad) == (False, _later(statements, first_bad))


def _later(statements, first_bad):
    """Where the log is bad once it went on: a digest over the head alone was wrong, and the entries
    after it are good, but that it was wrong stays."""
    lost = ("DELETE FROM audit_head", "first_key", "seed", "SET number", "FROM audit")
    head_only = all("audit_head" in one for one in statements)
    return 9 if head_only and not any(word in statements[0] for word in lost) else first_bad


def test_each_entry_replaces_the_key_that_signed_it(store):
    database, log = store
    seeds = []
    for _ in range(3):
        with database.reader() as reading:
            seeds.append(reading.one("SELECT seed FROM audit_head")[0])
        log.record(actor="ann", act="one")
    assert len(set(seeds)) == 3
    with database.reader() as reading:
        rows = list(audit_rows.every(reading))
        kept = reading.one("SELECT count(*), min(seed) FROM audit_head")
    assert kept[0] == 1
    assert kept[1] not in seeds
    first = key_of_text(log.verification_key())
    keys = [first, *(row.next_key for row in rows)]
    assert len(set(keys)) == 4
    for key, row in zip(keys, rows, strict=False):
        head = audit_format.head_encoded(VAULTS[0], row)
        assert audit_format.signed_by(key, row.signature, head)
        assert not audit_format.signed_by(row.next_key, row.signature, head)


def test_an_undone_transaction_takes_its_keys_along(store):
    database, log = store
    log.record(actor="ann", act="one")

    def undone():
        with database.transaction() as writing:
            log.append(writing, actor="ann", act="undone")
            log.append(writing, actor="ann", act="undone")
            raise KeyError("bug")

    for _ in range(3):
        with pytest.raises(KeyError):
            undone()
        log.record(actor="ann", act="done")
    with database.transaction() as writing:
        for _ in range(5):
            log.append(writing, actor="ann", act="many")
    assert log.verify().sentence == "All 9 audit entries are as they were written."


def test_a_checkpoint_is_the_log_of_its_moment_and_fits_every_later_one(store):
    _, log = store
    made = []
    for number in range(9):
        log.record(actor="ann", act="one")
        made.append(log.checkpoint())
        assert (made[-1].size, made[-1].vault) == (number + 1, VAULTS[0])
    for checkpoint in made:
        assert log.verify(checkpoint).ok
        assert log.verify(Seen(key="", size=checkpoint.size, root=checkpoint.root)).ok
    other = log.verify(replace(made[0], vault=VAULTS[1]))
    assert (other.ok, other.sentence) == (False, "The checkpoint is that of another vault.")


def test_proofs_hold_for_the_checkpoint_that_they_lead_to(store):
    _, log = store
    kept = []
    for number in range(11):
        log.record(actor="ann", act="one", subject=str(number))
        kept.append(log.checkpoint())
    for number in range(1, 12):
        for older in (None, *kept[number - 1 :]):
            proof = log.inclusion(number, older)
            leaf, root = bytes.fromhex(proof.entry.hash), bytes.fromhex(proof.checkpoint.root)
            path = [bytes.fromhex(part) for part in proof.path]
            assert merkle.includes(leaf, number - 1, proof.checkpoint.size, path, root)
            assert older in (None, proof.checkpoint)
    for older in kept:
        proof = log.consistency(older)
        roots = bytes.fromhex(older.root), bytes.fromhex(proof.checkpoint.root)
        path = [bytes.fromhex(part) for part in proof.path]
        assert merkle.extends(proof.since, proof.checkpoint.size, *roots, path)


def test_what_is_not_so_is_not_proven(store):
    _, log = store
    for _ in range(4):
        log.record(actor="ann", act="one")
    made = log.checkpoint()
    log.record(actor="ann", act="one")
    for number in (0, 6, -1):
        with pytest.raises(UsageError, match=f"no audit entry {number} "):
            log.inclusion(number)
    with pytest.raises(UsageError, match="no audit entry 5 "):
        log.inclusion(5, made)
    for size, root in ((3, made.root), (4, "00" * 32), (9, made.root)):
        wrong = replace(made, size=size, root=root)
        with pytest.raises(UsageError, match="no such proof"):
            log.consistency(wrong)
        with pytest.raises(UsageError, match="no such proof"):
            log.inclusion(1, wrong)


def test_verifying_tells_how_far_it_is(store):
    database, log = store
    with database.transaction() as writing:
        for _ in range(1001):
            log.append(writing, actor="ann", act="one")
    told = []
    assert log.verify(progress=told.append).ok
    assert told == [Progress(done=500, total=1001), Progress(done=1000, total=1001)]


def test_the_head_goes_over_to_another_audit_key(store):
    database, log = store
    log.record(actor="ann", act="one")
    other = bytes(32)
    with database.transaction() as writing:
        log.append(writing, actor="ann", act="key.rotate")
        log.reseal(writing, other)
    again = Audit(database, other, VAULTS[0], Ticking())
    again.record(actor="ann", act="two")
    assert again.verify().ok
    assert not log.verify().ok


def test_a_broken_head_is_not_healed_by_another_key(store):
    database, log = store
    log.record(actor="ann", act="one")
    with database.transaction() as writing:
        writing.change("UPDATE audit_head SET mac = zeroblob(32)")
    with database.transaction() as writing:
        log.reseal(writing, KEY)
    assert not log.verify().ok


@pytest.fixture
def store(tmp_path):
    database, log = begun(tmp_path / "vault.db")
    yield database, log
    database.close()


def test_a_vault_that_was_put_back_is_found_on_the_computer_that_saw_it(
    tmp_path, opened, folder, clock
):
    memory = tmp_path / "witness"

    def again():
        return vault.open_vault(folder, PASSPHRASE, witness=memory, clock=clock)

    opened.close()
    older = {path.name: path.read_bytes() for path in folder.glob("vault.*")}
    with again() as newer:
        newer.audit.record(actor="eve", act="call.view")
        seen = newer.audit.count()
    for name, body in older.items():
        (folder / name).write_bytes(body)
    with again() as replayed:
        mismatch, create = replayed.audit.entries(offset=1)
        assert (mismatch.actor, mismatch.act) == ("system", "audit.mismatch")
        assert mismatch.outcome == f"{seen} entries seen, 1 found"
        assert create.act == "vault.create"
        for _ in range(3):
            replayed.audit.record(actor="eve", act="call.view")
        check = replayed.audit.verify()
        assert (check.ok, check.first_bad) == (False, 2)
        assert f"This computer saw {seen} audit entries, and 1 was left" in check.sentence
        assert check.sentence in replayed.check()
    with again() as later:
        assert not later.audit.verify().ok
        assert "audit.mismatch" not in [entry.act for entry in later.audit.entries(limit=3)]
        later.audit.accept_mismatch(actor="ann", reason="a backup was restored")
        assert later.audit.verify().ok
        assert later.audit.entries(limit=1)[0].reason == "a backup was restored"
    with again() as last:
        assert last.audit.verify().ok


def test_a_log_that_is_seen_for_the_first_time_is_believed(tmp_path, opened, folder):
    opened.close()
    with vault.open_vault(folder, PASSPHRASE, witness=tmp_path / "new" / "witness") as first:
        assert first.audit.verify().ok
        assert list((tmp_path / "new" / "witness").glob(f"{first.info.id}-*.json"))
        first.close()
        first.close()


def test_without_a_place_to_remember_the_vault_opens_all_the_same(tmp_path, opened, folder):
    opened.close()
    (tmp_path / "witness").write_text("a file")
    with vault.open_vault(folder, PASSPHRASE, witness=tmp_path / "witness") as found:
        assert found.audit.verify().ok


def test_the_key_that_signed_an_entry_leaves_the_write_ahead_log_too(tmp_path, store):
    database, log = store
    wal = tmp_path / "vault.db-wal"
    log.record(actor="ann", act="one")
    assert wal.stat().st_size == 0
    with database.reader() as reading:  # nobody waits for who reads; the next entry does it
        reading.one("SELECT 1 FROM audit")
        log.record(actor="ann", act="two")
        assert wal.stat().st_size > 0
    log.record(actor="ann", act="three")
    assert wal.stat().st_size == 0
    assert log.verify().ok
