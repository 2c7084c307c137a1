"""Puts sentences and values together into made-up calls, with the characters of every value.

A turn is a role and a list of pieces; a piece is text with a label, or without. Half of the calls
are printed as recognisers do that know no punctuation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tagger import talk
from tagger.openings import FIRM_WORDS, GOODBYES, GREETINGS, OWN, REPLIES
from tagger.values import MONTHS, ORDINALS, TEENS, UNITS, Values
from tagger.written import WRITTEN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

AGENT, CUSTOMER, UNKNOWN = "agent", "customer", "unknown"
LABEL_OF = {
    "PERSON": "PERSON", "FULL": "PERSON", "FIRST": "PERSON", "LAST": "PERSON",
    "SPELLED": "PERSON", "THEM": "PERSON", "THIRD": "PERSON", "AGENT": "AGENT",
    "CARD": "CARD", "CVV": "CARD_CODE", "EXPIRY": "CARD_EXPIRY", "PIN": "PIN",
    "PASSWORD": "PASSWORD", "PETNAME": "PASSWORD",
    "ACCOUNT": "BANK_ACCOUNT", "SORT": "SORT_CODE", "PHONE": "PHONE", "EMAIL": "EMAIL",
    "ADDRESS": "ADDRESS", "STREET": "ADDRESS", "POSTCODE": "POSTCODE", "BORN": "DATE_OF_BIRTH",
    "NATIONAL": "NATIONAL_ID", "POLICY": "POLICY_NUMBER", "REFERENCE": "REFERENCE_NUMBER",
    "VEHICLE": "VEHICLE",
}  # fmt: skip
SPLIT = {"CARD", "PHONE", "ACCOUNT", "SORT", "NATIONAL", "POLICY", "REFERENCE", "EMAIL", "SPELLED"}
HUMS = ("mm hmm", "okay", "yes", "yep", "go on", "uh huh", "right", "got that", "and the rest")
REPEATS = ("so that's {}", "{} is that correct", "let me repeat that {}", "okay {}", "{} yeah",
           "i've got {}", "great thank you {}", "perfect that's {}")  # fmt: skip
WRITTEN_CALLS, SHORT_CALLS = 0.06, 0.15
_SLOT = re.compile(r"\{(\w+)\}")
_QUESTION = re.compile(
    r"^(can|could|may|what|who|when|where|how|which|is|are|do|does|will|and the)\b"
)


@dataclass(frozen=True)
class Piece:
    """Text of a turn, and the label of the value that it is."""

    text: str
    label: str = ""


@dataclass(frozen=True)
class Turn:
    """What a speaker says, and the values in it: (start, end, label)."""

    role: str
    text: str
    values: tuple[tuple[int, int, str], ...]


def turn(role: str, pieces: list[Piece]) -> Turn:
    """Return the turn of pieces."""
    text, values = "", []
    for piece in pieces:
        if piece.label and piece.text.strip():
            values.append((len(text), len(text) + len(piece.text), piece.label))
        text += piece.text
    return Turn(role, text, tuple(values))


class Calls:
    """Draws calls."""

    def __init__(
        self,
        chance: Random,
        *,
        unseen: bool = False,
        people: Sequence[str] = (),
        greetings: Sequence[str] = GREETINGS,
    ) -> None:
        """Take chance from a seed; `unseen` uses names that are kept from training, and `people`
        are names to draw from beside those of the lists."""
        self.chance = chance
        self.values = Values(chance, unseen=unseen, people=people)
        self._greetings = greetings
        self._agent = ""
        v = self.values
        self._fill: dict[str, Callable[[], str]] = {
            "PERSON": v.person, "FULL": v.full_name, "FIRST": v.first_name, "LAST": v.last_name,
            "SPELLED": v.spelled, "AGENT": self._agent_name, "THEM": self._them,
            "THIRD": v.first_name, "CARD": v.card,
            "CVV": lambda: v.number(v.some(self.chance.choice((3, 3, 3, 4)))),
            "EXPIRY": v.expiry, "PIN": lambda: v.number(v.some(self.chance.choice((4, 4, 5, 6)))),
            "PASSWORD": v.password, "PETNAME": v.first_name,
            "ACCOUNT": lambda: v.number(v.some(self.chance.choice((8, 8, 9, 10, 4))), 4, 4),
            "SORT": lambda: v.number(v.some(6), 2, 2, 2), "PHONE": v.phone, "EMAIL": v.mail,
            "ADDRESS": v.address, "STREET": v.street, "POSTCODE": v.postcode, "BORN": v.born,
            "NATIONAL": v.national, "POLICY": v.policy, "REFERENCE": v.policy,
            "VEHICLE": v.vehicle, "amount": self._amount, "time": self._time,
            "count": self._count, "digit": lambda: chance.choice((*UNITS[1:], *"123456789")),
            "order": lambda: v.number(v.some(chance.randint(4, 10)), 3, 3, 4),
            "weekday": lambda: chance.choice(
                ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday",
                 "tomorrow", "today", "the weekend")),
            "month": lambda: chance.choice(MONTHS), "nth": lambda: chance.choice(ORDINALS),
            "town": v.town, "brand": lambda: chance.choice(talk.BRAND_NAMES),
            "firm": self._firm,
            "place": lambda: chance.choice(talk.PLACES), "year": self._year,
            "drink": lambda: chance.choice(talk.DRINKS),
            "extra": lambda: chance.choice(talk.EXTRAS), "duration": self._duration,
            "percent": lambda: f"{self._count()} {chance.choice(('percent', 'per cent', '%'))}",
        }  # fmt: skip

    def draw(self) -> list[Turn]:
        """Return a call of a few exchanges."""
        chance, lines, self._agent = self.chance, [], ""
        if chance.random() < WRITTEN_CALLS:
            return self._written()
        if chance.random() < SHORT_CALLS:  # a window may hold no more than how a call begins
            return self.opening()
        if opens := chance.random() < 0.5:
            lines += self._opening()
        for _ in range(chance.randint(2, 6)):
            way = chance.random()
            kind = chance.choice((*talk.ASKS, "FULL", "FULL", "ADDRESS", "FULL"))
            if way < 0.36:
                lines += self._answered(kind)
            elif way < 0.66:
                role = chance.choice((CUSTOMER, CUSTOMER, AGENT))
                lines.append((role, self._said(kind, role)))
            else:
                for _ in range(chance.randint(1, 4)):
                    role = chance.choice((CUSTOMER, AGENT))
                    lines.append((role, self._pieces(chance.choice(talk.PLAIN))))
        if opens and chance.random() < 0.3:
            lines.append((CUSTOMER, self._pieces(chance.choice(GOODBYES))))
        printed = chance.random() < 0.5
        unknown = chance.random() < 0.15
        return [
            self._printed(UNKNOWN if unknown else role, pieces, printed) for role, pieces in lines
        ]

    def _written(self) -> list[Turn]:
        """Return sentences as they are written, each a turn of its own."""
        role = self.chance.choice((CUSTOMER, UNKNOWN))
        return [
            self._printed(role, self._pieces(self.chance.choice(WRITTEN)), printed=True)
            for _ in range(self.chance.randint(1, 3))
        ]

    def opening(self) -> list[Turn]:
        """Return how a call begins."""
        self._agent, printed = "", self.chance.random() < 0.5
        return [self._printed(role, pieces, printed) for role, pieces in self._opening()]

    # ------------------------------------------------------------------ lines

    def _pieces(self, template: str) -> list[Piece]:
        """Fill the slots of a sentence."""
        pieces, read = [], 0
        for slot in _SLOT.finditer(template):
            pieces.append(Piece(template[read : slot.start()]))
            pieces.append(Piece(self._fill[slot[1]](), LABEL_OF.get(slot[1], "")))
            read = slot.end()
        pieces.append(Piece(template[read:]))
        return [piece for piece in pieces if piece.text]

    def _opening(self) -> list[tuple[str, list[Piece]]]:
        """Return how an agent introduces themselves, and what is said to it."""
        chance = self.chance
        lines = [(AGENT, self._pieces(chance.choice(self._greetings)))]
        if chance.random() < 0.5:
            said = chance.choice((OWN, REPLIES, talk.SAYS["FULL"]))
            lines.append((CUSTOMER, self._pieces(chance.choice(said))))
        return lines

    def _said(self, kind: str, role: str) -> list[Piece]:
        """Return a sentence with a value, sometimes with something said before or after it."""
        if kind == "FULL" and self.chance.random() < 0.18:
            pieces = self._pieces(self.chance.choice(OWN))
            if role == AGENT:
                pieces = [replace(one, label=one.label and "AGENT") for one in pieces]
            return pieces
        pieces = self._pieces(self.chance.choice(talk.SAYS[kind]))
        if self.chance.random() < 0.3:
            extra = self._pieces(self.chance.choice(talk.PLAIN))
            joint = [Piece(self.chance.choice((" ", ", ", " and ", " but ", ". ", " so ")))]
            return pieces + joint + extra if self.chance.random() < 0.5 else extra + joint + pieces
        return pieces

    def _answered(self, kind: str) -> list[tuple[str, list[Piece]]]:
        """Return a question and its answer, perhaps in parts, perhaps read back."""
        chance = self.chance
        said = [(AGENT, self._pieces(chance.choice(talk.ASKS[kind])))]
        if chance.random() < 0.12:  # an answer without a value
            return [*said, (CUSTOMER, self._pieces(chance.choice(talk.PLAIN)))]
        slot = "PERSON" if kind == "FULL" and chance.random() < 0.5 else kind
        value = Piece(self._fill[slot](), LABEL_OF[slot])
        lead, tail = Piece(chance.choice(talk.LEADS)), Piece(chance.choice(talk.TAILS))
        words = value.text.split()
        if kind in SPLIT and len(words) > 3 and chance.random() < 0.3:
            cut = chance.randint(1, len(words) - 1)
            first, rest = " ".join(words[:cut]), " ".join(words[cut:])
            said.append((CUSTOMER, [lead, Piece(first, value.label)]))
            if chance.random() < 0.8:
                said.append((AGENT, [Piece(chance.choice(HUMS))]))
            said.append((CUSTOMER, [Piece(rest, value.label), tail]))
        else:
            said.append((CUSTOMER, [lead, value, tail]))
        if chance.random() < 0.18:
            before, after = chance.choice(REPEATS).split("{}")
            said.append((AGENT, [Piece(before), value, Piece(after)]))
        return [(role, [piece for piece in pieces if piece.text]) for role, pieces in said]

    def _printed(self, role: str, pieces: list[Piece], printed: bool) -> Turn:
        """Return the turn as a recogniser prints it, with punctuation or without."""
        if not printed:
            bare = [Piece(_bare(piece), piece.label) for piece in pieces]
            return turn(role, [piece for piece in bare if piece.text])
        question = _QUESTION.match("".join(piece.text for piece in pieces))
        return turn(role, [*pieces, Piece("?" if question else self.chance.choice(("", ".", ".")))])

    # ------------------------------------------------------------------ what is no value

    def _agent_name(self) -> str:
        way, first = self.chance.random(), self.values.first_name()
        if way < 0.15:
            first = self.values.word_name()
        self._agent = first
        return f"{first} {self.values.last_name()}" if way > 0.87 else first

    def _them(self) -> str:
        return self._agent or self.values.first_name()

    def _firm(self) -> str:
        """Return a firm, now and then one that is called like people or that nobody knows."""
        way, name = self.chance.random(), self.values.listed_last_name()
        if way < 0.05:
            return f"{name} and {self.values.listed_last_name()}"
        if way < 0.25:
            return f"{name} {self.chance.choice(FIRM_WORDS)}"
        return self.values.made_up() if way < 0.35 else self.chance.choice(talk.BRAND_NAMES)

    def _count(self) -> str:
        number = self.chance.choice((self.chance.randint(2, 20), self.chance.randint(20, 200)))
        if self.chance.random() < 0.5:
            return str(number)
        if number < 10:
            return UNITS[number]
        if number < 20:
            return TEENS[number - 10]
        return self.values.pair(f"{number % 90 + 10}")

    def _amount(self) -> str:
        way, whole = self.chance.random(), self.chance.randint(1, 9999)
        if way < 0.35:
            end = self.chance.choice(("", ".99", ".50", ",000"))
            return f"{self.chance.choice('£$€')}{whole}{end}"
        unit = self.chance.choice(talk.AMOUNT_UNITS)
        if way < 0.5:
            return f"{self._count()} {unit} {self._count()}"
        if way < 0.65:
            return f"{self._count()} {self.chance.choice(('hundred', 'thousand'))} {unit}"
        return f"{self._count()} {unit}"

    def _time(self) -> str:
        hour, minute = self.chance.randint(1, 12), self.chance.choice((0, 10, 15, 20, 30, 45))
        said = UNITS[hour] if hour < 10 else TEENS[hour - 10]
        half = self.chance.choice(("am", "pm", "in the morning", "o'clock", "in the evening", ""))
        return self.chance.choice(
            (f"{hour}:{minute:02d} {half}", f"{said} {half}", f"half past {said}", f"{hour} {half}",
             f"quarter to {said}", f"{said} {self.values.pair('30')}", f"{hour}{half}")
        ).strip()  # fmt: skip

    def _year(self) -> str:
        year = self.chance.randint(1970, 2026)
        return (
            str(year)
            if self.chance.random() < 0.6
            else (f"{self.values.pair(str(year)[:2])} {self.values.pair(str(year)[2:])}")
        )

    def _duration(self) -> str:
        unit = self.chance.choice(("minutes", "hours", "days", "weeks", "months", "years"))
        return f"{self._count()} {unit}"


def _bare(piece: Piece) -> str:
    """Return a piece without the signs that a recogniser without punctuation leaves out."""
    if "@" in piece.text or re.fullmatch(r"[\d/.-]+", piece.text):
        return piece.text
    text = re.sub(r"[,.?!](?=\s|$)", "", piece.text).replace(" - ", " ")
    text = re.sub(r"(?<=[a-z])-(?=[a-z])", " ", text)
    return re.sub(r"  +", " ", text)
