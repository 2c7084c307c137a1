"""Every limit of a result has a sentence, also one that only a newer version knows."""

from __future__ import annotations

from app.limits import warning


def test_a_limit_is_a_sentence() -> None:
    assert warning("audio-truncated").startswith("The recording is cut off")
    assert warning("some-new-code") == "Some new code."
