"""What formats.md promises to others, followed without the product's own code."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from pathlib import Path

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

ROOT = Path(__file__).parents[3]
DOCUMENT = (ROOT / "resources" / "documents" / "formats.md").read_text(encoding="utf-8")

ACT = r'(?:\bact=|\bactor, |\bname, |"system", )"([\w-]+\.[\w-]+)"'


def _keyed(key, *parts):
    encoded = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
    return hmac.new(key, encoded, hashlib.sha256)


def _derived(opened, purpose):
    info = f"autoinsights/2/{purpose}".encode()
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=info)
    return hkdf.derive(bytes(opened._key._secret))


def test_the_header_is_checked_as_documented(opened, folder):
    header = json.loads((folder / "vault.json").read_text())
    bare = json.dumps(header | {"check": "", "mac": ""}, sort_keys=True, separators=(",", ":"))
    assert header["check"] == hashlib.sha256(bare.encode()).hexdigest()
    assert header["mac"] == _keyed(_derived(opened, "header"), bare.encode()).hexdigest()
    documented = re.findall(r"^\| `(\w+)` \| ", DOCUMENT.split("## Header")[1], re.MULTILINE)
    assert list(header) == documented[: len(header)]


def test_the_head_of_the_audit_log_is_keyed_as_documented(opened, database):
    last = opened.audit.record(actor="ann", act="call.view")
    with database.reader() as reading:
        number, mac = reading.one("SELECT number, mac FROM audit_head")
    parts = (b"audit-head", str(number).encode(), last.hash.encode())
    assert bytes(mac) == _keyed(_derived(opened, "audit"), *parts).digest()


def test_every_act_is_documented_and_every_documented_act_is_written():
    sources = (path.read_text(encoding="utf-8") for path in (ROOT / "app").rglob("*.py"))
    written = {act for source in sources for act in re.findall(ACT, source)}
    table = DOCUMENT.split("| act | subject |")[1]
    assert written == set(re.findall(r"`([\w-]+\.[\w-]+)`", table))


def test_the_database_names_itself_as_documented(opened, database):
    with database.transaction() as writing:
        connection = writing._connection
    connection.set_authorizer(None)
    assert connection.execute("PRAGMA application_id").fetchone()[0] == 0x41495631
    assert connection.execute("PRAGMA cipher_version").fetchone()[0].startswith("4.")
    assert connection.execute("PRAGMA cipher_page_size").fetchone()[0] == "4096"
