"""The folder that takes a backup: held while one is made, looked through before, tidied after.

Promises that a folder with anything else in it is left alone, and that nothing is removed that the
newest manifest names. Hides what an interrupted backup leaves, and the ways to write a folder's
name.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.errors import BackupInvalid, DiskFull, FolderReadOnly, UsageError
from app.storage import files
from app.storage.backup_format import (
    AUDIO,
    CALLS,
    KEYS,
    MANIFEST,
    KeyFile,
    Manifest,
    StoredCall,
    database_name,
    opened_body,
    read_envelope,
    stored_files,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from app.storage.header import OpenHeader

_UNFINISHED = "unfinished"
_LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is in the folders already; `keys_to` is `place` where both are one folder."""

    place: Path
    keys_to: Path
    vaults: frozenset[str] = frozenset()
    generation: int = 0
    calls: dict[str, StoredCall] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict, repr=False)
    keys_elsewhere: bool = False


@contextmanager
def prepared(place: Path, keys_to: Path, own: OpenHeader) -> Iterator[Before]:
    """Hold the folders of a backup, and say what is in them."""
    with about_backup():
        for folder in (place, keys_to):
            files.make_folder(folder)
        # one folder has many names: links, `..`, and here and there capitals
        with files.translated():
            keys_to = place if keys_to.samefile(place) else keys_to
        lock = files.FolderLock(place / _LOCK)
    try:
        with files.translated():
            names = {path.name for path in place.iterdir()} - {_LOCK}
        if MANIFEST not in names and _UNFINISHED not in names:
            if names - ({KEYS} if keys_to == place else set()):
                raise UsageError(
                    f"The folder {place} is not empty, and holds no backup.",
                    hint="Choose an empty folder.",
                )
            with about_backup():
                files.create_private(place / _UNFINISHED, [])
        files.remove_temporary(place)
        yield _before(place, keys_to, own)
    finally:
        lock.release()


def _before(place: Path, keys_to: Path, own: OpenHeader) -> Before:
    """Return what is there; what cannot be opened, such as after a change of the vault's keys, is
    written anew."""
    vaults, generation, calls, keys, elsewhere = set(), 0, {}, {}, False
    if (place / MANIFEST).exists():
        envelope = read_envelope(place / MANIFEST, "manifest")
        vaults.add(envelope.vault)
        generation = envelope.generation
        # what a manifest says that does not open any more, the folder shows
        elsewhere = not (place / KEYS).exists()
        with suppress(BackupInvalid):
            manifest = opened_body(envelope, own.key, Manifest)
            calls, elsewhere = manifest.calls, manifest.keys_elsewhere
    if (keys_to / KEYS).exists():
        envelope = read_envelope(keys_to / KEYS, "keys")
        vaults.add(envelope.vault)
        generation = max(generation, envelope.generation)
        with suppress(BackupInvalid):
            keys = opened_body(envelope, own.key, KeyFile).keys
    return Before(
        place=place,
        keys_to=keys_to,
        vaults=frozenset(vaults),
        generation=generation,
        calls=calls,
        keys=keys,
        keys_elsewhere=elsewhere,
    )


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
        found += [*place.glob("vault-*.db*"), place / _UNFINISHED]
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
