"""Colours: complete, and readable (WCAG 2.2 AA)."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from string import Template

import msgspec
import pytest

from app.ui.theme import Colours, contrast, load_colours

THEMES = Path(__file__).parents[3] / "resources" / "themes"
TEXT_ON = {
    "base": ("text", "quiet", "accent", "alert"),
    "surface": (
        *("text", "quiet", "accent", "agent", "customer", "unknown", "positive", "negative"),
        *("alert", "warning", "notice"),
    ),
    "raised": ("text", "quiet"),
    "accent": ("accent_text",),
    "accent_hover": ("accent_text",),
    "accent_soft": ("text", "quiet", "accent", "positive", "negative"),
    "side": ("side_text", "side_quiet"),
    "side_active": ("side_text",),
    "alert_soft": ("alert",),
    "warning_soft": ("warning",),
    "notice_soft": ("notice",),
    "done_soft": ("done",),
    "chip": ("chip_text",),
    "demo": ("demo_text",),
    "word": ("word_text",),
    "found": ("text",),
    "turn": ("text", "quiet", "agent", "customer", "chip_text"),
    "track": ("quiet",),
}
# borders and pictures that carry a meaning need 3:1
SHAPES_ON = {
    "surface": ("field_border", "focus", "agent", "customer", "positive", "negative"),
    "raised": ("agent", "customer", "field_border"),
    "base": ("focus", "field_border"),
}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_is_readable(name: str) -> None:
    table = msgspec.to_builtins(load_colours(THEMES, name))
    low = {
        f"{ink} on {ground}": round(contrast(table[ink], table[ground]), 2)
        for ground, inks in TEXT_ON.items()
        for ink in inks
        if contrast(table[ink], table[ground]) < 4.5
    }
    assert low == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_shapes_are_visible(name: str) -> None:
    table = msgspec.to_builtins(load_colours(THEMES, name))
    low = {
        f"{ink} on {ground}": round(contrast(table[ink], table[ground]), 2)
        for ground, inks in SHAPES_ON.items()
        for ink in inks
        if contrast(table[ink], table[ground]) < 3
    }
    assert low == {}


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


def test_the_style_sheet_uses_only_known_colours() -> None:
    sheet = Template((THEMES / "window.qss").read_text(encoding="utf-8"))
    known = {field.name for field in fields(Colours)} | {"icons", "theme"}
    assert sheet.is_valid()
    assert set(sheet.get_identifiers()) <= known


def test_a_theme_with_a_missing_colour_is_refused(tmp_path: Path) -> None:
    (tmp_path / "light.toml").write_text('base = "#ffffff"\n', encoding="utf-8")
    with pytest.raises(msgspec.ValidationError):
        load_colours(tmp_path, "light")
