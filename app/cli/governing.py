"""The commands of who is responsible: erasing, holds, exports, requests, policy, teams."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.access import SETTINGS, setting_text
from app.cli import records, text
from app.cli.calls import resolved
from app.cli.governing_records import ExportRecord, HoldRecord, ReleaseRecord
from app.cli.originals import destroy_approved
from app.counts import counted
from app.domain import GuardedAct, RequestState
from app.errors import StorageError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import BinaryIO

    from app.cli.run import Run
    from app.domain import ApprovalRequest
    from app.workspace import Workspace


def erase(run: Run) -> int:
    """Erase a call, or ask for it."""
    with run.workspace() as workspace:
        call = resolved(workspace, run.args.call)
        request = workspace.requests.ask(GuardedAct.ERASE_CALL, call, reason=run.args.reason)
        _tell(run, request, "The call is erased.")
    return 0


def hold(run: Run) -> int:
    """Place a legal hold, or ask for its end."""
    with run.workspace() as workspace:
        call = resolved(workspace, run.args.call)
        if run.args.end:
            request = workspace.requests.ask(GuardedAct.END_HOLD, call, reason=run.args.reason)
            _tell(run, request, "The hold is ended.")
            return 0
        placed = workspace.calls.hold(call, run.args.reason)
        lines = ["The call is under legal hold now." if placed else "It was under hold already."]
        run.out.give(HoldRecord(call=call, on_hold=True, changed=bool(placed)), lines)
    return 0


def release(run: Run) -> int:
    """Let a call go that was held back."""
    silence: bool = run.args.silence
    with run.workspace() as workspace:
        call = resolved(workspace, run.args.call)
        workspace.calls.release(call, run.args.reason, silence=silence)
        without = ", and nothing of it can be heard any more" if silence else ""
        record = ReleaseRecord(call=call, silenced=silence)
        run.out.give(record, [f"The call is no longer held back{without}."])
    return 0


def export_original(run: Run) -> int:
    """Write an approved export to a file, or ask for one."""
    target: Path = run.args.out
    if target.exists():
        raise UsageError(f"{target} is already there.", hint="Name a new file.")
    with run.workspace() as workspace:
        call = resolved(workspace, run.args.call)
        if not workspace.calls.may_export(call):
            request = _asked_for_export(run, workspace, call)
            if request.state is not RequestState.APPROVED:
                _tell(run, request, "")
                return 0
        # the place is made first: an approval is good once
        with _private(target) as file:
            recording = workspace.calls.export_original(call)
            file.write(recording)
        record = ExportRecord(call=call, file=str(target), size_bytes=len(recording))
        run.out.give(record, [f"The recording is written to {target}. The approval is used up."])
    return 0


def requests(run: Run) -> int:
    """List requests, or decide on one."""
    args = run.args
    with run.workspace() as workspace:
        part = workspace.requests
        if args.act == "approve":
            approved = part.approve(args.number, confirmed=run.confirmed(workspace))
            _give(run, approved)
            destroy_approved(run, workspace, approved)
        elif args.act == "refuse":
            _give(run, part.refuse(args.number, args.reason))
        elif args.act == "withdraw":
            _give(run, part.withdraw(args.number))
        else:
            found = part.list(open_only=not getattr(args, "all", False))
            for request in found:
                _give(run, request)
            if not found:
                run.out.say(["No request waits."])
    return 0


def policy(run: Run) -> int:
    """Show the policy, or change a setting of it."""
    args = run.args
    with run.workspace() as workspace:
        if args.act == "set":
            request = workspace.policy.change(
                args.name, args.value, reason=args.reason, confirmed=run.confirmed(workspace)
            )
            if request is not None:
                _tell(run, request, f"`{args.name}` is changed.")
                return 0
        rules = workspace.policy.get()
        lines = [f"{name:<20}{setting_text(rules, name)}" for name in SETTINGS]
        run.out.give(records.of_policy(rules), lines)
    return 0


def teams(run: Run) -> int:
    """List the teams, or change one."""
    args = run.args
    with run.workspace() as workspace:
        if args.act in {"set", "remove"}:
            agents = args.agents if args.act == "set" else ()
            workspace.teams.keep(args.name, agents, confirmed=run.confirmed(workspace))
        found = workspace.teams.list()
        for team in found:
            run.out.give(records.of_team(team), [f"{team.name}: {', '.join(team.agents)}"])
        if not found:
            run.out.say(["There is no team."])
    return 0


def retention(run: Run) -> int:
    """Show which calls are due to be erased, or erase them."""
    with run.workspace() as workspace:
        days = workspace.policy.get().retention_days
        kept = (
            f"Calls are kept for {counted(days, 'day')}."
            if days
            else "Calls are kept until erased."
        )
        if run.args.act == "apply":
            if run.args.reason:
                _tell(run, workspace.retention.ask(run.args.reason), "The calls are erased.")
                return 0
            erased = workspace.retention.apply()
            record = records.RetentionRecord(days=days, due=(), erased=erased)
            run.out.give(record, [f"{kept} Erased: {len(erased)}."])
            return 0
        due = workspace.retention.due()
        record = records.RetentionRecord(days=days, due=due, erased=())
        lines = [f"{kept} Due to be erased: {len(due)}.", *(f"  {call}" for call in due)]
        run.out.give(record, lines)
    return 0


def _asked_for_export(run: Run, workspace: Workspace, call: str) -> ApprovalRequest:
    if not run.args.reason:
        raise UsageError(
            "This export has to be asked for first, with a reason.",
            hint="Add `--reason`; once it is approved, run the command again without it.",
        )
    return workspace.requests.ask(GuardedAct.EXPORT_ORIGINAL, call, reason=run.args.reason)


@contextmanager
def _private(target: Path) -> Iterator[BinaryIO]:
    """Give a new file that only its owner can read, whole or not at all."""
    unfinished = target.with_name(f".{target.name}.part")
    try:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "wb") as file:
                yield file
            unfinished.replace(target)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError(
            f"{target} cannot be written ({os.strerror(error.errno or 0)}).",
            hint="Check that the folder is there, that you may write to it, and its room.",
        ) from error


def _tell(run: Run, request: ApprovalRequest, done: str) -> None:
    """Say whether what was asked for is done or waits for somebody."""
    waits = request.state is RequestState.OPEN
    line = f"Request {request.number} waits for a second person: `autoinsights requests`."
    run.out.give(records.of_request(request), [line if waits else done])


def _give(run: Run, request: ApprovalRequest) -> None:
    on = request.subject if not request.value else f"{request.subject} = {request.value}"
    if not request.value:
        on = request.subject[: text.ID_DIGITS]
    line = f"{request.number:>5}  {request.state.value:<9}  {request.act.value:<16}  {on}"
    decided = ""
    if request.decided_by and request.decided_at:
        decided = f", decided by {request.decided_by} at {text.moment(request.decided_at)}"
    asked = f"asked by {request.asked_by} at {text.moment(request.asked_at)}"
    who = f"       {asked}{decided}: {request.reason}"
    run.out.give(records.of_request(request), [line, who])
