"""The files of a backup: what they hold, how they are sealed, and how they are opened again.

Promises that a file of a backup is as it was written, of this vault and of the generation that it
names, or `BackupInvalid`: nothing in between. Described byte for byte in formats.md.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Literal, TypeVar

import msgspec

from app.errors import BackupInvalid, SealBroken, SignInError, VaultDamaged, VaultError
from app.storage import files, header
from app.storage.crypto import Binding, seal_bytes, unseal_bytes
from app.storage.header import Header
from app.storage.keys import CallKeys, KeyPurpose, VaultKey

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO


MANIFEST = "backup.json"
KEYS = "keys.sealed"
KEYS_BEFORE = "keys.previous.sealed"
CALLS = "calls"
AUDIO = "audio"
FORMAT = 1
_LARGEST_BYTES = 1 << 32

Id = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
Kind = Literal["manifest", "keys", "erased"]
T = TypeVar("T")


class Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One file in the plain: whose it is, the header that opens it, and what is sealed."""

    product: Literal["autoinsights-backup"] = "autoinsights-backup"
    format: int = FORMAT
    kind: Kind
    vault: Id
    generation: int
    header: bytes
    body: bytes


class _Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A part of what is sealed."""


class StoredFile(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How large a file of the backup is, and the SHA-256 of its bytes."""

    size: int
    sha256: bytes


