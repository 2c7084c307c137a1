"""Shuts the network off for a process, and proves that it is off.

Two fences: an audit hook refuses every connection and name look-up that Python code tries, in every
process; in workers on Linux the kernel itself refuses internet sockets (seccomp), so that native
code cannot open one either. Local sockets (the desktop's keyring and sound) stay possible.
Libraries that would try to reach out, or note down on whose computer they run to report it later,
are told beforehand not to.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import struct
import sys
from typing import Any

_LOOKUPS = frozenset(
    {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo"}
)
_TRANSFERS = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind"})
_installed: list[bool] = []

# Switches that libraries read from the environment; workers inherit them. onnxruntime reads its
# own while it is imported, and else keeps an id of the computer in the user's cache folder.
_WAYS_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS": "",
    "ORT_DISABLE_TELEMETRY": "1",
}

# linux/audit.h, asm/unistd.h: machine → (AUDIT_ARCH, number of socket(2))
_MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
_IO_URING_SETUP = 425  # can open sockets without socket(2)
_X32_BIT = 0x40000000
_LOCAL_FAMILY = 1  # AF_UNIX
_INTERNET_FAMILY, _STREAM = 2, 1  # AF_INET, SOCK_STREAM
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _FILTER_MODE = 38, 22, 2


class NetworkRefused(ConnectionRefusedError):
    """Something tried to reach the network; the product never does."""


def refuse_network() -> None:
    """Refuse connections and look-ups of Python code in this process, for good.

    Call it before a heavy library is imported.
    """
    os.environ.update(_WAYS_OFFLINE)
    if not _installed:
        sys.addaudithook(_refuse)
        _installed.append(True)


def _refuse(name: str, arguments: tuple[Any, ...]) -> None:
    if name in _LOOKUPS:
        raise NetworkRefused(errno.ECONNREFUSED, "the network is shut off")
    if name in _TRANSFERS and not isinstance(arguments[1], str | bytes):
        raise NetworkRefused(errno.ECONNREFUSED, "the network is shut off")


def refuse_network_in_kernel() -> bool:
    """Let the kernel refuse every socket that is not local to this process; return whether it does.

    Only Linux on x86-64 and ARM64 can; the fence holds for all threads started afterwards.
    """
    machine = _MACHINES.get(platform.machine())
    if sys.platform != "linux" or machine is None:
        return False
    program = _socket_filter(*machine)
    libc = ctypes.CDLL(None, use_errno=True)
    code = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(code))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, header, 0, 0) == 0)


def _socket_filter(architecture: int, socket_number: int) -> bytes:
    """Return a classic BPF program that refuses internet sockets, io_uring and foreign ABIs."""
    load, equal, greater, give = 0x20, 0x15, 0x25, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EACCES
    steps = [
        (load, 0, 0, 4),  # seccomp_data.arch
        (equal, 0, 7, architecture),
        (load, 0, 0, 0),  # seccomp_data.nr
        (greater, 5, 0, _X32_BIT - 1),
        (equal, 4, 0, _IO_URING_SETUP),
        (equal, 0, 2, socket_number),
        (load, 0, 0, 16),  # seccomp_data.args[0], low half: the family
        (greater, 1, 0, _LOCAL_FAMILY),
        (give, 0, 0, allow),
        (give, 0, 0, refuse),
    ]
    return b"".join(struct.pack("HBBI", *step) for step in steps)


def network_is_refused() -> bool:
    """Try a connection to this very computer and return whether it was refused by our fence."""
    import socket

    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as attempt:
            attempt.connect(("127.0.0.1", 9))
    except (NetworkRefused, PermissionError):
        return True
    except OSError:
        return False
    return False


def native_network_is_refused() -> bool | None:
    """Let the C library ask for an internet socket, past all of Python, and return whether the
    kernel refused it; `None` where this operating system has no such fence."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = int(libc.socket(_INTERNET_FAMILY, _STREAM, 0))
    if descriptor < 0:
        return ctypes.get_errno() == errno.EACCES
    os.close(descriptor)
    return False
