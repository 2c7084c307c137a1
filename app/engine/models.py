"""Finds models, checks every file against the manifest, and loads on first use.

Promises that no model is used whose bytes are not the ones the manifest names, that nothing is ever
fetched, and that a model is loaded once. Hides where weights lie (installed packages, joined parts,
resources, model packs) and how CTranslate2 is given them (`laid_out.py`).
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.util
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from app.engine.laid_out import laid_out
from app.engine.manifest import ModelEntry, ModelFile, parse_manifest, parse_pack
from app.errors import DeviceMissing, ModelMismatch, ModelMissing, PackInvalid

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from faster_whisper import WhisperModel

    from app.config import Device
    from app.domain import ModelRef
    from app.engine.laid_out import Files
    from app.engine.manifest import ModelHead

WHISPER = "whisper-ctranslate2"
ONNX_HEADS = "onnx-heads"
OWN_HEADS = "call-heads"
"""The heads that ship; they are no pack."""
ENCODER = "minilm"
_CHUNK = 1 << 20
_GPU_FAILED = (
    "The GPU was found, but it cannot compute: its memory is full, or its driver is too old."
)
_GPU_HINT = 'Use `device = "cpu"`, or fewer `workers`, which share its memory.'


_NO_GOOD_FOR = {
    WHISPER: "does not turn speech into text",
    ONNX_HEADS: "holds no heads",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a person may know of a model. `origin` is built-in or pack; `state` ready, missing or
    damaged."""

    name: str
    kind: str
    version: str
    purpose: str
    licence: str
    source: str
    size_bytes: int
    origin: str
    state: str


@dataclass(frozen=True, slots=True)
class _Known:
    entry: ModelEntry
    root: Path | None  # None: its package is not installed
    origin: str


def cuda_compute_types() -> frozenset[str]:
    """Ask which compute types the GPU offers; none where there is no GPU or its libraries are not
    installed."""
    import ctranslate2

    if not ctranslate2.get_cuda_device_count():
        return frozenset()
    try:  # CTranslate2 looks for it at the first multiplication, which would be too late
        ctypes.CDLL("cublas64_12.dll" if sys.platform == "win32" else "libcublas.so.12")
        return frozenset(ctranslate2.get_supported_compute_types("cuda"))
    except (OSError, RuntimeError):  # not installed; a driver that is too old
        return frozenset()


