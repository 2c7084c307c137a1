"""Where things stand in a call: look-ups between milliseconds, turns, words and characters."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from app.domain import Evidence, Role, Severity

if TYPE_CHECKING:
    from app.domain import CallAnalysis, Turn, Word

"""Below this a recognised word is marked as doubtful."""

_RANK = {Severity.ALERT: 0, Severity.WARNING: 1, Severity.NOTICE: 2}


@dataclass(frozen=True, slots=True)
class Mark:
    """A place that is worth hearing: shown above the waveform, reached by F."""

    start_ms: int
    end_ms: int
    title: str
    severity: Severity | None
    evidence: Evidence


def marks(analysis: CallAnalysis) -> tuple[Mark, ...]:
    """Return the places of all flags and findings in order of time; flags win over findings."""
    found: dict[tuple[int, int, int], Mark] = {}
    for flag in sorted(analysis.flags, key=lambda f: _RANK[f.severity]):
        for evidence in flag.evidence:
            mark = Mark(evidence.start_ms, evidence.end_ms, flag.title, flag.severity, evidence)
            found.setdefault((evidence.turn, evidence.start, evidence.end), mark)
    for finding in analysis.findings:
        for evidence in finding.evidence:
            mark = Mark(evidence.start_ms, evidence.end_ms, finding.title, None, evidence)
            found.setdefault((evidence.turn, evidence.start, evidence.end), mark)
    return tuple(sorted(found.values(), key=lambda m: (m.start_ms, m.end_ms)))


def next_mark(all_marks: tuple[Mark, ...], after_ms: int) -> Mark | None:
    """Return the first mark that begins after a moment, round the end."""
    later = [m for m in all_marks if m.start_ms > after_ms]
    return later[0] if later else (all_marks[0] if all_marks else None)


def turn_at(turns: tuple[Turn, ...], position_ms: int) -> int | None:
    """Return the place of the turn that is heard: of several, the one that began last."""
    started = bisect_right(turns, position_ms, key=lambda t: t.start_ms)
    for place in range(started - 1, max(-1, started - 8), -1):
        if position_ms < turns[place].end_ms:
            return place
    return started - 1 if started else None


def word_at(turn: Turn, position_ms: int) -> Word | None:
    """Return the word of a turn that is heard at a moment; between two words the one before."""
    place = bisect_right(turn.words, position_ms, key=lambda w: w.start_ms) - 1
    if place < 0 or position_ms > turn.end_ms:
        return None
    return turn.words[place]


def occurrences(turns: tuple[Turn, ...], searched: str) -> tuple[Evidence, ...]:
    """Return where the words that were searched for begin a word of a turn, in order."""
    wanted = re.findall(r"\w+", searched)
    if not wanted:
        return ()
    pattern = re.compile(r"\b(?:" + "|".join(map(re.escape, wanted)) + r")\w*", re.IGNORECASE)
    return tuple(
        Evidence(
            turn=turn.index,
            start=match.start(),
            end=match.end(),
            start_ms=moment_of(turn, match.start()),
            end_ms=turn.end_ms,
        )
        for turn in turns
        for match in pattern.finditer(turn.text)
    )


def moment_of(turn: Turn, character: int) -> int:
    """Return when a character of a turn is heard; without word times the turn's share of it."""
    if turn.words:
        place = max(0, bisect_right(turn.words, character, key=lambda w: w.start) - 1)
        return turn.words[place].start_ms
    share = character / max(1, len(turn.text))
    return turn.start_ms + round((turn.end_ms - turn.start_ms) * share)


def channel_roles(analysis: CallAnalysis) -> tuple[Role, ...]:
    """Return the role of each channel, by most of its turns; unknown where both sides share it."""
    roles = []
    for channel in range(analysis.channels):
        said = Counter(t.role for t in analysis.transcript.turns if t.channel == channel)
        unclear = shared(analysis, channel) or not said
        roles.append(Role.UNKNOWN if unclear else said.most_common(1)[0][0])
    return tuple(roles)


def shared(analysis: CallAnalysis, channel: int) -> bool:
    """Return whether both sides are on a channel: voices were told apart, or a person did it."""
    turns = [turn for turn in analysis.transcript.turns if turn.channel == channel]
    told_apart = any(turn.speaker is not None for turn in turns)
    return told_apart or (analysis.channels == 1 and len({turn.role for turn in turns}) > 1)


def peaks_in(peaks: bytes, columns: int) -> list[int]:
    """Return the highest peak under each of a number of columns."""
    if not peaks or columns <= 0:
        return []
    last = len(peaks)
    edges = [column * last // columns for column in range(columns + 1)]
    return [max(peaks[left : max(right, left + 1)], default=0) for left, right in pairwise(edges)]
