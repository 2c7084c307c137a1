"""A vault whose program is killed while keys, people and recovery sheets are changed.

Each round, a process of its own works on the vault in random order until it is killed at a random
moment; what it was about to do is done as a whole afterwards, or not at all.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace

import pytest

from app.domain import CallMetadata, Person, PersonName, PersonRole, PersonState
from app.errors import RecoveryWrong, SealBroken, WrongPassphrase
from app.storage import files, header, openers, recovery_sheet, rescue, rotation, sign_in, vault
from app.storage.audio import Purpose
from app.storage.database import Database
from app.storage.keys import LOWEST_COST, KeyPurpose, VaultKey
from app.storage.way import Way
from tests.builders import analysed_call, call_analysis
from tests.integration.test_storage_crash import CRASHES, _in_child

ROUNDS = max(100, CRASHES)
DIGEST = analysed_call().values[0].digest
OWNER = "owner"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")


@dataclass
class Known:
    """What is certain of the vault: who is in it with which passphrase, and the newest sheet."""

    passphrases: dict[str, str]
    call: str = ""
    sheet: str = ""
    removed: set[str] = field(default_factory=set)
    entries: Counter[str] = field(default_factory=Counter)
    number: int = 0


# ------------------------------------------------------------------------------ what is killed


def _work(folder, known, chance, say):
    """Change keys and people without end, saying what is about to be done and what is done."""
    passphrases, number = dict(known.passphrases), known.number
    while True:
        with vault.open_vault(folder, passphrases[OWNER], name=OWNER) as opened:
            say("open")
            for _ in range(chance.randint(0, 3)):
                number += 1
                _act(opened, passphrases, number, chance, say)
            say("try", "key.rotate")
            opened.ways_in.rotate(actor=OWNER)
            say("did")


def _act(opened, passphrases, number, chance, say):
    others = sorted(set(passphrases) - {OWNER})
    words = f"odd words, number {number:05}"
    kind = chance.choice(("add", "passphrase", "sheet", "remove"))
    if kind == "add" or (kind == "remove" and not others):
        name = f"person {number}"
        say("try", "person.add", name, words)
        person = Person(name=PersonName(name), roles=frozenset({PersonRole.AUDITOR}))
        opened.people.add(person, words, cost=LOWEST_COST, actor=OWNER)
        passphrases[name] = words
    elif kind == "passphrase":
        name = chance.choice([OWNER, *others])
        say("try", "person.passphrase", name, words)
        opened.people.set_passphrase(name, words, cost=LOWEST_COST, actor=OWNER)
        passphrases[name] = words
    elif kind == "sheet":
        sheet = opened.ways_in.new_sheet()
        say("try", "key.recovery-sheet", sheet)
        opened.ways_in.keep_sheet(sheet, sheet, actor=OWNER)
    else:
        name = chance.choice(others)
        say("try", "person.change", name)
        person = opened.people.get(name)
        opened.people.change(replace(person, state=PersonState.REMOVED), actor=OWNER)
        del passphrases[name]
    say("did")


def _killed(folder, known, chance):
    """Work in a process of its own until it is killed; returns the lines that it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)

        def say(*words):
            os.write(writing, ("\t".join(words) + "\n").encode())

        try:
            _work(folder, known, random.Random(chance.random()), say)
        except BaseException as error:  # noqa: BLE001
            say("error", repr(error))
        os._exit(0)
    os.close(writing)
    # so many steps, and not so many seconds, because the computer may be busy
    said = b"".join(os.read(reading, 1000) for _ in range(chance.randint(0, 6)))
    time.sleep(chance.uniform(0, 0.08))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as pipe:
        lines = (said + pipe.read()).decode().splitlines(keepends=True)
    said = [line.rstrip("\n").split("\t") for line in lines if line.endswith("\n")]
    assert not [line for line in said if line[0] == "error"]
    return said


# ------------------------------------------------------------------------------ what is expected


def _follow(known, said):
    """Take over what is certain; returns the act that was begun and not reported, if any."""
    tried = None
    for line in said:
        if line[0] == "try":
            tried = line[1:]
        elif line[0] == "did":
            _done(known, tried)
            tried = None
    return tried


def _done(known, act):
    kind, *values = act
    known.entries[kind] += 1
    if kind in ("person.add", "person.passphrase"):
        known.passphrases[values[0]] = values[1]
    elif kind == "key.recovery-sheet":
        known.sheet = values[0]
    elif kind == "person.change":
        known.removed.add(values[0])
        del known.passphrases[values[0]]
    known.number += 100


def _opened(folder, known, doubtful):
    """Open as the owner, with whichever of two passphrases counts where it was being changed."""
    new = doubtful[2] if doubtful and doubtful[:2] == ["person.passphrase", OWNER] else None
    with contextlib.suppress(WrongPassphrase):
        if new:
            return vault.open_vault(folder, new, name=OWNER)
    return vault.open_vault(folder, known.passphrases[OWNER], name=OWNER)


