"""Imports model packs: weights that a client brings, in a folder or a zip with a `pack.toml`.

Promises that only files which the pack's manifest names, of kinds that hold no code, with exactly
the size and hash it gives, ever reach the packs folder, and that a pack is there whole or not at
all. Pickles, links and paths that lead elsewhere are refused; what the manifest does not name is
not even opened. Heads are tried out before they are kept.
"""

from __future__ import annotations

import errno
import hashlib
import stat
import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Protocol
from uuid import uuid4

from app.engine.analysis.heads import check_declared, try_out
from app.engine.manifest import ModelEntry, ModelFile, ModelHead, parse_pack
from app.engine.models import ONNX_HEADS, WHISPER, ModelCard
from app.errors import DiskFull, FolderReadOnly, ModelMismatch, PackInvalid, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    TryHead = Callable[[bytes, ModelHead], None]
    """Loads a head and lets it judge a vector; raises `PackInvalid` where it cannot."""

MANIFEST = "pack.toml"
RESERVED = frozenset(
    {"whisper-base", "spacy-en", "minilm", "call-heads", "silero-vad", "speaker-encoder", "tagger"}
)

_WHISPER_NEEDS = {"model.bin", "config.json", "tokenizer.json"}
_WHISPER_MAY = _WHISPER_NEEDS | {
    "vocabulary.txt",
    "vocabulary.json",
    "preprocessor_config.json",
}
_MOST_BYTES = 16 << 30
_MOST_MANIFEST_BYTES = 1 << 20
_MOST_MEMBERS = 1000
_CHUNK = 1 << 20
# what zipfile raises for archives that are damaged or made to confuse it
_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def import_pack(
    source: Path, packs_folder: Path, *, encoder: str, try_head: TryHead = try_out
) -> ModelCard:
    """Verify the pack in a folder or zip and keep it; one of the same name is replaced.

    `encoder` names the sentence encoder that heads have to be made for. `try_head` chooses where a
    foreign graph is tried out.

    Raises `PackInvalid` for what is no acceptable pack, `ModelMismatch` where a file is not the one
    that the pack's manifest names, and `StorageError` where the disk refuses.
    """
    with _opened(source) as files:
        entry = parse_pack(_manifest_text(files))
        _check_kind(entry, encoder)
        try:
            _keep(files, entry, packs_folder, try_head)
        except OSError as problem:
            raise _storage_error(problem) from problem
    return ModelCard(
        name=entry.name,
        kind=entry.kind,
        version=entry.version,
        purpose=entry.purpose,
        licence=entry.licence,
        source=entry.source,
        size_bytes=entry.size_bytes,
        origin="pack",
        state="ready",
    )


class _Files(Protocol):
    def open(self, name: str) -> IO[bytes]:
        """Open a file of the pack; `PackInvalid` where it is not there or no plain file."""
        ...


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str) -> IO[bytes]:
        path = self._folder / name
        try:
            if not stat.S_ISREG(path.lstat().st_mode):
                raise PackInvalid(f"{name} of the pack is a link or no plain file.")
            return path.open("rb")
        except OSError:
            raise PackInvalid(f"The pack has no {name} that can be read.") from None


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        members = archive.infolist()
        if len(members) > _MOST_MEMBERS:
            raise PackInvalid("The archive holds far more files than a model pack.")
        names = [member.filename for member in members]
        if len(set(names)) != len(names):
            raise PackInvalid("The archive holds two files of one name.")
        self._members = {member.filename: member for member in members}
        manifests = [n for n in names if n == MANIFEST or n.endswith("/" + MANIFEST)]
        if len(manifests) != 1 or manifests[0].count("/") > 1:
            raise PackInvalid(f"The archive has no {MANIFEST} at its top.")
        self._prefix = manifests[0].removesuffix(MANIFEST)

    def open(self, name: str) -> IO[bytes]:
        member = self._members.get(self._prefix + name)
        if member is None or member.is_dir():
            raise PackInvalid(f"The pack has no {name}.")
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG):
            raise PackInvalid(f"{name} of the pack is a link or no plain file.")
        if member.flag_bits & 0x1:
            raise PackInvalid("The archive is encrypted; unpack it first.")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise PackInvalid("The archive is packed in an unusual way; use plain zip.")
        try:
            return self._archive.open(member)
        except _DAMAGED:
            raise PackInvalid(f"{name} cannot be read from the archive.") from None


@contextmanager
def _opened(source: Path) -> Iterator[_Files]:
    if source.is_dir():
        yield _Folder(source)
        return
    try:
        archive = zipfile.ZipFile(source)
    except _DAMAGED as problem:
        raise PackInvalid(f"{source.name} is neither a folder nor a zip archive.") from problem
    with archive:
        yield _Zip(archive)


