"""Names: found in lower case and by context; the agent's own are known."""

from __future__ import annotations

import pytest

from app.domain import RoleBasis
from app.engine.redaction.found import resolve
from app.engine.redaction.people import PeopleFinder, Suspect
from tests.unit.engine.redaction.calls import data, read, said


def names(
    *lines: str,
    agents_too: bool = False,
    agent_name: str | None = None,
    basis: RoleBasis = RoleBasis.GIVEN,
    sure: float = 1.0,
    model: tuple[str, ...] = (),
    tagged: tuple[str, ...] = (),
    introduces: bool = False,
    things: tuple[str, ...] = (),
) -> list[str]:
    """Return the names found; `model` are the words that spaCy takes for people, `tagged` those of
    the token tagger, which takes them for the speaking agent where it `introduces`; `things` are
    words that name things."""
    call = read(*lines)
    persons = [
        [Suspect(t.text.index(m), t.text.index(m) + len(m)) for m in model if m in t.text]
        + [
            Suspect(t.text.index(m), t.text.index(m) + len(m), 0.95, introduces)
            for m in tagged
            if m in t.text
        ]
        for t in call.turns
    ]
    found = PeopleFinder(data(), agents_too=agents_too).find(
        call,
        persons,
        things=[{p for p, w in enumerate(t.words) if w in things} for t in call.turns],
        agent_name=agent_name,
        role_basis=basis,
        role_confidence=sure,
    )
    return [text for _, text in said(call, resolve(found, data().ranks))]


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


def test_whom_the_tagger_takes_for_an_agent_is_redacted_where_no_agent_speaks() -> None:
    greeting = {"tagged": ("ngozi",), "introduces": True}
    assert names("A: so ngozi at acme today", **greeting) == []
    assert names("C: so ngozi at acme today", **greeting) == ["ngozi"]
    assert names("A: so ngozi at acme today", "C: hi ngozi", agents_too=True, **greeting) == [
        "ngozi",
        "ngozi",
    ]


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


GREETING = "A: Thank you for calling Acme, you're speaking with Sarah, how can I help?"


def test_agents_keep_their_names() -> None:
    assert names(GREETING, "C: Hi Sarah.") == []
    assert names("A: Good morning, Sarah speaking.", "C: Hi Sarah.") == []
    assert names("A: hello", "C: Hi Sarah Miller.", agent_name="Sarah Miller") == []


@pytest.mark.parametrize(
    "greeting",
    [
        "A: Morning, Grant here from Acme, calls are recorded.",
        "A: acme claims this is grant can i take a name",
        "A: good evening this is grant",
        "A: acme grant speaking",
        "A: hi this is grant, from acme",
    ],
)
def test_agents_who_are_called_like_a_word_keep_their_names(greeting: str) -> None:
    assert names(greeting, "C: Hi Grant, it's Anjali Rao.") == ["Anjali Rao"]
    assert names(greeting, "C: thanks so much grant") == []


@pytest.mark.parametrize(
    "greeting",
    ["A: morning xochitl here from acme", "A: acme this is xochitl can i help",
     "A: good evening acme xochitl speaking"],
)  # fmt: skip
def test_agents_whom_no_list_knows_keep_their_names(greeting: str) -> None:
    assert names(greeting, "C: hi xochitl", model=("xochitl",)) == []
    assert names("A: is that xochitl speaking", model=("xochitl",)) == ["xochitl"]


def test_words_of_an_agent_that_name_nobody_make_no_name() -> None:
    assert names("A: this is", "C: it is Grant") == ["Grant"]
    assert names("A: this is grant money", "C: ask Grant Osgood") == ["Grant Osgood"]


def test_whom_an_agent_names_without_saying_who_it_is_is_redacted() -> None:
    line = "A: Good morning Tom, Corrigan Glass, how can I help?"
    assert "Tom" in names(line, model=("Tom",))


@pytest.mark.parametrize(
    "question",
    ["A: hello is that graham speaking", "A: am i speaking to graham", "A: is this graham here"],
)
def test_whom_an_agent_asks_for_is_not_the_agent(question: str) -> None:
    assert names(question, "C: yes", "A: thank you graham") == ["graham", "graham"]


def test_an_answer_that_greets_the_agent_names_the_other() -> None:
    asked = "A: You're through to Marcus, may I have your name please?"
    assert names(asked, "C: Hi Marcus, it's Anjali Rao.") == ["Anjali Rao"]
    assert names(asked, "C: hi marcus it's ruth osgood") == ["ruth osgood"]
    assert names(asked, "C: Marcus Osgood") == ["Marcus Osgood"]


def test_agents_names_can_be_redacted() -> None:
    assert names(GREETING, "C: Hi Sarah.", agents_too=True) == ["Sarah", "Sarah"]


def test_a_customer_of_the_same_name_is_redacted() -> None:
    assert names(GREETING, "C: I'm Sarah too.") == ["Sarah"]
    assert names(GREETING, "C: It's Sarah Bexley.", "A: Ms Bexley") == ["Sarah Bexley", "Ms Bexley"]


def test_when_roles_are_guesses_only_an_agents_words_count() -> None:
    unsure = {"basis": RoleBasis.ESTIMATED, "sure": 0.2}
    assert names("A: my name is Juan, I have a question", **unsure) == ["Juan"]
    assert names("A: Juan speaking", **unsure) == ["Juan"]
    assert names("C: Thanks for calling Acme, my name is Sarah.", "A: Hi Sarah.", **unsure) == []
    assert names("C: Thanks for holding, Sarah speaking.", "A: Hi Sarah.", **unsure) == []
    assert names("C: you're through to Tom", "A: Hi Tom.", **unsure) == []
    assert names("A: my name is Sarah", basis=RoleBasis.GUESSED, sure=0.9) == []
    late = tuple(f"A: turn {n}" for n in range(4))
    assert names(*late, "A: my name is Sarah") == ["Sarah"]


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


def test_a_name_that_follows_no_opening_is_nobodys_greeting() -> None:
    line = "C: Graham speaking"
    assert names(line, basis=RoleBasis.GUESSED, sure=0.1) == ["Graham"]
