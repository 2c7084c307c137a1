"""Small widgets that several pages use: labels, buttons, chips, sections and empty states."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QSize, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QAbstractButton,
    QFrame,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import isValid

from app.ui.call_cells import paint_sentiment

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtGui import QColor, QResizeEvent

    from app.domain import Severity
    from app.ui.theme import Theme


T = TypeVar("T")


class Paragraph(QLabel):
    """A text that wraps and always has the height that it needs at its width."""

    def __init__(self, text: str) -> None:
        """Show a text."""
        super().__init__(text)
        self.setWordWrap(True)

    def heightForWidth(self, width: int) -> int:  # noqa: N802
        """Return the height at a width, which is never more than the widest allowed."""
        return super().heightForWidth(min(width, self.maximumWidth()))

    def sizeHint(self) -> QSize:  # noqa: N802
        """Return the height that the text needs at the present width."""
        return QSize(super().sizeHint().width(), self._needed())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        """Return the same: layouts ask before they know the width, and would cut lines off."""
        return QSize(super().minimumSizeHint().width(), self._needed())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Let the layout ask again when the width is another."""
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.updateGeometry()

    def _needed(self) -> int:
        return max(self.heightForWidth(self.width()), 0)


def while_alive(owner: QObject, then: Callable[[T], None]) -> Callable[[T], None]:
    """Return `then` for an answer that may come after `owner`, a dialog, was closed: not then."""

    def answered(result: T) -> None:
        if isValid(owner):
            then(result)

    return answered


def label(text: str = "", kind: str = "", *, wrap: bool = False) -> QLabel:
    """Return a plain-text label of a kind that the style sheet knows."""
    made = Paragraph(text) if wrap else QLabel(text)
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setProperty("kind", kind)
    return made


def button(text: str, act: Callable[[], object], kind: str = "", tip: str = "") -> QPushButton:
    """Return a push button of a kind that the style sheet knows."""
    made = QPushButton(text)
    made.setProperty("kind", kind)
    made.setAccessibleName(text.replace("&", ""))
    made.setToolTip(tip)
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.clicked.connect(lambda: act())  # noqa: PLW0108  (drops Qt's `checked`)
    return made


def tool(name: str, act: Callable[[], object], kind: str = "plain") -> QToolButton:
    """Return an icon button; `name` says what it does, on hover and to screen readers."""
    made = QToolButton()
    made.setProperty("kind", kind)
    made.setAccessibleName(name)
    made.setToolTip(name)
    made.setIconSize(QSize(20, 20))
    made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    made.clicked.connect(lambda: act())  # noqa: PLW0108  (drops Qt's `checked`)
    return made


def line() -> QFrame:
    """Return a thin horizontal line."""
    made = QFrame()
    made.setProperty("kind", "line")
    return made


def card() -> QFrame:
    """Return a framed surface."""
    made = QFrame()
    made.setProperty("kind", "card")
    return made


def set_kind(widget: QWidget, kind: str) -> None:
    """Change the kind under which the style sheet finds a widget."""
    widget.setProperty("kind", kind)
    widget.style().unpolish(widget)
    widget.style().polish(widget)


def clear(layout: QVBoxLayout | QHBoxLayout) -> None:
    """Take all widgets out of a layout and let them go."""
    while (item := layout.takeAt(0)) is not None:
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()


class Chip(QLabel):
    """A short text on a rounded ground: a flag in the colours of its severity, or a remark."""

    def __init__(self, text: str, theme: Theme, severity: Severity | None = None) -> None:
        """Show `text`; without a severity in quiet colours."""
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self._theme, self._severity = theme, severity
        self.setAccessibleName(text)
        self.setContentsMargins(9, 3, 9, 3)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self._colour()
        theme.changed.connect(self._colour)

    def _colour(self) -> None:
        ink, self._ground = self._theme.severity(self._severity)
        self.setStyleSheet(f"color: {ink.name()};")

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the ground, then the text."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self._ground)
            painter.drawRoundedRect(self.rect(), self.height() / 2, self.height() / 2)
        super().paintEvent(event)


