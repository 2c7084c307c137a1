"""Another program of the same person reads the memory of a process, and attaches a debugger to it,
until that keeps itself private."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_READER = """
import ctypes, os, resource
from app import memory

if os.geteuid() == 0:  # rights of an administrator would read everything
    os.setgid(65534)
    os.setuid(65534)
ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # another user id is private by itself

def readable(process):
    try:
        open(f"/proc/{process}/mem", "rb").close()
    except PermissionError:
        return False
    return True

def attachable(process):
    ptrace = ctypes.CDLL(None).ptrace
    ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if ptrace(16, process, None, None) != 0:
        return False
    os.waitpid(process, 0)
    ptrace(17, process, None, None)
    return True

said, say = os.pipe()
heard, tell = os.pipe()
process = os.fork()
if process == 0:
    os.write(say, b".")
    os.read(heard, 1)
    assert not memory.is_private()
    memory.keep_private()
    os.write(say, b"." if memory.is_private() else b"")
    os.read(heard, 1)
    os._exit(0)
os.read(said, 1)
before = readable(process), attachable(process)
os.write(tell, b".")
os.read(said, 1)
print(*before, readable(process), attachable(process))
os.write(tell, b".")
print(os.waitpid(process, 0)[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux about a process")
def test_a_private_process_is_shut_to_readers_and_debuggers_of_the_same_person():
    done = subprocess.run(
        [sys.executable, "-c", _READER], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.splitlines() == ["True True False False", "0"]
