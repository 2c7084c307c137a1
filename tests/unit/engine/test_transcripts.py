"""Transcripts instead of audio: taken as documented, refused by naming the field, not its text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import RoleBasis
from app.engine import transcripts
from app.errors import TranscriptInvalid

SECRET = "four five three nine"


def _raw(**call):
    return transcripts.to_raw(transcripts.parse(json.dumps(call).encode()))


@pytest.mark.parametrize(
    ("given", "code"), [("en", "en"), ("en-GB", "en"), ("EN_us", "en"), ("de-AT", "de"), ("", "en")]
)
def test_a_language_counts_without_its_region(given, code):
    raw = _raw(turns=[{"text": "yes"}], language=given)
    assert (raw.language, raw.language_confidence) == (code, None)


def test_turns_are_ordered_and_words_are_placed():
    raw = _raw(
        turns=[
            {"role": "customer", "text": "yes yes", "start_ms": 900, "end_ms": 1500,
             "words": [{"text": "yes", "start_ms": 900, "end_ms": 1000},
                       {"text": "yes", "start_ms": 1100, "end_ms": 1200}]},
            {"role": "agent", "text": "hello", "start_ms": 0, "end_ms": 800},
        ]
    )  # fmt: skip
    assert [turn.text for turn in raw.turns] == ["hello", "yes yes"]
    assert [(word.start, word.end) for word in raw.turns[1].words] == [(0, 3), (4, 7)]
    assert raw.role_basis is RoleBasis.GIVEN


def test_roles_that_are_not_given_are_open():
    assert _raw(turns=[{"text": "hello"}]).role_basis is RoleBasis.ESTIMATED


def test_a_result_of_the_program_can_be_analysed_again():
    turn = {"index": 0, "channel": 0, "role": "agent", "start_ms": 0, "end_ms": 5, "text": "hi"}
    assert len(_raw(schema="x", turns=[turn], findings=[], muted=[]).turns) == 1


@pytest.mark.parametrize(
    ("document", "named"),
    [
        (b"", "JSON"),
        (b"\xff\xfe", "JSON"),
        (b'{"x":' + b"[" * 100_000, "JSON"),
        (b'{"turns": [{"text": "' + b"a" * 1_000_001 + b'"}]}', r"turns\[0\]\.text"),
        (b"[]", "object"),
        (b"{}", "turns"),
        (b'{"turns": []}', "no turn"),
        (b'{"turns": [{"text": "  "}]}', "no turn"),
        (b'{"turns": [{"role": "agent"}]}', "text"),
        (b'{"turns": [{"text": 3}]}', r"turns\[0\]\.text"),
        (b'{"turns": [{"text": "a", "start_ms": -1}]}', "start_ms"),
        (b'{"turns": [{"text": "a", "start_ms": 5, "end_ms": 1}]}', "ends before"),
        (b'{"turns": [{"text": "a", "role": "four five three nine"}]}', "role"),
        (
            b'{"turns": [{"text": "a b", "words": [{"text": "four five three nine",'
            b' "start_ms": 0, "end_ms": 1}]}]}',
            "does not stand",
        ),
        (
            b'{"turns": [{"text": "a b", "words": [{"text": "a", "start_ms": 3, "end_ms": 1}]}]}',
            "ends before",
        ),
    ],
)
def test_what_is_wrong_is_named_without_its_text(document, named):
    with pytest.raises(TranscriptInvalid, match=named) as refused:
        transcripts.to_raw(transcripts.parse(document))
    assert SECRET not in refused.value.sentence + refused.value.advice


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_transcript_or_refused(document):
    try:
        transcripts.to_raw(transcripts.parse(document))
    except TranscriptInvalid as refused:
        assert refused.__cause__ is None  # noqa: PT017 - and nothing of the input trails behind


@given(st.lists(st.text("ab ", min_size=1, max_size=4), max_size=8))
def test_words_stand_where_they_are_placed(texts):
    words = [{"text": text, "start_ms": 0, "end_ms": 1} for text in texts if text.strip()]
    call = {"turns": [{"text": " ".join(texts) or "x", "words": words}]}
    try:
        raw = _raw(**call)
    except TranscriptInvalid:
        return
    turn = raw.turns[0]
    assert all(turn.text[word.start : word.end] == word.text for word in turn.words)
