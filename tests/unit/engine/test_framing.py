"""What goes to the decoder is one stream of one form in order, and what was left out is known."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.completeness import cut_off
from app.engine.containers import (
    Container,
    mpeg_frame_length,
    mpeg_start,
    read_wav,
    repaired_wav,
    sniff,
    unwrapped,
)
from app.engine.framing import framed
from app.engine.matroska import in_order
from app.errors import AudioError, AudioTooLong, AudioTruncated, AudioUnreadable
from tests import mutations
from tests.arrays import decoded
from tests.unit.engine.recordings import recording, tone, wav

FORMS = mutations.recordings(1.0)
STREAMS = ("layer-3.mp3", "mp3.mp3", "aac.aac", "opus.ogg", "vorbis.ogg", "opus.webm")


def _mp3(rate_hz: int = 8000, channels: int = 2) -> bytes:
    sound = tone(1.0, rate_hz, channels)
    return recording(sound, rate_hz, container="MP3", subtype="MPEG_LAYER_III")


def _frames(content: bytes) -> list[bytes]:
    at, found = mpeg_start(content), []
    assert at is not None
    while length := mpeg_frame_length(content[at : at + 4]):
        found.append(content[at : at + length])
        at += length
    return found


def _pages(content: bytes) -> list[bytes]:
    return [b"OggS" + page for page in content.split(b"OggS")[1:]]


@pytest.mark.parametrize("name", sorted(FORMS))
def test_what_is_whole_is_left_as_it_is(name: str) -> None:
    content = unwrapped(FORMS[name], Path(name).suffix)
    fit = framed(content, sniff(content))
    assert not fit.damaged
    start = mpeg_start(content) or 0 if name.endswith(".mp3") else 0
    assert fit.parts == (content[start:],)


@pytest.mark.parametrize("name", STREAMS)
def test_what_was_made_fit_stays_so(name: str) -> None:
    for number in range(60):
        chance = mutations.random.Random(number)
        content = mutations.KINDS[chance.choice(sorted(mutations.KINDS))](FORMS[name], chance)
        try:
            container = sniff(content)
            parts = framed(content, container).parts
        except AudioUnreadable:
            continue
        for part in filter(None, parts):
            if sniff(part) is container:
                assert framed(part, container).parts == (part,)


@pytest.mark.parametrize(
    "tag",
    [
        b"ID3\x04\0\0\0\0\x07\x76" + b"\xff\xfb\x90\0" * 253 + b"xx",
        b"TAG" + b"\xff" * 125,
        bytes(777),
        b"APETAGEX" + bytes(100),
    ],
)
def test_tags_between_two_recordings_are_left_out_and_no_damage(tag: bytes) -> None:
    first = b"".join(_frames(_mp3()))
    fit = framed(first + tag + first + tag, Container.MP3)
    assert fit == framed(first + first, Container.MP3)
    assert (fit.parts, fit.damaged) == ((first + first,), False)


def test_a_broken_frame_is_left_out_and_is_damage() -> None:
    frames = _frames(_mp3())
    broken = b"\0" + frames[5][1:]
    fit = framed(b"".join([*frames[:5], broken, *frames[6:]]), Container.MP3)
    assert (fit.parts, fit.damaged) == ((b"".join(frames[:5] + frames[6:]),), True)
    with pytest.raises(AudioTruncated, match="damaged on the way"):
        decoded(b"".join([*frames[:5], broken, *frames[6:]]), longest_minutes=1)


@pytest.mark.parametrize("other", [(8000, 1), (44100, 2)])
def test_a_stream_that_changes_its_form_never_reaches_the_decoder(other: tuple[int, int]) -> None:
    """Qt's decoder dies of the first and stands still for ever at the second, other way round."""
    for content in (_mp3() + _mp3(*other), _mp3(*other) + _mp3()):
        with pytest.raises(AudioUnreadable, match="changes its rate or its channels"):
            decoded(content, longest_minutes=1)


@pytest.mark.parametrize("behind", [b"#EXTM3U\nfile:///etc/passwd\n" * 9, b"RIFF" + bytes(999)])
def test_nothing_hides_behind_a_tag(behind: bytes) -> None:
    with pytest.raises(AudioUnreadable, match="but there is no sound"):
        decoded(b"ID3\x04\0\0\0\0\0\0" + behind, longest_minutes=1)


