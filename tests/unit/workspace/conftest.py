"""A real vault with people of every role, each with a workspace of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.access import Session
from app.config import Settings
from app.domain import EVERYTHING, CallMetadata, Person, PersonName
from app.engine.client import Workers
from app.engine.wire import Places
from app.storage import keys, people, vault
from app.workspace import Workspace, control
from app.workspace.gate import Confirmed
from tests import workers
from tests.builders import analysed_call

PASSPHRASE = "a passphrase for testing"
PLACES = Places(resources=str(Path(__file__).parents[3] / "resources"), packs="")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **by: float) -> None:
        self.now += timedelta(**by)


def sure(workspace):
    """Return that the person of a workspace typed their passphrase just now."""
    return Confirmed(workspace.session, workspace.session.now())


class Office:
    """A vault and the people who work with it."""

    def __init__(self, folder, clock) -> None:
        self.clock = clock
        self.vault = vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST, clock=clock)
        self._known: set[str] = {"owner"}

    def sign_in(self, name, *roles, scope=EVERYTHING, granted=frozenset()):
        """Return the workspace of a person, who is made known to the vault."""
        person = Person(
            name=PersonName(name), roles=frozenset(roles), scope=scope, granted=frozenset(granted)
        )
        with self.vault._database.transaction() as writing:
            if name.casefold() not in self._known:
                self._known.add(name.casefold())
                people.insert(writing, person)
            elif name != "owner":
                writing.change(
                    "UPDATE people SET roles = ?, granted = ?, scope = ?, state = ? WHERE name = ?",
                    (*people._values(person), name),
                )
        session = Session(person, self.clock(), self.vault.policy.get(), self.clock)
        return Workspace(self.vault, session, Settings(), PLACES)

    def suspend(self, name):
        with self.vault._database.transaction() as writing:
            writing.change("UPDATE people SET state = 'suspended' WHERE name = ?", (name,))

    def add(self, content=b"one", *, analysed=True, **metadata):
        """Take in a call, and analyse it; returns its id."""
        given = CallMetadata(**metadata)
        call = self.vault.calls.add(content, name="a.wav", metadata=given, actor="owner").call
        if analysed:
            lease = self.vault.jobs.claim("t")
            assert lease.call.id == call.id
            self.vault.calls.save(lease, analysed_call(), actor="t")
        return call.id

    def policy(self, **changes):
        """Set the policy without asking anybody."""
        from app.storage import policy

        with self.vault._database.transaction() as writing:
            policy.keep(writing, replace(policy.current(writing), **changes))

    def acts(self):
        """Return the acts of the audit log, oldest first."""
        entries = self.vault.audit.entries(limit=self.vault.audit.count())
        return [entry.act for entry in reversed(entries)]

    def newest(self):
        return self.vault.audit.entries(limit=1)[0]


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def office(tmp_path, clock):
    made = Office(tmp_path / "vault", clock)
    yield made
    made.vault.close()


@pytest.fixture
def quick_workers(monkeypatch):
    """Analyse with workers that answer at once."""

    def ready_made(_execution, places):
        return Workers(1, places, threads=1, stuck_after_seconds=30, serve=workers.ready_made)

    monkeypatch.setattr(control, "workers_for", ready_made)
