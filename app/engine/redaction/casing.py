"""Gives lower-case transcripts the capitals that a language model expects, letter for letter.

The text keeps its length, so that every offset in it stays true.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.engine.redaction.call import SaidTurn
    from app.engine.redaction.lexicon import Lexicon


def cased(turn: SaidTurn, lexicon: Lexicon) -> str:
    """Return the turn's text with capitals at names and starts where it was printed without."""
    if not turn.lower:
        return turn.text
    chars = list(turn.text)
    starts_sentence = True
    for token in turn.tokens:
        name = token.word in lexicon.names.first or token.word in lexicon.names.last
        if starts_sentence or token.word == "i" or (name and token.word not in lexicon.common):
            upper = chars[token.start].upper()
            if len(upper) == 1:
                chars[token.start] = upper
        starts_sentence = token.text in {".", "?", "!"}
    return "".join(chars)
