"""What this computer saw last of an audit log, kept outside the vault's folder.

Promises that a vault's folder that was put back to an older state, or whose log was written anew,
is noticed on the computer that saw the newer one, without any checkpoint that a person keeps. Hides
the file: one for each vault and place, small, private, replaced as a whole, with hashes and counts
in it. Whoever can write both places can replay both: a checkpoint kept elsewhere finds that.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import msgspec

from app.errors import StorageError
from app.storage import files

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

T = TypeVar("T")

_FORMAT = "autoinsights-witness-1"


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
    """The newest state that was seen, and those that a log that was opened later did not extend:
    every one of them until somebody accepts that, however many they are.

    `place` is where the vault lay; `told` are the roots that copies of it have elsewhere, as far as
    this log tells of them.
    """

    format: str = _FORMAT
    vault: str
    newest: Seen
    missed: tuple[Seen, ...] = ()
    place: str = ""
    told: tuple[str, ...] = ()

    def after(self, now: Seen, *, fits: bool, found: int) -> Memory:
        """Return what is remembered once `now` was seen; what it does not extend is missed, and
        `found` is how many entries were there in its place."""
        if fits:
            return replace(self, newest=now)
        return replace(
            self, newest=now, missed=_with(self.missed, replace(self.newest, found=found))
        )

    def beside(self, other: Memory) -> Memory:
        """Return what two memories of one log tell together."""
        if self.newest.size < other.newest.size:
            return other.beside(self)
        extra = (*other.missed, *([other.newest] if other.newest != self.newest else []))
        return replace(self, missed=_with(self.missed, *extra), told=_with(self.told, *other.told))

    def having_told(self, root: str, there: Collection[str]) -> Memory:
        """Return the memory of a log that tells of a copy elsewhere; `there` are the roots of all
        copies now, so that what is told of is no more than what is there."""
        return replace(self, told=_with(tuple(one for one in self.told if one in there), root))


class Witness:
    """The memory of one vault's log."""

    def __init__(self, folder: Path, vault_id: str, place: Path | None = None) -> None:
        """Keep it in a file named after the vault and the `place` where it lies: as it is called,
        and where links lead to, so that a link in its place is noticed.

        A vault that was restored elsewhere for a trial is another one: its log goes its own way.
        """
        names = [vault_id]
        self._place = ""
        if place is not None:
            self._place = str(place.absolute())
            names = [f"{vault_id}-{_digits(one)}" for one in (place.absolute(), place.resolve())]
        self._paths = [folder / f"{name}.json" for name in dict.fromkeys(names)]
        self._vault_id = vault_id

    def read(self) -> Memory | None:
        """Return what was remembered; `None` where nothing is, or nothing that can be read."""
        found = [memory for path in self._paths if (memory := self._of(path)) is not None]
        if not found:
            return None
        return found[0] if len(found) == 1 else found[0].beside(found[1])

    def elsewhere(self) -> tuple[Memory, ...]:
        """Return what was seen of copies of this vault at other places of this computer."""
        try:
            paths = sorted(self._paths[0].parent.glob(f"{self._vault_id}-*.json"))
        except OSError:
            return ()
        others = [self._of(path) for path in paths if path not in self._paths]
        return tuple(one for one in others if one is not None)

    def _of(self, path: Path) -> Memory | None:
        try:
            memory = msgspec.json.decode(path.read_bytes(), type=Memory)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        known = memory.format == _FORMAT and memory.vault == self._vault_id
        return memory if known else None

    def first(self, now: Seen) -> Memory:
        """Return the memory of a log that is seen for the first time."""
        return Memory(vault=self._vault_id, newest=now, place=self._place)

    def write(self, memory: Memory) -> bool:
        """Remember; returns whether that was possible: a full disk is no reason to stay shut."""
        content = msgspec.json.encode(replace(memory, place=self._place))
        try:
            files.make_private(self._paths[0].parent)
            for path in self._paths:
                files.write_atomic(path, content)
        except StorageError:
            return False
        return True


def _with(known: tuple[T, ...], *more: T) -> tuple[T, ...]:
    """Return what is known with more behind it, each once."""
    return tuple(dict.fromkeys((*known, *more)))


def _digits(place: Path) -> str:
    where = str(place).encode("utf-8", "surrogatepass")
    return hashlib.sha256(where).hexdigest()[:12]
