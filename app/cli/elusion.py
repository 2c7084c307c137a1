"""`elusion`: turns drawn by chance, judged one by one, and how much is redacted at least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.cli import text
from app.cli.elusion_records import DrawnTurnRecord, SampleRecord
from app.cli.progress import Bar
from app.domain import Missed
from app.errors import UsageError
from app.limits import at_least, channel_name, progress_of, recall_line
from app.sampling import CONFIDENCE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.cli.run import Run
    from app.domain import Recall, SampleReport, TurnToJudge
    from app.workspace import Workspace


def elusion(run: Run) -> int:
    """Draw turns, show the next one, judge it, take that back, or say what the sample says."""
    args = run.args
    missed = tuple(_missed(args.missed or ())) if args.act == "judge" else ()
    with run.workspace() as workspace:
        if args.act == "next":
            _show_next(run, workspace)
            return 0
        if args.act == "draw":
            with Bar(run.out, "Reading", "call") as bar:
                workspace.elusion.draw(args.turns, progress=bar.tell)
        elif args.act == "judge":
            workspace.elusion.judge(_report(workspace).sample.number, args.place, missed)
        elif args.act == "undo":
            workspace.elusion.undo()
        report = _report(workspace)
        if args.act == "report" and args.page is not None:
            workspace.audit.write(args.page, workspace.elusion.sheet(report), force=args.force)
        whole = args.act == "report"
        run.out.give(_record(report), _lines(report, run.out.width, whole=whole))
    return 0


def _report(workspace: Workspace) -> SampleReport:
    report = workspace.elusion.report()
    if report is None:
        raise UsageError(
            "No turns were drawn yet.", hint="Draw some with `autoinsights elusion draw --turns N`."
        )
    return report


def _missed(given: tuple[str, ...] | list[str]) -> Iterator[Missed]:
    for one in given:
        kind, _, number = one.partition("=")
        if number and not (number.isascii() and number.isdecimal()):
            raise UsageError("How many were missed is a whole number, such as CARD=2.")
        yield Missed(kind=kind.upper(), values=int(number or 1))


def _show_next(run: Run, workspace: Workspace) -> None:
    found = workspace.elusion.next()
    if found is not None:
        record = msgspec.convert(found, DrawnTurnRecord, from_attributes=True)
        run.out.give(record, _turn_lines(found, run.out.width))
        return
    report = _report(workspace)
    run.out.say([_LEFT if report.waiting else "All drawn turns are judged.", progress_of(report)])


def _turn_lines(found: TurnToJudge, width: int) -> Iterator[str]:
    where = f"call {found.call[: text.ID_DIGITS]}, {found.channel.value} channel"
    yield f"Turn {found.place} ({where}):"
    yield from text.transcript(found.before, width)
    marked = list(text.transcript([found.turn], width))
    yield from (f">{line[1:]}" if line.startswith(" ") else line for line in marked)
    yield from text.transcript(found.after, width)


def _lines(report: SampleReport, width: int, *, whole: bool) -> Iterator[str]:
    yield recall_line(report)
    yield progress_of(report)
    if whole:
        header = ("CHANNEL", "KIND", "REDACTED", "JUDGED", "MISSED", "AT LEAST")
        yield from text.table(header, map(_cells, report.recalls), width)


def _cells(one: Recall) -> tuple[str, ...]:
    numbers = (f"{number:,}" for number in (one.found, one.judged, one.missed))
    return (channel_name(one.channel), one.kind or "all", *numbers, at_least(one))


def _record(report: SampleReport) -> SampleRecord:
    sample = report.sample
    return SampleRecord(
        number=sample.number,
        drawn_by=sample.drawn_by,
        drawn_at=sample.drawn_at,
        calls=sample.calls,
        turns=sample.turns,
        drawn=sample.drawn,
        strata=sample.strata,
        found=sample.found,
        judged=report.judged,
        waiting=report.waiting,
        lost=report.lost,
        since=report.since,
        enough=report.enough,
        confidence=CONFIDENCE,
        at_least=report.overall.at_least,
        best=report.best,
        recalls=report.recalls,
    )


_LEFT = "The turns that are left wait for somebody who sees their calls and hears originals."
