"""How far the product's word times lie from the synthesiser's, and what of a digit stays audible.

    python -m tests.bench.word_times                              # the shipped samples
    python -m tests.bench.word_times --gold FOLDER --half odd     # what timed_calls.py made
    python -m tests.bench.word_times --unrefined                  # without app.engine.word_times

The sound is synthetic; its gold comes from the synthesiser in steps of 25 ms. A recognised word is
measured where all that it says is also said in the gold, in one piece: `4929` against `four nine
two nine` gives one start and one end. Errors are absolute; the bias is their signed median.

Muting: the words of each number marked in the gold are redacted by `write`, as if every number was
found, so that only times and margins count. *Audible* is what lies of its digits outside of the
muted spans, *cut* what lies of other words inside. Calls with even numbers are for tuning.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from app.config import ExecutionSettings, SpeechSettings
from app.engine.models import ModelLibrary
from app.engine.redaction.found import Found
from app.engine.redaction.placeholders import write
from app.engine.transcription import Transcriber
from tests.arrays import decoded
from tests.spoken import NUMBERS, TENS, UNITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.engine.raw import RawTranscript, RawWord

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "resources" / "samples"
FEWEST_DIGITS = 3  # a marked value with fewer is no number
CLEARLY_MS = 40  # more of a digit than this may be understood


@dataclass(frozen=True)
class Token:
    """A plain word, digit or letter, and the words (first to last) that it stands for."""

    text: str
    first: int
    last: int


@dataclass(frozen=True)
class Heard:
    """A recognised word with its place: turn and word."""

    turn: int
    word: RawWord


@dataclass(frozen=True)
class Pair:
    """A recognised word and the gold words (first to last) that it stands for."""

    heard: RawWord
    first: dict[str, Any]
    last: dict[str, Any]
    kind: str  # word, inside (a run of digits), or its edge

    @property
    def errors(self) -> tuple[int, int]:
        """Return how much too late the start and the end are, in ms."""
        return (
            self.heard.start_ms - self.first["start_ms"],
            self.heard.end_ms - self.last["end_ms"],
        )


@dataclass
class Muting:
    """What stays audible of the digits of marked numbers, and what is cut of other words."""

    numbers: int = 0
    missed: int = 0  # not a digit of it was recognised
    digits_ms: int = 0
    audible: list[int] = field(default_factory=list)  # per digit word
    cut: list[int] = field(default_factory=list)  # per number: of all other words
    words_lost: int = 0  # other words of which more than half is cut


def tokens(words: Sequence[str]) -> list[Token]:
    """Return words in a form that does not depend on how numbers are written."""
    split = [
        (piece, index)
        for index, word in enumerate(words)
        for piece in re.findall(r"[a-z]+|\d", plain(word))
    ]
    found: list[Token] = []
    for place, (piece, index) in enumerate(split):
        after = split[place + 1][0] if place + 1 < len(split) else ""
        doubled = place > 0 and split[place - 1][0] == "double"
        first = split[place - 1][1] if doubled else index
        if piece == "double" and (after in NUMBERS or after.isdigit()):
            continue
        if piece in TENS:
            text = str(2 + TENS.index(piece)) + ("" if UNITS.get(after, "0") != "0" else "0")
        else:
            text = NUMBERS.get(piece, piece)
        for character in list(text) if text.isdigit() else [text]:
            found += [Token(character, first, index)] * (2 if doubled else 1)
    return found


def plain(word: str) -> str:
    """Return a word in small letters, signs as words."""
    return word.lower().replace("'", "").replace("\u2019", "").replace("%", " percent")


def matched(gold: list[Token], heard: list[Token]) -> dict[int, int]:
    """Return which gold token each heard token is."""
    matcher = SequenceMatcher(None, [t.text for t in gold], [t.text for t in heard], autojunk=False)
    return {
        block.b + place: block.a + place
        for block in matcher.get_matching_blocks()
        for place in range(block.size)
    }


@dataclass
class Channel:
    """What was said and heard on one channel, with what belongs together."""

    number: int
    gold: list[dict[str, Any]]
    marked: list[tuple[int, int]]  # gold words of each marked number
    heard: list[Heard]

    def __post_init__(self) -> None:
        self.gold_tokens = tokens([word["text"] for word in self.gold])
        self.heard_tokens = tokens([one.word.text for one in self.heard])
        self.match = matched(self.gold_tokens, self.heard_tokens)

    def pairs(self) -> Iterator[Pair]:
        """Yield recognised words that say just what whole gold words say."""
        by_word: dict[int, list[int]] = defaultdict(list)
        for place, token in enumerate(self.heard_tokens):
            for word in range(token.first, token.last + 1):
                by_word[word].append(place)
        for index, places in by_word.items():
            found = [self.match.get(place) for place in places]
            if None in found or found != list(range(found[0], found[0] + len(found))):
                continue
            first, last = found[0], found[-1]
            before = self.gold_tokens[first - 1] if first else None
            after = self.gold_tokens[last + 1] if last + 1 < len(self.gold_tokens) else None
            a, b = self.gold_tokens[first], self.gold_tokens[last]
            if (before and before.last >= a.first) or (after and after.first <= b.last):
                continue  # it says only a part of what a gold word says
            kind = "word"
            if a.text.isdigit() and b.text.isdigit():
                lone = not (before and before.text.isdigit()) or not (
                    after and after.text.isdigit()
                )
                kind = "edge" if lone else "inside"
            yield Pair(self.heard[index].word, self.gold[a.first], self.gold[b.last], kind)

    def redactions(self) -> Iterator[tuple[tuple[int, int], list[Found]]]:
        """Yield each marked number with the stretches of turns that say it."""
        for first, last in self.marked:
            words = self._saying(first, last)
            by_turn: dict[int, list[RawWord]] = defaultdict(list)
            for index in words:
                by_turn[self.heard[index].turn].append(self.heard[index].word)
            yield (
                (first, last),
                [
                    Found(
                        kind="CARD",
                        turn=turn,
                        start=min(word.start for word in of),
                        end=max(word.end for word in of),
                        score=1.0,
                        rule="gold",
                        value="gold",
                    )
                    for turn, of in by_turn.items()
                ],
            )

    def recognised(self, first: int, last: int) -> list[dict[str, Any]]:
        """Return the digit words of a marked number from the first to the last recognised one."""
        places = [
            self.gold_tokens[at]
            for at in self.match.values()
            if first <= self.gold_tokens[at].first and self.gold_tokens[at].last <= last
        ]
        inside = [t for t in places if t.text.isdigit()]
        low, high = min(t.first for t in inside), max(t.last for t in inside)
        digits = {t.last for t in self.gold_tokens if t.text.isdigit()}
        return [self.gold[place] for place in range(low, high + 1) if place in digits]

    def _saying(self, first: int, last: int) -> set[int]:
        """Return the heard words that say gold words `first` to `last`, misheard digits too."""
        places = [
            place
            for place, at in self.match.items()
            if first <= self.gold_tokens[at].first and self.gold_tokens[at].last <= last
        ]
        if not places:
            return set()
        low, high = min(places), max(places)
        while low and low - 1 not in self.match and self.heard_tokens[low - 1].text.isdigit():
            low -= 1
        while (
            high + 1 < len(self.heard_tokens)
            and high + 1 not in self.match
            and self.heard_tokens[high + 1].text.isdigit()
        ):
            high += 1
        return {
            word
            for token in self.heard_tokens[low : high + 1]
            for word in range(token.first, token.last + 1)
        }


def channels(gold: dict[str, Any], raw: RawTranscript) -> list[Channel]:
    """Lay gold and transcript of a call beside each other, channel by channel."""
    found = []
    for number in sorted({turn["channel"] for turn in gold["turns"]}):
        words, starts = [], {}
        for index, turn in enumerate(gold["turns"]):
            if turn["channel"] == number:
                starts[index] = len(words)
                words += turn["words"]
        marked = []
        for entity in gold["entities"]:
            if entity["turn"] not in starts:
                continue
            of = gold["turns"][entity["turn"]]["words"]
            inside = [
                starts[entity["turn"]] + place
                for place, word in enumerate(of)
                if word["start"] < entity["end"]
                and word["start"] + len(word["text"]) > entity["start"]
            ]
            said = tokens([words[place]["text"] for place in inside])
            if sum(token.text.isdigit() for token in said) >= FEWEST_DIGITS:
                marked.append((inside[0], inside[-1]))
        heard = [
            Heard(index, word)
            for index, turn in enumerate(raw.turns)
            if turn.channel == number
            for word in turn.words
        ]
        found.append(Channel(number, words, marked, heard))
    return found


def muting(raw: RawTranscript, sides: list[Channel], tally: Muting) -> None:
    """Redact every marked number, and count what of it stays audible and what else is cut."""
    every = [found for side in sides for _, stretches in side.redactions() for found in stretches]
    redacted = write(raw, sorted(set(every), key=lambda one: (one.turn, one.start)))
    for side in sides:
        spans = [(s.start_ms, s.end_ms) for s in redacted.muted if s.channel == side.number]
        inside = {place for first, last in side.marked for place in range(first, last + 1)}
        for (first, last), stretches in side.redactions():
            tally.numbers += 1
            if not stretches:
                tally.missed += 1
                continue
            for word in side.recognised(first, last):
                length = word["end_ms"] - word["start_ms"]
                tally.digits_ms += length
                tally.audible.append(length - covered(word, spans))
        lost = [
            (covered(word, spans), word["end_ms"] - word["start_ms"])
            for place, word in enumerate(side.gold)
            if place not in inside
        ]
        tally.cut.append(sum(cut for cut, _ in lost))
        tally.words_lost += sum(2 * cut > length for cut, length in lost)


def covered(word: dict[str, Any], spans: list[tuple[int, int]]) -> int:
    """Return how many ms of a word lie in spans that do not overlap."""
    return sum(
        max(0, min(end, word["end_ms"]) - max(start, word["start_ms"])) for start, end in spans
    )


def recordings(options: argparse.Namespace) -> Iterator[tuple[str, Path, dict[str, Any]]]:
    """Yield group, sound and gold of every recording that is asked for."""
    if options.gold is None:
        for gold in sorted(SAMPLES.glob("*.json")):
            sound = next(p for p in SAMPLES.glob(f"{gold.stem}.*") if p.suffix != ".json")
            yield "samples", sound, json.loads(gold.read_text("utf-8"))
        return
    for sound in sorted(options.gold.glob("*.wav")):
        number, group = sound.stem.split("-")
        even = int(number) % 2 == 0
        if options.half == "all" or even == (options.half == "even"):
            yield group, sound, json.loads(sound.with_suffix(".json").read_text("utf-8"))


def report(group: str, pairs: list[Pair], mute: Muting) -> None:
    """Print one group's rows."""
    kinds = {"words": ("word", "inside", "edge"), "digits": ("inside", "edge"), "edges": ("edge",)}
    for name, chosen in kinds.items():
        errors = np.array([pair.errors for pair in pairs if pair.kind in chosen])
        if not len(errors):
            continue
        size, bias = np.abs(errors), np.median(errors, axis=0)
        p50, p95 = np.percentile(size, 50, axis=0), np.percentile(size, 95, axis=0)
        print(
            f"{group:8} {name:7} {len(errors):5}"
            f" | start p50 {p50[0]:4.0f} p95 {p95[0]:4.0f} bias {bias[0]:+4.0f}"
            f" | end p50 {p50[1]:4.0f} p95 {p95[1]:4.0f} bias {bias[1]:+4.0f}"
        )
    audible = np.array(mute.audible)
    print(
        f"{group:8} muting: {mute.numbers} numbers ({mute.missed} missed), {len(audible)} digit"
        f" words: audible {100 * audible.sum() / mute.digits_ms:.2f} % of their sound,"
        f" {(audible > 0).sum()} touched, {(audible > CLEARLY_MS).sum()} over {CLEARLY_MS} ms,"
        f" worst {audible.max()} ms; other words cut"
        f" {sum(mute.cut) / mute.numbers:.0f} ms a number,"
        f" {mute.words_lost} lost"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Errors of word times, and what muting leaves.")
    parser.add_argument("--gold", type=Path, help="folder that timed_calls.py wrote")
    parser.add_argument("--half", choices=("all", "odd", "even"), default="all")
    parser.add_argument("--unrefined", action="store_true", help="times as the alignment gives")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    if options.unrefined:
        from app.engine import word_times

        word_times.by_sound = lambda words, _samples: list(words)
    transcriber = Transcriber(
        ModelLibrary(ROOT / "resources", None),
        SpeechSettings(language="en"),
        ExecutionSettings(threads_per_worker=options.threads),
    )
    pairs: dict[str, list[Pair]] = defaultdict(list)
    mutings: dict[str, Muting] = defaultdict(Muting)
    for group, sound, gold in recordings(options):
        audio = decoded(sound.read_bytes(), longest_minutes=60)
        raw = transcriber.transcribe(audio, progress=lambda _: None)
        sides = channels(gold, raw)
        pairs[group] += [pair for side in sides for pair in side.pairs()]
        muting(raw, sides, mutings[group])
    if not pairs:
        sys.stdout.write("There is no gold: nothing was measured.\n")
    for group, found in pairs.items():
        report(group, found, mutings[group])


if __name__ == "__main__":
    main()
