"""No core dump, no reader, no debugger: as a person who is no administrator would try it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_PRIVATE = """
from app import memory
assert not memory.is_private()
memory.keep_private()
assert memory.is_private()
print("private", flush=True)
input()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux about a process")
def test_what_a_private_process_keeps_is_not_for_others_of_the_same_person():
    with subprocess.Popen(
        [sys.executable, "-c", _PRIVATE],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout.readline() == "private\n"
        memory = Path(f"/proc/{process.pid}/mem")
        assert memory.stat().st_uid == 0
        if os.geteuid() != 0:
            with pytest.raises(PermissionError):
                memory.open("rb")
        process.communicate("\n")
    assert process.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit")
def test_a_crash_leaves_no_core():
    code = "import os; from app import memory; memory.keep_private(); os.abort()"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True)
    assert done.returncode < 0
    assert not list(ROOT.glob("core*"))
