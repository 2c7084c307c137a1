"""The rules of the vault: its policy, the teams that limit views, and how long calls are kept.

None of them is changed, and no call erased, while the vault is in doubt: see `Gate.expect_trust`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import CallId, Right, Subject
from app.errors import NotAllowed, UsageError
from app.storage.clock import stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import ApprovalRequest, Changes, Policy, Team
    from app.workspace.gate import Confirmed, Gate
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

    def change(
        self, name: str, value: str, *, reason: str = "", confirmed: Confirmed | None
    ) -> ApprovalRequest | None:
        """Change a setting by its name; returns a request where the change is a guarded act.

        Such a change needs a `reason`; the request says whether it waits for a second person.
        Raises `UsageError`, and `NotAllowed` unless the passphrase was typed again.
        """
        self._gate.require(Right.CONFIGURE)
        self._gate.expect_confirmed("policy.change", confirmed)
        self._gate.expect_trust()
        policy = self._gate.vault.policy
        acts = policy.change(name, value, actor=self._gate.actor, reason=reason.strip())
        if not acts:
            return None
        return self._requests.ask(min(acts), name, value=value, reason=reason, confirmed=confirmed)


@dataclass(frozen=True, slots=True)
class Teams:
    """The named lists of agents that limit what people see."""

    _gate: Gate

    def list(self) -> tuple[Team, ...]:
        """Return all teams."""
        self._gate.require(Right.MANAGE_PEOPLE)
        return self._gate.vault.teams.list()

    def keep(self, name: str, agents: Sequence[str], *, confirmed: Confirmed | None) -> Changes:
        """Make a team consist of these agents; of none, it is no more. It decides what people see:
        raises `NotAllowed` unless the passphrase was typed again."""
        self._gate.require(Right.MANAGE_PEOPLE)
        self._gate.expect_confirmed("teams.keep", confirmed)
        self._gate.expect_trust()
        self._gate.vault.teams.keep(name, agents, actor=self._gate.actor)
        return frozenset({Subject.PEOPLE})


@dataclass(frozen=True, slots=True)
class Retention:
    """How long calls are kept, and the erasing of those whose time is over."""

    _gate: Gate
    _ended: set[CallId]
    _requests: Requests

    def due(self) -> tuple[CallId, ...]:
        """Return the calls whose time is over and that are not on hold, oldest first."""
        self._gate.require(Right.SEE_CALLS)
        return self._due()

    def doubts(self) -> str:
        """Return why erasing what is due takes a second person, in one sentence; empty where
        `apply` does it."""
        self._gate.require(Right.ERASE)
        return self._gate.vault.requests.doubts(self._due())

    def ask(self, reason: str) -> ApprovalRequest:
        """Ask for the erasing of the calls whose time is over, where `apply` takes a second person;
        it is done at once where the policy wants none. Raises `UsageError` where nothing is due."""
        self._gate.require(Right.ERASE)
        if not self._due():
            raise UsageError("The time of no call is over.", hint="`retention show` names them.")
        return self._requests.ask_retention(self._before(), reason=reason)

    def apply(self) -> tuple[CallId, ...]:
        """Erase the calls whose time is over; returns those that were erased.

        Raises `NotAllowed` where erasing takes a second person and the clock may have been set
        forward, or most calls would go: `ask` then.
        """
        self._gate.require(Right.ERASE)
        self._gate.expect_trust()
        due = self._due()
        with self._gate.watched(Right.ERASE):
            self._expect_usual(due)
        erased = self._gate.vault.calls.erasure.expire(due, scope=self._gate.scope)
        self._ended.update(erased)
        self._gate.vault.audit.record(
            actor=self._gate.actor,
            act="retention.apply",
            outcome=f"{counted(len(erased), 'call')} erased",
        )
        return erased

    def _due(self) -> tuple[CallId, ...]:
        before = self._before()
        return self._gate.vault.calls.older_than(before, scope=self._gate.scope) if before else ()

    def _before(self) -> str:
        """Return before when calls are due that took place; empty where they are kept for ever."""
        days = self._gate.vault.policy.get().retention_days
        return stamp(self._gate.session.clock() - timedelta(days=days)) if days else ""

    def _expect_usual(self, due: Sequence[CallId]) -> None:
        doubts = self._gate.vault.requests.doubts(due)
        if doubts:
            raise NotAllowed(
                f"{doubts} A second person has to approve this erasing.",
                hint="Check the clock, and ask with `retention apply --reason TEXT`; somebody else"
                " approves it with `requests approve NUMBER`.",
            )
