"""The vault's header, `vault.json`: what is known of a vault before it is opened.

Promises to tell apart a header that was changed (`VaultDamaged`), one from a newer program
(`VaultNewer`) and one from before the first release (`VaultTooOld`). A checksum finds accidents
before a passphrase is tried; once the vault key is known, a keyed digest over the whole header
finds changes that were made on purpose, and the database knows the newest header by its digest, so
that an older one put back is found as well. Beside it lies a copy, for a rescue on the day on which
the header cannot be read: nothing else is opened by it, and an older copy is refused like an older
header.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from app.errors import (
    AppError,
    SealBroken,
    StorageError,
    VaultDamaged,
    VaultMissing,
    VaultNewer,
    VaultTooOld,
)
from app.storage import files
from app.storage.crypto import keyed_digest
from app.storage.keys import KeyPurpose, VaultKey
from app.storage.openers import KeyringOpener, PersonOpener, RecoveryOpener, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from app.storage.database import Database, Writing
    from app.storage.files import FolderLock

T = TypeVar("T")

NAME, COPY = "vault.json", "vault-copy.json"
FORMAT = 2
SALT_BYTES = 16
_LARGEST_BYTES = 1 << 24


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A change of keys that has begun: the next vault key, sealed under the one that still counts,
    and the next salt of the database's key."""

    vault_key: bytes
    database_salt: bytes


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All fields of `vault.json`; `check` is for accidents, `mac` for changes made on purpose."""

    product: Literal["autoinsights-vault"] = "autoinsights-vault"
    format: int = FORMAT
    id: str
    created_at: str
    demo: bool
    generation: int = 1
    database_salt: bytes
    people: tuple[PersonOpener, ...]
    recovery: RecoveryOpener | None = None
    keyring: tuple[KeyringOpener, ...] = ()
    rotation: Rotation | None = None
    check: str = ""
    mac: str = ""

    def signed(self, key: VaultKey) -> Header:
        """Return the header with both digests as they must be."""
        bare = msgspec.structs.replace(self, check="", mac="")
        return msgspec.structs.replace(bare, check=_check(bare), mac=_mac(bare, key))

    def verify(self, key: VaultKey) -> None:
        """Raise `VaultDamaged` unless the header is as the program wrote it."""
        if not hmac.compare_digest(self.mac.encode(), _mac(self, key).encode()):
            raise VaultDamaged("The vault's header was changed.")

    def opener(self, name: str) -> PersonOpener | None:
        """Return the way in of a person; without a name, that of the only one."""
        if not name.strip():
            return self.people[0] if len(self.people) == 1 else None
        return self.opener_of(tag_of(self.id, name))

    def opener_of(self, tag: bytes) -> PersonOpener | None:
        """Return the way in that has a tag."""
        return next((opener for opener in self.people if opener.tag == tag), None)

    def with_person(self, opener: PersonOpener) -> Header:
        """Return the header with a person's way in, over an older one.

        A new key pair takes the way in by the keyring with it: that one holds the old key.
        """
        old = self.opener_of(opener.tag)
        same = old is not None and old.public == opener.public
        kept = tuple(one for one in self.people if one.tag != opener.tag)
        without = self if same else self.without_keyring(opener.tag)
        return msgspec.structs.replace(without, people=(*kept, opener))

    def without_people(self, tags: frozenset[bytes]) -> Header:
        """Return the header without some people's ways in."""
        return msgspec.structs.replace(
            self,
            people=tuple(one for one in self.people if one.tag not in tags),
            keyring=tuple(one for one in self.keyring if one.tag not in tags),
        )

    def with_keyring(self, opener: KeyringOpener) -> Header:
        """Return the header with a person's way in by the keyring, the only one that there is."""
        return msgspec.structs.replace(self, keyring=(opener,))

    def without_keyring(self, tag: bytes) -> Header:
        """Return the header without a person's way in by the keyring."""
        kept = tuple(one for one in self.keyring if one.tag != tag)
        return msgspec.structs.replace(self, keyring=kept)


class OpenHeader:
    """The header of an open vault: replaced as a whole, in step with the database."""

    def __init__(
        self, folder: Path, found: Header, key: VaultKey, database: Database, lock: FolderLock
    ) -> None:
        """Take over a header that was verified and is the newest (see `newest`)."""
        self._lock = lock
        self._folder = folder
        self._database = database
        self._replacing = threading.Lock()
        self.shut = False
        """Whether a way in was shut since the vault was opened: see `without_old_ways`."""
        self.now = found
        self.key = key

    def without_old_ways(
        self, change: Callable[[Header], Header], act: Callable[[Writing], T]
    ) -> T:
        """Replace the header by one that lets somebody in no more, or not by what they knew.

        With an older header and that knowledge the vault key could still be had outside of the
        program: so a change of keys begins, too. Closing the vault ends it, or the next opening.
        """
        done = self.replace(lambda now: with_next_keys(change(now), self.key), act)
        self.shut = True
        return done

    def replace(self, change: Callable[[Header], Header], act: Callable[[Writing], T]) -> T:
        """Replace the header and do `act`: both or neither, however the program ends.

        What counts is the transaction of `act`, which also keeps the new header. Its file is
        written down before, so that a full disk is found out in time, and put in place after; if
        that does not come about, the next opening does it. `change` and `act` may raise.
        """
        with self._replacing:
            self._lock.expect_held()
            number = self.now.generation + 1
            changed = msgspec.structs.replace(change(self.now), generation=number)
            changed = changed.signed(self.key)
            content = encoded(changed)
            with files.staged(self._folder / NAME, content) as put_in_place:
                with self._database.transaction() as writing:
                    expect_next(writing, changed)  # before the entry of the act, which signs it
                    done = act(writing)
                self.now = changed
                put_in_place()
            keep_copy(self._folder, changed)
            # a disk that is full now keeps no change back: the next opening settles, too
            with suppress(AppError), self._database.transaction() as writing:
                settle(writing, changed)
            return done


