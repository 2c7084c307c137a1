"""The audit log as an auditor reads it: entries, verification, and what is handed out of it.

Whatever leaves the vault here is an entry of the log first, and is in what leaves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import AuditQuery, Checkpoint, Right
from app.errors import StorageError, UsageError
from app.reports import qr, sheets
from app.storage import audit_export, files
from app.workspace.gate import given_reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from app.domain import AuditCheck, AuditEntry, AuditProof, Progress
    from app.errors import AppError
    from app.workspace.gate import Confirmed, Gate

_EVERYTHING = AuditQuery()
_VERIFIER = "verify_audit.py"
_READ_ME = """\
The audit log of an AutoInsights vault
======================================

audit.jsonl       the log: one header line, then one line for each of {entries}
checkpoint.json   what the log was when it was exported, {at}: keep a copy elsewhere
verify_audit.py   verifies both, without AutoInsights: Python 3.9 or newer with `cryptography`

    python verify_audit.py audit.jsonl --key AIKEY2-... [--checkpoint FILE]

Take the key and the checkpoints from where you kept them, not from this folder: whoever changes a
log can change what lies beside it. Take the verifier from a copy of the program that you trust.
"""


@dataclass(frozen=True, slots=True)
class AuditTrail:
    """The audit log of an open vault; `_resources` is where the stand-alone verifier lies."""

    _gate: Gate
    _resources: Path

    def verify(
        self,
        checkpoint: bytes | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> AuditCheck:
        """Check the whole log and name the first bad entry; also that it extends a checkpoint,
        given as its file or its short form. Raises `UsageError` if it is none."""
        self._gate.require(Right.READ_AUDIT)
        kept = None if checkpoint is None else audit_export.read_checkpoint(checkpoint)
        return self._gate.vault.audit.verify(kept, progress)

    def entries(
        self, query: AuditQuery = _EVERYTHING, *, offset: int = 0, limit: int = 100
    ) -> tuple[AuditEntry, ...]:
        """Return the entries that a query asks for, newest first."""
        self._gate.require(Right.READ_AUDIT)
        return self._gate.vault.audit.entries(query, offset=offset, limit=limit)

    def count(self, query: AuditQuery = _EVERYTHING) -> int:
        """Return how many entries a query asks for."""
        self._gate.require(Right.READ_AUDIT)
        return self._gate.vault.audit.count(query)

    def names(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return who acted, and which acts there are, for the filters."""
        self._gate.require(Right.READ_AUDIT)
        return self._gate.vault.audit.names()

    def key(self) -> str:
        """Return the verification key, for the auditor to keep elsewhere."""
        self._gate.present()
        return self._gate.vault.audit.verification_key()

    def key_code(self) -> tuple[str, ...]:
        """Return the verification key as a QR code for a terminal."""
        return qr.terminal(self.key())

    def key_sheet(self) -> bytes:
        """Return the verification key as a page to print."""
        info = self._gate.vault.info
        return sheets.key_sheet(info.id, self.key(), made_at=info.created_at)

    def checkpoint(self) -> Checkpoint:
        """Return what the log is now, signed, for the auditor to keep elsewhere."""
        self._gate.require(Right.EXPORT_AUDIT)
        self._gate.vault.audit.record(actor=self._gate.actor, act="audit.checkpoint")
        return self._gate.vault.audit.checkpoint()

    def checkpoint_file(self, checkpoint: Checkpoint) -> bytes:
        """Return a checkpoint as a file."""
        return audit_export.checkpoint_file(checkpoint)

    def checkpoint_text(self, checkpoint: Checkpoint) -> str:
        """Return the short form of a checkpoint, which can be copied by hand."""
        return audit_export.short_form(checkpoint)

    def checkpoint_sheet(self, checkpoint: Checkpoint) -> bytes:
        """Return a checkpoint as a page to print."""
        return sheets.checkpoint_sheet(checkpoint, audit_export.short_form(checkpoint))

    def prove_entry(self, number: int, checkpoint: bytes | None = None) -> AuditProof:
        """Return the proof that one entry is in the log, as it is now or as a checkpoint says in
        its file; raises `UsageError` if it is not."""
        self._gate.require(Right.EXPORT_AUDIT)
        kept = None if checkpoint is None else _whole(checkpoint)
        self._gate.vault.audit.record(
            actor=self._gate.actor, act="audit.prove", subject=str(number)
        )
        return self._gate.vault.audit.inclusion(number, kept)

    def prove_since(self, checkpoint: bytes, newer: bytes | None = None) -> AuditProof:
        """Return the proof that the log, as it is now or as a newer checkpoint says in its file,
        extends a checkpoint; raises `UsageError` if it does not."""
        self._gate.require(Right.EXPORT_AUDIT)
        older = audit_export.read_checkpoint(checkpoint)
        until = None if newer is None else _whole(newer)
        self._gate.vault.audit.record(
            actor=self._gate.actor, act="audit.prove", subject=f"since {older.size}"
        )
        return self._gate.vault.audit.consistency(older, until)

    def doubt(self) -> AppError | None:
        """Return what speaks against relying on this vault, as far as it is known by now: until it
        is accepted, or for good, nothing is done that cannot be taken back."""
        self._gate.known()
        return self._gate.vault.trust.doubt()

    def compare(self, stop: Callable[[], bool] = lambda: False) -> AppError | None:
        """Compare all that the log signs, unless `stop` ends that, and return what `doubt` does
        then; takes some seconds where there are very many calls, and nothing a second time."""
        self._gate.known()
        self._gate.vault.trust.compare(stop)
        return self.doubt()

    def accept(self, reason: str, *, confirmed: Confirmed | None) -> AuditEntry:
        """Accept that the log is not the one that this computer saw, such as after a backup was
        restored, or that its end was lost; that, and who accepted it and why, stays in the log.
        Raises `NotAllowed` unless the passphrase was typed again."""
        self._gate.require(Right.MANAGE_VAULT)
        self._gate.expect_confirmed("audit.accept", confirmed)
        given = given_reason(reason)
        return self._gate.vault.audit.accept_mismatch(actor=self._gate.actor, reason=given)

    def proof_file(self, proof: AuditProof) -> bytes:
        """Return a proof as a file."""
        return audit_export.proof_file(proof)

    def export(self, folder: Path, *, force: bool = False) -> Checkpoint:
        """Write the log, a checkpoint and the stand-alone verifier into a folder.

        Raises `UsageError` if one of the files is there and `force` is not given, `StorageError`.
        """
        self._gate.require(Right.EXPORT_AUDIT)
        verifier = (self._resources / "verifier" / _VERIFIER).read_bytes()
        names = ("audit.jsonl", "checkpoint.json", _VERIFIER, "README.txt")
        _expect_free([folder / name for name in names], force=force)
        self._gate.vault.audit.record(actor=self._gate.actor, act="audit.export")
        with self._gate.vault.audit.export() as (checkpoint, entries):
            read_me = _READ_ME.format(
                entries=counted(checkpoint.size, "entry", "entries"), at=checkpoint.at
            )
            bodies: tuple[Iterable[bytes], ...] = (
                audit_export.log_lines(checkpoint, entries),
                [audit_export.checkpoint_file(checkpoint)],
                [verifier],
                [read_me.encode()],
            )
            for name, body in zip(names, bodies, strict=True):
                _put(folder / name, body)
        return checkpoint

    def write(self, path: Path, data: bytes, *, force: bool = False) -> None:
        """Write something that is handed out, whole and private; raises as `export` does."""
        _expect_free([path], force=force)
        _put(path, [data])


def _whole(body: bytes) -> Checkpoint:
    """Return the checkpoint to which a proof leads: its short form has not all of it."""
    kept = audit_export.read_checkpoint(body)
    if not isinstance(kept, Checkpoint):
        raise UsageError("A proof leads to a checkpoint's file, not to its short form.")
    return kept


def _expect_free(paths: list[Path], *, force: bool) -> None:
    there = [path for path in paths if path.exists()]
    if there and not force:
        raise UsageError(f"{there[0]} is already there.", hint="Add --force to overwrite it.")


def _put(path: Path, chunks: Iterable[bytes]) -> None:
    part = path.with_name(f"{files.TEMPORARY}{path.name}")
    try:
        if not path.parent.is_dir():
            files.make_private(path.parent)
        files.remove(part)
        files.create_private(part, chunks)
        files.move(part, path)
    except StorageError as error:
        raise type(error)(f"{path} cannot be written.", hint="Choose another place.") from error
