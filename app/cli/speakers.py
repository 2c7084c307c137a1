"""`speakers`: who speaks in a call, shown turn by turn, corrected, and the correction undone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli import text
from app.cli.calls import resolved, shown_words
from app.cli.speakers_record import SpeakersRecord
from app.domain import Role
from app.errors import UsageError

if TYPE_CHECKING:
    from app.cli.run import Run
    from app.domain import CallId, Changes
    from app.workspace import Workspace


def speakers(run: Run) -> int:
    """Show who speaks in a call, or correct it."""
    args = run.args
    if args.are and not args.turns:
        raise UsageError("`--are` goes with `--turns`.", hint="Name the turns: `--turns N N`.")
    with run.workspace() as workspace:
        call = resolved(workspace, args.call)
        changes = _done(run, workspace, call)
        detail = workspace.calls.detail(call)
        found = detail.analysis
        if found is None:
            raise UsageError("This call was not analysed yet.", hint="`autoinsights process` does.")
        said = found.transcript
        record = SpeakersRecord(
            call=call,
            changed=bool(changes),
            role_basis=said.role_basis,
            role_confidence=said.role_confidence,
            speakers=detail.speakers,
        )
        lines = [f"{detail.call.source_name}: {text.roles(found, detail.speakers)}"]
        if changes is None:
            lines += ["", *shown_words(said.turns, run.out.width, numbered=True)]
        else:
            corrected = _CHANGED if detail.speakers else _UNDONE
            lines.append(corrected if changes else "Nothing is changed.")
        run.out.give(record, lines)
    return 0


def _done(run: Run, workspace: Workspace, call: CallId) -> Changes | None:
    """Do what the options ask for and return what it changed, or nothing where they ask nothing."""
    args, part = run.args, workspace.speakers
    if args.swap:
        return part.swap(call)
    if args.agent_is is not None:
        return part.set_agent(call, args.agent_is - 1)
    if args.turns:
        return part.set_turns(call, args.turns, Role(args.are) if args.are else None)
    return part.undo(call) if args.undo else None


_CHANGED = "Findings, flags, score, sentiment and measures were found out again."
_UNDONE = "The call is shown as the program had it."
