"""What a computer remembers of a log: private, whole, and no reason to stay shut."""

from __future__ import annotations

import json
import shutil

import pytest

from app.domain import AuditQuery
from app.storage import vault
from app.storage.keys import LOWEST_COST
from app.storage.witness import Seen, Witness
from tests.unit.storage.conftest import PASSPHRASE

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
    assert [one.size for one in memory.missed] == [5, 3]


def test_nothing_that_is_missed_is_forgotten_however_much_that_is(witness):
    memory = witness.first(NEW)
    for number in range(100):
        memory = memory.after(Seen(key="k", size=number + 6, root=f"{number}"), fits=False, found=2)
        assert witness.write(memory)
        memory = witness.read()
    assert [one.size for one in memory.missed] == [5, *range(6, 105)]
    beside = witness.first(Seen(key="k", size=3, root="other")).after(OLD, fits=False, found=1)
    both = memory.beside(beside)
    assert set(both.missed) == {*memory.missed, *beside.missed, OLD}


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


# ------------------------------------------------------------------- a vault at more than one place


@pytest.fixture
def kept(tmp_path):
    """A vault that this computer remembers, an older copy of it, and where it remembers."""
    folder, old, where = (tmp_path / name for name in ("vault", "old", "remembered"))
    with vault.create(folder, PASSPHRASE, cost=LOWEST_COST, witness=where) as made:
        made.audit.save_witness()
    shutil.copytree(folder, old)
    with vault.open_vault(folder, PASSPHRASE, witness=where) as again:
        again.audit.record(actor="owner", act="call.export-original", subject="ab" * 16)
    return folder, old, where


def test_an_older_copy_behind_a_link_of_the_same_name_is_noticed(kept, tmp_path):
    folder, old, where = kept
    folder.rename(tmp_path / "hidden")
    folder.symlink_to(old)
    with vault.open_vault(folder, PASSPHRASE, witness=where) as again:
        assert "audit.mismatch" in [one.act for one in again.audit.entries(limit=4)]
        assert not again.audit.verify().ok


def test_a_copy_that_was_used_elsewhere_is_told_once_and_by_its_place(kept, tmp_path):
    folder, _, where = kept
    copy = shutil.copytree(folder, tmp_path / "copy")
    with vault.open_vault(copy, PASSPHRASE, witness=where) as other:
        other.audit.record(actor="owner", act="call.listen-original", subject="ab" * 16)
        seen = other.audit.count()
    shutil.rmtree(copy)
    for _ in range(2):
        with vault.open_vault(folder, PASSPHRASE, witness=where) as again:
            told = again.audit.entries(AuditQuery(act="audit.elsewhere"))
            assert [one.outcome for one in told] == [f"{seen} entries at {copy}"]
            assert again.audit.verify().ok


def test_forty_other_vaults_in_one_place_are_each_missed_until_that_is_accepted(kept, tmp_path):
    """Put back by turns: the log that is there extends none of what was seen between."""
    folder, old, where = kept
    newest = []
    for number in range(40):
        shutil.rmtree(folder)
        shutil.copytree(old, folder)
        with vault.open_vault(folder, PASSPHRASE, witness=where) as again:
            again.audit.record(actor="owner", act="call.view", subject=str(number))
            newest.append(again.audit.checkpoint())
    (file,) = where.glob(f"{newest[0].vault}-*.json")
    missed = json.loads(file.read_bytes())["missed"]
    assert len(missed) == 40
    assert missed[-1]["size"] >= newest[-2].size, "the newest of all that are missed is one of them"
    with vault.open_vault(folder, PASSPHRASE, witness=where) as again:
        assert not again.audit.verify().ok
        again.audit.accept_mismatch(actor="owner", reason="trials")
        assert again.audit.verify().ok


def test_forty_copies_elsewhere_are_each_told_once_and_a_newer_state_of_one_again(kept, tmp_path):
    folder, _, where = kept

    def used(place):
        with vault.open_vault(place, PASSPHRASE, witness=where) as other:
            other.audit.record(actor="owner", act="call.listen-original", subject="ab" * 16)

    def told():
        with vault.open_vault(folder, PASSPHRASE, witness=where) as again:
            return again.audit.count(AuditQuery(act="audit.elsewhere"))

    assert told() == 0
    copies = [shutil.copytree(folder, tmp_path / f"copy {number}") for number in range(40)]
    for copy in copies:
        used(copy)
    assert [told(), told()] == [40, 40]
    used(copies[0])
    assert [told(), told()] == [41, 41]


def test_a_vault_that_was_moved_is_nothing_to_tell(kept, tmp_path):
    folder, _, where = kept
    moved = folder.rename(tmp_path / "moved")
    with vault.open_vault(moved, PASSPHRASE, witness=where) as again:
        assert again.audit.count(AuditQuery(act="audit.elsewhere")) == 0
        assert again.audit.verify().ok
