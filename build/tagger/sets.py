"""The public sets that may train weights, without what is held back for measuring.

`presidio_research` by templates, EVI by dialogues, BANKING77, DSTC 11 and Taskmaster by sentences
or dialogues: the half that `tests.bench.halves` holds back is never read into training, and
one in eight of the rest validates. CLINC150 gives its own training part (its test part is
measured on). Harper Valley, Earnings-21 and the DSTC 11 test file are not read here at all.
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import tomllib
from collections import defaultdict
from typing import TYPE_CHECKING

from tagger import talk
from tagger.calls import AGENT, CUSTOMER, UNKNOWN, Calls, Piece, Turn, turn
from tagger.values import RECOGNISERS
from tests.bench.halves import held_back

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IGNORED = "?"  # neither right nor wrong: the tagger learns nothing from it
_PRESIDIO = {
    "PERSON": "PERSON", "ADDRESS": "ADDRESS", "CREDIT_CARD": "CARD", "PHONE_NUMBER": "PHONE",
    "EMAIL_ADDRESS": "EMAIL", "US_SSN": "NATIONAL_ID", "US_DRIVER_LICENSE": "NATIONAL_ID",
    "IBAN_CODE": "BANK_ACCOUNT", "LOCATION": IGNORED, "DATE_TIME": IGNORED,
    "DOMAIN_NAME": IGNORED, "IP_ADDRESS": IGNORED, "TITLE": IGNORED, "PREFIX": IGNORED,
}  # fmt: skip
_EVI = {"postcode": ("POSTCODE", "POSTCODE"), "name": ("PERSON", "FULL"),
        "dob": ("DATE_OF_BIRTH", "BORN")}  # fmt: skip
# Intents of CLINC150 that are about names of people, or whose sentences hold some.
_NAMED = {"change_user_name", "user_name", "make_call", "text", "change_ai_name", "reminder",
          "what_is_your_name", "reminder_update", "share_location", "calendar",
          "calendar_update", "schedule_meeting", "meeting_schedule"}  # fmt: skip


def validates(key: str) -> bool:
    """Say whether a key of the development half is kept from training to choose settings by."""
    return hashlib.sha256(f"tagger validation:{key}".encode()).digest()[0] % 8 == 0


def presidio_research(data: Path, calls: Calls, *, validation: bool) -> Iterator[list[Turn]]:
    """Read the sentences, with other names and addresses put in for half of them."""
    file = data / "pii/presidio_research/generated_large.json"
    for one in json.loads(file.read_text(encoding="utf-8")):
        key = f"template {one['template_id']}"
        if held_back(key) or validates(key) != validation:
            continue
        text, pieces, read = one["full_text"], [], 0
        anew = not validation and calls.chance.random() < 0.6
        for span in sorted(one["spans"], key=lambda s: s["start_position"]):
            label = _PRESIDIO.get(span["entity_type"], "")
            value = text[span["start_position"] : span["end_position"]]
            if anew and label in {"PERSON", "ADDRESS"} and not value.endswith("."):
                value = _another(calls, label, value)
            pieces.append(Piece(text[read : span["start_position"]]))
            pieces.append(Piece(value, label))
            read = span["end_position"]
        pieces.append(Piece(text[read:]))
        yield [turn(calls.chance.choice((CUSTOMER, UNKNOWN)), pieces)]


def _another(calls: Calls, label: str, value: str) -> str:
    """Return a value of the same kind and about the same length."""
    if label == "ADDRESS":
        longer = any(char.isdigit() for char in value)
        return calls.values.address() if longer else calls.values.street()
    single = " " not in value
    return calls.values.first_name() if single else calls.values.full_name()


def evi(data: Path, calls: Calls, *, validation: bool) -> Iterator[list[Turn]]:
    """Read the spoken identities; lead-ins are neither taught nor untaught."""
    words = tomllib.loads((RECOGNISERS / "answers.toml").read_text(encoding="utf-8"))
    lead_ins = sorted(words["lead_ins"], key=len, reverse=True)
    rows: dict[str, list[dict[str, str]]] = defaultdict(list)
    file = data / "pii/evi_spoken_identity/dialogues.en.tsv"
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            rows[row["dialogue_id"]].append(row)
    for dialogue, answers in rows.items():
        key = f"dialogue {dialogue}"
        if held_back(key) or validates(key) != validation:
            continue
        said: list[Turn] = []
        for row in answers:
            label, asked = _EVI[row["item"]]
            if row["attempt_num"] == "2" and label == "PERSON":
                asked = "SPELLED"
            text = calls.chance.choice((row["transcription"], *json.loads(row["nbest"])))
            if label != "PERSON" and not any(char.isdigit() for char in text):
                label = IGNORED
            said.append(turn(AGENT, [Piece(calls.chance.choice(talk.ASKS[asked]))]))
            lead = _lead_in(text, lead_ins)
            said.append(turn(CUSTOMER, [Piece(text[:lead], IGNORED), Piece(text[lead:], label)]))
        yield said


def _lead_in(text: str, lead_ins: list[str]) -> int:
    """Return where an answer's value begins, after "yes it's"."""
    place, low = 0, text.lower()
    while True:
        for phrase in lead_ins:
            if low.startswith(phrase + " ", place):
                place += len(phrase) + 1
                break
        else:
            return place


def plain(data: Path, *, validation: bool) -> Iterator[list[Turn]]:
    """Read what people say to services without naming anybody."""
    texts: list[str] = []
    with (data / "text/banking77/train.csv").open(encoding="utf-8", newline="") as lines:
        texts += [row["text"].strip() for row in csv.DictReader(lines)]
    for line in (data / "text/dstc11_intents/development_test-utterances.jsonl").open():
        texts.append(json.loads(line)["utterance"])
    texts = [text for text in texts if not held_back(text)]
    clinc = json.loads((data / "text/clinc150/data_full.json").read_text(encoding="utf-8"))
    texts += [text for text, intent in clinc["train"] if intent not in _NAMED]
    for text in texts:
        if validates(text) == validation and not re.search(r"\d{6}|@", text):
            yield [Turn(CUSTOMER, text, ())]


def taskmaster(data: Path, *, validation: bool) -> Iterator[list[Turn]]:
    """Read orders of coffee; whoever gives a name gives that of a playing card."""
    file = data / "text/taskmaster/data_07.json"
    for one in json.loads(file.read_text(encoding="utf-8")):
        key = f"taskmaster {one['conversation_id']}"
        if held_back(key) or validates(key) != validation:
            continue
        roles = {"user": CUSTOMER, "assistant": AGENT}
        yield [Turn(roles[said["speaker"]], said["text"], ()) for said in one["utterances"]]
