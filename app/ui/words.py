"""How numbers, times and states read in the window: plain functions without Qt.

Every text that a page builds from data comes from here, so that it can be tested without a window
and reads the same everywhere. Nothing here holds content of a call.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import CallRow, Direction, JobState, Role, RoleBasis, Severity, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from app.domain import (
        Call,
        CorrectedSpeakers,
        Evidence,
        ImportReport,
        PassphraseStrength,
        SafeTranscript,
    )

NOTHING = "\N{EN DASH}"
"""What stands where a value is not known."""

SHORTEST_PASSPHRASE = 15

PLACEHOLDER = re.compile(r"\[([A-Z][A-Z0-9_-]*)-(\d+)(?: …(\d{4}))?\]")
"""A redacted value as it stands in the text: kind and number."""

_STATES = {
    JobState.QUEUED: "Queued",
    JobState.RUNNING: "Running",
    JobState.DONE: "Done",
    JobState.FAILED: "Failed",
    JobState.CANCELLED: "Cancelled",
}
_STAGES = {
    Stage.DECODE: "Reading the recording",
    Stage.TRANSCRIBE: "Turning speech into text",
    Stage.SPEAKERS: "Finding who speaks",
    Stage.REDACT: "Redacting",
    Stage.MUTE: "Muting the sound",
    Stage.VERIFY: "Listening again",
    Stage.ANALYSE: "Analysing",
    Stage.SCORE: "Scoring",
}
_SEVERITIES = {
    Severity.ALERT: "Alert",
    Severity.WARNING: "Warning",
    Severity.NOTICE: "Notice",
}
_DIRECTIONS = {Direction.INBOUND: "Inbound", Direction.OUTBOUND: "Outbound"}
_KINDS = {
    "CARD": "Card number",
    "CARD_CODE": "Card security code",
    "EMAIL": "E-mail address",
    "IP_ADDRESS": "Network address",
    "PHONE": "Telephone number",
    "URL": "Web address",
}
_ABBREVIATIONS = frozenset({"id", "pin", "iban"})


def duration(ms: int | None) -> str:
    """Return a length or a position as `4:07` or `1:02:33`."""
    if ms is None:
        return NOTHING
    minutes, seconds = divmod(max(ms, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def spoken_duration(ms: int) -> str:
    """Return a length in words, as a screen reader should say it."""
    minutes, seconds = divmod(max(ms, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    parts = [(hours, "hour"), (minutes, "minute"), (seconds, "second")]
    said = [counted(number, unit) for number, unit in parts if number]
    return " ".join(said) or "0 seconds"


def moment(iso: str | None) -> str:
    """Return a time stamp as `12 Mar 2026, 14:02`, in the zone of this computer."""
    parsed = _parsed(iso)
    return NOTHING if parsed is None else f"{_day(parsed)}, {parsed:%H:%M}"


def day(iso: str | None) -> str:
    """Return the day of a time stamp as `12 Mar 2026`, in the zone of this computer."""
    parsed = _parsed(iso)
    return NOTHING if parsed is None else _day(parsed)


def time_of_day(iso: str | None) -> str:
    """Return a time stamp of about now as `14:02`, in the zone of this computer."""
    parsed = _parsed(iso)
    return NOTHING if parsed is None else f"{parsed:%H:%M}"


def _day(moment: datetime) -> str:
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def _parsed(iso: str | None) -> datetime | None:
    try:
        parsed = datetime.fromisoformat(iso) if iso else None
    except ValueError:
        return None
    return parsed.astimezone() if parsed is not None and parsed.tzinfo is not None else parsed


def started(row: CallRow) -> str:
    """Return when a call took place, or when it was imported where nobody said."""
    if row.started_at:
        return moment(row.started_at)
    imported_at = _parsed(row.imported_at)
    return NOTHING if imported_at is None else f"imported {_day(imported_at)}"


def state(value: JobState) -> str:
    """Return a job's state."""
    return _STATES[value]


def row_state(row: CallRow) -> str:
    """Return the state of a line of the list, and whether the call is on hold."""
    return f"{state(row.state)}, on hold" if row.on_hold else state(row.state)


def stage(value: Stage) -> str:
    """Return what happens in a stage, as a person would say it."""
    return _STAGES[value]


