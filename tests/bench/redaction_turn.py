"""How long a turn of 10,000 words takes each finder, in seconds of one core's processor.

    python -m tests.bench.redaction_turn            # talk with numbers, names, questions
    python -m tests.bench.redaction_turn --words 20000

Three texts: talk put together from the golden calls, nothing but digits as they are said, and
written signs that patterns like least ("1-1 a@a aa: +1 ..."). Time has to grow with
the words and not faster; twice the words tell.
"""

from __future__ import annotations

import argparse
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.config import RedactionSettings
from app.domain import RoleBasis
from app.engine.redaction import lexicon
from app.engine.redaction.addresses import AddressFinder
from app.engine.redaction.answers import AnswerFinder
from app.engine.redaction.call import Reader
from app.engine.redaction.contacts import ContactFinder
from app.engine.redaction.engine import Engine
from app.engine.redaction.national import NationalFinder
from app.engine.redaction.numbers import NumberFinder
from app.engine.redaction.people import PeopleFinder
from app.engine.redaction.secrets import SecretFinder
from app.engine.redaction.tagger import TokenTagger
from app.engine.transcription import RawTranscript, RawTurn
from tests.bench.redaction import Models
from tests.bench.redaction_sets import Role

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
RECOGNISERS = ROOT / "resources" / "recognisers"
SIGNS = ("1-1", "a@a", "aa:", "+1", "1.1.1", "www.a?", "A1", "GB82", "(1)", "WEST")


def texts(words: int) -> dict[str, str]:
    """Return the measured texts, each of so many words."""
    golden = (ROOT / "tests/golden/redaction/calls.toml").read_text(encoding="utf-8")
    talk = re.findall(r'"[AC]: (.*)"', golden)
    said = re.sub(r"\{[A-Z_]+:([^}]*)\}", r"\1", " ".join(talk)).split()
    digits = ("four", "two", "double", "seven", "oh", "nine", "b", "for", "bertie", "no", "sorry")
    kinds = {"talk": said, "digits as said": [*digits], "written signs": list(SIGNS)}
    return {
        name: " ".join((some * (words // len(some) + 1))[:words]) for name, some in kinds.items()
    }


def seconds(act: Callable[[], object]) -> float:
    """Return the seconds of the processor that an act takes."""
    started = time.process_time()
    act()
    return time.process_time() - started


def main() -> None:
    """Measure every finder on every text."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--words", type=int, default=10_000)
    words = parser.parse_args().words
    data, models = lexicon.load(RECOGNISERS), Models()
    tagger = TokenTagger(
        models.read("tagger", "model.onnx"),
        models.read("minilm", "tokenizer.json"),
        models.read("tagger", "tagger.json"),
    )
    settings = RedactionSettings()
    engine = Engine(models.spacy(), tagger, settings, RECOGNISERS)
    reader, people = Reader(data), PeopleFinder(data, agents_too=False)
    nobody = {"agent_name": None, "role_basis": RoleBasis.GUESSED, "role_confidence": 0.0}
    for name, text in texts(words).items():
        turn = RawTurn(channel=0, role=Role.CUSTOMER, start_ms=0, end_ms=0, text=text)
        raw = RawTranscript(turns=(turn,), language="en")
        call = reader.read(raw)
        finders = {
            "reading (tokens, numbers, dates, cues)": lambda raw=raw: reader.read(raw),
            "numbers": lambda call=call: NumberFinder(data).find(call),
            "national": lambda call=call: NationalFinder(data, settings.regions).find(call),
            "contacts": lambda call=call: ContactFinder().find(call),
            "addresses": lambda call=call: AddressFinder(data).find(call),
            "secrets": lambda call=call: SecretFinder(data).find(call),
            "answers": lambda call=call: AnswerFinder(data).find(call),
            "people": lambda call=call: people.find(call, [[]], **nobody),
            "patterns": lambda text=text: [
                [*re.finditer(one.regex, text, re.IGNORECASE)] for one in data.patterns
            ],
            "spaCy": lambda text=text: engine._frame._nlp.get_nlp("en")(text),
            "token tagger": lambda text=text: tagger.tag([(Role.CUSTOMER, text)]),
        }
        print(f"\n{name}, {words} words, {len(text)} characters")
        spent = {what: seconds(act) for what, act in finders.items()}
        whole = seconds(lambda raw=raw: engine.find(raw, agent_name=None))
        for what, took in spent.items():
            print(f"  {what:<40} {took:6.2f} s")
        print(f"  {'everything, through Presidio':<40} {whole:6.2f} s")
        print(f"  {'without the token tagger':<40} {whole - spent['token tagger']:6.2f} s")


if __name__ == "__main__":
    main()
