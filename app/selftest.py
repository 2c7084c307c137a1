"""The self-test: is this computer fit, is the network off, are the models the right ones, does the
whole way from recording to finding work?

Each check is one line that a person understands; a failed one says what to do.
"""

from __future__ import annotations

import os
import platform
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import AnalysedCall, Check
from app.errors import AppError
from app.offline import network_is_refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.domain import Outcome
    from app.engine.models import ModelLibrary
    from app.engine.wire import NetworkTried

_LEAST_FREE_BYTES = 1_000_000_000
_LEAST_MEMORY_BYTES = 3_500_000_000
_OPEN = "A connection was not refused: the network fence does not hold."
_OPEN_HINT = "Do not use this installation; send the output of `doctor` to support."


def checks(
    models: ModelLibrary,
    data: Path,
    *,
    reach_out: Callable[[], NetworkTried],
    analyse: Callable[[], Outcome],
) -> Iterator[Check]:
    """Give each check's result as soon as it is known; `reach_out` lets a worker try the network,
    `analyse` runs a sample through one."""
    yield _network()
    yield _network_of_workers(reach_out)
    yield _memory()
    yield _disk(data)
    for card in models.catalogue():
        yield _model(models, card.name)
    yield _sample(analyse)


def _network() -> Check:
    if network_is_refused():
        return Check(name="network", ok=True, sentence="The network is shut off for this program.")
    return Check(name="network", ok=False, sentence=_OPEN, hint=_OPEN_HINT)


def _network_of_workers(reach_out: Callable[[], NetworkTried]) -> Check:
    """Tell what a worker met that tried the network itself, in Python and in native code."""
    name = "network of workers"
    try:
        tried = reach_out()
    except AppError as error:
        return Check(name=name, ok=False, sentence=error.sentence, hint=error.advice)
    if not tried.python_refused:
        return Check(name=name, ok=False, sentence=_OPEN, hint=_OPEN_HINT)
    if tried.native_refused is None:
        sentence = (
            "The network is shut off for Python code where calls are analysed; this operating"
            " system has no fence for native code."
        )
        return Check(name=name, ok=True, sentence=sentence)
    if not tried.native_refused:
        sentence = (
            "Native code can open a connection where calls are analysed: the kernel does not refuse"
            " it."
        )
        return Check(name=name, ok=False, sentence=sentence, hint=_OPEN_HINT)
    sentence = (
        "The network is shut off where calls are analysed, for native code too: the kernel refuses."
    )
    return Check(name=name, ok=True, sentence=sentence)


def _memory() -> Check:
    if not hasattr(os, "sysconf"):
        return Check(name="computer", ok=True, sentence=f"{os.cpu_count()} processor cores.")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    sentence = (
        f"{os.cpu_count()} processor cores ({platform.machine()}), {memory / 1e9:.0f} GB of memory."
    )
    hint = "Analysing needs 4 GB of memory." if memory < _LEAST_MEMORY_BYTES else ""
    return Check(name="computer", ok=not hint, sentence=sentence, hint=hint)


def _disk(data: Path) -> Check:
    place = next(folder for folder in (data, *data.parents) if folder.exists())
    if not os.access(place, os.W_OK):
        sentence = "The folder for this program's data cannot be written to."
        return Check(name="disk", ok=False, sentence=sentence, hint=f"Look at {place}.")
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize if hasattr(os, "statvfs") else 0
    if hasattr(os, "statvfs") and free < _LEAST_FREE_BYTES:
        sentence = f"Only {free / 1e9:.1f} GB are free for vaults."
        return Check(name="disk", ok=False, sentence=sentence, hint="Free some space.")
    return Check(name="disk", ok=True, sentence="Vaults can be kept on this computer.")


def _model(models: ModelLibrary, name: str) -> Check:
    try:
        models.check(name)
    except AppError as error:
        return Check(name=f"model {name}", ok=False, sentence=error.sentence, hint=error.advice)
    return Check(name=f"model {name}", ok=True, sentence="All files are the ones of the manifest.")


def _sample(analyse: Callable[[], Outcome]) -> Check:
    outcome = analyse()
    if not isinstance(outcome, AnalysedCall):
        return Check(name="sample", ok=False, sentence=outcome.sentence, hint=outcome.hint)
    found = outcome.analysis
    seconds = sum(outcome.seconds.values())
    return Check(
        name="sample",
        ok=True,
        sentence=(
            f"A sample call of {found.duration_ms / 1000:.0f} s was analysed in {seconds:.1f} s:"
            f" {counted(len(found.transcript.turns), 'turn')},"
            f" {counted(len(found.redactions), 'redaction')},"
            f" {counted(len(found.findings), 'finding')}."
        ),
    )
