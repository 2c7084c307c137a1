"""`redact`: transcripts to safe text and to where something was redacted, without keeping anything.

Each line is answered before the next one is read, so that another program can ask line by line. A
line that cannot be used is told in its place, and the others go on.
"""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from app.cli import records, text
from app.cli.analyse import BYTE_ORDER_MARK, id_of
from app.cli.output import printable
from app.cli.redaction_record import RedactionRecord
from app.domain import CallMetadata, Failure
from app.errors import CallFailed, TranscriptInvalid, UsageError
from app.workspace.intake import parse_channels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.cli.record import Record
    from app.cli.run import Run
    from app.domain import RedactedCall

_LONGEST_LINE = 32_000_000  # bytes; ten hours of talk with all word times are a third of that


@dataclass(frozen=True, slots=True)
class Line:
    """A line that was read: one transcript, or why there is none."""

    source: str
    number: int  # 0: the source as a whole
    content: bytes = field(default=b"", repr=False)
    wrong: Failure | None = None


def redact(run: Run, stdin: Callable[[], BinaryIO]) -> int:
    """Redact what is named; return 7 if a transcript failed."""
    metadata = CallMetadata(channel_roles=parse_channels(run.args.channels or ""))
    failed = False
    with run.program.redaction(metadata) as redacted:
        for line in _lines(run.args.files, stdin):
            outcome = line.wrong or redacted(line.content)
            failed = failed or isinstance(outcome, Failure)
            run.out.give(*_result(line, outcome, run.out.width))
    return CallFailed.status if failed else 0


def _lines(files: list[str], stdin: Callable[[], BinaryIO]) -> Iterator[Line]:
    for name in files:
        shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if name != "-" and Path(name).is_dir():
            raise UsageError(f"{printable(shown)} is a folder.", hint="Name the files in it.")
        try:
            with nullcontext(stdin()) if name == "-" else Path(name).open("rb") as stream:
                read = whole_of if name.lower().endswith(".json") and _spread(stream) else lines_of
                yield from read(shown, stream)
        except OSError:
            hint = "Check that it is there and that you may read it."
            yield _wrong(shown, 0, "The file cannot be read.", hint)


def lines_of(source: str, stream: BinaryIO, longest: int = _LONGEST_LINE) -> Iterator[Line]:
    """Give the lines of a stream that hold something, each as soon as it is there."""
    number, found = 0, False
    while content := stream.readline(longest + 1):
        number += 1
        if line := _line(source, number, content, longest):
            found = True
            yield line
        while len(content) > longest and not content.endswith(b"\n"):  # read on to its end
            content = stream.readline(longest + 1)
    if not found:
        yield _wrong(source, 0, "There is no transcript in it.")


def whole_of(source: str, stream: BinaryIO, longest: int = _LONGEST_LINE) -> Iterator[Line]:
    """Give a whole file as one transcript."""
    line = _line(source, 1, stream.read(longest + 1), longest)
    yield line or _wrong(source, 0, "There is no transcript in it.")


def _spread(stream: BinaryIO) -> bool:
    """Tell whether a file holds one object on several lines."""
    first = stream.readline(_LONGEST_LINE)
    stream.seek(0)
    return not first.strip().endswith(b"}")


def _line(source: str, number: int, content: bytes, longest: int) -> Line | None:
    """Return what stands on a line, if anything does."""
    if len(content.removesuffix(b"\n")) > longest:
        return _wrong(source, number, f"It is longer than {longest} bytes.")
    content = content.removeprefix(BYTE_ORDER_MARK) if number == 1 else content
    return Line(source, number, content) if content.strip() else None


def _wrong(source: str, number: int, sentence: str, hint: str | None = None) -> Line:
    error = TranscriptInvalid(sentence, hint=hint)
    reason = Failure(code=error.code, sentence=error.sentence, hint=error.advice)
    return Line(source, number, wrong=reason)


def _result(
    line: Line, outcome: RedactedCall | Failure, width: int
) -> tuple[Record, Iterator[str]]:
    call = id_of(line.content)
    at = f", line {line.number}" if line.number else ""
    label = line.source + at + (f" ({call})" if call else "")
    if isinstance(outcome, Failure):
        wrong = records.ErrorRecord(
            source=line.source, line=line.number or None, id=call, error=outcome
        )
        return wrong, _told(text.failure(label, outcome))
    said = outcome.transcript
    record = RedactionRecord(
        source=line.source,
        line=line.number,
        id=call,
        language=said.language,
        role_basis=said.role_basis,
        role_confidence=said.role_confidence,
        turns=said.turns,
        redactions=outcome.redactions,
        provenance=outcome.provenance,
    )
    return record, _told(text.redacted(label, outcome, width))


def _told(lines: Iterator[str]) -> Iterator[str]:
    yield from lines
    yield ""
