"""Import: from files and folders to calls in the vault, waiting in the queue.

A folder is read to its last subfolder; what is no recording is passed over, a file that is named is
always tried. What is known of the calls comes from the import's own options and from a metadata
file (CSV): where none is named, `calls.csv` in the folder, or beside a file that is imported by its
name. One bad file never stops an import.
"""

from __future__ import annotations

import csv
import os
import stat
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain import (
    CallId,
    CallMetadata,
    Direction,
    Failure,
    ImportReport,
    Progress,
    Right,
    Role,
)
from app.errors import AudioTooLong, AudioUnreadable, NotAllowed, RecordingErased, UsageError
from app.storage.calls import Taking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from app.engine.redaction.labels import LabelRedactor
    from app.workspace.gate import Gate

METADATA_NAME = "calls.csv"
COLUMNS = frozenset(
    {"file", "agent", "queue", "direction", "started_at", "customer_reference", "channels"}
)
RECORDINGS = frozenset(
    {".wav", ".wave", ".mp3", ".ogg", ".oga", ".opus", ".flac", ".m4a", ".mp4", ".aac", ".webm"}
    | {".mka", ".amr", ".awb", ".3gp", ".gsm", ".au", ".snd", ".aif", ".aiff", ".caf", ".wma"}
    | {".g722"}
)
_LARGEST_BYTES = 2_000_000_000  # a worker holds a recording in memory


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes recordings into the vault."""

    _gate: Gate
    _labels: LabelRedactor

    def import_paths(  # noqa: PLR0913 (each stands for itself)
        self,
        paths: Sequence[Path],
        *,
        metadata: CallMetadata | None = None,
        metadata_file: Path | None = None,
        even_erased: bool = False,
        progress: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> ImportReport:
        """Import files and folders; a recording that is already in the vault is not doubled.

        One that was erased is refused, unless it may come back with `even_erased`: that undoes an
        erasure, and takes the right to erase as well.
        Raises `UsageError` where a metadata file is wrong, `StorageError` where the vault's own
        disk gives out; what was imported until then stays.
        """
        self._gate.require(Right.IMPORT, *([Right.ERASE] if even_erased else []))
        if even_erased:
            self._gate.expect_trust()
        how = Taking(actor=self._gate.actor, scope=self._gate.scope, even_erased=even_erased)
        found = _find(paths, metadata or CallMetadata(), metadata_file)
        tally = _Tally(passed_over=found.passed_over, described=found.described)
        for number, recording in enumerate(found.recordings):
            if stop():
                break
            progress(Progress(done=number, total=len(found.recordings)))
            self._import_one(recording, how, tally)
        progress(Progress(done=len(found.recordings), total=len(found.recordings)))
        return tally.report()

    def _import_one(self, recording: _Recording, how: Taking, tally: _Tally) -> None:
        shown = self._labels.safe(recording.path.name, recording.metadata)
        known = replace(recording.metadata, customer_reference=shown.customer_reference)
        try:
            _refuse_odd_files(recording.path)
            added = self._gate.vault.calls.take(
                recording.path,
                name=shown.source_name,
                metadata=known,
                how=how,
                values=shown.values,
            )
        except (AudioUnreadable, AudioTooLong, RecordingErased, NotAllowed) as error:
            tally.refuse(shown.source_name, error.sentence, error.code, error.advice)
        except OSError:
            sentence = "The file cannot be read."
            hint = "Check that it is still there and that you may read it."
            tally.refuse(shown.source_name, sentence, "file-unreadable", hint)
        else:
            tally.take(added.call.id, duplicate=added.duplicate)


@dataclass(frozen=True, slots=True)
class _Recording:
    path: Path
    metadata: CallMetadata


@dataclass(slots=True)
class _Found:
    recordings: list[_Recording] = field(default_factory=list)
    passed_over: int = 0
    described: int = 0

    def take(self, path: Path, known: CallMetadata | None, base: CallMetadata) -> None:
        """Take a recording in, with what a metadata file says of it or else what all share."""
        self.recordings.append(_Recording(path, base if known is None else known))
        self.described += known is not None


@dataclass(slots=True)
class _Tally:
    passed_over: int
    described: int
    imported: list[CallId] = field(default_factory=list)
    duplicates: int = 0
    refused: list[tuple[str, Failure]] = field(default_factory=list)

    def take(self, call: CallId, *, duplicate: bool) -> None:
        if duplicate:
            self.duplicates += 1
        else:
            self.imported.append(call)

    def refuse(self, name: str, sentence: str, code: str, hint: str) -> None:
        self.refused.append((name, Failure(code=code, sentence=sentence, hint=hint)))

    def report(self) -> ImportReport:
        return ImportReport(
            imported=tuple(self.imported),
            duplicates=self.duplicates,
            refused=tuple(self.refused),
            passed_over=self.passed_over,
            described=self.described,
        )


def _find(paths: Iterable[Path], base: CallMetadata, metadata_file: Path | None) -> _Found:
    """List what to import, with what is known of each, in a stable order."""
    named = read_metadata(metadata_file, base) if metadata_file else None

    @cache
    def known_in(folder: Path) -> Mapping[str, CallMetadata]:
        own = folder / METADATA_NAME
        return named if named is not None else read_metadata(own, base) if own.exists() else {}

    found = _Found()
    for path in paths:
        if not path.is_dir():
            found.take(path, known_in(path.parent).get(path.name), base)
            continue
        known = known_in(path)
        for file in _walk(path):
            if file.suffix.lower() in RECORDINGS:
                name = file.relative_to(path).as_posix()
                found.take(file, known.get(name, known.get(file.name)), base)
            else:
                found.passed_over += file != path / METADATA_NAME
    return found


def _walk(folder: Path) -> Iterator[Path]:
    """Give the files below a folder in a stable order; links to folders are not followed."""
    for place, folders, files in os.walk(folder):
        folders.sort()
        for name in sorted(files):
            if not name.startswith("."):
                yield Path(place) / name


def _refuse_odd_files(path: Path) -> None:
    """Refuse what would block or flood: pipes, devices, huge files."""
    about = path.stat()
    if not stat.S_ISREG(about.st_mode):
        raise AudioUnreadable("It is not a file.")
    if about.st_size > _LARGEST_BYTES:
        raise AudioTooLong("The file is larger than 2 GB.", hint="Split the recording.")


def read_metadata(path: Path, base: CallMetadata) -> Mapping[str, CallMetadata]:
    """Return what a metadata file says of each file, over `base`; raises `UsageError`."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            table = csv.DictReader(lines, strict=True)
            _check_columns(path, table.fieldnames or ())
            return {
                row["file"]: _metadata(path, table.line_num, row, base)
                for row in table
                if row.get("file")
            }
    except OSError as error:
        raise UsageError(f"The metadata file {path} cannot be read.") from error
    except (csv.Error, UnicodeDecodeError) as error:
        raise UsageError(f"The metadata file {path} is not a CSV file in UTF-8.") from error


