"""Every promise of the threat model names a test that exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = ROOT / "resources" / "documents"
TEXT = (DOCUMENTS / "threat-model.md").read_text(encoding="utf-8")
PROMISES = TEXT.partition("## What is promised")[2].partition("## What is not promised")[0]


def test_every_promise_names_tests_that_exist():
    promises = re.findall(r"^- (.*?)(?=^- |^#|\Z)", PROMISES, re.MULTILINE | re.DOTALL)
    assert len(promises) > 20
    for promise in promises:
        named = re.findall(r"`(tests/[\w/.]+\.py)`", promise)
        assert named, promise
        for test in named:
            assert "def test_" in (ROOT / test).read_text(encoding="utf-8"), test


def test_every_document_that_is_named_is_there():
    for name in re.findall(r"\b([a-z-]+\.md)\b", TEXT):
        assert (DOCUMENTS / name).exists(), name
