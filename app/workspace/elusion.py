"""The elusion sample: turns drawn by chance, judged by a person, and how much is redacted at least.

Promises that who judges sees drawn turns of calls in their scope only, in the form in which all see
them, that what they say is kept as kinds and numbers, and that what was missed holds its call back.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.domain import KINDS, Right, SampleReport, Subject
from app.errors import UsageError
from app.reports.recall_sheet import recall_sheet
from app.sampling import recalls
from app.storage.elusion import Judging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from app.domain import Changes, Missed, Progress, TurnToJudge, Verdict
    from app.storage.elusion import State
    from app.workspace.gate import Gate

MOST_TURNS = 10_000
_MOST_VALUES = 99  # of one kind in one turn
_JUDGES = (Right.JUDGE_REDACTION, Right.SEE_TRANSCRIPT)
_DRAWN: Changes = frozenset({Subject.SAMPLES})
_JUDGED: Changes = frozenset({Subject.SAMPLES, Subject.CALLS})


@dataclass(frozen=True, slots=True)
class Elusion:
    """The newest sample that was drawn in the person's own scope, by whoever has the same."""

    _gate: Gate

    def draw(
        self,
        turns: int,
        *,
        progress: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> Changes:
        """Draw so many turns by chance, or a few more, of all analysed calls that are there for the
        person and not held back, unless `stop` ends it; an older sample is judged no more.

        Raises `UsageError` where there is none.
        """
        self._gate.require(*_JUDGES)
        if not 1 <= turns <= MOST_TURNS:
            raise UsageError(
                "So many turns cannot be drawn.", hint=f"Draw 1 to {MOST_TURNS:,} of them."
            )
        sample = self._gate.vault.elusion.draw(
            turns, actor=self._gate.actor, scope=self._gate.scope, progress=progress, stop=stop
        )
        return _DRAWN if sample is not None else frozenset()

    def report(self) -> SampleReport | None:
        """Return how far the newest sample is judged and what it says, or `None` without one."""
        self._gate.require(Right.SEE_CALLS)
        state = self._gate.vault.elusion.state(scope=self._gate.scope)
        return None if state is None else _reported(state)

    def next(self) -> TurnToJudge | None:
        """Return the next turn that waits and may be judged by the person; looking at it is an
        audit entry."""
        self._gate.require(*_JUDGES)
        return self._gate.vault.elusion.next(who=self._who())

    def judge(self, sample: int, place: int, missed: Sequence[Missed] = ()) -> Changes:
        """Say of a turn that nothing is missed in it, or of which kinds how many values are.

        Raises `UsageError` for another kind than there are, and where the turn does not wait.
        """
        self._gate.require(*_JUDGES)
        state = self._gate.vault.elusion.state(scope=self._gate.scope)
        found = {one.kind for one in state.sample.found} if state else set()
        _expect_kinds(missed, {*KINDS, *found})
        self._gate.vault.elusion.judge(sample, place, missed, who=self._who())
        return _JUDGED

    def undo(self) -> Changes:
        """Take back the last judgement of the sample, where it is the person's own; raises
        `UsageError`."""
        self._gate.require(*_JUDGES)
        self._gate.expect_trust()
        self._gate.vault.elusion.undo(who=self._who())
        return _JUDGED

    def sheet(self, report: SampleReport) -> bytes:
        """Return what a sample says as a page to print."""
        return recall_sheet(report)

    def _who(self) -> Judging:
        hears = self._gate.allows(Right.HEAR_ORIGINAL)
        return Judging(actor=self._gate.actor, scope=self._gate.scope, held_back=hears)


def _expect_kinds(missed: Sequence[Missed], known: set[str]) -> None:
    """Let kinds and numbers pass and no other words: what is kept of a judgement holds none."""
    kinds = [one.kind for one in missed]
    counts = all(1 <= one.values <= _MOST_VALUES for one in missed)
    if not (counts and known.issuperset(kinds) and len(set(kinds)) == len(kinds)):
        raise UsageError(
            "What was missed cannot be kept so.",
            hint=f"Name each kind once, with 1 to {_MOST_VALUES} values: "
            f"{', '.join([*KINDS, *sorted(known.difference(KINDS))])}.",
        )


def _reported(state: State) -> SampleReport:
    told = recalls(state.sample, state.verdicts)
    best = recalls(state.sample, tuple(_at_best(state)))[0]
    return SampleReport(
        sample=state.sample,
        judged=sum(one.missed is not None for one in state.verdicts),
        waiting=state.waiting,
        lost=state.lost,
        since=state.since,
        best=best.at_least,
        recalls=told,
    )


def _at_best(state: State) -> Iterator[Verdict]:
    """Yield the verdicts as they would be if nothing were missed in what still waits."""
    left = state.waiting
    for verdict in state.verdicts:
        if verdict.missed is None and left:
            left -= 1
            yield replace(verdict, missed=())
        else:
            yield verdict