def _fits(opened, name, passphrase):
    found = opened._header.now
    opener = found.opener(name)
    if opener is None:
        return False
    try:
        private = openers.private_key(found.id, opener, passphrase)
    except SealBroken:
        return False
    key = openers.vault_key(found.id, opener, private, None)
    return key.secret_bytes() == opened._header.key.secret_bytes()


def _fits_sheet(opened, sheet):
    try:
        key = sign_in.by_sheet(opened._header.now, sheet)
    except RecoveryWrong:
        return False
    return key.secret_bytes() == opened._header.key.secret_bytes()


def _came_about(opened, act):
    """Return whether a doubtful act is done: by what it changed, and not by the audit log."""
    kind, *values = act
    if kind in ("person.add", "person.passphrase"):
        return _fits(opened, *values)
    if kind == "key.recovery-sheet":
        return _fits_sheet(opened, values[0])
    if kind == "person.change":
        return opened._header.now.opener(values[0]) is None
    return None


def _acts(opened):
    return Counter(entry.act for entry in opened.audit.entries(limit=10**6))


def _check(opened, known, chance):
    assert opened.check() == ()  # of the audit log, too
    people = {one.name: one.state for one in opened.people.all()}
    inside = {name for name, state in people.items() if state is not PersonState.REMOVED}
    assert inside == set(known.passphrases)
    assert set(people) - inside == known.removed
    found = opened._header.now
    assert {one.tag for one in found.people} == {openers.tag_of(found.id, one) for one in inside}
    if chance.random() < 0.3:  # as slow as a sign-in
        name = chance.choice(sorted(inside))
        assert _fits(opened, name, known.passphrases[name])
    assert _fits_sheet(opened, known.sheet)
    acts = _acts(opened)
    for kind in ("person.add", "person.passphrase", "person.change", "key.recovery-sheet"):
        assert acts[kind] == known.entries[kind]
    assert opened.calls.holding("CARD", DIGEST) == (known.call,)
    assert opened.calls.detail(known.call).analysis == call_analysis()
    assert opened.audio.read(known.call, Purpose.ORIGINAL) == b"sound"
    assert not [p for p in opened.info.folder.iterdir() if p.name.startswith(files.TEMPORARY)]
    with opened._database.reader() as reading:
        assert reading.number("SELECT count(*) FROM headers") == 1
        assert reading.number("SELECT count(*) FROM next_header") == 0


def test_killed_while_keys_and_people_change_nobody_is_half_in(tmp_path):
    folder, chance = tmp_path / "vault", random.Random()
    known = Known({OWNER: "three unrelated words"})
    with vault.create(folder, known.passphrases[OWNER], cost=LOWEST_COST) as made:
        known.call = made.calls.add(b"sound", name="a", metadata=CallMetadata(), actor="x").call.id
        made.calls.save(made.jobs.claim("runner"), analysed_call(), actor="x")
        known.sheet = made.ways_in.new_sheet()
        made.ways_in.keep_sheet(known.sheet, known.sheet, actor=OWNER)
        known.entries = _acts(made)
    seen = Counter()
    for number in range(3 * ROUNDS):
        if number >= ROUNDS and len(seen) > 3:
            break  # on a busy computer it takes more of them until every kind of act is caught
        doubtful = _follow(known, _killed(folder, known, chance))
        with _opened(folder, known, doubtful) as opened:
            if doubtful and _came_about(opened, doubtful):
                _done(known, doubtful)
                seen[doubtful[0], "done"] += 1
            elif doubtful:
                seen[doubtful[0], "not done"] += 1
            _check(opened, known, chance)
            known.number += 100
    for name, passphrase in known.passphrases.items():
        vault.open_vault(folder, passphrase, name=name).close()
    assert known.entries["person.add"] > 3
    assert len(seen) > 3, "hardly any act was interrupted: the test shows little"


# ------------------------------------------------------------------------- at every single step


def _manage(folder, say):
    """One of each act, the second change of keys being finished within it."""
    with vault.open_vault(folder, WORDS, name=OWNER) as opened:
        bob = Person(name=PersonName("bob"), roles=frozenset({PersonRole.AUDITOR}))
        opened.people.add(bob, WORDS, cost=LOWEST_COST, actor=OWNER)
        say("added")
        opened.ways_in.keep_sheet(SHEETS[1], SHEETS[1], actor=OWNER)
        say("kept")
        opened.people.change(replace(bob, state=PersonState.REMOVED), actor=OWNER)
        say("removed")
        opened.ways_in.rotate(actor=OWNER)
    vault.open_vault(folder, WORDS, name=OWNER).close()
    say("rotated")


WORDS = "three unrelated words"
SHEETS = [recovery_sheet.written(bytes([number]) * 20) for number in range(2)]


