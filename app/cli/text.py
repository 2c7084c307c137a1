"""Results as lines for people: reports of calls, lists, tables.

Pure: values in, lines out. All text is redacted text; times read m:ss from the start of the call.
"""

from __future__ import annotations

import textwrap
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import starmap
from typing import TYPE_CHECKING

from app.counts import counted, lasting, seconds_until
from app.domain import LOW_CONFIDENCE, JobState, Role, RoleBasis
from app.limits import heard_again, judged_missed, warning

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from app.domain import (
        CallAnalysis,
        CallMetadata,
        CallRow,
        CorrectedSpeakers,
        Evidence,
        Failure,
        Finding,
        Measures,
        RedactedCall,
        Redaction,
        Turn,
        Voices,
    )

ID_DIGITS = 8
_LABEL = 12
_TO_SECONDS = len("2026-03-01 09:30:00")
_LONGEST_QUOTE = 160
_OPEN, _CLOSE = "\N{LEFT DOUBLE QUOTATION MARK}", "\N{RIGHT DOUBLE QUOTATION MARK}"
_BASES = {
    RoleBasis.CHANNEL_MAP: "known from the channels",
    RoleBasis.GUESSED: "guessed from what is said",
    RoleBasis.ESTIMATED: "estimated; both sides are on one channel",
    RoleBasis.GIVEN: "given with the transcript",
}


def clock(milliseconds: int) -> str:
    """Return a time as m:ss, or h:mm:ss from an hour on."""
    minutes, seconds = divmod(milliseconds // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def moment(iso: str) -> str:
    """Return a kept time as this computer's clock shows it, with its distance from UTC."""
    try:
        kept = datetime.fromisoformat(iso)
        shown = kept.astimezone().isoformat(" ", "seconds")
    except (ValueError, OverflowError, OSError):
        return iso
    return f"{shown[:_TO_SECONDS]} {shown[_TO_SECONDS:]}" if kept.tzinfo else iso


def wait(until: str, now: datetime) -> str:
    """Return how long somebody has to wait, and until when."""
    return f"waits {lasting(seconds_until(until, now))} (until {moment(until)})"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], width: int) -> list[str]:
    """Return rows under a header, columns as wide as they need; the last one gives way."""
    whole = [list(header), *map(list, rows)]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    room = max(12, width - sum(widths[:-1]) - 2 * (len(widths) - 1))
    lines = []
    for row in whole:
        start = "".join(f"{cell:<{size}}  " for cell, size in zip(row[:-1], widths, strict=False))
        lines.append((start + _clipped(row[-1], room)).rstrip())
    return lines


def report(
    name: str,
    found: CallAnalysis,
    width: int,
    *,
    metadata: CallMetadata | None = None,
    speakers: CorrectedSpeakers | None = None,
) -> Iterator[str]:
    """Give what was found in one call, with the words and seconds that show it."""
    yield _headline(name, found, metadata)
    view = _View(found.transcript.turns, width)
    flags = [(f.severity.value.upper(), f.title, f.evidence) for f in found.flags]
    yield from view.block("Flags", starmap(view.flag, flags))
    yield from view.block("Summary", (view.wrapped(s.text) for s in found.summary))
    yield from view.block("Findings", map(view.finding, found.findings))
    yield from view.block("Redacted", [view.wrapped(_redacted(found))])
    if found.proof is not None:
        yield from view.block("Proof", [view.wrapped(heard_again(found.proof))])
    if found.judged is not None:
        yield from view.block("Judged", [view.wrapped(judged_missed(found.judged))])
    yield from view.block("Roles", [view.wrapped(roles(found, speakers))])
    yield from view.block("Measures", map(view.wrapped, _measures(found.measures)))
    yield from view.block("Voices", map(view.wrapped, _voices(found.voices)))
    yield from view.block("Score", [view.wrapped(line) for line in _score(found)])
    yield from view.block("Take care", map(view.wrapped, map(warning, found.warnings)))


