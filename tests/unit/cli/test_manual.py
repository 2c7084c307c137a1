"""The manual and the schemas say what the command line does."""

from __future__ import annotations

import argparse
import json
import re
import runpy
from pathlib import Path

import msgspec
import pytest

from app import cli, errors
from app.cli import _commands, records
from app.cli.arguments import parser
from app.config import Settings
from app.engine.redaction import lexicon, policies

ROOT = Path(__file__).parents[3]
DOCUMENTS = ROOT / "resources" / "documents"
MANUAL = (DOCUMENTS / "manual.md").read_text(encoding="utf-8")
SECTION = MANUAL.partition("## Command line\n")[2].partition("\n## ")[0]
SCHEMAS = runpy.run_path(str(ROOT / "build" / "documents.py"))["schema_documents"]()


# Commands that are nothing without the word that follows.
GROUPS = (
    ("models",), ("audit",), ("people",), ("key",), ("backup",), ("vault",), ("elusion",),
)  # fmt: skip


def parsers(of, name=()):
    """Every parser with the words that lead to it."""
    found = {name: of}
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            for word, under in action.choices.items():
                found |= parsers(under, (*name, word))
    return found


def test_every_command_is_in_the_manual_and_does_something():
    table = SECTION.partition("### Commands\n")[2].partition("\n### ")[0]
    for words in parsers(parser()):
        if words and words not in GROUPS:
            assert re.search(rf"`{' '.join(words)}[` ]", table), words
    assert {words[0] for words in parsers(parser()) if words} == set(_commands())


def test_every_option_is_in_the_manual_and_no_other():
    known = {
        option
        for one in parsers(parser()).values()
        for action in one._actions
        for option in action.option_strings
        if option.startswith("--")
    }
    assert set(re.findall(r"--[a-z][a-z-]+", SECTION)) | {"--version"} == known


def test_every_choice_of_an_option_has_help():
    for words, one in parsers(parser()).items():
        assert one.description or words[:1] in GROUPS, words


def test_every_schema_is_in_the_manual():
    printed = {kind.__struct_config__.tag for kind in records.Record.__subclasses__()}
    assert set(re.findall(r"`(autoinsights\.[a-z-]+/\d+)`", SECTION)) == printed
    table = SECTION.partition("An analysis holds:")[2].partition("\n### ")[0]
    named = set(re.findall(r"`([a-z_]+)`", table))
    assert set(records.AnalysisRecord.__struct_fields__) <= named


def test_every_exit_status_is_in_the_manual():
    table = SECTION.partition("### Exit status\n")[2]
    named = {int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    statuses = {kind.status for kind in kinds if issubclass(kind, errors.AppError)}
    assert named == statuses | {0, cli.FAULT, cli.INTERRUPTED, cli.READER_GONE}
    for number in statuses:
        assert re.search(rf"\b{number} ", parser().epilog)


def test_every_setting_is_in_the_manual_with_its_default():
    table = SECTION.partition("### Settings\n")[2].partition("\n### ")[0]
    named = dict(re.findall(r"^\| `([a-z_.]+)` \| `?([^|`]+)`? \|", table, re.MULTILINE))
    real = {
        f"{section}.{name}": json.dumps(value).strip('"')
        for section, values in msgspec.to_builtins(Settings()).items()
        for name, value in values.items()
    }
    assert {name: default.strip() for name, default in named.items()} == real


@pytest.mark.parametrize("name", SCHEMAS)
def test_schemas_are_made_from_the_records(name):
    written = (DOCUMENTS / name).read_text(encoding="utf-8")
    assert written == SCHEMAS[name], "run build/documents.py"
    assert json.loads(written)["$schema"].startswith("https://json-schema.org/draft/2020-12")


def test_every_kind_of_record_is_in_the_union():
    assert set(records.AnyRecord.__args__) == set(records.Record.__subclasses__())


def test_every_redaction_policy_and_kind_is_in_the_manual():
    recognisers = DOCUMENTS.parent / "recognisers"
    part = SECTION.partition("### Redaction policy\n")[2].partition("\n### ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", part, re.MULTILINE)) == set(
        policies.names(recognisers / "policies")
    )
    assert set(re.findall(r"`([A-Z_]{3,})`", part)) == set(lexicon.kinds(recognisers))
