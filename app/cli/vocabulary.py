"""`vocabulary`: the vault's list of names, products and places: shown, set or ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.cli.record import Record
from app.domain import Sha256  # noqa: TC001 - msgspec reads it when the program runs
from app.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from app.cli.run import Run

_MOST_BYTES = 400_000  # more than the longest list takes in UTF-8


class WordListRecord(Record, frozen=True, kw_only=True, tag="autoinsights.vocabulary/1"):
    """The vault's word list as it was written; `sha256` is in the provenance of what it was used
    for, and null where there is no list."""

    text: str
    entries: int
    sha256: Sha256 | None


def vocabulary(run: Run) -> int:
    """Show the word list, or change it."""
    args = run.args
    text = read_list(args.file) if args.act == "set" else ""
    with run.workspace() as workspace:
        if args.act in {"set", "clear"}:
            workspace.vocabulary.change(text)
        state = workspace.vocabulary.get()
        lines = state.text.splitlines() if args.act in {None, "show"} else []
        entries = "1 entry" if state.entries == 1 else f"{state.entries} entries"
        said = f"The word list has {entries}." if state.entries else _NONE
        record = WordListRecord(text=state.text, entries=state.entries, sha256=state.sha256)
        run.out.give(record, [*lines, said])
    return 0


def read_list(path: Path) -> str:
    """Return a word list's file; raises `UsageError` where it is no text."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        return content.decode("utf-8")
    except OSError as error:
        raise UsageError(f"The word list {path} cannot be read.", hint="Check its name.") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            f"The word list {path} is not text in UTF-8.", hint="Save it as plain text in UTF-8."
        ) from error


_NONE = "There is no word list."
