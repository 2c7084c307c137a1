"""Who speaks in a call, shown and put right from the command line."""

from __future__ import annotations

import pytest

from app.engine.client import LoneWorker
from app.workspace import speakers
from tests import workers
from tests.unit.cli.test_governing import opened_directly
from tests.unit.cli.test_main import every


@pytest.fixture
def call(records, vaulted, recordings, monkeypatch):
    """A call that was analysed, with the program's own idea of who speaks."""

    def lone(_execution, places):
        return LoneWorker(places, threads=1, serve=workers.ready_made)

    monkeypatch.setattr(speakers, "lone_worker", lone)
    _, printed = records("import", recordings / "a.wav", *vaulted)
    return every(printed, "import")[0]["imported"][0]


def said(run, vaulted, call):
    """Return who says each turn, as `speakers` shows it."""
    _, shown, _ = run("speakers", call, *vaulted)
    return [line.split()[2] for line in shown.splitlines() if line[:5].strip().isdigit()]


def test_turns_are_shown_with_their_numbers_and_how_the_speakers_are_known(run, vaulted, call):
    status, shown, _ = run("speakers", call[:8], *vaulted)
    assert status == 0
    assert "a.wav: known from the channels" in shown
    assert "    3    0:10  customer  it is [CARD-1] thank you" in shown.splitlines()


def test_speakers_are_swapped_and_that_is_undone(run, records, vaulted, call):
    status, printed = records("speakers", call, "--swap", *vaulted)
    (record,) = every(printed, "speakers")
    assert (status, record["call"], record["changed"]) == (0, call, True)
    assert record["role_basis"] == "channel-map"
    assert (record["speakers"]["by"], record["speakers"]["turns"]) == ("owner", [0, 1, 2, 3])
    assert said(run, vaulted, call) == ["customer", "agent", "customer", "agent"]
    (detail,) = every(records("show", call, *vaulted)[1], "call-detail")
    assert detail["speakers"] == record["speakers"]
    assert [turn["role"] for turn in detail["analysis"]["turns"]][:2] == ["customer", "agent"]
    assert "; corrected by owner (4 turns, " in run("show", call, *vaulted)[1]
    assert every(records("list", *vaulted)[1], "call")[0]["score"] == 10.0
    status, shown, _ = run("speakers", call, "--undo", *vaulted)
    assert (status, "as the program had it" in shown) == (0, True)
    (record,) = every(records("speakers", call, *vaulted)[1], "speakers")
    assert (record["speakers"], record["changed"]) == (None, False)
    assert said(run, vaulted, call) == ["agent", "customer", "agent", "customer"]
    status, shown, _ = run("speakers", call, "--undo", *vaulted)
    assert (status, "Nothing is changed." in shown) == (0, True)


def test_turns_and_sides_are_given_to_who_says_them(run, vaulted, call):
    status, shown, _ = run("speakers", call, "--turns", 1, 2, *vaulted)
    assert status == 0
    assert "found out again" in shown
    assert said(run, vaulted, call) == ["agent", "agent", "customer", "customer"]
    run("speakers", call, "--turns", 0, 1, "--are", "customer", *vaulted)
    assert said(run, vaulted, call) == ["customer"] * 4
    run("speakers", call, "--agent-is", 1, *vaulted)
    assert said(run, vaulted, call) == ["agent", "customer", "agent", "customer"]


@pytest.mark.parametrize(
    "options",
    [
        ("--turns", "9"),
        ("--agent-is", "7"),
        ("--agent-is", "0"),
        ("--swap", "--undo"),
        ("--swap", "--are", "agent"),
    ],
)
def test_what_makes_no_sense_is_refused(run, vaulted, call, options):
    assert run("speakers", call, *options, *vaulted)[0] == 2
    assert said(run, vaulted, call) == ["agent", "customer", "agent", "customer"]


def test_a_call_that_was_not_analysed_has_no_speakers_yet(run, records, vaulted, recordings):
    _, printed = records("import", recordings / "a.wav", "--no-process", *vaulted)
    (waiting,) = every(printed, "import")[0]["imported"]
    for options in ((), ("--swap",)):
        status, _, told = run("speakers", waiting, *options, *vaulted)
        assert (status, "not analysed yet" in told) == (2, True)


def test_a_call_that_is_not_there_is_not_found(run, vaulted):
    for options in ((), ("--swap",), ("--undo",)):
        assert run("speakers", "0" * 32, *options, *vaulted)[0] == 6


def test_who_may_not_see_words_sees_no_turns_and_corrects_nothing(run, vaulted, call):
    with opened_directly(vaulted) as writing:
        writing.change("""UPDATE people SET roles = '["auditor"]' WHERE name = 'owner'""")
    status, shown, _ = run("speakers", call, *vaulted)
    assert (status, "see-transcript" in shown, "complaint" in shown) == (0, True, False)
    status, _, told = run("speakers", call, "--swap", *vaulted)
    assert (status, "correct-speakers" in told) == (10, True)