def _manifest_text(files: _Files) -> str:
    with files.open(MANIFEST) as file:
        content = _chunk(file, _MOST_MANIFEST_BYTES + 1, MANIFEST)
    if len(content) > _MOST_MANIFEST_BYTES:
        raise PackInvalid(f"{MANIFEST} is too large.")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise PackInvalid(f"{MANIFEST} is not UTF-8 text.") from None


def _check_kind(entry: ModelEntry, encoder: str) -> None:
    names = {file.name for file in entry.file}
    if entry.name in RESERVED:
        raise PackInvalid(f"The name {entry.name} belongs to a model that ships.")
    if entry.size_bytes > _MOST_BYTES:
        raise PackInvalid("The pack is larger than 16 GiB.")
    if entry.kind == WHISPER:
        if entry.head or entry.encoder:
            raise PackInvalid("A Whisper pack has no heads.")
        if names - _WHISPER_MAY:
            raise PackInvalid(f"{min(names - _WHISPER_MAY)} is no file of a Whisper model.")
        if _WHISPER_NEEDS - names or not any(n.startswith("vocabulary.") for n in names):
            raise PackInvalid(
                "A Whisper pack needs model.bin, config.json, tokenizer.json and a vocabulary."
            )
    elif entry.kind == ONNX_HEADS:
        if not all("/" not in name and name.endswith((".onnx", ".json")) for name in names):
            raise PackInvalid("A pack of heads holds only .onnx and .json files.")
        _check_heads(entry, encoder)
    else:
        raise PackInvalid(f"A pack's kind is {WHISPER} or {ONNX_HEADS}, not {entry.kind}.")


def _check_heads(entry: ModelEntry, encoder: str) -> None:
    if entry.encoder != encoder:
        raise PackInvalid(f'A pack of heads must say `encoder = "{encoder}"`, and be made for it.')
    if not entry.head:
        raise PackInvalid("A pack of heads must say with [[head]] what each of them judges.")
    for head in entry.head:
        if not head.file.endswith(".onnx"):
            raise PackInvalid(f"{head.file} is no .onnx file, so it can be no head.")
        check_declared(head)
    if len({head.purpose for head in entry.head}) != len(entry.head):
        raise PackInvalid("A pack has one head for each purpose.")


def _keep(files: _Files, entry: ModelEntry, packs_folder: Path, try_head: TryHead) -> None:
    """Copy next to the place and swap in: an interrupted import leaves only a hidden folder."""
    packs_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _scratch(packs_folder) as scratch:
        incoming = scratch / "new"
        incoming.mkdir(mode=0o700)
        for file in entry.file:
            _copy(files, file, incoming / file.name)
        if entry.kind == WHISPER:
            _check_whisper(incoming / "model.bin")
        for head in entry.head:
            try_head((incoming / head.file).read_bytes(), head)
        (incoming / MANIFEST).write_text(_manifest_text(files), encoding="utf-8")
        place = packs_folder / entry.name
        if place.exists():
            place.rename(scratch / "old")
        incoming.rename(place)


@contextmanager
def _scratch(packs_folder: Path) -> Iterator[Path]:
    folder = packs_folder / f".incoming-{uuid4().hex}"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        for path in sorted(folder.rglob("*"), reverse=True):  # what is inside comes first
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()


def _copy(files: _Files, file: ModelFile, target: Path) -> None:
    """Copy at most the promised size: an archive that unpacks without end is cut off there."""
    digest, left = hashlib.sha256(), file.size
    with files.open(file.name) as source, target.open("xb") as sink:
        while left > 0 and (chunk := _chunk(source, min(_CHUNK, left), file.name)):
            digest.update(chunk)
            sink.write(chunk)
            left -= len(chunk)
        longer = left == 0 and _chunk(source, 1, file.name)
    if left or longer or digest.hexdigest() != file.sha256:
        raise ModelMismatch(f"{file.name} is not the file that {MANIFEST} names.")


def _chunk(source: IO[bytes], size: int, name: str) -> bytes:
    try:
        return source.read(size)
    except _DAMAGED:
        raise ModelMismatch(f"{name} is damaged and cannot be read.") from None


def _check_whisper(path: Path) -> None:
    """A CTranslate2 file begins with its format's number and the name of its kind; a pickle or
    torch archive called model.bin does not."""
    with path.open("rb") as file:
        head = file.read(32)
    if head[1:4] != b"\0\0\0" or b"WhisperSpec" not in head:
        raise PackInvalid("model.bin is no Whisper model of CTranslate2.")


def _storage_error(problem: OSError) -> StorageError:
    if problem.errno == errno.ENOSPC:
        return DiskFull("There is no room on the disk for the model pack.")
    if problem.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
        return FolderReadOnly("The folder for model packs cannot be written to.")
    return StorageError("The model pack could not be copied.")
