"""The folder of a backup: what belongs in it, and whose disk is full."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from app.errors import DiskFull, FolderReadOnly
from app.storage import files
from app.storage.backup_format import AUDIO, CALLS, KEYS, database_name, stored_files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.storage.backup_format import StoredCall

UNFINISHED = "unfinished"


def cleaned(place: Path, generation: int, calls: dict[str, StoredCall], *, keep_keys: bool) -> int:
    """Remove what the newest manifest does not name; returns how many files that were."""
    named = {parts for call, stored in calls.items() for parts, _ in stored_files(call, stored)}
    wanted = {place.joinpath(*parts) for parts in named} | {place / database_name(generation)}
    with files.translated():
        found = [
            path
            for folder in (CALLS, AUDIO)
            for path in place.glob(f"{folder}/??/*")
            if path.name.endswith(".sealed") or path.name.startswith(files.TEMPORARY)
        ]
        found += [*place.glob("vault-*.db*"), place / UNFINISHED]
        found += [] if keep_keys else [place / KEYS]
        gone = [path for path in found if path not in wanted and path.is_file()]
        for path in gone:
            path.unlink(missing_ok=True)
    return len(gone)


@contextmanager
def about_backup() -> Iterator[None]:
    """Say of which disk it is that it is full."""
    try:
        yield
    except DiskFull as error:
        raise DiskFull("The disk that takes the backup is full.") from error
    except FolderReadOnly as error:
        raise FolderReadOnly("The backup's folder cannot be written to.") from error
