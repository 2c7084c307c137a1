"""Whatever is done to an audit store afterwards is found, by the program and by the verifier that
stands alone, and the first bad entry is named.

The attacker of these tests can open every seal of the vault, knows the formats, computes chain and
tree anew, and makes keys of his own. He has no key that signed an entry in the past: those are
gone. In `replayed` he has a copy of the whole vault that is older.
"""

from __future__ import annotations

import json
import random
from dataclasses import fields, replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.domain import AuditEntry, Sha256
from app.errors import VaultDamaged
from app.storage import audit_rows, merkle, schema, seals
from app.storage.audit import Audit
from app.storage.audit_export import log_lines
from app.storage.audit_head import Head
from app.storage.witness import Memory, Seen
from tests.unit.storage.audit_logs import (
    KEY,
    VAULTS,
    Ticking,
    begun,
    public,
    redone,
    states,
    verifier,
)

ROUNDS = 900
OWN_SEED = bytes(range(100, 132))
verify = verifier()


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Every state of two vaults' logs of twelve entries."""
    folder = tmp_path_factory.mktemp("logs")
    return [states(folder / f"{name}.db", 12, name) for name in VAULTS]


# Each attack returns a changed state and the number of the first entry that is bad in it.


def edited(state, chance):
    """One field of one entry is changed, and nothing else."""
    index = chance.randrange(len(state.rows))
    row = state.rows[index]
    name = chance.choice([f.name for f in fields(AuditEntry)] + ["root", "next_key", "signature"])
    of = row if hasattr(row, name) else row.entry
    before = getattr(of, name)
    while (after := _other(before, getattr(_any(state, chance, of), name), chance)) == before:
        pass
    of = replace(of, **{name: after})
    row = of if isinstance(of, type(row)) else replace(row, entry=of)
    return _with(state, index, row), index + 1


def recomputed(state, chance):
    """A field is changed, and chain and roots are done again, but the signatures are kept."""
    index = chance.randrange(len(state.rows))
    name = chance.choice(["at", "actor", "act", "subject", "outcome", "reason"])
    return redone(_rewritten(state, index, name), index, OWN_SEED, keys=False), index + 1


def resigned(state, chance):
    """A field is changed, and all after it is signed anew, with keys that the attacker has."""
    index = chance.randrange(len(state.rows))
    name = chance.choice(["actor", "act", "subject", "outcome", "reason"])
    return redone(_rewritten(state, index, name), index, _seed(state, chance)), index + 1


def removed(state, chance):
    """An entry is taken out."""
    index = chance.randrange(len(state.rows))
    left = replace(state, rows=state.rows[:index] + state.rows[index + 1 :])
    return _maybe_redone(left, index, chance), index + 1


def swapped(state, chance):
    """Two entries change places."""
    one, two = sorted(chance.sample(range(len(state.rows)), 2))
    rows = list(state.rows)
    rows[one], rows[two] = rows[two], rows[one]
    if chance.random() < 0.5:  # and their times, which tell the order
        times = rows[one].entry.at, rows[two].entry.at
        for index, at in zip((two, one), times, strict=True):
            rows[index] = replace(rows[index], entry=replace(rows[index].entry, at=at))
    return _maybe_redone(replace(state, rows=tuple(rows)), one, chance), one + 1


def doubled(state, chance):
    """An entry is put in a second time, after itself or later."""
    index = chance.randrange(len(state.rows))
    place = chance.randrange(index + 1, len(state.rows) + 1)
    rows = (*state.rows[:place], state.rows[index], *state.rows[place:])
    return _maybe_redone(replace(state, rows=rows), place, chance, own=True), place + 1


def inserted(state, chance):
    """An entry that never was is put in."""
    index = chance.randrange(len(state.rows))
    like = state.rows[index]
    entry = replace(like.entry, actor="eve", act="call.view", subject=chance.choice(["", "x"]))
    forged = replace(
        state, rows=(*state.rows[:index], replace(like, entry=entry), *state.rows[index:])
    )
    return _maybe_redone(forged, index, chance), index + 1


def cut(state, chance):
    """The last entries are cut off, and the end is made to look whole as far as that goes."""
    left = chance.randrange(len(state.rows))
    rows, seed = state.rows[:left], state.seed
    way = chance.choice(["plain", "own key", "next key", "signed"])
    if way == "own key" or (not left and way != "plain"):
        seed = OWN_SEED
    elif way == "next key":
        rows = (*rows[:-1], replace(rows[-1], next_key=public(seed)))
        return replace(state, rows=rows), left
    elif way == "signed":
        shorter = replace(state, rows=rows)
        return redone(shorter, left - 1, _seed(state, chance)), left
    return replace(state, rows=rows, seed=seed), left + 1


