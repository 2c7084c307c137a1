"""Runs of digits are explained by what was asked, announced and proven."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import RoleBasis
from app.engine.redaction.addresses import AddressFinder
from app.engine.redaction.answers import AnswerFinder
from app.engine.redaction.contacts import ContactFinder
from app.engine.redaction.national import NationalFinder
from app.engine.redaction.numbers import NumberFinder
from app.engine.redaction.people import PeopleFinder
from app.engine.redaction.secrets import SecretFinder
from tests.unit.engine.redaction.calls import data, read, said, steps


def numbers(*lines: str) -> list[tuple[str, str]]:
    call = read(*lines)
    return [one for one in said(call, NumberFinder(data()).find(call)) if one[0] != "DATE"]


def kinds(*lines: str) -> list[str]:
    return [kind for kind, _ in numbers(*lines)]


def values(*lines: str) -> list[str]:
    found = NumberFinder(data()).find(read(*lines))
    return list(dict.fromkeys(one.value for one in found))


def test_parts_over_turns_are_one_value() -> None:
    lines = ("A: Card number?", "C: 4929", "A: yes", "C: 4212", "C: 3460 0821")
    assert kinds(*lines) == ["CARD"] * 3
    assert values(*lines) == ["4929421234600821"]


def test_a_new_question_ends_a_value() -> None:
    lines = ("A: Card number?", "C: 4929", "A: What's the order number?", "C: 4212")
    assert kinds(*lines) == ["CARD", "REFERENCE_NUMBER"]


def test_letters_first_then_digits_of_one_reference() -> None:
    lines = ("A: Your policy number?", "C: K L seven seven", "C: nine three", "C: a b c d e")
    assert kinds(*lines)[:2] == ["POLICY_NUMBER", "POLICY_NUMBER"]


def test_the_other_side_repeats_in_pieces() -> None:
    lines = ("A: Card number?", "C: 4929421234600821", "A: 4929", "A: four two", "C: no 99")
    assert [text for kind, text in numbers(*lines) if kind == "CARD"] == [
        "4929421234600821",
        "4929",
        "four two",
    ]


def test_a_code_is_recognised_again_soon_but_not_for_ever() -> None:
    lines = ("A: The security code?", "C: 4 7 1", "A: 4 7 1, thanks")
    assert kinds(*lines) == ["CARD_CODE", "CARD_CODE"]


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("C: 4111 1111 1111 1111", "CARD"),
        ("C: G B 8 2 W E S T 1 2 3 4 5 6 9 8 7 6 5 4 3 2", "IBAN"),
        ("C: S W 1 A 1 A A", "POSTCODE"),
        ("C: AB51 DVR", "VEHICLE"),
        ("C: J G 1 0 3 7 5 9 A", "NATIONAL_ID"),
        ("C: 8001015009087", "NATIONAL_ID"),
        ("C: 219-09-9999", "NATIONAL_ID"),
        ("C: oh seven seven double oh nine double oh one two three", "PHONE"),
        ("C: 202 555 0143", "PHONE"),
    ],
)
def test_what_a_number_proves_itself(line: str, kind: str) -> None:
    assert kinds(line) == [kind]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("C: four seven one is my security code", [("CARD_CODE", "four seven one")]),
        ("C: the numbers are 4 7 1 on the back", [("CARD_CODE", "4 7 1")]),
        ("C: 12345678 is my account number", [("ACCOUNT_NUMBER", "12345678")]),
        ("C: my zip is 90210", [("POSTCODE", "90210")]),
        ("C: my address ends with 90210", [("POSTCODE", "90210")]),
        ("C: my pin is 4 3 2 1 pounds", [("PIN", "4 3 2 1")]),
        ("C: my card ends in 4 2 1 7", [("CARD", "4 2 1 7")]),
        ("C: the last four digits are fine", []),
        ("C: the sort code is 08-12-99", [("SORT_CODE", "08-12-99")]),
        ("C: I ordered a case of 12 and 3 boxes", []),
        ("C: my policy costs 250 a month", []),
    ],
)
def test_announced_values(line: str, found: list[tuple[str, str]]) -> None:
    assert numbers(line) == found


@pytest.mark.parametrize(
    "line",
    ["C: it was 1,250,000 in 2019", "C: $19.99", "C: at 9:30", "C: call 9 1 1", "C: 24 hours",
     "C: the second one", "C: two thousand", "C: it's 12 or 13", "C: page 1234", "C: 50%"],
)  # fmt: skip
def test_everyday_numbers_stay(line: str) -> None:
    assert numbers(line) == []


def test_digits_nobody_explains() -> None:
    assert kinds("C: here 881427") == ["NUMBER"]
    assert kinds("C: here 8814") == []
    assert kinds("A: I need to take you through security, the account?", "C: hm 8814 x") == [
        "ACCOUNT_NUMBER"
    ]
    assert kinds("A: your password?", "C: A B 1 2 3") == ["NUMBER"]


def test_after_a_card() -> None:
    card = "C: 4111 1111 1111 1111"
    assert kinds(card, "C: 1 2 3") == ["CARD", "CARD_CODE"]
    assert kinds(card, "C: 12 29") == ["CARD", "CARD_EXPIRY"]
    assert kinds(card, "C: it took 3 people to lift all of that") == ["CARD"]
    assert kinds("A: card?", "C: my card 4111111111111111 1229 123") == [
        "CARD",
        "CARD_EXPIRY",
        "CARD_CODE",
    ]


def test_a_bank_account_is_one_beside_a_sort_code() -> None:
    assert kinds("A: account number?", "C: 12345678") == ["ACCOUNT_NUMBER"]
    assert kinds("C: sort code 204715", "C: account number 12345678") == [
        "SORT_CODE",
        "BANK_ACCOUNT",
    ]
    assert kinds("A: sort code and account number?", "C: 204715 12345678") == [
        "SORT_CODE",
        "BANK_ACCOUNT",
    ]


def test_births() -> None:
    assert kinds("C: born the 4th of May 1971", "A: 4/5/1971?") == ["DATE_OF_BIRTH"] * 2
    assert kinds("C: we met on the 4th of May 2021") == []
    assert kinds("A: date of birth?", "C: 07 04 1996") == ["DATE_OF_BIRTH"]
    assert kinds("A: date of birth?", "C: 070496") == ["DATE_OF_BIRTH"]
    ago = ("A: date of birth?", "C: hm", "A: hello", "C: sorry")
    assert kinds(*ago, "C: May 5th") == []
    assert kinds(*ago, "C: May 5th 1971") == ["DATE_OF_BIRTH"]


def test_expiry_said_as_a_month() -> None:
    assert kinds("A: When does it expire?", "C: March 2029") == ["CARD_EXPIRY"]
    card = "C: 4111 1111 1111 1111"
    assert kinds(card, "A: And the X-ray?", "C: Yes, it's August 2031.") == ["CARD", "CARD_EXPIRY"]
    assert kinds(card, "C: it's August 2019") == ["CARD"]
    assert kinds(card, "C: we are going there for the whole of August 2031") == ["CARD"]
    assert kinds("C: it's August 2031") == []


def test_a_weak_phrase_hides_no_strong_one_that_begins_in_it() -> None:
    for question in ("What's the card number?", "And which debit card number is it?"):
        assert kinds(f"A: {question}", "C: 1 2 2 7 2 2 6 7 2 8 8 5 7 4 9") == ["CARD"]
    assert kinds("A: what card would you like to use", "C: 51169797") == ["CARD"]
    assert kinds("A: is the card here", "C: no, I have 3 of them") == []


def test_a_repeat_keeps_its_kind_when_another_is_announced() -> None:
    lines = ("C: my order number is 445566", "A: and your phone number is 07700 900123")
    assert kinds(*lines) == ["REFERENCE_NUMBER", "PHONE"]


_WORDS = st.lists(
    st.sampled_from(
        [
            "A",
            "C",
            "card",
            "number",
            "sort",
            "code",
            "pin",
            "date",
            "of",
            "birth",
            "postcode",
            "one",
            "two",
            "4929",
            "4111111111111111",
            "oh",
            "a",
            "b",
            "double",
            "march",
            "12/03/1980",
            "yes",
            "no",
            "sorry",
            "thanks",
            "on",
            "the",
            "back",
            "is",
            "my",
            "email",
            "at",
            "gmail",
            "dot",
            "com",
            "seventeen",
            "mulberry",
            "lane",
            "flat",
            "password",
            "john",
            "smith",
            "speaking",
            "?",
            ".",
            ",",
            "and",
            "to",
            "for",
        ]
    ),
    max_size=30,
)


@given(st.lists(st.tuples(st.sampled_from("AC"), st.one_of(_WORDS.map(" ".join), st.text()))))
def test_no_finder_raises_and_every_span_holds_something(turns: list[tuple[str, str]]) -> None:
    call = read(*(f"{who}: {text.replace('{', '(')}" for who, text in turns))
    for found in _all(call):
        for one in found:
            text = call.turns[one.turn].text
            assert 0 <= one.start < one.end <= len(text)
            assert text[one.start : one.end].strip()
            assert 0 < one.score <= 1
            assert one.kind in data().kinds


NATIONAL = NationalFinder(data(), ("au", "eu", "uk", "us", "za"))


def _all(call):
    people = PeopleFinder(data(), agents_too=False)
    facts = {"agent_name": None, "role_basis": RoleBasis.GIVEN, "role_confidence": 1.0}
    yield NumberFinder(data()).find(call)
    yield NATIONAL.find(call)
    yield AddressFinder(data()).find(call)
    yield ContactFinder().find(call)
    yield SecretFinder(data()).find(call)
    yield AnswerFinder(data()).find(call)
    yield people.find(call, [[] for _ in call.turns], things=[set() for _ in call.turns], **facts)


@pytest.mark.parametrize(
    "words",
    ["nine", "pin nine", "at dot com", "x at y dot com", "card number", "john", "john smith",
     "nine oak lane", "4929", "9 oak 9", "password is", "my name is", "mr", "12/03/1980", "born",
     "march nineteen", "a 9", "suite 9", "thanks for calling", "speaking", "i'm", "b r z",
     "vat passport", "imei 1 2 a", "dot one dot 2"],
)  # fmt: skip
def test_work_grows_with_the_length_only(words: str) -> None:
    def work(count: int) -> int:
        text = " ".join([words] * count)
        return steps(lambda: list(_all(read(f"C: {text}"))))

    assert work(1500) < 16 * work(150)


def test_letters_behind_a_number_without_letters_and_decimals() -> None:
    assert kinds("A: And the pin number?", "C: 1 2 3 4 x y") == ["PIN"]
    assert kinds("C: it came to 19.99 in the end") == []


def test_what_is_no_card_is_not_cut_into_a_card_and_its_code() -> None:
    found = kinds("A: Your card details?", "C: 4929 4212 3460 0822 1 2 3")
    assert "CARD_CODE" not in found
    assert found


class TestMisheard:
    """Recognisers print "or" for "oh" and "er", "not" for "nought", "CVP" for "CVV"."""

    def test_words_between_digits_are_digits(self) -> None:
        lines = ("A: And the three digits on the back?", "C: 6 or 9, thanks.")
        assert numbers(*lines) == [("CARD_CODE", "6 or 9")]
        assert values(*lines) == ["609"]
        assert values("A: Phone number?", "C: not 7 7 not 1 9 free 4 5 not 2 8 6") == [
            "77019345028" + "6"
        ]

    def test_what_a_misheard_word_parts_from_a_value_belongs_to_it(self) -> None:
        lines = ("A: What's the card number?", "C: 4025 or 559136562152. Thanks.")
        assert kinds(*lines) == ["CARD", "CARD"]
        after = ("A: What's the card number?", "C: 4929 4212 3460 0821 or 51")
        assert numbers(*after) == [("CARD", "4929 4212 3460 0821"), ("CARD", "51")]

    def test_what_is_joined_joins_what_stands_before_it(self) -> None:
        told = "C: it's 5116-9797 or 2965 or 5619-Sorry, no, 9124, thanks."
        found = numbers("A: The security code?", told)
        assert "".join(text for _, text in found) == ("5116-979729655619-Sorry, no, 9124")

    def test_another_number_is_left_where_other_words_part_them(self) -> None:
        assert kinds("C: my card is 4929 4212 3460 0821 for 51 pounds or 52 pounds") == ["CARD"]
        assert kinds("C: I was charged 12 or 13 pounds") == []
        assert kinds("C: or 12 of them", "C: 12 or") == []

    def test_a_code_is_asked_for_under_names_that_are_nearly_its_own(self) -> None:
        assert kinds("A: And the CVP, please.", "C: Yeah, 537.") == ["CARD_CODE"]

    def test_three_digits_alone_long_after_a_card_are_its_code(self) -> None:
        talk = [f"{who}: all right then" for who in "AC" * 10]
        lines = ("A: What's the card number?", "C: 4929 4212 3460 0821", *talk, "C: it's 312")
        assert kinds(*lines) == ["CARD", "CARD_CODE"]


class TestACodeWhoseQuestionWasMisheard:
    ASKED = ("A: And the three digits on the back?", "C: It's 513.")

    def test_is_a_code_where_the_call_asks_for_codes(self) -> None:
        lines = ("A: Finally, the verified station code.", "C: It's 363.", *self.ASKED)
        assert numbers(*lines) == [("CARD_CODE", "363"), ("CARD_CODE", "513")]

    @pytest.mark.parametrize(
        ("asked", "answer"),
        [
            ("A: What's your house number?", "C: It's 363."),  # the question is known
            ("A: And what does it say?", "C: it says we owe you 363 pounds"),
            ("A: And what does it say?", "A: It's 363."),  # agents give no codes
        ],
    )
    def test_is_none_where_something_else_explains_it(self, asked: str, answer: str) -> None:
        assert ("CARD_CODE", "363") not in numbers(*self.ASKED, "A: Thank you.", asked, answer)

    def test_is_none_in_a_call_without_codes(self) -> None:
        assert kinds("A: Finally, how many do you have?", "C: It's 363.") == []


class TestANumberWhoseQuestionWasMisheard:
    def test_is_a_number_where_somebody_is_being_verified(self) -> None:
        lines = ("A: and the X-ray.", "C: Sure, 1-1-3-3.", "A: And when were you born?")
        assert numbers(*lines) == [("NUMBER", "1-1-3-3")]

    @pytest.mark.parametrize(
        "lines",
        [
            ("A: and the X-ray.", "C: Sure, 1-1-3-3.", "A: Lovely day."),  # nobody is verified
            ("A: and the X-ray.", "A: Sure, 1-1-3-3.", "A: And when were you born?"),
            ("A: How much?", "C: It was 1,133 pounds.", "A: And when were you born?"),
            (
                *("A: How was it?", "C: we walked 1 1 3 3 steps all the way to the sea"),
                "A: And when were you born?",
            ),
        ],
    )
    def test_is_none_elsewhere(self, lines: tuple[str, ...]) -> None:
        assert numbers(*lines) == []
