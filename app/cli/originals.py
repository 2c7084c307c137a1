"""The commands about recordings as they were imported, where the rule is to destroy them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli import records
from app.cli.governing_records import DestroyedRecord, OriginalsRecord
from app.cli.progress import Bar, Interruption
from app.counts import are, counted
from app.domain import EARLIER_ORIGINALS, OriginalsRule, RequestState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.cli.run import Run
    from app.domain import ApprovalRequest, OriginalsState
    from app.workspace import Workspace

_RULES = {
    OriginalsRule.KEEP_SEALED: "Originals are kept sealed.",
    OriginalsRule.DESTROY: "An original is destroyed once its muted recording is proven.",
}


def originals(run: Run) -> int:
    """Show how it stands with originals, destroy what is due, or ask for those of earlier calls."""
    with run.workspace() as workspace:
        if run.args.act == "apply":
            destroy(run, workspace)
        elif run.args.act == "earlier":
            request = workspace.originals.ask(run.args.reason)
            line = f"Request {request.number} waits for a second person: `autoinsights requests`."
            waits = request.state is RequestState.OPEN
            run.out.give(records.of_request(request), [line] if waits else [])
            destroy_approved(run, workspace, request)
        else:
            state = workspace.originals.state()
            record = OriginalsRecord(
                rule=state.rule, destroyed=state.destroyed, due=state.due, earlier=state.earlier
            )
            run.out.give(record, list(_lines(state)))
    return 0


def destroy_approved(run: Run, workspace: Workspace, request: ApprovalRequest) -> None:
    """Destroy the originals of earlier calls where a request for that was approved now."""
    approved = request.state is RequestState.APPROVED
    if approved and request.subject == EARLIER_ORIGINALS:
        destroy(run, workspace)


def destroy(run: Run, workspace: Workspace) -> None:
    """Destroy the originals that are due, until Ctrl+C; a run takes up the rest."""
    with Interruption() as stop, Bar(run.out, "Destroying originals", "call") as bar:
        gone = workspace.originals.destroy(progress=bar.tell, stop=stop)
    record = DestroyedRecord(calls=gone, due=workspace.originals.state().due)
    lines = [f"{counted(len(gone), 'original')} destroyed."]
    run.out.give(record, [*lines, *_waiting(record.due)])


def _lines(state: OriginalsState) -> Iterator[str]:
    yield _RULES[state.rule]
    yield f"{counted(state.destroyed, 'original')} {are(state.destroyed)} destroyed."
    yield from _waiting(state.due)
    if state.rule is OriginalsRule.DESTROY and state.earlier:
        yield (
            f"{counted(state.earlier, 'call')} from before the rule still"
            f" {'has its original' if state.earlier == 1 else 'have their originals'}:"
            " `originals earlier --reason TEXT` asks to destroy them, too."
        )


def _waiting(due: int) -> Iterator[str]:
    if due:
        yield (
            f"{counted(due, 'more', 'more')} will be: of calls that are on hold, held back, being"
            " analysed, or damaged."
        )
