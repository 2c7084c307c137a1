"""Corrections of who speaks: kept beside what the program found, shown, carried along, undone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain import (
    EVERYTHING,
    CallId,
    CallQuery,
    CorrectedCall,
    CorrectedSpeakers,
    MutedSpan,
    RedactedValue,
    Role,
    Scope,
    Severity,
    Waveform,
)
from app.engine.said_by import swapped, with_turns
from app.errors import CallNotFound, DiskFull, NotAsKept, UsageError
from app.storage import files, rescue, restore, vault
from app.storage.audio import Purpose
from tests.builders import analysed_call, call_analysis, proof
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_backup import WAY, add, analyse, contents, made

AT = "2026-03-01T09:00:00.000Z"
MORE_MUTED = b"fLaC" + bytes(range(200))
FINER = Waveform(step_ms=50, peaks=(bytes(200), bytes(200)))
NAME = RedactedValue(kind="PERSON", value=1, digest=b"\x08" * 32)


def further(said=None):
    """What follows when agent and customer were swapped: a name is the customer's, and goes."""
    said = said or swapped(call_analysis().transcript)
    first = said.turns[0]
    text = first.text.replace("Sam", "[PERSON-1]")
    said = replace(said, turns=(replace(first, text=text, words=()), *said.turns[1:]))
    found = call_analysis()
    score = replace(found.score, value=20.0)
    flag = replace(found.flags[0], label="rude", title="Rude", severity=Severity.ALERT)
    muted = (*found.muted, MutedSpan(channel=0, start_ms=2_000, end_ms=2_400))
    analysis = replace(found, transcript=said, score=score, flags=(flag,), muted=muted)
    return CorrectedCall(analysis=analysis, values=(NAME,), waveform=FINER, muted_audio=MORE_MUTED)


def correct(opened, call, made_of=None, actor="rob"):
    of = opened.speakers.of(call, scope=EVERYTHING)
    opened.speakers.keep(of, made_of or further(), actor=actor, scope=EVERYTHING, outcome="swapped")


def undo(opened, call, actor="sue"):
    opened.speakers.undo(opened.speakers.of(call, scope=EVERYTHING), actor=actor, scope=EVERYTHING)


def rows(opened, sql, *values):
    with opened._database.reader() as reading:
        return reading.all(sql, values)


def newest(opened):
    entry = opened.audit.entries(limit=1)[0]
    return entry.actor, entry.act, entry.subject, entry.outcome


def test_a_correction_is_what_is_shown_and_the_programs_own_result_stays(opened):
    call = add(opened)
    correct(opened, call)
    detail = opened.calls.detail(call)
    assert detail.analysis == further().analysis
    assert detail.waveform == FINER
    assert detail.speakers == CorrectedSpeakers(by="rob", at=AT, turns=(0, 1, 2, 3))
    assert opened.audio.read(call, Purpose.MUTED) == MORE_MUTED
    assert opened.speakers.of(call, scope=EVERYTHING).kept.found == call_analysis()
    assert newest(opened) == ("rob", "call.speakers", call, "swapped")
    assert opened.check() == ()
    assert opened.audit.verify().ok


def test_list_filters_and_search_go_by_what_is_shown(opened):
    call = add(opened)
    (hit,) = opened.search.find("Sam")
    assert hit.role is Role.AGENT
    correct(opened, call)
    (row,) = opened.calls.page(CallQuery(flag="rude"), offset=0, limit=9)
    assert (row.score, row.severity, row.flags) == (20.0, Severity.ALERT, ("Rude",))
    assert opened.calls.count(CallQuery(flag="complaint")) == 0
    assert opened.search.find("Sam") == ()  # it is the customer's name
    (hit,) = opened.search.find("complaint")
    assert hit.role is Role.AGENT
    assert opened.calls.holding("PERSON", NAME.digest) == (call,)


def test_undone_it_is_as_the_program_had_it_and_what_was_muted_stays_so(opened):
    call = add(opened)
    before = opened.calls.detail(call)
    listed = opened.calls.page(CallQuery(), offset=0, limit=9)
    correct(opened, call)
    undo(opened, call)
    assert opened.calls.detail(call) == before
    assert opened.calls.page(CallQuery(), offset=0, limit=9) == listed
    assert [hit.role for hit in opened.search.find("Sam")] == [Role.AGENT]
    assert opened.calls.holding("PERSON", NAME.digest) == ()
    assert opened.calls.holding("CARD", b"\x07" * 32) == (call,)
    assert opened.audio.read(call, Purpose.MUTED) == MORE_MUTED
    assert newest(opened) == ("sue", "call.speakers", call, "undone")
    kept = rows(opened, "SELECT what FROM contents ORDER BY what")
    assert kept == [("analysis",), ("muted",), ("values",)]
    assert opened.check() == ()


