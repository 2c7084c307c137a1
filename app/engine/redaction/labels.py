"""Makes safe what comes with a recording: its file's name, and the customer's reference.

Both are treated by the policy like words of the call, before they are kept: at the import by
everything that needs no model (patterns, check digits, known names), in the worker by all finders.
Promises that days, times and the ids that recorders give stay readable, and that what is taken out
leaves as a digest. The reference itself always leaves one, so that a customer's calls are found
also where nobody sees it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from app.domain import CUSTOMER_REFERENCE, Labels, RedactedValue, Role, RoleBasis
from app.engine.raw import RawTranscript, RawTurn
from app.engine.redaction import checks, lexicon
from app.engine.redaction.addresses import AddressFinder
from app.engine.redaction.already import beside_placeholders
from app.engine.redaction.call import Reader
from app.engine.redaction.contacts import ContactFinder
from app.engine.redaction.found import Found, resolve
from app.engine.redaction.name_words import Suspect
from app.engine.redaction.national import NationalFinder
from app.engine.redaction.numbers import NumberFinder
from app.engine.redaction.people import PeopleFinder
from app.engine.redaction.placeholders import write
from app.engine.redaction.policies import load

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from app.config import RedactionSettings
    from app.domain import CallMetadata
    from app.engine.redaction.call import SaidCall
    from app.engine.redaction.lexicon import Lexicon

_ENDING = re.compile(r"\.[A-Za-z][A-Za-z0-9]{1,4}\Z")
_PLACEHOLDER = re.compile(r"(\[[A-Z_]+-\d+(?: \u2026\d{4})?\])")
_SEPARATORS = re.compile(r"[_.+~,;=@#%&-]")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[^\W\d_]+")
# What a recorder writes: a day with or without a time, seconds since 1970, an id of random digits.
_STAMP = re.compile(
    r"(?<!\d)20\d\d[-_. ]?(?:0[1-9]|1[0-2])[-_. ]?(?:0[1-9]|[12]\d|3[01])"
    r"(?:[-_. T]{0,3}(?:[01]\d|2[0-3])[-_.: ]?[0-5]\d(?:[-_.: ]?[0-5]\d)?(?:[.,]\d{3})?Z?)?(?!\d)"
    r"|(?<!\d)1[4-9]\d{8}(?:\d{3})?(?!\d)(?=\.|\Z)"
    r"|(?<![0-9A-Fa-f])[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}(?![0-9a-f])"
)
_BIRTH = re.compile(r"birth|born|dob", re.IGNORECASE)
_NOTHING = "\x1e"  # no word, no digit, and nothing that joins two numbers
_SHORTEST_NAME = 3
# What a reference is anyway: its digits are no other number.
_OF_ITSELF = frozenset(
    {"NUMBER", "OTHER_NUMBER", "REFERENCE_NUMBER", "ACCOUNT_NUMBER", "MEMBER_NUMBER"}
    | {"POLICY_NUMBER", "CLAIM_NUMBER", "POSTCODE", "VEHICLE", "DATE"}
)
IN_WORDS = frozenset({"PERSON", "ADDRESS", "EMAIL", "LOCATION", "ORGANISATION"})
"""Kinds that models add to what is found in labels; what numbers are needs no model."""
_READINGS = 2  # of each label: as it is written, and with blanks between its words


def reference_digest(text: str) -> bytes:
    """Return the digest by which a customer's reference is found."""
    return hashlib.sha256(f"{CUSTOMER_REFERENCE}:{checks.normal(text)}".encode()).digest()


class LabelRedactor:
    """Makes labels safe without any model; the data is loaded on first use and stays."""

    def __init__(self, recognisers: Path, settings: RedactionSettings) -> None:
        """Remember where the data is; nothing is loaded yet."""
        self._recognisers = recognisers
        self._settings = settings
        self._finders: LabelFinders | None = None

    def safe(self, source_name: str, metadata: CallMetadata) -> Labels:
        """Return a file's name and the customer's reference made safe; raises `UsageError` where
        the policy or the data is wrong."""
        if self._finders is None:
            data = lexicon.load(self._recognisers)
            self._finders = LabelFinders(data, self._settings)
            self._policy = load(self._recognisers / lexicon.POLICIES, self._settings, data.kinds)
        read = Labelled(source_name, metadata.customer_reference)
        call = self._finders.read(read.raw)
        found = [*self._finders.find(call, metadata.agent), *read.whole()]
        return read.without(self._policy.applied(found, call), self._finders.ranks)


