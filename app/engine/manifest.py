"""The manifest of models: what there is, where it comes from, and the hash of every file.

One form for the models that ship (`resources/models/manifest.toml`) and for model packs
(`pack.toml`). Promises that what it returns is complete and harmless: names are plain file names,
hashes are hashes, unknown keys are refused by name. Reads no model.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import msgspec

from app.domain import ModelRef, Sha256
from app.errors import PackInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

FORMAT = 1
_NAME = re.compile(r"[a-z0-9][a-z0-9.-]{0,63}")
_FILE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFile:
    """One file of a model. `parts` are `package:path` of the pieces that are joined, in order."""

    name: str
    size: int
    sha256: str
    parts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelHead:
    """What one ONNX graph of a pack of heads judges: vectors of `input` numbers, by `labels`."""

    file: str
    purpose: str
    input: int
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelEntry:
    """One model. Its files lie in `folder` of the installed `package`, or of resources/models.

    Heads say for which sentence encoder they are made: its name and version. `short_windows` says
    of a speech model that windows need not be filled up for it (see `app.engine.encoding`).
    """

    name: str
    kind: str
    version: str
    purpose: str
    licence: str
    source: str
    package: str = ""
    folder: str = ""
    encoder: str = ""
    short_windows: bool = False
    file: tuple[ModelFile, ...] = field(default=())
    head: tuple[ModelHead, ...] = field(default=())

    @property
    def size_bytes(self) -> int:
        """The size of all files together."""
        return sum(file.size for file in self.file)

    @property
    def ref(self) -> ModelRef:
        """The model with one digest over the names and digests of all its files."""
        lines = sorted(f"{file.name} {file.sha256}\n" for file in self.file)
        digest = Sha256(hashlib.sha256("".join(lines).encode()).hexdigest())
        return ModelRef(name=self.name, version=self.version, sha256=digest)

    def named(self, name: str) -> ModelFile | None:
        """Return the file of that name."""
        return next((file for file in self.file if file.name == name), None)


def parse_manifest(text: str) -> tuple[ModelEntry, ...]:
    """Read the manifest of the models that ship; `PackInvalid` says what is wrong."""
    document = _table(text, "The model manifest")
    models = document.get("model", [])
    if not isinstance(models, list) or set(document) - {"format", "model"}:
        raise PackInvalid("The model manifest holds something other than models.")
    return tuple(_entry(model, "The model manifest") for model in models)


def parse_pack(text: str) -> ModelEntry:
    """Read a pack's `pack.toml`; `PackInvalid` says what is wrong."""
    document = _table(text, "pack.toml")
    document.pop("format")
    if {"package", "folder"} & set(document):
        raise PackInvalid("pack.toml may not point outside of the pack.")
    entry = _entry(document, "pack.toml")
    if any(file.parts for file in entry.file):
        raise PackInvalid("pack.toml may not point outside of the pack.")
    return entry


def _table(text: str, where: str) -> dict[str, object]:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise PackInvalid(f"{where} is not valid TOML: {problem}.") from None
    if document.get("format") != FORMAT:
        raise PackInvalid(f"{where} must say `format = {FORMAT}`.")
    return document


def _entry(table: Mapping[str, object], where: str) -> ModelEntry:
    _refuse_unknown(table, ModelEntry, where)
    for name, kind in (("file", ModelFile), ("head", ModelHead)):
        parts = table.get(name, [])
        for part in parts if isinstance(parts, list) else []:
            if isinstance(part, dict):
                _refuse_unknown(part, kind, where)
    try:
        entry = msgspec.convert(table, ModelEntry)
    except msgspec.ValidationError as problem:
        raise PackInvalid(f"{where}: {problem}.") from None
    _check(entry, where)
    return entry


def _refuse_unknown(
    table: Mapping[str, object], kind: type[ModelEntry | ModelFile | ModelHead], where: str
) -> None:
    unknown = sorted(set(table) - {each.name for each in fields(kind)})
    if unknown:
        raise PackInvalid(f"{where} holds the unknown key `{unknown[0]}`.")


def _check(entry: ModelEntry, where: str) -> None:
    names = [file.name for file in entry.file]
    problems = (
        (not _NAME.fullmatch(entry.name), "a name is made of a-z, 0-9, dots and dashes"),
        (not entry.file, f"the model {entry.name} has no files"),
        (len(set(names)) != len(names), f"a file of {entry.name} is named twice"),
        (not all(map(_harmless, names)), f"a file of {entry.name} has no plain name"),
        (not all(_SHA256.fullmatch(f.sha256) for f in entry.file), "a sha256 is no SHA-256"),
        (not all(f.size > 0 for f in entry.file), f"a file of {entry.name} has no size"),
        (not {h.file for h in entry.head} <= set(names), "a head names a file that is not listed"),
    )
    for wrong, words in problems:
        if wrong:
            raise PackInvalid(f"{where}: {words}.")


def _harmless(name: str) -> bool:
    """Whether a file name stays in its folder; spaCy's files lie in folders of their own."""
    return all(_FILE.fullmatch(part) and ".." not in part for part in name.split("/"))
