"""What limits a result and what proves it, in words: the same in the window and on the command
line.

Promises a sentence for every code, also for one that only a newer version knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.domain import ProofOutcome

if TYPE_CHECKING:
    from app.domain import Proof

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
    places = "1 place" if proof.places == 1 else f"{proof.places:,} places"
    return f"Heard again: {places} muted again"


def heard_again(proof: Proof) -> str:
    """Return in a line what was heard again, how much, how often, and what was found."""
    if not proof.rounds:
        return "Nothing was muted, and nothing had to be heard again."
    kinds = ", ".join(f"{one.kind} {one.places}" for one in proof.found)
    found = f"; muted again: {kinds}" if kinds else ""
    seconds = round(proof.heard_ms / 1000)
    how = f"{proof.mode}, rounds: {proof.rounds}, stretches: {proof.stretches}, {seconds} s"
    return f"{badge(proof)} ({how}{found})"
