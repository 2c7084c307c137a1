"""Where output goes: results to standard output, remarks to standard error.

Promises that with `--json` standard output holds nothing but one object per line in UTF-8, that
text that came from a recording or a file name cannot steer the terminal, and that a full disk
behind standard output is said as such. Hides encodings and the width of the screen.
"""

from __future__ import annotations

import errno
import os
import sys
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

import msgspec

from app.cli.records import ErrorRecord
from app.domain import Failure
from app.errors import DiskFull, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.cli.record import Record
    from app.errors import AppError

_NARROWEST, _WIDEST, _USUAL = 60, 120, 100
_STEERING = frozenset({"Cc", "Cs", "Zl", "Zp"})
# marks that turn the direction of what follows (Unicode TR 36, bidirectional spoofing)
_TURNING = frozenset(
    map(chr, (0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)))
)


@dataclass(slots=True)
class Output:
    """The two streams of one run; `json` chooses objects instead of text."""

    stdout: TextIO
    stderr: TextIO
    json: bool = False
    quiet: bool = False

    @classmethod
    def standard(cls, *, json: bool) -> Output:
        """Return the streams of this process."""
        for stream in (sys.stdout, sys.stderr):
            if hasattr(stream, "reconfigure"):
                stream.reconfigure(errors="replace")
        return cls(sys.stdout, sys.stderr, json=json)

    @property
    def width(self) -> int:
        """How many characters fit into a line of text."""
        try:
            columns = os.get_terminal_size(self.stdout.fileno()).columns
        except (OSError, ValueError):
            return _USUAL
        return min(max(columns, _NARROWEST), _WIDEST) if columns else _USUAL

    @property
    def shows_progress(self) -> bool:
        """Whether a person watches standard error."""
        return not self.quiet and self.stderr.isatty()

    def give(self, record: Record, lines: Iterable[str]) -> None:
        """Write a result: the object with `--json`, else its lines for people."""
        if self.json:
            self._write(msgspec.json.encode(record))
        else:
            self.say(lines)

    def say(self, lines: Iterable[str]) -> None:
        """Write lines for people; nothing with `--json`."""
        if not self.json:
            encoding = getattr(self.stdout, "encoding", None) or "utf-8"
            for line in lines:
                self._write(printable(line).encode(encoding, "replace"))

    def note(self, text: str) -> None:
        """Write a remark for people to standard error, unless they want quiet."""
        if not self.quiet:
            self.warn(text)

    def warn(self, text: str) -> None:
        """Write what may not be missed to standard error, quiet or not."""
        print(printable(text), file=self.stderr, flush=True)

    def failed(self, error: AppError) -> None:
        """Say why the command ends here."""
        reason = Failure(code=error.code, sentence=error.sentence, hint=error.advice)
        self.ended(reason, [error.sentence, error.advice])

    def ended(self, reason: Failure, lines: Iterable[str]) -> None:
        """Say why the command ends here: `lines` to people, `reason` as an object."""
        for line in lines:
            if line:
                self.warn(line)
        if self.json:
            self.give(ErrorRecord(source=None, line=None, id=None, error=reason), ())

    def stopped(self, reason: Failure) -> None:
        """Say that a person ended the command: a remark to people, an object with `--json`."""
        self.note(f"{reason.sentence} {reason.hint}")
        if self.json:
            self.give(ErrorRecord(source=None, line=None, id=None, error=reason), ())

    def abandon(self) -> None:
        """Forget standard output, whose reader has gone, so that Python's own farewell is quiet."""
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self.stdout.fileno())
            os.close(nowhere)
        except (OSError, ValueError):
            return

    def _write(self, line: bytes) -> None:
        try:
            self.stdout.flush()
            self.stdout.buffer.write(line + b"\n")
            self.stdout.buffer.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise DiskFull("The disk that takes the output is full.") from error
            raise StorageError(
                f"The output cannot be written ({os.strerror(error.errno or 0)}).",
                hint="Check where standard output goes.",
            ) from error


def printable(text: str) -> str:
    """Return the text with every character that could steer a terminal shown as U+FFFD."""
    return "".join("\N{REPLACEMENT CHARACTER}" if _steers(one) else one for one in text)


def _steers(character: str) -> bool:
    return unicodedata.category(character) in _STEERING or character in _TURNING
