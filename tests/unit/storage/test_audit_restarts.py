"""A log that goes on after a restore: a backup holds no key of the log that it was made from, so
that who has it and a passphrase can put it in place as what it is, and nothing else.

The attacker of these tests has every key of the vault, the backup, and tools for both.
"""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from app.errors import VaultDamaged
from app.storage import audit_rows, merkle, restore, vault
from app.storage.audit import Audit
from app.storage.audit_format import RESTORE, RESTORE_KEY, hashed
from app.storage.audit_head import Head
from app.storage.database import Database
from app.storage.keys import KeyPurpose
from tests.unit.storage.audit_logs import VAULTS, State, begun, public, redone, verifier
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_audit_tampering import (
    ATTACKS,
    OWN_SEED,
    exported,
    kept_form,
    said_of,
    seen_of,
)
from tests.unit.storage.test_backup import WAY, add, made, reopened

ROUNDS = 200
verify = verifier()


def read(database, head):
    """All that a log holds, with the key for its next entry."""
    with database.reader() as reading:
        end = head.read(reading)
        rows = tuple(audit_rows.every(reading))
    seed = end.signer.private_bytes_raw()
    return State(vault=head.vault_id, first_key=end.first_key, rows=rows, seed=seed)


def head_of(opened):
    return Head(opened.info.id, opened._key.derive(KeyPurpose.AUDIT))


@pytest.fixture
def taken(opened, tmp_path):
    """What the attacker has: the log of a vault now, and that of a backup of some acts ago."""
    place = tmp_path / "backup"
    add(opened)
    made(opened, place)
    (path,) = place.glob("vault-*.db")
    salt = opened._header.now.database_salt
    database = Database(path, opened._key.derive(KeyPurpose.DATABASE, salt))
    backup = read(database, head_of(opened))
    database.close()
    for number in range(4):
        opened.audit.record(actor="eve", act="call.view", subject=f"{number:032x}")
    return read(opened._database, head_of(opened)), backup


def rewritten(live, backup, *, act="call.view", cut=None):
    """The live log with what it holds since the backup (or since another place) written anew, the
    first of it signed with the key of the backup."""
    start = len(backup.rows) if cut is None else cut
    row = live.rows[start]
    forged = replace(row, entry=replace(row.entry, actor="ann", act=act))
    rows = (*live.rows[:start], forged, *live.rows[start + 1 :])
    return redone(replace(live, rows=rows), start, backup.seed)


def notes(state, kept=()):
    log = verify.followed_lines(
        iter(exported(state)), "log", state.first_key, {one["size"] for one in kept}
    )
    return list(verify.restarted(log, kept))


def test_a_backup_holds_no_key_that_signs_an_entry_of_the_log(taken):
    live, backup = taken
    assert backup.rows == live.rows[: len(backup.rows)]
    last = backup.rows[-1]
    assert (last.entry.act, last.entry.subject) == (RESTORE_KEY, public(backup.seed).hex())
    keys = {row.next_key for row in live.rows} | {live.first_key}
    assert public(backup.seed) not in keys


def test_who_has_a_passphrase_and_a_backup_cannot_write_anew_what_the_log_holds_since(taken):
    live, backup = taken
    bad = len(backup.rows) + 1
    for act in ("call.view", RESTORE_KEY, "vault.rescue", "audit.accept"):
        forged = rewritten(live, backup, act=act)
        found = forged.check()
        assert (found.ok, found.first_bad) == (False, bad)
        assert f"ntry {bad} " in said_of(exported(forged), live.first_key)


def test_the_key_of_a_backup_is_of_use_at_its_end_only(taken):
    live, backup = taken
    for cut in set(range(len(live.rows))) - {len(backup.rows)}:
        forged = rewritten(live, backup, act=RESTORE, cut=cut)
        assert (forged.check().ok, forged.check().first_bad) == (False, cut + 1)
        assert f"ntry {cut + 1} " in said_of(exported(forged), live.first_key)


def test_a_forged_restore_is_told_and_a_later_checkpoint_finds_it(taken):
    live, backup = taken
    number = len(backup.rows) + 1
    forged = rewritten(live, backup, act=RESTORE)
    found = forged.check()
    assert (found.ok, found.restarts) == (True, (number,))
    assert f"At entry {number} it goes on from a backup" in found.sentence
    said = notes(forged)
    assert f"at entry {number} " in said[0]
    assert "could have written" in said[1]
    size = len(live.rows)
    for checked in (forged.check(live.checkpoint()), forged.check(seen=[seen_of(live)])):
        assert (checked.ok, checked.first_bad) == (False, size)
    kept = kept_form(live.checkpoint())
    assert "put back" in said_of(exported(forged), live.first_key, [kept])
    # one of before the backup cannot tell, and does not take the doubt away
    older = replace(backup, rows=backup.rows[:3], seed=OWN_SEED)
    early = {"size": 3, "root": older.rows[-1].root.hex(), "name": "early"}
    assert "could have written" in notes(forged, [early])[1]


def test_a_log_that_was_cut_to_the_backup_does_not_pass_for_a_whole_one(taken):
    live, backup = taken
    found = backup.check()
    assert (found.ok, found.first_bad) == (False, len(backup.rows) + 1)
    assert "are missing" in said_of(exported(backup), live.first_key)


