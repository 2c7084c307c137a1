"""Stretches of long lists: page by page from the workspace, as many lines as are wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from app.cli.run import Run

_Item = TypeVar("_Item")
_SHOWN = 50
_PAGE = 500


def stretch(
    page: Callable[[int, int], Iterable[_Item]], offset: int, limit: int | None
) -> Iterator[_Item]:
    """Give items page by page: `limit` of them, or all."""
    given = 0
    while limit is None or given < limit:
        size = _PAGE if limit is None else min(_PAGE, limit - given)
        items = list(page(offset + given, size))
        yield from items
        given += len(items)
        if len(items) < size:
            return


def limit(run: Run) -> int | None:
    """Return how many to show: as asked, else a screenful for people and all with `--json`."""
    asked: int | None = run.args.limit
    return asked if asked is not None or run.out.json else _SHOWN
