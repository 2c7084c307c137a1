"""Originals that the rule destroys: when, how they stay away, and what keeps its original."""

from __future__ import annotations

import shutil

import pytest

from app.domain import (
    EVERYTHING,
    CallMetadata,
    GuardedAct,
    OriginalsRule,
    ProofOutcome,
    Scope,
)
from app.errors import (
    CallNotFound,
    DiskFull,
    NotAsKept,
    OriginalDestroyed,
    SealBroken,
    UsageError,
    VaultInDoubt,
)
from app.storage import backup_run, originals, restore, vault
from app.storage.audio import Purpose, audio_binding, place_of
from app.storage.crypto import unseal_bytes
from app.storage.database import Database
from app.storage.drill import drill
from app.storage.erasure import Erasing
from app.storage.rescue import rescue
from tests.builders import analysed_call, call_analysis, held_back_call, proof, proven_call
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_backup import WAY
from tests.unit.storage.test_erasure import _decrypted
from tests.unit.storage.test_speakers import correct

DESTROY = OriginalsRule.DESTROY.value
KEEP = OriginalsRule.KEEP_SEALED.value
CLEAN = proof(ProofOutcome.CLEAN)


def rule(opened, text):
    """Change the rule, as what was approved does."""
    with opened._database.transaction() as writing:
        opened.policy.change_within(
            writing,
            "originals",
            text,
            actor="owner",
            outcome="",
            allowed=frozenset(GuardedAct),
            reason="",
        )


def add(opened, content=b"one"):
    return opened.calls.add(content, name="a.wav", metadata=CallMetadata(), actor="ann").call.id


def saved(opened, outcome=None, content=b"one"):
    """Take in a call and keep what came of it."""
    call = add(opened, content)
    assert opened.calls.save(opened.jobs.claim("runner"), outcome or proven_call(), actor="ann")
    return call


@pytest.fixture
def destroying(opened):
    rule(opened, DESTROY)
    return opened


@pytest.fixture
def place(tmp_path):
    return tmp_path / "backup"


def files(opened, call):
    folder = opened.info.folder / "audio"
    return sorted(path.name.split(".")[1] for path in folder.rglob(f"{call}.*.sealed"))


def call_key(opened, call):
    with opened._database.reader() as reading:
        (sealed,) = reading.one(
            "SELECT sealed FROM call_keys JOIN calls ON calls.number = call WHERE id = ?", (call,)
        )
    return opened._call_keys.opened(call, sealed)


def is_kept(opened, call, content=b"one"):
    """Whether the original of a call is there, which it says in every way alike."""
    detail = opened.calls.detail(call)
    if detail.original_destroyed_at is None:
        assert opened.audio.read(call, Purpose.ORIGINAL) == content
        return True
    with pytest.raises(OriginalDestroyed, match="was destroyed on 2026-03-01"):
        opened.audio.read(call, Purpose.ORIGINAL)
    with pytest.raises(OriginalDestroyed):
        opened.jobs.retry(call, actor="ann")
    assert opened.audio.read(call, Purpose.MUTED) == proven_call().muted_audio
    assert detail.analysis is not None
    assert opened.check() == ()
    return False


# ------------------------------------------------------------------------------ when it happens


def test_without_the_rule_every_original_is_kept(opened):
    call = saved(opened)
    assert not opened.originals.destroy(call)
    assert opened.originals.destroy_due() == ()
    assert is_kept(opened, call)


def test_a_proven_call_loses_its_original_and_nothing_else(destroying):
    call = saved(destroying)
    before = destroying.calls.detail(call)
    assert destroying.originals.destroy(call)
    assert not is_kept(destroying, call)
    assert files(destroying, call) == ["muted"]
    after = destroying.calls.detail(call)
    assert (after.analysis, after.waveform) == (before.analysis, before.waveform)
    assert [hit.call for hit in destroying.search.find("complaint")] == [call]
    entry = destroying.audit.entries(limit=1)[0]
    assert (entry.actor, entry.act, entry.subject) == ("system", "call.destroy-original", call)
    assert (entry.outcome, entry.reason) == ("ok", "")
    assert destroying.audit.verify().ok
    assert not destroying.originals.destroy(call)


