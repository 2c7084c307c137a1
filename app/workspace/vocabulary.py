"""The vault's word list: it names people and products, so that only who configures may see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.domain import Right, Subject, WordListState
from app.engine.vocabulary import parse

if TYPE_CHECKING:
    from app.domain import Changes
    from app.workspace.gate import Gate


@dataclass(frozen=True, slots=True)
class WordList:
    """The names, products and places that the vault's calls speak of."""

    _gate: Gate

    def get(self) -> WordListState:
        """Return the list as it was written, with what it holds."""
        self._gate.require(Right.CONFIGURE)
        return state_of(self._gate.vault.vocabulary.get())

    def change(self, text: str) -> Changes:
        """Keep another list; an empty text ends it. What is analysed from then on goes by it.

        Raises `UsageError` naming the lines that are wrong; the old list stays then.
        """
        self._gate.require(Right.CONFIGURE)
        entries = len(parse(text).entries)
        self._gate.vault.vocabulary.keep(
            text if entries else "", entries=entries, actor=self._gate.actor
        )
        return frozenset({Subject.SETTINGS})


def state_of(text: str) -> WordListState:
    """Return a list with what it holds; raises `UsageError` naming the lines that are wrong."""
    vocabulary = parse(text)
    return WordListState(text=text, entries=len(vocabulary.entries), sha256=vocabulary.sha256)
