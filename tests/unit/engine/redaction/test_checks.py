"""Checksums: known numbers pass, and one wrong digit does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.redaction import checks

# Published example numbers.
VALID = {
    "card": ["4111111111111111", "5555555555554444", "378282246310005", "6011111111111117"],
    "iban": ["GB82WEST12345698765432", "DE89370400440532013000", "NO9386011117947"],
    "routing": ["011401533", "021000021"],
    "ssn": ["219099999", "900701234"],
    "nino": ["JG103759A", "AB123456C"],
    "nhs": ["9434765919"],
    "tfn": ["123456782"],
    "abn": ["51824753556"],
    "acn": ["004085616"],
    "medicare": ["2123456701", "21234567012"],
    "south_african_id": ["8001015009087"],
}
INVALID = {
    "card": ["4111111111111112", "411111111111", "0000000000000000", "9999999999999995", "4" * 16],
    "iban": ["GB82WEST12345698765431", "1282WEST12345698765432", "GB82", "GB82WEST1234569876543é"],
    "routing": ["011401534", "000000000", "12345678", "abcdefghi"],
    "ssn": ["000123456", "666123456", "123001234", "123450000", "12345678"],
    "nino": ["GB123456A", "DA123456A", "AB12345C", "AB123456E"],
    "nhs": ["9434765918", "943476591", "1000000002"],
    "tfn": ["123456789", "000000000", "12345678"],
    "abn": ["51824753557", "5182475355", "01824753556"],
    "acn": ["004085617", "000000000", "00408561"],
    "medicare": ["2123456711", "1123456701", "212345670"],
    "south_african_id": ["8001015009088", "8013015009085", "800101500908"],
}


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in VALID.items() for v in vs])
def test_known_numbers_pass(name: str, value: str) -> None:
    assert checks.CHECKS[name](value)


@pytest.mark.parametrize(("name", "value"), [(n, v) for n, vs in INVALID.items() for v in vs])
def test_wrong_numbers_do_not(name: str, value: str) -> None:
    assert not checks.CHECKS[name](value)


@given(st.text(max_size=40))
def test_no_check_raises(value: str) -> None:
    for check in [*checks.CHECKS.values(), *checks.TEXT_CHECKS.values()]:
        assert check(value) in (True, False)
        assert check(checks.normal(value)) in (True, False)


@given(st.text("0123456789", min_size=12, max_size=18), st.integers(0, 17), st.integers(1, 9))
def test_luhn_notices_one_wrong_digit(body: str, place: int, more: int) -> None:
    value = next(body + last for last in "0123456789" if checks.luhn(body + last))
    place %= len(value)
    wrong = value[:place] + str((int(value[place]) + more) % 10) + value[place + 1 :]
    assert checks.luhn(value)
    assert not checks.luhn(wrong)


def test_addresses_of_machines() -> None:
    assert checks.ipv4("192.168.0.14")
    assert not checks.ipv4("999.168.0.14")
    assert checks.ipv6("fe80::1")
    assert not checks.ipv6("9:30")


def test_links_count_when_they_carry_a_user() -> None:
    assert checks.url("https://example.com/reset?user=bob")
    assert checks.url("www.example.com/orders/12345")
    assert not checks.url("www.example.com")


def test_normal_form_keeps_letters_and_digits() -> None:
    assert checks.normal("gb82 west-12") == "GB82WEST12"
