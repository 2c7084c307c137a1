"""The commands that work on a vault: make it, fill it, work through its queue, look into it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli import passphrases, records, text
from app.cli.keys import recovery_sheet
from app.cli.progress import Bar, Interruption
from app.cli.run import refuse_own_calls
from app.cli.stretch import limit as _limit
from app.cli.stretch import stretch as _stretch
from app.counts import are, counted
from app.domain import CallId, CallMetadata, CallOrder, CallQuery, Direction, JobState
from app.errors import CallFailed, CallNotFound, VaultExists
from app.workspace.intake import parse_channels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.cli.run import Run
    from app.domain import CallRow, ImportReport, ProcessingReport, Turn
    from app.workspace import Workspace

_WHOLE_ID = 32
_MOST_LISTED = 200


def init(run: Run) -> int:
    """Create a vault."""
    folder = run.folder
    if run.program.vault_state(folder).exists:
        raise VaultExists(f"There is already a vault in {folder}.")
    with run.create(folder) as workspace:
        key = workspace.audit.key()
        lines = [
            f"The vault is made: {folder}",
            f"The auditor's key: {key}",
            "                   (keep it where the vault is not; `audit key` shows it again)",
        ]
        code = workspace.audit.key_code() if run.out.stdout.isatty() else ()
        run.out.give(records.of_vault(workspace.info, key), [*lines, *code])
        if _talks(run) and passphrases.agreed("Make a recovery sheet now?"):
            recovery_sheet(run, workspace)
        run.out.say(["Next: autoinsights import FOLDER"])
    return 0


def _talks(run: Run) -> bool:
    """Return whether a person types at this command, rather than a script."""
    scripted = run.args.passphrase_file is not None or run.out.json or run.out.quiet
    return passphrases.can_ask() and not scripted


def take_in(run: Run) -> int:
    """Import recordings and analyse what waits; return 7 if a file or a call failed."""
    metadata = CallMetadata(
        agent=run.args.agent,
        queue=run.args.queue,
        direction=Direction(run.args.direction or "unknown"),
        channel_roles=parse_channels(run.args.channels or ""),
    )
    if not run.args.no_process:
        run.program.check_settings()
    with run.workspace(may_create=True) as workspace:
        refuse_own_calls(workspace)
        with Interruption() as stop, Bar(run.out, "Importing", "file") as bar:
            report = workspace.intake.import_paths(
                run.args.paths,
                metadata=metadata,
                metadata_file=run.args.metadata,
                even_erased=run.args.even_erased,
                progress=bar.tell,
                stop=stop,
            )
            with bar.aside():
                tell_import(run, workspace, report)
        status = CallFailed.status if report.refused else 0
        if run.args.no_process:
            return status
        status = work_through(run, workspace) or status
        if 0 < len(report.imported) <= _MOST_LISTED:
            run.out.say(["", *text.calls(_rows_of(workspace, report.imported), run.out.width)])
            run.out.say(["", "`autoinsights show ID` shows a call."])
    return status


def process(run: Run) -> int:
    """Analyse what waits in the vault; return 7 if a call failed."""
    run.program.check_settings()
    with run.workspace() as workspace:
        if run.args.retry_failed:
            workspace.processing.retry_failed()
        return work_through(run, workspace)


def tell_import(run: Run, workspace: Workspace, report: ImportReport) -> None:
    """Say what an import did."""
    queued = workspace.calls.totals()[JobState.QUEUED]
    run.out.give(records.of_import(report, queued), _imported(report, queued))


def work_through(run: Run, workspace: Workspace) -> int:
    """Analyse what is queued and say what was done; return 7 if a call failed."""
    before = {job.call for job in workspace.processing.jobs() if job.state is JobState.FAILED}
    with Interruption() as stop, Bar(run.out, "Analysing", "call") as bar:
        report = workspace.processing.run(progress=bar.tell, stop=stop)
        with bar.aside():
            run.out.give(records.of_processing(report), _processed(report))
            run.out.say(_reasons(workspace, before))
    return CallFailed.status if report.failed else 0


def list_calls(run: Run) -> int:
    """List calls."""
    args = run.args
    query = CallQuery(
        states=frozenset({JobState(args.state)} if args.state else ()),
        agent=args.agent,
        queue=args.queue,
        flag=args.flag,
        flagged=args.flagged,
        on_hold=args.on_hold,
        other_language=args.other_language,
        held_back=args.held_back,
        text=args.text,
        customer=args.customer,
        order=CallOrder(args.sort),
        descending=not args.ascending,
    )
    with run.workspace() as workspace:
        total = workspace.calls.count(query)

        def page(offset: int, limit: int) -> tuple[CallRow, ...]:
            return workspace.calls.page(query, offset=offset, limit=limit)

        rows = _stretch(page, args.offset, _limit(run))
        if run.out.json:
            for row in rows:
                run.out.give(records.of_row(row), ())
            return 0
        shown = list(rows)
        run.out.say(text.calls(shown, run.out.width) if shown else ["No call fits."])
        if len(shown) < total:
            of = f"{len(shown):,} of {counted(total, 'call')}"
            run.out.say([f"{of}; --limit and --offset show others."])
    return 0


def show(run: Run) -> int:
    """Show one call."""
    with run.workspace() as workspace:
        show_call(run, workspace, resolved(workspace, run.args.call), said=True)
    return 0


def show_call(run: Run, workspace: Workspace, call: CallId, *, said: bool) -> None:
    """Show one call, with what was said in it where that is wanted."""
    detail = workspace.calls.detail(call)
    name, width = detail.call.source_name, run.out.width
    found = detail.analysis
    lines = [f"{name}: {detail.job.state.value}", f"  id        {call}"]
    if detail.job.failure is not None:
        lines += text.failure(name, detail.job.failure)
    elif found is not None:
        lines = [
            *text.report(
                name, found, width, metadata=detail.call.metadata, speakers=detail.speakers
            )
        ]
    if detail.on_hold:
        lines.append("  On hold   nobody erases this call, and no rule does")
    if detail.original_destroyed_at is not None:
        at = text.moment(detail.original_destroyed_at)
        lines.append(f"  Original  destroyed on {at}; the muted recording stays")
    if found is not None and said:
        turns = found.transcript.turns
        words = shown_words(turns, width)
        if turns and not any(turn.text for turn in turns):
            right = "hear-original" if found.held_back else "see-transcript"
            words = iter([f"The words are not shown: the right `{right}` is needed."])
        lines += [f"  id        {call}", "", *words]
    run.out.give(records.of_detail(detail), lines)


def shown_words(turns: Sequence[Turn], width: int, *, numbered: bool = False) -> Iterator[str]:
    """Give the words of a call, or that the person may not see them."""
    if turns and not any(turn.text for turn in turns):
        yield "The words are not shown: the right `see-transcript` is needed."
    else:
        yield from text.transcript(turns, width, numbered=numbered)


def search(run: Run) -> int:
    """Find turns by the words that were said."""
    with run.workspace() as workspace:
        hits = workspace.calls.search(" ".join(run.args.words), limit=run.args.limit)
        for hit in hits:
            where = f"{hit.call[: text.ID_DIGITS]}  {text.clock(hit.start_ms):>7}"
            line = f"{where}  {hit.role.value:<8}  {hit.snippet}"
            run.out.give(records.of_hit(hit), [line])
        if not hits:
            run.out.say(["Nothing was found."])
    return 0


def _imported(report: ImportReport, queued: int) -> Iterator[str]:
    taken = f"{counted(len(report.imported), 'call')} imported"
    if report.duplicates:
        taken += f", {report.duplicates} already in the vault"
    if report.passed_over:
        taken += (
            f", {counted(report.passed_over, 'file')} passed over that {are(report.passed_over)}"
        )
        taken += " no recording" + ("" if report.passed_over == 1 else "s")
    if report.described:
        taken += f", {report.described:,} described in a metadata file"
    yield f"{taken}; {queued:,} waiting to be analysed."
    for name, reason in report.refused:
        yield f"Not taken: {name}: {reason.sentence} {reason.hint}"


def _processed(report: ProcessingReport) -> Iterator[str]:
    if not report.done + report.failed + report.cancelled:
        yield "Nothing was waiting."
        return
    line = f"{counted(report.done, 'call')} ({text.clock(report.audio_ms)} of audio) analysed"
    line += f" in {report.seconds:.0f} s"
    if report.done and report.seconds:
        line += f", {report.audio_ms / 1000 / report.seconds:.1f} times as fast as it was spoken"
    for number, word in ((report.failed, "failed"), (report.cancelled, "cancelled")):
        line += f"; {number} {word}" if number else ""
    yield f"{line}."


def _reasons(workspace: Workspace, before: set[CallId]) -> Iterator[str]:
    """Give why calls failed that had not failed before."""
    jobs = [job for job in workspace.processing.jobs() if job.state is JobState.FAILED]
    new = [job for job in jobs if job.call not in before and job.failure is not None]
    names = {row.id: row.source_name for row in _rows_of(workspace, [job.call for job in new])}
    for job in new:
        if job.failure is not None:
            yield from text.failure(names.get(job.call, job.call), job.failure)


def _rows_of(workspace: Workspace, wanted: Iterable[CallId]) -> list[CallRow]:
    """Return the lines of the list for some calls."""
    left = set(wanted)
    query = CallQuery(order=CallOrder.NAME, descending=False)
    found: list[CallRow] = []
    for row in _all_rows(workspace, query):
        if not left:
            break
        if row.id in left:
            found.append(row)
            left.discard(row.id)
    return found


def _all_rows(workspace: Workspace, query: CallQuery) -> Iterator[CallRow]:
    return _stretch(
        lambda offset, limit: workspace.calls.page(query, offset=offset, limit=limit), 0, None
    )


def resolved(workspace: Workspace, given: str) -> CallId:
    """Return the id that is meant by it or by its first digits; raises `CallNotFound`."""
    wanted = given.lower()
    if len(wanted) >= _WHOLE_ID or wanted.strip("0123456789abcdef"):
        return CallId(wanted)
    found = [row.id for row in _all_rows(workspace, CallQuery()) if row.id.startswith(wanted)]
    if len(found) != 1:
        many = "More than one call's id begins" if found else "No call's id begins"
        raise CallNotFound(f"{many} with these digits.")
    return found[0]
