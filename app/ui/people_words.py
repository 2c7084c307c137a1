"""How people, rights and rules read in the window: plain functions without Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.access import ACTS, guarded_in, setting_text, unknown_names, with_setting
from app.counts import counted, lasting, seconds_until
from app.domain import (
    EARLIER_ORIGINALS,
    GuardedAct,
    OriginalsRule,
    PersonRole,
    PersonState,
    RequestState,
    Right,
)
from app.ui import words

if TYPE_CHECKING:
    from datetime import datetime

    from app.domain import ApprovalRequest, KnownNames, Person, Policy, Scope

ROLES = {
    PersonRole.ADMINISTRATOR: (
        "Administrator",
        "Looks after people, rules and the vault itself;"
        " sees the list of calls, not what is in them.",
    ),
    PersonRole.REVIEWER: (
        "Reviewer",
        "Reads and hears calls, with what is redacted left out, and corrects who speaks in them.",
    ),
    PersonRole.SUPERVISOR: (
        "Supervisor",
        "As a reviewer; imports and analyses calls, hears the original, may ask to export it.",
    ),
    PersonRole.AUDITOR: (
        "Auditor",
        "Sees what was found and how, and reads the audit log; not the words of calls.",
    ),
    PersonRole.PRIVACY_OFFICER: (
        "Privacy officer",
        "Reads and hears calls; places legal holds, erases calls, decides on requests.",
    ),
}
"""Title and meaning of each role."""

RIGHTS = {
    Right.SEE_CALLS: "see the list of calls",
    Right.SEE_EVIDENCE: "see what was found in a call",
    Right.SEE_TRANSCRIPT: "read the redacted words, and search in them",
    Right.HEAR_MUTED: "hear calls with what is redacted left out",
    Right.CORRECT_SPEAKERS: "correct who speaks in a call",
    Right.JUDGE_REDACTION: "judge whether turns are redacted",
    Right.HEAR_ORIGINAL: "hear the original sound",
    Right.EXPORT_ORIGINAL: "take original recordings out of the vault",
    Right.IMPORT: "import recordings",
    Right.PROCESS: "steer the queue",
    Right.HOLD: "place and end legal holds",
    Right.ERASE: "erase calls",
    Right.APPROVE: "decide on what others ask for",
    Right.READ_AUDIT: "read the audit log",
    Right.EXPORT_AUDIT: "hand out the audit log",
    Right.CONFIGURE: "change the rules",
    Right.MANAGE_PEOPLE: "manage people",
    Right.MANAGE_VAULT: "look after keys, sheets and backups",
}
"""What each right lets a person do."""

ACTS_SAID = {
    GuardedAct.ERASE_CALL: "Erase a call",
    GuardedAct.EXPORT_ORIGINAL: "Export an original recording",
    GuardedAct.END_HOLD: "End a legal hold",
    GuardedAct.LOWER_RETENTION: "Keep calls for less time, or no originals",
    GuardedAct.ALLOW_ACOUSTICS: "Switch acoustic analysis on",
    GuardedAct.RELAX_POLICY: "Take an act off this list, or a code off a role",
}
"""What a guarded act is, as the rules name it."""

STATES = {
    PersonState.ACTIVE: "active",
    PersonState.SUSPENDED: "suspended",
    PersonState.REMOVED: "removed",
}
"""Whether a person may sign in."""

SETTINGS = {
    "two_persons": "Needs a second person",
    "second_factor": "Needs a code to sign in",
    "lock_after_minutes": "Lock when nobody is there, after",
    "session_hours": "Sign in again after",
    "retention_days": "Keep calls for",
    "originals": "Destroy originals once the muted sound is proven",
    "acoustic_analysis": "Acoustic analysis of voices",
}
"""What each setting of the policy is about."""

UNITS = {"lock_after_minutes": "minute", "session_hours": "hour", "retention_days": "day"}
"""The units of the settings that are numbers."""

FOR_EVER = "as long as nobody erases them"

_DECIDED = {
    RequestState.OPEN: "waits for a decision",
    RequestState.APPROVED: "approved",
    RequestState.REFUSED: "refused",
    RequestState.WITHDRAWN: "withdrawn",
}


def roles(person: Person) -> str:
    """Return the roles of a person, and how many rights they have beside those."""
    named = [ROLES[role][0] for role in PersonRole if role in person.roles]
    more = f"+ {counted(len(person.granted), 'right')}" if person.granted else ""
    return " ".join(part for part in (", ".join(named), more) if part) or "no role"


def scope(seen: Scope) -> str:
    """Return which calls are there for a person."""
    if not seen.limited:
        return "all calls"
    parts = [f"queue {name}" for name in seen.queues] + [f"team {name}" for name in seen.teams]
    return ", ".join(parts) or "no calls"


def state(person: Person, waits_until: str | None, now: datetime) -> str:
    """Return whether a person may sign in, and how long they have to wait before."""
    if waits_until is None:
        return STATES[person.state]
    left = lasting(seconds_until(waits_until, now))
    return f"{STATES[person.state]}, waits {left}, until {words.time_of_day(waits_until)}"


def unknown(scope: Scope, known: KnownNames) -> str:
    """Return a remark on queues and teams of a scope that nothing is known of, or nothing."""
    return " ".join(one.sentence for one in unknown_names(scope, known))


def rights(held: frozenset[Right]) -> str:
    """Return what a person may do, in one sentence."""
    listed = [RIGHTS[right] for right in Right if right in held]
    return f"You may {'; '.join(listed)}." if listed else "You may do nothing here yet."


def request(asked: ApprovalRequest) -> str:
    """Return what somebody asks for, in one sentence."""
    if names_a_call(asked):
        return f"{ACTS_SAID[asked.act]}: {asked.subject[:8]}"
    if asked.subject == EARLIER_ORIGINALS:
        return f"Destroy originals: calls analysed before {words.moment(asked.value)}"
    if ACTS[asked.act].on_call:
        return f"Erase by retention: calls from before {words.moment(asked.value)}"
    title = SETTINGS.get(asked.subject, asked.subject)
    said = value(asked.subject, asked.value)
    return f"{title} {said}" if asked.subject in UNITS else f"{title}: {said}"


def names_a_call(asked: ApprovalRequest) -> bool:
    """Return whether a request is about one call; others are about all from before a moment."""
    return ACTS[asked.act].on_call and not asked.value


def request_details(asked: ApprovalRequest) -> str:
    """Return who asked when, and what became of it."""
    parts = [f"Asked by {asked.asked_by}, {words.moment(asked.asked_at)}"]
    decided = _DECIDED[asked.state]
    if asked.state is RequestState.APPROVED and asked.decided_by is None:
        decided = "done at once: no second person was needed"
    elif asked.decided_by is not None:
        decided = f"{decided} by {asked.decided_by}, {words.moment(asked.decided_at)}"
    parts.append(decided)
    if asked.used_at:
        parts.append(f"used {words.moment(asked.used_at)}")
    return "  ·  ".join(parts)


def value(name: str, text: str) -> str:
    """Return a setting's value, given as the policy writes it, as the window says it."""
    if name == "retention_days" and text == "0":
        return FOR_EVER
    if name in UNITS and text.isdecimal():
        return counted(int(text), UNITS[name])
    said: dict[str, str] = {act.value: title.lower() for act, title in ACTS_SAID.items()}
    said |= {role.value: title.lower() for role, (title, _) in ROLES.items()}
    said |= {OriginalsRule.KEEP_SEALED.value: "off", OriginalsRule.DESTROY.value: "on"}
    said |= {"true": "on", "false": "off", "none": "nobody" if name == "second_factor" else "none"}
    return ", ".join(said.get(part, part) for part in text.split(","))


def changes(policy: Policy, wanted: Policy) -> list[tuple[str, str]]:
    """Return the settings in which two policies differ, with the wanted values as text."""
    pairs = [(name, setting_text(wanted, name)) for name in SETTINGS]
    return [(name, text) for name, text in pairs if setting_text(policy, name) != text]


def needs_reason(policy: Policy, changed: list[tuple[str, str]]) -> bool:
    """Return whether a guarded act lies in one of the changes."""
    return any(guarded_in(policy, with_setting(policy, name, text)) for name, text in changed)
