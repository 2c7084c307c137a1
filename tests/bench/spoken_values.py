"""Makes calls in which values are said in many ways, at random but always the same for a seed.

Synthetic text, written apart from the recognisers' data: questions, fillers and forms are drawn
from lists of their own. `{KIND:...}` marks what must be redacted.
"""

from __future__ import annotations

import random

UNITS = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
TEENS = ["ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"]
TEENS += ["eighteen", "nineteen"]
NATO = "alpha bravo charlie delta echo foxtrot golf hotel india juliet kilo lima mike november"
NATO += " oscar papa quebec romeo sierra tango uniform victor whiskey x-ray yankee zulu"
BY_WORD = {
    letter.upper(): word
    for letter, word in zip("abcdefghijklmnopqrstuvwxyz", NATO.split(), strict=True)
}
PLAIN = {
    "A": "apple",
    "B": "bertie",
    "C": "cat",
    "D": "dog",
    "E": "egg",
    "F": "freddie",
    "G": "george",
    "H": "harry",
    "I": "igloo",
    "J": "jam",
    "K": "kettle",
    "L": "lemon",
    "M": "mother",
    "N": "nut",
    "O": "orange",
    "P": "peter",
    "Q": "queen",
    "R": "robert",
    "S": "sugar",
    "T": "tommy",
    "U": "umbrella",
    "V": "violin",
    "W": "water",
    "X": "xylophone",
    "Y": "yellow",
    "Z": "zebra",
}
MONTHS = "January February March April May June July August September October November December"
ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth"
ORDINALS += " thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
FIRST = "Naomi Callum Priya Dmitri Siobhan Thabo Marguerite Olu Hannah Wei Gustav Leila Ewan Pilar"
LAST = "Abernathy Okonjo Brightwater Petrov Quigley Sundaram Vasquez Whitlock Nakamura Dlamini"
LAST += " Fairweather Kowalczyk Lindqvist Mbeki Castellano"
STREETS = ["Mulberry Lane", "Station Road", "Kingfisher Close", "Elm Street", "Victoria Avenue"]
STREETS += ["Old Mill Drive", "Church Terrace", "Harbour View Crescent", "Long Acre Gardens"]

QUESTIONS = {
    "CARD": [
        "What's the card number?",
        "Could you read out the long number on the front for me?",
        "And what card would you like to use?",
        "Go ahead with your card number whenever you're ready.",
        "Right, which debit card number should I put the refund on?",
    ],
    "CARD_CODE": [
        "And the three digits on the back?",
        "What's the security code on that?",
        "And the CVV please.",
        "Could I get the last three digits on the signature strip?",
        "Finally the verification code on the card?",
    ],
    "CARD_EXPIRY": [
        "When does it expire?",
        "And the expiry?",
        "What's the expiration date on that?",
    ],
    "SORT_CODE": ["What's the sort code?", "And the sort code for that account?"],
    "BANK_ACCOUNT": [
        "And the bank account number?",
        "What's the account number with the bank, next to the sort code?",
    ],
    "PHONE": [
        "What's a good number to reach you on?",
        "Can I take a contact number?",
        "And your mobile number?",
        "Could I have your phone number in case we get cut off?",
    ],
    "POSTCODE": [
        "And the postcode there?",
        "What's your postcode please?",
        "Can you confirm the post code?",
    ],
    "DATE_OF_BIRTH": [
        "Can you confirm your date of birth?",
        "And when were you born?",
        "What's the date of birth on the account?",
    ],
    "NATIONAL_ID": [
        "Can I have your national insurance number?",
        "What is your social security number?",
    ],
    "EMAIL": [
        "What's the best email for you?",
        "Which e-mail address should I send it to?",
        "And your email?",
    ],
    "PERSON": [
        "Who am I speaking to?",
        "Can I take your full name please?",
        "And what's your name?",
        "Could I have the name on the account?",
    ],
    "ADDRESS": [
        "What's the first line of your address?",
        "And where do you live?",
        "Can you confirm the address we have for you?",
    ],
    "POLICY_NUMBER": ["Do you have your policy number to hand?", "What's the policy number?"],
    "PIN": ["Can you give me your telephone PIN?", "What's the passcode on the account?"],
}
LEADS = [
    "",
    "",
    "It's ",
    "Yes, it's ",
    "Sure. ",
    "Um, ",
    "Okay so that's ",
    "Yeah it's ",
    "That would be ",
]
ENDS = ["", "", ".", ".", " please.", ", thanks."]


