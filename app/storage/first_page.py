"""The first page of a damaged database, put back where it is lost.

It begins with the salt under which every page proves itself, and leads to the pages that say where
each table lies. The salt of a new database follows from its key, so that it is known without the
file; where the rest is lost as well, the first page of an empty database is taken instead, which
leads to the same pages: they lie where they were put when the vault was made, and prove themselves
like all others. So nothing is read that was not written: where a page is not what it is taken for,
nothing can be read at all. See formats.md, "Database".
"""

from __future__ import annotations

import hashlib
import hmac
import os
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.storage import files, schema
from app.storage.database import PAGE_BYTES, Database, page_salt

if TYPE_CHECKING:
    from pathlib import Path

_SALT_BYTES, _VECTOR_BYTES, _PROOF_BYTES = 16, 16, 64
_CONTENT_END = PAGE_BYTES - _VECTOR_BYTES - _PROOF_BYTES
_PAGE_COUNT = slice(28 - _SALT_BYTES, 32 - _SALT_BYTES)
_FREE_PAGES = slice(32 - _SALT_BYTES, 40 - _SALT_BYTES)
_KIND = 100 - _SALT_BYTES
_LEADS_ON = 5  # a page of a table that holds no rows, but leads to those that do
_TRIED_PAGES = 1000


def first_page(source: Path, key: bytes, scratch: Path, *, steps: int) -> bytes:
    """Return what is to be read as the first page of a database that nobody has open; as it is
    where it is whole, and where nothing can be done. `scratch` is where an empty database is made
    if one is needed, as it is after so many `steps` of the schema."""
    with files.translated(), source.open("rb") as file:
        found = file.read(PAGE_BYTES)
        if len(found) < PAGE_BYTES:
            return found
        rest = [page for _ in range(_TRIED_PAGES) if (page := file.read(PAGE_BYTES))]
        pages = source.stat().st_size // PAGE_BYTES
    seals = [_Seal(key, salt) for salt in (found[:_SALT_BYTES], page_salt(key))]
    for seal in seals:
        if seal.proves(found, 1):
            return seal.salt + found[_SALT_BYTES:]
    for seal in seals:
        if any(seal.proves(page, number) for number, page in enumerate(rest, 2)):
            return _of_an_empty_one(seal, scratch, pages, steps) or found
    return found


@dataclass(slots=True)
class _Seal:
    """How SQLCipher seals and proves the pages of a database with a key and a salt."""

    key: bytes = field(repr=False)
    salt: bytes
    proof_key: bytes = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Derive the key of the proofs."""
        salt = bytes(byte ^ 0x3A for byte in self.salt)
        self.proof_key = hashlib.pbkdf2_hmac("sha512", self.key, salt, 2, len(self.key))

    def proves(self, page: bytes, number: int) -> bool:
        """Return whether a page is as it was written, whatever stands in place of the salt."""
        return hmac.compare_digest(self._proof(page[:-_PROOF_BYTES], number), page[-_PROOF_BYTES:])

    def opened(self, page: bytes) -> bytes:
        """Return what stands in the first page behind the salt."""
        vector = page[_CONTENT_END:-_PROOF_BYTES]
        decryptor = Cipher(algorithms.AES(self.key), modes.CBC(vector)).decryptor()
        return decryptor.update(page[_SALT_BYTES:_CONTENT_END])

    def sealed(self, content: bytes) -> bytes:
        """Return a first page with a content."""
        vector = os.urandom(_VECTOR_BYTES)
        encryptor = Cipher(algorithms.AES(self.key), modes.CBC(vector)).encryptor()
        page = self.salt + encryptor.update(content) + vector
        return page + self._proof(page, 1)

    def _proof(self, page: bytes, number: int) -> bytes:
        covered = page[_SALT_BYTES:] if number == 1 else page
        return hmac.digest(self.proof_key, covered + number.to_bytes(4, "little"), "sha512")


def _of_an_empty_one(seal: _Seal, scratch: Path, pages: int, steps: int) -> bytes | None:
    """Return the first page that a vault of so many pages had, made out of an empty one's."""
    try:
        empty = Database.created(scratch, seal.key, seal.salt)
        try:
            schema.upgrade(empty, fresh=True, backup=lambda _: None, steps=schema.STEPS[:steps])
            empty.checkpoint()
        finally:
            empty.close()
        with scratch.open("rb") as file:
            content = bytearray(seal.opened(file.read(PAGE_BYTES)))
    finally:
        for part in scratch.parent.glob(f"{scratch.name}*"):
            with suppress(OSError):
                part.unlink()
    if content[_KIND] != _LEADS_ON:  # then it would say itself where the tables lie
        return None
    content[_PAGE_COUNT] = pages.to_bytes(4, "big")
    content[_FREE_PAGES] = bytes(8)
    return seal.sealed(bytes(content))