def reseeded(state, chance):
    """The key for the next entry is replaced."""
    return replace(state, seed=chance.randbytes(32)), len(state.rows) + 1


def mixed(state, chance, other):
    """From some place on, or in one place, stand the entries of another vault's log."""
    index = chance.randrange(len(state.rows))
    if chance.random() < 0.5:
        rows = (*state.rows[:index], other.rows[index], *state.rows[index + 1 :])
        changed = replace(state, rows=rows)
    else:
        changed = replace(state, rows=(*state.rows[:index], *other.rows[index:]), seed=other.seed)
    return _maybe_redone(changed, index, chance, own=True), index + 1


ATTACKS = (edited, recomputed, resigned, removed, swapped, doubled, inserted, cut, reseeded)


def _any(state, chance, of):
    row = chance.choice(state.rows)
    return row if isinstance(of, type(row)) else row.entry


def _other(before, elsewhere, chance):
    """Return another value for a field: one from another entry, or one that is a little off."""
    way = chance.randrange(3)
    if way == 0:
        return elsewhere
    if isinstance(before, int):
        return chance.choice([before - 1, before + 1, 0, -before])
    if isinstance(before, bytes):
        at = chance.randrange(len(before))
        flipped = before[:at] + bytes([before[at] ^ (1 << chance.randrange(8))]) + before[at + 1 :]
        return chance.choice([flipped, before[:-1], before + b"\0", b""])
    return chance.choice(
        [before + "x", before[:-1], before.upper(), "", before + "\0", before + " "]
    )


def _rewritten(state, index, name):
    row = state.rows[index]
    value = row.entry.at[:-1] + "9Z" if name == "at" else getattr(row.entry, name) + "!"
    return _with(state, index, replace(row, entry=replace(row.entry, **{name: value})))


def _with(state, index, row):
    return replace(state, rows=(*state.rows[:index], row, *state.rows[index + 1 :]))


def _seed(state, chance):
    """A key that the attacker has: the one for the next entry, or his own."""
    return chance.choice([state.seed, OWN_SEED])


def _maybe_redone(state, start, chance, *, own=False):
    way = chance.randrange(3)
    if way == 0 or start >= len(state.rows):
        return state
    if way == 1:
        return redone(state, start, OWN_SEED, keys=False)
    return redone(state, start, OWN_SEED if own else _seed(state, chance))


# What the two verifiers say.


def exported(state, closing=None):
    """The lines of the export of a state, closed with the key that it holds or as given."""
    closing = closing or state.checkpoint()
    return [line.decode("utf-8") for line in log_lines(closing, state.rows)]


def said_of(lines, key=None, kept=()):
    """What the stand-alone verifier finds wrong; nothing if all is well."""
    try:
        log = verify.followed_lines(iter(lines), "log", key, {one["size"] for one in kept})
        for one in kept:
            verify.against(log, one)
    except verify.Wrong as wrong:
        return str(wrong)
    return None


def kept_form(checkpoint):
    """A checkpoint as the stand-alone verifier reads it."""
    form = {f.name: getattr(checkpoint, f.name) for f in fields(checkpoint)}
    return {**form, "format": verify.CHECKPOINT, "name": "kept"}


def seen_of(state):
    """What a computer remembers of a state."""
    return Seen(key=state.first_key.hex(), size=len(state.rows), root=state.rows[-1].root.hex())


@pytest.mark.parametrize("attack", [*ATTACKS, mixed])
def test_every_tampering_is_found_and_the_first_bad_entry_named(logs, attack):
    chance = random.Random(attack.__name__)
    for _ in range(ROUNDS):
        length = chance.randrange(2, 13)
        state, others = logs[0][length - 1], (logs[1][length - 1],) if attack is mixed else ()
        changed, bad = attack(state, chance, *others)
        found = changed.check()
        assert (found.ok, found.first_bad, found.entries) == (False, bad, bad - 1), changed
        closing = chance.choice([None, state.checkpoint()])
        said = said_of(exported(changed, closing), state.first_key)
        # A log whose end alone was touched may come with a closing that was genuine before.
        whole = changed.rows == state.rows
        assert (
            said is None if whole and closing else f"ntry {bad} " in said or f"number {bad}" in said
        )


