"""What hearing the muted audio again finds: leaks that were planted, false alarms, and its cost.

    python -m tests.bench.proof                      # all samples, every way of leaking
    python -m tests.bench.proof --clips 12           # calls cut from them: false alarms only
    python -m tests.bench.proof --strict --only retail

Each sample is transcribed and redacted once; then what is to be muted is falsified in one way after
the other, and the proof is made on what that leaves audible. What leaks is counted by the gold
standard and the samples themselves, by no recogniser: a word of a value is audible where more than
half of the time in which it is said is not silent. Shares are of the processor's time of
transcription.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from app.config import ExecutionSettings, Settings
from app.domain import ProofMode, Role
from app.engine.audio import RATE_HZ, Audio, mute
from app.engine.models import ModelLibrary
from app.engine.proof import Listening
from app.engine.redaction import Redactor
from app.engine.speakers import assign_roles
from app.engine.transcription import Transcriber
from tests.arrays import decoded
from tests.bench.clips import SAMPLES, clips

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from app.domain import MutedSpan, Proof
    from app.engine.raw import RawTranscript
    from app.engine.redaction import Redacted

ROOT = Path(__file__).resolve().parents[2]
CUSTOMER_FIRST = {"utilities"}
SHIFT_MS = 400
LEAK_GAIN = 0.25
LEAKING = "one channel only"

Word = tuple[int, int, int, str]
"""Channel, start and end in milliseconds, and kind, of a word of a value that is to be muted."""


@dataclass
class Heard:
    """A call as it was transcribed and redacted, before anything is muted."""

    name: str
    audio: Audio
    spoken: RawTranscript
    redacted: Redacted
    seconds: float  # of the processor, to transcribe it
    values: list[Word]
    agent: str | None

    def copy(self) -> Audio:
        """Return its sound, to be muted in one way or another."""
        return replace(self.audio, samples=self.audio.samples.copy())

    def audible(self, audio: Audio, *, on_both: bool) -> Counter[str]:
        """Return how many words of each kind of value are heard, on the other channel too where
        they are let through there."""
        both = [(1 - word[0], *word[1:]) for word in self.values] if on_both else []
        return Counter(word[3] for word in [*self.values, *both] if _is_heard(audio, word))


class Bench:
    """The parts of the product that are measured, loaded once."""

    def __init__(self) -> None:
        """Use the shipped models with one thread."""
        models = ModelLibrary(ROOT / "resources", None)
        settings = Settings()
        self.transcriber = Transcriber(
            models, settings.speech, ExecutionSettings(threads_per_worker=1)
        )
        self.redactor = Redactor(models, settings.redaction, ROOT / "resources" / "recognisers")

    def hear(self, name: str, data: bytes, suffix: str, values: list[Word]) -> Heard:
        """Transcribe and redact one recording; the time is that of a second hearing, after the
        models have been loaded."""
        audio = decoded(data, longest_minutes=60, suffix=suffix)
        roles = (Role.AGENT, Role.CUSTOMER)
        roles = roles[::-1] if name in CUSTOMER_FIRST else roles
        self.transcriber.transcribe(audio, progress=_nothing)
        started = time.process_time()
        spoken = self.transcriber.transcribe(audio, progress=_nothing)
        seconds = time.process_time() - started
        spoken = assign_roles(spoken, roles if not name.startswith("clip") else (), audio.channels)
        agent = agent_of(name) or None
        redacted = self.redactor.redact(spoken, agent_name=agent)
        return Heard(name, audio, spoken, redacted, seconds, values, agent)

    def prove(
        self, heard: Heard, believed: Redacted, audio: Audio, mode: ProofMode
    ) -> tuple[Proof, float]:
        """Prove a call that is muted as the first pass believes it has to be; return the proof and
        its seconds."""
        listening = Listening(
            transcriber=self.transcriber,
            redactor=self.redactor,
            mode=mode,
            speech="whisper-base",
            agent_name=heard.agent,
            hints=(),
        )
        started = time.process_time()
        proven = listening.prove(audio, heard.spoken, believed, ())
        return proven.proof, time.process_time() - started


def _nothing(_: float) -> None:
    """Hear of no progress."""


def _is_heard(audio: Audio, word: Word) -> bool:
    channel, start_ms, end_ms, _ = word
    said = audio.samples[channel, start_ms * RATE_HZ // 1000 : end_ms * RATE_HZ // 1000]
    return bool((said != 0).mean() > 0.5) if len(said) else False


# ------------------------------------------------------------------------------ ways of leaking

Spans = tuple["MutedSpan", ...]


def _moved(by_ms: int) -> Callable[[Spans], Spans]:
    def moved(spans: Spans) -> Spans:
        return tuple(
            replace(one, start_ms=max(0, one.start_ms + by_ms), end_ms=max(0, one.end_ms + by_ms))
            for one in spans
        )

    return moved


def _first_halves(spans: Spans) -> Spans:
    return tuple(replace(one, end_ms=(one.start_ms + one.end_ms) // 2) for one in spans)


def _without_longest(spans: Spans) -> Spans:
    longest = max(spans, key=lambda one: one.end_ms - one.start_ms, default=None)
    return tuple(one for one in spans if one is not longest)


def _let_through(audio: Audio) -> None:
    """Let each side be heard on the other's channel, too."""
    loud = audio.samples.astype(np.float32)
    mixed = np.rint(loud + LEAK_GAIN * loud[::-1])
    audio.samples[:] = np.clip(mixed, -32768, 32767).astype(np.int16)


