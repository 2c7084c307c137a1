"""The one door, on a real vault: import, queue, look, listen, search, audit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.config import Settings
from app.domain import CallMetadata, CallQuery, JobState, Role, Subject
from app.engine.wire import Places
from app.errors import CallNotFound, UsageError
from app.storage import keys, vault
from app.workspace import Workspace
from tests.builders import analysed_call, session_of

PASSPHRASE = "a passphrase for testing"
PLACES = Places(resources=str(Path(__file__).parents[3] / "resources"), packs="")


@pytest.fixture
def opened(tmp_path):
    with vault.create(tmp_path / "vault", PASSPHRASE, cost=keys.LOWEST_COST) as one:
        yield one


@pytest.fixture
def workspace(opened):
    return Workspace(opened, session_of(opened.person), Settings(), PLACES)


@pytest.fixture
def recordings(tmp_path):
    folder = tmp_path / "recordings"
    (folder / "monday").mkdir(parents=True)
    for name in ("b.wav", "a.MP3", "monday/c.flac", "notes.txt", ".hidden.wav"):
        (folder / name).write_bytes(name.encode())
    return folder


def _names(workspace):
    rows = workspace.calls.page(CallQuery(), offset=0, limit=50)
    return sorted(row.source_name for row in rows)


def _analyse(opened):
    lease = opened.jobs.claim("t")
    opened.calls.save(lease, analysed_call(), actor="t")
    return lease.call.id


def _acts(workspace):
    return [entry.act for entry in reversed(workspace.audit.entries())]


def test_a_folder_is_imported_with_its_subfolders(workspace, recordings):
    steps = []
    report = workspace.intake.import_paths([recordings], progress=steps.append)
    assert _names(workspace) == ["a.MP3", "b.wav", "c.flac"]
    assert (len(report.imported), report.duplicates, report.passed_over) == (3, 0, 1)
    assert [(step.done, step.total) for step in steps] == [(0, 3), (1, 3), (2, 3), (3, 3)]
    assert workspace.calls.totals()[JobState.QUEUED] == 3


def test_a_recording_is_never_doubled(workspace, recordings):
    workspace.intake.import_paths([recordings])
    (recordings / "again.wav").write_bytes(b"b.wav")
    report = workspace.intake.import_paths([recordings, recordings / "b.wav"])
    assert (len(report.imported), report.duplicates) == (0, 5)
    assert workspace.calls.count(CallQuery()) == 3


def test_what_cannot_be_read_is_refused_and_the_rest_goes_on(workspace, recordings, tmp_path):
    os.mkfifo(tmp_path / "pipe.wav")
    huge = tmp_path / "huge.wav"
    with huge.open("wb") as file:
        file.truncate(2_000_000_001)
    odd = [tmp_path / "pipe.wav", tmp_path / "absent.wav", huge, recordings]
    report = workspace.intake.import_paths(odd)
    assert [(name, reason.code) for name, reason in report.refused] == [
        ("pipe.wav", "audio-unreadable"),
        ("absent.wav", "file-unreadable"),
        ("huge.wav", "audio-too-long"),
    ]
    assert all(reason.sentence and reason.hint for _, reason in report.refused)
    assert len(report.imported) == 3


def test_an_import_can_be_stopped(workspace, recordings):
    steps = []
    report = workspace.intake.import_paths(
        [recordings], progress=steps.append, stop=lambda: len(steps) == 2
    )
    assert len(report.imported) == 2


def test_the_metadata_of_a_folder_is_taken(workspace, recordings):
    (recordings / "calls.csv").write_text(
        'file,agent,channels\nb.wav,Sam,"customer,agent"\nmonday/c.flac,Kim,\n', encoding="utf-8"
    )
    report = workspace.intake.import_paths(
        [recordings], metadata=CallMetadata(agent="Jo", queue="claims")
    )
    assert report.passed_over == 1
    rows = workspace.calls.page(CallQuery(), offset=0, limit=50)
    assert {row.source_name: (row.agent, row.queue) for row in rows} == {
        "a.MP3": ("Jo", "claims"),
        "b.wav": ("Sam", "claims"),
        "c.flac": ("Kim", "claims"),
    }
    call = next(row.id for row in rows if row.source_name == "b.wav")
    roles = workspace.calls.detail(call).call.metadata.channel_roles
    assert roles == (Role.CUSTOMER, Role.AGENT)


def test_a_wrong_metadata_file_imports_nothing(workspace, recordings):
    (recordings / "calls.csv").write_text("file,colour\n", encoding="utf-8")
    with pytest.raises(UsageError):
        workspace.intake.import_paths([recordings])
    assert workspace.calls.count(CallQuery()) == 0


def test_every_look_is_an_audit_entry_without_content(workspace, opened, recordings):
    workspace.intake.import_paths([recordings / "b.wav"])
    call = _analyse(opened)
    assert workspace.calls.detail(call).analysis == analysed_call().analysis
    assert workspace.calls.muted_audio(call) == analysed_call().muted_audio
    (hit,) = workspace.calls.search("complaint")
    assert (hit.call, hit.turn) == (call, 1)
    assert _acts(workspace)[-3:] == ["call.view", "call.listen", "calls.search"]
    assert "complaint" not in repr(workspace.audit.entries())
    assert workspace.audit.verify().ok
    assert workspace.check() == ()


def test_a_call_that_is_not_there_is_named_as_such(workspace):
    for look in (workspace.calls.detail, workspace.calls.muted_audio, workspace.processing.cancel):
        with pytest.raises(CallNotFound):
            look("0" * 32)


def test_the_queue_is_steered(workspace, opened, recordings):
    workspace.intake.import_paths([recordings])
    first, second, third = (job.call for job in workspace.processing.jobs())
    changed = frozenset({Subject.JOBS, Subject.CALLS})
    assert workspace.processing.cancel(first) == changed
    assert workspace.processing.cancel(first) == frozenset()
    assert [job.call for job in workspace.processing.jobs()] == [second, third]
    assert workspace.processing.retry(first) == changed
    assert workspace.processing.retry(first) == frozenset()
    assert workspace.processing.retry_failed() == frozenset()
    assert {job.call for job in workspace.processing.jobs()} == {first, second, third}


def test_closing_closes_the_vault(tmp_path):
    folder = tmp_path / "another"
    made = vault.create(folder, PASSPHRASE, cost=keys.LOWEST_COST)
    session = session_of(made.person)
    with Workspace(made, session, Settings(), PLACES) as workspace:
        assert workspace.info.folder == folder
    vault.open_vault(folder, PASSPHRASE).close()


def test_the_list_can_be_narrowed_and_its_choices_seen(workspace, opened, recordings):
    workspace.intake.import_paths([recordings], metadata=CallMetadata(agent="Sam"))
    call = _analyse(opened)
    facets = workspace.calls.facets()
    assert [facet.label for facet in facets.agents] == ["Sam"]
    assert [(facet.label, facet.count) for facet in facets.flags] == [("complaint", 1)]
    rows = workspace.calls.page(CallQuery(flag="complaint"), offset=0, limit=10)
    assert [row.id for row in rows] == [call]
