"""Blocks of bytes in a temporary file that nobody else can read: what memory should not hold.

Promises that nothing of what is kept reaches a disk in the clear, that only this object can read
it, and that a block comes back as it was written last or not at all. The key is made here and is
nowhere else, so that the file is noise as soon as the process is gone, however it went; the file
has no name, or is deleted by the system when it is closed. Hides AES-256-GCM (`cryptography`), the
nonces, which stay in memory, and the folder.
"""

from __future__ import annotations

import errno
import os
import sys
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.errors import TemporaryFileFailed

if TYPE_CHECKING:
    from typing import IO

_TAG_BYTES = 16
_NONCE_BYTES = 12
# made for what is large; on many systems /tmp is memory, of which nothing would be saved
_FOR_LARGE_FILES: Final = Path("/var/tmp")  # noqa: S108
_NAMED_BY = ("TMPDIR", "TEMP", "TMP")
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Spool:
    """Numbered blocks of at most so many bytes each.

    Whatever the file does not do raises `TemporaryFileFailed`; so does a block that is not as it
    was written.
    """

    def __init__(self, block_bytes: int) -> None:
        """Open the file and make its key."""
        self._slot_bytes = block_bytes + _TAG_BYTES
        self._cipher = AESGCM(AESGCM.generate_key(bit_length=256))
        self._writes = 0
        # by block, the nonce and the length of what was written last: what somebody puts back from
        # before, or from another place of the file, does not fit
        self._written: dict[int, tuple[bytes, int]] = {}
        try:
            self._file: IO[bytes] = tempfile.TemporaryFile(buffering=0, dir=_folder())  # noqa: SIM115
        except OSError as error:
            raise _failed(error) from error
        weakref.finalize(self, self._file.close)

    def write(self, number: int, block: bytes | memoryview) -> None:
        """Keep a block, in the place of what it was before."""
        nonce = self._writes.to_bytes(_NONCE_BYTES, "big")  # never the same again under this key
        self._writes += 1
        sealed = memoryview(self._cipher.encrypt(nonce, block, None))
        self._written[number] = nonce, len(sealed)
        try:
            self._file.seek(number * self._slot_bytes)
            while sealed:
                sealed = sealed[self._file.write(sealed) :]
        except OSError as error:
            raise _failed(error) from error

    def read(self, number: int) -> bytes:
        """Return a block as it was written last; raises `KeyError` for one that never was."""
        nonce, length = self._written[number]
        sealed = bytearray()
        try:
            self._file.seek(number * self._slot_bytes)
            while part := self._file.read(length - len(sealed)):
                sealed += part
            return self._cipher.decrypt(nonce, sealed, None)
        except OSError as error:
            raise _failed(error) from error
        except InvalidTag as error:
            raise TemporaryFileFailed(
                "What was read back from a temporary file is not what was written to it.",
                hint="Retry the call. If it fails again, the disk is damaged or another program"
                " writes to its files.",
            ) from error


def _folder() -> Path | None:
    """Return the folder for large files; `None` where the system's own choice is to be taken."""
    chosen = any(os.environ.get(name) for name in _NAMED_BY)
    if chosen or sys.platform == "win32" or not os.access(_FOR_LARGE_FILES, os.W_OK | os.X_OK):
        return None
    return _FOR_LARGE_FILES


def _failed(error: OSError) -> TemporaryFileFailed:
    if error.errno in _NO_ROOM:
        return TemporaryFileFailed("The folder for temporary files has no room for a long call.")
    reason = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return TemporaryFileFailed(f"The folder for temporary files cannot be used ({reason}).")
