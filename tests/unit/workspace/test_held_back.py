"""Who hears and reads a call that is held back: those who hear originals, until they release it."""

from __future__ import annotations

import pytest

from app.domain import CallMetadata, PersonRole, Subject
from app.errors import NotAllowed, UsageError
from tests.builders import held_back_call


@pytest.fixture
def held(office):
    calls = office.vault.calls
    call = calls.add(b"held", name="a.wav", metadata=CallMetadata(), actor="owner").call.id
    calls.save(office.vault.jobs.claim("t"), held_back_call(), actor="t")
    return call


@pytest.fixture
def rita(office):
    return office.sign_in("rita", PersonRole.REVIEWER)


@pytest.fixture
def sue(office):
    return office.sign_in("sue", PersonRole.SUPERVISOR)


def test_who_hears_no_originals_sees_what_was_found_and_none_of_its_words(rita, held):
    found = rita.calls.detail(held).analysis
    assert found.held_back
    assert found.findings
    assert {turn.text for turn in found.transcript.turns} == {""}
    assert {sentence.text for sentence in found.summary} == {""}


def test_nor_do_they_hear_it_and_the_attempt_is_an_entry(office, rita, held):
    with pytest.raises(NotAllowed, match="hear-original"):
        rita.calls.muted_audio(held)
    entry = office.newest()
    assert (entry.actor, entry.outcome) == ("rita", "denied")
    with pytest.raises(NotAllowed):
        rita.calls.release(held, "let me")


def test_a_supervisor_listens_and_releases_and_then_all_hear_it(office, rita, sue, held):
    assert sue.calls.detail(held).analysis.transcript.turns[0].text
    assert sue.calls.muted_audio(held) == held_back_call().muted_audio
    with pytest.raises(UsageError):
        sue.calls.release(held, "  ")
    assert sue.calls.release(held, "it was the hold music") == {Subject.CALLS}
    assert office.acts()[-2:] == ["call.listen", "call.release"]
    assert rita.calls.muted_audio(held) == held_back_call().muted_audio
    assert rita.calls.detail(held).analysis.transcript.turns[0].text
    assert rita.calls.search("complaint")


def test_or_releases_it_without_its_sound(rita, sue, held):
    sue.calls.release(held, "half a card is heard", silence=True)
    assert rita.calls.detail(held).analysis.proof.released.silenced
