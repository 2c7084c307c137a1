"""Which calls are there for a person, as a condition of SQL; and the teams that it speaks of.

Promises that a call outside of a scope is like no call at all: every query about calls carries the
condition, and the answer comes from the same statement for what is hidden and what is missing.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import Team
from app.errors import CallNotFound, UsageError
from app.storage.rows import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain import CallId, Scope
    from app.storage.audit import Audit
    from app.storage.database import Database, Reading, Value


def within(scope: Scope) -> tuple[str, tuple[Value, ...]]:
    """Return the condition on a row of `calls` that it is in a scope, and the values in it.

    The plus signs keep the planner on the index of the list's order (see `listing`).
    """
    if not scope.limited:
        return "1", ()
    queues, teams = (", ".join("?" * len(names)) for names in (scope.queues, scope.teams))
    agents = f"SELECT agent FROM teams WHERE name IN ({teams})"  # noqa: S608
    condition = f"(+calls.queue IN ({queues}) OR +calls.agent IN ({agents}))"
    return condition, (*scope.queues, *scope.teams)


def number_of(reading: Reading, call: CallId, scope: Scope) -> int:
    """Return the number of a call that is there in a scope; raises `CallNotFound`."""
    condition, values = within(scope)
    row = reading.one(
        f"SELECT number FROM calls WHERE id = ? AND {condition}",  # noqa: S608
        (call, *values),
    )
    if row is None:
        raise not_found()
    return int(row[0])


def not_found() -> CallNotFound:
    """Return what is said of a call that is missing, and of one that is hidden."""
    return CallNotFound("There is no such call in this vault.")


class Teams:
    """The teams of an open vault: named lists of agents."""

    def __init__(self, database: Database, audit: Audit) -> None:
        """Work on a database."""
        self._database = database
        self._audit = audit

    def list(self) -> tuple[Team, ...]:
        """Return all teams by name, each with its agents."""
        with self._database.reader() as reading:
            rows = reading.all("SELECT name, agent FROM teams ORDER BY name, agent")
        by_name = groupby(rows, key=lambda row: str(row[0]).casefold())
        groups = [list(group) for _, group in by_name]
        return tuple(Team(name=rows[0][0], agents=tuple(row[1] for row in rows)) for rows in groups)

    def keep(self, name: str, agents: Iterable[str], *, actor: str) -> None:
        """Make the team consist of these agents; of none, it is no more. Raises `UsageError`."""
        named = clean(name.strip())
        if not named:
            raise UsageError("A team needs a name.")
        listed = [agent for one in agents if (agent := clean(one.strip()))]
        with self._database.transaction() as writing:
            writing.change("DELETE FROM teams WHERE name = ?", (named,))
            writing.many(
                "INSERT OR IGNORE INTO teams (name, agent) VALUES (?, ?)",
                [(named, agent) for agent in listed],
            )
            outcome = counted(len(listed), "agent")
            self._audit.append(
                writing, actor=actor, act="team.change", subject=named, outcome=outcome
            )
