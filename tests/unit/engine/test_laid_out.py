"""Model files in a folder for as long as they are loaded, and nothing of them afterwards."""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from typing import TYPE_CHECKING

import pytest

from app.engine.laid_out import laid_out
from app.errors import ModelMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FILES = {"model.bin": lambda: [b"weights ", b"and more"], "config.json": lambda: [b"{}"]}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let temporary folders be made where nobody else makes any."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def test_the_files_are_there_for_this_person_alone_and_gone_afterwards(folder: Path) -> None:
    with laid_out(FILES) as made:
        assert made is not None
        assert made.parent == folder
        assert {path.name: path.read_bytes() for path in made.iterdir()} == {
            "model.bin": b"weights and more",
            "config.json": b"{}",
        }
        if sys.platform != "win32":
            assert stat.S_IMODE(made.stat().st_mode) == 0o700
    assert not list(folder.iterdir())


def test_where_there_is_no_room_there_is_no_folder(folder: Path) -> None:
    def full() -> Iterator[bytes]:
        yield b"a beginning"
        raise OSError

    with laid_out({"model.bin": full}) as made:
        assert made is None
        assert not list(folder.iterdir())


def test_where_no_folder_can_be_made_there_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(folder / "missing"))
    with laid_out(FILES) as made:
        assert made is None


def test_below_a_name_that_ctranslate2_may_not_find_there_is_none(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = folder / "Jürgen"
    named.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(named))
    with laid_out(FILES) as made:
        assert made is None


def test_where_the_system_has_no_place_for_temporary_files_there_is_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none() -> str:
        raise FileNotFoundError

    monkeypatch.setattr(tempfile, "gettempdir", none)
    with laid_out(FILES) as made:
        assert made is None


def test_a_file_that_is_not_the_one_that_is_named_is_refused_and_leaves_nothing(
    folder: Path,
) -> None:
    def changed() -> Iterator[bytes]:
        yield b"other weights"
        raise ModelMismatch("It is another file.")

    with pytest.raises(ModelMismatch), laid_out({"model.bin": changed}):
        pytest.fail("a model is loaded whose bytes are others")
    assert not list(folder.iterdir())


def test_what_a_killed_worker_left_goes_with_the_next_model_and_no_other_folder(
    folder: Path,
) -> None:
    left, loading, others = (folder / name for name in (
        "autoinsights-model-left", "autoinsights-model-now", "of-others",
    ))  # fmt: skip
    for one in (left, loading, others):
        one.mkdir()
        (one / "model.bin").write_bytes(b"weights")
    for one in (left, others):
        os.utime(one, (0, 0))
    with laid_out(FILES):
        assert not left.exists()
    assert {path.name for path in folder.iterdir()} == {loading.name, others.name}
