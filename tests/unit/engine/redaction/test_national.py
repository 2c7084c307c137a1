"""National numbers: a table of what is found, as it is written and in all ways of saying it."""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.redaction.checks import CHECKS
from app.engine.redaction.national import NationalFinder
from app.engine.redaction.national_checks import NATIONAL_CHECKS
from tests.unit.engine.redaction.calls import data, read, steps

REGIONS = ("au", "eu", "uk", "us", "za")

# rule, what is said before it, a value with its check digit (made up, or the issuer's own example),
# and one whose check digit is wrong ("" where the number has none)
TABLE = [
    ("us.ssn", "social security", "219099999", "000099999"),
    ("us.itin", "the itin is", "912701234", "912101234"),
    ("us.medicare", "", "1EG4TE5MK73", "1EG4TE5MKS3"),
    ("us.passport", "passport", "B12345678", ""),
    ("us.driving-licence", "driver's license", "D1234567", ""),
    ("uk.nino", "", "AB123456C", "BG123456C"),
    ("uk.nhs", "the n h s is", "9434765919", "9434765918"),
    ("uk.utr", "for self assessment", "1955839661", "2955839661"),
    ("uk.vat", "", "GB980780684", "GB980780685"),
    ("uk.vat-digits", "the vat is", "980780684", "980780685"),
    ("uk.passport", "passport", "925665416", ""),
    ("uk.driving-licence", "", "MORGA657054SM9IJ", ""),
    ("de.tax-id", "steuer", "36574261809", "36574261808"),
    ("de.vat", "", "DE136695976", "DE136695978"),
    ("de.identity-card", "personalausweis", "T220001293", "T220001294"),
    ("de.passport", "reisepass", "C01X00T47", ""),
    ("fr.social-security", "", "295109912611193", "295109912611199"),
    ("fr.social-security", "", "180012A12345620", "180012A12345621"),
    ("fr.social-security", "", "180012B12345647", "180012B12345648"),
    ("fr.vat", "", "FR40303265045", "FR41303265045"),
    ("fr.vat", "", "FRK7303265045", "FRK7303265046"),
    ("fr.identity-card", "carte nationale", "880692310285", ""),
    ("fr.passport", "passeport", "12AB34567", ""),
    ("it.fiscal-code", "", "RCCMNL83S18D969H", "RCCMNL83S18D969I"),
    ("it.fiscal-code", "", "RCCMNL83S18D96VW", "RCCMNL83S18D96VA"),  # a letter in place of 9
    ("it.vat", "", "IT00743110157", "IT00743110158"),
    ("it.vat-digits", "partita iva", "00743110157", "00743110158"),
    ("it.identity-card", "carta d'identita", "CA12345AB", ""),
    ("it.passport", "passaporto", "YA1234567", ""),
    ("es.dni", "the dni is", "54362315K", "54362315Z"),
    ("es.nie", "", "X2482300W", "X2482300A"),
    ("es.vat", "", "ES54362315K", "ES54362315Z"),
    ("es.vat", "", "ESJ99216582", "ESJ99216583"),
    ("es.passport", "pasaporte", "AAA123456", ""),
    ("nl.bsn", "the bsn is", "111222333", "111252333"),
    ("nl.vat", "", "NL004495445B01", "NL123456789B90"),
    ("nl.vat", "", "NL123456789B13", "NL123456788B13"),
    ("nl.passport", "paspoort", "SPECI2014", ""),
    ("be.vat", "", "BE0428759497", "BE0431150351"),
    ("be.national-number", "rijksregisternummer", "85073003328", "85073003329"),
    ("be.national-number", "rijksregisternummer", "17073003384", "17073003385"),
    ("ie.pps", "pps", "6433435F", "6433435E"),
    ("ie.pps", "pps", "6433436KH", "6433436KB"),
    ("ie.pps", "pps", "6433435FW", "6433435EW"),
    ("eu.vat", "the vat is", "ATU13585627", ""),
    ("au.tfn", "tax file", "123456782", "123456783"),
    ("au.medicare", "medicare", "2123456701", "2123456711"),
    ("au.abn", "the abn", "51824753556", "51824753557"),
    ("au.acn", "company number", "004085616", "004085617"),
    ("au.passport", "passport", "PA1234567", ""),
    ("au.driving-licence", "driver licence", "12345678", ""),
    ("za.identity", "", "8001015009087", "8001015009088"),
    ("za.tax", "for sars", "0001339050", "0001339051"),
    ("za.passport", "passport", "M01234567", ""),
    ("vehicle.vin", "", "1M8GDM9AXKP042788", "1M8GDM9A1KP042788"),
    ("vehicle.vin-named", "the chassis is", "WVWZZZ1JZXW000001", ""),
    ("device.imei", "imei", "490154203237518", "490154203237517"),
    ("device.mac-said", "the router is", "001A2B3C4D5E", ""),
]
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NATO = (
    *("alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"),
    *("kilo", "lima", "mike", "november", "oscar", "papa", "quebec", "romeo", "sierra", "tango"),
    *("uniform", "victor", "whiskey", "xray", "yankee", "zulu"),
)
REPEATS = {2: "double", 3: "triple"}


def plainly(value: str, zero: str = "zero") -> str:
    """Say each digit and letter by itself."""
    return " ".join(
        (zero if char == "0" else DIGITS[int(char)]) if char.isdigit() else char.lower()
        for char in value
    )


