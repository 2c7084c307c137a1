"""Failed sign-ins, kept beside the vault: who has to wait, until the next one who gets in reads it.

While nobody is signed in there is no key to write with, so this file is plain and holds digests of
names, counts and times only. Who can change it can as well copy the vault and guess elsewhere: what
holds then is the cost of Argon2id, and the key of this computer's keyring where the vault asks for
it. Waiting ends with the clock; a clock that was set back does not lengthen it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from app.errors import SignInDelayed
from app.storage import files
from app.storage.clock import milliseconds

if TYPE_CHECKING:
    from pathlib import Path

    from app.storage.clock import Clock

NAME = "attempts.json"
_FREE = 4  # failures before waiting begins
_FIRST_WAIT_S = 30
_LONGEST_WAIT_S = 24 * 3600


class Failures(msgspec.Struct, frozen=True, kw_only=True):
    """The failed attempts of one name since it last got in; `untold` of them are in no audit
    log."""

    count: int = 0
    untold: int = 0
    last_ms: int = 0

    def waits_until_ms(self, now_ms: int) -> int:
        """Return until when the next attempt has to wait, in milliseconds since 1970."""
        wait_ms = wait_s(self.count) * 1000
        return min(self.last_ms + wait_ms, now_ms + wait_ms)


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
        try:
            self._kept = msgspec.json.decode(self._path.read_bytes(), type=dict[str, Failures])
        except (OSError, msgspec.MsgspecError):
            self._kept = {}

    def expect_no_wait(self, who: str) -> None:
        """Raise `SignInDelayed` where a name has to wait; `who` is what `key_of` makes of it."""
        now_ms = milliseconds(self._clock())
        found = self._kept.get(who, Failures())
        refuse_early(found.waits_until_ms(now_ms), now_ms)

    def failed(self, who: str) -> None:
        """Count a failed attempt."""
        old = self._kept.get(who, Failures())
        now_ms = milliseconds(self._clock())
        new = Failures(count=old.count + 1, untold=old.untold + 1, last_ms=now_ms)
        self._keep({**self._kept, who: new})

    def untold(self) -> dict[str, Failures]:
        """Return the attempts that no audit log tells of, by what `key_of` makes of the name."""
        return {who: found for who, found in self._kept.items() if found.untold}

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
        """End a name's waiting."""
        self._keep({key: found for key, found in self._kept.items() if key != who})

    def _keep(self, kept: dict[str, Failures]) -> None:
        files.write_atomic(self._path, msgspec.json.encode(kept))
        self._kept = kept
