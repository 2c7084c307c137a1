"""Recordings as samples: whatever a recorder writes becomes 16 kHz, one array per channel.

Promises bounded memory (what `samples.py` holds of a call of any length, and the file, unless it is
a WAV that was put aside), a reason for every file that cannot be used, the same samples again for
the same bytes, damaged ones too, and that muted audio is silent where it says so. Hides which
library reads what: libsndfile reads PCM and its relatives exactly, Qt's FFmpeg the compressed
formats, and each is the other's second chance.
"""

from __future__ import annotations

import io
import os
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import TYPE_CHECKING

import numpy as np

from app.domain import Waveform
from app.engine.aside import Aside, AsideFile, whole
from app.engine.completeness import cut_off
from app.engine.containers import (
    Container,
    Wav,
    is_wav,
    read_wav,
    repaired_head,
    repaired_wav,
    sniff,
    unwrapped,
)
from app.engine.filling import filled
from app.engine.framing import framed
from app.engine.samples import Samples, pieces
from app.errors import AudioEmpty, AudioSilent, AudioTooLong, AudioTruncated, AudioUnreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from typing import IO

    from numpy.typing import NDArray

    from app.config import Sound
    from app.domain import MutedSpan
    from app.engine.samples import Channels

    _Reader = Callable[[bytes | AsideFile, "_Gathering"], "_Reading"]

RATE_HZ = 16_000
MOST_CHANNELS = 8
_RATES_HZ = range(4_000, 384_001)
_SILENT_PEAK = 33  # of 32768: -60 dB below full scale
_RAMP_MS = 5
_WAVEFORM_STEP_MS = 50
_BLOCK_FRAMES = 65_536
_ENDLESS_FRAMES = 1 << 62  # what libsndfile says of a stream that does not tell its length
_SMALL_BLOCK_FRAMES = 1024  # a block in which libsndfile meets damage is lost as a whole
_SHORT_BY = 0.02  # of the promised length, and at least a second, is a clear loss

# libsndfile reads these to the sample and without a second thread
_EXACT = frozenset(
    {
        Container.WAV,
        Container.FLAC,
        Container.AIFF,
        Container.AU,
        Container.CAF,
        Container.W64,
    }
)
# What libsndfile refuses of these forms is damaged, and Qt's decoder is not asked. Measured with
# Qt 6.12: where a packet holds several blocks, as ADPCM's do, it loses some, other ones at every
# run, and a CAF file that claims no channels ends the process
_SNDFILE_TAGS = frozenset({0x0001, 0x0002, 0x0003, 0x0006, 0x0007, 0x0011, 0x0031, 0x0055})
_SNDFILE_CAF = frozenset({b"lpcm", b"ulaw", b"alaw", b"alac", b"ima4"})


@dataclass(frozen=True, slots=True)
class Audio:
    """A recording: its samples, int16 at 16 kHz.

    `truncated` says that clearly less could be decoded than the recording once held.
    """

    samples: Samples
    source_rate_hz: int
    truncated: bool = False

    @property
    def channels(self) -> int:
        """The number of channels."""
        return len(self.samples)

    @property
    def duration_ms(self) -> int:
        """The length in milliseconds, rounded down."""
        return len(self.samples[0]) * 1000 // RATE_HZ


def decode(
    data: bytes | Aside, *, longest_minutes: int, accept_truncated: bool = False, suffix: str = ""
) -> Audio:
    """Decode a recording by its content; with `accept_truncated` also what is left of one.

    A WAV file that was put aside is never in memory as a whole. `suffix` is the end of its name,
    which tells what a bare stream of G.722 is and nothing else.
    Raises `AudioEmpty`, `AudioUnreadable`, `AudioTruncated`, `AudioSilent` or `AudioTooLong`. Call
    it on the worker's main thread: compressed formats need an event loop.
    """
    if not data:
        raise AudioEmpty("The file is empty.")
    if isinstance(data, Aside) and is_wav(data):
        container = Container.WAV
    else:
        data = unwrapped(whole(data), suffix)
        container = sniff(data)
    wav = read_wav(data) if container is Container.WAV else None
    if wav is not None and wav.data_size == 0:
        raise AudioEmpty("The recording has a header but no sound.")
    source = _repaired(data, wav)
    cut = wav.truncated if wav is not None else isinstance(data, bytes) and cut_off(data, container)
    if cut and not accept_truncated:
        raise AudioTruncated("The recording is cut off: its file ends before the sound does.")
    fit = framed(source, container) if isinstance(source, bytes) else None
    if fit is not None and fit.damaged:
        if not accept_truncated:
            raise AudioTruncated(
                "The recording is damaged on the way: a part of it cannot be read."
            )
        cut = True
    with _silenced():
        parts = (source,) if fit is None else fit.parts
        audio = _decode_known(parts, _readers(data, container, wav), longest_minutes)
    if audio is None:
        kind = container.value.upper()
        if cut:
            raise AudioTruncated(f"The {kind} file is cut off, and nothing of it can be read.")
        raise AudioUnreadable(
            f"The {kind} file is damaged or holds sound in a form that is not read."
        )
    short = audio.truncated and (wav is None or _compressed(wav))
    if short and not accept_truncated:
        raise AudioTruncated(
            f"Only the first {audio.duration_ms / 1000:.1f} s of the recording can be read; the"
            " rest is missing or damaged."
        )
    audio = replace(audio, truncated=cut or short)
    _refuse_silence(audio)
    return audio


