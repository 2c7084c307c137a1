"""Turns that are drawn and judged from the command line, and what is said of them."""

from __future__ import annotations

import pytest

from tests.unit.cli.test_main import every


@pytest.fixture
def calls(records, vaulted, recordings):
    _, printed = records("import", recordings, *vaulted)
    return every(printed, "import")[0]["imported"]


def test_without_a_sample_nothing_is_known(run, vaulted, calls):
    for act in (["report"], ["next"], ["judge", "1", "--nothing"]):
        status, _, error = run("elusion", *act, *vaulted)
        assert status == 2
        assert "No turns were drawn yet." in error


def test_turns_are_drawn_judged_and_counted(run, records, vaulted, calls):
    status, shown, _ = run("elusion", "draw", "--turns", "5", *vaulted)
    assert status == 0
    assert "is not known yet: 0 of " in shown
    (report,) = every(records("elusion", "report", *vaulted)[1], "elusion")
    drawn = report["drawn"]
    assert 5 <= drawn <= 8
    assert (report["turns"], report["calls"], report["waiting"]) == (8, 2, drawn)
    assert not report["enough"]
    for _ in range(drawn):
        (turn,) = every(records("elusion", "next", *vaulted)[1], "elusion-turn")
        assert turn["call"] in calls
        assert turn["turn"]["role"] == turn["channel"]
        status, shown, _ = run("elusion", "judge", turn["place"], "--nothing", *vaulted)
        assert status == 0
    assert f", on {drawn} judged turns." in shown
    status, shown, _ = run("elusion", "next", *vaulted)
    assert (status, "All drawn turns are judged." in shown) == (0, True)
    status, shown, _ = run("elusion", "report", *vaulted)
    assert shown.startswith("Recall at least ")
    header = next(line for line in shown.splitlines() if line.startswith("CHANNEL"))
    assert header.split() == ["CHANNEL", "KIND", "REDACTED", "JUDGED", "MISSED", "AT", "LEAST"]
    (report,) = every(records("elusion", "report", *vaulted)[1], "elusion")
    assert report["enough"]
    assert report["at_least"] == report["best"] == report["recalls"][0]["at_least"]
    assert {one["kind"] for one in report["recalls"]} == {None, "CARD"}


def test_what_was_missed_is_named_by_kind_and_taken_back(run, records, vaulted, calls):
    run("elusion", "draw", "--turns", "8", *vaulted)
    (turn,) = every(records("elusion", "next", *vaulted)[1], "elusion-turn")
    missed = ["--missed", "person", "--missed", "PHONE=2"]
    (report,) = every(records("elusion", "judge", turn["place"], *missed, *vaulted)[1], "elusion")
    assert report["recalls"][0]["missed"] == 3
    assert {one["kind"] for one in report["recalls"]} == {None, "CARD", "PERSON", "PHONE"}
    _, shown, _ = run("show", turn["call"], *vaulted)
    assert "Held back: something is missed" in shown
    assert "PERSON 1, PHONE 2" in shown
    (detail,) = every(records("show", turn["call"], *vaulted)[1], "call-detail")
    assert detail["analysis"]["judged"]["by"] == "owner"
    assert run("elusion", "undo", *vaulted)[0] == 0
    (detail,) = every(records("show", turn["call"], *vaulted)[1], "call-detail")
    assert detail["analysis"]["judged"] is None
    assert run("elusion", "undo", *vaulted)[0] == 2


def test_the_turn_is_marked_among_those_around_it(run, vaulted, calls):
    run("elusion", "draw", "--turns", "8", *vaulted)
    _, shown, _ = run("elusion", "next", *vaulted)
    first, *lines = shown.splitlines()
    assert first.startswith("Turn 1 (call ")
    assert first.endswith(" channel):")
    assert len([line for line in lines if line.startswith(">")]) == 1
    assert len(lines) >= 3


@pytest.mark.parametrize("wrong", ["the card 4111", "CARD=x", "CARD=0"])
def test_no_word_of_a_call_is_taken_for_a_kind(run, vaulted, calls, wrong):
    run("elusion", "draw", "--turns", "8", *vaulted)
    status, _, error = run("elusion", "judge", "1", "--missed", wrong, *vaulted)
    assert status == 2
    assert "4111" not in error


def test_a_page_to_print_holds_what_is_said(run, vaulted, calls, tmp_path):
    run("elusion", "draw", "--turns", "8", *vaulted)
    page = tmp_path / "recall.html"
    assert run("elusion", "report", "--page", page, *vaulted)[0] == 0
    written = page.read_text(encoding="utf-8")
    assert "not known yet: 0 of 8 drawn turns" in written
    assert "<td>CARD</td>" in written
    assert run("elusion", "report", "--page", page, *vaulted)[0] == 2
    assert run("elusion", "report", "--page", page, "--force", *vaulted)[0] == 0
