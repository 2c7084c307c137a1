"""Where a passphrase comes from: a prompt on a terminal, a file, or standard input.

Never an argument and never an environment variable: other programs can read both.
"""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import NameNeeded, UsageError

if TYPE_CHECKING:
    from typing import BinaryIO

_LONGEST_BYTES = 4096
_HOW = "Use `--passphrase-file FILE`, or `--passphrase-file -` for standard input."


def read(named: str | None, *, prompt: str = "Passphrase: ") -> str:
    """Return the passphrase of a person; `named` is what `--passphrase-file` says."""
    return _given(named) if named is not None else _asked(prompt)


def read_code(named: str | None) -> str:
    """Return the code of the second factor: the line after the passphrase; empty if there is
    none."""
    if named == "-":
        return _second_line(sys.stdin.buffer)
    if named is not None:
        with Path(named).open("rb") as file:
            file.readline(_LONGEST_BYTES + 1)
            return _second_line(file)
    return _line("Code: ") if can_ask() else ""


def read_new(named: str | None, whose: str) -> str:
    """Return a new passphrase, asked for twice; empty if a made one is wanted."""
    if named is not None:
        return _given(named)
    if not can_ask():
        raise UsageError(
            f"A passphrase for {whose} is needed, and nobody can be asked for it here.",
            hint="Use `--new-passphrase-file FILE`; for a new vault `--passphrase-file FILE`.",
        )
    first = _asked(f"Passphrase for {whose} (Enter: make one for me): ", may_be_empty=True)
    if first and _asked("The same again: ") != first:
        raise UsageError("The two passphrases are not the same.", hint="Try again.")
    return first


def ask_name() -> str:
    """Return the name under which a person signs in; raises `NameNeeded` where nobody is there."""
    if not can_ask():
        raise NameNeeded("Several people use this vault: a name is needed.")
    return _line("Name: ")


def agreed(question: str) -> bool:
    """Return whether a person at the terminal says yes to a question; Enter is yes."""
    return _line(f"{question} [Y/n] ").lower() in ("", "y", "yes")


def ask_sheet(prompt: str) -> str:
    """Return a recovery sheet as it was typed."""
    return _asked(prompt)


def can_ask() -> bool:
    """Return whether a person sits at a terminal and can be asked."""
    return sys.stdin is not None and sys.stdin.isatty()


def from_file(path: Path) -> str:
    """Return the first line of a file; raises `UsageError` where there is none."""
    try:
        with path.open("rb") as file:
            return _first_line(file)
    except OSError as error:
        reason = os.strerror(error.errno or 0)
        raise UsageError(f"The passphrase file cannot be read ({reason}).", hint=_HOW) from error


def _given(named: str) -> str:
    return _first_line(sys.stdin.buffer) if named == "-" else from_file(Path(named))


def _line(prompt: str) -> str:
    print(prompt, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _asked(prompt: str, *, may_be_empty: bool = False) -> str:
    if not can_ask():
        raise UsageError("A passphrase is needed, and nobody can be asked for it here.", hint=_HOW)
    try:
        typed = getpass.getpass(prompt)
    except EOFError as error:
        raise UsageError("No passphrase was typed.", hint=_HOW) from error
    if not typed and not may_be_empty:
        raise UsageError("No passphrase was typed.", hint=_HOW)
    return typed


def _first_line(file: BinaryIO) -> str:
    """Return the first line without its end; a mark of the encoding is no part of it."""
    line = file.readline(_LONGEST_BYTES + 1)
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise UsageError("The passphrase is not text in UTF-8.", hint=_HOW) from None
    if not text or len(line) > _LONGEST_BYTES:
        wrong = "is too long" if text else "is empty"
        raise UsageError(f"The first line, where the passphrase stands, {wrong}.", hint=_HOW)
    return text


def _second_line(file: BinaryIO) -> str:
    return file.readline(_LONGEST_BYTES).decode("utf-8", "replace").strip()
