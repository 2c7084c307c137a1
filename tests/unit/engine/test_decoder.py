"""The Qt decoder: compressed formats whole, damaged ones with an end, nothing on standard error."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engine.decoder import decode_blocks
from app.errors import AudioError, AudioTooLong, AudioTruncated, AudioUnreadable
from tests.arrays import decoded
from tests.unit.engine.recordings import recording, tone

if TYPE_CHECKING:
    from numpy.typing import NDArray

RECORDINGS = Path(__file__).parents[2] / "golden" / "recordings"
FORMS = {
    "aac.m4a": (2, 16000),
    "alac.m4a": (1, 16000),
    "aac.aac": (1, 16000),
    "opus.webm": (2, 48000),
    "opus.ogg": (2, 48000),
    "amr.amr": (1, 8000),
    "g722.wav": (1, 16000),
    "g726.wav": (1, 8000),
    "mp3.mp3": (2, 8000),
}


@pytest.mark.parametrize("name", sorted(FORMS))
def test_reads_compressed_forms_with_each_channel_in_its_place(name: str) -> None:
    audio = decoded((RECORDINGS / name).read_bytes(), longest_minutes=1)
    assert (audio.channels, audio.source_rate_hz) == FORMS[name]
    assert not audio.truncated
    assert 1990 <= audio.duration_ms <= 2140  # codecs add up to a frame on each side
    for number, channel in enumerate(audio.samples):
        spectrum = np.abs(np.fft.rfft(channel[8000:24000].astype(float)))
        assert abs(int(spectrum.argmax()) - (400 + 200 * number)) <= 2


@pytest.mark.parametrize("name", sorted(FORMS))
def test_the_same_file_gives_the_same_samples(name: str) -> None:
    content = (RECORDINGS / name).read_bytes()
    first = decoded(content, longest_minutes=1).samples
    for _ in range(3):
        assert np.array_equal(decoded(content, longest_minutes=1).samples, first)


@pytest.mark.parametrize(("container", "subtype"), [("OGG", "VORBIS"), ("MP3", "MPEG_LAYER_III")])
def test_long_recordings_keep_their_end(container: str, subtype: str) -> None:
    sound = tone(90.0)
    sound[:-8000] *= 0.1
    audio = decoded(recording(sound, 8000, container=container, subtype=subtype), longest_minutes=2)
    assert abs(audio.duration_ms - 90_000) <= 60
    assert np.abs(audio.samples[0, -8000:].astype(int)).max() > 10_000


def test_a_name_decides_nothing() -> None:
    content = (RECORDINGS / "aac.m4a").read_bytes()
    assert decoded(content, longest_minutes=1).channels == 2


@pytest.mark.parametrize("name", ["aac.m4a", "alac.m4a"])
def test_an_m4a_without_its_index_is_refused(name: str) -> None:
    content = (RECORDINGS / name).read_bytes()
    with pytest.raises(AudioTruncated, match=r"MP4 file is cut off, and nothing"):
        decoded(content[: len(content) // 2], longest_minutes=1, accept_truncated=True)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("name", sorted(FORMS))
def test_a_recording_that_was_cut_off_is_known_as_such(name: str, share: float) -> None:
    content = (RECORDINGS / name).read_bytes()
    with pytest.raises(AudioTruncated, match=r"cut off|missing"):
        decoded(content[: round(len(content) * share)], longest_minutes=1)


@pytest.mark.parametrize("name", ["opus.webm", "opus.ogg", "aac.aac", "amr.amr", "mp3.mp3"])
def test_what_is_left_is_read_where_that_is_wanted_the_same_each_time(name: str) -> None:
    content = (RECORDINGS / name).read_bytes()[:-400]
    found = [decoded(content, longest_minutes=1, accept_truncated=True) for _ in range(3)]
    assert found[0].truncated
    assert 500 < found[0].duration_ms < 2140
    assert len({audio.samples.tobytes() for audio in found}) == 1


def test_a_bare_stream_of_g722_is_read_by_the_end_of_its_name() -> None:
    content = (RECORDINGS / "g722.wav").read_bytes()
    bare = content[content.index(b"data") + 8 :]
    audio = decoded(bare, longest_minutes=1, suffix=".G722")
    assert np.array_equal(audio.samples, decoded(content, longest_minutes=1).samples)
    with pytest.raises(AudioUnreadable):
        decoded(bare, longest_minutes=1, suffix=".wav")
    for disguised in (b"%PDF-1.7" + bytes(900), b"A text. " * 90):
        with pytest.raises(AudioUnreadable):
            decoded(disguised, longest_minutes=1, suffix=".g722")
    assert decoded(content, longest_minutes=1, suffix=".g722").source_rate_hz == 16000


def test_stops_at_what_the_receiver_raises() -> None:
    def refuse(_block: NDArray[np.float32], _rate_hz: int) -> None:
        raise AudioTooLong("enough")

    with pytest.raises(AudioTooLong, match="enough"):
        decode_blocks((RECORDINGS / "mp3.mp3").read_bytes(), refuse)


def test_gives_up_when_nothing_comes() -> None:
    """A watchdog that fires at once stands for a decoder that never gives a block."""
    end = decode_blocks((RECORDINGS / "opus.ogg").read_bytes(), lambda *_: None, stuck_ms=0)
    assert end.stuck


def test_says_nothing_on_standard_error(capfd: pytest.CaptureFixture[str]) -> None:
    for name in FORMS:
        content = (RECORDINGS / name).read_bytes()
        decoded(content, longest_minutes=1)
        try:
            decoded(content[: len(content) // 3], longest_minutes=1)
        except AudioError:
            continue
    assert capfd.readouterr() == ("", "")


@settings(max_examples=150)
@given(st.sampled_from(sorted(FORMS)), st.data())
def test_damaged_recordings_are_read_or_refused(name: str, data: st.DataObject) -> None:
    content = bytearray((RECORDINGS / name).read_bytes())
    for _ in range(data.draw(st.integers(0, 12))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    try:
        decoded(bytes(content[:cut]), longest_minutes=1, accept_truncated=True)
    except AudioError:
        return
