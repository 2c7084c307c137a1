"""The agent's own name stays; a customer's never stays for it."""

from __future__ import annotations

import pytest

from app.domain import RoleBasis
from tests.unit.engine.redaction.calls import names

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


@pytest.mark.parametrize(
    "greeting",
    ["A: acme helpline rosalind", "A: acme reception rosalind can i help",
     "A: they call me rosalind", "A: okay it's still rosalind", "A: you're on with rosalind"],
)  # fmt: skip
def test_agents_at_a_desk_or_back_on_the_line_keep_their_names(greeting: str) -> None:
    assert names(greeting, "C: hi rosalind it's declan osgood") == ["declan osgood"]


def test_agents_whose_names_have_a_hyphen_keep_all_of_them() -> None:
    assert names("A: hello mei-ling speaking what can i do for you", "C: hiya mei-ling") == []
    assert names("A: anne-marie smith speaking", "C: thanks anne-marie") == []
    assert names("A: is that anne-marie speaking", "C: yes") == ["anne-marie"]


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
    assert names(*late, "A: my name is Sarah", basis=RoleBasis.GUESSED, sure=0.9) == ["Sarah"]


def test_whom_the_tagger_takes_for_an_agent_is_redacted_where_no_agent_speaks() -> None:
    greeting = {"tagged": ("ngozi",), "introduces": True}
    assert names("A: so ngozi at acme today", **greeting) == []
    assert names("C: so ngozi at acme today", **greeting) == ["ngozi"]
    assert names("A: so ngozi at acme today", "C: hi ngozi", agents_too=True, **greeting) == [
        "ngozi",
        "ngozi",
    ]


def test_a_name_that_follows_no_opening_is_nobodys_greeting() -> None:
    line = "C: Graham speaking"
    assert names(line, basis=RoleBasis.GUESSED, sure=0.1) == ["Graham"]


@pytest.mark.parametrize(
    "greeting",
    [
        "A: Thanks for calling Acme. Xochitl is my name.",
        "A: Acme, Xochitl with you, how can I help?",
        "A: acme helpdesk xochitl is with you now",
        "A: hi yes xochitl again sorry about that",
        "A: acme repairs xochitl on the line",
        "A: Hello, the name's Xochitl, what has happened?",
        "A: acme you're talking to xochitl",
    ],
)
def test_agents_say_their_names_in_many_ways(greeting: str) -> None:
    assert "ochitl" not in " ".join(names(greeting, "C: thanks xochitl", model=("ochitl",)))
    assert names(greeting, "C: thanks xochitl", model=("xochitl", "Xochitl")) == []


def test_words_beside_an_agents_name_that_are_none_name_nobody() -> None:
    assert names("A: is that declan again", "C: thanks declan") == ["declan", "declan"]
    assert names("A: is the offer with you", "C: thanks declan") == ["declan"]
    assert names("A: So Will again", "C: thanks Will Osgood") == ["Osgood"]
    assert names("A: So will again", "C: thanks Will Osgood") == ["Will Osgood"]


def test_names_of_agents_may_have_a_hyphen() -> None:
    for greeting in ("A: mei-ling speaking", "A: this is mei-ling", "A: mei-ling is my name"):
        assert names(greeting, "C: hi mei-ling", model=("mei-ling",)) == []


def test_an_agent_may_give_their_name_late() -> None:
    late = tuple(f"A: turn {n}" for n in range(4))
    assert names(*late, "A: my name is Sarah", "C: thanks Sarah") == []
    assert names(*late, "A: my name is grant", "C: thanks Grant") == []
    assert names(*late, "A: this is Sarah") == ["Sarah"]
    assert names(*late, "C: my name is Sarah", "A: my name is Sarah") == ["Sarah", "Sarah"]


CALLED_OUT = {"tagged": ("moira tolland", "Moira Tolland"), "introduces": True}


@pytest.mark.parametrize(
    "call",
    [
        ("A: hello moira tolland this is grant",),
        ("A: Hello, Moira Tolland, how can I help?",),
        ("A: am i speaking to moira tolland",),
        ("A: could i speak to moira tolland please",),
        ("A: hello i'm looking for moira tolland",),
        ("A: so moira tolland at acme", "C: yes this is moira tolland"),
        ("A: so moira tolland at acme", "A: mr moira tolland"),
        ("A: so moira tolland at acme", "A: thank you moira tolland"),
    ],
)
def test_whom_an_agent_calls_is_redacted_whatever_the_tagger_says(call: tuple[str, ...]) -> None:
    found = names(*call, **CALLED_OUT)
    assert len(found) == len(call)
    assert all("tolland" in one.lower() for one in found)


