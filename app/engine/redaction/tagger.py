"""A token tagger that this project trains: it reads a call as it was said and marks what is
personal, word by word, with or without capitals and punctuation.

Promises that every span lies on whole words of its turn and that a turn of any length is read in
pieces of bounded length, so that time grows with the words and not faster. Hides the ONNX graph,
its tokenizer, and how the turns of a call share one reading: several short turns stand in one
window, so that an answer is read beside its question. Made by `build/train_tagger.py`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from app.domain import Role

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    Odds = NDArray[np.float32]  # [tokens, labels]

WINDOW = 128  # tokens that are read together
CONTEXT = 24  # of these, so many may repeat what was read before
BEGINS, ENDS = 101, 102  # [CLS] and [SEP]
SPEAKERS = {Role.AGENT: 1, Role.CUSTOMER: 2, Role.UNKNOWN: 3}  # [unused0] and on
NOTHING = "O"
LIKELY = 0.35  # so sure that a word is personal, whatever its kind: rather a word too much
DOUBTED = 0.05  # from here on it may be
_SLOW = ("SkipLayerNormFusion",)  # adds and normalises in one step, but a fifth slower
_WORD = re.compile(r"\w+(?:['\u2019]\w+)*")


class Description(msgspec.Struct, frozen=True):
    """What the training says of the model: the kinds of its labels, and how well it does."""

    labels: tuple[str, ...]
    scores: dict[str, Any] = {}


@dataclass(frozen=True, slots=True)
class Tagged:
    """Characters `start`..`end` of a turn that hold a value of a kind, and how sure that is."""

    kind: str
    start: int
    end: int
    score: float


@dataclass(frozen=True, slots=True)
class Reading:
    """What the tagger says of a turn: the values in it, in order and without overlaps, and the
    characters of all words of which it is not sure that they are nothing personal."""

    tagged: tuple[Tagged, ...]
    doubted: frozenset[int]


@dataclass(frozen=True, slots=True)
class Part:
    """Tokens `first`..`last` (exclusive) of a turn in a window; `again` for those that were read
    in the window before and stand here as context."""

    turn: int
    first: int
    last: int
    again: bool = False

    @property
    def length(self) -> int:
        """Return how many places of the window it takes: its tokens, the speaker's and the end."""
        return self.last - self.first + 2


def windows(lengths: Sequence[int]) -> Iterator[list[Part]]:
    """Yield windows over turns of so many tokens: every token once, and before each window a bit
    of what was said last."""
    parts: list[Part] = []
    for turn, length in enumerate(lengths):
        first = 0
        while first < length:
            room = WINDOW - 1 - sum(part.length for part in parts) - 2
            fits = length - first <= room
            if not fits and any(not part.again for part in parts) and room < WINDOW // 2:
                yield parts
                parts = [_context(parts[-1])]
                continue
            last = min(length, first + room)
            parts.append(Part(turn, first, last))
            first = last
    if any(not part.again for part in parts):
        yield parts


def _context(part: Part) -> Part:
    return Part(part.turn, max(part.first, part.last - CONTEXT), part.last, again=True)


@dataclass(slots=True)
class _Span:
    """A value that is being put together from words."""

    start: int
    end: int
    odds: list[Odds]


class TokenTagger:
    """Marks what is personal in the turns of a call."""

    def __init__(
        self, model: bytes, tokenizer: bytes, description: bytes, *, threads: int = 1
    ) -> None:
        """Load the graph (ids in; the odds of every label for every token out)."""
        from tokenizers import Tokenizer

        from app.engine.onnx import session

        self._session = session(model, threads=threads, without=_SLOW)
        self._tokenizer = Tokenizer.from_buffer(tokenizer)
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._labels = msgspec.json.decode(description, type=Description).labels
        self._kinds = list(dict.fromkeys(label[2:] for label in self._labels[1:]))

    def read(self, turns: Sequence[tuple[Role, str]]) -> list[Reading]:
        """Return what is personal in each turn."""
        import numpy as np

        texts = [text for _, text in turns]
        read = self._tokenizer.encode_batch(texts, add_special_tokens=False)
        odds = [np.zeros((len(one.ids), len(self._labels)), dtype=np.float32) for one in read]
        for parts in windows([len(one.ids) for one in read]):
            ids = [BEGINS]
            for part in parts:
                ids += [SPEAKERS[turns[part.turn][0]], *read[part.turn].ids[part.first : part.last]]
                ids.append(ENDS)
            (result,) = self._session.run(None, {"input_ids": np.array([ids], dtype=np.int64)})
            place = 1
            for part in parts:
                if not part.again:
                    end = place + part.length - 1
                    odds[part.turn][part.first : part.last] = result[0][place + 1 : end]
                place += part.length
        return [
            self._reading(text, one.offsets, rows)
            for text, one, rows in zip(texts, read, odds, strict=True)
        ]

    def _reading(self, text: str, offsets: list[tuple[int, int]], odds: Odds) -> Reading:
        """Join personal words in a row to values, until the model says that another one begins."""
        spans: list[_Span] = []
        doubted: set[int] = set()
        token = 0
        for match in _WORD.finditer(text):
            start, end = match.span()
            while token < len(offsets) and offsets[token][1] <= start:
                token += 1
            first = token
            while token < len(offsets) and offsets[token][0] < end:
                token += 1
            word = odds[first:token]
            personal = float(1.0 - word[:, 0].min()) if token > first else 0.0
            if personal >= DOUBTED:
                doubted.update(range(start, end))
            if personal < LIKELY:
                continue
            begins = float(word[0, 1::2].sum()) > float(word[0, 2::2].sum())
            last = spans[-1] if spans else None
            if last and not begins and not any(c.isalnum() for c in text[last.end : start]):
                last.end = end
                last.odds.append(word)
            else:
                spans.append(_Span(start, end, [word]))
        return Reading(tuple(self._judged(span) for span in spans), frozenset(doubted))

    def _judged(self, span: _Span) -> Tagged:
        """Return the likeliest kind of a value, and how sure its surest word is personal."""
        import numpy as np

        rows = np.concatenate(span.odds)
        by_kind = rows[:, 1::2].sum(axis=0) + rows[:, 2::2].sum(axis=0)
        kind = self._kinds[int(by_kind.argmax())]
        return Tagged(kind, span.start, span.end, float(1.0 - rows[:, 0].min()))