def severity(value: Severity) -> str:
    """Return how soon a person should look."""
    return _SEVERITIES[value]


def direction(value: Direction) -> str:
    """Return who called whom."""
    return _DIRECTIONS.get(value, NOTHING)


def sentiment(score: float | None) -> str:
    """Return a mean sentiment (-1 to 1) in words."""
    if score is None:
        return NOTHING
    for limit, word in ((-0.5, "very negative"), (-0.15, "negative"), (0.15, "neutral")):
        if score < limit:
            return word
    return "positive" if score < 0.5 else "very positive"


def trend(change: float | None) -> str:
    """Return how sentiment moved from the first to the last third of a call."""
    if change is None:
        return NOTHING
    if abs(change) < 0.15:
        return "steady"
    return "getting better" if change > 0 else "getting worse"


def score(value: float | None) -> str:
    """Return a score of 100."""
    return NOTHING if value is None else f"{value:.0f}"


def percent(ratio: float | None) -> str:
    """Return a ratio of 0 to 1 as a percentage."""
    return NOTHING if ratio is None else f"{ratio * 100:.0f} %"


def rounded(value: float | None, unit: str = "") -> str:
    """Return a number without decimals and its unit."""
    return NOTHING if value is None else f"{value:.0f} {unit}".rstrip()


def role(value: Role, side: int) -> str:
    """Return who speaks; an unknown speaker is named by the side: the channel, or the voice."""
    if value is Role.UNKNOWN:
        return f"Speaker {side + 1}"
    return "Agent" if value is Role.AGENT else "Customer"


def role_note(basis: RoleBasis, confidence: float) -> str:
    """Return how the roles are known; empty where nobody needs to doubt them."""
    if basis is RoleBasis.GUESSED:
        return f"guessed, {percent(confidence)} sure"
    if basis is RoleBasis.ESTIMATED:
        return f"estimated from one channel, {percent(confidence)} sure"
    return ""


def speakers(said: SafeTranscript, corrected: CorrectedSpeakers | None) -> str:
    """Return how it is known who speaks in a call, and who corrected it."""
    estimated = said.role_basis is RoleBasis.ESTIMATED
    if corrected is not None:
        where = counted(len(corrected.turns), "turn")
        line = f"Corrected by {corrected.by}, {moment(corrected.at)}: {where}"
        return f"{line}; when each side speaks is estimated" if estimated else line
    if all(turn.role is Role.UNKNOWN for turn in said.turns):
        return "It is not known who speaks" + (": both sides are on one channel" * estimated)
    note = role_note(said.role_basis, said.role_confidence)
    return f"Speakers {note}" if note else _KNOWN_SPEAKERS.get(said.role_basis, "")


_KNOWN_SPEAKERS = {
    RoleBasis.CHANNEL_MAP: "Speakers known from the channels",
    RoleBasis.GIVEN: "Speakers given with the transcript",
}


def other_side(turns: int) -> str:
    """Return the act that gives chosen turns to the other side."""
    if turns < 2:
        return "This turn is the other side"
    return f"These {counted(turns, 'turn')} are the other side"


def role_mark(basis: RoleBasis, confidence: float) -> str:
    """Return the short form of `role_note`."""
    if basis in (RoleBasis.GUESSED, RoleBasis.ESTIMATED):
        return f"{basis.value} {percent(confidence)}" if confidence else "not known"
    return ""


def placeholder(kind: str, number: int, *, tail: bool = False) -> str:
    """Return what a placeholder stands for: `Card number 1, redacted`."""
    kept = "all but the last four digits is gone" if tail else "the words are not kept"
    return f"{kind_label(kind)} {number}, redacted: {kept}"


def kind_label(kind: str) -> str:
    """Return a kind of redacted value in plain words."""
    if kind in _KINDS:
        return _KINDS[kind]
    words = re.split(r"[_-]", kind.lower())
    text = " ".join(word.upper() if word in _ABBREVIATIONS else word for word in words)
    return text[:1].upper() + text[1:]


