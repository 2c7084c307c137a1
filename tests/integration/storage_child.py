"""What the storage tests run in a process of its own, to be killed, starved or locked out."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import threading
from pathlib import Path

from app.domain import CallId, CallMetadata, Failure, Person, PersonName, PersonRole
from app.errors import AppError, DiskFull
from app.storage import keys, restore, vault
from app.storage.way import Way
from tests import stretching
from tests.builders import analysed_call, proven_call

PASSPHRASE = "three unrelated words"
BOB = Person(name=PersonName("bob"), roles=frozenset({PersonRole.REVIEWER}))
FAILURE = Failure(code="audio-empty", sentence="Nothing is in it.", hint="Export it again.")


def say(*words: str) -> None:
    """Tell the test what has been done, one line at a time."""
    os.write(1, (" ".join(words) + "\n").encode())


def add(opened: vault.Vault, content: bytes) -> str:
    """Take a call in and return its id."""
    name = f"{len(content)}.wav"
    return opened.calls.add(content, name=name, metadata=CallMetadata(), actor="ann").call.id


def work(folder: Path) -> None:
    """Import, analyse, cancel and retry without end, saying what is certain."""
    with vault.open_vault(folder, PASSPHRASE) as opened:
        say("open")
        importing = threading.Thread(target=_import, args=(opened,), daemon=True)
        importing.start()
        chance = random.Random()
        while True:
            lease = opened.jobs.claim("runner")
            if lease is None:
                continue
            opened.jobs.renew(lease)
            act = chance.random()
            if act < 0.6 and opened.calls.save(lease, analysed_call(), actor="ann"):
                say("done", lease.call.id)
            elif act < 0.75:
                opened.calls.save(lease, FAILURE, actor="ann")
                opened.jobs.retry_failed(actor="ann")
            elif act < 0.9:
                opened.jobs.release(lease)
            else:
                opened.jobs.cancel(lease.call.id, actor="ann")
                opened.jobs.retry(lease.call.id, actor="ann")


def _import(opened: vault.Vault) -> None:
    while True:
        say("added", add(opened, os.urandom(random.choice([10, 3_000, 1_500_000]))))


def erase(folder: Path) -> None:
    """Import, analyse and erase without end, saying what is certain."""
    with vault.open_vault(folder, PASSPHRASE) as opened:
        say("open")
        for number in range(10**6):
            call = add(opened, os.urandom(3_000))
            say("added", call)
            lease = opened.jobs.claim("runner")
            if lease is not None:
                opened.calls.save(lease, analysed_call(), actor="ann")
            if number % 3:
                say("begun", call)
                opened.calls.erase(CallId(call), actor="ann", reason="asked for")
                say("erased", call)


def destroy(folder: Path) -> None:
    """Import and analyse under the rule that destroys originals, saying what is certain."""
    with vault.open_vault(folder, PASSPHRASE) as opened:
        say("open")
        while True:
            add(opened, os.urandom(3_000))
            lease = opened.jobs.claim("runner")
            if lease is not None:
                opened.calls.save(lease, proven_call(), actor="ann")
                say("done", lease.call.id)
                opened.originals.destroy(lease.call.id)
                say("destroyed", lease.call.id)


def make(folder: Path) -> None:
    """Make a vault and say so."""
    say("open")
    vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
    say("made")


def fill_up(folder: Path) -> None:
    """Use a vault on a small disk until it is full, again and again; each time go on afterwards."""
    ballast = folder.parent / "ballast"
    with vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        kept = [add(opened, b"kept")]
        for leave, act in (
            (300_000, lambda: add(opened, os.urandom(4_000_000))),
            (300_000, lambda: [_record(opened) for _ in range(20_000)]),
            (300_000, lambda: _analyse(opened)),
            (20_000, lambda: opened.backup(folder.parent / "copy.db")),
            (0, lambda: opened.people.add(BOB, PASSPHRASE, cost=keys.LOWEST_COST, actor="ann")),
        ):
            _fill(ballast, leave)
            _expect_full(act)
            ballast.unlink()
            (folder.parent / "copy.db").unlink(missing_ok=True)
            kept.append(add(opened, os.urandom(50)))
            _expect_no_problems(opened)
        opened.people.add(BOB, PASSPHRASE, cost=keys.LOWEST_COST, actor="ann")
        opened.ways_in.rotate(actor="ann")
        _fill(ballast, leave=0)
    _expect_full(lambda: vault.create(folder.parent / "second", PASSPHRASE, cost=keys.LOWEST_COST))
    ballast.unlink()
    _fill(ballast, leave=100_000)
    with vault.open_vault(folder, PASSPHRASE, name="bob") as opened:  # keys are to change
        say("waits", opened.ways_in.hindrance)
    ballast.unlink()
    with vault.open_vault(folder, PASSPHRASE, name="owner") as opened:
        for call in kept:
            opened.calls.detail(call)
        say("kept", *opened.check())
        say("changed", opened.ways_in.hindrance)
    vault.create(folder.parent / "second", PASSPHRASE, cost=keys.LOWEST_COST).close()
    say("made")


def back_up_on_a_full_disk(folder: Path) -> None:
    """Back up, restore and erase on a small disk that has more and more room: each says that the
    disk is full, or is done; what was there is there meanwhile."""
    place, again, ballast = (folder.parent / name for name in ("backup", "again", "ballast"))
    with vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        calls = [add(opened, os.urandom(20_000)) for _ in range(12)]
        opened.backups.make(place, actor="ann")
        calls.append(add(opened, os.urandom(300_000)))
        whole = opened.backups.check(place).generation
        for leave in range(0, 2_500_000, 100_000):
            _fill(ballast, leave)
            done = _done(lambda: opened.backups.make(place, actor="ann"))
            say("backup", "done" if done else "full")
            ballast.unlink()
            found = opened.backups.check(place)
            if found.problems or (found.generation > whole) != done:
                say("problems", *found.problems)
            if done:
                break
        for leave in range(0, 1_500_000, 60_000):
            call = CallId(calls.pop())
            opened._database.checkpoint()  # no room is left over in the log of pages
            _fill(ballast, leave)
            done = _done(lambda call=call: opened.calls.erase(call, actor="ann"))
            say("erase", "done" if done else "full")
            ballast.unlink()
            there = bool(list(folder.rglob(f"{call}.original.sealed")))
            if not done:
                opened.calls.detail(call)
                calls.append(call)
            elif there and leave > 200_000:
                say("problems", "the files of an erased call are there")
            _expect_no_problems(opened)
            if done:
                break
    with vault.open_vault(folder, PASSPHRASE) as opened:
        for call in calls:
            opened.calls.detail(CallId(call))
        _expect_no_problems(opened)
    size = next(place.glob("vault-*.db")).stat().st_size
    # also where the database just fits, and what it needs to be opened does not
    for leave in sorted({*range(0, 4_000_000, 300_000), *range(size - 8192, size + 80_000, 8192)}):
        _fill(ballast, leave)
        done = _done(lambda: restore.restore(place, again, Way(passphrase=PASSPHRASE)))
        say("restore", "done" if done else "full")
        ballast.unlink()
        left = {path.name for path in again.glob("*")} - {"lock"}
        if vault.state(again).exists != done or bool(left) != done:
            say("problems", *left)
        if done:
            break
    with vault.open_vault(again, PASSPHRASE) as back:
        say("whole", *back.check())


def _expect_no_problems(opened: vault.Vault) -> None:
    problems = opened.check()
    if problems:
        say("problems", *problems)


def _done(act) -> bool:
    """Return whether an act was done, rather than the disk full."""
    try:
        act()
    except DiskFull:
        return False
    return True


def _record(opened: vault.Vault) -> None:
    opened.audit.record(actor="x" * 3000, act="x")


def _analyse(opened: vault.Vault) -> None:
    while lease := opened.jobs.claim("runner"):
        opened.calls.save(lease, analysed_call(muted_audio=os.urandom(2_000_000)), actor="ann")


def _fill(ballast: Path, leave: int) -> None:
    room = os.statvfs(ballast.parent)
    size = max(0, room.f_bavail * room.f_frsize - leave)
    with ballast.open("wb") as file:
        try:
            for _ in range(size // 4096):
                file.write(bytes(4096))
                file.flush()
        except OSError:
            return


def _expect_full(act) -> None:
    try:
        act()
    except DiskFull as error:
        say("full", error.code)
    else:
        say("not full")


def locked_out(folder: Path) -> None:
    """Use a vault in a folder that cannot be written to."""
    vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST).close()
    subprocess.run(["mount", "-o", "remount,ro", str(folder.parent)], check=True)
    say(str(vault.state(folder).exists))
    _say_error(lambda: vault.open_vault(folder, PASSPHRASE))
    new = folder.parent / "second"
    _say_error(lambda: vault.create(new, PASSPHRASE, cost=keys.LOWEST_COST))


def _say_error(act) -> None:
    try:
        act()
    except AppError as error:
        say(error.code)


if __name__ == "__main__":
    stretching.make_quick()
    globals()[sys.argv[1]](Path(sys.argv[2]))
