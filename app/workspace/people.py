"""The people of the vault: who is in it, what they may do, and one's own passphrase and code.

Everybody may look after their own passphrase and second factor; the rest takes the right to manage
people. Whatever is changed takes the passphrase of who changes it again: `confirmed`, or
`NotAllowed` is raised. Nobody can give rights to others by granting them to themselves unnoticed:
each change is an audit entry that says what the person may do from then on. While the
vault is in doubt (`Gate.expect_trust`), people are shut out and no others let in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.access import rights_of, same_person
from app.domain import KnownNames, NewSecondFactor, PersonState, Right, Subject
from app.errors import UsageError
from app.storage import totp

if TYPE_CHECKING:
    from collections.abc import Mapping

    from app.domain import Changes, Person, PersonName
    from app.workspace.gate import Confirmed, Gate

_PEOPLE: Changes = frozenset({Subject.PEOPLE})


@dataclass(frozen=True, slots=True)
class People:
    """The people of the vault."""

    _gate: Gate

    @property
    def me(self) -> Person:
        """Who is signed in, as they stand in the vault now."""
        self._gate.known()
        return self._gate.vault.people.get(self._gate.actor)

    def list(self) -> tuple[Person, ...]:
        """Return everybody who is or was in the vault, by name."""
        self._gate.require(Right.MANAGE_PEOPLE)
        return self._gate.vault.people.all()

    def waits(self) -> Mapping[PersonName, str]:
        """Return who has to wait after failed attempts to sign in, and until when (ISO 8601)."""
        self._gate.require(Right.MANAGE_PEOPLE)
        return self._gate.vault.people.waits()

    def known_names(self) -> KnownNames:
        """Return the queues and teams that there are, as far as this person may see them.

        A scope that names another one is no mistake yet; `access.unknown_names` finds such.
        """
        self._gate.require(Right.MANAGE_PEOPLE)
        vault = self._gate.vault
        inside = [one for one in vault.people.all() if one.state is not PersonState.REMOVED]
        queues = {queue for one in inside for queue in one.scope.queues}
        if self._gate.allows(Right.SEE_CALLS):
            queues |= {one.label for one in vault.calls.facets(scope=self._gate.scope).queues}
        teams = tuple(team.name for team in vault.teams.list())
        return KnownNames(queues=tuple(sorted(queues)), teams=teams)

    def add(self, person: Person, passphrase: str, *, confirmed: Confirmed | None) -> Changes:
        """Let somebody in; raises `WeakPassphrase`, and `UsageError` for a name that is taken."""
        self._expect_managing("people.add", confirmed)
        self._expect_roles(person)
        self._gate.expect_trust()
        self._gate.vault.people.add(person, passphrase, actor=self._gate.actor)
        return _PEOPLE

    def change(self, person: Person, *, confirmed: Confirmed | None) -> Changes:
        """Change what a person may do; raises `PersonNotFound` or `UsageError`."""
        self._expect_managing("people.change", confirmed)
        self._expect_roles(person)
        own = same_person(person.name, self._gate.actor)
        if own and Right.MANAGE_PEOPLE not in rights_of(person):
            raise UsageError(
                "Nobody takes the right to manage people from themselves.",
                hint="Another administrator can do that.",
            )
        self._gate.expect_trust()
        self._gate.vault.people.change(person, actor=self._gate.actor)
        return _PEOPLE

    def set_state(self, name: str, state: PersonState, *, confirmed: Confirmed | None) -> Changes:
        """Suspend a person, let them in again, or remove them for good."""
        self._expect_managing("people.set_state", confirmed)
        person = self._gate.vault.people.get(name)
        if same_person(person.name, self._gate.actor):
            raise UsageError(
                "Nobody shuts themselves out.", hint="Another administrator can do that."
            )
        if state is PersonState.ACTIVE:
            self._gate.expect_trust()
        self._gate.vault.people.change(replace(person, state=state), actor=self._gate.actor)
        return _PEOPLE

    def set_passphrase(self, name: str, passphrase: str, *, confirmed: Confirmed | None) -> Changes:
        """Give somebody a new passphrase: oneself, or with the right to manage people others.

        Raises `WeakPassphrase` or `PersonNotFound`.
        """
        self._expect_own_or_managing("people.set_passphrase", name, confirmed)
        self._gate.expect_trust()
        self._gate.vault.people.set_passphrase(name, passphrase, actor=self._gate.actor)
        return _PEOPLE

    def release(self, name: str, *, confirmed: Confirmed | None) -> Changes:
        """End the waiting of a person after failed attempts."""
        self._expect_managing("people.release", confirmed)
        self._gate.vault.people.release(name, actor=self._gate.actor)
        return _PEOPLE

    def new_second_factor(self) -> NewSecondFactor:
        """Return a new secret for one's own second factor; it counts from `set_second_factor`."""
        self._gate.known()
        secret = totp.new_secret()
        return NewSecondFactor(secret=secret, uri=totp.uri(secret, self._gate.actor))

    def set_second_factor(
        self, new: NewSecondFactor, code: str, *, confirmed: Confirmed | None
    ) -> tuple[str, ...]:
        """Ask for codes from now on, once one was shown; returns backup codes, good once each.

        Raises `WrongCode`.
        """
        self._gate.known()
        self._gate.expect_confirmed("people.set_second_factor", confirmed)
        self._gate.expect_trust()
        return self._gate.vault.second_factors.set_up(
            self.me, new.secret, code, actor=self._gate.actor
        )

    def take_second_factor(self, name: str, *, confirmed: Confirmed | None) -> Changes:
        """Ask a person for no code any more, such as after the loss of a telephone."""
        self._expect_own_or_managing("people.take_second_factor", name, confirmed)
        person = self._gate.vault.people.get(name)
        self._gate.expect_trust()
        self._gate.vault.second_factors.take_away(person, actor=self._gate.actor)
        return _PEOPLE

    def backup_codes_left(self) -> int:
        """Return how many backup codes one still has."""
        return self._gate.vault.second_factors.backup_codes_left(self.me)

    def _expect_managing(self, act: str, confirmed: Confirmed | None) -> None:
        self._gate.require(Right.MANAGE_PEOPLE)
        self._gate.expect_confirmed(act, confirmed)

    def _expect_own_or_managing(self, act: str, name: str, confirmed: Confirmed | None) -> None:
        if same_person(name.strip(), self._gate.actor):
            self._gate.known()
            self._gate.expect_confirmed(f"{act} of oneself", confirmed)
        else:
            self._expect_managing(f"{act} of others", confirmed)

    def _expect_roles(self, person: Person) -> None:
        if not person.roles and not person.granted:
            raise UsageError(
                "A person without a role may do nothing.", hint="Name at least one role."
            )
