"""The pages of an encrypted database, one by one, for where some of them are damaged.

Promises that a page counts only where it proves itself, as SQLCipher proves it, and that a damaged
one stays damaged: what stands in it comes along under another key, and proves itself there no more
than before. SQLCipher itself gives a database in which a page is damaged no other key, and takes a
page of zeros for an empty one, which would be wrong data. See formats.md, "Database".
"""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.errors import VaultDamaged
from app.storage import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from typing import BinaryIO

PAGE_BYTES, SALT_BYTES = 4096, 16
_VECTOR_BYTES, _PROOF_BYTES = 16, 64
_CONTENT_END = PAGE_BYTES - _VECTOR_BYTES - _PROOF_BYTES
_UNREADABLE = b"\xff" * PAGE_BYTES
_LOCK_PAGE = (1 << 30) // PAGE_BYTES + 1  # SQLite never writes it: it locks bytes there
_MOST_GROWTH = 1000
_PIECE = 1 << 20


def page_salt(key: bytes) -> bytes:
    """Return the salt with which a database begins that is made with a key: so it is not lost with
    the file's first bytes. It is no secret, and tells nothing of the key."""
    return hmac.digest(key, b"autoinsights/2/page-salt", "sha256")[:SALT_BYTES]


@dataclass(slots=True)
class PageSeal:
    """How SQLCipher seals and proves the pages of a database with a key and a salt."""

    key: bytes = field(repr=False)
    salt: bytes
    _proof_key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the key of the proofs."""
        salt = bytes(byte ^ 0x3A for byte in self.salt)
        self._proof_key = hashlib.pbkdf2_hmac("sha512", self.key, salt, 2, len(self.key))

    def proves(self, page: bytes, number: int) -> bool:
        """Return whether a page is as it was written, whatever stands in place of the salt."""
        return hmac.compare_digest(self._proof(page[:-_PROOF_BYTES], number), page[-_PROOF_BYTES:])

    def opened(self, page: bytes, number: int) -> bytes:
        """Return what stands in a page, in the first one behind the salt; proven or not."""
        vector = page[_CONTENT_END:-_PROOF_BYTES]
        decryptor = Cipher(algorithms.AES(self.key), modes.CBC(vector)).decryptor()
        return decryptor.update(page[_begin(number) : _CONTENT_END])

    def sealed(self, content: bytes, number: int) -> bytes:
        """Return a page with a content."""
        vector = os.urandom(_VECTOR_BYTES)
        encryptor = Cipher(algorithms.AES(self.key), modes.CBC(vector)).encryptor()
        page = self.salt[: _begin(number)] + encryptor.update(content) + vector
        return page + self._proof(page, number)

    def _proof(self, page: bytes, number: int) -> bytes:
        covered = page[_begin(number) :] + number.to_bytes(4, "little")
        return hmac.digest(self._proof_key, covered, "sha512")


def encrypted_anew(file: BinaryIO, old: bytes, new: bytes) -> Iterator[bytes]:
    """Yield the pages of a database under another key, damaged ones as damaged as they were."""
    before, after = PageSeal(old, file.read(SALT_BYTES)), PageSeal(new, page_salt(new))
    file.seek(0)
    for number, page in _numbered(file):
        if number == _LOCK_PAGE:
            yield page
            continue
        moved = after.sealed(before.opened(page, number), number)
        yield moved if before.proves(page, number) else _spoilt(moved)


def copy_damaged(
    source: Path, target: Path, key: bytes, first: bytes, *, others: Iterable[bytes] = ()
) -> None:
    """Copy a damaged database that nobody has open, so that as much as possible can be read of it;
    `first` is what is to be read as its first page (`app.storage.first_page`).

    A page that proves itself under one of the `others`, between which and the key a change of keys
    was interrupted, is put under the key. Pages that are missing at the end, and those that are
    nothing but zeros, are filled with what proves to be no page.
    """
    own = PageSeal(key, first[:SALT_BYTES])
    strange = [PageSeal(other, page_salt(other)) for other in others]
    try:
        with source.open("rb") as file:
            files.create_private(target, _repaired(file, own, first, strange))
        copy_log(source, target)
    except FileNotFoundError as error:
        raise VaultDamaged("The vault's database is missing.") from error
    except OSError as error:
        raise files.explained(error) from error


def copy_as_it_is(source: Path, target: Path) -> None:
    """Copy a database that nobody has open, with its write-ahead log."""
    with files.translated(), source.open("rb") as file:
        files.create_private(target, _pieces(file))
    with files.translated():
        copy_log(source, target)


def copy_log(source: Path, target: Path) -> None:
    """Copy the write-ahead log of a database, where there is one."""
    log = source.with_name(f"{source.name}-wal")
    if log.is_file():
        with log.open("rb") as file:
            files.create_private(target.with_name(f"{target.name}-wal"), _pieces(file))


def _repaired(
    file: BinaryIO, own: PageSeal, first: bytes, strange: list[PageSeal]
) -> Iterator[bytes]:
    pages, wanted = 1, _page_count(own, first)
    yield first
    for number, page in _numbered(file):
        if number > 1:
            pages = number
            yield _put_under(own, page, number, strange) if any(page) else _UNREADABLE
    for _ in range(pages, min(wanted, pages * _MOST_GROWTH)):
        yield _UNREADABLE


def _put_under(own: PageSeal, page: bytes, number: int, strange: list[PageSeal]) -> bytes:
    if strange and not own.proves(page, number):
        for other in strange:
            if other.proves(page, number):
                return own.sealed(other.opened(page, number), number)
    return page


def _page_count(own: PageSeal, first: bytes) -> int:
    """Return how many pages the first one says that there are; see formats.md. What does not prove
    itself says nothing: any number could stand there."""
    if len(first) < PAGE_BYTES or not own.proves(first, 1):
        return 0
    return int.from_bytes(own.opened(first, 1)[12:16], "big")  # bytes 28 to 31 of the header


def _numbered(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield the pages of a database with their numbers; one that is cut off proves to be none."""
    number = 0
    while page := file.read(PAGE_BYTES):
        number += 1
        yield number, page if len(page) == PAGE_BYTES else _UNREADABLE


def _spoilt(page: bytes) -> bytes:
    """Return a page that does not prove itself."""
    return page[:-1] + bytes([page[-1] ^ 1])


def _begin(number: int) -> int:
    """Return where what is sealed begins in a page: the first one has the salt before it."""
    return SALT_BYTES if number == 1 else 0


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_PIECE), b"")
