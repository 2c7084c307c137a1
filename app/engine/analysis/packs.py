"""Industry packs: what to look for in a call and how to score it, as data that clients extend.

A pack is one TOML file of resources/packs. Promises that a pack that loads is whole: unknown keys,
wrong types, phrases that are none and references to findings that nothing makes are refused with
the file and the place. A pack with `extends` holds its parent's entries too; an entry with a label
of the parent replaces it.
"""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec

from app.domain import FindingKind
from app.engine.analysis.phrases import compiled
from app.engine.scoring import CriterionRule, FlagRule, Label, Scorecard, Share
from app.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Speaker = Literal["agent", "customer", "either"]
MEASURED = frozenset(
    {"agent-interrupts", "dead-air", "customer-upset", "customer-recovered", "customer-worsened"}
)
"""Labels of findings that need no cue: made from times and sentiment."""
_DEEPEST = 5


class Topic(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a call can be about: `phrases` that say it, `examples` that mean it.

    A piece of a turn that holds one of `except` does not count.
    """

    label: Label
    title: str
    phrases: tuple[str, ...] = ()
    exceptions: tuple[str, ...] = msgspec.field(default=(), name="except")
    examples: tuple[str, ...] = ()
    threshold: Share | None = None


class Cue(Topic, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that matters when one side says it: a disclosure, a sign of vulnerability, a
    complaint."""

    kind: FindingKind
    said_by: Speaker = "either"


class _ScorecardTable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    title: str
    criteria: tuple[CriterionRule, ...] = ()


class _File(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: Label
    version: Annotated[int, msgspec.Meta(ge=1)]
    title: str
    extends: Label | None = None
    topics: tuple[Topic, ...] = ()
    cues: tuple[Cue, ...] = ()
    plain: tuple[str, ...] = ()
    scorecard: _ScorecardTable | None = None
    flags: tuple[FlagRule, ...] = ()


class Pack(msgspec.Struct, frozen=True, kw_only=True):
    """A pack with everything it extends: `lineage` names them with their versions, oldest first.

    `plain` holds sentences that are nothing but business; what is nearer to one of them, or to a
    topic, than to a cue's examples does not count for the cue.
    """

    name: str
    version: int
    title: str
    lineage: tuple[str, ...]
    topics: tuple[Topic, ...]
    cues: tuple[Cue, ...]
    plain: tuple[str, ...]
    scorecard: Scorecard


def names(folder: Path) -> tuple[str, ...]:
    """Return the names of the packs in the folder."""
    return tuple(sorted(path.stem for path in folder.glob("*.toml")))


def load(folder: Path, name: str) -> Pack:
    """Return the pack of that name; raises `UsageError` with the file and what is wrong in it."""
    chain = list(_chain(folder, name))[::-1]
    newest = chain[-1]
    pack = Pack(
        name=newest.name,
        version=newest.version,
        title=newest.title,
        lineage=tuple(f"{file.name}-{file.version}" for file in chain),
        topics=_merged(topic for file in chain for topic in file.topics),
        cues=_merged(cue for file in chain for cue in file.cues),
        plain=tuple(text for file in chain for text in file.plain),
        scorecard=_scorecard(chain),
    )
    _check(pack, folder / f"{name}.toml")
    return pack


def _chain(folder: Path, name: str) -> Iterator[_File]:
    """Yield the pack, what it extends, and so on."""
    following: str | None = name
    for _ in range(_DEEPEST):
        file = _read(folder, following or "")
        yield file
        following = file.extends
        if following is None:
            return
    raise UsageError(f"The pack {name} extends too many packs, or itself.")


def _read(folder: Path, name: str) -> _File:
    path = folder / f"{name}.toml"
    if name not in names(folder):
        known = ", ".join(names(folder)) or "none"
        raise UsageError(f"There is no pack called {name}.", hint=f"Packs here: {known}.")
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"The pack {path.name} is not readable TOML: {error}.") from error
    try:
        file = msgspec.convert(content, _File)
    except msgspec.ValidationError as error:
        raise UsageError(f"The pack {path.name} is wrong: {error}{_line(text, error)}.") from error
    if file.name != name:
        raise UsageError(f"The pack {path.name} calls itself {file.name}; both must be the same.")
    return file


def _line(text: str, error: Exception) -> str:
    """Return where the entry stands that the error speaks of: `, in the entry at line 12`."""
    place = re.search(r"at `\$\.(\w+)(?:\.(\w+))?\[(\d+|\.\.\.)\]", str(error))
    if place is None or not place.group(3).isdigit():
        return ""
    table = ".".join(part for part in place.group(1, 2) if part)
    headers = [n for n, line in enumerate(text.splitlines(), 1) if line.strip() == f"[[{table}]]"]
    index = int(place.group(3))
    return f", in the entry at line {headers[index]}" if index < len(headers) else ""


_Entry = TypeVar("_Entry", Topic, Cue, CriterionRule, FlagRule)


def _merged(entries: Iterable[_Entry]) -> tuple[_Entry, ...]:
    """Return one entry per label: the last one, in the place of the first."""
    merged: dict[str, _Entry] = {}
    for entry in entries:
        merged[entry.label] = entry
    return tuple(merged.values())


def _scorecard(chain: list[_File]) -> Scorecard:
    tables = [file.scorecard for file in chain if file.scorecard is not None]
    return Scorecard(
        label=chain[-1].name,
        title=tables[-1].title if tables else chain[-1].title,
        criteria=_merged(criterion for table in tables for criterion in table.criteria),
        flags=_merged(flag for file in chain for flag in file.flags),
    )


def _check(pack: Pack, path: Path) -> None:
    entries: tuple[Topic, ...] = (*pack.topics, *pack.cues)
    for entry in entries:
        if not entry.phrases and not entry.examples:
            raise UsageError(f"The pack {path.name}: {entry.label} has no phrases and no examples.")
        for phrase in (*entry.phrases, *entry.exceptions):
            _compile(phrase, f"{path.name}: {entry.label}")
    known = {entry.label for entry in entries} | MEASURED
    criteria = {rule.label for rule in pack.scorecard.criteria}
    for owner, label, allowed in _references(pack.scorecard):
        if label not in (known if allowed == "finding" else criteria):
            raise UsageError(
                f"The pack {path.name}: {owner} names the {allowed} {label}, which nothing makes."
            )


def _compile(phrase: str, place: str) -> None:
    try:
        compiled(phrase)
    except UsageError as error:
        raise UsageError(f"The pack {place}: {error.sentence}", hint=error.advice) from error


def _references(scorecard: Scorecard) -> Iterator[tuple[str, str, str]]:
    for rule in scorecard.criteria:
        for label in (*rule.met_by, *rule.failed_by, *rule.applies_when):
            yield rule.label, label, "finding"
    for flag in scorecard.flags:
        for label in (*flag.when, *flag.unless):
            yield flag.label, label, "finding"
        for label in flag.when_failed:
            yield flag.label, label, "criterion"
