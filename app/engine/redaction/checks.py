"""Checks that tell a real number from any other: checksums and the rules of who issues it.

Each takes the value in its normal form (digits and capital letters only) and answers yes or no.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from app.engine.redaction.national_checks import NATIONAL_CHECKS

if TYPE_CHECKING:
    from collections.abc import Callable

_SHORTEST_CARD, _LONGEST_CARD = 13, 19
_CARD_STARTS = "3456"  # Amex, Diners and JCB; Visa; Mastercard; Discover, UnionPay, Maestro
_IBAN_LENGTHS = range(15, 35)
_TFN_WEIGHTS = (1, 4, 3, 7, 5, 8, 6, 9, 10)
_ABN_WEIGHTS = (10, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19)
_ACN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 1)
_MEDICARE_WEIGHTS = (1, 3, 7, 9, 1, 3, 7, 9)
_NINO = re.compile(r"[A-CEGHJ-PRSTW-Z][A-CEGHJ-NPRSTW-Z][0-9]{6}[A-D]\Z")
_NINO_NEVER = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def normal(text: str) -> str:
    """Return the digits and letters of a written value, in capitals."""
    return "".join(char for char in text.upper() if char.isalnum())


def luhn(value: str) -> bool:
    """Say whether a number ends in its Luhn digit (ISO/IEC 7812-1)."""
    if not _digits(value):
        return False
    total = 0
    for place, char in enumerate(reversed(value)):
        digit = int(char)
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def card(value: str) -> bool:
    """Say whether a number can be a payment card's: its length, its first digit, Luhn."""
    return (
        _SHORTEST_CARD <= len(value) <= _LONGEST_CARD
        and value[0] in _CARD_STARTS
        and luhn(value)
        and len(set(value)) > 1
    )


def iban(value: str) -> bool:
    """Say whether a value is an IBAN (ISO 13616: the rest of division by 97 is 1)."""
    if len(value) not in _IBAN_LENGTHS or not value.isascii() or not value.isalnum():
        return False
    if not (value[:2].isalpha() and _digits(value[2:4])):
        return False
    moved = value[4:] + value[:4]
    return int("".join(str(int(char, 36)) for char in moved)) % 97 == 1


def routing(value: str) -> bool:
    """Say whether nine digits are a routing number of the American Bankers Association."""
    if len(value) != 9 or not _digits(value) or value == "0" * 9:
        return False
    return _weighted(value, (3, 7, 1) * 3) % 10 == 0


def ssn(value: str) -> bool:
    """Say whether nine digits can be a US social security or individual taxpayer number."""
    if len(value) != 9 or not _digits(value):
        return False
    area, group, serial = value[:3], value[3:5], value[5:]
    return area not in {"000", "666"} and group != "00" and serial != "0000"


def nino(value: str) -> bool:
    """Say whether a value can be a UK national insurance number."""
    return bool(_NINO.match(value)) and value[:2] not in _NINO_NEVER


def nhs(value: str) -> bool:
    """Say whether ten digits are an NHS number (modulo 11)."""
    if len(value) != 10 or not _digits(value):
        return False
    check = 11 - _weighted(value[:9], range(10, 1, -1)) % 11
    return check != 10 and check % 11 == int(value[9])


def tfn(value: str) -> bool:
    """Say whether nine digits are an Australian tax file number."""
    if len(value) != 9 or not _digits(value) or value == "0" * 9:
        return False
    return _weighted(value, _TFN_WEIGHTS) % 11 == 0


def abn(value: str) -> bool:
    """Say whether eleven digits are an Australian business number."""
    if len(value) != 11 or not _digits(value) or value[0] == "0":
        return False
    return _weighted(str(int(value[0]) - 1) + value[1:], _ABN_WEIGHTS) % 89 == 0


def acn(value: str) -> bool:
    """Say whether nine digits are an Australian company number."""
    if len(value) != 9 or not _digits(value) or value == "0" * 9:
        return False
    return (10 - _weighted(value[:8], _ACN_WEIGHTS) % 10) % 10 == int(value[8])


def medicare(value: str) -> bool:
    """Say whether ten or eleven digits are an Australian Medicare number."""
    if len(value) not in (10, 11) or not _digits(value) or value[0] not in "23456":
        return False
    return _weighted(value[:8], _MEDICARE_WEIGHTS) % 10 == int(value[8])


def south_african_id(value: str) -> bool:
    """Say whether thirteen digits are a South African identity number."""
    if len(value) != 13 or not luhn(value):
        return False
    month, day = int(value[2:4]), int(value[4:6])
    return 1 <= month <= 12 and 1 <= day <= 31 and value[10] in "012"


def ipv4(value: str) -> bool:
    """Say whether a text is an IP address of version 4 (not normalised: with its dots)."""
    return _ip(value, 4)


def ipv6(value: str) -> bool:
    """Say whether a text is an IP address of version 6 (not normalised: with its colons)."""
    return _ip(value, 6)


def url(value: str) -> bool:
    """Say whether an address of the web carries something of a user: a query, an account, a
    token."""
    marks = ("?", "@", "user", "account", "profile", "token", "id=", "/u/")
    return any(mark in value.lower() for mark in marks) or any(char.isdigit() for char in value)


CHECKS: dict[str, Callable[[str], bool]] = {
    check.__name__: check
    for check in (card, iban, routing, ssn, nino, nhs, tfn, abn, acn, medicare, south_african_id)
} | NATIONAL_CHECKS
"""Checks of normal values by name."""

TEXT_CHECKS: dict[str, Callable[[str], bool]] = {
    check.__name__: check for check in (ipv4, ipv6, url)
}
"""Checks of texts as they are written, by name."""


def _digits(value: str) -> bool:
    return value.isascii() and value.isdigit()


def _weighted(value: str, weights: range | tuple[int, ...]) -> int:
    return sum(int(char) * weight for char, weight in zip(value, weights, strict=True))


def _ip(value: str, version: int) -> bool:
    try:
        return ipaddress.ip_address(value).version == version
    except ValueError:
        return False
