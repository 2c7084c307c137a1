"""The sets that redaction is measured on, each as calls with the values that are in them.

Real: `evi`, `earnings21`, `service talk` (typed by people), `agents, real` (Harper Valley, human
transcripts of staged calls). Synthetic: `presidio_research`, `spoken`, `agents, made up`, `agents,
written apart`, `hard negatives`. Half of each is for development and half is held back
(tests.bench.halves), but for Earnings-21 and Harper Valley, which nobody tunes on.
"""

from __future__ import annotations

import csv
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain import Role, RoleBasis
from app.engine.transcription import RawTranscript, RawTurn
from tests.bench import said_by_agents
from tests.bench.halves import held_back
from tests.bench.spoken_values import calls as spoken_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

ROOT = Path(__file__).parents[2]
# What is not redacted by default: found or not, it counts neither way.
NEUTRAL = {"LOCATION", "ORGANIZATION", "DATE_TIME", "TITLE", "PREFIX", "DOMAIN_NAME", "OTHER"}
SPOKEN = {"CARD": 300, "CARD_CODE": 300} | dict.fromkeys(
    ("CARD_EXPIRY", "SORT_CODE", "BANK_ACCOUNT", "PHONE", "POSTCODE", "DATE_OF_BIRTH",
     "NATIONAL_ID", "EMAIL", "PERSON", "ADDRESS", "POLICY_NUMBER", "PIN"), 100)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A call, and the values in it: (turn, kind, start, end)."""

    turns: tuple[tuple[Role, str], ...]
    gold: tuple[tuple[int, str, int, int], ...]
    keep: tuple[tuple[int, int, int], ...] = ()  # agents' own names: (turn, start, end)
    agent: str | None = None  # the name that came with the call

    @property
    def raw(self) -> RawTranscript:
        """Return the call as the redactor takes it."""
        turns = tuple(
            RawTurn(channel=int(role is Role.CUSTOMER), role=role, start_ms=0, end_ms=0, text=text)
            for role, text in self.turns
        )
        return RawTranscript(
            turns=turns, language="en", role_basis=RoleBasis.GIVEN, role_confidence=1.0
        )


def presidio_research(data: Path, half: bool) -> Iterator[Case]:
    """Read the sentences of the research set, each a call of one customer's turn."""
    file = data / "pii/presidio_research/generated_large.json"
    for one in json.loads(file.read_text(encoding="utf-8")) if file.exists() else ():
        if held_back(f"template {one['template_id']}") == half:
            spans = [
                (0, s["entity_type"], s["start_position"], s["end_position"]) for s in one["spans"]
            ]
            yield Case(((Role.CUSTOMER, one["full_text"]),), tuple(spans))


_EVI_KINDS = {"postcode": "POSTCODE", "name": "PERSON", "dob": "DATE_OF_BIRTH"}
_EVI_QUESTIONS = {
    ("postcode", "0"): "What's your postcode?",
    ("postcode", "1"): "Sorry, could you repeat your postcode?",
    ("postcode", "2"): "Could you spell your postcode for me?",
    ("name", "0"): "And your full name?",
    ("name", "1"): "Sorry, what was your first name and your last name?",
    ("name", "2"): "Could you spell your full name?",
    ("dob", "0"): "What is your date of birth?",
    ("dob", "1"): "Sorry, could you repeat your date of birth?",
    ("dob", "2"): "Could you give me your date of birth again, with day, month and year?",
}


def evi(data: Path, half: bool) -> Iterator[Case]:
    """Read the spoken identities: each dialogue is a call of questions and answers."""
    file = data / "pii/evi_spoken_identity/dialogues.en.tsv"
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    if file.exists():
        with file.open(encoding="utf-8", newline="") as lines:
            for row in csv.DictReader(lines, delimiter="\t"):
                rows[row["dialogue_id"]].append(row)
    for dialogue, answers in rows.items():
        if held_back(f"dialogue {dialogue}") != half:
            continue
        turns: list[tuple[Role, str]] = []
        gold = []
        for row in answers:
            said, kind = row["transcription"], _EVI_KINDS[row["item"]]
            question = _EVI_QUESTIONS[row["item"], row["attempt_num"]]
            turns += [(Role.AGENT, question), (Role.CUSTOMER, said)]
            # Without a digit there is no postcode and no birth date in the turn ("my postcode").
            if kind == "PERSON" or any(char.isdigit() for char in said):
                kind += "_SPELLED" if kind == "PERSON" and row["attempt_num"] == "2" else ""
                gold.append((len(turns) - 1, kind, 0, len(said)))
        yield Case(tuple(turns), tuple(gold))


