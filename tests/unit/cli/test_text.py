"""Results as lines for people."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli import text
from app.domain import CallMetadata, CallRow, Failure, JobState, Role, RoleBasis, Severity
from tests.builders import call_analysis, proof, transcript


@pytest.mark.parametrize(
    ("milliseconds", "shown"),
    [
        (0, "0:00"),
        (999, "0:00"),
        (61_000, "1:01"),
        (3_600_000, "1:00:00"),
        (36_061_000, "10:01:01"),
    ],
)
def test_times_are_read_as_on_a_clock(milliseconds, shown):
    assert text.clock(milliseconds) == shown


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("UTC0", "2026-03-01 09:30:00 +00:00"), ("XST-5:30", "2026-03-01 15:00:00 +05:30")],
)
@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone cannot be set here")
def test_a_kept_time_is_shown_as_the_clock_on_the_wall(monkeypatch, zone, shown):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        assert text.moment("2026-03-01T09:30:00.250Z") == shown
        now = datetime(2026, 3, 1, 9, 15, 1, tzinfo=UTC)
        assert text.wait("2026-03-01T09:30:00.000Z", now) == f"waits 15 min (until {shown})"
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_shown_time_is_the_kept_one(when):
    shown = datetime.fromisoformat("".join(text.moment(when.isoformat()).rsplit(" ", 1)))
    assert shown == when.replace(microsecond=0)


@pytest.mark.parametrize("odd", ["", "yesterday", "2026-03-01T09:30:00", "9999-12-31T23:59:59Z"])
def test_what_is_no_time_of_a_zone_is_shown_as_it_is(odd):
    assert text.moment(odd)[:10] == odd[:10]


def test_a_report_shows_each_claim_with_its_words_and_time():
    found = call_analysis()
    metadata = CallMetadata(agent="Sam", queue="Billing")
    lines = "\n".join(text.report("call.wav", found, 100, metadata=metadata))
    assert lines.startswith("call.wav  |  0:13  |  2 channels, 8 kHz  |  en  |  Sam  |  Billing\n")
    assert "WARNING  Complaint  (0:03)" in lines
    assert "The customer complains (conduct, 90%)" in lines
    assert "0:03 customer: “I want to make a complaint about my bill”" in lines
    assert "1: 1 CARD; 0.4 s of sound muted" in lines
    assert "75 of 100 (general)" in lines
    assert "known from the channels" in lines


def test_guessed_roles_and_doubts_are_said():
    said = replace(transcript(), role_basis=RoleBasis.GUESSED, role_confidence=0.7)
    found = call_analysis(transcript=said, warnings=("audio-truncated", "a-new-code"))
    lines = "\n".join(text.report("call.wav", found, 100))
    assert "guessed from what is said (70% sure)" in lines
    assert "Take care" in lines
    assert "this is what is left of the call" in lines
    assert "A new code." in lines


def test_a_language_in_doubt_is_said():
    said = replace(transcript(), language="de", language_confidence=0.42)
    codes = ("language-not-supported", "language-uncertain")
    lines = list(text.report("call.wav", call_analysis(transcript=said, warnings=codes), 100))
    assert lines[0].endswith("  |  de (42% sure)")
    assert any("The call is not in English" in line for line in lines)
    assert any("not sure in which language" in line for line in lines)
    sure = replace(said, language_confidence=0.9)
    assert next(text.report("call.wav", call_analysis(transcript=sure), 100)).endswith("|  de")


def test_the_proof_is_a_line_of_the_report():
    lines = list(text.report("call.wav", call_analysis(proof=proof()), 100))
    line = next(line for line in lines if line.startswith("  Proof"))
    assert line.startswith("  Proof     Held back: a person must listen (standard, rounds: 3,")


def test_a_call_in_which_nothing_was_found_is_told_too():
    found = call_analysis(findings=(), flags=(), redactions=(), muted=(), summary=())
    lines = list(text.report("call.wav", found, 100))
    assert any(line.startswith("  Redacted  nothing") for line in lines)
    assert not any(line.startswith("  Flags") for line in lines)


def test_the_list_says_in_words_which_calls_are_not_in_english():
    marked = "NOT IN ENGLISH (de); Complaint; Long silence"
    lines = text.calls([row(language="de"), row(language="en"), row()], 160)
    assert lines[1].endswith(marked)
    assert "NOT IN ENGLISH" not in "".join(lines[2:])
    waits = row(held_back=True, flags=("Complaint",))
    assert text.calls([waits], 160)[1].endswith("HELD BACK; Complaint")
    held = row(language="de", on_hold=True, flags=())
    assert text.calls([held], 160)[1].endswith("ON HOLD; NOT IN ENGLISH (de)")
    assert text.calls([replace(held, language=None)], 160)[1].endswith("  ON HOLD")


@pytest.mark.parametrize("width", [60, 80, 100, 120])
def test_no_line_is_wider_than_the_screen(width):
    found = call_analysis()
    lines = [*text.report("call.wav", found, width)]
    lines += text.transcript(found.transcript.turns, width)
    assert max(map(len, lines)) <= width


def row(**changes):
    whole = CallRow(
        id="0123456789abcdef0123456789abcdef",
        source_name="call.wav",
        imported_at="2026-03-01T09:30:00.000Z",
        started_at=None,
        state=JobState.DONE,
        duration_ms=61_000,
        agent="Sam",
        queue=None,
        customer_sentiment=-0.4,
        score=75.0,
        flags=("Complaint", "Long silence"),
        severity=Severity.WARNING,
        failure=None,
    )
    return replace(whole, **changes)


def test_the_list_of_calls_shows_state_flags_and_reasons():
    reason = Failure(code="audio-empty", sentence="The file holds no sound.", hint="")
    failed = row(state=JobState.FAILED, flags=(), failure=reason, score=None, duration_ms=None)
    lines = text.calls([row(), failed], 120)
    assert lines[1].split() == [
        *("01234567", "done", "1:01", "Sam", "-0.40", "75", "call.wav"),
        *("Complaint;", "Long", "silence"),
    ]
    assert lines[2].endswith("The file holds no sound.")


@given(st.lists(st.lists(st.text(max_size=30), min_size=3, max_size=3), max_size=5))
def test_tables_keep_every_row(rows):
    assert len(text.table(("A", "B", "C"), rows, 80)) == len(rows) + 1


def test_an_uncertain_turn_is_marked_and_not_hidden():
    turn = replace(transcript().turns[0], confidence=0.4)
    (line, *_) = text.transcript([turn], 200)
    assert f"(unclear) {turn.text}" in line
    assert "(unclear)" not in next(iter(text.transcript([replace(turn, confidence=0.6)], 200)))


def test_turns_without_words_or_role_are_shown():
    turn = replace(transcript().turns[0], text="", words=(), role=Role.UNKNOWN)
    assert list(text.transcript([turn], 80)) == ["   0:00  side 1"]
