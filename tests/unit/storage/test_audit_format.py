"""Keys and checkpoints as text: what a person mistypes is noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import UsageError
from app.storage import audit_format as form
from tests.unit.storage.audit_logs import verifier

verify = verifier()
values = st.binary(min_size=32, max_size=32)
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@given(values, st.integers(1, 10**9))
def test_keys_and_roots_come_back_from_their_text(value, size):
    assert form.key_of_text(form.key_text(value)) == value
    assert form.root_of_text(form.root_text(size, value)) == (size, value)
    assert verify.read_key(form.key_text(value)) == value
    read = verify.read_checkpoint(form.root_text(size, value))
    assert (read["size"], read["root"]) == (size, value.hex())


@given(values)
def test_how_it_is_typed_does_not_matter(value):
    text = form.key_text(value)
    mark, _, digits = text.partition("-")
    loose = digits.lower().replace("-", " - ").replace("o", "0").replace("i", "1").replace("b", "8")
    for typed in (f"{mark.lower()}-{loose}", f" {mark}-\n{digits.replace('-', '')} "):
        assert form.key_of_text(typed) == verify.read_key(typed) == value


def test_a_key_looks_like_this():
    assert form.key_text(bytes(32)) == (
        "AIKEY2-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAO-ITTY"
    )


@given(values, st.data())
def test_a_slip_is_noticed(value, data):
    text = form.root_text(1234, value)
    places = [at for at, one in enumerate(text) if at >= len("AIROOT2-1234-") and one != "-"]
    at = data.draw(st.sampled_from(places))
    way = data.draw(st.sampled_from(["other", "left out", "doubled", "swapped", "size"]))
    changed = list(text)
    if way == "other":
        changed[at] = data.draw(st.sampled_from([one for one in DIGITS if one != text[at]]))
    elif way == "left out":
        del changed[at]
    elif way == "doubled":
        changed.insert(at, changed[at])
    elif way == "swapped":
        other = data.draw(st.sampled_from([one for one in places if text[one] != text[at]] or [at]))
        if other == at:
            return
        changed[at], changed[other] = changed[other], changed[at]
    else:
        changed[len("AIROOT2-")] = "7"
    with pytest.raises(UsageError):
        form.root_of_text("".join(changed))
    with pytest.raises(verify.Unreadable):
        verify.read_checkpoint("".join(changed))


@pytest.mark.parametrize("text", ["", "AIKEY2", "AIKEY2-", "AIROOT2-1-AAAA", "AIKEY1-AAAA", "x"])
def test_what_is_no_key_is_none(text):
    with pytest.raises(UsageError):
        form.key_of_text(text)
    with pytest.raises(verify.Unreadable):
        verify.read_key(text)


@pytest.mark.parametrize(
    "text", ["", "AIROOT2", "AIROOT2-", "AIROOT2-x-A", "AIROOT2--A", "AIKEY2-1"]
)
def test_what_is_no_root_is_none(text):
    with pytest.raises(UsageError):
        form.root_of_text(text)


def test_signatures_of_no_form_are_no_signatures():
    assert not form.signed_by(b"", b"", b"")
    assert not form.signed_by(bytes(32), bytes(64), b"")
