"""Addresses, e-mails, secrets and answers as they are said."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.redaction.addresses import AddressFinder
from app.engine.redaction.answers import AnswerFinder
from app.engine.redaction.casing import cased
from app.engine.redaction.contacts import ContactFinder
from app.engine.redaction.everything import EverythingFinder
from app.engine.redaction.medical import MedicalFinder
from app.engine.redaction.secrets import SecretFinder
from tests.unit.engine.redaction.calls import data, read, said


def texts(finder, *lines: str) -> list[str]:
    call = read(*lines)
    return [text for _, text in said(call, finder.find(call))]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("C: it's flat two, seventeen Mulberry Lane", "flat two, seventeen Mulberry Lane"),
        ("C: 42 acacia avenue", "42 acacia avenue"),
        ("C: my address is forty two the rise", "forty two"),
        ("C: 1588 Pine St. San Jose, CA 94110 please", "1588 Pine St. San Jose, CA 94110"),
        ("C: 12 Station Road, Leeds, and thanks", "12 Station Road, Leeds"),
        ("C: 12 station road leeds", "12 station road leeds"),
        ("C: to 52 Ibirapita 8057, Suite 498", "52 Ibirapita 8057, Suite 498"),
        ("C: it's in Suite 286.", "Suite 286"),
        ("C: Apt. 12", "Apt. 12"),
        ("C: 9 Elm Drive Street", "9 Elm Drive Street"),
        ("C: flat 2 at 17 Mulberry Lane", "flat 2 at 17 Mulberry Lane"),
    ],
)  # fmt: skip
def test_addresses(line: str, address: str) -> None:
    assert texts(AddressFinder(data()), line) == [address]


def test_addresses_as_answers() -> None:
    finder = AddressFinder(data())
    assert texts(finder, "A: your address?", "C: 14 The Larches") == []
    assert texts(finder, "A: your address?", "C: 14 Larches") == ["14 Larches"]
    assert texts(finder, "A: your address?", "C: 14 larchess") == ["14 larchess"]
    assert texts(finder, "A: your address?", "C: fourteen hill view") == ["fourteen hill view"]
    assert texts(finder, "A: your address?", "C: the 3rd Larch") == []
    assert texts(finder, "A: your address?", "C: It has 3 rooms") == []


@pytest.mark.parametrize(
    "line",
    ["C: it's 2 miles all the way", "C: 3 of them drive", "C: a b c lane", "C: 12, 13 and 14",
     "C: the suite is 12", "C: suite twelve", "C: 2 Larches", "C: 9 Larches 1234567"],
)  # fmt: skip
def test_no_addresses(line: str) -> None:
    assert texts(AddressFinder(data()), line) == []


@pytest.mark.parametrize(
    ("line", "address", "value"),
    [
        ("C: it's j dot doe at gmail dot com", "j dot doe at gmail dot com", "j.doe@gmail.com"),
        ("C: send it to tyler_b@example.org now", "tyler_b@example.org", "tyler_b@example.org"),
        ("C: is a b 8 2 at mail dot co dot uk", "a b 8 2 at mail dot co dot uk", "ab82@mail.co.uk"),
        ("C: mary.jane at example.org", "mary.jane at example.org", "mary.jane@example.org"),
        ("C: email is bob one at x dash y dot com", "bob one at x dash y dot com", "bob1@x-y.com"),
        ("C: jim at mail dot foo dot com", "jim at mail dot foo dot com", "jim@mail.foo.com"),
        ("C: big jim smith at mail dot com", "smith at mail dot com", "smith@mail.com"),
        ("C: jim at gmail dot com and", "jim at gmail dot com", "jim@gmail.com"),
        ("C: a jim at mail dot com", "jim at mail dot com", "jim@mail.com"),
        ("C: jim, at mail dot com, and bob at mail dot com", "bob at mail dot com", "bob@mail.com"),
    ],
)  # fmt: skip
def test_spoken_e_mails(line: str, address: str, value: str) -> None:
    call = read(line)
    found = ContactFinder().find(call)
    assert address in [call.turns[0].text[one.start : one.end] for one in found]
    assert value in [one.value for one in found]


def test_asked_e_mails_reach_further() -> None:
    assert texts(ContactFinder(), "A: your email?", "C: jim bob, smith at gmail") == [
        "jim bob, smith at gmail"
    ]


@pytest.mark.parametrize(
    "line",
    ["C: at home", "C: we met at the dot", "C: at dot com", "C: is at mail dot com",
     "C: look at that. Come in", "C: he was at work dot", "C: jim at mail dot !"],
)  # fmt: skip
def test_no_e_mails(line: str) -> None:
    assert texts(ContactFinder(), line) == []


def test_secrets() -> None:
    finder = SecretFinder(data())
    assert texts(finder, "C: my password is fluffy seven.") == ["fluffy seven"]
    assert texts(finder, "A: And your password?", "C: It's fluffy.") == ["fluffy"]
    assert texts(finder, "A: And your password?", "C: I can't remember.") == []
    assert texts(finder, "A: And your password?", "C: Yes.") == []
    assert texts(finder, "A: And your password?", "C: ") == []
    assert texts(finder, "A: And your password?", "C: yes . fluffy") == ["fluffy"]
    assert texts(finder, "C: my password is wrong") == []
    assert texts(finder, "C: my password is fluffy, cat") == ["fluffy, cat"]
    assert texts(finder, "C: the password") == []
    assert texts(finder, "C: the password works fine") == []
    assert texts(finder, "C: the password is is") == []
    assert texts(finder, "A: Your password was changed every time so far.", "C: fine") == []


def test_answers_are_taken_whole() -> None:
    finder = AnswerFinder(data())
    postcode = "A: What's your postcode?"
    assert texts(finder, postcode, "C: okay be a 0 e 6A d, thank you") == ["be a 0 e 6A d"]
    assert texts(finder, postcode, "C: I don't know it") == []
    assert texts(finder, postcode, "C: why 2?") == []
    assert texts(finder, postcode, "C: yes please") == []
    assert texts(finder, postcode, "C: my pin number 1 2") == []
    assert texts(finder, postcode, "C: we moved there in 2019 with all of our things") == []
    assert texts(finder, postcode, "C: well " * 30) == []
    assert texts(finder, "A: date of birth?", "C: off of August") == ["off of August"]
    assert texts(finder, "A: your name?", "C: Toby field") == ["Toby field"]
    assert texts(finder, "A: your name?", "C: Monday") == []
    assert texts(finder, "A: your name?", "C: Hi Toby, it's Anjali Rao.") == ["Anjali Rao"]
    assert texts(finder, "A: your name?", "C: hi toby it's anjali rao") == ["anjali rao"]
    assert texts(finder, "A: your name?", "C: hi toby rao") == ["toby rao"]
    assert texts(finder, "A: your name?", "C: hi toby,") == ["toby"]
    assert texts(finder, "A: spell your name?", "C: k i CI e narsi h i") == ["k i CI e narsi h i"]
    assert texts(finder, "A: postcode and phone number?", "C: 1 2") == ["1 2"]
    assert texts(finder, "A: your name and phone number?", "C: 1 2") == []
    assert texts(finder, "A: your email?", "C: 1 2") == []


def test_an_email_is_taken_from_where_the_answer_begins() -> None:
    finder = AnswerFinder(data())
    asked = "A: What's the best email for you?"
    misheard = "explain this to 86 at outlook.com"
    assert texts(finder, asked, f"C: Yes, {misheard}") == [misheard]
    assert texts(finder, asked, "C: ok so that's the culture cat 2 at my firm dot co") == [
        "the culture cat 2 at my firm dot co"
    ]
    assert texts(finder, asked, "C: can't hannah ever ad example.org, thanks") == [
        "can't hannah ever ad example.org"
    ]
    assert texts(finder, asked, "C: No, post is fine. That works.") == []
    assert texts(finder, asked, "C: I'd rather not give it at the moment.") == []
    assert texts(finder, "A: Which one is it?", f"C: Yes, {misheard}") == []


@pytest.mark.parametrize(
    ("answer", "taken"),
    [
        ("Hiya Tom, Declan Osgood.", ["Declan Osgood"]),
        ("hiya tom declan osgood", ["declan osgood"]),
        ("Declan Osgood, we spoke last week, Tom.", ["Declan Osgood, we spoke last week"]),
        ("declan osgood we spoke last week tom", ["declan osgood we spoke last week"]),
        ("Hello Tom, Tom Osgood.", ["Tom Osgood"]),  # who is called like the agent
        ("Declan Tom.", ["Declan Tom"]),
        ("Tom Osgood.", ["Tom Osgood"]),
        ("Hi, Tom.", ["Tom"]),
        ("thanks", []),
        ("cheers", []),
        (".", []),
    ],
)
def test_an_answer_that_greets_the_agent_gives_only_the_other_name(
    answer: str, taken: list[str]
) -> None:
    call = read("A: Who's calling please?", f"C: {answer}")
    assert [text for _, text in said(call, AnswerFinder(data()).find(call, "Tom"))] == taken


def test_a_code_that_was_misheard_is_taken_whole() -> None:
    finder = AnswerFinder(data())
    asked = "A: Finally the verification code on the card."  # which is a PIN's, too
    assert texts(finder, asked, "C: Go to 8.") == ["Go to 8"]
    assert texts(finder, asked, "C: For 9 bought,") == ["For 9 bought"]
    assert texts(finder, "A: what card?", "C: it's for not 6865") == ["for not 6865"]
    long = ", ".join("4641383670241") + ", up, free, oh"
    assert texts(finder, "A: what card?", f"C: so that's {long}, thanks.") == [long]
    assert texts(finder, "A: the sword code for that one?", "C: you ought 7") == ["you ought 7"]
    assert texts(finder, asked, "C: Yes, go to wait.") == ["go to wait"]
    assert texts(finder, asked, "C: Seminate") == ["Seminate"]
    assert texts(finder, asked, "C: I will run.") == ["I will run"]
    assert texts(finder, asked, "C: I am looking for it") == []
    assert texts(finder, asked, "C: it is the same as on the other one") == []
    policy = "A: What's your policy number?"
    assert texts(finder, policy, "C: Poplosker, line 540649.") == ["Poplosker, line 540649"]
    assert texts(finder, policy, "C: I have been a customer of yours since 2019") == []
    where = "A: And where do you live?"
    assert texts(finder, where, "C: Come, U236 harbor view") == ["Come, U236 harbor view"]


def test_capitals_are_put_where_a_model_expects_them() -> None:
    (turn,) = read("C: i am john smith. ok ßa").turns
    assert cased(turn, data()) == "I am John Smith. Ok ßa"
    (turn,) = read("C: ßa I").turns
    assert cased(turn, data()) == "ßa I"
    (turn,) = read("C: ßa").turns
    assert cased(turn, data()) == "ßa"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("C: I was told that I have diabetes.", ["diabetes"]),
        ("C: my husband had a heart attack, he needs surgery", ["heart attack", "surgery"]),
        ("C: the cancer came back, she said", ["cancer"]),
        ("C: it is the stroke association", []),
        ("C: She left. The operation of the lift. I called.", []),
        ("C: surgery hours are nine to five", []),
        ("C: he rang and they said that the man at the desk over there has asthma", ["asthma"]),
    ],
)
def test_what_is_said_of_a_persons_health(line: str, words: list[str]) -> None:
    assert texts(MedicalFinder(data()), line) == words


def test_everything() -> None:
    call = read("C: Leeds, room 1234 or 12")
    found = EverythingFinder().find(call, [[("GPE", 0, 5), ("CARDINAL", 12, 16)]])
    assert said(call, found) == [("LOCATION", "Leeds"), ("OTHER_NUMBER", "1234")]


@given(
    st.lists(
        st.sampled_from(
            ["hi", ",", ".", "thanks", "thank", "you", "tom", "declan", "it's", "week"]
        ),
        min_size=1,
        max_size=6,
    ),
    st.sampled_from([None, "Tom", "Tom Declan"]),
)
def test_any_few_words_in_answer_to_a_name_are_read(words: list[str], agent: str | None) -> None:
    call = read("A: Who's calling please?", f"C: {' '.join(words)}")
    for one in AnswerFinder(data()).find(call, agent):
        assert 0 <= one.start < one.end <= len(call.turns[1].text)
