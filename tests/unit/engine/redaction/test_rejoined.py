"""Estimated speakers never weaken redaction: whatever is found without them is found with them."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import RedactionSettings
from app.domain import Role, RoleBasis
from app.engine.raw import RawTranscript, RawTurn
from app.engine.redaction import Redactor
from app.engine.redaction.found import Found
from app.engine.redaction.rejoined import rejoined, without_roles
from tests.unit.engine.redaction.calls import GOLDEN, RECOGNISERS, Models, marked

CALLS = marked.read(GOLDEN / "calls.toml")
ROLES = (Role.AGENT, Role.CUSTOMER)


@cache
def redactor() -> Redactor:
    return Redactor(Models(), RedactionSettings(), RECOGNISERS)


def on_one_channel(raw: RawTranscript) -> RawTranscript:
    """Return a call as one channel gives it, a pause between its turns, no roles."""
    turns = tuple(
        replace(turn, channel=0, role=Role.UNKNOWN, start_ms=10_000 * n, end_ms=10_000 * n + 5000)
        for n, turn in enumerate(raw.turns)
    )
    basis = {"role_basis": RoleBasis.ESTIMATED, "role_confidence": 0.0}
    return replace(raw, turns=turns, **basis)


def torn(raw: RawTranscript, seed: int) -> tuple[RawTranscript, list[list[tuple[int, int]]]]:
    """Tear turns between words as an error of diarisation would, with roles at random.

    Returns for each turn of before its parts: turn of now, and where its text began.
    """
    chance = random.Random(seed)
    turns: list[RawTurn] = []
    places: list[list[tuple[int, int]]] = []
    for turn in raw.turns:
        words = turn.text.split(" ")
        cuts = [n for n in range(1, len(words)) if chance.random() < 0.2]
        places.append([])
        at = 0
        for first, last in zip([0, *cuts], [*cuts, len(words)], strict=True):
            text = " ".join(words[first:last])
            places[-1].append((len(turns), at))
            speaker = chance.randrange(2)
            role = ROLES[speaker]
            turns.append(replace(turn, text=text, speaker=speaker, role=role))
            at += len(text) + 1
    return replace(raw, turns=tuple(turns), role_confidence=0.85), places


def covered(raw: RawTranscript) -> set[tuple[int, int]]:
    """Return the letters and digits that redaction takes, as turn and place."""
    return {
        (one.turn, place)
        for one in redactor().redact(raw).redactions
        for place in range(one.start, one.end)
        if raw.turns[one.turn].text[place].isalnum()
    }


@pytest.mark.models
@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_speakers_and_roles_that_are_all_wrong_take_nothing_from_redaction(call):
    whole = on_one_channel(call.raw)
    parts, places = torn(whole, seed=len(call.name))
    kept = covered(parts)
    for turn, place in covered(whole):
        now, began = max(one for one in places[turn] if one[1] <= place)
        assert (now, place - began) in kept


@pytest.mark.models
def test_an_estimated_agent_is_not_believed_to_name_themselves():
    lines = ["Good morning, my name is Declan Osgood, I want to pay.", "Of course."]
    turns = tuple(
        RawTurn(channel=0, role=role, start_ms=at, end_ms=at + 900, text=text, speaker=speaker)
        for speaker, (role, text, at) in enumerate(zip(ROLES, lines, (0, 2000), strict=True))
    )
    for confidence in (0.0, 0.85, 1.0):
        raw = RawTranscript(
            turns=turns,
            language="en",
            role_basis=RoleBasis.ESTIMATED,
            role_confidence=confidence,
        )
        unknown = redactor().redact(without_roles(raw)).transcript.turns[0].text
        safe = redactor().redact(raw).transcript
        assert safe.turns[0].text == unknown
        assert [turn.role for turn in safe.turns] == list(ROLES)
        assert [turn.speaker for turn in safe.turns] == [0, 1]


@given(
    st.lists(st.tuples(st.text("ab c", min_size=1, max_size=9), st.integers(0, 1500)), min_size=1),
    st.data(),
)
def test_what_is_found_in_joined_turns_is_found_in_each_part(said, data):
    turns, at = [], 0
    for text, pause in said:
        at += pause
        turns.append(RawTurn(channel=0, role=Role.AGENT, start_ms=at, end_ms=at + 100, text=text))
        at += 100
    raw = RawTranscript(turns=tuple(turns), language="en")
    whole = rejoined(raw)
    assert "\n".join(turn.text for turn in whole.raw.turns).replace("\n", " ") == " ".join(
        text for text, _ in said
    )
    index = data.draw(st.integers(0, len(whole.raw.turns) - 1))
    text = whole.raw.turns[index].text
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    one = Found(kind="CARD", turn=index, start=start, end=end, score=1.0, rule="x", value="v")
    back = list(whole.back([one]))
    taken = [raw.turns[part.turn].text[part.start : part.end] for part in back]
    # the joints are spaces that belong to no part
    assert "".join(taken).replace(" ", "") == text[start:end].replace(" ", "")
    assert all(part.value == "v" for part in back)
