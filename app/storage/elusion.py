"""The elusion sample of a vault: turns that are drawn by chance, and what people judge of them.

Promises that every turn of its population is drawn as probably as any other of its stratum, that
nothing is kept but places, kinds and numbers, that a judgement is an audit entry, and that a call
in which something was missed is held back in the same transaction, also from its next analysis,
until a person lets it go. The population is every turn of the analysed calls in the drawer's scope,
but for calls that are held back or cannot be read.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from app.counts import counted
from app.domain import (
    CallId,
    Channel,
    Judged,
    Missed,
    PersonName,
    Progress,
    Sample,
    Scope,
    TurnToJudge,
    Verdict,
)
from app.errors import SealBroken, UsageError
from app.storage import results
from app.storage.clock import stamp
from app.storage.drawing import Drawing, Population
from app.storage.scopes import within

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.domain import CallAnalysis
    from app.storage.audit import Audit
    from app.storage.clock import Clock
    from app.storage.database import Database, Reading, Writing
    from app.storage.keys import CallKeys

_AROUND = 2  # turns that are shown before and after the one to be judged
_TOLD_EVERY = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """Who judges, which calls are there for them, and whether held-back ones are."""

    actor: str
    scope: Scope
    held_back: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """How far a sample is judged: the verdicts on all drawn turns, how many still wait and how many
    can be judged no more, and how many calls were analysed since it was drawn."""

    sample: Sample
    verdicts: tuple[Verdict, ...]
    waiting: int
    lost: int
    since: int


class Elusion:
    """The samples of an open vault. One is there for who sees the calls that it was drawn from and
    no others: for anybody else it would speak of calls that they do not see, or for all of theirs.
    """

    def __init__(self, database: Database, audit: Audit, call_keys: CallKeys, clock: Clock) -> None:
        """Work on a database with the vault's keys for calls."""
        self._database = database
        self._audit = audit
        self._call_keys = call_keys
        self._clock = clock

    def draw(
        self,
        turns: int,
        *,
        actor: str,
        scope: Scope,
        progress: Callable[[Progress], None],
        stop: Callable[[], bool] = lambda: False,
    ) -> Sample | None:
        """Draw so many turns, or a few more, or return `None` where `stop` ended it; raises
        `UsageError` where there is none."""
        drawing = Drawing(turns)
        with self._database.reader() as reading:
            at = stamp(self._clock())
            for call, result, shown in self._analysed(reading, scope, progress):
                if stop():
                    return None
                drawing.add(call, result, shown)
        chosen, population = drawing.result()
        if not chosen:
            raise UsageError(
                "There is no turn to be drawn.", hint="Analyse calls first; held-back ones are out."
            )
        with self._database.transaction() as writing:
            number = writing.number("SELECT max(number) FROM samples") + 1
            kept = (msgspec.json.encode(scope).decode(), msgspec.json.encode(population).decode())
            writing.change(_NEW, (number, actor, at, *kept))
            rows = [(number, place, *one[1:]) for place, one in enumerate(chosen, start=1)]
            writing.many(_NEW_TURN, rows)
            drawn = counted(len(chosen), "turn")
            self._audit.append(
                writing, actor=actor, act="elusion.draw", subject=str(number), outcome=drawn
            )
        return _sample(number, actor, at, population)

    def newest(self, *, scope: Scope) -> Sample | None:
        """Return the sample that was drawn last."""
        with self._database.reader() as reading:
            return _newest(reading, scope)

    def state(self, *, scope: Scope) -> State | None:
        """Return how far the newest sample is judged, or `None` where there is none."""
        with self._database.reader() as reading:
            sample = _newest(reading, scope)
            if sample is None:
                return None
            rows = reading.all(_STATE, (sample.number,))
            condition, values = within(scope)
            times = (sample.drawn_at, sample.drawn_at, *values)
            since = reading.number(f"{_SINCE} AND {condition}", times)
        open_ones = [bool(there) for _, missed, there in rows if missed is None]
        return State(
            sample=sample,
            verdicts=tuple(
                Verdict(channel=Channel(channel), missed=_missed(missed))
                for channel, missed, _ in rows
            ),
            waiting=sum(open_ones),
            lost=len(open_ones) - sum(open_ones),
            since=since,
        )

    def next(self, *, who: Judging) -> TurnToJudge | None:
        """Return the first turn of the newest sample that waits and is there for a person, and
        keep an entry of their looking at its call."""
        with self._database.reader() as reading:
            sample = _newest(reading, who.scope)
            found = None if sample is None else self._waiting(reading, sample, who)
        if found is not None:
            self._audit.record(actor=who.actor, act="call.view", subject=found.call)
        return found

    def judge(self, sample: int, place: int, missed: Sequence[Missed], *, who: Judging) -> None:
        """Keep what a person judged of a turn; where something was missed, its call is held back.

        Raises `UsageError` where the turn does not wait for a judgement by this person.
        """
        with self._database.transaction() as writing:
            newest = _newest(writing, who.scope)
            row = writing.one(_WAITING_AT, (sample, place))
            if newest is None or newest.number != sample or row is None:
                raise _not_waiting()
            call = CallId(row[0])
            opened = self._opened(writing, call, who)
            if opened is None:
                raise _not_waiting()
            nth = writing.number("SELECT max(nth) FROM sampled_turns WHERE sample = ?", (sample,))
            at = stamp(self._clock())
            body = msgspec.json.encode({one.kind: one.values for one in missed}).decode()
            writing.change(_JUDGED, (body, who.actor, at, nth + 1, sample, place))
            if missed:
                number, key, _ = opened
                hold(writing, number, call, key, _judged(writing, call))
            self._audit.append(
                writing, actor=who.actor, act="elusion.judge", subject=call, outcome=_said(missed)
            )

    def undo(self, *, who: Judging) -> None:
        """Take back the last judgement of the newest sample, which has to be the person's own; its
        call is held back no more, unless something else was missed in it.

        Raises `UsageError` where there is none.
        """
        with self._database.transaction() as writing:
            newest = _newest(writing, who.scope)
            row = None if newest is None else writing.one(_LAST, (newest.number,))
            if newest is None or row is None or row[1] != who.actor:
                raise UsageError(
                    "There is no judgement of yours to be taken back.",
                    hint="The last one of the sample can be, by who made it.",
                )
            place, _, call, missed = row
            writing.change(_UNDONE, (newest.number, place))
            if _missed(missed):
                self._hold_less(writing, CallId(call))
            self._audit.append(writing, actor=who.actor, act="elusion.undo", subject=call)

    def _analysed(
        self, reading: Reading, scope: Scope, progress: Callable[[Progress], None]
    ) -> Iterator[tuple[CallId, str, CallAnalysis]]:
        """Yield the calls of a population: the id, which analysis is shown, and that."""
        condition, values = within(scope)
        rows = reading.all(f"{_ANALYSED} AND {condition}", values)
        for done, (call, sealed_key, result) in enumerate(rows):
            if done % _TOLD_EVERY == 0:
                progress(Progress(done=done, total=len(rows)))
            try:
                kept = results.kept(reading, call, self._call_keys.opened(call, sealed_key))
            except SealBroken:
                continue
            if kept is not None and not kept.shown.held_back:
                yield call, result, kept.shown
        progress(Progress(done=len(rows), total=len(rows)))

    def _waiting(self, reading: Reading, sample: Sample, who: Judging) -> TurnToJudge | None:
        for place, call, turn, channel in reading.all(_WAITING, (sample.number,)):
            try:
                opened = self._opened(reading, call, who)
            except SealBroken:
                continue
            if opened is not None:
                shown = opened[2].shown
                turns = shown.transcript.turns
                return TurnToJudge(
                    sample=sample.number,
                    place=place,
                    call=call,
                    channel=Channel(channel),
                    turn=turns[turn],
                    before=turns[max(0, turn - _AROUND) : turn],
                    after=turns[turn + 1 : turn + 1 + _AROUND],
                    duration_ms=shown.duration_ms,
                )
        return None

    def _opened(
        self, reading: Reading, call: CallId, who: Judging
    ) -> tuple[int, bytes, results.Kept] | None:
        """Return a call that is there for a person: its number, its key and what is kept of it."""
        condition, values = within(who.scope)
        row = reading.one(f"{_ONE} AND {condition}", (call, *values))
        if row is None:
            return None
        key = self._call_keys.opened(call, row[1])
        kept = results.kept(reading, call, key)
        if kept is None or (kept.shown.held_back and not who.held_back):
            return None
        return row[0], key, kept

    def _hold_less(self, writing: Writing, call: CallId) -> None:
        """Hold a call back for what is still judged as missed in it."""
        row = writing.one(_ONE, (call,))
        if row is None:
            return
        number, sealed_key = row
        key = self._call_keys.opened(call, sealed_key)
        kept, left = results.kept(writing, call, key), _judged(writing, call)
        before = kept.found.judged if kept else None
        if before is not None:
            left = replace(left, released=before.released) if left else None
            hold(writing, number, call, key, left)


