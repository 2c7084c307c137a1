"""What formats.md promises to others, followed without the product's own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

import argon2.low_level
import msgspec
import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlcipher3 import dbapi2

from app.domain import PersonRole
from app.storage import schema, totp
from tests.unit.storage.conftest import PASSPHRASE, added

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "resources" / "documents" / "formats.md").read_text(encoding="utf-8")

ACT = r'(?:\bact=|\bactor,\s+|\bname, |"system", )"(denied|[\w-]+\.[\w-]+)"'


def _keyed(key, *parts):
    encoded = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(key, encoded, hashlib.sha256)


def _derived(opened, purpose):
    return _hkdf(bytes(opened._key._secret), f"autoinsights/2/{purpose}".encode())


def _hkdf(key, info, salt=None):
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def _unsealed(sealed, key, purpose, subject):
    """Open a sealed object of one chunk."""
    binding = b"".join(len(x).to_bytes(4, "big") + x for x in (purpose.encode(), subject.encode()))
    context = sealed[:40] + binding
    cipher = AESGCM(_hkdf(key, context, salt=sealed[8:40]))
    return cipher.decrypt(bytes(11) + b"\x01", sealed[40:], context)


def test_the_header_is_checked_as_documented(opened, folder):
    header = json.loads((folder / "vault.json").read_text())
    bare = json.dumps(header | {"check": "", "mac": ""}, sort_keys=True, separators=(",", ":"))
    assert header["check"] == hashlib.sha256(bare.encode()).hexdigest()
    assert header["mac"] == _keyed(_derived(opened, "header"), bare.encode()).hexdigest()
    documented = re.findall(r"^\| `(\w+)` \| ", DOCUMENT.split("## Header")[1], re.MULTILINE)
    assert list(header) == documented[: len(header)]


@pytest.mark.usefixtures("real_stretching")
def test_a_passphrase_leads_to_the_vault_key_as_documented(opened, folder):
    header = json.loads((folder / "vault.json").read_text())
    (way,) = header["people"]
    tag = hashlib.sha256(f"autoinsights-person-2:{header['id']}:owner".encode()).digest()[:16]
    assert base64.b64decode(way["tag"]) == tag
    secret = argon2.low_level.hash_secret_raw(
        PASSPHRASE.encode(),
        base64.b64decode(way["salt"]),
        time_cost=way["cost"]["passes"],
        memory_cost=way["cost"]["memory_kib"],
        parallelism=way["cost"]["lanes"],
        hash_len=32,
        type=argon2.Type.ID,
        version=way["argon2"],
    )
    subject = f"{header['id']}:{tag.hex()}"
    private = _unsealed(base64.b64decode(way["private"]), secret, "private-key", subject)
    pair = hpke.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(private[:64]),
        X25519PrivateKey.from_private_bytes(private[64:96]),
    )
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    info = f"autoinsights-vault-key-2:{header['id']}:".encode() + tag
    sealed = suite.decrypt(base64.b64decode(way["vault_key"]), pair, info=info)
    assert _unsealed(sealed, private[96:], "vault-key:shared", subject) == bytes(
        opened._key._secret
    )


def test_the_head_of_the_audit_log_is_keyed_as_documented(opened, database):
    last = opened.audit.record(actor="ann", act="call.view")
    with database.reader() as reading:
        number, key, tree, seed, mac, session, offset, behind = reading.one(
            "SELECT number, first_key, frontier, seed, mac, session, offset_ms, behind_ms"
            " FROM audit_head"
        )
    parts = (b"audit-head", str(number).encode(), last.hash.encode(), key, tree, seed, session)
    parts += (str(offset).encode(), str(behind).encode())
    assert mac == _keyed(_derived(opened, "audit"), *parts).digest()


def test_every_act_is_documented_and_every_documented_act_is_written():
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
    written = {act for source in sources for act in re.findall(ACT, source)}
    table = DOCUMENT.split("| act | subject |")[1]
    named = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    assert written == {act for cell in named for act in re.findall(r"`([\w.-]+)`", cell)}


def test_the_database_names_itself_as_documented(opened, database):
    with database.transaction() as writing:
        connection = writing._connection
    connection.set_authorizer(None)
    assert connection.execute("PRAGMA application_id").fetchone()[0] == 0x41495631
    assert connection.execute("PRAGMA cipher_version").fetchone()[0].startswith("4.")
    assert connection.execute("PRAGMA cipher_page_size").fetchone()[0] == "4096"


def test_every_table_and_column_is_documented_in_its_order(opened):
    part = DOCUMENT.split("\n## Database")[1].split("\n## ")[0]
    documented = {
        name: re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", rest))
        for name, rest in re.findall(r"^\| `(\w+)` \| (.*) \|$", part, re.MULTILINE)
    }
    with opened._database.reader() as reading:
        names = [
            name
            for (name,) in reading.all("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not name.startswith(("sqlite_", "turns_"))
        ]
        selected = {
            name: reading._connection.execute(f"SELECT * FROM {name}").description for name in names
        }
    found = {name: [column[0] for column in columns] for name, columns in selected.items()}
    assert documented == found


def test_of_every_table_it_is_documented_whether_the_log_signs_it(opened):
    """A new table is in the state that entries sign, or it says here why it need not be."""
    part = DOCUMENT.split("and whether it is in the state:")[1].split("\n### ")[0]
    documented = {}
    for names, sealed, why in re.findall(r"^\| (`.*`) \| (yes|no) \| (.+) \|$", part, re.MULTILINE):
        assert why.strip()
        for name in re.findall(r"`(\w+)`", names):
            assert documented.setdefault(name, sealed) == sealed
    with opened._database.reader() as reading:
        rows = reading.all("SELECT name FROM sqlite_schema WHERE type = 'table'")
    noted = {*schema.SEALED_COLUMNS, "vault", "headers", "next_header"}
    assert documented == {name: "yes" if name in noted else "no" for (name,) in rows}


def test_the_schema_is_signed_as_documented(opened):
    connection = dbapi2.connect(":memory:")
    for step in schema.STEPS:
        for statement in step:
            connection.execute(statement)
    rows = connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_schema").fetchall()
    fields = [
        field
        for row in sorted([(one or "").encode() for one in row] for row in rows)
        for field in row
    ]
    framed = b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    with opened._database.reader() as reading:
        (kept,) = reading.one("SELECT value FROM seals WHERE part = 'schema'")
    assert kept == hashlib.sha256(b"autoinsights-schema-1" + framed).digest()


def test_who_people_are_and_their_second_factor_are_as_documented(opened):
    """As somebody reads them who has the database and this document alone."""
    now = opened.second_factors._clock()
    secret = totp.new_secret()
    step = int(now.timestamp()) // 30
    code = _code(secret, step)
    codes = opened.second_factors.set_up(opened.person, secret, code, actor="owner")
    added(opened, "bob", PersonRole.REVIEWER, PersonRole.AUDITOR)
    with opened._database.reader() as reading:
        kept = reading.one("SELECT totp, totp_step, totp_drift FROM people WHERE name = 'owner'")
        bob = reading.one("SELECT roles, granted, scope FROM people WHERE name = 'bob'")
        digests = {row[0] for row in reading.all("SELECT digest FROM backup_codes")}
    assert kept == (secret, step, 0)
    assert bob[:2] == ('["auditor","reviewer"]', "[]")
    assert json.loads(bob[2]) == {"limited": False, "queues": [], "teams": []}
    assert digests == {
        hashlib.sha256(f"autoinsights-backup-code:owner:{one}".encode()).digest() for one in codes
    }


def _code(secret, step):
    """RFC 4226 and RFC 6238, by hand."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    at = digest[-1] & 15
    number = int.from_bytes(digest[at : at + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**6:06}"


def test_text_in_the_canonical_header_is_escaped_as_documented():
    text = 'é\x01\x1f\n\t\b\f\r\x7f\u2028"\\/\U0001f600'
    written = json.dumps(text, ensure_ascii=False).encode()
    assert msgspec.json.encode(text) == written
