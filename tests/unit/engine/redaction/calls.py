"""What the tests of redaction share: marked calls, the recognisers' data, the shipped model."""

from __future__ import annotations

import importlib.util
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from app.domain import RoleBasis
from app.engine.models import ModelLibrary
from app.engine.redaction import lexicon
from app.engine.redaction.call import Reader
from app.engine.redaction.found import resolve
from app.engine.redaction.name_words import Suspect
from app.engine.redaction.people import PeopleFinder

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.engine.redaction.call import SaidCall
    from app.engine.redaction.found import Found

ROOT = Path(__file__).resolve().parents[4]
RECOGNISERS = ROOT / "resources" / "recognisers"
GOLDEN = ROOT / "tests" / "golden" / "redaction"


def _load_marked():
    spec = importlib.util.spec_from_file_location("marked_calls", GOLDEN / "marked.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules["marked_calls"] = module
    spec.loader.exec_module(module)
    return module


marked = _load_marked()


class Models(ModelLibrary):
    """The models that ship."""

    def __init__(self) -> None:
        super().__init__(ROOT / "resources", None)


@cache
def data() -> lexicon.Lexicon:
    return lexicon.load(RECOGNISERS)


def read(*lines: str) -> SaidCall:
    """Return the call of lines such as `C: my card is 4111`, as the finders see it."""
    return Reader(data()).read(marked.call("", list(lines)).raw)


def said(call: SaidCall, found: list[Found]) -> list[tuple[str, str]]:
    """Return the kinds and texts of what was found, in order."""
    ordered = sorted(found, key=lambda one: (one.turn, one.start, one.kind))
    return [(one.kind, call.turns[one.turn].text[one.start : one.end]) for one in ordered]


def names(
    *lines: str,
    agents_too: bool = False,
    agent_name: str | None = None,
    basis: RoleBasis = RoleBasis.GIVEN,
    sure: float = 1.0,
    model: tuple[str, ...] = (),
    tagged: tuple[str, ...] = (),
    introduces: bool = False,
    things: tuple[str, ...] = (),
) -> list[str]:
    """Return the names found; `model` are the words that spaCy takes for people, `tagged` those of
    the token tagger, which takes them for the speaking agent where it `introduces`; `things` are
    words that name things."""
    call = read(*lines)
    persons = [
        [Suspect(t.text.index(m), t.text.index(m) + len(m)) for m in model if m in t.text]
        + [
            Suspect(t.text.index(m), t.text.index(m) + len(m), 0.95, introduces)
            for m in tagged
            if m in t.text
        ]
        for t in call.turns
    ]
    found = PeopleFinder(data(), agents_too=agents_too).find(
        call,
        persons,
        things=[{p for p, w in enumerate(t.words) if w in things} for t in call.turns],
        agent_name=agent_name,
        role_basis=basis,
        role_confidence=sure,
    )
    return [text for _, text in said(call, resolve(found, data().ranks))]


def steps(act: Callable[[], object]) -> int:
    """Return how many calls of functions an act takes: its work, whatever the clock says."""
    count = 0

    def one_more(*_: object) -> None:
        nonlocal count
        count += 1

    before = sys.getprofile()
    sys.setprofile(one_more)
    try:
        act()
    finally:
        sys.setprofile(before)
    return count
