"""Decoding, muting, encoding: what every recorder writes, and what is no recording."""

from __future__ import annotations

import io
import struct
import zipfile

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from app.domain import MutedSpan
from app.engine.audio import RATE_HZ, Audio, encode_flac, mute, waveform
from app.engine.containers import Container, read_wav, sniff
from app.errors import (
    AudioEmpty,
    AudioError,
    AudioSilent,
    AudioTooLong,
    AudioTruncated,
    AudioUnreadable,
)
from tests.arrays import decoded
from tests.unit.engine.recordings import recording, tone, wav, with_data_size

FORMS = [
    ("PCM_U8", 8000, 1),
    ("PCM_U8", 8000, 2),
    ("PCM_16", 8000, 1),
    ("PCM_16", 8000, 2),
    ("PCM_16", 11025, 1),
    ("PCM_16", 16000, 2),
    ("PCM_16", 22050, 2),
    ("PCM_16", 44100, 2),
    ("PCM_16", 48000, 3),
    ("PCM_24", 48000, 2),
    ("PCM_32", 8000, 1),
    ("FLOAT", 16000, 2),
    ("DOUBLE", 8000, 1),
    ("ULAW", 8000, 2),
    ("ALAW", 8000, 1),
    ("IMA_ADPCM", 8000, 2),
    ("MS_ADPCM", 44100, 2),
    ("GSM610", 8000, 1),
]


@pytest.mark.parametrize(("subtype", "rate_hz", "channels"), FORMS)
def test_reads_what_recorders_write_in_wav(subtype: str, rate_hz: int, channels: int) -> None:
    audio = decoded(wav(1.5, rate_hz, channels, subtype=subtype), longest_minutes=1)
    assert audio.channels == channels
    assert audio.source_rate_hz == rate_hz
    assert not audio.truncated
    assert audio.samples.dtype == np.int16
    assert 1490 <= audio.duration_ms <= 1650  # block codecs fill their last block
    heard = audio.samples[:, : RATE_HZ * 3 // 2].astype(np.float64) / 32768
    meant = decoded(wav(1.5, rate_hz, channels), longest_minutes=1).samples / 32768
    for one, other in zip(heard, meant, strict=True):
        assert np.corrcoef(one[: len(other)], other[: len(one)])[0, 1] > 0.95


@pytest.mark.parametrize(
    ("container", "subtype"),
    [
        ("FLAC", "PCM_16"),
        ("FLAC", "PCM_24"),
        ("RF64", "PCM_16"),
        ("WAVEX", "PCM_16"),
        ("W64", "PCM_16"),
        ("AIFF", "PCM_16"),
        ("AU", "ULAW"),
        ("CAF", "PCM_16"),
    ],
)
def test_reads_other_exact_containers(container: str, subtype: str) -> None:
    file = recording(tone(1.0, 8000, 2), 8000, container=container, subtype=subtype)
    audio = decoded(file, longest_minutes=1)
    assert (audio.channels, audio.duration_ms) == (2, 1000)


def test_keeps_the_channels_apart_and_the_samples_exact_at_16_khz() -> None:
    sound = np.zeros((RATE_HZ, 2), np.int16)
    sound[:, 0] = np.arange(RATE_HZ) % 30000
    sound[:, 1] = -sound[:, 0]
    file = io.BytesIO()
    soundfile.write(file, sound, RATE_HZ, format="WAV", subtype="PCM_16")
    audio = decoded(file.getvalue(), longest_minutes=1)
    assert np.array_equal(audio.samples, sound.T)


@given(st.integers(4000, 50_000), st.floats(0.2, 2.0))
def test_length_survives_any_rate(rate_hz: int, seconds: float) -> None:
    audio = decoded(wav(seconds, rate_hz), longest_minutes=1)
    assert abs(audio.duration_ms - seconds * 1000) <= 2


def test_the_same_bytes_decode_to_the_same_samples() -> None:
    file = wav(1.0, 11025, 2)
    assert np.array_equal(
        decoded(file, longest_minutes=1).samples, decoded(file, longest_minutes=1).samples
    )


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000])
@pytest.mark.parametrize("riff_size", [0, 0xFFFFFFFF])
def test_lengths_that_a_streaming_recorder_never_wrote(size: int, riff_size: int) -> None:
    file = with_data_size(wav(1.0, 8000, 2), size)
    audio = decoded(file[:4] + struct.pack("<I", riff_size) + file[8:], longest_minutes=1)
    assert (audio.duration_ms, audio.truncated) == (1000, False)


