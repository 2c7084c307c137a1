"""`analyse`: inputs of every kind, results in their order, muted audio where it is wanted."""

from __future__ import annotations

import io
import json
import os
import sys
from pathlib import Path
from types import SimpleNamespace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import bootstrap
from app.cli import analyse
from app.cli.analyse import _InOrder, _Sink, _transcripts
from app.cli.output import Output
from app.domain import CallMetadata, Failure
from tests.builders import analysed_call

DOCUMENTS = Path(__file__).parents[3] / "resources" / "documents"


def schema(name):
    return json.loads((DOCUMENTS / name).read_text(encoding="utf-8"))


def standard_input(monkeypatch, content):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


def test_each_recording_is_one_object_in_the_order_given(records, recordings):
    files = [recordings / "b.mp3", recordings / "a.wav", recordings / "b.mp3"]
    status, printed = records("analyse", *files)
    assert (status, [one["source"] for one in printed]) == (0, [str(file) for file in files])
    for one in printed:
        jsonschema.validate(one, schema("analysis.schema.json"))
        jsonschema.validate(one, schema("transcript.schema.json"))
        assert one["seconds"] == {"transcribe": 1.5}
    assert not bootstrap.standard_folders().data.exists()


def test_keys_stand_in_a_fixed_order(run, recordings):
    _, out, _ = run("analyse", recordings / "a.wav", "--json")
    documented = schema("analysis.schema.json")["$defs"]["AnalysisRecord"]["properties"]
    assert list(json.loads(out)) == list(documented)


def test_a_failed_call_is_an_object_too_and_the_others_go_on(records, run, recordings):
    files = [recordings / "absent.wav", recordings / "a.wav", recordings / "absent.jsonl"]
    status, printed = records("analyse", *files)
    assert status == 7
    assert [one["schema"].split(".")[1] for one in printed] == ["error/1", "analysis/1", "error/1"]
    assert printed[0]["source"] == str(files[0])
    assert printed[0]["error"].keys() == {"code", "sentence", "hint"}
    for one in printed:
        jsonschema.validate(one, schema("analysis.schema.json"))
    status, said, _ = run("analyse", *files)
    assert status == 7
    assert "absent.wav: The file cannot be read." in said


def test_people_read_the_report_and_the_turns(run, recordings):
    status, said, beside = run("analyse", recordings / "a.wav")
    assert (status, beside) == (0, "")
    assert "WARNING  Complaint" in said
    assert "customer  it is [CARD-1] thank you" in said


def test_transcripts_come_from_standard_input_one_per_line(records, monkeypatch):
    lines = b'{"id": "x1", "turns": [{"text": "hello"}]}\r\n\n{"turns": []}\n'
    standard_input(monkeypatch, lines)
    status, printed = records("analyse", "-")
    assert (status, [(one["source"], one["line"], one["id"]) for one in printed]) == (
        0,
        [("-", 1, "x1"), ("-", 3, None)],
    )


def test_a_transcript_may_fill_a_whole_file(records, tmp_path):
    file = tmp_path / "call.json"
    call = {"id": "x1", "turns": [{"text": "hello"}, {"text": "{ }"}]}
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(call, indent=1).encode())
    _, printed = records("analyse", file)
    assert [(one["line"], one["id"]) for one in printed] == [(None, "x1")]


@given(
    st.lists(st.dictionaries(st.text(max_size=5), st.text(max_size=20)), min_size=1), st.booleans()
)
def test_every_line_of_a_file_is_one_call(objects, ascii_only):
    lines = [json.dumps(one, ensure_ascii=ascii_only).encode("utf-8", "replace") for one in objects]
    for several in (True, False):
        found = list(_transcripts("x", b"\n".join(lines), CallMetadata(), lines=several))
        assert [one.source.payload for one in found] == lines