def _check_columns(path: Path, columns: Iterable[str]) -> None:
    hint = f"The columns are: {', '.join(sorted(COLUMNS))}; only `file` is required."
    if "file" not in columns:
        raise UsageError(f"The metadata file {path} has no column `file`.", hint=hint)
    for column in columns:
        if column not in COLUMNS:
            raise UsageError(
                f"The metadata file {path} has an unknown column `{column}`.", hint=hint
            )


def _metadata(
    path: Path, line: int, row: Mapping[str, str | None], base: CallMetadata
) -> CallMetadata:
    given = {name: (row.get(name) or "").strip() for name in COLUMNS}
    try:
        direction = given["direction"].lower() or base.direction
        roles = parse_channels(given["channels"]) or base.channel_roles
        return replace(
            base,
            agent=given["agent"] or base.agent,
            queue=given["queue"] or base.queue,
            customer_reference=given["customer_reference"] or base.customer_reference,
            started_at=_time(given["started_at"]) or base.started_at,
            direction=Direction(direction),
            channel_roles=roles,
        )
    except (ValueError, UsageError) as error:
        hint = (
            "`direction` is inbound, outbound or unknown; `started_at` is a time with offset such"
            " as 2026-03-01T09:30:00+00:00; `channels` is like agent,customer."
        )
        sentence = f"Line {line} of the metadata file {path} has a value that cannot be used."
        raise UsageError(sentence, hint=hint) from error


def _time(text: str) -> str | None:
    """Return an ISO 8601 time in UTC, so that times sort as text; raises `ValueError`."""
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError("a time without an offset")
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def parse_channels(text: str) -> tuple[Role, ...]:
    """Return the role of each channel from words such as `agent,customer`; raises `UsageError`."""
    words = [word.strip().lower() for word in text.split(",") if word.strip()]
    hint = "Name each channel in order: agent, customer or unknown, such as `agent,customer`."
    try:
        roles = tuple(Role(word) for word in words)
    except ValueError as error:
        raise UsageError("The channels cannot be understood.", hint=hint) from error
    for role in (Role.AGENT, Role.CUSTOMER):
        if roles.count(role) > 1:
            raise UsageError(f"The channels name the {role.value} twice.", hint=hint)
    return roles
