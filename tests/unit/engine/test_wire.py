"""Frames between the program and its workers: what goes in comes out, nonsense is refused."""

from __future__ import annotations

import errno
import random
import tempfile
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import Settings
from app.domain import CallMetadata, Failure, Role, Stage
from app.engine import wire
from app.engine.aside import PART_BYTES, Aside, whole
from app.errors import TemporaryFileFailed
from tests.builders import analysed_call, redacted_call


def _again(said):
    if isinstance(said, wire.Question):
        return wire.decode_request(iter(wire.encode_request(said)).__next__)
    return wire.decode_answer(iter(wire.encode_answer(said)).__next__)


@given(
    payload=st.binary(),
    content=st.sampled_from(["audio", "transcript"]),
    agent=st.none() | st.text(),
    roles=st.lists(st.sampled_from(list(Role))).map(tuple),
)
def test_a_request_comes_out_as_it_went_in(payload, content, agent, roles):
    metadata = CallMetadata(agent=agent, channel_roles=roles)
    request = wire.Request(content=content, payload=payload, settings=Settings(), metadata=metadata)
    assert _again(request) == request


@given(payload=st.binary(), roles=st.lists(st.sampled_from(list(Role))).map(tuple))
def test_a_transcript_to_redact_comes_out_as_it_went_in(payload, roles):
    metadata = CallMetadata(channel_roles=roles)
    asked = wire.RedactionRequest(payload=payload, settings=Settings(), metadata=metadata)
    assert _again(asked) == asked


@given(
    st.builds(wire.StageProgress, stage=st.sampled_from(list(Stage)), done=st.floats(0, 1))
    | st.builds(Failure, code=st.text(), sentence=st.text(), hint=st.text())
)
def test_an_answer_comes_out_as_it_went_in(answer):
    assert _again(answer) == answer


def test_a_trial_comes_out_as_it_went_in():
    assert _again(wire.NetworkTrial()) == wire.NetworkTrial()
    tried = wire.NetworkTried(python_refused=True, native_refused=None)
    assert _again(tried) == tried


def test_a_finished_call_comes_out_as_it_went_in():
    for answer in (analysed_call(), redacted_call()):
        assert _again(answer) == answer


@given(st.binary())
def test_nonsense_is_refused_and_never_something_else(frame):
    with pytest.raises(ValueError):  # noqa: PT011 - msgspec and we have only this in common
        wire.decode_answer(lambda: b"D" + frame)
    with pytest.raises(ValueError):  # noqa: PT011
        wire.decode_request(lambda: b"C" + frame)
    with pytest.raises(ValueError):  # noqa: PT011
        wire.decode_request(lambda: b"?" + frame)


def test_a_request_hides_what_it_carries():
    request = wire.Request(content="audio", payload=b"spoken words", settings=Settings())
    asked = wire.RedactionRequest(payload=b"spoken words", settings=Settings())
    assert "spoken" not in repr(request) + repr(asked)


@pytest.mark.parametrize("length", [0, 1, PART_BYTES - 1, PART_BYTES, PART_BYTES + 1, 9_000_000])
def test_a_recording_of_any_length_follows_in_parts(length):
    sound = random.Random(length).randbytes(length)
    request = wire.Request(content="audio", payload=sound, settings=Settings())
    frames = list(wire.encode_request(request))
    assert request.payload is sound  # and no part of it was copied
    assert all(frame.obj is sound for frame in frames[1:])
    assert max(map(len, frames)) <= PART_BYTES
    behind = iter([*frames, b"the next question"])
    asked = wire.decode_request(lambda: bytes(next(behind)))
    taken = asked.take_payload()
    assert isinstance(taken, Aside) is (length > 8_000_000)
    assert whole(taken) == sound
    assert whole(asked.take_payload()) == b""
    assert next(behind) == b"the next question"
    answer = replace(analysed_call(), muted_audio=sound)
    assert _again(answer) == answer


def test_where_a_recording_cannot_be_put_aside_the_next_question_is_still_understood(monkeypatch):
    def refuse(**_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    request = wire.Request(content="audio", payload=bytes(20_000_000), settings=Settings())
    sent = chain(wire.encode_request(request), wire.encode_request(wire.NetworkTrial()))
    with pytest.raises(TemporaryFileFailed, match="no room"):
        wire.decode_request(lambda: bytes(next(sent)))
    assert wire.decode_request(lambda: bytes(next(sent))) == wire.NetworkTrial()