def spoken(_: Path, half: bool) -> Iterator[Case]:
    """Make the synthetic spoken values."""
    sys.path.insert(0, str(ROOT / "tests/golden/redaction"))
    from marked import call

    for kind, lines in spoken_calls(20 + half, SPOKEN):
        one = call(kind, lines)
        yield Case(tuple((turn.role, turn.text) for turn in one.raw.turns), one.gold)


def lower(read: Callable[[Path, bool], Iterable[Case]]) -> Callable[[Path, bool], Iterable[Case]]:
    """Return a set as a recogniser without capitals prints it."""

    def lowered(data: Path, half: bool) -> Iterator[Case]:
        for case in read(data, half):
            turns = tuple((role, text.lower()) for role, text in case.turns)
            if all(
                len(new) == len(old) for (_, new), (_, old) in zip(turns, case.turns, strict=True)
            ):
                yield replace(case, turns=turns)

    return lowered


def earnings21(data: Path, _: bool) -> Iterator[Case]:
    """Read three telephone conferences in lower case without punctuation; whoever is named counts,
    the speakers of the firms too. Nobody tunes on them: there is no development half."""
    for file in sorted((data / "pii/earnings21_ner").glob("*.nlp")):
        kinds = json.loads(file.with_suffix("").with_suffix(".wer_tag.json").read_text())
        turns: list[tuple[Role, str]] = []
        gold: list[tuple[int, str, int, int]] = []
        text, speaker = "", ""
        for row in file.read_text(encoding="utf-8").splitlines()[1:]:
            word, who, *_, tags = row.split("|")
            if speaker and who != speaker:
                turns.append((Role.UNKNOWN, text))
                text = ""
            speaker = who
            start = len(text) + bool(text)
            text = f"{text} {word.lower()}" if text else word.lower()
            for tag in json.loads(tags.replace("'", '"')):
                named = kinds.get(tag, {}).get("entity_type") == "PERSON"
                kind = "PERSON" if named else "OTHER"
                before = gold[-1] if gold else None
                if before and before[:2] == (len(turns), kind) and before[3] + 1 == start:
                    gold[-1] = (*before[:3], len(text))
                else:
                    gold.append((len(turns), kind, start, len(text)))
        turns.append((Role.UNKNOWN, text))
        yield Case(tuple(turns), tuple(gold))


def service_talk(data: Path, half: bool) -> Iterator[Case]:
    """Read what people type to a bank."""
    banking = data / "text/banking77/train.csv"
    if banking.exists():
        with banking.open(encoding="utf-8", newline="") as lines:
            for row in list(csv.reader(lines))[1::4]:
                if held_back(row[0]) == half:
                    yield Case(((Role.CUSTOMER, row[0].strip()),), ())


def orders(data: Path, half: bool) -> Iterator[Case]:
    """Read what is said at a coffee bar; a few people give their first names, which count as false
    alarms all the same, because nothing is marked."""
    coffee = data / "text/taskmaster/data_07.json"
    for one in json.loads(coffee.read_text(encoding="utf-8")) if coffee.exists() else ():
        if held_back(f"taskmaster {one['conversation_id']}") == half:
            roles = {"user": Role.CUSTOMER, "assistant": Role.AGENT}
            yield Case(tuple((roles[u["speaker"]], u["text"]) for u in one["utterances"]), ())


