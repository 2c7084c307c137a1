"""Every promise of the threat model names tests that exist, by file and name."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "resources" / "documents"
TEXT = (DOCUMENTS / "threat-model.md").read_text(encoding="utf-8")
PROMISES = re.findall(
    r"^- (.*?)(?=^- |^#|\Z)",
    TEXT.partition("## What is promised")[2].partition("## What is not promised")[0],
    re.MULTILINE | re.DOTALL,
)


@cache
def collected(file: str) -> frozenset[str]:
    """Return the names under which a file's tests are collected, alone or in a class."""
    names = set()
    for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body:
        match node:
            case ast.FunctionDef(name=name):
                names.add(name)
            case ast.ClassDef(name=name, body=body):
                within = [one.name for one in body if isinstance(one, ast.FunctionDef)]
                names |= {f"{name}::{one}" for one in within if one.startswith("test_")}
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Attribute(attr="TestCase")):
                names.add(name)  # a machine of states, which hypothesis runs as one test
    return frozenset(name for name in names if name.startswith(("test_", "Test")))


def test_there_are_as_many_promises_as_the_document_has() -> None:
    assert len(PROMISES) > 30


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise[:40])
def test_every_promise_names_tests_that_exist(promise: str) -> None:
    named = re.findall(r"`(tests/[^`]*)`", promise)
    assert named, "no test is named"
    assert len(set(named)) == len(named)
    for test in named:
        file, found, name = test.partition("::")
        assert found, f"{test} names no test of the file"
        assert name in collected(file), test


def test_every_document_that_is_named_is_there() -> None:
    for name in re.findall(r"\b([a-z-]+\.md)\b", TEXT):
        assert (DOCUMENTS / name).exists(), name
