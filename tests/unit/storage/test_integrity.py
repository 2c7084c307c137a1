"""What is damaged in a vault is named by the id of its call."""

from __future__ import annotations

import pytest

from app.errors import VaultDamaged
from app.storage import integrity
from app.storage.audio import SealedAudio
from app.storage.database import Database
from tests.unit.storage.conftest import PASSPHRASE
from tests.unit.storage.test_backup import add
from tests.unit.storage.test_seals import raw


def _change(opened, sql, *values):
    with opened._database.transaction() as writing:
        writing.change(sql, values)


def test_a_whole_vault_has_no_problems_and_tells_how_far_it_is(opened):
    for number in range(3):
        add(opened, b"%d" % number)
    told = []
    assert opened.check(told.append) == ()
    assert [(step.done, step.total) for step in told] == [(0, 3), (3, 3)]


def test_keys_that_do_not_open_are_named(opened):
    first, second, third = (add(opened, b"%d" % number) for number in range(3))
    _change(opened, "UPDATE call_keys SET sealed = x'00' WHERE call = 1")
    _change(
        opened,
        "UPDATE call_keys SET sealed = (SELECT sealed FROM call_keys WHERE call = 3)"
        " WHERE call = 2",
    )
    assert opened.check() == (
        f"the key of call {first} is missing or broken",
        f"the key of call {second} is missing or broken",
    )
    _change(opened, "DELETE FROM call_keys WHERE call = 3")
    assert f"the key of call {third} is missing or broken" in opened.check()


def test_analyses_that_do_not_unseal_are_named(opened):
    first, second, third = (add(opened, b"%d" % number) for number in range(3))
    _change(opened, "UPDATE analyses SET analysis = substr(analysis, 1, 100) WHERE call = 1")
    _change(opened, "UPDATE analyses SET waveform = analysis WHERE call = 2")
    assert opened.check() == (
        f"the analysis of call {first} is broken",
        f"the analysis of call {second} is broken",
    )
    assert third not in " ".join(opened.check())


def test_recordings_that_are_missing_broken_or_older_are_named(opened, folder):
    first, second = add(opened, b"first"), add(opened, b"second")
    (missing,) = (folder / "audio").rglob(f"{first}.original.*")
    missing.unlink()
    (broken,) = (folder / "audio").rglob(f"{second}.muted.*")
    broken.write_bytes(broken.read_bytes()[:-1])
    assert opened.check() == (
        f"the original recording of call {first} is missing or broken",
        f"the muted recording of call {second} is missing or broken",
    )
    _change(opened, "UPDATE audio SET size_bytes = 1 WHERE call = 2 AND purpose = 'original'")
    assert f"the original recording of call {second} is missing or broken" in opened.check()


def test_damaged_pages_are_told_with_the_calls_that_they_take_along(opened, folder):
    calls = {add(opened, b"%d" % number, agent="a" * 2000) for number in range(12)}
    database = opened._database
    database.checkpoint()
    key = bytes(database._key)
    database.close()
    path = folder / "vault.db"
    content = path.read_bytes()
    told, named = set(), []
    for page in range(len(content) // 8192, len(content) // 4096, 3):
        changed = bytearray(content)
        changed[page * 4096 + 100] ^= 1
        path.write_bytes(changed)
        try:
            damaged = Database(path, key)
        except VaultDamaged:  # a page that every opening reads
            continue
        assert damaged.problems()
        audio = SealedAudio(folder, damaged, opened._call_keys)
        found = list(integrity.problems(damaged, audio, opened._call_keys, lambda _: None))
        damaged.close()
        told |= {problem for problem in found if not any(call in problem for call in calls)}
        named.append(len({call for call in calls if call in " ".join(found)}))
    assert told <= {
        "the list of calls cannot be read",
        "the index of words is not that of what was said",
    }
    assert any(0 < count < len(calls) for count in named)


EDITS = {
    "the analysis of call {} is not there any more": "DELETE FROM analyses",
    "the original recording of call {} is not there any more": "DELETE FROM audio",
    "the analysis of call {} is not the one that was kept": "DELETE FROM redacted_values",
    "what the lists and the search say of call {} is not what was found in it": (
        "UPDATE calls SET score = 100"
    ),
    "the index of words is not that of what was said": (
        "INSERT INTO turns_text (rowid, text) VALUES (1, 'marzipan')"
    ),
    "the search knows turns of a call that is not there": (
        "INSERT INTO turns (id, role, start_ms, text) VALUES (99 << 20, 'agent', 0, 'nobody')"
    ),
}


@pytest.mark.parametrize("said", EDITS)
def test_what_does_not_fit_the_analysis_is_named(opened, said):
    call = add(opened)
    _change(opened, EDITS[said])
    assert said.format(call) in opened.check()


@pytest.mark.parametrize("sql", ["DELETE FROM flags", "DELETE FROM turns"])
def test_lists_and_words_that_are_not_those_of_the_analysis_are_named(opened, sql):
    call = add(opened)
    _change(opened, sql)
    assert opened.check() == (
        f"what the lists and the search say of call {call} is not what was found in it",
    )


def test_an_index_of_words_that_has_no_form_is_damage(opened):
    add(opened)
    _change(opened, "DELETE FROM turns_text_config")
    assert "the database cannot be read to its end" in opened.check()


def test_words_that_a_search_does_not_find_any_more_are_missed(opened, folder):
    """SQLite's own check of the index does not read by what a search finds its way."""
    for number in range(40):
        add(opened, b"%d" % number)
    connection, _ = raw(folder, "owner", PASSPHRASE)
    connection.execute("DELETE FROM turns_text_idx")
    connection.close()
    assert opened.check() == ("the index of words is not that of what was said",)
