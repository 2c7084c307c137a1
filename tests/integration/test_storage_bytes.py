"""No byte on disk tells anything: not a word, a name, a key or a passphrase, at any moment."""

from __future__ import annotations

import base64
import os
import time
from dataclasses import replace

import pytest

from app.domain import CallMetadata, CallQuery, Failure, Person, PersonRole, RedactedValue
from app.errors import WrongPassphrase
from app.storage import header, keys, totp, vault
from app.storage.audio import Purpose
from app.storage.keys import KeyPurpose
from app.storage.remembered import Keyring
from tests.builders import analysed_call, call_analysis, turn

PASSPHRASE = "xylophone quokka marmalade"
WORDS = "umbrellas juggle porcelain"
SPOKEN = ["zwieback", "rhabarberkuchen", "quetzalcoatl"]
NAMES = ["Bartholomew Featherstone", "ledger-queue-omega", "CUST-99-OMEGA", "private-recording.wav"]
DIGEST = bytes(range(100, 132))
SOUND = b"RIFF" + os.urandom(64_000)


def _said():
    whole = call_analysis()
    turns = tuple(
        turn(n, whole.transcript.turns[0].role, f"{word} again and {word}", 1000 * n)
        for n, word in enumerate(SPOKEN)
    )
    analysis = replace(whole, transcript=replace(whole.transcript, turns=turns))
    values = (RedactedValue(kind="CARD", value=1, digest=DIGEST),)
    return analysed_call(analysis=analysis, values=values, muted_audio=SOUND[::-1])


def _forms(secret: bytes) -> set[bytes]:
    secret = bytes(secret)
    return {secret, secret.hex().encode(), base64.b64encode(secret)[:-2]}


def _secrets(opened) -> set[bytes]:
    made = {opened._key.derive(purpose) for purpose in KeyPurpose} | {bytes(opened._key._secret)}
    wanted = {form for secret in [*made, DIGEST] for form in _forms(secret)}
    for word in [PASSPHRASE, *PASSPHRASE.split(), *WORDS.split(), *SPOKEN, *NAMES]:
        for encoding in ("utf-8", "utf-16-le", "utf-16-be"):
            wanted |= {word.encode(encoding), word.upper().encode(encoding)}
    for sound in (SOUND, SOUND[::-1]):
        wanted |= {sound[at : at + 16] for at in range(0, len(sound) - 16, 1000)}
    return wanted


def _search(root, wanted):
    for path in root.rglob("*"):
        assert not any(word.lower() in str(path).lower() for word in [*SPOKEN, *NAMES])
        if not path.is_file():
            continue
        content = path.read_bytes()
        assert content[:15] != b"SQLite format 3", path.name
        for secret in wanted:
            assert secret not in content, f"{path.name} tells a secret"


class _Memory:
    """A keyring outside the folders that are searched."""

    def __init__(self):
        self.kept = None

    def get_password(self, *_):
        return self.kept

    def set_password(self, _service, _name, secret):
        self.kept = secret

    def delete_password(self, *_):
        self.kept = None


def _next(folder):
    return header.read(folder).rotation.vault_key


def _use(opened, wanted, root):
    agent, queue, customer, name = NAMES
    metadata = CallMetadata(agent=agent, queue=queue, customer_reference=customer)
    call = opened.calls.add(SOUND, name=name, metadata=metadata, actor="ann").call.id
    _search(root, wanted)
    assert opened.calls.save(opened.jobs.claim("runner"), _said(), actor="ann")
    _search(root, wanted)
    assert opened.search.find(SPOKEN[0])
    assert opened.calls.page(CallQuery(text=SPOKEN[1]), offset=0, limit=10)
    assert opened.audio.read(call, Purpose.ORIGINAL) == SOUND
    opened.jobs.retry(call, actor="ann")
    failure = Failure(code="internal", sentence=SPOKEN[2], hint=SPOKEN[2])
    assert opened.calls.save(opened.jobs.claim("runner"), failure, actor="ann")
    opened.backup(opened.info.folder / "copy.db")
    sheet = opened.ways_in.new_sheet()
    opened.ways_in.keep_sheet(sheet, sheet, actor="ann")
    bob = Person(name=NAMES[0], roles=frozenset({PersonRole.REVIEWER}))
    opened.people.add(bob, WORDS, cost=keys.LOWEST_COST, actor="ann")
    secret = totp.new_secret()
    code = totp._totp(secret).generate(int(time.time())).decode()
    opened.second_factors.set_up(bob, secret, code, actor="ann")
    _search(root, {sheet.encode(), *_forms(secret)})
    _search(root, wanted)


def test_no_byte_on_disk_tells_anything(tmp_path):
    folder = tmp_path / "vault"
    with vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        wanted = _secrets(opened)
        _use(opened, wanted, tmp_path)
    _search(tmp_path, wanted)
    with vault.open_vault(folder, PASSPHRASE, name="owner", keyring=Keyring(_Memory())) as opened:
        assert opened.check() == ()
        opened.ways_in.remember(opened.person)
        opened.ways_in.rotate(actor="ann")
        _search(tmp_path, wanted | _forms(opened._header.key.following(_next(folder))._secret))
    with pytest.raises(WrongPassphrase):
        vault.open_vault(folder, WORDS, name=NAMES[1])
    with vault.open_vault(folder, PASSPHRASE, name="owner") as opened:
        _search(tmp_path, wanted | _secrets(opened))


def test_the_search_would_find_what_it_looks_for(tmp_path):
    """The search itself is not blind: each kind of secret, written plainly, is found."""
    with vault.create(tmp_path / "vault", PASSPHRASE, cost=keys.LOWEST_COST) as opened:
        wanted = _secrets(opened)
    for secret in wanted:
        (tmp_path / "leak").write_bytes(b"before" + secret + b"after")
        try:
            _search(tmp_path, wanted)
        except AssertionError:
            continue
        raise AssertionError("a secret was overlooked")
