"""The safe transcript: placeholders, words, times, digests and what is muted."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import MutedSpan, Role
from app.engine.raw import Leak
from app.engine.redaction.found import Found
from app.engine.redaction.placeholders import (
    ECHO_MS,
    LEAD_MS,
    PAYMENT_LEAD_MS,
    QUIET_MS,
    TRAIL_MS,
    merged,
    write,
)
from app.engine.transcription import RawTranscript, RawTurn, RawWord


def turn(text: str, *, words: bool = True, start_ms: int = 1000, step_ms: int = 500) -> RawTurn:
    """Return a turn with a word every half second, each 400 ms long."""
    spoken = tuple(
        RawWord(
            text=match[0],
            start=match.start(),
            end=match.end(),
            start_ms=start_ms + step_ms * n,
            end_ms=start_ms + step_ms * n + 400,
            confidence=0.9 - n / 100,
        )
        for n, match in enumerate(re.finditer(r"\S+", text))
    )
    end_ms = start_ms + step_ms * max(1, len(spoken))
    return RawTurn(
        channel=1,
        role=Role.CUSTOMER,
        start_ms=start_ms,
        end_ms=end_ms,
        text=text,
        words=spoken if words else (),
    )


def raw(*turns: RawTurn) -> RawTranscript:
    return RawTranscript(turns=turns, language="en")


def at(transcript: RawTranscript, text: str, kind: str, value: str, number: int = 0) -> Found:
    start = transcript.turns[number].text.index(text)
    return Found(
        kind=kind,
        turn=number,
        start=start,
        end=start + len(text),
        score=0.9,
        rule="test",
        value=value,
    )


def test_a_placeholder_takes_the_place_of_words_and_keeps_their_time() -> None:
    call = raw(turn("my card is four two thanks"))
    redacted = write(call, [at(call, "four two", "CARD", "42")])
    (safe,) = redacted.transcript.turns
    assert safe.text == "my card is [CARD-1] thanks"
    assert [word.text for word in safe.words] == ["my", "card", "is", "[CARD-1]", "thanks"]
    assert [safe.text[word.start : word.end] for word in safe.words] == [w.text for w in safe.words]
    (redaction,) = redacted.redactions
    assert (redaction.start_ms, redaction.end_ms) == (2500, 3400)
    assert safe.text[redaction.safe_start : redaction.safe_end] == "[CARD-1]"
    assert call.turns[0].text[redaction.start : redaction.end] == "four two"
    assert safe.words[3].confidence == min(0.87, 0.86)


def test_punctuation_that_hangs_on_a_word_stays_in_the_text() -> None:
    call = raw(turn("it's johanna's, ok"))
    redacted = write(call, [at(call, "johanna", "PERSON", "johanna")])
    assert redacted.transcript.turns[0].text == "it's [PERSON-1]'s, ok"
    assert [w.text for w in redacted.transcript.turns[0].words] == ["it's", "[PERSON-1]", "ok"]


def test_equal_values_have_the_same_number() -> None:
    call = raw(turn("four two"), turn("42 and 43"))
    some = [
        at(call, "four two", "CARD", "42"),
        at(call, "42", "CARD", "42", 1),
        at(call, "43", "CARD", "43", 1),
    ]
    redacted = write(call, some)
    assert redacted.transcript.turns[1].text == "[CARD-1] and [CARD-2]"
    assert [(one.kind, one.value) for one in redacted.values] == [("CARD", 1), ("CARD", 2)]
    assert redacted.values[0].digest == hashlib.sha256(b"CARD:42").digest()


def test_muted_audio_is_padded_and_takes_a_bit_of_the_pause() -> None:
    call = raw(turn("a 42 b"))
    (span,) = write(call, [at(call, "42", "PHONE", "42")]).muted
    assert span == MutedSpan(channel=1, start_ms=1500 - LEAD_MS, end_ms=1900 + TRAIL_MS)
    call = raw(turn("a 42 b", step_ms=2000))
    (span,) = write(call, [at(call, "42", "PHONE", "42")]).muted
    assert span == MutedSpan(channel=1, start_ms=3000 - 500, end_ms=3400 + 500)
    call = raw(turn("a 42 b", step_ms=400))
    (span,) = write(call, [at(call, "42", "PHONE", "42")]).muted
    assert span == MutedSpan(channel=1, start_ms=1400 - LEAD_MS, end_ms=1800 + TRAIL_MS)


@pytest.mark.parametrize("kind", ["CARD", "CARD_CODE", "PIN"])
def test_more_is_muted_before_what_pays_whose_every_digit_counts(kind: str) -> None:
    call = raw(turn("a 423 b"))
    (span,) = write(call, [at(call, "423", kind, "423")]).muted
    assert span == MutedSpan(channel=1, start_ms=1500 - PAYMENT_LEAD_MS, end_ms=1900 + TRAIL_MS)


def test_what_leaks_to_another_channel_is_muted_there_too() -> None:
    leak = Leak(source=1, target=0, delay_ms=60, gain_db=-24.0)
    call = replace(raw(turn("a 42 b", step_ms=2000)), leaks=(leak,))
    there, here = write(call, [at(call, "42", "CARD", "42")]).muted
    assert here == MutedSpan(channel=1, start_ms=2500, end_ms=3900)
    assert there == MutedSpan(channel=0, start_ms=2500, end_ms=3900 + 60 + ECHO_MS)


def test_a_leak_the_other_way_mutes_nothing_more() -> None:
    leak = Leak(source=0, target=1, delay_ms=60, gain_db=-24.0)
    call = replace(raw(turn("a 42 b")), leaks=(leak,))
    assert [one.channel for one in write(call, [at(call, "42", "CARD", "42")]).muted] == [1]


def test_the_first_and_the_last_word() -> None:
    call = raw(turn("42 stays 43", start_ms=0))
    some = [at(call, "42", "PHONE", "42"), at(call, "43", "PHONE", "43")]
    redacted = write(call, some)
    assert [one.start_ms for one in redacted.muted] == [0, 900]
    assert redacted.muted[-1].end_ms == 1400 + QUIET_MS


def test_the_pause_beside_a_turn_is_muted_up_to_the_next_turn_of_its_channel() -> None:
    other = replace(turn("mhm", start_ms=1450), channel=0)
    call = raw(turn("42", start_ms=1000), other, turn("ok", start_ms=1800))
    (span,) = write(call, [at(call, "42", "PHONE", "42")]).muted
    assert span == MutedSpan(channel=1, start_ms=1000 - QUIET_MS, end_ms=1400 + 300)
    call = raw(turn("ok", start_ms=1000), turn("42", start_ms=1350))  # at the same time
    (span,) = write(call, [at(call, "42", "PHONE", "42", 1)]).muted
    assert span.start_ms == 1350 - LEAD_MS


def test_a_word_that_was_hardly_understood_is_muted_with_the_value_beside_it() -> None:
    def muted(text: str, *doubted: str, step_ms: int = 500) -> tuple[int, int]:
        said = turn(text, step_ms=step_ms)
        words = [replace(w, confidence=0.4) if w.text in doubted else w for w in said.words]
        call = raw(replace(said, words=tuple(words)))
        redacted = write(call, [at(call, "42", "PHONE", "42")])
        assert redacted.transcript.turns[0].text == text.replace("42", "[PHONE-1]")
        (span,) = redacted.muted
        return span.start_ms, span.end_ms

    text = "right maybe 42 thanks again"
    assert muted(text) == (2000 - LEAD_MS, 2400 + TRAIL_MS)
    assert muted(text, "maybe", "again") == (1500 - LEAD_MS, 2400 + TRAIL_MS)
    assert muted(text, "right", "thanks") == (2000 - LEAD_MS, 2900 + TRAIL_MS)
    pause_ms = 800 - 400
    beside = (1800 - pause_ms, 2200 + pause_ms)
    assert muted("maybe 42 thanks", "maybe", "thanks", step_ms=800) == beside


def test_the_end_of_a_word_that_is_too_long_beside_a_value_is_muted() -> None:
    said = turn("maybe 42 thanks")
    words = list(said.words)
    words[0] = replace(words[0], start_ms=words[0].end_ms - 700)  # says no more than 400 ms
    words[2] = replace(words[2], end_ms=words[2].start_ms + 800)  # 450 ms
    call = raw(replace(said, words=tuple(words)))
    (span,) = write(call, [at(call, "42", "CARD", "42")]).muted
    assert (span.start_ms, span.end_ms) == (1500 - 100 - 300, 1900 + 100 + 350)


def test_without_word_times_the_share_of_the_turn_is_muted_generously() -> None:
    call = raw(turn("x" * 51 + "42" + "x" * 47, words=False, start_ms=0, step_ms=10_000))
    redacted = write(call, [at(call, "42", "CARD", "42")])
    (redaction,) = redacted.redactions
    assert (redaction.start_ms, redaction.end_ms) == (5100, 5300)
    assert redacted.muted == (
        MutedSpan(channel=1, start_ms=4100 - LEAD_MS, end_ms=6300 + TRAIL_MS),
    )
    assert redacted.transcript.turns[0].words == ()


def test_a_transcript_without_times_mutes_nothing() -> None:
    silent = RawTurn(channel=0, role=Role.AGENT, start_ms=0, end_ms=0, text="is 42")
    call = raw(silent)
    redacted = write(call, [at(call, "42", "CARD", "42")])
    assert redacted.muted == ()
    assert redacted.transcript.turns[0].text == "is [CARD-1]"


def test_spans_of_a_channel_that_touch_become_one() -> None:
    spans = [
        MutedSpan(channel=1, start_ms=5, end_ms=9),
        MutedSpan(channel=0, start_ms=0, end_ms=5),
        MutedSpan(channel=0, start_ms=5, end_ms=7),
        MutedSpan(channel=0, start_ms=1, end_ms=2),
        MutedSpan(channel=0, start_ms=8, end_ms=9),
    ]
    assert [(s.channel, s.start_ms, s.end_ms) for s in merged(spans)] == [
        (0, 0, 7),
        (0, 8, 9),
        (1, 5, 9),
    ]


def test_a_quoted_placeholder_in_the_talk_keeps_its_number() -> None:
    call = raw(turn("[CARD-1] 42"))
    redacted = write(call, [at(call, "42", "CARD", "42")])
    assert redacted.transcript.turns[0].text == "[CARD-1] [CARD-2]"


@given(st.data())
def test_nothing_outside_a_redaction_changes(data: st.DataObject) -> None:
    words = data.draw(st.lists(st.text("abc19.,'é", min_size=1, max_size=6), min_size=1))
    call = raw(turn(" ".join(words), words=data.draw(st.booleans())))
    text = call.turns[0].text
    edges = sorted(
        data.draw(st.sets(st.integers(0, len(text)), max_size=6).filter(lambda s: len(s) % 2 == 0))
    )
    some = [
        Found(kind="K", turn=0, start=s, end=e, score=1.0, rule="r", value=text[s:e])
        for s, e in zip(edges[::2], edges[1::2], strict=True)
    ]
    redacted = write(call, some)
    (safe,) = redacted.transcript.turns
    for word in safe.words:
        assert safe.text[word.start : word.end] == word.text
        assert word.start_ms <= word.end_ms
    back, read_to = "", 0
    for one in redacted.redactions:
        back += safe.text[read_to : one.safe_start] + text[one.start : one.end]
        read_to = one.safe_end
        assert one.start_ms <= one.end_ms
        assert any(s.start_ms <= one.start_ms and one.end_ms <= s.end_ms for s in redacted.muted)
    assert back + safe.text[read_to:] == text