def with_next_keys(now: Header, key: VaultKey) -> Header:
    """Return a header that says which keys come next."""
    step = Rotation(
        vault_key=VaultKey.random(now.id).sealed_under(key), database_salt=os.urandom(SALT_BYTES)
    )
    return msgspec.structs.replace(now, rotation=step)


def expect_next(writing: Writing, following: Header) -> None:
    """Let a header count from the end of a transaction on, beside the one whose file is there."""
    writing.change("INSERT OR IGNORE INTO headers VALUES (?)", (following.check,))
    writing.change("UPDATE vault SET generation = ?", (following.generation,))
    values = (encoded(following),)
    writing.change("INSERT OR REPLACE INTO next_header VALUES (1, ?)", values)


def settle(writing: Writing, found: Header) -> None:
    """Let one header alone count, whose file is in place."""
    writing.change("DELETE FROM headers WHERE digest <> ?", (found.check,))
    writing.change("DELETE FROM next_header")
    writing.change("UPDATE vault SET generation = ?", (found.generation,))


def newest(folder: Path, database: Database, found: Header, key: VaultKey) -> Header:
    """Return the header that counts, and put it in place where the program ended before that.

    Raises `VaultDamaged` where the database does not know the header that was found: it is an
    older one, and only looks like the newest.
    """
    with database.reader() as reading:
        known = reading.number("SELECT count(*) FROM headers WHERE digest = ?", (found.check,))
        all_known = reading.number("SELECT count(*) FROM headers")
        kept = reading.one("SELECT content FROM next_header")
    if not known:
        raise VaultDamaged("The vault's header is not the newest one.")
    counts = found if kept is None else parsed(bytes(kept[0]))
    counts.verify(key)
    if counts.check != found.check:
        write(folder, counts)
    if kept is not None or all_known > 1:
        with database.transaction() as writing:
            settle(writing, counts)
    return counts


def following_key(found: Header, key: VaultKey) -> VaultKey | None:
    """Return the vault key that is to take the place of `key`, or `None`."""
    if found.rotation is None:
        return None
    try:
        return key.following(found.rotation.vault_key)
    except SealBroken as error:
        raise VaultDamaged("The vault's header was changed.") from error


def read(folder: Path) -> Header:
    """Return the header of a vault.

    Raises `VaultMissing`, `VaultNewer`, `VaultTooOld` or `VaultDamaged`.
    """
    return _read(files.inside(folder, NAME))


def _read(path: Path) -> Header:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_BYTES + 1)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise VaultMissing(f"There is no vault in {path.parent}.") from error
    except OSError as error:
        raise files.explained(error) from error
    return parsed(content)


def readable(folder: Path) -> Header:
    """Return the header of a damaged vault, or its copy where it cannot be read.

    Raises what `read` raises.
    """
    try:
        return read(folder)
    except AppError:
        with suppress(AppError):
            return _read(folder / COPY)
        raise


def write(folder: Path, header: Header) -> None:
    """Put a signed header in place as a whole, and its copy beside it."""
    files.write_atomic(folder / NAME, encoded(header))
    keep_copy(folder, header)


def keep_copy(folder: Path, header: Header) -> None:
    """Let the copy be that of the header, as far as the disk allows: the next opening tries
    again."""
    content = encoded(header)
    with suppress(AppError, OSError):
        path = folder / COPY
        if not path.is_file() or path.read_bytes() != content:
            files.write_atomic(path, content)


def encoded(header: Header) -> bytes:
    """Return the bytes of `vault.json`; raises `StorageError` where `read` would refuse them."""
    content = msgspec.json.format(msgspec.json.encode(header), indent=2) + b"\n"
    if len(content) > _LARGEST_BYTES:
        raise StorageError(
            "The vault's header has no room for so many people.",
            hint="Remove people who use the vault no more.",
        )
    return content


def parsed(content: bytes) -> Header:
    """Return the header in the bytes of `vault.json`; raises what `read` raises."""
    if len(content) > _LARGEST_BYTES:
        raise VaultDamaged("The vault's header cannot be read.")
    try:
        version = msgspec.json.decode(content, type=_Version)
        if version.format > FORMAT:
            raise VaultNewer("This vault was written by a newer version of AutoInsights.")
        if version.format < FORMAT:
            raise VaultTooOld("This vault was made before the first release of AutoInsights.")
        header = msgspec.json.decode(content, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise VaultDamaged("The vault's header cannot be read.") from error
    if header.check != _check(header):
        raise VaultDamaged("The vault's header is damaged.")
    return header


class _Version(msgspec.Struct):
    product: Literal["autoinsights-vault"]
    format: int


def _canonical(header: Header) -> bytes:
    bare = msgspec.structs.replace(header, check="", mac="")
    return msgspec.json.encode(bare, order="sorted")


def _check(header: Header) -> str:
    return hashlib.sha256(_canonical(header)).hexdigest()


def _mac(header: Header, key: VaultKey) -> str:
    return keyed_digest(key.derive(KeyPurpose.HEADER), _canonical(header)).hex()
