"""The client's word list, kept as it was written: remarks and order are its author's.

Like the policy it lies in the encrypted database; an audit entry says how many entries a new list
has, and none of its words.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.storage.audit import Audit
    from app.storage.database import Database


class WordLists:
    """The word list of an open vault."""

    def __init__(self, database: Database, audit: Audit) -> None:
        """Work on a database."""
        self._database = database
        self._audit = audit

    def get(self) -> str:
        """Return the list as it was written, empty where there is none."""
        with self._database.reader() as reading:
            row = reading.one("SELECT body FROM vocabulary")
        return "" if row is None else str(row[0])

    def keep(self, text: str, *, entries: int, actor: str) -> None:
        """Keep a list that was checked and has so many entries; an empty one is none."""
        with self._database.transaction() as writing:
            writing.change("DELETE FROM vocabulary")
            if text:
                writing.change("INSERT INTO vocabulary (one, body) VALUES (1, ?)", (text,))
            self._audit.append(
                writing,
                actor=actor,
                act="vocabulary.change",
                subject="",
                outcome=f"{entries} entries",
            )