WAYS: dict[str, Callable[[Spans], Spans]] = {
    "as it should be": lambda spans: spans,
    f"{SHIFT_MS} ms late": _moved(SHIFT_MS),
    f"{SHIFT_MS} ms early": _moved(-SHIFT_MS),
    "first halves only": _first_halves,
    "longest left out": _without_longest,
    "nothing muted": lambda _: (),
    LEAKING: lambda spans: spans,
}
"""What the first pass believes has to be muted, in place of what does."""


# ----------------------------------------------------------------------------------- measuring


def gold_words(name: str, kinds: frozenset[str]) -> list[Word]:
    """Return the words of a sample's values of the kinds, but for the agent's own name."""
    gold = json.loads((SAMPLES / f"{name}.json").read_text(encoding="utf-8"))
    found = []
    for one in gold["entities"]:
        if one["kind"] in kinds and one["text"].split()[0] not in agent_of(name).split():
            turn = gold["turns"][one["turn"]]
            found += [
                (turn["channel"], word["start_ms"], word["end_ms"], one["kind"])
                for word in turn["words"]
                if one["start"] <= word["start"] < one["end"]
            ]
    return found


def agent_of(name: str) -> str:
    """Return the agent's name of a sample."""
    with (SAMPLES / "calls.csv").open(encoding="utf-8") as file:
        return next(
            (row["agent"] for row in csv.DictReader(file) if row["file"].startswith(name)), ""
        )


def measure(bench: Bench, heard: Heard, mode: ProofMode, ways: Sequence[str]) -> None:
    """Print one line for each way of leaking."""
    for way in ways:
        audio = heard.copy()
        if way == LEAKING:
            _let_through(audio)
        believed = replace(heard.redacted, muted=WAYS[way](heard.redacted.muted))
        mute(audio, believed.muted)
        before = heard.audible(audio, on_both=way == LEAKING)
        proof, seconds = bench.prove(heard, believed, audio, mode)
        after = heard.audible(audio, on_both=way == LEAKING)
        left = " ".join(f"{kind}:{words}" for kind, words in sorted(after.items()))
        found = " ".join(f"{one.kind}:{one.places}" for one in proof.found)
        print(
            f"{heard.name:<15} {way:<17} audible {before.total():3d} -> {after.total():3d}"
            f" of {len(heard.values)}  {proof.outcome:<9} rounds {proof.rounds}"
            f"  {seconds / heard.seconds:5.1%} of {heard.seconds:.1f} s"
            f"  {proof.heard_ms / 1000:.0f} s heard"
            f"  found {found or '-'}, left {left or '-'}",
            flush=True,
        )


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="*", default=[], help="names of samples")
    parser.add_argument("--ways", nargs="*", default=list(WAYS), choices=list(WAYS))
    parser.add_argument("--clips", type=int, default=0, help="calls cut from the samples")
    parser.add_argument("--seconds", type=float, default=30.0, help="length of such a call")
    parser.add_argument("--strict", action="store_true")
    chosen = parser.parse_args()
    mode = ProofMode.STRICT if chosen.strict else ProofMode.STANDARD
    bench = Bench()
    if chosen.clips:
        for number, data in enumerate(clips(chosen.clips, chosen.seconds)):
            heard = bench.hear(f"clip {number}", data, ".wav", [])
            measure(bench, heard, mode, ["as it should be"])
        return
    for path in sorted(SAMPLES.glob("*.json")):
        if chosen.only and path.stem not in chosen.only:
            continue
        sound = next(one for one in SAMPLES.glob(f"{path.stem}.*") if one.suffix != ".json")
        heard = bench.hear(path.stem, sound.read_bytes(), sound.suffix, [])
        kinds = frozenset(one.kind for one in heard.redacted.redactions)
        heard.values = gold_words(path.stem, kinds)
        measure(bench, heard, mode, chosen.ways)


if __name__ == "__main__":
    main()
