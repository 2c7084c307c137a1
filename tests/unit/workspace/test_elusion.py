"""Who draws turns, who judges them and of which calls; and what everybody is told of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain import KINDS, Missed, PersonRole, Right, Scope, Subject
from app.engine.redaction import lexicon
from app.errors import NotAllowed, UsageError

CARD = (Missed(kind="CARD", values=1),)


@pytest.fixture
def call(office):
    return office.add()


@pytest.fixture
def pia(office):
    return office.sign_in("pia", PersonRole.PRIVACY_OFFICER)


@pytest.fixture
def sue(office):
    return office.sign_in("sue", PersonRole.SUPERVISOR)


def _all(workspace, missed=()):
    while (turn := workspace.elusion.next()) is not None:
        workspace.elusion.judge(turn.sample, turn.place, missed)


def test_a_privacy_officer_draws_and_judges_to_the_end(office, pia, call):
    assert pia.elusion.report() is None
    seen = []
    assert pia.elusion.draw(50, progress=seen.append) == {Subject.SAMPLES}
    assert seen[-1].done == seen[-1].total == 1
    report = pia.elusion.report()
    assert (report.judged, report.waiting, report.lost, report.since) == (0, 4, 0, 0)
    assert not report.enough
    assert report.overall.at_least == pytest.approx(1 / 5)  # nobody judged: all may be missed
    assert report.best == 1.0  # all are drawn
    _all(pia)
    done = pia.elusion.report()
    assert (done.judged, done.waiting, done.enough) == (4, 0, True)
    assert done.overall.at_least == done.best == report.best
    looks = [act for act in office.acts() if act.startswith(("elusion", "call.view"))]
    assert looks == ["elusion.draw", *["call.view", "elusion.judge"] * 4]


def test_what_a_privacy_officer_missed_is_left_to_who_hears_originals(pia, sue, call):
    pia.elusion.draw(50)
    turn = pia.elusion.next()
    assert pia.elusion.judge(turn.sample, turn.place, CARD) == {Subject.SAMPLES, Subject.CALLS}
    assert pia.elusion.next() is None
    assert {one.text for one in pia.calls.detail(call).analysis.transcript.turns} == {""}
    with pytest.raises(NotAllowed, match="hear-original"):
        pia.calls.muted_audio(call)
    other = next(place for place in range(1, 5) if place != turn.place)
    with pytest.raises(UsageError, match="does not wait"):
        pia.elusion.judge(turn.sample, other)
    assert pia.elusion.report().waiting == 3
    _all(sue)
    report = sue.elusion.report()
    assert (report.judged, report.overall.missed, report.enough) == (4, 1, True)
    sue.calls.release(call, "it is an order number")
    assert pia.calls.detail(call).analysis.transcript.turns[0].text


def test_the_last_judgement_is_taken_back_by_who_made_it(pia, sue, call):
    pia.elusion.draw(50)
    turn = pia.elusion.next()
    pia.elusion.judge(turn.sample, turn.place, CARD)
    with pytest.raises(UsageError):
        sue.elusion.undo()
    assert pia.elusion.undo() == {Subject.SAMPLES, Subject.CALLS}
    assert pia.elusion.next().place == turn.place
    assert pia.calls.muted_audio(call)


@pytest.mark.parametrize(
    "missed",
    [
        (Missed(kind="the card 4111", values=1),),
        (Missed(kind="CARD", values=0),),
        (Missed(kind="CARD", values=100),),
        (*CARD, *CARD),
    ],
)
def test_nothing_but_kinds_and_numbers_is_kept_of_a_judgement(pia, call, missed):
    with pytest.raises(UsageError, match="cannot be kept"):
        pia.elusion.judge(1, 1, missed)  # also where there is no sample
    pia.elusion.draw(50)
    turn = pia.elusion.next()
    with pytest.raises(UsageError, match="cannot be kept"):
        pia.elusion.judge(turn.sample, turn.place, missed)
    assert pia.elusion.report().judged == 0


def test_drawing_that_is_stopped_changes_nothing(pia, call):
    assert pia.elusion.draw(50, stop=lambda: True) == frozenset()
    assert pia.elusion.report() is None


@pytest.mark.parametrize("turns", [0, -1, 10_001])
def test_a_sample_has_bounds(pia, call, turns):
    with pytest.raises(UsageError, match="cannot be drawn"):
        pia.elusion.draw(turns)


def test_the_right_to_judge_shows_no_words_by_itself(office, pia, call):
    pia.elusion.draw(50)
    granted = office.sign_in("gus", granted={Right.JUDGE_REDACTION, Right.SEE_EVIDENCE})
    before = office.vault.audit.count()
    with pytest.raises(NotAllowed, match="see-transcript"):
        granted.elusion.next()
    assert office.vault.audit.count() == before + 1
    assert office.newest().subject == "see-transcript"


def test_all_who_see_the_list_are_told_what_it_says_in_their_scope(office, pia, call):
    pia.elusion.draw(50)
    adam = office.sign_in("adam", PersonRole.ADMINISTRATOR)
    assert adam.elusion.report().sample.turns == 4
    scope = Scope(limited=True, queues=("claims",))
    limited = office.sign_in("lim", PersonRole.PRIVACY_OFFICER, scope=scope)
    assert limited.elusion.report() is None
    assert limited.elusion.next() is None
    with pytest.raises(UsageError, match="no turn"):
        limited.elusion.draw(50)


def test_what_can_be_judged_no_more_makes_no_better_share(office, pia, sue, call):
    other = office.add(b"two")
    pia.elusion.draw(50)
    best = pia.elusion.report().best
    office.clock.move(seconds=1)
    office.vault.jobs.retry(other, actor="t")
    from tests.builders import analysed_call

    office.vault.calls.save(office.vault.jobs.claim("t"), analysed_call(), actor="t")
    _all(sue)
    report = pia.elusion.report()
    assert (report.judged, report.lost, report.since, report.waiting) == (4, 4, 1, 0)
    assert report.overall.at_least == report.best < best


def test_the_kinds_that_can_be_named_are_kinds_that_redaction_knows():
    known = lexicon.kinds(Path(__file__).parents[3] / "resources" / "recognisers")
    assert set(KINDS[:-1]) <= set(known)
    assert KINDS[-1] not in known