def roles(found: CallAnalysis, corrected: CorrectedSpeakers | None = None) -> str:
    """Return how it is known who speaks, and who corrected it."""
    said = found.transcript
    known = said.role_basis in (RoleBasis.CHANNEL_MAP, RoleBasis.GIVEN)
    sure = "" if known or not said.role_confidence else f" ({said.role_confidence:.0%} sure)"
    line = f"{_BASES[said.role_basis]}{sure}"
    if corrected is not None:
        where = f"{counted(len(corrected.turns), 'turn')}, {moment(corrected.at)}"
        line += f"; corrected by {corrected.by} ({where})"
    return line


def transcript(turns: Iterable[Turn], width: int, *, numbered: bool = False) -> Iterator[str]:
    """Give the redacted turns, each with its time and role, and with its number where wanted."""
    for turn in turns:
        number = f"{turn.index:>5} " if numbered else ""
        start = f"{number}{clock(turn.start_ms):>7}  {_who(turn):<9} "
        said = f"(unclear) {turn.text}" if turn.uncertain else turn.text
        yield from textwrap.wrap(
            said, width, initial_indent=start, subsequent_indent=" " * len(start)
        ) or [start.rstrip()]


def redacted(name: str, call: RedactedCall, width: int) -> Iterator[str]:
    """Give a transcript made safe, and where something was redacted."""
    yield name
    yield from transcript(call.transcript.turns, width)
    if call.redactions:
        header = ("  TURN", "START", "END", "KIND", "SURE", "RULE")
        yield from table(header, map(_redaction, call.redactions), width)


def _redaction(one: Redaction) -> tuple[str, ...]:
    where = (f"  {one.turn}", str(one.start), str(one.end))
    return (*where, f"{one.kind}-{one.value}", f"{one.confidence:.0%}", one.rule)


def failure(name: str, reason: Failure) -> Iterator[str]:
    """Give why a call failed."""
    yield f"{name}: {reason.sentence}"
    if reason.hint:
        yield f"{'':{_LABEL}}{reason.hint}"


def calls(rows: Sequence[CallRow], width: int) -> list[str]:
    """Return the list of calls."""
    header = ("ID", "STATE", "LENGTH", "AGENT", "SENTIMENT", "SCORE", "FILE", "FLAGS")
    return table(header, (_call(row) for row in rows), width)


def _call(row: CallRow) -> tuple[str, ...]:
    last = "; ".join(row.flags)
    if row.state is JobState.FAILED and row.failure is not None:
        last = row.failure.sentence
    if row.other_language:
        last = f"NOT IN ENGLISH ({row.language}); {last}".removesuffix("; ")
    if row.held_back:
        last = f"HELD BACK; {last}".removesuffix("; ")
    if row.on_hold:
        last = f"ON HOLD; {last}".removesuffix("; ")
    return (
        row.id[:ID_DIGITS],
        row.state.value,
        "" if row.duration_ms is None else clock(row.duration_ms),
        _clipped(row.agent or "", 18),
        "" if row.customer_sentiment is None else f"{row.customer_sentiment:+.2f}",
        "" if row.score is None else f"{row.score:.0f}",
        _clipped(row.source_name, 24),
        last,
    )


