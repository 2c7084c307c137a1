"""The folder of a vault that is being made: until it is whole, it counts as empty.

Promises that a vault that is put together from a backup or out of a damaged one is there as a whole
or not at all, however that ends. Hides the mark that says so, and what is removed after an
interruption.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from app.domain import VaultState
from app.errors import AppError, VaultDamaged, VaultExists, VaultMissing
from app.storage import files, header
from app.storage.audio import FOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DATABASE = "vault.db"
LOCK = "lock"
UNFINISHED = "unfinished"


def state(folder: Path) -> VaultState:
    """Return what can be known of a folder without a passphrase.

    Raises `VaultDamaged`, `VaultNewer` or `VaultTooOld` where a header is there that cannot be
    read.
    """
    if (folder / UNFINISHED).exists():
        return VaultState(exists=False)
    try:
        found = header.read(folder)
    except VaultMissing:
        if (folder / header.COPY).exists():
            raise VaultDamaged(
                "The header of this vault is lost; its copy is there.",
                hint="`autoinsights vault rescue` saves the vault by it, into a new folder.",
            ) from None
        return VaultState(exists=False)
    return VaultState(
        exists=True,
        demo=found.demo,
        id=found.id,
        remembered=bool(found.keyring),
        several_people=len(found.people) > 1,
        recovery_sheet=found.recovery is not None,
    )


def expect_empty(folder: Path) -> None:
    """Refuse a folder that holds a vault or anything else; what an interrupted `create` left is
    nothing."""
    with files.translated():
        names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    if folder.exists() and not folder.is_dir():
        raise VaultExists(f"{folder} is a file.")
    if header.NAME in names and UNFINISHED not in names:
        raise VaultExists(f"There is already a vault in {folder}.")
    if UNFINISHED not in names and names - {LOCK}:
        raise VaultExists(f"The folder {folder} is not empty.", hint="Choose an empty folder.")


def emptied(folder: Path) -> None:
    """Remove what an interrupted making of a vault left."""
    files.remove_temporary(folder)
    for left in (
        header.NAME,
        header.COPY,
        DATABASE,
        *(f"{DATABASE}-{end}" for end in ("wal", "shm")),
    ):
        files.remove(folder / left)
    files.remove_tree(folder / FOLDER)


@contextmanager
def making(folder: Path) -> Iterator[Path]:
    """Hold an empty or new folder in which a vault is put together; gives the database's place.

    What is in the folder counts as a vault when this ends, and goes if anything is raised. Raises
    `VaultExists`, `FolderReadOnly` or `DiskFull`.
    """
    expect_empty(folder)
    files.make_private(folder)
    lock = files.FolderLock(folder / LOCK)
    try:
        expect_empty(folder)
        mark = folder / UNFINISHED
        if not mark.exists():
            files.create_private(mark, [])
        emptied(folder)
        try:
            yield folder / DATABASE
        except BaseException:
            with suppress(OSError, AppError):
                emptied(folder)
                files.remove(mark)
            raise
        files.sync_folder(folder)
        files.remove(mark)
    finally:
        lock.release()
