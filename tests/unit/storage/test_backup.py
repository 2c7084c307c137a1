"""Backups: what comes back is what was there, less what was erased, or nothing at all."""

from __future__ import annotations

import pytest

from app.domain import EVERYTHING, CallMetadata, CallQuery, JobState
from app.storage import restore, vault
from app.storage.audio import Purpose
from app.storage.restore import Way
from tests.builders import analysed_call
from tests.unit.storage.conftest import PASSPHRASE

WAY = Way(passphrase=PASSPHRASE)


def quiet(_):
    """Show no progress."""


def add(opened, content=b"one", *, analysed=True, **metadata):
    given = CallMetadata(**metadata)
    call = opened.calls.add(content, name="a.wav", metadata=given, actor="ann").call
    if analysed:
        lease = opened.jobs.claim("t")
        assert lease.call.id == call.id
        assert opened.calls.save(lease, analysed_call(), actor="ann")
    return call.id


def restored(place, folder, **options):
    return restore.restore(place, folder, WAY, progress=quiet, **options)


def contents(opened):
    """Return all that a vault says of its calls."""
    rows = opened.calls.page(CallQuery(), offset=0, limit=10**6)
    return {
        row.id: (
            row,
            opened.calls.detail(row.id),
            opened.audio.read(row.id, Purpose.ORIGINAL),
            opened.audio.read(row.id, Purpose.MUTED) if row.duration_ms else None,
        )
        for row in rows
    }


def test_what_comes_back_is_what_was_there(opened, tmp_path):
    add(opened, agent="Sam", queue="blue")
    add(opened, b"two", analysed=False, customer_reference="r-1")
    held = add(opened, b"two too", analysed=False)
    opened.holds.place(held, "a dispute", actor="ann", scope=EVERYTHING)
    before = contents(opened)
    report = opened.backups.make(tmp_path / "backup", actor="ann")
    assert (report.calls, report.damaged) == (3, ())
    assert opened.backups.check(tmp_path / "backup").problems == ()
    done = restored(tmp_path / "backup", tmp_path / "again")
    assert (done.calls, done.erased, done.without_key) == (3, (), ())
    with vault.open_vault(tmp_path / "again", PASSPHRASE) as again:
        assert contents(again) == before
        assert again.check() == ()
        assert again.audit.verify().ok
        assert again.info.id == opened.info.id
        assert len(again.search.find("complaint")) == 1
        assert again.calls.totals() == opened.calls.totals()
        assert again.jobs.claim("x").call.id in before
        entry = again.audit.entries(limit=2)[1]
        assert (entry.act, entry.actor) == ("vault.restore", "owner")
    assert opened.calls.totals()[JobState.QUEUED] == 2
