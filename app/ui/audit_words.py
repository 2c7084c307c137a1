"""How the audit log reads in the window: plain functions without Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.counts import counted
from app.ui import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import AuditCheck, AuditEntry

_ACTS = {
    "vault.create": "Vault made",
    "vault.open": "Signed in",
    "vault.backup": "Backup made",
    "vault.backup-key": "Key for restoring a backup",
    "vault.backup-check": "Backup checked",
    "vault.erased-list": "List of erased calls written",
    "vault.restore": "Restored from a backup",
    "vault.rescue": "Saved from a damaged vault",
    "sign-in.code-asked": "Passphrase right, code asked for",
    "sign-in.refused": "Sign-in refused",
    "sign-in.failed": "Sign-in failed",
    "denied": "Tried what is not allowed",
    "call.view": "Call looked at",
    "call.listen": "Call heard",
    "call.listen-original": "Original sound heard",
    "call.release": "Held-back call released",
    "call.export-original": "Original exported",
    "call.erase": "Call erased",
    "call.destroy-original": "Original destroyed",
    "call.import": "Call imported",
    "call.analyse": "Call analysed",
    "call.cancel": "Analysis cancelled",
    "call.retry": "Call queued again",
    "call.speakers": "Speakers corrected",
    "calls.search": "Searched in calls",
    "elusion.draw": "Turns drawn to be judged",
    "elusion.judge": "Turn judged",
    "elusion.undo": "Judgement taken back",
    "person.add": "Person added",
    "person.change": "Person changed",
    "person.passphrase": "Passphrase changed",
    "person.release": "Waiting ended",
    "person.second-factor": "Second factor",
    "hold.place": "Legal hold placed",
    "hold.end": "Legal hold ended",
    "policy.change": "Rule changed",
    "vocabulary.change": "Word list changed",
    "team.change": "Team changed",
    "retention.apply": "Retention applied",
    "request.ask": "Asked for an act",
    "request.approve": "Request approved",
    "request.refuse": "Request refused",
    "request.withdraw": "Request withdrawn",
    "key.recovery-sheet": "New recovery sheet",
    "key.recovery-refused": "Recovery sheet refused",
    "key.recovery-used": "Recovery sheet used",
    "key.remember": "Computer remembered",
    "key.forget": "Computer forgotten",
    "key.rotate": "Change of keys",
    "key.computer": "This computer only",
    "key.strengthen": "Passphrase sealed anew",
    "vault.state": "Rules and people signed",
    "vault.changed": "Changed outside of the program",
    "vault.upgrade": "Database led to a new form",
    "audit.elsewhere": "Copy of the vault seen",
    "audit.export": "Audit log exported",
    "audit.checkpoint": "Checkpoint made",
    "audit.prove": "Proof made",
    "audit.mismatch": "Audit log does not fit",
    "audit.accept": "Mismatch accepted",
    "clock.change": "Clock of the computer changed",
    "confirm.refused": "Confirming refused",
    "clock.gap": "Long time without an entry",
}

_ONLY_THE_LOG = (
    "That the whole vault was not put back to an older state is shown only by a checkpoint that is"
    " kept elsewhere."
)

COLUMNS = ("No.", "When", "Person", "Act", "On what", "Outcome", "Reason")
"""The titles of the table's columns."""


def act(code: str) -> str:
    """Return an act in plain words; one that is not known reads as its code says."""
    known = _ACTS.get(code)
    return known or code.replace(".", ": ", 1).replace("-", " ").capitalize()


_CELLS: tuple[Callable[[AuditEntry], str], ...] = (
    lambda entry: f"{entry.number:,}",
    lambda entry: words.moment(entry.at),
    lambda entry: entry.actor,
    lambda entry: act(entry.act),
    lambda entry: entry.subject,
    lambda entry: entry.outcome,
    lambda entry: entry.reason,
)


def cell(entry: AuditEntry, column: int) -> str:
    """Return what a cell of the table says."""
    return _CELLS[column](entry)


def verdict(check: AuditCheck) -> str:
    """Return what verifying the log found, and what a log that is found good does not show."""
    return f"{check.sentence} {_ONLY_THE_LOG}" if check.ok else check.sentence


def count(number: int, *, narrowed: bool) -> str:
    """Return how many entries are listed."""
    listed = counted(number, "entry", "entries")
    return f"{listed} found" if narrowed else listed
