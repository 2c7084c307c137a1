"""Streams of frames and pages, made fit for Qt's decoder: one form from beginning to end, in order.

Promises that nothing which stands between the frames of an MP3 or AAC stream, or the pages of an
Ogg file, reaches the decoder, and that no stream changes its rate or its channels on the way.
Measured with Qt 6.12: where a stream goes from two channels to one, its decoder reads memory that
is not there and the process dies; where times go back, it loses blocks, other ones at every run.
Says whether something that was no tag had to be left out: then the recording is damaged.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TYPE_CHECKING

from app.engine.containers import Container, after_tag, mpeg_frame_length, mpeg_start
from app.engine.matroska import in_order
from app.errors import AudioUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_JUNK = 1 << 20  # bytes in which the next frame must stand
_TAGS = (b"ID3", b"TAG", b"APETAGEX", b"LYRICSBEGIN")
_IN_A_ROW = 3  # frames of another form that are a change, and no chance in damaged bytes
_NO_POSITION = (1 << 64) - 1
_FARTHEST = 48_000 * 3600  # samples that one page may be ahead of the one before: an hour


@dataclass(frozen=True, slots=True)
class Framed:
    """What may be decoded, one part after the other, and whether some of the recording had to be
    left out."""

    parts: tuple[bytes, ...] = field(repr=False)
    damaged: bool = False


def framed(data: bytes, container: Container) -> Framed:
    """Return what a decoder may be given; containers that are no stream come back as they are.

    Raises `AudioUnreadable` where the stream changes its form, or holds no frames.
    """
    if container is Container.OGG:
        return _ogg(data)
    if container is Container.WEBM:
        good = in_order(data)
        return Framed((data[:good],), good < len(data))
    if container not in (Container.MP3, Container.ADTS):
        return Framed((data,))
    start = mpeg_start(data) if container is Container.MP3 else None
    if start is not None:
        return _frames(data, start, mpeg_frame_length, _mpeg_form)
    start = after_tag(data)  # AAC, too, may begin with a tag
    if adts_frame_length(data[start : start + 7]):
        return _frames(data, start, adts_frame_length, _adts_form)
    raise AudioUnreadable(f"The file begins like {container.value.upper()}, but there is no sound.")


def adts_frame_length(header: bytes) -> int:
    """Return the length in bytes of the AAC frame with this header (ISO/IEC 13818-7, 6.2), 0 where
    it is none."""
    if len(header) < 7 or header[0] != 0xFF or header[1] & 0xF6 != 0xF0:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > 7 else 0


def _mpeg_form(header: bytes) -> tuple[int, ...]:
    """Version and layer, rate, whether there is one channel."""
    return header[1] & 0x1E, header[2] & 0x0C, header[3] >> 6 == 3


def _adts_form(header: bytes) -> tuple[int, ...]:
    """Version, profile with rate, channels."""
    return header[1] & 0x08, header[2] & 0xFD, header[3] & 0xC0


def _frames(
    data: bytes,
    start: int,
    length_of: Callable[[bytes], int],
    form_of: Callable[[bytes], tuple[int, ...]],
) -> Framed:
    """Join the runs of frames that have the form of the first one."""
    form = form_of(data[start : start + 7])
    kept: list[bytes] = []
    damaged = False
    at: int | None = start
    while at is not None:
        begin = at
        length = length_of(data[at : at + 7])
        while length and form_of(data[at : at + 7]) == form:
            at += length
            length = length_of(data[at : at + 7])
        kept.append(data[begin:at])
        behind = _next(data, at, length_of, form_of, form)
        # where nothing follows, less than a frame is padding, or the frame that `cut_off` misses
        least = 0 if behind is not None else at - begin and length_of(data[start : start + 7])
        between = data[at:behind]
        damaged |= len(between) > least and not _harmless(between)
        at = behind
    return Framed((b"".join(kept),), damaged)


def _next(
    data: bytes,
    at: int,
    length_of: Callable[[bytes], int],
    form_of: Callable[[bytes], tuple[int, ...]],
    form: tuple[int, ...],
) -> int | None:
    """Find the next place at which two frames of this form follow each other."""
    begin = at + (after_tag(data[at : at + 10]) if data[at : at + 3] == b"ID3" else 0)
    end = begin + _MOST_JUNK
    at = data.find(b"\xff", begin, end)
    while at != -1:
        forms = _row(data, at, length_of, form_of)
        if forms[:2] == [form, form]:
            return at
        if len(forms) == _IN_A_ROW and len(set(forms)) == 1 and forms[0] != form:
            raise AudioUnreadable("The recording changes its rate or its channels on the way.")
        at = data.find(b"\xff", at + 1, end)
    return None


def _row(
    data: bytes,
    at: int,
    length_of: Callable[[bytes], int],
    form_of: Callable[[bytes], tuple[int, ...]],
) -> list[tuple[int, ...]]:
    """Return the forms of the frames that follow each other from here, a few of them."""
    forms: list[tuple[int, ...]] = []
    while len(forms) < _IN_A_ROW and (length := length_of(data[at : at + 7])):
        forms.append(form_of(data[at : at + 7]))
        at += length
    return forms


def _harmless(between: bytes) -> bool:
    """Whether it is a tag or padding."""
    return between.startswith(_TAGS) or not between.strip(b"\0")


class _Place(Enum):
    NEXT = auto()
    LATER = auto()  # pages before it are missing
    ELSEWHERE = auto()  # it was there before, or belongs to nothing


@dataclass(slots=True)
class _Stream:
    """How far a logical stream of an Ogg file has come."""

    sequence: int
    position: int = 0
    ended: bool = False


def _ogg(data: bytes) -> Framed:
    """Keep the pages that follow each other (RFC 3533, 6): none twice, none from before. A file of
    several recordings one after the other is taken apart, because their times begin anew."""
    links: list[list[bytes]] = []
    streams: dict[bytes, _Stream] = {}
    damaged, began = False, True
    at = data.find(b"OggS")
    while at != -1 and at + 27 <= len(data):
        body = at + 27 + data[at + 26]
        end = body + sum(data[at + 27 : body])
        if end > len(data):  # cut off: `cut_off` says so
            break
        begins = bool(data[at + 5] & 2)
        if begins and (not began or not links):
            links.append([])
            streams.clear()
        place = _place(streams, data[at:body])
        damaged |= place is not _Place.NEXT
        if place is not _Place.ELSEWHERE:
            links[-1].append(data[at:end])
        began = begins
        behind = data.find(b"OggS", end)
        damaged |= behind > end and not _harmless(data[end:behind])
        at = behind
    return Framed(tuple(b"".join(link) for link in links), damaged)


def _place(streams: dict[bytes, _Stream], header: bytes) -> _Place:
    """Say where a page stands in its stream, and note how far that has come."""
    begins, ends = bool(header[5] & 2), bool(header[5] & 4)
    position = int.from_bytes(header[6:14], "little")
    serial, sequence = header[14:18], int.from_bytes(header[18:22], "little")
    stream = streams.get(serial)
    if begins and stream is None:
        streams[serial] = _Stream(sequence, ended=ends)
        return _Place.NEXT
    if begins or stream is None or stream.ended or sequence <= stream.sequence:
        return _Place.ELSEWHERE
    if position != _NO_POSITION:
        ahead = position - stream.position
        if ahead < 0 or (stream.position and ahead > _FARTHEST):
            return _Place.ELSEWHERE
        stream.position = position
    place = _Place.NEXT if sequence == stream.sequence + 1 else _Place.LATER
    stream.sequence, stream.ended = sequence, ends
    return place