class SentimentBar(QWidget):
    """A sentiment as a bar and a word."""

    def __init__(self, score: float | None, theme: Theme) -> None:
        """Show a score of -1 to 1."""
        super().__init__()
        self._score, self._theme = score, theme
        self.setMinimumSize(150, 20)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802
        """Paint the bar and the word."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            paint_sentiment(painter, self.rect(), self._score, self._theme)


class RowButton(QAbstractButton):
    """A row that can be clicked: a text that wraps, and a short remark such as a time."""

    def __init__(self, text: str, remark: str, theme: Theme, mark: QColor | None = None) -> None:
        """Show `text` and `remark`; `mark` colours a bar at the left."""
        super().__init__()
        self._theme, self._mark = theme, mark
        self.setText(text)
        self.setAccessibleName(f"{text}, {remark}" if remark else text)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        # by keyboard only: after a click on a row, Space still plays and pauses
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        body = QHBoxLayout(self)
        body.setContentsMargins(12, 6, 8, 6)
        body.setSpacing(10)
        self._text = label(text, wrap=True)
        self._remark = label(remark, "quiet")
        self._remark.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignTop)
        body.addWidget(self._text, 1)
        body.addWidget(self._remark)
        for part in (self._text, self._remark):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        theme.changed.connect(self.update)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802
        """Paint hover, focus and the mark."""
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            if self.underMouse() or self.isDown() or self.isChecked():
                painter.setBrush(self._theme.colour("accent_soft"))
                painter.drawRoundedRect(self.rect(), 6, 6)
            if self._mark is not None:
                painter.setBrush(self._mark)
                painter.drawRoundedRect(2, 6, 3, self.height() - 12, 1.5, 1.5)
            if self.hasFocus():
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.setPen(self._theme.colour("focus"))
                painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 6, 6)


class Section(QWidget):
    """A part of a side panel with a heading that opens and closes it."""

    def __init__(self, title: str, theme: Theme, *, opened: bool = True) -> None:
        """Begin empty."""
        super().__init__()
        self._theme = theme
        self._head = QToolButton()
        self._head.setText(title)
        self._head.setProperty("kind", "section")
        self._head.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._head.setCheckable(True)
        self._head.setChecked(opened)
        self._head.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._head.toggled.connect(self._open)
        self._body = QWidget()
        self.content = QVBoxLayout(self._body)
        self.content.setContentsMargins(2, 0, 2, 6)
        self.content.setSpacing(2)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(2)
        whole.addWidget(self._head)
        whole.addWidget(self._body)
        self._open(opened)
        theme.changed.connect(lambda: self._open(self._head.isChecked()))

    def _open(self, opened: bool) -> None:
        self._body.setVisible(opened)
        self._head.setIcon(self._theme.icon("down" if opened else "right", "quiet"))
        state = "open" if opened else "closed"
        self._head.setAccessibleName(f"{self._head.text()}, {state}")


class EmptyState(QWidget):
    """What a page shows instead of nothing: a picture, a sentence, and what to do."""

    acted = Signal()

    def __init__(self, theme: Theme, picture: str) -> None:
        """Show an icon above the words of `say`."""
        super().__init__()
        self._theme, self._picture = theme, picture
        self._image = QLabel()
        self._image.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._title = label("", "page-title")
        self._hint = label("", "quiet", wrap=True)
        for part in (self._title, self._hint):
            part.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._hint.setFixedWidth(480)
        self._act = button("", self.acted.emit, "primary")
        whole = QVBoxLayout(self)
        whole.setSpacing(12)
        whole.addStretch(2)
        for part in (self._image, self._title, self._hint):
            whole.addWidget(part, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addSpacing(6)
        whole.addWidget(self._act, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(3)
        self._draw()
        theme.changed.connect(self._draw)

    def say(self, title: str, hint: str, act: str = "") -> None:
        """Show a sentence and a hint, and a button where `act` names one."""
        self._title.setText(title)
        self._hint.setText(hint)
        self._act.setText(act)
        self._act.setAccessibleName(act)
        self._act.setVisible(bool(act))

    def _draw(self) -> None:
        picture = self._theme.pixmap(self._picture, "neutral", 112)
        picture.setDevicePixelRatio(2)
        self._image.setPixmap(picture)