def _repaired(data: bytes | Aside, wav: Wav | None) -> bytes | AsideFile:
    """Return a recording with a header that says what is there."""
    if isinstance(data, bytes):
        return data if wav is None else repaired_wav(data, wav)
    head = None if wav is None else repaired_head(data, wav)
    if wav is None or head is None:
        return AsideFile(data)
    return AsideFile(data, head, wav.data_start + wav.data_size)


def _readers(data: bytes | Aside, container: Container, wav: Wav | None) -> tuple[_Reader, ...]:
    """Return the ways to read a container: the library first that knows it best."""
    if container in (Container.MP3, Container.OGG):
        return _read_qt, _read_sndfile, _salvage_sndfile
    if container is Container.WAV:
        foreign = wav is not None and wav.format_tag not in _SNDFILE_TAGS
    elif container is Container.CAF:
        channels = int.from_bytes(data[44:48], "big")
        foreign = data[28:32] not in _SNDFILE_CAF and 1 <= channels <= MOST_CHANNELS
    else:  # libsndfile does not read a FLAC that was streamed and knows no length
        foreign = container is Container.FLAC or container not in _EXACT
    exact = (_read_sndfile, _salvage_sndfile) if container in _EXACT else ()
    return (*exact, _read_qt) if foreign else exact


def _decode_known(
    parts: Sequence[bytes | AsideFile], readers: Sequence[_Reader], longest_minutes: int
) -> Audio | None:
    """Return the first whole reading, else what could be read; `None` where that is nothing."""
    short: Audio | None = None
    for reader in readers:
        gathering = _Gathering(longest_minutes)
        reading = [reader(part, gathering) for part in parts]
        audio = None if _Reading.NOTHING in reading else gathering.result()
        if audio is not None and _Reading.SHORT not in reading:
            return audio
        if audio is not None and short is None:
            short = replace(audio, truncated=True)
            if reader is _salvage_sndfile:
                break  # libsndfile knows the length; Qt would only guess at the rest
    return short


def _compressed(wav: Wav) -> bool:
    """Whether a WAV's length cannot be told from its bytes alone."""
    return wav.format_tag not in (0x0001, 0x0003, 0x0006, 0x0007)  # PCM, float, A-law, µ-law


class _Reading(Enum):
    """How far a reader came. `NOTHING` is also what cannot be relied on: Qt hands over more or less
    of a file in which it meets an error, from run to run."""

    WHOLE = auto()
    SHORT = auto()
    NOTHING = auto()


