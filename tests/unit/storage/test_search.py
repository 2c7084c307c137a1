"""Search: any text is safe, and what was said is found."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.domain import Role
from app.storage.search import safe_query

SAID = [
    "I want to make a complaint about my bill",
    "the complaint was about the bill, not the meter",
    "my card is [CARD-1] and my name is [PERSON-2]",
    "AND OR NOT NEAR are ordinary words here",
    "das Café in Zürich öffnet früh",
    "refunds are paid in five days",
]


@pytest.fixture
def told(opened, database):
    with database.transaction() as writing:
        writing.change(
            """INSERT INTO calls (number, id, digest, source_name, size_bytes, imported_at, started,
            direction, channel_roles, state, place, queued_at)
            VALUES (1, ?, ?, 'x', 1, '', '', 'unknown', '', 'done', 1, '')""",
            ("a" * 32, "b" * 64),
        )
        rows = [((1 << 20) + n, Role.CUSTOMER, n * 1000, text) for n, text in enumerate(SAID)]
        writing.many("INSERT INTO turns VALUES (?, ?, ?, ?)", rows)
    return opened


def _found(opened, text):
    return sorted(hit.turn for hit in opened.search.find(text))


@pytest.mark.parametrize(
    ("text", "turns"),
    [
        ("complaint", [0, 1]),
        ("COMPLAINT bill", [0, 1]),
        ('"complaint about"', [0]),
        ('"complaint about', [0]),
        ("cafe zurich", [4]),
        ("refund", []),
        ("refund*", [5]),
        ("ref* days", []),
        ("CARD-1", [2]),
        ("[CARD-1]", [2]),
        ("NOT", [1, 3]),
        ("AND OR NEAR", [3]),
        ("bill, not", [1]),
        ("", []),
        ("   ", []),
        ('"', []),
        ("* - ^ : ( )", []),
        ("text:complaint", []),
        ("complaint NOT meter", [1]),
    ],
)
def test_words_mean_themselves(told, text, turns):
    assert _found(told, text) == turns


def test_a_hit_says_where_and_marks_the_words(told):
    hit = told.search.find("paid")[0]
    assert (hit.call, hit.turn, hit.role, hit.start_ms) == ("a" * 32, 5, Role.CUSTOMER, 5000)
    assert hit.snippet == "refunds are \u2039paid\u203a in five days"


def test_the_best_hit_comes_first_and_no_more_than_asked_for(told):
    hits = told.search.find("complaint bill")
    assert [hit.turn for hit in told.search.find("complaint bill", limit=1)] == [hits[0].turn]
    assert len(hits) == 2


OPERATORS = ['"', "*", "^", "-", "+", ":", "(", ")", "{", "}", "NEAR", "AND", "OR", "NOT", "\0"]
typed = st.one_of(
    st.text(),
    st.text(alphabet=st.characters()),
    st.lists(st.sampled_from([*OPERATORS, "a", "bill", " ", "text", "\ud800", "'", ";"])).map(
        "".join
    ),
)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=typed)
@example(text="(" * 5000)
@example(text="a " * 20_000)
@example(text='"' * 999)
@example(text="x" * 100_000)
def test_no_text_breaks_the_search_or_acts_as_an_operator(told, text):
    hits = told.search.find(text)
    if safe_query(text) is None:
        assert hits == ()


@given(typed)
def test_a_query_is_quoted_words_and_nothing_else(text):
    query = safe_query(text)
    if query is None:
        return
    inside = False
    outside = ""
    for character in query:
        if character == '"':
            inside = not inside
        elif not inside:
            outside += character
    assert not inside
    assert outside.strip("*") == outside.removesuffix("*")
    assert set(outside) <= {" ", "*"}
    assert query.encode()


@given(st.sampled_from(SAID), st.data())
def test_every_word_that_was_said_is_asked_for(said, data):
    words = said.split()
    chosen = data.draw(st.lists(st.sampled_from(words), min_size=1, max_size=5))
    assert safe_query(" ".join(chosen)) is not None
