"""What a computer remembers of a log: private, whole, and no reason to stay shut."""

from __future__ import annotations

import pytest

from app.storage.witness import Seen, Witness

VAULT = "ab" * 16
OLD = Seen(key="k", size=3, root="r")
NEW = Seen(key="k", size=5, root="s")


@pytest.fixture
def witness(tmp_path):
    return Witness(tmp_path / "witness", VAULT)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "witness" / f"{VAULT}.json"


def test_it_remembers(witness, file):
    assert witness.read() is None
    assert witness.write(witness.first(OLD))
    assert witness.read().newest == OLD
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    witness.write(witness.read().after(NEW, fits=True, found=0))
    assert (witness.read().newest, witness.read().missed) == (NEW, ())


def test_what_is_not_extended_is_missed_and_stays_so(witness):
    memory = witness.first(NEW).after(OLD, fits=False, found=2)
    assert memory.newest == OLD
    assert memory.missed == (Seen(key="k", size=5, root="s", found=2),)
    assert memory.after(NEW, fits=True, found=0).missed == memory.missed
    for _ in range(100):
        memory = memory.after(OLD, fits=False, found=1)
    assert memory.missed[0].size == 5
    assert len(memory.missed) == 32


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[]", b"{}", b'{"format":"other"}'])
def test_a_file_that_cannot_be_read_is_no_memory(witness, file, body):
    witness.write(witness.first(OLD))
    file.write_bytes(body)
    assert witness.read() is None


def test_the_memory_of_another_vault_is_none(tmp_path, witness, file):
    witness.write(witness.first(OLD))
    file.rename(file.with_name(f"{'cd' * 16}.json"))
    assert Witness(tmp_path / "witness", "cd" * 16).read() is None


def test_where_nothing_can_be_written_it_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    witness = Witness(tmp_path / "file", VAULT)
    assert not witness.write(witness.first(OLD))
    assert witness.read() is None
