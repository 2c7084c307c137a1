"""Passphrases: which ones protect a vault, and how strong they look while they are typed."""

from __future__ import annotations

import time
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import WeakPassphrase
from app.storage import passphrases
from app.storage.passphrases import checked, strength, suggested


@pytest.mark.parametrize("passphrase", ["", "short", "xK9#mQ2$vL7!pR", "e\u0301" * 14])
def test_below_fifteen_characters_it_is_too_short(passphrase):
    with pytest.raises(WeakPassphrase, match="shorter than 15"):
        checked(passphrase)


@pytest.mark.parametrize(
    "passphrase",
    [
        "three unrelated words",
        "xK9#mQ2$vL7!pRw",
        "пятнадцать букв",
        "été à Paris, où?",
        "🔑🍞🚲🌧🧦🎻🐢🪑🍋📎🧊🪁🎲🦔🕯",
        "\udcff words \ud800 of no text",
    ],
    ids=ascii,
)
def test_fifteen_characters_of_any_script_are_enough(passphrase):
    assert checked(passphrase) == passphrase


COMMON = [
    "x" * 15,
    "password password",
    "passwordpassword1",
    "Password123456789",
    "123456789012345678",
    "qwertyuiopasdfghjkl",
    "iloveyouiloveyou",
    "abcdefghijklmnopqrst",
    "autoinsights vault",
    "AutoInsightsVault1",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
]


@pytest.mark.parametrize("passphrase", COMMON)
def test_what_others_would_try_first_is_refused(passphrase):
    with pytest.raises(WeakPassphrase, match="easy to guess"):
        checked(passphrase)
    assert not strength(passphrase).good


def test_the_own_name_is_refused():
    name = "Bartholomew Featherstonehaugh"
    assert strength(name.lower()).good
    for passphrase in (name, name.lower(), name.upper()):
        with pytest.raises(WeakPassphrase):
            checked(passphrase, names=[name])
    assert checked(f"{name} hates beige buttons", names=[name])


def test_length_counts_in_the_composed_form():
    assert strength("e\u0301àùxK9#mQ2$vL7!p").share == strength("éàùxK9#mQ2$vL7!p").share
    assert not strength("e\u0301" * 14).good


@pytest.mark.parametrize(
    "words",
    [pytest.param(suggested(), id="made"), "three unrelated words", "xK9#mQ2$vL7!pRw"],
)
def test_each_further_character_makes_it_look_no_weaker_by_much(words):
    shares = [strength(words[:end]).share for end in range(len(words) + 1)]
    assert shares[0] == 0
    assert shares[-1] >= 0.99
    for before, after in pairwise(shares):
        assert after >= before - 0.15


@settings(max_examples=60)
@given(st.text(max_size=90))
def test_any_text_has_a_strength(text):
    found = strength(text, names=[text[:5], ""])
    assert 0 <= found.share <= 1
    assert found.good == (found.advice == "")
    assert not found.good or found.share == 1


@pytest.mark.parametrize("text", ["a" * 100_000, "ab1" * 5000, "password" * 9, "1q2w3e4r" * 9])
def test_long_texts_are_read_at_once(text):
    started = time.perf_counter()
    strength(text)
    assert time.perf_counter() - started < 3


def test_a_made_one_is_strong_random_and_easy_to_copy():
    made = {suggested() for _ in range(20)}
    assert len(made) == 20
    for passphrase in made:
        assert checked(passphrase) == passphrase
        assert set(passphrase) <= set(passphrases.LETTERS + "-")
    assert not set(passphrases.LETTERS) & set("0o1li5s2z")


def test_a_refusal_does_not_repeat_the_passphrase():
    for passphrase in ("hunter2hunter2", "hunter2hunter2hunter2hunter2"):
        with pytest.raises(WeakPassphrase) as refusal:
            checked(passphrase)
        assert "hunter2" not in f"{refusal.value} {refusal.value.advice}"