class LabelFinders:
    """The finders that need no model."""

    def __init__(self, data: Lexicon, settings: RedactionSettings) -> None:
        """Index the data."""
        self.ranks = data.ranks
        self._reader = Reader(data)
        self._numbers = NumberFinder(data)
        self._national = NationalFinder(data, settings.regions)
        self._addresses = AddressFinder(data)
        self._contacts = ContactFinder()
        self._people = PeopleFinder(data, agents_too=settings.agent_names)
        self._names = (data.names.first | data.names.last) - data.common - data.people.never
        self._patterns = [(one, re.compile(one.regex, re.IGNORECASE)) for one in data.patterns]

    def read(self, raw: RawTranscript) -> SaidCall:
        """Return labels as the finders see them."""
        return self._reader.read(raw)

    def find(self, call: SaidCall, agent_name: str | None) -> list[Found]:
        """Return what is found in labels."""
        names = [[*self._known(turn.text)] for turn in call.turns]
        return [
            *self._numbers.find(call),
            *self._national.find(call),
            *self._addresses.find(call),
            *self._contacts.find(call),
            *self._written(call),
            *self._people.find(
                call,
                names,
                things=[frozenset()] * len(call.turns),
                agent_name=agent_name,
                role_basis=RoleBasis.GIVEN,
                role_confidence=1.0,
            ),
        ]

    def _known(self, text: str) -> Iterator[Suspect]:
        """Yield the known names among the words of a text; those in a row are one."""
        names: list[Suspect] = []
        for word in _WORDS.finditer(text):
            if word[0].lower() in self._names and len(word[0]) >= _SHORTEST_NAME:
                goes_on = bool(names) and word.start() - names[-1].end <= 1
                start = names.pop().start if goes_on else word.start()
                names.append(Suspect(start, word.end()))
        yield from names

    def _written(self, call: SaidCall) -> Iterator[Found]:
        """Yield what the patterns of written.toml find, those without a check by their score."""
        for turn in call.turns:
            for one, pattern in self._patterns:
                for match in pattern.finditer(turn.text):
                    if _is_proven(one, match[0]):
                        yield Found(
                            kind=one.kind,
                            turn=turn.index,
                            start=match.start(),
                            end=match.end(),
                            score=one.score,
                            rule=one.rule,
                            value=match[0].lower()
                            if one.kind == "EMAIL"
                            else checks.normal(match[0]),
                        )


class Labelled:
    """Labels as turns for the finders, and back."""

    def __init__(self, source_name: str, reference: str | None) -> None:
        """Read each label as it is written and with blanks between its words."""
        ending = _ENDING.search(source_name)
        self._ending = ending[0] if ending else ""
        self._texts = (source_name.removesuffix(self._ending), reference or "")
        self._has_reference = bool(reference)
        self.raw = _as_turns([one for text in self._texts for one in _readings(text)])

    def whole(self) -> list[Found]:
        """Return the reference as a finding of its own kind, which any other outranks."""
        text = self._texts[1]
        if not text.strip():
            return []
        return [
            Found(
                kind=CUSTOMER_REFERENCE,
                turn=_READINGS,
                start=0,
                end=len(text),
                score=0.1,
                rule="customer-reference",
                value=checks.normal(text),
            )
        ]

    def without(self, found: Iterable[Found], ranks: dict[str, int]) -> Labels:
        """Return the labels without what was found in their readings."""
        placed = [replace(one, turn=one.turn // _READINGS) for one in found]
        placed = [one for one in placed if not (one.turn and one.kind in _OF_ITSELF)]
        plain = _as_turns(self._texts)
        redacted = write(plain, beside_placeholders(plain, resolve(placed, ranks), ranks))
        name, reference = (turn.text for turn in redacted.transcript.turns)
        values = [replace(one, value=0) for one in redacted.values]
        if self._has_reference:
            digest = reference_digest(self._texts[1])
            values.append(RedactedValue(kind=CUSTOMER_REFERENCE, value=0, digest=digest))
        return Labels(
            source_name=name + self._ending,
            customer_reference=reference or None,
            values=tuple(values),
        )


def _readings(text: str) -> tuple[str, str]:
    """Return a label as it is written and with blanks in place of what joins its words; stamps of
    recorders are nothing in both, unless a day of birth is meant."""
    parts = _PLACEHOLDER.split(text)
    if not _BIRTH.search(text):
        parts[::2] = [_STAMP.sub(lambda one: _NOTHING * len(one[0]), part) for part in parts[::2]]
    spaced = parts.copy()
    spaced[::2] = [_SEPARATORS.sub(" ", part) for part in spaced[::2]]
    return "".join(parts), "".join(spaced)


def _as_turns(texts: Sequence[str]) -> RawTranscript:
    turns = tuple(
        RawTurn(channel=0, role=Role.UNKNOWN, start_ms=0, end_ms=0, text=text) for text in texts
    )
    return RawTranscript(
        turns=turns, language="en", role_basis=RoleBasis.GIVEN, role_confidence=0.0
    )


def _is_proven(one: lexicon.Pattern, text: str) -> bool:
    check = checks.TEXT_CHECKS.get(one.check)
    if check is not None:
        return check(text)
    proof = checks.CHECKS.get(one.check)
    return proof(checks.normal(text)) if proof else one.score >= 0.5
