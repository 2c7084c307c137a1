"""Real vaults, cheap to open, with a clock that a test moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.domain import Person, PersonName, PersonRole
from app.storage import keys, vault

PASSPHRASE = "three unrelated words"
OTHER = "four other lovely birds"


def added(opened, name, *roles, passphrase=OTHER):
    """Let a person into a vault by its owner."""
    person = Person(name=PersonName(name), roles=frozenset(roles or {PersonRole.REVIEWER}))
    return opened.people.add(person, passphrase, cost=keys.LOWEST_COST, actor="owner")


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "vault"


@pytest.fixture
def opened(folder, clock):
    with vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST, clock=clock) as made:
        yield made


@pytest.fixture
def database(opened):
    return opened._database
