"""Look-ups between times, turns, words and characters."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from app.domain import Evidence, Finding, FindingKind, Flag, Role, Severity
from app.ui import timeline
from app.ui.waveform import tick_ms
from tests import builders

ANALYSIS = builders.call_analysis()
TURNS = ANALYSIS.transcript.turns


def test_flags_win_over_findings_at_the_same_place() -> None:
    found = timeline.marks(ANALYSIS)
    assert [mark.title for mark in found] == ["Complaint"]
    assert found[0].severity is Severity.WARNING


def test_marks_come_in_order_of_time() -> None:
    late = builders.evidence(TURNS[3])
    alert = Flag(label="x", title="Late", severity=Severity.ALERT, evidence=(late,))
    early = Finding(
        kind=FindingKind.TOPIC,
        label="y",
        title="Early",
        confidence=1.0,
        evidence=(builders.evidence(TURNS[0]),),
    )
    found = timeline.marks(replace(ANALYSIS, flags=(alert,), findings=(early,)))
    assert [mark.title for mark in found] == ["Early", "Late"]
    assert timeline.next_mark(found, 0) == found[1]
    assert timeline.next_mark(found, late.start_ms) == found[0], "round the end"
    assert timeline.next_mark((), 0) is None


@given(st.integers(-1000, 60_000))
def test_the_turn_that_is_heard_began_before(position_ms: int) -> None:
    place = timeline.turn_at(TURNS, position_ms)
    if place is None:
        assert position_ms < TURNS[0].start_ms
    else:
        assert TURNS[place].start_ms <= position_ms


def test_of_overlapping_turns_the_one_that_began_last_is_heard() -> None:
    long = replace(TURNS[0], end_ms=9_000)
    said = (long, *TURNS[1:])
    assert timeline.turn_at(said, 3_100) == 1
    assert timeline.turn_at(said, 6_500) == 0, "the short one is over, the long one goes on"


def test_words() -> None:
    turn = TURNS[1]
    second = turn.words[1]
    heard = timeline.word_at(turn, second.start_ms + 10)
    assert heard == second
    assert timeline.word_at(turn, second.end_ms + 5) == second, "a pause belongs to the word before"
    assert timeline.word_at(turn, turn.start_ms - 1) is None
    assert timeline.word_at(turn, turn.end_ms + 1) is None
    assert timeline.moment_of(turn, second.start + 1) == second.start_ms


def test_without_word_times_a_character_stands_at_its_share_of_the_turn() -> None:
    turn = replace(TURNS[1], words=())
    assert timeline.moment_of(turn, 0) == turn.start_ms
    assert timeline.moment_of(turn, len(turn.text)) == turn.end_ms


def test_roles_of_the_channels() -> None:
    assert timeline.channel_roles(ANALYSIS) == (Role.AGENT, Role.CUSTOMER)
    assert timeline.channel_roles(replace(ANALYSIS, channels=3))[2] is Role.UNKNOWN


def test_searched_words_are_found_by_their_beginning() -> None:
    found = timeline.occurrences(TURNS, "complain BILL")
    texts = [TURNS[e.turn].text[e.start : e.end] for e in found]
    assert texts == ["complaint", "bill"]
    assert isinstance(found[0], Evidence)
    assert timeline.occurrences(TURNS, ' "" ') == ()
    assert timeline.occurrences(TURNS, "[CARD-1]")[0].turn == 2, "signs are no words"


@given(st.binary(max_size=400), st.integers(0, 300))
def test_columns_keep_the_highest_peak(peaks: bytes, columns: int) -> None:
    heights = timeline.peaks_in(peaks, columns)
    if not peaks or not columns:
        assert heights == []
    else:
        assert len(heights) == columns
        assert set(heights) <= set(peaks)
        if columns <= len(peaks):
            assert max(heights) == max(peaks)


@given(st.integers(1, 20_000_000), st.integers(100, 4000))
def test_time_labels_have_room(duration_ms: int, width: int) -> None:
    step = tick_ms(duration_ms, width)
    assert step * width / duration_ms >= 80 or step == 3_600_000


def test_a_channel_of_both_sides_has_no_role_of_its_own() -> None:
    turns = tuple(
        replace(turn, channel=0, speaker=turn.channel) for turn in ANALYSIS.transcript.turns
    )
    mono = replace(ANALYSIS, channels=1, transcript=replace(ANALYSIS.transcript, turns=turns))
    assert timeline.channel_roles(mono) == (Role.UNKNOWN,)
    assert timeline.shared(mono, 0)
    assert not timeline.shared(ANALYSIS, 0)


def test_a_channel_is_whose_most_turns_are_and_nobodys_where_a_person_told_two_apart() -> None:
    said = ANALYSIS.transcript
    other = tuple(
        replace(turn, channel=1, role=Role.CUSTOMER if turn.index else Role.AGENT)
        for turn in (*said.turns, *said.turns[-1:])
    )
    analysis = replace(ANALYSIS, transcript=replace(said, turns=other))
    assert timeline.channel_roles(analysis) == (Role.UNKNOWN, Role.CUSTOMER)
    mono = replace(
        analysis,
        channels=1,
        transcript=replace(said, turns=tuple(replace(turn, channel=0) for turn in other)),
    )
    assert timeline.shared(mono, 0)
    assert timeline.channel_roles(mono) == (Role.UNKNOWN,)
