"""Failed sign-ins, kept beside the vault: who has to wait, until the next one who gets in reads it.

While nobody is signed in there is no key to write with, so this file is plain and holds digests of
names, counts and times only. Who can change it can as well copy the vault and guess elsewhere: what
holds then is the cost of Argon2id, and the key of this computer's keyring where the vault asks for
it. Waiting ends with the clock; where that was set back, it begins anew once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.errors import SignInDelayed
from app.storage import files
from app.storage.clock import milliseconds

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from app.storage.clock import Clock

NAME = "attempts.json"
SHEET = "recovery-sheet"
"""Under what wrong recovery sheets are counted, until an audit log tells of them."""
UNKNOWN = "unknown"
_MOST_TOLD = 1_000_000
_FREE = 4  # failures before waiting begins
_FIRST_WAIT_S = 30
_LONGEST_WAIT_S = 24 * 3600
_LARGEST_BYTES = 1 << 22


class Failures(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The failed attempts of one name since it last got in; `untold` of them are in no audit
    log."""

    count: int = 0
    untold: int = 0
    last_ms: int = 0

    def by(self, now_ms: int) -> Failures:
        """Return the same as a clock tells it: one that was set back finds no later attempt."""
        return msgspec.structs.replace(self, last_ms=min(self.last_ms, now_ms))

    def waits_until_ms(self) -> int:
        """Return until when the next attempt has to wait, in milliseconds since 1970."""
        return self.last_ms + wait_s(self.count) * 1000


def key_of(tag: bytes, *, known: bool) -> str:
    """Return under what the attempts of a name are counted.

    Of a name that nobody has, one byte of the digest: waiting then looks the same as for others,
    and a passphrase that was typed in the wrong field cannot be found from it.
    """
    return tag.hex() if known else f"unknown-{tag[:1].hex()}"


def wait_s(failures: int) -> int:
    """Return how long to wait after so many failures in a row: 30 s, doubling, a day at most."""
    if failures <= _FREE:
        return 0
    doublings = min(failures - _FREE - 1, 20)
    return min(_FIRST_WAIT_S << doublings, _LONGEST_WAIT_S)


def times_of(number: int) -> str:
    """Return what the audit log says of so many failures."""
    return f"{number} times" if number > 1 else "once"


def refuse_early(until_ms: int, now_ms: int) -> None:
    """Raise `SignInDelayed` before a time."""
    left_s = -(-(until_ms - now_ms) // 1000)
    if left_s > 0:
        minutes, seconds = divmod(left_s, 60)
        time = f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
        raise SignInDelayed(f"There were too many failed attempts; try again in {time}.")


class Attempts:
    """The failed sign-ins of one vault; used under the vault's lock only."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        """Read what is kept; what cannot be read counts as nothing."""
        self._path = folder / NAME
        self._clock = clock
        self._kept = _read(self._path)

    def expect_no_wait(self, who: str) -> None:
        """Raise `SignInDelayed` where a name has to wait; `who` is what `key_of` makes of it."""
        now_ms = milliseconds(self._clock())
        found = self._kept.get(who, Failures())
        if found.by(now_ms) != found:
            found = found.by(now_ms)
            self._keep({**self._kept, who: found})
        refuse_early(found.waits_until_ms(), now_ms)

    def waits_until_ms(self, who: str) -> int:
        """Return until when a name has to wait, in milliseconds since 1970; 0 if it need not."""
        now_ms = milliseconds(self._clock())
        until_ms = self._kept.get(who, Failures()).by(now_ms).waits_until_ms()
        return until_ms if until_ms > now_ms else 0

    def failed(self, who: str) -> None:
        """Count a failed attempt."""
        old = self._kept.get(who, Failures())
        now_ms = milliseconds(self._clock())
        new = Failures(count=old.count + 1, untold=old.untold + 1, last_ms=now_ms)
        self._keep({**self._kept, who: new})

    def untold(self) -> dict[str, Failures]:
        """Return the attempts that no audit log tells of, by what `key_of` makes of the name."""
        return {who: found for who, found in self._kept.items() if found.untold}

    def untold_times(self, names: Mapping[str, str]) -> dict[str, int]:
        """Return how often people failed of which no audit log tells; `names` leads from what
        `key_of` makes of them to their names.

        Whatever else the file names is one line together: who can write to it can put any number
        of names in, and any number of attempts.
        """
        times: dict[str, int] = {}
        for who, found in self.untold().items():
            name = names.get(who, UNKNOWN)
            times[name] = min(times.get(name, 0) + max(found.untold, 0), _MOST_TOLD)
        return {name: number for name, number in times.items() if number}

    def told(self, *, got_in: str) -> None:
        """Note that the audit log tells of all of them, and that one name got in."""
        kept = {
            who: msgspec.structs.replace(found, untold=0)
            for who, found in self._kept.items()
            if who != got_in
        }
        if kept != self._kept:
            self._keep(kept)

    def release(self, who: str) -> None:
        """End a name's waiting; what no audit log tells of yet stays to be told."""
        found = self._kept.get(who)
        if found is not None and found.count:
            self._keep({**self._kept, who: msgspec.structs.replace(found, count=0)})

    def _keep(self, kept: dict[str, Failures]) -> None:
        files.write_atomic(self._path, msgspec.json.encode(kept))
        self._kept = kept


def _read(path: Path) -> dict[str, Failures]:
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.read(_LARGEST_BYTES), type=dict[str, Failures])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return {}
