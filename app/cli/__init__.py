"""The command line: everything without the window, and the interface for other programs.

`main` is one of the four places that catch everything: an expected problem becomes its sentence,
its hint and its exit status; anything else is a fault of the program and is told without content.
"""

from __future__ import annotations

import logging
import sys
from typing import TYPE_CHECKING

from app import log
from app.cli.arguments import SETTING_OPTIONS, parse
from app.cli.output import Output
from app.domain import Failure
from app.errors import AppError, UsageError, WindowMissing

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from app.bootstrap import Program
    from app.cli.run import Run, Window

FAULT, INTERRUPTED, READER_GONE = 70, 130, 141
_log = log.logger(__name__)


def no_window(_program: Program, _vault: Path | None, _passphrase: str) -> int:
    """Say that this way of starting the program has no window."""
    raise WindowMissing("There is no window here.")


def main(
    arguments: Sequence[str] | None = None,
    *,
    window: Window = no_window,
    start_log: Callable[[bool], None] = lambda _verbose: None,
) -> int:
    """Do what the command line says and return the exit status.

    `window` shows the window for a vault, opened with a passphrase if there is one; `start_log` is
    told whether the log goes to the screen.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    out = Output.standard(json="--json" in given)
    try:
        return _guarded(given, out, window, start_log)
    except BrokenPipeError:
        out.abandon()
        return READER_GONE


def _guarded(
    given: Sequence[str], out: Output, window: Window, start_log: Callable[[bool], None]
) -> int:
    command: str | None = None
    try:
        args = parse(given)
        command = args.command
        start_log(args.verbose)
        out.json, out.quiet = args.json, args.quiet
        return _do(args, out, window)
    except SystemExit as end:  # argparse leaves this way after --help and --version
        return int(end.code or 0)
    except AppError as error:
        out.failed(error)
        return error.status
    except KeyboardInterrupt:
        return _stopped(command, out)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - the one place of the command line that catches all
        return _fault(error, out)


def _do(args: Namespace, out: Output, window: Window) -> int:
    from app import bootstrap
    from app.cli.run import Run

    if args.settings is not None and not args.settings.is_file():
        raise UsageError(f"There is no settings file {args.settings}.", hint="Check its name.")
    given = {setting: getattr(args, name, None) for name, setting in SETTING_OPTIONS.items()}
    overrides = {setting: value for setting, value in given.items() if value is not None}
    program = bootstrap.program(settings_file=args.settings, overrides=overrides)
    if args.command is None:
        return window(program, args.vault, "")
    return _commands()[args.command](Run(program, args, out, window))


def _commands() -> Mapping[str, Callable[[Run], int]]:
    """Return what each command does; what they need is loaded with them."""
    from app.cli import (
        analyse,
        audit,
        backups,
        calls,
        demo,
        governing,
        keys,
        people,
        redact,
        upkeep,
    )
    from app.cli.elusion import elusion
    from app.cli.originals import originals
    from app.cli.speakers import speakers
    from app.cli.vocabulary import vocabulary

    return {
        "init": calls.init,
        "import": calls.take_in,
        "process": calls.process,
        "analyse": lambda run: analyse.analyse(run, sys.stdin.buffer.read),
        "redact": lambda run: redact.redact(run, lambda: sys.stdin.buffer),
        "list": calls.list_calls,
        "show": calls.show,
        "speakers": speakers,
        "elusion": elusion,
        "search": calls.search,
        "models": upkeep.models,
        "doctor": upkeep.doctor,
        "people": people.people,
        "passphrase": people.passphrase,
        "code": people.code,
        "key": keys.key,
        "backup": backups.backup,
        "restore": backups.restore,
        "vault": backups.vault,
        "audit": audit.audit,
        "erase": governing.erase,
        "hold": governing.hold,
        "release": governing.release,
        "export-original": governing.export_original,
        "requests": governing.requests,
        "policy": governing.policy,
        "vocabulary": vocabulary,
        "teams": governing.teams,
        "retention": governing.retention,
        "originals": originals,
        "demo": demo.demo,
    }


def _stopped(command: str | None, out: Output) -> int:
    """Say what Ctrl+C left: a vault keeps what was done, the others keep nothing anyway."""
    hint = "What was done is kept; calls that were running wait in the queue."
    if command in {"analyse", "redact"}:
        hint = "What was printed is whole; calls that were running were given up."
    out.stopped(Failure(code="interrupted", sentence="Stopped.", hint=hint))
    return INTERRUPTED


def _fault(error: Exception, out: Output) -> int:
    """Tell of a bug by its kind and the places in the code, without what was being read."""
    log.event(_log, logging.ERROR, "a command met a fault in the program")
    kind, *places = log.describe(error)
    sentence = f"The program met a fault of its own ({kind})."
    hint = "Nothing that was kept is lost. Please report it with these lines; they hold no content."
    where = [f"  {place}" for place in places[-6:]]
    out.ended(Failure(code="fault", sentence=sentence, hint=hint), [sentence, *where, hint])
    return FAULT