def placeholders(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and tooltip of each placeholder in a turn's text."""
    for match in PLACEHOLDER.finditer(text):
        said = placeholder(match[1], int(match[2]), tail=match[3] is not None)
        yield match.start(), match.end(), said


def time_left(seconds: float | None) -> str:
    """Return a remaining time, rounded to what an estimate is worth."""
    if seconds is None:
        return ""
    if seconds < 60:
        return "less than a minute left"
    minutes = round(seconds / 60)
    if minutes < 90:
        return f"about {counted(minutes, 'minute')} left"
    return f"about {counted(round(minutes / 60), 'hour')} left"


def first_after(seconds: float | None) -> str:
    """Return how long the first call of a run took to be there."""
    if seconds is None:
        return ""
    if seconds < 90:
        return f"first call after {counted(max(1, round(seconds)), 'second')}"
    return f"first call after {counted(round(seconds / 60), 'minute')}"


def rate(calls_per_hour: float | None) -> str:
    """Return a speed of processing."""
    if calls_per_hour is None:
        return ""
    return f"{counted(max(1, round(calls_per_hour)), 'call')} an hour"


def imported(report: ImportReport) -> str:
    """Return what an import did, in one sentence."""
    parts = []
    if report.imported or not (report.duplicates or report.refused):
        parts.append(f"{counted(len(report.imported), 'recording')} imported")
    if report.duplicates:
        parts.append(f"{report.duplicates:,} already in this vault")
    if report.refused:
        parts.append(f"{len(report.refused):,} could not be imported")
    if report.described:
        parts.append(f"{report.described:,} described in calls.csv")
    return ", ".join(parts) + "."


def passphrase_hint(passphrase: str, again: str, strength: PassphraseStrength | None) -> str:
    """Return what is still wrong with a new passphrase; empty when it can be used.

    Without a `strength` it was not judged yet, and counts as good enough.
    """
    missing = SHORTEST_PASSPHRASE - len(passphrase)
    if missing > 0:
        return f"{counted(missing, 'more character')} needed."
    if strength is not None and not strength.good:
        return strength.advice
    if not again:
        return "Type it a second time."
    return "" if passphrase == again else "The two passphrases are not the same."


def passphrase_sentence(hint: str, strength: PassphraseStrength | None) -> str:
    """Return the sentence beside a new passphrase: how strong it is, and what is still wrong."""
    if strength is None or not strength.good:
        return hint or "Both are the same."
    return f"Hard to guess. {hint or 'Both are the same.'}"


def going_on(done: int, total: int, what: str = "") -> str:
    """Return what goes on behind the lock; empty where nothing does."""
    if what:
        return f"Import goes on: {what}"
    if not total:
        return "Analysis goes on."
    return f"Analysis goes on: {done:,} of {counted(total, 'call')}"


def times(factor: float) -> str:
    """Return a speed of playback."""
    return f"{factor:g}\N{MULTIPLICATION SIGN}"


def evidence_time(evidence: Evidence) -> str:
    """Return where in the call evidence stands."""
    return duration(evidence.start_ms)


def call_title(call: Call) -> str:
    """Return the heading of a call's page: when it took place, or the name of the recording."""
    if call.metadata.started_at:
        return moment(call.metadata.started_at)
    return call.source_name


def call_subtitle(call: Call) -> str:
    """Return what else is known of a call, in one line."""
    known = call.metadata
    parts = [
        f"Agent {known.agent}" if known.agent else "",
        f"Queue {known.queue}" if known.queue else "",
        direction(known.direction) if known.direction is not Direction.UNKNOWN else "",
        duration(call.duration_ms) if call.duration_ms is not None else "",
        call.source_name if known.started_at else f"imported {moment(call.imported_at)}",
    ]
    return "  ·  ".join(part for part in parts if part)


def totals(numbers: Mapping[JobState, int]) -> str:
    """Return how many jobs stand in which state, in one line."""
    order = (JobState.RUNNING, JobState.QUEUED, JobState.FAILED, JobState.DONE)
    parts = [f"{numbers[s]:,} {s.value}" for s in order if numbers.get(s)]
    return "  ·  ".join(parts) or "Nothing in the queue"


def list_count(shown: int, *, narrowed: bool) -> str:
    """Return how many calls the list holds."""
    return counted(shown, "call") + (" found" if narrowed else "")


def now_iso() -> str:
    """Return the present moment as the vault writes it."""
    return datetime.now(UTC).isoformat(timespec="seconds")
