"""What an elusion sample says, as a page to print: for whoever asks how much is redacted."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from app.counts import counted
from app.limits import at_least, channel_name, progress_of, recall_line
from app.reports import sheets

if TYPE_CHECKING:
    from collections.abc import Iterable

    from app.domain import Recall, SampleReport

METHOD = (
    "Turns were drawn by chance from all analysed calls that were not held back, in proportion to"
    " how many there are on each channel, with a redaction in them and without. People judged them."
    " The share is what is redacted of all that should be: were it less, so little would be found"
    " missed in one sample of twenty at most. It takes what is redacted for right, a turn that was"
    " not judged for one in which something was missed, and no turn to miss more values than the"
    " worst one that was judged. Each line holds by itself, not all of them together. It says"
    " nothing of what was not written down, nor of calls that were analysed later."
)
_HEADS = ("Channel", "Kind", "Redacted", "Turns judged", "Values missed", "Redacted at least")


def recall_sheet(report: SampleReport) -> bytes:
    """Return the page."""
    sample = report.sample
    of = f"Sample {sample.number} of {counted(sample.calls, 'call')}"
    drawn = f"{of}, drawn by {sample.drawn_by} at {sample.drawn_at}."
    return sheets.page(
        "How much of what should be redacted is",
        sheets.paragraph(recall_line(report)),
        sheets.paragraph(f"{drawn} {progress_of(report)}"),
        _table(report.recalls),
        sheets.paragraph(METHOD),
        footer="Kinds and numbers only: nothing that was said stands on this page.",
    )


def _table(recalls: Iterable[Recall]) -> str:
    head = "".join(f"<th>{escape(one)}</th>" for one in _HEADS)
    rows = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in _cells(one))}</tr>\n"
        for one in recalls
    )
    return f"<table>\n<tr>{head}</tr>\n{rows}</table>\n"


def _cells(one: Recall) -> tuple[str, ...]:
    return (
        channel_name(one.channel),
        one.kind or "all",
        f"{one.found:,}",
        f"{one.judged:,}",
        f"{one.missed:,}",
        at_least(one),
    )
