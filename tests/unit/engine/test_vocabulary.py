"""The word list's text: what is taken, what is refused and in which line, and its digest."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import EntryKind
from app.engine import vocabulary
from app.engine.vocabulary import Entry, parse
from app.errors import UsageError

WORDS = st.from_regex(r"[a-zA-Z]{3}[a-zA-Z'\-]{0,7}", fullmatch=True)
FORMS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)
ENTRIES = st.lists(
    st.builds(Entry, FORMS, st.sampled_from(EntryKind), st.lists(FORMS, max_size=5).map(tuple)),
    max_size=20,
    unique_by=lambda entry: entry.written.casefold(),
)


def written(entries: list[Entry]) -> str:
    """Return a list as a person writes it."""
    lines: list[str] = []
    for entry in entries:
        sounds = f" = {', '.join(entry.sounds)}" if entry.sounds else ""
        lines += [f"[{entry.kind}s]", f"  {entry.written}{sounds}  # a remark", ""]
    return "\r\n".join(lines)


@given(ENTRIES)
def test_a_list_is_read_as_it_was_written(entries: list[Entry]) -> None:
    assert list(parse(written(entries)).entries) == entries


@given(ENTRIES)
def test_the_digest_is_over_the_entries_and_not_their_order(entries: list[Entry]) -> None:
    digest = parse(written(entries)).sha256
    assert parse(written(entries[::-1])).sha256 == digest
    assert (digest is None) == (not entries)
    if entries:
        assert parse(written(entries[1:])).sha256 != digest


@given(st.text(max_size=200))
def test_any_text_is_taken_within_the_limits_or_refused(text: str) -> None:
    try:
        entries = parse(text).entries
    except UsageError as error:
        assert "Line" in error.sentence  # noqa: PT017 - either outcome is right
        return
    for entry in entries:
        for said in (entry.written, *entry.sounds):
            assert said.isprintable()
            assert 1 <= len(said.split()) <= vocabulary.MOST_WORDS
            assert len(said) <= vocabulary.LONGEST


def test_entries_before_a_section_are_others() -> None:
    assert [one.kind for one in parse("Velmora\n[names]\nIlse Draycott").entries] == [
        EntryKind.OTHER,
        EntryKind.NAME,
    ]


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("[people]", "no such section"),
        ("Two of us and one more", "at most 4 words"),
        ("x" * 61, "at most 60 characters"),
        ("Ab", "at least 3 letters"),
        ("Vel\tmo\x07ra", "begins with a letter or digit"),
        ("Velmora; Quentrix", "begins with a letter or digit"),
        ("Quentrix =", "missing"),
        ("= quen tricks", "missing"),
        ("Quentrix = a b c, , d e f", "missing"),
        ("Quentrix = " + ", ".join(f"quen trick{n}" for n in range(6)), "At most 5"),
        ("VELMORA", "already"),
    ],
)
def test_what_is_wrong_names_its_line_and_no_word(line: str, wrong: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(f"# brands\nVelmora\n{line}\nSolvanta")
    assert "Line 3: " in caught.value.sentence
    assert wrong in caught.value.sentence
    assert "Quentrix" not in caught.value.sentence
    assert "Velmora" not in caught.value.sentence


def test_many_wrong_lines_are_counted() -> None:
    with pytest.raises(UsageError) as caught:
        parse("\n".join(["!"] * 8))
    assert "Line 5:" in caught.value.sentence
    assert "Line 6:" not in caught.value.sentence
    assert caught.value.sentence.endswith("And 3 more.")


def test_a_list_has_an_end() -> None:
    full = "\n".join(f"Brand{number}" for number in range(vocabulary.MOST_ENTRIES))
    assert len(parse(full).entries) == vocabulary.MOST_ENTRIES
    with pytest.raises(UsageError, match="more than 500 entries"):
        parse(f"{full}\nOne more")
    with pytest.raises(UsageError, match="100,000 characters"):
        parse("#" * (vocabulary.MOST_CHARACTERS + 1))


def test_an_entry_hides_its_words() -> None:
    assert "Velmora" not in repr(parse("Velmora = vel more a"))
