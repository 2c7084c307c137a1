"""The rules of the vault: its policy, the teams that limit views, and how long calls are kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import CallId, Right, Subject
from app.storage.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import ApprovalRequest, Changes, Policy, Team
    from app.workspace.gate import Gate
    from app.workspace.requests import Requests


@dataclass(frozen=True, slots=True)
class Rules:
    """The policy of the vault."""

    _gate: Gate
    _requests: Requests

    def get(self) -> Policy:
        """Return the rules, which everybody may know who is signed in."""
        self._gate.known()
        return self._gate.vault.policy.get()

    def change(self, name: str, value: str, *, reason: str = "") -> ApprovalRequest | None:
        """Change a setting by its name; returns a request where the change is a guarded act.

        Such a change needs a `reason`; the request says whether it waits for a second person.
        Raises `UsageError`.
        """
        self._gate.require(Right.CONFIGURE)
        policy = self._gate.vault.policy
        acts = policy.change(name, value, actor=self._gate.actor, reason=reason.strip())
        if not acts:
            return None
        return self._requests.ask(min(acts), name, value=value, reason=reason)


@dataclass(frozen=True, slots=True)
class Teams:
    """The named lists of agents that limit what people see."""

    _gate: Gate

    def list(self) -> tuple[Team, ...]:
        """Return all teams."""
        self._gate.require(Right.MANAGE_PEOPLE)
        return self._gate.vault.teams.list()

    def keep(self, name: str, agents: Sequence[str]) -> Changes:
        """Make a team consist of these agents; of none, it is no more."""
        self._gate.require(Right.MANAGE_PEOPLE)
        self._gate.vault.teams.keep(name, agents, actor=self._gate.actor)
        return frozenset({Subject.PEOPLE})


@dataclass(frozen=True, slots=True)
class Retention:
    """How long calls are kept, and the erasing of those whose time is over."""

    _gate: Gate
    _ended: set[CallId]

    def due(self) -> tuple[CallId, ...]:
        """Return the calls whose time is over and that are not on hold, oldest first."""
        self._gate.require(Right.SEE_CALLS)
        return self._due()

    def apply(self) -> tuple[CallId, ...]:
        """Erase the calls whose time is over; returns those that were erased."""
        self._gate.require(Right.ERASE)
        due = self._due()
        erased = self._gate.vault.calls.erasure.expire(due, scope=self._gate.scope)
        self._ended.update(erased)
        self._gate.vault.audit.record(
            actor=self._gate.actor,
            act="retention.apply",
            outcome=f"{counted(len(erased), 'call')} erased",
        )
        return erased

    def _due(self) -> tuple[CallId, ...]:
        days = self._gate.vault.policy.get().retention_days
        if days == 0:
            return ()
        before = stamp(self._gate.session.clock() - timedelta(days=days))
        return self._gate.vault.calls.older_than(before, scope=self._gate.scope)