class StoredAudio(StoredFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A sealed recording; `mark` is the random one in its head."""

    purpose: Literal["original", "muted"]
    mark: bytes


class StoredCall(StoredFile, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A call's record, written by the backup of a generation; `marker` tells whether it changed."""

    generation: int
    marker: bytes
    audio: tuple[StoredAudio, ...] = ()


class Manifest(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All that is in a backup."""

    made_at: str
    database: StoredFile
    calls: dict[Id, StoredCall]
    keys_elsewhere: bool = False


class ErasedCall(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A row of the table `erased`."""

    call: str
    digest: bytes
    at: str


class KeyFile(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The sealed keys of all calls, which calls were erased, and whose originals were destroyed."""

    keys: dict[Id, bytes] = {}
    erased: tuple[ErasedCall, ...] = ()
    originals: dict[Id, str] | msgspec.UnsetType = msgspec.UNSET


class ErasedList(_Strict, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which calls were erased, and whose originals were destroyed when, for restoring what is
    older. Where no original was, nothing is written: earlier versions of the program read that."""

    erased: tuple[ErasedCall, ...] = ()
    originals: dict[Id, str] | msgspec.UnsetType = msgspec.UNSET


def database_name(generation: int) -> str:
    """Return the name of the file with the vault's own tables."""
    return f"vault-{generation}.db"


def record_parts(call: str, stored: StoredCall) -> tuple[str, str, str]:
    """Return where the record of a call lies."""
    return CALLS, call[:2], f"{call}.{stored.generation}.sealed"


def audio_parts(call: str, purpose: str, mark: bytes) -> tuple[str, str, str]:
    """Return where a recording of a call lies."""
    return AUDIO, call[:2], f"{call}.{purpose}.{mark.hex()}.sealed"


def stored_files(
    call: str, stored: StoredCall
) -> Iterator[tuple[tuple[str, str, str], StoredFile]]:
    """Yield where the files of a call lie, and what they are."""
    yield record_parts(call, stored), stored
    for one in stored.audio:
        yield audio_parts(call, one.purpose, one.mark), one


def enveloped(
    kind: Kind, head: Header, generation: int, body: msgspec.Struct, key: VaultKey
) -> bytes:
    """Return a file of a backup: `body` sealed under a vault's key for exports."""
    plain = zlib.compress(msgspec.json.encode(body, order="sorted"))
    opener = header.encoded(head)
    envelope = Envelope(kind=kind, vault=head.id, generation=generation, header=opener, body=b"")
    sealed = seal_bytes(plain, key.derive(KeyPurpose.EXPORTS), _binding(envelope))
    return msgspec.json.encode(msgspec.structs.replace(envelope, body=sealed))


def read_envelope(path: Path, kind: Kind) -> Envelope:
    """Return a file in the plain; raises `BackupInvalid` if it is none, or of another kind."""
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise BackupInvalid(f"{path.name} is no file of a backup.")
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise BackupInvalid(f"{path} is not there.") from error
    except OSError as error:
        raise files.explained(error) from error
    try:
        envelope = msgspec.json.decode(content, type=Envelope)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise BackupInvalid(f"{path.name} cannot be read.") from error
    if envelope.format != FORMAT:
        raise BackupInvalid(
            "The backup was made by another version of AutoInsights.",
            hint="Install the version that made it, or a newer one.",
        )
    # base64 has more than one way to write the same bytes: only the way of the program counts
    if envelope.kind != kind or msgspec.json.encode(envelope) != content:
        raise BackupInvalid(f"{path.name} is not what it should be.")
    return envelope


def header_of(envelope: Envelope) -> Header:
    """Return the header that goes with a file."""
    try:
        found = header.parsed(envelope.header)
    except VaultError as error:
        raise BackupInvalid("The header in the backup is damaged.") from error
    if found.id != envelope.vault:
        raise BackupInvalid("The header in the backup is that of another vault.")
    return found


def opened_body(envelope: Envelope, key: VaultKey, kind: type[T]) -> T:
    """Return what is sealed in a file; raises `BackupInvalid`."""
    try:
        plain = unseal_bytes(envelope.body, key.derive(KeyPurpose.EXPORTS), _binding(envelope))
        return msgspec.json.decode(zlib.decompress(plain), type=kind)
    except (SealBroken, zlib.error, msgspec.MsgspecError) as error:
        raise BackupInvalid(
            "A file of the backup was changed, or belongs to another one."
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBackup:
    """A backup whose manifest and keys were opened. `keys` are sealed under the vault key of the
    manifest; calls without one were erased, and `erased` tells what is known of that. `originals`
    tells when originals were destroyed: such a call got another key."""

    place: Path
    generation: int
    header: Header
    key: VaultKey = field(repr=False)
    manifest: Manifest
    keys_generation: int
    keys: Mapping[str, bytes] = field(repr=False)
    erased: tuple[ErasedCall, ...]
    originals: Mapping[str, str]

    def call_keys(self) -> CallKeys:
        """Return what opens the keys of calls."""
        return CallKeys(self.key.derive(KeyPurpose.CALLS), b"")

    def database_key(self) -> bytes:
        """Return the key of the database in the backup."""
        return self.key.derive(KeyPurpose.DATABASE, self.header.database_salt)

    @property
    def database(self) -> Path:
        """The file with the vault's own tables."""
        return files.inside(self.place, database_name(self.generation))

    def verified(self, path: Path, stored: StoredFile) -> bytes:
        """Return the bytes of a file that is as it was written; raises `BackupInvalid`."""
        return b"".join(self.chunks(path, stored))

    def chunks(self, path: Path, stored: StoredFile) -> Iterator[bytes]:
        """Yield a file in pieces; raises `BackupInvalid` at its end if it was changed."""
        found, size = hashlib.sha256(), 0
        with reading(path) as file:
            while chunk := file.read(1 << 20):
                found.update(chunk)
                size += len(chunk)
                yield chunk
        if (size, found.digest()) != (stored.size, stored.sha256):
            raise BackupInvalid(f"{path.relative_to(self.place)} was changed.")


@contextmanager
def reading(path: Path) -> Iterator[BinaryIO]:
    """Open a file of a backup; raises `BackupInvalid` where it is missing."""
    try:
        with path.open("rb") as file:
            yield file
    except FileNotFoundError as error:
        raise BackupInvalid(f"{path.name} is missing.") from error
    except OSError as error:
        raise files.explained(error) from error


Unlock = Callable[[Header], VaultKey]
"""How a header leads to the vault key: by an open vault's, a passphrase, or a recovery sheet."""


def opened(
    place: Path, unlock: Unlock, *, again: Unlock | None = None, keys_from: Path | None = None
) -> OpenBackup:
    """Open a backup: its manifest, and its key file from where that lies.

    Where a backup after a change of the vault's keys was interrupted, two key files may lie there:
    the newer one counts where `again` opens it too, or else the one before. Raises
    `BackupInvalid`, and what `unlock` raises.
    """
    envelope = read_envelope(place / MANIFEST, "manifest")
    head = header_of(envelope)
    key = _unlocked(head, unlock)
    manifest = opened_body(envelope, key, Manifest)
    where = (keys_from or place) / KEYS
    if manifest.keys_elsewhere and keys_from is None and not where.exists():
        raise BackupInvalid(
            "The keys of the calls are not kept with this backup.",
            hint="Name the folder in which its key file lies.",
        )
    before = _keys_before(where.with_name(KEYS_BEFORE), envelope, key)
    try:
        keys, found = _keys(where, head, key, (again or unlock) if before else unlock)
    except SignInError:
        if before is None:
            raise
        keys, found = opened_body(before, key, KeyFile), before
    if found.vault != envelope.vault:
        raise BackupInvalid("The key file belongs to another vault.")
    if before is not None and found.generation > envelope.generation:
        # calls that got another key since are under the key before in what the manifest names
        earlier = opened_body(before, key, KeyFile).keys
        moved = {call: earlier[call] for call in keys.originals or () if call in earlier}
        keys = msgspec.structs.replace(keys, keys={**keys.keys, **moved})
    if found.generation < envelope.generation:
        raise BackupInvalid(
            "The key file is older than the backup.", hint="Use the newest key file of the vault."
        )
    return OpenBackup(
        place=place,
        generation=envelope.generation,
        header=head,
        key=key,
        manifest=manifest,
        keys_generation=found.generation,
        keys=keys.keys,
        erased=keys.erased,
        originals=keys.originals or {},
    )


def erased_list(path: Path, head: Header, key: VaultKey, unlock: Unlock) -> ErasedList:
    """Return what a vault's list of erased calls names; raises `BackupInvalid`."""
    envelope = read_envelope(path, "erased")
    if envelope.vault != head.id:
        raise BackupInvalid("The list of erased calls belongs to another vault.")
    return opened_body(envelope, _key_of(envelope, key, unlock), ErasedList)


def _keys(path: Path, head: Header, key: VaultKey, unlock: Unlock) -> tuple[KeyFile, Envelope]:
    """Return the keys of calls, sealed under `key` whichever vault key they were sealed under: the
    vault's keys may have been changed since an older copy of the backup was made."""
    envelope = read_envelope(path, "keys")
    if envelope.vault != head.id:
        raise BackupInvalid("The key file belongs to another vault.")
    newer = _key_of(envelope, key, unlock)
    found = opened_body(envelope, newer, KeyFile)
    if newer is key:
        return found, envelope
    theirs = CallKeys(newer.derive(KeyPurpose.CALLS), b"")
    ours = CallKeys(key.derive(KeyPurpose.CALLS), b"")
    try:
        moved = {
            call: ours.sealed(call, theirs.opened(call, one)) for call, one in found.keys.items()
        }
    except SealBroken as error:
        raise BackupInvalid("A key in the key file is damaged.") from error
    return msgspec.structs.replace(found, keys=moved), envelope


def _keys_before(path: Path, manifest: Envelope, key: VaultKey) -> Envelope | None:
    """Return the key file that an interrupted backup kept, if it goes with the manifest."""
    with suppress(BackupInvalid, VaultDamaged):
        found = read_envelope(path, "keys")
        if found.vault == manifest.vault and found.generation >= manifest.generation:
            header_of(found).verify(key)
            return found
    return None


def _key_of(envelope: Envelope, key: VaultKey, unlock: Unlock) -> VaultKey:
    other = header_of(envelope)
    try:
        other.verify(key)
    except VaultDamaged:
        return _unlocked(other, unlock)
    return key


def _unlocked(head: Header, unlock: Unlock) -> VaultKey:
    try:
        return unlock(head)
    except VaultDamaged as error:
        raise BackupInvalid("The header in the backup was changed.") from error


def _binding(envelope: Envelope) -> Binding:
    known = hashlib.sha256(envelope.header).hexdigest()
    return Binding(f"backup:{envelope.kind}", f"{envelope.vault}:{envelope.generation}:{known}")
