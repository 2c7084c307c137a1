"""Backups, restores, checks and rescues from the command line."""

from __future__ import annotations

import pytest

from app import bootstrap
from app.storage import vault
from tests.unit.cli.conftest import PASSPHRASE
from tests.unit.cli.test_main import every


@pytest.fixture
def calls(records, vaulted, recordings):
    """The ids of two calls that were analysed."""
    _, printed = records("import", recordings, *vaulted)
    return every(printed, "import")[0]["imported"]


@pytest.fixture(autouse=True)
def _own_data(monkeypatch, tmp_path):
    """Try backups in a folder of the test's own."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))


def test_from_a_backup_to_a_vault_again(run, records, vaulted, calls, secret, tmp_path):
    place, keys, again = tmp_path / "backup", tmp_path / "keys", tmp_path / "again"
    status, printed = records("backup", "make", place, "--keys-to", keys, *vaulted)
    assert (status, printed[0]["calls"], printed[0]["damaged"]) == (0, 2, [])
    assert printed[0]["place"] == str(place)
    status, out, _ = run("backup", "make", place, "--keys-to", keys, *vaulted)
    assert (status, "2 calls are in the backup" in out) == (0, True)
    status, printed = records("backup", "check", place, "--keys-from", keys, *vaulted)
    assert (status, printed[0]["problems"]) == (0, [])
    assert run("backup", "check", place, *vaulted)[0] == 5  # its keys are elsewhere
    with vault.open_vault(vaulted[1], PASSPHRASE) as opened:
        checks = [one for one in opened.audit.entries() if one.act == "vault.backup-check"]
        generation = str(opened.backups.check(place, keys_from=keys).generation)
    found = {(one.actor, one.subject, one.outcome) for one in checks}
    assert found == {("owner", generation, "ok"), ("owner", "", "backup-invalid")}
    known = ["--passphrase-file", secret]
    status, printed = records("backup", "drill", place, "--keys-from", keys, *known)
    assert (status, printed[0]["calls"], printed[0]["problems"]) == (0, 2, [])
    assert "restores" in run("backup", "drill", place, "--keys-from", keys, *known)[1]
    status, printed = records("restore", place, "--to", again, "--keys-from", keys, *known)
    assert (status, printed[0]["calls"], printed[0]["erased"]) == (0, 2, [])
    status, listed = records("list", "--vault", again, *known)
    assert {one["id"] for one in listed} == set(calls)
    status, printed = records("vault", "check", "--vault", again, *known)
    assert (status, printed[0]["problems"]) == (0, [])
    status, printed = records("audit", "verify", "--vault", again, *known)
    (number,) = printed[0]["restarts"]
    assert (status, printed[0]["ok"]) == (0, True)
    _, out, _ = run("audit", "verify", "--vault", again, *known)
    assert f"At entry {number} it goes on from a backup" in out


def test_an_erased_call_stays_erased(run, records, vaulted, calls, secret, tmp_path):
    place, again, listed = tmp_path / "backup", tmp_path / "again", tmp_path / "erased"
    assert run("backup", "make", place, *vaulted)[0] == 0
    with vault.open_vault(vaulted[1], PASSPHRASE) as opened:
        opened.calls.erase(calls[0], actor="owner")
    status, printed = records("backup", "erased-list", listed, *vaulted)
    assert (status, printed[0]["calls"]) == (0, 1)
    options = ["--to", again, "--erased-list", listed, "--passphrase-file", secret]
    status, out, _ = run("restore", place, *options)
    assert status == 0
    assert f"Call {calls[0]} was erased and does not come back." in out


def test_what_is_damaged_is_told_with_its_status(run, records, vaulted, calls, secret, tmp_path):
    place, folder = tmp_path / "backup", vaulted[1]
    assert run("backup", "make", place, *vaulted)[0] == 0
    for path in [*place.glob("audio/*/*"), *(folder / "audio").glob("*/*")]:
        path.write_bytes(path.read_bytes()[:-1])
    status, out, _ = run("backup", "check", place, *vaulted)
    assert status == 5
    assert "is missing or damaged." in out
    status, out, _ = run("vault", "check", *vaulted)
    assert status == 3
    assert "is missing or broken." in out
    status, _, err = run("restore", place, "--to", tmp_path / "again", "--passphrase-file", secret)
    assert (status, "damaged" in err or "changed" in err) == (5, True)
    status, _, _ = run("backup", "make", tmp_path / "second", *vaulted)
    assert status == 3
    options = ["--from", folder, "--to", tmp_path / "saved", "--passphrase-file", secret]
    status, printed = records("vault", "rescue", *options)
    assert (status, set(printed[0]["saved"]), printed[0]["lost"]) == (0, set(calls), [])
    assert set(printed[0]["without_recording"]) == set(calls)
    status, _, err = run("vault", "rescue", *options)
    assert status == 3


def test_what_a_killed_drill_left_is_removed_at_a_start_and_at_an_erasing(run, vaulted, calls):
    left = bootstrap.standard_folders().data / "backup-drill" / "audio"
    left.mkdir(parents=True)
    assert run("list", *vaulted)[0] == 0
    assert not left.parent.exists()
    with bootstrap.program().open(vaulted[1], PASSPHRASE) as workspace:
        left.mkdir(parents=True)
        workspace._vault.calls.erase(calls[0], actor="owner")
        assert not left.parent.exists()
