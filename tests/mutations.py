"""Recordings of every form that is read, and damage done to them: the same again for one number.

What happens to recordings on their way (cut, overwritten, joined, wrongly headed) and what a person
who means harm would try (lengths that lie, containers in containers, chunks twice or in another
order). `damaged` draws one to three such mutations from a seed.
"""

from __future__ import annotations

import random
import struct
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.unit.engine.recordings import recording, tone

_GOLDEN = Path(__file__).parent / "golden" / "recordings"
_MADE = {
    "pcm-8.wav": ("WAV", "PCM_U8", 8000, 1),
    "pcm-16.wav": ("WAV", "PCM_16", 8000, 2),
    "pcm-24.wav": ("WAV", "PCM_24", 48000, 2),
    "float.wav": ("WAV", "FLOAT", 16000, 2),
    "double.wav": ("WAV", "DOUBLE", 8000, 1),
    "mu-law.wav": ("WAV", "ULAW", 8000, 2),
    "a-law.wav": ("WAV", "ALAW", 8000, 1),
    "ima.wav": ("WAV", "IMA_ADPCM", 8000, 2),
    "microsoft.wav": ("WAV", "MS_ADPCM", 11025, 2),
    "gsm.wav": ("WAV", "GSM610", 8000, 1),
    "extensible.wav": ("WAVEX", "PCM_16", 8000, 2),
    "rf64.wav": ("RF64", "PCM_16", 8000, 2),
    "pcm.w64": ("W64", "PCM_16", 8000, 2),
    "pcm.aiff": ("AIFF", "PCM_16", 8000, 2),
    "mu-law.au": ("AU", "ULAW", 8000, 1),
    "pcm.caf": ("CAF", "PCM_16", 8000, 2),
    "alac.caf": ("CAF", "ALAC_16", 8000, 2),
    "pcm-16.flac": ("FLAC", "PCM_16", 8000, 2),
    "pcm-24.flac": ("FLAC", "PCM_24", 44100, 1),
    "vorbis.ogg": ("OGG", "VORBIS", 8000, 2),
    "opus-8.ogg": ("OGG", "OPUS", 8000, 1),
    "layer-3.mp3": ("MP3", "MPEG_LAYER_III", 44100, 1),
}
_LYING = (0, 1, 2, 7, 0x7F, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFE, 0xFFFFFFFF)
_TAGS = (0, 1, 2, 3, 6, 7, 0x11, 0x31, 0x45, 0x50, 0x55, 0x64, 0xFF, 0x028F, 0x1610, 0xFFFE, 0xFFFF)
_RATES = (0, 1, 3999, 8000, 44100, 384_000, 384_001, 0x7FFFFFFF, 0xFFFFFFFF)


@dataclass(frozen=True, slots=True)
class Damaged:
    """A damaged recording: `number` of `seed` makes it again."""

    number: int
    source: str
    kinds: tuple[str, ...]
    content: bytes

    @property
    def suffix(self) -> str:
        """The end of the name that it would have."""
        return Path(self.source).suffix


@cache
def recordings(seconds: float = 0.6) -> dict[str, bytes]:
    """Return one recording of every form by its name; those made on the spot last `seconds`."""
    found = {path.name: path.read_bytes() for path in sorted(_GOLDEN.iterdir())}
    for name, (container, subtype, rate_hz, channels) in _MADE.items():
        sound = tone(seconds, rate_hz, channels)
        found[name] = recording(sound, rate_hz, container=container, subtype=subtype)
    g722 = found["g722.wav"]
    found["bare.g722"] = g722[g722.index(b"data") + 8 :]
    return found


def damaged(seed: int, number: int, *, seconds: float = 0.6) -> Damaged:
    """Return a recording with one to three mutations."""
    chance = random.Random(f"{seed}-{number}")
    known = recordings(seconds)
    name = sorted(known)[number % len(known)]
    content, kinds = known[name], []
    for _ in range(chance.choice((1, 1, 2, 3))):
        kind = chance.choice(tuple(KINDS))
        content = KINDS[kind](content, chance)
        kinds.append(kind)
    return Damaged(number, name, tuple(kinds), content)


