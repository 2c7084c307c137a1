"""What people ask for that another person has to approve.

Promises that a request is decided once, that what it asks for happens in the transaction of the
decision or not at all, and that asking and deciding are audit entries. Who may ask and decide is
the caller's to check; that nobody approves what they asked for is also a rule of the table itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from app.access import ACTS, rights_of, same_person
from app.domain import (
    EARLIER_ORIGINALS,
    ApprovalRequest,
    CallId,
    GuardedAct,
    PersonName,
    RequestState,
    Right,
)
from app.errors import NotAllowed, RequestNotFound
from app.storage import people, policy, retention
from app.storage.clock import stamp
from app.storage.rows import clean
from app.storage.scopes import number_of, within

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.domain import Person, Scope
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Row, Value, Writing

    Check = Callable[[ApprovalRequest], None]
    Doing = Callable[[Writing, ApprovalRequest], None]

EXPORT_HOURS = 24
"""How long an approved export may be made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks for."""

    act: GuardedAct
    subject: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which requests a person sees: their own, and with `all` those in their scope."""

    person: PersonName
    scope: Scope
    all: bool


class Requests:
    """The requests of an open vault."""

    def __init__(self, database: Database, audit: Audit, clock: Clock) -> None:
        """Work on a database."""
        self._database = database
        self._audit = audit
        self._clock = clock

    def ask(
        self, asked: Asked, *, by: PersonName, check: Callable[[Reading], None], do: Doing
    ) -> ApprovalRequest:
        """Keep a request, or `do` it at once where the policy wants no second person, or where
        there never was one: whoever is in the vault alone could not do anything else.

        `check` raises what would make it impossible; what it or `do` raises leaves no request.
        """
        at = stamp(self._clock())
        with self._database.transaction() as writing:
            check(writing)
            guarded = guards(writing, asked.act)
            state = RequestState.OPEN if guarded else RequestState.APPROVED
            number = writing.insert(
                _INSERT,
                (
                    asked.act,
                    asked.subject,
                    asked.value,
                    clean(asked.reason),
                    by,
                    at,
                    state,
                    None if guarded else at,
                ),
            )
            request = _of(writing.one(_ONE, (number,)))
            outcome = "ok" if guarded else "not-guarded"
            self._record(
                writing,
                request,
                actor=by,
                act="request.ask",
                outcome=outcome,
                reason=request.reason,
            )
            if not guarded:
                do(writing, request)
        return request

    def approve(self, number: int, *, view: View, check: Check, do: Doing) -> ApprovalRequest:
        """Approve a request and `do` it; raises `RequestNotFound`, and what either one raises."""
        with self._database.transaction() as writing:
            _expect_decider(writing, view)
            request = _open(writing, number, view)
            check(request)
            _expect_asker(writing, request)
            decided = self._decide(writing, request, RequestState.APPROVED, view.person)
            self._record(writing, decided, actor=view.person, act="request.approve")
            do(writing, decided)
        return decided

    def refuse(self, number: int, reason: str, *, view: View, check: Check) -> ApprovalRequest:
        """Refuse a request; raises `RequestNotFound`, and what `check` raises."""
        with self._database.transaction() as writing:
            _expect_decider(writing, view)
            request = _open(writing, number, view)
            check(request)
            decided = self._decide(writing, request, RequestState.REFUSED, view.person)
            self._record(writing, decided, actor=view.person, act="request.refuse", reason=reason)
        return decided

    def withdraw(self, number: int, *, by: View) -> ApprovalRequest:
        """Take back what one asked for; others' requests are not found."""
        with self._database.transaction() as writing:
            request = _open(writing, number, by)
            if not same_person(request.asked_by, by.person):
                raise _not_found()
            decided = self._decide(writing, request, RequestState.WITHDRAWN, by.person)
            self._record(writing, decided, actor=by.person, act="request.withdraw")
        return decided

    def doubts(self, due: Sequence[CallId]) -> str:
        """Return why these calls are not erased by retention without a second person, in one
        sentence; empty where nothing is unusual or the policy wants nobody for erasing."""
        with self._database.reader() as reading:
            if not guards(reading, GuardedAct.ERASE_CALL):
                return ""
            return retention.doubts(reading, due, stamp(self._clock()))

    def list(self, view: View, *, open_only: bool) -> tuple[ApprovalRequest, ...]:
        """Return the requests that a person sees, the newest first."""
        condition, values = _seen(view)
        narrowed = "state = 'open' AND " if open_only else ""
        with self._database.reader() as reading:
            rows = reading.all(
                f"SELECT {_COLUMNS} FROM requests "  # noqa: S608
                f"WHERE {narrowed}{condition} ORDER BY number DESC",
                values,
            )
        return tuple(map(_of, rows))

    def may_export(self, call: CallId, *, by: PersonName) -> bool:
        """Return whether an approved export of a call by this person waits to be made."""
        with self._database.reader() as reading:
            return self._export(reading, call, by) is not None

    def use_export(self, call: CallId, *, by: PersonName) -> None:
        """Use up an approved export, which is good once; raises `NotAllowed`."""
        with self._database.transaction() as writing:
            number = self._export(writing, call, by)
            if number is None:
                raise NotAllowed(
                    "Nobody approved this export, or not within the last "
                    f"{EXPORT_HOURS} hours, or it was made already.",
                    hint="Ask for it; somebody else has to approve it.",
                )
            at = stamp(self._clock())
            writing.change("UPDATE requests SET used_at = ? WHERE number = ?", (at, number))
            self._audit.append(
                writing,
                actor=by,
                act="call.export-original",
                subject=call,
                outcome=f"request {number}",
            )

    def _export(self, reading: Reading, call: CallId, by: PersonName) -> int | None:
        now = self._clock()
        since = stamp(now - timedelta(hours=EXPORT_HOURS))
        row = reading.one(_EXPORT, (call, by, since, stamp(now)))
        return None if row is None else int(row[0])

    def _decide(
        self, writing: Writing, request: ApprovalRequest, state: RequestState, by: PersonName
    ) -> ApprovalRequest:
        at = stamp(self._clock())
        writing.change(_DECIDE, (state, by, at, request.number))
        return _of(writing.one(_ONE, (request.number,)))

    def _record(  # noqa: PLR0913 (the fields of an entry)
        self,
        writing: Writing,
        request: ApprovalRequest,
        *,
        actor: PersonName,
        act: str,
        outcome: str = "ok",
        reason: str = "",
    ) -> None:
        value = f"={request.value}" if request.value else ""
        subject = f"{request.number} {request.act} {request.subject}{value}"
        self._audit.append(
            writing, actor=actor, act=act, subject=subject, outcome=outcome, reason=reason
        )


