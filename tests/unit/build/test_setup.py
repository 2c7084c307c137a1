"""The set-up behind `build/run.py` and `build/test.py`, on a small checkout of its own."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
SCRIPTS = ("_environment.py", "_setup.py", "_system.py", "run.py", "test.py")
PROGRAM = """
import json, sys
print(json.dumps(sys.argv[1:]))
sys.exit(3)
"""


def wheel(folder: Path, name: str, modules: dict[str, str]) -> str:
    """Write a wheel and return its line for a lock."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        **modules,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(path, "w") as archive:
        for file, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(file, text)
    return f"{name}==1.0 --hash=sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}\n"


class Checkout:
    """A checkout with the real scripts, and small packages that need no index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root / "wheels"
        self.wheels.mkdir(parents=True)
        (root / "build").mkdir()
        for name in SCRIPTS:
            shutil.copy(ROOT / "build" / name, root / "build")
        (root / "app").mkdir()
        (root / "app" / "__init__.py").touch()
        (root / "app" / "__main__.py").write_text(PROGRAM)
        qt = {"PySide6/QtWidgets.py": "", "PySide6/QtMultimedia.py": ""}
        self.run_lock = wheel(self.wheels, "pyside", qt)
        self.tool = wheel(self.wheels, "tool", {"tool.py": ""})
        self.lock(run=self.run_lock, dev=self.run_lock + self.tool)

    def lock(self, *, run: str, dev: str) -> None:
        (self.root / "requirements.txt").write_text(run)
        (self.root / "requirements-dev.txt").write_text(dev)

    def environ(self, *, uv: bool) -> dict[str, str]:
        links = {"PIP_NO_INDEX": "1", "UV_NO_INDEX": "1", "UV_OFFLINE": "1"}
        found = {f"{tool}_FIND_LINKS": str(self.wheels) for tool in ("PIP", "UV")}
        path = os.environ["PATH"] if uv else str(self.without_uv())
        return {**os.environ, **links, **found, "PATH": path}

    def without_uv(self) -> Path:
        folder = self.root / "bin"
        folder.mkdir(exist_ok=True)
        return folder

    def call(self, code: str, *, uv: bool = True) -> subprocess.CompletedProcess[str]:
        """Run code beside the scripts, as `build/run.py` would."""
        prelude = "import _environment, _setup, _system\n"
        return subprocess.run(
            [sys.executable, "-c", prelude + code],
            cwd=self.root / "build",
            env=self.environ(uv=uv),
            check=False,
            capture_output=True,
            text=True,
        )

    def prepare(self, lock: str = "requirements.txt", *, uv: bool = True) -> str:
        done = self.call(f"_environment.Environment().prepare({lock!r})", uv=uv)
        assert done.returncode == 0, done.stderr
        assert done.stdout == ""
        return done.stderr

    def holds(self, module: str) -> bool:
        python = self.root / ".venv" / "bin" / "python"
        done = subprocess.run([python, "-c", f"import {module}"], check=False, capture_output=True)
        return done.returncode == 0

    @property
    def stamp(self) -> dict[str, object]:
        state = json.loads((self.root / ".venv" / "autoinsights.json").read_text())
        assert isinstance(state, dict)
        return state


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path / "checkout")


def test_makes_the_environment_once(checkout: Checkout) -> None:
    assert "Making .venv" in checkout.prepare()
    assert checkout.holds("PySide6.QtWidgets")
    assert checkout.holds("app")
    assert checkout.stamp["complete"] is True
    assert checkout.prepare() == ""


def test_plain_pip_is_enough(checkout: Checkout) -> None:
    assert "with pip" in checkout.prepare(uv=False)
    assert checkout.holds("PySide6.QtWidgets")
    assert checkout.prepare(uv=False) == ""


def test_development_tools_are_laid_over(checkout: Checkout) -> None:
    checkout.prepare()
    kept = checkout.root / ".venv" / "kept"
    kept.touch()
    assert "Adding" in checkout.prepare("requirements-dev.txt")
    assert checkout.holds("tool")
    assert kept.exists()
    assert checkout.prepare("requirements.txt") == ""
    assert checkout.prepare("requirements-dev.txt") == ""


def test_a_changed_lock_starts_afresh(checkout: Checkout) -> None:
    checkout.prepare("requirements-dev.txt")
    checkout.lock(run=checkout.run_lock, dev=checkout.run_lock)
    assert "Making" in checkout.prepare("requirements-dev.txt")
    assert not checkout.holds("tool")


def test_killed_half_way_it_is_made_again(checkout: Checkout) -> None:
    code = (
        "import os, signal\n"
        "environment = _environment.Environment()\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "environment._install = die\n"
        "environment.prepare('requirements.txt')\n"
    )
    assert checkout.call(code).returncode == -signal.SIGKILL
    assert checkout.stamp == {"complete": False}
    (checkout.root / ".venv" / "half").touch()
    checkout.prepare()
    assert not (checkout.root / ".venv" / "half").exists()
    assert checkout.holds("PySide6.QtWidgets")


def test_killed_while_growing_it_is_made_again(checkout: Checkout) -> None:
    checkout.prepare()
    code = (
        "import os, signal\n"
        "environment = _environment.Environment()\n"
        "def die(*_): os.kill(os.getpid(), signal.SIGKILL)\n"
        "environment._install = die\n"
        "environment.prepare('requirements-dev.txt')\n"
    )
    assert checkout.call(code).returncode == -signal.SIGKILL
    assert "Making" in checkout.prepare()


def test_a_foreign_environment_is_left_alone(checkout: Checkout) -> None:
    theirs = checkout.root / ".venv" / "theirs"
    theirs.parent.mkdir()
    theirs.touch()
    done = checkout.call(
        "import sys\n"
        "prepare = lambda _: _environment.Environment().prepare('requirements.txt')\n"
        "sys.exit(_setup.guarded(prepare, []))"
    )
    assert done.returncode == 69
    assert "was not made by this command" in done.stderr
    assert theirs.exists()


@pytest.mark.parametrize("uv", [True, False])
def test_a_package_with_another_hash_is_refused(checkout: Checkout, *, uv: bool) -> None:
    checkout.lock(run=f"pyside==1.0 --hash=sha256:{'0' * 64}\n", dev="")
    code = "_environment.Environment().prepare('requirements.txt')"
    done = checkout.call(code, uv=uv)
    assert done.returncode != 0
    assert "could not be installed" in done.stderr
    assert checkout.stamp["complete"] is False


def test_run_hands_over_and_keeps_standard_output_clean(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.root / "elsewhere" / "app").mkdir(parents=True)
    (checkout.root / "elsewhere" / "app" / "__main__.py").write_text("print('not this one')")
    outputs = []
    for arguments in (["analyse", "x.wav", "--json"], ["--no-window"], []):
        done = subprocess.run(
            [sys.executable, str(checkout.root / "build" / "run.py"), *arguments],
            cwd=checkout.root / "elsewhere",
            env=checkout.environ(uv=True),
            check=False,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 3, done.stderr
        outputs.append(json.loads(done.stdout))
    assert outputs == [["analyse", "x.wav", "--json"], ["demo", "--no-window"], ["demo"]]


@pytest.mark.parametrize("script", ["run.py", "test.py"])
@pytest.mark.parametrize("version", [(3, 9), (3, 10), (3, 14)])
def test_another_python_gets_a_sentence(script: str, version: tuple[int, int]) -> None:
    path = ROOT / "build" / script
    ast.parse(path.read_text(), feature_version=(3, 8))
    code = (
        f"import runpy, sys; sys.version_info = {(*version, 0)}; sys.path.insert(0, 'build')\n"
        f"runpy.run_path({str(path)!r}, run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr.startswith("AutoInsights needs Python 3.11, 3.12 or 3.13; this is Python ")


OFFER = """
import os, shutil, sys
os.geteuid = lambda: {user}
shutil.which = lambda name: {apt!r} if name == "apt-get" else None
_system._apt = lambda packages: print("installing", *packages)
offer = lambda _: _system._offer({missing!r}, assume_yes={yes})
sys.exit(_setup.guarded(offer, []))
"""


@pytest.mark.parametrize(
    ("who", "said", "installed"),
    [
        ((0, "/usr/bin/apt-get", True), "libpulse.so.0", "installing libpulse0\n"),
        ((0, "/usr/bin/apt-get", False), "Give --yes", ""),
        ((1000, "/usr/bin/apt-get", True), "sudo apt-get install", ""),
        ((0, None, True), "On Debian they are in: libpulse0", ""),
    ],
)
def test_missing_libraries_are_named_and_installed_only_where_agreed(
    checkout: Checkout, who: tuple[int, str | None, bool], said: str, installed: str
) -> None:
    user, apt, yes = who
    missing = {"libpulse.so.0": "libpulse0", "libodd.so.1": None}
    code = OFFER.format(user=user, apt=apt, yes=yes, missing=missing)
    done = checkout.call(f"import os; os.environ.pop('CI', None)\n{code}")
    assert said in done.stderr
    assert "No package is known for: libodd.so.1" in done.stderr
    assert done.stdout == installed
    assert done.returncode == (0 if installed else 69)
