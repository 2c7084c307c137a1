"""Values of people as they are said and as recognisers print them, drawn at random.

Every value here is made up. Names come from the recognisers' own lists (census names, public
domain) or are put together from syllables, so that the tagger learns where a name stands rather
than which names there are.
"""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random


def _words(text: str) -> list[str]:
    return text.split()


RECOGNISERS = Path(__file__).resolve().parents[2] / "resources" / "recognisers"
UNITS = _words("zero one two three four five six seven eight nine")
TEENS = _words("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
TENS = _words("- - twenty thirty forty fifty sixty seventy eighty ninety")
MONTHS = _words(
    "january february march april may june july august september october november december"
)
ORDINALS = _words(
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth"
    " fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth twenty-first"
    " twenty-second twenty-third twenty-fourth twenty-fifth twenty-sixth twenty-seventh"
    " twenty-eighth twenty-ninth thirtieth thirty-first"
)
NATO = _words(
    "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november oscar"
    " papa quebec romeo sierra tango uniform victor whiskey xray yankee zulu"
)
SPELLING = _words(
    "apple bravo charlie david edward frank george harry ink jack king london monkey nellie oliver"
    " poppy queen roger simon tiger under victory whisky xylo york zebra"
)
PAUSES = [
    "um",
    "uh",
    "er",
    "erm",
    "ah",
    "let me see",
    "hang on",
    "one sec",
    "and then",
    "then",
    "and",
]
TAKES_BACK = ["sorry", "no sorry", "no wait", "i mean", "actually no", "no", "oh sorry that's"]
ONSETS = _words("b br d dr f g gr h j k kr l m n p r s sh st t th tr v w y z ch kh mb nk ts")
VOWELS = _words("a a a e e i i o o u ae ai ia eo oo ee ou")
CODAS = ["", "", "", "n", "l", "r", "s", "m", "t", "k", "sh", "nd", "ng", "v", "x", "tt", "rs"]
ENDINGS = _words(
    "son sen ski sky wicz ova ov enko idis opoulos mann berg stein feld bach ez es inho elli ini"
    " etti oglu yan ian nen qvist lund strom ham ton ley worth ford wood field by well bury kar"
    " walla pur nathan raj preet jeet ullah uddin zai oye kwe ani mba thu swe mo"
)
STREET_NAMES = _words(
    "acacia albert alma ash beech birch bridge broad canal castle chapel cherry chestnut clarence"
    " clifton coronation cromwell dale duke east eaton fairview farm ferry field forest fountain"
    " garden george grange granville green grove hawthorn heath high highland hill holly ivy king"
    " kings lake laurel lincoln lodge manor maple market meadow mill moor new norfolk north oak"
    " orchard oxford park pine poplar priory prospect quarry queen queens railway rectory regent"
    " richmond ridge river rose rowan royal salisbury school sea shaftesbury south spring spruce"
    " stanley stone summer sycamore temple tower trinity union valley vicarage walnut water"
    " wellington west willow windmill windsor wood woodland york main second third broadway"
    " washington jefferson franklin sunset cedar hillcrest lakeview delaware"
)
STREETS = _words(
    "street street street road road road avenue avenue lane lane drive drive close court crescent"
    " gardens grove hill mews parade park place rise row square terrace view walk way boulevard"
    " circle trail highway green quay esplanade st rd ave dr ln blvd"
)
FOREIGN_STREETS = [
    "rue de {}", "avenue {}", "{}strasse", "{}straat", "{}gasse", "{}weg", "via {}", "calle {}",
    "{} utca", "{}gatan", "{}vej", "{}katu", "ul {}", "rua {}", "plaza {}", "{} laan", "{}gade",
    "{} ulica", "boulevard {}", "piazza {}", "{}kade", "{}plein",
]  # fmt: skip
TOWNS = _words(
    "leeds bristol manchester croydon slough reading derby luton swansea belfast dundee perth"
    " brisbane ballarat geelong durban pretoria soweto austin dallas phoenix boston denver tampa"
    " toledo columbus glasgow york bath exeter norwich stockport wigan bolton hull cardiff london"
    " birmingham sheffield nottingham southampton portsmouth plymouth wolverhampton sunderland"
    " johannesburg cape_town sydney melbourne adelaide chicago houston seattle portland oakland"
)
HOSTS = _words(
    "gmail.com yahoo.com hotmail.com outlook.com icloud.com aol.com live.co.uk btinternet.com"
    " googlemail.com proton.me sky.com yahoo.co.uk msn.com me.com bigpond.com mweb.co.za"
)
WORDS = _words(
    "sunny tiger purple rocket maple dragon winter cookie shadow silver happy banana orange monkey"
    " pepper ginger blossom thunder falcon coffee river pickle biscuit marble velvet castle bramble"
)


def held_out(name: str) -> bool:
    """Say whether a name is kept from training, one in eight by its hash."""
    return hashlib.sha256(f"tagger name:{name}".encode()).digest()[0] % 8 == 0


class Values:
    """Draws values; `unseen` draws names only from those that training never sees."""

    def __init__(self, chance: Random, *, unseen: bool = False) -> None:
        """Read the lists of names."""
        lists = tomllib.loads((RECOGNISERS / "names.toml").read_text(encoding="utf-8"))
        self.chance = chance
        self._first = [n for n in lists["first"].split() if held_out(n) == unseen]
        self._shy_first = [n for n in lists["first_words"].split() if held_out(n) == unseen]
        self._last = [n for n in lists["last"].split() if held_out(n) == unseen]
        self._shy_last = [n for n in lists["last_words"].split() if held_out(n) == unseen]
        self._unseen = unseen

    def pick(self, *options: str) -> str:
        """Return one of the options."""
        return self.chance.choice(options)

    def often(self, share: float) -> bool:
        """Say yes in `share` of the cases."""
        return self.chance.random() < share

    # ------------------------------------------------------------------ digits and letters

    def some(self, count: int, first: str = "") -> str:
        """Return `count` digits, beginning with `first`."""
        rest = count - len(first)
        return first + "".join(self.chance.choice("0123456789") for _ in range(rest))

    def number(self, digits: str, *groups: int) -> str:
        """Return digits as a recogniser prints what was said."""
        parts, place = [], 0
        for size in groups or (len(digits),):
            parts.append(digits[place : place + size])
            place += size
        parts = [part for part in (*parts, digits[place:]) if part]
        way = self.chance.random()
        if way < 0.14:
            return digits
        if way < 0.26:
            return self.pick(" ", " ", "-", ". ", ", ").join(parts)
        if way < 0.32:
            return self.pick(" ", "-").join(digits)
        said = [self._group(part) for part in parts]
        return self._joined(said)

    def _group(self, part: str) -> str:
        """Say one group of digits in words, pairs, doubles or as printed."""
        zero = self.pick("zero", "oh", "oh", "o", "nought", "0", "zero")
        way = self.chance.random()
        if way < 0.12:
            return part
        if way < 0.28 and len(part) % 2 == 0:
            return " ".join(self.pair(part[i : i + 2], zero) for i in range(0, len(part), 2))
        if way < 0.5:
            return self._doubled(part, zero)
        if way < 0.58:
            return " ".join(d if self.often(0.5) else self._digit(d, zero) for d in part)
        return " ".join(self._digit(d, zero) for d in part)

    def _digit(self, digit: str, zero: str) -> str:
        return zero if digit == "0" else UNITS[int(digit)]

    def pair(self, two: str, zero: str = "oh") -> str:
        """Say two digits as a number: "forty two"."""
        tens, unit = int(two[0]), int(two[1])
        if tens == 0:
            return f"{zero} {self._digit(two[1], zero)}"
        if tens == 1:
            return TEENS[unit]
        return TENS[tens] + (self.pick(" ", "-") + UNITS[unit] if unit else "")

    def _doubled(self, part: str, zero: str) -> str:
        said, place = [], 0
        while place < len(part):
            run = 1
            while run < 3 and part[place : place + run + 1] == part[place] * (run + 1):
                run += 1
            prefix = ("", "", "double ", "triple ")[run]
            said.append(prefix + self._digit(part[place], zero))
            place += run
        return " ".join(said)

    def _joined(self, said: list[str]) -> str:
        """Join groups with pauses and now and then a correction."""
        text = said[0]
        for part in said[1:]:
            pause = self.chance.choice(PAUSES)
            text += self.pick(" ", " ", " ", ", ", ", ", " - ", f" {pause} ", f", {pause}, ") + part
        if len(said) > 1 and self.often(0.06):
            wrong = " ".join(self.chance.choice(UNITS) for _ in range(self.chance.randint(1, 3)))
            text = f"{said[0]} {wrong} {self.chance.choice(TAKES_BACK)} " + text[len(said[0]) :]
        return " ".join(text.split())

    def code(self, text: str, *, like: bool = True) -> str:
        """Say letters and digits one by one, or print them together."""
        way = self.chance.random()
        if way < 0.25:
            return text.upper()
        if way < 0.4:
            return " ".join(text)
        parts = []
        for char in text.lower():
            if char.isdigit():
                parts.append(char if way < 0.55 else self._digit(char, self.pick("zero", "oh")))
            elif way < 0.65:
                parts.append(char)
            elif way < 0.8:
                parts.append(NATO[ord(char) - 97])
            elif like:
                joint = self.pick("for", "for", "as in", "like")
                parts.append(f"{char} {joint} {SPELLING[ord(char) - 97]}")
            else:
                parts.append(char)
        return " ".join(parts)

    def letters(self, count: int) -> str:
        """Return so many letters."""
        return "".join(self.chance.choice("abcdefghjklmnprstuvwxyz") for _ in range(count))

    # ------------------------------------------------------------------ people

    def made_up(self, *, last: bool = False) -> str:
        """Return a name that nobody has, or nearly nobody."""
        parts = [
            self.chance.choice(ONSETS) + self.chance.choice(VOWELS) + self.chance.choice(CODAS)
            for _ in range(self.chance.choice((1, 1, 2, 2, 2, 3)))
        ]
        if last or self.often(0.15):
            parts.append(self.chance.choice(ENDINGS))
        elif len(parts) == 1:
            parts.append(self.pick("a", "o", "ie", "y", "in", "ah", "el", "iana", "ette"))
        return "".join(parts)

    def first_name(self) -> str:
        """Return a first name."""
        way = self.chance.random()
        if way < 0.22:
            return self.made_up()
        return self.chance.choice(self._shy_first if way < 0.32 else self._first)

    def last_name(self) -> str:
        """Return a last name."""
        way = self.chance.random()
        if way < 0.3:
            return self.made_up(last=True)
        if way < 0.36:
            return self.pick("o'", "mac", "mc", "van der ", "de ", "da ", "al ", "von ", "st ") + (
                self.chance.choice(self._last)
            )
        if way < 0.42:
            return self.pick("-", " ").join(self.chance.choices(self._last, k=2))
        return self.chance.choice(self._shy_last if way < 0.58 else self._last)

    def person(self) -> str:
        """Return a name as it is said in talk."""
        way = self.chance.random()
        if way < 0.3:
            return self.first_name()
        if way < 0.78:
            return f"{self.first_name()} {self.last_name()}"
        if way < 0.84:
            return f"{self.first_name()} {self.first_name()} {self.last_name()}"
        if way < 0.87:
            return f"{self.first_name()} {self.letters(1)} {self.last_name()}"
        return self.last_name()

    def full_name(self) -> str:
        """Return first and last name."""
        return f"{self.first_name()} {self.last_name()}"

    def spelled(self) -> str:
        """Return a name letter by letter, now and then with what is heard in place of letters."""
        name = "".join(c for c in self.pick(self.first_name(), self.last_name()) if c.isalpha())
        letters = list(self.code(name[:9], like=self.often(0.5)).lower().split())
        if self.often(0.2):
            letters = [self.pick("double", "double") if self.often(0.05) else x for x in letters]
        joined = self.pick(" ", " ", " ", ", ", "-")
        return joined.join(letters)

    def born(self) -> str:
        """Return a date of birth."""
        day, month = self.chance.randint(1, 28), self.chance.randint(1, 12)
        year = self.chance.randint(1925, 2008)
        name, nth = MONTHS[month - 1], ORDINALS[day - 1].replace("-", self.pick("-", " "))
        two = self.pair(str(year)[2:])
        century = self.pick("nineteen ", "nineteen ", "") if year < 2000 else "two thousand and "
        said = f"{century}{two if year < 2000 else UNITS[year % 10]}"
        end = "th" if 3 < day < 21 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
        of = self.pick(" of ", " ", " of the ")
        return self.pick(
            f"{self.pick('the ', '')}{nth}{of}{self.pick(name, ORDINALS[month - 1])} {said}",
            f"{nth} {name} {said}",
            f"{day}{end}{of}{name} {year}",
            f"{day} {name} {year}",
            f"{name} {nth} {said}",
            f"{name} {day}{self.pick('', end)}{self.pick(', ', ' ')}{year}",
            f"{day:02d}/{month:02d}/{self.pick(str(year), str(year)[2:])}",
            f"{day} {month} {self.pick(str(year), str(year)[2:])}",
            f"{self.pair(f'{day:02d}')} {self.pair(f'{month:02d}')} {two}",
            f"{day}{end} of the {month}{self.pick('th', '')} {year}",
            f"{year}-{month:02d}-{day:02d}",
            f"{name} the {day}{end} {year}",
            f"{day:02d}{month:02d}{year}",
        )

    # ------------------------------------------------------------------ the rest

    def card(self) -> str:
        """Return a card number."""
        if self.often(0.15):
            return self.number(self.some(15, self.pick("34", "37")), 4, 6, 5)
        return self.number(self.some(16, self.pick("4", "4", "5", "51", "6")), 4, 4, 4, 4)

    def expiry(self) -> str:
        """Return when a card ends."""
        month, year = self.chance.randint(1, 12), self.chance.randint(24, 34)
        return self.pick(
            f"{month:02d}/{year}",
            f"{month:02d} {year}",
            f"{month} {year}",
            f"{self.pair(f'{month:02d}')} {self.pair(str(year))}",
            f"{MONTHS[month - 1]} {self.pick('twenty ', '')}{self.pair(str(year))}",
            f"{MONTHS[month - 1]} {2000 + year}",
            f"{UNITS[month] if month < 10 else TEENS[month - 10]} {self.pair(str(year))}",
            f"end of {MONTHS[month - 1]} {2000 + year}",
        )

    def phone(self) -> str:
        """Return a telephone number of Britain, the United States, Australia or South Africa."""
        way = self.chance.random()
        if way < 0.4:
            return self.number(
                self.some(11, "07"), *self.chance.choice(((5, 6), (5, 3, 3), (3, 4, 4)))
            )
        if way < 0.55:
            return self.number(self.some(11, self.pick("01", "02", "03", "08")), 4, 3, 4)
        if way < 0.85:
            return self.number(self.some(10, self.pick("2", "4", "6", "7", "9")), 3, 3, 4)
        plus = self.pick("plus four four ", "+44 ", "+1 ", "plus one ", "+61 ", "+27 ", "")
        return plus + self.number(self.some(10, self.pick("7", "4", "8")), 4, 3, 3)

    def mail(self) -> str:
        """Return an e-mail address, spoken or printed."""
        first, last = (self._plain(n) for n in (self.first_name(), self.last_name()))
        word, digits = self.chance.choice(WORDS), self.some(self.chance.randint(1, 4))
        printed = self.pick(
            f"{first}.{last}", f"{first}{last}", f"{first[0]}{last}", f"{first}_{last}",
            f"{first}{digits}", f"{word}{digits}", f"{last}.{first}{digits}", f"{first}-{last}",
            f"{word}{self.chance.choice(WORDS)}", f"{first[0]}.{last}{digits}",
        )  # fmt: skip
        host = (
            self.chance.choice(HOSTS)
            if self.often(0.75)
            else f"{last}{self.pick('.com', '.org', '.net', '.co.uk')}"
        )
        if self.often(0.3):
            return f"{printed}@{host}"
        dot = self.pick(" dot ", " dot ", " dot ", " point ", ".")
        local = printed.replace(".", dot).replace("_", " underscore ").replace("-", " dash ")
        if self.often(0.3):
            local = local.replace(digits, f" {self.number(digits)} ")
        if self.often(0.1):
            local = " ".join(printed.replace(".", "").replace("_", "").replace("-", ""))
        at = self.pick(" at ", " at ", " at ", " @ ", "@")
        return " ".join(f"{local}{at}{host.replace('.', dot)}".split())

    def _plain(self, name: str) -> str:
        return "".join(char for char in name if char.isalpha()) or "sam"

    def street(self) -> str:
        """Return a street's name."""
        if self.often(0.15):
            return self.chance.choice(FOREIGN_STREETS).format(self.made_up(last=True))
        name = self.chance.choice(STREET_NAMES) if self.often(0.6) else self.last_name()
        if self.often(0.1):
            name = f"{self.pick('old', 'upper', 'lower', 'north', 'south', 'little', 'new')} {name}"
        return f"{name} {self.chance.choice(STREETS)}"

    def house(self) -> str:
        """Return a house number as it is said."""
        number = self.chance.choice((self.chance.randint(1, 99), self.chance.randint(1, 1999)))
        if number < 100 and self.often(0.5):
            said = UNITS[number] if number < 10 else self.pair(f"{number:02d}")
        else:
            said = str(number) if self.often(0.6) else self.number(str(number))
        return said + (f" {self.pick('a', 'b', 'c')}" if self.often(0.08) else "")

    def town(self) -> str:
        """Return a town."""
        return (
            self.chance.choice(TOWNS).replace("_", " ")
            if self.often(0.7)
            else self.made_up(last=True)
        )

    def address(self) -> str:
        """Return a street address, often with the town."""
        unit = ""
        if self.often(0.22):
            what = self.pick("flat", "flat", "unit", "apartment", "apt", "suite", "room", "block")
            unit = f"{what} {self.house()}{self.pick(', ', ' ')}"
        base = f"{unit}{self.house()} {self.street()}"
        if self.often(0.08):
            base = f"{self.street()} {self.house()}"
        if self.often(0.06):
            kind = self.pick("house", "cottage", "farm", "lodge")
            base = f"{self.made_up()} {kind}, {self.street()}"
        if self.often(0.05):
            base = f"p o box {self.number(self.some(self.chance.randint(2, 5)))}"
        if self.often(0.4):
            base += f"{self.pick(', ', ' ', ' in ')}{self.town()}"
        return base

    def postcode(self) -> str:
        """Return a postal code."""
        if self.often(0.25):
            state = self.pick("", "", "ca ", "texas ", "new york ")
            return state + self.number(self.some(5))
        if self.often(0.12):
            return self.number(self.some(4))
        area = self.letters(self.chance.choice((1, 2, 2)))
        middle = str(self.chance.randint(1, 30)) + (self.letters(1) if self.often(0.05) else "")
        tail = str(self.chance.randint(0, 9)) + self.letters(2)
        if self.often(0.35):
            return f"{area}{middle}{self.pick(' ', '')}{tail}"
        if self.often(0.4):
            return f"{self.code(area + middle)} {self.code(tail)}"
        return self.code(area + middle + tail)

    def national(self) -> str:
        """Return a national number: social security, national insurance, health, tax, identity."""
        way = self.chance.random()
        if way < 0.35:
            return self.number(self.some(9), 3, 2, 4)
        if way < 0.6:
            six = self.number(self.some(6), 2, 2, 2)
            return f"{self.code(self.letters(2))} {six} {self.letters(1)}"
        if way < 0.75:
            return self.number(self.some(10), 3, 3, 4)
        if way < 0.85:
            return self.number(self.some(13), 6, 4, 3)
        if way < 0.93:
            return self.number(self.some(9), 3, 3, 3)
        return self.code(self.letters(1) + self.some(8))

    def policy(self) -> str:
        """Return a number with letters, as policies, claims and references have."""
        if self.often(0.3):
            return self.number(self.some(self.chance.randint(6, 10)), 3, 3, 4)
        head = self.letters(self.chance.choice((1, 2, 2, 3)))
        tail = self.some(self.chance.randint(4, 8))
        if self.often(0.4):
            return f"{self.code(head)} {self.number(tail, 3)}"
        return f"{head}{self.pick('', '-', ' ', '/')}{tail}".upper()

    def vehicle(self) -> str:
        """Return a registration."""
        return self.code(self.letters(2) + self.some(2) + self.letters(3))

    def password(self) -> str:
        """Return a password or an answer to a security question."""
        word, other = self.chance.choice(WORDS), self.chance.choice(WORDS)
        digits = self.some(self.chance.randint(1, 4))
        return self.pick(
            word, f"{word} {other}", f"{word}{digits}", f"{word} {self.number(digits)}",
            f"capital {word[0]} {word[1:]} {self.number(digits)}", self.first_name(),
            self.town(), f"{word} {digits} exclamation mark",
        )  # fmt: skip
