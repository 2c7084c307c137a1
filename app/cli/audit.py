"""The commands for auditors: read and verify the audit log, and hand out what others verify."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import audit_records, records, text
from app.cli.progress import Bar
from app.cli.stretch import limit, stretch
from app.counts import are, counted
from app.errors import UsageError, VaultDamaged, VaultInDoubt

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.cli.run import Run
    from app.domain import AuditCheck
    from app.workspace import Workspace

_SHORT_FORM = "AIROOT2-"


def audit(run: Run) -> int:
    """Do what is asked with the audit log; return 3 if it is not as it was written."""
    acts = {
        "verify": _verify,
        "list": _list,
        "key": _key,
        "checkpoint": _checkpoint,
        "prove": _prove,
        "export": _export,
        "accept": _accept,
    }
    with run.workspace() as workspace:
        return acts[run.args.act](run, workspace)


_KEEP = (
    "Keep a copy of the vault's folder as it is, and compare with the checkpoints that the auditor",
    "keeps.",
)
_ACCEPT = (
    "Where a backup was restored here, the entry `vault.restore` says who did it, and",
    "`autoinsights audit accept --reason TEXT` ends this. Otherwise:",
)


def _verify(run: Run, workspace: Workspace) -> int:
    given = run.args.checkpoint
    kept = None if given is None else _read(given)
    with Bar(run.out, "Verifying", "entry") as bar:
        check = workspace.audit.verify(kept, bar.tell)
    lines = [check.sentence, *(_proven(check) if check.ok else _what_now(workspace))]
    run.out.give(records.of_audit_check(check), lines)
    return 0 if check.ok else VaultDamaged.status


def _what_now(workspace: Workspace) -> tuple[str, ...]:
    """Return what to do about a log that is not found good; accepting ends one doubt alone."""
    acceptable = isinstance(workspace.audit.doubt(), VaultInDoubt)
    return (*_ACCEPT, *_KEEP) if acceptable else _KEEP


_TO_VERIFY = (
    "Whoever verifies it needs from elsewhere that the checkpoint in it is genuine: hand this out",
    "another way, or the exported log (`audit export`):",
)


def _proven(check: AuditCheck) -> tuple[str, ...]:
    """Return what a log that is found good shows beside that, and what it does not."""
    if not check.covered:
        return (
            "Not proven: that the whole vault was not put back to an older state, with what this",
            "computer remembers of it. Only a checkpoint kept elsewhere shows that (--checkpoint).",
        )
    after = counted(check.entries - check.covered, "entry", "entries")
    return (
        f"It extends the checkpoint that was given, of {_entries(check.covered)}.",
        f"Not proven by that: that what came after it (now {after}) is all that there was.",
    )


def _list(run: Run, workspace: Workspace) -> int:
    def page(offset: int, size: int) -> Iterable[audit_records.AuditEntryRecord]:
        entries = workspace.audit.entries(offset=offset, limit=size)
        return [records.of_audit_entry(entry) for entry in entries]

    for entry in stretch(page, run.args.offset, limit(run)):
        act = f"{entry.number:>6}  {text.moment(entry.at)}  {entry.actor:<8}  {entry.act:<16}"
        rest = "  ".join(part for part in (entry.outcome, entry.subject, entry.reason) if part)
        run.out.give(entry, [f"{act}  {rest}"])
    return 0


def _key(run: Run, workspace: Workspace) -> int:
    key = workspace.audit.key()
    if run.args.page is not None:
        workspace.audit.write(run.args.page, workspace.audit.key_sheet(), force=run.args.force)
    lines = [key, "Keep it away from this computer; it opens nothing, and verifies the audit log."]
    code = workspace.audit.key_code() if run.out.stdout.isatty() else ()
    run.out.give(audit_records.AuditKeyRecord(vault=workspace.info.id, key=key), [*code, *lines])
    return 0


def _checkpoint(run: Run, workspace: Workspace) -> int:
    trail, args = workspace.audit, run.args
    made = trail.checkpoint()
    if args.out is not None:
        trail.write(args.out, trail.checkpoint_file(made), force=args.force)
    if args.page is not None:
        trail.write(args.page, trail.checkpoint_sheet(made), force=args.force)
    short = trail.checkpoint_text(made)
    lines = [f"{_entries(made.size)} at {text.moment(made.at)}:", short]
    lines.append("Keep it away from this computer: it shows later that nothing was removed.")
    run.out.give(records.of_checkpoint(made, short), lines)
    return 0


def _prove(run: Run, workspace: Workspace) -> int:
    trail, args = workspace.audit, run.args
    since = None if args.since is None else _read(args.since)
    if args.to is not None and (args.number is not None or since is None):
        raise UsageError("--to goes with --since and no number.")
    if args.number is not None:
        proof = trail.prove_entry(args.number, since)
        said = f"that entry {args.number} is in the log of {_entries(proof.checkpoint.size)}"
    elif since is not None:
        proof = trail.prove_since(since, None if args.to is None else _read(args.to))
        said = f"that the log of {_entries(proof.checkpoint.size)} begins with the first"
        said += f" {proof.since:,}, unchanged"
    else:
        hint = "Name one entry by its number, or --since a checkpoint."
        raise UsageError("What shall be proven?", hint=hint)
    trail.write(args.out, trail.proof_file(proof), force=args.force)
    lines = [f"{args.out} proves {said}.", *_TO_VERIFY, trail.checkpoint_text(proof.checkpoint)]
    run.out.give(records.of_proof(proof, args.out), lines)
    return 0


def _export(run: Run, workspace: Workspace) -> int:
    folder: Path = run.args.folder
    made = workspace.audit.export(folder, force=run.args.force)
    short = workspace.audit.checkpoint_text(made)
    record = audit_records.AuditExportRecord(
        folder=str(folder), entries=made.size, checkpoint=short
    )
    lines = [
        f"{_entries(made.size)} {are(made.size)} in {folder}, with a checkpoint and the verifier."
    ]
    lines.append("Verify: python verify_audit.py audit.jsonl --key AIKEY2-... (`audit key`)")
    run.out.give(record, lines)
    return 0


def _accept(run: Run, workspace: Workspace) -> int:
    entry = workspace.audit.accept(run.args.reason, confirmed=run.confirmed(workspace))
    lines = ["What this computer saw before counts no more; the audit log says who accepted that."]
    run.out.give(records.of_audit_entry(entry), lines)
    return 0


def _entries(number: int) -> str:
    return counted(number, "entry", "entries")


def _read(given: str) -> bytes:
    """Return a checkpoint that is named by its file, or its short form as it was typed."""
    if given.upper().startswith(_SHORT_FORM):
        return given.encode()
    try:
        return Path(given).read_bytes()
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise UsageError(
            f"{given} cannot be read ({reason}).", hint="Check its name and its rights."
        ) from error
