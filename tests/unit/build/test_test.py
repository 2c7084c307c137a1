"""Where `build/test.py` keeps the files of the tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BUILD = Path(__file__).resolve().parents[3] / "build"
ASK = """
import pathlib, sys
sys.path.insert(0, ".")
import test
test.IN_MEMORY, test.ROOM_BYTES = pathlib.Path(sys.argv[1]), int(sys.argv[2])
with test.temporary() as options:
    print(*options)
    for option in options:
        assert pathlib.Path(option.removeprefix("--basetemp=")).parent.is_dir()
"""

NO_PROGRAMS = """
import os, types
flags = types.SimpleNamespace(
    f_flag=os.ST_NOEXEC, f_bavail=9, f_bfree=9, f_blocks=9, f_frsize=4096
)
os.statvfs = lambda _: flags
"""


def asked(place: Path, room_bytes: int = 0, before: str = "") -> str:
    command = [sys.executable, "-c", before + ASK, str(place), str(room_bytes)]
    done = subprocess.run(command, cwd=BUILD, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_they_lie_in_memory_as_long_as_the_tests_run(tmp_path: Path) -> None:
    assert asked(tmp_path).startswith(f"--basetemp={tmp_path}/autoinsights-")
    assert list(tmp_path.glob("autoinsights-*")) == []


def test_without_memory_for_files_or_room_in_it_they_lie_where_pytest_puts_them(
    tmp_path: Path,
) -> None:
    assert asked(tmp_path / "none") == ""
    assert asked(tmp_path, room_bytes=1 << 60) == ""


@pytest.mark.skipif(not hasattr(os, "statvfs"), reason="this system has no such places")
def test_they_lie_nowhere_from_where_no_program_can_be_started(tmp_path: Path) -> None:
    assert asked(tmp_path, before=NO_PROGRAMS) == ""
