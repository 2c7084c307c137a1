"""The transcript of a call: follows playback, and takes a click on a word to its second.

The text is an ordinary read-only document, so that it can be selected, copied, read by a screen
reader and walked by keys. Speakers, times and the place that is heard are painted around it.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextLayout,
    QTextLine,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QTextEdit

from app.domain import LOW_CONFIDENCE
from app.ui import words
from app.ui.timeline import moment_of, turn_at, word_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from app.domain import CallAnalysis, Correction, Evidence, SentimentLabel, Turn
    from app.ui.theme import Theme

_GUTTER, _LONG_GUTTER = 134, 158  # of calls over an hour


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of a turn's text that is written in one way."""

    start: int
    end: int
    tooltip: str
    doubtful: bool
    corrected: bool = False


def runs(turn: Turn, corrections: Sequence[Correction] = ()) -> list[Run]:
    """Return how a turn's text is written: plain, redacted (with a tooltip), corrected from the
    word list or doubtful.

    A turn that is uncertain as a whole is doubtful from end to end."""
    special = [
        Run(start, end, tip, doubtful=False) for start, end, tip in words.placeholders(turn.text)
    ]
    special += [
        Run(one.start, one.end, "", doubtful=False, corrected=True)
        for one in corrections
        if one.turn == turn.index
    ]
    for word in turn.words:
        inside = any(run.start < word.end and word.start < run.end for run in special)
        if word.confidence < LOW_CONFIDENCE and not inside:
            special.append(Run(word.start, word.end, "", doubtful=True))
    result: list[Run] = []
    at = 0
    for run in sorted(special, key=lambda r: r.start):
        if run.start > at:
            result.append(Run(at, run.start, "", doubtful=turn.uncertain))
        if run.end > at:
            result.append(run)
            at = run.end
    if at < len(turn.text):
        result.append(Run(at, len(turn.text), "", doubtful=turn.uncertain))
    return result


