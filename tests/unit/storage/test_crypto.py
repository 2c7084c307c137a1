"""Sealed objects: inverse at every size, and refused after any change."""

from __future__ import annotations

import io
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import SealBroken
from app.storage import crypto
from app.storage.crypto import CHUNK_BYTES, Binding, seal, seal_bytes, unseal, unseal_bytes

KEY = bytes(range(32))
HERE = Binding("audio:original", "a" * 32)
BLOCK = CHUNK_BYTES + 16
HEADER = 40


@pytest.mark.parametrize(
    "size", [0, 1, 15, 16, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
)
def test_unsealing_gives_back_what_was_sealed_around_chunk_borders(size):
    plain = os.urandom(size)
    sealed = seal_bytes(plain, KEY, HERE)
    assert unseal_bytes(sealed, KEY, HERE) == plain
    chunks = max(1, -(-size // CHUNK_BYTES))
    assert len(sealed) == HEADER + size + 16 * chunks


@given(st.lists(st.binary(max_size=300), max_size=8), st.text(max_size=20), st.text(max_size=20))
def test_pieces_of_any_size_come_back_as_one(pieces, purpose, subject):
    binding = Binding(purpose, subject)
    sealed = b"".join(seal(pieces, KEY, binding))
    assert unseal_bytes(sealed, KEY, binding) == b"".join(pieces)


@settings(max_examples=20)
@given(st.lists(st.integers(0, 700_000), max_size=6))
def test_long_content_in_odd_pieces_comes_back_as_one(sizes):
    plain = os.urandom(sum(sizes))
    source = io.BytesIO(plain)
    sealed = b"".join(seal((source.read(size) for size in sizes), KEY, HERE))
    assert b"".join(unseal(io.BytesIO(sealed), KEY, HERE)) == plain


@given(st.binary(max_size=200), st.data())
def test_any_flipped_bit_breaks_the_seal(plain, data):
    sealed = bytearray(seal_bytes(plain, KEY, HERE))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << at % 8
    with pytest.raises(SealBroken):
        unseal_bytes(bytes(sealed), KEY, HERE)


@given(st.binary(max_size=200), st.data())
def test_any_truncation_breaks_the_seal(plain, data):
    sealed = seal_bytes(plain, KEY, HERE)
    with pytest.raises(SealBroken):
        unseal_bytes(sealed[: data.draw(st.integers(0, len(sealed) - 1))], KEY, HERE)


@given(st.binary(max_size=50), st.binary(min_size=1, max_size=50))
def test_anything_appended_breaks_the_seal(plain, more):
    with pytest.raises(SealBroken):
        unseal_bytes(seal_bytes(plain, KEY, HERE) + more, KEY, HERE)


@given(st.binary(max_size=400))
def test_what_was_never_sealed_is_refused(junk):
    with pytest.raises(SealBroken):
        unseal_bytes(junk, KEY, HERE)


def _blocks(sealed: bytes) -> tuple[bytes, list[bytes]]:
    body = sealed[HEADER:]
    return sealed[:HEADER], [body[at : at + BLOCK] for at in range(0, len(body), BLOCK)]


@pytest.mark.parametrize(
    "rearranged",
    [
        lambda b: [b[1], b[0], b[2], b[3]],
        lambda b: [b[0], b[1], b[2]],
        lambda b: [b[0], b[1], b[3]],
        lambda b: [b[1], b[2], b[3]],
        lambda b: [b[0], b[0], b[1], b[2], b[3]],
        lambda b: [*b, b[3]],
        lambda b: [b[0], b[1], b[3], b[2]],
        lambda b: [b[0]],
        lambda _: [],
        lambda b: [b[0], b[1], b[2], b[3][:16]],
    ],
)
def test_chunks_swapped_dropped_doubled_or_cut_break_the_seal(rearranged):
    header, blocks = _blocks(seal_bytes(os.urandom(3 * CHUNK_BYTES + 500), KEY, HERE))
    with pytest.raises(SealBroken):
        unseal_bytes(header + b"".join(rearranged(blocks)), KEY, HERE)


def test_a_chunk_of_another_object_of_the_same_call_breaks_the_seal():
    header, one = _blocks(seal_bytes(bytes(2 * CHUNK_BYTES), KEY, HERE))
    _, two = _blocks(seal_bytes(bytes(2 * CHUNK_BYTES), KEY, HERE))
    with pytest.raises(SealBroken):
        unseal_bytes(header + one[0] + two[1], KEY, HERE)


def test_nothing_of_a_broken_chunk_is_given_out():
    sealed = bytearray(seal_bytes(os.urandom(2 * CHUNK_BYTES), KEY, HERE))
    sealed[HEADER + BLOCK + 5] ^= 1
    chunks = unseal(io.BytesIO(bytes(sealed)), KEY, HERE)
    assert len(next(chunks)) == CHUNK_BYTES
    with pytest.raises(SealBroken):
        next(chunks)


@pytest.mark.parametrize(
    "other",
    [
        Binding("audio:muted", "a" * 32),
        Binding("audio:original", "b" * 32),
        Binding("audio:origina", "l" + "a" * 31),
        Binding("audio:original" + "a" * 32, ""),
    ],
)
def test_an_object_opens_for_its_own_purpose_and_subject_only(other):
    with pytest.raises(SealBroken):
        unseal_bytes(seal_bytes(b"x", KEY, HERE), KEY, other)


def test_another_key_does_not_open():
    with pytest.raises(SealBroken):
        unseal_bytes(seal_bytes(b"x", KEY, HERE), bytes(32), HERE)


def test_sealing_twice_never_gives_the_same_bytes():
    assert len({seal_bytes(b"same", KEY, HERE) for _ in range(50)}) == 50


def test_a_later_format_is_refused_by_name():
    sealed = bytearray(seal_bytes(b"x", KEY, HERE))
    sealed[7] = 2
    with pytest.raises(SealBroken, match="format that this version does not know"):
        unseal_bytes(bytes(sealed), KEY, HERE)


@given(st.tuples(st.text(), st.text()), st.tuples(st.text(), st.text()))
def test_no_two_bindings_look_alike(one, two):
    assert (Binding(*one).encoded() == Binding(*two).encoded()) == (one == two)


@given(st.lists(st.binary(max_size=4), max_size=4), st.lists(st.binary(max_size=4), max_size=4))
def test_a_keyed_digest_tells_its_parts_apart(one, two):
    assert (crypto.keyed_digest(KEY, *one) == crypto.keyed_digest(KEY, *two)) == (one == two)


def test_labels_and_salts_give_unrelated_keys():
    made = {
        crypto.derive(KEY, "a"),
        crypto.derive(KEY, "b"),
        crypto.derive(KEY, "a", salt=b"1"),
        crypto.derive(bytes(32), "a"),
    }
    assert len(made) == 4
    assert all(len(key) == 32 for key in made)


def test_the_documented_bytes_open_by_hand():
    """Follow formats.md without our code, so that others can write a reader from it."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    sealed = seal_bytes(b"documented", KEY, Binding("purpose", "subject"))
    header, body = sealed[:40], sealed[40:]
    assert header[:8] == b"AISEAL\x00\x01"
    context = header + b"\0\0\0\x07purpose" + b"\0\0\0\x07subject"
    key = HKDF(algorithm=SHA256(), length=32, salt=header[8:], info=context).derive(KEY)
    assert AESGCM(key).decrypt(bytes(11) + b"\x01", body, context) == b"documented"
