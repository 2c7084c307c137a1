"""Writes the documents that repeat what the code says: `.venv/bin/python build/documents.py`.

A test compares each of them with the code, so that they cannot drift apart.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ROOT / "resources" / "documents"
ERRORS = """\
# What can go wrong

Every expected problem has a stable code, one sentence, one hint and an exit status for scripts.
Anything else is a bug: it ends with status 70 and asks to be reported, without content of calls.
The sentence that is shown can say more, such as which file; none carries content of a call.
Made by `build/documents.py` from `app/errors.py`.

| code | exit status | what it means | what to do |
| --- | --- | --- | --- |
"""


def error_classes() -> list[type]:
    """Return every kind of expected problem, bases first, in the order of `app/errors.py`."""
    from app import errors

    classes = [value for value in vars(errors).values() if isinstance(value, type)]
    return [value for value in classes if issubclass(value, errors.AppError)]


def errors_document() -> str:
    """Return the table of all errors."""
    lines = []
    for error in error_classes():
        hint = error.hint or "It is said with the message."
        meaning = " ".join((error.__doc__ or "").split())
        lines.append(f"| `{error.code}` | {error.status} | {meaning} | {hint} |")
    return ERRORS + "\n".join(lines) + "\n"


def main() -> None:
    """Write every document."""
    (DOCUMENTS / "errors.md").write_text(errors_document(), encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
