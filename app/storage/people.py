"""The people of a vault: who they are, what they may do, and how they get in.

Promises that a person is added, changed or removed as a whole, with their way in and the audit
entry, whatever is killed when: somebody is in the vault exactly if their row says so. Names are
never given to another person, and the last administrator stays one. Only ways in are sealed again;
nothing else is.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from app.access import rights_of
from app.domain import Person, PersonName, PersonRole, PersonState, Right, Scope
from app.errors import PersonNotFound, UsageError
from app.storage import passphrases, second_factor
from app.storage.attempts import Failures, key_of
from app.storage.clock import milliseconds, stamp
from app.storage.names import checked_name
from app.storage.openers import person_opener, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.storage.attempts import Attempts
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Row, Writing
    from app.storage.header import Header, OpenHeader
    from app.storage.keys import KeyCost

_ALL = """
    SELECT name, roles, granted, scope, state, totp IS NOT NULL, added_at FROM people ORDER BY name
"""


def insert(writing: Writing, person: Person) -> None:
    """Add a person's row."""
    writing.change(
        "INSERT INTO people (name, roles, granted, scope, state, added_at)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (person.name, *_values(person), person.added_at),
    )


def known(reading: Reading) -> tuple[Person, ...]:
    """Return everybody who is or was in the vault, by name."""
    return tuple(map(_person, reading.all(_ALL)))


