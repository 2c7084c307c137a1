"""Names: found in lower case and by context."""

from __future__ import annotations

import pytest

from app.domain import RoleBasis
from app.engine.redaction.name_words import Suspect
from app.engine.redaction.people import PeopleFinder
from tests.unit.engine.redaction.calls import data, names, read, said


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("C: my name is xochitl quispe", "xochitl quispe"),
        ("C: It's under my partner's name Donald van der Voet", "Donald van der Voet"),
        ("C: this is margaret thompson", "margaret thompson"),
        ("C: i spoke to mister o'neill", "mister o'neill"),
        ("C: I spoke to Mr. Osgood", "Mr. Osgood"),
        ("C: Anne-Marie said so", "Anne-Marie"),
        ("C: mark thompson called", "mark thompson"),
        ("C: Priya's account", "Priya"),
        ("C: Zorblax speaking", "Zorblax"),
        ("C: my surname is wolf", "wolf"),
        ("C: it's my wife Grace", "Grace"),
        ("C: my name is Lucinda May", "Lucinda May"),
        ("C: hello this is lucinda may calling", "lucinda may"),
        ("C: ask Lucinda June about it", "Lucinda June"),
        ("C: thanks lucinda may i ask something", "lucinda"),
        ("C: I saw April Martin there", "April Martin"),
        ("C: my name is april martin", "april martin"),
        ("C: my name is april", "april"),
        ("C: i asked jesus ortega about it", "jesus ortega"),
        ("C: donald van der osgood came", "donald van der osgood"),
        ("C: I saw Donald van Zorblax there", "Donald van Zorblax"),
        ("C: yes ruth graham speaking", "ruth graham"),
        ("C: my name is Anne-Marie Osgood", "Anne-Marie Osgood"),
    ],
)
def test_names_are_found(line: str, name: str) -> None:
    assert names(line) == [name]


@pytest.mark.parametrize(
    "line",
    [
        "C: i will mark the bill in may",
        "C: this is really bad and i'm so upset",
        "C: I am calling about my bill",
        "C: yes sir",
        "C: doctor what",
        "C: B B C",
        "C: it was in april then",
        "C: it is april",
        "C: is anyone there speaking",
        "C: it is urgent here",
        "C: thank you so much goodbye",
    ],
)
def test_everyday_words_are_no_names(line: str) -> None:
    assert names(line) == []


def test_the_model_is_believed_but_not_blindly() -> None:
    assert names("C: ask Xylo Vantor now", model=("Xylo Vantor now",)) == ["Xylo Vantor now"]
    assert names("C: Okay, two four", model=("Okay", "two four")) == []
    assert names("C: a refund please", model=("refund",)) == []
    assert names("C: ask Xylo", model=("sk Xylo",)) == []


def test_a_month_ends_a_name_that_a_model_finds() -> None:
    assert names("C: it was xylo and lucinda may", model=("lucinda may",)) == ["lucinda may"]
    assert names("C: so April Martin", model=("April Martin",)) == ["April Martin"]
    assert names("C: lucinda may i ask", model=("lucinda may",)) == ["lucinda"]


def test_what_a_model_takes_together_is_apart_at_commas() -> None:
    assert names("C: Ask Xylo, Vantor", model=("Xylo, Vantor",)) == ["Xylo", "Vantor"]
    assert names("A: Good morning, Acme, Joy speaking.", model=("Acme, Joy",)) == ["Acme"]
    assert names("C: It is Stone, Declan", model=("Stone, Declan",)) == ["Stone", "Declan"]
    assert names("C: Hello Xylo now", model=("Hello Xylo",)) == ["Xylo"]


def test_the_tagger_is_not_believed_where_capitals_are_printed_elsewhere() -> None:
    assert names("C: ask ngozi about it", tagged=("ngozi",)) == ["ngozi"]
    assert names("C: Ask ngozi about it", tagged=("ngozi",)) == []
    assert names("C: ask the grant about it", tagged=("the grant",)) == ["grant"]


def test_things_that_are_called_like_people_are_none() -> None:
    brand = ("paul", "smith", "boiler")
    for line in ("C: It's a Paul Smith boiler", "C: it's a paul smith boiler"):
        assert names(line, model=(line[10:],), things=brand) == []
        assert names(line, model=(line[10:],)) != []
    assert names("C: this is corrigan water", things=("corrigan", "water")) == []
    assert names("C: my name is Paul Smith", things=brand) == ["Paul Smith"]
    assert names("C: Mr Smith", things=brand) == ["Mr Smith"]


def test_an_answer_to_a_question_for_a_name() -> None:
    assert names("A: What's your name?", "C: Yes, it's Xochitl.") == ["Xochitl"]
    assert names("A: and your name?", "C: mm", "C: zorblax quux") == ["zorblax quux"]
    assert names("A: What's your name?", "C: I will not say what it is.") == []
    assert names("A: What's your name?", "A: Hello?", "C: " + "so it was that day " * 3) == []


def test_spelled_names() -> None:
    assert names("A: Could you spell your surname?", "C: b r z e") == ["b r z e"]
    assert names("C: the name is spelled T, H, A") == ["T, H, A"]
    assert names("C: t h a c k e r") == ["t h a c k e r"]
    assert names("C: the t h a") == []


def test_a_part_of_a_name_is_found_again() -> None:
    lines = ("C: my name is xochitl quispe", "A: right quispe it is")
    assert names(*lines) == ["xochitl quispe", "quispe"]


def test_parts_share_the_whole_name_as_their_value() -> None:
    call = read("C: my name is Declan Osgood", "A: Thank you, Mr Osgood.")
    found = PeopleFinder(data(), agents_too=False).find(
        call,
        [[], []],
        things=[set(), set()],
        agent_name=None,
        role_basis=RoleBasis.GIVEN,
        role_confidence=1.0,
    )
    assert {one.value for one in found} == {"declan osgood"}
    assert ("PERSON", "Mr Osgood") in said(call, found)


def test_one_name_in_two_families_is_not_merged() -> None:
    call = read("C: i'm Declan Osgood and Ruth Osgood", "A: Osgood?")
    found = PeopleFinder(data(), agents_too=False).find(
        call,
        [[], []],
        things=[set(), set()],
        agent_name=None,
        role_basis=RoleBasis.GIVEN,
        role_confidence=1.0,
    )
    assert {"declan osgood", "ruth osgood"} <= {one.value for one in found}


def test_a_month_after_a_first_name_belongs_to_it_for_the_tagger() -> None:
    call = read("C: then Lucinda May called")
    found = PeopleFinder(data(), agents_too=False).find(
        call,
        [[Suspect(5, 16, 0.95)]],
        things=[frozenset()],
        agent_name=None,
        role_basis=RoleBasis.GIVEN,
        role_confidence=1.0,
    )
    assert "Lucinda May" in [text for _, text in said(call, found)]


def test_names_of_several_parts() -> None:
    assert names("C: then John van der Merwe called") == ["John van der Merwe"]
    assert names("C: then john van der merwe called") == ["john van der merwe"]
    assert names("C: my name is anne-marie") == ["anne-marie"]
    assert names("C: it's Thomas John speaking") == ["Thomas John"]