class _Gathering:
    """Collects blocks at any rate as samples at 16 kHz."""

    def __init__(self, longest_minutes: int) -> None:
        self._longest = longest_minutes * 60 * RATE_HZ
        self._samples = Samples(0)
        self._rate_hz = 0
        self._resample: Callable[[NDArray[np.float32], bool], NDArray[np.float32]] | None = None

    def take(self, block: NDArray[np.float32], rate_hz: int) -> None:
        """Add a block [frames, channels] of samples from -1 to 1."""
        self.begin(block.shape[1], rate_hz)
        if rate_hz != self._rate_hz or block.shape[1] != len(self._samples):
            raise AudioUnreadable("The recording changes its rate or its channels on the way.")
        self._append(self._resample(block, False) if self._resample else block)

    def result(self) -> Audio | None:
        """Return what was collected; `None` where there was nothing."""
        if not self._rate_hz:
            return None
        if self._resample:
            self._append(self._resample(np.empty((0, len(self._samples)), np.float32), True))
        if not self._samples.length:
            return None
        return Audio(self._samples, self._rate_hz)

    def begin(self, channels: int, rate_hz: int) -> None:
        """Make room for the first block; refuse what no call has."""
        if self._rate_hz:
            return
        if not 1 <= channels <= MOST_CHANNELS:
            raise AudioUnreadable(
                f"The recording has {channels} channels; at most {MOST_CHANNELS} are read.",
                hint=f"Export it with the channels of the call alone: 1 to {MOST_CHANNELS}.",
            )
        if rate_hz not in _RATES_HZ:
            raise AudioUnreadable(f"The recording's rate of {rate_hz} Hz is not one that is read.")
        self._rate_hz = rate_hz
        # more channels than a call's two take no more room: they are read for less long
        self._longest = self._longest * 2 // max(2, channels)
        self._samples = Samples(channels)
        if rate_hz != RATE_HZ:
            import soxr

            # in floating point, because soxr dithers integers from a seed taken from the clock
            stream = soxr.ResampleStream(rate_hz, RATE_HZ, channels, dtype="float32")
            self._resample = lambda block, last: stream.resample_chunk(block, last=last)

    def _append(self, block: NDArray[np.float32]) -> None:
        if self._samples.length + len(block) > self._longest:
            minutes, channels = self._longest / RATE_HZ / 60, len(self._samples)
            of = f", the most for {channels} channels" if channels > 2 else ""
            raise AudioTooLong(f"The recording is longer than {minutes:g} minutes{of}.")
        scaled = np.rint(np.nan_to_num(block) * np.float32(32768.0))
        np.clip(scaled, -32768, 32767, out=scaled)
        self._samples.append(scaled.astype(np.int16))


def _read_sndfile(data: bytes | AsideFile, gathering: _Gathering) -> _Reading:
    """Read through libsndfile, all or nothing."""
    reading = _through_sndfile(data, gathering, _BLOCK_FRAMES)
    return reading if reading is _Reading.WHOLE else _Reading.NOTHING


def _salvage_sndfile(data: bytes | AsideFile, gathering: _Gathering) -> _Reading:
    """Read what can be read through libsndfile, up to the place of the damage."""
    return _through_sndfile(data, gathering, _SMALL_BLOCK_FRAMES)


def _through_sndfile(data: bytes | AsideFile, gathering: _Gathering, frames: int) -> _Reading:
    if isinstance(data, bytes):
        return _read_blocks(_Bytes(data), gathering, frames)
    data.seek(0)
    try:
        return _read_blocks(data, gathering, frames)
    finally:
        data.check()


def _read_blocks(source: IO[bytes] | AsideFile, gathering: _Gathering, frames: int) -> _Reading:
    import soundfile

    done = 0
    try:
        with soundfile.SoundFile(source) as file:
            if file.frames >= _ENDLESS_FRAMES:
                return _Reading.NOTHING
            gathering.begin(file.channels, file.samplerate)  # before a block of any size is read
            while len(block := file.read(frames, dtype="float32", always_2d=True)):
                gathering.take(block, file.samplerate)
                done += len(block)
            return _Reading.WHOLE if done >= file.frames else _Reading.SHORT
    except (soundfile.SoundFileError, TypeError, ValueError):
        # the reader's own complaints about the file; soundfile raises the latter two for headers
        # with impossible numbers
        return _Reading.SHORT


class _Bytes(io.BytesIO):
    """A file in memory that stays where it is when a damaged header sends it before its start."""

    def seek(self, offset: int, whence: int = 0, /) -> int:
        try:
            return super().seek(offset, whence)
        except (ValueError, OverflowError):
            return self.tell()


