"""Standard output holds results only, and nothing that steers a terminal."""

from __future__ import annotations

import errno
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli.output import Output, printable
from app.cli.records import CheckRecord
from app.errors import DiskFull, StorageError, UsageError

RECORD = CheckRecord(name="n", ok=True, sentence="Grüße", hint="")


def output(encoding="utf-8", **options):
    out = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="replace")
    return Output(out, io.StringIO(), **options), out.buffer


def test_json_is_utf8_whatever_the_terminal_speaks():
    out, written = output("ascii", json=True)
    out.give(RECORD, ["for people"])
    out.say(["for people"])
    assert json.loads(written.getvalue().decode("utf-8"))["sentence"] == "Grüße"
    assert written.getvalue().count(b"\n") == 1


def test_text_falls_back_to_what_the_terminal_can_show():
    out, written = output("ascii")
    out.give(RECORD, ["Grüße"])
    assert written.getvalue() == b"Gr??e\n"


def test_remarks_go_beside_the_results_and_can_be_left_out():
    out, written = output()
    out.note("a remark")
    assert (out.stderr.getvalue(), written.getvalue()) == ("a remark\n", b"")
    quiet, _ = output(quiet=True)
    quiet.note("a remark")
    assert quiet.stderr.getvalue() == ""


def test_the_reason_of_the_end_is_told_to_people_and_to_programs():
    out, written = output(json=True, quiet=True)
    out.failed(UsageError("It is wrong.", hint="Do it right."))
    assert out.stderr.getvalue() == "It is wrong.\nDo it right.\n"
    told = json.loads(written.getvalue())
    assert told["schema"] == "autoinsights.error/1"
    assert told["error"] == {"code": "usage", "sentence": "It is wrong.", "hint": "Do it right."}


@pytest.mark.parametrize(
    "text", ["\x1b[2J", "a\rb", "a\x07", "\x9b31m", "\N{RIGHT-TO-LEFT OVERRIDE}gnp.exe", "a\nb"]
)
def test_text_cannot_steer_the_terminal(text):
    assert not set(printable(text)) & set("\x1b\r\n\x07\x9b\N{RIGHT-TO-LEFT OVERRIDE}")


@given(st.text())
def test_printable_text_keeps_its_length_and_is_stable(text):
    shown = printable(text)
    assert len(shown) == len(text)
    assert printable(shown) == shown
    assert all(one >= " " for one in shown)


class _Full(io.RawIOBase):
    def __init__(self, number):
        self.number = number

    def writable(self):
        return True

    def write(self, _):
        raise OSError(self.number, "")


@pytest.mark.parametrize(("number", "error"), [(errno.ENOSPC, DiskFull), (errno.EIO, StorageError)])
def test_output_that_cannot_be_written_is_said_as_such(number, error):
    stream = io.TextIOWrapper(_Full(number), write_through=True)
    with pytest.raises(error):
        Output(stream, io.StringIO()).say(["line"])
    stream.detach()


def test_a_file_is_as_wide_as_usual():
    assert output()[0].width == 100
