"""Makes calls in which agents say their own names, and sentences that hold no value of a person.

Synthetic text, put together from data/said_by_agents.toml and data/agents_apart.toml; each half has
its own sentences, names, firms and brands. `<Amelia>` marks an agent's name, which must stay;
`{Amelia}` a customer's, which must go.
"""

from __future__ import annotations

import random
import tomllib
from pathlib import Path

DATA = Path(__file__).parent / "data"
SAID = tomllib.loads((DATA / "said_by_agents.toml").read_text(encoding="utf-8"))
APART = tomllib.loads((DATA / "agents_apart.toml").read_text(encoding="utf-8"))
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


def apart(half: str, seed: int, *, late: bool) -> list[list[tuple[str, str]]]:
    """Return calls as (speaker, marked line): every sentence that was written apart, with five
    agents and customers each, as the first of its call or, `late`, after six turns of it."""
    chance, said, made = random.Random(seed), SAID[half], []
    for line in (*APART[half]["own"], *APART[half]["not_own"]):
        for _ in range(5):
            filled = _with_names(chance, line, said)
            written = _bare if filled == filled.lower() else str
            talk = [("C", "I've been charged twice for the same month."),
                    ("A", "Okay, I can see what happened there.")] * 3  # fmt: skip
            around = [(who, written(text)) for who, text in talk]
            made.append([*around, ("A", filled)] if late else [("A", filled), *around[:2]])
    return made


def _with_names(chance: random.Random, line: str, said: dict[str, list[str]]) -> str:
    """Return a line with an agent, a colleague, a customer, by both names or by one, and a firm."""
    customer, namesake = chance.sample(said["customers"], 2)
    agent, other = chance.sample(said["agents"], 2)
    customer = customer if chance.random() < 0.5 else customer.split()[0]
    names = {"<a>": agent, "<other>": other, "<surname>": namesake.split()[-1]}
    filled = line.format(c=f"{{{customer}}}", firm=chance.choice(said["firms"]))
    for mark, name in names.items():
        filled = filled.replace(mark, f"<{name}>")
    bare = line == line.lower() and not any(sign in line for sign in ",.?")
    return filled.lower() if bare else filled


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
