"""Every limit of a result has a sentence, also one that only a newer version knows; and what proves
a result has words that are the same everywhere."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.domain import (
    Channel,
    FoundAgain,
    Judged,
    Missed,
    ProofOutcome,
    Released,
    SampleReport,
)
from app.limits import (
    NO_SAMPLE,
    at_least,
    badge,
    channel_name,
    heard_again,
    judged_badge,
    judged_missed,
    progress_of,
    recall_line,
    warning,
)
from app.reports.recall_sheet import recall_sheet
from app.sampling import recalls
from tests.builders import proof
from tests.unit.test_sampling import sample, verdicts

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


def _report(**changes):
    judged = changes.pop("judged", 100)
    strata = [(Channel.AGENT, False, 600, 60), (Channel.CUSTOMER, False, 400, 40)]
    of = sample(strata, [(Channel.CUSTOMER, "CARD", 60)])
    given = [
        *verdicts(Channel.AGENT, *[()] * 60),
        *verdicts(Channel.CUSTOMER, *[()] * (judged - 60), *[None] * (100 - judged)),
    ]
    whole = SampleReport(
        sample=of, judged=judged, waiting=100 - judged, lost=0, since=0, best=0.5,
        recalls=recalls(of, given),
    )  # fmt: skip
    return replace(whole, **changes)


def test_the_share_is_told_once_all_is_judged_and_never_rounded_up() -> None:
    whole = _report()
    assert whole.overall.at_least == pytest.approx(60 / 88)
    assert recall_line(whole) == (
        "Recall at least 68.1 % with 95 % confidence, on 100 judged turns."
    )
    assert recall_line(_report(judged=99)) == (
        "How much is redacted is not known yet: 99 of 100 drawn turns judged, not enough."
    )
    assert recall_line(None) == NO_SAMPLE
    nothing = replace(whole.overall, at_least=None)
    assert recall_line(_report(recalls=(nothing,))).startswith("Nothing is redacted")
    assert at_least(nothing) == "nothing found"
    assert (channel_name(None), channel_name(Channel.SHARED)) == ("all", "shared")


def test_how_far_a_sample_is_and_what_it_does_not_speak_of() -> None:
    assert progress_of(_report()) == "Drawn: 100 of 1,000 turns."
    assert progress_of(_report(judged=90)) == (
        "Drawn: 100 of 1,000 turns."
        " If nothing is missed in those that wait, recall is at least 50.0 %."
    )
    assert progress_of(_report(judged=90, best=None)) == "Drawn: 100 of 1,000 turns."
    said = progress_of(_report(judged=99, waiting=0, lost=1, since=2))
    assert "1 turn can be judged no more" in said
    assert "2 calls analysed since are not in it" in said


def test_a_call_that_was_judged_says_what_became_of_it() -> None:
    judged = Judged(by="ann", at="now", missed=(Missed(kind="CARD", values=2),))
    assert judged_missed(judged) == (
        "Held back: something is missed (missed: CARD 2; judged by ann)"
    )
    for silenced, said in ((True, "Released without its sound"), (False, "Released by a person")):
        assert judged_badge(replace(judged, released=_released(silenced=silenced))) == said


def test_a_page_to_print_holds_the_same_and_nothing_that_runs() -> None:
    page = recall_sheet(_report()).decode()
    assert "Recall at least 68.1 %" in page
    assert "<td>customer</td><td>CARD</td><td>60</td><td>40</td><td>0</td><td>68.1 %</td>" in page
    assert "<script" not in page
