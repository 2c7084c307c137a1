"""Models are used only as the manifests name them; packs hold weights and no code."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import stat
import struct
import tempfile
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.engine.manifest import parse_manifest, parse_pack
from app.engine.models import WHISPER, ModelCard, ModelLibrary
from app.engine.packs import MANIFEST, RESERVED
from app.engine.packs import import_pack as real_import
from app.errors import AppError, DeviceMissing, ModelMismatch, ModelMissing, PackInvalid

ROOT = Path(__file__).parents[3]
HEAD = struct.pack("<I", 6) + struct.pack("<H", 12) + b"WhisperSpec\0"
ENCODER = "minilm-1.0.0"
WEIGHTS = {
    "model.bin": HEAD + bytes(range(256)) * 64,
    "config.json": b"{}",
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
}


def import_pack(source: Path, packs: Path) -> ModelCard:
    return real_import(source, packs, encoder=ENCODER)


def _manifest(files: dict[str, bytes], *, table: str = "file", **fields: str) -> str:
    given = {
        "name": "whisper-small",
        "kind": "whisper-ctranslate2",
        "version": "1",
        "purpose": "speech",
        "licence": "MIT",
        "source": "here",
        **fields,
    }
    lines = [f"{key} = {json.dumps(value)}" for key, value in given.items()]
    for name, content in files.items():
        digest = hashlib.sha256(content).hexdigest()
        lines += [f"[[{table}]]", f"name = {json.dumps(name)}", f"size = {len(content)}"]
        lines += [f'sha256 = "{digest}"']
    return "\n".join(lines) + "\n"


def _pack(folder: Path, files: dict[str, bytes] | None = None, **fields: str) -> Path:
    files = WEIGHTS if files is None else files
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / MANIFEST).write_text("format = 1\n" + _manifest(files, **fields))
    return folder


def _zipped(folder: Path, *, prefix: str = "") -> Path:
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in folder.iterdir():
            archive.write(file, prefix + file.name)
    return path


@pytest.fixture
def resources(tmp_path: Path) -> Path:
    models = tmp_path / "resources" / "models"
    (models / "small").mkdir(parents=True)
    files = {"a.onnx": b"one", "b.json": b"two"}
    for name, content in files.items():
        (models / "small" / name).write_bytes(content)
    text = "format = 1\n[[model]]\n" + _manifest(
        files, table="model.file", name="small", kind="onnx", folder="small"
    )
    (models / "manifest.toml").write_text(text)
    return tmp_path / "resources"


class TestLibrary:
    def test_reads_verified_files(self, resources: Path) -> None:
        library = ModelLibrary(resources, None)
        assert library.read("small", "a.onnx") == b"one"
        assert library.folder("small") == resources / "models" / "small"
        library.check("small")
        (card,) = library.catalogue()
        assert (card.name, card.origin, card.state, card.size_bytes) == (
            "small",
            "built-in",
            "ready",
            6,
        )

    @pytest.mark.parametrize("content", [b"onE", b"on", b"one ", b""])
    def test_refuses_a_changed_file_by_name(self, resources: Path, content: bytes) -> None:
        (resources / "models" / "small" / "a.onnx").write_bytes(content)
        library = ModelLibrary(resources, None)
        for use in (library.check, library.folder, lambda name: library.read(name, "a.onnx")):
            with pytest.raises(ModelMismatch, match=r"a\.onnx of the model small"):
                use("small")

    def test_a_folder_with_a_file_too_many_is_refused(self, resources: Path) -> None:
        (resources / "models" / "small" / "extra.py").write_bytes(b"")
        with pytest.raises(ModelMismatch, match="too many"):
            ModelLibrary(resources, None).folder("small")

    def test_names_what_is_missing(self, resources: Path) -> None:
        library = ModelLibrary(resources, None)
        (resources / "models" / "small" / "a.onnx").unlink()
        with pytest.raises(ModelMissing, match=r"a\.onnx of the model small"):
            library.check("small")
        with pytest.raises(ModelMissing, match="no model called tiny"):
            library.ref("tiny")
        with pytest.raises(ModelMissing, match=r"no file c\.json"):
            library.read("small", "c.json")
        assert library.catalogue()[0].state == "missing"

    def test_a_missing_package_is_named(self, resources: Path) -> None:
        manifest = resources / "models" / "manifest.toml"
        text = manifest.read_text().replace('folder = "small"', 'package = "no_such_package_here"')
        manifest.write_text(text)
        library = ModelLibrary(resources, None)
        assert library.catalogue()[0].state == "missing"
        with pytest.raises(ModelMissing, match="no_such_package_here"):
            library.check("small")

    def test_the_digest_follows_every_file(self, resources: Path) -> None:
        before = ModelLibrary(resources, None).ref("small")
        manifest = resources / "models" / "manifest.toml"
        other = hashlib.sha256(b"other").hexdigest()
        one = hashlib.sha256(b"one").hexdigest()
        manifest.write_text(manifest.read_text().replace(one, other))
        after = ModelLibrary(resources, None).ref("small")
        assert (before.name, before.version) == (after.name, after.version)
        assert before.sha256 != after.sha256

    def test_only_a_speech_model_turns_speech_into_text(self, resources: Path) -> None:
        library = ModelLibrary(resources, None)
        with pytest.raises(ModelMissing, match="does not turn speech into text"):
            library.whisper("small", device="cpu", threads=1)
        with pytest.raises(ModelMissing, match="does not turn speech into text"):
            library.look_at("small", kind=WHISPER)
        with pytest.raises(ModelMissing, match="holds no heads"):
            library.heads("small")

    def test_a_look_sees_what_is_gone_or_cut_and_reads_only_packs(
        self, resources: Path, tmp_path: Path
    ) -> None:
        packs = tmp_path / "packs"
        import_pack(_pack(tmp_path / "pack"), packs)
        library = ModelLibrary(resources, packs)
        library.look_at("small")
        library.look_at("whisper-small", kind=WHISPER)
        (resources / "models" / "small" / "a.onnx").write_bytes(b"on")
        with pytest.raises(ModelMismatch, match=r"a\.onnx of the model small"):
            library.look_at("small")
        (resources / "models" / "small" / "a.onnx").unlink()
        with pytest.raises(ModelMissing, match=r"a\.onnx of the model small"):
            library.look_at("small")
        kept = packs / "whisper-small" / "config.json"
        kept.write_bytes(b"[]")
        with pytest.raises(ModelMismatch, match=r"config\.json of the model whisper-small"):
            library.look_at("whisper-small", kind=WHISPER)

    @pytest.mark.parametrize(
        ("device", "gpu", "placed"),
        [
            ("cpu", {"float16"}, ("cpu", "int8")),
            ("auto", set(), ("cpu", "int8")),
            ("auto", {"float32"}, ("cpu", "int8")),
            ("auto", {"float16", "int8"}, ("cuda", "float16")),
            ("cuda", {"int8_float16", "int8"}, ("cuda", "int8_float16")),
            ("cuda", {"int8"}, ("cuda", "int8")),
        ],
    )
    def test_places_speech_where_it_can_run(
        self, resources: Path, device: str, gpu: set[str], placed: tuple[str, str]
    ) -> None:
        library = ModelLibrary(resources, None, gpu=lambda: frozenset(gpu))
        assert library.placed(device) == placed  # type: ignore[arg-type]

    def test_a_gpu_that_is_not_there_is_an_error(self, resources: Path) -> None:
        with pytest.raises(DeviceMissing):
            ModelLibrary(resources, None, gpu=frozenset).placed("cuda")

    def test_a_pack_is_listed_and_read(self, resources: Path, tmp_path: Path) -> None:
        packs = tmp_path / "packs"
        import_pack(_pack(tmp_path / "pack"), packs)
        library = ModelLibrary(resources, packs)
        assert [(card.name, card.origin) for card in library.catalogue()] == [
            ("small", "built-in"),
            ("whisper-small", "pack"),
        ]
        assert library.read("whisper-small", "config.json") == b"{}"

    def test_a_pack_never_stands_in_for_what_ships(self, resources: Path, tmp_path: Path) -> None:
        packs = tmp_path / "packs"
        packs.mkdir()
        _pack(packs / "sneaky", name="small")
        library = ModelLibrary(resources, packs)
        assert library.read("small", "a.onnx") == b"one"
        assert [card.origin for card in library.catalogue()] == ["built-in"]

    def test_a_pack_damaged_on_disk_is_listed_so_and_not_used(
        self, resources: Path, tmp_path: Path
    ) -> None:
        packs = tmp_path / "packs"
        packs.mkdir()
        (_pack(packs / "one") / MANIFEST).write_bytes(b"\xff\xfe")
        _pack(packs / ".incoming-1", name="left-behind")
        library = ModelLibrary(resources, packs)
        assert [card.state for card in library.catalogue()] == ["ready", "damaged"]
        with pytest.raises(ModelMissing):
            library.ref("left-behind")

    def test_weights_that_are_no_weights_are_refused_by_name(
        self, resources: Path, tmp_path: Path
    ) -> None:
        packs = tmp_path / "packs"
        import_pack(_pack(tmp_path / "pack"), packs)
        with pytest.raises(ModelMismatch, match="whisper-small cannot be loaded"):
            ModelLibrary(resources, packs).whisper("whisper-small", device="cpu", threads=1)

    def test_speech_to_text_loads_without_room_on_the_disk(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
        library = ModelLibrary(ROOT / "resources", None)
        loaded = library.whisper("whisper-base", device="cpu", threads=1)
        assert loaded.model.is_multilingual
        assert loaded.hf_tokenizer.token_to_id("<|en|>")


class TestShippedManifest:
    def test_names_are_the_reserved_ones(self) -> None:
        text = (ROOT / "resources" / "models" / "manifest.toml").read_text(encoding="utf-8")
        assert {entry.name for entry in parse_manifest(text)} == RESERVED

    def test_every_model_is_there_and_is_the_one_that_is_named(self) -> None:
        library = ModelLibrary(ROOT / "resources", None)
        for card in library.catalogue():
            assert card.state == "ready"
            assert card.licence
            library.check(card.name)
        assert (library.spacy() / "meta.json").is_file()


class TestImport:
    @pytest.mark.parametrize("prefix", [None, "", "whisper-small/"])
    def test_takes_a_folder_or_a_zip(self, tmp_path: Path, prefix: str | None) -> None:
        source = _pack(tmp_path / "pack")
        if prefix is not None:
            source = _zipped(source, prefix=prefix)
        packs = tmp_path / "packs"
        card = import_pack(source, packs)
        assert (card.name, card.origin, card.state) == ("whisper-small", "pack", "ready")
        kept = {p.name: p.read_bytes() for p in (packs / "whisper-small").iterdir()}
        assert kept.pop(MANIFEST).startswith(b"format = 1")
        assert kept == WEIGHTS
        assert [p.name for p in packs.iterdir()] == ["whisper-small"]

    def test_replaces_a_pack_of_its_name(self, tmp_path: Path) -> None:
        packs = tmp_path / "packs"
        import_pack(_pack(tmp_path / "old"), packs)
        newer = {**WEIGHTS, "config.json": b'{"newer": 1}'}
        import_pack(_pack(tmp_path / "new", newer), packs)
        assert (packs / "whisper-small" / "config.json").read_bytes() == b'{"newer": 1}'
        assert [p.name for p in packs.iterdir()] == ["whisper-small"]

    def test_a_failed_import_leaves_what_was_there(self, tmp_path: Path) -> None:
        packs = tmp_path / "packs"
        import_pack(_pack(tmp_path / "old"), packs)
        bad = _pack(tmp_path / "bad")
        (bad / "vocabulary.txt").write_bytes(b"a\nc\n")
        with pytest.raises(ModelMismatch, match=r"vocabulary\.txt"):
            import_pack(bad, packs)
        assert (packs / "whisper-small" / "vocabulary.txt").read_bytes() == b"a\nb\n"
        assert [p.name for p in packs.iterdir()] == ["whisper-small"]

    @pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
    def test_the_folder_is_private(self, tmp_path: Path) -> None:
        import_pack(_pack(tmp_path / "pack"), tmp_path / "packs")
        for folder in (tmp_path / "packs", tmp_path / "packs" / "whisper-small"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700

    @pytest.mark.parametrize("length", [-1, 1])
    def test_refuses_a_file_of_another_length(self, tmp_path: Path, length: int) -> None:
        source = _pack(tmp_path / "pack")
        content = WEIGHTS["model.bin"]
        (source / "model.bin").write_bytes(content[:-1] if length < 0 else content + b"x")
        for form in (source, _zipped(source)):
            with pytest.raises(ModelMismatch, match=r"model\.bin"):
                import_pack(form, tmp_path / "packs")

    def test_refuses_links(self, tmp_path: Path) -> None:
        secret = tmp_path / "secret"
        secret.write_bytes(WEIGHTS["config.json"])
        source = _pack(tmp_path / "pack")
        (source / "config.json").unlink()
        (source / "config.json").symlink_to(secret)
        with pytest.raises(PackInvalid, match="link"):
            import_pack(source, tmp_path / "packs")
        (source / MANIFEST).rename(tmp_path / "elsewhere")
        (source / MANIFEST).symlink_to(tmp_path / "elsewhere")
        with pytest.raises(PackInvalid, match="link"):
            import_pack(source, tmp_path / "packs")

    def test_refuses_links_in_a_zip(self, tmp_path: Path) -> None:
        path = _zipped(_pack(tmp_path / "pack"))
        with zipfile.ZipFile(path) as archive:
            contents = {m.filename: archive.read(m) for m in archive.infolist()}
        with zipfile.ZipFile(path, "w") as archive:
            for name, content in contents.items():
                member = zipfile.ZipInfo(name)
                kind = stat.S_IFLNK if name == "config.json" else stat.S_IFREG
                member.external_attr = (kind | 0o777) << 16
                archive.writestr(member, content)
        with pytest.raises(PackInvalid, match="link"):
            import_pack(path, tmp_path / "packs")

    @pytest.mark.parametrize(
        "name",
        [
            "../model.bin",
            "/etc/passwd",
            "..\\x.json",
            "a/../../b.json",
            "C:x.json",
            "",
            ".",
            "..",
            "a//b",
        ],
    )
    def test_refuses_names_that_lead_elsewhere(self, tmp_path: Path, name: str) -> None:
        source = _pack(tmp_path / "pack")
        files = {**WEIGHTS, name: b"x"}
        (source / MANIFEST).write_text("format = 1\n" + _manifest(files))
        with pytest.raises(PackInvalid):
            import_pack(source, tmp_path / "packs")

    @pytest.mark.parametrize("name", ["../up", "a/b", "", "A B", "..", ".hidden", "x" * 65])
    def test_refuses_pack_names_that_are_no_names(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(PackInvalid):
            import_pack(_pack(tmp_path / "pack", name=name), tmp_path / "packs")

    @pytest.mark.parametrize("name", sorted(RESERVED))
    def test_refuses_the_names_of_models_that_ship(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(PackInvalid, match="ships"):
            import_pack(_pack(tmp_path / "pack", name=name), tmp_path / "packs")

    @pytest.mark.parametrize("extra", ["pytorch_model.bin", "run.py", "model.pkl", "weights.npz"])
    def test_refuses_files_that_no_pack_holds(self, tmp_path: Path, extra: str) -> None:
        source = _pack(tmp_path / "pack", {**WEIGHTS, extra: b"x"})
        with pytest.raises(PackInvalid, match="is no file of a Whisper model"):
            import_pack(source, tmp_path / "packs")

    def test_refuses_a_pickle_called_model_bin(self, tmp_path: Path) -> None:
        for content in (pickle.dumps({"WhisperSpec": 1}), b"PK\x03\x04" + HEAD, b"x" * 40):
            source = tmp_path / hashlib.sha256(content).hexdigest()
            with pytest.raises(PackInvalid, match="no Whisper model"):
                import_pack(_pack(source, {**WEIGHTS, "model.bin": content}), tmp_path / "packs")
        assert list((tmp_path / "packs").iterdir()) == []

    def test_refuses_an_incomplete_or_unknown_pack(self, tmp_path: Path) -> None:
        for number, name in enumerate(WEIGHTS):
            files = {n: c for n, c in WEIGHTS.items() if n != name}
            with pytest.raises(PackInvalid):
                import_pack(_pack(tmp_path / str(number), files), tmp_path / "packs")
        with pytest.raises(PackInvalid, match="kind"):
            import_pack(_pack(tmp_path / "kind", kind="torch"), tmp_path / "packs")

    def test_stops_reading_an_archive_that_unpacks_without_end(self, tmp_path: Path) -> None:
        source = _pack(tmp_path / "pack")
        (source / "vocabulary.txt").write_bytes(bytes(50_000_000))
        packs = tmp_path / "packs"
        with pytest.raises(ModelMismatch, match=r"vocabulary\.txt"):
            import_pack(_zipped(source), packs)
        assert list(packs.iterdir()) == []

    @pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all"])
    def test_refuses_what_is_neither_folder_nor_zip(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "pack.zip"
        path.write_bytes(content)
        with pytest.raises(PackInvalid):
            import_pack(path, tmp_path / "packs")
        with pytest.raises(PackInvalid):
            import_pack(tmp_path / "nowhere", tmp_path / "packs")

    def test_a_full_or_closed_folder_is_a_sentence(self, tmp_path: Path) -> None:
        (tmp_path / "packs").write_text("a file is in the way")
        with pytest.raises(AppError, match=r"could not be copied|cannot be written"):
            import_pack(_pack(tmp_path / "pack"), tmp_path / "packs")

    @given(data=st.data())
    def test_a_damaged_zip_is_refused_or_whole(
        self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        folder = tmp_path_factory.mktemp("damaged")
        path = _zipped(_pack(folder / "pack"))
        content = bytearray(path.read_bytes())
        for _ in range(data.draw(st.integers(1, 4))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
        path.write_bytes(bytes(content))
        try:
            import_pack(path, folder / "packs")
        except AppError:
            return
        kept = folder / "packs" / "whisper-small"
        assert {n: (kept / n).read_bytes() for n in WEIGHTS} == WEIGHTS


class TestManifestText:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("", "format = 1"),
            ("format = 2", "format = 1"),
            ("format = 1\nname = ", "not valid TOML"),
            ("format = 1\n" + _manifest(WEIGHTS, extra="x"), "unknown key `extra`"),
            ("format = 1\n" + _manifest(WEIGHTS) + "pickle = true\n", "unknown key `pickle`"),
            ("format = 1\n" + _manifest(WEIGHTS, package="os"), "outside of the pack"),
            ("format = 1\n" + _manifest(WEIGHTS, folder="/etc"), "outside of the pack"),
            ("format = 1\n" + _manifest(WEIGHTS) + 'parts = ["os:x"]\n', "outside of the pack"),
            ("format = 1\n" + _manifest({}), "no files"),
            ("format = 1\nname = 'x'", "missing"),
            ("format = 1\n" + _manifest(WEIGHTS).replace("size = ", "size = -"), "no size"),
            ("format = 1\n" + _manifest({"model.bin": b""}), "no size"),
        ],
    )
    def test_says_what_is_wrong(self, text: str, said: str) -> None:
        with pytest.raises(PackInvalid, match=said):
            parse_pack(text)

    def test_refuses_wrong_hashes_and_doubled_files(self) -> None:
        text = "format = 1\n" + _manifest({"model.bin": b"x"})
        digest = hashlib.sha256(b"x").hexdigest()
        with pytest.raises(PackInvalid, match="SHA-256"):
            parse_pack(text.replace(digest, digest.upper()))
        doubled = text + text[text.index("[[file]]") :]
        with pytest.raises(PackInvalid, match="twice"):
            parse_pack(doubled)

    @given(st.text(max_size=200))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        for start in ("", "format = 1\n"):
            with pytest.raises(PackInvalid):
                parse_pack(start + text)
