"""Resolve the dependencies of pyproject.toml into the two locks, for every platform.

`requirements.txt` runs the product; `requirements-dev.txt` is the same and the tools for
development and packaging. Both name each file by its hash and no place to fetch it from: where
packages come from is the installer's own configuration. Needs `uv`; run it after every change of a
dependency:

    python3 build/lock.py              # keeps what is locked where it still fits
    python3 build/lock.py --upgrade    # takes the newest versions
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Made by `python3 build/lock.py` from pyproject.toml; do not edit.
# {about}
"""


def compile_lock(name: str, about: str, options: list[str]) -> None:
    """Write one lock, starting from what it holds."""
    lock = ROOT / name
    command = ["uv", "pip", "compile", "pyproject.toml", "--universal", "--python-version", "3.11"]
    command += ["--generate-hashes", "--no-header", "--no-annotate", "--no-emit-index-url"]
    command += ["--no-emit-find-links", "--quiet", "--output-file", name, *options]
    subprocess.run(command, cwd=ROOT, check=True)
    text = lock.read_text(encoding="utf-8")
    if found := re.search(r"https?://\S+|file://\S+|--(?:index|extra-index|find-links)\S*", text):
        raise SystemExit(f"{name} would name a place to fetch from: {found.group()}")
    lock.write_text(HEADER.format(about=about) + text, encoding="utf-8")
    print(f"{name}: {text.count('==')} packages", file=sys.stderr)


def main(options: list[str]) -> None:
    """Write both locks; the second holds the versions of the first."""
    compile_lock("requirements.txt", "What the product needs to run.", options)
    extras = ["--extra", "dev", "--extra", "package", "--constraint", "requirements.txt"]
    about = "The same, with the tools for development and packaging."
    compile_lock("requirements-dev.txt", about, [*extras, *options])


if __name__ == "__main__":
    main(sys.argv[1:])