def assistant_talk(data: Path, half: bool) -> Iterator[Case]:
    """Read what people type to an assistant, about music, restaurants and flights too; without the
    intents in which people give names, PINs or reservations."""
    clinc = data / "text/clinc150/data_full.json"
    if clinc.exists():
        for text, intent in json.loads(clinc.read_text(encoding="utf-8"))["test"]:
            if intent not in WITH_VALUES and held_back(text) == half:
                yield Case(((Role.CUSTOMER, text),), ())


def _half(held: bool) -> str:
    return "held_back" if held else "development"


def hard_negatives(_: Path, half: bool) -> Iterator[Case]:
    """Make sentences with amounts, times, order numbers and brands."""
    for line in said_by_agents.plain(_half(half), 40 + half, 600):
        yield Case(((Role.CUSTOMER, line),), ())


def agents_made_up(_: Path, half: bool) -> Iterator[Case]:
    """Make calls in which agents and customers say their names."""
    for lines in said_by_agents.agents(_half(half), 50 + half, 300):
        yield marked_names(lines)


def agents_known(data: Path, half: bool) -> Iterator[Case]:
    """Make the same calls with the agent's name, as recording platforms send it along."""
    for case in agents_made_up(data, half):
        turn, start, end = case.keep[0]
        yield replace(case, agent=case.turns[turn][1][start:end])


def agents_apart(seed: int, *, late: bool) -> Callable[[Path, bool], Iterable[Case]]:
    """Return calls of what two writers wrote who saw neither the rules nor each other."""

    def made(_: Path, half: bool) -> Iterator[Case]:
        for lines in said_by_agents.apart(_half(half), seed + half, late=late):
            yield marked_names(lines)

    return made


def agents_real(data: Path, _: bool) -> Iterator[Case]:
    """Read five staged bank calls in lower case; the agent's and the caller's names are known."""
    for file in sorted((data / "text/harper_valley").glob("*.json")):
        one = json.loads(file.read_text(encoding="utf-8"))
        agent = one["metadata"]["agent_name"].lower().split()
        caller = one["metadata"]["caller_name"].lower().split()
        turns, gold, keep = [], [], []
        for segment in one["segments"]:
            text = segment["human_transcript"]
            role = Role.AGENT if segment["speaker_role"] == "agent" else Role.CUSTOMER
            place = 0
            for word in text.split(" "):
                if word in agent:
                    keep.append((len(turns), place, place + len(word)))
                elif word in caller:
                    gold.append((len(turns), "PERSON", place, place + len(word)))
                place += len(word) + 1
            turns.append((role, text))
        yield Case(tuple(turns), tuple(gold), tuple(keep))


def marked_names(lines: list[tuple[str, str]]) -> Case:
    """Return the call of lines in which `<...>` marks agents' names and `{...}` customers'."""
    turns, gold, keep = [], [], []
    for who, line in lines:
        text, start = "", 0
        for char in line:
            if char in "<{":
                start = len(text)
            elif char == ">":
                keep.append((len(turns), start, len(text)))
            elif char == "}":
                gold.append((len(turns), "PERSON", start, len(text)))
            else:
                text += char
        turns.append((Role.AGENT if who == "A" else Role.CUSTOMER, text))
    return Case(tuple(turns), tuple(gold), tuple(keep))


# Intents of CLINC150 whose sentences name people, or set a PIN.
WITH_VALUES = {
    "change_user_name", "user_name", "restaurant_reservation", "confirm_reservation", "pin_change",
    "meeting_schedule", "schedule_meeting", "make_call", "text", "calendar", "calendar_update",
    "reminder", "reminder_update", "cancel_reservation", "share_location",
}  # fmt: skip
SETS = {
    "presidio_research": presidio_research,
    "presidio_research, lower case": lower(presidio_research),
    "evi": evi,
    "evi, lower case": lower(evi),
    "earnings21": earnings21,
    "spoken": spoken,
    "agents, made up": agents_made_up,
    "agents, made up, name known": agents_known,
    "agents, written apart": agents_apart(60, late=False),
    "agents, written apart, late": agents_apart(70, late=True),
    "agents, real": agents_real,
    "service talk": service_talk,
    "orders": orders,
    "assistant talk": assistant_talk,
    "hard negatives": hard_negatives,
}