def test_its_key_is_another_one_and_the_file_put_back_opens_for_nobody(destroying):
    call = saved(destroying)
    path = place_of(destroying.info.folder, call, Purpose.ORIGINAL)
    sealed, old = path.read_bytes(), call_key(destroying, call)
    assert unseal_bytes(sealed, old, audio_binding(call, Purpose.ORIGINAL)) == b"one"
    destroying.originals.destroy(call)
    path.write_bytes(sealed)
    with pytest.raises(OriginalDestroyed):
        destroying.audio.read(call, Purpose.ORIGINAL)
    with destroying._database.transaction() as writing:  # and named again, with tools
        values = (sealed[8:40],)
        writing.change("INSERT INTO audio VALUES (1, 'original', ?, 3)", values)
    with pytest.raises(SealBroken):
        destroying.audio.read(call, Purpose.ORIGINAL)
    assert call_key(destroying, call) != old


def test_no_page_of_the_vault_holds_the_key_before(destroying):
    call = saved(destroying)
    with destroying._database.reader() as reading:
        sealed = bytes(reading.one("SELECT sealed FROM call_keys")[0])
    assert sealed in _decrypted(destroying)
    destroying.originals.destroy(call)
    assert sealed not in _decrypted(destroying)
    with destroying._database.reader() as reading:
        assert bytes(reading.one("SELECT sealed FROM call_keys")[0]) in _decrypted(destroying)


def test_a_copy_from_before_an_upgrade_goes_too(destroying, folder):
    call = saved(destroying)
    (folder / "backups").mkdir()
    older = folder / "backups" / "before-step-2.db"
    older.write_bytes(b"with its key")
    destroying.originals.destroy(call)
    assert not older.exists()


@pytest.mark.parametrize(
    "outcome",
    [
        held_back_call(),
        analysed_call(),
        analysed_call(analysis=call_analysis(proof=CLEAN), muted_audio=b""),
    ],
    ids=["held back", "not heard again", "without sound"],
)
def test_what_is_not_proven_keeps_its_original(destroying, outcome):
    call = saved(destroying, outcome)
    assert destroying.originals.destroy_due() == ()
    assert not destroying.originals.destroy(call)
    assert is_kept(destroying, call)


@pytest.mark.parametrize("silence", [False, True])
def test_a_call_that_was_held_back_loses_it_once_it_is_released_with_its_sound(destroying, silence):
    call = saved(destroying, held_back_call())
    destroying.calls.release(call, actor="ann", scope=EVERYTHING, reason="heard", silence=silence)
    assert destroying.originals.destroy(call) is not silence
    assert is_kept(destroying, call) is silence


def test_a_call_on_hold_keeps_it_until_the_hold_ends(destroying):
    call = saved(destroying)
    destroying.holds.place(call, "asked for", actor="ann", scope=EVERYTHING)
    assert destroying.originals.destroy_due() == ()
    assert not destroying.originals.destroy(call)
    assert is_kept(destroying, call)
    with destroying._database.transaction() as writing:
        destroying.holds.end_within(
            writing, call, actor="ann", scope=EVERYTHING, reason="over", outcome="ok"
        )
    assert destroying.originals.destroy_due() == (call,)
    assert not is_kept(destroying, call)


def test_a_call_that_waits_or_failed_keeps_it(destroying):
    call = saved(destroying)
    destroying.jobs.retry(call, actor="ann")
    assert not destroying.originals.destroy(call)
    destroying.jobs.cancel(call, actor="ann")
    assert destroying.originals.destroy_due() == ()
    assert is_kept(destroying, call)


def test_where_the_rule_is_to_keep_them_again_those_that_wait_are_kept(destroying):
    call = saved(destroying)
    destroying.holds.place(call, "asked for", actor="ann", scope=EVERYTHING)
    rule(destroying, KEEP)
    rule(destroying, DESTROY)
    with destroying._database.transaction() as writing:
        writing.change("DELETE FROM holds")
    assert destroying.originals.destroy_due() == ()
    assert is_kept(destroying, call)


