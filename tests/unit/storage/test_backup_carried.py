"""The last good copy of a damaged call, which a backup from before a change of keys has: the next
backup takes it over, or is not made in its place."""

from __future__ import annotations

import shutil

import pytest

from app.domain import PersonRole
from app.errors import BackupInvalid
from app.storage import backup_check, backup_format, header, restore, vault
from app.storage.audio import Purpose
from app.storage.keys import LOWEST_COST, VaultKey
from app.storage.way import Way
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added
from tests.unit.storage.test_backup import WAY, add, contents, made, tree
from tests.unit.storage.test_backup_keys import (
    SECOND,
    _Ended,
    _interrupted,
    changed,
    flip,
    recording,
)
from tests.unit.storage.test_rotation_damage import _broken, _flip, _pages_of


@pytest.fixture
def place(tmp_path):
    return tmp_path / "backup"


def _reopened(folder, **options):
    return vault.open_vault(folder, PASSPHRASE, **options)


def _rotated(opened, folder, *, person=""):
    """Change the vault's keys and nobody's passphrase; returns the vault anew."""
    before = opened._header.key.secret_bytes()
    opened.ways_in.rotate(actor="owner")
    opened.close()
    later = _reopened(folder, name=person)
    assert later._header.key.secret_bytes() != before
    assert later._header.now.rotation is None
    return later


def _damaged(opened, folder, name):
    """Damage a page of a table, with what it keeps of some calls; returns the vault anew."""
    opened._database.checkpoint()
    key = VaultKey(opened.info.id, opened._key.secret_bytes())
    opened.close()
    _flip(folder, *_pages_of(folder, key, name))
    return _reopened(folder)


def _expect_all(place, tmp_path, before, way=WAY, **options):
    again = tmp_path / "again"
    restore.restore(place, again, way, **options)
    with vault.open_vault(again, way.passphrase, name=way.name) as back:
        assert contents(back) == before
        assert back.check() == ()
    shutil.rmtree(again)


@pytest.mark.parametrize("apart", [False, True])
@pytest.mark.parametrize("name", ["audio", "analyses", "flags", "call_keys"])
def test_a_call_that_the_vault_lost_is_taken_over_whole(
    opened, folder, place, tmp_path, name, apart
):
    keys_to = tmp_path / "keys" if apart else place
    calls = [add(opened, b"%d" % number * 50) for number in range(3)]
    made(opened, place, keys_to=keys_to)
    before = contents(opened)
    if name == "call_keys":  # a table of one page: no key of any call could be changed
        later = _damaged(_rotated(opened, folder), folder, name)
    else:
        later = _rotated(_damaged(opened, folder, name), folder)
    with later:
        for _ in range(2):
            report = later.backups.make(place, actor="ann", keys_to=keys_to)
            assert (report.calls, set(report.damaged)) == (3, set(calls))
            assert later.backups.check(place, keys_from=keys_to).problems == ()
    assert not (keys_to / "keys.previous.sealed").exists()
    _expect_all(place, tmp_path, before, keys_from=keys_to)


def test_a_call_whose_key_is_lost_is_taken_over_with_its_key(opened, folder, place, tmp_path):
    add(opened)
    add(opened, b"two")
    made(opened, place)
    before = contents(opened)
    call, _ = _broken(opened, 2)
    with _rotated(opened, folder) as later:
        for _ in range(2):
            assert later.backups.make(place, actor="ann").damaged == (call,)
        assert later.backups.check(place).problems == ()
    _expect_all(place, tmp_path, before)


def test_after_several_changes_of_keys_it_is_taken_over_each_time(opened, folder, place, tmp_path):
    add(opened)
    add(opened, b"two")
    made(opened, place)
    before = contents(opened)
    later, (call, _) = opened, _broken(opened, 1)
    for _ in range(2):
        later = _rotated(later, folder)
        later = _rotated(later, folder)
        assert later.backups.make(place, actor="ann").damaged == (call,)
    later.close()
    _expect_all(place, tmp_path, before)


