"""A word list never makes redaction weaker: with the shipped model, on whole calls."""

from __future__ import annotations

from functools import cache

import pytest

from app.config import RedactionSettings
from app.domain import EntryKind
from app.engine.candidates import everyday_words
from app.engine.raw import RawTranscript, RawTurn, RawWord
from app.engine.redaction import Redactor
from app.engine.vocabulary import parse
from app.engine.word_list import WordList
from tests.unit.engine.redaction.calls import GOLDEN, RECOGNISERS, ROOT, Models, marked

pytestmark = pytest.mark.models
CALLS = marked.read(GOLDEN / "calls.toml")
TOKENIZER = ROOT / "resources" / "models" / "minilm" / "tokenizer.json"


@cache
def redactor(*, agent_names: bool = False, policy: str = "standard") -> Redactor:
    settings = RedactionSettings(policy=policy, agent_names=agent_names)
    return Redactor(Models(), settings, RECOGNISERS)


def word_list(text: str) -> WordList:
    return WordList.with_words(parse(text), everyday_words(TOKENIZER.read_bytes()))


def heard(*lines: str, sure: float = 0.4) -> RawTranscript:
    """Return a call whose words were heard so surely, each in its time."""
    raw = marked.call("", list(lines)).raw
    turns = tuple(_with_words(turn, sure) for turn in raw.turns)
    return RawTranscript(turns=turns, language="en", role_basis=raw.role_basis, role_confidence=1.0)


def _with_words(turn: RawTurn, sure: float) -> RawTurn:
    words, at = [], 0
    for number, part in enumerate(turn.text.split(" ")):
        words.append(
            RawWord(
                text=part,
                start=at,
                end=at + len(part),
                start_ms=500 * number,
                end_ms=500 * number + 400,
                confidence=sure,
            )
        )
        at += len(part) + 1
    return RawTurn(
        channel=turn.channel,
        role=turn.role,
        start_ms=0,
        end_ms=500 * len(words),
        text=turn.text,
        words=tuple(words),
    )


def safe(listed: str, *lines: str, agent: str | None = None, **settings: object) -> list[str]:
    redacted, _ = word_list(listed).redact(
        heard(*lines),
        redactor(**settings),  # type: ignore[arg-type]
        agent_name=agent,
    )
    return [turn.text for turn in redacted.transcript.turns]


def test_people_of_the_list_are_redacted_wherever_they_are_named() -> None:
    turns = safe(
        "[names]\nSiobhan Kerrigan = shivawn kerrigan",
        "C: The letter from Shivon Carrigan was late.",
        "C: Then Kerrigan rang again.",
    )
    assert turns[0] == "The letter from [PERSON-1] was late."
    assert turns[1].startswith("Then [PERSON-1]")
    assert "Kerrigan" not in turns[1]


def test_the_agent_of_the_call_stays_as_the_settings_say() -> None:
    listed = "[names]\nThandiwe Mokoena\nMarek Wolski"
    lines = ("A: Thandiwe Mokoena had the file of Marek Wolski.",)
    assert safe(listed, *lines, agent="Thandiwe Mokoena") == [
        "Thandiwe Mokoena had the file of [PERSON-1]."
    ]
    hidden = safe(listed, *lines, agent="Thandiwe Mokoena", agent_names=True)[0]
    assert "Mokoena" not in hidden
    assert "Wolski" not in hidden
    assert safe(listed, *lines, policy="none") == ["Thandiwe Mokoena had the file of Marek Wolski."]


def test_no_product_is_put_where_a_person_was_heard() -> None:
    lines = ("C: My name is Declan Osgood.",)
    plain = redactor().redact(heard(*lines)).transcript.turns[0].text
    assert plain == "My name is [PERSON-1]."
    assert safe("[products]\nDeklanosgood\nOzgood", *lines) == [plain]


def test_a_corrected_name_is_nowhere_in_the_result() -> None:
    redacted, corrections = word_list("[names]\nIlse Draycott\n[places]\nWexcombe").redact(
        heard("C: I spoke to Ilsa Draco in Wexgum."), redactor(), agent_name=None
    )
    turn = redacted.transcript.turns[0]
    assert turn.text == "I spoke to [PERSON-1] in Wexcombe."
    assert [one.kind for one in corrections] == [EntryKind.PLACE]
    assert [turn.text[one.start : one.end] for one in corrections] == ["Wexcombe"]
    assert 0 < corrections[0].likeness < 1
    assert "Dray" not in repr((redacted, corrections))
    (span,) = redacted.muted
    assert span.start_ms <= 1500  # where the two words were heard
    assert span.end_ms >= 2400


# Entries that sound like values, cues and plain words of the golden calls: the worst of lists.
WORST = """[products]
Osgut
Deklan Ossgood
Karrd Numba
Fortune Tue
Sevenate
Jonn Smiff
Naim Iz
Pass Wurd
Addriss
Tellafone
Berthday
Accownt
Dubble Fife"""


@cache
def worst() -> WordList:
    return word_list(WORST)


def test_the_worst_of_lists_is_one() -> None:
    raw = heard("C: I owe fortune to the Bank, pay from the account number.", sure=0.1)
    _, corrections = worst().redact(raw, redactor(), agent_name=None)
    assert corrections


@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_everything_that_is_redacted_without_a_list_is_redacted_with_one(call) -> None:
    raw = RawTranscript(
        turns=tuple(_with_words(turn, 0.3) for turn in call.raw.turns),
        language="en",
        role_basis=call.raw.role_basis,
        role_confidence=call.raw.role_confidence,
    )
    before = redactor().redact(raw)
    after, _ = worst().redact(raw, redactor(), agent_name=None)
    for hidden in before.redactions:
        assert any(
            one.turn == hidden.turn
            and one.start_ms <= hidden.start_ms
            and one.end_ms >= hidden.end_ms
            for one in after.redactions
        )