def test_a_corrected_call_keeps_its_correction(destroying):
    call = saved(destroying)
    correct(destroying, call)
    before = destroying.calls.detail(call)
    assert before.speakers is not None
    assert destroying.originals.destroy(call)
    after = destroying.calls.detail(call)
    assert (after.analysis, after.speakers) == (before.analysis, before.speakers)
    assert destroying.check() == ()


def test_while_the_vault_is_in_doubt_nothing_is_destroyed(destroying, monkeypatch):
    call = saved(destroying)
    monkeypatch.setattr(destroying.trust, "doubt", lambda **_: VaultInDoubt("an older state"))
    assert destroying.originals.destroy_due() == ()
    assert is_kept(destroying, call)
    monkeypatch.undo()
    assert destroying.originals.destroy_due() == (call,)


# ----------------------------------------------------------------------- what is damaged or full


def test_muted_sound_that_is_not_as_it_was_kept_costs_no_original(destroying):
    call = saved(destroying)
    path = place_of(destroying.info.folder, call, Purpose.MUTED)
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert destroying.originals.destroy_due() == ()
    path.unlink()
    assert not destroying.originals.destroy(call)
    assert destroying.audio.read(call, Purpose.ORIGINAL) == b"one"
    path.write_bytes(whole)
    assert destroying.originals.destroy(call)


def test_what_was_written_is_read_back_before_the_original_goes(destroying, monkeypatch):
    call = saved(destroying)

    def broken(*_):
        raise SealBroken("not what was written")

    monkeypatch.setattr(destroying.audio, "proven", broken)
    assert not destroying.originals.destroy(call)
    monkeypatch.undo()
    assert is_kept(destroying, call)
    assert destroying.audio.read(call, Purpose.MUTED) == proven_call().muted_audio
    assert files(destroying, call) == ["muted", "original"]


def test_on_a_full_disk_it_stays_and_goes_later(destroying, monkeypatch):
    call = saved(destroying)

    def full(*_args, **_):
        raise DiskFull("The disk is full.")

    monkeypatch.setattr(destroying.audio, "write", full)
    assert destroying.originals.destroy_due() == ()
    monkeypatch.undo()
    assert destroying.originals.destroy_due() == (call,)


def test_what_is_analysed_meanwhile_is_left_for_the_next_time(destroying, monkeypatch):
    call = saved(destroying)
    read = destroying.audio.read

    def slow(*args, **named):
        found = read(*args, **named)
        monkeypatch.undo()
        destroying.jobs.retry(call, actor="ann")
        again = proven_call(muted_audio=b"muted better")
        destroying.calls.save(destroying.jobs.claim("runner"), again, actor="ann")
        return found

    monkeypatch.setattr(destroying.audio, "read", slow)
    assert not destroying.originals.destroy(call)
    assert destroying.audio.read(call, Purpose.MUTED) == b"muted better"
    assert destroying.originals.destroy(call)
    assert destroying.audio.read(call, Purpose.MUTED) == b"muted better"


def test_a_file_that_cannot_be_removed_is_removed_at_the_next_opening(
    destroying, folder, monkeypatch
):
    call = saved(destroying)

    def refused(*_):
        raise DiskFull("no")

    monkeypatch.setattr(destroying.audio, "remove", refused)
    assert destroying.originals.destroy(call)
    assert files(destroying, call) == ["muted", "original"]
    destroying.close()
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert files(again, call) == ["muted"]


def test_what_a_killed_program_left_is_done_at_the_next_sign_in(destroying, folder):
    call = saved(destroying)  # and killed before the original went
    destroying.close()
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert files(again, call) == ["muted"]
        assert again.calls.detail(call).original_destroyed_at is not None


