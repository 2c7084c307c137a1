"""Whether a recording was cut off, told from its container without decoding it.

Promises that a file which is called cut off lacks bytes that its own structure promises: a frame,
page, box or chunk that reaches beyond the end of the file, a length in the header that is not
there, or an end mark that was never written. Where a container tells nothing of its end, nothing is
claimed: what is then missing shows only when it is decoded.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from app.engine.containers import Container, mpeg_frame_length, mpeg_start
from app.engine.matroska import elements

if TYPE_CHECKING:
    from collections.abc import Callable

_FEW_BYTES = 16  # padding that a writer counted and left out
_ENDLESS = frozenset({0, 0x7FFFFFFF, 0xFFFFFFFF, (1 << 64) - 1})  # written before it was known
_AMR_NARROW = (12, 13, 15, 17, 19, 20, 26, 31, 5, 6, 5, 5, 0, 0, 0, 0)  # RFC 4867, in bytes
_AMR_WIDE = (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, 5, 0, 0, 0, 0, 0)


def cut_off(data: bytes, container: Container) -> bool:
    """Return whether the file ends before its container says that it should.

    WAV is not looked at here: its header is read anyway, see `Wav.truncated`.
    """
    look = _LOOKS.get(container)
    try:
        return look is not None and look(data)
    except (struct.error, IndexError):  # it ends in the middle of a header
        return True


def _ogg(data: bytes) -> bool:
    """Whether a page is cut, or a stream has no last page (RFC 3533)."""
    at, open_streams = 0, set()
    while at != -1 and at < len(data):
        if data[at : at + 4] != b"OggS":  # damaged: go on with the next page
            at = data.find(b"OggS", at + 1)
            continue
        flags, serial, segments = data[at + 5], data[at + 14 : at + 18], data[at + 26]
        body = at + 27 + segments
        end = body + sum(data[at + 27 : body])
        if end > len(data):
            return True
        open_streams.discard(serial) if flags & 4 else open_streams.add(serial)
        at = end
    return bool(open_streams)


def _mp3(data: bytes) -> bool:
    """Whether the last frame is cut, or fewer bytes are there than a Xing header counts."""
    at = mpeg_start(data)
    if at is None:
        return False
    length = mpeg_frame_length(data[at : at + 4])
    head = data[at : at + length]
    for mark in (b"Xing", b"Info"):
        place = head.find(mark, 0, 64)
        if place != -1 and head[place + 7] & 3 == 3:  # it counts frames and bytes
            (counted,) = struct.unpack_from(">I", head, place + 12)
            return bool(at + counted > len(data) + length)
    while length:
        at += length
        if at > len(data):
            return True
        length = mpeg_frame_length(data[at : at + 4])
    return False


def _adts(data: bytes) -> bool:
    at = 0
    while data[at : at + 1] == b"\xff" and at + 6 < len(data):
        length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
        if length < 7:
            return False
        at += length
    return at > len(data)


def _amr(data: bytes) -> bool:
    wide = data.startswith(b"#!AMR-WB\n")
    sizes = _AMR_WIDE if wide else _AMR_NARROW
    at = 9 if wide else 6
    while at < len(data):
        at += 1 + sizes[data[at] >> 3 & 15]
    return at > len(data)


def _mp4(data: bytes) -> bool:
    """Whether a box reaches beyond the end, or the index of the sound was never written."""
    at, kinds = 0, set()
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        kinds.add(kind)
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, at + 8)
        elif size == 0:  # to the end of the file
            size = len(data) - at
        if size < 8:
            return False
        at += size
    return at > len(data) + _FEW_BYTES or (b"mdat" in kinds and b"moov" not in kinds)


def _webm(data: bytes) -> bool:
    """Whether an element of the segment, or of a cluster, reaches beyond the end."""
    return any(element.end > len(data) for element in elements(data))


def _aiff(data: bytes) -> bool:
    (size,) = struct.unpack_from(">I", data, 4)
    return _lacks(data, 8, size)


def _au(data: bytes) -> bool:
    start, size = struct.unpack_from(">II", data, 4)
    return _lacks(data, start, size)


def _w64(data: bytes) -> bool:
    (size,) = struct.unpack_from("<Q", data, 16)
    return _lacks(data, 0, size)


def _caf(data: bytes) -> bool:
    at = 8
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">Q", data, at + 4)
        if _lacks(data, at + 12, size):
            return True
        at += 12 + (len(data) if size in _ENDLESS else size)
    return False


def _lacks(data: bytes, start: int, size: int) -> bool:
    return size not in _ENDLESS and start + size > len(data) + _FEW_BYTES


_LOOKS: dict[Container, Callable[[bytes], bool]] = {
    Container.OGG: _ogg,
    Container.MP3: _mp3,
    Container.ADTS: _adts,
    Container.AMR: _amr,
    Container.MP4: _mp4,
    Container.WEBM: _webm,
    Container.AIFF: _aiff,
    Container.AU: _au,
    Container.W64: _w64,
    Container.CAF: _caf,
}
