"""Sealed objects: bytes that are whole, unchanged, in their own place, or refused.

One format for everything that is sealed, from a key of 32 bytes to hours of audio; described byte
for byte in resources/documents/formats.md. The content is cut into chunks of 1 MiB, each sealed
with AES-256-GCM under a key of the object's own (HKDF-SHA256 over the given key and a random salt),
with the chunk's number and whether it is the last one in the nonce, and the header, the purpose and
the subject as associated data. So a changed bit, a chunk cut off, swapped, doubled or appended, and
an object passed off as another all raise `SealBroken`. The construction is that of streaming AEAD
with derived keys (Hoang, Reyhanitabar, Rogaway and Vizár 2015; the same as in Tink).
"""

from __future__ import annotations

import hashlib
import hmac
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.errors import SealBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

CHUNK_BYTES = 1 << 20
KEY_BYTES = 32
MARK_BYTES = 32
_MAGIC = b"AISEAL\x00"
_VERSION = 1
HEADER_BYTES = len(_MAGIC) + 1 + MARK_BYTES
_TAG_BYTES = 16


@dataclass(frozen=True, slots=True)
class Binding:
    """What a sealed object is for and whose it is: it opens under the same binding only."""

    purpose: str
    subject: str

    def encoded(self) -> bytes:
        """Return both names, each behind its length, so that no two bindings look alike."""
        names = (self.purpose.encode(), self.subject.encode())
        return b"".join(len(name).to_bytes(4, "big") + name for name in names)


def derive(key: bytes, label: str, *, salt: bytes | None = None) -> bytes:
    """Return the key of 32 bytes that HKDF-SHA256 makes of a key for a label."""
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=salt, info=label.encode())
    return hkdf.derive(key)


def keyed_digest(key: bytes, *parts: bytes) -> bytes:
    """Return HMAC-SHA256 over the parts, each behind its length."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        mac.update(len(part).to_bytes(4, "big") + part)
    return mac.digest()


def seal(plain: Iterable[bytes], key: bytes, binding: Binding) -> Iterator[bytes]:
    """Yield the sealed object of content that comes in pieces of any size: first its header."""
    header = _MAGIC + bytes([_VERSION]) + os.urandom(MARK_BYTES)
    cipher, context = _cipher(key, header, binding)
    yield header
    for number, (chunk, final) in enumerate(_last_marked(_rechunked(plain))):
        yield cipher.encrypt(_nonce(number, final=final), chunk, context)


def unseal(sealed: BinaryIO, key: bytes, binding: Binding) -> Iterator[bytes]:
    """Yield the content in chunks of up to 1 MiB, each proven before it is given out.

    That nothing is missing at the end is known at the end: use no part of the content as a whole
    before the iterator has ended without `SealBroken`.
    """
    header = sealed.read(HEADER_BYTES)
    check_header(header)
    cipher, context = _cipher(key, header, binding)
    blocks = iter(lambda: sealed.read(CHUNK_BYTES + _TAG_BYTES), b"")
    number = -1
    for number, (block, final) in enumerate(_last_marked(blocks)):
        try:
            chunk = cipher.decrypt(_nonce(number, final=final), block, context)
        except InvalidTag as error:
            raise _broken() from error
        yield chunk
    if number < 0:
        raise _broken()


def seal_bytes(plain: bytes, key: bytes, binding: Binding) -> bytes:
    """Return the sealed object of content that is at hand."""
    return b"".join(seal([plain], key, binding))


def unseal_bytes(sealed: bytes, key: bytes, binding: Binding) -> bytes:
    """Return the content of a sealed object, all of it or `SealBroken`."""
    return b"".join(unseal(io.BytesIO(sealed), key, binding))


def check_header(header: bytes) -> bytes:
    """Return the mark in a sealed object's header: random, and unlike that of every other."""
    if len(header) != HEADER_BYTES or not header.startswith(_MAGIC):
        raise _broken()
    if header[len(_MAGIC)] != _VERSION:
        raise SealBroken(
            "A sealed file is in a format that this version does not know.",
            hint="Install the newest version of AutoInsights.",
        )
    return header[-MARK_BYTES:]


def _cipher(key: bytes, header: bytes, binding: Binding) -> tuple[AESGCM, bytes]:
    context = header + binding.encoded()
    hkdf = HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=header[-MARK_BYTES:], info=context)
    return AESGCM(hkdf.derive(key)), context


def _nonce(number: int, *, final: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([final])


def _rechunked(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut into chunks of exactly 1 MiB but the last; no content is one empty chunk."""
    held = bytearray()
    empty = True
    for piece in pieces:
        held += piece
        while len(held) >= CHUNK_BYTES:
            empty = False
            yield bytes(held[:CHUNK_BYTES])
            del held[:CHUNK_BYTES]
    if held or empty:
        yield bytes(held)


def _last_marked(items: Iterable[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Pair each item with whether it is the last one."""
    ahead: bytes | None = None
    for item in items:
        if ahead is not None:
            yield ahead, False
        ahead = item
    if ahead is not None:
        yield ahead, True


def _broken() -> SealBroken:
    return SealBroken("A sealed file was changed, cut short, or put in the place of another.")