def test_stopped_at_every_step_each_change_is_whole(tmp_path):
    fresh = tmp_path / "fresh"
    with vault.create(fresh, WORDS, cost=LOWEST_COST) as made:
        call = made.calls.add(b"sound", name="a", metadata=CallMetadata(), actor="x").call.id
        made.calls.save(made.jobs.claim("runner"), analysed_call(), actor="x")
        made.ways_in.keep_sheet(SHEETS[0], SHEETS[0], actor=OWNER)
        old = made._header.key.secret_bytes()
    shutil.copytree(fresh, tmp_path / "whole")
    steps = int(_in_child(_manage, tmp_path / "whole", 0)[-1].split()[1])
    assert steps > 60
    for last in range(1, steps, 1 if CRASHES > 30 else 7):
        folder = shutil.copytree(fresh, tmp_path / "stopped")
        said = _in_child(_manage, folder, last)
        with vault.open_vault(folder, WORDS, name=OWNER) as opened:
            acts = _acts(opened)
            bob = {one.name: one.state for one in opened.people.all()}.get(PersonName("bob"))
            assert (bob is not None) == acts["person.add"] >= ("added" in said)
            assert (bob is PersonState.REMOVED) == acts["person.change"] >= ("removed" in said)
            assert (bob is PersonState.ACTIVE) == _fits(opened, "bob", WORDS)
            known = Known({OWNER: WORDS}, call, SHEETS[acts["key.recovery-sheet"] - 1])
            assert acts["key.recovery-sheet"] - 1 >= ("kept" in said)
            known.passphrases |= {"bob": WORDS} if bob is PersonState.ACTIVE else {}
            known.removed |= {"bob"} if bob is PersonState.REMOVED else set()
            known.entries = acts
            _check(opened, known, random.Random(last))
            rotated = opened._header.key.secret_bytes() != old
            assert acts["key.rotate"] >= rotated >= ("rotated" in said)
        shutil.rmtree(folder)


# ------------------------------------------------------------ while the database gets another key


def _ready_for_another_key(folder):
    """Make a vault whose database is large enough to be killed in, with a change of keys begun;
    returns its call."""
    with vault.create(folder, WORDS, cost=LOWEST_COST) as made:
        call = made.calls.add(b"sound", name="a", metadata=CallMetadata(), actor="x").call.id
        made.calls.save(made.jobs.claim("runner"), analysed_call(), actor="x")
        with made._database.transaction() as writing:
            writing.change("INSERT INTO vocabulary VALUES (1, ?)", ("x" * 4_000_000,))
        made.ways_in.rotate(actor=OWNER)
    return call


def _stopped(act, seconds):
    """Run an act in a fork that is killed after some time; returns whether it had ended."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            act()
            os.write(writing, b"done")
        os._exit(0)
    os.close(writing)
    timer = threading.Timer(seconds, os.kill, (child, signal.SIGKILL))
    timer.start()
    _, status = os.waitpid(child, 0)
    timer.cancel()
    timer.join()
    with os.fdopen(reading, "rb") as pipe:
        said = pipe.read()
    assert said or os.WIFSIGNALED(status), "it ended by itself, and not well"
    return bool(said)


def _flip_in(folder, key, found):
    """Damage pages that no opening and no change of keys needs."""
    database = Database(folder / "vault.db", key.derive(KeyPurpose.DATABASE, found.database_salt))
    with database.reader() as reading:
        root = reading.number("SELECT rootpage FROM sqlite_master WHERE name = 'flags_by_label'")
    database.close()
    content = bytearray((folder / "vault.db").read_bytes())
    content[(root - 1) * 4096 + 77] ^= 1
    (folder / "vault.db").write_bytes(content)


@pytest.mark.parametrize("damaged", [False, True])
def test_killed_while_the_database_gets_another_key_all_of_it_is_there(tmp_path, damaged):
    fresh, chance = tmp_path / "fresh", random.Random()
    call = _ready_for_another_key(fresh)
    found = header.read(fresh)
    key = sign_in.by_passphrase(found, OWNER, WORDS, attempts=None, computer=lambda: None).key
    if damaged:
        _flip_in(fresh, key, found)

    def change(folder):
        mine = VaultKey(found.id, key.secret_bytes())
        rotation.finish(folder, folder / "vault.db", header.read(folder), mine, None)

    whole = shutil.copytree(fresh, tmp_path / "whole")
    started = time.perf_counter()
    assert _stopped(lambda: change(whole), 60)
    longest, seen = time.perf_counter() - started, Counter()
    kills = max(6, CRASHES // 5)
    for number in range(10 * kills):
        if number >= kills and seen[False] > 1:
            break  # on a busy computer it takes more of them until some come in time
        folder = shutil.copytree(fresh, tmp_path / "stopped")
        seen[_stopped(lambda folder=folder: change(folder), chance.uniform(0, longest))] += 1
        log = folder / "vault.db-wal"
        seen["log"] += log.exists() and log.stat().st_size > 0
        rescue.rescue(folder, tmp_path / "saved", Way(passphrase=WORDS))
        for one in (tmp_path / "saved", folder):
            with vault.open_vault(one, WORDS, name=OWNER) as opened:
                assert opened._header.key.secret_bytes() != key.secret_bytes()
                assert opened._header.now.rotation is None
                assert bool(opened.check()) == (damaged and one == folder)
                assert opened.calls.detail(call).analysis == call_analysis()
                assert opened.audio.read(call, Purpose.ORIGINAL) == b"sound"
                assert opened.audit.verify().ok
            assert not list(one.glob(f"{files.TEMPORARY}*"))
            shutil.rmtree(one)
    assert seen[False] > 1, "the kills came too late: the test shows little"
