"""Small decisions of the pages."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.config import LANGUAGES
from app.domain import (
    CallOrder,
    CallQuery,
    Correction,
    Criterion,
    EntryKind,
    Facet,
    Failure,
    JobState,
    Role,
    Severity,
)
from app.ui import call_side
from app.ui.call_table import FLAGS, NAME, SENTIMENT, STATE, cell_text, marks, tooltip
from app.ui.calls_page import choices, narrowed
from app.ui.import_dialog import CHANNELS, described
from app.ui.languages import heard_language, language_doubt, language_name
from app.ui.messages import report
from app.ui.passphrase_fields import caps_lock_suspected
from app.ui.playback import clamped
from app.ui.preferences import Preferences
from app.ui.transcript import runs
from app.ui.word_list_tab import wrong_line
from tests import builders
from tests.unit.ui.test_words import row

if TYPE_CHECKING:
    from pathlib import Path


def test_cells_say_in_words_what_they_paint() -> None:
    shown = row(
        customer_sentiment=-0.4,
        flags=("Complaint", "Refund"),
        severity=Severity.WARNING,
        score=80.0,
        agent="A. Osei",
    )
    texts = [cell_text(shown, column) for column in range(9)]
    assert texts[STATE] == "Done"
    assert texts[SENTIMENT] == "negative"
    assert texts[FLAGS] == "Complaint, Refund"
    assert all(texts)


def test_that_a_call_is_held_back_is_marked_before_all() -> None:
    shown = row(flags=("Refund",), severity=Severity.WARNING, language="de", held_back=True)
    said = "Held back until a person has listened, Not in English but in German, Refund"
    assert cell_text(shown, FLAGS) == said
    assert marks(shown)[0] == ("Held back", Severity.ALERT)
    assert marks(replace(shown, language="en"))[1:] == (("Refund", Severity.WARNING),)


def test_another_language_is_marked_in_words_before_the_flags() -> None:
    shown = row(flags=("Complaint", "Refund"), severity=Severity.ALERT, language="de")
    assert cell_text(shown, FLAGS) == "Not in English but in German, Complaint, Refund"
    assert tooltip(shown, FLAGS) == cell_text(shown, FLAGS)
    painted = (("In German", Severity.ALERT), ("Complaint", Severity.ALERT), ("Refund", None))
    assert marks(shown) == painted
    alone = replace(shown, flags=(), severity=None)
    assert marks(alone) == (("In German", Severity.WARNING),)
    for known in ("en", None):
        assert marks(replace(shown, language=known)) == painted[1:]
        assert cell_text(replace(shown, language=known), FLAGS) == "Complaint, Refund"


@pytest.mark.parametrize(
    ("codes", "language", "said"),
    [
        ((), "en", ""),
        (("language-uncertain",), "en", "Language uncertain"),
        (("language-not-supported", "one-speaker"), "de", "In German"),
        (("language-not-supported", "language-uncertain"), "xx", "In xx, uncertain"),
    ],
)
def test_a_call_says_why_its_language_calls_for_care(
    codes: tuple[str, ...], language: str, said: str
) -> None:
    heard = replace(builders.transcript(), language=language)
    assert language_doubt(builders.call_analysis(transcript=heard, warnings=codes)) == said


def test_how_sure_a_language_is_stands_beside_it_where_it_was_listened_for() -> None:
    heard = replace(builders.transcript(), language="de")
    assert heard_language(heard) == "German"
    assert heard_language(replace(heard, language_confidence=0.62)) == "German (62% sure)"


@pytest.mark.parametrize("code", sorted(LANGUAGES))
def test_a_language_has_a_name_or_its_code(code: str) -> None:
    assert language_name(code)
    assert language_name(code) not in {"C", "Default", "Unknown"}


def test_a_failed_call_says_why_on_hover() -> None:
    why = Failure(code="audio-empty", sentence="No sound.", hint="Export it again.")
    shown = row(state=JobState.FAILED, failure=why)
    assert tooltip(shown, STATE) == "No sound.\nExport it again."
    assert tooltip(shown, NAME) == "a.wav"
    assert tooltip(row(), STATE) == ""
    assert "indicative" in tooltip(row(customer_sentiment=0.1), SENTIMENT)


def test_filters_offer_everything_first() -> None:
    entries = choices("All agents", [Facet(label="a", title="A. Osei", count=1200)])
    assert [(e.text, e.value) for e in entries] == [("All agents", None), ("A. Osei (1,200)", "a")]


def test_an_order_alone_narrows_nothing() -> None:
    assert not narrowed(CallQuery(order=CallOrder.SCORE, descending=False))
    assert narrowed(CallQuery(text="bill"))
    assert narrowed(CallQuery(flagged=True))


@pytest.mark.parametrize(
    ("text", "shift", "suspected"),
    [
        ("A", False, True),
        ("a", True, True),
        ("A", True, False),
        ("a", False, False),
        ("5", True, False),
        ("ß", False, False),
    ],
)
def test_caps_lock_is_noticed(text: str, shift: bool, suspected: bool) -> None:
    assert caps_lock_suspected(text, shift=shift) is suspected


@given(st.text(alphabet="ab [CARD-1]_9", max_size=60), st.floats(0, 1))
def test_runs_cover_the_whole_text_once(text: str, confidence: float) -> None:
    said = replace(builders.transcript().turns[3], text=text, words=())
    if text.split():
        said = replace(builders.turn(0, Role.AGENT, text, 0))
        said = replace(said, words=tuple(replace(w, confidence=confidence) for w in said.words))
    assert "".join(text[run.start : run.end] for run in runs(said)) == text


def test_redacted_words_are_chips_and_unclear_ones_are_marked() -> None:
    said = builders.transcript().turns[3]
    doubtful = replace(said, words=tuple(replace(w, confidence=0.2) for w in said.words))
    kinds = {said.text[r.start : r.end]: (bool(r.tooltip), r.doubtful) for r in runs(doubtful)}
    assert kinds["[CARD-1]"] == (True, False)
    assert kinds["thank"] == (False, True)


def test_a_turn_that_is_uncertain_as_a_whole_is_marked_from_end_to_end() -> None:
    said = replace(builders.transcript().turns[3], confidence=0.3)
    assert all(run.doubtful or run.tooltip for run in runs(said))
    assert any(run.tooltip for run in runs(said))
    assert not any(run.doubtful for run in runs(replace(said, confidence=0.9)))


def test_words_from_the_word_list_are_marked_and_not_as_unclear() -> None:
    said = builders.transcript().turns[3]
    start = said.text.index("thank")
    of_list = Correction(
        turn=said.index,
        start=start,
        end=start + 5,
        kind=EntryKind.PRODUCT,
        likeness=0.9,
        confidence=0.2,
    )
    elsewhere = replace(of_list, turn=said.index + 1, start=0, end=2)
    doubtful = replace(said, words=tuple(replace(w, confidence=0.2) for w in said.words))
    written = runs(doubtful, (of_list, elsewhere))
    (marked,) = [one for one in written if one.corrected]
    assert said.text[marked.start : marked.end] == "thank"
    assert not marked.doubtful
    assert "".join(said.text[one.start : one.end] for one in written) == said.text


def test_a_refusal_names_the_line_to_go_to() -> None:
    assert wrong_line("The word list is not understood. Line 12: No. Line 14: No.") == 11
    assert wrong_line("There are more than 500 entries.") is None


def test_side_panel_values() -> None:
    analysis = builders.call_analysis()
    assert ("Agent's talk ratio", "55 %") in call_side.measures(analysis)
    names = [name for name, _ in call_side.provenance(analysis.provenance)]
    assert names == ["AutoInsights", "whisper-base", "Computed on", "Pack", "Settings"]
    line = Criterion(label="a", title="A", weight=1.0, met=None)
    assert call_side.criterion(line)[0] == "does not apply"
    assert call_side.criterion(replace(line, met=True))[0] == "met"
    assert call_side.criterion(replace(line, met=False))[0] == "not met"


def test_what_is_about_to_be_imported(tmp_path: Path) -> None:
    assert described([], 0) == ""
    assert described([tmp_path / "a.wav", tmp_path / "b.wav"], 0) == "2 recordings"
    assert described([tmp_path / "a.wav", tmp_path], 1) == (
        "1 recording and 1 folder with everything below"
    )
    assert CHANNELS[0][1] == ()
    assert CHANNELS[1][1] == (Role.AGENT, Role.CUSTOMER)


def test_positions_stay_in_the_call() -> None:
    assert clamped(-5, 100) == 0
    assert clamped(105, 100) == 100
    assert clamped(50, 100) == 50


def test_the_last_vault_is_remembered(tmp_path: Path) -> None:
    folder = tmp_path / "settings"
    assert Preferences(folder).vault is None
    kept = Preferences(folder)
    kept.vault = tmp_path / "vault"
    assert Preferences(folder).vault == tmp_path / "vault"
    (folder / "window.json").write_text("[]", encoding="utf-8")
    assert Preferences(folder).vault is None
    (folder / "window.json").write_text("{", encoding="utf-8")
    assert Preferences(folder).vault is None


def test_preferences_that_cannot_be_kept_are_no_problem(tmp_path: Path) -> None:
    (tmp_path / "settings").write_text("a file where a folder should be", encoding="utf-8")
    Preferences(tmp_path / "settings").vault = tmp_path


def test_a_report_holds_no_message() -> None:
    spoken = "my card is four nine two nine"
    with pytest.raises(ValueError, match=spoken) as caught:
        int(spoken)
    text = report(caught.value)
    assert "ValueError" in text
    assert "AutoInsights" in text
    assert "four nine" not in text
