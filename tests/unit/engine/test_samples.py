"""Samples in blocks: what is read is what an array would give, and no file tells anything."""

from __future__ import annotations

import errno
import gc
import io
import os
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import MutedSpan
from app.engine import spool
from app.engine.aside import Aside, AsideFile, parts_of
from app.engine.audio import decode, mute, waveform
from app.engine.samples import BLOCK, Samples, pieces
from app.engine.spool import Spool
from app.errors import AudioError, TemporaryFileFailed
from tests.arrays import whole
from tests.unit.engine.recordings import recording, wav, with_data_size

FULL = Path("/dev/full")
IN_MEMORY = st.sampled_from([0, 2 * BLOCK, 6 * BLOCK, 40_000_000])


def noise(samples: int, channels: int, seed: int = 1) -> np.ndarray:
    """Return loud noise, [samples, channels]."""
    draw = np.random.default_rng(seed)
    return draw.integers(-32768, 32768, (samples, channels)).astype(np.int16)


def filled(sound: np.ndarray, **options: int) -> Samples:
    samples = Samples(sound.shape[1], **options)
    samples.append(sound)
    return samples


@given(data=st.data(), channels=st.integers(1, 3), in_memory=IN_MEMORY)
@settings(max_examples=60, deadline=None)
def test_any_reads_and_writes_give_what_an_array_gives(
    data: st.DataObject, channels: int, in_memory: int
) -> None:
    samples, array = Samples(channels, in_memory_bytes=in_memory), np.empty((0, channels), np.int16)
    for part in data.draw(st.lists(st.sampled_from([0, 1, 4096, BLOCK - 1, BLOCK, 2 * BLOCK + 7]))):
        sound = noise(part, channels, len(array))
        samples.append(sound)
        array = np.concatenate([array, sound])
    rows = array.T.copy()
    places = st.one_of(st.integers(0, len(array) + 9), st.just(None), st.integers(-9, -1))
    for _ in range(data.draw(st.integers(0, 12))):
        place = slice(data.draw(places), data.draw(places))
        channel = data.draw(st.integers(0, channels - 1))
        kind = data.draw(st.sampled_from(["read", "silence", "write"]))
        before = samples[channel][place]
        kept = before.copy()
        assert np.array_equal(before, rows[channel][place])
        if kind != "read":
            value = 0 if kind == "silence" else noise(len(before), 1, len(before))[:, 0]
            samples[channel][place] = value
            rows[channel][place] = value
        assert np.array_equal(before, kept)  # what was read stays what it was
    assert (len(samples), [len(one) for one in samples]) == (channels, [len(array)] * channels)
    assert np.array_equal(whole(samples), rows)
    for channel in range(channels):
        assert np.array_equal(
            np.concatenate([rows[0][:0], *pieces(samples[channel])]), rows[channel]
        )


def test_what_is_read_cannot_be_changed() -> None:
    samples = filled(noise(3 * BLOCK + 5, 2), in_memory_bytes=4 * BLOCK)
    for place in (slice(0, 9), slice(BLOCK - 5, BLOCK + 5), slice(2 * BLOCK, None)):
        with pytest.raises(ValueError, match="read-only"):
            samples[0][place][0] = 1


def test_only_slices_that_follow_each_other_are_samples() -> None:
    samples = filled(noise(10, 1))
    with pytest.raises(ValueError, match="follow each other"):
        samples[0][::2]
    with pytest.raises(IndexError):
        samples[1]


def test_no_file_is_made_of_a_short_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "Spool", None)
    sound = noise(10 * 60 * 16_000, 2)
    assert np.array_equal(whole(filled(sound)), sound.T)


