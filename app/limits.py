"""What limits a result and what proves it, in words: the same in the window and on the command
line.

Promises a sentence for every code, also for one that only a newer version knows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from app.counts import counted
from app.domain import ProofOutcome

if TYPE_CHECKING:
    from app.domain import Channel, Judged, Proof, Recall, SampleReport

_SENTENCES = {
    "audio-truncated": "The recording is cut off or damaged: this is what is left of the call.",
    "channel-map-not-used": "The recording has one channel; the channel map does not apply to it.",
    "speakers-estimated": "Both sides are on one channel; who speaks when is estimated.",
    "speakers-not-separated": "One channel, on which no two voices can be told apart surely.",
    "one-speaker": "Only one voice is heard on the one channel.",
    "more-than-two-speakers": "More than two voices are heard; two sides are assumed.",
    "roles-unknown": "It is not known which side is the agent.",
    "language-not-supported": "The call is not in English: redaction and findings are unreliable.",
    "language-uncertain": "It is not sure in which language the call is.",
    "speech-not-understood": "Something is said in which no word could be recognised; it is muted.",
    "crosstalk": "One side is faintly heard on the other's channel; it is not written down twice.",
    "no-times": "The transcript came without times.",
}


def warning(code: str) -> str:
    """Return what limits a result, in a sentence."""
    known = _SENTENCES.get(code)
    return known or f"{code.replace('-', ' ').capitalize()}."


def badge(proof: Proof) -> str:
    """Return in a few words what hearing the muted audio again came to."""
    if proof.held_back:
        return "Held back: a person must listen"
    if proof.released is not None:
        return "Released without its sound" if proof.released.silenced else "Released by a person"
    if proof.outcome is ProofOutcome.CLEAN:
        return "Heard again: nothing found"
    return f"Heard again: {counted(proof.places, 'place')} muted again"


def heard_again(proof: Proof) -> str:
    """Return in a line what was heard again, how much, how often, and what was found."""
    if not proof.rounds:
        return "Nothing was muted, and nothing had to be heard again."
    kinds = ", ".join(f"{one.kind} {one.places}" for one in proof.found)
    found = f"; muted again: {kinds}" if kinds else ""
    seconds = round(proof.heard_ms / 1000)
    how = f"{proof.mode}, rounds: {proof.rounds}, stretches: {proof.stretches}, {seconds} s"
    return f"{badge(proof)} ({how}{found})"


def judged_badge(judged: Judged) -> str:
    """Return in a few words what became of a call in which a person found something missed."""
    if judged.held_back:
        return "Held back: something is missed"
    silenced = judged.released is not None and judged.released.silenced
    return "Released without its sound" if silenced else "Released by a person"


def judged_missed(judged: Judged) -> str:
    """Return in a line what a person found missed, and what became of the call."""
    kinds = ", ".join(f"{one.kind} {one.values}" for one in judged.missed)
    return f"{judged_badge(judged)} (missed: {kinds}; judged by {judged.by})"


NO_SAMPLE = "How much is redacted on these calls is not known: no turns were drawn and judged yet."


def recall_line(report: SampleReport | None) -> str:
    """Return in a line how much is redacted at least, or why that is not known."""
    if report is None:
        return NO_SAMPLE
    if report.waiting:
        done = f"{report.judged:,} of {counted(report.sample.drawn, 'drawn turn')}"
        return f"How much is redacted is not known yet: {done} judged, not enough."
    if report.overall.at_least is None:
        return "Nothing is redacted in these calls, so that no share of it can be told."
    share = _floored(report.overall.at_least)
    judged = counted(report.judged, "judged turn")
    return f"Recall at least {share} with 95 % confidence, on {judged}."


def progress_of(report: SampleReport) -> str:
    """Return how far a sample is judged, and what it does not speak of."""
    parts = [f"Drawn: {report.sample.drawn:,} of {counted(report.sample.turns, 'turn')}."]
    if report.waiting and report.best is not None:
        best = _floored(report.best)
        parts.append(f"If nothing is missed in those that wait, recall is at least {best}.")
    if report.lost:
        lost = counted(report.lost, "turn")
        gone = "the call was erased or analysed again; it counts as missed"
        parts.append(f"{lost} can be judged no more: {gone}.")
    if report.since:
        parts.append(f"{counted(report.since, 'call')} analysed since are not in it.")
    return " ".join(parts)


def at_least(recall: Recall) -> str:
    """Return the share of a kind on a channel that is redacted at least."""
    return "nothing found" if recall.at_least is None else _floored(recall.at_least)


def channel_name(channel: Channel | None) -> str:
    """Return whose channel it is."""
    return "all" if channel is None else channel.value


def _floored(share: float) -> str:
    """Return a share in percent, never more than it is."""
    return f"{math.floor(share * 1000) / 10:.1f} %"
