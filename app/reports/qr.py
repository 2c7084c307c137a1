"""QR codes (ISO/IEC 18004) of short texts, for paper and for a terminal.

The error correction is at least level M, so that a fold or a spot does no harm.
"""

from __future__ import annotations

import io

import segno

_QUIET = 4
"""Light modules that the standard asks for on every side."""
_HALVES = {(True, True): " ", (True, False): "▄", (False, True): "▀", (False, False): "█"}


def svg(text: str, *, title: str) -> str:
    """Return a code as an SVG element that stretches to the room it is given."""
    code = segno.make_qr(text, error="m")
    return code.svg_inline(border=_QUIET, omitsize=True, title=title)


def png(text: str, *, scale: int = 6) -> bytes:
    """Return a code as a PNG picture of `scale` pixels for each module."""
    picture = io.BytesIO()
    segno.make_qr(text, error="m").save(picture, kind="png", border=_QUIET, scale=scale)
    return picture.getvalue()


def terminal(text: str) -> tuple[str, ...]:
    """Return the lines of a code in half blocks, light ones drawn, for a dark terminal."""
    code = segno.make_qr(text, error="m")
    rows = [[bool(dark) for dark in row] for row in code.matrix_iter(border=_QUIET // 2)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return tuple("".join(map(_half, above, below)) for above, below in pairs)


def _half(above: bool, below: bool) -> str:
    return _HALVES[above, below]
