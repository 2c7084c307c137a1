"""The command line in this process: real vaults at the lowest cost, workers that answer at once."""

from __future__ import annotations

import json
from functools import partial

import pytest

from app import bootstrap, cli
from app.engine.client import LoneWorker, Workers, ask
from app.storage import keys, vault
from app.workspace import control
from tests import workers

PASSPHRASE = "grumpy walrus juggles lanterns"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    """Spend no second on each passphrase, and load no model."""

    def ready_made(_execution, places, *, calls=None):
        return Workers(1, places, threads=1, stuck_after_seconds=30, serve=workers.ready_made)

    monkeypatch.setattr(vault, "calibrated", lambda: keys.LOWEST_COST)
    monkeypatch.setattr(control, "workers_for", ready_made)
    monkeypatch.setattr(bootstrap, "workers_for", ready_made)
    monkeypatch.setattr(bootstrap, "ask", partial(ask, serve=workers.ready_made))
    monkeypatch.setattr(bootstrap, "LoneWorker", partial(LoneWorker, serve=workers.ready_made))


@pytest.fixture
def secret(tmp_path):
    """A file with the passphrase."""
    file = tmp_path / "secret"
    file.write_text(PASSPHRASE + "\n", encoding="utf-8")
    return file


@pytest.fixture
def run(capsysbinary):
    """Run a command; returns its exit status, standard output and standard error."""

    def running(*arguments, **options):
        status = cli.main([str(argument) for argument in arguments], **options)
        out, err = capsysbinary.readouterr()
        return status, out.decode("utf-8"), err.decode("utf-8")

    return running


@pytest.fixture
def records(run):
    """Run a command with `--json`; returns its exit status and the objects it printed."""

    def running(*arguments, **options):
        status, out, _ = run("--json", *arguments, **options)
        return status, [json.loads(line) for line in out.splitlines()]

    return running


@pytest.fixture
def vaulted(run, secret, tmp_path):
    """The options that name a new vault and its passphrase."""
    options = ["--vault", tmp_path / "vault", "--passphrase-file", secret]
    assert run("init", *options)[0] == 0
    return options


@pytest.fixture
def recordings(tmp_path):
    """A folder of two files that pass for recordings, and one that does not."""
    folder = tmp_path / "recordings"
    folder.mkdir()
    for name in ("a.wav", "b.mp3", "notes.txt"):
        (folder / name).write_bytes(name.encode())
    return folder
