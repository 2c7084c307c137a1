"""The audit log: it only grows, and any change in it is found."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlcipher3 import dbapi2

from app.domain import AuditEntry, Sha256
from app.storage import audit

FIRST = audit.first_hash("ab" * 16)
COLUMNS = ("at", "actor", "act", "subject", "outcome", "previous", "hash")
words = st.text(max_size=12)


def _chain(acts):
    entries, previous = [], FIRST
    for number, (actor, act, subject) in enumerate(acts, 1):
        bare = AuditEntry(
            number=number,
            at=f"2026-01-01T00:00:{number % 60:02}.000Z",
            actor=actor,
            act=act,
            subject=subject,
            outcome="ok",
            previous=previous,
            hash=Sha256(""),
        )
        entries.append(replace(bare, hash=audit.hashed(bare)))
        previous = entries[-1].hash
    return entries


chains = st.lists(st.tuples(words, words, words), min_size=2, max_size=12).map(_chain)


@given(chains)
def test_a_chain_as_it_was_written_is_good(chain):
    assert audit.follow(chain, FIRST) == (len(chain), None, chain[-1].hash)


@given(chains, st.data())
def test_any_changed_field_is_found_where_it_is(chain, data):
    at = data.draw(st.integers(0, len(chain) - 1))
    field = data.draw(st.sampled_from(COLUMNS))
    chain[at] = replace(chain[at], **{field: getattr(chain[at], field) + "x"})
    good, bad, _ = audit.follow(chain, FIRST)
    assert bad == at + 1
    assert good == at


@given(chains, st.data())
def test_an_entry_removed_swapped_or_put_in_is_found(chain, data):
    at = data.draw(st.integers(0, len(chain) - 2))
    removed = chain[:at] + chain[at + 1 :]
    swapped = [*chain[:at], chain[at + 1], chain[at], *chain[at + 2 :]]
    doubled = [*chain[: at + 1], chain[at], *chain[at + 1 :]]
    for changed in (removed, swapped):
        assert audit.follow(changed, FIRST)[1] == at + 1
    assert audit.follow(doubled, FIRST)[1] == at + 2


@given(chains, st.data())
def test_an_entry_forged_with_a_fitting_hash_breaks_the_next_link(chain, data):
    at = data.draw(st.integers(0, len(chain) - 2))
    forged = replace(chain[at], outcome="refused")
    chain[at] = replace(forged, hash=audit.hashed(forged))
    assert audit.follow(chain, FIRST)[1] == at + 2


def test_a_chain_of_another_vault_is_bad_from_its_start():
    chain = _chain([("a", "b", "c")] * 2)
    assert audit.follow(chain, audit.first_hash("cd" * 16))[1] == 1


@given(st.lists(words, min_size=6, max_size=6), st.lists(words, min_size=6, max_size=6))
def test_no_two_entries_look_alike(one, two):
    def entry(fields):
        at, actor, act, subject, outcome, previous = fields
        return AuditEntry(
            number=1,
            at=at,
            actor=actor,
            act=act,
            subject=subject,
            outcome=outcome,
            previous=Sha256(previous),
            hash=Sha256(""),
        )

    assert (audit.hashed(entry(one)) == audit.hashed(entry(two))) == (one == two)


def test_the_documented_bytes_hash_by_hand(opened):
    entry = opened.audit.record(actor="ann", act="call.view", subject="s")
    plain = b"autoinsights-audit-1"
    fields = (str(entry.number), entry.at, "ann", "call.view", "s", "ok", entry.previous)
    for field in fields:
        plain += len(field.encode()).to_bytes(4, "big") + field.encode()
    assert hashlib.sha256(plain).hexdigest() == entry.hash
    first = opened.audit.entries(offset=1)[0]
    start = f"autoinsights-audit-1:{opened.info.id}".encode()
    assert first.previous == hashlib.sha256(start).hexdigest()


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


def test_a_clock_that_goes_back_changes_no_order(opened, clock):
    opened.audit.record(actor="ann", act="later")
    clock.move(-86_400)
    opened.audit.record(actor="ann", act="earlier")
    newest, before = opened.audit.entries(limit=2)
    assert (newest.act, newest.number) == ("earlier", before.number + 1)
    assert newest.at < before.at
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
        "INSERT INTO audit VALUES (9, '', '', '', '', '', '', '')",
        "INSERT INTO audit VALUES (1, '', '', '', '', '', '', '')",
        "INSERT OR REPLACE INTO audit VALUES (2, '', '', '', '', '', '', '')",
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
        (["DELETE FROM audit_head"], 7),
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
        f"Audit entries after number {first_bad - 1} are missing.",
    )
    assert any("udit" in problem for problem in opened.check())
