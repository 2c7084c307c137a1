"""Sealed recordings: whole, in their place and the newest, or refused."""

from __future__ import annotations

import os
import shutil

import pytest

from app.domain import CallId, CallMetadata
from app.errors import CallNotFound, DiskFull, FolderReadOnly, SealBroken, StorageError
from app.storage import vault
from app.storage.audio import Purpose
from app.storage.crypto import CHUNK_BYTES
from tests.builders import analysed_call
from tests.unit.storage.conftest import PASSPHRASE

BIG = os.urandom(2 * CHUNK_BYTES + 77)


def _add(opened, content):
    added = opened.calls.add(content, name="x.wav", metadata=CallMetadata(), actor="ann")
    return added.call.id


def _analyse(opened, muted=b"fLaC muted"):
    lease = opened.jobs.claim("runner")
    assert opened.calls.save(lease, analysed_call(muted_audio=muted), actor="ann")
    return lease.call.id


def _file(opened, call, purpose=Purpose.ORIGINAL):
    return opened.info.folder / "audio" / call[:2] / f"{call}.{purpose}.sealed"


def _all_files(opened):
    return sorted(p for p in (opened.info.folder / "audio").rglob("*") if p.is_file())


def test_audio_comes_back_as_it_was_given(opened):
    call = _add(opened, BIG)
    assert opened.audio.read(call, Purpose.ORIGINAL) == BIG
    sizes = [len(chunk) for chunk in opened.audio.chunks(call, Purpose.ORIGINAL)]
    assert sizes == [CHUNK_BYTES, CHUNK_BYTES, 77]
    assert _all_files(opened) == [_file(opened, call)]
    assert _file(opened, call).stat().st_mode & 0o777 == 0o600


def test_what_is_not_there_is_not_found(opened):
    call = _add(opened, b"x")
    for wanted, purpose in ((call, Purpose.MUTED), (CallId("0" * 32), Purpose.ORIGINAL)):
        with pytest.raises(CallNotFound):
            opened.audio.read(wanted, purpose)


@pytest.mark.parametrize("at", [0, 7, 20, 60, CHUNK_BYTES + 100, -1])
def test_a_changed_byte_is_refused(opened, at):
    call = _add(opened, BIG)
    path = _file(opened, call)
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(SealBroken):
        opened.audio.read(call, Purpose.ORIGINAL)
    assert opened.check() == (f"the original recording of call {call} is missing or broken",)


def test_a_cut_a_removed_and_a_grown_file_are_refused(opened):
    call = _add(opened, BIG)
    path = _file(opened, call)
    content = path.read_bytes()
    for changed in (content[: CHUNK_BYTES + 56], content[:-1], content + b"x", b""):
        path.write_bytes(changed)
        with pytest.raises(SealBroken):
            opened.audio.read(call, Purpose.ORIGINAL)
    path.unlink()
    with pytest.raises(SealBroken, match="missing"):
        opened.audio.read(call, Purpose.ORIGINAL)


def test_files_swapped_between_calls_and_purposes_are_refused(opened):
    one, two = _add(opened, b"one"), _add(opened, b"two")
    analysed = _analyse(opened)
    assert analysed == one
    original, muted, other = (
        _file(opened, one),
        _file(opened, one, Purpose.MUTED),
        _file(opened, two),
    )
    kept = {path: path.read_bytes() for path in (original, muted, other)}
    for path, content in (
        (original, kept[muted]),
        (muted, kept[original]),
        (other, kept[original]),
    ):
        path.write_bytes(content)
    for call, purpose in (
        (one, Purpose.ORIGINAL),
        (one, Purpose.MUTED),
        (two, Purpose.ORIGINAL),
    ):
        with pytest.raises(SealBroken):
            opened.audio.read(call, purpose)


def test_a_swap_is_refused_even_by_who_changes_the_database_too(opened, database):
    """The mark is only the first fence: the seal itself is bound to call and purpose."""
    one, two = _add(opened, b"one"), _add(opened, b"two")
    shutil.copy(_file(opened, one), _file(opened, two))
    with database.transaction() as writing:
        writing.change("UPDATE audio SET mark = (SELECT mark FROM audio WHERE call = 1)")
    with pytest.raises(SealBroken):
        opened.audio.read(two, Purpose.ORIGINAL)


