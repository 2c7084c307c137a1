"""File names and customers' references: what is personal goes, what recorders write stays."""

from __future__ import annotations

import string
import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import RedactionSettings
from app.domain import CallMetadata, Labels
from app.engine.redaction import Redactor
from app.engine.redaction.labels import LabelRedactor, reference_digest
from tests.unit.engine.redaction.calls import RECOGNISERS, ROOT, Models

KNOWN = CallMetadata(agent="Amelia Hartley")


@cache
def redactor(policy: str = "standard", *, agent_names: bool = False) -> LabelRedactor:
    settings = RedactionSettings(policy=policy, agent_names=agent_names)
    return LabelRedactor(RECOGNISERS, settings)


def name(text: str, policy: str = "standard") -> str:
    return redactor(policy).safe(text, KNOWN).source_name


def reference(text: str, policy: str = "standard") -> Labels:
    return redactor(policy).safe("a.wav", CallMetadata(customer_reference=text))


@pytest.mark.parametrize(
    "text",
    [
        "finance.mp3",
        "public-service.wav",
        "0001.wav",
        "call.g722",
        "rec_20260301_093012_ext204_out.wav",
        "2026-03-01T09-30-12.123Z_inbound_4475.wav",
        "1772357412.wav",
        "3f2a90c1-1111-4abc-8def-0123456789ab.wav",
        "2026 03 01 monday morning shift.wav",
        "Teams-Meeting-20260301_101500.mp4",
        "amelia_hartley_0003.wav",
        "outbound-queue-billing-7.wav",
        "",
        ".wav",
        "[PERSON-1]_2026-03-01.wav",
        "[PHONE-1 …0123].wav",
    ],
)
def test_what_recorders_write_stays(text: str) -> None:
    assert name(text) == text


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("john_smith_2026-03-01.wav", "[PERSON-1]_2026-03-01.wav"),
        ("JohnSmith.wav", "[PERSON-1].wav"),
        ("Mrs Xochitl Abernathy.wav", "[PERSON-1].wav"),
        ("call with priya nair about refund.wav", "call with [PERSON-1] about refund.wav"),
        ("07700900123_20260301.wav", "[PHONE-1]_20260301.wav"),
        ("+44 7700 900123 20260301093012.wav", "[PHONE-1] 20260301093012.wav"),
        ("4111111111111111.wav", "[CARD-1].wav"),
        ("4111-1111-1111-1111_cvv_123.wav", "[CARD-1]_cvv_[CARD_CODE-1].wav"),
        ("john.smith@example.com.wav", "[EMAIL-1].wav"),
        ("12 acacia avenue complaint.wav", "[ADDRESS-1] complaint.wav"),
        ("dob_2001-03-04.wav", "dob_[DATE_OF_BIRTH-1].wav"),
        ("AB123456C.wav", "[NATIONAL_ID-1].wav"),
        ("10.20.30.40.wav", "[IP_ADDRESS-1].wav"),
        ("call-000123.wav", "call-[NUMBER-1].wav"),
        ("[PERSON-1] john.wav", "[PERSON-1] [PERSON-2].wav"),
    ],
)
def test_what_is_personal_goes(text: str, safe: str) -> None:
    assert name(text) == safe


def test_the_policy_decides() -> None:
    assert name("john_4111111111111111.wav", "none") == "john_4111111111111111.wav"
    assert name("4111111111111111.wav", "last-four") == "[CARD-1 …1111].wav"
    assert name("cvv_123.wav", "none") == "cvv_[CARD_CODE-1].wav"
    agents = redactor(agent_names=True)
    assert agents.safe("amelia_0003.wav", KNOWN).source_name == "[PERSON-1]_0003.wav"


def test_a_reference_stays_without_what_is_personal_in_it() -> None:
    for text in ("SB-20017", "BG-3047719", "12345678", " "):
        assert reference(text).customer_reference == text
    assert reference("AC-604118 Tomasz Nowak").customer_reference == "AC-604118 [PERSON-1]"
    assert reference("mrs smith").customer_reference == "[PERSON-1]"
    assert reference("4111111111111111").customer_reference == "[CARD-1]"
    assert reference("SB-20017", "all").customer_reference == "[CUSTOMER_REFERENCE-1]"
    assert redactor().safe("a.wav", KNOWN).customer_reference is None
    assert reference("").customer_reference is None


@pytest.mark.parametrize("policy", ["none", "standard", "all"])
def test_a_customer_is_found_by_the_reference_under_any_policy(policy: str) -> None:
    digests = {one.digest for one in reference("sb 20017", policy).values}
    assert reference_digest("SB-20017") in digests
    assert reference_digest("SB-20018") not in digests
    assert all(one.value == 0 for one in reference("sb 20017", policy).values)


def test_what_is_taken_out_of_a_name_leaves_as_a_digest() -> None:
    (value,) = redactor().safe("john_smith.wav", KNOWN).values
    assert (value.kind, value.value) == ("PERSON", 0)


@given(st.text(max_size=60), st.none() | st.text(max_size=30))
def test_any_label_passes_and_is_the_same_again(text: str, other: str | None) -> None:
    known = CallMetadata(customer_reference=other)
    once = redactor().safe(text, known)
    assert once == redactor().safe(text, known)
    again = CallMetadata(customer_reference=once.customer_reference)
    assert redactor().safe(once.source_name, again).source_name == once.source_name


@given(st.text(string.ascii_letters + " _-.", max_size=20), st.integers(0, 9999))
def test_no_card_number_is_left_in_any_name(around: str, number: int) -> None:
    assert "4111111111111111" not in name(f"{around}_4111111111111111_{number}.wav").lower()


def test_no_model_is_loaded_at_an_import() -> None:
    code = (
        "import sys; from pathlib import Path; from app.config import RedactionSettings;"
        "from app.domain import CallMetadata;"
        "from app.engine.redaction.labels import LabelRedactor;"
        "made = LabelRedactor(Path('resources/recognisers'), RedactionSettings());"
        "print(made.safe('john_smith.wav', CallMetadata()).source_name,"
        " sorted({'spacy', 'presidio_analyzer', 'onnxruntime', 'numpy'} & set(sys.modules)))"
    )
    made = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert made.stdout.strip() == "[PERSON-1].wav []"


@pytest.mark.models
def test_in_the_worker_all_finders_look_again() -> None:
    whole = Redactor(Models(), RedactionSettings(), RECOGNISERS)
    assert name("call_Wojciechowska_20260301.wav") == "call_Wojciechowska_20260301.wav"
    found = whole.labels("call_Wojciechowska_20260301.wav", KNOWN)
    assert found.source_name == "call_[PERSON-1]_20260301.wav"
    assert [(one.kind, one.value) for one in found.values] == [("PERSON", 0)]
    for text in ("finance.mp3", "utilities.wav", "rec_20260301_093012_ext204_out.wav"):
        assert whole.labels(text, KNOWN).source_name == text
    known = CallMetadata(customer_reference="BG-3047719")
    assert whole.labels("a.wav", known).customer_reference == "BG-3047719"
