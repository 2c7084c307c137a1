"""The folder that takes a backup: held while one is made, looked through before, tidied after.

Promises that a folder with anything else in it is left alone, and that nothing is removed that the
newest manifest names. Hides what an interrupted backup leaves, and the ways to write a folder's
name.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.errors import (
    BackupInvalid,
    DiskFull,
    FolderReadOnly,
    SealBroken,
    StorageError,
    UsageError,
)
from app.storage import files
from app.storage.audio import Purpose
from app.storage.backup_format import (
    AUDIO,
    CALLS,
    KEYS,
    KEYS_BEFORE,
    MANIFEST,
    KeyFile,
    Manifest,
    StoredCall,
    StoredFile,
    database_name,
    opened,
    opened_body,
    read_envelope,
    stored_files,
)

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Mapping, Set
    from pathlib import Path

    from app.storage.audio import Wanted
    from app.storage.backup_format import OpenBackup, Unlock
    from app.storage.header import OpenHeader

_UNFINISHED = "unfinished"
_LOCK = "lock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """What is in the folders already; `keys_to` is `place` where both are one folder, and
    `other_key` says that the key file does not open with the vault's key of today. `earlier` is a
    backup from before a change of keys, where it opens, and `locked` says that it does not."""

    place: Path
    keys_to: Path
    vaults: frozenset[str] = frozenset()
    generation: int = 0
    manifest_generation: int = 0
    calls: dict[str, StoredCall] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict, repr=False)
    erased: frozenset[str] = frozenset()
    originals: Mapping[str, str] = field(default_factory=dict)
    keys_elsewhere: bool = False
    other_key: bool = False
    earlier: OpenBackup | None = None
    locked: bool = False

    def has_record(self, call: str) -> bool:
        """Return whether a record of a call lies there, named by a manifest or not."""
        folder = self.place / CALLS / call[:2]
        return any(folder.glob(f"{call}.*.sealed"))


@contextmanager
def prepared(place: Path, keys_to: Path, own: OpenHeader, unlock: Unlock) -> Iterator[Before]:
    """Hold the folders of a backup, and say what is in them; `unlock` leads into one from before a
    change of keys."""
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
            if names - ({KEYS, KEYS_BEFORE} if keys_to == place else set()):
                raise UsageError(
                    f"The folder {place} is not empty, and holds no backup.",
                    hint="Choose an empty folder.",
                )
            with about_backup():
                files.create_private(place / _UNFINISHED, [])
        files.remove_temporary(place)
        yield _before(place, keys_to, own, unlock)
    finally:
        lock.release()


def _before(place: Path, keys_to: Path, own: OpenHeader, unlock: Unlock) -> Before:
    """Return what is there; what today's key does not open, because the vault's keys were changed,
    is written anew."""
    earlier, locked = None, False
    vaults, generation, calls, held, elsewhere = set(), 0, {}, KeyFile(), False
    manifest_generation, other_key = 0, False
    if (place / MANIFEST).exists():
        envelope = read_envelope(place / MANIFEST, "manifest")
        vaults.add(envelope.vault)
        generation = manifest_generation = envelope.generation
        # what a manifest says that does not open any more, the folder shows
        elsewhere = not (place / KEYS).exists()
        try:
            manifest = opened_body(envelope, own.key, Manifest)
            calls, elsewhere = manifest.calls, manifest.keys_elsewhere
        except BackupInvalid:
            earlier = _earlier(place, keys_to, unlock)
            locked = earlier is None
    if (keys_to / KEYS).exists():
        envelope = read_envelope(keys_to / KEYS, "keys")
        vaults.add(envelope.vault)
        generation = max(generation, envelope.generation)
        try:
            held = opened_body(envelope, own.key, KeyFile)
        except BackupInvalid:
            other_key = True
    return Before(
        place=place,
        keys_to=keys_to,
        vaults=frozenset(vaults),
        generation=generation,
        manifest_generation=manifest_generation,
        calls=calls,
        keys=held.keys,
        erased=frozenset(one.call for one in held.erased),
        originals=held.originals or {},
        keys_elsewhere=elsewhere,
        other_key=other_key,
        earlier=earlier,
        locked=locked,
    )


def _earlier(place: Path, keys_to: Path, unlock: Unlock) -> OpenBackup | None:
    with suppress(BackupInvalid):
        return opened(place, unlock, keys_from=keys_to)
    return None


def keep_key_file(before: Before, keys: KeyFile) -> None:
    """Keep the key file beside its place until a new manifest stands, where the next one is sealed
    under another vault key: who can open the manifest of today cannot open that one; and where a
    call has another key in it: what the manifest of today names of that call does not open then.

    What an interrupted backup kept for the manifest of today stays as it is.
    """
    another = any(before.keys.get(call, key) != key for call, key in keys.keys.items())
    if not before.other_key and not another:
        return
    kept = before.keys_to / KEYS_BEFORE
    with suppress(BackupInvalid):
        found = read_envelope(kept, "keys")
        if found.vault in before.vaults and found.generation >= before.manifest_generation:
            return
    with files.translated():
        content = (before.keys_to / KEYS).read_bytes()
    files.write_atomic(kept, content)


def written_before(path: Path, chunks: Iterable[bytes]) -> StoredFile | None:
    """Return what an earlier run, which was interrupted, has written already."""
    if not path.is_file():
        return None
    wanted = _measured(chunks)
    with files.translated(), path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").digest() != wanted.sha256:
            return None
    return wanted


def proven_before(path: Path, wanted: Wanted) -> StoredFile | None:
    """Return the recording that an earlier backup put in its place, if all of it is proven."""
    try:
        with path.open("rb") as file:
            return _measured(wanted.proven(file))
    except (OSError, SealBroken):
        return None


def _measured(chunks: Iterable[bytes]) -> StoredFile:
    digest, size = hashlib.sha256(), 0
    for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
    return StoredFile(size=size, sha256=digest.digest())


def expect_written(
    place: Path, written: Mapping[Path, StoredFile], calls: Mapping[str, StoredCall]
) -> None:
    """Read what was written from the disk again, and see that the rest is there.

    Raises `StorageError` or `BackupInvalid`.
    """
    for path, stored in written.items():
        with files.translated(), path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").digest() != stored.sha256:
                raise StorageError(
                    f"The disk gives back something else than was written ({path.name}).",
                    hint="Do not use this disk for backups.",
                )
    for call, stored_call in calls.items():
        for parts, stored in stored_files(call, stored_call):
            path = files.inside(place, *parts)
            if not path.is_file() or path.stat().st_size != stored.size:
                raise BackupInvalid(
                    f"In the backup, {path.relative_to(place)} is missing or cut short.",
                    hint="Make a new backup in an empty folder.",
                )


def cleaned(
    before: Before,
    generation: int,
    calls: dict[str, StoredCall],
    *,
    spared: Set[str],
    originals: Container[str],
) -> int:
    """Remove what the newest manifest does not name, but for files of the `spared` calls, of which
    the `originals` that were destroyed go all the same; returns how many files that were. The key
    file before goes first: it still has what was erased."""
    place, elsewhere = before.place, before.keys_to != before.place
    files.remove(before.keys_to / KEYS_BEFORE)
    named = {parts for call, stored in calls.items() for parts, _ in stored_files(call, stored)}
    wanted = {place.joinpath(*parts) for parts in named} | {place / database_name(generation)}
    with files.translated():
        found = [
            path
            for folder in (CALLS, AUDIO)
            for path in place.glob(f"{folder}/??/*")
            if path.name.endswith(".sealed") or path.name.startswith(files.TEMPORARY)
        ]
        found += place.glob("vault-*.db*")
        found += [place / KEYS, place / KEYS_BEFORE] if elsewhere else []
        # an interrupted one left it unfinished; others may keep something in this folder too
        found += before.keys_to.glob(f"{files.TEMPORARY}{'[0-9a-f]' * 16}")
        gone = [
            path
            for path in found
            if path not in wanted and not _is_spared(path, spared, originals) and path.is_file()
        ]
        for path in gone:
            path.unlink(missing_ok=True)
        (place / _UNFINISHED).unlink(missing_ok=True)  # a mark, not a file of the backup
    return len(gone)


def _is_spared(path: Path, spared: Set[str], originals: Container[str]) -> bool:
    call, what = (*path.name.split("."), "")[:2]
    return call in spared and not (what == Purpose.ORIGINAL and call in originals)


@contextmanager
def about_backup() -> Iterator[None]:
    """Say of which disk it is that it is full."""
    try:
        yield
    except DiskFull as error:
        raise DiskFull("The disk that takes the backup is full.") from error
    except FolderReadOnly as error:
        raise FolderReadOnly("The backup's folder cannot be written to.") from error
