"""What may stand on the command line, and what is said when it does not fit."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli import FAULT, INTERRUPTED, READER_GONE
from app.cli.arguments import SETTING_OPTIONS, parse, parser
from app.errors import UsageError


@pytest.mark.parametrize(
    "line", ["--json --vault V list", "list --json --vault V", "--vault V list --json"]
)
def test_options_of_the_program_stand_before_or_after_the_command(line):
    args = parse(line.split())
    assert (args.command, args.json, args.vault) == ("list", True, Path("V"))


def test_options_that_are_left_out_have_their_defaults():
    args = parse(["models", "check"])
    assert (args.json, args.vault, args.settings, args.passphrase_file) == (False, None, None, None)
    assert (args.quiet, args.verbose, args.act) == (False, False, "check")
    assert parse([]).command is None


@pytest.mark.parametrize(
    "line",
    [
        "list --passphrase hunter2-hunter2",
        "list --passphrase=hunter2-hunter2",
        "--pass hunter2-hunter2 list",
        "list --password hunter2-hunter2",
    ],
)
def test_a_passphrase_on_the_command_line_is_refused_and_not_repeated(line):
    with pytest.raises(UsageError) as refused:
        parse(line.split())
    said = refused.value.sentence + refused.value.advice
    assert "hunter2" not in said
    assert "--passphrase-file" in said


def test_an_unknown_option_is_named_without_its_value():
    with pytest.raises(UsageError, match="--colour") as refused:
        parse(["list", "--colour", "secret", "--tone=secret"])
    assert "--tone" in refused.value.sentence
    assert "secret" not in refused.value.sentence


@pytest.mark.parametrize(
    "line",
    [
        *("nonsense", "import", "show", "show A B", "audit", "list --limit -1", "list --limit x"),
        *("list --sta done", "analyse", "analyse x --redact", "search"),
    ],
)
def test_what_is_not_understood_is_a_usage_error(line):
    with pytest.raises(UsageError):
        parse(line.split())


def test_help_and_version_leave_at_once(capsys):
    for line in (["--help"], ["import", "--help"], ["--version"]):
        with pytest.raises(SystemExit) as end:
            parse(line)
        assert not end.value.code
    assert "exit status" in capsys.readouterr().out


def test_a_setting_for_one_run_is_never_confused_with_another_word():
    """What `SETTING_OPTIONS` names is read from every command that has it: nothing else may."""
    for line in ("models import P", "import P", "show C", "search W", "init", "demo"):
        args = vars(parse(line.split()))
        assert all(args.get(name) is None for name in SETTING_OPTIONS), line


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("list --limit x", "--limit: it must be a whole number, 0 or more"),
        ("list --offset -1", "--offset: it must be a whole number"),
        ("search husband --limit 0", "--limit: it must be 1 or more"),
    ],
)
def test_a_number_that_is_none_is_named_in_words(command, said):
    with pytest.raises(UsageError, match=said):
        parse(command.split())


def test_every_status_of_the_program_is_in_its_help():
    for status in (FAULT, INTERRUPTED, READER_GONE):
        assert f" {status} " in parser().epilog.replace("\n", " ")
