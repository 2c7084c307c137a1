"""`demo`: the sample calls that ship, in a vault of their own that is marked as a demonstration.

Made once and used again: the second run finds nothing to do. The passphrase is generated, shown,
and kept in a file beside the vault, because samples hold nobody's data.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from app.cli import passphrases
from app.cli.calls import show_call, tell_import, work_through
from app.cli.progress import Bar
from app.cli.run import passphrase_file
from app.domain import CallOrder, CallQuery, JobState
from app.errors import FolderReadOnly, UsageError, VaultExists, WrongPassphrase

if TYPE_CHECKING:
    from pathlib import Path

    from app.cli.run import Run
    from app.workspace import Workspace

_MARK = "DEMO"
_MOST_SAMPLES = 100


def demo(run: Run) -> int:
    """Analyse the samples, print what was found, and open the window where there is a display."""
    run.program.check_settings()
    started = time.monotonic()
    folder = run.args.vault or run.program.folders.demo_vault
    passphrase = _passphrase(run, folder)
    with _opened(run, folder, passphrase) as workspace:
        samples = run.program.folders.resources / "samples"
        with Bar(run.out, "Importing", "file") as bar:
            report = workspace.intake.import_paths([samples], progress=bar.tell)
        if report.imported or run.out.json:
            tell_import(run, workspace, report)
        workspace.processing.retry_failed()
        status = work_through(run, workspace)
        _show_all(run, workspace)
    _farewell(run, folder, passphrase, time.monotonic() - started)
    if run.args.no_window or not has_display():
        return status
    run.out.note("Opening the window; --no-window leaves it out.")
    return run.window(run.program, folder, passphrase) or status


def has_display() -> bool:
    """Return whether a window could be seen here."""
    if os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0] in ("offscreen", "minimal"):
        return False
    if sys.platform in ("win32", "darwin"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _opened(run: Run, folder: Path, passphrase: str) -> Workspace:
    if not run.program.vault_state(folder).exists:
        return run.program.create(folder, passphrase, demo=True)
    try:
        return run.program.open(folder, passphrase)
    except WrongPassphrase as error:
        raise WrongPassphrase(error.sentence, hint=_start_again(folder)) from error


def _passphrase(run: Run, folder: Path) -> str:
    """Return the kept passphrase, or make and keep one; raises `UsageError`."""
    state, kept = run.program.vault_state(folder), passphrase_file(folder)
    if state.exists and not state.demo:
        hint = "Leave out --vault, or name a folder that does not exist yet."
        raise VaultExists(f"The vault in {folder} is not a demonstration vault.", hint=hint)
    if kept.exists():
        return passphrases.from_file(kept)
    if state.exists:
        raise UsageError(f"The passphrase file {kept} is gone.", hint=_start_again(folder))
    passphrase = run.program.suggested_passphrase()
    try:
        kept.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(f"{passphrase}\n")
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise FolderReadOnly(f"{kept} cannot be written ({reason}).") from error
    return passphrase


def _start_again(folder: Path) -> str:
    kept = passphrase_file(folder)
    return f"Delete {folder} and {kept}, then run `autoinsights demo` again."


def _show_all(run: Run, workspace: Workspace) -> None:
    query = CallQuery(states=frozenset({JobState.DONE}), order=CallOrder.NAME, descending=False)
    for row in workspace.calls.page(query, offset=0, limit=_MOST_SAMPLES):
        run.out.say(["", f"--- {_MARK} ".ljust(run.out.width, "-")])
        show_call(run, workspace, row.id, said=False)


def _farewell(run: Run, folder: Path, passphrase: str, seconds: float) -> None:
    run.out.say(
        [
            "",
            f"--- {_MARK} ".ljust(run.out.width, "-"),
            f"All this took {seconds:.0f} s. These are made-up calls, spoken by synthetic voices.",
            f"Demonstration vault:  {folder}",
            f"Its passphrase:       {passphrase}",
            f"                      (kept in {passphrase_file(folder)})",
            "Your own calls:       autoinsights import FOLDER",
        ]
    )
