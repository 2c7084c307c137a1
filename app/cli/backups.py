"""`backup`, `restore`, `vault`: what keeps calls when a disk does not."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.bootstrap import Credentials
from app.cli import backup_records as records
from app.cli import passphrases, text
from app.cli.progress import Bar, Interruption
from app.counts import are, counted, were
from app.errors import BackupInvalid, CodeNeeded, VaultDamaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from app.cli.run import Run
    from app.domain import CallId

T = TypeVar("T")
_FEW = 20
_MEGABYTE = 1_000_000
_DAY_S = 86_400


def backup(run: Run) -> int:
    """Make, check or try a backup; return 5 where something is wrong with it."""
    acts = {"make": _make, "check": _check, "drill": _drill, "erased-list": _erased_list}
    return acts[run.args.act](run)


def restore(run: Run) -> int:
    """Put the vault of a backup into an empty folder; return 5 where damaged calls were left
    out."""
    args = run.args
    with Bar(run.out, "Restoring", "call") as bar:
        report = _by_whom(
            run,
            lambda who: run.program.restore(
                args.place,
                args.to,
                who,
                keys_from=args.keys_from,
                erased_list=args.erased_list,
                without_damaged=args.without_damaged,
                progress=bar.tell,
            ),
        )
    lines = [
        f"{_calls(report.calls)} {are(report.calls)} back as of {text.moment(report.made_at)},"
        f" in {report.folder}."
    ]
    lines += _named("was erased and does not come back", report.erased)
    lines += _named("has no key any more and does not come back", report.without_key)
    lines += _named("is damaged in the backup and was left out", report.damaged)
    lines.append(f"Open it with `--vault {report.folder}`. The audit log tells of the restore.")
    run.out.give(msgspec.convert(_plain(report), records.RestoreRecord), lines)
    return BackupInvalid.status if report.damaged else 0


def vault(run: Run) -> int:
    """Check the vault, or rescue a damaged one; return 3 where something is damaged."""
    return _rescue(run) if run.args.act == "rescue" else _check_vault(run)


def _make(run: Run) -> int:
    with run.workspace() as workspace, Interruption() as stop:
        with Bar(run.out, "Backing up", "call") as bar:
            report = workspace.backups.make(
                run.args.place, keys_to=run.args.keys_to, progress=bar.tell, stop=stop
            )
        if report is None:
            return 0  # leaving says that it was stopped
    size = f"{report.written_bytes / _MEGABYTE:.1f} MB"
    written = counted(report.written_files, "file")
    lines = [
        f"{_calls(report.calls)} {are(report.calls)} in the backup ({report.place}),"
        " which was read back.",
        f"{written} {were(report.written_files)} written ({size}),"
        f" {report.removed_files:,} removed.",
        *_named("is damaged in the vault; what an earlier backup had was kept", report.damaged),
    ]
    run.out.give(msgspec.convert(_plain(report), records.BackupRecord), lines)
    return VaultDamaged.status if report.damaged else 0


def _check(run: Run) -> int:
    with run.workspace() as workspace, Bar(run.out, "Reading", "call") as bar:
        check = workspace.backups.check(
            run.args.place, keys_from=run.args.keys_from, progress=bar.tell
        )
    whole = f"The backup of {text.moment(check.made_at)} is whole: {_calls(check.calls)}."
    lines = _problems(check.problems) or [whole]
    run.out.give(msgspec.convert(check, records.BackupCheckRecord, from_attributes=True), lines)
    return BackupInvalid.status if check.problems else 0


def _drill(run: Run) -> int:
    args = run.args
    with Bar(run.out, "Restoring for trial", "call") as bar:
        report = _by_whom(
            run,
            lambda who: run.program.drill(
                args.place, who, keys_from=args.keys_from, progress=bar.tell
            ),
        )
    days, rest = divmod(report.age_seconds, _DAY_S)
    lines = _problems(report.problems) or [
        f"The backup restores: {_calls(report.calls)}, {counted(report.turns, 'turn')},"
        f" {counted(report.audit_entries, 'audit entry', 'audit entries')}, all compared.",
    ]
    lines.append(
        f"It took {report.seconds:.0f} s. The backup is {counted(days, 'day')}"
        f" {counted(rest // 3600, 'hour')} old."
    )
    run.out.give(msgspec.convert(report, records.DrillRecord, from_attributes=True), lines)
    return BackupInvalid.status if report.problems else 0


def _erased_list(run: Run) -> int:
    file: Path = run.args.file
    with run.workspace() as workspace:
        calls = workspace.backups.write_erased_list(file)
    lines = [
        f"{counted(calls, 'erased call')} {are(calls)} listed in {file}:"
        " give it to `restore --erased-list`."
    ]
    run.out.give(records.ErasedListRecord(file=str(file), calls=calls), lines)
    return 0


def _check_vault(run: Run) -> int:
    with run.workspace() as workspace, Bar(run.out, "Checking", "call") as bar:
        problems = workspace.check(bar.tell)
        vault_id = workspace.info.id
    lines = _problems(problems) or ["All that is kept is whole."]
    run.out.give(records.VaultCheckRecord(id=vault_id, problems=problems), lines)
    return VaultDamaged.status if problems else 0


def _rescue(run: Run) -> int:
    args = run.args
    with Bar(run.out, "Saving", "call") as bar:
        report = _by_whom(
            run, lambda who: run.program.rescue(args.damaged, args.to, who, progress=bar.tell)
        )
    lines = [
        f"{_calls(len(report.saved))} {are(len(report.saved))} saved, in {report.folder}.",
        *_named("is lost", report.lost),
        *_named("lost its analysis and waits for another one", report.incomplete),
        *_named("has a recording that is missing or damaged", report.without_recording),
        *report.remarks,
    ]
    run.out.give(msgspec.convert(_plain(report), records.RescueRecord), lines)
    return VaultDamaged.status if report.lost or report.remarks else 0


def _by_whom(run: Run, act: Callable[[Credentials], T]) -> T:
    """Do what needs a vault's key without an open vault, once it is known who wants it."""
    args = run.args
    if args.sheet_file is not None:
        return act(Credentials(sheet=passphrases.from_file(Path(args.sheet_file))))
    named, name = args.passphrase_file, args.person or ""
    who = Credentials(passphrase=passphrases.read(named), name=name)
    try:
        return act(who)
    except CodeNeeded:
        code = passphrases.read_code(named)
        return act(Credentials(passphrase=who.passphrase, name=name, code=code))


def _named(what: str, calls: Iterable[CallId]) -> list[str]:
    return _shortened([f"Call {call} {what}." for call in calls])


def _calls(number: int) -> str:
    return counted(number, "call")


def _problems(problems: Iterable[str]) -> list[str]:
    return _shortened([f"{problem[:1].upper()}{problem[1:].rstrip('.')}." for problem in problems])


def _shortened(lines: list[str]) -> list[str]:
    """Return the first lines and how many more there are; with `--json` all of them are told."""
    more = len(lines) - _FEW
    return [*lines[:_FEW], f"... and {more} more (all with --json)."] if more > 0 else lines


def _plain(report: object) -> object:
    """Return a report with its paths as text."""
    return msgspec.to_builtins(report, enc_hook=str)