def test_a_second_correction_takes_the_place_of_the_first(opened, clock):
    call = add(opened)
    correct(opened, call)
    clock.move(60)
    found = call_analysis()
    other = replace(found, transcript=with_turns(found.transcript, {2}))
    correct(opened, call, CorrectedCall(analysis=other), actor="sue")
    detail = opened.calls.detail(call)
    assert detail.analysis == other
    assert detail.waveform == FINER
    assert detail.speakers == CorrectedSpeakers(by="sue", at="2026-03-01T09:01:00.000Z", turns=(2,))
    assert opened.calls.holding("PERSON", NAME.digest) == ()
    assert opened.audio.read(call, Purpose.MUTED) == MORE_MUTED  # what is muted stays so
    assert rows(opened, "SELECT count(*) FROM corrected_analyses") == [(1,)]


def test_a_new_analysis_keeps_the_correction_with_what_follows_from_it(opened):
    call = add(opened)
    correct(opened, call)
    assert opened.speakers.corrected(call) == further().analysis.transcript
    opened.jobs.retry(call, actor="ann")
    again = further()
    again = replace(again, analysis=replace(again.analysis, duration_ms=14_000))
    analyse(opened, analysis=call_analysis(duration_ms=14_000), corrected=again)
    detail = opened.calls.detail(call)
    assert detail.analysis == again.analysis
    assert detail.speakers.by == "rob"
    assert opened.audio.read(call, Purpose.MUTED) == MORE_MUTED
    assert {one for (one,) in rows(opened, "SELECT kind FROM redacted_values")} == {
        "CARD",
        "PERSON",
    }
    undo(opened, call)
    assert opened.calls.detail(call).analysis == call_analysis(duration_ms=14_000)


def test_a_new_analysis_that_knows_nothing_more_to_mute_has_its_own_sound(opened):
    call = add(opened)
    correct(opened, call)
    opened.jobs.retry(call, actor="ann")
    analyse(opened, corrected=replace(further(), waveform=None, muted_audio=b""))
    assert opened.audio.read(call, Purpose.MUTED) == analysed_call().muted_audio
    assert opened.calls.detail(call).waveform == analysed_call().waveform


def test_a_new_analysis_without_a_correction_shows_none(opened):
    call = add(opened)
    correct(opened, call)
    opened.jobs.retry(call, actor="ann")
    analyse(opened)
    assert opened.calls.detail(call).speakers is None
    assert opened.speakers.corrected(call) is None
    assert opened.check() == ()


def test_what_nobody_corrected_is_shown_as_the_program_found_it(opened):
    call = add(opened, analysed=False)
    analyse(opened, corrected=further())
    detail = opened.calls.detail(call)
    assert (detail.analysis, detail.speakers) == (call_analysis(), None)


def test_only_a_call_that_was_analysed_and_is_not_now_can_be_corrected(opened):
    waiting = add(opened, analysed=False)
    with pytest.raises(UsageError, match="not analysed yet"):
        opened.speakers.of(waiting, scope=EVERYTHING)
    opened.jobs.claim("t")
    with pytest.raises(UsageError, match="being analysed"):
        opened.speakers.of(waiting, scope=EVERYTHING)
    assert opened.speakers.corrected(waiting) is None


def test_a_call_that_waits_to_be_analysed_again_can_be_corrected(opened):
    call = add(opened)
    opened.jobs.retry(call, actor="ann")
    correct(opened, call)
    opened.jobs.claim("t")
    with pytest.raises(UsageError, match="being analysed"):
        undo(opened, call)


def test_a_correction_of_a_call_that_is_held_back_waits_for_its_release(opened):
    call = add(opened)
    correct(opened, call)
    opened.jobs.retry(call, actor="ann")
    held = further()
    held = replace(held, analysis=replace(held.analysis, proof=proof()))
    analyse(opened, analysis=call_analysis(proof=proof()), corrected=held)
    assert opened.calls.is_held_back(call)
    assert rows(opened, "SELECT 1 FROM turns") == []
    with pytest.raises(UsageError, match="held back"):
        correct(opened, call)
    opened.calls.release(call, actor="sue", scope=EVERYTHING, reason="listened", silence=False)
    shown = opened.calls.detail(call)
    assert not shown.analysis.held_back
    assert shown.analysis.transcript == held.analysis.transcript
    assert shown.speakers.by == "rob"
    assert opened.search.find("PERSON")
    assert opened.check() == ()
    undo(opened, call)
    assert not opened.calls.is_held_back(call)
    assert opened.calls.detail(call).analysis.transcript == call_analysis().transcript


def test_a_call_that_others_corrected_meanwhile_is_left_alone(opened):
    call = add(opened)
    of = opened.speakers.of(call, scope=EVERYTHING)
    correct(opened, call)
    with pytest.raises(UsageError, match="meanwhile"):
        opened.speakers.keep(of, further(), actor="sue", scope=EVERYTHING, outcome="swapped")
    with pytest.raises(UsageError, match="meanwhile"):
        opened.speakers.undo(of, actor="sue", scope=EVERYTHING)
    assert opened.calls.detail(call).speakers.by == "rob"
    incoming = opened.info.folder / "audio" / "incoming"
    assert list(incoming.iterdir()) == []