def test_an_older_recording_of_the_same_call_is_refused(opened):
    call = _add(opened, b"one")
    _analyse(opened, b"first, not well muted")
    path = _file(opened, call, Purpose.MUTED)
    older = path.read_bytes()
    opened.jobs.retry(call, actor="ann")
    _analyse(opened, b"second, well muted")
    assert opened.audio.read(call, Purpose.MUTED) == b"second, well muted"
    path.write_bytes(older)
    with pytest.raises(SealBroken, match="not the newest"):
        opened.audio.read(call, Purpose.MUTED)


def test_destroying_the_key_of_a_call_destroys_all_that_is_sealed_for_it(opened, database):
    call = _add(opened, b"one")
    _analyse(opened)
    with database.transaction() as writing:
        writing.change("DELETE FROM call_keys")
    for purpose in Purpose:
        with pytest.raises(CallNotFound):
            opened.audio.read(call, purpose)
    with pytest.raises(CallNotFound):
        opened.calls.detail(call)


def test_a_result_without_audio_keeps_none(opened):
    call = _add(opened, b"one")
    _analyse(opened, b"")
    with pytest.raises(CallNotFound):
        opened.audio.read(call, Purpose.MUTED)
    assert _all_files(opened) == [_file(opened, call)]


def _reopened(opened, clock):
    opened.close()
    return vault.open_vault(opened.info.folder, PASSPHRASE, clock=clock)


def test_a_file_that_was_named_but_not_moved_is_read_and_moved_at_opening(
    opened, clock, monkeypatch
):
    monkeypatch.setattr(opened.audio, "settle", lambda _: None)
    call = _add(opened, b"one")
    assert opened.audio.read(call, Purpose.ORIGINAL) == b"one"
    assert not _file(opened, call).exists()
    with _reopened(opened, clock) as again:
        assert again.recovered.removed_files == 0
        assert _all_files(again) == [_file(again, call)]
        assert again.audio.read(call, Purpose.ORIGINAL) == b"one"


def test_a_disk_that_refuses_the_last_move_loses_nothing(opened, clock, monkeypatch):
    def full(*_):
        raise DiskFull("full")

    with monkeypatch.context() as refusing:
        refusing.setattr("app.storage.files.move", full)
        call = _add(opened, b"one")
        assert _analyse(opened) == call
    assert opened.audio.read(call, Purpose.ORIGINAL) == b"one"
    assert opened.check() == ()
    with _reopened(opened, clock) as again:
        assert _all_files(again) == sorted(_file(again, call, purpose) for purpose in Purpose)


def test_a_newer_recording_that_was_not_moved_wins_over_the_older(opened, clock, monkeypatch):
    call = _add(opened, b"one")
    _analyse(opened, b"first")
    opened.jobs.retry(call, actor="ann")
    monkeypatch.setattr(opened.audio, "settle", lambda _: None)
    _analyse(opened, b"second")
    assert opened.audio.read(call, Purpose.MUTED) == b"second"
    with _reopened(opened, clock) as again:
        assert again.audio.read(call, Purpose.MUTED) == b"second"
        assert len(_all_files(again)) == 2


def test_files_that_nobody_named_are_removed_at_opening(opened, clock):
    call = _add(opened, b"one")
    incoming = opened.info.folder / "audio" / "incoming"
    opened.audio.write(call, Purpose.MUTED, bytes(32), [b"begun"])
    for name in ("junk", f"{call}.original.{'0' * 64}.sealed", "a.b.c.d.e"):
        (incoming / name).write_bytes(b"x")
    with _reopened(opened, clock) as again:
        assert again.recovered.removed_files == 4
        assert _all_files(again) == [_file(again, call)]


def test_a_vault_folder_that_leads_elsewhere_is_refused(opened, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (opened.info.folder / "audio").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StorageError, match="leads out"):
        _add(opened, b"one")
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_recording_that_cannot_be_opened_is_trouble_with_the_disk(opened):
    call = _add(opened, b"one")
    path = _file(opened, call)
    path.unlink()
    path.mkdir()
    with pytest.raises((StorageError, FolderReadOnly)):
        opened.audio.read(call, Purpose.ORIGINAL)


def test_every_sealed_recording_differs_though_the_sound_is_the_same(opened):
    calls = [_add(opened, b"one"), _add(opened, b"two")]
    for _ in calls:
        _analyse(opened, b"same silence")
    files = {_file(opened, call, Purpose.MUTED).read_bytes() for call in calls}
    assert len(files) == 2
