"""Reads the recognisers' data from `resources/recognisers`, checked: an unknown key is refused.

The files hold words, phrases and patterns, so that a client can extend what is found without code.
Everything is lower case; phrases are matched word by word.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar

import msgspec

from app.config import Region
from app.engine.redaction.checks import CHECKS, TEXT_CHECKS
from app.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Mapping, Sequence
    from pathlib import Path

Answer = Literal["number", "date", "words", "name", "address", "email", "none"]
T = TypeVar("T")
POLICIES = "policies"
"""The folder of the policies beside the files that `load` reads."""


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A table of which every key is known."""


class JoinWords(_Table, frozen=True):
    """What stands between and around the digits of one value."""

    spells: tuple[str, ...]
    joins: tuple[str, ...]
    hesitations: tuple[str, ...]
    between: tuple[str, ...]
    corrections: tuple[str, ...]
    units: tuple[str, ...]
    before_units: tuple[str, ...]
    before_years: tuple[str, ...]


class Spoken(_Table, frozen=True):
    """How numbers and letters are said (spoken.toml)."""

    digits: dict[str, str]
    teens: dict[str, str]
    tens: dict[str, str]
    ordinals: dict[str, str]
    months: dict[str, int]
    repeats: dict[str, int]
    letters: dict[str, str]
    homophones: dict[str, str]
    homophones_of_digits: dict[str, str]
    words: JoinWords


class Kind(_Table, frozen=True):
    """A kind of personal data: how it is asked for and what its value looks like (cues.toml)."""

    name: str
    rank: int
    answer: Answer
    digits: tuple[int, int] = (0, 0)
    whole: tuple[int, ...] = ()
    letters: bool = False
    dates: bool = False
    phrases: tuple[str, ...] = ()
    weak: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


class _Kinds(_Table, frozen=True):
    kind: tuple[Kind, ...]


class Pattern(_Table, frozen=True):
    """A value as it is written (written.toml)."""

    kind: str
    rule: str
    regex: str
    score: float
    check: str = ""
    context: tuple[str, ...] = ()


class _Patterns(_Table, frozen=True):
    pattern: tuple[Pattern, ...]


class National(_Table, frozen=True):
    """A number that a state, a register or a maker gives (national.toml)."""

    kind: str
    rule: str
    shape: str
    region: Region | None = None
    check: str = ""
    alone: bool = False
    context: tuple[str, ...] = ()

    def fits(self, value: str) -> bool:
        """Say whether a value in its normal form has the form and the check digit."""
        check = CHECKS.get(self.check)
        shaped = re.fullmatch(self.shape, value, re.ASCII) is not None
        return shaped and (check is None or check(value))


class _Nationals(_Table, frozen=True):
    number: tuple[National, ...]


class PeopleWords(_Table, frozen=True):
    """How people are named in talk (people.toml)."""

    titles: frozenset[str]
    introductions: tuple[str, ...]
    sure_introductions: tuple[str, ...]
    greetings: tuple[str, ...]
    sure_greetings: tuple[str, ...]
    openings: tuple[str, ...]
    asks_for: tuple[str, ...]
    calls_self: tuple[str, ...]
    own_afterwards: tuple[str, ...]
    names_agents: tuple[str, ...]
    supposes: frozenset[str]
    agents_afterwards: tuple[str, ...]
    jobs: tuple[str, ...]
    others_afterwards: tuple[str, ...]
    desks: tuple[str, ...]
    thanks: tuple[str, ...]
    afterwards: tuple[str, ...]
    lead_ins: tuple[str, ...]
    vocatives: frozenset[str]
    never: frozenset[str]


class AddressWords(_Table, frozen=True):
    """How addresses are said (address.toml)."""

    streets: frozenset[str]
    shy_streets: frozenset[str]
    units: tuple[str, ...]
    stops: frozenset[str]


class ThingWords(_Table, frozen=True):
    """What is printed like a name and is none (things.toml)."""

    words: str
    brands: tuple[str, ...]
    before_makers: str
    owned: str
    firms: tuple[str, ...]


class SecretWords(_Table, frozen=True):
    """How passwords and answers to security questions are said (secrets.toml)."""

    lead_ins: tuple[str, ...]
    refusals: tuple[str, ...]
    talk: frozenset[str]


class MedicalWords(_Table, frozen=True):
    """Words of health, and those of people, so many words before or after (medical.toml)."""

    terms: tuple[str, ...]
    people: frozenset[str]
    before: int
    after: int


class AnswerWords(_Table, frozen=True):
    """What stands around the answer to a question (answers.toml)."""

    lead_ins: tuple[str, ...]
    ends: tuple[str, ...]
    refusals: tuple[str, ...]


class _NameLists(_Table, frozen=True):
    first: str
    first_words: str
    last: str
    last_words: str


class _CommonWords(_Table, frozen=True):
    words: str


