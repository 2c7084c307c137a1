"""Reading a backup to its end: every file, every seal, every page.

Promises that a backup in which it finds nothing restores: it does all that restoring does but
writing. Nothing is changed, so that it may lie where nothing can be written.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import msgspec

from app.domain import BackupCheck, CallId, Progress
from app.errors import BackupInvalid, SealBroken, VaultDamaged
from app.storage import files, records, schema, schema_check
from app.storage.audio import Purpose, audio_binding
from app.storage.audit import Audit
from app.storage.backup_format import audio_parts, reading, record_parts
from app.storage.crypto import unseal
from app.storage.database import Database
from app.storage.keys import KeyPurpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from app.storage.backup_format import OpenBackup, StoredAudio, StoredCall
    from app.storage.database import Reading


def checked(backup: OpenBackup, *, progress: Callable[[Progress], None]) -> BackupCheck:
    """Return what is wrong with a backup; reads all of it."""
    problems = []
    try:
        expect_database(backup)
    except BackupInvalid as error:
        problems.append(error.sentence)
    calls = backup.manifest.calls
    for done, (call, stored) in enumerate(calls.items()):
        progress(Progress(done=done, total=len(calls)))
        problems += _problems(backup, CallId(call), stored)
    progress(Progress(done=len(calls), total=len(calls)))
    return BackupCheck(
        generation=backup.generation,
        made_at=backup.manifest.made_at,
        calls=len(calls),
        problems=tuple(problems),
    )


def expect_database(backup: OpenBackup) -> None:
    """Raise `BackupInvalid` unless the vault's own tables are whole and this vault's."""
    for _ in backup.chunks(backup.database, backup.manifest.database):
        pass
    try:
        database = Database(backup.database, backup.database_key())
    except VaultDamaged as error:
        raise BackupInvalid("The database of the backup cannot be opened.") from error
    try:
        problems = database.problems()
        if problems:
            raise BackupInvalid(f"The database of the backup is damaged ({problems[0]}).")
        with database.reader() as view:
            _expect_own(view, backup)
        key = backup.key.derive(KeyPurpose.AUDIT)
        audit = Audit(database, key, backup.header.id).verify(at_rest=True)
        if not audit.ok:
            raise BackupInvalid(f"The audit log of the backup: {audit.sentence}")
    finally:
        database.close()


def _expect_own(view: Reading, backup: OpenBackup) -> None:
    vault = view.one("SELECT id FROM vault")
    headers = view.all("SELECT digest FROM headers")
    if vault != (backup.header.id,) or headers != [(backup.header.check,)]:
        raise BackupInvalid("The database of the backup belongs to another one.")
    expect_own_tables(view)


def expect_own_tables(view: Reading) -> None:
    """Raise `BackupInvalid` where the database of a backup holds what the program did not make:
    a trigger in it would act in the vault that comes back."""
    changed = schema.foreign(view)
    if changed:
        raise BackupInvalid(f"{schema_check.sentence(changed)}, in the backup.")


def _problems(backup: OpenBackup, call: CallId, stored: StoredCall) -> Iterator[str]:
    erased = {one.call for one in backup.erased}
    sealed_key = backup.keys.get(call)
    if sealed_key is None:
        if backup.keys_generation == backup.generation and call not in erased:
            yield f"the key of call {call} is missing"
        return
    try:
        key = backup.call_keys().opened(call, sealed_key)
    except SealBroken:
        yield f"the key of call {call} is damaged"
        return
    try:
        record = opened_record(backup, call, stored, key)
    except (BackupInvalid, SealBroken) as error:
        if isinstance(error, SealBroken) and has_newer_key(backup, call):
            return
        yield f"the record of call {call} is missing or damaged"
    else:
        have = {one.mark for one in stored.audio}
        for audio in record.audio:
            destroyed = call in backup.originals and audio.purpose == Purpose.ORIGINAL.value
            if audio.mark not in have and not destroyed:
                yield f"the {audio.purpose} recording of call {call} was damaged in the vault"
    for one in stored.audio:
        if not _is_whole(backup, call, one, key):
            yield f"the {one.purpose} recording of call {call} is missing or damaged"


def has_newer_key(backup: OpenBackup, call: CallId) -> bool:
    """Return whether the key file, which is newer than the rest, may have another key of a call
    than the rest is sealed under: its original was destroyed in between."""
    return call in backup.originals and backup.keys_generation > backup.generation


def without_original(stored: StoredCall) -> StoredCall:
    """Return what a backup has of a call but for its original, which was destroyed."""
    audio = tuple(one for one in stored.audio if one.purpose != Purpose.ORIGINAL.value)
    return msgspec.structs.replace(stored, audio=audio)


def proven_call(
    backup: OpenBackup, call: CallId, key: bytes | None
) -> tuple[bytes, StoredCall] | None:
    """Return the key of a call and what a backup has of it, proven to its end and without the
    recordings that are not whole, or `None`; `key` is given where the vault has one still, which
    may be another one since."""
    stored = backup.manifest.calls.get(call)
    if stored is None:
        return None
    own = None
    with suppress(SealBroken):
        own = backup.call_keys().opened(call, backup.keys.get(call, b""))
    for one in filter(None, (key, own)):
        with suppress(BackupInvalid, SealBroken):
            opened_record(backup, call, stored, one)
            audio = tuple(sound for sound in stored.audio if _is_whole(backup, call, sound, one))
            return one, msgspec.structs.replace(stored, audio=audio)
    return None


def _is_whole(backup: OpenBackup, call: CallId, stored: StoredAudio, key: bytes) -> bool:
    try:
        for _ in proven_audio(backup, call, stored, key):
            pass
    except (BackupInvalid, SealBroken):
        return False
    return True


def proven_audio(
    backup: OpenBackup, call: CallId, stored: StoredAudio, key: bytes
) -> Iterator[bytes]:
    """Yield a sealed recording byte for byte, once it was proven to be the call's.

    Raises `BackupInvalid` or `SealBroken`.
    """
    path = files.inside(backup.place, *audio_parts(call, stored.purpose, stored.mark))
    with reading(path) as file:
        binding = audio_binding(call, Purpose(stored.purpose))
        for _ in unseal(file, key, binding):
            pass
    yield from backup.chunks(path, stored)


def opened_record(
    backup: OpenBackup, call: CallId, stored: StoredCall, key: bytes
) -> records.CallRecord:
    """Return the record of a call, whose analyses open; raises `BackupInvalid`, `SealBroken`."""
    path = files.inside(backup.place, *record_parts(call, stored))
    record = records.unsealed(backup.verified(path, stored), call, key)
    records.opened_analyses(record, key)
    return record
