"""The samples of a call, in blocks: short calls in memory, of longer ones the rest in a file.

Promises that the memory they take does not grow with the length of a call, and that reading gives
what an array would give: what was appended, with what was written over it since. What is read is a
moment's view: nobody can change it, and it does not change. Blocks that memory should not hold are
sealed in a temporary file (`spool.py`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from app.engine.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

BLOCK: Final = 160_000
"""Samples of one channel that lie together: 10 s."""

IN_MEMORY_BYTES: Final = 40_000_000
"""What is kept in memory: ten minutes of two channels."""

_BLOCK_BYTES = BLOCK * 2


class Channel(Protocol):
    """One channel's samples, int16 at 16 kHz; an array is one, too."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: slice, /) -> NDArray[np.int16]: ...


class Channels(Protocol):
    """All channels of a call, of the same length; an array [channels, samples] is it, too."""

    def __len__(self) -> int: ...

    def __getitem__(self, channel: int, /) -> Channel: ...

    def __iter__(self) -> Iterator[Channel]: ...


class Samples:
    """The channels of one call; each of them is read and written like an array."""

    def __init__(self, channels: int, *, in_memory_bytes: int = IN_MEMORY_BYTES) -> None:
        """Begin with nothing; no file is made before it is needed."""
        self.length = 0
        """The samples of each channel."""
        self._channels = channels
        self._growing = np.empty((channels, BLOCK), np.int16)  # the last block
        self._held: dict[int, NDArray[np.int16]] = {}
        self._most_held = in_memory_bytes // _BLOCK_BYTES
        self._spool: Spool | None = None
        # each channel's last block that was read: who reads on in small pieces opens it once
        self._latest: dict[int, tuple[int, NDArray[np.int16]]] = {}

    def __len__(self) -> int:
        return self._channels

    def __getitem__(self, channel: int) -> StoredChannel:
        if not 0 <= channel < self._channels:
            raise IndexError("no such channel")
        return StoredChannel(self, channel)

    def __iter__(self) -> Iterator[StoredChannel]:
        return (self[channel] for channel in range(self._channels))

    def append(self, frames: NDArray[np.int16]) -> None:
        """Add what follows on all channels, [samples, channels]."""
        while len(frames):
            at = self.length % BLOCK
            part, frames = frames[: BLOCK - at], frames[BLOCK - at :]
            self._growing[:, at : at + len(part)] = part.T
            self.length += len(part)
            if self.length % BLOCK == 0:
                for channel, block in enumerate(self._growing):
                    self._keep(channel, self.length // BLOCK - 1, block)
                self._growing = np.empty_like(self._growing)

    def read(self, channel: int, start: int, end: int) -> NDArray[np.int16]:
        """Return a channel's samples from `start` to `end`, which lie within its length."""
        parts = [
            self._block(channel, number)[max(0, start - number * BLOCK) : end - number * BLOCK]
            for number in range(start // BLOCK, -(-end // BLOCK))
        ]
        return parts[0] if len(parts) == 1 else _fixed(np.concatenate([_NOTHING, *parts]))

    def write(self, channel: int, start: int, values: NDArray[np.int16]) -> None:
        """Put other samples in the place of a channel's from `start` on, within its length."""
        while len(values):
            number, at = divmod(start, BLOCK)
            part, values = values[: BLOCK - at], values[BLOCK - at :]
            start += len(part)
            changed = self._block(channel, number).copy()  # who has read it keeps what was there
            changed[at : at + len(part)] = part
            self._keep(channel, number, changed)

    def _block(self, channel: int, number: int) -> NDArray[np.int16]:
        if number == self.length // BLOCK:
            return _fixed(self._growing[channel, : self.length % BLOCK])
        known = self._latest.get(channel)
        if known is not None and known[0] == number:
            return known[1]
        place = number * self._channels + channel
        if self._spool is None or place < self._most_held:
            return self._held[place]
        block = np.frombuffer(self._spool.read(place - self._most_held), np.int16)
        self._latest[channel] = number, block
        return block

    def _keep(self, channel: int, number: int, block: NDArray[np.int16]) -> None:
        if number == self.length // BLOCK:
            self._growing = self._growing.copy()
            self._growing[channel, : len(block)] = block
            return
        place = number * self._channels + channel
        if place < self._most_held:
            self._held[place] = _fixed(block)
            return
        if self._spool is None:
            self._spool = Spool(_BLOCK_BYTES)
        self._latest.pop(channel, None)
        self._spool.write(place - self._most_held, block.tobytes())


class StoredChannel:
    """One channel of `Samples`: slices of it are read and written, nothing else."""

    def __init__(self, samples: Samples, channel: int) -> None:
        """See one channel of some samples."""
        self._samples = samples
        self._channel = channel

    def __len__(self) -> int:
        return self._samples.length

    def __getitem__(self, place: slice) -> NDArray[np.int16]:
        start, end = self._within(place)
        return self._samples.read(self._channel, start, end)

    def __setitem__(self, place: slice, values: NDArray[np.int16] | int) -> None:
        start, end = self._within(place)
        for first in range(start, end, BLOCK):
            last = min(first + BLOCK, end)
            part = (
                values[first - start : last - start] if isinstance(values, np.ndarray) else values
            )
            self._samples.write(self._channel, first, np.broadcast_to(part, last - first))

    def _within(self, place: slice) -> tuple[int, int]:
        start, end, step = place.indices(len(self))
        if step != 1:
            raise ValueError("samples are read and written as they follow each other")
        return start, max(start, end)


def pieces(channel: Channel, start: int = 0, end: int | None = None) -> Iterator[NDArray[np.int16]]:
    """Yield a channel's samples from `start` to `end` in pieces of a block at most."""
    end = len(channel) if end is None else end
    for first in range(start, end, BLOCK):
        yield channel[first : min(first + BLOCK, end)]


_NOTHING = np.empty(0, np.int16)


def _fixed(block: NDArray[np.int16]) -> NDArray[np.int16]:
    """Return a block as a view that nobody can write to."""
    view = block[:]
    view.flags.writeable = False
    return view