@dataclass(frozen=True, slots=True)
class Names:
    """Known first and last names; the `_words` among them are everyday words as well."""

    first: frozenset[str]
    first_words: frozenset[str]
    last: frozenset[str]
    last_words: frozenset[str]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """All data of the recognisers."""

    spoken: Spoken
    kinds: Mapping[str, Kind]
    patterns: tuple[Pattern, ...]
    national: tuple[National, ...]
    people: PeopleWords
    names: Names
    address: AddressWords
    secrets: SecretWords
    answers: AnswerWords
    medical: MedicalWords
    things: ThingWords
    common: frozenset[str]

    @property
    def ranks(self) -> dict[str, int]:
        """Return how specific each kind is, 0 for the most."""
        return {name: kind.rank for name, kind in self.kinds.items()}


def load(folder: Path) -> Lexicon:
    """Return the data of a folder; raises `UsageError` naming the file and key that is wrong."""
    names = _read(folder / "names.toml", _NameLists)
    known = kinds(folder)
    patterns = _read(folder / "written.toml", _Patterns).pattern
    national = _read(folder / "national.toml", _Nationals).number
    for pattern in patterns:
        _check_pattern(pattern, pattern.regex, {*CHECKS, *TEXT_CHECKS}, known, "written.toml")
    for number in national:
        _check_pattern(number, number.shape, CHECKS, known, "national.toml")
    return Lexicon(
        spoken=_read(folder / "spoken.toml", Spoken),
        kinds=known,
        patterns=patterns,
        national=national,
        people=_read(folder / "people.toml", PeopleWords),
        names=Names(
            first=frozenset(names.first.split()),
            first_words=frozenset(names.first_words.split()),
            last=frozenset(names.last.split()),
            last_words=frozenset(names.last_words.split()),
        ),
        address=_read(folder / "address.toml", AddressWords),
        secrets=_read(folder / "secrets.toml", SecretWords),
        answers=_read(folder / "answers.toml", AnswerWords),
        medical=_read(folder / "medical.toml", MedicalWords),
        things=_read(folder / "things.toml", ThingWords),
        common=frozenset(_read(folder / "common.toml", _CommonWords).words.split()),
    )


def kinds(folder: Path) -> dict[str, Kind]:
    """Return the kinds of personal data by name; raises `UsageError` as `load` does."""
    return {kind.name: kind for kind in _read(folder / "cues.toml", _Kinds).kind}


def digest(folder: Path) -> str:
    """Return the SHA-256 over the names and contents of the files that `load` reads."""
    whole = hashlib.sha256()
    for path in sorted(folder.glob("*.toml")):
        whole.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return whole.hexdigest()


class Phrases:
    """Finds phrases in a list of words, the longest first, in one pass."""

    def __init__(self, phrases: Mapping[str, T] | Iterable[str]) -> None:
        """Index phrases by their first word; a mapping gives each phrase a meaning."""
        self._by_first: dict[str, list[tuple[tuple[str, ...], object]]] = {}
        items = phrases.items() if hasattr(phrases, "items") else ((one, one) for one in phrases)
        for phrase, meaning in items:
            words = tuple(phrase.split())
            self._by_first.setdefault(words[0], []).append((words, meaning))
        for candidates in self._by_first.values():
            candidates.sort(key=lambda one: -len(one[0]))

    def at(self, words: Sequence[str], index: int) -> int:
        """Return how many words the longest phrase at `index` has, 0 where there is none."""
        return self.meaning_at(words, index)[0]

    def meaning_at(self, words: Sequence[str], index: int) -> tuple[int, object]:
        """Return the length and the meaning of the longest phrase at `index`; none stands behind
        the last word."""
        first = words[index] if index < len(words) else ""
        for phrase, meaning in self._by_first.get(first, ()):
            if tuple(words[index : index + len(phrase)]) == phrase:
                return len(phrase), meaning
        return 0, None


def _read(path: Path, model: type[T]) -> T:
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
        return msgspec.convert(content, model)
    except OSError as error:
        raise UsageError(f"The recognisers' file {path.name} cannot be read.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{path.name} of the recognisers is not valid TOML: {error}.") from error
    except msgspec.ValidationError as error:
        raise UsageError(f"The recognisers' file {path.name} is wrong: {error}.") from error


def _check_pattern(
    one: Pattern | National,
    expression: str,
    checks: Container[str],
    kinds: Container[str],
    file: str,
) -> None:
    """Refuse what names what does not exist or does not compile."""
    if one.kind not in kinds:
        raise UsageError(f"{file}: {one.rule} has an unknown kind.")
    if one.check and one.check not in checks:
        raise UsageError(f"{file}: {one.rule} has an unknown check.")
    try:
        re.compile(expression)
    except re.error as error:
        raise UsageError(f"{file}: {one.rule} is wrong: {error}.") from error
