"""The recognisers' data: what ships loads, and what is wrong is refused by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from app.engine.redaction import lexicon
from app.errors import UsageError
from tests.unit.engine.redaction.calls import RECOGNISERS, data

if TYPE_CHECKING:
    from pathlib import Path


def _copy(target: Path) -> Path:
    for file in RECOGNISERS.glob("*.toml"):
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_every_kind_has_a_rank_and_ranks_are_known() -> None:
    assert data().ranks["CARD_CODE"] < data().ranks["NUMBER"]
    assert set(data().ranks) == set(data().kinds)


@pytest.mark.parametrize(
    ("file", "addition", "said"),
    [
        ("spoken.toml", "\n[more]\na = 1\n", "more"),
        ("cues.toml", '\n[[kind]]\nname = "X"\nrank = 1\nanswer = "maybe"\n', "kind"),
        ("people.toml", "\nbroken = [\n", "TOML"),
        ("written.toml", '\n[[pattern]]\nkind="NO"\nrule="r"\nregex="a"\nscore=1\n', "kind"),
        (
            "written.toml",
            '\n[[pattern]]\nkind="CARD"\nrule="r"\nregex="a"\nscore=1\ncheck="no"\n',
            "check",
        ),
        ("written.toml", '\n[[pattern]]\nkind="CARD"\nrule="r"\nregex="("\nscore=1\n', "wrong"),
    ],
)
def test_wrong_data_is_refused_by_name(tmp_path: Path, file: str, addition: str, said: str) -> None:
    folder = _copy(tmp_path)
    with (folder / file).open("a", encoding="utf-8") as target:
        target.write(addition)
    with pytest.raises(UsageError) as refused:
        lexicon.load(folder)
    assert file in refused.value.sentence
    assert said in refused.value.sentence


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"names\.toml"):
        lexicon.load(tmp_path)


def test_the_longest_phrase_wins() -> None:
    phrases = lexicon.Phrases(["card", "card number", "number"])
    words = ["my", "card", "number"]
    assert [phrases.at(words, place) for place in range(3)] == [0, 2, 1]


def test_the_digest_follows_every_file_of_the_recognisers(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    before = lexicon.digest(folder)
    assert before == lexicon.digest(RECOGNISERS)
    for path in sorted(folder.glob("*.toml")):
        content = path.read_bytes()
        path.write_bytes(content + b"#")
        assert lexicon.digest(folder) != before, path.name
        path.write_bytes(content)
    (folder / "names.toml").rename(folder / "other.toml")
    assert lexicon.digest(folder) != before
