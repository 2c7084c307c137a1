"""The whole redactor with the shipped model: golden calls, policies, and what it must not do."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from functools import cache
from re import _constants, _parser
from typing import TYPE_CHECKING

import pytest

from app.config import RedactionSettings
from app.engine.redaction import Redactor, frame
from app.engine.redaction.frame import LANGUAGE, FinderRecognizer, RecognizerResult
from app.engine.redaction.lexicon import Pattern
from app.engine.transcripts import parse, to_raw
from app.errors import UsageError
from tests.unit.engine.redaction.calls import GOLDEN, RECOGNISERS, ROOT, Models, data, marked

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.models
CALLS = marked.read(GOLDEN / "calls.toml")


@cache
def redactor(policy: str = "standard", *, agent_names: bool = False) -> Redactor:
    settings = RedactionSettings(policy=policy, agent_names=agent_names)
    return Redactor(Models(), settings, RECOGNISERS)


def safe(*lines: str, policy: str = "standard", agent_names: bool = False) -> list[str]:
    raw = marked.call("", list(lines)).raw
    redacted = redactor(policy, agent_names=agent_names).redact(raw)
    return [turn.text for turn in redacted.transcript.turns]


@pytest.mark.parametrize("call", CALLS, ids=[call.name for call in CALLS])
def test_golden_calls(call) -> None:
    redacted = redactor().redact(call.raw)

    def covered(spans) -> dict[tuple[int, int], str]:
        return {
            (turn, place): kind
            for turn, kind, start, end in spans
            for place in range(start, end)
            if call.raw.turns[turn].text[place].isalnum()
        }

    found = covered((one.turn, one.kind, one.start, one.end) for one in redacted.redactions)
    assert found == covered(call.gold)


@pytest.mark.parametrize("path", sorted((ROOT / "resources/samples").glob("*.json")), ids=str)
def test_samples_lose_every_value_and_keep_their_words(path: Path) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    raw = to_raw(parse(path.read_bytes()))
    redacted = redactor().redact(raw)
    agent = {e["text"] for e in content["entities"] if e["turn"] == 0 and e["kind"] == "PERSON"}
    for entity in content["entities"]:
        if entity["text"] not in agent:
            assert entity["text"] not in redacted.transcript.turns[entity["turn"]].text
    for turn in redacted.transcript.turns:
        assert all(turn.text[w.start : w.end] == w.text for w in turn.words)
    assert all(one.end_ms > one.start_ms for one in redacted.redactions)
    assert redacted.muted


def test_none_keeps_everything_but_verification_codes() -> None:
    assert safe(
        "A: Card number?",
        "C: 4111 1111 1111 1111",
        "A: And the security code?",
        "C: 1 2 3",
        policy="none",
    ) == ["Card number?", "4111 1111 1111 1111", "And the security code?", "[CARD_CODE-1]"]


def test_all_takes_places_dates_ages_and_any_number() -> None:
    (text,) = safe(
        "C: I live in Manchester, I am 45, I have diabetes and pay 1234 pounds on March 3rd.",
        policy="all",
    )
    for kind in ("LOCATION", "AGE", "MEDICAL", "OTHER_NUMBER", "DATE"):
        assert f"[{kind}-" in text


def test_agents_names_by_setting() -> None:
    lines = ("A: Thank you for calling, you're speaking with Sarah.", "C: Hi Sarah.")
    assert safe(*lines) == [line[3:] for line in lines]
    assert safe(*lines, agent_names=True)[1] == "Hi [PERSON-1]."


def test_the_same_value_in_words_and_digits_has_one_number() -> None:
    texts = safe("A: Sort code?", "C: twenty forty-seven fifteen", "A: so 20-47-15")
    assert texts[1:] == ["[SORT_CODE-1]", "so [SORT_CODE-1]"]


def test_the_result_is_the_same_again() -> None:
    for call in CALLS[:10]:
        assert redactor().redact(call.raw) == redactor().redact(call.raw)


def test_an_empty_turn_and_odd_characters_pass() -> None:
    assert safe("C: ", "C: …¡ \x1e 🙂 {", "C: ok") == ["", "…¡ \x1e 🙂 {", "ok"]


def test_nothing_is_logged_and_nothing_looked_up(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        safe("C: my card is 4111 1111 1111 1111 and bob@example.org, I'm Xochitl")
    assert "4111" not in caplog.text
    assert "bob" not in caplog.text
    assert "Xochitl" not in caplog.text
    for name in ("presidio-analyzer", "decision_process"):
        assert logging.getLogger(name).disabled


def test_no_list_of_suffixes_is_looked_up_and_no_decision_is_written() -> None:
    """In a process of its own, in which any attempt to reach out ends it."""
    code = """
