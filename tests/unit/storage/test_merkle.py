"""The Merkle tree: the hashes of RFC 6962, and proofs that nothing else passes for."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.storage import merkle

# The reference test vectors of the certificate-transparency project.
LEAVES = [
    bytes.fromhex(text)
    for text in (
        *("", "00", "10", "2021", "3031", "40414243"),
        *("5051525354555657", "606162636465666768696a6b6c6d6e6f"),
    )
]
ROOTS = (
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
)
INCLUSION = {  # index, size: the path
    (0, 1): (),
    (0, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (5, 8): (
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 3): ("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",),
    (1, 5): (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}
CONSISTENCY = {  # older size, newer size: the path
    (1, 1): (),
    (1, 8): (
        "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    ),
    (6, 8): (
        "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
        "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    ),
    (2, 5): (
        "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
        "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    ),
}

lists = st.lists(st.binary(max_size=4), min_size=1, max_size=70)


def split(size):
    power = 1
    while power * 2 < size:
        power *= 2
    return power


def naive_root(leaves):
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = split(len(leaves))
    halves = naive_root(leaves[:k]) + naive_root(leaves[k:])
    return hashlib.sha256(b"\x01" + halves).digest()


def naive_path(index, leaves):
    """RFC 9162, 2.1.3.1."""
    if len(leaves) == 1:
        return ()
    k = split(len(leaves))
    if index < k:
        return (*naive_path(index, leaves[:k]), naive_root(leaves[k:]))
    return (*naive_path(index - k, leaves[k:]), naive_root(leaves[:k]))


def naive_proof(size, leaves, whole=True):
    """RFC 9162, 2.1.4.1."""
    if size == len(leaves):
        return () if whole else (naive_root(leaves),)
    k = split(len(leaves))
    if size <= k:
        return (*naive_proof(size, leaves[:k], whole), naive_root(leaves[k:]))
    return (*naive_proof(size - k, leaves[k:], False), naive_root(leaves[:k]))


@pytest.mark.parametrize("size", range(9))
def test_the_roots_are_those_of_certificate_transparency(size):
    assert merkle.root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size"), INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(index, size):
    path = merkle.inclusion(LEAVES[:size], index)
    assert tuple(part.hex() for part in path) == INCLUSION[index, size]
    assert merkle.includes(LEAVES[index], index, size, path, bytes.fromhex(ROOTS[size]))


@pytest.mark.parametrize(("old", "new"), CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(old, new):
    path = merkle.consistency(LEAVES[:new], old)
    assert tuple(part.hex() for part in path) == CONSISTENCY[old, new]
    roots = (bytes.fromhex(ROOTS[old]), bytes.fromhex(ROOTS[new]))
    assert merkle.extends(old, new, *roots, path)


@given(lists)
def test_the_frontier_grows_into_the_root_of_the_definition(leaves):
    frontier = ()
    for size, leaf in enumerate(leaves):
        frontier = merkle.appended(frontier, size, leaf)
        assert len(frontier) == (size + 1).bit_count()
        assert merkle.root(frontier) == naive_root(leaves[: size + 1])


@given(lists, st.data())
def test_every_inclusion_proof_is_that_of_the_definition_and_holds(leaves, data):
    index = data.draw(st.integers(0, len(leaves) - 1))
    path = merkle.inclusion(leaves, index)
    assert path == naive_path(index, leaves)
    assert merkle.includes(leaves[index], index, len(leaves), path, naive_root(leaves))


@given(lists, st.data())
def test_every_consistency_proof_is_that_of_the_definition_and_holds(leaves, data):
    size = data.draw(st.integers(1, len(leaves)))
    path = merkle.consistency(leaves, size)
    assert path == naive_proof(size, leaves)
    roots = (naive_root(leaves[:size]), naive_root(leaves))
    assert merkle.extends(size, len(leaves), *roots, path)


def spoilt(path, data):
    """A path that is not the given one."""
    path = list(path)
    way = data.draw(st.sampled_from(["flip", "drop", "add", "swap"]))
    if way == "add" or not path:
        path.insert(
            data.draw(st.integers(0, len(path))), data.draw(st.binary(min_size=32, max_size=32))
        )
        return path
    at = data.draw(st.integers(0, len(path) - 1))
    if way == "drop":
        del path[at]
    elif way == "swap" and at and path[at] != path[at - 1]:
        path[at - 1], path[at] = path[at], path[at - 1]
    else:
        path[at] = bytes([path[at][0] ^ 1]) + path[at][1:]
    return path


unlike = st.lists(st.binary(min_size=1, max_size=4), min_size=1, max_size=40, unique=True)


@given(unlike, st.data())
def test_nothing_else_passes_for_an_inclusion_proof(leaves, data):
    size, root = len(leaves), naive_root(leaves)
    index = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion(leaves, index)
    assert not merkle.includes(leaves[index], index, size, spoilt(path, data), root)
    assert not merkle.includes(leaves[index] + b"x", index, size, path, root)
    assert not merkle.includes(leaves[index], index, size, path, bytes(32))
    assert not merkle.includes(leaves[index], size, size, path, root)
    assert not merkle.includes(leaves[index], -1, size, path, root)
    other = data.draw(st.integers(0, size - 1))
    if other != index:
        assert not merkle.includes(leaves[other], index, size, path, root)
        assert not merkle.includes(leaves[index], other, size, path, root)


@given(unlike, st.data())
def test_nothing_else_passes_for_a_consistency_proof(leaves, data):
    new = len(leaves)
    old = data.draw(st.integers(1, new))
    roots = (naive_root(leaves[:old]), naive_root(leaves))
    path = merkle.consistency(leaves, old)
    assert not merkle.extends(old, new, *roots, spoilt(path, data))
    assert not merkle.extends(old, new, bytes(32), roots[1], path)
    assert not merkle.extends(old, new, roots[0], bytes(32), path)
    assert not merkle.extends(0, new, *roots, path)
    assert not merkle.extends(new + 1, new, *roots, path)


def test_what_does_not_exist_is_not_proven():
    for index in (-1, 3):
        with pytest.raises(ValueError, match="no such leaf"):
            merkle.inclusion(LEAVES[:3], index)
    for size in (0, 4):
        with pytest.raises(ValueError, match="no such size"):
            merkle.consistency(LEAVES[:3], size)
    with pytest.raises(ValueError, match="not that of a tree"):
        merkle.appended((), 1, b"")
    assert not merkle.extends(3, 5, bytes(32), bytes(32), ())
