"""Frames between the program and its workers: what goes in comes out, nonsense is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import Settings
from app.domain import CallMetadata, Failure, Role, Stage
from app.engine import wire
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


@pytest.mark.parametrize("said", ["asked", "answered"])
def test_a_recording_is_sent_as_it_lies_in_memory(said):
    sound = bytes(100_000)
    if said == "asked":
        request = wire.Request(content="audio", payload=sound, settings=Settings())
        frames = wire.encode_request(request)
        assert request.payload is sound
    else:
        frames = wire.encode_answer(replace(analysed_call(), muted_audio=sound))
    assert frames[1] is sound
    assert len(frames[0]) < 50_000
