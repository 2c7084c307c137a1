"""What every command line of the program is made of: a parser that raises, and common options."""

from __future__ import annotations

import argparse
from typing import NoReturn

from app.errors import UsageError

WHY = "why; the audit log keeps it for good, so name no customer"
"""What `--reason` is for."""


class Parser(argparse.ArgumentParser):
    """A parser that raises `UsageError` where argparse would print and leave."""

    def error(self, message: str) -> NoReturn:
        """Raise what argparse found wrong."""
        raise UsageError(
            f"The command line is not understood: {message}.",
            hint=f"`{self.prog} --help` shows what can be asked.",
        )


def new_parser(shared: Parser, **options: str) -> Parser:
    """Return the parser of the whole program."""
    return Parser(
        parents=[shared],
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        **options,  # type: ignore[arg-type]
    )


def add_command(
    commands: argparse._SubParsersAction[Parser], shared: Parser, name: str, help_text: str
) -> Parser:
    """Add a command, or an act of one, that takes the shared options too."""
    return commands.add_parser(
        name, parents=[shared], allow_abbrev=False, help=help_text, description=help_text
    )


def stretch_options(command: Parser, of: str) -> None:
    """Add which stretch of a long list is shown; `of` says what is listed."""
    command.add_argument(
        "--limit", type=whole_number, metavar="N", help=f"show N {of} at most (50; all with --json)"
    )
    command.add_argument(
        "--offset", type=whole_number, default=0, metavar="N", help=f"leave out the first N {of}"
    )


def whole_number(text: str) -> int:
    """Return a whole number as it was typed, 0 or more."""
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError("it must be a whole number, 0 or more")
    return int(text)


def positive(text: str) -> int:
    """Return a whole number as it was typed, 1 or more."""
    number = whole_number(text)
    if not number:
        raise argparse.ArgumentTypeError("it must be 1 or more")
    return number