class ModelLibrary:
    """The models that are installed and those that were imported."""

    def __init__(
        self,
        resources: Path,
        packs_folder: Path | None,
        *,
        gpu: Callable[[], frozenset[str]] = cuda_compute_types,
    ) -> None:
        """Read the manifests; no model is opened yet. `gpu` names the GPU's compute types."""
        self._gpu = gpu
        self._folder = resources / "models"
        self._packs_folder = packs_folder
        self._damaged: dict[str, str] = {}
        self._known = {known.entry.name: known for known in self._find()}
        self._verified: set[str] = set()
        self._whispers: dict[tuple[str, str, int], WhisperModel] = {}
        self._gpu_failed = False

    def catalogue(self) -> tuple[ModelCard, ...]:
        """Return a card for every model, those that ship first."""
        cards = [self._card(known) for known in self._known.values()]
        return (*cards, *(_damaged_card(name, why) for name, why in self._damaged.items()))

    def ref(self, name: str) -> ModelRef:
        """Return the model's name, version and digest, for the provenance."""
        return self._get(name).entry.ref

    def check(self, name: str) -> None:
        """Verify every file of a model; raises `ModelMissing` or `ModelMismatch`."""
        known = self._get(name)
        for file in known.entry.file:
            self._verify(known, file)

    def look_at(self, name: str, *, kind: str = "") -> None:
        """Verify a model that was imported, and see that the files of one that ships are there;
        `kind` is what it has to be.

        The program's own folder is nobody's to write to, and workers verify what they load.
        Raises `ModelMissing` or `ModelMismatch`.
        """
        known = self._get(name)
        if kind and known.entry.kind != kind:
            raise ModelMissing(f"The model {name} {_NO_GOOD_FOR[kind]}.")
        if known.origin == "pack":
            self.check(name)
            return
        for file in known.entry.file:
            self._see(known, file)

    def heads(self, name: str) -> tuple[ModelHead, ...]:
        """Return what the heads of a pack judge; none for the heads that ship.

        Raises `ModelMissing` where it holds no heads, `ModelMismatch` where they were made for
        another sentence encoder.
        """
        if name == OWN_HEADS:
            return ()
        entry = self._get(name).entry
        if entry.kind != ONNX_HEADS:
            raise ModelMissing(f"The model {name} {_NO_GOOD_FOR[ONNX_HEADS]}.")
        if entry.encoder != self.encoder:
            raise ModelMismatch(
                f"The heads {name} are made for the sentence encoder {entry.encoder};"
                f" here is {self.encoder}.",
                hint="Import heads that were made for this version of the program.",
            )
        return entry.head

    @property
    def encoder(self) -> str:
        """The name and version of the sentence encoder, as packs of heads name it."""
        ref = self.ref(ENCODER)
        return f"{ref.name}-{ref.version}"

    def read(self, name: str, file: str) -> bytes:
        """Return the verified content of one file of a model."""
        known = self._get(name)
        found = known.entry.named(file)
        if found is None:
            raise ModelMissing(f"The model {name} has no file {file}.")
        return self._read(known, found)

    def folder(self, name: str) -> Path:
        """Return the folder of a model, verified once: all its files and nothing else."""
        known = self._get(name)
        root = self._root(known)
        if name not in self._verified:
            self.check(name)
            listed = {file.name for file in known.entry.file}
            there = {p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file()}
            if there - listed:
                raise ModelMismatch(f"The folder of the model {name} holds a file too many.")
            self._verified.add(name)
        return root

    def spacy(self) -> Path:
        """Return the folder of the English spaCy model."""
        return self.folder("spacy-en")

    def placed(self, device: Device) -> tuple[str, str]:
        """Return the device and the compute type of speech to text; raises `DeviceMissing`."""
        types = frozenset[str]()
        if device != "cpu" and not self._gpu_failed:
            types = self._gpu()
        for wanted in ("float16", "int8_float16", "int8"):
            if wanted in types:
                return "cuda", wanted
        if device == "cuda":
            raise DeviceMissing("The settings ask for a GPU, but none can be used here.")
        return "cpu", "int8"

    def whisper(self, name: str, *, device: Device, threads: int) -> WhisperModel:
        """Return the speech model of that name, loaded once per device and number of threads."""
        place, compute_type = self.placed(device)
        key = (name, place, threads)
        if key not in self._whispers:
            known = self._get(name)
            if known.entry.kind != WHISPER:
                raise ModelMissing(f"The model {name} {_NO_GOOD_FOR[WHISPER]}.")
            files = {file.name: partial(self._chunks, known, file) for file in known.entry.file}
            try:
                self._whispers[key] = _load_whisper(name, files, place, compute_type, threads)
            except DeviceMissing:
                if device == "cuda":
                    raise
                self._gpu_failed = True  # for good: calls of one run are not placed here and there
                return self.whisper(name, device=device, threads=threads)
        return self._whispers[key]

    def short_windows(self, name: str, device: Device) -> bool:
        """Whether a speech model's windows may be encoded without being filled up: it is said of
        the model, and a GPU would gain nothing."""
        return self._get(name).entry.short_windows and self.placed(device)[0] == "cpu"

    def _find(self) -> Iterator[_Known]:
        """List the models: one that ships is never replaced by a pack of its name."""
        names = set()
        text = (self._folder / "manifest.toml").read_text(encoding="utf-8")
        for entry in parse_manifest(text):
            names.add(entry.name)
            home = _package(entry.package) if entry.package else self._folder
            yield _Known(entry, home / entry.folder if home else None, "built-in")
        packs = self._packs_folder
        for folder in sorted(packs.glob("*/pack.toml")) if packs else ():
            if folder.parent.name.startswith("."):
                continue  # an import that was interrupted
            try:
                entry = parse_pack(folder.read_text(encoding="utf-8"))
            except (PackInvalid, UnicodeDecodeError, OSError) as problem:
                self._damaged[folder.parent.name] = str(problem)
                continue
            if entry.name not in names:
                yield _Known(entry, folder.parent, "pack")

    def _get(self, name: str) -> _Known:
        try:
            return self._known[name]
        except KeyError:
            raise ModelMissing(f"There is no model called {name}.") from None

    def _root(self, known: _Known) -> Path:
        if known.root is None:
            raise ModelMissing(
                f"The model {known.entry.name} is not installed"
                f" (the package {known.entry.package} is missing)."
            )
        return known.root

    def _read(self, known: _Known, file: ModelFile) -> bytes:
        return b"".join(self._chunks(known, file))

    def _verify(self, known: _Known, file: ModelFile) -> None:
        for _ in self._chunks(known, file):
            pass

    def _chunks(self, known: _Known, file: ModelFile) -> Iterator[bytes]:
        """Yield a file in pieces, for a model may be larger than the memory that is free; that it
        is the one that the manifest names is known at the end."""
        digest, size = hashlib.sha256(), 0
        try:
            for path in self._paths(known, file):
                with path.open("rb") as content:
                    while chunk := content.read(_CHUNK):
                        digest.update(chunk)
                        size += len(chunk)
                        yield chunk
        except OSError:
            raise _missing(known, file) from None
        if size != file.size or digest.hexdigest() != file.sha256:
            raise _changed(known, file)

    def _see(self, known: _Known, file: ModelFile) -> None:
        """See that a file is there and as long as it should be."""
        try:
            size = sum(path.stat().st_size for path in self._paths(known, file))
        except OSError:
            raise _missing(known, file) from None
        if size != file.size:
            raise _changed(known, file)

    def _paths(self, known: _Known, file: ModelFile) -> Iterator[Path]:
        if not file.parts:
            yield self._root(known) / file.name
        for part in file.parts:
            package, _, path = part.partition(":")
            home = _package(package)
            if home is None:
                raise ModelMissing(
                    f"The model {known.entry.name} is not installed"
                    f" (the package {package} is missing)."
                )
            yield home / path

    def _card(self, known: _Known) -> ModelCard:
        entry = known.entry
        try:
            paths = [path for file in entry.file for path in self._paths(known, file)]
            ready = all(path.is_file() for path in paths)
        except ModelMissing:
            ready = False
        return ModelCard(
            name=entry.name,
            kind=entry.kind,
            version=entry.version,
            purpose=entry.purpose,
            licence=entry.licence,
            source=entry.source,
            size_bytes=entry.size_bytes,
            origin=known.origin,
            state="ready" if ready else "missing",
        )


