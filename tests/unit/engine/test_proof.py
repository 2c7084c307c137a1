"""The proof by listening again, with ears that understand exactly what sounds: leaks of each sort
are found and muted, what was kept is no leak, and what cannot be mended holds the call back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest

from app.config import RedactionSettings
from app.domain import FoundAgain, ProofMode, ProofOutcome, Role, RoleBasis
from app.engine import proof as proving
from app.engine.audio import RATE_HZ, Audio, mute
from app.engine.proof import Listening, Proven
from app.engine.raw import RawTranscript
from app.engine.redaction import Redacted, Redactor
from app.engine.turns import TimedWord, to_turns
from tests.unit.engine.redaction.calls import RECOGNISERS, Models

pytestmark = pytest.mark.models
ROLES = (Role.AGENT, Role.CUSTOMER)
CARD = (
    (0, "Thank you for calling, this is Megan. That will be twenty four dollars."),
    (0, "What is the card number please?"),
    (1, "It's four nine two nine four two one two three four six zero zero eight two one."),
    (0, "Thank you, that went through at half past two today."),
)
"""A call: who says what, one after the other."""


@cache
def redactor() -> Redactor:
    return Redactor(Models(), RedactionSettings(), RECOGNISERS)


def timed(lines: tuple[tuple[int, str], ...]) -> list[TimedWord]:
    """Return the words of a call, two a second, with 5 s between the lines."""
    words, at_ms = [], 1000
    for channel, line in lines:
        for text in line.split():
            words.append(TimedWord(channel, text, False, at_ms, at_ms + 400, 0.9))
            at_ms += 500
        at_ms += 5000
    return words


@dataclass
class Ears:
    """Understand those of some words that sound; `asked` says to how many samples they listened."""

    words: list[TimedWord]
    asked: list[int]

    def hear_again(self, audio, groups, *, language, hints=()) -> list[TimedWord]:
        assert (language, hints) == ("en", ("Harbour",))
        self.asked.append(sum(end - start for _, of in groups for start, end in of))
        stretches = [
            [one for at, of in groups if at == channel for one in of] for channel in (0, 1)
        ]
        return [word for word in self.words if self._sounds(audio, word, stretches[word.channel])]

    @staticmethod
    def _sounds(audio, word, stretches) -> bool:
        start, end = word.start_ms * 16, word.end_ms * 16
        inside = any(first <= start and end <= last for first, last in stretches)
        return inside and bool((audio.samples[word.channel, start:end] != 0).mean() > 0.5)


@dataclass
class Call:
    """A call that is redacted, with a sound in which every moment sounds."""

    spoken: RawTranscript
    redacted: Redacted
    audio: Audio
    ears: Ears

    @classmethod
    def of(cls, lines=CARD) -> Call:
        words = timed(lines)
        turns = tuple(replace(one, role=ROLES[one.channel]) for one in to_turns(words))
        spoken = RawTranscript(
            turns=turns, language="en", role_basis=RoleBasis.CHANNEL_MAP, role_confidence=1.0
        )
        samples = np.full((2, (words[-1].end_ms + 2000) * RATE_HZ // 1000), 1000, np.int16)
        redacted = redactor().redact(spoken, agent_name="Megan")
        ears = Ears(words, [])
        return cls(spoken, redacted, Audio(samples, 8000), ears)

    def muted(self, spans) -> Call:
        mute(self.audio, spans)
        return self

    def proven(self, mode=ProofMode.STANDARD, corrections=()) -> Proven:
        listening = Listening(
            transcriber=self.ears,
            redactor=redactor(),
            mode=mode,
            speech="whisper-base",
            agent_name="Megan",
            hints=("Harbour",),
        )
        return listening.prove(self.audio, self.spoken, self.redacted, corrections)

    @property
    def digits(self) -> list[TimedWord]:
        """The words of the card, as they sound on the customer's channel."""
        return [word for word in timed(CARD) if word.channel == 1][1:]

    def audible(self, channel: int = 1) -> int:
        everywhere = [[(0, self.audio.samples.shape[1])]] * 2
        heard = [replace(word, channel=channel) for word in self.digits]
        return sum(Ears._sounds(self.audio, word, everywhere[channel]) for word in heard)


def text(proven: Proven) -> list[str]:
    return [turn.text for turn in proven.redacted.transcript.turns]


def test_a_call_that_is_muted_well_is_clean_and_stays_as_it_is() -> None:
    call = Call.of()
    proven = call.muted(call.redacted.muted).proven()
    assert proven.redacted == call.redacted
    proof = proven.proof
    assert (proof.outcome, proof.rounds, proof.found) == (ProofOutcome.CLEAN, 1, ())
    assert proof.heard_ms * 16 == call.ears.asked[0] > 0
    assert proof.models == ("whisper-base", "silero-vad", "spacy-en", "tagger")
    assert call.audible() == 0


def test_a_stretch_that_was_left_out_is_found_and_muted() -> None:
    call = Call.of().muted(())
    assert call.audible() == 16
    proven = call.proven()
    assert proven.proof.outcome is ProofOutcome.MENDED
    assert proven.proof.found == (FoundAgain(kind="CARD", places=1),)
    assert (proven.proof.rounds, proven.proof.places) == (2, 1)
    assert call.audible() == 0
    assert text(proven) == text(Call.of().muted(call.redacted.muted).proven())