def with_repeats(value: str) -> str:
    """Say two and three of the same as "double" and "triple"."""
    groups = [match[0] for match in re.finditer(r"(.)\1{0,2}", value)]
    return " ".join(
        f"{REPEATS[len(group)]} {plainly(group[0])}" if len(group) in REPEATS else plainly(group)
        for group in groups
    )


def in_nato(value: str) -> str:
    """Spell letters with the words of radio."""
    return " ".join(
        NATO[ord(char) - ord("A")] if char.isalpha() else plainly(char) for char in value
    )


WAYS = {
    "written": str,
    "lower case": str.lower,
    "in threes": lambda value: " ".join(re.findall(r".{1,3}", value)),
    "said": plainly,
    "nought": lambda value: plainly(value, "nought"),
    "oh": lambda value: plainly(value, "oh"),
    "double": with_repeats,
    "nato": in_nato,
}


@cache
def finder(*regions: str) -> NationalFinder:
    return NationalFinder(data(), regions or REGIONS)


def rules(*lines: str, regions: tuple[str, ...] = ()) -> list[str]:
    return [one.rule for one in finder(*regions).find(read(*lines))]


def kinds_of(rule: str) -> set[str]:
    return {one.kind for one in data().national if one.rule == rule}


# Letters that stand apart from digits are read as a code up to three of them.
CASES = [
    (*row, way)
    for row in TABLE
    for way in WAYS
    if way != "in threes" or not re.search(r"[A-Z]{4}", row[2])
]


@pytest.mark.parametrize(("rule", "before", "value", "wrong", "way"), CASES)
def test_a_number_is_found_however_it_is_said(rule, before, value, wrong, way) -> None:
    call = read(f"C: well {before}: {WAYS[way](value)}, thanks")
    kinds = kinds_of(rule)
    found = [one for one in finder().find(call) if one.kind in kinds]
    assert found, call.turns[0].text
    assert found[0].value == value
    assert call.turns[0].text[found[0].start : found[0].end].lower() == WAYS[way](value).lower()
    if wrong:
        text = f"C: well {before}: {WAYS[way](wrong)}, thanks"
        assert rule not in rules(text)


@pytest.mark.parametrize(("rule", "before", "value", "wrong"), TABLE)
def test_the_rule_of_the_table_is_the_one_that_fits(rule, before, value, wrong) -> None:
    (number,) = [one for one in data().national if one.rule == rule]
    assert number.fits(value)
    assert not (wrong and number.fits(wrong))
    assert number.alone or number.context
    assert before == "" or number.context


def test_every_number_and_every_check_is_in_the_table() -> None:
    assert {one.rule for one in data().national} == {row[0] for row in TABLE}
    assert {one.check for one in data().national if one.check} >= set(NATIONAL_CHECKS)


@pytest.mark.parametrize(("rule", "before", "value", "wrong"), TABLE)
def test_what_has_to_be_named_is_not_found_unnamed_or_long_after(rule, before, value, wrong):
    (number,) = [one for one in data().national if one.rule == rule]
    if number.alone:
        return
    assert rule not in rules(f"C: well {value}, thanks")
    other = ["C: well"] * 3
    assert kinds_of(rule) & {
        one.kind for one in finder().find(read(f"A: {before}?", *other, f"C: {value}"))
    }
    assert rule not in rules(f"A: {before}?", *other, "C: no", f"C: {value}")


def test_only_the_regions_that_are_wanted() -> None:
    for region, line in (("eu", "C: DE136695976"), ("uk", "C: GB980780684")):
        assert rules(line, regions=(region,))
        assert not rules(line, regions=("za",))
    assert rules("C: 1M8GDM9AXKP042788", regions=("za",)) == ["vehicle.vin"]


@pytest.mark.parametrize(
    ("line", "address"),
    [
        ("C: it's one nine two dot one six eight dot zero dot one", "192.168.0.1"),
        ("C: ten point twenty point thirty point forty", "10.20.30.40"),
        ("C: 10.0.0.138", "10.0.0.138"),
    ],
)
def test_network_addresses_as_they_are_said(line: str, address: str) -> None:
    found = [one for one in finder().find(read(line)) if one.rule == "ip.said"]
    assert [(one.kind, one.value) for one in found] == [("IP_ADDRESS", address)]


@pytest.mark.parametrize(
    "line",
    ["C: one dot two dot three", "C: three hundred dot one dot two dot three",
     "C: b dot one dot two dot three", "C: it costs 19.99", "C: one two three four"],
)  # fmt: skip
def test_no_network_addresses(line: str) -> None:
    assert "ip.said" not in rules(line)


@given(st.sampled_from([one for one in data().national if one.check]), st.data())
def test_checks_answer_for_whatever_has_the_form(number, drawn) -> None:
    value = drawn.draw(st.from_regex(re.compile(number.shape, re.ASCII), fullmatch=True))
    assert CHECKS[number.check](value) in {True, False}


def test_the_time_grows_with_the_words_and_no_faster() -> None:
    words = "social security passport vat 1 2 3 a b c dot 4 5 6 imei well "
    short, long = (read("C: " + words * size) for size in (100, 200))
    once = steps(lambda: finder().find(short))
    assert steps(lambda: finder().find(long)) < 2.5 * once
