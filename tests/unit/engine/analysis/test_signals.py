"""Cues, topics and conduct: found where they stand, by the side that has to say them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from app.domain import Evidence, Finding, FindingKind, Role, RoleBasis, SafeTranscript
from app.engine.analysis import conduct
from app.engine.analysis.cues import Cues
from app.engine.analysis.matching import Hit, merged, read
from app.engine.analysis.packs import Cue, Pack, Topic
from app.engine.analysis.topics import MOST_EVIDENCE, Topics
from app.engine.scoring import Scorecard
from tests.builders import turn
from tests.fakes import WordEncoder
from tests.unit.engine.analysis.calls import call, length_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

COMPLAINT = Cue(
    label="complaint",
    title="Complaint",
    kind=FindingKind.CONDUCT,
    said_by="customer",
    phrases=("make a complaint",),
    exceptions=("not ... complaint",),
    examples=("this is simply not good enough",),
)
NOTICE = Cue(
    label="recorded",
    title="Recorded",
    kind=FindingKind.COMPLIANCE,
    said_by="agent",
    phrases=("calls are recorded",),
)
RUDE = Cue(label="rude", title="Rude", kind=FindingKind.CONDUCT, phrases=("idiot|idiots",))
BILL = Topic(label="bill", title="Bill", phrases=("my bill",), examples=("why is my bill so high",))
MOVE = Topic(label="move", title="Move", examples=("we are moving house on friday",))


def pack(*entries: Topic, plain: tuple[str, ...] = ()) -> Pack:
    return Pack(
        name="test",
        version=1,
        title="Test",
        lineage=("test-1",),
        topics=tuple(e for e in entries if not isinstance(e, Cue)),
        cues=tuple(e for e in entries if isinstance(e, Cue)),
        plain=plain,
        scorecard=Scorecard(label="test", title="Test"),
    )


def cues_in(
    transcript: SafeTranscript, *entries: Topic, plain: tuple[str, ...] = ()
) -> tuple[Finding, ...]:
    encoder = WordEncoder()
    return Cues(pack(*entries, plain=plain), encoder).find(read(transcript, encoder))


def topics_in(transcript: SafeTranscript, *entries: Topic) -> tuple[Finding, ...]:
    encoder = WordEncoder()
    return Topics(pack(*entries), encoder).find(read(transcript, encoder))


class _Head:
    """Gives every vector the same probabilities."""

    def __init__(self, *row: float) -> None:
        self._row = row

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        return np.array([self._row] * len(vectors), np.float32)


def topics_by(head: _Head, transcript: SafeTranscript) -> tuple[Finding, ...]:
    encoder = WordEncoder()
    topics = Topics(pack(BILL, MOVE), encoder, head=head, labels=("none", "move"))
    return topics.find(read(transcript, encoder))


def shown(transcript: SafeTranscript, finding: Finding) -> list[str]:
    return [transcript.turns[e.turn].text[e.start : e.end] for e in finding.evidence]


def test_a_phrase_is_found_where_it_stands() -> None:
    said = call("A: How can I help?", "C: Well, I want to make a complaint about it.")
    (found,) = cues_in(said, COMPLAINT)
    assert shown(said, found) == ["make a complaint"]
    word = next(w for w in said.turns[1].words if w.text == "make")
    assert found.evidence[0].start_ms == word.start_ms
    assert found.confidence == 0.9


def test_a_meaning_is_found_as_its_whole_piece_and_is_less_sure() -> None:
    said = call("C: Hello there. This really is simply not good enough.")
    (found,) = cues_in(said, COMPLAINT)
    assert shown(said, found) == ["This really is simply not good enough."]
    assert 0.5 <= found.confidence < 0.9


def test_said_and_meant_is_surest() -> None:
    said = call("C: This is simply not good enough so I make a complaint")
    (found,) = cues_in(said, COMPLAINT)
    assert found.confidence == 0.95
    assert shown(said, found) == ["make a complaint"]


@pytest.mark.parametrize("cue", [COMPLAINT, NOTICE])
def test_the_wrong_side_does_not_count(cue: Cue) -> None:
    said = call("A: You may make a complaint", "C: I know that calls are recorded")
    assert cues_in(said, cue) == ()


def test_either_side_counts_where_the_cue_says_so() -> None:
    said = call("A: idiots", "C: you idiot")
    (found,) = cues_in(said, RUDE)
    assert [e.turn for e in found.evidence] == [0, 1]


def test_where_nobody_knows_who_speaks_either_side_counts_for_less() -> None:
    (unknown,) = cues_in(call("U: I want to make a complaint"), COMPLAINT)
    assert unknown.confidence == pytest.approx(0.63)
    guessed = call("C: I want to make a complaint", basis=RoleBasis.GUESSED, sure=0.8)
    assert cues_in(guessed, COMPLAINT)[0].confidence == pytest.approx(0.72)


def test_an_exception_in_the_piece_takes_the_phrase_back() -> None:
    assert cues_in(call("C: I do not want to make a complaint"), COMPLAINT) == ()
    other_sentence = call("C: I do not. I want to make a complaint")
    assert len(cues_in(other_sentence, COMPLAINT)) == 1


def test_what_is_nearer_to_plain_business_does_not_count() -> None:
    said = call("C: this tea is simply not good enough")
    assert cues_in(said, COMPLAINT)
    assert cues_in(said, COMPLAINT, plain=("this tea is simply not good enough",)) == ()


def test_a_few_words_alone_do_not_mean_enough() -> None:
    assert cues_in(call("C: good enough"), COMPLAINT) == ()


def test_a_topic_is_found_by_phrase_and_by_meaning() -> None:
    said = call("C: it is about my bill", "A: right", "C: moving house on friday you see")
    found = {f.label: shown(said, f) for f in topics_in(said, BILL, MOVE)}
    assert found["bill"][0].endswith("my bill")
    assert found["move"] == ["moving house on friday you see"]


def test_two_places_make_a_topic_surer_than_one() -> None:
    (once,) = topics_in(call("C: my bill again"), BILL)
    (twice,) = topics_in(call("C: my bill again", "C: yes my bill you see"), BILL)
    assert 0 < once.confidence < twice.confidence < 1


def test_the_strongest_topic_comes_first() -> None:
    said = call("C: moving house on friday you see", *["C: why is my bill so high"] * 3)
    assert [f.label for f in topics_in(said, MOVE, BILL)] == ["bill", "move"]


def test_evidence_of_a_topic_is_bounded_and_in_order() -> None:
    (found,) = topics_in(call(*["C: my bill"] * 30), BILL)
    assert len(found.evidence) == MOST_EVIDENCE
    assert [e.turn for e in found.evidence] == sorted(e.turn for e in found.evidence)


def test_nothing_is_found_in_nothing() -> None:
    assert topics_in(call(), BILL) == ()
    assert topics_in(call("C: my bill")) == ()
    assert cues_in(call(), COMPLAINT) == ()
    assert cues_in(call("C: good morning to you all"), NOTICE) == ()


def test_hits_that_overlap_become_one() -> None:
    one = turn(0, Role.AGENT, "a b c d e f", 0)
    hits = [Hit(one, 4, 9, 0.9), Hit(one, 0, 5, 0.5), Hit(one, 9, 11, 0.1)]
    assert merged(hits) == [Hit(one, 0, 9, 0.9), Hit(one, 9, 11, 0.1)]


def test_an_agent_who_keeps_breaking_in_is_found() -> None:
    turns = [turn(0, Role.CUSTOMER, " ".join(["word"] * 60), 0)]
    turns += [turn(n, Role.AGENT, "no no no stop", n * 4000) for n in (1, 2, 3)]
    (found,) = conduct.find(turns, 20_000)
    assert (found.label, len(found.evidence)) == ("agent-interrupts", 3)
    assert conduct.find(turns[:3], 20_000) == ()


def test_a_long_silence_is_shown_by_what_was_said_before_and_its_own_time() -> None:
    said = call("A: bear with me", "C: okay", "A: thanks for waiting", pause_ms=35_000)
    (found,) = conduct.find(said.turns, length_of(said))
    assert found.evidence[0] == Evidence(turn=0, start=0, end=12, start_ms=880, end_ms=35_880)
    assert [e.turn for e in found.evidence] == [0, 1]


def test_a_silence_before_the_first_word_shows_nothing() -> None:
    late = turn(0, Role.AGENT, "hello", 60_000)
    assert conduct.find([late], 60_280) == ()


def test_a_head_of_a_pack_judges_topics_in_place_of_nearness() -> None:
    said = call("C: We are moving house on friday.", "C: Why is my bill so high?")
    found = {finding.label: finding for finding in topics_by(_Head(0.2, 0.8), said)}
    assert set(found) == {"move", "bill"}  # phrases count with any head
    assert len(found["move"].evidence) == 2
    assert {one.label for one in topics_by(_Head(0.8, 0.2), said)} == {"bill"}
    assert topics_by(_Head(0.1, 0.9), call()) == ()


def test_a_head_has_to_be_surer_of_what_an_agent_says() -> None:
    head = _Head(0.45, 0.55)
    assert topics_by(head, call("C: We are going there soon."))
    assert not topics_by(head, call("A: We are going there soon."))
    assert not topics_by(head, call("C: Going soon."))
