"""A process that reads recordings has neither a key of the vault nor a file of it."""

from __future__ import annotations

import re
import sys
from contextlib import closing
from pathlib import Path

import pytest

from app.config import Settings
from app.domain import CallId
from app.engine.client import Finished, Workers
from app.engine.wire import Places, Request
from app.storage import keys, vault
from app.storage.keys import KeyPurpose
from tests.workers import scripted

MARK = b"a mark that is sent to the worker"


@pytest.mark.skipif(sys.platform != "linux", reason="reads the memory of a process by Linux's way")
def test_a_worker_holds_no_key_and_no_file_of_the_vault(tmp_path):
    """Its whole memory is looked through, also for what was sent to it: that is there."""
    with vault.create(tmp_path / "vault", "plain words for tests", cost=keys.LOWEST_COST) as opened:
        secret = opened._key.secret_bytes()
        derived = [opened._key.derive(purpose) for purpose in KeyPurpose if purpose != "database"]
        with closing(_workers()) as workers:
            workers.submit(CallId("a"), _request())
            process = int(_finished(workers).outcome.hint)
            memory = _memory(process)
            files = {str(one.readlink()) for one in Path(f"/proc/{process}/fd").iterdir()}
    assert MARK in memory
    for key in (secret, secret.hex().encode(), *derived):
        assert key not in memory
    assert not [name for name in files if str(tmp_path) in name]


def _workers():
    places = Places(resources="", packs="")
    return Workers(1, places, threads=1, stuck_after_seconds=60.0, serve=scripted)


def _request():
    return Request(content="transcript", payload=MARK, settings=Settings())


def _finished(workers):
    while True:
        for event in workers.events(30):
            if isinstance(event, Finished):
                return event


def _memory(process):
    """Return all that a process can read and write."""
    found = []
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process}/maps").read_text().splitlines():
            first, last, rights = re.match(r"(\w+)-(\w+) (\S+)", line).groups()
            if rights.startswith("rw"):
                memory.seek(int(first, 16))
                found.append(memory.read(int(last, 16) - int(first, 16)))
    return b"\n".join(found)