def test_a_call_that_is_hidden_or_gone_is_not_found(opened):
    call = add(opened, queue="sales")
    of = opened.speakers.of(call, scope=EVERYTHING)
    claims = Scope(limited=True, queues=("claims",))
    acts = (
        lambda: opened.speakers.of(call, scope=claims),
        lambda: opened.speakers.of(CallId("0" * 32), scope=EVERYTHING),
        lambda: opened.speakers.keep(of, further(), actor="l", scope=claims, outcome="swapped"),
        lambda: opened.speakers.undo(of, actor="l", scope=claims),
        lambda: opened.speakers.corrected(CallId("0" * 32)),
    )
    for act in acts:
        with pytest.raises(CallNotFound):
            act()


def test_where_the_disk_is_full_nothing_is_corrected(opened, monkeypatch):
    call = add(opened)
    before = contents(opened)

    def full(*_):
        raise DiskFull("full")

    monkeypatch.setattr(files, "create_private", full)
    with pytest.raises(DiskFull):
        correct(opened, call)
    assert contents(opened) == before


def test_a_correction_that_somebody_took_away_is_missed(opened):
    call = add(opened)
    correct(opened, call)
    with opened._database.transaction() as writing:
        writing.change("DELETE FROM corrected_analyses")
    with pytest.raises(NotAsKept, match="not there any more"):
        opened.calls.detail(call)
    assert f"the corrected analysis of call {call} is not there any more" in opened.check()


def test_erasing_takes_a_correction_along(opened):
    call = add(opened)
    correct(opened, call)
    opened.calls.erase(call, actor="ann")
    assert rows(opened, "SELECT count(*) FROM corrected_analyses") == [(0,)]
    assert rows(opened, "SELECT count(*) FROM contents") == [(0,)]


def test_a_broken_correction_is_named(opened):
    call = add(opened)
    correct(opened, call)
    with opened._database.transaction() as writing:
        writing.change("UPDATE corrected_analyses SET waveform = analysis")
    assert opened.check() == (f"the analysis of call {call} is broken",)


def test_a_broken_call_is_made_whole_by_another_analysis(opened):
    plain, call = add(opened, b"plain"), add(opened)
    correct(opened, call)
    with opened._database.transaction() as writing:
        writing.change("UPDATE analyses SET analysis = x'00'")
    for one in (plain, call):
        assert opened.speakers.corrected(one) is None
        opened.jobs.retry(one, actor="ann")
        analyse(opened)
    assert opened.calls.detail(call).analysis == call_analysis()
    assert opened.check() == ()


def test_what_follows_from_a_correction_is_not_taken_for_the_programs_own(opened):
    call = add(opened)
    correct(opened, call)
    with opened._database.transaction() as writing:
        writing.change(
            "UPDATE analyses SET (analysis, waveform) ="
            " (SELECT analysis, waveform FROM corrected_analyses)"
        )
    assert opened.check() == (f"the analysis of call {call} is broken",)


def test_a_backup_carries_corrections_and_notices_them(opened, tmp_path):
    call = add(opened)
    add(opened, b"two")
    made(opened, tmp_path / "backup")
    correct(opened, call)
    made(opened, tmp_path / "backup")
    state = contents(opened)
    opened.close()
    restore.restore(tmp_path / "backup", tmp_path / "again", WAY)
    with vault.open_vault(tmp_path / "again", PASSPHRASE) as again:
        assert contents(again) == state
        assert again.check() == ()
        undo(again, call)
        assert again.calls.detail(call).analysis == call_analysis()


def test_a_rescue_saves_corrections(opened, folder, tmp_path):
    call = add(opened)
    correct(opened, call)
    state = contents(opened)
    opened.close()
    report = rescue.rescue(folder, tmp_path / "saved", WAY)
    assert report.incomplete == ()
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as saved:
        assert contents(saved) == state
        assert saved.search.find("Sam") == ()


def test_a_rescue_queues_a_call_of_which_the_correction_is_broken(opened, folder, tmp_path):
    call = add(opened)
    correct(opened, call)
    with opened._database.transaction() as writing:
        writing.change("UPDATE corrected_analyses SET analysis = x'00'")
    opened.close()
    report = rescue.rescue(folder, tmp_path / "saved", WAY)
    assert report.incomplete == (call,)
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as saved:
        assert saved.calls.detail(call).analysis is None
        assert saved.check() == ()


@pytest.mark.parametrize("change", ["corrected_by = 'eve'", "corrected_at = '2020'"])
def test_who_corrected_is_sealed(opened, folder, change):
    call = add(opened)
    correct(opened, call)
    opened.close()
    from tests.unit.storage.test_seals import raw

    connection, key = raw(folder, "owner", PASSPHRASE)
    connection.execute(f"UPDATE corrected_analyses SET {change}")
    connection.execute("DELETE FROM unsealed")
    connection.close()
    key.wipe()
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert any("who corrected the speakers" in one for one in again.check())