def _read_qt(data: bytes | AsideFile, gathering: _Gathering) -> _Reading:
    """Read through Qt."""
    from app.engine.decoder import decode_blocks

    if not isinstance(data, bytes):
        data.seek(0)
        file, data = data, data.readall()
        file.check()
    frames, rate = 0, 1

    def take(block: NDArray[np.float32], rate_hz: int) -> None:
        nonlocal frames, rate
        frames, rate = frames + len(block), rate_hz
        gathering.take(block, rate_hz)

    end = decode_blocks(data, take)
    if end.failed or end.stuck:
        return _Reading.NOTHING
    short = _short(frames * 1000 // rate, end.duration_ms, data)
    return _Reading.SHORT if short else _Reading.WHOLE


def _short(decoded_ms: int, promised_ms: int, data: bytes) -> bool:
    """Whether clearly less was decoded than the container promises, where it can know."""
    estimated = data[:2] == b"\xff\xf1" or data.startswith((b"#!AMR", b"\xff\xf9"))
    if data.startswith((b"ID3", b"\xff")) and not estimated:
        # without a Xing or VBRI header an MP3's length is an estimate from its bit rate
        estimated = not any(mark in data[:65536] for mark in (b"Xing", b"Info", b"VBRI"))
    if estimated:
        return False
    return promised_ms - decoded_ms > max(1000, _SHORT_BY * promised_ms)


@contextmanager
def _silenced() -> Iterator[None]:
    """Send the process's standard error nowhere: decoders write a file's tags to it directly, and
    tags may name people."""
    try:
        kept = os.dup(2)
    except OSError:  # a program without a console has none
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _refuse_silence(audio: Audio) -> None:
    edge = RATE_HZ // 100  # at the ends, resampling turns a constant offset into a click
    for channel in audio.samples:
        first, last = (edge, len(channel) - edge) if len(channel) > 4 * edge else (0, len(channel))
        step = max(1, (last - first) // 10_000)
        highest, lowest, some, skip = -32768, 32767, [], 0
        for piece in pieces(channel, first, last):
            highest, lowest = max(highest, int(piece.max())), min(lowest, int(piece.min()))
            some.append(piece[skip::step].copy())  # a view would keep the block
            skip = (skip - len(piece)) % step
        middle = int(np.concatenate(some).mean())
        if max(highest - middle, middle - lowest) > _SILENT_PEAK:
            return
    raise AudioSilent("The recording is silent on all channels.")


def mute(audio: Audio, spans: Sequence[MutedSpan]) -> None:
    """Make all spans silent, in place: what was there is gone. It fades over 5 ms outside of each
    span."""
    ramp = RATE_HZ * _RAMP_MS // 1000
    fade = np.linspace(1.0, 0.0, ramp, dtype=np.float32)
    for span in spans:
        channel = audio.samples[span.channel]
        start = max(0, span.start_ms * RATE_HZ // 1000)
        end = min(len(channel), -(-span.end_ms * RATE_HZ // 1000))
        if end <= start:
            continue
        channel[start:end] = 0
        before, after = channel[max(0, start - ramp) : start], channel[end : end + ramp]
        out, back = before * fade[ramp - len(before) :], after * fade[::-1][: len(after)]
        channel[start - len(before) : start] = out.astype(np.int16)
        channel[end : end + len(after)] = back.astype(np.int16)


def encode_flac(audio: Audio, muted: Sequence[MutedSpan] = (), sound: Sound = "silence") -> bytes:
    """Return the audio as 16-bit FLAC: at 8 kHz where the source had no more, else at 16 kHz. In
    the spans that are `muted` the file has a sound, and the audio stays silent."""
    import soundfile

    narrow = audio.source_rate_hz <= RATE_HZ // 2
    rate = RATE_HZ // 2 if narrow else RATE_HZ
    file = io.BytesIO()
    with soundfile.SoundFile(
        file, "w", samplerate=rate, channels=audio.channels, format="FLAC", subtype="PCM_16"
    ) as flac:
        blocks = filled(_blocks(audio.samples), muted, sound)
        left = len(audio.samples[0])
        for block in _halved(blocks, left, audio.channels) if narrow else blocks:
            flac.write(block)
    return file.getvalue()


def _blocks(samples: Channels) -> Iterator[NDArray[np.int16]]:
    """Yield [samples, channels] in pieces whose copies need little memory."""
    for start in range(0, len(samples[0]), _BLOCK_FRAMES * 8):
        end = start + _BLOCK_FRAMES * 8
        yield np.stack([channel[start:end] for channel in samples], axis=1)


def _halved(
    blocks: Iterable[NDArray[np.int16]], left: int, channels: int
) -> Iterator[NDArray[np.int16]]:
    """Resample blocks of [samples, channels], `left` in all, from 16 to 8 kHz."""
    import soxr

    stream = soxr.ResampleStream(RATE_HZ, RATE_HZ // 2, channels, dtype="float32")
    for block in blocks:
        left -= len(block)
        part = np.rint(stream.resample_chunk(block.astype(np.float32), last=not left))
        yield np.clip(part, -32768, 32767).astype(np.int16)


def waveform(audio: Audio) -> Waveform:
    """Return one peak per 50 ms and channel, 0 to 255 of full scale."""
    step = RATE_HZ * _WAVEFORM_STEP_MS // 1000
    peaks = []
    for channel in audio.samples:
        peaks.append(b"".join(_peaks(piece, step) for piece in pieces(channel)))
    return Waveform(step_ms=_WAVEFORM_STEP_MS, peaks=tuple(peaks))


def _peaks(piece: NDArray[np.int16], step: int) -> bytes:
    starts = np.arange(0, len(piece), step)
    high = np.maximum.reduceat(piece, starts).astype(np.int32)
    low = np.minimum.reduceat(piece, starts).astype(np.int32)
    return (np.maximum(high, -low) * 255 // 32768).astype(np.uint8).tobytes()