def test_a_recording_that_is_damaged_in_the_backup_too_costs_the_rest_nothing(
    opened, folder, place, tmp_path
):
    add(opened)
    call = add(opened, b"two")
    made(opened, place)
    flip(recording(place, call, "muted"))
    _broken(opened, 2)
    with _rotated(opened, folder) as later:
        assert later.backups.make(place, actor="ann").damaged == (call,)
        assert later.backups.check(place).problems == (
            f"the muted recording of call {call} was damaged in the vault",
        )
    restore.restore(place, tmp_path / "again", WAY)
    with _reopened(tmp_path / "again") as back:
        assert back.audio.read(call, Purpose.ORIGINAL) == b"two"


def test_a_record_that_is_damaged_in_the_backup_too_is_not_taken_over(opened, folder, place):
    add(opened)
    call = add(opened, b"two")
    made(opened, place)
    (path,) = (place / "calls").rglob(f"{call}.*")
    flip(path)
    _broken(opened, 2)
    with _rotated(opened, folder) as later:
        report = later.backups.make(place, actor="ann")
        assert (report.calls, report.damaged) == (1, (call,))
        assert path.exists()
        new, _ = _broken(later, 1)
        assert later.backups.make(place, actor="ann").damaged == tuple(sorted({call, new}))


def test_a_call_that_is_new_and_damaged_is_named_and_the_others_are_taken_over(
    opened, folder, place
):
    old = add(opened)
    made(opened, place)
    _broken(opened, 1)
    new = add(opened, b"new")
    _broken(opened, 2)
    with _rotated(opened, folder) as later:
        report = later.backups.make(place, actor="ann")
        assert (report.calls, report.damaged) == (1, tuple(sorted((old, new))))


def test_what_an_older_backup_says_of_a_whole_call_is_not_believed(opened, folder, place, tmp_path):
    """Who was shut out may know the vault key of then."""
    call = add(opened)
    made(opened, place)
    (path,) = (place / "calls").rglob(f"{call}.*")
    found, key = opened._header.now, VaultKey(opened.info.id, opened._key.secret_bytes())
    envelope = backup_format.read_envelope(place / "backup.json", "manifest")
    manifest = backup_format.opened_body(envelope, key, backup_format.Manifest)
    path.write_bytes(b"forged")
    one = manifest.calls[call]
    forged = type(one)(
        generation=one.generation,
        marker=one.marker,
        size=6,
        sha256=backup_format.hashlib.sha256(b"forged").digest(),
        audio=one.audio,
    )
    manifest = type(manifest)(
        made_at=manifest.made_at, database=manifest.database, calls={call: forged}
    )
    content = backup_format.enveloped("manifest", found, envelope.generation, manifest, key)
    (place / "backup.json").write_bytes(content)
    before = contents(opened)
    with _rotated(opened, folder) as later:
        made(later, place)
    _expect_all(place, tmp_path, before)


# ------------------------------------------------------------- where it does not open any more


def test_a_backup_that_alone_has_a_call_and_opens_no_more_is_left_alone(
    opened, folder, place, tmp_path
):
    add(opened)
    call = add(opened, b"two")
    made(opened, place)
    before, files = contents(opened), tree(place)
    _broken(opened, 2)
    with changed(opened, folder, SECOND) as later:
        for _ in range(2):
            with pytest.raises(BackupInvalid, match=f"Call {call} is damaged") as caught:
                later.backups.make(place, actor="ann")
        assert "another folder" in caught.value.advice
        assert files.items() <= tree(place).items()
        assert later.backups.make(tmp_path / "other", actor="ann").damaged == (call,)
    _expect_all(place, tmp_path, before)


