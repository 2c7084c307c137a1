"""Every limit of a result has a sentence, also one that only a newer version knows; and what proves
a result has words that are the same everywhere."""

from __future__ import annotations

import pytest

from app.domain import FoundAgain, ProofOutcome, Released
from app.limits import badge, heard_again, warning
from tests.builders import proof

TWO = (FoundAgain(kind="CARD", places=1), FoundAgain(kind="PIN", places=1))


def _released(*, silenced: bool) -> Released:
    return Released(by="ann", at="2026-03-01T09:30:00.000Z", reason="music", silenced=silenced)


def test_a_limit_is_a_sentence() -> None:
    assert warning("audio-truncated").startswith("The recording is cut off")
    assert warning("some-new-code") == "Some new code."


@pytest.mark.parametrize(
    ("of", "said"),
    [
        (proof(ProofOutcome.CLEAN), "Heard again: nothing found"),
        (proof(ProofOutcome.MENDED), "Heard again: 1 place muted again"),
        (proof(ProofOutcome.MENDED, found=TWO), "Heard again: 2 places muted again"),
        (proof(), "Held back: a person must listen"),
        (proof(released=_released(silenced=False)), "Released by a person"),
        (proof(released=_released(silenced=True)), "Released without its sound"),
    ],
)
def test_a_proof_has_a_badge(of, said) -> None:
    assert badge(of) == said


def test_a_proof_says_how_much_was_heard_and_of_what_kind_it_was_found() -> None:
    assert heard_again(proof(ProofOutcome.CLEAN)) == (
        "Heard again: nothing found (standard, rounds: 1, stretches: 4, 12 s)"
    )
    assert heard_again(proof(ProofOutcome.MENDED, found=TWO)).endswith(
        "(standard, rounds: 3, stretches: 4, 12 s; muted again: CARD 1, PIN 1)"
    )
    nothing = proof(ProofOutcome.CLEAN, rounds=0, stretches=0)
    assert heard_again(nothing).startswith("Nothing was muted")
