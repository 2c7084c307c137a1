"""The summary: every sentence stands in the call; it opens with why they called."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import Evidence, Finding, FindingKind
from app.engine.analysis.matching import read
from app.engine.analysis.summary import MOST, summarise
from tests.fakes import WordEncoder
from tests.unit.engine.analysis.calls import call

CALL = (
    "A: Good morning, thank you for calling, how can I help you today?",
    "C: Hello. I'm calling because my boiler has stopped working and the house is cold.",
    "A: Can I take your name and the first line of your address please?",
    "C: It's [PERSON-1], [ADDRESS-1].",
    "A: Thank you. I can see that the boiler was serviced in March by our engineer.",
    "C: Yes and it has never worked properly since that service in March.",
    "A: I've booked an engineer for tomorrow morning and you will get a message with the time.",
    "C: Brilliant, thanks.",
    "A: Is there anything else I can help you with today? Have a good day.",
)


def texts(*lines: str, findings: tuple[Finding, ...] = ()) -> list[str]:
    return [s.text for s in summarise(read(call(*lines), WordEncoder()), findings)]


def test_it_says_why_what_and_what_next() -> None:
    said = texts(*CALL)
    assert said[0].startswith("I'm calling because my boiler")
    assert any(text.startswith("I've booked an engineer") for text in said)
    assert not any("Good morning" in text or "anything else" in text for text in said)
    assert not any("[PERSON-1]" in text for text in said)


def test_set_disclosures_are_left_out() -> None:
    notice = "Please note that we will record this call because of our training rules."
    shown = Evidence(turn=0, start=0, end=len(notice), start_ms=0, end_ms=1)
    finding = Finding(
        kind=FindingKind.COMPLIANCE, label="x", title="X", confidence=1, evidence=(shown,)
    )
    assert notice in texts(f"A: {notice}")
    assert texts(f"A: {notice}", findings=(finding,)) == []


def test_what_a_finding_stands_on_is_worth_more() -> None:
    lines = [f"C: number {n} of these plain sentences is about the {n} thing" for n in range(9)]
    text = lines[4].removeprefix("C: ")
    shown = Evidence(turn=4, start=0, end=len(text), start_ms=0, end_ms=1)
    finding = Finding(
        kind=FindingKind.VULNERABILITY, label="x", title="X", confidence=1, evidence=(shown,)
    )
    assert text in texts(*lines, findings=(finding,))


def test_the_same_thing_is_not_said_twice() -> None:
    same = "C: I'm calling because my boiler has stopped working again"
    assert len(texts(same, same, same)) == 1


def test_nothing_said_has_no_summary() -> None:
    assert texts() == []
    assert texts("A: hello", "C: yes", "A: bye") == []


LINES = st.lists(
    st.builds(
        lambda who, words, end: f"{who}: {' '.join(words)}{end}",
        st.sampled_from("ACU"),
        st.lists(
            st.sampled_from(
                ["I'm", "calling", "about", "my", "bill", "will", "send", "it", "[CARD-1]", "and",
                 "because,", "you", "thanks.", "tomorrow", "refund", "I've", "booked"]
            ),
            min_size=1,
            max_size=60,
        ),
        st.sampled_from([".", "?", ""]),
    ),
    max_size=12,
)  # fmt: skip


@settings(max_examples=60)
@given(LINES)
def test_every_sentence_stands_in_its_turn_in_order(lines: list[str]) -> None:
    transcript = call(*lines)
    summary = summarise(read(transcript, WordEncoder()), ())
    assert len(summary) <= MOST
    assert all(s.text in transcript.turns[n].text for s in summary for n in s.turns)
    assert all(s.turns for s in summary)
    order = [s.turns[0] for s in summary]
    assert order == sorted(order)
    assert summary == summarise(read(transcript, WordEncoder()), ())