class People:
    """The people of an open vault."""

    def __init__(  # noqa: PLR0913 (all that a person's way in depends on)
        self,
        database: Database,
        header: OpenHeader,
        audit: Audit,
        clock: Clock,
        *,
        computer_key: Callable[[Header], bytes | None],
        calibrated: Callable[[], KeyCost],
        attempts: Attempts,
    ) -> None:
        """Work on an open vault; `computer_key` is that of this one, where a header asks, and
        `calibrated` what checking a passphrase costs where no cost is given."""
        self._calibrated = calibrated
        self._attempts = attempts
        self._database = database
        self._header = header
        self._audit = audit
        self._computer_key = computer_key
        self._clock = clock

    def all(self) -> tuple[Person, ...]:
        """Return everybody who is or was in the vault, by name."""
        with self._database.reader() as reading:
            return known(reading)

    def get(self, name: str) -> Person:
        """Return a person by their name, however it is typed; raises `PersonNotFound`."""
        with self._database.reader() as reading:
            return self._named(reading, name)

    def present(self, name: str) -> Person:
        """Return a person who was not removed; raises `PersonNotFound`."""
        with self._database.reader() as reading:
            return self._present(reading, name)

    def expected(self, name: str) -> Person:
        """Return as `present` does a person for whom the recovery sheet opened the vault; that it
        did is in the audit log also where there is no such person."""
        try:
            return self.present(name)
        except PersonNotFound as error:
            self._audit.record(actor="unknown", act="key.recovery-refused", outcome=error.code)
            raise

    def waits(self) -> dict[PersonName, str]:
        """Return who has to wait after wrong passphrases or codes, and until when."""
        now_ms = milliseconds(self._clock())
        with self._database.reader() as reading:
            rows = reading.all(_FAILED)
        found: dict[PersonName, str] = {}
        for name, count, last_ms in rows:
            codes = Failures(count=count, last_ms=last_ms).by(now_ms).waits_until_ms()
            until_ms = max(codes, self._attempts.waits_until_ms(self._counted_as(name)))
            if until_ms > now_ms:
                found[PersonName(name)] = stamp(datetime.fromtimestamp(until_ms / 1000, UTC))
        return found

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

        def act(writing: Writing) -> None:
            self._expect_free(writing, added.name)
            insert(writing, added)
            self._record(writing, actor, "person.add", added.name, told(added))

        with self._database.reader() as reading:  # said before the slow work as well
            self._expect_free(reading, added.name)
        self._new_way_in(added.name, passphrase, cost, act)
        return added

    def change(self, person: Person, *, actor: str) -> None:
        """Change what a person may do, or whether they may sign in.

        Raises `PersonNotFound`, and `UsageError` where nobody would be left to manage people.
        """

        def act(writing: Writing) -> None:
            name = self._present(writing, person.name).name
            writing.change(
                "UPDATE people SET roles = ?, granted = ?, scope = ?, state = ? WHERE name = ?",
                (*_values(person), name),
            )
            if not any(Right.MANAGE_PEOPLE in rights_of(one) for one in known(writing)):
                raise UsageError(
                    "Nobody would be left who may manage people.",
                    hint="Make somebody else an administrator first.",
                )
            self._record(writing, actor, "person.change", name, told(person))

        if person.state is PersonState.REMOVED:
            gone = frozenset({self._tag(person.name)})
            self._header.without_old_ways(lambda now: now.without_people(gone), act)
        else:
            with self._database.transaction() as writing:
                act(writing)

    def set_passphrase(
        self, name: str, passphrase: str, *, actor: str, cost: KeyCost | None = None
    ) -> None:
        """Give a person another passphrase and a new key pair: the old one opens nothing more."""
        person = self.present(name)
        passphrases.checked(passphrase, names=[person.name])

        def act(writing: Writing) -> None:
            self._present(writing, person.name)
            writing.change(_RELEASE, (person.name,))
            self._record(writing, actor, "person.passphrase", person.name)

        self._new_way_in(person.name, passphrase, cost, act, old=True)
        self._end_waiting(person)

    def release(self, name: str, *, actor: str) -> None:
        """End the waiting of a person after wrong passphrases and codes."""
        with self._database.transaction() as writing:
            person = self._present(writing, name)
            writing.change(_RELEASE, (person.name,))
            self._record(writing, actor, "person.release", person.name)
        self._end_waiting(person)

    def recover(self, name: str, passphrase: str, *, cost: KeyCost | None = None) -> Person:
        """Let a person in who holds the recovery sheet: a new passphrase, and no code until a
        second factor is set up again."""
        person = self.present(name)
        passphrases.checked(passphrase, names=[person.name])

        def act(writing: Writing) -> None:
            self._present(writing, person.name)
            writing.change("UPDATE people SET state = 'active' WHERE name = ?", (person.name,))
            writing.change(_RELEASE, (person.name,))
            second_factor.forget(writing, person.name)
            self._record(writing, person.name, "key.recovery-used", person.name)

        self._new_way_in(person.name, passphrase, cost, act, old=True)
        self._end_waiting(person)
        return self.get(person.name)

    def drop_strangers(self) -> int:
        """Take out of the header who has no row that lets them in; returns how many that were.

        There are some only where a database was put back from another day than the header.
        """
        inside = {self._tag(one.name) for one in self.all() if one.state is not PersonState.REMOVED}
        strangers = frozenset(one.tag for one in self._header.now.people) - inside
        if strangers:
            self._header.replace(lambda now: now.without_people(strangers), lambda _: None)
        return len(strangers)

    def of_tag(self, tag: bytes) -> Person | None:
        """Return whose way in has a tag."""
        return next((one for one in self.all() if self._tag(one.name) == tag), None)

    def _tag(self, name: str) -> bytes:
        return tag_of(self._header.now.id, name)

    def _named(self, reading: Reading, name: str) -> Person:
        tag = self._tag(name)
        found = next((one for one in known(reading) if self._tag(one.name) == tag), None)
        if found is None:
            raise PersonNotFound("There is no such person in this vault.")
        return found

    def _expect_free(self, reading: Reading, name: str) -> None:
        tag = self._tag(name)
        if any(self._tag(one.name) == tag for one in known(reading)):
            raise UsageError(
                "This name is taken, or was once.",
                hint="A name is never given to another person, because the audit log names them.",
            )

    def _present(self, reading: Reading, name: str) -> Person:
        person = self._named(reading, name)
        if person.state is PersonState.REMOVED:
            raise PersonNotFound("This person was removed from this vault.")
        return person

    def _new_way_in(
        self,
        name: PersonName,
        passphrase: str,
        cost: KeyCost | None,
        act: Callable[[Writing], None],
        *,
        old: bool = False,
    ) -> None:
        """Give a person a way in; `old`: in place of one that shall open nothing any more."""
        header = self._header
        given = cost or self._calibrated()

        def changed(now: Header) -> Header:
            opener = person_opener(
                now.id,
                header.key,
                name=name,
                passphrase=passphrase,
                cost=given,
                device=self._computer_key(now),
            )
            return now.with_person(opener)

        (header.without_old_ways if old else header.replace)(changed, act)

    def _end_waiting(self, person: Person) -> None:
        self._attempts.release(self._counted_as(person.name))

    def _counted_as(self, name: str) -> str:
        return key_of(self._tag(name), known=True)

    def _record(
        self, writing: Writing, actor: str, act: str, subject: str, outcome: str = "ok"
    ) -> None:
        self._audit.append(writing, actor=actor, act=act, subject=subject, outcome=outcome)


_FAILED = "SELECT name, failures, failed_at FROM people WHERE state != 'removed' ORDER BY name"
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
