"""How long words take to say."""

from __future__ import annotations

from app.engine.pace import longest_ms


def test_digits_letters_and_signs_are_words() -> None:
    assert longest_ms("4929-4212-3460-0821") >= 16 * 400
    assert longest_ms("P-R-E-N-T-I-C-E") == longest_ms("PRENTICE") >= 8 * 400
    assert longest_ms("$24") == longest_ms("324")
    assert longest_ms("isn't") < longest_ms("i s n t") / 3


def test_what_ends_a_phrase_is_drawn_out() -> None:
    assert longest_ms("menu.") > longest_ms("menu") + 200


def test_a_script_without_spaces_takes_its_time() -> None:
    assert longest_ms("您好吗") == 3 * 250 + 50


def test_what_is_no_word_takes_hardly_any() -> None:
    assert longest_ms("-") == 50
