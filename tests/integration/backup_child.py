"""What the backup tests run in a process of its own, to be killed."""

from __future__ import annotations

import itertools
import os
import random
import sys
import threading
from pathlib import Path

from app.domain import CallMetadata
from app.storage import keys, restore, vault
from app.storage.way import Way
from tests import stretching
from tests.builders import analysed_call

PASSPHRASE = "three unrelated words"


def say(*words: object) -> None:
    """Tell the test what has been done, one line at a time."""
    os.write(1, (" ".join(map(str, words)) + "\n").encode())


def prepare(folder: Path) -> None:
    """Make a vault with some calls."""
    with vault.create(folder / "vault", PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        for number in range(4):
            add(opened, b"%d" % number * 9000)


def add(opened: vault.Vault, content: bytes) -> None:
    """Take a call in and analyse it."""
    opened.calls.add(content, name="a.wav", metadata=CallMetadata(), actor="ann")
    opened.calls.save(opened.jobs.claim("t"), analysed_call(), actor="ann")


def make(folder: Path) -> None:
    """Back up without end while calls come and go, saying which ones are certain."""
    chance = random.Random()
    with vault.open_vault(folder / "vault", PASSPHRASE) as opened:
        say("open")
        changing = threading.Thread(target=_change, args=(opened, chance), daemon=True)
        changing.start()
        while True:
            report = opened.backups.make(folder / "backup", actor="ann", keys_to=folder / "keys")
            say("made", report.generation)


def _change(opened: vault.Vault, chance: random.Random) -> None:
    for _ in itertools.count():
        with opened._database.reader() as reading:
            calls = [row[0] for row in reading.all("SELECT id FROM calls")]
        if len(calls) > 5:
            call = chance.choice(calls)
            opened.calls.erase(call, actor="ann")
            say("erased", call)
        add(opened, os.urandom(chance.choice([100, 20_000])))


def bring_back(folder: Path) -> None:
    """Restore, and say so."""
    say("open")
    report = restore.restore(
        folder / "backup", folder / "again", Way(passphrase=PASSPHRASE), keys_from=folder / "keys"
    )
    say("restored", report.calls)


if __name__ == "__main__":
    stretching.make_quick()
    globals()[sys.argv[1]](Path(sys.argv[2]))
