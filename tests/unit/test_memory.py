"""No core dump, no reader, no debugger: as a person who is no administrator would try it."""

from __future__ import annotations

import os
import signal
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


_MAY_DUMP = """
import os, resource
most = resource.getrlimit(resource.RLIMIT_CORE)[1]
resource.setrlimit(resource.RLIMIT_CORE, (most, most))
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
def test_a_crash_leaves_no_core(tmp_path):
    if not _crashed(tmp_path, ""):
        pytest.skip("this system writes no core dump of anything")
    assert not _crashed(tmp_path, "from app import memory; memory.keep_private()")


def _crashed(folder, before):
    """Let a process crash that may leave a core dump; return whether it did."""
    code = f"{_MAY_DUMP}\n{before}\nos.abort()"
    paths = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", code], cwd=folder, env=paths) as process:
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == -signal.SIGABRT
    left = list(folder.glob("core*"))
    for one in left:
        one.unlink()
    return bool(left) or os.WCOREDUMP(status)
