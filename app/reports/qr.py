"""QR codes, for paper, for the window and for a terminal."""

from __future__ import annotations

import io

import segno


def svg(text: str) -> bytes:
    """Return a QR code as an SVG picture."""
    picture = io.BytesIO()
    _code(text).save(picture, kind="svg", border=4, scale=4, xmldecl=False)
    return picture.getvalue()


def png(text: str, *, scale: int = 6) -> bytes:
    """Return a QR code as a PNG picture."""
    picture = io.BytesIO()
    _code(text).save(picture, kind="png", border=4, scale=scale)
    return picture.getvalue()


def terminal(text: str) -> tuple[str, ...]:
    """Return a QR code as lines of characters, dark on light."""
    lines = io.StringIO()
    _code(text).terminal(out=lines, border=2, compact=True)
    return tuple(lines.getvalue().splitlines())


def _code(text: str) -> segno.QRCode:
    return segno.make(text, error="m", micro=False)
