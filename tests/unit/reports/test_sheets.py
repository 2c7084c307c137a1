"""Sheets: all on one page, nothing from elsewhere, nothing that runs."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest

from app.domain import Checkpoint, Sha256
from app.reports import qr, sheets

KEY = "AIKEY2-" + "-".join(["ABCD"] * 14)
CHECKPOINT = Checkpoint(
    vault="ab" * 16,
    key="01" * 32,
    size=1234,
    root=Sha256("02" * 32),
    hash=Sha256("03" * 32),
    at="2026-03-01T09:00:00.000Z",
    signer="04" * 32,
    signature="05" * 64,
)


class Page(HTMLParser):
    def __init__(self, body):
        super().__init__()
        self.tags, self.attributes, self.text = [], [], ""
        self.feed(body.decode())

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += [name for name, _ in attrs]

    def handle_data(self, data):
        self.text += data


@pytest.mark.parametrize(
    "body",
    [
        sheets.key_sheet("ab" * 16, KEY, made_at="2026-03-01T09:00:00.000Z"),
        sheets.checkpoint_sheet(CHECKPOINT, "AIROOT2-1234-" + "-".join(["ABCD"] * 14)),
    ],
)
def test_a_sheet_stands_by_itself(body):
    page = Page(body)
    assert not {"script", "link", "img", "iframe", "form"} & set(page.tags)
    assert not {"src", "href"} & set(page.attributes)
    assert not re.search(rb"https?://(?!www\.w3\.org/)", body)
    assert page.tags.count("svg") == 1
    assert "ABCD-ABCD-ABCD-ABCD" in page.text


def test_a_checkpoint_is_on_its_sheet_in_full():
    text = Page(sheets.checkpoint_sheet(CHECKPOINT, "AIROOT2-1234-ABCD")).text
    for value in (CHECKPOINT.vault, CHECKPOINT.root, CHECKPOINT.signature, "1,234 entries"):
        assert value in text


def test_whatever_a_text_says_it_is_text():
    body = sheets.page(
        "<b>", sheets.paragraph("<script>"), sheets.table([("<", "&")]), footer="<i>"
    )
    page = Page(body)
    assert not {"b", "i", "script"} & set(page.tags)
    assert "<script>" in page.text


def test_a_picture_on_paper_is_well_formed_and_says_what_it_is():
    root = ET.fromstring(qr.svg(KEY, title="A & B"))  # our own text, no entities
    assert root.tag.endswith("svg")
    assert root[0].text == "A & B"


def test_a_picture_on_a_terminal_is_square_and_has_its_quiet_zone():
    lines = qr.terminal(KEY)
    assert len({len(line) for line in lines}) == 1
    assert len(lines) == (len(lines[0]) + 1) // 2
    assert set("".join(lines)) == set(" ▄▀█")
    assert set(lines[0]) == {"█"}
    assert all(line.startswith("██") and line.endswith("██") for line in lines)