def test_odd_chunks_are_stepped_over() -> None:
    file = wav(1.0)
    data = file.index(b"data")
    odd = b"LIST" + struct.pack("<I", 5) + b"INFOx\0" + b"cust" + struct.pack("<I", 3) + b"abc\0"
    between = file[:12] + odd + file[12:data] + odd + file[data:] + odd
    assert decoded(between, longest_minutes=1).duration_ms == 1000


@pytest.mark.parametrize("subtype", ["PCM_16", "ULAW", "GSM610", "IMA_ADPCM"])
def test_what_is_left_of_a_cut_wav_is_read_where_that_is_wanted(subtype: str) -> None:
    file = wav(4.0, subtype=subtype)
    half = file[: len(file) // 2]
    with pytest.raises(AudioTruncated, match="cut off"):
        decoded(half, longest_minutes=1)
    audio = decoded(half, longest_minutes=1, accept_truncated=True)
    assert audio.truncated
    assert 1800 <= audio.duration_ms <= 2100


def test_a_remnant_is_cut_off_before_it_is_silent() -> None:
    file = recording(np.zeros((8000 * 4, 1)), 8000)
    with pytest.raises(AudioTruncated):
        decoded(file[:8044], longest_minutes=1)


def test_a_few_missing_bytes_are_no_truncation() -> None:
    audio = decoded(wav(1.0, 8000, 2)[:-3], longest_minutes=1)
    assert not audio.truncated
    assert audio.duration_ms == 999


def _noise(seconds: float, channels: int = 2) -> bytes:
    sound = np.random.default_rng(5).standard_normal((round(8000 * seconds), channels)) * 0.1
    return recording(sound, 8000, container="FLAC")


@pytest.mark.parametrize("kept", [20_000, 50_000, 120_000, -100])
def test_what_is_left_of_a_cut_flac_is_the_same_each_time(kept: int) -> None:
    cut = _noise(12.0)[:kept]
    with pytest.raises(AudioTruncated, match="Only the first"):
        decoded(cut, longest_minutes=1)
    found = [decoded(cut, longest_minutes=1, accept_truncated=True) for _ in range(4)]
    assert found[0].truncated
    assert len({audio.samples.tobytes() for audio in found}) == 1
    share = kept % len(_noise(12.0)) / len(_noise(12.0))
    assert 12_000 * share - 700 <= found[0].duration_ms < 12_000  # a frame and a block at most


def test_a_flac_that_is_damaged_on_the_way_is_read_up_to_there_the_same_each_time() -> None:
    file = bytearray(_noise(6.0))
    file[len(file) // 2] ^= 0x55
    with pytest.raises(AudioTruncated, match="missing or damaged"):
        decoded(bytes(file), longest_minutes=1)
    found = [
        decoded(bytes(file), longest_minutes=1, accept_truncated=True).samples.tobytes()
        for _ in range(4)
    ]
    assert len(set(found)) == 1
    assert found[0]


def test_a_flac_that_was_streamed_does_not_know_its_length_and_is_whole() -> None:
    file = bytearray(_noise(3.0))
    file[21] &= 0xF0  # the number of samples in STREAMINFO (RFC 9639, 8.2)
    file[22:26] = bytes(4)
    audio = decoded(bytes(file), longest_minutes=1)
    assert (audio.duration_ms, audio.truncated) == (3000, False)


@pytest.mark.parametrize("content", [b"", wav()[:44], with_data_size(wav()[:44], 0)])
def test_no_sound_at_all(content: bytes) -> None:
    with pytest.raises(AudioEmpty):
        decoded(content, longest_minutes=1)


@pytest.mark.parametrize("level", [0, 12])
def test_silence_on_all_channels(level: int) -> None:
    sound = np.random.default_rng(1).integers(-level, level + 1, (16_000, 2)) / 32768
    with pytest.raises(AudioSilent):
        decoded(recording(sound, 8000), longest_minutes=1)


def test_one_silent_channel_is_no_silence() -> None:
    sound = tone(1.0, 8000, 2)
    sound[:, 1] = 0
    assert decoded(recording(sound, 8000), longest_minutes=1).channels == 2


def test_a_constant_offset_is_silence() -> None:
    with pytest.raises(AudioSilent):
        decoded(recording(np.full((8000, 1), 0.2), 8000), longest_minutes=1)


@pytest.mark.parametrize("container", ["WAV", "FLAC", "OGG"])
def test_longer_than_allowed(container: str) -> None:
    subtype = "VORBIS" if container == "OGG" else "PCM_16"
    file = recording(tone(61.0), 8000, container=container, subtype=subtype)
    with pytest.raises(AudioTooLong, match="1 minutes"):
        decoded(file, longest_minutes=1)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("call.wav", wav())
    return file.getvalue()


DISGUISED = [
    b"Dear team, please find the recording attached.\n" * 50,
    b"<!DOCTYPE html><html><body>Sign in</body></html>",
    b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
    b"ffconcat version 1.0\nfile '/etc/passwd'\n",
    b"[playlist]\nFile1=/etc/passwd\n",
    _zip(),
    b"\xff\xd8\xff\xe0" + bytes(range(256)) * 40,
    b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40,
    b"%PDF-1.7\n" + bytes(1000),
    b"MZ" + bytes(1000),
    bytes(5000),
    b"\xff" * 5000,
    b"RIFF\0\0\0\0AVI LIST",
    b"x",
]


@pytest.mark.parametrize("content", DISGUISED)
def test_what_is_no_recording_never_reaches_a_decoder(content: bytes) -> None:
    with pytest.raises(AudioUnreadable):
        sniff(content)
    with pytest.raises(AudioUnreadable):
        decoded(content, longest_minutes=1)


def test_says_what_a_disguised_file_looks_like() -> None:
    with pytest.raises(AudioUnreadable, match="a web page"):
        sniff(b"<html></html>")
    with pytest.raises(AudioUnreadable, match="an archive"):
        sniff(_zip())
    with pytest.raises(AudioUnreadable, match="a text"):
        sniff(b"Hello there, how are you\n")


@pytest.mark.parametrize(
    ("head", "container"),
    [
        (b"RIFF\0\0\0\0WAVEfmt ", Container.WAV),
        (b"fLaC\0\0\0\x22", Container.FLAC),
        (b"OggS\0\x02", Container.OGG),
        (b"ID3\x04\0", Container.MP3),
        (b"\0\0\0\x20ftypM4A ", Container.MP4),
        (b"\x1a\x45\xdf\xa3", Container.WEBM),
        (b"#!AMR\n\x3c", Container.AMR),
        (b"#!AMR-WB\n", Container.AMR),
        (b"\xff\xf1\x50\x80\0\0\0\0", Container.ADTS),
    ],
)
def test_names_containers_by_their_first_bytes(head: bytes, container: Container) -> None:
    assert sniff(head) is container


def test_a_bare_mp3_is_known_by_two_frames_in_a_row() -> None:
    file = recording(tone(1.0), 8000, container="MP3", subtype="MPEG_LAYER_III")
    assert sniff(file) is Container.MP3
    assert sniff(b"\0" * 300 + file) is Container.MP3


def test_too_many_channels() -> None:
    with pytest.raises(AudioUnreadable, match="9 channels; at most 8 are read") as raised:
        decoded(wav(0.5, 8000, 9), longest_minutes=1)
    assert "1 to 8" in raised.value.advice


@given(st.binary(max_size=400))
def test_any_bytes_after_a_wav_header_are_read_or_refused(tail: bytes) -> None:
    for head in (b"RIFF\0\0\0\0WAVE", wav(0.01)[:36]):
        try:
            decoded(head + tail, longest_minutes=1)
        except AudioError:
            continue


@given(st.data())
def test_damaged_wavs_are_read_or_refused(data: st.DataObject) -> None:
    file = bytearray(wav(0.05, 8000, 1, subtype=data.draw(st.sampled_from(["PCM_16", "GSM610"]))))
    for _ in range(data.draw(st.integers(1, 6))):
        file[data.draw(st.integers(12, 60))] = data.draw(st.integers(0, 255))
    try:
        audio = decoded(bytes(file), longest_minutes=1)
    except AudioError:
        return
    assert audio.samples.shape[1] <= 60 * RATE_HZ


@given(st.integers(0, 2**32 - 1), st.integers(0, 300))
def test_a_wav_header_never_promises_more_than_it_reads(size: int, cut: int) -> None:
    file = with_data_size(wav(0.05), size)
    header = read_wav(file[: len(file) - cut])
    if header is not None:
        assert header.data_start + header.data_size <= len(file) - cut
        assert header.data_size % header.block_align == 0


def _audio(seconds: float = 1.0, channels: int = 2, source_rate_hz: int = 16_000) -> Audio:
    sound = np.random.default_rng(7).integers(-20_000, 20_000, (channels, int(seconds * RATE_HZ)))
    return Audio(sound.astype(np.int16), source_rate_hz)


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 1200), st.integers(0, 1200))))
def test_muted_spans_are_silent_and_the_rest_is_not_touched(
    spans: list[tuple[int, int, int]],
) -> None:
    audio, result = _audio(), _audio()
    ranges = [MutedSpan(channel=c, start_ms=min(a, b), end_ms=max(a, b)) for c, a, b in spans]
    mute(result, ranges)
    untouched = np.ones(audio.samples.shape, bool)
    for span in ranges:
        start, end = span.start_ms * 16, span.end_ms * 16
        assert not result.samples[span.channel, start:end].any()
        if end > start:
            untouched[span.channel, max(0, start - 80) : end + 80] = False
    assert np.array_equal(result.samples[untouched], audio.samples[untouched])


