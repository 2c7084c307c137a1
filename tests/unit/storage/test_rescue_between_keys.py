"""A rescue of a vault whose program was killed while the database got another key."""

from __future__ import annotations

import shutil

import pytest

from app.storage import database, header, keys, pages, rotation, vault
from app.storage.clock import utc_now
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_backup import contents
from tests.unit.storage.test_rescue import PAGE, flipped, saved, whole

__all__ = ["whole"]


class _Ended(BaseException):
    """The program ends here."""


@pytest.fixture
def caught(whole, tmp_path, monkeypatch):
    """A vault whose program ended when the pages under the new key lay in the log: the file still
    begins with the salt of the old one. Holds the folder, and the database's two keys."""
    folder = shutil.copytree(whole[0], tmp_path / "running")
    with vault.open_vault(folder, PASSPHRASE) as opened:
        opened.ways_in.rotate(actor="owner")
        key = keys.VaultKey(opened.info.id, opened._key.secret_bytes())
    found = header.read(folder)
    new = rotation._database_key(found, header.following_key(found, key))
    old = key.derive(keys.KeyPurpose.DATABASE, found.database_salt)
    keyed = database._keyed
    damaged = tmp_path / "damaged"

    class Watched:
        def __init__(self, connection):
            self.connection = connection

        def execute(self, sql):
            done = self.connection.execute(sql)
            if "rekey" in sql:
                done.fetchall()
                shutil.copytree(folder, damaged)
                raise _Ended
            return done

        def close(self):
            self.connection.close()

    opened = database.Database(folder / "vault.db", old)
    rotation._reseal(opened, found.id, key, header.following_key(found, key), utc_now)
    opened.close()
    with monkeypatch.context() as watching:
        watching.setattr(database, "_keyed", lambda *args: Watched(keyed(*args)))
        with pytest.raises(_Ended):
            database.rekey(folder / "vault.db", old, new)
    assert (damaged / "vault.db-wal").stat().st_size > (damaged / "vault.db").stat().st_size
    return damaged, old, new


def _brought_over(folder, pages):
    """Write so many pages of the log over those of the database, as SQLite does it."""
    log = (folder / "vault.db-wal").read_bytes()
    newest = {}
    for at in range(32, len(log), 24 + PAGE):
        newest[int.from_bytes(log[at : at + 4], "big")] = log[at + 24 : at + 24 + PAGE]
    content = bytearray((folder / "vault.db").read_bytes())
    for number in sorted(newest)[:pages]:
        content[(number - 1) * PAGE : number * PAGE] = newest[number]
    (folder / "vault.db").write_bytes(content)


LOGS = {
    "whole": lambda _: None,
    "flipped": lambda log: log.write_bytes(flipped(log.read_bytes(), 9 * PAGE)),
    "cut": lambda log: log.write_bytes(log.read_bytes()[: 12 * PAGE]),
    "gone": lambda log: log.unlink(),
}


@pytest.mark.parametrize("log", LOGS)
@pytest.mark.parametrize("brought", [0, 1, 40])
def test_a_database_between_two_keys_is_saved_whole(whole, caught, tmp_path, brought, log):
    damaged = caught[0]
    _brought_over(damaged, brought)
    LOGS[log](damaged / "vault.db-wal")
    report = saved(damaged, tmp_path, whole[1])
    assert (report.lost, report.incomplete, report.remarks) == ((), (), ())
    with vault.open_vault(tmp_path / "saved", PASSPHRASE) as opened:
        assert opened.check() == ()
        assert contents(opened) == whole[1]


def test_a_first_page_under_another_key_does_not_say_how_many_there_are(caught, tmp_path):
    damaged, _, new = caught
    path, copy = damaged / "vault.db", tmp_path / "copy.db"
    pages.copy_damaged(path, copy, new, path.read_bytes()[:PAGE])
    assert copy.stat().st_size == path.stat().st_size


def test_a_page_that_is_damaged_between_two_keys_is_damaged_under_both(whole, caught, tmp_path):
    damaged, old, new = caught
    _brought_over(damaged, 40)
    (damaged / "vault.db-wal").unlink()
    path = damaged / "vault.db"
    path.write_bytes(flipped(path.read_bytes(), 20 * PAGE + 9, 60 * PAGE + 9))
    saved(damaged, tmp_path, whole[1])  # nothing that is wrong
    copy = tmp_path / "copy.db"
    pages.copy_damaged(path, copy, new, path.read_bytes()[:PAGE], others=[old])
    seal = pages.PageSeal(new, copy.read_bytes()[:16])
    proven = [
        seal.proves(copy.read_bytes()[at : at + PAGE], at // PAGE + 1)
        for at in range(0, copy.stat().st_size, PAGE)
    ]
    assert [at for at, good in enumerate(proven) if not good] == [20, 60]
