"""The first page of a damaged database, put back where it is lost.

It begins with the salt under which every page proves itself, and leads to the pages that say where
each table lies. The salt of a new database follows from its key, so that it is known without the
file; where the rest is lost as well, the first page of an empty database is taken instead, which
leads to the same pages: they lie where they were put when the vault was made, and prove themselves
like all others. So nothing is read that was not written: where a page is not what it is taken for,
nothing can be read at all. See formats.md, "Database".
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from app.storage import files, schema
from app.storage.database import Database
from app.storage.pages import PAGE_BYTES, SALT_BYTES, PageSeal, page_salt

if TYPE_CHECKING:
    from pathlib import Path

_PAGE_COUNT = slice(28 - SALT_BYTES, 32 - SALT_BYTES)
_FREE_PAGES = slice(32 - SALT_BYTES, 40 - SALT_BYTES)
_KIND = 100 - SALT_BYTES
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
    seals = [PageSeal(key, salt) for salt in (found[:SALT_BYTES], page_salt(key))]
    for seal in seals:
        if seal.proves(found, 1):
            return seal.salt + found[SALT_BYTES:]
    for seal in seals:
        if any(seal.proves(page, number) for number, page in enumerate(rest, 2)):
            return _of_an_empty_one(seal, scratch, pages, steps) or found
    return found


def _of_an_empty_one(seal: PageSeal, scratch: Path, pages: int, steps: int) -> bytes | None:
    """Return the first page that a vault of so many pages had, made out of an empty one's."""
    try:
        empty = Database.created(scratch, seal.key, seal.salt)
        try:
            schema.upgrade(empty, fresh=True, backup=lambda _: None, steps=schema.STEPS[:steps])
            empty.checkpoint()
        finally:
            empty.close()
        with scratch.open("rb") as file:
            content = bytearray(seal.opened(file.read(PAGE_BYTES), 1))
    finally:
        for part in scratch.parent.glob(f"{scratch.name}*"):
            with suppress(OSError):
                part.unlink()
    if content[_KIND] != _LEADS_ON:  # then it would say itself where the tables lie
        return None
    content[_PAGE_COUNT] = pages.to_bytes(4, "big")
    content[_FREE_PAGES] = bytes(8)
    return seal.sealed(bytes(content), 1)
