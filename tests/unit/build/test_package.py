"""What `build/package.py` refuses, and what the packaged program leaves out."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parents[3] / "build"
LOOK = """
import pathlib, sys
import package
package.BUNDLE = pathlib.Path(sys.argv[1])
sys.exit(package._setup.guarded(lambda _: package.look() or 0, []))
"""


def look(bundle: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", LOOK, str(bundle)],
        cwd=BUILD,
        check=False,
        capture_output=True,
        text=True,
    )


def test_faster_whisper_is_content_with_the_stand_in() -> None:
    code = "import runpy; runpy.run_path('without_pyav.py'); import faster_whisper, av; print(av)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=BUILD, check=True, capture_output=True, text=True
    )
    assert done.stdout == "<module 'av'>\n"


@pytest.mark.parametrize(
    "name", ["av.libs/libx264-1.so.164", "libx265.so", "av/_core.pyd", "torch/lib/c10.so"]
)
def test_what_must_not_be_shipped_is_refused(tmp_path: Path, name: str) -> None:
    file = tmp_path / "_internal" / name
    file.parent.mkdir(parents=True)
    file.touch()
    done = look(tmp_path)
    assert done.returncode == 69
    assert "must not be shipped" in done.stderr
    assert file.name in done.stderr


def test_a_bundle_without_them_passes(tmp_path: Path) -> None:
    (tmp_path / "libsndfile.txt").touch()
    assert look(tmp_path).returncode == 0


def test_without_a_bundle_it_says_so(tmp_path: Path) -> None:
    done = look(tmp_path / "none")
    assert done.returncode == 69
    assert "There is no program" in done.stderr
