"""Check digits of national numbers, by the rules of who issues them.

Each takes a value in its normal form (digits and capital letters only) and of the shape that
national.toml gives it; by `NATIONAL_CHECKS`, which is how others use them, a value of any other
shape is none.
"""

from __future__ import annotations

from string import ascii_uppercase, digits
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_ITIN_GROUPS = {*range(50, 66), *range(70, 89), *range(90, 93), *range(94, 100)}
_UTR_REST = "21987654321"
_DNI_LETTERS = "TRWAGMYFPDXBNJZSQVHLCKE"
_CIF_LETTERS = "JABCDEFGHI"
_PPS_LETTERS = "WABCDEFGHIJKLMNOPQRSTUV"
_CF_OMOCODES = str.maketrans("LMNPQRSTUV", digits)
_CF_ODD = (
    *(1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25),
    *(24, 23),
)
_CF_DIGITS_AT = (6, 7, 9, 10, 12, 13, 14)
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", "12345678123457923456789", strict=True))


def luhn_digits(value: str) -> bool:
    """Say whether the digits of a value end in their Luhn digit (ISO/IEC 7812-1)."""
    pairs = enumerate(int(char) for char in reversed(value) if char.isdigit())
    doubled = [digit * (1 + place % 2) for place, digit in pairs]
    return sum(one - 9 if one > 9 else one for one in doubled) % 10 == 0


def itin(value: str) -> bool:
    """Say whether nine digits are a US taxpayer number (IRS: the groups that are given)."""
    return value[0] == "9" and int(value[3:5]) in _ITIN_GROUPS


def utr(value: str) -> bool:
    """Say whether ten digits are a UK unique taxpayer reference (modulo 11)."""
    return value[0] == _UTR_REST[_weighted(value[1:], (6, 7, 8, 9, 10, 5, 4, 3, 2)) % 11]


def uk_vat(value: str) -> bool:
    """Say whether `GB` and nine digits, or the digits alone, are a UK VAT number (modulo 97)."""
    number = value.removeprefix("GB")[:9]
    total = _weighted(number[:7], range(8, 1, -1)) + int(number[7:])
    return total % 97 in {0, 42}  # 42: numbers since 2010


def de_tax_id(value: str) -> bool:
    """Say whether eleven digits are a German tax id (ISO 7064, one digit twice or three times)."""
    counts = sorted(value[:10].count(digit) for digit in set(value[:10]))
    return counts[-1] in {2, 3} and counts[:-1] == [1] * (len(counts) - 1) and _mod_11_10(value)


def de_vat(value: str) -> bool:
    """Say whether `DE` and nine digits are a German VAT number (ISO 7064 modulo 11, 10)."""
    return _mod_11_10(value[2:])


def de_document(value: str) -> bool:
    """Say whether a value is the number of a German identity card or passport with its check digit
    (ICAO 9303: weights 7, 3, 1)."""
    total = sum(int(char, 36) * (7, 3, 1)[place % 3] for place, char in enumerate(value[:9]))
    return total % 10 == int(value[9])


def fr_nir(value: str) -> bool:
    """Say whether a value is a French social security number with its key (INSEE, modulo 97)."""
    place = {"2A": "19", "2B": "18"}.get(value[5:7], value[5:7])  # Corsica
    number = value[:5] + place + value[7:13]
    return 97 - int(number) % 97 == int(value[13:])


def fr_vat(value: str) -> bool:
    """Say whether `FR`, a key and nine digits are a French VAT number; keys with letters prove
    nothing themselves."""
    key, siren = value[2:4], value[4:]
    right = not key.isdigit() or int(key) == (12 + 3 * (int(siren) % 97)) % 97
    return luhn_digits(siren) and right


def it_fiscal_code(value: str) -> bool:
    """Say whether sixteen characters are an Italian codice fiscale (decree of 23 December 1976)."""
    plain = list(value[:15])
    if not all(plain[at].translate(_CF_OMOCODES).isdigit() for at in _CF_DIGITS_AT):
        return False
    total = 0
    for place, char in enumerate(plain):
        number = int(char) if char.isdigit() else ascii_uppercase.index(char)
        total += number if place % 2 else _CF_ODD[number]
    return ascii_uppercase[total % 26] == value[15]


def es_id(value: str) -> bool:
    """Say whether a value is a Spanish DNI or NIE with its letter (modulo 23)."""
    number = value[:8].replace("X", "0").replace("Y", "1").replace("Z", "2")
    return number.isdigit() and value[8] == _DNI_LETTERS[int(number) % 23]


def es_vat(value: str) -> bool:
    """Say whether `ES` and a person's or a firm's tax number are a Spanish VAT number."""
    number = value[2:]
    if number[0] in digits + "XYZ":
        return es_id(number)
    doubled = sum(sum(map(int, str(int(char) * 2))) for char in number[1:8:2])
    check = -(doubled + sum(map(int, number[2:8:2]))) % 10
    return number[8] in {str(check), _CIF_LETTERS[check]}


def nl_bsn(value: str) -> bool:
    """Say whether nine digits are a Dutch citizen's number (the test of eleven)."""
    return int(value) > 0 and _weighted(value, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def nl_vat(value: str) -> bool:
    """Say whether a value is a Dutch VAT number, of a firm or of a person on their own."""
    return nl_bsn(value[2:11]) or int("".join(str(int(char, 36)) for char in value)) % 97 == 1


def be_number(value: str) -> bool:
    """Say whether ten or eleven digits are a Belgian firm's or citizen's number (modulo 97)."""
    number, check = value.removeprefix("BE")[:-2], int(value[-2:])
    return 97 - int(number) % 97 == check or 97 - int("2" + number) % 97 == check


def ie_pps(value: str) -> bool:
    """Say whether seven digits and a letter or two are an Irish PPS number (modulo 23)."""
    second = ascii_uppercase.index(value[8]) + 1 if value[8:] and value[8] != "W" else 0
    return value[7] == _PPS_LETTERS[(_weighted(value[:7], range(8, 1, -1)) + second * 9) % 23]


def vin(value: str) -> bool:
    """Say whether seventeen characters are a vehicle's number with its check digit (ISO 3779)."""
    numbers = (int(_VIN_VALUES.get(char, char)) for char in value)
    rest = sum(one * weight for one, weight in zip(numbers, _VIN_WEIGHTS, strict=True)) % 11
    return value[8] == ("X" if rest == 10 else str(rest))


def _or_none(check: Callable[[str], bool]) -> Callable[[str], bool]:
    """Return the check with its answer for a value of another form: it is none."""

    def answer(value: str) -> bool:
        try:
            return check(value)
        except (ValueError, IndexError):
            return False

    return answer


NATIONAL_CHECKS: dict[str, Callable[[str], bool]] = {
    check.__name__: _or_none(check)
    for check in (
        *(luhn_digits, itin, utr, uk_vat, de_tax_id, de_vat, de_document, fr_nir, fr_vat),
        *(it_fiscal_code, es_id, es_vat, nl_bsn, nl_vat, be_number, ie_pps, vin),
    )
}
"""Checks of values of a known shape by name."""


def _mod_11_10(value: str) -> bool:
    product = 10
    for char in value[:-1]:
        product = ((int(char) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(value[-1])


def _weighted(value: str, weights: Iterable[int]) -> int:
    return sum(int(char) * weight for char, weight in zip(value, weights, strict=True))