@pytest.mark.parametrize("content", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_no_transcript_at_all_is_a_usage_error(records, monkeypatch, content):
    standard_input(monkeypatch, content)
    status, printed = records("analyse", "-")
    assert (status, printed[0]["error"]["code"]) == (2, "usage")


def test_a_folder_is_refused_with_advice(records, recordings):
    status, printed = records("analyse", recordings)
    assert status == 2
    assert "import" in printed[0]["error"]["hint"]


def test_muted_audio_is_written_once_and_only_over_others_when_forced(run, recordings, tmp_path):
    target = tmp_path / "out" / "call.flac"
    given = ["analyse", recordings / "a.wav", "--audio-out", target]
    assert run(*given)[0] == 0
    assert target.read_bytes() == analysed_call().muted_audio
    target.write_bytes(b"precious")
    status, _, said = run(*given)
    assert (status, target.read_bytes()) == (2, b"precious")
    assert "--force" in said
    assert run(*given, "--force")[0] == 0
    assert target.read_bytes() == analysed_call().muted_audio
    assert [file.name for file in target.parent.iterdir()] == ["call.flac"]


def test_several_recordings_get_a_folder_and_names_of_their_own(run, recordings, tmp_path):
    (recordings / "sub").mkdir()
    (recordings / "sub" / "a.wav").write_bytes(b"another")
    files = [recordings / "a.wav", recordings / "sub" / "a.wav", recordings / "absent.wav"]
    assert run("analyse", *files, "--audio-out", tmp_path / "out")[0] == 7
    names = sorted(file.name for file in (tmp_path / "out").iterdir())
    assert names == ["a-2.muted.flac", "a.muted.flac"]


def test_a_place_that_cannot_take_the_audio_is_refused_before_the_work(
    run, recordings, monkeypatch, tmp_path
):
    two = [recordings / "a.wav", recordings / "b.mp3"]
    assert run("analyse", *two, "--audio-out", "x.flac")[0] == 2
    status, _, said = run("analyse", two[0], "--audio-out", "x.wav")
    assert status == 2
    assert "FLAC" in said
    standard_input(monkeypatch, b'{"turns": [{"text": "hello"}]}')
    assert run("analyse", "-", "--audio-out", "x.flac")[0] == 2


def test_a_disk_that_takes_no_audio_is_said(records, recordings, tmp_path):
    (tmp_path / "file").write_bytes(b"")
    place = tmp_path / "file" / "x.flac"
    status, printed = records("analyse", recordings / "a.wav", "--audio-out", place)
    assert status == 5
    assert "cannot be written" in printed[-1]["error"]["sentence"]


def test_results_wait_for_those_before_them():
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    run = SimpleNamespace(out=Output(out, io.StringIO(), json=True))
    inputs = list(_transcripts("x", b"{}\n{}\n{}", CallMetadata(), lines=True))
    shown = _InOrder(run, inputs, _Sink())
    reason = Failure(code="c", sentence="s", hint="h")
    printed = []
    for place in (2, 0, 1):
        shown.take(inputs[place].source, reason)
        lines = out.buffer.getvalue().splitlines()
        printed.append([json.loads(line)["line"] for line in lines])
    assert printed == [[], [1], [1, 2, 3]]


def test_names_that_are_no_unicode_are_shown_all_the_same(records, tmp_path):
    name = os.fsdecode(os.fsencode(tmp_path) + b"/\xff.wav")
    status, printed = records("analyse", name)
    assert status == 7
    assert printed[0]["source"].endswith("\N{REPLACEMENT CHARACTER}.wav")


@pytest.mark.parametrize("option", ["--redact none", "--pack finance", "--language en"])
def test_settings_for_one_run_reach_the_program(option, recordings, run, monkeypatch):
    seen = []
    monkeypatch.setattr(
        analyse, "analyse", lambda given, _: seen.append(given.program.settings) or 0
    )
    run("analyse", recordings / "a.wav", *option.split())
    settings = seen[0]
    chosen = (settings.redaction.policy, settings.analysis.pack, settings.speech.language)
    assert option.split()[1] in chosen


def test_a_call_between_stays_stopped(run, recordings, monkeypatch):
    def interrupted(self, source, outcome):
        raise KeyboardInterrupt

    monkeypatch.setattr(_InOrder, "take", interrupted)
    status, _, said = run("analyse", recordings / "a.wav", recordings / "b.mp3")
    assert status == 130
    assert "given up" in said
    assert "queue" not in said
    status, printed, _ = run("analyse", recordings / "a.wav", "--json")
    assert (status, json.loads(printed)["error"]["code"]) == (130, "interrupted")


def test_a_wrong_word_list_is_refused_before_anything_is_analysed(records, recordings, tmp_path):
    listed = tmp_path / "words.txt"
    listed.write_text("Velmora\n!\n", "utf-8")
    given = ["analyse", recordings / "a.wav", "--vocabulary", listed]
    status, printed = records(*given)
    assert (status, printed[0]["error"]["code"]) == (2, "usage")
    assert "Line 2" in printed[0]["error"]["sentence"]
    listed.write_text("Velmora\n", "utf-8")
    status, printed = records(*given)
    assert (status, printed[0]["schema"]) == (0, "autoinsights.analysis/1")
