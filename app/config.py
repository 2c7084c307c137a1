"""Typed settings: defaults, then the settings file, then the command line.

The file is TOML; unknown keys and wrong types are refused, naming the key that is wrong. Settings
decide what a result is worth, so their digest is part of every provenance; where the work runs
(`execution`) is named in the provenance itself and is not part of the digest.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from app.domain import Sha256
from app.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Device = Literal["auto", "cpu", "cuda"]
Action = Literal["mask", "last-four", "keep"]
"""What is done with a kind of personal data: taken out, but for its last four digits, or left."""
Region = Literal["au", "eu", "uk", "us", "za"]
Sound = Literal["silence", "tone", "noise"]
ProofSetting = Literal["standard", "strict", "off"]
_LANGUAGES = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he"
    " hi hr ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne"
    " nl nn no oc pa pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk"
    " ur uz vi yi yo yue zh"
)
LANGUAGES = frozenset(_LANGUAGES.split())
"""The codes by which Whisper names languages (openai/whisper, tokenizer.py)."""
Count = Annotated[int, msgspec.Meta(ge=0, le=256)]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """What recordings are accepted: how long ones, and whether what is left of one that was cut
    off."""

    longest_minutes: Annotated[int, msgspec.Meta(ge=1, le=1440)] = 240
    accept_truncated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """How speech becomes text: a model of the manifest or a pack, a Whisper language or `auto`, and
    how many entries of the word list the recogniser is told beforehand."""

    model: str = "whisper-base"
    language: str = "auto"
    beam_size: Annotated[int, msgspec.Meta(ge=1, le=10)] = 3
    hints: Count = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionSettings:
    """What is redacted: by a policy of resources/recognisers/policies, with single kinds as this
    client wants them (`actions`). Agents' names stay unless `agent_names` is set. `regions` are
    those whose national numbers are looked for; `sound` is heard in place of what is muted; `proof`
    says how much of the muted audio is heard again."""

    policy: str = "standard"
    actions: dict[str, Action] = field(default_factory=dict)
    regions: tuple[Region, ...] = ("au", "eu", "uk", "us", "za")
    agent_names: bool = False
    sound: Sound = "silence"
    proof: ProofSetting = "standard"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """Which industry pack (topics, disclosures, scorecard) applies: a name from resources/packs;
    which heads judge sentiment and topics: those that ship, or a model pack's; and whether the
    sound of voices is looked at, which in a vault its policy says."""

    pack: str = "general"
    heads: str = "call-heads"
    acoustics: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
    """Where and how wide the work runs; 0 means chosen from the machine.

    `stuck_after_seconds` without any progress ends a worker.
    """

    device: Device = "auto"
    workers: Count = 0
    threads_per_worker: Count = 0
    stuck_after_seconds: Annotated[int, msgspec.Meta(ge=10)] = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings."""

    audio: AudioSettings = field(default_factory=AudioSettings)
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    redaction: RedactionSettings = field(default_factory=RedactionSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)


def load(path: Path | None) -> Settings:
    """Return the settings of a TOML file over the defaults; without a file, the defaults.

    Raises `UsageError` naming the key where the file is wrong.
    """
    if path is None or not path.exists():
        return Settings()
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The settings file {path} is not valid TOML: {error}.") from error
    except OSError as error:
        raise UsageError(f"The settings file {path} cannot be read.") from error
    return parse(content, origin=str(path))


def parse(content: Mapping[str, Any], *, origin: str) -> Settings:
    """Return the settings that a table holds over the defaults; `origin` is named in errors."""
    _refuse_unknown(content, Settings(), origin, "")
    try:
        settings = msgspec.convert(content, Settings)
    except msgspec.ValidationError as error:
        raise UsageError(f"A setting in {origin} is wrong: {error}.") from error
    _check_language(settings.speech.language, origin)
    return settings


def override(settings: Settings, changes: Mapping[str, Any]) -> Settings:
    """Return the settings with dotted keys (`speech.model`) replaced, checked like a file's."""
    table = msgspec.to_builtins(settings)
    for key, value in changes.items():
        section, _, name = key.partition(".")
        if not isinstance(table.get(section), dict) or name not in table[section]:
            raise UsageError(f"There is no setting called {key}.")
        table[section][name] = value
    return parse(table, origin="the command line")


def digest(settings: Settings) -> Sha256:
    """Return the SHA-256 of all settings that can change a result, in a canonical form."""
    neutral = replace(settings, execution=ExecutionSettings())
    encoded = msgspec.json.encode(neutral, order="deterministic")
    return Sha256(hashlib.sha256(encoded).hexdigest())


def _check_language(language: str, origin: str) -> None:
    if language not in LANGUAGES | {"auto"}:
        raise UsageError(
            f"A setting in {origin} is wrong: `speech.language` has no language {language}.",
            hint="Use `auto`, or Whisper's code of the language, such as en, de, fr or es: "
            f"{_LANGUAGES}.",
        )


def _refuse_unknown(content: Mapping[str, Any], model: object, origin: str, prefix: str) -> None:
    known = {f.name for f in fields(model)} if is_dataclass(model) else set()
    for key, value in content.items():
        if key not in known:
            hint = f"Known settings here: {', '.join(sorted(known))}."
            raise UsageError(f"{origin} has an unknown setting {prefix}{key}.", hint=hint)
        part = getattr(model, key)
        if is_dataclass(part) and isinstance(value, dict):
            _refuse_unknown(value, part, origin, f"{prefix}{key}.")