@dataclass(frozen=True, slots=True)
class _View:
    """Lays out the parts of a report: labels on the left, text wrapped on the right."""

    turns: Sequence[Turn]
    width: int

    def block(self, label: str, entries: Iterable[Sequence[str]]) -> Iterator[str]:
        for line in (line for entry in entries for line in entry):
            yield f"  {label:<{_LABEL - 2}}{line}"
            label = ""

    def wrapped(self, text: str, indent: int = 0) -> list[str]:
        return textwrap.wrap(
            text,
            self.width - _LABEL,
            initial_indent=" " * indent,
            subsequent_indent=" " * indent,
        )

    def flag(self, severity: str, title: str, evidence: Sequence[Evidence]) -> list[str]:
        times = ", ".join(dict.fromkeys(clock(one.start_ms) for one in evidence[:4]))
        return self.wrapped(f"{severity}  {title}" + (f"  ({times})" if times else ""))

    def finding(self, found: Finding) -> list[str]:
        lines = self.wrapped(f"{found.title} ({found.kind.value}, {found.confidence:.0%})")
        for one in found.evidence[:2]:
            lines += self.wrapped(self._quoted(one), indent=2)
        left = len(found.evidence) - 2
        return lines + ([f"  and {left} more"] if left > 0 else [])

    def _quoted(self, one: Evidence) -> str:
        turn = self.turns[one.turn]
        if not turn.text:  # the person may not see the words
            return f"{clock(one.start_ms)} {_who(turn)}"
        words = _clipped(" ".join(turn.text[one.start : one.end].split()), _LONGEST_QUOTE)
        return f"{clock(one.start_ms)} {_who(turn)}: {_OPEN}{words}{_CLOSE}"


def _headline(name: str, found: CallAnalysis, metadata: CallMetadata | None) -> str:
    channels = counted(found.channels, "channel")
    rate = f", {found.sample_rate_hz / 1000:g} kHz" if found.sample_rate_hz else ""
    parts = [name, clock(found.duration_ms), channels + rate, _language(found)]
    if metadata is not None:
        parts += [part for part in (metadata.agent, metadata.queue) if part]
    return "  |  ".join(parts)


def _language(found: CallAnalysis) -> str:
    said = found.transcript
    sure = said.language_confidence
    doubtful = sure is not None and sure < LOW_CONFIDENCE
    return f"{said.language} ({sure:.0%} sure)" if doubtful else said.language


def _redacted(found: CallAnalysis) -> str:
    if not found.redactions:
        return "nothing"
    kinds = Counter(one.kind for one in found.redactions)
    each = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
    muted = sum(span.end_ms - span.start_ms for span in found.muted)
    heard = f"; {muted / 1000:.1f} s of sound muted" if found.muted else ""
    return f"{len(found.redactions)}: {each}{heard}"


def _measures(of: Measures) -> Iterator[str]:
    ratio = "" if of.agent_talk_ratio is None else f"agent talks {of.agent_talk_ratio:.0%}, "
    yield (
        f"{ratio}silence {clock(of.silence_ms)} (longest {clock(of.longest_silence_ms)}), "
        f"overtalk {of.overtalk_ms / 1000:.1f} s, interruptions by the agent: {of.interruptions}"
    )
    if of.customer_sentiment is not None:
        trend = of.customer_sentiment_trend
        towards = "" if trend is None else f", from start to end {trend:+.2f}"
        yield f"customer sentiment {of.customer_sentiment:+.2f}{towards} (-1 to 1, indicative)"


def _voices(of: Voices | None) -> Iterator[str]:
    sides = (
        []
        if of is None
        else [
            ("agent", of.agent_level_db, of.agent_level_change_db),
            ("customer", of.customer_level_db, of.customer_level_change_db),
        ]
    )
    for who, level, change in sides:
        if level is not None:
            towards = "" if change is None else f", from start to end {change:+.1f} dB"
            yield f"{who} speaks at {level:.1f} dB{towards}"


def _score(found: CallAnalysis) -> Iterator[str]:
    score = found.score
    value = "no line applies" if score.value is None else f"{score.value:.0f} of 100"
    yield f"{value} ({score.scorecard})"
    for met, word in ((True, "met"), (False, "not met")):
        titles = [one.title for one in score.criteria if one.met is met]
        if titles:
            yield f"{word}: {'; '.join(titles)}"


def _who(turn: Turn) -> str:
    return f"side {turn.side + 1}" if turn.role is Role.UNKNOWN else turn.role.value


def _clipped(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "\N{HORIZONTAL ELLIPSIS}"
