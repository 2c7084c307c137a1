"""Whether an audit log is as it was written: the chain, the tree, the signatures, the known states.

Promises that any entry changed, removed, put in, moved or cut off since its signature was made is
found, whoever made the change and whatever keys they have now, and that the first bad entry is
named; and that each place is named at which the log goes on from a copy, whose holder could write
what follows. Works on entries from anywhere: the database, an export, a test.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.counts import counted, were
from app.domain import AuditCheck, Checkpoint, Sha256
from app.storage import merkle
from app.storage.audit_format import (
    RESCUE,
    RESTORE,
    checkpoint_encoded,
    first_hash,
    hashed,
    head_encoded,
    restore_key,
    signed_by,
)
from app.storage.witness import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from app.storage.audit_format import SignedEntry

_TOLD_EVERY = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """How far the log of a vault, followed from its first key, is as it was written: `good`
    entries, the last one's hash, the roots and next keys at the sizes that were asked for, and the
    entries with which it goes on after a restore or a rescue."""

    vault: str
    first_key: bytes
    good: int
    bad: int | None
    hash: Sha256
    marks: Mapping[int, tuple[bytes, bytes]]
    restarts: tuple[int, ...] = ()


def walk(
    entries: Iterable[SignedEntry],
    vault_id: str,
    first_key: bytes,
    *,
    sizes: Iterable[int] = (),
    told: Callable[[int], None] = lambda _: None,
) -> Walked:
    """Follow a log from its first key to the first entry that is not as it was written."""
    wanted, marks = frozenset(sizes), {}
    good, at, key = 0, "", first_key
    restarts, other = [], None
    previous = first_hash(vault_id, first_key)
    frontier: merkle.Frontier = ()
    stated = False
    bad: int | None = None
    for signed in entries:
        entry = signed.entry
        links = (entry.number, entry.previous, entry.hash) == (good + 1, previous, hashed(entry))
        if not links or entry.at < at:
            bad = good + 1
            break
        grown = merkle.appended(frontier, good, bytes.fromhex(entry.hash))
        fits = _is_signed(vault_id, signed, key, other)
        # once entries sign the vault's state, all that follow do
        fits = fits and len(signed.state) in ({32} if stated else {0, 32})
        if signed.root != merkle.root(grown) or not fits:
            bad = good + 1
            break
        frontier, good, previous, at, key = grown, good + 1, entry.hash, entry.at, signed.next_key
        other, stated = restore_key(entry), bool(signed.state)
        if entry.act in {RESTORE, RESCUE}:
            restarts.append(good)
        if good in wanted:
            marks[good] = (signed.root, key)
        if good % _TOLD_EVERY == 0:
            told(good)
    return Walked(
        vault=vault_id,
        first_key=first_key,
        good=good,
        bad=bad,
        hash=previous,
        marks=marks,
        restarts=tuple(restarts),
    )


def is_signed(
    vault_id: str, signed: SignedEntry, before: SignedEntry | None, first_key: bytes
) -> bool:
    """Return whether an entry is signed by a key that the one before it names."""
    if before is None:
        return _is_signed(vault_id, signed, first_key, None)
    return _is_signed(vault_id, signed, before.next_key, restore_key(before.entry))


def _is_signed(vault_id: str, signed: SignedEntry, key: bytes, other: bytes | None) -> bool:
    """Return whether one key signed an entry; the `other` one signs that of a restore only."""
    try:
        head = head_encoded(vault_id, signed)
    except ValueError:  # its hash is none
        return False
    keys = (key, other) if other is not None and signed.entry.act == RESTORE else (key,)
    return any(signed_by(one, signed.signature, head) for one in keys)


def judged(
    walked: Walked,
    *,
    ends: bool,
    checkpoint: Checkpoint | Seen | None = None,
    seen: Sequence[Seen] = (),
) -> AuditCheck:
    """Return the verdict; `ends` tells whether the log holds the key that its last entry names,
    `seen` is what this computer remembers."""
    good = walked.good
    if walked.bad is not None:
        return _bad(good, walked.bad, f"Audit entry {walked.bad} is not as it was written.")
    if not ends:
        sentence = f"Audit entries after number {good} are missing, or the log's end was changed."
        return _bad(good, good + 1, sentence)
    against = None
    if isinstance(checkpoint, Checkpoint):
        against = _against_checkpoint(walked, checkpoint)
    elif checkpoint is not None:
        against = _against_seen(walked, checkpoint, "The checkpoint")
    for mark in seen:
        against = against or _against_seen(walked, mark, "This computer")
    if against is not None:
        return against
    covered = checkpoint.size if checkpoint else 0
    return AuditCheck(
        entries=good,
        ok=True,
        first_bad=None,
        sentence=_whole(good) + _restarted(walked, covered),
        restarts=walked.restarts,
        covered=covered,
    )


def _restarted(walked: Walked, covered: int) -> str:
    """Return what is said of the places where the log goes on from a copy: those that a checkpoint
    covers were so when it was taken."""
    open_ones = [str(number) for number in walked.restarts if number > covered]
    if not open_ones:
        return ""
    entries = f"entry {open_ones[0]}" if len(open_ones) == 1 else f"entries {', '.join(open_ones)}"
    return (
        f" At {entries} it goes on from a backup or a damaged vault: who has that and a passphrase"
        " could have written what follows. Compare with a checkpoint that was taken later."
    )


def _whole(entries: int) -> str:
    if entries == 1:
        return "The one audit entry is as it was written."
    return f"All {entries:,} audit entries are as they were written."


def sizes_of(checkpoint: Checkpoint | Seen | None, seen: Sequence[Seen]) -> set[int]:
    """Return the sizes at which `walk` must keep the root for `judged`."""
    return {mark.size for mark in seen} | ({checkpoint.size} if checkpoint else set())


def _against_checkpoint(walked: Walked, checkpoint: Checkpoint) -> AuditCheck | None:
    """Return what speaks against a checkpoint, or against the log."""
    good, size, who = walked.good, checkpoint.size, f"The checkpoint of {checkpoint.at}"
    signer, signature = bytes.fromhex(checkpoint.signer), bytes.fromhex(checkpoint.signature)
    if checkpoint.vault != walked.vault:
        return _bad(good, None, "The checkpoint is that of another vault.")
    if not signed_by(signer, signature, checkpoint_encoded(checkpoint)):
        return _bad(good, None, "The checkpoint itself is not as it was written.")
    state = Seen(key=checkpoint.key, size=size, root=checkpoint.root)
    against = _against_seen(walked, state, who)
    if against is None and walked.marks[size][1] != signer:
        return _bad(good, None, f"{who} was not signed with the key of this log.")
    return against


def _against_seen(walked: Walked, mark: Seen, who: str) -> AuditCheck | None:
    good = walked.good
    if mark.key and mark.key != walked.first_key.hex():
        return _bad(good, 1, f"{who} saw this log with another key: it was written anew.")
    root, _ = walked.marks.get(mark.size, (b"", b""))
    if root.hex() == mark.root:
        return None
    left = mark.found or good
    if left < mark.size:
        return _shorter(good, mark.size, who, left=left)
    return _rewritten(good, mark.size, who)


def _shorter(good: int, size: int, who: str, *, left: int) -> AuditCheck:
    sentence = (
        f"{who} saw {counted(size, 'audit entry', 'audit entries')}, and {left:,} {were(left)} left"
        " of them: an older state was put back, or entries after"
        f" number {left} were removed."
    )
    return _bad(good, left + 1, sentence)


def _rewritten(good: int, size: int, who: str) -> AuditCheck:
    sentence = (
        f"{who} saw other audit entries than these: an older state was put back and continued."
        f" Entry {size}, or one before it, is not the one that was seen."
    )
    return _bad(good, size, sentence)


def _bad(entries: int, first_bad: int | None, sentence: str) -> AuditCheck:
    return AuditCheck(entries=entries, ok=False, first_bad=first_bad, sentence=sentence)
