"""Transcripts that are redacted and nothing more: every turn is answered where it was given."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.engine import transcripts
from app.engine.redaction.found import Found
from app.engine.redaction.placeholders import write
from app.engine.text_redaction import as_given

TURNS = st.lists(st.tuples(st.integers(0, 5), st.text(min_size=1, max_size=9)), min_size=1)


@given(TURNS, st.data())
def test_turns_and_redactions_stand_where_the_turns_were_given(turns, data):
    transcript = transcripts.TranscriptInput(
        turns=tuple(transcripts.TurnInput(text=text, start_ms=at, end_ms=9) for at, text in turns)
    )
    raw = transcripts.to_raw(transcript)
    found = []
    for place, turn in enumerate(raw.turns):
        start = data.draw(st.integers(0, len(turn.text) - 1))
        end = data.draw(st.integers(start + 1, len(turn.text)))
        value = turn.text[start:end]
        where = {"turn": place, "start": start, "end": end}
        found.append(Found(kind="CARD", score=1.0, rule="rule", value=value, **where))
    safe, redactions = as_given(write(raw, found), transcripts.order(transcript))
    assert [turn.index for turn in safe.turns] == list(range(len(turns)))
    assert [one.turn for one in redactions] == list(range(len(turns)))
    for one, turn, (at, text) in zip(redactions, safe.turns, turns, strict=True):
        assert turn.start_ms == at
        placeholder = turn.text[one.safe_start : one.safe_end]
        assert placeholder == f"[CARD-{one.value}]"
        assert text[: one.start] + placeholder + text[one.end :] == turn.text