class TranscriptView(QTextEdit):
    """Shows the turns of a call."""

    sought = Signal(int)
    """The moment in milliseconds of a word that a person clicked."""
    following_changed = Signal(bool)
    chosen_changed = Signal()
    """Other turns are selected, or another one is heard."""

    def __init__(self, theme: Theme) -> None:
        """Begin without a call."""
        super().__init__()
        self._theme = theme
        self._turns: tuple[Turn, ...] = ()
        self._starts: list[int] = []  # where each turn's text begins in the document
        self._labels: dict[int, SentimentLabel] = {}
        self._corrections: tuple[Correction, ...] = ()
        self._turn: int | None = None
        self._position_ms = 0
        self._found: tuple[Evidence, ...] = ()
        self._gutter = _GUTTER
        self.following = True
        self.setObjectName("transcript")
        self.setReadOnly(True)
        self.setUndoRedoEnabled(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.setTabChangesFocus(True)
        self.setAccessibleName("Transcript")
        self.viewport().setMouseTracking(True)
        self.viewport().setCursor(Qt.CursorShape.PointingHandCursor)
        self.verticalScrollBar().sliderPressed.connect(self._stop_following)
        self.selectionChanged.connect(self.chosen_changed)
        theme.changed.connect(self._rewrite)

    def show_call(self, analysis: CallAnalysis) -> None:
        """Show the turns of a call from the start."""
        self._turns = analysis.transcript.turns
        self._labels = {s.turn: s.label for s in analysis.sentiment}
        self._corrections = analysis.corrections
        self._turn, self._found, self._position_ms = None, (), 0
        self._gutter = _GUTTER if analysis.duration_ms < 3_600_000 else _LONG_GUTTER
        self._write()
        self.set_following(following=True)
        self.verticalScrollBar().setValue(0)

    def forget(self) -> None:
        """Show no call."""
        self._turns, self._starts, self._labels, self._found = (), [], {}, ()
        self._turn, self._corrections = None, ()
        self.clear()

    def set_following(self, *, following: bool) -> None:
        """Keep the place that is heard in view, or leave the scroll position to the person."""
        if following != self.following:
            self.following = following
            self.following_changed.emit(following)
        if following:
            self._bring_into_view()

    def set_position(self, position_ms: int) -> None:
        """Mark the turn and the word that are heard."""
        self._position_ms = position_ms
        before, self._turn = self._turn, turn_at(self._turns, position_ms)
        self._mark()
        if self._turn != before and self.following:
            self._bring_into_view()
        if self._turn != before:
            self.chosen_changed.emit()
        self.viewport().update()

    def chosen(self) -> tuple[int, ...]:
        """Return the turns that are selected, or else the one that is heard."""
        cursor = self.textCursor()
        if not cursor.hasSelection():
            return () if self._turn is None else (self._turn,)
        first, _ = self._turn_of(cursor.selectionStart())
        last, _ = self._turn_of(max(cursor.selectionStart(), cursor.selectionEnd() - 1))
        return tuple(range(first, last + 1))

    def highlight(self, evidence: tuple[Evidence, ...]) -> None:
        """Mark the words that show a claim and bring the first of them into view."""
        self._found = evidence
        self._mark()
        if evidence and evidence[0].turn < len(self._starts):
            self._show_at(self._starts[evidence[0].turn] + evidence[0].start)

    def marked(self) -> list[str]:
        """Return the words that are marked: those of a claim, then the one that is heard."""
        text = self.document().toRawText()
        return [text[start:end] for start, end, _ in self._stretches()]

    def character_at(self, point: QPointF) -> tuple[int, int] | None:
        """Return the turn and the character under a point of the viewport, if there is one."""
        place = (
            self.document()
            .documentLayout()
            .hitTest(
                point
                + QPointF(self.horizontalScrollBar().value(), self.verticalScrollBar().value()),
                Qt.HitTestAccuracy.ExactHit,
            )
        )
        return self._turn_of(place) if place >= 0 else None

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        """Go to the second of the word that was clicked; a selection is left alone."""
        super().mouseReleaseEvent(event)
        if event.button() is not Qt.MouseButton.LeftButton or self.textCursor().hasSelection():
            return
        hit = self.character_at(event.position())
        if hit is not None:
            self.sought.emit(moment_of(self._turns[hit[0]], hit[1]))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Go to the second of the word at the text cursor on Enter; scrolling stops following."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            turn, character = self._turn_of(self.textCursor().position())
            if self._turns:
                self.sought.emit(moment_of(self._turns[turn], character))
            return
        if event.key() in (Qt.Key.Key_PageDown, Qt.Key.Key_PageUp, Qt.Key.Key_Up, Qt.Key.Key_Down):
            self._stop_following()
        super().keyPressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        """Scroll, and stop following playback."""
        self._stop_following()
        super().wheelEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        """Paint the turn that is heard and the chips, then the text, then who speaks."""
        first, last = self._visible_turns(event)
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            for place in range(first, last + 1):
                if place == self._turn:
                    painter.setBrush(self._theme.colour("turn"))
                    painter.drawRoundedRect(self._turn_rect(place).adjusted(2, 0, -2, 0), 8, 8)
                self._paint_chips(painter, place)
        super().paintEvent(event)
        with QPainter(self.viewport()) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            for place in range(first, last + 1):
                self._paint_speaker(painter, place)

    def _write(self) -> None:
        document = self.document()
        document.clear()
        document.setDocumentMargin(6)
        self._starts = []
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        shape = QTextBlockFormat()
        shape.setLeftMargin(self._gutter)
        shape.setRightMargin(14)
        shape.setTopMargin(7)
        shape.setBottomMargin(7)
        shape.setLineHeight(132, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        for number, turn in enumerate(self._turns):
            if number:
                cursor.insertBlock(shape)
            else:
                cursor.setBlockFormat(shape)
            self._starts.append(cursor.position())
            for run in runs(turn, self._corrections):
                cursor.insertText(turn.text[run.start : run.end], self._format(run))
        cursor.endEditBlock()
        self.moveCursor(QTextCursor.MoveOperation.Start)  # else it stands, and scrolls, at the end

    def _rewrite(self) -> None:
        at = self.verticalScrollBar().value()
        self._write()
        self._mark()
        self.verticalScrollBar().setValue(at)

    def _format(self, run: Run) -> QTextCharFormat:
        style = QTextCharFormat()
        style.setForeground(self._theme.colour("text"))
        if run.tooltip:
            style.setForeground(self._theme.colour("chip_text"))
            style.setFontWeight(QFont.Weight.DemiBold)
            style.setToolTip(run.tooltip)
        elif run.corrected:
            style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DashUnderline)
            style.setUnderlineColor(self._theme.colour("chip_text"))
            style.setToolTip("Corrected from the word list")
        elif run.doubtful:
            style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.DotLine)
            style.setUnderlineColor(self._theme.colour("quiet"))
            style.setToolTip("Not heard clearly: what stands here is uncertain")
        return style

    def _mark(self) -> None:
        self.setExtraSelections([self._selection(*stretch) for stretch in self._stretches()])

    def _stretches(self) -> list[tuple[int, int, str]]:
        """Return what is marked: start and end in the document, and the name of the colour."""
        found = []
        for evidence in self._found:
            if evidence.turn < len(self._starts):
                start = self._starts[evidence.turn]
                found.append((start + evidence.start, start + evidence.end, "found"))
        if self._turn is not None and self._position_ms:
            word = word_at(self._turns[self._turn], self._position_ms)
            if word is not None:
                start = self._starts[self._turn]
                found.append((start + word.start, start + word.end, "word"))
        return found

    def _selection(self, start: int, end: int, colour: str) -> QTextEdit.ExtraSelection:
        selection = QTextEdit.ExtraSelection()
        cursor = QTextCursor(self.document())
        cursor.setPosition(start)
        cursor.setPosition(end, QTextCursor.MoveMode.KeepAnchor)
        selection.cursor = cursor
        selection.format.setBackground(self._theme.colour(colour))
        if colour == "word":
            selection.format.setForeground(self._theme.colour("word_text"))
        return selection

    def _turn_of(self, position: int) -> tuple[int, int]:
        turn = max(0, bisect_right(self._starts, position) - 1)
        return turn, position - (self._starts[turn] if self._starts else 0)

    def _block(self, turn: int) -> QTextBlock:
        return self.document().findBlockByNumber(turn)

    def _turn_rect(self, turn: int) -> QRectF:
        area = self.document().documentLayout().blockBoundingRect(self._block(turn))
        top = area.top() - self.verticalScrollBar().value()
        return QRectF(0, top - 4, self.viewport().width(), area.height() + 8)

    def _visible_turns(self, event: QPaintEvent) -> tuple[int, int]:
        if not self._turns:
            return 0, -1
        top = QPointF(self._gutter + 1, event.rect().top())
        bottom = QPointF(self._gutter + 1, event.rect().bottom())
        first = self.cursorForPosition(top.toPoint()).blockNumber()
        last = self.cursorForPosition(bottom.toPoint()).blockNumber()
        return max(0, first - 1), min(len(self._turns) - 1, last + 1)

    def _paint_speaker(self, painter: QPainter, place: int) -> None:
        turn, area = self._turns[place], self._turn_rect(place)
        colour = self._theme.role(turn.role)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        bar = QRectF(self._gutter - 10, area.top() + 6, 3, area.height() - 12)
        painter.drawRoundedRect(bar, 1.5, 1.5)
        font = QFont(self.font())
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(colour)
        box = QRectF(14, area.top() + 4.5, self._gutter - 34, painter.fontMetrics().height() + 2)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft, words.role(turn.role, turn.side))
        painter.setFont(self.font())
        painter.setPen(self._theme.colour("quiet"))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight, words.duration(turn.start_ms))

    def _paint_chips(self, painter: QPainter, place: int) -> None:
        layout = self._block(place).layout()
        area = self.document().documentLayout().blockBoundingRect(self._block(place))
        offset = area.topLeft() - QPointF(0, self.verticalScrollBar().value())
        painter.setBrush(self._theme.colour("chip"))
        for start, end, _ in words.placeholders(self._turns[place].text):
            for box in _boxes(layout, start, end):
                painter.drawRoundedRect(box.translated(offset), 5, 5)

    def _bring_into_view(self) -> None:
        if self._turn is not None and self._turn < len(self._starts):
            self._show_at(self._starts[self._turn])

    def _show_at(self, position: int) -> None:
        cursor = QTextCursor(self.document())
        cursor.setPosition(position)
        area = self.cursorRect(cursor)
        height = self.viewport().height()
        if height // 6 <= area.top() <= height * 2 // 3:
            return
        bar = self.verticalScrollBar()
        bar.setValue(bar.value() + area.top() - height // 3)

    def _stop_following(self) -> None:
        self.set_following(following=False)


def _boxes(layout: QTextLayout, start: int, end: int) -> list[QRectF]:
    """Return the places of a stretch of a block's text, one per line that it touches."""
    boxes = []
    for number in range(layout.lineCount()):
        row = layout.lineAt(number)
        first, last = row.textStart(), row.textStart() + row.textLength()
        if start < last and end > first:
            left_x, right_x = _x(row, max(start, first)), _x(row, min(end, last))
            height = row.ascent() + row.descent()
            boxes.append(QRectF(left_x - 2, row.y() - 1, right_x - left_x + 4, height + 2))
    return boxes


def _x(row: QTextLine, character: int) -> float:
    # PySide returns the position together with the character that it stands at
    found: Any = row.cursorToX(character)
    return float(found[0] if isinstance(found, tuple) else found)
