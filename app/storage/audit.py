"""The audit log: who did what to what, when, with which outcome and why, in a log that convicts.

Entries are only ever added, each in the transaction of the act that it records, and carry no
content of calls. Each holds the SHA-256 of the one before it, and is signed together with the root
of the Merkle tree over all entries so far, by a key that is used for one entry: the next one's
public half stands in the entry, its private half in the head of the log, where the next entry
overwrites it. So nobody who comes to have every key of the vault can change, drop or cut off what
was written before: the keys that signed it are gone. A backup holds another key instead, which its
last entry names: it signs the one entry of a restore, at this place and no other. The number
decides the order, and an entry's time is never before that of the one before it.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.counts import counted
from app.domain import AuditEntry, AuditProof, AuditQuery, Progress, Sha256
from app.errors import UsageError, VaultDamaged
from app.storage import audit_rows, merkle, schema_check, seals
from app.storage.audit_check import is_signed, judged, sizes_of, walk
from app.storage.audit_clock import AuditClock
from app.storage.audit_format import RESCUE, key_text
from app.storage.audit_head import Head
from app.storage.clock import stamp, steady, utc_now
from app.storage.witness import Seen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from app.domain import AuditCheck, Checkpoint
    from app.storage.audit_format import SignedEntry
    from app.storage.audit_head import End
    from app.storage.clock import Clock, Steady
    from app.storage.database import Database, Reading, Row, Writing
    from app.storage.witness import Memory, Witness

_SYSTEM = "system"
_EVERYTHING = AuditQuery()
_ACCEPT, _WITHOUT_END = "audit.accept", "without its end"
_FOREIGN_HINT = schema_check.HINT


class Audit:
    """The audit log of an open vault."""

    def __init__(  # noqa: PLR0913 (the last two are the computer's)
        self,
        database: Database,
        key: bytes,
        vault_id: str,
        clock: Clock = utc_now,
        *,
        steady_clock: Steady | None = None,
        witness: Witness | None = None,
    ) -> None:
        """Work on a database with the vault's audit key.

        The steady clock is the computer's own unless another `clock` is given; without a `witness`
        nothing is remembered outside of the database.
        """
        self._database = database
        self._head = Head(vault_id, key)
        self._witness = witness
        self._now = clock
        own = steady if clock is utc_now else None
        self._clock = AuditClock(clock, steady_clock or own, secrets.token_bytes(8))
        # how the log may end when the next transaction begins: as the last one left it, or as it
        # found it, where that was undone
        self._ends: tuple[Row | None, ...] = ()

    def begin(self, writing: Writing) -> None:
        """Begin the log of a new vault, in the transaction that makes it."""
        self._head.keep(writing, self._head.first())

    def record(
        self, *, actor: str, act: str, subject: str = "", outcome: str = "ok", reason: str = ""
    ) -> AuditEntry:
        """Add an entry of an act that changes nothing else, such as looking at a call."""
        with self._database.transaction() as writing:
            return self.append(
                writing, actor=actor, act=act, subject=subject, outcome=outcome, reason=reason
            )

    def append(  # noqa: PLR0913 (the fields of an entry)
        self,
        writing: Writing,
        *,
        actor: str,
        act: str,
        subject: str = "",
        outcome: str = "ok",
        reason: str = "",
        anew: bool = False,
    ) -> AuditEntry:
        """Add an entry in the transaction of the act that it records.

        A change of the computer's clock, and a day or more without any entry before this session,
        is an entry of its own before it. It signs the state of
        the vault at this moment (see `seals`): as it was signed before and changed since, or
        `anew` as everything is now, for a vault that was put in place. Where this log does not
        guard the database, nobody knows who made the changes that are noted: none is signed.
        """
        end = self._head.read(writing)
        state = end.state
        if anew:
            state = seals.begin(writing)
        elif self._database.guard is self:
            state = seals.moved(writing, state)
        bare = _bare(actor=actor, act=act, subject=subject, outcome=outcome, reason=reason)
        return self._add(writing, replace(end, state=state), bare)

    def _add(self, writing: Writing, end: End, bare: AuditEntry) -> AuditEntry:
        read = self._clock.read(end.at, end.clock)
        # the key of a backup signs one entry, that of a restore: what the clock did is told later
        told = not end.at_rest
        end = replace(end, at=read.at, clock=read.state if told else end.clock)
        if read.gap and told:
            long = _bare(actor=_SYSTEM, act="clock.gap", subject=read.wall, outcome=read.gap)
            _, end = self._head.add(writing, end, long)
        if read.change and told:
            changed = _bare(
                actor=_SYSTEM, act="clock.change", subject=read.wall, outcome=read.change
            )
            _, end = self._head.add(writing, end, changed)
        entry, end = self._head.add(writing, end, bare)
        self._head.keep(writing, end)
        writing.leave_no_trace()  # the key that signed this entry
        return entry

    def upgraded(self, writing: Writing, step: int) -> None:
        """Add the entry of a step of the schema, which signs the tables that it leads to, in the
        transaction of the step; raises `VaultDamaged` where the log does not end as it was
        written."""
        self.signed_state(writing, upgrading=True)
        end = self._head.read(writing)
        state = seals.moved(writing, end.state, upgraded=True)
        bare = _bare(actor=_SYSTEM, act="vault.upgrade", subject=str(step), outcome="ok")
        self._add(writing, replace(end, state=state), bare)

    def entries(
        self, query: AuditQuery = _EVERYTHING, *, offset: int = 0, limit: int = 100
    ) -> tuple[AuditEntry, ...]:
        """Return the entries that a query asks for, the newest first."""
        with self._database.reader() as reading:
            return audit_rows.newest(reading, query, offset=offset, limit=limit)

    def count(self, query: AuditQuery = _EVERYTHING) -> int:
        """Return how many entries a query asks for."""
        with self._database.reader() as reading:
            if query == _EVERYTHING:
                return reading.number("SELECT max(number) FROM audit")
            return audit_rows.count(reading, query)

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return who acted, and which acts there are."""
        with self._database.reader() as reading:
            return audit_rows.names(reading)

    def verify(
        self,
        checkpoint: Checkpoint | Seen | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        *,
        at_rest: bool = False,
    ) -> AuditCheck:
        """Return whether every entry is as it was written, naming the first that is not.

        Also whether the log extends a `checkpoint` that was kept elsewhere, and every state of it
        that this computer saw, and whether what governs the vault is as the last entry signed it.
        `at_rest`: it is the log of a backup.
        """
        memory = self._remembered()
        seen = () if memory is None else (memory.newest, *memory.missed)
        with self._database.reader() as reading:
            end = self._head.read(reading)
            walked = walk(
                audit_rows.every(reading),
                self._head.vault_id,
                end.first_key,
                sizes=sizes_of(checkpoint, seen),
                told=lambda done: progress(Progress(done=done, total=end.number)),
            )
            ends = (
                end.whole
                and end.at_rest in {False, at_rest}
                and (walked.good, walked.hash) == (end.number, end.hash)
            )
            verdict = judged(walked, ends=ends, checkpoint=checkpoint, seen=seen)
            changed = () if at_rest or not verdict.ok else seals.foreign(reading, end.state)
        if changed:
            sentence = not_as_signed(changed).sentence
            return replace(verdict, ok=False, sentence=sentence, restarts=(), covered=0)
        return verdict

    def expect_own_state(self) -> None:
        """Raise `VaultDamaged` if what decides who may do what was changed by somebody else, or the
        log does not end as it was written."""
        with self._database.reader() as reading:
            changed = seals.foreign(reading, self.signed_state(reading), seals.AT_OPENING)
            self._ends = self._ends or (audit_rows.tip(reading),)
        if changed:
            raise not_as_signed(changed)

    def changed(
        self, parts: Iterable[str], stop: Callable[[], bool] = lambda: False
    ) -> tuple[str, ...]:
        """Return which parts of the vault are not as the last entry signed them, in words; those of
        `seals.LATER` take some seconds where there are very many calls.

        Raises `VaultDamaged` where one cannot be read, or `seals.Stopped`.
        """
        with self._database.reader() as reading:
            return seals.foreign(reading, self.signed_state(reading), parts, stop)

    def signed_state(self, reading: Reading, *, upgrading: bool = False) -> bytes:
        """Return what the last entry signs of the vault; raises `VaultDamaged` where it does not:
        one that signs nothing is the last one while a vault without seals is `upgrading` only.

        An entry that goes on from an end that was lost is signed by a key that nobody named. It is
        believed where it says what the one before it signed, and that of a rescue in any case: the
        log is in doubt then (`ends_well`).
        """
        last = audit_rows.last(reading)
        if last is None or not (last.state or upgrading):
            raise VaultDamaged("The end of the audit log is missing.", hint=_FOREIGN_HINT)
        before, earlier = (audit_rows.one(reading, last.entry.number - back) for back in (1, 2))
        if (
            self._is_signed(reading, last, before)
            or (last.entry.act == RESCUE and not self._head.read(reading).whole)
            or (
                before is not None
                and before.state == last.state
                and self._is_signed(reading, before, earlier)
            )
        ):
            return last.state
        number = last.entry.number
        raise VaultDamaged(f"Audit entry {number} is not as it was written.", hint=_FOREIGN_HINT)

    def _is_signed(self, reading: Reading, signed: SignedEntry, before: SignedEntry | None) -> bool:
        (first_key,) = reading.one("SELECT first_key FROM audit_head") or (b"",)
        return is_signed(self._head.vault_id, signed, before, bytes(first_key))

    def begun(self, writing: Writing) -> None:
        """Take no notice of what was noted before this transaction (see `seals`); raises
        `VaultDamaged` where somebody else wrote at the end of the log since the last one."""
        found = audit_rows.tip(writing)
        if self._ends and found not in self._ends:
            raise VaultDamaged(
                "The audit log was changed outside of the program while the vault was open.",
                hint="Close the vault, and run `autoinsights audit verify`.",
            )
        self._ends = (found,)
        seals.discard(writing)

    def ending(self, writing: Writing) -> None:
        """Sign what changed in a transaction after its last entry."""
        if seals.pending(writing):
            end = self._head.read(writing)
            state = seals.moved(writing, end.state)
            if state != end.state:
                bare = _bare(actor=_SYSTEM, act="vault.state", subject="", outcome="ok")
                self._add(writing, replace(end, state=state), bare)
        self._ends = (*self._ends[:1], audit_rows.tip(writing))

    def verification_key(self) -> str:
        """Return the key against which the whole log is verified, as text to keep elsewhere."""
        with self._database.reader() as reading:
            return key_text(self._head.read(reading).first_key)

    def checkpoint(self) -> Checkpoint:
        """Return what the log is now, signed with the key that signs the next entry."""
        with self._database.reader() as reading:
            return self._checkpoint(reading)

    def inclusion(self, number: int, checkpoint: Checkpoint | None = None) -> AuditProof:
        """Return the proof that an entry is in the log, as it is now or as it was at a checkpoint;
        raises `UsageError` if it is not."""
        with self._database.reader() as reading:
            leaves = audit_rows.leaves(reading)
            checkpoint = checkpoint or self._checkpoint(reading)
            covered = leaves[: checkpoint.size]
            signed = audit_rows.one(reading, number)
            if signed is None or not 0 < number <= len(covered):
                raise UsageError(f"There is no audit entry {number} in the log of that moment.")
            if merkle.root_of(covered).hex() != checkpoint.root:
                raise _no_such_proof()
            path = merkle.inclusion(covered, number - 1)
        return AuditProof(checkpoint=checkpoint, path=_hexadecimal(path), entry=signed.entry)

    def consistency(self, older: Checkpoint | Seen, newer: Checkpoint | None = None) -> AuditProof:
        """Return the proof that the log, as it is now or as it was at a newer checkpoint, extends
        an older one; raises `UsageError`."""
        with self._database.reader() as reading:
            checkpoint = newer or self._checkpoint(reading)
            leaves = audit_rows.leaves(reading)[: checkpoint.size]
            for one in (checkpoint, older):
                root = merkle.root_of(leaves[: one.size]).hex()
                if one.size > len(leaves) or root != one.root:
                    raise _no_such_proof()
            path = merkle.consistency(leaves, older.size)
        return AuditProof(
            checkpoint=checkpoint,
            path=_hexadecimal(path),
            since=older.size,
            since_root=Sha256(older.root),
        )

    @contextmanager
    def export(self) -> Iterator[tuple[Checkpoint, Iterator[SignedEntry]]]:
        """Give a checkpoint and exactly the entries that it covers, as they are."""
        with self._database.reader() as reading:
            yield self._checkpoint(reading), audit_rows.every(reading)

    def meet_witness(self) -> AuditEntry | None:
        """Compare the log with what this computer saw last of it, before anything is added.

        What does not fit is an entry, which is returned, and every later `verify` fails until a
        person accepts it.
        """
        self._tell_of_copies()
        memory = self._remembered()
        if memory is None or self._extends(memory.newest):
            return None
        found = self.count()
        entry = self.record(
            actor=_SYSTEM,
            act="audit.mismatch",
            subject=memory.newest.root,
            outcome=f"{counted(memory.newest.size, 'entry', 'entries')} seen, {found} found",
        )
        self._remember(memory.after(self._seen(), fits=False, found=found))
        return entry

    def _tell_of_copies(self) -> None:
        """Write down, once, that a copy of the vault was opened elsewhere on this computer and that
        its log holds what this one does not."""
        others = () if self._witness is None else self._witness.elsewhere()
        there = {other.newest.root for other in others}
        for other in others:
            memory = self._remembered()
            told = () if memory is None else memory.told
            if other.newest.root in told or self._extends(other.newest):
                continue
            self.record(
                actor=_SYSTEM,
                act="audit.elsewhere",
                subject=other.newest.root,
                outcome=f"{other.newest.size} entries at {other.place or 'another place'}",
            )
            if memory is None and self._witness is not None:
                memory = self._witness.first(self._seen())
            if memory is not None:
                self._remember(memory.having_told(other.newest.root, there))

    @property
    def missed(self) -> bool:
        """Whether this computer saw a state of the log that this one does not extend, and nobody
        accepted that yet."""
        memory = self._remembered()
        return memory is not None and bool(memory.missed)

    def ends_well(self) -> bool:
        """Return whether the log ends as it was written, or a person accepted that it does not: a
        log whose end was lost never gets a right one again."""
        with self._database.reader() as reading:
            if self._head.read(reading).whole:
                return True
            return audit_rows.was(reading, _ACCEPT, _WITHOUT_END)

    def save_witness(self) -> None:
        """Remember outside of the vault's folder what the log is now."""
        if self._witness is None:
            return
        memory, now = self._remembered(), self._seen()
        if memory is None:
            self._remember(self._witness.first(now))
        else:
            fits = self._extends(memory.newest)
            self._remember(memory.after(now, fits=fits, found=now.size))

    def accept_mismatch(self, *, actor: str, reason: str) -> AuditEntry:
        """Let the log count as whole again although this computer saw another one, such as after a
        backup was restored; the entries about it stay."""
        with self._database.reader() as reading:
            whole = self._head.read(reading).whole
        outcome = "ok" if whole else _WITHOUT_END
        entry = self.record(actor=actor, act="audit.accept", outcome=outcome, reason=reason)
        memory = self._remembered()
        if self._witness is not None:
            first = self._witness.first(self._seen())
            self._remember(replace(first, told=() if memory is None else memory.told))
        return entry

    def name_restore_key(self, *, actor: str, generation: int) -> tuple[AuditEntry, bytes]:
        """Write down with which key a restore of a backup goes on; returns the entry, which must
        be the last one in the backup, and the private half of the key."""
        signer = Ed25519PrivateKey.generate()
        public = signer.public_key().public_bytes_raw()
        entry = self.record(
            actor=actor, act="vault.backup-key", subject=public.hex(), outcome=str(generation)
        )
        return entry, signer.private_bytes_raw()

    def ends_with(self, reading: Reading, entry: AuditEntry) -> bool:
        """Return whether an entry is the last one in a view of the database."""
        last = audit_rows.last(reading)
        return last is not None and last.entry == entry

    def lay_to_rest(self, reading: Reading, writing: Writing, restore_key: bytes) -> None:
        """Write the head of the log into a backup, with the key for a restore in place of the one
        that signs the next entry here: that one never leaves the vault."""
        end = self._head.read(reading)
        signer = Ed25519PrivateKey.from_private_bytes(restore_key)
        self._head.keep(writing, replace(end, signer=signer))

    def reseal(self, writing: Writing, key: bytes) -> None:
        """Seal the head under another audit key, in the transaction that changes the keys; this
        object goes on with the old one."""
        Head(self._head.vault_id, key).keep(writing, self._head.read(writing))

    def _checkpoint(self, reading: Reading) -> Checkpoint:
        return self._head.checkpoint(self._head.read(reading), stamp(self._now()))

    def _seen(self) -> Seen:
        with self._database.reader() as reading:
            end = self._head.read(reading)
        return Seen(key=end.first_key.hex(), size=end.number, root=end.root.hex())

    def _extends(self, state: Seen) -> bool:
        """Return whether the log extends a state, as far as the roots that stand in it tell."""
        with self._database.reader() as reading:
            signed = audit_rows.one(reading, state.size)
            key = self._head.read(reading).first_key.hex()
        return state.key == key and signed is not None and signed.root.hex() == state.root

    def _remembered(self) -> Memory | None:
        return None if self._witness is None else self._witness.read()

    def _remember(self, memory: Memory) -> None:
        if self._witness is not None:
            self._witness.write(memory)


def _bare(*, actor: str, act: str, subject: str, outcome: str, reason: str = "") -> AuditEntry:
    """Return an entry before it has found its place in the log."""
    return AuditEntry(
        number=0,
        at="",
        actor=actor,
        act=act,
        subject=subject,
        outcome=outcome,
        reason=reason,
        previous=Sha256(""),
        hash=Sha256(""),
    )


def not_as_signed(changed: tuple[str, ...]) -> VaultDamaged:
    """Return what is raised where something is not as the last entry signed it."""
    named = ", ".join(changed)
    sentence = f"Not as the audit log says, so changed outside of the program: {named}."
    return VaultDamaged(sentence, hint=_FOREIGN_HINT)


def _no_such_proof() -> UsageError:
    """Return what is said where a log and a checkpoint do not fit together."""
    return UsageError(
        "There is no such proof: this log does not begin with what the checkpoint covers.",
        hint="Run `autoinsights audit verify --checkpoint`, and keep a copy of the vault.",
    )


def _hexadecimal(path: tuple[bytes, ...]) -> tuple[Sha256, ...]:
    return tuple(Sha256(part.hex()) for part in path)
