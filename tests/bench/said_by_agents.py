"""Makes calls in which agents say their own names, and sentences that hold no value of a person.

Synthetic text, put together from data/said_by_agents.toml; each half has its own sentences, names,
firms and brands. `<Amelia>` marks an agent's name, which must stay; `{Amelia}` a customer's, which
must go.
"""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

SAID = tomllib.loads(
    (Path(__file__).parent / "data" / "said_by_agents.toml").read_text(encoding="utf-8")
)
NUMBERS = "two four nine twelve fourteen eighteen thirty forty-five sixty ninety"
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday"
MONTHS = "January March April May June August October"


def agents(half: str, seed: int, count: int) -> list[list[tuple[str, str]]]:
    """Return calls as (speaker, marked line), half of them in lower case without punctuation."""
    chance, said, made = random.Random(seed), SAID[half], []
    for _ in range(count):
        agent, customer = chance.choice(said["agents"]), chance.choice(said["customers"])
        firm = chance.choice(said["firms"])
        lines = [("A", chance.choice(said["openings"])), ("C", chance.choice(said["names"]))]
        lines += [(chance.choice("AC"), chance.choice(said["middles"])) for _ in range(2)]
        closing = chance.choice(said["closings"])
        lines.append(("A" if _agents_own(closing) else "C", closing))
        filled = [
            (who, line.format(c=f"{{{customer}}}", firm=firm).replace("<a>", f"<{agent}>"))
            for who, line in lines
        ]
        made.append([(who, _bare(line)) for who, line in filled] if len(made) % 2 else filled)
    return made


def _agents_own(closing: str) -> bool:
    """Say whether it is the agent who closes so."""
    return any(words in closing.lower() for words in ("ask for", "my name is", "you spoke to"))


def plain(half: str, seed: int, count: int) -> list[str]:
    """Return sentences with amounts, times, order numbers and brands, half in lower case."""
    chance, said, made = random.Random(seed), SAID[half], []
    for number in range(count):
        line = chance.choice(said["plain"])
        while "{" in line:
            start, end = line.index("{"), line.index("}")
            value = _value(chance, line[start + 1 : end], said["brands"])
            line = line[:start] + value + line[end + 1 :]
        made.append(_bare(line) if number % 2 else line)
    return made


def _value(chance: random.Random, what: str, brands: list[str]) -> str:
    number = chance.choice(NUMBERS.split())
    return {
        "amount": chance.choice([f"£{chance.randrange(5, 900)}.{chance.randrange(10, 99)}",
                                 f"{number} pounds", f"{number} hundred and {number} pounds"]),
        "day": chance.choice(["first", "3rd", "twelfth", "28th"]),
        "weekday": chance.choice(DAYS.split()), "month": chance.choice(MONTHS.split()),
        "hour": chance.choice(["nine", "half past ten", "6pm", "17:45", "noon", "quarter to two"]),
        "count": chance.choice([number, str(chance.randrange(2, 90))]),
        "brand": chance.choice(brands),
        "digits": str(chance.randrange(1000, 99999)),
    }[what]  # fmt: skip


def _bare(line: str) -> str:
    return "".join(char for char in line.lower() if char not in ",.?")