def guards(reading: Reading, act: GuardedAct) -> bool:
    """Return whether an act takes a second person here."""
    several = reading.number("SELECT count(*) FROM people") > 1
    return several and act in policy.current(reading).two_persons


def _open(reading: Reading, number: int, view: View) -> ApprovalRequest:
    condition, values = _seen(view)
    row = reading.one(
        f"SELECT {_COLUMNS} FROM requests "  # noqa: S608
        f"WHERE number = ? AND state = 'open' AND {condition}",
        (number, *values),
    )
    if row is None:
        raise _not_found()
    return _of(row)


def person(reading: Reading, name: str) -> Person | None:
    """Return a person as they stand in the vault now."""
    known = people.known(reading)
    return next((one for one in known if same_person(one.name, name)), None)


def _expect_decider(reading: Reading, view: View) -> None:
    """Raise `NotAllowed` unless who decides may still do so: their session knows of an earlier
    day."""
    decider = person(reading, view.person)
    if decider is None or Right.APPROVE not in rights_of(decider):
        raise NotAllowed(f"You may not do this: the right `{Right.APPROVE.value}` is needed.")


def _expect_asker(reading: Reading, request: ApprovalRequest) -> None:
    """Raise `NotAllowed` unless who asked could still ask for it, and `CallNotFound` with it."""
    asker = person(reading, request.asked_by)
    rule = ACTS[request.act]
    if asker is None or rule.asks not in rights_of(asker):
        raise NotAllowed(
            "The person who asked for this may not do so any more.",
            hint="Refuse the request, or ask for the same yourself.",
        )
    if rule.on_call and request.subject not in {retention.SUBJECT, EARLIER_ORIGINALS}:
        number_of(reading, CallId(request.subject), asker.scope)


def _not_found() -> RequestNotFound:
    return RequestNotFound("There is no open request with this number.")


def _seen(view: View) -> tuple[str, tuple[Value, ...]]:
    """Return the condition that a person sees a request: nothing tells of calls out of scope."""
    own = "asked_by = ? COLLATE NOCASE"
    if not view.all:
        return own, (view.person,)
    if not view.scope.limited:
        return "1", ()
    condition, values = within(view.scope)
    others = ", ".join("?" * len(_NOT_ON_CALLS))
    seen = f"EXISTS (SELECT 1 FROM calls WHERE id = subject AND {condition})"  # noqa: S608
    return f"({own} OR act IN ({others}) OR {seen})", (view.person, *_NOT_ON_CALLS, *values)


_NOT_ON_CALLS = tuple(act.value for act, rule in ACTS.items() if not rule.on_call)
_COLUMNS = (
    "number, act, subject, value, reason, asked_by, asked_at, state, decided_by, decided_at, "
    "used_at"
)
_INSERT = """
    INSERT INTO requests (act, subject, value, reason, asked_by, asked_at, state, decided_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_ONE = f"SELECT {_COLUMNS} FROM requests WHERE number = ?"  # noqa: S608
_DECIDE = """
    UPDATE requests SET state = ?, decided_by = ?, decided_at = ?
    WHERE number = ? AND state = 'open'
"""
_EXPORT = """
    SELECT number FROM requests
    WHERE act = 'export-original' AND subject = ? AND asked_by = ? COLLATE NOCASE
        AND state = 'approved' AND used_at IS NULL AND decided_at > ? AND decided_at <= ?
    ORDER BY number LIMIT 1
"""


def _of(row: Row | None) -> ApprovalRequest:
    if row is None:
        raise _not_found()
    return ApprovalRequest(
        number=row[0],
        act=GuardedAct(row[1]),
        subject=row[2],
        value=row[3],
        reason=row[4],
        asked_by=PersonName(row[5]),
        asked_at=row[6],
        state=RequestState(row[7]),
        decided_by=None if row[8] is None else PersonName(row[8]),
        decided_at=row[9],
        used_at=row[10],
    )
