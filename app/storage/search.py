"""Finding words in redacted turns.

Whatever a person types is searched for and nothing else: the words are handed to the full-text
index as quoted strings, so that no character of them can act as an operator. All words must be in
the turn; `"words in quotes"` must follow each other; a last word with `*` may go on.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from app.domain import EVERYTHING, CallId, Role, SearchHit
from app.storage.schema import TURN_BITS
from app.storage.scopes import within

if TYPE_CHECKING:
    from app.domain import Scope
    from app.storage.database import Database, Reading, Writing

MATCHING_CALLS = "SELECT rowid >> 20 FROM turns_text WHERE turns_text MATCH ?"
"""The numbers of the calls in which a query of `safe_query` is found, some of them repeated."""

_MOST_TERMS = 32
_LONGEST_TERM = 200
_PART = re.compile(r'"([^"]*)"?|([^\s"]+)')


def safe_query(text: str) -> str | None:
    """Return the full-text query for what a person typed, or `None` where no word is in it."""
    clean = text.replace("\0", " ").encode("utf-8", "ignore").decode()
    terms = []
    for part in list(_PART.finditer(clean))[:_MOST_TERMS]:
        phrase, word = part.groups()
        term = (word if phrase is None else phrase)[:_LONGEST_TERM]
        if not any(character.isalnum() for character in term):
            continue
        last = part.end() == len(clean.rstrip())
        starts = phrase is None and last and term.endswith("*")
        terms.append(f'"{term}"' + ("*" if starts else ""))
    return " ".join(terms) or None


def forget_lost_words(writing: Writing) -> bool:
    """Take words that no turn holds any more out of the index; returns whether there were any.

    Removing a turn removes its words, but the index names its pages after the words with which they
    began: such a name outlives the word until the index is made anew, which takes seconds for a
    million turns.
    """
    names = (bytes(row[0])[1:] for row in writing.all("SELECT term FROM turns_text_idx"))
    begun = {name.decode("utf-8", "ignore") for name in names} - {""}
    if all(_is_there(writing, name) for name in begun):
        return False
    writing.change("INSERT INTO turns_text (turns_text) VALUES ('rebuild')")
    return True


def _is_there(reading: Reading, beginning: str) -> bool:
    row = reading.one(_NEXT_WORD, (beginning,))
    return row is not None and str(row[0]).startswith(beginning)


_NEXT_WORD = "SELECT term FROM turns_words WHERE term >= ? ORDER BY term LIMIT 1"


class Search:
    """Full-text search of an open vault."""

    def __init__(self, database: Database) -> None:
        """Search a database."""
        self._database = database

    def find(
        self, text: str, *, limit: int = 200, scope: Scope = EVERYTHING
    ) -> tuple[SearchHit, ...]:
        """Return the turns that hold the words, the best first (bm25)."""
        query = safe_query(text)
        if query is None:
            return ()
        condition, values = within(scope)
        seen = f"AND rowid >> 20 IN (SELECT number FROM calls WHERE {condition})"  # noqa: S608
        statement = _HITS.format(seen if scope.limited else "")
        with self._database.reader() as reading:
            rows = reading.all(statement, (query, *values, limit))
        return tuple(
            SearchHit(
                call=CallId(call),
                turn=turn & ((1 << TURN_BITS) - 1),
                role=Role(role),
                start_ms=start_ms,
                snippet=snippet,
            )
            for call, turn, role, start_ms, snippet in rows
        )


_HITS = """
    WITH hits AS MATERIALIZED (
        SELECT rowid AS turn, rank AS nearness,
            snippet(turns_text, 0, '\u2039', '\u203a', '\u2026', 24) AS snippet
        FROM turns_text WHERE turns_text MATCH ? {} ORDER BY rank LIMIT ?
    )
    SELECT calls.id, turn, turns.role, turns.start_ms, snippet
    FROM hits JOIN turns ON turns.id = turn JOIN calls ON calls.number = turn >> 20
    ORDER BY nearness, turn
"""
