"""What this computer saw last of an audit log, kept outside the vault's folder.

Promises that a vault's folder that was put back to an older state, or whose log was written anew,
is noticed on the computer that saw the newer one, without any checkpoint that a person keeps. Hides
the file: one for each vault and place, small, private, replaced as a whole, with hashes and counts
in it. Whoever can write both places can replay both: a checkpoint kept elsewhere finds that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from app.errors import StorageError
from app.storage import files

if TYPE_CHECKING:
    from pathlib import Path

_FORMAT = "autoinsights-witness-1"
_MOST_MISSED = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A state of a log: its verification key and its root, hexadecimal, and how many entries it
    had. `found` is how many were there when it was missed."""

    key: str
    size: int
    root: str
    found: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """The newest state that was seen, and those that a log that was opened later did not extend."""

    format: str = _FORMAT
    vault: str
    newest: Seen
    missed: tuple[Seen, ...] = ()

    def after(self, now: Seen, *, fits: bool, found: int) -> Memory:
        """Return what is remembered once `now` was seen; what it does not extend is missed, and
        `found` is how many entries were there in its place."""
        if fits:
            return replace(self, newest=now)
        missed = (*self.missed, replace(self.newest, found=found))
        return replace(self, newest=now, missed=missed[:_MOST_MISSED])


class Witness:
    """The memory of one vault's log."""

    def __init__(self, folder: Path, vault_id: str, place: Path | None = None) -> None:
        """Keep it in a file named after the vault and the `place` where it lies.

        A vault that was restored elsewhere for a trial is another one: its log goes its own way.
        """
        name = vault_id
        if place is not None:
            where = str(place.resolve()).encode("utf-8", "surrogatepass")
            name += f"-{hashlib.sha256(where).hexdigest()[:12]}"
        self._path = folder / f"{name}.json"
        self._vault_id = vault_id

    def read(self) -> Memory | None:
        """Return what was remembered; `None` where nothing is, or nothing that can be read."""
        try:
            memory = msgspec.json.decode(self._path.read_bytes(), type=Memory)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        known = memory.format == _FORMAT and memory.vault == self._vault_id
        return memory if known else None

    def first(self, now: Seen) -> Memory:
        """Return the memory of a log that is seen for the first time."""
        return Memory(vault=self._vault_id, newest=now)

    def write(self, memory: Memory) -> bool:
        """Remember; returns whether that was possible: a full disk is no reason to stay shut."""
        try:
            files.make_private(self._path.parent)
            files.write_atomic(self._path, msgspec.json.encode(memory))
        except StorageError:
            return False
        return True
