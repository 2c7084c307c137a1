"""Every vault that a release ever made opens with the program of today."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app import __version__
from app.domain import CallId, CallQuery, JobState, PersonState
from app.errors import NotAsKept
from app.storage import keys, restore, vault
from app.storage.audio import Purpose
from app.storage.way import Way
from tests.builders import analysed_call

GOLDEN = Path(__file__).parents[1] / "golden" / "vaults"
BACKUP = GOLDEN.parent / "backups" / "signing-key-inside"
VERSIONS = sorted(place.name for place in GOLDEN.iterdir() if place.is_dir())

pytestmark = pytest.mark.usefixtures("real_stretching")


@pytest.fixture(params=VERSIONS)
def golden(request, tmp_path):
    """A copy of a kept vault, and what is known of it."""
    folder = tmp_path / "vault"
    shutil.copytree(GOLDEN / request.param / "vault", folder)
    return folder, json.loads((GOLDEN / request.param / "facts.json").read_text(encoding="utf-8"))


def _schema(opened):
    with opened._database.reader() as reading:
        return reading.all("SELECT type, name, sql FROM sqlite_master ORDER BY type, name")


def test_there_is_one_of_this_version():
    assert __version__ in VERSIONS


@pytest.mark.parametrize("name", ["Amal", "Bea"])
def test_everybody_gets_in_and_finds_what_was_kept(golden, tmp_path, name):
    folder, facts = golden
    with vault.open_vault(folder, facts["passphrases"][name], name=name) as opened:
        assert opened.check() == ()
        call = CallId(facts["call"])
        assert opened.calls.detail(call).analysis == analysed_call().analysis
        assert opened.audio.read(call, Purpose.ORIGINAL) == b"sound"
        assert opened.search.find("complaint")
        assert opened.calls.totals()[JobState.QUEUED] == 1
        assert opened.calls.count(CallQuery()) == 2
        assert opened.audit.verification_key() == facts["verification_key"]
        assert opened.audit.entries()[-1].act == "vault.create"
        newer = opened.audit.entries(limit=opened.audit.count() - facts["entries"])
        acts = [one.act for one in newer if one.act != "clock.gap"]  # as old as it is by now
        assert acts == ["vault.open", "vault.upgrade"]
        kept = _schema(opened)
    with vault.create(tmp_path / "new", "a passphrase for testing", cost=keys.LOWEST_COST) as new:
        assert _schema(new) == kept


def test_its_recovery_sheet_opens_it(golden):
    folder, facts = golden
    with vault.open_with_sheet(
        folder,
        facts["sheet"],
        name="Bea",
        passphrase="seven tall ships in a bottle",
        cost=keys.LOWEST_COST,
    ) as opened:
        assert opened.person.name == "Bea"
    vault.open_vault(folder, "seven tall ships in a bottle", name="Bea").close()


def test_its_analyses_are_proven_from_the_upgrade_on(golden):
    folder, facts = golden
    with vault.open_vault(folder, facts["passphrases"]["Amal"], name="Amal") as opened:
        with opened._database.reader() as reading:
            kept = reading.all("SELECT what FROM contents ORDER BY what")
        assert {("analysis",), ("values",)} <= set(kept)
        with opened._database.transaction() as writing:
            writing.change("UPDATE analyses SET waveform = analysis")
        with pytest.raises(NotAsKept):
            opened.calls.detail(CallId(facts["call"]))


def test_what_a_removed_person_kept_opens_no_copy_of_before_the_upgrade(golden):
    folder, facts = golden
    with vault.open_vault(folder, facts["passphrases"]["Amal"], name="Amal") as opened:
        assert list((folder / "backups").iterdir())
        bea = opened.people.get("Bea")
        opened.people.change(replace(bea, state=PersonState.REMOVED), actor="Amal")
    assert list((folder / "backups").iterdir()) == []
    vault.open_vault(folder, facts["passphrases"]["Amal"], name="Amal").close()


def test_its_keys_can_be_changed(golden):
    folder, facts = golden
    passphrase = facts["passphrases"]["Amal"]
    with vault.open_vault(folder, passphrase, name="Amal") as opened:
        opened.ways_in.rotate(actor="Amal")
    with vault.open_vault(folder, passphrase, name="Amal") as opened:
        assert opened.check() == ()
        assert opened.audio.read(CallId(facts["call"]), Purpose.ORIGINAL) == b"sound"


def test_a_backup_from_before_restores_had_keys_of_their_own_comes_back(tmp_path):
    """It holds the key that signed the next entry of the vault's own log."""
    facts = json.loads((GOLDEN / "0.1.0" / "facts.json").read_text(encoding="utf-8"))
    way = Way(passphrase=facts["passphrases"]["Amal"], name="Amal")
    assert restore.restore(BACKUP, tmp_path / "again", way).calls == 2
    with vault.open_vault(tmp_path / "again", way.passphrase, name="Amal") as opened:
        assert opened.check() == ()
        rows = opened.calls.page(CallQuery(), offset=0, limit=9)
        assert {row.language for row in rows if row.state is JobState.DONE} == {"en"}
        assert opened.audit.verification_key() == facts["verification_key"]
        found = opened.audit.verify()
        (number,) = found.restarts
        assert (found.ok, number) == (True, found.entries - 1)
        assert opened.audio.read(CallId(facts["call"]), Purpose.ORIGINAL) == b"sound"
        opened.backups.make(tmp_path / "backup", actor="Amal")
        assert opened.backups.check(tmp_path / "backup").problems == ()
