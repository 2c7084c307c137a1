"""The people of a vault: who they are, what they may do, and how they get in.

Promises that a person is added, changed or removed as a whole, with their way in and the audit
entry, whatever is killed when: somebody is in the vault exactly if their row says so. Names are
never given to another person, and the last administrator stays one. Only ways in are sealed again;
nothing else is.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from app.access import rights_of
from app.domain import Person, PersonName, PersonRole, PersonState, Right, Scope
from app.errors import PersonNotFound, UsageError
from app.storage import passphrases, second_factor
from app.storage.clock import stamp
from app.storage.database import Duplicate
from app.storage.openers import person_opener, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Row, Writing
    from app.storage.header import OpenHeader
    from app.storage.keys import KeyCost

_LONGEST_NAME = 64
_ALL = """
    SELECT name, roles, granted, scope, state, totp IS NOT NULL, added_at FROM people
    WHERE ?1 IS NULL OR name = ?1 ORDER BY name
"""


def checked_name(name: str) -> PersonName:
    """Return a sign-in name in the form in which it is kept; raises `UsageError`."""
    plain = unicodedata.normalize("NFC", name).strip()
    if not 0 < len(plain) <= _LONGEST_NAME or not plain.isprintable():
        raise UsageError(
            "This name cannot be used to sign in.",
            hint=f"Use 1 to {_LONGEST_NAME} letters, digits and signs in one line.",
        )
    return PersonName(plain)


def insert(writing: Writing, person: Person) -> None:
    """Add a person's row."""
    writing.change(
        "INSERT INTO people (name, roles, granted, scope, state, added_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (person.name, *_values(person), person.added_at),
    )


def known(reading: Reading) -> tuple[Person, ...]:
    """Return everybody who is or was in the vault, by name."""
    return tuple(map(_person, reading.all(_ALL, (None,))))


