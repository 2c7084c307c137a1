"""Redacting a safe transcript further: every place stays where it belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import Correction, EntryKind, MutedSpan
from app.engine.raw import Leak
from app.engine.redaction.further import as_spoken, muted_again, redacted_again
from app.engine.redaction.placeholders import Redacted, write
from tests.unit.engine.redaction.test_placeholders import at, raw, turn

if TYPE_CHECKING:
    from app.engine.redaction.found import Found

SPOKEN = "Card 4929 4212 then for too one for Harbour thanks"


def _first() -> Redacted:
    said = raw(turn(SPOKEN), turn("four four"))
    return write(said, [at(said, "4929 4212", "CARD", "49294212")])


def _found(redacted: Redacted, text: str) -> Found:
    return at(as_spoken(redacted.transcript), text, "CARD", "4214")


def _correction(redacted: Redacted, text: str) -> Correction:
    start = redacted.transcript.turns[0].text.index(text)
    return Correction(
        turn=0,
        start=start,
        end=start + len(text),
        kind=EntryKind.PLACE,
        likeness=0.9,
        confidence=0.5,
    )


def test_a_further_value_gets_a_placeholder_of_its_own_and_the_first_one_stays() -> None:
    first = _first()
    again, _ = redacted_again(first, (), [_found(first, "for too one for")])
    text = again.transcript.turns[0].text
    assert text == "Card [CARD-1] then [CARD-2] Harbour thanks"
    assert [SPOKEN[one.start : one.end] for one in again.redactions] == [
        "4929 4212",
        "for too one for",
    ]
    assert [text[one.safe_start : one.safe_end] for one in again.redactions] == [
        "[CARD-1]",
        "[CARD-2]",
    ]
    assert len(again.values) == 2
    assert again.muted == first.muted
    assert again.transcript.turns[1] == first.transcript.turns[1]
    assert all(text[w.start : w.end] == w.text for w in again.transcript.turns[0].words)


def test_a_further_value_before_the_first_one_moves_it() -> None:
    first = _first()
    again, _ = redacted_again(first, (), [_found(first, "Card")])
    text = again.transcript.turns[0].text
    assert text.startswith("[CARD-2] [CARD-1] then")
    assert [SPOKEN[one.start : one.end] for one in again.redactions] == ["Card", "4929 4212"]
    assert [text[one.safe_start : one.safe_end] for one in again.redactions] == [
        "[CARD-2]",
        "[CARD-1]",
    ]


def test_corrections_move_with_their_words_and_go_with_what_is_redacted() -> None:
    first = _first()
    seen = (_correction(first, "then"), _correction(first, "one"), _correction(first, "Harbour"))
    again, left = redacted_again(first, seen, [_found(first, "for too one for")])
    text = again.transcript.turns[0].text
    assert [text[one.start : one.end] for one in left] == ["then", "Harbour"]


def test_without_anything_further_all_is_as_it_was() -> None:
    first = _first()
    seen = (_correction(first, "Harbour"),)
    assert redacted_again(first, seen, []) == (first, seen)


def test_what_is_muted_again_is_muted_where_it_leaks_to() -> None:
    first = _first()
    span = MutedSpan(channel=1, start_ms=9000, end_ms=9500)
    leak = Leak(source=1, target=0, delay_ms=30, gain_db=-20.0)
    muted = muted_again(first, [span], [leak]).muted
    assert set(muted) > {*first.muted, span}
    assert [one for one in muted if one.channel == 0] == [
        MutedSpan(channel=0, start_ms=9000, end_ms=9630)
    ]