def calls(seed: int, counts: dict[str, int]) -> list[tuple[str, list[str]]]:
    """Return (kind, marked lines) for as many values of each kind as `counts` says."""
    chance = random.Random(seed)
    made = []
    for kind, count in counts.items():
        for _ in range(count):
            said = _VALUES[kind](chance)
            answer = f"{chance.choice(LEADS)}{{{kind}:{said}}}{chance.choice(ENDS)}"
            lines = [f"A: {chance.choice(QUESTIONS[kind])}", f"C: {answer}"]
            if chance.random() < 0.5:
                lines = [line.lower().translate({ord(c): None for c in ",.?"}) for line in lines]
                lines = [_restore(line, kind) for line in lines]
            made.append((kind, lines))
    return made


def _restore(line: str, kind: str) -> str:
    """Put back what lower case took from the marks."""
    return line[0].upper() + line[1:].replace("{" + kind.lower() + ":", "{" + kind + ":")


def luhn_card(chance: random.Random) -> str:
    """Return a number that could be a card's."""
    start = chance.choice(["4", "51", "53", "55", "4", "37"])
    length = 15 if start == "37" else 16
    body = start + "".join(chance.choice("0123456789") for _ in range(length - 1 - len(start)))
    total = 0
    for place, char in enumerate(reversed(body)):
        digit = int(char) * (2 if place % 2 == 0 else 1)
        total += digit - 9 if digit > 9 else digit
    return body + str(-total % 10)


def digits_said(chance: random.Random, digits: str, groups: list[int]) -> str:
    """Say digits in groups, in one of many ways."""
    way = chance.choice(
        ["words", "words", "written", "together", "pairs", "double", "mixed", "hesitant"]
    )
    if way == "together":
        return digits
    parts, place = [], 0
    for size in groups:
        parts.append(digits[place : place + size])
        place += size
    if way == "written":
        return chance.choice([" ", "-", " "]).join(parts)
    zero = chance.choice(["zero", "oh", "oh", "nought"])
    said = []
    for part in parts:
        if way == "pairs" and len(part) % 2 == 0:
            said.append(" ".join(_pair(part[i : i + 2], zero) for i in range(0, len(part), 2)))
        elif way == "double":
            said.append(_doubled(part, zero))
        elif way == "mixed" and chance.random() < 0.5:
            said.append(part)
        else:
            said.append(" ".join(zero if d == "0" else UNITS[int(d)] for d in part))
    between = [", um, ", ", ", " and then ", ", er "] if way == "hesitant" else [", ", " "]
    text = said[0]
    for part in said[1:]:
        text += chance.choice(between) + part
    if way == "hesitant" and chance.random() < 0.3:
        wrong = " ".join(UNITS[chance.randrange(1, 10)] for _ in range(len(parts[-1])))
        text = text[: len(text) - len(said[-1])] + wrong + ", sorry, no, " + said[-1]
    return text


def _pair(two: str, zero: str) -> str:
    tens, unit = int(two[0]), int(two[1])
    if tens == 0:
        return f"{zero} {UNITS[unit] if unit else zero}"
    if tens == 1:
        return TEENS[unit]
    return TENS[tens] + (f" {UNITS[unit]}" if unit else "")


def _doubled(part: str, zero: str) -> str:
    said, place = [], 0
    while place < len(part):
        word = zero if part[place] == "0" else UNITS[int(part[place])]
        run = 1
        while run < 3 and place + run < len(part) and part[place + run] == part[place]:
            run += 1
        said.append(("", "", "double ", "triple ")[run] + word)
        place += run
    return " ".join(said)


def letters_said(chance: random.Random, text: str) -> str:
    """Say letters and digits one by one."""
    way = chance.choice(["plain", "nato", "for", "written"])
    if way == "written":
        return text
    said = []
    for char in text:
        if char.isdigit():
            said.append(UNITS[int(char)])
        elif way == "nato":
            said.append(BY_WORD[char])
        elif way == "for" and chance.random() < 0.6:
            said.append(f"{char} for {PLAIN[char]}")
        else:
            said.append(char)
    return " ".join(said)


def _some(chance: random.Random, count: int) -> str:
    return "".join(chance.choice("0123456789") for _ in range(count))


def _card(chance: random.Random) -> str:
    number = luhn_card(chance)
    return digits_said(chance, number, [4, 4, 4, 4] if len(number) == 16 else [4, 6, 5])