def test_a_log_as_it_was_written_is_good_at_every_length(logs):
    for state in logs[0]:
        seen = [seen_of(older) for older in logs[0][: len(state.rows)]]
        assert state.check(seen=seen).ok
        kept = [kept_form(older.checkpoint()) for older in logs[0][: len(state.rows)]]
        for older in logs[0][: len(state.rows)]:
            assert state.check(older.checkpoint()).ok
        assert said_of(exported(state), state.first_key, kept) is None


def replayed(logs, chance):
    """The vault is put back to an older state, keys and all, and maybe gone on with."""
    size = chance.randrange(2, 13)
    left = chance.randrange(1, size)
    old = logs[0][left - 1]
    more = chance.randrange(0, 14)
    if more:
        rows = [replace(row, entry=replace(row.entry, actor="eve")) for row in logs[0][11].rows]
        longer = replace(old, rows=(*old.rows, *(rows * 2)[left : left + more]))
        last = old.rows[-1].entry.at
        longer = replace(
            longer,
            rows=tuple(
                row if n < left else replace(row, entry=replace(row.entry, at=last))
                for n, row in enumerate(longer.rows)
            ),
        )
        old = redone(longer, left, old.seed)
    return logs[0][size - 1], old


def test_an_older_state_that_is_put_back_is_found_with_a_checkpoint_or_by_the_same_computer(logs):
    chance = random.Random("replayed")
    for _ in range(ROUNDS // 2):
        newest, old = replayed(logs, chance)
        size, left = len(newest.rows), len(old.rows)
        assert old.check().ok  # its keys are genuine: nothing in it tells
        expected = min(size, left + 1)
        for found in (
            old.check(newest.checkpoint()),
            old.check(seen=[seen_of(newest)]),
            old.check(Seen(key="", size=size, root=newest.rows[-1].root.hex())),
        ):
            assert (found.ok, found.first_bad) == (False, expected), found
        kept = chance.choice([kept_form(newest.checkpoint()), _short(newest)])
        said = said_of(exported(old), old.first_key, [kept])
        assert f"ntry {expected}" in said or f"number {expected}" in said


def _short(state):
    return {"size": len(state.rows), "root": state.rows[-1].root.hex(), "name": "kept"}


def test_a_log_that_is_written_anew_from_the_start_is_found_by_its_key(logs):
    chance = random.Random("anew")
    for _ in range(ROUNDS):
        state = logs[0][chance.randrange(1, 12)]
        seed = chance.randbytes(32)
        anew = replace(state, first_key=public(seed), rows=state.rows[: chance.randrange(1, 12)])
        if chance.random() < 0.5:
            anew = _rewritten(anew, chance.randrange(len(anew.rows)), "actor")
        anew = redone(anew, 0, seed)
        assert anew.check().ok  # for one who does not know the key
        for found in (anew.check(seen=[seen_of(state)]), anew.check(state.checkpoint())):
            assert (found.ok, found.first_bad) == (False, 1)
        assert "number 1" in said_of(exported(anew), state.first_key)
        trusted = replace(anew, first_key=state.first_key)
        assert said_of(exported(trusted, state.checkpoint()), state.first_key) is not None


def test_a_checkpoint_that_was_changed_convicts_nobody_and_passes_nothing(logs):
    chance = random.Random("checkpoint")
    state = logs[0][11]
    for _ in range(ROUNDS):
        genuine = logs[0][chance.randrange(12)].checkpoint()
        name = chance.choice([f.name for f in fields(genuine)])
        other = getattr(logs[chance.randrange(2)][chance.randrange(12)].checkpoint(), name)
        if name == "size":
            changed = replace(genuine, size=genuine.size + chance.choice([1, -1, 20]))
        elif name == "at":
            changed = replace(genuine, at="2026-05-02T00:00:00.000Z")
        else:
            changed = replace(
                genuine,
                **{
                    name: other
                    if other != getattr(genuine, name)
                    else "00" * len(bytes.fromhex(other))
                },
            )
        if changed.size:
            assert not state.check(changed).ok, changed
            assert said_of(exported(state), None, [kept_form(changed)]) is not None
    forged = state.checkpoint(
        at="2027-01-01T00:00:00.000Z", size=11, root=logs[0][10].rows[-1].root.hex()
    )
    assert "not signed with the key" in state.check(forged).sentence


def test_every_change_in_an_exported_line_is_found(logs):
    """Bytes, not fields: what is left a log says what it said before."""
    chance = random.Random("bytes")
    state = logs[0][11]
    lines = exported(state)
    genuine = [json.loads(line) for line in lines]
    found = 0
    for _ in range(ROUNDS):
        text = "".join(lines)
        at = chance.randrange(len(text))
        way = chance.randrange(3)
        middle = ("", text[at] * 2, chr(chance.randrange(32, 127)))[way]
        changed = text[:at] + middle + text[at + 1 :]
        spoilt = changed.splitlines(keepends=True)
        try:
            said = said_of(spoilt, state.first_key)
        except verify.Unreadable as unreadable:
            said = str(unreadable)
        if said is None:
            same = [json.loads(line) for line in spoilt]
            same[0]["checkpoint"].pop("text", None)
            genuine[0]["checkpoint"].pop("text", None)
            keys = [verify.read_key(one[0].pop("key")) for one in (same, genuine)]
            assert keys[0] == keys[1]  # its hyphens and its case say nothing
            assert same == genuine
            genuine = [json.loads(line) for line in lines]
        else:
            found += 1
    assert found > ROUNDS * 0.9


# The same through a real database: what is put into it is what the attacker can put there.


@pytest.fixture
def store(tmp_path):
    database, log = begun(tmp_path / "vault.db")
    yield database, log
    database.close()


def put(database, state, vault_id=VAULTS[0]):
    """Put a state into a database, sealed with the vault's keys."""
    head = Head(vault_id, KEY)
    guarding = [one for one in schema.STEPS[0] if "TRIGGER audit_" in one]
    with database.transaction() as writing:
        for one in guarding:
            writing.change(f"DROP TRIGGER {one.split()[2]}")
        writing.change("DELETE FROM audit")
        for row in state.rows:
            audit_rows.add(writing, row)
        end = replace(
            head.first(),
            number=state.rows[-1].entry.number if state.rows else 0,
            hash=Sha256(state.rows[-1].entry.hash) if state.rows else head.read(writing).hash,
            first_key=state.first_key,
            frontier=_frontier(state),
            signer=Ed25519PrivateKey.from_private_bytes(state.seed),
        )
        head.keep(writing, end)
        for one in guarding:
            writing.change(one)
        seals.begin(writing)


def _frontier(state):
    return merkle.frontier_of(audit_rows._leaf(row.entry.hash.encode()) for row in state.rows)


def test_tampering_with_a_real_database_is_found(store, logs):
    database, log = store
    chance = random.Random("database")
    for turn in range(400):
        state = logs[0][chance.randrange(1, 12)]
        changed, _ = chance.choice(ATTACKS)(state, chance)
        # The table has one row for each number, and gives them in their order.
        rows = {row.entry.number: row for row in changed.rows}
        changed = replace(changed, rows=tuple(rows[number] for number in sorted(rows)))
        if changed == state:
            continue
        put(database, changed)
        if turn % 2:
            _go_on(log)
        found = log.verify()
        assert (found.ok, found.first_bad) == (False, changed.check().first_bad)


def _go_on(log):
    """The program adds what it adds, whatever the log has become."""
    try:
        log.record(actor="ann", act="call.view")
    except VaultDamaged:
        return


def test_a_replayed_database_is_found_by_its_witness(store, logs):
    database, _ = store
    chance = random.Random("witness")

    class Remembered:
        memory = None

        def read(self):
            return self.memory

        def elsewhere(self):
            return ()

        def first(self, now):
            return Memory(vault=VAULTS[0], newest=now)

        def write(self, memory):
            self.memory = memory
            return True

    for _ in range(60):
        newest, old = replayed(logs, chance)
        witness = Remembered()
        put(database, newest)
        log = Audit(database, KEY, VAULTS[0], Ticking(), witness=witness)
        assert log.meet_witness() is None
        log.save_witness()
        assert log.verify().ok
        put(database, old)
        again = Audit(database, KEY, VAULTS[0], Ticking(), witness=witness)
        assert again.meet_witness().act == "audit.mismatch"
        again.record(actor="eve", act="call.view")
        again.save_witness()
        found = again.verify()
        assert not found.ok
        assert found.first_bad == min(len(newest.rows), len(old.rows) + 1)
        assert again.meet_witness() is None
