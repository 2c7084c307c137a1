"""Metadata files: what they say is taken, what is wrong is named by line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import CallMetadata, CallQuery, Direction, PersonRole, Role
from app.errors import UsageError
from app.workspace.intake import parse_channels, read_metadata


def _read(tmp_path, text, base=None):
    file = tmp_path / "calls.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_metadata(file, base or CallMetadata())


def test_a_line_says_what_is_known_of_a_file(tmp_path):
    header = "file,agent,queue,direction,started_at,customer_reference,channels"
    line = "a.wav,Sam,billing,Inbound,2026-03-01T09:30:00+02:00,C-7,agent,customer"
    line = line.replace("agent,customer", '"agent,customer"')
    known = _read(tmp_path, f"{header}\n{line}\n")
    assert known["a.wav"] == CallMetadata(
        agent="Sam",
        queue="billing",
        direction=Direction.INBOUND,
        started_at="2026-03-01T07:30:00+00:00",
        customer_reference="C-7",
        channel_roles=(Role.AGENT, Role.CUSTOMER),
    )


def test_what_is_left_out_comes_from_the_import_itself(tmp_path):
    base = CallMetadata(agent="Sam", queue="claims", channel_roles=(Role.CUSTOMER, Role.AGENT))
    known = _read(tmp_path, "\ufefffile,queue\na.wav,\nb.wav,sales\n", base)
    assert known["a.wav"] == base
    assert known["b.wav"].queue == "sales"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("agent\nSam\n", "no column"),
        ("file,colour\na.wav,red\n", "unknown column `colour`"),
        ('file,channels\na.wav,"agent,agent"\n', "Line 2"),
        ("file,direction\na.wav,sideways\n", "Line 2"),
        ("file,started_at\na.wav,\nb.wav,yesterday\n", "Line 3"),
        ("file,started_at\na.wav,2026-03-01T09:30:00\n", "Line 2"),
        ("file,channels\na.wav,boss\n", "Line 2"),
        (b"file\n\xff\xfe\n", "UTF-8"),
        ('file\n"a\n', "CSV"),
        ("", "no column"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, named):
    with pytest.raises(UsageError, match=named):
        _read(tmp_path, text)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        read_metadata(tmp_path / "none.csv", CallMetadata())


@given(st.lists(st.sampled_from(list(Role)), max_size=4))
def test_channels_are_read_as_they_are_written(roles):
    text = ", ".join(role.value.title() for role in roles)
    if max(roles.count(Role.AGENT), roles.count(Role.CUSTOMER)) > 1:
        with pytest.raises(UsageError, match="twice"):
            parse_channels(text)
        return
    assert parse_channels(text) == tuple(roles)


@pytest.fixture
def described(tmp_path):
    """Two folders, of which the first has a metadata file for one of its two recordings."""
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        for name in ("a.wav", "b.wav"):
            (tmp_path / folder / name).write_bytes(f"{folder} {name}".encode())
    (tmp_path / "first" / "calls.csv").write_text("file,agent\na.wav,Sam\nc.wav,Kim\n")
    return tmp_path


def test_what_lies_beside_a_named_file_is_read(office, described):
    workspace = office.sign_in("sue", PersonRole.SUPERVISOR)
    files = [described / folder / "a.wav" for folder in ("first", "second")]
    base = CallMetadata(agent="all", queue="Care")
    report = workspace.intake.import_paths([*files, described / "first" / "b.wav"], metadata=base)
    calls = list(map(office.vault.calls.get, report.imported))
    assert [call.metadata.agent for call in calls] == ["Sam", "all", "all"]
    assert {call.metadata.queue for call in calls} == {"Care"}
    assert report.described == 1


def test_names_and_references_are_kept_as_the_policy_lets_them_be_seen(office, tmp_path):
    (tmp_path / "john_smith_4111111111111111.wav").write_bytes(b"one")
    (tmp_path / "calls.csv").write_text(
        "file,customer_reference\njohn_smith_4111111111111111.wav,KL-88412 john smith\n"
    )
    workspace = office.sign_in("sue", PersonRole.SUPERVISOR)
    report = workspace.intake.import_paths([*tmp_path.glob("john*")])
    (call,) = map(office.vault.calls.get, report.imported)
    assert call.source_name == "[PERSON-1]_[CARD-1].wav"
    assert call.metadata.customer_reference == "KL-88412 [PERSON-1]"
    for text, found in (("kl 88412 John Smith", 1), ("KL-88413", 0)):
        assert workspace.calls.count(CallQuery(customer=text)) == found
        assert len(workspace.calls.page(CallQuery(customer=text), offset=0, limit=9)) == found
    refused = workspace.intake.import_paths([tmp_path / "mary jones 2.wav"]).refused
    assert [name for name, _ in refused] == ["[PERSON-1] 2.wav"]


def test_a_metadata_file_that_is_named_takes_the_place_of_what_lies_beside(office, described):
    named = described / "other.csv"
    named.write_text("file,agent\nb.wav,Kim\n")
    workspace = office.sign_in("sue", PersonRole.SUPERVISOR)
    files = [described / "first" / name for name in ("a.wav", "b.wav")]
    report = workspace.intake.import_paths(files, metadata_file=named)
    calls = list(map(office.vault.calls.get, report.imported))
    assert [call.metadata.agent for call in calls] == [None, "Kim"]


def test_a_wrong_metadata_file_beside_a_named_file_stops_before_anything(office, described):
    (described / "first" / "calls.csv").write_text("file,colour\na.wav,red\n")
    workspace = office.sign_in("sue", PersonRole.SUPERVISOR)
    with pytest.raises(UsageError, match="unknown column `colour`"):
        workspace.intake.import_paths([described / "second" / "a.wav", described / "first/a.wav"])
    assert not any(workspace.calls.totals().values())
    named = described / "other.csv"
    named.write_text("file,agent\na.wav,Kim\n")
    assert workspace.intake.import_paths([described / "first/a.wav"], metadata_file=named).imported
