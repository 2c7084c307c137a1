"""Packs: those that ship are whole; what is wrong in one is refused by file and place."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.domain import FindingKind, Severity
from app.engine.analysis import packs
from app.errors import UsageError

SHIPPED = Path(__file__).parents[4] / "resources" / "packs"
HEAD = 'name = "mine"\nversion = 1\ntitle = "Mine"\n'
CUE = '[[cues]]\nlabel = "hello"\ntitle = "Hello"\nkind = "conduct"\nphrases = ["hello"]\n'


def loaded(folder: Path, text: str, name: str = "mine") -> packs.Pack:
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    return packs.load(folder, "mine")


@pytest.mark.parametrize("name", packs.names(SHIPPED))
def test_a_shipped_pack_loads_and_scores(name: str) -> None:
    pack = packs.load(SHIPPED, name)
    assert pack.lineage[0] == "general-1"
    assert pack.scorecard.label == name
    assert len(pack.scorecard.criteria) >= 8
    labels = [entry.label for entry in (*pack.topics, *pack.cues)]
    assert len(labels) == len(set(labels))


def test_the_packs_that_ship() -> None:
    assert packs.names(SHIPPED) == (
        "finance", "general", "insurance", "public-service", "retail", "utilities",
    )  # fmt: skip


def test_the_general_pack_covers_the_four_drivers_of_vulnerability() -> None:
    pack = packs.load(SHIPPED, "general")
    vulnerable = {cue.label for cue in pack.cues if cue.kind is FindingKind.VULNERABILITY}
    assert vulnerable >= {
        "bereavement", "life-event", "health", "financial-hardship", "capability", "scam-victim",
    }  # fmt: skip
    missed = next(f for f in pack.scorecard.flags if f.label == "vulnerability-missed")
    assert missed.severity is Severity.ALERT


def test_a_child_adds_and_replaces(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(
        HEAD.replace("mine", "base")
        + 'plain = ["it is raining"]\n'
        + CUE
        + '[scorecard]\ntitle = "Base"\n'
        + '[[scorecard.criteria]]\nlabel = "greets"\ntitle = "Greets"\n'
        + 'met_by = ["hello"]\n',
        encoding="utf-8",
    )
    pack = loaded(
        tmp_path,
        HEAD + 'extends = "base"\n' + CUE.replace('["hello"]', '["good morning"]')
        + '[[topics]]\nlabel = "weather"\ntitle = "Weather"\nexamples = ["it rains"]\n',
    )  # fmt: skip
    assert pack.lineage == ("base-1", "mine-1")
    assert [cue.phrases for cue in pack.cues] == [("good morning",)]
    assert [topic.label for topic in pack.topics] == ["weather"]
    assert pack.plain == ("it is raining",)
    assert (pack.scorecard.label, pack.scorecard.title) == ("mine", "Base")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (HEAD + "colour = 1\n", "colour"),
        (HEAD + CUE + 'volume = "loud"\n', "volume"),
        (HEAD + CUE.replace("conduct", "mood"), "mood"),
        (HEAD + CUE.replace('"hello"\ntitle', '"Hello!"\ntitle'), "label"),
        (HEAD + CUE.replace('["hello"]', '["he(llo"]'), r"hello: The phrase “he\(llo”"),
        (HEAD + CUE + 'except = ["..."]\n', "hello: The phrase"),
        (HEAD + CUE.replace('["hello"]', "[]"), "hello has no phrases"),
        (HEAD + CUE.replace('phrases = ["hello"]', "phrases = 3"), "phrases"),
        (HEAD + CUE + "threshold = 1.5\n", "threshold"),
        (HEAD.replace("version = 1", "version = 0"), "version"),
        (HEAD.replace('"mine"', '"yours"'), "calls itself yours"),
        (HEAD + 'extends = "mine"\n', "extends too many"),
        (HEAD + 'extends = "nobody"\n', "no pack called nobody"),
        (HEAD + "cues = 3\n", "cues"),
        (HEAD + "oops", "not readable TOML"),
        (
            HEAD + '[[flags]]\nlabel = "f"\ntitle = "F"\nseverity = "alert"\nwhen = ["ghost"]\n',
            "f names the finding ghost",
        ),
        (
            HEAD + '[[flags]]\nlabel = "f"\ntitle = "F"\nseverity = "alert"\nwhen_failed = ["x"]\n',
            "f names the criterion x",
        ),
        (
            HEAD + '[scorecard]\ntitle = "S"\n[[scorecard.criteria]]\nlabel = "c"\ntitle = "C"\n'
            'met_by = ["ghost"]\n',
            "c names the finding ghost",
        ),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        loaded(tmp_path, text)


def test_the_line_of_the_wrong_entry_is_named(tmp_path: Path) -> None:
    second = CUE.replace("hello", "bye") + "volume = 3\n"
    with pytest.raises(UsageError, match=r"mine\.toml.*volume.*line 9"):
        loaded(tmp_path, HEAD + CUE + second)


def test_a_pack_that_is_not_there_names_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        packs.load(SHIPPED, "../general")
    assert "finance" in caught.value.advice
    with pytest.raises(UsageError) as caught:
        packs.load(tmp_path, "general")
    assert "none" in caught.value.advice


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="not readable"):
        packs.load(tmp_path, "mine")
