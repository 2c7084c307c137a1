"""Redacts a call with the words of the client's list put right first, and never less for it.

What was personal data as it was heard stays redacted where it stands after the correction; an entry
that is no person's name is not put where something would have been redacted; and wherever a person
of the list is named, they are redacted as any other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from app.domain import EntryKind
from app.engine.candidates import everyday_words
from app.engine.corrections import Corrector, shown
from app.engine.redaction.found import Found
from app.engine.vocabulary import parse

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from app.domain import Correction, Sha256
    from app.engine.candidates import Candidate
    from app.engine.corrections import Corrected
    from app.engine.models import ModelLibrary
    from app.engine.raw import RawTranscript
    from app.engine.redaction import Redacted, Redactor
    from app.engine.vocabulary import Vocabulary

LANGUAGE = "en"
"""The language whose sounds are compared."""
_SHORTEST_PART = 4  # letters of a first or last name said alone
_SURE = 0.95
_RULE = "person.listed"


@dataclass(frozen=True, slots=True)
class WordList:
    """A client's word list, ready for use on calls."""

    sha256: Sha256 | None
    _written: tuple[str, ...] = field(repr=False)
    _corrector: Corrector = field(repr=False)
    _people: tuple[tuple[str, re.Pattern[str]], ...] = field(repr=False)

    @classmethod
    def of(cls, text: str, models: ModelLibrary) -> WordList | None:
        """Return the list that is written so, or `None` for one without entries.

        Raises `UsageError` naming the lines that are wrong, and `ModelError`.
        """
        vocabulary = parse(text)
        if not vocabulary.entries:
            return None
        everyday = everyday_words(models.read("minilm", "tokenizer.json"))
        return cls.with_words(vocabulary, everyday)

    @classmethod
    def with_words(cls, vocabulary: Vocabulary, everyday: frozenset[str]) -> WordList:
        """Return a list; `everyday` are words of plain English, written small."""
        corrector = Corrector(vocabulary, everyday)
        written = tuple(one.written for one in vocabulary.entries)
        return cls(vocabulary.sha256, written, corrector, tuple(_people(vocabulary, everyday)))

    def first(self, number: int) -> tuple[str, ...]:
        """Return the first entries of the list as they are written."""
        return self._written[:number]

    def redact(
        self, raw: RawTranscript, redactor: Redactor, *, agent_name: str | None
    ) -> tuple[Redacted, tuple[Correction, ...]]:
        """Return the call made safe, and the corrections that are left to see in it."""
        before = redactor.find(raw, agent_name=agent_name)

        def allowed(turn: int, one: Candidate) -> bool:
            hidden = any(_touches(found, turn, one.start, one.end) for found in before)
            return one.entry.kind is EntryKind.NAME or not hidden

        corrected = self._corrector.correct(raw, allowed=allowed)
        found = [*_moved(before, corrected)]
        found += [
            one
            for one in redactor.find(corrected.raw, agent_name=agent_name)
            if not _of_the_list(one, corrected)
        ]
        if redactor.redacts_people:
            kept = "" if redactor.redacts_agents else agent_name or ""
            found += self._named(corrected.raw, kept)
        redacted = redactor.without(corrected.raw, found)
        return redacted, shown(corrected.changes, redacted.redactions)

    def _named(self, raw: RawTranscript, agent_name: str) -> Iterator[Found]:
        """Yield wherever a person of the list is named, but for the agent whose call it is."""
        own = set(agent_name.casefold().split())
        for index, turn in enumerate(raw.turns):
            for name, pattern in self._people:
                if set(name.split()) <= own:
                    continue
                for said in pattern.finditer(turn.text):
                    yield Found(
                        kind="PERSON",
                        turn=index,
                        start=said.start(),
                        end=said.end(),
                        score=_SURE,
                        rule=_RULE,
                        value=name,
                    )


def _people(
    vocabulary: Vocabulary, everyday: frozenset[str]
) -> Iterator[tuple[str, re.Pattern[str]]]:
    """Yield how the people of the list are named: in full, or by a part that is no plain word."""
    for entry in vocabulary.entries:
        if entry.kind is not EntryKind.NAME:
            continue
        parts = entry.written.split()
        alone = [
            re.escape(part)
            for part in parts
            if len(part) >= _SHORTEST_PART and part.casefold() not in everyday
        ]
        whole = r"\s+".join(re.escape(part) for part in parts)
        pattern = "|".join([whole, *alone])
        yield entry.written.casefold(), re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


def _of_the_list(one: Found, corrected: Corrected) -> bool:
    """Say whether a finding is of nothing but a word that was put there and names no person: as it
    was heard, nothing was found there."""
    return any(
        change.kind is not EntryKind.NAME
        and change.turn == one.turn
        and change.start <= one.start
        and one.end <= change.end
        for change in corrected.changes
    )


def _moved(before: Iterable[Found], corrected: Corrected) -> Iterator[Found]:
    """Yield what was found in the call as it was heard, where it stands after the correction."""
    for one in before:
        start = corrected.after(one.turn, one.start)
        yield replace(one, start=start, end=corrected.after(one.turn, one.end, end=True))


def _touches(found: Found, turn: int, start: int, end: int) -> bool:
    return found.turn == turn and found.start < end and start < found.end
