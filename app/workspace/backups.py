"""Backups of the vault: made, read to their end, and kept from bringing back what was erased."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import Right
from app.errors import AppError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.domain import BackupCheck, BackupReport, Progress
    from app.workspace.gate import Gate


@dataclass(frozen=True, slots=True)
class Backups:
    """The backups of the open vault; restoring one is done without a vault (`bootstrap`)."""

    _gate: Gate

    def make(
        self,
        place: Path,
        *,
        keys_to: Path | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> BackupReport | None:
        """Bring the backup in a folder up to date, or make it; `None` if it was stopped.

        Nobody has to wait for it. Raises `UsageError`, `BackupInvalid` or `StorageError`; the
        backup that was there is as good as before then.
        """
        self._gate.require(Right.MANAGE_VAULT)
        return self._gate.vault.backups.make(
            place, actor=self._gate.actor, keys_to=keys_to, progress=progress, stop=stop
        )

    def check(
        self,
        place: Path,
        *,
        keys_from: Path | None = None,
        progress: Callable[[Progress], None] = lambda _: None,
    ) -> BackupCheck:
        """Read a backup to its end; raises `BackupInvalid` where it cannot be opened at all.

        Either is in the audit log.
        """
        self._gate.require(Right.MANAGE_VAULT)
        try:
            found = self._gate.vault.backups.check(place, keys_from=keys_from, progress=progress)
        except AppError as error:
            self._record_check("", error.code)
            raise
        self._record_check(
            str(found.generation),
            counted(len(found.problems), "problem") if found.problems else "ok",
        )
        return found

    def _record_check(self, generation: str, outcome: str) -> None:
        self._gate.vault.audit.record(
            actor=self._gate.actor, act="vault.backup-check", subject=generation, outcome=outcome
        )

    def write_erased_list(self, file: Path) -> int:
        """Write a list of all erased calls, for restoring older copies; returns how many."""
        self._gate.require(Right.MANAGE_VAULT)
        self._gate.expect_trust()
        return self._gate.vault.backups.write_erased_list(file, actor=self._gate.actor)
