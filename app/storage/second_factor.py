"""The second factors of the people of a vault: set up, asked for, taken away.

It is asked for after the passphrase was right; its failures are counted in the vault, where nobody
can take them back, and lead to the same waiting.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.errors import CodeNeeded, WrongCode
from app.storage import totp
from app.storage.attempts import Failures, refuse_early
from app.storage.clock import milliseconds

if TYPE_CHECKING:
    from app.domain import Person
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Writing


class SecondFactors:
    """The second factors of an open vault."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        """Work on an open vault's database."""
        self._database = database
        self._audit = audit
        self._clock = clock

    def expect(self, person: Person, code: str) -> str:
        """Return how a person proved the second factor: `none`, `code` or `backup code`.

        Raises `CodeNeeded`, `WrongCode` or `SignInDelayed`; a failure is counted before that.
        """
        if not person.second_factor:
            return "none"
        if not code.strip():
            raise CodeNeeded("The code of the second factor is needed, too.")
        now_ms = milliseconds(self._clock())
        with self._database.transaction() as writing:
            until_ms = _waits_until_ms(writing, person.name, now_ms)
        refuse_early(until_ms, now_ms)
        with self._database.transaction() as writing:
            how = self._proved(writing, person.name, code)
        if how is None:
            raise WrongCode("The code of the second factor is not right.")
        return how

    def set_up(self, person: Person, secret: bytes, code: str, *, actor: str) -> tuple[str, ...]:
        """Ask for codes of `secret` from now on, once one was shown; returns the backup codes.

        Raises `WrongCode`, and changes nothing, where `code` is not one of them.
        """
        found = totp.accepted(secret, code, self._clock())
        if found is None:
            raise WrongCode("This is not a code of the secret that was shown.")
        codes = totp.new_backup_codes()
        with self._database.transaction() as writing:
            values = (secret, found.step, found.drift, person.name)
            writing.change(_SET, values)
            writing.change(_FORGET_BACKUP, (person.name,))
            rows = [(person.name, totp.backup_digest(person.name, one)) for one in codes]
            writing.many("INSERT INTO backup_codes VALUES (?, ?)", rows)
            self._audit.append(
                writing, actor=actor, act="person.second-factor", subject=person.name, outcome="on"
            )
        return codes

    def take_away(self, person: Person, *, actor: str) -> None:
        """Ask a person for no code any more."""
        with self._database.transaction() as writing:
            forget(writing, person.name)
            self._audit.append(
                writing, actor=actor, act="person.second-factor", subject=person.name, outcome="off"
            )

    def backup_codes_left(self, person: Person) -> int:
        """Return how many backup codes a person still has."""
        with self._database.reader() as reading:
            return reading.number(
                "SELECT count(*) FROM backup_codes WHERE person = ?", (person.name,)
            )

    def _proved(self, writing: Writing, name: str, code: str) -> str | None:
        row = writing.one(_OF, (name,))
        if row is None or row[0] is None:
            return None
        secret, step, drift = row
        now = self._clock()
        if writing.change(_USE_BACKUP, (name, totp.backup_digest(name, code))):
            writing.change(_RIGHT, (step, drift, name))
            return "backup code"
        found = totp.accepted(secret, code, now, last_step=step, drift=drift)
        if found is None:
            writing.change(_WRONG, (milliseconds(now), name))
            return None
        writing.change(_RIGHT, (found.step, found.drift, name))
        return "code"


def _waits_until_ms(writing: Writing, name: str, now_ms: int) -> int:
    """Return until when a person has to wait; an attempt that is yet to come is put to now."""
    row = writing.one("SELECT failures, failed_at FROM people WHERE name = ?", (name,))
    kept = Failures(count=row[0], last_ms=row[1]) if row else Failures()
    found = kept.by(now_ms)
    if found != kept:
        writing.change("UPDATE people SET failed_at = ? WHERE name = ?", (now_ms, name))
    return found.waits_until_ms()


def forget(writing: Writing, name: str) -> None:
    """Take a person's second factor away, in the transaction of an act."""
    writing.change(_UNSET, (name,))
    writing.change(_FORGET_BACKUP, (name,))


_OF = "SELECT totp, totp_step, totp_drift FROM people WHERE name = ?"
_SET = "UPDATE people SET totp = ?, totp_step = ?, totp_drift = ?, failures = 0 WHERE name = ?"
_UNSET = "UPDATE people SET totp = NULL, totp_step = 0, totp_drift = 0 WHERE name = ?"
_RIGHT = "UPDATE people SET totp_step = ?, totp_drift = ?, failures = 0 WHERE name = ?"
_WRONG = "UPDATE people SET failures = failures + 1, failed_at = ? WHERE name = ?"
_USE_BACKUP = "DELETE FROM backup_codes WHERE person = ? AND digest = ?"
_FORGET_BACKUP = "DELETE FROM backup_codes WHERE person = ?"
