"""Which stretches are heard again: around what is muted, whole words, within the recording."""

from __future__ import annotations

from app.domain import MutedSpan, Role, RoleBasis, SafeTranscript, Turn, Word
from app.engine.stretches import (
    AROUND_MS,
    BESIDE_MS,
    Stretch,
    around,
    chosen,
    doubtful,
    together,
)
from tests.unit.engine.redaction.calls import read


def _turn(text: str, channel: int = 0, start_ms: int = 0, index: int = 0) -> Turn:
    words, place = [], 0
    for number, word in enumerate(text.split()):
        at_ms = start_ms + number * 500
        words.append(
            Word(
                text=word,
                start=place,
                end=place + len(word),
                start_ms=at_ms,
                end_ms=at_ms + 400,
                confidence=1.0,
            )
        )
        place += len(word) + 1
    return Turn(
        index=index,
        channel=channel,
        role=Role.CUSTOMER,
        start_ms=start_ms,
        end_ms=start_ms + 500 * len(words),
        text=text,
        words=tuple(words),
    )


def test_on_the_other_channels_only_the_time_itself_is_heard() -> None:
    span = MutedSpan(channel=1, start_ms=10_000, end_ms=12_000)
    assert list(around([span], 2)) == [
        Stretch(0, 10_000, 12_000),
        Stretch(1, 10_000 - AROUND_MS, 12_000 + AROUND_MS),
    ]


def test_edges_do_not_cut_words_and_stretches_stay_within_the_recording() -> None:
    turn = _turn("one two three four")
    assert chosen([Stretch(0, 600, 1200)], [turn], 9000) == (Stretch(0, 500, 1400),)
    assert chosen([Stretch(0, -500, 9900)], [turn], 9000) == (Stretch(0, 0, 9000),)
    assert chosen([Stretch(1, 600, 1200)], [turn], 9000) == (Stretch(1, 600, 1200),)


def test_what_is_close_on_a_channel_is_one_stretch() -> None:
    near = [Stretch(0, 0, 1000), Stretch(0, 1300, 2000), Stretch(0, 4000, 5000)]
    assert chosen(near, [], 9000) == (Stretch(0, 0, 2000), Stretch(0, 4000, 5000))
    assert chosen([Stretch(0, 0, 1000), Stretch(1, 1300, 2000)], [], 9000) == (
        Stretch(0, 0, 1000),
        Stretch(1, 1300, 2000),
    )
    assert chosen([Stretch(0, 3000, 3000), Stretch(0, 9500, 9900)], [], 9000) == ()


def test_few_stretches_with_something_muted_are_recognised_together_and_all_others() -> None:
    torn = [Stretch(0, 2000 * number, 2000 * number + 1000) for number in range(3)]
    hidden = [MutedSpan(channel=0, start_ms=0, end_ms=9000)]
    whole = [Stretch(1, 2000 * number, 2000 * number + 1000) for number in range(3)]
    assert together([*torn, *whole], hidden) == [torn[:2], torn[2:], whole]


def test_answers_and_numbers_that_were_kept_are_heard_again() -> None:
    lines = ("A: thank you for calling", "A: can I take your postcode?", "C: let me see")
    lines += ("C: well well well well well it was twenty four dollars I think so yes yes",)
    turns = tuple(
        _turn(line[3:], channel=int(line[0] == "C"), start_ms=20_000 * number, index=number)
        for number, line in enumerate(lines)
    )
    safe = SafeTranscript(
        turns=turns, language="en", role_basis=RoleBasis.GIVEN, role_confidence=1.0
    )
    found = list(doubtful(safe, read(*lines).turns))
    answer = Stretch(1, 40_000, 41_500)
    amount = Stretch(1, 63_500 - BESIDE_MS, 64_400 + BESIDE_MS)
    assert found == [answer, amount]
