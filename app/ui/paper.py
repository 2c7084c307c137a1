"""What a person takes away on paper: a text in large print, its QR code, and printing both.

Printing goes from memory to the printer; no file is written here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPixmap
from PySide6.QtWidgets import QDialog, QLabel, QVBoxLayout, QWidget

from app.reports import qr
from app.ui.widgets import label

if TYPE_CHECKING:
    from PySide6.QtGui import QPaintDevice
    from PySide6.QtPrintSupport import QPrinter

_GROUPS_IN_LINE = 3
_INCH_PT = 72


@dataclass(frozen=True, slots=True)
class Paper:
    """One page: a title, what it is for, the text itself in lines, and what its code holds."""

    title: str
    purpose: str
    lines: tuple[str, ...] = field(repr=False)
    code: str = field(default="", repr=False)


def grouped(text: str, groups: int = _GROUPS_IN_LINE) -> tuple[str, ...]:
    """Return a text of groups (`AAAA-BBBB-…`) as lines of so many groups."""
    parts = text.split("-")
    return tuple("-".join(parts[at : at + groups]) for at in range(0, len(parts), groups))


def picture(text: str, side: int) -> QPixmap:
    """Return a QR code of about `side` pixels, sharp on fine screens."""
    drawn = QPixmap()
    drawn.loadFromData(qr.png(text, scale=8))
    shown = drawn.scaled(
        side * 2,
        side * 2,
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.FastTransformation,
    )
    shown.setDevicePixelRatio(2)
    return shown


def draw(paper: Paper, device: QPaintDevice) -> None:
    """Paint a page on a printer or a picture, black on white."""
    with QPainter(device) as painter:
        dots = device.logicalDpiY() / _INCH_PT  # device pixels for each point
        width = device.width()
        left = 36 * dots
        room = width - 2 * left
        top = 48 * dots

        def write(text: str, points: float, *, fixed: bool = False, bold: bool = False) -> None:
            nonlocal top
            font = QFont("monospace" if fixed else "sans-serif")
            font.setStyleHint(QFont.StyleHint.Monospace if fixed else QFont.StyleHint.SansSerif)
            font.setPointSizeF(points)
            font.setBold(bold)
            painter.setFont(font)
            flags = Qt.TextFlag.TextWordWrap | Qt.AlignmentFlag.AlignLeft
            area = QRectF(left, top, room, device.height())
            top += painter.boundingRect(area, int(flags), text).height() + points * 0.6 * dots
            painter.drawText(area, int(flags), text)

        write(paper.title, 20, bold=True)
        write(paper.purpose, 11)
        top += 12 * dots
        for one in paper.lines:
            write(one, 16, fixed=True)
        if paper.code:
            side = 170 * dots
            code = QPixmap()
            code.loadFromData(qr.png(paper.code, scale=8))
            painter.drawPixmap(QRectF(left, top, side, side), code, QRectF(code.rect()))


def ask_and_print(paper: Paper, parent: QWidget) -> None:
    """Let a person choose a printer, and print when they did; nothing waits for that."""
    from PySide6.QtPrintSupport import QPrintDialog, QPrinter

    printer = QPrinter(QPrinter.PrinterMode.HighResolution)
    printer.setDocName("AutoInsights")  # the name stands in the printer's queue: no more than that
    dialog = QPrintDialog(printer, parent)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    # the dialog keeps the printer for as long as it lives
    dialog.accepted.connect(lambda: _print(paper, printer))
    QDialog.open(dialog)  # the class has another method of this name


def _print(paper: Paper, printer: QPrinter) -> None:
    draw(paper, printer)


class PaperView(QWidget):
    """Shows the text of a page in large print, and its QR code."""

    def __init__(self, name: str) -> None:
        """Begin empty; `name` says to screen readers what it shows."""
        super().__init__()
        self._name = name
        self.text = label("", "paper")
        self.text.setAccessibleName(name)
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.code = QLabel()
        self.code.setAccessibleName(f"{name} as a QR code")
        self.code.setAlignment(Qt.AlignmentFlag.AlignCenter)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(10)
        whole.addWidget(self.text)
        whole.addWidget(self.code)

    def show_paper(self, paper: Paper | None, *, side: int = 190) -> None:
        """Show a page, or forget it."""
        lines = paper.lines if paper else ()
        self.text.setText("\n".join(lines))
        # a screen reader says the name instead of the text
        self.text.setAccessibleName(": ".join((self._name, *lines)))
        self.code.setVisible(bool(paper and paper.code))
        self.code.setPixmap(picture(paper.code, side) if paper and paper.code else QPixmap())
