"""The log carries ids and codes and never what was said."""

from __future__ import annotations

import json
import logging

import pytest

from app import log

SPOKEN = "my card is four five three nine"


@pytest.fixture
def lines(tmp_path):
    root, ours = logging.getLogger(), logging.getLogger("app")
    before = (root.handlers[:], root.level, ours.level)
    file = tmp_path / "log.jsonl"
    log.configure(file, verbose=True)
    yield lambda: [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def test_an_event_is_a_constant_message_and_known_fields(lines):
    log.event(log.logger("app.test"), logging.INFO, "a call is done", call="ab", seconds=1.5)
    (line,) = lines()
    assert (line["what"], line["call"], line["seconds"]) == ("a call is done", "ab", 1.5)


def test_an_unknown_field_is_refused():
    with pytest.raises(ValueError, match="text"):
        log.event(log.logger("app.test"), logging.INFO, "a call is done", text=SPOKEN)


def test_an_exception_is_told_without_its_message(lines):
    try:
        int(SPOKEN)
    except ValueError:
        log.logger("app.test").exception("a fault")
    (line,) = lines()
    assert line["error"][0] == "ValueError"
    assert SPOKEN not in json.dumps(line)


def test_messages_of_libraries_are_not_written(lines):
    logging.getLogger("some-library").warning("found %s", SPOKEN)
    (line,) = lines()
    assert line["where"] == "some-library"
    assert SPOKEN not in json.dumps(line)


def test_without_a_file_it_goes_to_standard_error_and_stays_quiet(capsys, lines):
    assert lines() == []
    log.configure(None)
    log.event(log.logger("app.test"), logging.INFO, "nothing to see")
    log.event(log.logger("app.test"), logging.WARNING, "look here")
    assert [json.loads(line)["what"] for line in capsys.readouterr().err.splitlines()] == [
        "look here"
    ]
