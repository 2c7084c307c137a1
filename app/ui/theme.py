"""The look of the window: colours by name, the style sheet, icons in the theme's colours.

`Theme` follows the system between light and dark while the program runs and tells everyone who
paints by `changed`. Colours live in `resources/themes/*.toml`, rules in `window.qss` beside them.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from string import Template
from typing import TYPE_CHECKING

import msgspec
from PySide6.QtCore import QByteArray, QObject, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontInfo,
    QGuiApplication,
    QIcon,
    QPainter,
    QPalette,
    QPixmap,
)
from PySide6.QtSvg import QSvgRenderer

if TYPE_CHECKING:
    from pathlib import Path

    from PySide6.QtWidgets import QApplication

    from app.domain import Role, Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Colours:
    """The colours of one theme as `#rrggbb`."""

    base: str
    surface: str
    raised: str
    border: str
    field_border: str
    text: str
    quiet: str
    accent: str
    accent_hover: str
    accent_text: str
    accent_soft: str
    side: str
    side_text: str
    side_quiet: str
    side_active: str
    agent: str
    customer: str
    unknown: str
    positive: str
    neutral: str
    negative: str
    alert: str
    alert_soft: str
    warning: str
    warning_soft: str
    notice: str
    notice_soft: str
    done: str
    done_soft: str
    track: str
    turn: str
    word: str
    word_text: str
    found: str
    chip: str
    chip_text: str
    demo: str
    demo_text: str
    focus: str


def load_colours(folder: Path, name: str) -> Colours:
    """Return the colours of a theme file; a missing or unknown name is refused."""
    table = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))
    return msgspec.convert(table, Colours)


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (1 to 21) as WCAG 2.2 defines it."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


class Theme(QObject):
    """The colours in use; `changed` is sent after the whole window was given new ones."""

    changed = Signal()

    def __init__(self, resources: Path, application: QApplication, *, name: str = "") -> None:
        """Apply the system's theme, or always the one called `name`."""
        super().__init__()
        self._themes = resources / "themes"
        self._icons = resources / "icons"
        self._fixed = name
        self._application = application
        self._drawn: dict[tuple[str, str, int], QIcon] = {}
        _calm_font(application)
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)
        self._follow()

    def _follow(self) -> None:
        dark = QGuiApplication.styleHints().colorScheme() is Qt.ColorScheme.Dark
        self.name = self._fixed or ("dark" if dark else "light")
        self.colours = load_colours(self._themes, self.name)
        self._drawn.clear()
        self._application.setPalette(_palette(self.colours))
        sheet = Template((self._themes / "window.qss").read_text(encoding="utf-8"))
        values = msgspec.to_builtins(self.colours) | {"icons": self._icons.as_posix()}
        self._application.setStyleSheet(sheet.substitute(values, theme=self.name))
        self.changed.emit()

    def colour(self, name: str, alpha: int = 255) -> QColor:
        """Return a colour by its name, more or less transparent."""
        colour = QColor(getattr(self.colours, name))
        colour.setAlpha(alpha)
        return colour

    def role(self, role: Role) -> QColor:
        """Return the colour of a speaker."""
        return self.colour(role.value)

    def severity(self, severity: Severity | None) -> tuple[QColor, QColor]:
        """Return ink and ground of a flag."""
        if severity is None:
            return self.colour("chip_text"), self.colour("chip")
        return self.colour(severity.value), self.colour(f"{severity.value}_soft")

    def sentiment(self, score: float) -> QColor:
        """Return the colour of a sentiment of -1 to 1."""
        if abs(score) < 0.15:
            return self.colour("quiet")
        return self.colour("positive" if score > 0 else "negative")

    def icon(self, name: str, colour: str = "text", size: int = 20) -> QIcon:
        """Return an icon of `resources/icons` in a colour of the theme."""
        key = (name, colour, size)
        if key not in self._drawn:
            self._drawn[key] = QIcon(self.pixmap(name, colour, size * 2))
        return self._drawn[key]

    def pixmap(self, name: str, colour: str, size: int) -> QPixmap:
        """Return an icon as a square picture of `size` device pixels."""
        drawing = (self._icons / f"{name}.svg").read_text(encoding="utf-8")
        ink = getattr(self.colours, colour)
        renderer = QSvgRenderer(QByteArray(drawing.replace("currentColor", ink).encode()))
        picture = QPixmap(size, size)
        picture.fill(Qt.GlobalColor.transparent)
        with QPainter(picture) as painter:
            renderer.render(painter, QRectF(0, 0, size, size))
        return picture


def _calm_font(application: QApplication) -> None:
    font = QFont(application.font())
    if QFontInfo(font).family() == "DejaVu Sans":
        # the fallback of bare Linux systems is wide; its condensed cut reads better in tables
        font.setFamily("DejaVu Sans Condensed")
    if font.pointSizeF() < 10:
        font.setPointSizeF(10)
    font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
    application.setFont(font)


def _palette(colours: Colours) -> QPalette:
    palette = QPalette()
    roles = QPalette.ColorRole
    named = {
        roles.Window: colours.base,
        roles.WindowText: colours.text,
        roles.Base: colours.surface,
        roles.AlternateBase: colours.raised,
        roles.Text: colours.text,
        roles.Button: colours.raised,
        roles.ButtonText: colours.text,
        roles.ToolTipBase: colours.raised,
        roles.ToolTipText: colours.text,
        roles.PlaceholderText: colours.quiet,
        roles.Highlight: colours.accent,
        roles.HighlightedText: colours.accent_text,
        roles.Link: colours.accent,
        roles.Accent: colours.accent,
    }
    for role, colour in named.items():
        palette.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(colours.neutral))
    return palette
