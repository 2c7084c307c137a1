"""Makes `.venv` from a lock and says what the machine lacks; standard library only.

Promises: afterwards `.venv` holds exactly what the lock names, checked by hash, and the project
itself; a second call finds a stamp and returns at once; an interrupted call leaves nothing that a
later one would take for finished. Everything is said on standard error, so that standard output
stays the program's. Hides: which installer is used, where the stamp lies, how Qt's system libraries
are found (see `_system.py`).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent.parent
RUN_LOCK = "requirements.txt"
DEV_LOCK = "requirements-dev.txt"


class SetupError(Exception):
    """The environment cannot be made; the text says why and what to do."""


def say(text: str) -> None:
    """Tell the person at the terminal."""
    print(text, file=sys.stderr, flush=True)


class Environment:
    """The virtual environment of one checkout."""

    def __init__(self, root: Path = ROOT) -> None:
        """Look after `.venv` in `root`."""
        self.root = root
        self.folder = root / ".venv"
        self.stamp = self.folder / "autoinsights.json"
        self.log = root / ".work" / "setup.log"

    def needs_pip(self, lock: str) -> bool:
        """Return whether Python must be able to make an environment with pip for `prepare`."""
        return not self._holds(lock) and _installer() == "pip"

    @property
    def python(self) -> Path:
        """The environment's interpreter."""
        if os.name == "nt":
            return self.folder / "Scripts" / "python.exe"
        return self.folder / "bin" / "python"

    def prepare(self, lock: str) -> None:
        """Bring `.venv` to the state that `lock` names, with as little work as that takes."""
        if self._holds(lock):
            return
        with self._alone():
            if not self._holds(lock):
                self._make(lock)

    def checked(self, check: str) -> bool:
        """Return whether `check` was noted for this environment."""
        return check in self._read().get("checks", [])

    def note(self, check: str) -> None:
        """Note that `check` need not be done again."""
        state = self._read()
        self._write({**state, "checks": sorted({*state.get("checks", []), check})})

    # ------------------------------------------------------------------ what was made

    def _wanted(self) -> dict[str, Any]:
        """The stamp of an environment in which nothing is installed yet."""
        return {"python": sys.version, "root": str(self.root), "locks": {}, "complete": True}

    def _digest(self, lock: str) -> str:
        return hashlib.sha256((self.root / lock).read_bytes()).hexdigest()

    def _read(self) -> dict[str, Any]:
        try:
            state = json.loads(self.stamp.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return state if isinstance(state, dict) else {}

    def _write(self, state: dict[str, Any]) -> None:
        part = self.stamp.with_suffix(".part")
        part.write_text(json.dumps(state, indent=2), encoding="utf-8")
        part.replace(self.stamp)

    def _fits(self, state: dict[str, Any]) -> bool:
        """Return whether a finished environment was made here, by this interpreter."""
        same = all(state.get(key) == self._wanted()[key] for key in ("python", "root", "complete"))
        return same and self.python.exists()

    def _holds(self, lock: str) -> bool:
        state = self._read()
        return self._fits(state) and state["locks"].get(lock) == self._digest(lock)

    # ------------------------------------------------------------------ making it

    def _make(self, lock: str) -> None:
        started = time.monotonic()
        state = self._read()
        # The development lock holds the running lock's versions, so it can be laid over it.
        grows = self._fits(state) and state["locks"] == {RUN_LOCK: self._digest(RUN_LOCK)}
        installer = _installer()
        if grows:
            say(f"Adding the development tools to .venv with {installer} ...")
        else:
            say(f"Making .venv with {installer}: about 1.4 GB, once, a few minutes at most ...")
            self._create(pip=installer == "pip")
        self._write({**self._read(), "complete": False})
        self._install(installer, lock)
        (self.packages() / "autoinsights.pth").write_text(f"{self.root}\n", encoding="utf-8")
        locks = {name: self._digest(name) for name in {RUN_LOCK, lock}}
        self._write({**self._wanted(), "locks": locks})
        say(f"  done in {time.monotonic() - started:.0f} s")

    def _create(self, *, pip: bool) -> None:
        if self.folder.exists() and not self.stamp.exists():
            raise SetupError(
                f"{self.folder} exists and was not made by this command.\n"
                "Move it away or delete it, then run this again."
            )
        if self.folder.exists():
            # The stamp goes last, so that an interrupted removal is known as ours.
            for entry in self.folder.iterdir():
                if entry != self.stamp:
                    folder = entry.is_dir() and not entry.is_symlink()  # lib64 may be a link
                    shutil.rmtree(entry) if folder else entry.unlink()
        self.folder.mkdir(exist_ok=True)
        self._write({"complete": False})
        venv.create(self.folder, with_pip=pip, symlinks=os.name != "nt")

    def packages(self) -> Path:
        """Return the folder of the installed packages."""
        code = "import sysconfig; print(sysconfig.get_path('purelib'))"
        done = subprocess.run([self.python, "-c", code], check=True, capture_output=True, text=True)
        return Path(done.stdout.strip())

    def _install(self, installer: str, lock: str) -> None:
        pip = [str(self.python), "-m", "pip", "install", "--no-input", "--no-deps"]
        uv = ["uv", "pip", "install", "--python", str(self.python), "--no-deps"]
        options = ["--require-hashes", "--only-binary", ":all:", "-r", str(self.root / lock)]
        status = self._watch([*(uv if installer == "uv" else pip), *options])
        if status != 0 and installer == "uv":
            say("  uv could not install the packages; trying again with pip.")
            self._ensure_pip()
            status = self._watch([*pip, *options])
        if status != 0:
            tail = self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-15:]
            raise SetupError(
                "\n".join(tail) + f"\n\nThe packages could not be installed; {self.log} says more."
                "\nCheck that the package index can be reached, then run this again."
            )

    def _ensure_pip(self) -> None:
        done = subprocess.run(
            [self.python, "-m", "ensurepip", "--default-pip"], check=False, capture_output=True
        )
        if done.returncode != 0:
            raise SetupError(
                "uv could not install the packages, and pip is not here to try with.\n"
                f"{self.log} says what uv found; on Debian pip comes with python3-venv."
            )

    def _watch(self, command: Sequence[str]) -> int:
        """Run an installer, show how far it is on one line, and keep what it says in the log."""
        self.log.parent.mkdir(exist_ok=True)
        terminal = sys.stderr.isatty()
        environment = {**os.environ, "PIP_PROGRESS_BAR": "off", "PYTHONUNBUFFERED": "1"}
        with (
            self.log.open("w", encoding="utf-8") as log,
            subprocess.Popen(
                command,
                cwd=self.root,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                encoding="utf-8",
                errors="replace",
            ) as process,
        ):
            for line in process.stdout or ():
                log.write(line)
                if shown := _progress(line, terminal=terminal):
                    text = f"\r  {shown:<76.76}" if terminal else f"  {shown}\n"
                    print(text, file=sys.stderr, end="", flush=True)
        if terminal:
            print("\r" + " " * 78 + "\r", file=sys.stderr, end="")
        return process.returncode

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Wait until no other call makes the environment. The system frees a dead one's lock."""
        path = self.root / ".work" / "setup.lock"
        path.parent.mkdir(exist_ok=True)
        with path.open("a+b") as file:
            if sys.platform == "win32":
                import msvcrt

                msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
            else:
                import fcntl

                fcntl.flock(file, fcntl.LOCK_EX)
            yield


def _installer() -> str:
    return "uv" if shutil.which("uv") else "pip"


def _progress(line: str, *, terminal: bool) -> str | None:
    """Return what of an installer's line is worth showing; all that moves only on a terminal."""
    line = line.strip()
    if found := re.match(r"Collecting (\S+)", line):
        return f"collecting {found[1]}" if terminal else None
    if found := re.match(r"Downloading (\S+?)(?:-\S+\.whl)? \((.*)\)", line):
        large = re.fullmatch(r"\d\d+(\.\d+)? ?Mi?B", found[2])
        return f"downloading {found[1]} ({found[2]})" if terminal or large else None
    if line.startswith("Installing collected packages"):
        return f"installing {line.count(',') + 1} packages"
    if re.match(r"(Prepared|Installed)\b", line):
        return line[:1].lower() + line[1:]
    return None