def test_an_agent_who_greets_and_says_a_name_is_not_addressed() -> None:
    for line in ("A: hello ngozi from acme", "A: hi ngozi again", "A: morning, ngozi here"):
        assert names(line, "C: yes", tagged=("ngozi",), introduces=True) == []
    assert names("A: so bye", tagged=("bye",), introduces=True) == []


def test_whom_a_customer_greets_and_the_agent_has_named_first_is_the_agent() -> None:
    opening = "A: Acme helpline, Declan."
    assert names(opening, "C: Hi Declan, I have a question.") == []
    assert names(opening, "C: Thank you so much, Declan.") == []
    assert names("C: Hello?", opening, "C: Thanks Declan.") == []
    assert names(opening, "C: Is Declan there?") == ["Declan", "Declan"]
    assert names("C: I'm with Declan.", opening, "C: Thanks Declan.") == ["Declan"] * 3
    assert names("A: Acme.", "C: Hello.", opening, "C: Thanks Declan.") == ["Declan"] * 2
    assert names(opening, "C: Hi Declan.", "C: I'm Declan.") == ["Declan"] * 3
    assert names("A: Hello Declan.", "C: Thanks Declan.") == ["Declan"] * 2
    unsure = {"basis": RoleBasis.ESTIMATED, "sure": 0.2}
    assert names(opening, "C: Hi Declan.", **unsure) == ["Declan"] * 2


def test_only_what_is_the_agents_stays_of_a_name() -> None:
    greeting = "A: you're through to tariq"
    assert names(greeting, "C: hiya tariq temba mokoena", model=("tariq temba mokoena",)) == [
        "temba mokoena"
    ]
    greeted = ("A: acme this is tariq", "C: hiya tariq temba mokoena speaking")
    assert names(*greeted, model=("tariq temba mokoena",)) == ["temba mokoena"]
    through = "A: you're through to sarah"
    assert names(through, "C: hi sarah declan osgood speaking") == ["declan osgood"]
    assert names(greeting, "C: so tariq mokoena", model=("tariq mokoena",)) == ["tariq mokoena"]
    assert names("A: dexter quux tariq speaking", model=("dexter quux tariq",)) == ["dexter quux"]
    assert names("A: is that dexter tariq you're through to tariq", model=("dexter tariq",)) == [
        "dexter tariq"
    ]


@pytest.mark.parametrize(
    "line",
    ["A: okay it's me again rosalind", "A: you've been speaking to rosalind",
     "A: i'll put you through to rosalind now", "A: ask rosalind in accounts",
     "A: i'm the duty manager rosalind"],
)  # fmt: skip
def test_agents_who_name_themselves_or_a_colleague_late_keep_the_name(line: str) -> None:
    late = ("A: hello", "C: hello", "A: right", "C: yes", "A: okay", "C: yes", "A: well", "C: yes")
    assert names(*late, line) == []
    assert names(*late, line, "C: i'm rosalind quigley")


@pytest.mark.parametrize(
    "line",
    ["A: it's Rosalind, isn't it?", "A: And this is Rosalind on the joint policy?",
     "A: this is rosalind's line isn't it", "A: it says it's rosalind",
     "A: did you say rosalind here",
     "A: my records show rosalind at this address", "A: it's rosalind we need to speak to",
     "A: hello rosalind in cases like yours we wait"],
)  # fmt: skip
def test_whom_an_agent_asks_about_or_reads_out_is_redacted(line: str) -> None:
    assert [one.lower() for one in names(line, "C: yes")] == ["rosalind"]


def test_everyday_words_beside_the_name_that_came_with_the_call_name_nobody() -> None:
    def left(line: str, *model: str) -> list[str]:
        return names(line, model=model, agent_name="Violet")

    assert left("A: just say it's violet she'll know", "violet she'll") == []
    assert left("A: put violet on the form", "put violet") == []
    assert left("A: violet osgood said so", "violet osgood") == ["violet osgood"]
    assert left("A: violet grant said so", "violet grant") == ["violet grant"]


def test_a_customer_who_names_the_agent_first_gives_the_name_behind() -> None:
    for line in ("C: violet declan osgood speaking", "C: okay violet declan osgood here"):
        assert names(line, agent_name="Violet") == ["declan osgood"]
    assert names("C: violet osgood speaking", agent_name="Violet") == ["violet osgood"]


@pytest.mark.parametrize("agent", [None, "Violet"])
def test_a_name_with_an_apostrophe_is_none_of_the_agents(agent: str | None) -> None:
    for said in ("o'neill", "she'll o'neill", "d'arcy", "violet o'neill"):
        assert names(f"A: put {said} on the form", model=(said,), agent_name=agent) == [said]
