"""A Merkle tree over a list that only grows (RFC 9162, section 2.1; the same hashes as RFC 6962).

Promises that one root stands for the whole list and its order, that adding a leaf costs O(log n)
from the frontier alone, and that short proofs show a leaf to be in a list (`inclusion`) or a list
to begin with a shorter one (`consistency`). Pure: bytes in, bytes out. A leaf is prefixed with 00
and a node with 01 before hashing, so that none passes for the other.

The frontier is what an append needs of a tree: the roots of the full subtrees that make it up,
from left to right, one for each bit that is set in its size.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

HASH_BYTES = 32
EMPTY = hashlib.sha256(b"").digest()
"""The root of a list that holds nothing."""

Frontier = tuple[bytes, ...]


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node over its two halves."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def appended(frontier: Frontier, size: int, leaf: bytes) -> Frontier:
    """Return the frontier of a tree of `size` leaves after one more."""
    if len(frontier) != size.bit_count():
        raise ValueError("the frontier is not that of a tree of this size")
    kept, new = list(frontier), leaf_hash(leaf)
    while size & 1:
        new = node_hash(kept.pop(), new)
        size >>= 1
    return (*kept, new)


def frontier_of(leaves: Iterable[bytes]) -> Frontier:
    """Return the frontier of the tree over some leaves."""
    frontier: Frontier = ()
    for size, leaf in enumerate(leaves):
        frontier = appended(frontier, size, leaf)
    return frontier


def root(frontier: Frontier) -> bytes:
    """Return the root of the tree that has this frontier."""
    if not frontier:
        return EMPTY
    *left, found = frontier
    for part in reversed(left):
        found = node_hash(part, found)
    return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root of the tree over some leaves."""
    return root(frontier_of(leaves))


def inclusion(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """Return the proof that the leaf at `index` (from 0) is in the list, lowest sibling first."""
    if not 0 <= index < len(leaves):
        raise ValueError("there is no such leaf")
    path: list[bytes] = []
    first, end = 0, len(leaves)
    while end - first > 1:
        middle = first + _split(end - first)
        if index < middle:
            path.append(root_of(leaves[middle:end]))
            end = middle
        else:
            path.append(root_of(leaves[first:middle]))
            first = middle
    return tuple(reversed(path))


def consistency(leaves: Sequence[bytes], size: int) -> tuple[bytes, ...]:
    """Return the proof that the list begins with the tree of its first `size` leaves."""
    if not 0 < size <= len(leaves):
        raise ValueError("there is no such size")
    path: list[bytes] = []
    first, end, whole = 0, len(leaves), True
    while first + size != end:
        middle = _split(end - first)
        if size <= middle:
            path.append(root_of(leaves[first + middle : end]))
            end = first + middle
        else:
            path.append(root_of(leaves[first : first + middle]))
            first, size, whole = first + middle, size - middle, False
    if not whole:
        path.append(root_of(leaves[first:end]))
    return tuple(reversed(path))


def includes(leaf: bytes, index: int, size: int, path: Sequence[bytes], wanted: bytes) -> bool:
    """Return whether a proof shows a leaf at `index` of the tree of `size` leaves with a root.

    RFC 9162, section 2.1.3.2.
    """
    if not 0 <= index < size:
        return False
    here, last, found = index, size - 1, leaf_hash(leaf)
    for part in path:
        if last == 0:
            return False
        if here & 1 or here == last:
            found = node_hash(part, found)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            found = node_hash(found, part)
        here, last = here >> 1, last >> 1
    return last == 0 and found == wanted


def extends(old: int, new: int, old_root: bytes, new_root: bytes, path: Sequence[bytes]) -> bool:
    """Return whether a proof shows that the tree of `new` leaves begins with that of `old`.

    RFC 9162, section 2.1.4.2.
    """
    if not 0 < old <= new:
        return False
    if old == new:
        return not path and old_root == new_root
    parts = [old_root, *path] if old & (old - 1) == 0 else list(path)
    if not parts:
        return False
    here, last = old - 1, new - 1
    while here & 1:
        here, last = here >> 1, last >> 1
    before = after = parts[0]
    for part in parts[1:]:
        if last == 0:
            return False
        if here & 1 or here == last:
            before, after = node_hash(part, before), node_hash(part, after)
            while not here & 1 and here:
                here, last = here >> 1, last >> 1
        else:
            after = node_hash(after, part)
        here, last = here >> 1, last >> 1
    return last == 0 and before == old_root and after == new_root


def _split(size: int) -> int:
    """Return the largest power of two below a size of at least 2."""
    return 1 << ((size - 1).bit_length() - 1)
