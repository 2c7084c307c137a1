"""Turns that are drawn by chance and judged: places, kinds and numbers only, and what was missed
holds its call back."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from app.domain import (
    EVERYTHING,
    CallMetadata,
    Channel,
    Missed,
    Role,
    RoleBasis,
    Scope,
    Verdict,
)
from app.errors import CallNotFound, SealBroken, UsageError
from app.storage import elusion, rescue, restore, vault
from app.storage.drawing import Drawing
from app.storage.elusion import Judging
from app.storage.way import Way
from tests.builders import analysed_call, call_analysis, held_back_call, transcript, turn
from tests.unit.storage.conftest import PASSPHRASE

ANN = Judging(actor="ann", scope=EVERYTHING, held_back=False)
SUE = Judging(actor="sue", scope=EVERYTHING, held_back=True)
CLAIMS = Scope(limited=True, queues=("claims",))
CARD = (Missed(kind="CARD", values=2),)


def imported(opened, content=b"one", outcome=None, **metadata):
    given = CallMetadata(**metadata)
    call = opened.calls.add(content, name="a.wav", metadata=given, actor="owner").call.id
    opened.calls.save(opened.jobs.claim("t"), outcome or analysed_call(), actor="t")
    return call


def again(opened, call, clock, outcome=None):
    """Analyse a call again, a moment later."""
    clock.move(1)
    opened.jobs.retry(call, actor="t")
    opened.calls.save(opened.jobs.claim("t"), outcome or analysed_call(), actor="t")


def drawn(opened, turns=99, scope=EVERYTHING, progress=lambda _: None):
    return opened.elusion.draw(turns, actor="ann", scope=scope, progress=progress)


def judged(opened, missed=(), who=ANN):
    """Judge the next turn; returns its call, or `None` where none waits for the person."""
    found = opened.elusion.next(who=who)
    if found is None:
        return None
    opened.elusion.judge(found.sample, found.place, missed, who=who)
    return found.call


def state(opened, scope=EVERYTHING):
    return opened.elusion.state(scope=scope)


def rows(opened):
    with opened._database.reader() as reading:
        return reading.all("SELECT * FROM sampled_turns ORDER BY sample, place")


def test_a_population_is_told_by_channel_and_by_whether_something_is_redacted(opened):
    imported(opened)
    imported(opened, b"two", held_back_call())  # nobody may hear it: it is not in
    imported(opened, b"three")
    seen = []
    sample = drawn(opened, progress=seen.append)
    assert (sample.number, sample.drawn_by, sample.calls) == (1, "ann", 2)
    assert [(one.channel, one.redacted, one.turns, one.drawn) for one in sample.strata] == [
        (Channel.AGENT, False, 4, 4),
        (Channel.CUSTOMER, False, 2, 2),
        (Channel.CUSTOMER, True, 2, 2),
    ]
    assert [(one.channel, one.kind, one.values) for one in sample.found] == [
        (Channel.CUSTOMER, "CARD", 2)
    ]
    assert (sample.drawn, sample.turns) == (8, 8)
    assert (seen[0].done, seen[-1].done, seen[-1].total) == (0, 2, 2)
    entry = opened.audit.entries(limit=1)[0]
    assert (entry.actor, entry.act, entry.subject, entry.outcome) == (
        "ann", "elusion.draw", "1", "8 turns",
    )  # fmt: skip
    assert opened.elusion.newest(scope=EVERYTHING) == sample
    assert opened.check() == ()


@pytest.mark.parametrize(
    ("channels", "basis", "role", "channel"),
    [
        (1, RoleBasis.ESTIMATED, Role.AGENT, Channel.SHARED),
        (1, RoleBasis.GIVEN, Role.AGENT, Channel.AGENT),
        (2, RoleBasis.GUESSED, Role.UNKNOWN, Channel.UNKNOWN),
    ],
)
def test_whose_channel_a_turn_is_on(opened, channels, basis, role, channel):
    said = replace(transcript(), turns=(turn(0, role, "hello", 0),), role_basis=basis)
    analysis = call_analysis(channels=channels, transcript=said, redactions=())
    imported(opened, outcome=analysed_call(analysis=analysis))
    assert [one.channel for one in drawn(opened).strata] == [channel]


def test_every_turn_is_drawn_as_probably_as_any_other():
    said = replace(
        transcript(), turns=tuple(turn(at, Role.AGENT, "well", at * 500) for at in range(20))
    )
    analysis = call_analysis(transcript=said, redactions=())
    times = Counter()
    for _ in range(2_000):
        drawing = Drawing(5)
        drawing.add("0" * 32, "", analysis)
        chosen, _ = drawing.result()
        assert len({one[2] for one in chosen}) == 5
        times.update(one[2] for one in chosen)
    # 500 times each is expected, with a standard deviation of 19
    assert min(times[at] for at in range(20)) > 380
    assert max(times.values()) < 620


def test_where_there_is_nothing_nothing_is_drawn(opened):
    with pytest.raises(UsageError, match="no turn"):
        drawn(opened)
    imported(opened, outcome=held_back_call())
    with pytest.raises(UsageError, match="no turn"):
        drawn(opened)
    assert opened.elusion.newest(scope=EVERYTHING) is None
    assert state(opened) is None
    assert opened.elusion.next(who=ANN) is None
    with pytest.raises(UsageError, match="no judgement"):
        opened.elusion.undo(who=ANN)
    with pytest.raises(UsageError, match="does not wait"):
        opened.elusion.judge(1, 1, (), who=ANN)


def test_drawing_that_is_stopped_leaves_no_sample(opened):
    imported(opened)
    stopped = opened.elusion.draw(
        9, actor="ann", scope=EVERYTHING, progress=lambda _: None, stop=lambda: True
    )
    assert stopped is None
    assert opened.elusion.newest(scope=EVERYTHING) is None


def test_a_call_that_cannot_be_read_is_in_no_population(opened, monkeypatch):
    imported(opened)
    broken = imported(opened, b"two")
    with opened._database.transaction() as writing:
        writing.change(
            "UPDATE analyses SET analysis = zeroblob(9) WHERE call ="
            " (SELECT number FROM calls WHERE id = ?)",
            (broken,),
        )
    assert drawn(opened).calls == 1


def test_the_list_is_not_what_decides_who_is_out(opened):
    imported(opened)
    imported(opened, b"two", held_back_call())
    with opened._database.transaction() as writing:
        writing.change("UPDATE calls SET held_back = 0")
    assert drawn(opened).calls == 1


def test_a_call_without_an_analysis_is_not_held_back(opened):
    call = opened.calls.add(b"one", name="a.wav", metadata=CallMetadata(), actor="owner").call.id
    with opened._database.transaction() as writing:
        elusion.hold(writing, 1, call, bytes(32), None)
        assert elusion.holding(writing, call, bytes(32)) is None
    assert not opened.calls.is_held_back(call)


def test_a_turn_is_shown_with_those_around_it_and_the_look_is_an_entry(opened):
    call = imported(opened)
    drawn(opened)
    for _ in range(4):
        found = opened.elusion.next(who=ANN)
        at = found.turn.index
        said = transcript().turns
        assert (found.call, found.sample, found.duration_ms) == (call, 1, 13_000)
        assert found.turn == said[at]
        assert found.before == said[max(0, at - 2) : at]
        assert found.after == said[at + 1 : at + 3]
        assert found.channel == found.turn.role.value
        entry = opened.audit.entries(limit=1)[0]
        assert (entry.act, entry.subject) == ("call.view", call)
        opened.elusion.judge(1, found.place, (), who=ANN)
    assert opened.elusion.next(who=ANN) is None
    assert state(opened).waiting == 0
    assert state(opened).verdicts == tuple(
        Verdict(channel=Channel(row[5]), missed=()) for row in rows(opened)
    )


def test_what_is_kept_of_a_judgement_holds_no_word(opened, clock):
    call = imported(opened)
    drawn(opened)
    judged(opened, CARD)
    row = rows(opened)[0]
    assert (row[2], row[6:]) == (call, ('{"CARD":2}', "ann", "2026-03-01T09:00:00.000Z", 1))
    said = " ".join(one.text for one in transcript().turns)
    kept = [str(value) for one in rows(opened) for value in one]
    assert not any(word in kept for word in said.split())
    entry = opened.audit.entries(limit=1)[0]
    assert (entry.actor, entry.act, entry.subject) == ("ann", "elusion.judge", call)
    assert entry.outcome == "2 values missed"
    judged(opened, who=SUE)
    assert opened.audit.entries(limit=1)[0].outcome == "nothing missed"
    assert opened.check() == ()


def test_what_was_missed_holds_the_call_back_until_a_person_lets_it_go(opened, clock):
    call = imported(opened)
    drawn(opened)
    assert not opened.calls.is_held_back(call)
    judged(opened, CARD)
    kept = opened.calls.detail(call).analysis
    assert opened.calls.is_held_back(call)
    assert (kept.judged.by, kept.judged.missed, kept.proof) == ("ann", CARD, None)
    assert opened.search.find("complaint") == ()
    assert judged(opened) is None  # the others of the call are for who hears originals
    assert judged(opened, (Missed(kind="PHONE", values=1),), who=SUE) == call
    kept = opened.calls.detail(call).analysis.judged
    assert [(one.kind, one.values) for one in kept.missed] == [("CARD", 2), ("PHONE", 1)]
    again(opened, call, clock)
    assert opened.calls.is_held_back(call)  # the next analysis may miss it again
    opened.calls.release(call, actor="sue", scope=EVERYTHING, reason="heard it", silence=True)
    kept = opened.calls.detail(call).analysis
    assert (kept.held_back, kept.silenced, kept.judged.released.by) == (False, True, "sue")
    assert opened.search.find("complaint")
    again(opened, call, clock)
    assert opened.calls.detail(call).analysis.judged is None
    assert opened.check() == ()


def test_a_proof_and_a_judgement_are_let_go_together(opened, clock):
    call = imported(opened)
    drawn(opened)
    judged(opened, CARD)
    again(opened, call, clock, held_back_call())
    opened.calls.release(call, actor="sue", scope=EVERYTHING, reason="heard it", silence=False)
    kept = opened.calls.detail(call).analysis
    assert not kept.held_back
    assert kept.proof.released == kept.judged.released
    assert not kept.silenced


def test_a_corrected_call_is_held_back_as_a_whole(opened, clock):
    from app.domain import CorrectedCall

    call = imported(opened)
    of = opened.speakers.of(call, scope=EVERYTHING)
    made = CorrectedCall(analysis=call_analysis())
    opened.speakers.keep(of, made, actor="rob", scope=EVERYTHING, outcome="swapped")
    drawn(opened)
    judged(opened, CARD)
    assert opened.calls.detail(call).analysis.judged.missed == CARD
    with pytest.raises(UsageError, match="held back"):
        opened.speakers.of(call, scope=EVERYTHING)
    assert opened.check() == ()


def test_where_the_last_analysis_cannot_be_read_the_next_is_held_back_too(opened, clock):
    missed_in, clean = imported(opened), imported(opened, b"two")
    drawn(opened)
    while (found := opened.elusion.next(who=SUE)) is not None:
        missed = CARD if found.call == missed_in else ()
        opened.elusion.judge(found.sample, found.place, missed, who=SUE)
    with opened._database.transaction() as writing:
        writing.change("UPDATE analyses SET analysis = zeroblob(9)")
    for call in (missed_in, clean):
        again(opened, call, clock)
    assert opened.calls.is_held_back(missed_in)
    assert not opened.calls.is_held_back(clean)


def test_a_judgement_is_taken_back_by_who_made_it_last(opened):
    call = imported(opened)
    drawn(opened)
    judged(opened, who=SUE)
    judged(opened, CARD)
    with pytest.raises(UsageError, match="no judgement of yours"):
        opened.elusion.undo(who=SUE)
    opened.elusion.undo(who=ANN)
    assert not opened.calls.is_held_back(call)
    assert opened.search.find("complaint")
    entry = opened.audit.entries(limit=1)[0]
    assert (entry.actor, entry.act, entry.subject) == ("ann", "elusion.undo", call)
    assert state(opened).waiting == 3
    opened.elusion.undo(who=SUE)
    assert state(opened).waiting == 4
    assert opened.check() == ()


def test_what_else_was_missed_keeps_holding_the_call(opened):
    call = imported(opened)
    drawn(opened)
    for _ in range(2):
        judged(opened, CARD, who=SUE)
    assert opened.calls.detail(call).analysis.judged.missed == (Missed(kind="CARD", values=4),)
    opened.elusion.undo(who=SUE)
    assert opened.calls.detail(call).analysis.judged.missed == CARD
    assert opened.calls.is_held_back(call)


@pytest.mark.parametrize("gone", ["let go and analysed again", "erased"])
def test_a_judgement_of_what_is_another_now_is_taken_back_alone(opened, clock, gone):
    call = imported(opened)
    drawn(opened)
    judged(opened, CARD)
    if gone == "erased":
        opened.calls.erase(call, actor="owner")
    else:
        opened.calls.release(call, actor="sue", scope=EVERYTHING, reason="heard", silence=False)
        again(opened, call, clock)
    opened.elusion.undo(who=ANN)
    assert all(row[6] is None for row in rows(opened))
    assert (state(opened).waiting, state(opened).lost) == (0, 4)


def test_turns_of_calls_that_were_erased_or_analysed_again_are_lost(opened, clock):
    first, second = imported(opened), imported(opened, b"two")
    drawn(opened)
    assert (state(opened).waiting, state(opened).lost, state(opened).since) == (8, 0, 0)
    again(opened, first, clock)
    assert (state(opened).waiting, state(opened).lost, state(opened).since) == (4, 4, 1)
    assert {judged(opened), judged(opened)} == {second}
    place = next(row[1] for row in rows(opened) if row[2] == first)
    with pytest.raises(UsageError, match="does not wait"):
        opened.elusion.judge(1, place, (), who=ANN)
    opened.calls.erase(second, actor="owner")
    left = state(opened)
    assert (left.waiting, left.lost) == (0, 6)
    assert sum(one.missed == () for one in left.verdicts) == 2  # they count, of no call
    assert second not in repr(rows(opened))
    assert opened.check() == ()


def test_what_was_judged_of_an_erased_call_still_counts(opened):
    call = imported(opened)
    drawn(opened)
    judged(opened, CARD)
    opened.calls.erase(call, actor="owner")
    assert [one.missed for one in state(opened).verdicts if one.missed is not None] == [CARD]
    assert call not in repr(rows(opened))


def test_a_sample_is_there_for_who_sees_the_calls_that_it_was_drawn_from_and_no_others(opened):
    claims = imported(opened, queue="claims")
    imported(opened, b"two", queue="sales")
    limited = replace(ANN, scope=Scope(limited=True, queues=("Claims",)))  # the same, differently
    other = replace(ANN, scope=Scope(limited=True, queues=("sales",)))
    assert drawn(opened, scope=CLAIMS).calls == 1
    assert opened.elusion.newest(scope=limited.scope).number == 1
    for scope in (other.scope, EVERYTHING, Scope(limited=True, queues=("claims", "sales"))):
        assert opened.elusion.newest(scope=scope) is None
    assert opened.elusion.next(who=other) is None
    with pytest.raises(UsageError, match="does not wait"):
        opened.elusion.judge(1, 1, (), who=other)
    assert judged(opened, who=limited) == claims
    drawn(opened)
    assert opened.elusion.newest(scope=CLAIMS).number == 1
    assert opened.elusion.newest(scope=Scope(queues=("x",))).number == 2  # not limited
    with pytest.raises(UsageError, match="does not wait"):
        opened.elusion.judge(1, 2, (), who=SUE)


def test_an_older_sample_is_judged_no_more(opened):
    imported(opened)
    drawn(opened)
    drawn(opened)
    with pytest.raises(UsageError, match="does not wait"):
        opened.elusion.judge(1, 1, (), who=ANN)
    assert opened.elusion.next(who=ANN).sample == 2


def test_a_turn_of_a_call_that_is_out_of_scope_now_does_not_wait_for_the_person(opened):
    opened.teams.keep("blue", ["Sam"], actor="owner")
    imported(opened, agent="Sam")
    blue = replace(ANN, scope=Scope(limited=True, teams=("blue",)))
    drawn(opened, scope=blue.scope)
    opened.teams.keep("blue", ["Kim"], actor="owner")
    assert opened.elusion.next(who=blue) is None
    with pytest.raises(UsageError, match="does not wait"):
        opened.elusion.judge(1, 1, (), who=blue)
    assert state(opened, blue.scope).waiting == 4


def test_a_drawn_turn_that_cannot_be_read_is_passed_over(opened):
    broken, whole = imported(opened), imported(opened, b"two")
    drawn(opened)
    with opened._database.transaction() as writing:
        writing.change(
            "UPDATE analyses SET analysis = zeroblob(9) WHERE call ="
            " (SELECT number FROM calls WHERE id = ?)",
            (broken,),
        )
    assert {judged(opened) for _ in range(4)} == {whole}
    assert judged(opened) is None
    assert state(opened).waiting == 4
    place = next(row[1] for row in rows(opened) if row[2] == broken)
    with pytest.raises(SealBroken):
        opened.elusion.judge(1, place, (), who=ANN)


def test_nothing_of_it_is_a_way_to_an_erased_call(opened):
    call = imported(opened)
    drawn(opened)
    opened.calls.erase(call, actor="owner")
    with pytest.raises(CallNotFound):
        opened.calls.detail(call)
    assert opened.elusion.next(who=SUE) is None


def test_a_backup_brings_back_what_was_judged_but_no_call_that_was_erased_since(opened, tmp_path):
    kept, gone = imported(opened), imported(opened, b"two")
    drawn(opened)
    while (found := opened.elusion.next(who=SUE)) is not None:
        missed = CARD if found.call == gone else ()
        opened.elusion.judge(found.sample, found.place, missed, who=SUE)
    before = state(opened)
    opened.backups.make(tmp_path / "backup", actor="ann")
    opened.calls.erase(gone, actor="ann")
    opened.backups.write_erased_list(tmp_path / "erased", actor="ann")
    way = Way(passphrase=PASSPHRASE)
    restore.restore(tmp_path / "backup", tmp_path / "again", way, erased_list=tmp_path / "erased")
    with vault.open_vault(tmp_path / "again", PASSPHRASE) as again:
        assert state(again) == before
        assert {row[2] for row in rows(again)} == {kept, ""}
        assert again.check() == ()


def test_a_rescue_saves_what_was_judged(opened, folder, tmp_path):
    call = imported(opened)
    drawn(opened)
    judged(opened, CARD)
    before = state(opened)
    opened.close()
    rescue.rescue(folder, tmp_path / "saved", Way(passphrase=PASSPHRASE))
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as saved:
        assert state(saved) == before
        assert saved.calls.is_held_back(call)
        assert saved.check() == ()
