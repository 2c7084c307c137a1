"""The sound of a call as a picture: one lane per channel, marks above, a playhead, seeking.

Lanes are drawn once per size and theme; moving the playhead only copies pictures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPixmap,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui import words
from app.ui.playback import clamped
from app.ui.timeline import Mark, channel_roles, peaks_in, shared

if TYPE_CHECKING:
    from app.domain import CallAnalysis, Role, Waveform
    from app.ui.theme import Theme

_LABELS, _RIGHT, _MARKS, _TIMES, _LANE = 120, 14, 22, 20, 58
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 3600)
_KEYS = {
    Qt.Key.Key_Left: -5000,
    Qt.Key.Key_Right: 5000,
    Qt.Key.Key_PageUp: -30000,
    Qt.Key.Key_PageDown: 30000,
}


def tick_ms(duration_ms: int, width: int) -> int:
    """Return the distance of the time labels so that they stand at least 80 pixels apart."""
    wanted = duration_ms / 1000 * 80 / max(1, width)
    return next((step for step in _STEPS_S if step >= wanted), _STEPS_S[-1]) * 1000


class WaveformView(QWidget):
    """Shows a waveform and lets a person go to a moment by mouse or keys."""

    sought = Signal(int)
    """The moment in milliseconds that a person asks for."""
    mark_chosen = Signal(object)

    def __init__(self, theme: Theme) -> None:
        """Begin without a call."""
        super().__init__()
        self._theme = theme
        self._analysis: CallAnalysis | None = None
        self._waveform: Waveform | None = None
        self._marks: tuple[Mark, ...] = ()
        self._position_ms = 0
        self._lanes: tuple[QPixmap, QPixmap] | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Waveform of the call")
        theme.changed.connect(self._forget_lanes)

    def show_call(
        self, analysis: CallAnalysis, waveform: Waveform | None, marks: tuple[Mark, ...]
    ) -> None:
        """Show the sound of a call."""
        self._analysis, self._waveform, self._marks = analysis, waveform, marks
        self._position_ms = 0
        self.setFixedHeight(_MARKS + _TIMES + _LANE * max(1, analysis.channels) + 6)
        self._forget_lanes()

    def forget(self) -> None:
        """Show no call."""
        self._analysis = self._waveform = None
        self._marks = ()
        self._forget_lanes()

    def set_position(self, position_ms: int) -> None:
        """Move the playhead."""
        self._position_ms = position_ms
        self.setAccessibleDescription(
            f"{words.duration(position_ms)} of {words.duration(self._duration)}"
        )
        self.update()

    @property
    def _duration(self) -> int:
        return self._analysis.duration_ms if self._analysis else 0

    def _field(self) -> QRect:
        return self.rect().adjusted(_LABELS, _MARKS, -_RIGHT, -_TIMES)

    def _x(self, ms: int) -> float:
        field = self._field()
        return field.left() + field.width() * ms / max(1, self._duration)

    def _ms(self, x: float) -> int:
        field = self._field()
        share = (x - field.left()) / max(1, field.width())
        return clamped(round(share * self._duration), self._duration)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go to a mark that was hit, or to the moment under the mouse."""
        if event.button() is not Qt.MouseButton.LeftButton or not self._duration:
            return
        hit = self._mark_near(event.position())
        if hit is not None:
            self.mark_chosen.emit(hit)
        else:
            self.sought.emit(self._ms(event.position().x()))

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Drag the playhead."""
        if event.buttons() & Qt.MouseButton.LeftButton and self._duration:
            self.sought.emit(self._ms(event.position().x()))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Seek by arrows, page keys, Home and End."""
        key = Qt.Key(event.key())
        if key in _KEYS:
            self.sought.emit(clamped(self._position_ms + _KEYS[key], self._duration))
        elif key is Qt.Key.Key_Home:
            self.sought.emit(0)
        elif key is Qt.Key.Key_End:
            self.sought.emit(self._duration)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        """Say what stands under the mouse."""
        if isinstance(event, QHelpEvent) and event.type() is QEvent.Type.ToolTip:
            mark = self._mark_near(QPointF(event.pos()))
            text = words.duration(self._ms(event.pos().x()))
            if mark is not None:
                text = f"{mark.title}, {words.duration(mark.start_ms)}"
            elif self._muted_at(event.pos().x(), event.pos().y()):
                text += ", muted: something here was redacted"
            QToolTip.showText(event.globalPos(), text, self)
            return True
        return super().event(event)

    def _mark_near(self, point: QPointF) -> Mark | None:
        if point.y() > _MARKS:
            return None
        near = [m for m in self._marks if abs(self._x(m.start_ms) - point.x()) <= 7]
        return min(near, key=lambda m: abs(self._x(m.start_ms) - point.x()), default=None)

    def _muted_at(self, x: float, y: float) -> bool:
        if self._analysis is None:
            return False
        ms, lane = self._ms(x), int((y - _MARKS) // _LANE)
        spans = self._analysis.muted
        return any(s.channel == lane and s.start_ms <= ms < s.end_ms for s in spans)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        """Draw the lanes anew in the new size."""
        self._lanes = None
        super().resizeEvent(event)

    def _forget_lanes(self) -> None:
        self._lanes = None
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: ARG002, N802
        """Paint lanes, marks, times and the playhead."""
        if self._analysis is None:
            return
        if self._lanes is None:
            self._lanes = (self._draw_lanes(heard=True), self._draw_lanes(heard=False))
        field, head = self._field(), self._x(self._position_ms)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.save()
            painter.setClipRect(QRectF(0, 0, head, self.height()))
            painter.drawPixmap(0, 0, self._lanes[0])
            painter.setClipRect(QRectF(head, 0, self.width() - head, self.height()))
            painter.drawPixmap(0, 0, self._lanes[1])
            painter.restore()
            self._paint_labels(painter, field)
            self._paint_times(painter, field)
            for mark in self._marks:
                self._paint_mark(painter, mark)
            self._paint_head(painter, head, field)

    def _draw_lanes(self, *, heard: bool) -> QPixmap:
        scale = self.devicePixelRatioF()
        picture = QPixmap(self.size() * scale)
        picture.setDevicePixelRatio(scale)
        picture.fill(Qt.GlobalColor.transparent)
        assert self._analysis is not None  # noqa: S101  (paintEvent has asked)
        with QPainter(picture) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for channel, role in enumerate(channel_roles(self._analysis)):
                self._draw_lane(painter, channel, role, heard=heard)
        return picture

    def _draw_lane(self, painter: QPainter, channel: int, role: Role, *, heard: bool) -> None:
        field = self._field()
        lane = QRectF(field.left(), field.top() + channel * _LANE + 2, field.width(), _LANE - 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("raised"))
        painter.drawRoundedRect(lane, 6, 6)
        colour = self._theme.role(role)
        colour.setAlpha(255 if heard else 150)
        painter.setBrush(colour)
        painter.drawPolygon(self._outline(channel, lane))
        self._draw_muted(painter, channel, lane)

    def _outline(self, channel: int, lane: QRectF) -> QPolygonF:
        waveform = self._waveform
        peaks = (
            b"" if waveform is None or channel >= len(waveform.peaks) else waveform.peaks[channel]
        )
        heights = peaks_in(peaks, max(1, int(lane.width()))) or [0]
        middle, scale = lane.center().y(), (lane.height() / 2 - 4) / 255
        left, step = lane.left(), lane.width() / len(heights)
        # never less than a hair line, so that a quiet channel is still seen to be there
        tops = [(left + i * step, max(0.5, h * scale)) for i, h in enumerate(heights)]
        upper = [QPointF(x, middle - h) for x, h in tops]
        lower = [QPointF(x, middle + h) for x, h in reversed(tops)]
        return QPolygonF(upper + lower)

    def _draw_muted(self, painter: QPainter, channel: int, lane: QRectF) -> None:
        assert self._analysis is not None  # noqa: S101  (paintEvent has asked)
        for span in self._analysis.muted:
            if span.channel != channel:
                continue
            left, right = self._x(span.start_ms), self._x(span.end_ms)
            area = QRectF(left, lane.top() + 3, max(3.0, right - left), lane.height() - 6)
            painter.setBrush(self._theme.colour("raised"))
            painter.drawRect(area)
            painter.setBrush(Qt.BrushStyle.NoBrush)
            self._hatch(painter, area)

    def _hatch(self, painter: QPainter, area: QRectF) -> None:
        painter.save()
        painter.setClipRect(area)
        painter.setPen(self._theme.colour("field_border"))
        offset = area.left() - area.height()
        while offset < area.right():
            painter.drawLine(
                QPointF(offset, area.bottom()), QPointF(offset + area.height(), area.top())
            )
            offset += 6
        painter.drawRect(area.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.restore()

    def _paint_labels(self, painter: QPainter, field: QRect) -> None:
        assert self._analysis is not None  # noqa: S101  (paintEvent has asked)
        transcript = self._analysis.transcript
        note = words.role_mark(transcript.role_basis, transcript.role_confidence)
        for channel, role in enumerate(channel_roles(self._analysis)):
            top = field.top() + channel * _LANE
            box = QRect(14, top, _LABELS - 20, _LANE)
            font = painter.font()
            font.setBold(True)
            painter.setFont(font)
            painter.setPen(self._theme.role(role))
            above = box.adjusted(0, 0, 0, -_LANE // 2 + 10) if note else box
            both = shared(self._analysis, channel)
            who = "Both sides" if both else words.role(role, channel)
            painter.drawText(above, Qt.AlignmentFlag.AlignVCenter, who)
            font.setBold(False)
            painter.setFont(font)
            painter.setPen(self._theme.colour("quiet"))
            below = box.adjusted(0, _LANE // 2 - 8, 0, 0)
            painter.drawText(below, Qt.AlignmentFlag.AlignVCenter, note)

    def _paint_times(self, painter: QPainter, field: QRect) -> None:
        step = tick_ms(self._duration, field.width())
        painter.setPen(self._theme.colour("quiet"))
        for ms in range(0, self._duration + 1, step):
            x = round(self._x(ms))
            painter.drawLine(x, field.bottom() + 1, x, field.bottom() + 4)
            if x + 40 < self.width():
                box = QRect(x - 30, field.bottom() + 4, 60, _TIMES - 4)
                if ms == 0:
                    box.moveLeft(x - 2)
                side = Qt.AlignmentFlag.AlignLeft if ms == 0 else Qt.AlignmentFlag.AlignHCenter
                painter.drawText(box, side | Qt.AlignmentFlag.AlignTop, words.duration(ms))

    def _paint_mark(self, painter: QPainter, mark: Mark) -> None:
        ink: QColor = self._theme.severity(mark.severity)[0]
        if mark.severity is None:
            ink = self._theme.colour("quiet")
        x, field = self._x(mark.start_ms), self._field()
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(ink)
        size = 4.0 if mark.severity is None else 6.0
        points = [QPointF(x - size, 5), QPointF(x + size, 5), QPointF(x, 5 + size * 1.5)]
        painter.drawPolygon(QPolygonF(points))
        right = max(x + 3, self._x(mark.end_ms))
        painter.drawRoundedRect(QRectF(x, field.top() - 4, right - x, 3), 1.5, 1.5)

    def _paint_head(self, painter: QPainter, x: float, field: QRect) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.colour("text"))
        painter.drawRect(QRectF(x - 0.75, field.top(), 1.5, field.height() + 2))
        painter.drawEllipse(QPointF(x, field.bottom() + 2), 4, 4)
        if self.hasFocus():
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(self._theme.colour("focus"))
            painter.drawRoundedRect(self.rect().adjusted(1, 1, -1, -1), 8, 8)
