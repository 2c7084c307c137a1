"""Typed settings: defaults, then the settings file, then the command line.

The file is TOML; unknown keys and wrong types are refused with the key that is wrong. Settings decide what a result is
worth, so their digest is part of every provenance; `execution` settings (devices, processes) are not in the digest where
they cannot change a result.
"""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import msgspec

from app.domain import Sha256
from app.errors import UsageError

if TYPE_CHECKING:
    from pathlib import Path

Device = Literal["auto", "cpu", "cuda"]
EntitySet = Literal["none", "standard", "all"]


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSettings:
    """What recordings are accepted."""

    longest_minutes: int = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechSettings:
    """How speech becomes text. `language` is a code of Whisper or `auto`; `model` is a name of the manifest or a pack."""

    model: str = "whisper-base"
    language: str = "auto"
    beam_size: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RedactionSettings:
    """Which entities are redacted. Agents' names stay unless `agent_names` is set."""

    entities: EntitySet = "standard"
    agent_names: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AnalysisSettings:
    """Which industry pack (topics, disclosures, scorecard) applies: the name of a file in resources/packs."""

    pack: str = "general"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSettings:
    """Where and how wide the work runs; 0 means chosen from the machine."""

    device: Device = "auto"
    workers: int = 0
    threads_per_worker: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """All settings."""

    audio: AudioSettings = field(default_factory=AudioSettings)
    speech: SpeechSettings = field(default_factory=SpeechSettings)
    redaction: RedactionSettings = field(default_factory=RedactionSettings)
    analysis: AnalysisSettings = field(default_factory=AnalysisSettings)
    execution: ExecutionSettings = field(default_factory=ExecutionSettings)


def digest(settings: Settings) -> Sha256:
    """Return the SHA-256 of the settings that can change a result, in a canonical form."""
    parts = {"audio": settings.audio, "speech": settings.speech}
    parts |= {"redaction": settings.redaction, "analysis": settings.analysis}  # type: ignore[dict-item]
    return Sha256(hashlib.sha256(msgspec.json.encode(parts, order="deterministic")).hexdigest())