def test_muting_fades_outside_of_the_span() -> None:
    audio = Audio(np.full((1, RATE_HZ), 10_000, np.int16), RATE_HZ)
    mute(audio, [MutedSpan(channel=0, start_ms=500, end_ms=600)])
    result = audio.samples[0]
    before, after = result[8000 - 80 : 8000], result[9600 : 9600 + 80]
    assert np.all(np.diff(before.astype(int)) < 0)
    assert np.all(np.diff(after.astype(int)) > 0)


@pytest.mark.parametrize(
    ("source_rate_hz", "expected"), [(8000, 8000), (6000, 8000), (11025, 16000), (48000, 16000)]
)
def test_flac_is_written_at_the_rate_that_the_source_deserves(
    source_rate_hz: int, expected: int
) -> None:
    content = encode_flac(_audio(1.0, 2, source_rate_hz))
    info = soundfile.info(io.BytesIO(content))
    assert (info.samplerate, info.channels, info.format, info.subtype) == (
        expected,
        2,
        "FLAC",
        "PCM_16",
    )
    assert info.frames == expected


def test_flac_at_16_khz_keeps_every_sample() -> None:
    audio = _audio()
    samples, _ = soundfile.read(io.BytesIO(encode_flac(audio)), dtype="int16")
    assert np.array_equal(samples.T, audio.samples)


def test_muted_stays_silent_in_the_flac_of_narrow_band_audio() -> None:
    audio = _audio(2.0, 1, 8000)
    mute(audio, [MutedSpan(channel=0, start_ms=500, end_ms=1500)])
    samples, _ = soundfile.read(io.BytesIO(encode_flac(audio)), dtype="int16")
    inside = samples[8 * 505 : 8 * 1495].astype(int)
    assert np.abs(inside).max() <= 60  # the filter rings for a moment after the edge
    assert np.abs(inside[400:-400]).max() <= 1


def test_flac_is_the_same_again() -> None:
    assert encode_flac(_audio(1.0, 2, 8000)) == encode_flac(_audio(1.0, 2, 8000))


def test_waveform_has_one_peak_for_every_step() -> None:
    samples = np.zeros((2, RATE_HZ + 1), np.int16)
    samples[0, 900] = -32768
    samples[1, -1] = 16384
    shape = waveform(Audio(samples, 8000))
    assert shape.step_ms == 50
    assert [len(peaks) for peaks in shape.peaks] == [21, 21]
    assert shape.peaks[0][1] == 255
    assert sum(shape.peaks[0]) == 255
    assert shape.peaks[1][20] == 127
