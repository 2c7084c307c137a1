"""`redact`: one line in, one line out, whatever stands on the lines beside it."""

from __future__ import annotations

import io
import json
import sys
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import bootstrap
from app.cli import redact
from app.cli.arguments import parse
from app.cli.output import Output
from app.cli.redact import lines_of, whole_of
from app.engine.client import LoneWorker
from tests import workers
from tests.builders import redacted_call

DOCUMENTS = Path(__file__).parents[3] / "resources" / "documents"
RECORDS = json.loads((DOCUMENTS / "records.schema.json").read_text(encoding="utf-8"))
TRANSCRIPT = json.loads((DOCUMENTS / "transcript.schema.json").read_text(encoding="utf-8"))
CALL = b'{"id": "x1", "turns": [{"text": "hello"}]}'


def standard_input(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def kinds(printed):
    """Return the schema and the line of each object, each as documented."""
    for one in printed:
        jsonschema.validate(one, RECORDS)
    return [(one["schema"].partition(".")[2], one["line"]) for one in printed]


@pytest.mark.parametrize("named", [[], ["-"]])
def test_every_line_is_answered_in_its_place(records, monkeypatch, named):
    lines = b"\xef\xbb\xbf" + CALL + b'\r\n\n{"turns": [}\n{"turns": [{"text": 1}]}\n' + CALL
    standard_input(monkeypatch, lines)
    status, printed = records("redact", *named)
    assert status == 7
    assert kinds(printed) == [
        ("redaction/1", 1), ("error/1", 3), ("error/1", 4), ("redaction/1", 5)
    ]  # fmt: skip
    assert [one["source"] for one in printed] == ["-"] * 4
    assert [one["id"] for one in printed] == ["x1", None, None, "x1"]
    assert {one["error"]["code"] for one in printed[1:3]} == {"transcript-invalid"}
    for one in (printed[0], printed[3]):
        jsonschema.validate(one, TRANSCRIPT)  # so that it can be redacted or analysed again
        assert one["redactions"][0]["rule"] == redacted_call().redactions[0].rule
    assert not bootstrap.standard_folders().data.exists()


def test_keys_stand_in_a_fixed_order(run, monkeypatch):
    standard_input(monkeypatch, CALL)
    status, out, _ = run("redact", "--json")
    documented = RECORDS["$defs"]["RedactionRecord"]["properties"]
    assert (status, list(json.loads(out))) == (0, list(documented))


def test_a_transcript_that_kills_the_worker_is_told_and_the_next_is_redacted(records, monkeypatch):
    standard_input(monkeypatch, CALL.replace(b"hello", b"crash") + b"\n" + CALL)
    status, printed = records("redact")
    assert (status, kinds(printed)) == (7, [("error/1", 1), ("redaction/1", 2)])
    assert (printed[0]["error"]["code"], printed[0]["id"]) == ("worker-died", "x1")


def test_files_are_read_one_after_the_other_and_a_missing_one_is_told(records, tmp_path):
    (tmp_path / "a.jsonl").write_bytes(CALL + b"\n" + CALL)
    spread = json.dumps(json.loads(CALL), indent=1).encode()
    (tmp_path / "b.json").write_bytes(b"\xef\xbb\xbf" + spread)
    (tmp_path / "c.json").write_bytes(CALL + b"\n" + CALL)
    files = [tmp_path / name for name in ("a.jsonl", "absent.jsonl", "b.json", "c.json")]
    status, printed = records("redact", *files)
    assert (status, kinds(printed)) == (
        7,
        [
            *(("redaction/1", 1), ("redaction/1", 2), ("error/1", None)),
            *(("redaction/1", 1), ("redaction/1", 1), ("redaction/1", 2)),
        ],
    )
    assert list(dict.fromkeys(one["source"] for one in printed)) == [str(file) for file in files]


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_no_transcript_at_all_is_an_error(records, monkeypatch, content, tmp_path):
    standard_input(monkeypatch, content)
    status, printed = records("redact")
    assert (status, kinds(printed)) == (7, [("error/1", None)])
    (tmp_path / "x.json").write_bytes(content)
    assert records("redact", tmp_path / "x.json")[0] == 7


def test_a_folder_is_refused(records, tmp_path):
    status, printed = records("redact", tmp_path)
    assert (status, printed[0]["error"]["code"]) == (2, "usage")


def test_a_missing_model_ends_the_command_at_once(records, monkeypatch):
    monkeypatch.setattr(bootstrap, "LoneWorker", partial(LoneWorker, serve=workers.model_missing))
    standard_input(monkeypatch, CALL + b"\n" + CALL)
    status, printed = records("redact")
    assert (status, [one["error"]["code"] for one in printed]) == (8, ["model-missing"])


def test_people_read_the_safe_text_and_where_it_was_redacted(run, monkeypatch):
    standard_input(monkeypatch, CALL + b"\nno\n")
    status, said, beside = run("redact")
    assert (status, beside) == (7, "")
    assert "-, line 1 (x1)" in said
    assert "customer  it is [CARD-1] thank you" in said
    assert "  TURN  START  END  KIND" in said
    assert "-, line 2: The transcript cannot be used" in said


def test_a_line_is_answered_before_the_next_is_read():
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    answered = []

    class Asking(io.BytesIO):
        def readline(self, size=-1, /):
            answered.append(len(out.buffer.getvalue().splitlines()))
            return super().readline(size)

    @contextmanager
    def redaction(_metadata):
        yield lambda _transcript: redacted_call()

    run = SimpleNamespace(
        program=SimpleNamespace(redaction=redaction),
        args=parse(["redact"]),
        out=Output(out, io.StringIO(), json=True),
    )
    assert redact.redact(run, lambda: Asking(CALL + b"\n" + CALL + b"\n")) == 0
    assert answered == [0, 1, 2]


@given(
    st.lists(st.binary(max_size=12).map(lambda line: line.replace(b"\n", b"")), max_size=6),
    st.booleans(),
)
def test_lines_are_counted_whatever_they_hold_and_long_ones_are_passed_over(lines, ended):
    content = b"\n".join(lines) + (b"\n" if ended else b"")
    longest = 6
    read = list(lines_of("x", io.BytesIO(content), longest))
    wanted = []
    for number, line in enumerate(content.split(b"\n"), 1):
        text = line.removeprefix(b"\xef\xbb\xbf" if number == 1 else b"").strip()
        if len(line) > longest or text:
            wanted.append((number, None if len(line) > longest else text))
    kept = [(one.number, None if one.wrong else one.content.strip()) for one in read]
    assert kept == (wanted or [(0, None)])


def test_a_line_that_is_too_long_is_told_and_the_others_are_read():
    stream = io.BytesIO(b"a" * 100 + b"\n" + CALL + b"\n" + b"b" * 200)
    first, second, third = lines_of("x", stream, 60)
    assert [one.wrong is None for one in (first, second, third)] == [False, True, False]
    assert first.wrong.code == "transcript-invalid"
    assert "60" in first.wrong.sentence
    (whole,) = whole_of("x", io.BytesIO(b"a" * 61), 60)
    assert whole.wrong is not None


@pytest.mark.parametrize(
    ("options", "chosen"),
    [
        ("", ("standard", False)),
        ("--redact all --agent-names", ("all", True)),
        ("--no-agent-names", ("standard", False)),
    ],
)
def test_settings_for_one_run_reach_the_program(options, chosen, run, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(redact, "redact", lambda given, _: seen.append(given.program.settings) or 0)
    run("redact", *options.split())
    assert (seen[0].redaction.policy, seen[0].redaction.agent_names) == chosen


def test_a_command_that_is_stopped_says_that_nothing_waits(run, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    standard_input(monkeypatch, CALL)
    monkeypatch.setattr(redact, "lines_of", interrupted)
    status, _, said = run("redact")
    assert status == 130
    assert "given up" in said
