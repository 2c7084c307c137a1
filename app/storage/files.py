"""The vault's folder on disk: private, whole and nobody else's.

Promises that a file is either as it was or as it was meant to be (`write_atomic`), that nothing is
written outside the vault's folder (`inside`), that only the owner can read it, and that trouble
with the disk is said in our own words (`translated`). Hides permissions, syncing and the ways in
which systems differ. Knows no keys: what it writes is already sealed.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from app.errors import AppError, DiskFull, FolderReadOnly, StorageError, VaultLocked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

TEMPORARY = ".part-"
"""What the names of unfinished files start with."""

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_NO_WRITING = {errno.EROFS, errno.EACCES, errno.EPERM}
_NO_FOLDERS_SYNCED = {errno.EINVAL, errno.ENOTSUP}  # shares, and disks of other systems
_NO_PLACE = {errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL}
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK, errno.EDEADLK}


def explained(error: OSError) -> AppError:
    """Return the error of ours that says what the operating system said."""
    if error.errno in _NO_ROOM:
        return DiskFull("The disk that holds the vault is full.")
    if error.errno in _NO_WRITING:
        return FolderReadOnly("The vault's folder cannot be written to.")
    if error.errno in _NO_PLACE:
        return StorageError(
            f"The vault's folder cannot be made or found ({os.strerror(error.errno or 0)}).",
            hint="Check the name of the folder, and that the folder above it is there.",
        )
    return StorageError(
        f"The disk that holds the vault reports an error ({os.strerror(error.errno or 0)}).",
        hint="Check the disk and its connection, then try again.",
    )


@contextmanager
def translated() -> Iterator[None]:
    """Raise `DiskFull`, `FolderReadOnly` or `StorageError` in place of an `OSError`."""
    try:
        yield
    except OSError as error:
        raise explained(error) from error


def inside(folder: Path, *parts: str) -> Path:
    """Return the path of `parts` in the folder; raises `StorageError` if it would lie elsewhere.

    A link that leads out counts as elsewhere.
    """
    path = folder.joinpath(*parts)
    if not path.resolve().is_relative_to(folder.resolve()):
        raise StorageError(
            "A path in the vault leads out of its folder.",
            hint="Remove links from the vault's folder; the program puts none there.",
        )
    return path


def make_private(folder: Path) -> None:
    """Create a folder that only its owner can enter, and those above it that are missing."""
    with translated():
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
        if os.name == "posix":
            folder.chmod(0o700)
    for path in missing:
        sync_folder(path.parent)


def tighten(folder: Path, *names: str) -> None:
    """Let only the owner into a folder that is there, and at its files; where the disk does not
    know or allow that, nothing changes."""
    if os.name != "posix":
        return
    for path, mode in ((folder, 0o700), *((folder / name, 0o600) for name in names)):
        with suppress(OSError):
            if path.stat().st_mode & 0o077:
                path.chmod(mode)


def make_folder(folder: Path) -> None:
    """Create a folder, and those above it that are missing, for its owner only where the disk knows
    rights; one that is there keeps its own."""
    with translated():
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        for path in reversed(missing):
            path.mkdir(mode=0o700, exist_ok=True)
    for path in missing:
        sync_folder(path.parent)


def create_private(path: Path, chunks: Iterable[bytes]) -> int:
    """Write a new file that only its owner can read, down to the disk; returns its size in bytes.

    Errors that `chunks` raises pass unchanged, and no part of the file stays.
    """
    with translated():
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
    size = 0
    try:
        with os.fdopen(descriptor, "wb", buffering=0) as file:
            for chunk in chunks:
                size += len(chunk)
                with translated():
                    _write_all(file.fileno(), chunk)
            with translated():
                _sync(file.fileno())
        sync_folder(path.parent)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return size


def write_atomic(path: Path, data: bytes) -> None:
    """Put a file in place as a whole: a reader, or a power cut, finds the old one or the new."""
    with staged(path, data) as put_in_place:
        put_in_place()


@contextmanager
def staged(path: Path, data: bytes) -> Iterator[Callable[[], None]]:
    """Write a file down beside its place and give out what puts it there.

    Nothing of it stays where that is not called.
    """
    temporary = path.with_name(f"{TEMPORARY}{secrets.token_hex(8)}")
    create_private(temporary, [data])
    try:
        yield lambda: move(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Rename a file over another one in the same vault, down to the disk."""
    with translated():
        source.replace(target)
    sync_folder(target.parent)
    if source.parent != target.parent:
        sync_folder(source.parent)


def remove(path: Path) -> None:
    """Remove a file if it is there.

    It is not overwritten first: on flash and copying file systems that reaches nothing, and what
    lies here is sealed. Destroying its key is what erases it.
    """
    with translated():
        path.unlink(missing_ok=True)
    sync_folder(path.parent)


def remove_tree(folder: Path) -> None:
    """Remove a folder and all that is in it; links are removed, not followed."""
    if not folder.is_dir() or folder.is_symlink():
        return
    with translated():
        for path in list(folder.iterdir()):
            if path.is_dir() and not path.is_symlink():
                remove_tree(path)
            else:
                path.unlink(missing_ok=True)
        folder.rmdir()


def remove_temporary(folder: Path) -> int:
    """Remove what interrupted writes left in a folder; returns how many files that were."""
    if not folder.is_dir():
        return 0
    with translated():
        left = [path for path in folder.iterdir() if path.name.startswith(TEMPORARY)]
        for path in left:
            path.unlink(missing_ok=True)
    return len(left)


def sync_folder(folder: Path) -> None:
    """Make new names in a folder survive a power cut, where the system can do that."""
    if os.name != "posix":
        return
    with translated():
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError as error:
            if error.errno not in _NO_FOLDERS_SYNCED:
                raise
        finally:
            os.close(descriptor)


class FolderLock:
    """A lock on a vault's folder that one program holds and that ends with it, however it ends."""

    def __init__(self, path: Path) -> None:
        """Take the lock; raises `VaultLocked` if another program, or another window, has it."""
        self._path = path
        with translated():
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | _BINARY, 0o600)
        try:
            _lock(self._descriptor)
        except OSError as error:
            os.close(self._descriptor)
            if error.errno in _BUSY:
                raise VaultLocked("This vault is already open in another program.") from error
            raise explained(error) from error

    def expect_held(self) -> None:
        """Raise `VaultLocked` where the lock's file is gone or another one: then somebody else may
        hold that one."""
        if self._descriptor < 0:  # given back: nothing can be changed any more
            return
        with translated():
            own = os.fstat(self._descriptor)
            there = self._path.stat() if self._path.exists() else None
        if there is None or (own.st_dev, own.st_ino) != (there.st_dev, there.st_ino):
            raise VaultLocked(
                "The lock of this vault was removed: another program may have it open.",
                hint="Close the vault in every program, and open it again in one.",
            )

    def release(self) -> None:
        """Give the lock back; a second time does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)

if sys.platform == "win32":  # pragma: no cover
    import msvcrt

    _sync = os.fsync

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _sync(descriptor: int) -> None:
        if sys.platform == "darwin":  # there fsync leaves the data in the drive's cache
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
        else:
            os.fsync(descriptor)

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
