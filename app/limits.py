"""What limits a result, in words: the same in the window and on the command line.

Promises a sentence for every code, also for one that only a newer version knows.
"""

from __future__ import annotations

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
