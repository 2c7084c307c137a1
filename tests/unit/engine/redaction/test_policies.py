"""Policies: what is done with each kind, and what none of them can do."""

from __future__ import annotations

import shutil
from dataclasses import replace
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import RedactionSettings
from app.engine.redaction import Redactor, chosen_policy, policies
from app.engine.redaction.found import Found, resolve
from app.engine.redaction.policies import NEVER_KEPT, WITH_TAIL, Policy
from app.errors import UsageError
from tests.unit.engine.redaction.calls import RECOGNISERS, Models, data, marked, read

if TYPE_CHECKING:
    from pathlib import Path

CARD = "4111111111111111"
SHIPPED = policies.names(RECOGNISERS / "policies")
KINDS = sorted(data().kinds)


def settings(**chosen) -> RedactionSettings:
    return RedactionSettings(**chosen)


def policy(**chosen) -> Policy:
    return chosen_policy(RECOGNISERS, settings(**chosen))


def found(kind: str, value: str, turn: int = 0) -> Found:
    return Found(kind=kind, turn=turn, start=0, end=5, score=1.0, rule="test", value=value)


def tail_of(one: Found, line: str = "C: here you are", **chosen) -> str | None:
    """Return what a policy shows of a value, `None` where it keeps all of it."""
    left = policy(**chosen).applied([one], read(line))
    return left[0].tail if left else None


def written(folder: Path, name: str, text: str) -> RedactionSettings:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return settings(policy=name)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(RECOGNISERS / "policies", tmp_path, dirs_exist_ok=True)
    return tmp_path


# ---------------------------------------------------------------------- what ships


def test_five_policies_ship_and_each_knows_every_kind() -> None:
    assert SHIPPED == ("all", "last-four", "medical", "none", "standard")
    for name in SHIPPED:
        assert set(policy(policy=name).actions) == set(KINDS)


def test_standard_keeps_what_identifies_nobody() -> None:
    kept = {kind for kind in KINDS if not policy().masks(kind)}
    assert kept == {
        "LOCATION",
        "ORGANISATION",
        "DATE",
        "AGE",
        "MEDICAL",
        "OTHER_NUMBER",
        "CUSTOMER_REFERENCE",
    }
    assert {kind for kind in KINDS if not policy(policy="medical").masks(kind)} == kept - {
        "AGE",
        "MEDICAL",
    }
    assert all(policy(policy="all").masks(kind) for kind in KINDS)


def test_the_settings_change_single_kinds() -> None:
    chosen = policy(actions={"CLAIM_NUMBER": "keep", "MEDICAL": "mask"})
    assert not chosen.masks("CLAIM_NUMBER")
    assert chosen.masks("MEDICAL")
    assert chosen.masks("POLICY_NUMBER")


def test_the_policy_is_named_with_a_digest_over_all_that_it_decides() -> None:
    lineages = {
        policy(**chosen).lineage
        for chosen in (
            {},
            {"actions": {"CARD": "keep"}},
            {"regions": ("uk",)},
            {"agent_names": True},
            {"policy": "all"},
        )
    }
    assert len(lineages) == 5
    assert all(name.startswith("redaction-") for name in lineages)
    assert policy().lineage == policy(actions={"CARD": "mask"}).lineage


# ---------------------------------------------------------------------- what is wrong


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('name = "own"\nversion = 1\ntitle = "T"\ncolour = 3\n', "colour`, line 4"),
        ('name = "own"\nversion = 0\ntitle = "T"\n', "line 2"),
        ('name = "own"\nversion = 1\n', "title"),
        ('name = "own"\nversion = 1\ntitle = "T"\n[actions]\nCARD = "show"\n', "line 5"),
        ('name = "own"\nversion = 1\ntitle = "T"\n[actions]\nCRAD = "keep"\n', "line 5 names"),
        ('name = "own"\nversion = 1\ntitle = "T"\nactions = 3\n', "line 4"),
        ('name = "own"\nversion = 1\ntitle = "T"\n[actions]\nPIN = "keep"\n', "nobody may keep"),
        ('name = "own"\nversion = 1\ntitle = "T"\n[actions]\nPIN = "last-four"\n', "line 5"),
        ('name = "own"\nversion = 1\ntitle = "T"\n[actions]\nEMAIL = "last-four"\n', "line 5"),
        ('name = "other"\nversion = 1\ntitle = "T"\n', "calls itself other"),
        ('name = "own"\nversion = 1\ntitle = "T"\nextends = "own"\n', "extends too many"),
        ('name = "own"\nversion = 1\ntitle = "T"\nextends = "gone"\n', "no redaction policy"),
        ("name = [", "TOML"),
    ],
)
def test_what_is_wrong_in_a_policy_is_refused_with_its_line(folder, text, said) -> None:
    with pytest.raises(UsageError) as refused:
        policies.load(folder, written(folder, "own", text), KINDS)
    assert said in refused.value.sentence