def test_who_changes_what_is_destroyed_with_a_tool_is_found(destroying):
    call = saved(destroying)
    destroying.originals.destroy(call)
    tool = Database(destroying.info.folder / "vault.db", destroying._database._key)
    with tool.transaction() as writing:
        writing.change("DELETE FROM originals")
    tool.close()
    assert "which originals are destroyed" in " ".join(destroying.check())
    with pytest.raises(CallNotFound):
        destroying.audio.read(call, Purpose.ORIGINAL)


# ------------------------------------------------------------------------------- earlier calls


def _earlier(opened, moment="2026-03-01T09:00:02.000Z", scope=EVERYTHING):
    with opened._database.transaction() as writing:
        return opened.originals.earlier_within(writing, moment, scope=scope)


def test_calls_from_before_the_rule_are_destroyed_by_an_act_of_their_own(opened, clock):
    calls = [saved(opened, content=bytes([number])) for number in range(25)]
    unproven = saved(opened, analysed_call(), b"other")
    rule(opened, DESTROY)
    clock.move(1)
    later = saved(opened, content=b"later")
    assert opened.originals.destroy_due() == (later,)
    clock.move(1)
    state = opened.originals.state(scope=EVERYTHING)
    assert (state.rule, state.destroyed, state.due, state.earlier) == (DESTROY, 1, 0, 26)
    assert opened.originals.state(scope=Scope(limited=True)).earlier == 0
    assert _earlier(opened, scope=Scope(limited=True)) == 0
    assert _earlier(opened) == 26
    assert opened.originals.state(scope=EVERYTHING).due == 26
    told = []
    stopped = iter([False] * 3 + [True])
    first = opened.originals.destroy_due(progress=told.append, stop=lambda: next(stopped))
    assert first == tuple(calls[:3])
    assert [(one.done, one.total) for one in told] == [(0, 26), (1, 26), (2, 26)]
    assert opened.originals.destroy_due() == tuple(calls[3:])
    state = opened.originals.state(scope=EVERYTHING)
    assert (state.destroyed, state.due) == (26, 0)  # what nobody heard again is not tried again
    assert is_kept(opened, unproven, b"other")
    assert not is_kept(opened, calls[0])


def test_where_the_rule_is_to_keep_them_nobody_destroys_earlier_ones(opened):
    saved(opened)
    with pytest.raises(UsageError, match="keep originals"):
        _earlier(opened)


# ------------------------------------------------------------------------------------- backups


def _restored(place, folder, **options):
    restore.restore(place, folder, WAY, **options)
    return vault.open_vault(folder, PASSPHRASE)


def test_a_backup_made_since_has_no_original(destroying, place, tmp_path):
    call = saved(destroying)
    destroying.backups.make(place, actor="ann")
    destroying.originals.destroy(call)
    destroying.backups.make(place, actor="ann")
    assert not list(place.rglob("*.original.*"))
    assert destroying.backups.check(place).problems == ()
    with _restored(place, tmp_path / "new") as again:
        assert not is_kept(again, call)
        assert files(again, call) == ["muted"]


def test_an_older_copy_of_the_rest_does_not_open_with_the_new_key_file(destroying, place, tmp_path):
    keys, older = tmp_path / "keys", tmp_path / "older"
    call, other = saved(destroying), saved(destroying, held_back_call(), b"two")
    destroying.backups.make(place, actor="ann", keys_to=keys)
    shutil.copytree(place, older)
    destroying.originals.destroy(call)
    destroying.backups.make(place, actor="ann", keys_to=keys)
    assert destroying.backups.check(older, keys_from=keys).problems == ()
    report = restore.restore(older, tmp_path / "new", WAY, keys_from=keys)
    assert (report.calls, report.without_key) == (1, (call,))
    with vault.open_vault(tmp_path / "new", PASSPHRASE) as again:
        assert again.audio.read(other, Purpose.ORIGINAL) == b"two"
        with pytest.raises(CallNotFound):
            again.calls.detail(call)


