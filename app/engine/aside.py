"""Bytes that a worker has and does not need now, or never at once: few stay in memory.

A recording that is read once from start to end, and the muted sound while it is proven, would take
as much memory as they are long. Promises the same bytes again. Hides the encrypted temporary file
in which the many lie (`spool.py`).
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from app.engine.spool import Spool
from app.errors import TemporaryFileFailed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from _typeshed import WriteableBuffer

PART_BYTES: Final = 1 << 20
"""How many bytes lie together."""

_FEW_BYTES = 8_000_000  # of muted sound, ten minutes of two channels


class Aside:
    """Bytes that are not needed for a while, or never at once: many of them lie in a file."""

    def __init__(self, parts: Iterable[bytes], *, in_memory_bytes: int = _FEW_BYTES) -> None:
        """Put them aside, all but the last part `PART_BYTES` long; raises as `Spool` does."""
        self._few: list[bytes] = []
        self._spool: Spool | None = None
        self._length = self._parts = 0
        self._latest = 0, b""
        for part in parts:
            self._length += len(part)
            if self._spool is None and self._length > in_memory_bytes:
                self._spool = Spool(PART_BYTES)
                for number, few in enumerate(self._few):
                    self._spool.write(number, few)
                self._few.clear()
            if self._spool is None:
                self._few.append(part)
            else:
                self._spool.write(self._parts, part)
            self._parts += 1

    @property
    def few(self) -> bool:
        """Whether they lie in memory."""
        return self._spool is None

    def __len__(self) -> int:
        return self._length

    def __getitem__(self, place: slice) -> bytes:
        start, end, _ = place.indices(self._length)
        first, last = start // PART_BYTES, -(-end // PART_BYTES)
        parts = (self._part(number) for number in range(first, last))
        return b"".join(parts)[start - first * PART_BYTES : end - first * PART_BYTES]

    def content(self) -> bytes:
        """Return all of them."""
        whole = io.BytesIO()  # `join` would have them twice, and a buffer that grows half as often
        if self._length:
            whole.seek(self._length - 1)
            whole.write(b"\0")
            whole.seek(0)
        for number in range(self._parts):
            whole.write(self._part(number))
        return whole.getvalue()

    def _part(self, number: int) -> bytes:
        if self._spool is None:
            return self._few[number]
        if self._latest[0] != number or not self._latest[1]:
            self._latest = number, self._spool.read(number)
        return self._latest[1]


class AsideFile(io.RawIOBase):
    """Bytes that were put aside, as a file to be read.

    `head` stands in the place of as many bytes at their start, and `end` is where they end. What
    cannot be read looks like the end of the file, because libraries that call back may not be given
    an exception: whoever has read asks `check` whether it was the end.
    """

    def __init__(self, kept: Aside, head: bytes = b"", end: int | None = None) -> None:
        """Begin at the start."""
        super().__init__()
        self._problem: TemporaryFileFailed | None = None
        self._kept, self._head = kept, head
        self._length = len(kept) if end is None else end
        self._at = 0

    def check(self) -> None:
        """Raise what happened to the file while it was read."""
        if self._problem is not None:
            raise self._problem

    def readable(self) -> bool:
        """It can be read."""
        return True

    def seekable(self) -> bool:
        """And in any order."""
        return True

    def tell(self) -> int:
        """Return where it stands."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Go somewhere; stay where a damaged header asks for what is before the start."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._length}[whence]
        if base + offset >= 0:
            self._at = base + offset
        return self._at

    def readinto(self, room: WriteableBuffer, /) -> int:
        """Read what there is room for, and return how much that was."""
        view = memoryview(room).cast("B")
        end = min(self._at + len(view), self._length)
        try:
            found = self._head[self._at : end] + self._kept[max(self._at, len(self._head)) : end]
        except TemporaryFileFailed as problem:
            self._problem = problem
            return 0
        view[: len(found)] = found
        self._at += len(found)
        return len(found)


def aside(content: bytes) -> Aside:
    """Put bytes aside that lie in memory."""
    return Aside(bytes(part) for part in parts_of(content))


def whole(content: bytes | Aside) -> bytes:
    """Return bytes that may have been put aside."""
    return content.content() if isinstance(content, Aside) else content


def parts_of(content: bytes) -> Iterator[memoryview]:
    """Yield bytes in parts of `PART_BYTES`, without copies; the last one is shorter, or empty."""
    for start in range(0, len(content) + 1, PART_BYTES):
        yield memoryview(content)[start : start + PART_BYTES]
