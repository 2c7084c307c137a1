"""Builds the one-folder program and tries it: `python3 build/package.py`.

The program lands in `.work/dist/autoinsights`. It is then started as a client would: copied to a
folder of its own, without Python on the PATH, without the checkout, with an empty home and, where
Linux lets us, without a network. `--check` tries what was built before.
"""

from __future__ import annotations

import sys

if not (3, 11) <= sys.version_info < (3, 14):
    sys.exit(
        "AutoInsights needs Python 3.11, 3.12 or 3.13; "
        f"this is Python {sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Run this again with one of them, such as: python3.12 build/package.py"
    )

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import _setup
from _environment import SetupError, say

ROOT = Path(__file__).resolve().parent.parent
WORK = ROOT / ".work"
BUNDLE = WORK / "dist" / "autoinsights"
SAMPLE = "resources/samples/utilities.wav"
TONE = "tests/golden/recordings/aac.m4a"  # a format that Qt decodes, in which nobody speaks
# What must not be shipped: what is GPL (codecs in PyAV, a keyboard of Qt, readline), what serves or
# speaks to a network, torch, the tests.
FORBIDDEN = ("x264", "x265", "av.libs", "/av/", "virtualkeyboard", "readline", "qvnc")
FORBIDDEN += ("opensslbackend", "/torch/", "/pytest/", "/hypothesis/")


def build(python: Path) -> None:
    """Run PyInstaller with its scratch and output away from `build/`, which is source."""
    started = time.monotonic()
    say("Building the program; this takes a few minutes ...")
    WORK.mkdir(exist_ok=True)
    log = WORK / "package.log"
    command = [str(python), "-P", "-m", "PyInstaller", "autoinsights.spec", "--noconfirm"]
    command += ["--workpath", str(WORK / "build"), "--distpath", str(WORK / "dist")]
    with log.open("w", encoding="utf-8") as output:
        environment = {**os.environ, "LANG": "C.UTF-8", "PYTHONPATH": str(ROOT)}
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    if done.returncode != 0:
        tail = "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])
        raise SetupError(f"{tail}\n\nThe program could not be built; {log} says more.")
    files = [path for path in BUNDLE.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files)
    say(f"  {len(files)} files, {size / 1e6:.0f} MB, {time.monotonic() - started:.0f} s")


def look() -> None:
    """Refuse a bundle that holds what must not be shipped, or lacks a library of its own."""
    if not BUNDLE.exists():
        raise SetupError(f"There is no program in {BUNDLE} yet; leave out --check.")
    files = [path for path in BUNDLE.rglob("*") if path.is_file()]
    names = {path: f"/{path.relative_to(BUNDLE).as_posix().lower()}/" for path in files}
    found = [name for name in names.values() if any(part in name for part in FORBIDDEN)]
    if found:
        raise SetupError("\n".join(["The bundle holds what must not be shipped:", *sorted(found)]))
    say("No GPL part, no PyAV, no network part, no torch and no test tool is in it.")
    libraries = [str(path) for path in files if ".so" in path.suffixes]
    if libraries and shutil.which("ldd"):
        environment = {**os.environ, "LD_LIBRARY_PATH": str(BUNDLE / "_internal")}
        done = subprocess.run(
            ["ldd", *libraries], check=False, env=environment, capture_output=True, text=True
        )
        if missing := sorted(set(re.findall(r"(\S+) => not found", done.stdout))):
            raise SetupError(f"Libraries in the bundle lack: {', '.join(missing)}")
        say(f"Each of its {len(libraries)} libraries finds what it needs.")


def isolated() -> list[str]:
    """Return what to put before a command so that it has no network at all."""
    unshare = shutil.which("unshare")
    if unshare is None:
        return []
    command = [unshare, "--net", "--map-root-user"]
    tried = subprocess.run([*command, "true"], check=False, capture_output=True)
    return command if tried.returncode == 0 else []


def start(folder: Path, *arguments: str, status: int = 0) -> str:
    """Run the program from `folder` with nothing else to lean on, and return what it prints."""
    program = folder / "autoinsights" / ("autoinsights.exe" if os.name == "nt" else "autoinsights")
    home = folder / "home"
    home.mkdir(exist_ok=True)
    environment = {"PATH": "/nonexistent", "HOME": str(home), "LANG": "C.UTF-8"}
    if os.name == "nt":
        kept = ("SYSTEMROOT", "TEMP", "TMP")
        environment = {name: os.environ[name] for name in kept} | {"APPDATA": str(home)}
    started = time.monotonic()
    done = subprocess.run(
        [*isolated(), str(program), *arguments],
        cwd=folder,
        env=environment,
        check=False,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=600,
    )
    if done.returncode != status:
        raise SetupError(
            f"autoinsights {' '.join(arguments)} ended with {done.returncode}:\n"
            f"{done.stdout}\n{done.stderr}"
        )
    say(f"  autoinsights {arguments[0]}: ok, {time.monotonic() - started:.1f} s")
    return done.stdout


def attempt() -> None:
    """Start the program elsewhere: its self-test, and one recording to a documented result."""
    network = "without a network" if isolated() else "with the network as it is"
    say(f"Starting it from another folder, without Python, {network}:")
    with tempfile.TemporaryDirectory(prefix="autoinsights-") as name:
        folder = Path(name)
        shutil.copytree(BUNDLE, folder / "autoinsights", symlinks=True)
        for file in (SAMPLE, TONE):
            shutil.copy(ROOT / file, folder)
        start(folder, "--version")
        say(start(folder, "doctor").rstrip())
        result = json.loads(start(folder, "analyse", Path(SAMPLE).name, "--json"))
        silent = json.loads(start(folder, "analyse", Path(TONE).name, "--json", status=7))
    if not result["turns"] or not result["redactions"]:
        raise SetupError("The analysis of the sample holds no turns or no redactions.")
    if silent["error"]["code"] != "audio-silent":
        raise SetupError(f"Qt decodes no recording here: {silent['error']}")
    say(f"  {len(result['turns'])} turns, {len(result['redactions'])} redactions")


def package(arguments: list[str]) -> int:
    """Build the program unless only a check is asked for, then try it."""
    environment, arguments = _setup.prepare(_setup.DEV_LOCK, arguments, every_screen=True)
    if arguments not in ([], ["--check"]):
        raise SetupError("Only --yes and --check are known here.")
    if not arguments:
        build(environment.python)
    look()
    attempt()
    say(f"The program is in {BUNDLE}")
    return 0


if __name__ == "__main__":
    sys.exit(_setup.guarded(package, sys.argv[1:]))
