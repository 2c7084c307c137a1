"""Redacting a safe call further: places fit, what was redacted stays, and more is muted."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Correction, EntryKind, MutedSpan, Role
from app.engine.redaction.found import Found
from app.engine.redaction.further import as_spoken, beside
from app.engine.redaction.placeholders import write
from tests.builders import call_analysis, transcript, turn

SPOKEN = "it is 4929 1234 said John Smith to Velmora on behalf of John Smith"


def found(kind, start, text, said=SPOKEN):
    at = said.index(text, start)
    return Found(
        turn=0, start=at, end=at + len(text), kind=kind, value=text.lower(), score=0.9, rule="test"
    )


def safe_call(spoken=SPOKEN, *, first=(), corrections=(), warnings=()):
    """A call of one turn that was redacted once."""
    said = replace(transcript(), turns=(turn(0, Role.AGENT, spoken, 0),))
    once = write(as_spoken(said), first)
    return call_analysis(
        transcript=once.transcript,
        redactions=once.redactions,
        muted=once.muted,
        corrections=corrections,
        warnings=warnings,
    )


def test_every_place_fits_what_was_spoken_and_what_is_kept():
    call = safe_call(first=[found("CARD", 0, "4929 1234")])
    text = call.transcript.turns[0].text
    assert text == "it is [CARD-1] said John Smith to Velmora on behalf of John Smith"
    new = write(
        as_spoken(call.transcript),
        [
            found("PERSON", 0, "John Smith", text),
            found("PERSON", text.index("behalf"), "John Smith", text),
        ],
    )
    both = beside(call, new).redacted
    kept = both.transcript.turns[0].text
    assert kept == "it is [CARD-1] said [PERSON-1] to Velmora on behalf of [PERSON-1]"
    assert [SPOKEN[one.start : one.end] for one in both.redactions] == [
        "4929 1234",
        "John Smith",
        "John Smith",
    ]
    assert [kept[one.safe_start : one.safe_end] for one in both.redactions] == [
        "[CARD-1]",
        "[PERSON-1]",
        "[PERSON-1]",
    ]
    assert [value.kind for value in both.values] == ["PERSON"]


def test_what_is_redacted_before_an_older_placeholder_moves_it():
    call = safe_call(first=[found("PERSON", 40, "John Smith")])
    new = write(as_spoken(call.transcript), [found("CARD", 0, "4929 1234")])
    both = beside(call, new).redacted
    kept = both.transcript.turns[0].text
    assert [kept[one.safe_start : one.safe_end] for one in both.redactions] == [
        "[CARD-1]",
        "[PERSON-1]",
    ]


def test_corrections_of_the_word_list_move_or_go_with_what_is_redacted():
    def listed(text):
        at = SPOKEN.index(text)
        return Correction(
            turn=0,
            start=at,
            end=at + len(text),
            kind=EntryKind.NAME,
            likeness=0.9,
            confidence=0.5,
        )

    call = safe_call(corrections=(listed("Smith"), listed("Velmora")))
    new = write(as_spoken(call.transcript), [found("PERSON", 0, "John Smith")])
    further = beside(call, new)
    text = further.redacted.transcript.turns[0].text
    assert [text[one.start : one.end] for one in further.corrections] == ["Velmora"]


def test_muted_stretches_stay_and_more_come():
    call = safe_call(first=[found("CARD", 0, "4929 1234")])
    new = write(as_spoken(call.transcript), [found("PERSON", 20, "John Smith", _text(call))])
    both = beside(call, new).redacted
    for span in (*call.muted, *new.muted):
        assert any(
            one.channel == span.channel
            and one.start_ms <= span.start_ms
            and span.end_ms <= one.end_ms
            for one in both.muted
        )


def test_where_one_side_is_heard_on_the_others_channel_both_are_muted():
    call = safe_call(warnings=("crosstalk",))
    new = write(as_spoken(call.transcript), [found("PERSON", 0, "John Smith")])
    (own,) = new.muted
    leaked = MutedSpan(channel=1, start_ms=own.start_ms, end_ms=own.end_ms + 500)
    assert set(beside(call, new).redacted.muted) == {own, leaked}
    assert beside(safe_call(), new).redacted.muted == (own,)


@given(st.sets(st.integers(0, len(SPOKEN.split()) - 1), max_size=6), st.data())
def test_any_words_redacted_in_two_goes_are_where_they_were_spoken(first, data):
    words = _word_spans(SPOKEN)
    second = data.draw(st.sets(st.sampled_from(sorted(set(range(len(words))) - first)), max_size=5))
    call = safe_call(first=[_word(SPOKEN, *words[one]) for one in sorted(first)])
    text = _text(call)
    there = _word_spans(text)
    new = write(as_spoken(call.transcript), [_word(text, *there[one]) for one in sorted(second)])
    both = beside(call, new).redacted
    kept = both.transcript.turns[0].text
    assert [(one.start, one.end) for one in both.redactions] == [
        words[one] for one in sorted(first | second)
    ]
    assert [(one.safe_start, one.safe_end) for one in both.redactions] == [
        _word_spans(kept)[one] for one in sorted(first | second)
    ]


@pytest.mark.parametrize("speaker", [None, 1])
def test_a_safe_turn_is_read_as_it_is(speaker):
    said = transcript()
    said = replace(said, turns=tuple(replace(one, speaker=speaker) for one in said.turns))
    assert write(as_spoken(said), []).transcript == said


def _text(call):
    return call.transcript.turns[0].text


def _word(text, start, end):
    return Found(
        turn=0, start=start, end=end, kind="X", value=text[start:end], score=0.9, rule="test"
    )


def _word_spans(text):
    spans, at = [], 0
    for word in text.split():
        at = text.index(word, at)
        spans.append((at, at + len(word)))
        at += len(word)
    return spans