def _expiry(chance: random.Random) -> str:
    month, year = chance.randrange(1, 13), chance.randrange(26, 34)
    return chance.choice(
        [
            f"{month:02d} {year}",
            f"{month:02d}/{year}",
            f"{MONTHS.split()[month - 1]} {2000 + year}",
            digits_said(chance, f"{month:02d}{year}", [2, 2]),
            f"{_pair(f'{month:02d}', 'oh')} {_pair(str(year), 'oh')}",
        ]
    )


def _phone(chance: random.Random) -> str:
    if chance.random() < 0.6:
        return digits_said(chance, "07" + _some(chance, 9), [5, 3, 3])
    return digits_said(
        chance, chance.choice("23456789") + _some(chance, 2) + "555" + _some(chance, 4), [3, 3, 4]
    )


def _postcode(chance: random.Random) -> str:
    letters = "ABDEFGHJLNPQRSTUWXYZ"
    area = chance.choice("BLMSNEW") + chance.choice(["", *"AEHLNST"])
    return letters_said(
        chance,
        f"{area}{chance.randrange(1, 30)}{chance.randrange(1, 10)}"
        f"{chance.choice(letters)}{chance.choice(letters)}",
    )


def _born(chance: random.Random) -> str:
    day, month, year = (
        chance.randrange(1, 29),
        chance.randrange(1, 13),
        chance.randrange(1935, 2006),
    )
    name = MONTHS.split()[month - 1]
    spoken = ORDINALS.split()[day - 1] if day <= 20 else f"twenty {ORDINALS.split()[day - 21]}"
    years = f"{_pair(str(year)[:2], 'oh')} {_pair(str(year)[2:], 'oh')}"
    return chance.choice(
        [
            f"the {spoken} of {name} {years}",
            f"{day}th of {name} {year}",
            f"{name} {day} {year}",
            f"{day:02d}/{month:02d}/{year}",
            " ".join(_pair(two, "oh") for two in (f"{day:02d}", f"{month:02d}", str(year)[2:])),
            f"{spoken} {name} {_pair(str(year)[2:], 'oh')}",
            f"{day:02d} {month:02d} {year}",
        ]
    )


def _national(chance: random.Random) -> str:
    if chance.random() < 0.5:
        return digits_said(chance, f"{chance.randrange(100, 650)}{_some(chance, 6)}", [3, 2, 4])
    pair = chance.choice(["JG", "PW", "AB", "SR", "LE"])
    return letters_said(chance, f"{pair}{_some(chance, 6)}{chance.choice('ABCD')}")


def _mail(chance: random.Random) -> str:
    first, last = chance.choice(FIRST.split()).lower(), chance.choice(LAST.split()).lower()
    local = chance.choice(
        [
            f"{first} dot {last}",
            f"{first[0]} {last}",
            f"{first} underscore {last}",
            f"{last} {UNITS[chance.randrange(1, 10)]} {UNITS[chance.randrange(1, 10)]}",
            " ".join(last),
            f"{first}{chance.randrange(10, 99)}",
        ]
    )
    host = chance.choice(
        [
            "gmail dot com",
            "hotmail dot co dot uk",
            "outlook dot com",
            "example dot org",
            "my firm dot co dot za",
        ]
    )
    return f"{local} at {host}"


def _person(chance: random.Random) -> str:
    return f"{chance.choice(FIRST.split())} {chance.choice(LAST.split())}"


def _address(chance: random.Random) -> str:
    number = chance.randrange(1, 200)
    said = chance.choice([str(number), _pair(f"{number % 90 + 10}", "oh")])
    return f"{chance.choice(['', '', 'Flat 3, ', 'Unit two, '])}{said} {chance.choice(STREETS)}"


def _policy(chance: random.Random) -> str:
    return letters_said(
        chance, chance.choice(["H", "KL", "POL", "MX"]) + _some(chance, chance.randrange(5, 8))
    )


_VALUES = {
    "CARD": _card,
    "CARD_CODE": lambda chance: digits_said(chance, _some(chance, 3), [3]),
    "CARD_EXPIRY": _expiry,
    "SORT_CODE": lambda chance: digits_said(chance, _some(chance, 6), [2, 2, 2]),
    "BANK_ACCOUNT": lambda chance: digits_said(chance, _some(chance, 8), [4, 4]),
    "PHONE": _phone,
    "POSTCODE": _postcode,
    "DATE_OF_BIRTH": _born,
    "NATIONAL_ID": _national,
    "EMAIL": _mail,
    "PERSON": _person,
    "ADDRESS": _address,
    "POLICY_NUMBER": _policy,
    "PIN": lambda chance: digits_said(chance, _some(chance, 4), [4]),
}
