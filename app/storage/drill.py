"""The drill: a backup is restored beside, opened, compared, and removed again.

Promises that it does what a person would do on the day on which the vault is lost, and tells what
would not come back. Only sealed files lie in the folder meanwhile; where the program is killed they
stay until `remove_left`, which the next start and the next erasing call.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import CallId, DrillReport, Progress
from app.errors import AppError, VaultLocked
from app.storage import backup_format, files, making, records, results, rotation, vault
from app.storage.backup import no_progress
from app.storage.backup_check import opened_record
from app.storage.keys import VaultKey
from app.storage.restore import restored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.storage.backup_format import OpenBackup
    from app.storage.clock import Clock
    from app.storage.vault import Vault
    from app.storage.way import Way

_NAME = "backup-drill"
_COMPUTER_KEY_BYTES = 32
_SEARCHED_CALLS = 50
_MOST_HITS = 10_000


def drill(
    place: Path,
    beside: Path,
    way: Way,
    *,
    keys_from: Path | None = None,
    progress: Callable[[Progress], None] = no_progress,
) -> DrillReport:
    """Try a backup in a folder inside of `beside`, which is made and removed again.

    Raises `BackupInvalid`, `SignInError`, `NotAllowed`, `DiskFull` or `StorageError` where it does
    not restore at all.
    """
    started = time.perf_counter()
    backup = backup_format.opened(place, way.unlock, again=way.unlock_again, keys_from=keys_from)
    files.make_folder(beside)
    folder = beside / _NAME
    lock = files.FolderLock(beside / f"{_NAME}.lock")
    try:
        files.remove_tree(folder)  # an interrupted drill may have left it
        report = restored(backup, folder, way, progress=progress)
        key = _counting_key(backup, folder, way.clock)
        with vault.open_with_key(folder, key, clock=way.clock) as opened:
            seen = _Comparison(backup, opened)
            problems = tuple(seen.problems(report.calls))
            entries = opened.audit.count()
    finally:
        files.remove_tree(folder)
        lock.release()
    made_at = datetime.fromisoformat(backup.manifest.made_at)
    return DrillReport(
        generation=backup.generation,
        made_at=backup.manifest.made_at,
        age_seconds=max(0, round((way.clock() - made_at).total_seconds())),
        seconds=round(time.perf_counter() - started, 3),
        calls=report.calls,
        turns=seen.turns,
        audit_entries=entries,
        problems=problems,
    )


def remove_left(beside: Path) -> None:
    """Remove what a drill left that was killed, since calls may be erased that are in it; one that
    is under way is left alone, because it removes itself.

    Raises `FolderReadOnly` or `StorageError`.
    """
    folder = beside / _NAME
    if not folder.exists():
        return
    try:
        lock = files.FolderLock(beside / f"{_NAME}.lock")
    except VaultLocked:
        return
    try:
        files.remove_tree(folder)
    finally:
        lock.release()


def _counting_key(backup: OpenBackup, folder: Path, clock: Clock) -> VaultKey:
    """Return the key that opens the restored vault, after a change of keys that had begun.

    Whoever restores has shown this computer's key, or the sheet, with which any computer gets a
    new one. Nobody signs in to what is restored here, so one of this moment does for either.
    """
    key = VaultKey(backup.header.id, backup.key.secret_bytes())
    device = os.urandom(_COMPUTER_KEY_BYTES)
    database = folder / making.DATABASE
    return rotation.finish(folder, database, backup.header, key, device, clock=clock)[1]


@dataclass(slots=True)
class _Comparison:
    """What a restored vault has of a backup."""

    backup: OpenBackup
    opened: Vault
    turns: int = field(default=0, init=False)

    def problems(self, expected: int) -> Iterator[str]:
        """Yield what is not as the backup has it."""
        yield from self.opened.check()
        database = self.opened._database
        with database.reader() as reading:
            calls = reading.all("SELECT number, id FROM calls ORDER BY number")
            indexed = reading.number("SELECT count(*) FROM turns")
            for number, call in calls:
                digests = results.digests(reading, number)
                found = records.marker(reading, number, digests)
                if found != self.backup.manifest.calls[call].marker and not self._lost_original(
                    CallId(call)
                ):
                    yield f"call {call} is not what was backed up"
        if len(calls) != expected:
            yield f"{counted(expected, 'call')} should be there, and not {len(calls):,}"
        for place, (_, call) in enumerate(calls):
            yield from self._unfound(CallId(call), search=place < _SEARCHED_CALLS)
        if self.turns != indexed:
            yield f"{counted(self.turns, 'turn')} should be in the index, and not {indexed:,}"

    def _lost_original(self, call: CallId) -> bool:
        """Whether the backup has a call as it was before its original was destroyed."""
        if call not in self.backup.originals:
            return False
        key = self.backup.call_keys().opened(call, self.backup.keys[call])
        record = opened_record(self.backup, call, self.backup.manifest.calls[call], key)
        return not record.original_is_destroyed

    def _unfound(self, call: CallId, *, search: bool) -> Iterator[str]:
        """Count the turns of a call, and yield those that searching their words does not find."""
        try:
            analysis = self.opened.calls.detail(call).analysis
        except AppError as error:
            yield f"call {call}: {error.sentence}"
            return
        turns = results.shown_turns(analysis) if analysis else ()
        self.turns += len(turns)
        for turn in turns[:3] if search else ():
            words = [word for word in turn.text.split() if word.isalnum()]
            hits = self.opened.search.find(" ".join(words), limit=_MOST_HITS) if words else ()
            if words and (call, turn.index) not in {(hit.call, hit.turn) for hit in hits}:
                yield f"the words of turn {turn.index} of call {call} are not found"