class People:
    """The people of an open vault."""

    def __init__(  # noqa: PLR0913, PLR0917 (the parts of a vault that a person touches)
        self,
        database: Database,
        header: OpenHeader,
        audit: Audit,
        computer_key: Callable[[], bytes | None],
        calibrated: Callable[[], KeyCost],
        clock: Clock,
    ) -> None:
        """Work on an open vault; `computer_key` is that of this one, where the vault asks, and
        `calibrated` what checking a passphrase costs where no cost is given."""
        self._database = database
        self._header = header
        self._audit = audit
        self._computer_key = computer_key
        self._calibrated = calibrated
        self._clock = clock

    def all(self) -> tuple[Person, ...]:
        """Return everybody who is or was in the vault, by name."""
        with self._database.reader() as reading:
            return known(reading)

    def get(self, name: str) -> Person:
        """Return a person; raises `PersonNotFound`."""
        with self._database.reader() as reading:
            row = reading.one(_ALL, (name.strip(),))
        if row is None:
            raise _nobody()
        return _person(row)

    def add(
        self, person: Person, passphrase: str, *, actor: str, cost: KeyCost | None = None
    ) -> Person:
        """Let somebody in; raises `WeakPassphrase`, and `UsageError` for a name that is taken."""
        added = replace(
            person,
            name=checked_name(person.name),
            state=PersonState.ACTIVE,
            second_factor=False,
            added_at=stamp(self._clock()),
        )
        passphrases.checked(passphrase, names=[added.name])
        if any(one.name.casefold() == added.name.casefold() for one in self.all()):
            raise _taken()

        def settle(writing: Writing) -> None:
            insert(writing, added)
            self._record(writing, actor, "person.add", added.name, told(added))

        try:
            self._new_way_in(added.name, passphrase, cost, settle)
        except Duplicate as error:  # another thread was faster
            raise _taken() from error
        return added

    def change(self, person: Person, *, actor: str) -> None:
        """Change what a person may do, or whether they may sign in.

        Raises `PersonNotFound`, and `UsageError` where nobody would be left to manage people.
        """
        self._present(person.name)
        with self._database.transaction() as writing:
            writing.change(
                "UPDATE people SET roles = ?, granted = ?, scope = ?, state = ? WHERE name = ?",
                (*_values(person), person.name),
            )
            if not any(Right.MANAGE_PEOPLE in rights_of(one) for one in known(writing)):
                raise UsageError(
                    "Nobody would be left who may manage people.",
                    hint="Make somebody else an administrator first.",
                )
            self._record(writing, actor, "person.change", person.name, told(person))
        if person.state is PersonState.REMOVED:
            self.drop_strangers()

    def set_passphrase(
        self, name: str, passphrase: str, *, actor: str, cost: KeyCost | None = None
    ) -> None:
        """Give a person another passphrase and a new key pair: the old one opens nothing more."""
        person = self._present(name)
        passphrases.checked(passphrase, names=[person.name])

        def settle(writing: Writing) -> None:
            writing.change(_RELEASE, (person.name,))
            self._record(writing, actor, "person.passphrase", person.name)

        self._new_way_in(person.name, passphrase, cost, settle)

    def release(self, name: str, *, actor: str) -> None:
        """End the waiting of a person after wrong codes."""
        person = self._present(name)
        with self._database.transaction() as writing:
            writing.change(_RELEASE, (person.name,))
            self._record(writing, actor, "person.release", person.name)

    def recover(self, name: str, passphrase: str, *, cost: KeyCost | None = None) -> Person:
        """Let a person in who holds the recovery sheet: a new passphrase, and no code until a
        second factor is set up again."""
        person = self._present(name)

        def settle(writing: Writing) -> None:
            writing.change("UPDATE people SET state = 'active' WHERE name = ?", (person.name,))
            writing.change(_RELEASE, (person.name,))
            second_factor.forget(writing, person.name)
            self._record(writing, person.name, "key.recovery-used", person.name)

        self._new_way_in(person.name, passphrase, cost, settle)
        return self.get(person.name)

    def drop_strangers(self) -> int:
        """Take out of the header who has no row that lets them in; returns how many that were."""
        vault_id = self._header.now.id
        inside = {
            tag_of(vault_id, one.name) for one in self.all() if one.state is not PersonState.REMOVED
        }
        strangers = frozenset(one.tag for one in self._header.now.people) - inside
        if strangers:
            self._header.replace(lambda now: now.without_people(strangers), lambda _: None)
        return len(strangers)

    def of_tag(self, tag: bytes) -> Person | None:
        """Return whose way in has a tag."""
        vault_id = self._header.now.id
        return next((one for one in self.all() if tag_of(vault_id, one.name) == tag), None)

    def _present(self, name: str) -> Person:
        person = self.get(name)
        if person.state is PersonState.REMOVED:
            raise _nobody()
        return person

    def _new_way_in(
        self,
        name: PersonName,
        passphrase: str,
        cost: KeyCost | None,
        settle: Callable[[Writing], None],
    ) -> None:
        header = self._header
        opener = person_opener(
            header.now.id,
            header.key,
            name=name,
            passphrase=passphrase,
            cost=cost or self._calibrated(),
            device=self._computer_key(),
        )
        header.replace(lambda now: now.with_person(opener), settle)

    def _record(
        self, writing: Writing, actor: str, act: str, subject: str, outcome: str = "ok"
    ) -> None:
        self._audit.append(writing, actor=actor, act=act, subject=subject, outcome=outcome)


_RELEASE = "UPDATE people SET failures = 0, failed_at = 0 WHERE name = ?"


def told(person: Person) -> str:
    """Return in a few words what a person may do, for the audit log."""
    parts = [
        person.state.value,
        *sorted(person.roles),
        *(f"+{one}" for one in sorted(person.granted)),
    ]
    if person.scope.limited:
        queues = [f"queue {name}" for name in person.scope.queues]
        parts += ["only", *queues, *(f"team {name}" for name in person.scope.teams)]
    return ", ".join(parts)


def _values(person: Person) -> tuple[str, str, str, str]:
    return (
        _encoded(sorted(person.roles)),
        _encoded(sorted(person.granted)),
        _encoded(person.scope),
        person.state.value,
    )


def _encoded(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _person(row: Row) -> Person:
    name, roles, granted, scope, state, second_factor, added_at = row
    return Person(
        name=PersonName(name),
        roles=msgspec.json.decode(roles, type=frozenset[PersonRole]),
        granted=msgspec.json.decode(granted, type=frozenset[Right]),
        scope=msgspec.json.decode(scope, type=Scope),
        state=PersonState(state),
        second_factor=bool(second_factor),
        added_at=added_at,
    )


def _nobody() -> PersonNotFound:
    return PersonNotFound("There is no such person in this vault.")


def _taken() -> UsageError:
    return UsageError(
        "This name is taken, or was once.",
        hint="A name is never given to another person, because the audit log names them.",
    )