@pytest.mark.parametrize("by_ms", [-900, 900])
def test_stretches_that_lie_beside_the_words_are_found_by_the_digits_left(by_ms: int) -> None:
    call = Call.of()
    beside = [
        replace(one, start_ms=one.start_ms + by_ms, end_ms=one.end_ms + by_ms)
        for one in call.redacted.muted
    ]
    call.redacted = replace(call.redacted, muted=tuple(beside))
    assert 0 < call.muted(beside).audible() < 4
    assert call.proven().proof.outcome is ProofOutcome.MENDED
    assert call.audible() == 0


def test_what_is_heard_on_the_other_channel_is_muted_there_as_long_as_it_is_said() -> None:
    call = Call.of()
    few = [replace(word, channel=0) for word in call.digits[:4]]  # the rest is not understood
    call.ears.words = [*call.ears.words, *few]
    proven = call.muted(call.redacted.muted).proven()
    assert proven.proof.outcome is ProofOutcome.MENDED
    assert call.audible(0) == 0


def test_one_value_understood_on_the_other_channel_mutes_all_of_them_there() -> None:
    born = ((0, "And your date of birth?"), (1, "The seventh of May nineteen seventy nine."))
    call = Call.of((*CARD[1:3], *born))
    first = [word for word in timed((*CARD[1:3], *born)) if word.channel == 1][1:17]
    call.ears.words = [*call.ears.words, *(replace(word, channel=0) for word in first)]
    proven = call.muted(call.redacted.muted).proven()
    there = {(one.start_ms, one.end_ms) for one in call.redacted.muted}
    assert len(there) == 2
    muted = [one for one in proven.redacted.muted if one.channel == 0]
    assert len(muted) == 2
    assert all(any(a.start_ms <= s and e <= a.end_ms for a in muted) for s, e in there)


def test_a_word_under_a_redaction_is_known_again_without_any_question() -> None:
    call = Call.of(((0, "Who am I speaking to?"), (1, "My name is Tyler Bramwell, hello.")))
    call.ears.words = [w for w in call.ears.words if w.text == "Bramwell,"]
    proven = call.muted(()).proven()
    assert proven.proof.found == (FoundAgain(kind="PERSON", places=1),)


def test_what_cannot_be_silenced_holds_the_call_back(monkeypatch) -> None:
    monkeypatch.setattr(proving, "mute", lambda _audio, _spans: None)
    proven = Call.of().muted(()).proven()
    assert proven.proof.outcome is ProofOutcome.HELD_BACK
    assert proven.proof.rounds == proving.ROUNDS
    assert proven.proof.places == proving.ROUNDS


def test_a_value_that_was_misheard_first_leaves_the_text_too() -> None:
    lines = (
        (0, "What is the card number please?"),
        (1, "It's fall night too nigh fall too won too thanks."),
        (0, "Thank you."),
    )
    call = Call.of(lines)
    assert call.redacted.muted == ()
    said = "It's four nine two nine four two one two thanks."
    call.ears.words = timed((lines[0], (1, said), lines[2]))
    proven = call.proven()
    assert proven.proof.outcome is ProofOutcome.MENDED
    assert text(proven)[1] == "It's [CARD-1] thanks."
    assert [one.rule for one in proven.redacted.redactions] == ["heard-again"]
    assert len(proven.redacted.values) == 1
    assert proven.redacted.muted


@pytest.mark.parametrize(
    ("heard", "outcome"),
    [
        ("8", ProofOutcome.CLEAN),
        ("812", ProofOutcome.MENDED),
        ("4", ProofOutcome.MENDED),  # with which the card begins
    ],
)
def test_one_digit_in_place_of_a_word_that_was_kept_is_no_leak(heard: str, outcome: str) -> None:
    call = Call.of()
    kept = next(word for word in call.ears.words if word.text == "It's")
    call.ears.words = [
        replace(word, text=heard) if word is kept else word for word in call.ears.words
    ]
    call.redacted = replace(
        call.redacted,
        muted=tuple(replace(one, start_ms=one.start_ms + 200) for one in call.redacted.muted),
    )
    assert call.muted(call.redacted.muted).proven().proof.outcome is outcome


def test_a_strict_proof_hears_all_of_the_call() -> None:
    call = Call.of()
    proof = call.muted(call.redacted.muted).proven(ProofMode.STRICT).proof
    assert (proof.mode, proof.outcome, proof.stretches) == (
        ProofMode.STRICT,
        ProofOutcome.CLEAN,
        2,
    )
    assert proof.heard_ms == 2 * call.audio.duration_ms


def test_a_call_without_anything_to_hear_is_clean_at_once() -> None:
    call = Call.of(((0, "Good morning."), (1, "Good morning to you.")))
    proof = call.proven().proof
    assert (proof.outcome, proof.rounds, proof.stretches, proof.heard_ms) == (
        ProofOutcome.CLEAN,
        0,
        0,
        0,
    )


def test_amounts_times_and_the_agents_own_name_are_no_leaks_even_where_all_is_heard() -> None:
    lines = ((0, "This is Megan, that's $24.50 at 10:30."), (1, "My card is 4929 4212 3460 0821."))
    again = ((0, "This is Megan, that's twenty four dollars fifty at ten thirty."), lines[1])
    call = Call.of(lines)
    second = timed(again)
    first = [word for word in second if word.channel == 0]
    call.ears.words = [w for w in first if w.start_ms < 8000]
    assert call.muted(call.redacted.muted).proven(ProofMode.STRICT).proof.outcome is (
        ProofOutcome.CLEAN
    )
