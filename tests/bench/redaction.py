"""How much is found, and how much too much, beside plain Presidio with the same spaCy model.

    python -m tests.bench.redaction ../shared/data            # the held-back halves: for publishing
    python -m tests.bench.redaction ../shared/data --half development --misses 20

Sets (redaction_sets.py): `presidio_research` (written-style sentences with spans, synthetic), `evi`
(real spoken names, postcodes and birth dates as recogniser output; the whole turn is the value),
`earnings21` (real telephone conferences: names of people), `spoken` (synthetic calls of
spoken_values.py, another seed per half), `agents` (whose own names must stay), `service talk` and
`hard negatives` (without values: false alarms). Sets that are not there are left out. Half of each
is for development and half is held back, divided by a seeded hash of template or dialogue.

A value is found when at least nine tenths of its letters and digits are redacted, as whatever kind.
A redaction is right when it touches a value; those that touch only what is not redacted by default
(places, organisations, dates, titles) count neither way.
"""

from __future__ import annotations

import argparse
import logging
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import presidio_analyzer  # all of it, for the comparison, before redaction loads what it needs
from presidio_analyzer.nlp_engine import NlpEngineProvider

from app.config import RedactionSettings
from app.engine.models import ModelLibrary
from app.engine.redaction import Redactor
from tests.bench.redaction_sets import NEUTRAL, SETS, Case, Role
from tests.bench.statistics_of_counts import bounds

ROOT = Path(__file__).parents[2]
FOUND_SHARE = 0.9


@dataclass
class Tally:
    """Counts of one set."""

    values: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    redactions: Counter[str] = field(default_factory=Counter)
    right: Counter[str] = field(default_factory=Counter)
    misses: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    alarms: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    named: int = 0  # agents' own names
    kept: int = 0
    turns: int = 0
    seconds: float = 0.0


class Models(ModelLibrary):
    """The models that ship."""

    def __init__(self) -> None:
        """Read the manifest."""
        super().__init__(ROOT / "resources", None)


class PlainPresidio:
    """Presidio as it comes, with the same spaCy model."""

    def __init__(self, model: Path) -> None:
        """Load it."""
        import tldextract

        tldextract.extract = tldextract.TLDExtract(cache_dir=None, suffix_list_urls=())
        logging.disable(logging.WARNING)
        configuration = {
            "nlp_engine_name": "spacy",
            "models": [{"lang_code": "en", "model_name": str(model)}],
        }
        engine = NlpEngineProvider(nlp_configuration=configuration).create_engine()
        self._analyzer = presidio_analyzer.AnalyzerEngine(
            nlp_engine=engine, supported_languages=["en"]
        )

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
        redacted = self._redactor.redact(case.raw, agent_name=case.agent)
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
    for turn, start, end in case.keep:
        tally.named += 1
        stays = covered[turn].isdisjoint(range(start, end))
        tally.kept += stays
        if not stays:
            text = case.turns[turn][1]
            tally.misses["kept"].append(f"{text[start:end]!r} in {text[:160]!r}")
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
    if tally.named:
        print(f"  agents' names kept {share(tally.kept, tally.named)}")
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
