"""Settings: defaults, file and command line; what is wrong is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import config
from app.errors import UsageError


def _load(tmp_path, text):
    path = tmp_path / "settings.toml"
    path.write_text(text, encoding="utf-8")
    return config.load(path)


def test_without_a_file_the_defaults_hold(tmp_path):
    assert config.load(None) == config.Settings()
    assert config.load(tmp_path / "absent.toml") == config.Settings()


def test_a_file_changes_what_it_names(tmp_path):
    settings = _load(tmp_path, '[speech]\nmodel = "small"\n[execution]\nworkers = 3\n')
    assert (settings.speech.model, settings.execution.workers) == ("small", 3)
    assert settings.redaction == config.RedactionSettings()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[speech]\nmodle = 'x'", "speech.modle"),
        ("[speach]\nmodel = 'x'", "speach"),
        ("[speech]\nbeam_size = 'x'", "speech.beam_size"),
        ("[speech]\nbeam_size = 0", "speech.beam_size"),
        ("[redaction]\nentities = 'all'", "redaction.entities"),
        ("[redaction]\nsound = 'beep'", "redaction.sound"),
        ("[redaction]\nregions = ['mars']", "redaction.regions"),
        ("[redaction.actions]\nCARD = 'show'", "redaction.actions"),
        ("[speech]\nlanguage = 'english'", "speech.language"),
        ("[speech]\nlanguage = 'xx'", "speech.language"),
        ("[speech]\nlanguage = 'EN'", "speech.language"),
        ("redaction = 3", "redaction"),
        ("[speech\n", "TOML"),
        ("\udcff", "TOML"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, text, named):
    path = tmp_path / "settings.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(UsageError, match=named):
        config.load(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        config.load(tmp_path)


def test_the_command_line_wins_and_is_checked():
    settings = config.override(config.Settings(), {"redaction.policy": "all"})
    assert settings.redaction.policy == "all"
    with pytest.raises(UsageError, match=r"speech\.colour"):
        config.override(settings, {"speech.colour": "red"})
    with pytest.raises(UsageError, match="workers"):
        config.override(settings, {"execution.workers": -1})


@given(st.integers(0, 256), st.sampled_from(["auto", "cpu", "cuda"]))
def test_where_the_work_runs_does_not_change_the_digest(workers, device):
    changes = {"execution.workers": workers, "execution.device": device}
    moved = config.override(config.Settings(), changes)
    assert config.digest(moved) == config.digest(config.Settings())


def test_every_other_setting_changes_the_digest():
    changes = {
        "audio.longest_minutes": 3,
        "speech.model": "x",
        "speech.language": "en",
        "speech.beam_size": 5,
        "redaction.policy": "none",
        "redaction.actions": {"PHONE": "keep"},
        "redaction.regions": ["uk"],
        "redaction.sound": "tone",
        "redaction.agent_names": True,
        "analysis.pack": "finance",
    }
    changed = [config.override(config.Settings(), {key: value}) for key, value in changes.items()]
    digests = {config.digest(settings) for settings in [config.Settings(), *changed]}
    assert len(digests) == len(changes) + 1


def test_languages_are_those_of_whisper_and_the_hint_lists_them():
    from faster_whisper.tokenizer import _LANGUAGE_CODES

    assert set(_LANGUAGE_CODES) == config.LANGUAGES
    for language in ("auto", *config.LANGUAGES):
        changed = config.override(config.Settings(), {"speech.language": language})
        assert changed.speech.language == language
    with pytest.raises(UsageError) as raised:
        config.override(config.Settings(), {"speech.language": "klingon"})
    assert "such as en, de" in raised.value.advice
    assert " yue zh" in raised.value.advice