def test_memory_does_not_grow_with_the_length() -> None:
    peaks = []
    for minutes in (2, 8):
        tracemalloc.start()
        samples = Samples(2, in_memory_bytes=2_000_000)
        minute = noise(60 * 16_000, 2)
        for _ in range(minutes):
            samples.append(minute)
        assert sum(len(piece) for piece in pieces(samples[1])) == minutes * 60 * 16_000
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The folder for temporary files, in which they have names to be found by."""
    monkeypatch.setattr(tempfile, "TemporaryFile", tempfile.NamedTemporaryFile)
    yield tmp_path / "tmp"
    gc.collect()  # what an exception held closes its file while the folder is there


def raw(folder) -> bytes:
    (file,) = folder.iterdir()
    return file.read_bytes()


def test_nothing_of_the_sound_stands_in_the_file_and_each_write_looks_new(folder) -> None:
    sound = noise(4 * BLOCK, 2)
    samples = filled(sound, in_memory_bytes=0)
    first = raw(folder)
    assert len(first) == 8 * (2 * BLOCK + 16)
    row = sound.T.copy()
    for channel in range(2):
        for start in range(0, 4 * BLOCK, 5000):
            assert row[channel, start : start + 8].tobytes() not in first
    samples[0][0:BLOCK] = row[0, :BLOCK]
    again = raw(folder)
    assert again != first  # the same words again under another nonce
    assert again[2 * BLOCK + 16 :] == first[2 * BLOCK + 16 :]


def test_silence_looks_like_anything_else(folder) -> None:
    samples = filled(np.zeros((2 * BLOCK, 1), np.int16), in_memory_bytes=0)
    content = raw(folder)
    assert samples.length == 2 * BLOCK
    assert len({content[at : at + 16] for at in range(0, len(content), 16)}) > len(content) // 17


def test_the_file_has_no_name_and_goes_with_the_samples(tmp_path) -> None:
    samples = filled(noise(2 * BLOCK, 1), in_memory_bytes=0)
    file = samples._spool._file
    assert os.name == "nt" or list((tmp_path / "tmp").iterdir()) == []
    del samples
    assert file.closed
    assert list((tmp_path / "tmp").iterdir()) == []


def test_an_earlier_block_another_place_or_a_flipped_bit_is_never_read_as_sound(folder) -> None:
    kept = Spool(100)
    for number in range(3):
        kept.write(number, bytes([number]) * 100)
    (file,) = folder.iterdir()
    before = file.read_bytes()
    kept.write(1, b"\x09" * 100)
    after = file.read_bytes()
    forged = {
        "an earlier block": after[:116] + before[116:232] + after[232:],
        "another place": after[:116] + after[:116] + after[232:],
        "a cut file": after[:200],
        "nothing": b"",
        "a flipped bit": after[:150] + bytes([after[150] ^ 1]) + after[151:],
    }
    for content in forged.values():
        file.write_bytes(content)
        with pytest.raises(TemporaryFileFailed, match="not what was written"):
            kept.read(1)
    file.write_bytes(after)
    assert kept.read(1) == b"\x09" * 100
    with pytest.raises(KeyError):
        kept.read(3)


@given(st.lists(st.tuples(st.integers(0, 5), st.binary(max_size=40)), max_size=30))
def test_a_block_comes_back_as_it_was_written_last(writes: list[tuple[int, bytes]]) -> None:
    kept, meant = Spool(40), {}
    for number, block in writes:
        kept.write(number, block)
        meant[number] = block
        assert {one: kept.read(one) for one in meant} == meant


@given(st.data(), st.integers(6, 3_000_000), st.sampled_from([0, 1000, 2_000_000]))
@settings(max_examples=40, deadline=None)
def test_what_is_put_aside_comes_back(data: st.DataObject, length: int, in_memory: int) -> None:
    content = np.random.default_rng(length).bytes(length)
    kept = Aside((bytes(part) for part in parts_of(content)), in_memory_bytes=in_memory)
    assert (kept.few, len(kept)) == (length <= in_memory, length)
    assert kept.content() == content
    file = AsideFile(kept, b"head", length - length // 3)
    meant = io.BytesIO((b"head" + content[4:])[: length - length // 3])
    for _ in range(data.draw(st.integers(0, 9))):
        offset, whence = data.draw(st.integers(-10, length + 10)), data.draw(st.integers(0, 2))
        base = (0, meant.tell(), length - length // 3)[whence]
        if base + offset >= 0:
            meant.seek(base + offset)
        assert file.seek(offset, whence) == file.tell() == meant.tell()
        size = data.draw(st.sampled_from([0, 1, 70_000, 2_000_000]))
        assert file.read(size) == meant.read(size)


def test_decoding_takes_no_more_memory_for_a_longer_call(monkeypatch) -> None:
    monkeypatch.setitem(Samples.__init__.__kwdefaults__, "in_memory_bytes", 1_000_000)
    peaks = []
    for minutes in (2, 6):
        content = recording(noise(minutes * 60 * 8000, 1) / 65536, 8000)
        tracemalloc.start()
        audio = decode(content, longest_minutes=10)
        mute(audio, [MutedSpan(channel=0, start_ms=0, end_ms=minutes * 50_000)])
        waveform(audio)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 300_000


LONG = [
    (wav(20.0, 48_000, 2), "as it is"),
    (with_data_size(wav(20.0, 48_000, 2), 0xFFFFFFFF), "a length that was never written"),
    (with_data_size(wav(20.0, 48_000, 2), 4_000_000), "a tail behind the sound"),
    (with_data_size(wav(20.0, 48_000, 2), 3), "half a sample"),
    (wav(20.0, 48_000, 2)[:-1_000_001], "cut off"),
    (wav(20.0, 8000, 1, subtype="GSM610"), "a compressed form"),
    (recording(noise(20 * 8000, 2) / 65536, 8000, container="FLAC"), "no WAV"),
    (wav(20.0, 48_000, 2)[:30], "no sound"),
    (b"", "nothing"),
    (b"PK" + bytes(2_000_000), "no recording"),
]


@pytest.mark.parametrize("accept", [False, True])
@pytest.mark.parametrize("content", [pytest.param(one, id=name) for one, name in LONG])
def test_a_recording_that_was_put_aside_is_decoded_as_if_it_were_not(
    content: bytes, accept: bool
) -> None:
    found = []
    for given_as in (content, Aside(map(bytes, parts_of(content)), in_memory_bytes=0)):
        try:
            audio = decode(given_as, longest_minutes=1, accept_truncated=accept)
            found.append((whole(audio.samples).tobytes(), audio.source_rate_hz, audio.truncated))
        except AudioError as error:
            found.append((type(error), error.sentence, error.advice))
    assert found[0] == found[1]


@pytest.mark.parametrize("accept", [False, True])
def test_what_cannot_be_read_back_on_the_way_is_no_end_of_the_recording(
    folder, accept: bool
) -> None:
    content = wav(20.0, 48_000, 2)
    kept = Aside(map(bytes, parts_of(content)), in_memory_bytes=0)
    (file,) = folder.iterdir()
    sealed = bytearray(file.read_bytes())
    sealed[len(sealed) // 2] ^= 1
    file.write_bytes(sealed)
    with pytest.raises(TemporaryFileFailed, match="not what was written"):
        decode(kept, longest_minutes=1, accept_truncated=accept)


def test_a_folder_that_cannot_be_used_is_named(monkeypatch) -> None:
    def refuse(**_options: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "No usable temporary directory")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(TemporaryFileFailed, match=r"cannot be used \(ENOENT\)"):
        filled(noise(2 * BLOCK, 1), in_memory_bytes=0)


@pytest.mark.skipif(not FULL.exists(), reason="the system has no disk that is always full")
def test_a_full_disk_is_named(monkeypatch) -> None:
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **_: FULL.open("r+b", 0))
    with pytest.raises(TemporaryFileFailed, match="no room"):
        filled(noise(2 * BLOCK, 1), in_memory_bytes=0)


def test_what_a_person_chose_goes_before_the_folder_for_large_files(monkeypatch, tmp_path) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert spool._folder() is None
    for name in ("TMPDIR", "TEMP", "TMP"):
        monkeypatch.delenv(name, raising=False)
    large = spool._folder()
    assert large is None or os.access(large, os.W_OK)
