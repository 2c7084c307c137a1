"""Guards that hold for every test: no network, no leftovers, no surprises in the log.

Every test runs with home, data, cache and temporary folders of its own, without a screen, and
fails when it opens a connection, leaves a thread or a process behind, or when a record of level
WARNING or above is logged that it did not ask for (see `expected_logs`).
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import socket
import sys
import tempfile
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ.setdefault("PYTHONUTF8", "1")

settings.register_profile("dev", deadline=None, print_blob=True)
settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") == "true" else "dev")


@pytest.fixture(scope="session", autouse=True)
def _quick_stretching() -> None:
    """Spend little on passphrases; imported late, because coverage begins after this module."""
    from tests import stretching

    stretching.make_quick()


@pytest.fixture(scope="module")
def real_stretching() -> Iterator[None]:
    """Stretch passphrases as the program does, from here to the end of the module."""
    from tests import stretching

    stretching.make_real()
    yield
    stretching.make_quick()


_connections: list[str] = []


def _refuse_connections(event: str, args: tuple[Any, ...]) -> None:
    """Refuse and note what would reach beyond this machine's own sockets in the file system."""
    local = getattr(socket, "AF_UNIX", None)
    if event in ("socket.connect", "socket.sendto") and args[0].family == local:
        return
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo", "socket.gethostbyname"):
        _connections.append(event)
        raise PermissionError(f"tests may not use the network: {event}")


sys.addaudithook(_refuse_connections)


@pytest.fixture
def network_attempts() -> Iterator[list[str]]:
    """Allow refused connections in a test that makes them on purpose, and list them."""
    yield _connections
    _connections.clear()


@pytest.fixture(autouse=True)
def _no_network(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail also when the code under test swallowed the refusal."""
    if "network_attempts" in request.fixturenames:
        request.getfixturevalue("network_attempts")
    yield
    attempts = list(_connections)
    _connections.clear()
    if "network_attempts" not in request.fixturenames:
        assert attempts == [], "the network was used"


@pytest.fixture(autouse=True)
def _private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the test its own home, data, cache and temporary folders."""
    home = tmp_path / "home"
    temporary = tmp_path / "tmp"
    home.mkdir()
    temporary.mkdir()
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    for name in ("CACHE", "CONFIG", "DATA", "STATE"):
        monkeypatch.setenv(f"XDG_{name}_HOME", str(home / name.lower()))
    for name in ("APPDATA", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(home / name.lower()))
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.setenv(name, str(temporary))
    monkeypatch.setattr(tempfile, "tempdir", None)


class _Records(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def expected_logs() -> Iterator[list[logging.LogRecord]]:
    """Allow records of level WARNING and above, and list those of this test."""
    handler = _Records()
    logging.getLogger().addHandler(handler)
    yield handler.records
    logging.getLogger().removeHandler(handler)


@pytest.fixture(autouse=True)
def _quiet_log(request: pytest.FixtureRequest) -> Iterator[None]:
    handler = _Records()
    logging.getLogger().addHandler(handler)
    yield
    logging.getLogger().removeHandler(handler)
    if "expected_logs" not in request.fixturenames:
        messages = [f"{record.name}: {record.getMessage()}" for record in handler.records]
        assert messages == [], "unexpected log records"


def _running() -> set[object]:
    """Threads and processes made by Python code that are alive now."""
    threads = {
        thread for thread in threading.enumerate() if not isinstance(thread, threading._DummyThread)
    }
    return {*threads, *multiprocessing.active_children()}


@pytest.fixture(autouse=True)
def _no_leftovers() -> Iterator[None]:
    """Fail when a thread or a child process outlives its test by more than two seconds."""
    before = _running()
    yield
    end = time.monotonic() + 2
    for left in _running() - before:
        left.join(max(0.0, end - time.monotonic()))  # type: ignore[attr-defined]
    assert _running() - before == set(), "left running"
