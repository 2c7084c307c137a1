"""Codes that change with the time, and backup codes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, unquote, urlparse

import pytest
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP
from hypothesis import given
from hypothesis import strategies as st

from app.storage import totp
from app.storage.totp import Accepted, accepted

SECRET = b"12345678901234567890"
NOW = datetime(2026, 3, 1, 9, 0, 7, tzinfo=UTC)
STEP = int(NOW.timestamp()) // 30


def code_at(step, secret=SECRET):
    return TOTP(secret, 6, SHA1(), 30).generate(step * 30).decode()


# RFC 6238, appendix B, for SHA-1: the last six of the eight digits
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_the_codes_of_the_standard_are_right(seconds, code):
    now = datetime.fromtimestamp(seconds, UTC)
    assert accepted(SECRET, code, now) == Accepted(seconds // 30, 0)


@pytest.mark.parametrize("ahead", range(-4, 5))
def test_codes_of_thirty_seconds_around_are_right_and_no_others(ahead):
    found = accepted(SECRET, code_at(STEP + ahead), NOW)
    assert found == (Accepted(STEP + ahead, ahead) if abs(ahead) <= 1 else None)


def test_a_code_is_right_once_and_an_earlier_one_never_again():
    for ahead in (-1, 0):
        assert accepted(SECRET, code_at(STEP + ahead), NOW, last_step=STEP) is None
    assert accepted(SECRET, code_at(STEP + 1), NOW, last_step=STEP) == Accepted(STEP + 1, 1)


def test_a_clock_that_drifts_is_followed_and_not_beyond_ten_minutes():
    drift, now, last = 0, NOW, 0
    for minute in range(60):
        ahead = minute  # the other clock gains half a minute in every one of ours
        step = int(now.timestamp()) // 30
        found = accepted(SECRET, code_at(step + ahead), now, last_step=last, drift=drift)
        if found is None:
            break
        drift, last = found.drift, found.step
        now += timedelta(seconds=60)
    assert (minute, drift) == (22, 20)


@pytest.mark.parametrize(
    "code",
    [
        "",
        "28708",
        "2870822",
        "abcdef",
        "\udcff",
        "\uff12\uff18\uff1782",
        "287082\x00",
        "-87082",
    ],
)
def test_what_is_no_code_is_wrong(code):
    assert accepted(SECRET, code, datetime.fromtimestamp(59, UTC)) is None


def test_spaces_do_not_count():
    assert accepted(SECRET, " 287 082\n", datetime.fromtimestamp(59, UTC)) is not None


@given(code=st.text(max_size=8), seconds=st.integers(-100, 10**10), drift=st.integers(-20, 20))
def test_no_text_and_no_clock_makes_it_fail(code, seconds, drift):
    now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    accepted(SECRET, code, now, drift=drift)


def test_an_authenticator_reads_the_secret_and_the_name():
    found = urlparse(totp.uri(SECRET, "José Ñandú & co"))
    assert (found.scheme, found.netloc) == ("otpauth", "totp")
    assert unquote(found.path) == "/AutoInsights:José Ñandú & co"
    assert parse_qs(found.query)["secret"] == ["GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"]
    assert parse_qs(found.query)["issuer"] == ["AutoInsights"]


def test_secrets_are_random_and_long_enough():
    made = {totp.new_secret() for _ in range(20)}
    assert len(made) == 20
    assert {len(secret) for secret in made} == {20}


def test_backup_codes_are_ten_and_differ():
    codes = totp.new_backup_codes()
    assert len(set(codes)) == 10
    assert {len(code) for code in codes} == {10}
    assert not set("".join(codes)) & set("0o1li5s2z")


def test_a_backup_code_is_the_same_however_it_is_typed_and_anothers_is_not():
    one = totp.backup_digest("ann", "abcde-fghjk")
    assert one == totp.backup_digest("ann", "ABCDE FGHJK\n")
    assert one != totp.backup_digest("bob", "abcde-fghjk")
    assert one != totp.backup_digest("ann", "abcde-fghjm")
    assert len(totp.backup_digest("ann", "\udcff")) == 32
