"""Sheets of paper that a person keeps: one self-contained HTML page each, made to be printed.

Promises pages without scripts and without anything that is loaded from elsewhere, black on white on
A4 or Letter, on which every text that matters stands in print and as a QR code.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from app.counts import counted
from app.reports import qr

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain import Checkpoint

_STYLE = """
@page { margin: 20mm }
body { font: 11pt/1.5 sans-serif; color: #000; background: #fff; max-width: 170mm; margin: auto }
h1 { font-size: 18pt; border-bottom: 1pt solid #000 }
code, td { font-family: monospace; overflow-wrap: anywhere }
.copy { font-size: 15pt; line-height: 1.7; border: 1pt solid #000; padding: 4mm; margin: 6mm 0 }
.code svg { width: 60mm; height: 60mm }
th { text-align: left; vertical-align: top; padding-right: 6mm; font-weight: normal }
footer { margin-top: 10mm; font-size: 9pt }
"""
_LINE = 4


def page(title: str, *parts: str, footer: str) -> bytes:
    """Return a page of parts that are HTML already."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        # Nothing is loaded and nothing runs, whatever a text on the page says.
        '<meta http-equiv="Content-Security-Policy"'
        " content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        f"<title>{escape(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{escape(title)}</h1>\n{''.join(parts)}<footer>{escape(footer)}</footer>\n"
        "</body>\n</html>\n"
    ).encode()


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{escape(text)}</p>\n"


def to_copy(text: str, *, title: str) -> str:
    """Return a text in groups (`AAAA-BBBB-…`) in large print, and as a QR code under it."""
    groups = text.split("-")
    lines = ["-".join(groups[at : at + _LINE]) for at in range(0, len(groups), _LINE)]
    shown = "-<br>".join(map(escape, lines))
    return (
        f'<p class="copy"><code>{shown}</code></p>\n'
        f'<div class="code">{qr.svg(text, title=title)}</div>\n'
    )


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and values."""
    lines = (f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>\n" for name, value in rows)
    return f"<table>\n{''.join(lines)}</table>\n"


def key_sheet(vault: str, key: str, *, made_at: str) -> bytes:
    """Return the sheet of a vault's verification key, as text `AIKEY2-…`."""
    return page(
        "Verification key of an audit log",
        paragraph(
            "Give this sheet to the person who will verify the audit log, and keep it away from"
            " the computer that holds the vault. The key is no secret: it opens nothing. It shows"
            " that an audit log is the one that was begun with this vault."
        ),
        to_copy(key, title="Verification key"),
        table([("vault", vault), ("vault made at", made_at)]),
        footer="To verify: python verify_audit.py audit.jsonl --key AIKEY2-…",
    )


def checkpoint_sheet(checkpoint: Checkpoint, text: str) -> bytes:
    """Return the sheet of a checkpoint; `text` is its short form `AIROOT2-…`."""
    return page(
        "Checkpoint of an audit log",
        paragraph(
            f"On {checkpoint.at} the audit log of this vault held"
            f" {counted(checkpoint.size, 'entry', 'entries')}. Keep this sheet away from the"
            " computer that holds the vault: with it, everybody can verify later that nothing of"
            " the log was changed or removed."
        ),
        to_copy(text, title="Checkpoint"),
        table(
            [
                ("vault", checkpoint.vault),
                ("entries", str(checkpoint.size)),
                ("at", checkpoint.at),
                ("root", checkpoint.root),
                ("last entry", checkpoint.hash),
                ("verification key", checkpoint.key),
                ("signed with", checkpoint.signer),
                ("signature", checkpoint.signature),
            ]
        ),
        footer="To verify: python verify_audit.py audit.jsonl --checkpoint AIROOT2-…",
    )
