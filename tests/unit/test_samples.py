"""The sample calls are whole: audio, gold and metadata fit each other and hold nobody's data."""

from __future__ import annotations

import json
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import soundfile

from app.domain import CallMetadata, Direction, Role, RoleBasis
from app.engine import transcripts
from app.workspace.intake import read_metadata

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = ROOT / "resources" / "samples"
FORMATS = {
    "finance.mp3": ("MP3", "MPEG_LAYER_III"),
    "insurance.flac": ("FLAC", "PCM_16"),
    "retail.opus": ("OGG", "OPUS"),
    "utilities.wav": ("WAV", "ULAW"),
    "public-service.wav": ("WAV", "IMA_ADPCM"),
}
KINDS = {
    "PERSON", "CARD", "CARD_CODE", "CARD_EXPIRY", "SORT_CODE", "BANK_ACCOUNT", "DATE_OF_BIRTH",
    "POSTCODE", "PHONE", "EMAIL", "ADDRESS", "POLICY_NUMBER", "CLAIM_NUMBER", "REFERENCE_NUMBER",
    "ACCOUNT_NUMBER", "NATIONAL_ID",
}  # fmt: skip
DIGITS = {
    word: str(digit)
    for digit, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    )
}
DIGITS |= {"oh": "0", "eighty": "80", "ninety-nine": "99"}


def gold(file: str) -> dict[str, Any]:
    return json.loads((SAMPLES / file).with_suffix(".json").read_text("utf-8"))


def script(file: str) -> dict[str, Any]:
    name = Path(file).with_suffix(".toml").name
    return tomllib.loads((ROOT / "build" / "samples" / name).read_text("utf-8"))


def spoken_digits(text: str) -> str:
    return "".join(DIGITS[word] for word in text.replace(",", "").lower().split())


def luhn(digits: str) -> bool:
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def values(file: str, kind: str) -> list[str]:
    return [entity["text"] for entity in gold(file)["entities"] if entity["kind"] == kind]


def test_the_folder_holds_just_the_samples_and_is_small():
    found = {path.name for path in SAMPLES.iterdir()}
    golds = {Path(file).with_suffix(".json").name for file in FORMATS}
    assert found == {*FORMATS, *golds, "calls.csv", "README.md"}
    assert sum(path.stat().st_size for path in SAMPLES.iterdir()) < 3_500_000


@pytest.mark.parametrize("file", FORMATS)
def test_the_audio_is_two_channels_of_telephone_sound(file):
    about = soundfile.info(SAMPLES / file)
    assert (about.format, about.subtype) == FORMATS[file]
    assert (about.channels, about.samplerate) == (2, 8000)
    assert 50 <= about.duration <= 90
    assert abs(about.duration * 1000 - gold(file)["duration_ms"]) < 250
    samples, _ = soundfile.read(SAMPLES / file)
    assert abs(samples).max(axis=0).min() > 0.1  # both sides are heard


@pytest.mark.parametrize("file", FORMATS)
def test_gold_is_one_line_in_the_transcript_schema(file):
    content = (SAMPLES / file).with_suffix(".json").read_bytes()
    assert content.count(b"\n") == 1
    raw = transcripts.to_raw(transcripts.parse(content))
    assert raw.role_basis is RoleBasis.GIVEN
    assert {turn.role for turn in raw.turns} == {Role.AGENT, Role.CUSTOMER}
    assert [turn.text for turn in raw.turns] == [turn["text"] for turn in gold(file)["turns"]]


@pytest.mark.parametrize("file", FORMATS)
def test_gold_times_are_in_order_and_inside_the_call(file):
    call = gold(file)
    starts = [turn["start_ms"] for turn in call["turns"]]
    assert starts == sorted(starts)
    for turn in call["turns"]:
        words = turn["words"]
        assert [word["text"] for word in words] == turn["text"].split()
        assert all(turn["text"].startswith(word["text"], word["start"]) for word in words)
        bounds = [time for word in words for time in (word["start_ms"], word["end_ms"])]
        assert bounds == sorted(bounds)
        assert (turn["start_ms"], turn["end_ms"]) == (bounds[0], bounds[-1])
        assert 0 <= bounds[0] < bounds[-1] <= call["duration_ms"]


