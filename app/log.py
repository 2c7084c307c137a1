"""Log records that carry ids and codes, never what was said.

Messages are constant words; everything variable goes into named fields, and only fields of a few
harmless types under known names are written. So a transcript, a file name or a passphrase cannot
be logged by mistake: the formatter drops what it does not know.
"""

from __future__ import annotations

import json
import logging
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

FIELDS = frozenset(
    {"call", "code", "stage", "seconds", "count", "attempt", "pid", "status", "step", "model"}
)
_ROOT = "app"


def logger(name: str) -> logging.Logger:
    """Return the logger of a module of the program."""
    return logging.getLogger(name)


def event(log: logging.Logger, level: int, message: str, **details: str | float | None) -> None:
    """Write one record: a constant `message` and fields of `FIELDS`; others raise `ValueError`."""
    unknown = details.keys() - FIELDS
    if unknown:
        raise ValueError(f"not a log field: {sorted(unknown)}")
    log.log(level, message, extra={"details": details})


class ContentFreeFormatter(logging.Formatter):
    """Formats a record as one JSON line of known fields.

    An exception is written as its type and the places in our own code that it passed, without its
    message: messages of libraries may quote what they were given.
    """

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line of JSON."""
        line: dict[str, Any] = {
            "at": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "where": record.name,
            "what": record.msg if record.name.startswith(_ROOT) else "message of a library",
        }
        details = getattr(record, "details", {})
        line |= {key: value for key, value in details.items() if key in FIELDS}
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = describe(record.exc_info[1])
        return json.dumps(line, ensure_ascii=False)


def describe(error: BaseException) -> list[str]:
    """Return an exception's type and the lines of code that it passed, without any message."""
    places = [type(error).__name__]
    trace = error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_qualname}:{trace.tb_lineno}")
        trace = trace.tb_next
    return places


def configure(file: Path | None, *, verbose: bool = False) -> None:
    """Send records of warnings and above (all with `verbose`) to a file or to standard error."""
    handler: logging.Handler
    handler = (
        logging.FileHandler(file, encoding="utf-8") if file else logging.StreamHandler(sys.stderr)
    )
    handler.setFormatter(ContentFreeFormatter())
    root = logging.getLogger()
    for replaced in root.handlers:
        replaced.close()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger(_ROOT).setLevel(logging.INFO if verbose else logging.WARNING)
