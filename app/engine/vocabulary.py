"""The client's word list: names, products and places that no recogniser has learned to write.

A plain text that a person writes: one entry per line, the written form, and behind `=` how it
sounds where the letters do not tell; `[names]`, `[products]`, `[places]` and `[others]` begin
sections; `#` begins a remark. Promises that a list which `parse` takes is within all limits, and
that a refusal names lines and never quotes them: the words are the client's. Pure.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field

from app.domain import EntryKind, Sha256
from app.errors import UsageError

MOST_ENTRIES = 500
MOST_WORDS = 4
LONGEST = 60  # characters of a written form or a spelling
MOST_SOUNDS = 5
MOST_CHARACTERS = 100_000

_SECTIONS = {f"[{kind}s]": kind for kind in EntryKind}
_WORD = re.compile(r"[^\W_][\w'’&.\-]*")  # noqa: RUF001  as Whisper and people write it
_FEWEST_LETTERS = 3
_FAULTS_TOLD = 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: how it is written, what it is, and how it sounds beside what its letters say."""

    written: str = field(repr=False)
    kind: EntryKind
    sounds: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line, counted from 1; 0 is the list as a whole."""

    line: int
    sentence: str

    def __str__(self) -> str:
        """Say it with its line."""
        return f"Line {self.line}: {self.sentence}" if self.line else self.sentence


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The entries of a list in their order."""

    entries: tuple[Entry, ...] = ()

    @property
    def sha256(self) -> Sha256 | None:
        """The digest over what can change a result, not over remarks; `None` for no entries."""
        if not self.entries:
            return None
        lines = [
            "\t".join((one.kind, one.written, *one.sounds))
            for one in sorted(self.entries, key=lambda one: one.written)
        ]
        return Sha256(hashlib.sha256("\n".join(lines).encode()).hexdigest())


def parse(text: str) -> Vocabulary:
    """Return the entries of a list; raises `UsageError` naming the lines that are wrong."""
    entries, faults = _read(text)
    if faults:
        told = " ".join(str(fault) for fault in faults[:_FAULTS_TOLD])
        more = len(faults) - _FAULTS_TOLD
        raise UsageError(
            f"The word list is not understood. {told}" + (f" And {more} more." if more > 0 else ""),
            hint="One entry per line: `Written form`, or `Written form = sounds like, or like`;"
            f" {', '.join(_SECTIONS)} begin sections. See the manual.",
        )
    return Vocabulary(tuple(entries))


def _read(text: str) -> tuple[list[Entry], list[Fault]]:
    entries: list[Entry] = []
    faults: list[Fault] = []
    if len(text) > MOST_CHARACTERS:
        return [], [Fault(0, f"The list is longer than {MOST_CHARACTERS:,} characters.")]
    kind = EntryKind.OTHER
    seen: set[str] = set()
    for number, line in enumerate(text.removeprefix("\ufeff").split("\n"), 1):
        content = line.partition("#")[0].strip()
        if content.startswith("["):
            kind = _SECTIONS.get(content.casefold(), kind)
            if content.casefold() not in _SECTIONS:
                faults.append(Fault(number, "There is no such section."))
        elif content:
            entry, wrong = _entry(content, kind)
            if entry.written.casefold() in seen:
                wrong = "This entry is in the list already."
            seen.add(entry.written.casefold())
            entries.append(entry)
            faults += [Fault(number, wrong)] if wrong else []
    if len(entries) > MOST_ENTRIES:
        faults.append(Fault(0, f"There are more than {MOST_ENTRIES} entries."))
    return entries, faults


def _entry(content: str, kind: EntryKind) -> tuple[Entry, str]:
    """Return a line's entry and what is wrong with it, or nothing."""
    written, marked, spellings = content.partition("=")
    sounds = tuple(" ".join(one.split()) for one in spellings.split(",")) if marked else ()
    entry = Entry(" ".join(written.split()), kind, sounds)
    return entry, next((wrong for wrong in map(_wrong, (entry.written, *sounds)) if wrong), "") or (
        f"At most {MOST_SOUNDS} spellings can follow `=`." if len(sounds) > MOST_SOUNDS else ""
    )


def _wrong(written: str) -> str:
    """Say what is wrong with a written form or a spelling, or nothing."""
    words = written.split()
    if not written:
        return "Something is missing beside `=` or a comma."
    if not written.isprintable() or not all(_WORD.fullmatch(word) for word in words):
        return "A word begins with a letter or digit and holds only those, ' - & and full stops."
    if len(words) > MOST_WORDS:
        return f"An entry has at most {MOST_WORDS} words."
    if len(written) > LONGEST:
        return f"An entry has at most {LONGEST} characters."
    if sum(letter.isalpha() for letter in written) < _FEWEST_LETTERS:
        return f"An entry has at least {_FEWEST_LETTERS} letters."
    return ""
