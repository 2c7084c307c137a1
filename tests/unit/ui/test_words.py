"""How things read in the window."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import (
    KINDS,
    Call,
    CallId,
    CallMetadata,
    CallRow,
    CorrectedSpeakers,
    Direction,
    Failure,
    ImportReport,
    JobState,
    PassphraseStrength,
    Role,
    RoleBasis,
    SafeTranscript,
    Severity,
    Sha256,
    Stage,
)
from app.ui import words
from tests.builders import transcript, turn


def row(**changes: object) -> CallRow:
    known: dict[str, object] = {
        "id": CallId("0" * 32),
        "source_name": "a.wav",
        "imported_at": "2026-03-12T14:02:00",
        "started_at": None,
        "state": JobState.DONE,
        "duration_ms": 247_000,
        "agent": None,
        "queue": None,
        "customer_sentiment": None,
        "score": None,
        "flags": (),
        "severity": None,
        "failure": None,
    }
    return CallRow(**(known | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (None, words.NOTHING),
        (0, "0:00"),
        (999, "0:00"),
        (61_000, "1:01"),
        (3_599_999, "59:59"),
        (3_753_000, "1:02:33"),
        (-5, "0:00"),
    ],
)
def test_duration(ms: int | None, text: str) -> None:
    assert words.duration(ms) == text


@given(st.integers(min_value=0, max_value=90_000_000))
def test_a_duration_reads_back(ms: int) -> None:
    seconds = 0
    for part in words.duration(ms).split(":"):
        seconds = seconds * 60 + int(part)
    assert seconds == ms // 1000


@pytest.mark.parametrize(
    ("ms", "text"),
    [(0, "0 seconds"), (61_000, "1 minute 1 second"), (7_260_000, "2 hours 1 minute")],
)
def test_spoken_duration(ms: int, text: str) -> None:
    assert words.spoken_duration(ms) == text


def test_moments() -> None:
    assert words.moment("2026-03-12T14:02:00") == "12 Mar 2026, 14:02"
    assert words.moment(None) == words.NOTHING
    assert words.moment("yesterday") == words.NOTHING


def test_a_call_without_a_time_says_when_it_was_imported() -> None:
    assert words.started(row(started_at="2026-03-11T09:00:00")) == "11 Mar 2026, 09:00"
    assert words.started(row()) == "imported 12 Mar 2026"
    assert words.started(row(imported_at="")) == words.NOTHING


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (None, words.NOTHING),
        (-1.0, "very negative"),
        (-0.3, "negative"),
        (0.0, "neutral"),
        (0.2, "positive"),
        (1.0, "very positive"),
    ],
)
def test_sentiment(score: float | None, text: str) -> None:
    assert words.sentiment(score) == text


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_sentiment_words_keep_the_order(one: float, other: float) -> None:
    order = ["very negative", "negative", "neutral", "positive", "very positive"]
    low, high = sorted((one, other))
    assert order.index(words.sentiment(low)) <= order.index(words.sentiment(high))


def test_every_value_has_words() -> None:
    for state in JobState:
        assert words.state(state)
    for stage in Stage:
        assert words.stage(stage)
    for severity in Severity:
        assert words.severity(severity)
    for direction in Direction:
        assert words.direction(direction)


def test_roles_are_named_and_doubted_where_they_were_guessed() -> None:
    assert words.role(Role.AGENT, 1) == "Agent"
    assert words.role(Role.CUSTOMER, 0) == "Customer"
    assert words.role(Role.UNKNOWN, 1) == "Speaker 2"
    assert words.role_note(RoleBasis.CHANNEL_MAP, 1.0) == ""
    assert words.role_mark(RoleBasis.GIVEN, 1.0) == ""
    assert words.role_note(RoleBasis.GUESSED, 0.82) == "guessed, 82 % sure"
    assert words.role_mark(RoleBasis.GUESSED, 0.82) == "guessed 82 %"
    assert "one channel" in words.role_note(RoleBasis.ESTIMATED, 0.7)
    assert words.role_mark(RoleBasis.ESTIMATED, 0.0) == "not known"


def test_how_the_speakers_are_known_and_who_corrected_them() -> None:
    def said(basis: RoleBasis, sure: float, *roles: Role) -> SafeTranscript:
        turns = tuple(turn(index, role, "yes", 0) for index, role in enumerate(roles))
        return replace(transcript(), turns=turns, role_basis=basis, role_confidence=sure)

    known = (Role.AGENT, Role.CUSTOMER)
    estimated = said(RoleBasis.ESTIMATED, 0.78, *known)
    assert words.speakers(estimated, None) == "Speakers estimated from one channel, 78 % sure"
    guessed = said(RoleBasis.GUESSED, 0.9, *known)
    assert words.speakers(guessed, None) == "Speakers guessed, 90 % sure"
    mapped = said(RoleBasis.CHANNEL_MAP, 1.0, *known)
    assert words.speakers(mapped, None) == "Speakers known from the channels"
    nobody = said(RoleBasis.GUESSED, 0.0, Role.UNKNOWN)
    assert words.speakers(nobody, None) == "It is not known who speaks"
    together = said(RoleBasis.ESTIMATED, 0.0, Role.UNKNOWN)
    assert "both sides are on one channel" in words.speakers(together, None)
    rob = CorrectedSpeakers(by="rob", at="2026-03-12T14:02:00Z", turns=(1,))
    assert words.speakers(mapped, rob).startswith("Corrected by rob, 12 Mar 2026, ")
    assert words.speakers(mapped, rob).endswith(": 1 turn")
    assert words.speakers(estimated, rob).endswith("1 turn; when each side speaks is estimated")


def test_the_act_names_how_many_turns_it_is_about() -> None:
    assert words.other_side(0) == words.other_side(1) == "This turn is the other side"
    assert words.other_side(3) == "These 3 turns are the other side"


def test_placeholders_are_found_and_explained() -> None:
    text = "it is [CARD-1] and [CARD_EXPIRY-12], [not one], [X-]"
    found = list(words.placeholders(text))
    assert [text[start:end] for start, end, _ in found] == ["[CARD-1]", "[CARD_EXPIRY-12]"]
    assert found[0][2].startswith("Card number 1, redacted")
    assert found[1][2].startswith("Card expiry 12, redacted")
    ((start, end, said),) = words.placeholders("on [PHONE-1 …0123] now")
    assert ((start, end), said.endswith("all but the last four digits is gone")) == ((3, 18), True)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("PERSON", "Person"),
        ("IBAN", "IBAN"),
        ("NATIONAL_ID", "National ID"),
        ("CARD_CODE", "Card security code"),
        ("PHONE", "Telephone number"),
    ],
)
def test_kinds_read_as_plain_words(kind: str, text: str) -> None:
    assert words.kind_label(kind) == text


def test_no_two_kinds_read_the_same() -> None:
    assert len({words.kind_label(kind) for kind in KINDS}) == len(KINDS)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, ""),
        (3, "less than a minute left"),
        (61, "about 1 minute left"),
        (600, "about 10 minutes left"),
        (7_300, "about 2 hours left"),
    ],
)
def test_time_left(seconds: float | None, text: str) -> None:
    assert words.time_left(seconds) == text


def test_rates_and_numbers() -> None:
    assert words.rate(None) == ""
    assert words.rate(0.2) == "1 call an hour"
    assert words.rate(1234.0) == "1,234 calls an hour"
    assert words.percent(0.515) == "52 %"
    assert words.percent(None) == words.NOTHING
    assert words.rounded(148.2, "words a minute") == "148 words a minute"
    assert words.score(79.6) == "80"
    assert words.score(None) == words.NOTHING
    assert words.times(0.75) == "0.75\N{MULTIPLICATION SIGN}"
    assert words.trend(0.5) == "getting better"
    assert words.trend(-0.5) == "getting worse"
    assert words.trend(0.01) == "steady"


def test_what_an_import_did() -> None:
    failure = Failure(code="x", sentence="No.", hint="")
    some = ImportReport(imported=(CallId("a"),), duplicates=2, refused=(("b.wav", failure),))
    nothing = ImportReport(imported=(), duplicates=0, refused=())
    known = ImportReport(imported=(), duplicates=1, refused=())
    assert words.imported(some) == (
        "1 recording imported, 2 already in this vault, 1 could not be imported."
    )
    assert words.imported(nothing) == "0 recordings imported."
    assert words.imported(known) == "1 already in this vault."
    described = ImportReport(imported=(CallId("a"),), duplicates=0, refused=(), described=1)
    assert words.imported(described) == "1 recording imported, 1 described in calls.csv."


@pytest.mark.parametrize(
    ("passphrase", "again", "hint"),
    [
        ("", "", "15 more characters needed."),
        ("a" * 14, "", "1 more character needed."),
        ("a" * 15, "", "Type it a second time."),
        ("a" * 15, "b", "The two passphrases are not the same."),
        ("a" * 15, "a" * 15, ""),
    ],
)
def test_what_a_new_passphrase_still_needs(passphrase: str, again: str, hint: str) -> None:
    assert words.passphrase_hint(passphrase, again, None) == hint


def test_a_passphrase_that_is_easy_to_guess_is_not_ready() -> None:
    weak = PassphraseStrength(good=False, share=0.4, advice="Others would try this one early.")
    good = PassphraseStrength(good=True, share=1.0, advice="")
    same = "a" * 15
    assert words.passphrase_hint(same, same, weak) == weak.advice
    assert words.passphrase_hint(same, same, good) == ""
    assert words.passphrase_sentence(weak.advice, weak) == weak.advice
    assert words.passphrase_sentence("", None) == "Both are the same."
    assert words.passphrase_sentence("Type it a second time.", good) == (
        "Hard to guess. Type it a second time."
    )
    assert words.passphrase_sentence("", good) == "Hard to guess. Both are the same."


def test_what_goes_on_behind_the_lock() -> None:
    assert words.going_on(3, 12) == "Analysis goes on: 3 of 12 calls"
    assert words.going_on(0, 1) == "Analysis goes on: 0 of 1 call"
    assert words.going_on(0, 0) == "Analysis goes on."
    assert words.going_on(0, 0, "3 of 12 recordings") == "Import goes on: 3 of 12 recordings"


def test_a_line_of_the_list_says_that_a_call_is_on_hold() -> None:
    assert words.row_state(row()) == "Done"
    assert words.row_state(row(on_hold=True)) == "Done, on hold"


def test_heading_of_a_call() -> None:
    known = CallMetadata(
        agent="A. Osei",
        queue="Billing",
        direction=Direction.INBOUND,
        started_at="2026-03-11T09:00:00",
    )
    call = Call(
        id=CallId("0" * 32),
        digest=Sha256("0" * 64),
        source_name="a.wav",
        size_bytes=1,
        imported_at="2026-03-12T14:02:00",
        metadata=known,
        duration_ms=247_000,
    )
    assert words.call_title(call) == "11 Mar 2026, 09:00"
    assert words.call_subtitle(call) == (
        "Agent A. Osei  \N{MIDDLE DOT}  Queue Billing  \N{MIDDLE DOT}  Inbound"
        "  \N{MIDDLE DOT}  4:07  \N{MIDDLE DOT}  a.wav"
    )


def test_totals_of_the_queue() -> None:
    numbers = {JobState.QUEUED: 3, JobState.FAILED: 1, JobState.RUNNING: 0}
    assert words.totals(numbers) == "3 queued  \N{MIDDLE DOT}  1 failed"
    assert words.totals({}) == "Nothing in the queue"
    assert words.list_count(1, narrowed=True) == "1 call found"
