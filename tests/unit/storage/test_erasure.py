"""Erasing a call: nothing of it is left to read, and it does not come back unnoticed."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from sqlcipher3 import dbapi2

from app.domain import EVERYTHING, CallMetadata, Failure, Role
from app.errors import CallNotFound, OnHold, RecordingErased, StorageError
from app.storage import erasure, files, vault
from app.storage.audio import Purpose
from app.storage.calls import Taking
from app.storage.erasure import Erasing
from tests.builders import analysed_call, call_analysis, transcript, turn
from tests.unit.storage.conftest import PASSPHRASE

PAGE, RESERVED = 4096, 80
WORD = "zanzibarquokka"
KEPT = "complaint"
GIVEN = CallMetadata(agent="agnesquill", queue="queuefennel", customer_reference="refmarzipan")
SECRETS = (WORD, "agnesquill", "queuefennel", "refmarzipan", "namesaffron", "flagtarragon")


def _add(opened, content=b"one", **metadata):
    given = replace(GIVEN, **metadata)
    return opened.calls.add(content, name="namesaffron.wav", metadata=given, actor="ann").call


def _spoken(word):
    said = transcript()
    turns = (*said.turns, turn(4, Role.CUSTOMER, f"the {word} was here", 12_000))
    flag = replace(call_analysis().flags[0], label="flagtarragon", title="flagtarragon")
    return analysed_call(
        analysis=call_analysis(transcript=replace(said, turns=turns), flags=(flag,))
    )


def _analyse(opened, outcome):
    return opened.calls.save(opened.jobs.claim("runner"), outcome, actor="ann")


def _decrypted(opened):
    """Return every page of the database and of its write-ahead log, opened as documented."""
    key = opened._database._key
    path = opened.info.folder / "vault.db"
    plain = b""
    content = path.read_bytes()
    for start in range(0, len(content), PAGE):
        page = content[start : start + PAGE]
        plain += _page(key, page[16:] if start == 0 else page)
    log = path.with_name("vault.db-wal").read_bytes()
    for start in range(32, len(log), 24 + PAGE):
        frame = log[start + 24 : start + 24 + PAGE]
        number = int.from_bytes(log[start : start + 4], "big")
        plain += _page(key, frame[16:] if number == 1 else frame)
    return plain


def _page(key, page):
    body, vector = page[:-RESERVED], page[-RESERVED : 16 - RESERVED]
    opener = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    return opener.update(body[: len(body) // 16 * 16])


def _sealed_files(opened):
    return sorted(p.name for p in (opened.info.folder / "audio").rglob("*") if p.is_file())


def _left(plain):
    return {secret for secret in SECRETS if secret.encode() in plain.lower()}


def test_no_page_holds_anything_of_an_erased_call(opened):
    other = opened.calls.add(b"two", name="b.wav", metadata=CallMetadata(), actor="ann").call
    _analyse(opened, analysed_call())
    call = _add(opened)
    _analyse(opened, _spoken(WORD))
    before = _decrypted(opened)
    assert _left(before) == set(SECRETS)
    with opened._database.reader() as reading:
        sealed = bytes(reading.one("SELECT sealed FROM call_keys ORDER BY call DESC LIMIT 1")[0])
    assert sealed in before
    opened.calls.erase(call.id, actor="ann", reason="asked for")
    after = _decrypted(opened)
    assert _left(after) == set()
    assert sealed not in after
    assert call.digest.encode() not in after
    assert bytes.fromhex(call.digest) not in after
    assert KEPT.encode() in after
    assert [hit.call for hit in opened.search.find(KEPT)] == [other.id]
    assert opened.search.find(WORD) == ()
    assert opened.check() == ()


def test_of_many_calls_with_many_words_no_word_of_the_erased_ones_is_left(opened):
    """The index of words has names of pages, too: they must not keep a word either."""
    words = {}
    for number in range(40):
        call = _add(opened, bytes([number])).id
        words[call] = [f"word{number:02}x{n:03}" for n in range(400)]
        said = transcript()
        turns = tuple(
            turn(n, Role.CUSTOMER, " ".join(words[call][n * 40 : n * 40 + 40]), n * 20_000)
            for n in range(10)
        )
        analysis = call_analysis(transcript=replace(said, turns=turns), redactions=(), muted=())
        _analyse(opened, analysed_call(analysis=replace(analysis, findings=(), flags=())))
    erased = list(words)[::3]
    for call in erased:
        opened.calls.erase(call, actor="ann", reason="asked for")
    plain = _decrypted(opened)
    found = set(re.findall(rb"word\d\dx\d*", plain))
    gone = {word[:7].encode() for call in erased for word in words[call]}
    assert {one[:7] for one in found} & gone == set()
    assert len({one[:7] for one in found}) == 40 - len(erased)
    kept = next(call for call in words if call not in erased)
    assert {hit.call for hit in opened.search.find(words[kept][7])} == {kept}
    assert opened.check() == ()


def test_the_sealed_files_are_removed_and_the_log_names_no_content(opened):
    call = _add(opened)
    _analyse(opened, analysed_call())
    assert len(_sealed_files(opened)) == 2
    opened.calls.erase(call.id, actor="ann", reason="asked for")
    assert _sealed_files(opened) == []
    entry = opened.audit.entries(limit=1)[0]
    assert (entry.actor, entry.act, entry.subject) == ("ann", "call.erase", call.id)
    for look in (opened.calls.get, opened.calls.detail, opened.jobs.get):
        with pytest.raises(CallNotFound):
            look(call.id)
    with pytest.raises(CallNotFound):
        opened.audio.read(call.id, Purpose.ORIGINAL)
    with pytest.raises(CallNotFound):
        opened.calls.erase(call.id, actor="ann")


def test_a_call_on_hold_stays_as_it_is(opened):
    call = _add(opened)
    assert opened.holds.place(call.id, "a dispute", actor="ann", scope=EVERYTHING)
    with pytest.raises(OnHold):
        opened.calls.erase(call.id, actor="ann")
    with pytest.raises(dbapi2.IntegrityError), opened._database.transaction() as writing:
        writing.change("DELETE FROM calls")
    assert opened.audio.read(call.id, Purpose.ORIGINAL) == b"one"
    assert opened.calls.detail(call.id).on_hold


@pytest.mark.parametrize(
    "outcome", [analysed_call(), Failure(code="audio-empty", sentence="Nothing.", hint="")]
)
def test_a_running_analysis_does_not_bring_the_call_back(opened, outcome):
    call = _add(opened)
    lease = opened.jobs.claim("runner")
    opened.calls.erase(call.id, actor="ann")
    assert not opened.calls.save(lease, outcome, actor="ann")
    assert not opened.jobs.renew(lease)
    assert opened.jobs.release(lease) is None
    assert _sealed_files(opened) == []
    assert opened.search.find(KEPT) == ()


def test_a_result_that_is_being_kept_while_the_call_is_erased_leaves_no_file(opened, monkeypatch):
    call = _add(opened)
    lease = opened.jobs.claim("runner")
    settle = opened.audio.settle

    def erased_first(incoming):
        opened.calls.erase(call.id, actor="ann")
        settle(incoming)

    monkeypatch.setattr(opened.audio, "settle", erased_first)
    assert opened.calls.save(lease, analysed_call(), actor="ann")
    assert _sealed_files(opened) == []


def test_an_erased_recording_is_refused_unless_it_may_come_back(opened, folder):
    call = _add(opened, b"same")
    opened.calls.erase(call.id, actor="ann")
    with pytest.raises(RecordingErased):
        _add(opened, b"same")
    assert _sealed_files(opened) == []
    how = Taking(actor="ann", even_erased=True)
    again = opened.calls.take(b"same", name="a.wav", metadata=GIVEN, how=how)
    assert not again.duplicate
    assert again.call.id != call.id
    entry = opened.audit.entries(limit=1)[0]
    assert (entry.act, entry.subject, entry.outcome) == (
        "call.import",
        again.call.id,
        "even-erased",
    )
    new = opened.calls.take(b"new", name="b.wav", metadata=GIVEN, how=how)
    assert opened.audit.entries(limit=1)[0].outcome == "ok"
    opened.calls.erase(new.call.id, actor="ann")
    opened.close()
    with vault.open_vault(folder, PASSPHRASE) as later, pytest.raises(RecordingErased):
        later.calls.add(b"new", name="b.wav", metadata=GIVEN, actor="ann")


def test_one_erased_while_it_is_being_imported_again_is_refused_too(opened, monkeypatch):
    first = _add(opened, b"same")
    find = opened.calls.find_by_digest

    def erased_meanwhile(digest, *, scope=EVERYTHING):
        monkeypatch.setattr(opened.calls, "find_by_digest", find)
        monkeypatch.setattr(opened.calls.erasure, "expect_new", lambda *_: skipped())

    def skipped():
        monkeypatch.undo()
        opened.calls.erase(first.id, actor="ann")

    monkeypatch.setattr(opened.calls, "find_by_digest", erased_meanwhile)
    with pytest.raises(RecordingErased):
        _add(opened, b"same")
    assert _sealed_files(opened) == []


def test_what_an_interruption_left_is_removed_at_the_next_opening(opened, folder, monkeypatch):
    call = _add(opened)
    _analyse(opened, analysed_call())
    left = _sealed_files(opened)
    with opened._database.transaction() as writing:
        how = Erasing(actor="ann", scope=EVERYTHING, reason="")
        opened.calls.erasure.within(writing, call.id, how)
    assert _sealed_files(opened) == left
    opened.close()
    with vault.open_vault(folder, PASSPHRASE) as later:
        assert _sealed_files(later) == []
        assert later.calls.erasure.finish() == 0
        assert later.check() == ()


def test_a_disk_that_refuses_does_not_undo_the_erasing(opened, monkeypatch):
    call = _add(opened)

    def refused(_path):
        raise StorageError("The disk says no.", hint="")

    with monkeypatch.context() as broken:
        broken.setattr(files, "remove", refused)
        opened.calls.erase(call.id, actor="ann")
    with pytest.raises(CallNotFound):
        opened.calls.get(call.id)
    assert len(_sealed_files(opened)) == 1
    assert opened.calls.erasure.finish() == 1
    assert _sealed_files(opened) == []


def test_while_somebody_reads_the_traces_count_as_left(opened, monkeypatch):
    """Old pages stay in the log of pages as long as a view of them is held."""
    monkeypatch.setattr(erasure, "_WAIT_MS", 50)
    call = _add(opened)
    _analyse(opened, _spoken(WORD))
    with opened._database.reader() as reading:
        assert reading.number("SELECT count(*) FROM calls") == 1
        opened.calls.erase(call.id, actor="ann")
        assert opened.calls.erasure.finish() == 0
        assert WORD in _left(_decrypted(opened))
    with pytest.raises(CallNotFound):
        opened.calls.get(call.id)
    assert opened.calls.erasure.finish() == 1
    assert _left(_decrypted(opened)) == set()


def test_copies_from_before_an_upgrade_go_with_what_is_erased(opened, folder):
    call = _add(opened)
    copy = folder / "backups" / "before-step-2.db"
    files.make_private(copy.parent)
    opened.backup(copy)
    opened.calls.erase(call.id, actor="ann", reason="asked for")
    assert not copy.exists()