def test_aac_may_begin_with_a_tag() -> None:
    tagged = b"ID3\x04\0\0\0\0\0\x05" + bytes(5) + FORMS["aac.aac"]
    plain = decoded(FORMS["aac.aac"], longest_minutes=1)
    assert np.array_equal(decoded(tagged, longest_minutes=1).samples, plain.samples)


def test_ogg_files_in_a_row_are_read_one_after_the_other_the_same_each_time() -> None:
    once = decoded(FORMS["opus.ogg"], longest_minutes=1)
    found = [decoded(FORMS["opus.ogg"] * 3, longest_minutes=1).samples for _ in range(4)]
    assert abs(found[0].shape[1] - 3 * once.samples.shape[1]) <= 3
    assert len({samples.tobytes() for samples in found}) == 1


@pytest.mark.parametrize("order", [[0, 1, 2, 4], [0, 1, 2, 2, 3, 4], [0, 1, 3, 2, 4]])
def test_pages_that_are_missing_doubled_or_moved_are_damage(order: list[int]) -> None:
    pages = _pages(FORMS["opus.ogg"])
    moved = b"".join(pages[n] for n in order)
    assert framed(moved, Container.OGG).damaged
    with pytest.raises(AudioTruncated):
        decoded(moved, longest_minutes=1)
    found = {
        decoded(moved, longest_minutes=1, accept_truncated=True).samples.tobytes() for _ in range(4)
    }
    assert len(found) == 1


def test_a_cluster_that_comes_twice_is_damage() -> None:
    content = FORMS["opus.webm"]
    at = content.rindex(b"\x1f\x43\xb6\x75")
    twice = content + content[at:]
    assert in_order(content) == len(content)
    assert in_order(twice) < len(twice)
    with pytest.raises(AudioTruncated):
        decoded(twice, longest_minutes=1)


@given(st.sampled_from([None, *Container]), st.binary(max_size=300), st.data())
def test_any_bytes_are_looked_at_to_an_end(
    container: Container | None, tail: bytes, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(FORMS)))
    content = FORMS[name][: data.draw(st.integers(0, 4000))] + tail
    for kind in filter(None, [container, *([] if container else Container)]):
        assert cut_off(content, kind) in (True, False)
        assert 0 <= in_order(content) <= len(content)
        try:
            fit = framed(content, kind)
        except AudioUnreadable:
            continue
        assert sum(map(len, fit.parts)) <= len(content)


@given(st.binary(max_size=200), st.data())
def test_a_repaired_wav_says_what_is_there(tail: bytes, data: st.DataObject) -> None:
    content = bytearray(wav(0.02, 8000, 2) + tail)
    for _ in range(data.draw(st.integers(0, 6))):
        content[data.draw(st.integers(4, 47))] = data.draw(st.integers(0, 255))
    found = read_wav(bytes(content))
    if found is None or bytes(content[8:12]) != b"WAVE":
        return
    assert 0 <= found.data_size <= len(content) - found.data_start
    assert found.data_size % found.block_align == 0
    again = repaired_wav(bytes(content), found)
    read = read_wav(again)
    assert read is not None
    assert (read.data_start, read.data_size) == (found.data_start, found.data_size)
    assert repaired_wav(again, read) == again
    start, end = found.data_start, found.data_start + found.data_size
    assert again[start:end] == bytes(content[start:end])


def _peak_mb(content: bytes, longest_minutes: int) -> float:
    tracemalloc.start()
    try:
        with pytest.raises(AudioError):
            decoded(content, longest_minutes=longest_minutes)
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_a_header_that_lies_takes_no_memory() -> None:
    many = bytearray(wav(0.5))
    many[22:24] = struct.pack("<H", 1024)
    assert _peak_mb(bytes(many), 240) < 30
    for name in ("pcm.w64", "pcm.caf", "pcm.aiff", "mu-law.au", "rf64.wav"):
        for at in range(0, 100, 4):
            content = FORMS[name][:at] + b"\x7f\xff\xff\xff" + FORMS[name][at + 4 : 2000]
            try:
                decoded(content, longest_minutes=240, accept_truncated=True)
            except AudioError:
                continue


def test_many_channels_of_silence_take_no_more_memory_than_two() -> None:
    """FLAC writes an hour of it in a few bytes: what it grows to is bounded."""
    silence = np.zeros((8000 * 75, 8))
    content = recording(silence, 8000, container="FLAC")
    assert len(content) < 100_000
    assert _peak_mb(content, 4) < 60
    with pytest.raises(AudioTooLong, match="longer than 1 minutes, the most for 8 channels"):
        decoded(content, longest_minutes=4)
