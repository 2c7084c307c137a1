"""Who was shut out opens nothing that is there today: also not with an older header, what they
knew, and a reader that follows formats.md and asks the program nothing."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import unicodedata
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlcipher3 import dbapi2

from app.domain import CallMetadata, PersonState
from app.storage import header, vault
from app.storage.keys import LOWEST_COST
from app.storage.remembered import Keyring
from tests.builders import analysed_call
from tests.unit.storage.conftest import OTHER, PASSPHRASE, added

NEW = "nine quiet herons by the lock"

pytestmark = pytest.mark.usefixtures("real_stretching")


class Memory(dict):
    def get_password(self, _service, name):
        return self.get(name)

    def set_password(self, _service, name, value):
        self[name] = value

    def delete_password(self, _service, name):
        del self[name]


def len4(content):
    return len(content).to_bytes(4, "big") + content


def hkdf(key, info, salt=None):
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=info).derive(key)


def unsealed(content, key, purpose, subject):
    context = content[:40] + len4(purpose.encode()) + len4(subject.encode())
    cipher = AESGCM(hkdf(key, context, content[8:40]))
    return cipher.decrypt(bytes(11) + b"\x01", content[40:], context)


def vault_key(found, name, passphrase):
    """The vault key that a name and a passphrase open in a header, by formats.md alone."""
    whole, decoded = found["id"], base64.b64decode
    tag = hashlib.sha256(f"autoinsights-person-2:{whole}:{name}".encode()).digest()[:16]
    way = next(one for one in found["people"] if decoded(one["tag"]) == tag)
    cost = way["cost"]
    slow = Argon2id(
        salt=decoded(way["salt"]),
        length=32,
        iterations=cost["passes"],
        lanes=cost["lanes"],
        memory_cost=cost["memory_kib"],
    ).derive(unicodedata.normalize("NFC", passphrase).encode())
    subject = f"{whole}:{tag.hex()}"
    private = unsealed(decoded(way["private"]), slow, "private-key", subject)
    own = hpke.MLKEM768X25519PrivateKey(
        MLKEM768PrivateKey.from_seed_bytes(private[:64]),
        X25519PrivateKey.from_private_bytes(private[64:96]),
    )
    suite = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)
    info = f"autoinsights-vault-key-2:{whole}:".encode() + tag
    inner = suite.decrypt(decoded(way["vault_key"]), own, info=info)
    return unsealed(inner, private[96:], "vault-key:shared", subject)


def reads(folder, head, name, passphrase):
    """Whether the database and a call's key open with a header, what somebody knows, and nothing
    else; raises what opening them raises."""
    found = json.loads(head)
    key = vault_key(found, name, passphrase)
    secret = hkdf(key, b"autoinsights/2/database", base64.b64decode(found["database_salt"]))
    connection = dbapi2.connect((folder / "vault.db").absolute().as_uri() + "?mode=ro", uri=True)
    try:
        connection.execute(f"PRAGMA key = \"x'{secret.hex()}'\"")
        rows = connection.execute(
            "SELECT id, sealed FROM calls JOIN call_keys ON call = number"
        ).fetchall()
    finally:
        connection.close()
    for call, sealed in rows:
        unsealed(sealed, hkdf(key, b"autoinsights/2/calls"), "call-key", call)
    return len(rows)


def imported(opened, content):
    opened.calls.add(content, name="a.wav", metadata=CallMetadata(), actor="owner")
    opened.calls.save(opened.jobs.claim("t"), analysed_call(), actor="t")


def remove(opened):
    gone = replace(opened.people.get("bea"), state=PersonState.REMOVED)
    opened.people.change(gone, actor="owner")


def change_passphrase(opened):
    opened.people.set_passphrase("bea", NEW, cost=LOWEST_COST, actor="owner")


def ask_for_computer(opened):
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="owner")
    opened.ways_in.ask_for_computer(actor="owner")


ACTS = [remove, change_passphrase, ask_for_computer]


@pytest.fixture
def keyring():
    return Keyring(Memory())


@pytest.fixture
def closed(opened, folder):
    """A vault, and its header from when bea could open it with what she knows."""
    added(opened, "bea")
    imported(opened, b"of before")
    opened.close()
    return folder, (folder / "vault.json").read_bytes()


@pytest.mark.parametrize("act", ACTS)
def test_an_older_header_and_what_was_known_open_nothing_of_today(closed, keyring, act):
    folder, old = closed
    with vault.open_vault(folder, PASSPHRASE, name="owner", keyring=keyring) as opened:
        act(opened)
        imported(opened, b"of afterwards")
        assert reads(folder, old, "bea", OTHER) == 2  # the keys change when the vault is closed
        open_then = (folder / "vault.json").read_bytes()
    with pytest.raises(dbapi2.DatabaseError):
        reads(folder, old, "bea", OTHER)
    with vault.open_vault(folder, PASSPHRASE, name="owner", keyring=keyring) as opened:
        assert opened.check() == ()
        acts = [(one.act, one.outcome) for one in opened.audit.entries(limit=6)]
        assert ("key.rotate", "ended") in acts
        now = opened._header
        # what stood in the header while the vault was open is not what counts now
        before = header.parsed(open_then)
        key = type(now.key)(before.id, vault_key(json.loads(old), "bea", OTHER))
        following = header.following_key(before, key)
        assert following is not None
        assert following.secret_bytes() != now.key.secret_bytes()


@pytest.mark.parametrize("act", ACTS)
def test_where_the_program_was_killed_the_next_opening_shuts_them_out(
    closed, keyring, act, tmp_path
):
    folder, old = closed
    killed = tmp_path / "killed"
    with vault.open_vault(folder, PASSPHRASE, name="owner", keyring=keyring) as opened:
        act(opened)
        opened._database.checkpoint()
        shutil.copytree(folder, killed)
    assert reads(killed, old, "bea", OTHER) == 1
    vault.open_vault(killed, PASSPHRASE, name="owner", keyring=keyring).close()
    with pytest.raises(dbapi2.DatabaseError):
        reads(killed, old, "bea", OTHER)


def test_an_older_sheet_and_an_older_header_lead_to_another_key(opened, folder):
    first, second = opened.ways_in.new_sheet(), opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(first, first, actor="owner")
    assert not opened._header.shut
    before = opened._header.key.secret_bytes()
    opened.ways_in.keep_sheet(second, second, actor="owner")
    opened.close()
    with vault.open_vault(folder, PASSPHRASE) as again:
        assert again._header.key.secret_bytes() != before
        assert again.check() == ()