def test_a_backup_put_in_place_by_hand_is_found(opened, folder, tmp_path):
    place = tmp_path / "backup"
    made(opened, place)
    salt = opened._header.now.database_salt
    secret, key = (
        opened._key.derive(KeyPurpose.DATABASE, salt),
        opened._key.derive(KeyPurpose.AUDIT),
    )
    opened.close()
    (path,) = place.glob("vault-*.db")
    (folder / "vault.db").write_bytes(path.read_bytes())
    with pytest.raises(VaultDamaged, match="changed outside"):
        reopened(folder)
    database = Database(folder / "vault.db", secret)
    log = Audit(database, key, opened.info.id)
    found = log.verify()
    assert not found.ok
    assert found.first_bad == log.count() + 1
    database.close()


def test_what_comes_back_goes_on_with_a_key_of_its_own_and_says_so(opened, tmp_path, clock):
    place, first, second = (tmp_path / name for name in ("backup", "first", "second"))
    made(opened, place)
    key = opened.audit.verification_key()
    clock.move(-7200)  # and the clock stands behind the log
    restore.restore(place, first, replace(WAY, clock=clock))
    with vault.open_vault(first, PASSPHRASE, clock=clock) as back:
        found = back.audit.verify()
        (number,) = found.restarts
        assert found.ok
        assert back.audit.entries(limit=3)[-1].number == number
        assert [one.act for one in back.audit.entries(limit=3)] == [
            "vault.open", "clock.change", "vault.restore",
        ]  # fmt: skip
        kept = back.audit.checkpoint()
        assert "goes on from a backup" not in back.audit.verify(kept).sentence
        assert back.audit.verify(kept).restarts == (number,)
        assert back.audit.verification_key() == key
        made(back, tmp_path / "another")
    restore.restore(tmp_path / "another", second, WAY)
    with reopened(second) as back:
        assert back.audit.verify(kept).ok
        assert len(back.audit.verify().restarts) == 2
        assert back.check() == ()


def test_an_entry_that_comes_between_the_key_and_the_copy_makes_it_look_again(
    opened, tmp_path, monkeypatch
):
    audit, between = opened.audit, []
    named = audit.name_restore_key

    def busy(**given):
        found = named(**given)
        if len(between) < 3:
            between.append(audit.record(actor="ann", act="call.view"))
        return found

    monkeypatch.setattr(audit, "name_restore_key", busy)
    made(opened, tmp_path / "backup")
    assert len(between) == 3
    assert opened.backups.check(tmp_path / "backup").problems == ()
    restore.restore(tmp_path / "backup", tmp_path / "again", WAY)
    with reopened(tmp_path / "again") as back:
        assert back.audit.verify().ok
        assert set(between) <= set(back.audit.entries())


@pytest.fixture(scope="module")
def restored(tmp_path_factory):
    """A log of twelve entries in which a restore stands, and the key of the backup."""
    database, log = begun(tmp_path_factory.mktemp("restored") / "vault.db")
    for number in range(5):
        log.record(actor="ann", act="call.view", subject=f"{number:032x}", reason="why")
    _, key = log.name_restore_key(actor="ann", generation=5)
    with database.transaction() as writing:
        log.lay_to_rest(writing, writing, key)
    log.record(actor="ann", act=RESTORE, subject="5")
    for number in range(5):
        log.record(actor="bob", act="call.view", subject=f"{number:032x}", reason="why")
    state = read(database, log._head)
    database.close()
    assert state.check().restarts == (7,)
    return state, key


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_tampering_with_a_restored_log_passes_unless_it_is_told(restored, attack, monkeypatch):
    """With the key of the backup at hand, too."""
    state, key = restored
    monkeypatch.setattr(
        "tests.unit.storage.test_audit_tampering._seed",
        lambda state, chance: chance.choice([state.seed, OWN_SEED, key]),
    )
    chance = random.Random(f"restored {attack.__name__}")
    passed = 0
    for _ in range(ROUNDS):
        changed, bad = attack(state, chance)
        found = changed.check()
        said = said_of(exported(changed), state.first_key)
        assert found.ok == (said is None)
        if found.ok:
            passed += 1
            assert found.restarts == (bad,) == (7,)
            assert notes(changed)
            assert not changed.check(state.checkpoint()).ok
        else:
            assert (found.first_bad, found.entries) == (bad, bad - 1), changed
            assert f"ntry {bad} " in said or f"number {bad}" in said
    assert passed < ROUNDS / 4


def test_whoever_has_the_backup_can_restore_it_again_and_no_more(restored):
    state, key = restored
    chance = random.Random("again")
    for _ in range(ROUNDS):
        length = chance.randrange(7, 13)
        rows = list(state.rows[:length])
        for index in range(6, length):
            actor = chance.choice(["ann", "eve"])
            rows[index] = replace(rows[index], entry=replace(rows[index].entry, actor=actor))
        forged = redone(replace(state, rows=tuple(rows)), 6, key)
        assert forged.check().restarts == (7,)
        assert not forged.check(state.checkpoint()).ok
        assert said_of(exported(forged), state.first_key) is None
        assert notes(forged)
        assert said_of(exported(forged), state.first_key, [kept_form(state.checkpoint())])


def test_the_roots_go_on_over_a_restore(restored):
    state, _ = restored
    leaves = [bytes.fromhex(row.entry.hash) for row in state.rows]
    assert state.rows[-1].root == merkle.root_of(leaves)
    assert all(row.entry.hash == hashed(row.entry) for row in state.rows)
    assert state.vault == VAULTS[0]
