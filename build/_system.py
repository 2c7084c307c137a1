"""Finds the system libraries that Qt needs and the machine lacks, and helps to install them.

Qt's wheels carry Qt and leave out what every desktop has: graphics, fonts, sound. The sound
libraries are needed without a screen too, because Qt also decodes the recordings. On Debian and
its relatives the packages are named, and as root they can be installed at once; elsewhere the
missing files are named.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

from _environment import Environment, SetupError, say

# Debian packages by the shared object that they bring.
PACKAGES = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLX.so.0": "libgl1",
    "libOpenGL.so.0": "libopengl0",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libX11.so.6": "libx11-6",
    "libXext.so.6": "libxext6",
    "libXrandr.so.2": "libxrandr2",
    "libasound.so.2": "libasound2",
    "libatomic.so.1": "libatomic1",
    "libbrotlicommon.so.1": "libbrotli1",
    "libbrotlidec.so.1": "libbrotli1",
    "libdbus-1.so.3": "libdbus-1-3",
    "libdrm.so.2": "libdrm2",
    "libfontconfig.so.1": "libfontconfig1",
    "libfreetype.so.6": "libfreetype6",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1": "libgomp1",
    "libgssapi_krb5.so.2": "libgssapi-krb5-2",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libpulse-mainloop-glib.so.0": "libpulse-mainloop-glib0",
    "libpulse.so.0": "libpulse0",
    "libstdc++.so.6": "libstdc++6",
    "libwayland-client.so.0": "libwayland-client0",
    "libwayland-cursor.so.0": "libwayland-cursor0",
    "libwayland-egl.so.1": "libwayland-egl1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-glx.so.0": "libxcb-glx0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-render.so.0": "libxcb-render0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-shm.so.0": "libxcb-shm0",
    "libxcb-sync.so.1": "libxcb-sync1",
    "libxcb-util.so.1": "libxcb-util1",
    "libxcb-xfixes.so.0": "libxcb-xfixes0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxcb.so.1": "libxcb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libz.so.1": "zlib1g",
    "libzstd.so.1": "libzstd1",
}
FONT = "fonts-dejavu-core"
# The files that must load, by what they are needed for. Only what the product uses is looked at.
PARTS = {
    "headless": (
        "QtCore.abi3.so",
        "QtGui.abi3.so",
        "QtWidgets.abi3.so",
        "QtMultimedia.abi3.so",
        "Qt/plugins/platforms/libqoffscreen.so",
        "Qt/plugins/multimedia/libffmpegmediaplugin.so",
    ),
    "x11": ("Qt/plugins/platforms/libqxcb.so",),
    "wayland": (
        "Qt/plugins/platforms/libqwayland.so",
        "Qt/plugins/wayland-graphics-integration-client/libqt-plugin-wayland-egl.so",
    ),
}
IMPORTS = "import PySide6.QtWidgets, PySide6.QtMultimedia"


def ensure_libraries(
    environment: Environment, *, assume_yes: bool, every_screen: bool = False
) -> None:
    """Stop with a sentence, or install what is missing, where Qt cannot work on this machine."""
    for part in PARTS if every_screen else _parts():
        if environment.checked(part):
            continue
        if missing := _missing(environment, part):
            _offer(missing, assume_yes=assume_yes)
            if missing := _missing(environment, part):
                raise SetupError(f"Qt still lacks system libraries: {', '.join(missing)}.")
        if part == "headless":
            _import(environment)
        environment.note(part)


def ensure_pip(*, assume_yes: bool) -> None:
    """Stop with a sentence, or install it, where Python can make no environment with pip."""
    if importlib.util.find_spec("ensurepip") is None:
        _offer({"ensurepip": "python3-venv"}, assume_yes=assume_yes)
        importlib.invalidate_caches()
        if importlib.util.find_spec("ensurepip") is None:
            raise SetupError("Python still lacks ensurepip; put `uv` on the PATH instead.")


def _parts() -> list[str]:
    """Return which of `PARTS` this machine, as it is now, has a use for."""
    # Elsewhere the variables may be set by X servers that Qt has no use for.
    linux = platform.system() == "Linux"
    screens = {"x11": "DISPLAY", "wayland": "WAYLAND_DISPLAY"}
    return ["headless", *(part for part, name in screens.items() if linux and os.environ.get(name))]


def _missing(environment: Environment, part: str) -> dict[str, str | None]:
    """Return what `part` lacks, each with the Debian package that brings it."""
    if shutil.which("ldd") is None or platform.system() != "Linux":
        return {}
    folder = environment.packages() / "PySide6"
    files = [str(folder / name) for name in PARTS[part] if (folder / name).exists()]
    done = subprocess.run(["ldd", *files], check=False, capture_output=True, text=True)
    names = set(re.findall(r"(\S+) => not found", done.stdout))
    missing = {name: PACKAGES.get(name) for name in sorted(names)}
    if part == "headless" and not _has_font():
        missing["a font"] = FONT
    return missing


def _has_font() -> bool:
    folders = [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), Path.home() / ".fonts"]
    return any(
        path.suffix in (".ttf", ".otf", ".ttc") for folder in folders for path in folder.rglob("*")
    )


def _import(environment: Environment) -> None:
    """Import what no list of files can promise."""
    command = [str(environment.python), "-c", IMPORTS]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise SetupError(
            f"Qt cannot be used on this machine: {reason}\n"
            "A system library is missing or too old; the README names the ones that Qt needs."
        )


def _offer(missing: dict[str, str | None], *, assume_yes: bool) -> None:
    """Install the packages where that is possible and agreed to; say what to do where not."""
    packages = sorted({package for package in missing.values() if package})
    unknown = sorted(name for name, package in missing.items() if package is None)
    say(f"\nThis machine lacks what is needed: {', '.join(missing)}.")
    if unknown:
        say(f"No package is known for: {', '.join(unknown)}.")
    command = f"apt-get install --no-install-recommends {' '.join(packages)}"
    debian = shutil.which("apt-get") is not None
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    if not packages or not debian:
        raise SetupError(
            "Install them with the system's package manager, then run this again.\n"
            f"On Debian they are in: {' '.join(packages)}"
        )
    if not root:
        raise SetupError(f"Install them, then run this again:\n\n    sudo {command}\n")
    if not _agreed(command, assume_yes=assume_yes):
        raise SetupError(f"Install them, then run this again:\n\n    {command}\n")
    _apt(packages)


def _agreed(command: str, *, assume_yes: bool) -> bool:
    """Return whether to go on: asked on a terminal; `--yes` and CI=true have said so before."""
    if assume_yes or os.environ.get("CI") == "true":
        return True
    if not sys.stdin.isatty():
        say("Give --yes to have them installed without being asked.")
        return False
    say(f"\n    {command}\n")
    print("Run this now? [Y/n] ", file=sys.stderr, end="", flush=True)
    return sys.stdin.readline().strip().lower() in ("", "y", "yes")


def _apt(packages: list[str]) -> None:
    """Install Debian packages, with fresh lists, and keep standard output clean."""
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "--yes", "--quiet", "--no-install-recommends", *packages]
    for command in (["apt-get", "update", "--quiet"], install):
        say(f"  {' '.join(command)}")
        done = subprocess.run(
            command,
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        # Lists that cannot be refreshed may still be good enough to install from.
        if done.returncode != 0 and command is install:
            tail = "\n".join(done.stdout.splitlines()[-10:])
            raise SetupError(f"{tail}\n\napt-get could not install the packages.")
