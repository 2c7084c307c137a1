"""A passphrase comes from a prompt, a file or standard input, and from nowhere else."""

from __future__ import annotations

import getpass
import io
import sys
from types import SimpleNamespace

import pytest

from app.cli import passphrases
from app.errors import UsageError


def terminal(monkeypatch, *typed):
    """Let a person sit at the terminal and type."""
    answers = list(typed)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(getpass, "getpass", lambda _: answers.pop(0))
    return answers


@pytest.mark.parametrize(
    "content",
    [
        b"correct horse\n",
        b"correct horse",
        b"correct horse\r\n",
        b"\xef\xbb\xbfcorrect horse\nmore",
    ],
)
def test_the_first_line_of_the_file_is_the_passphrase(tmp_path, content):
    file = tmp_path / "secret"
    file.write_bytes(content)
    assert passphrases.read(str(file)) == "correct horse"


def test_spaces_belong_to_it(tmp_path):
    file = tmp_path / "secret"
    file.write_bytes(b"  two words \n")
    assert passphrases.read(str(file)) == "  two words "


def test_a_hyphen_means_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("gr\u00fcn\nx".encode())))
    assert passphrases.read("-") == "gr\u00fcn"


@pytest.mark.parametrize("content", [b"", b"\n", b"\xff\xfe\n", b"x" * 5000])
def test_what_is_no_passphrase_is_refused_without_repeating_it(tmp_path, content):
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(UsageError) as refused:
        passphrases.read(str(file))
    assert "xxx" not in refused.value.sentence


def test_a_file_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        passphrases.read(str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="cannot be read"):
        passphrases.read(str(tmp_path))


def test_nobody_is_asked_where_nobody_sits(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("not for a prompt\n"))
    with pytest.raises(UsageError, match="nobody can be asked"):
        passphrases.read(None)


def test_no_variable_of_the_environment_is_asked(monkeypatch):
    for name in ("AUTOINSIGHTS_PASSPHRASE", "PASSPHRASE"):
        monkeypatch.setenv(name, "from the environment")
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(UsageError):
        passphrases.read(None)


def test_a_person_types_it(monkeypatch):
    terminal(monkeypatch, "typed here")
    assert passphrases.read(None) == "typed here"
    terminal(monkeypatch, "")
    with pytest.raises(UsageError):
        passphrases.read(None)


def test_a_new_one_is_typed_twice_or_left_to_the_program(monkeypatch):
    terminal(monkeypatch, "typed here", "typed here")
    assert passphrases.read_new(None, "the new vault") == "typed here"
    terminal(monkeypatch, "typed here", "typed there")
    with pytest.raises(UsageError, match="not the same"):
        passphrases.read_new(None, "the new vault")
    terminal(monkeypatch, "")
    assert passphrases.read_new(None, "the new vault") == ""


def test_the_end_of_the_terminal_is_no_passphrase(monkeypatch):
    terminal(monkeypatch)

    def ended(_):
        raise EOFError

    monkeypatch.setattr(getpass, "getpass", ended)
    with pytest.raises(UsageError):
        passphrases.read(None)
