"""Keeps this process's memory to itself: it holds keys and words.

No crash writes it to a file, and no other program of the same person may read it or attach a
debugger. An administrator of the computer can do both; the threat model says so.
"""

from __future__ import annotations

import ctypes
import sys

_PR_GET_DUMPABLE, _PR_SET_DUMPABLE = 3, 4
_PT_DENY_ATTACH = 31
_NO_CRASH_WINDOWS = 0x0001 | 0x0002  # SEM_FAILCRITICALERRORS, SEM_NOGPFAULTERRORBOX


def keep_private() -> None:
    """Shut out core dumps, debuggers and readers, as far as the system lets a program do that."""
    if sys.platform == "win32":
        ctypes.windll.kernel32.SetErrorMode(_NO_CRASH_WINDOWS)
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    elif sys.platform == "darwin":
        libc.ptrace(_PT_DENY_ATTACH, 0, None, 0)


def is_private() -> bool:
    """Return whether core dumps are off and, on Linux, readers shut out."""
    if sys.platform == "win32":
        return True
    import resource

    if resource.getrlimit(resource.RLIMIT_CORE)[0] != 0:
        return False
    if sys.platform != "linux":
        return True
    return bool(ctypes.CDLL(None).prctl(_PR_GET_DUMPABLE, 0, 0, 0, 0) == 0)