def _flip_bits(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    for _ in range(chance.choice((1, 2, 8, 40)) if content else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _overwrite(content: bytes, chance: random.Random) -> bytes:
    """Replace a run by noise, zeroes or ones."""
    length = chance.choice((1, 4, 30, 200, 2000))
    run = chance.choice((bytes(length), b"\xff" * length, chance.randbytes(length)))
    at = _place(content, chance)
    return (content[:at] + run + content[at + length :])[: max(len(content), 1)]


def _cut(content: bytes, chance: random.Random) -> bytes:
    return content[: _place(content, chance)]


def _cut_in_the_header(content: bytes, chance: random.Random) -> bytes:
    return content[: chance.randrange(0, 120)]


def _behead(content: bytes, chance: random.Random) -> bytes:
    return content[chance.randrange(1, 200) :]


def _insert(content: bytes, chance: random.Random) -> bytes:
    at = _place(content, chance)
    return content[:at] + chance.randbytes(chance.choice((1, 3, 50))) + content[at:]


def _lie_in_the_header(content: bytes, chance: random.Random) -> bytes:
    """Write a number that lies over a field near the start, in either order of bytes."""
    form = chance.choice(("<B", "<H", ">H", "<I", ">I", "<Q", ">Q"))
    most = (1 << 8 * struct.calcsize(form)) - 1
    return _written(content, chance.randrange(0, 128), form, chance.choice(_LYING) & most)


def _lie_in_the_format(content: bytes, chance: random.Random) -> bytes:
    """Change a field of a WAV's format: tag, channels, rate, bytes a second, block, bits."""
    at = content.find(b"fmt ")
    if at == -1:
        return _lie_in_the_header(content, chance)
    field, form, values = chance.choice(
        (
            (8, "<H", _TAGS),
            (10, "<H", (0, 1, 2, 3, 8, 9, 255, 1024, 65535)),
            (12, "<I", _RATES),
            (16, "<I", _LYING),
            (20, "<H", (0, 1, 2, 3, 65, 256, 65535)),
            (22, "<H", (0, 1, 4, 8, 16, 24, 32, 64, 65535)),
        )
    )
    return _written(content, at + field, form, chance.choice(values))


def _lie_about_lengths(content: bytes, chance: random.Random) -> bytes:
    """Make a chunk, box or page claim another length."""
    parts = _parts(content)
    if len(parts) < 2:
        return _lie_in_the_header(content, chance)
    at = sum(len(part) for part in parts[: chance.randrange(1, len(parts))])
    form = chance.choice(("<I", ">I", "<Q", ">Q"))
    most = (1 << 8 * struct.calcsize(form)) - 1
    value = chance.choice((*_LYING, len(content), len(content) + 1, 1 << 60)) & most
    return _written(content, at + chance.choice((0, 4, 4, 4, 16, 26)), form, value)


def _shuffle(content: bytes, chance: random.Random) -> bytes:
    head, *rest = _parts(content)
    chance.shuffle(rest)
    return b"".join((head, *rest))


def _double(content: bytes, chance: random.Random) -> bytes:
    parts = _parts(content)
    at = chance.randrange(len(parts))
    return b"".join((*parts[: at + 1], *[parts[at]] * chance.choice((1, 2, 20)), *parts[at + 1 :]))


def _lose(content: bytes, chance: random.Random) -> bytes:
    parts = _parts(content)
    del parts[chance.randrange(len(parts))]
    return b"".join(parts)


def _splice(content: bytes, chance: random.Random) -> bytes:
    """Go on with another recording in the middle."""
    other = chance.choice(sorted(recordings().items()))[1]
    return content[: _place(content, chance)] + other[_place(other, chance) :]


def _append(content: bytes, chance: random.Random) -> bytes:
    return content + chance.choice(sorted(recordings().items()))[1]


def _nest(content: bytes, chance: random.Random) -> bytes:
    """Put the recording into another container, as itself and under a wrong name."""
    form = struct.pack("<HHIIHH", chance.choice(_TAGS), 2, 8000, 16000, 2, 16)
    size = struct.pack("<I", len(content))
    seven = bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0))
    inside = {
        "wav": b"RIFF" + size + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data" + size,
        "aiff": b"FORM" + struct.pack(">I", len(content) + 12) + b"AIFFSSND" + bytes(12),
        "mp4": struct.pack(">I", 16) + b"ftypM4A \0\0\0\0" + struct.pack(">I", len(content) + 8),
        "id3": b"ID3\x04\0\0" + seven,
        "matroska": b"\x1a\x45\xdf\xa3\x80\x18\x53\x80\x67\x01" + bytes(7),
        "ogg": b"OggS\0\x02" + bytes(20) + b"\xff" * 256,
        "au": b".snd" + struct.pack(">IIIII", 24, len(content), 27, 8000, 2),
    }
    return inside[chance.choice(sorted(inside))] + content


KINDS = {
    "bits flipped": _flip_bits,
    "run overwritten": _overwrite,
    "cut": _cut,
    "cut in the header": _cut_in_the_header,
    "beginning lost": _behead,
    "bytes inserted": _insert,
    "header field": _lie_in_the_header,
    "format field": _lie_in_the_format,
    "length field": _lie_about_lengths,
    "chunks shuffled": _shuffle,
    "chunk doubled": _double,
    "chunk lost": _lose,
    "spliced": _splice,
    "another appended": _append,
    "nested": _nest,
}


def _place(content: bytes, chance: random.Random) -> int:
    """Return a place, one time of three in the first kilobyte, where headers are."""
    return chance.randrange(0, min(len(content), chance.choice((1000, 1 << 30, 1 << 30))) + 1)


def _written(content: bytes, at: int, form: str, value: int) -> bytes:
    end = at + struct.calcsize(form)
    return (
        content[:at] + struct.pack(form, value) + content[end:] if end <= len(content) else content
    )


def _parts(content: bytes) -> list[bytes]:  # noqa: PLR0911 (one for each container)
    """Take a container apart into its head and its chunks, boxes or pages."""
    if content[:4] in (b"RIFF", b"RF64"):
        return _chunks(content, 12, ("<I", 4, 8))
    if content[:4] == b"FORM":
        return _chunks(content, 12, (">I", 4, 8))
    if content[:4] == b"caff":
        return _chunks(content, 8, (">Q", 4, 12))
    if content[:4] == b"riff":
        return _chunks(content, 40, ("<Q", 16, 0))
    if content[4:8] == b"ftyp":
        return _chunks(content, 0, (">I", 0, 0))
    if content[:4] == b"OggS":
        return [b"OggS" + page for page in content.split(b"OggS")[1:]]
    step = max(1, len(content) // 7)  # frames, or nothing that is known: seven equal pieces
    return [content[at : at + step] for at in range(0, len(content), step)] or [b""]


def _chunks(content: bytes, start: int, layout: tuple[str, int, int]) -> list[bytes]:
    """Split where a size in `form`, `offset` bytes into a chunk and without `extra`, says so."""
    form, offset, extra = layout
    parts, at = [content[:start]] if start else [], start
    while at + offset + 8 <= len(content) and len(parts) < 100:
        (size,) = struct.unpack_from(form, content, at + offset)
        end = at + max(8, size + extra + (size & 1 if extra == 8 else 0))
        parts.append(content[at:end])
        at = end
    return [*parts, content[at:]] if at < len(content) or not parts else parts