def test_what_is_wrong_in_the_settings_is_refused() -> None:
    for actions in ({"CRAD": "keep"}, {"CARD_CODE": "keep"}, {"PERSON": "last-four"}):
        with pytest.raises(UsageError, match=r"redaction\.actions"):
            policy(actions=actions)
    with pytest.raises(UsageError) as refused:
        policy(policy="absent")
    assert "standard" in refused.value.advice


def test_a_folder_without_policies_has_none(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        policies.load(tmp_path, settings(), KINDS)
    assert "none" in refused.value.advice


def test_a_policy_that_extends_another_has_its_ways_and_changes_some(folder: Path) -> None:
    text = 'name = "own"\nversion = 3\ntitle = "T"\nextends = "none"\n[actions]\nCARD = "mask"\n'
    own = policies.load(folder, written(folder, "own", text), KINDS)
    assert own.masks("CARD")
    assert not own.masks("PHONE")
    assert own.lineage.startswith("redaction-own-3-")


# ---------------------------------------------------------------------- what nobody may keep


@given(st.dictionaries(st.sampled_from(KINDS), st.sampled_from(["keep", "last-four"])))
def test_no_actions_whatever_let_secrets_through(actions) -> None:
    """Also where the data was put together past the checks."""
    forged = replace(policy(policy="none"), actions=dict.fromkeys(KINDS, "keep") | actions)
    for kind in NEVER_KEPT:
        assert forged.masks(kind)
        (one,) = forged.applied([found(kind, "12345678")], read("C: well"))
        assert one.tail == ""


@pytest.mark.parametrize("name", [*SHIPPED])
def test_no_policy_that_ships_keeps_secrets(name: str) -> None:
    assert all(policy(policy=name).masks(kind) for kind in NEVER_KEPT)


def test_a_number_does_not_stay_where_it_may_be_a_secret() -> None:
    kept = {"policy": "none"}
    number = found("ACCOUNT_NUMBER", "123456781234")
    assert tail_of(number, "C: my account number is", **kept) is None
    assert tail_of(number, "C: my account number and pin number are", **kept) == ""
    assert tail_of(found("PERSON", "smith"), "C: my pin number, smith", **kept) is None
    call = read("A: And the pin number?", "C: 4 4 4 4")
    left = policy(**kept).applied([found("REFERENCE_NUMBER", "4444", turn=1)], call)
    assert len(left) == 1


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (CARD, True),
        ("378282246310005", True),
        (CARD[:-1] + "2", False),  # no card
        (CARD + "123", False),  # with a code behind it
        ("6304000000000000000", False),  # proven, and long enough to hold a code
        (CARD[-4:], False),
    ],
)
def test_a_card_stays_only_where_it_proves_itself_and_can_hold_no_code(value, kept) -> None:
    assert (tail_of(found("CARD", value), policy="none") is None) == kept
    shown = tail_of(found("CARD", value), policy="last-four")
    assert shown == (value[-4:] if kept else "")


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("PHONE", "07700900123", "0123"),
        ("PHONE", "0900123", ""),  # four of seven would be most of it
        ("BANK_ACCOUNT", "12345678", "5678"),
        ("ACCOUNT_NUMBER", "KL7793412A", ""),  # its last characters are no four digits
        ("IBAN", "GB82WEST12345698765432", "5432"),
        ("PERSON", "12345678", ""),
        ("SORT_CODE", "12345678", ""),
    ],
)
def test_the_tail_is_four_digits_of_a_long_number(kind, value, shown) -> None:
    assert tail_of(found(kind, value), policy="last-four") == shown


def test_no_tail_is_shown_where_a_secret_is_talked_about() -> None:
    phone = found("PHONE", "077009001234")
    assert tail_of(phone, "C: my number and my pin number are", policy="last-four") == ""


def test_a_tail_is_shown_only_where_all_finders_agree() -> None:
    card = replace(found("CARD", CARD), tail="1111")
    again = replace(card, rule="other", score=0.6)
    secret = replace(found("PIN", "1111"), start=3, end=9)
    assert [one.tail for one in resolve([card, again], data().ranks)] == ["1111"]
    assert [one.tail for one in resolve([card, secret], data().ranks)] == [""]