import logging, socket, sys
from pathlib import Path

def refused(*_, **__):
    raise SystemExit("reached out")

socket.socket.connect = socket.getaddrinfo = socket.create_connection = refused
logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)
from app.config import RedactionSettings
from app.engine.redaction import Redactor
from app.engine.transcripts import parse, to_raw
from tests.unit.engine.redaction.calls import RECOGNISERS, Models

text = "mail bob@mail.example.co.uk or see https://example.co.uk/?user=77 card 4111 1111 1111 1111"
raw = to_raw(parse(('{"turns": [{"text": "' + text + '"}]}').encode()))
made = Redactor(Models(), RedactionSettings(), RECOGNISERS).redact(raw)
print(made.transcript.turns[0].text)
print("tldextract" in sys.modules, "4111" in repr(made))
"""
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    said = "mail [EMAIL-1] or see [URL-1] card [CARD-1]"
    assert made.stdout.splitlines() == [said, "False False"]
    assert "bob" not in made.stderr
    assert "4111" not in made.stderr


def test_no_pattern_repeats_without_end() -> None:
    """So that the work at each place of a text is bounded, however long the text is."""
    for one in (*data().patterns, *data().national):
        expression = one.regex if isinstance(one, Pattern) else one.shape
        most = max(_repeats(_parser.parse(expression)), default=1)
        assert most <= 400, one.rule


def _repeats(parsed) -> Iterator[int]:
    """Yield how often each part of an expression may be repeated."""
    for code, value in parsed:
        if code in (_constants.MAX_REPEAT, _constants.MIN_REPEAT):
            yield value[1]
            yield from _repeats(value[2])
        elif code is _constants.SUBPATTERN:
            yield from _repeats(value[-1])
        elif code is _constants.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch)


def test_presidios_own_recognisers_are_not_in_use() -> None:
    safe("C: hello")
    analyzer = redactor()._engine._frame._analyzer
    names = {type(one).__name__ for one in analyzer.registry.get_recognizers(LANGUAGE, None, True)}
    assert names == {"FinderRecognizer", "WrittenRecognizer"}
    assert analyzer.log_decision_process is False


def test_recognisers_are_asked_in_the_same_order_in_every_process() -> None:
    safe("C: hello")
    registry = redactor()._engine._frame._analyzer.registry
    kinds = [kind for one in registry.recognizers for kind in one.supported_entities]
    asked = registry.get_recognizers(LANGUAGE, sorted(set(kinds)))
    assert [one.id for one in asked] == [one.id for one in registry.recognizers]


def test_a_finder_refuses_a_plain_text() -> None:
    finder = FinderRecognizer("numbers", ["CARD"], lambda _: [])
    with pytest.raises(TypeError):
        finder.analyze("4111", ["CARD"], None)


def test_wrong_data_is_refused(tmp_path: Path) -> None:
    broken = Redactor(Models(), RedactionSettings(), tmp_path)
    with pytest.raises(UsageError):
        broken.redact(CALLS[0].raw)


def test_a_result_between_two_turns_is_none() -> None:
    metadata = {RecognizerResult.RECOGNIZER_NAME_KEY: "x"}
    between = RecognizerResult("CARD", 5, 6, 1.0, recognition_metadata=metadata)
    assert frame._found(between, ["hello", "you"], [0, 8]) is None
