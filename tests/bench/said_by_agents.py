"""Makes calls in which agents say their own names, and sentences that hold no value of a person.

Synthetic text, written apart from the recognisers' data and from what the token tagger is trained
on. `<Amelia>` marks an agent's name, which must stay; `{Amelia}` a customer's, which must go.
"""

from __future__ import annotations

import random

AGENTS = "Amelia Tariq Bronagh Lerato Stefan Caoimhe Devika Marcus Yolanda Piotr Ingrid Kwame"
AGENTS += " Rosalind Hamza Delphine Tendai Grant Faith Joy Will Mark Rose"
CUSTOMERS = "Beatrix Fennimore|Ollie Prendergast|Anjali Rao|Gethin Pugh|Moira Tolland|Sipho Nkosi"
CUSTOMERS += "|Wilhelmina Botha|Jerome Castle|Lucinda May|Arthur Penhaligon|Dee Carmody"
FIRMS = "Fernbank Mutual|Corrigan Water|Aster Mobile|Lowland Insurance|Pelham and Finch|Kestrel Gas"
OPENINGS = [
    "Good evening, {firm}, <{a}> speaking.",
    "Thanks for holding, my name's <{a}>, who do I have the pleasure of speaking with?",
    "Hello and welcome to {firm}. My name is <{a}>, how can I be of assistance?",
    "You're through to <{a}> in the bereavement team.",
    "{firm} claims, this is <{a}>, can I take a name?",
    "Hiya, it's <{a}> at {firm}, what can I do for you?",
    "Morning, <{a}> here from {firm}, calls are recorded.",
    "Thank you for calling {firm}, you're speaking with <{a}>, may I have your name please?",
]
NAMES = ["Hi <{a}>, it's {{{c}}}.", "Oh hello, my name is {{{c}}}.", "Yeah, {{{c}}}.",
         "Hello <{a}>, this is {{{c}}} calling about my account."]  # fmt: skip
MIDDLES = [
    "Right, let me pull that up for you.",
    "I've been charged twice for the same month.",
    "There was a missed appointment on Tuesday.",
    "Okay, I can see what happened there.",
]
CLOSINGS = [
    "That's brilliant, thanks so much <{a}>.",
    "If you need anything else just ask for <{a}>.",
    "Thank you <{a}>, bye.",
    "Cheers <{a}>, you've been a star.",
]
PLAIN = [
    "That's {amount} altogether and the first payment leaves on the {day}.",
    "It says {amount} on the screen but I was quoted {amount}.",
    "The engineer can do {weekday} between {hour} and {hour}.",
    "Your parcel left the depot at {hour}, order {digits}.",
    "We're open {hour} till {hour}, {weekday} to {weekday}.",
    "I bought a {brand} dishwasher and a {brand} kettle.",
    "Is the {brand} one any better than the {brand}?",
    "The last bill covered {count} days at {count} pence a unit.",
    "You get {count} percent off if you stay for {count} months.",
    "It's the {brand} contract with {count} gigabytes.",
    "I've rung {count} times since {weekday}.",
    "The excess is {amount} and it goes up to {amount} for glass.",
    "Two of them arrived and one of them was broken.",
    "May would be fine, or else June.",
    "Will that be on the next statement?",
    "Could you mark it as read and bill me for the rest?",
    "There's a long queue at the {brand} in Lincoln.",
    "I don't want to give my card number over the phone.",
    "Why do you need my date of birth for that?",
    "Nobody ever told me there was a security code.",
    "It's a two-bedroom flat with a {brand} boiler.",
    "The reading was {digits} in {month} and {digits} in {month}.",
    "I lost {count} kilos and {count} inches.",
    "Flight times are {hour} out and {hour} back.",
    "Press {count} then hash, then wait {count} seconds.",
    "Right, so that's {count} adults and {count} children.",
    "Error {digits} keeps coming up on the {brand} app.",
    "My balance is {amount} short.",
    "She waited {count} minutes and then the line dropped.",
    "The grace period is {count} days.",
]
BRANDS = "Bosch|Hotpoint|Morphy Richards|Black and Decker|Harvey Nichols|Laura Ashley|Peugeot"
BRANDS += "|Fred Perry|Paul Smith|Ben and Jerry's|Nokia|Lloyds|Jo Malone|Levi's|Russell Hobbs"
NUMBERS = "two four nine twelve fourteen eighteen thirty forty-five sixty ninety"
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
MONTHS = "January March April May June August October"


def agents(seed: int, count: int) -> list[list[tuple[str, str]]]:
    """Return calls as (speaker, marked line), half of them in lower case without punctuation."""
    chance, made = random.Random(seed), []
    for _ in range(count):
        words = {"a": chance.choice(AGENTS.split()), "c": chance.choice(CUSTOMERS.split("|")),
                 "firm": chance.choice(FIRMS.split("|"))}  # fmt: skip
        lines = [("A", chance.choice(OPENINGS)), ("C", chance.choice(NAMES))]
        lines += [(chance.choice("AC"), chance.choice(MIDDLES)) for _ in range(2)]
        closing = chance.choice(CLOSINGS)
        lines.append(("A" if "ask for" in closing else "C", closing))
        filled = [(who, line.format(**words)) for who, line in lines]
        made.append([(who, _bare(line)) for who, line in filled] if len(made) % 2 else filled)
    return made


def plain(seed: int, count: int) -> list[str]:
    """Return sentences with amounts, times, order numbers and brands, half in lower case."""
    chance, made = random.Random(seed), []
    for number in range(count):
        line = chance.choice(PLAIN)
        while "{" in line:
            start, end = line.index("{"), line.index("}")
            line = line[:start] + _value(chance, line[start + 1 : end]) + line[end + 1 :]
        made.append(_bare(line) if number % 2 else line)
    return made


def _value(chance: random.Random, what: str) -> str:
    number = chance.choice(NUMBERS.split())
    return {
        "amount": chance.choice([f"£{chance.randrange(5, 900)}.{chance.randrange(10, 99)}",
                                 f"{number} pounds", f"{number} hundred and {number} pounds"]),
        "day": chance.choice(["first", "3rd", "twelfth", "28th"]),
        "weekday": chance.choice(DAYS.split()), "month": chance.choice(MONTHS.split()),
        "hour": chance.choice(["nine", "half past ten", "6pm", "17:45", "noon", "quarter to two"]),
        "count": chance.choice([number, str(chance.randrange(2, 90))]),
        "brand": chance.choice(BRANDS.split("|")),
        "digits": str(chance.randrange(1000, 99999)),
    }[what]  # fmt: skip


def _bare(line: str) -> str:
    return "".join(char for char in line.lower() if char not in ",.?")
