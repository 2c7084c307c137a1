"""The clock's figures add up, whatever the turns look like."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import Role, RoleBasis, SafeTranscript, SentimentLabel, Turn, TurnSentiment
from app.engine.analysis.measures import measure
from app.engine.analysis.text import word_count


def transcript(*turns: Turn) -> SafeTranscript:
    return SafeTranscript(
        turns=turns, language="en", role_basis=RoleBasis.CHANNEL_MAP, role_confidence=1.0
    )


def spoken(
    index: int,
    role: Role,
    start_ms: int,
    end_ms: int,
    text: str = "so it is",
    *,
    channel: int = 0,
) -> Turn:
    return Turn(
        index=index, channel=channel, role=role, start_ms=start_ms, end_ms=end_ms, text=text
    )


def judged(turn: int, score: float) -> TurnSentiment:
    return TurnSentiment(turn=turn, label=SentimentLabel.NEUTRAL, score=score)


TURNS = st.lists(
    st.builds(
        lambda role, channel, start, length, text: (role, channel, start, start + length, text),
        st.sampled_from(Role),
        st.integers(0, 2),
        st.integers(0, 50_000),
        st.integers(0, 20_000),
        st.sampled_from(["", "yes", "it has been three weeks now"]),
    ),
    max_size=10,
).map(
    lambda rows: [
        spoken(n, role, start, end, text, channel=channel)
        for n, (role, channel, start, end, text) in enumerate(sorted(rows, key=lambda r: r[2]))
    ]
)


@given(TURNS, st.integers(0, 60_000), st.floats(-1, 1))
def test_the_figures_add_up(turns: list[Turn], duration: int, score: float) -> None:
    sentiment = [judged(turn.index, score) for turn in turns]
    found = measure(transcript(*turns), sentiment, duration)
    assert found.talk_ms + found.silence_ms == duration
    assert 0 <= found.longest_silence_ms <= found.silence_ms
    assert 0 <= found.overtalk_ms <= found.talk_ms
    assert max(found.agent_talk_ms, found.customer_talk_ms) <= found.talk_ms
    if all(turn.role is not Role.UNKNOWN for turn in turns):
        both = found.agent_talk_ms + found.customer_talk_ms
        assert both == found.talk_ms + found.overtalk_ms
    else:
        assert found.agent_talk_ratio is None
    if found.agent_talk_ratio is not None:
        assert 0 <= found.agent_talk_ratio <= 1
    if found.customer_sentiment is not None:
        assert found.customer_sentiment == pytest.approx(score, abs=0.001)
    said = [t for t in turns if t.role is Role.CUSTOMER and word_count(t.text)]
    assert (found.customer_sentiment is None) == (not said)


def test_a_call_as_counted_by_hand() -> None:
    found = measure(
        transcript(
            spoken(0, Role.AGENT, 1_000, 5_000, "good morning how can I help you today"),
            spoken(1, Role.CUSTOMER, 6_000, 12_000, "my heating is off and nobody came"),
            spoken(2, Role.AGENT, 11_000, 14_000, "I am sorry about that"),
            spoken(3, Role.CUSTOMER, 18_000, 20_000, "thanks"),
        ),
        [judged(0, 0), judged(1, -0.7), judged(2, 0), judged(3, 0.9)],
        20_000,
    )
    assert (found.talk_ms, found.agent_talk_ms, found.customer_talk_ms) == (14_000, 7_000, 8_000)
    assert (found.silence_ms, found.longest_silence_ms, found.overtalk_ms) == (6_000, 4_000, 1_000)
    assert found.interruptions == 1
    assert found.agent_talk_ratio == pytest.approx(0.467)
    assert found.agent_words_per_minute == pytest.approx(13 * 60 / 7, abs=0.1)
    assert found.customer_words_per_minute == pytest.approx(8 * 60 / 8, abs=0.1)
    assert found.customer_sentiment == pytest.approx((-0.7 * 7 + 0.9) / 8)
    # the complaint lies in the second third: nothing to compare the thanks with
    assert found.customer_sentiment_trend is None


def test_the_trend_is_the_last_third_against_the_first() -> None:
    turns = transcript(spoken(0, Role.CUSTOMER, 0, 5_000), spoken(1, Role.CUSTOMER, 25_000, 30_000))
    found = measure(turns, [judged(0, -0.5), judged(1, 0.25)], 30_000)
    assert found.customer_sentiment_trend == 0.75


def test_nothing_said_is_all_silence() -> None:
    found = measure(transcript(), [], 9_000)
    assert (found.talk_ms, found.silence_ms, found.longest_silence_ms) == (0, 9_000, 9_000)
    assert found.agent_talk_ratio is None
    assert found.agent_words_per_minute is None


def test_unknown_speakers_on_two_channels_can_overlap() -> None:
    found = measure(
        transcript(
            spoken(0, Role.UNKNOWN, 0, 5_000, channel=0),
            spoken(1, Role.UNKNOWN, 3_000, 6_000, channel=1),
        ),
        [],
        6_000,
    )
    assert found.overtalk_ms == 2_000
    assert found.agent_talk_ms == 0
