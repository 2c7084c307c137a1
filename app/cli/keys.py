"""`key`: what opens the vault beside a passphrase."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.cli import passphrases, records
from app.errors import RecoveryWrong, UsageError
from app.reports import qr

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.cli.run import Run
    from app.workspace import Workspace


_TRIES = 3
_CHANGE_WAITS = (
    "A change of keys waits to be finished: opening the vault does it, such as `autoinsights list`,"
    " and can take a while. Until then the old keys count."
)


def key(run: Run) -> int:
    """Show or change what opens the vault."""
    if run.args.act == "recover":
        return _recover(run)
    acts: dict[str, Callable[[Run, Workspace], None]] = {
        "show": lambda *_: None,
        "remember": _remember,
        "forget": _forget,
        "computer": _computer,
        "recovery-sheet": recovery_sheet,
        "rotate": _rotate,
    }
    with run.workspace() as workspace:
        acts[run.args.act](run, workspace)
        state = workspace.keys.state()
        lines = [
            f"This computer's key is {'' if state.asks_for_computer else 'not '}needed.",
            f"There is {'a' if state.has_recovery_sheet else 'no'} recovery sheet.",
        ]
        if state.change_waits:
            lines.append(state.hindrance or _CHANGE_WAITS)
        run.out.give(records.of_keys(state), lines)
    return 0


def recovery_sheet(run: Run, workspace: Workspace) -> None:
    """Show a new recovery sheet once, and let it count when it was typed as it is shown."""
    if not passphrases.can_ask():
        raise UsageError(
            "A recovery sheet has to be typed once, and nobody can be asked for it here.",
            hint="Run this on a terminal, with paper and a pen at hand.",
        )
    confirmed = run.confirmed(workspace)
    sheet = workspace.keys.new_sheet()
    run.out.note("The recovery sheet of this vault. Whoever holds it can open the vault:")
    for line in ("", f"    {sheet}", "", *qr.terminal(sheet)):
        run.out.warn(line)
    run.out.note("Write it on paper, and keep it where the vault is not. It is shown only now.")
    for left in range(_TRIES - 1, -1, -1):
        typed = passphrases.ask_sheet("Type it from the paper (it is not shown): ")
        try:
            workspace.keys.keep_sheet(sheet, typed, confirmed=confirmed)
            break
        except RecoveryWrong as error:
            if not left:
                run.out.warn("This sheet does not count: destroy it. An older one still does.")
                raise
            run.out.warn(f"{error.sentence} Try again.")
    run.out.note("Make a backup now: one that is older opens with the older sheet only.")
    run.out.note("The sheet is right and counts from now on; an older one opens nothing any more.")


def _remember(run: Run, workspace: Workspace) -> None:
    workspace.keys.remember(confirmed=run.confirmed(workspace))
    run.out.note("This computer's keyring signs you in from now on.")


def _forget(run: Run, workspace: Workspace) -> None:
    workspace.keys.forget()
    run.out.note("Your passphrase alone signs you in.")


def _computer(run: Run, workspace: Workspace) -> None:
    wanted = run.args.wanted == "on"
    workspace.keys.ask_for_computer(wanted=wanted, confirmed=run.confirmed(workspace))


def _rotate(run: Run, workspace: Workspace) -> None:
    workspace.keys.rotate(confirmed=run.confirmed(workspace))
    run.out.note("Nobody needs a new passphrase for it.")


def _recover(run: Run) -> int:
    if run.args.sheet_file is not None:
        sheet = passphrases.from_file(Path(run.args.sheet_file))
    else:
        sheet = passphrases.ask_sheet("Recovery sheet: ")
    new = run.new_passphrase(run.args.name, run.args.new_passphrase_file)
    name = run.args.name
    with run.program.open_with_sheet(run.folder, sheet, name=name, passphrase=new) as workspace:
        run.out.note(f"{name} signs in with the new passphrase, and without a code.")
        run.out.give(records.of_keys(workspace.keys.state()), ())
    return 0
