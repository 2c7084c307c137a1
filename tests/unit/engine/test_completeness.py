"""What was cut off is known by its container; what is whole is never called cut off."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.completeness import cut_off
from app.engine.containers import Container, sniff
from tests.unit.engine.recordings import recording, tone

ROOT = Path(__file__).parents[3]
GOLDEN = ROOT / "tests" / "golden" / "recordings"
SAMPLES = ROOT / "resources" / "samples"
KEPT = sorted(
    path
    for path in (*GOLDEN.iterdir(), *SAMPLES.iterdir())
    if path.suffix not in (".wav", ".flac", ".json", ".md", ".csv")
)
MADE = {
    "AIFF": "PCM_16",
    "AU": "ULAW",
    "CAF": "PCM_16",
    "W64": "PCM_16",
    "OGG": "VORBIS",
    "MP3": "MPEG_LAYER_III",
}


def _made(container: str, seconds: float = 3.0) -> bytes:
    return recording(tone(seconds), 8000, container=container, subtype=MADE[container])


@pytest.mark.parametrize("path", KEPT, ids=lambda path: path.name)
def test_recordings_are_whole_until_they_are_cut(path: Path) -> None:
    content = path.read_bytes()
    assert not cut_off(content, sniff(content))
    for share in (0.1, 0.5, 0.9):
        cut = content[: round(len(content) * share)]
        assert cut_off(cut, sniff(content)), share


@pytest.mark.parametrize("container", sorted(MADE))
def test_what_is_made_is_whole_until_it_is_cut(container: str) -> None:
    content = _made(container)
    kind = sniff(content)
    assert not cut_off(content, kind)
    for share in (0.1, 0.5, 0.9):
        assert cut_off(content[: round(len(content) * share)], kind), share


def test_tags_before_and_after_an_mp3_are_no_part_of_its_frames() -> None:
    content = _made("MP3")
    tagged = b"ID3\x04\0\0" + bytes((0, 1, 0, 0)) + bytes(1 << 14) + content + b"TAG" + bytes(125)
    assert sniff(tagged) is Container.MP3
    assert not cut_off(tagged, Container.MP3)
    assert cut_off(tagged[: len(tagged) - len(content) // 2], Container.MP3)


def test_an_mp3_without_a_count_is_cut_off_in_the_middle_of_a_frame() -> None:
    frame = b"\xff\xf3\x48\xc4" + bytes(140)  # MPEG 2, 32 kbit/s at 16 kHz: 144 bytes
    assert not cut_off(frame * 20, Container.MP3)
    assert not cut_off(frame * 20 + b"TAG" + bytes(125), Container.MP3)
    assert cut_off(frame * 20 + frame[:50], Container.MP3)


def test_lengths_that_a_streaming_writer_never_knew_are_no_promise() -> None:
    sound = _made("AU")
    for size in (0, 0xFFFFFFFF):
        assert not cut_off(sound[:8] + struct.pack(">I", size) + sound[12:], Container.AU)


def test_a_live_webm_is_whole_until_an_element_is_cut() -> None:
    head = b"\x1a\x45\xdf\xa3\x80" + b"\x18\x53\x80\x67\x01" + b"\xff" * 7
    cluster = b"\x1f\x43\xb6\x75\xff" + b"\xe7\x81\x00" + b"\xa3\x85abcde" * 3
    assert not cut_off(head + cluster * 2, Container.WEBM)
    for missing in range(1, 7):
        assert cut_off((head + cluster * 2)[:-missing], Container.WEBM)


def test_an_mp4_whose_index_was_never_written_is_cut_off() -> None:
    sound = (
        struct.pack(">I4s", 16, b"ftyp") + bytes(8) + struct.pack(">I4s", 0, b"mdat") + bytes(99)
    )
    assert cut_off(sound, Container.MP4)


@given(st.sampled_from(list(Container)), st.binary(max_size=200))
def test_any_bytes_have_an_answer(container: Container, content: bytes) -> None:
    heads = {Container.OGG: b"OggS\0", Container.AMR: b"#!AMR\n", Container.ADTS: b"\xff\xf1"}
    for head in (b"", heads.get(container, b"")):
        assert cut_off(head + content, container) in (True, False)
