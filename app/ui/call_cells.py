"""How the cells of the list of calls are painted: state, sentiment, score and flags.

The words of each cell stay available as text (tooltip, screen reader); colour never says anything
alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.domain import CallRow, JobState, Severity
from app.ui import words
from app.ui.call_table import FLAGS, ROW, SCORE, SENTIMENT, STATE, marks

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from app.ui.theme import Theme

_STATE_COLOURS = {
    JobState.QUEUED: "quiet",
    JobState.RUNNING: "accent",
    JobState.DONE: "positive",
    JobState.FAILED: "negative",
    JobState.CANCELLED: "quiet",
}
_GAP = 8


class CallCells(QStyledItemDelegate):
    """Paints all columns of the list of calls."""

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        """Paint in the colours of `theme`."""
        super().__init__(parent)
        self._theme = theme

    def sizeHint(  # noqa: N802
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return one height for all rows."""
        return QSize(super().sizeHint(option, index).width(), 40)

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Paint one cell."""
        column, row = index.column(), index.data(ROW)
        if column not in (STATE, SENTIMENT, SCORE, FLAGS) or not isinstance(row, CallRow):
            super().paint(painter, option, index)
            return
        self.initStyleOption(option, index)
        option.text = ""
        widget: QWidget | None = option.widget  # type: ignore[assignment,unused-ignore]
        style = QApplication.style() if widget is None else widget.style()
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setClipRect(option.rect)
        area = option.rect.adjusted(_GAP, 0, -_GAP, -3)  # as high as plain cells write
        self._content(painter, area, column, row)
        painter.restore()

    def _content(self, painter: QPainter, area: QRect, column: int, row: CallRow) -> None:
        if column == STATE:
            self._state(painter, area, row)
        elif column == SENTIMENT:
            paint_sentiment(painter, area, row.customer_sentiment, self._theme)
        elif column == SCORE:
            painter.setPen(self._theme.colour("text" if row.score is not None else "quiet"))
            right = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            painter.drawText(area, right, words.score(row.score))
        else:
            paint_marks(painter, area, marks(row), self._theme)

    def _state(self, painter: QPainter, area: QRect, row: CallRow) -> None:
        name = _STATE_COLOURS[row.state]
        icon = self._theme.icon(row.state.value, name)
        icon.paint(painter, QRect(area.left(), area.center().y() - 6, 16, 16))
        painter.setPen(self._theme.colour(name))
        text = area.adjusted(22, 0, 0, 0)
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, words.state(row.state))
        if row.on_hold:
            left = text.left() + painter.fontMetrics().horizontalAdvance(words.state(row.state))
            mark = QRect(left + 6, area.center().y() - 6, 15, 15)
            self._theme.icon("lock", "warning").paint(painter, mark)


def paint_sentiment(painter: QPainter, area: QRect, score: float | None, theme: Theme) -> None:
    """Paint a sentiment as a short bar from the middle, with its word beside it."""
    if score is None:
        painter.setPen(theme.colour("quiet"))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, words.NOTHING)
        return
    half, middle_y = 22.0, area.center().y() + 1.5
    track = QRectF(area.left(), middle_y - 3, half * 2, 6)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.colour("border"))
    painter.drawRoundedRect(track, 3, 3)
    length = max(3.0, half * min(1.0, abs(score)))
    left = track.center().x() - (length if score < 0 else 0)
    painter.setBrush(theme.sentiment(score))
    painter.drawRoundedRect(QRectF(left, middle_y - 3, length, 6), 3, 3)
    painter.setBrush(theme.colour("quiet"))
    painter.drawRect(QRectF(track.center().x() - 0.5, middle_y - 6, 1, 12))
    painter.setPen(theme.sentiment(score))
    text = area.adjusted(round(half * 2) + 8, 0, 0, 0)
    painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, words.sentiment(score))


def paint_marks(
    painter: QPainter, area: QRect, shown: tuple[tuple[str, Severity | None], ...], theme: Theme
) -> None:
    """Paint marks as chips in the colours of their severities, as many as there is room for."""
    if not shown:
        painter.setPen(theme.colour("quiet"))
        painter.drawText(area, Qt.AlignmentFlag.AlignVCenter, words.NOTHING)
        return
    metrics = painter.fontMetrics()
    left = area.left()
    for number, (text, severity) in enumerate(shown):
        rest = len(shown) - number
        kept = metrics.horizontalAdvance(f"+{rest - 1}") + 8 if rest > 1 else 0
        room = area.right() - left - kept
        if number and metrics.horizontalAdvance(text) + 16 > room:
            painter.setPen(theme.colour("quiet"))
            spot = QRect(left + 2, area.top(), area.right() - left, area.height())
            painter.drawText(spot, Qt.AlignmentFlag.AlignVCenter, f"+{rest}")
            return
        box = QRect(left, area.top(), room, area.height())
        left += _chip(painter, box, text, theme.severity(severity), metrics)


def _chip(
    painter: QPainter,
    area: QRect,
    text: str,
    colours: tuple[QColor, QColor],
    metrics: QFontMetrics,
) -> int:
    ink, ground = colours
    shown = metrics.elidedText(text, Qt.TextElideMode.ElideRight, max(24, area.width() - 16))
    width, height = metrics.horizontalAdvance(shown) + 16, metrics.height() + 6
    box = QRectF(area.left(), area.center().y() - height / 2 + 1.5, width, height)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(ground)
    painter.drawRoundedRect(box, height / 2, height / 2)
    painter.setPen(ink)
    painter.drawText(box, Qt.AlignmentFlag.AlignCenter, shown)
    return width + 6