@pytest.mark.parametrize("file", FORMATS)
def test_entities_stand_where_they_say(file):
    call = gold(file)
    assert call["entities"]
    for entity in call["entities"]:
        turn = call["turns"][entity["turn"]]
        assert entity["kind"] in KINDS
        assert turn["text"][entity["start"] : entity["end"]] == entity["text"]
        words = [
            word
            for word in turn["words"]
            if word["start"] < entity["end"] and word["start"] + len(word["text"]) > entity["start"]
        ]
        assert (words[0]["start_ms"], words[-1]["end_ms"]) == (
            entity["start_ms"],
            entity["end_ms"],
        )


def test_every_kind_of_personal_data_is_spoken_somewhere():
    assert {e["kind"] for file in FORMATS for e in gold(file)["entities"]} == KINDS


def test_the_numbers_are_the_published_test_numbers():
    card = spoken_digits(*values("retail.opus", "CARD"))
    assert card == "4929421234600821"
    assert luhn(card)
    identity = spoken_digits(*values("insurance.flac", "NATIONAL_ID"))
    assert identity == "8001015009087"
    assert luhn(identity)
    assert spoken_digits(*values("finance.mp3", "SORT_CODE")) == "089999"
    assert spoken_digits(*values("finance.mp3", "BANK_ACCOUNT")) == "66374958"
    assert values("public-service.wav", "NATIONAL_ID") == ["Q Q, one two, three four, five six, C"]
    assert spoken_digits(*values("retail.opus", "PHONE")) == "2025550143"
    assert spoken_digits(*values("utilities.wav", "PHONE")) == "0491570156"
    assert values("public-service.wav", "PHONE") == [
        "Oh one one three, four nine six, oh one double two"
    ]
    for file in ("insurance.flac", "retail.opus"):
        assert all("example dot" in address for address in values(file, "EMAIL"))


@pytest.mark.parametrize("file", FORMATS)
def test_gold_says_what_the_script_says(file):
    call, source = gold(file), script(file)
    assert len(call["turns"]) == len(source["turn"])
    assert {turn["role"]: turn["channel"] for turn in call["turns"]} == {
        role: number for number, role in enumerate(source["channels"])
    }
    assert call["expected"] == source["expected"]


def test_the_metadata_can_be_imported_and_leaves_one_call_to_be_guessed():
    known = read_metadata(SAMPLES / "calls.csv", CallMetadata())
    assert set(known) == set(FORMATS)
    for file, metadata in known.items():
        assert metadata.agent
        assert metadata.queue
        assert metadata.started_at
        assert metadata.direction is Direction.INBOUND
        channels = [Role(role) for role in script(file)["channels"]]
        assert metadata.channel_roles == (() if file == "utilities.wav" else tuple(channels))
    assert (
        gold("utilities.wav")["turns"][0]["channel"] == 1
    )  # the agent speaks first, on the second


def test_one_call_has_dead_air_and_one_has_overtalk():
    turns = gold("public-service.wav")["turns"]
    gaps = [after["start_ms"] - before["end_ms"] for before, after in pairwise(turns)]
    assert max(gaps) > 10_000
    turns = gold("utilities.wav")["turns"]
    overlaps = [before["end_ms"] - after["start_ms"] for before, after in pairwise(turns)]
    assert sum(overlap for overlap in overlaps if overlap > 0) > 3_000


def test_some_agents_say_that_the_call_is_recorded_and_some_do_not():
    said = {file: "record" in " ".join(t["text"] for t in gold(file)["turns"]) for file in FORMATS}
    for file, is_said in said.items():
        expected = gold(file)["expected"]
        assert ("recording-notice" in expected["findings"]) is is_said
        assert ("recording-notice" in expected["absent"]) is not is_said
    assert set(said.values()) == {True, False}
