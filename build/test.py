"""Sets the development tools up and checks everything: `python3 build/test.py`.

Runs the linters, the types, the import contracts and all tests, and fails if any of them does.
Further arguments go to pytest (`python3 build/test.py tests/unit -k keys`). When there are none,
the tests run on several processors, their files lie in memory where it has room, coverage is
measured, and the modules that must be covered in full are held to it.
"""

from __future__ import annotations

import sys

if not (3, 11) <= sys.version_info < (3, 14):
    sys.exit(
        "AutoInsights needs Python 3.11, 3.12 or 3.13; "
        f"this is Python {sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Run this again with one of them, such as: python3.12 build/test.py"
    )

import contextlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import _setup

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent
COVERAGE = ROOT / ".work" / "coverage.json"
MEASURED = ["--cov=app", f"--cov-report=json:{COVERAGE}"]
# A file of tests stays together, because its tests share models and vaults. No more than four
# processes, because each of them may load every model.
SPREAD = ["--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile", "--no-loadscope-reorder"]
IN_MEMORY = Path("/dev/shm")  # noqa: S108
ROOM_BYTES = 4 << 30


@dataclass(frozen=True)
class Result:
    """What came of one step."""

    name: str
    ok: bool
    seconds: float
    note: str = ""


def tool(binary: Path, name: str, *command: str) -> Result:
    """Run one checker; show what it says only when it is not content."""
    started = time.monotonic()
    environment = {**os.environ, "NO_COLOR": "1"}
    done = subprocess.run(
        [binary / command[0], *command[1:]],
        cwd=ROOT,
        env=environment,
        check=False,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    result = Result(name, done.returncode == 0, time.monotonic() - started)
    print(f"{name}: {'ok' if result.ok else 'FAILED'} ({result.seconds:.1f} s)", flush=True)
    if not result.ok:
        print(done.stdout, flush=True)
    return result


def memory_has_room() -> bool:
    """Return whether the tests' files fit into memory, and programs may be started from there."""
    if not IN_MEMORY.is_dir() or shutil.disk_usage(IN_MEMORY).free < ROOM_BYTES:
        return False
    return not os.statvfs(IN_MEMORY).f_flag & os.ST_NOEXEC


@contextlib.contextmanager
def temporary() -> Iterator[list[str]]:
    """Yield pytest's option for files in memory, or none where they would not fit.

    The tests write through to the disk as often as the program does, and would wait for it most of
    the time. A program that is killed loses nothing that it wrote, in memory as on a disk.
    """
    if not memory_has_room():
        yield []
        return
    with tempfile.TemporaryDirectory(prefix="autoinsights-", dir=IN_MEMORY) as folder:
        yield [f"--basetemp={folder}/tests"]


def tests(python: Path, arguments: list[str]) -> tuple[Result, str]:
    """Run pytest, show it as it goes, and return its closing line as well."""
    command = [str(python), "-m", "pytest", "-p", "no:cacheprovider"]
    command += ["--color=yes"] if sys.stdout.isatty() else []
    if arguments:
        return shown([*command, *arguments])
    COVERAGE.parent.mkdir(exist_ok=True)
    with temporary() as options:
        return shown([*command, *SPREAD, *MEASURED, *options])


def shown(command: list[str]) -> tuple[Result, str]:
    """Run pytest, show it as it goes, and return its closing line as well."""
    started = time.monotonic()
    data = str(COVERAGE.with_suffix(".data"))
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "COVERAGE_FILE": data}
    closing = ""
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout or ():
            print(line, end="", flush=True)
            if re.search(r"\d+ (passed|failed|error).* in [\d.]+s", line):
                closing = line.rstrip()
    return Result("pytest", process.returncode == 0, time.monotonic() - started), closing


def coverage() -> Result:
    """Compare the coverage just measured with the modules that must be covered in full."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    held: list[str] = project["tool"]["autoinsights"]["full_branch_coverage"]
    report = json.loads(COVERAGE.read_text(encoding="utf-8"))
    short = []
    for pattern in held:
        files = [name for name in report["files"] if Path(name).match(pattern)]
        short += [] if files else [f"{pattern} (no such module)"]
        for name in files:
            summary = report["files"][name]["summary"]
            missing = summary["missing_lines"] + summary["missing_branches"]
            short += [f"{name} ({summary['percent_covered_display']} %)"] if missing else []
    total = f"{report['totals']['percent_covered_display']} % of app"
    note = f"{total}; not in full: {', '.join(short)}" if short else total
    return Result("coverage", not short, 0.0, note)


def check(arguments: list[str]) -> int:
    """Run every step, then say which of them failed."""
    environment, arguments = _setup.prepare(_setup.DEV_LOCK, arguments)
    binary = environment.python.parent
    results = [
        tool(binary, "ruff check", "ruff", "check", "."),
        tool(binary, "ruff format", "ruff", "format", "--check", "."),
        tool(binary, "mypy", "mypy"),
        tool(binary, "lint-imports", "lint-imports"),
    ]
    tested, closing = tests(environment.python, arguments)
    results.append(tested)
    if not arguments and tested.ok:
        results.append(coverage())
    print()
    for result in results:
        state = "ok" if result.ok else "FAILED"
        print(f"{result.name:<14}{state:<8}{result.seconds:6.1f} s  {result.note}".rstrip())
    print(closing)
    return 0 if all(result.ok for result in results) else 1


if __name__ == "__main__":
    sys.exit(_setup.guarded(check, sys.argv[1:]))