def test_somebody_whose_passphrase_is_as_it_was_takes_it_over(opened, folder, place, tmp_path):
    added(opened, "bea", PersonRole.ADMINISTRATOR)
    add(opened)
    call = add(opened, b"two")
    made(opened, place)
    before = contents(opened)
    _broken(opened, 2)
    with (
        changed(opened, folder, SECOND) as later,
        pytest.raises(BackupInvalid, match=f"Call {call} is damaged"),
    ):
        later.backups.make(place, actor="owner")
    with vault.open_vault(folder, OTHER, name="bea") as later:
        assert later.backups.make(place, actor="bea").damaged == (call,)
    _expect_all(place, tmp_path, before, Way(passphrase=SECOND, name="owner"))


def test_without_damage_a_backup_that_opens_no_more_is_made_anew(opened, folder, place):
    add(opened)
    made(opened, place)
    with changed(opened, folder, SECOND) as later:
        made(later, place)
        assert later.backups.check(place).problems == ()


def test_an_erased_call_is_not_taken_over(opened, folder, place):
    add(opened)
    gone = add(opened, b"two")
    made(opened, place)
    _broken(opened, 1)
    opened.calls.erase(gone, actor="ann")
    with _rotated(opened, folder) as later:
        later.backups.make(place, actor="ann")
        found = later.backups.check(place)
        assert (found.calls, found.problems) == (1, ())
    assert not [name for name in tree(place) if gone in name]


# --------------------------------------------------------------------------- ended in the middle


@pytest.mark.parametrize("apart", [False, True])
def test_wherever_a_backup_ends_the_last_copy_is_there(
    opened, folder, tmp_path, monkeypatch, apart
):
    place = tmp_path / "backup"
    keys_to = tmp_path / "keys" if apart else place
    add(opened)
    call = add(opened, b"two")
    made(opened, place, keys_to=keys_to)
    _broken(opened, 2)
    folders = {place, keys_to}
    for one in folders:
        shutil.copytree(one, tmp_path / "kept" / one.name)

    def back_to_the_first():
        for one in folders:
            shutil.rmtree(one)
            shutil.copytree(tmp_path / "kept" / one.name, one)

    with _rotated(opened, folder) as later:
        steps = _interrupted(later, place, keys_to, monkeypatch, 0, _Ended())
        for last in (*range(1, steps - 24, 15), *range(steps - 24, steps + 1, 3)):
            back_to_the_first()
            assert _interrupted(later, place, keys_to, monkeypatch, last, _Ended()) == 0
            assert _whole(place, keys_to) == 2
            if last % 2:  # ended twice in a row
                _interrupted(later, place, keys_to, monkeypatch, last // 2 + 1, _Ended())
                assert _whole(place, keys_to) == 2
            report = later.backups.make(place, actor="ann", keys_to=keys_to)
            assert (report.damaged, _whole(place, keys_to)) == ((call,), 2)


def _whole(place, keys_to):
    found = backup_format.opened(place, WAY.unlock, again=WAY.unlock_again, keys_from=keys_to)
    report = backup_check.checked(found, progress=lambda _: None)
    assert report.problems == ()
    return report.calls


# ------------------------------------------------------------------------- the way to the key


def test_the_earlier_key_is_that_of_who_is_signed_in(opened, folder):
    earlier = opened._header.now
    assert opened.ways_in.earlier_key(earlier) is None  # made, and nobody typed a passphrase yet
    old = opened._header.key.secret_bytes()
    with _rotated(opened, folder) as later:
        assert later.ways_in.earlier_key(earlier).secret_bytes() == old
        forged = header.with_next_keys(earlier, later._header.key)
        assert later.ways_in.earlier_key(forged) is None
        later.people.set_passphrase("owner", SECOND, actor="owner", cost=LOWEST_COST)
    with vault.open_vault(folder, SECOND) as later:
        assert later.ways_in.earlier_key(earlier) is None


def test_another_vault_gives_no_earlier_key(opened, folder, tmp_path):
    opened.close()
    with (
        vault.create(tmp_path / "other", PASSPHRASE, cost=LOWEST_COST) as other,
        _reopened(folder) as again,
    ):
        assert again.ways_in.earlier_key(other._header.now) is None
