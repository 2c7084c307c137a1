"""Saving what can be read of a damaged vault into a new one, around what cannot.

Promises that the damaged folder stays as it is but for the count of failed sign-ins, that nothing
is saved that is not as it was written, and that what is lost is named. Works on a copy of the
database, call by call: every page proves itself (SQLCipher), every analysis and recording does so
under its call's own key. The new vault has the id, the people and the keys of the damaged one; a
change of keys that had begun there begins anew when it is opened. Where there is a backup,
restoring that is the better way: see resources/documents/backup.md.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import product
from typing import TYPE_CHECKING

import msgspec
from sqlcipher3 import dbapi2

from app.counts import counted
from app.domain import CallId, JobState, Progress, RescueReport
from app.errors import AppError, FolderReadOnly, SealBroken, VaultDamaged, VaultNewer
from app.storage import files, header, making, people, records, results, schema, seals
from app.storage.around import Around, Unreadable
from app.storage.attempts import Attempts, key_of, times_of
from app.storage.audio import FOLDER, Purpose, SealedAudio, Wanted, place_of
from app.storage.audit import Audit
from app.storage.audit_head import Head
from app.storage.backup import no_progress
from app.storage.database import Database, is_rekeyed
from app.storage.first_page import first_page
from app.storage.keys import (
    CallKeys,
    KeyPurpose,
    moved_index_key,
    new_index_key,
    opened_index_key,
)
from app.storage.openers import tag_of
from app.storage.own_tables import OWN_TABLES, inserting
from app.storage.pages import copy_as_it_is, copy_damaged

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.storage.database import Reading, Row, Writing
    from app.storage.header import Header
    from app.storage.keys import VaultKey
    from app.storage.way import Way

_AUDIT_COLUMNS = 13
_OLDER = "The vault's header is not the newest one."
_NOT_COMPARED = (
    "Whether people and rules are those that the audit log signed could not be seen in full."
)
_LOST = {
    "policy": "The rules of the vault could not be read: the defaults hold.",
    "teams": "The teams could not be read: who is limited to one sees none of its calls.",
    "backup_codes": "The backup codes could not be read: they let nobody in any more.",
    "requests": "The requests for a second person could not be read.",
    "vocabulary": "The word list could not be read: set it again from its file.",
    "samples": "What was drawn to be judged could not be read: draw another sample.",
    "sampled_turns": "What people judged of drawn turns could not be read: draw another sample.",
    "erased": "What was erased could not be read: such a recording can be imported again.",
    "audit_head": "The end of the audit log could not be read: it does not verify any more.",
}


def rescue(
    damaged: Path,
    folder: Path,
    way: Way,
    *,
    progress: Callable[[Progress], None] = no_progress,
) -> RescueReport:
    """Save what can be read of a damaged vault into an empty or new folder.

    Raises `VaultDamaged` where nothing can be read or nobody could sign in, `VaultMissing`,
    `VaultLocked`, `VaultExists`, `SignInError`, `NotAllowed`, `DiskFull` or `StorageError`.
    """
    header.readable(damaged)
    lock = _locked(damaged)
    try:
        if lock is not None:  # guessing here waits, and is told of, as it is at the vault
            way = replace(way, attempts=Attempts(damaged, way.clock))
        found = header.readable(damaged)
        key = way.unlock(found)
        with making.making(folder) as path:
            copy = folder / f"{files.TEMPORARY}damaged"
            source, comparable = _opened(
                damaged / making.DATABASE, copy, _database_keys(found, key)
            )
            saving = _Rescue(source, damaged, folder, found, key, progress, comparable)
            try:
                return saving.done(path, way)
            finally:
                source.database.close()
                files.remove_temporary(folder)
    finally:
        if lock is not None:
            lock.release()


def _database_keys(found: Header, key: VaultKey) -> list[bytes]:
    """Return the keys that the database may be under: the next one too, where keys change."""
    keys = [key.derive(KeyPurpose.DATABASE, found.database_salt)]
    following = header.following_key(found, key)
    if found.rotation is not None and following is not None:
        keys.append(following.derive(KeyPurpose.DATABASE, found.rotation.database_salt))
    return keys


def _opened(path: Path, copy: Path, secrets: list[bytes]) -> tuple[Around, bool]:
    """Return a copy of the database, opened with the key that fits, the newest being tried first,
    and whether its tables can be compared: not with a first page of an older version's."""
    if not path.is_file():
        raise VaultDamaged("The vault's database is missing.")
    found = _put_in_place(path, copy, secrets)
    # a lost first page is that of a vault which was made by this version, or by an older one
    for secret, steps in product(reversed(secrets), range(len(schema.STEPS), 0, -1)):
        first = first_page(found, secret, copy.with_name(f"{copy.name}-empty"), steps=steps)
        others = [other for other in secrets if other != secret]
        copy_damaged(found, copy, secret, first, others=others)
        with suppress(VaultDamaged):
            return Around(Database(copy, secret)), steps == len(schema.STEPS)
        _remove(copy)
    raise VaultDamaged(
        "Too much of the beginning of the database is damaged: nothing in it can be read.",
        hint="Restore the newest backup, with `autoinsights restore`; keep the damaged folder.",
    )