def test_a_complete_older_copy_comes_back_without_it_by_the_list(destroying, place, tmp_path):
    call = saved(destroying)
    destroying.backups.make(place, actor="ann")
    destroying.originals.destroy(call)
    named = tmp_path / "erased"
    destroying.backups.write_erased_list(named, actor="ann")
    with _restored(place, tmp_path / "new", erased_list=named) as again:
        assert not is_kept(again, call)
        assert files(again, call) == ["muted"]


def test_killed_between_key_file_and_manifest_the_backup_before_is_whole(
    destroying, place, tmp_path, monkeypatch
):
    call = saved(destroying)
    destroying.backups.make(place, actor="ann")
    destroying.originals.destroy(call)
    write = backup_run.files.write_atomic

    def killed(path, content):
        if path.name == "backup.json":
            raise DiskFull("stopped here")
        write(path, content)

    monkeypatch.setattr(backup_run.files, "write_atomic", killed)
    with pytest.raises(DiskFull):
        destroying.backups.make(place, actor="ann")
    monkeypatch.undo()
    assert destroying.backups.check(place).problems == ()
    with _restored(place, tmp_path / "new") as again:
        assert not is_kept(again, call)
    destroying.backups.make(place, actor="ann")
    assert not (place / "keys.previous.sealed").exists()


@pytest.mark.parametrize("rotated", [False, True])
def test_a_call_that_is_damaged_since_stays_in_the_backup_without_its_original(
    destroying, place, tmp_path, folder, rotated
):
    call = saved(destroying)
    destroying.backups.make(place, actor="ann")
    destroying.originals.destroy(call)
    if rotated:
        destroying.ways_in.rotate(actor="owner")
        destroying.close()
        destroying = vault.open_vault(folder, PASSPHRASE)
    with destroying._database.transaction() as writing:
        writing.change("UPDATE analyses SET analysis = zeroblob(100)")
    report = destroying.backups.make(place, actor="ann")
    assert report.damaged == (call,)
    assert not list(place.rglob("*.original.*"))
    destroying.close()
    with _restored(place, tmp_path / "new") as again:
        assert not is_kept(again, call)
        assert files(again, call) == ["muted"]


def test_a_drill_finds_all_well(destroying, place, tmp_path):
    call = saved(destroying)
    destroying.backups.make(place, actor="ann")
    assert drill(place, tmp_path / "a", WAY).problems == ()  # it destroys nothing itself
    destroying.originals.destroy(call)
    destroying.backups.make(place, actor="ann")
    assert drill(place, tmp_path / "b", WAY).problems == ()


def test_a_rescue_saves_the_call_without_it(destroying, tmp_path, folder):
    call = saved(destroying)
    destroying.originals.destroy(call)
    destroying.close()
    report = rescue(folder, tmp_path / "new", WAY)
    assert (report.saved, report.lost, report.without_recording) == ((call,), (), ())
    with vault.open_vault(tmp_path / "new", PASSPHRASE) as again:
        assert not is_kept(again, call)


def test_erasing_such_a_call_erases_all_of_it(destroying):
    call = saved(destroying)
    destroying.originals.destroy(call)
    with destroying._database.transaction() as writing:
        how = Erasing(actor="ann", scope=EVERYTHING, reason="")
        destroying.calls.erasure.within(writing, call, how)
    destroying.calls.erasure.finish()
    assert files(destroying, call) == []
    with destroying._database.reader() as reading:
        assert originals.destroyed_at(reading, 1) is None


def test_who_does_not_see_a_call_learns_nothing_of_its_original(destroying):
    call = saved(destroying)
    destroying.originals.destroy(call)
    with pytest.raises(CallNotFound):
        destroying.audio.read(call, Purpose.ORIGINAL, scope=Scope(limited=True))


def test_another_analysis_in_its_place_is_told_and_destroys_nothing(destroying):
    call = saved(destroying)
    with destroying._database.transaction() as writing:
        writing.change("UPDATE analyses SET waveform = zeroblob(9)")
    with pytest.raises(NotAsKept):
        destroying.calls.detail(call)
    assert not destroying.originals.destroy(call)
