"""Writes the documents that repeat what the code says: `.venv/bin/python build/documents.py`.

A test compares each of them with the code, so that they cannot drift apart.
"""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = ROOT / "resources" / "documents"
ERRORS = """\
# What can go wrong

Every expected problem has a stable code, one sentence, one hint and an exit status for scripts.
Anything else is a bug: it ends with status 70 and the code `fault` and asks to be reported, without
content of calls. A command that is stopped with Ctrl+C ends with status 130 and the code
`interrupted`.
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


def schema_documents() -> dict[str, str]:
    """Return the JSON Schemas of what the command line prints and reads, by file name."""
    from app.cli import records
    from app.engine.transcripts import TranscriptInput

    lines = records.AnalysisRecord | records.ErrorRecord
    return {
        "analysis.schema.json": _schema(lines, "One line of `autoinsights analyse --json`"),
        "records.schema.json": _schema(records.AnyRecord, "One line of any command with `--json`"),
        "transcript.schema.json": _schema(
            TranscriptInput,
            "A transcript that `autoinsights analyse` and `redact` take instead of audio",
        ),
    }


def rights_tables() -> tuple[str, str, str]:
    """Return the tables of what is typed for again, of rights and of guarded acts, as they stand
    in the manual."""
    from app import access
    from app.domain import Right

    def row(*cells: str) -> str:
        return f"| {' | '.join(cells)} |\n"

    rights = "".join(
        row(
            f"`{right.value}`",
            _WHAT_RIGHTS_ALLOW[right.value],
            *("yes" if right in held else "-" for held in access.ROLES.values()),
        )
        for right in Right
    )
    acts = "".join(
        row(
            f"`{act.value}`",
            f"`{rule.asks.value}`",
            ", ".join(f"`{right.value}`" for right in Right if right in rule.approves),
        )
        for act, rule in access.ACTS.items()
    )
    typed = "".join(
        row(_WHAT_IS_TYPED_FOR[act], "each time" if lasts is None else _minutes(lasts))
        for act, lasts in access.TYPED_AGAIN.items()
        if not act.startswith(_OF_RULES)
    )
    return typed, rights, acts


def _minutes(lasts: timedelta) -> str:
    return f"{lasts // timedelta(minutes=1)} minutes"


_OF_RULES = "requests.ask of "  # what `policy.change` does where that takes a second person
_WHAT_IS_TYPED_FOR = {
    "people.add": "adding a person",
    "people.change": "changing somebody's roles, rights or scope",
    "people.set_state": "suspending somebody, letting them in again, removing them",
    "people.set_passphrase of others": "giving somebody else a new passphrase",
    "people.take_second_factor of others": "taking somebody else's code away",
    "people.release": "ending somebody's waiting after failed sign-ins",
    "teams.keep": "changing or removing a team",
    "policy.change": "changing a rule, or asking for it",
    "requests.approve": "approving what somebody else asked for",
    "audit.accept": "accepting a log that is not the one this computer saw",
    "people.set_passphrase of oneself": "changing your own passphrase",
    "people.set_second_factor": "setting up your second factor",
    "people.take_second_factor of oneself": "giving up your second factor",
    "keys.remember": "letting this computer remember you",
    "keys.ask_for_computer": "having the vault ask for this computer, or no more",
    "keys.keep_sheet": "making a recovery sheet",
    "keys.rotate": "changing the keys",
}


_WHAT_RIGHTS_ALLOW = {
    "see-calls": "the list of calls: names, times, states, flags, scores; what waits",
    "see-evidence": "what was found in a call and where, without its words",
    "see-transcript": "the redacted words, and searching in them",
    "hear-muted": "the muted recording",
    "correct-speakers": "saying who speaks where the program has it wrong",
    "judge-redaction": "drawing turns by chance, and judging what of them should be redacted and is"
    " not; it takes `see-transcript`, too",
    "hear-original": "the original recording; calls that are held back, and releasing them",
    "export-original": "taking that out of the vault, once approved",
    "import": "taking recordings in",
    "process": "running, cancelling and repeating analyses",
    "hold": "placing legal holds, and asking for their end",
    "erase": "asking for the erasing of calls; erasing those whose time is over; with `import`,"
    " taking in again what was erased",
    "approve": "deciding on what others asked for",
    "read-audit": "the audit log, and verifying it",
    "export-audit": "taking the audit log out of the vault",
    "configure": "the policy",
    "manage-people": "people, their roles and scopes, and teams",
    "manage-vault": "backups, keys, checks of all that is kept",
}


def with_rights(manual: str) -> str:
    """Return the manual with its tables of rights and of guarded acts as the code has them."""
    headings = ("| act | how long ", "| right | ", "| act | who asks ")
    for heading, rows in zip(headings, rights_tables(), strict=True):
        before, found, after = manual.partition(f"\n{heading}")
        titles, line, rest = (*after.split("\n", 2), "", "")[:3]
        _, blank, rest = rest.partition("\n\n")
        manual = f"{before}{found}{titles}\n{line}\n{rows}{blank[1:]}{rest}"
    return manual


def _schema(kind: Any, title: str) -> str:  # noqa: ANN401 - a union of types has no type of its own
    import msgspec

    dialect = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": title}
    return json.dumps(dialect | _one_line(msgspec.json.schema(kind)), indent=1) + "\n"


def _one_line(part: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    """Return a part of a schema with its descriptions, which are docstrings, on one line each."""
    if isinstance(part, dict):
        return {key: _one_line(value) for key, value in part.items()}
    if isinstance(part, list):
        return [_one_line(value) for value in part]
    return " ".join(part.split()) if isinstance(part, str) else part


def main() -> None:
    """Write every document."""
    (DOCUMENTS / "errors.md").write_text(errors_document(), encoding="utf-8")
    manual = DOCUMENTS / "manual.md"
    manual.write_text(with_rights(manual.read_text(encoding="utf-8")), encoding="utf-8")
    for name, text in schema_documents().items():
        (DOCUMENTS / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
