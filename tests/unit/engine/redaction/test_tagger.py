"""The token tagger: windows that read every word once, spans on whole words, and what is believed
of them."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain import Role
from app.engine.redaction import ENCODER, TAGGER
from app.engine.redaction.tagger import CONTEXT, LIKELY, WINDOW, Tagged, TokenTagger, windows
from app.engine.redaction.tags import TagFinder
from tests.unit.engine.redaction.calls import Models, data, read, said

TEXTS = st.text(
    st.sampled_from("ab 'éß4\uff17,.@-\n\x1e🙂İ中\u0301\u2019[]") | st.characters(codec="utf-8"),
    max_size=60,
)
SPOKEN = st.lists(
    st.sampled_from(["my", "name", "is", "xochitl", "07700", "four", "oh"]), max_size=90
)


@cache
def tagger() -> TokenTagger:
    models = Models()
    return TokenTagger(
        models.read(TAGGER, "model.onnx"),
        models.read(ENCODER, "tokenizer.json"),
        models.read(TAGGER, "tagger.json"),
    )


@given(st.lists(st.integers(0, 400), max_size=30))
def test_windows_hold_every_token_once_and_are_never_too_long(lengths: list[int]) -> None:
    seen = []
    for parts in windows(lengths):
        assert 1 + sum(part.length for part in parts) <= WINDOW
        assert sum(part.again for part in parts) <= 1
        assert all(part.last - part.first <= CONTEXT for part in parts if part.again)
        seen += [
            (part.turn, token)
            for part in parts
            if not part.again
            for token in range(part.first, part.last)
        ]
    assert seen == [(turn, token) for turn, length in enumerate(lengths) for token in range(length)]


@pytest.mark.parametrize("lengths", [[14000], [2] * 5000, [60, 70] * 100])
def test_windows_grow_with_the_words_and_not_faster(lengths: list[int]) -> None:
    spoken = sum(lengths) + 2 * len(lengths)
    assert len(list(windows(lengths))) <= 1 + spoken / (WINDOW / 2 - CONTEXT)


def test_context_is_what_was_said_last() -> None:
    first, second = windows([120, 40])
    assert [(part.turn, part.first, part.last, part.again) for part in first] == [
        (0, 0, 120, False)
    ]
    assert [(part.turn, part.first, part.last, part.again) for part in second] == [
        (0, 96, 120, True),
        (1, 0, 40, False),
    ]


@pytest.mark.models
@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS | SPOKEN.map(" ".join), max_size=5))
def test_spans_lie_on_whole_words_of_their_turn(texts: list[str]) -> None:
    read = tagger().read([(Role.CUSTOMER, text) for text in texts])
    assert len(read) == len(texts)
    for text, reading in zip(texts, read, strict=True):
        end = 0
        assert all(place < len(text) for place in reading.doubted)
        for tag in reading.tagged:
            assert reading.doubted.issuperset(
                place for place in range(tag.start, tag.end) if text[place].isalnum()
            )
            assert end <= tag.start < tag.end <= len(text)
            assert text[tag.start].isalnum() or text[tag.start] == "_"
            assert tag.start == 0 or not text[tag.start - 1].isalnum()
            assert tag.end == len(text) or not text[tag.end].isalnum()
            assert LIKELY <= tag.score <= 1.0
            end = tag.end


@pytest.mark.models
@pytest.mark.parametrize(
    ("turns", "kind", "value"),
    [
        (["can i take your name", "yes it's thandeka vuyelwa"], "PERSON", "thandeka vuyelwa"),
        (["i was talking to ngozi about it"], "PERSON", "ngozi"),
        (["we live at twelve bramblewick close"], "ADDRESS", "twelve bramblewick close"),
        (["you can ring me on oh seven seven double oh nine one two three four"], "PHONE", None),
    ],
)
def test_it_reads_lower_case_without_punctuation(turns: list[str], kind: str, value: str) -> None:
    roles = [Role.AGENT, Role.CUSTOMER][-len(turns) :]
    tags = tagger().read(list(zip(roles, turns, strict=True)))[-1].tagged
    assert [tag.kind for tag in tags] == [kind]
    if value:
        assert turns[-1][tags[0].start : tags[0].end] == value


@pytest.mark.models
def test_an_answer_is_read_beside_its_question() -> None:
    asked = tagger().read([(Role.AGENT, "and your pin"), (Role.CUSTOMER, "four four one nine")])
    assert [tag.kind for tag in asked[1].tagged] == ["PIN"]


@pytest.mark.models
def test_it_is_sure_of_words_that_say_nothing_of_anybody() -> None:
    (reading,) = tagger().read([(Role.CUSTOMER, "the kettle is broken and ngozi knows")])
    assert reading.doubted.isdisjoint(range(21))
    assert 25 in reading.doubted


def _tags(line: str, *values: tuple[str, str, float]) -> list[tuple[str, str]]:
    call = read(line)
    text = call.turns[0].text
    tags = [
        Tagged(kind, text.index(value), text.index(value) + len(value), score)
        for kind, value, score in values
    ]
    return said(call, TagFinder(data()).find(call, [tags]))


def test_a_number_kind_has_to_hold_a_number() -> None:
    line = "C: the card number is not on the statement"
    assert _tags(line, ("CARD", "card number", 0.9)) == []
    assert _tags("C: the card ends four two one one", ("CARD", "four two one one", 0.9)) == [
        ("CARD", "four two one one")
    ]
    assert _tags("C: the password is sunny tiger", ("PASSWORD", "sunny tiger", 0.9)) == [
        ("PASSWORD", "sunny tiger")
    ]


def test_amounts_and_short_numbers_that_nobody_asked_for_are_left() -> None:
    assert _tags("C: it costs 123456 pounds", ("PHONE", "123456", 0.9)) == []
    assert _tags("C: press 79 then hash", ("PHONE", "79", 0.9)) == []
    assert _tags("C: try 07700 900123", ("PHONE", "07700 900123", 0.9)) == [
        ("PHONE", "07700 900123")
    ]


def test_everyday_words_at_the_ends_of_a_value_stay() -> None:
    line = "C: bob at example dot org perfect"
    assert _tags(line, ("EMAIL", line[3:], 0.9)) == [("EMAIL", "bob at example dot org")]


def test_names_are_left_to_the_finder_that_knows_whose_they_are() -> None:
    line = "A: this is amelia i was speaking to ngozi"
    assert _tags(line, ("AGENT", "amelia", 0.9), ("PERSON", "ngozi", 0.9)) == []


def test_the_same_number_said_otherwise_is_one_value() -> None:
    call = read("A: and your pin", "C: it's four two one one", "C: 4211")
    tags = [[], [Tagged("PIN", 5, 21, 1.0)], [Tagged("PIN", 0, 4, LIKELY)]]
    found = TagFinder(data()).find(call, tags)
    assert [one.value for one in found] == ["4211", "4211"]
    assert [round(one.score, 2) for one in found] == [0.54, 0.5]


def test_words_that_nobody_asked_for_are_no_password() -> None:
    call = read("C: so fluffy cat then")
    assert TagFinder(data()).find(call, [[Tagged("PASSWORD", 3, 13, 0.9)]]) == []


def test_a_number_alone_is_no_address_unless_one_was_asked_for() -> None:
    line = "C: it left the depot at nine"
    assert _tags(line, ("ADDRESS", "nine", 0.9)) == []
    assert _tags("C: my address is nine", ("ADDRESS", "nine", 0.9)) == [("ADDRESS", "nine")]
    apart = (("ADDRESS", "bramblewick close", 0.9), ("ADDRESS", "60644", 0.9))
    assert [text for _, text in _tags("C: bramblewick close in xylo, 60644", *apart)] == [
        "bramblewick close",
        "60644",
    ]
    assert _tags("C: it is nine bramblewick", ("ADDRESS", "nine bramblewick", 0.9)) == [
        ("ADDRESS", "nine bramblewick")
    ]
