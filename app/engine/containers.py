"""What a recording's bytes are, told from the bytes and never from the name.

Promises that only well-known audio containers reach a decoder: a play list, an archive or a text
that is called `.wav` is refused here, so that no decoder can be talked into opening another file.
Hides the magic numbers and the repair of the WAV headers that streaming recorders leave unfinished.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from app.errors import AudioUnreadable

if TYPE_CHECKING:
    from app.engine.aside import Aside


class Container(StrEnum):
    """The containers that are read."""

    WAV = "wav"
    FLAC = "flac"
    OGG = "ogg"
    MP3 = "mp3"
    MP4 = "mp4"
    WEBM = "webm"
    AMR = "amr"
    ADTS = "aac"
    AIFF = "aiff"
    AU = "au"
    CAF = "caf"
    W64 = "w64"


_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_MPEG_BITRATES = {  # kbit/s by (version 1?, layer), ISO/IEC 11172-3 and 13818-3
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_RATES = (44100, 48000, 32000)
_UNKNOWN = "of an unknown kind"
_G722 = 0x028F  # mmreg.h, WAVE_FORMAT_ADPCM_G722
_MPEG_SEARCH = 8192  # bytes in which the first frame of a bare MP3 must stand


def sniff(data: bytes) -> Container:
    """Name the container of `data`; `AudioUnreadable` for anything that is no known recording."""
    found = _by_magic(data)
    if found is None and mpeg_start(data) is not None:
        found = Container.MP3
    if found is None:
        raise AudioUnreadable(f"The file is {_guess(data)}, not a recording in a known format.")
    return found


def unwrapped(data: bytes, suffix: str) -> bytes:
    """Return a bare G.722 stream (64 kbit/s, one channel) as a WAV file, anything else unchanged.

    Such a stream has no mark of its own: here, and only here, the end of the file's name counts,
    and only for what looks like nothing that is known.
    """
    if suffix.lower() != ".g722" or not data or _by_magic(data) or mpeg_start(data) is not None:
        return data
    if _guess(data) != _UNKNOWN or len(data) > 0xFFFFFF00:
        return data
    form = struct.pack("<HHIIHHH", _G722, 1, 16_000, 8_000, 1, 4, 0)
    body = b"WAVEfmt " + struct.pack("<I", len(form)) + form
    body += b"data" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _by_magic(data: bytes) -> Container | None:
    head = data[:16]
    if head[:4] in (b"RIFF", b"RF64", b"BW64") and head[8:12] == b"WAVE":
        return Container.WAV
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return Container.AIFF
    if head[4:8] == b"ftyp":
        return Container.MP4
    if head[:2] in (b"\xff\xf1", b"\xff\xf9") and len(data) > 7:
        return Container.ADTS
    starts = {
        b"fLaC": Container.FLAC,
        b"OggS": Container.OGG,
        b"ID3": Container.MP3,
        b"\x1a\x45\xdf\xa3": Container.WEBM,
        b"#!AMR\n": Container.AMR,
        b"#!AMR-WB\n": Container.AMR,
        b".snd": Container.AU,
        b"caff": Container.CAF,
        _W64: Container.W64,
    }
    return next((kind for magic, kind in starts.items() if head.startswith(magic)), None)


def mpeg_start(data: bytes) -> int | None:
    """Find the first MPEG audio frame that a second one follows at the length it gives."""
    begin = after_tag(data)
    at = data.find(b"\xff", begin, begin + _MPEG_SEARCH)
    while at != -1:
        length = mpeg_frame_length(data[at : at + 4])
        if length and mpeg_frame_length(data[at + length : at + length + 4]):
            return at
        at = data.find(b"\xff", at + 1, begin + _MPEG_SEARCH)
    return None


def after_tag(data: bytes) -> int:
    """Return where the ID3v2 tag ends that a file may begin with (id3.org, 2.4.0, 3.1)."""
    if not data.startswith(b"ID3") or len(data) < 10:
        return 0
    size = 0
    for seven_bits in data[6:10]:
        size = size << 7 | seven_bits & 0x7F
    return 10 + size + (10 if data[5] & 0x10 else 0)


def mpeg_frame_length(header: bytes) -> int:
    """Return the length in bytes of the frame with this header, 0 where it is none."""
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return 0
    version, layer = (header[1] >> 3) & 3, 4 - ((header[1] >> 1) & 3)
    bitrate, rate, padding = header[2] >> 4, (header[2] >> 2) & 3, (header[2] >> 1) & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return 0
    hertz = _MPEG_RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
    bits = _MPEG_BITRATES[(version == 3, layer)][bitrate] * 1000
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    samples = 144 if layer == 2 or version == 3 else 72
    return samples * bits // hertz + padding


def _guess(data: bytes) -> str:
    """Say in words what a file that is no recording looks like."""
    known = (
        (b"PK\x03\x04", "an archive or an office document"),
        (b"\x1f\x8b", "an archive"),
        (b"7z\xbc\xaf", "an archive"),
        (b"\xff\xd8\xff", "a picture"),
        (b"\x89PNG", "a picture"),
        (b"GIF8", "a picture"),
        (b"%PDF", "a document"),
        (b"MZ", "a program"),
        (b"\x7fELF", "a program"),
    )
    for magic, words in known:
        if data.startswith(magic):
            return words
    head = data[:512]
    if head.lstrip()[:1] == b"<":
        return "a web page or another text"
    printable = sum(32 <= byte < 127 or byte in (9, 10, 13) for byte in head)
    return "a text" if printable >= 0.95 * len(head) else _UNKNOWN


@dataclass(frozen=True, slots=True)
class Wav:
    """A WAV file's header: where the sound stands, how much of it there is, how much was
    promised."""

    format_tag: int
    channels: int
    rate_hz: int
    bytes_per_second: int
    block_align: int
    data_start: int
    data_size: int
    promised_size: int | None  # None where the recorder never wrote the length

    @property
    def truncated(self) -> bool:
        """Whether clearly less sound is there than the header promises (more than a tenth of a
        second)."""
        if self.promised_size is None:
            return False
        tenth = max(self.block_align, self.bytes_per_second // 10)
        return self.promised_size - self.data_size > tenth


def is_wav(data: bytes | Aside) -> bool:
    """Whether it begins like a WAV file."""
    return _by_magic(data[:16]) is Container.WAV


def read_wav(data: bytes | Aside) -> Wav | None:
    """Read the header of a RIFF, RF64 or BW64 file; `None` where it has no format or no sound
    chunk."""
    at, fmt, long_size = 12, None, None
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int(struct.unpack("<I", data[at + 4 : at + 8])[0])
        body = at + 8
        if name == b"ds64" and body + 16 <= len(data):
            long_size = int(struct.unpack("<Q", data[body + 8 : body + 16])[0])
        elif name == b"fmt " and size >= 16 and body + 16 <= len(data):
            fmt = struct.unpack("<HHIIHH", data[body : body + 16])
            if fmt[0] == 0xFFFE and body + 26 <= len(data):  # extensible: the real tag follows
                fmt = (*struct.unpack("<H", data[body + 24 : body + 26]), *fmt[1:])
        elif name == b"data":
            return _wav(fmt, body, len(data) - body, size, long_size) if fmt else None
        at = body + size + (size & 1)
    return None


def _wav(
    fmt: tuple[int, ...], start: int, present: int, size: int, long_size: int | None
) -> Wav | None:
    tag, channels, rate, bytes_per_second, align, _ = fmt
    if not channels or not rate or not align:
        return None
    promised: int | None = size
    if size == 0xFFFFFFFF and long_size:
        promised = long_size
    elif size >= 0x7FFFF000 or (size == 0 and present > align):
        promised = None  # written before the length was known and never completed
    there = present if promised is None else min(present, promised)
    return Wav(
        format_tag=tag,
        channels=channels,
        rate_hz=rate,
        bytes_per_second=bytes_per_second,
        block_align=align,
        data_start=start,
        data_size=there - there % align,
        promised_size=promised,
    )


def repaired_wav(data: bytes, wav: Wav) -> bytes:
    """Return `data` with lengths that say what is there; the same object where nothing is
    wrong."""
    head = repaired_head(data, wav)
    return data if head is None else head + data[wav.data_start : wav.data_start + wav.data_size]


def repaired_head(data: bytes | Aside, wav: Wav) -> bytes | None:
    """Return what stands before the sound with lengths that say what is there; `None` where
    nothing is wrong."""
    end = wav.data_start + wav.data_size
    if wav.promised_size == wav.data_size or data[:4] != b"RIFF" or end > 0xFFFFFFF0:
        return None
    head = bytearray(data[: wav.data_start])
    head[4:8] = struct.pack("<I", end - 8)
    head[-4:] = struct.pack("<I", wav.data_size)
    return bytes(head)
