"""What decides who comes in and who may do what takes the passphrase, also where the keyring opens
the vault."""

from __future__ import annotations

import getpass
import sys
from types import SimpleNamespace

import pytest

from app.storage import remembered, vault
from app.storage.remembered import Keyring
from tests.unit.cli.conftest import PASSPHRASE
from tests.unit.storage.test_remembered import Memory

HERS = "eleven grey geese over the quarry"
ACTS = {
    "add": ["people", "add", "rita", "--role", "reviewer", "--new-passphrase-file", "new"],
    "change": ["people", "change", "bea", "--role", "administrator"],
    "suspend": ["people", "suspend", "bea"],
    "release": ["people", "release", "bea"],
    "passphrase": ["passphrase", "bea", "--new-passphrase-file", "new"],
    "code": ["code", "off", "bea"],
    "team": ["teams", "set", "North", "Sam"],
    "no team": ["teams", "remove", "South"],
    "rule": ["policy", "set", "lock_after_minutes", "400"],
    "approve": ["requests", "approve", "1"],
    "accept": ["audit", "accept", "--reason", "restored"],
}


@pytest.fixture
def at_the_screen(vaulted, run, tmp_path, monkeypatch):
    """A vault with a colleague that this computer's keyring opens; returns what names it, and a
    way to look at its audit log."""
    (tmp_path / "new").write_text(HERS, encoding="utf-8")
    given = ["people", "add", "bea", "--role", "privacy-officer", "--new-passphrase-file"]
    assert run(*given, tmp_path / "new", *vaulted)[0] == 0
    keyring = Keyring(Memory())
    monkeypatch.setattr(remembered, "system_keyring", lambda: keyring)
    assert run("key", "remember", *vaulted, "--person", "owner")[0] == 0
    monkeypatch.chdir(tmp_path)
    return vaulted[:2]


def entries(folder):
    with vault.open_vault(folder, PASSPHRASE, name="owner") as opened:
        found = opened.audit.entries(limit=opened.audit.count())
    return [one.act for one in found if one.actor == "owner" and not one.act.startswith("vault.")]


@pytest.mark.parametrize("name", ACTS)
def test_nobody_is_changed_without_the_passphrase_where_the_keyring_opens(
    at_the_screen, run, monkeypatch, name
):
    folder = at_the_screen[1]
    before = entries(folder)
    status, _, said = run(*ACTS[name], *at_the_screen)
    assert (status, "passphrase" in said) == (2, True)
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    asked = []

    def typed(prompt):
        asked.append(prompt)
        return "not the right one at all"

    monkeypatch.setattr(getpass, "getpass", typed)
    assert run(*ACTS[name], *at_the_screen)[0] == 4
    assert asked == ["Your passphrase again: "]
    assert [one for one in entries(folder) if one != "sign-in.failed"] == before


@pytest.mark.parametrize("name", ["add", "team", "rule", "accept"])
def test_who_types_it_may(at_the_screen, run, monkeypatch, name):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(getpass, "getpass", lambda _: PASSPHRASE)
    assert run(*ACTS[name], *at_the_screen)[0] == 0


def test_a_passphrase_that_was_typed_long_ago_is_asked_for_again(
    vaulted, run, monkeypatch, tmp_path
):
    """Such as while somebody thought of the new passphrase of a colleague."""
    asked = []
    monkeypatch.setattr("app.workspace.gate.Confirmed.counts", lambda *_: bool(asked))
    confirm = vault.Vault.confirm

    def again(opened, *given, **code):
        asked.append(given)
        confirm(opened, *given, **code)

    monkeypatch.setattr(vault.Vault, "confirm", again)
    (tmp_path / "new").write_text(HERS, encoding="utf-8")
    given = ["--role", "reviewer", "--new-passphrase-file", tmp_path / "new"]
    assert run("people", "add", "rita", *given, *vaulted)[0] == 0
    assert len(asked) == 1
