"""What a clock can say about a call: talk, silence, overtalk, pace, and the mean of the sentiment.

Promises that talk and silence add up to the length of the call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import Measures, Role
from app.engine.analysis import timing
from app.engine.analysis.text import word_count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from app.domain import SafeTranscript, Turn, TurnSentiment

_SHORTEST_FOR_PACE_MS = 3000  # below, words per minute say nothing


def measure(
    transcript: SafeTranscript, sentiment: Sequence[TurnSentiment], duration_ms: int
) -> Measures:
    """Return the measures of a call; what needs known speakers is `None` without them."""
    turns = transcript.turns
    sides = {timing.side(turn) for turn in turns}
    talk = {who: timing.talking(_of(turns, who), duration_ms) for who in sides}
    together = timing.union(stretch for part in talk.values() for stretch in part)
    silences = timing.gaps(together, duration_ms)
    agent_ms = timing.total(talk.get(Role.AGENT, ()))
    customer_ms = timing.total(talk.get(Role.CUSTOMER, ()))
    mean, trend = _customer_sentiment(turns, sentiment, duration_ms)
    return Measures(
        talk_ms=timing.total(together),
        agent_talk_ms=agent_ms,
        customer_talk_ms=customer_ms,
        silence_ms=timing.total(silences),
        longest_silence_ms=max((end - start for start, end in silences), default=0),
        overtalk_ms=timing.total(timing.shared(list(talk.values()))),
        interruptions=len(timing.interruptions(turns)),
        agent_talk_ratio=_ratio(sides, agent_ms, customer_ms),
        agent_words_per_minute=_pace(turns, Role.AGENT, agent_ms),
        customer_words_per_minute=_pace(turns, Role.CUSTOMER, customer_ms),
        customer_sentiment=mean,
        customer_sentiment_trend=trend,
    )


def _of(turns: Iterable[Turn], who: timing.Side) -> list[Turn]:
    return [turn for turn in turns if timing.side(turn) == who]


def _ratio(sides: Iterable[timing.Side], agent_ms: int, customer_ms: int) -> float | None:
    unknown = any(not isinstance(who, Role) for who in sides)
    if unknown or not agent_ms + customer_ms:
        return None
    return round(agent_ms / (agent_ms + customer_ms), 3)


def _pace(turns: Iterable[Turn], role: Role, talk_ms: int) -> float | None:
    if talk_ms < _SHORTEST_FOR_PACE_MS:
        return None
    words = sum(word_count(turn.text) for turn in turns if turn.role is role)
    return round(words * 60_000 / talk_ms, 1)


def _customer_sentiment(
    turns: Sequence[Turn], sentiment: Iterable[TurnSentiment], duration_ms: int
) -> tuple[float | None, float | None]:
    """Return the mean of the customer's turns weighted by words, and last third minus first."""
    scores = {judged.turn: judged.score for judged in sentiment}
    said = [
        ((turn.start_ms + turn.end_ms) / 2, scores[turn.index], word_count(turn.text))
        for turn in turns
        if turn.role is Role.CUSTOMER and turn.index in scores
    ]
    first = _mean((s, w) for at, s, w in said if at < duration_ms / 3)
    last = _mean((s, w) for at, s, w in said if at >= duration_ms * 2 / 3)
    trend = None if first is None or last is None else round(last - first, 3)
    return _mean((s, w) for _, s, w in said), trend


def _mean(weighted: Iterable[tuple[float, int]]) -> float | None:
    pairs = [pair for pair in weighted if pair[1]]
    if not pairs:
        return None
    return round(sum(s * w for s, w in pairs) / sum(w for _, w in pairs), 3)
