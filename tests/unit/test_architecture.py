"""The borders of the design are held by tools; here each of them is seen to bite."""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = Path(sys.executable).parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LONGEST = 600
# Modules that are longer than that, with their length. This list may only shrink.
TOO_LONG: dict[str, int] = {}
# Per contract: a module and the line that breaks this contract and no other.
BREAKS = {
    "layers": ("app/log.py", "import app.config"),
    "qt": ("app/workspace/intake.py", "import PySide6.QtCore"),
    "keys": ("app/workspace/intake.py", "import secrets"),
    "models": ("app/workspace/intake.py", "import numpy"),
    "offline": ("app/workspace/intake.py", "import urllib.request"),
    "facade": ("app/ui/words.py", "import app.engine.wire"),
    "raw-text": ("app/engine/scoring.py", "import app.engine.transcription"),
    "key-hierarchy": ("app/storage/search.py", "import app.storage.keys"),
    "no-cycles": ("app/engine/wire.py", "import app.engine.worker"),
}


def tracked(suffix: str = "") -> list[Path]:
    """The project's own files: those that git knows or would add, or all where git is not here."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        made = {".git", ".work", "__pycache__", ".hypothesis"}
        paths = [path for path in ROOT.rglob("*") if not made & set(path.parts)]
        paths = [path for path in paths if not re.search(r"/\.(venv|\w+_cache)", path.as_posix())]
    else:
        command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        paths = [ROOT / line for line in done.stdout.splitlines()]
    return [path for path in paths if path.is_file() and path.name.endswith(suffix)]


def source_of(folder: str) -> list[tuple[str, ast.Module]]:
    """Every module of a folder, parsed."""
    paths = sorted((ROOT / folder).rglob("*.py"))
    return [
        (path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8")))
        for path in paths
    ]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code in which contracts can be broken."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(ROOT / "app", folder / "app", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def broken_contracts(checkout: Path) -> tuple[set[str], str]:
    """The ids of the contracts that import-linter finds broken, and all that it says."""
    command = [TOOLS / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=checkout, check=False, capture_output=True, text=True)
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    broken = {item["id"] for item in contracts if f"{item['name']} BROKEN" in done.stdout}
    kept = {item["id"] for item in contracts if f"{item['name']} KEPT" in done.stdout}
    assert broken | kept == {item["id"] for item in contracts}, done.stdout + done.stderr
    return broken, done.stdout


def test_every_contract_has_a_line_that_breaks_it() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    assert {item["id"] for item in contracts} == set(BREAKS)


def test_the_code_keeps_every_contract(checkout: Path) -> None:
    broken, said = broken_contracts(checkout)
    assert broken == set(), said


@pytest.mark.parametrize("contract", BREAKS)
def test_contract_bites(checkout: Path, contract: str) -> None:
    module, line = BREAKS[contract]
    path = checkout / module
    before = path.read_text(encoding="utf-8")
    path.write_text(f"{before}\n{line}\n", encoding="utf-8")
    try:
        broken, said = broken_contracts(checkout)
    finally:
        path.write_text(before, encoding="utf-8")
    assert broken == {contract}, said


def test_a_new_module_must_find_its_layer(checkout: Path) -> None:
    path = checkout / "app" / "helpers.py"
    path.write_text('"""Belongs nowhere."""\n', encoding="utf-8")
    try:
        done = subprocess.run(
            [TOOLS / "lint-imports", "--no-cache"],
            cwd=checkout,
            check=False,
            capture_output=True,
            text=True,
        )
    finally:
        path.unlink()
    assert done.returncode != 0
    assert "helpers" in done.stdout


def test_banned_names_are_refused() -> None:
    banned = PROJECT["tool"]["ruff"]["lint"]["flake8-tidy-imports"]["banned-api"]
    lines = [f"from {name.rpartition('.')[0] or name} import x" for name in banned]
    source = "\n".join(
        f"from {name.rpartition('.')[0]} import {name.rpartition('.')[2]}"
        if "." in name
        else f"import {name}"
        for name in banned
    )
    command = [TOOLS / "ruff", "check", "--no-cache", "--output-format=json", "--select=TID251"]
    command += ["--stdin-filename", "app/engine/example.py", "-"]
    done = subprocess.run(
        command, cwd=ROOT, input=source, check=False, capture_output=True, text=True
    )
    found = {problem["location"]["row"] for problem in json.loads(done.stdout)}
    assert found == set(range(1, len(lines) + 1))


def test_modules_stay_small() -> None:
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text(encoding="utf-8").splitlines())
        for path in tracked(".py")
    }
    assert {name: count for name, count in lengths.items() if count > LONGEST} == TOO_LONG


def test_every_module_says_what_it_promises() -> None:
    silent = [name for name, tree in source_of("app") if not ast.get_docstring(tree)]
    assert silent == []


def test_only_the_catch_alls_catch_everything() -> None:
    """Four places may; elsewhere the narrowest error is caught (DESIGN: errors)."""
    allowed = {"app/ui/tasks.py", "app/ui/application.py"}
    allowed |= {"app/cli/__init__.py", "app/engine/worker.py"}
    # Qt would swallow an exception in a slot: it is carried out of it and raised again.
    allowed |= {"app/engine/decoder.py"}
    wide = {
        name
        for name, tree in source_of("app")
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or ast.unparse(node.type) in ("Exception", "BaseException"))
        and ast.unparse(node.body[-1]) != "raise"  # tidies up and lets the error pass
    }
    assert wide <= allowed


def test_nothing_names_the_place_where_it_was_built() -> None:
    """No path of a development machine and no address of a package index gets into the project."""
    index = "|".join([r"pypi\.(?:org|python)", "pythonhosted", r"npmjs\.(?:org|com)"])
    outside = re.compile(rf"(?<![\w./-])/(?:work|root)/\w|{index}|\bdeb\.debian|index-url\s*=")
    found = []
    for path in tracked():
        if path == Path(__file__).resolve():
            continue
        text = path.read_bytes()
        if b"\0" in text[:8192]:
            continue
        lines = text.decode("utf-8", errors="replace").splitlines()
        name = path.relative_to(ROOT)
        found += [f"{name}:{n}" for n, line in enumerate(lines, 1) if outside.search(line)]
    assert found == []