def _missing(known: _Known, file: ModelFile) -> ModelMissing:
    return ModelMissing(f"The file {file.name} of the model {known.entry.name} is missing.")


def _changed(known: _Known, file: ModelFile) -> ModelMismatch:
    return ModelMismatch(
        f"The file {file.name} of the model {known.entry.name} is not the one that the manifest"
        " names."
    )


def _damaged_card(name: str, why: str) -> ModelCard:
    return ModelCard(
        name=name,
        kind="unknown",
        version="",
        purpose=why,
        licence="",
        source="",
        size_bytes=0,
        origin="pack",
        state="damaged",
    )


def _package(name: str) -> Path | None:
    """Find the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(next(iter(spec.submodule_search_locations)))


def _load_whisper(
    name: str, files: Files, place: str, compute_type: str, threads: int
) -> WhisperModel:
    os.environ["HF_HUB_OFFLINE"] = "1"
    # faster-whisper imports PyAV to read files, which is never asked of it here; PyAV's wheels
    # carry GPL codecs and are no part of the packaged program, so an empty module stands in
    sys.modules.setdefault("av", ModuleType("av"))
    from faster_whisper import WhisperModel

    try:
        with laid_out(files) as folder:
            return WhisperModel(
                str(folder or name),
                device=place,
                compute_type=compute_type,
                cpu_threads=threads,
                files=None if folder else {of: b"".join(read()) for of, read in files.items()},
            )
    except (RuntimeError, ValueError) as problem:
        if place == "cuda" and _of_the_gpu(problem):
            raise DeviceMissing(_GPU_FAILED, hint=_GPU_HINT) from problem
        raise ModelMismatch(
            f"The model {name} cannot be loaded: it is no Whisper model of CTranslate2."
        ) from problem


@contextmanager
def gpu_faults() -> Iterator[None]:
    """Raise `DeviceMissing` for what CTranslate2 says of a GPU while it computes: no call is to
    blame for its memory being full."""
    try:
        yield
    except RuntimeError as problem:
        if not _of_the_gpu(problem):
            raise
        raise DeviceMissing(_GPU_FAILED, hint=_GPU_HINT) from problem


def _of_the_gpu(problem: Exception) -> bool:
    return any(word in str(problem) for word in ("CUDA", "cuBLAS", "CUBLAS"))