def holding(reading: Reading, call: CallId, key: bytes) -> Judged | None:
    """Return the judgements for which a call is held back, for its next analysis.

    Where the last analysis cannot be read any more, nobody knows whether it was let go.
    """
    try:
        kept = results.kept(reading, call, key)
    except SealBroken:
        return _judged(reading, call)
    judged = kept.found.judged if kept else None
    return judged if judged is not None and judged.held_back else None


def hold(writing: Writing, number: int, call: CallId, key: bytes, judged: Judged | None) -> None:
    """Keep with the analysis of a call what was judged as missed in it, or that nothing is."""
    kept = results.kept(writing, call, key)
    if kept is not None:
        results.change(writing, number, call, key, kept, lambda one: replace(one, judged=judged))


def _newest(reading: Reading, scope: Scope) -> Sample | None:
    """Return the newest sample that is there in a scope."""
    for number, by, at, drawn_in, body in reading.all(_SAMPLES):
        if _names(msgspec.json.decode(drawn_in, type=Scope)) == _names(scope):
            return _sample(number, by, at, msgspec.json.decode(body, type=Population))
    return None


def _names(scope: Scope) -> tuple[frozenset[str], frozenset[str]] | None:
    """Return by what a scope limits, however it is written; `None` where it does not."""
    if not scope.limited:
        return None
    queues, teams = (frozenset(map(str.lower, names)) for names in (scope.queues, scope.teams))
    return queues, teams


