"""The network fences hold, and the self-test tells the truth about them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from app import offline

_PRELUDE = "import socket, subprocess, sys; from app import offline\n"


def _run(code):
    done = subprocess.run(
        [sys.executable, "-c", _PRELUDE + code], capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).strip()


def test_without_a_fence_the_self_test_says_so():
    assert _run("print(offline.network_is_refused())") == "False"


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.getaddrinfo('localhost', 80)",
        "socket.gethostbyname('localhost')",
        "socket.socket().connect(('127.0.0.1', 9))",
        "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))",
        "socket.socket().bind(('127.0.0.1', 0))",
        "socket.socket(socket.AF_INET6).connect(('::1', 9))",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9/')",
    ],
)
def test_python_code_reaches_no_network(attempt):
    ended = _run(f"offline.refuse_network(); offline.refuse_network()\n{attempt}\nprint('through')")
    assert "network is shut off" in ended
    assert "through" not in ended


def test_the_self_test_sees_the_fence():
    assert _run("offline.refuse_network(); print(offline.network_is_refused())") == "True"


def test_local_sockets_stay_possible():
    code = "offline.refuse_network(); offline.refuse_network_in_kernel()\n"
    assert _run(code + "a, b = socket.socketpair(); a.send(b'x'); print(b.recv(1))") == "b'x'"


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's fence is Linux's")
def test_the_kernel_refuses_what_no_hook_can_see():
    code = (
        "import ctypes\nassert offline.refuse_network_in_kernel()\n"
        "libc = ctypes.CDLL(None, use_errno=True)\n"
        "print([libc.socket(family, 1, 0) for family in (2, 10, 16, 17)], ctypes.get_errno())\n"
        "child = 'import socket; socket.socket()'\n"
        "print(subprocess.run([sys.executable, '-c', child], capture_output=True).returncode)"
    )
    assert _run(code) == "[-1, -1, -1, -1] 13\n1"


def test_a_machine_that_is_not_known_gets_no_kernel_fence(monkeypatch):
    monkeypatch.setattr(offline.platform, "machine", lambda: "riscv64")
    assert offline.refuse_network_in_kernel() is False


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's fence is Linux's")
def test_native_code_is_seen_to_get_through_until_the_kernel_refuses():
    code = (
        "offline.refuse_network(); print(offline.native_network_is_refused())\n"
        "offline.refuse_network_in_kernel(); print(offline.native_network_is_refused())"
    )
    assert _run(code) == "False\nTrue"


def test_without_a_fence_for_native_code_there_is_nothing_to_try(monkeypatch):
    monkeypatch.setattr(offline.sys, "platform", "win32")
    assert offline.native_network_is_refused() is None