def test_only_kinds_with_a_tail_and_none_that_are_secret() -> None:
    assert WITH_TAIL.isdisjoint(NEVER_KEPT)
    assert set(KINDS) >= WITH_TAIL | NEVER_KEPT


# ---------------------------------------------------------------------- end to end


@cache
def redactor(name: str, *changes: tuple[str, str]) -> Redactor:
    return Redactor(Models(), settings(policy=name, actions=dict(changes)), RECOGNISERS)


def safe(chosen: Redactor, *lines: str) -> list[str]:
    raw = marked.call("", list(lines)).raw
    return [turn.text for turn in chosen.redact(raw).transcript.turns]


@pytest.mark.models
def test_last_four_digits_stay_in_the_text() -> None:
    shows = redactor("last-four")
    assert safe(
        shows,
        "A: Card number?",
        "C: four one one one",
        "A: yes",
        "C: 1111 1111 1111",
        "A: And the security code?",
        "C: one two three",
        "A: and a phone number?",
        "C: oh double seven double oh nine double oh one two three",
    ) == [
        "Card number?",
        "[CARD-1 …1111]",
        "yes",
        "[CARD-1 …1111]",
        "And the security code?",
        "[CARD_CODE-1]",
        "and a phone number?",
        "[PHONE-1 …0123]",
    ]


@pytest.mark.models
def test_the_blind_index_is_of_the_whole_value_under_any_policy() -> None:
    raw = marked.call("", ["A: Card number?", f"C: {CARD}"]).raw
    values = [redactor(name).redact(raw).values for name in ("standard", "last-four", "all")]
    assert values[0] == values[1] == values[2]


@pytest.mark.models
def test_what_was_made_safe_with_tails_stays_as_it_is() -> None:
    once = safe(redactor("last-four"), "A: Card number?", f"C: it's {CARD}")
    assert safe(redactor("last-four"), f"A: {once[0]}", f"C: {once[1]}") == once


@pytest.mark.models
def test_what_is_muted_does_not_depend_on_the_tail() -> None:
    raw = marked.call("", ["A: Card number?", f"C: {CARD}"]).raw
    turns = tuple(replace(turn, end_ms=9000) for turn in raw.turns)
    spoken = replace(raw, turns=turns)
    assert redactor("last-four").redact(spoken).muted == redactor("standard").redact(spoken).muted


QUESTIONS = (
    ("A: And the security code?", "C: {}", "7 3 1"),
    ("A: What's the pin number?", "C: {}", "7 3 1 9"),
    ("A: Your password?", "C: It's {}.", "fluffy cat"),
    ("A: And your mother's maiden name?", "C: {}", "Featherington"),
)
EVERYTHING_KEPT = tuple((kind, "keep") for kind in KINDS if kind not in NEVER_KEPT)


@pytest.mark.models
@pytest.mark.parametrize(
    ("question", "chosen"), list(product(QUESTIONS, [("none",), ("all", *EVERYTHING_KEPT)]))
)
def test_secrets_are_masked_by_every_policy(question, chosen) -> None:
    asked, answer, secret = question
    texts = safe(redactor(*chosen), asked, answer.format(secret))
    assert secret not in texts[1]
    assert "[" in texts[1]


@pytest.mark.models
def test_a_code_in_one_breath_with_a_card_does_not_stay() -> None:
    kept = redactor("none")
    (_, text) = safe(kept, "A: Card details?", f"C: {CARD} and the three digits are 731")
    assert CARD in text
    assert "731" not in text
    for line in (f"C: {CARD}731", f"C: {CARD[:4]} {CARD[4:]} 7 3 1", f"C: {CARD} 12 29 731"):
        assert "731" not in safe(kept, "A: Card details?", line)[1].replace(" ", "")


@pytest.mark.models
def test_a_pin_in_one_breath_with_an_account_does_not_stay() -> None:
    text = safe(redactor("none"), "C: my account number and pin number are 12345678 1234")[0]
    assert "1234" not in text
    text = safe(redactor("none"), "C: my account number is 12345678")[0]
    assert "12345678" in text


@pytest.mark.models
def test_days_and_amounts_stay_beside_a_secret() -> None:
    line = "I changed my pin number on March 3rd and paid 2500 pounds"
    assert safe(redactor("standard"), f"C: {line}") == [line]


@pytest.mark.models
def test_the_policy_and_the_data_are_in_the_lineage() -> None:
    policy_used, recognisers = redactor("last-four").lineage
    assert policy_used.startswith("redaction-last-four-1-")
    assert recognisers.startswith("recognisers-")