def _put_in_place(path: Path, copy: Path, secrets: list[bytes]) -> Path:
    """Return a copy in which all pages are in their place, where the program ended while the
    database got another key: until then they lie in its log, and the file tells the salt of the
    old key. What is not so is returned as it is."""
    if len(secrets) == 1:
        return path
    placed = copy.with_name(f"{copy.name}-placed")
    copy_as_it_is(path, placed)
    if is_rekeyed(placed, secrets[-1]):
        return placed
    _remove(placed)
    return path


def _remove(copy: Path) -> None:
    for part in copy.parent.glob(f"{copy.name}*"):
        files.remove(part)


def _locked(damaged: Path) -> files.FolderLock | None:
    try:
        return files.FolderLock(damaged / making.LOCK)
    except FolderReadOnly:  # then nobody else writes there either
        return None


@dataclass(slots=True)
class _Rescue:
    """One rescue under way."""

    source: Around
    damaged: Path
    folder: Path
    found: Header
    key: VaultKey
    progress: Callable[[Progress], None]
    comparable: bool
    call_keys: CallKeys = field(init=False)
    following: VaultKey | None = field(init=False, default=None)
    saved: set[str] = field(default_factory=set)
    incomplete: list[CallId] = field(default_factory=list)
    without_recording: list[CallId] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    same_index: bool = True
    changed: str = ""

    def done(self, path: Path, way: Way) -> RescueReport:
        """Fill the new database, and return what became of the damaged one."""
        self._expect_known(sheet=bool(way.sheet))
        secret = self.key.derive(KeyPurpose.DATABASE, self.found.database_salt)
        self.call_keys = CallKeys(self.key.derive(KeyPurpose.CALLS), b"")
        # where keys change: all is saved under the old one, and opening the vault goes on from that
        self.following = header.following_key(self.found, self.key)
        target = Database.created(path, secret)
        try:
            schema.upgrade(target, fresh=True, backup=lambda _: None)
            audit = Audit(target, self.key.derive(KeyPurpose.AUDIT), self.found.id, way.clock)
            with target.transaction() as writing:
                self._own_tables(writing)
            actor = way.admitted(target, audit, self.found)
            entries = self._audit_log(target)
            self._audit_head(target)
            self._calls(target)
            lost = self._lost()
            outcome = f"{counted(len(self.saved), 'call')} saved, {len(lost)} lost{self.changed}"
            with target.transaction() as writing:
                audit.append(writing, anew=True, actor=actor, act="vault.rescue", outcome=outcome)
            self._tell_of_attempts(target, audit, way)
            target.checkpoint()
        finally:
            target.close()
        header.write(self.folder, self.found)
        return RescueReport(
            folder=self.folder,
            saved=tuple(CallId(call) for call in sorted(self.saved)),
            lost=lost,
            incomplete=tuple(self.incomplete),
            without_recording=tuple(self.without_recording),
            audit_entries=entries,
            remarks=tuple(self.remarks),
        )

    def _tell_of_attempts(self, target: Database, audit: Audit, way: Way) -> None:
        """Write who failed to get in, here or at the damaged vault, into the log that goes on."""
        if way.attempts is None:
            return
        with target.transaction() as writing:
            names = {
                key_of(tag_of(self.found.id, one.name), known=True): one.name
                for one in people.known(writing)
            }
            for name, number in way.attempts.untold_times(names).items():
                outcome = times_of(number)
                audit.append(writing, actor=name, act="sign-in.failed", outcome=outcome)

    def _expect_known(self, *, sheet: bool) -> None:
        """Refuse another vault's database, an older header, and one of a newer program."""
        if self.source.read(schema.version) > len(schema.STEPS):
            raise VaultNewer("This vault was written by a newer version of AutoInsights.")
        with suppress(Unreadable):
            if self.source.rows("SELECT id FROM vault") not in ([(self.found.id,)], []):
                raise VaultDamaged("The vault's database belongs to another vault.")
        self._expect_newest(sheet=sheet)
        self._expect_own_state(sheet=sheet)

    def _go_on_with(self, counts: Header) -> None:
        """Take the header that counts, and the next vault key with it where that is its last."""
        following = header.following_key(self.found, self.key)
        if following is not None:
            with suppress(VaultDamaged):
                counts.verify(following)
                self.found, self.key = counts, following
                return
        counts.verify(self.key)
        self.found = counts

    def _expect_own_state(self, *, sheet: bool) -> None:
        """Refuse people and rules that somebody else wrote, part by part as far as they can be
        read, and say where that is not all."""
        if not self.comparable:
            self.remarks.append(_NOT_COMPARED)
            return
        log = Audit(self.source.database, self.key.derive(KeyPurpose.AUDIT), self.found.id)
        changed: dict[str, None] = {}
        unread = False
        for part in seals.WORDS:
            try:
                changed |= dict.fromkeys(self.source.read(partial(_foreign, log, part)))
            except Unreadable:
                unread = True
        if changed and not sheet:
            raise VaultDamaged(
                f"Not as the audit log says: {', '.join(changed)}.",
                hint="Whoever has the recovery sheet can save what is left.",
            )
        if changed:
            self.changed = f", changed outside of the program: {', '.join(changed)}"
            self.remarks.append(f"Changed outside of the program: {', '.join(changed)}.")
        if unread:
            self.remarks.append(_NOT_COMPARED)

    def _expect_newest(self, *, sheet: bool) -> None:
        """Refuse an older header, by each of the two places that tell; `sheet`: it was shown."""
        known = kept = least = None
        with suppress(Unreadable):
            known = self.source.rows("SELECT digest FROM headers")
        with suppress(Unreadable):
            kept = self.source.rows("SELECT content FROM next_header")
        with suppress(Unreadable):
            least = self.source.rows("SELECT generation FROM vault")
        if known is not None and (self.found.check,) not in known:
            raise VaultDamaged(_OLDER)
        if kept:  # the program ended before its file was in place
            self._go_on_with(header.parsed(kept[0][0]))
        if least:
            if self.found.generation < least[0][0]:
                raise VaultDamaged(_OLDER)
        elif known is None or kept is None:
            if not sheet:
                raise VaultDamaged(
                    "Whether the vault's header is the newest one cannot be seen.",
                    hint="Whoever has the recovery sheet can save what is left.",
                )
            self.remarks.append("Whether the header is the newest one could not be seen.")

    def _own_tables(self, writing: Writing) -> None:
        for table in (*OWN_TABLES, "audit_head"):
            if table == "vault":
                row = (self.found.id, self.found.created_at, self.found.generation)
                writing.change("INSERT INTO vault VALUES (1, ?, ?, ?)", row)
                continue
            if self.source.read(schema.version) < schema.SINCE.get(table, 1):
                continue  # the vault is older than the table
            try:
                rows = self.source.rows(f"SELECT * FROM {table}")  # noqa: S608
            except Unreadable as error:
                rows = self._instead_of(table, error)
            if table == "sealed_keys":
                rows = self._index_key(rows)
            if rows:
                writing.many(inserting(table, rows), rows)
        writing.change("INSERT INTO headers VALUES (?)", (self.found.check,))

    def _instead_of(self, table: str, error: Unreadable) -> list[Row]:
        if table == "people":
            raise VaultDamaged(
                "Who is in the vault cannot be read: nothing can be saved."
            ) from error
        if table != "sealed_keys":
            self.remarks.append(_LOST[table])
        return []

    def _index_key(self, rows: list[Row]) -> list[Row]:
        """Return the key by which redacted values are found, or a new one that finds none."""
        kept: bytes = {row[0]: row[1] for row in rows}.get("index", b"")
        if self.following is not None:
            with suppress(SealBroken):
                return [("index", moved_index_key(kept, self.following, self.key))]
        try:
            opened_index_key(kept, self.key)
        except SealBroken:
            self.same_index = False
            self.remarks.append(
                "The key of the index could not be read: people are not found among redacted values"
                " of the saved calls, and erased recordings are not known again."
            )
            return [("index", new_index_key(self.key))]
        return rows

    def _audit_log(self, target: Database) -> int:
        """Copy every entry that can be read, also behind one that cannot: it may convict."""
        highest = self.source.highest(
            "SELECT max(number) FROM audit", "SELECT number FROM audit_head"
        )
        rows = list(self.source.each("audit", "number", highest))
        # entries that an older version of the program wrote sign no state
        entries = [(*row, b"")[:_AUDIT_COLUMNS] for row in rows if not isinstance(row, int)]
        with target.transaction() as writing:
            (guard,) = writing.all("SELECT sql FROM sqlite_master WHERE name = 'audit_appended'")
            writing.change("DROP TRIGGER audit_appended")
            if entries:
                writing.many(inserting("audit", entries), entries)
            writing.change(guard[0])
        if len(entries) < highest:
            self.remarks.append(
                f"{highest - len(entries)} of {highest} audit entries could not be read:"
                " the log does not verify any more."
            )
        return len(entries)

    def _audit_head(self, target: Database) -> None:
        """Seal what the next entry needs under the old key, where it is under the next one."""
        if self.following is None:
            return
        with target.transaction() as writing:
            end = Head(self.found.id, self.following.derive(KeyPurpose.AUDIT)).read(writing)
            if end.whole:
                Head(self.found.id, self.key.derive(KeyPurpose.AUDIT)).keep(writing, end)

    def _calls(self, target: Database) -> None:
        highest = self.source.highest(
            "SELECT max(number) FROM calls",
            "SELECT seq FROM sqlite_sequence WHERE name = 'calls'",
            "SELECT max(call) FROM call_keys",
            "SELECT max(call) FROM analyses",
        )
        for number in range(1, highest + 1):
            self.progress(Progress(done=number - 1, total=highest))
            with suppress(Unreadable):
                self._call(target, number)
        self.progress(Progress(done=highest, total=highest))

    def _call(self, target: Database, number: int) -> None:
        read = self.source.rows("SELECT sealed FROM call_keys WHERE call = ?", number)
        digests = self._digests(number)
        try:
            record = self.source.read(lambda one: records.gathered(one, number, digests))
            whole = True
        except Unreadable:
            record, whole = self._partly(number, digests), False
        if record is None or not read:
            return
        try:
            key = self._call_key(record.id, read[0][0])
        except SealBroken:
            return
        sealed = self.call_keys.sealed(record.id, key)
        record, whole = self._proven(record, key, digests, whole=whole)
        if not self.same_index:
            record = msgspec.structs.replace(record, values=())
        try:
            with target.transaction() as writing:
                records.insert(writing, record, sealed, key)
        except dbapi2.IntegrityError:  # a row that no vault would hold
            return
        self.saved.add(record.id)
        if not whole:
            self.incomplete.append(record.id)
        self._recordings(record, key, digests)

    def _digests(self, number: int) -> dict[str, bytes]:
        """Return the digests of what is sealed for a call, as far as they were kept and can be
        read."""
        with suppress(Unreadable):  # an older vault has no such table
            return self.source.read(lambda one: results.digests(one, number))
        return {}

    def _call_key(self, call: CallId, sealed: bytes) -> bytes:
        """Return the key of a call; raises `SealBroken`."""
        if self.following is not None:
            with suppress(SealBroken):
                return CallKeys(self.following.derive(KeyPurpose.CALLS), b"").opened(call, sealed)
        return self.call_keys.opened(call, sealed)

    def _partly(self, number: int, digests: dict[str, bytes]) -> records.CallRecord | None:
        """Return of a call what can be read, without its analysis."""
        call = self.source.read(lambda one: records.call_columns(one, number))
        if call is None:
            return None
        held: records.HoldColumns | None
        try:
            held = self.source.read(lambda one: records.hold_columns(one, number))
        except Unreadable:
            # a hold too many can be ended; one that is lost may cost what must be kept
            held = records.HoldColumns(
                reason="could not be read when the vault was damaged",
                placed_by="system",
                placed_at=call.imported_at,
            )
        audio: tuple[records.AudioColumns, ...] = ()
        original: records.OriginalColumns | msgspec.UnsetType = msgspec.UNSET
        with suppress(Unreadable):
            audio = self.source.read(lambda one: records.audio_columns(one, number))
        with suppress(Unreadable):
            original = self.source.read(lambda one: records.original_columns(one, number))
        muted = digests.get("muted", msgspec.UNSET)
        record = records.CallRecord(
            call=call, audio=audio, hold=held, muted=muted, original=original
        )
        return _waiting(record)

    def _proven(
        self, record: records.CallRecord, key: bytes, digests: dict[str, bytes], *, whole: bool
    ) -> tuple[records.CallRecord, bool]:
        """Return a record without an analysis that is not what was written."""
        try:
            records.opened_analyses(record, key)
            records.expect_kept(record, digests)
        except SealBroken:
            record, whole = _waiting(record), False
        if not record.audio:
            # which file counted could not be read: the one that is there is at least the call's
            record = msgspec.structs.replace(record, audio=tuple(self._found_audio(record.id, key)))
        if all(one.purpose != Purpose.MUTED for one in record.audio):
            record = msgspec.structs.replace(record, muted=msgspec.UNSET)
        return record, whole

    def _found_audio(self, call: CallId, key: bytes) -> Iterator[records.AudioColumns]:
        audio = SealedAudio(self.damaged, self.source.database, self.call_keys)
        for purpose in Purpose:
            with suppress(AppError):
                mark, size = audio.measured(call, purpose, key)
                yield records.AudioColumns(purpose=purpose.value, mark=mark, size_bytes=size)

    def _recordings(
        self, record: records.CallRecord, key: bytes, digests: dict[str, bytes]
    ) -> None:
        audio = SealedAudio(self.damaged, self.source.database, self.call_keys)
        good = 0
        for one in record.audio:
            purpose = Purpose(one.purpose)
            wanted = Wanted(
                call=record.id,
                purpose=purpose,
                mark=one.mark,
                key=key,
                digest=digests.get(purpose),
            )
            target = place_of(self.folder, record.id, purpose)
            files.make_private(target.parent)
            try:
                files.create_private(target, audio.proven(wanted))
                good += 1
            except SealBroken:
                continue
        if not record.audio or good < len(record.audio):
            self.without_recording.append(record.id)

    def _lost(self) -> tuple[CallId, ...]:
        """Return the calls that were in the vault, by all that tells of them, and are not saved."""
        known: set[str] = set()
        with suppress(Unreadable):
            known |= {
                row[0]
                for row in self.source.rows(
                    "SELECT id FROM calls INDEXED BY sqlite_autoindex_calls_1"
                )
            }
        gone: set[str] = set()
        highest = self.source.highest("SELECT max(number) FROM audit")
        for row in self.source.each("audit", "number", highest):
            if not isinstance(row, int):
                known |= {row[4]} if row[3] == "call.import" else set()
                gone |= {row[4]} if row[3] == "call.erase" else set()
        for path in (self.damaged / FOLDER).glob("??/*.original.sealed"):
            known.add(path.name.partition(".")[0])
        return tuple(CallId(call) for call in sorted(known - gone - self.saved))


def _foreign(log: Audit, part: str, reading: Reading) -> tuple[str, ...]:
    if schema.version(reading) < schema.SEALED_FROM:
        return schema.foreign(reading)
    try:
        signed = log.signed_state(reading)
    except VaultDamaged:
        return ("the end of the audit log",)
    return seals.foreign(reading, signed, (part,))


def _waiting(record: records.CallRecord) -> records.CallRecord:
    """Return a record of which the analysis is lost, in the queue for another one."""
    call = msgspec.structs.replace(
        record.call,
        state=JobState.QUEUED.value,
        attempts=0,
        deaths=0,
        finished_at=None,
        sentiment=None,
        score=None,
        severity=0,
        failure_code=None,
        failure_sentence=None,
        failure_hint=None,
    )
    return msgspec.structs.replace(
        record, call=call, analysis=None, flags=(), values=(), corrected=msgspec.UNSET
    )