def _sample(number: int, by: str, at: str, population: Population) -> Sample:
    return Sample(
        number=number,
        drawn_by=PersonName(by),
        drawn_at=at,
        calls=population.calls,
        strata=population.strata,
        found=population.found,
    )


def _missed(body: str | None) -> tuple[Missed, ...] | None:
    if body is None:
        return None
    kinds = msgspec.json.decode(body, type=dict[str, int])
    return tuple(Missed(kind=kind, values=values) for kind, values in kinds.items())


def _judged(reading: Reading, call: CallId) -> Judged | None:
    """Return what people judged as missed in a call, under the name of who did so last."""
    missed: Counter[str] = Counter()
    last = None
    for body, by, at in reading.all(_MISSED_IN, (call,)):
        missed.update(msgspec.json.decode(body, type=dict[str, int]))
        last = by, at
    if last is None:
        return None
    found = tuple(Missed(kind=kind, values=values) for kind, values in sorted(missed.items()))
    return Judged(by=last[0], at=last[1], missed=found)


def _said(missed: Sequence[Missed]) -> str:
    values = sum(one.values for one in missed)
    return f"{counted(values, 'value')} missed" if missed else "nothing missed"


def _not_waiting() -> UsageError:
    return UsageError(
        "This turn does not wait to be judged by you.",
        hint="Go on with the next one; the sample may be another one by now.",
    )


_NEW = "INSERT INTO samples (number, drawn_by, drawn_at, scope, population) VALUES (?, ?, ?, ?, ?)"
_NEW_TURN = """
    INSERT INTO sampled_turns (sample, place, call, turn, result, channel)
    VALUES (?, ?, ?, ?, ?, ?)
"""
_SAMPLES = """
    SELECT number, drawn_by, drawn_at, scope, population FROM samples ORDER BY number DESC
"""
# Which analysis of a call is shown: another one, and turns that were drawn from it are lost.
_RESULT = "analyses.at || ' ' || coalesce(corrected_analyses.corrected_at, '')"
_OF_CALL = """
    analyses JOIN calls ON calls.number = analyses.call
    LEFT JOIN corrected_analyses ON corrected_analyses.call = analyses.call
"""
_ANALYSED = f"""
    SELECT calls.id, call_keys.sealed, {_RESULT}
    FROM {_OF_CALL} JOIN call_keys ON call_keys.call = calls.number WHERE NOT calls.held_back
"""  # noqa: S608
_SINCE = f"""
    SELECT count(*) FROM {_OF_CALL}
    WHERE (analyses.at > ? OR coalesce(corrected_analyses.corrected_at, '') > ?)
"""  # noqa: S608
_THERE = f"""
    EXISTS (
        SELECT 1 FROM {_OF_CALL} WHERE calls.id = drawn.call AND {_RESULT} = drawn.result
    )
"""  # noqa: S608
_STATE = f"""
    SELECT channel, missed, {_THERE} FROM sampled_turns AS drawn WHERE sample = ? ORDER BY place
"""  # noqa: S608
_WAITING = f"""
    SELECT place, call, turn, channel FROM sampled_turns AS drawn
    WHERE sample = ? AND missed IS NULL AND {_THERE} ORDER BY place
"""  # noqa: S608
_WAITING_AT = f"""
    SELECT call FROM sampled_turns AS drawn
    WHERE sample = ? AND place = ? AND missed IS NULL AND {_THERE}
"""  # noqa: S608
_ONE = """
    SELECT calls.number, call_keys.sealed
    FROM calls JOIN call_keys ON call_keys.call = calls.number WHERE calls.id = ?
"""
_JUDGED = """
    UPDATE sampled_turns SET missed = ?, judged_by = ?, judged_at = ?, nth = ?
    WHERE sample = ? AND place = ?
"""
_UNDONE = """
    UPDATE sampled_turns SET missed = NULL, judged_by = NULL, judged_at = NULL, nth = NULL
    WHERE sample = ? AND place = ?
"""
_LAST = """
    SELECT place, judged_by, call, missed FROM sampled_turns
    WHERE sample = ? AND nth IS NOT NULL ORDER BY nth DESC LIMIT 1
"""
_MISSED_IN = """
    SELECT missed, judged_by, judged_at FROM sampled_turns
    WHERE call = ? AND missed IS NOT NULL AND missed != '{}' ORDER BY judged_at, sample, nth
"""
