"""Changing the vault key and the database's key, in steps that can be taken up again.

    1. the header says what comes next: the new vault key, sealed under the old one, and a salt
    2. what is sealed under keys of the vault key is sealed under those of the new one: one
       transaction, still under the database's old key
    3. the database is encrypted anew under its new key: one transaction of SQLCipher
    4. the header gives everybody the new vault key and forgets the old one

Step 1 is taken in an open vault; the others when it is opened next, which is also what follows a
crash: each step finds out whether it was done. What is damaged comes along as damaged as it was:
pages, and keys of calls, which stay under the old vault key that nobody has any more. Where a full
disk hinders steps 2 and 3, or damage in what they need themselves, the vault opens under its old
keys and the change waits. Where a way in was shut, closing the vault
takes the steps, with keys that no header held before. Recordings and analyses stay as they are:
they are sealed under keys of their own calls, and only those keys are sealed again.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec

from app.counts import counted
from app.errors import AppError, DeviceUnknown, SealBroken, StorageError, VaultDamaged
from app.storage import header, keys, openers, schema
from app.storage.around import Around, Unreadable
from app.storage.audit import Audit
from app.storage.audit_head import Head
from app.storage.clock import utc_now
from app.storage.database import Database, expect_room_to_rekey, is_rekeyed, rekey
from app.storage.keys import CallKeys, KeyPurpose, VaultKey
from app.storage.upgrading import forget_older_copies

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from app.storage.clock import Clock
    from app.storage.database import Reading, Row
    from app.storage.header import Header, OpenHeader


def begin(opened: OpenHeader, audit: Audit, *, actor: str) -> None:
    """Take the first step in an open vault; its next opening takes the others."""
    opened.replace(
        lambda now: header.with_next_keys(now, opened.key),
        lambda writing: audit.append(writing, actor=actor, act="key.rotate"),
    )


def finish(  # noqa: PLR0913 (where, with what, and when)
    folder: Path,
    database_path: Path,
    found: Header,
    key: VaultKey,
    device: bytes | None,
    *,
    clock: Clock = utc_now,
) -> tuple[Header, VaultKey]:
    """Take the steps that are left; returns the header and the vault key that count then.

    `device` is the key of this computer, where the vault asks for it. Raises `VaultDamaged` where
    the header is an older one, before anything is changed.
    """
    following = header.following_key(found, key)
    if following is None:
        return found, key
    damage = ""
    if not is_rekeyed(database_path, _database_key(found, following)):
        found, following, damage = _encrypted_anew(
            folder, database_path, found, key, following, clock
        )
    with _opened(database_path, _database_key(found, following)) as database:
        rewrapped = _kept(database, following)
        if rewrapped is None:
            found = header.newest(folder, database, found, key)
            audit = Audit(database, following.derive(KeyPurpose.AUDIT), found.id, clock)
            sealed = _expect_own_state(database, audit)
            rewrapped = _rewrapped(found, key, following, device)
            if sealed:
                database.guard = audit
            with database.transaction() as writing:
                header.expect_next(writing, rewrapped)
                if sealed:
                    audit.append(
                        writing, actor="system", act="key.rotate", outcome=f"ended{damage}"
                    )
        forget_older_copies(folder)
        header.write(folder, rewrapped)
    header.keep_copy(folder, rewrapped)
    key.wipe()
    return rewrapped, following


def tried(  # noqa: PLR0913 (as `finish`)
    folder: Path,
    database_path: Path,
    found: Header,
    key: VaultKey,
    device: bytes | None,
    *,
    clock: Clock = utc_now,
) -> tuple[Header, VaultKey, AppError | None]:
    """Take the steps that are left, or say what hinders them while the old keys still count.

    Raises what `finish` raises where they count no more, in the database or in part of it.
    """
    try:
        return *finish(folder, database_path, found, key, device, clock=clock), None
    except (VaultDamaged, StorageError) as error:
        if not _still_counts(database_path, found, key):
            raise
        return header.read(folder), key, error


def _still_counts(path: Path, found: Header, key: VaultKey) -> bool:
    """Return whether the database, and what is sealed in it, is under the old keys."""
    try:
        secret = key.derive(KeyPurpose.DATABASE, found.database_salt)
        with _opened(path, secret) as database, database.reader() as reading:
            return _is_under(reading, key)
    except VaultDamaged:
        return False


def _is_under(reading: Reading, key: VaultKey) -> bool:
    """Return whether step 2 has left what is sealed under a vault key."""
    try:
        keys.opened_index_key(_sealed_index_key(reading), key)
    except SealBroken:
        return False
    return True


def _sealed_index_key(reading: Reading) -> bytes:
    sealed = reading.one("SELECT sealed FROM sealed_keys WHERE name = 'index'")
    if sealed is None:
        raise VaultDamaged("The vault's database lacks a key.")
    return bytes(sealed[0])


def _encrypted_anew(  # noqa: PLR0913, PLR0917 (as `finish`)
    folder: Path, path: Path, found: Header, key: VaultKey, following: VaultKey, clock: Clock
) -> tuple[Header, VaultKey, str]:
    """Take steps 2 and 3, or neither; returns the header and the next vault key that count, and
    around which damage the steps were taken."""
    before = key.derive(KeyPurpose.DATABASE, found.database_salt)
    try:
        with _opened(path, before) as database:
            found = header.newest(folder, database, found, key)
            # of two changes that were begun, the last one counts
            following = header.following_key(found, key) or following
            _expect_last_step(database, found, key)
            expect_room_to_rekey(path)
            keys_left = _reseal(database, found.id, key, following, clock)
        pages_left = rekey(path, before, _database_key(found, following))
    except AppError as error:
        # so the vault opens under its old keys as before, once the step between was undone
        with suppress(AppError), _opened(path, before) as database:
            _reseal(database, found.id, following, key, clock)
        if isinstance(error, SealBroken):
            raise VaultDamaged("What the change of keys needs is damaged.") from error
        raise
    return found, following, _told(keys_left, pages_left)


class _Undone(Exception):
    """Nothing of a transaction is to be kept."""


def _expect_last_step(database: Database, found: Header, key: VaultKey) -> None:
    """Raise `VaultDamaged` where what the last step reads and writes is damaged, or not as the log
    signed it: then no step is taken, for afterwards the vault would open under no key."""
    audit = Audit(database, key.derive(KeyPurpose.AUDIT), found.id)
    if not _expect_own_state(database, audit):
        return
    database.guard = audit
    with suppress(_Undone), database.transaction() as writing:
        header.expect_next(writing, found)
        audit.append(writing, actor="system", act="key.rotate")
        raise _Undone


def _told(keys_left: int, pages_left: int) -> str:
    """Return what the audit log says of the damage that a change of keys left as it was."""
    named = ((keys_left, "key of a call", "keys of calls"), (pages_left, "page", "pages"))
    parts = [counted(left, *words) for left, *words in named if left]
    return f", {' and '.join(parts)} damaged as before" if parts else ""


def _expect_own_state(database: Database, audit: Audit) -> bool:
    """Raise `VaultDamaged` where others changed what the change of keys would sign; returns whether
    the database has seals, which one of an older version has not."""
    database.hold_schema(schema.expect_own)
    sealed = _has_seals(database)
    if sealed:
        audit.expect_own_state()
    return sealed


def _has_seals(database: Database) -> bool:
    with database.reader() as reading:
        return schema.version(reading) >= schema.SEALED_FROM


def _kept(database: Database, following: VaultKey) -> Header | None:
    """Return the header of the last step, where the program ended before its file was in place.

    There is no other one by then: those of before were put in place before step 2.
    """
    with database.reader() as reading:
        kept = reading.one("SELECT content FROM next_header")
    if kept is None:
        return None
    found = header.parsed(bytes(kept[0]))
    found.verify(following)
    return found


def _database_key(found: Header, following: VaultKey) -> bytes:
    """Return the key that the database is encrypted anew under."""
    if found.rotation is None:
        raise ValueError("no rotation has begun")
    return following.derive(KeyPurpose.DATABASE, found.rotation.database_salt)


@contextmanager
def _opened(path: Path, key: bytes) -> Iterator[Database]:
    database = Database(path, key)
    try:
        yield database
    finally:
        database.close()


def _reseal(database: Database, vault_id: str, old: VaultKey, new: VaultKey, clock: Clock) -> int:
    """Seal what is sealed under keys of the vault key under those of the new one, once; returns of
    how many calls the key is damaged, and stays as it is. The key of the index is in the state that
    entries sign, so that there is one of this."""
    with database.reader() as reading:
        if _is_under(reading, new):
            return 0
    if _has_seals(database):
        database.guard = Audit(database, new.derive(KeyPurpose.AUDIT), vault_id, clock)
    moved, left = _moved_call_keys(Around(database), old, new)
    with database.transaction() as writing:
        kept = Head(vault_id, old.derive(KeyPurpose.AUDIT)).read(writing)
        Head(vault_id, new.derive(KeyPurpose.AUDIT)).keep(writing, kept)
        index = keys.moved_index_key(_sealed_index_key(writing), old, new)
        writing.change("UPDATE sealed_keys SET sealed = ? WHERE name = 'index'", (index,))
        writing.many("UPDATE call_keys SET sealed = ? WHERE call = ?", moved)
    return left


def _moved_call_keys(
    around: Around, old: VaultKey, new: VaultKey
) -> tuple[list[tuple[bytes, int]], int]:
    """Return the keys of calls under the new vault key, with the numbers of the calls, and how many
    are damaged; raises `VaultDamaged` where none of all can be read."""
    before = CallKeys(old.derive(KeyPurpose.CALLS), b"")
    after = CallKeys(new.derive(KeyPurpose.CALLS), b"")
    ids = around.call_ids()
    rows = _sealed_call_keys(around, ids)
    if ids and not rows:
        raise VaultDamaged("No key of any call can be read.")
    moved = []
    for number, sealed in rows:
        with suppress(SealBroken, KeyError):
            call = ids[number]
            moved.append((after.sealed(call, before.opened(call, sealed)), number))
    return moved, len(ids.keys() | {row[0] for row in rows}) - len(moved)


def _sealed_call_keys(around: Around, numbers: Iterable[int]) -> list[Row]:
    """Return the sealed keys of calls that can be read, each behind the number of its call."""
    with suppress(Unreadable):
        return around.rows(_CALL_KEYS)
    rows = []
    for number in numbers:
        with suppress(Unreadable):
            rows += around.rows(f"{_CALL_KEYS} WHERE call = ?", number)
    return rows


_CALL_KEYS = "SELECT call, sealed FROM call_keys"


def _rewrapped(found: Header, old: VaultKey, new: VaultKey, device: bytes | None) -> Header:
    if found.rotation is None:
        raise ValueError("no rotation has begun")
    if device is None and any(one.device for one in found.people):
        raise DeviceUnknown("This computer may not open this vault.")
    recovery = found.recovery
    people = tuple(
        openers.rewrapped(found.id, one, old, new, device if one.device else None)
        for one in found.people
    )
    changed = msgspec.structs.replace(
        found,
        generation=found.generation + 1,
        database_salt=found.rotation.database_salt,
        people=people,
        recovery=recovery and openers.rewrapped_recovery(found.id, recovery, old, new),
        rotation=None,
    )
    return changed.signed(new)
