"""The start of the program: cut off, private, quiet."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def started(code, **environment):
    """Run code in a process of its own, after the program's own start."""
    import os

    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
    )


def test_the_start_shuts_the_network_and_forbids_memory_dumps():
    done = started(
        "import os, sys; sys.argv = ['autoinsights', 'models', '--json']\n"
        "from app.__main__ import main; status = main()\n"
        "from app.offline import network_is_refused\n"
        "assert status == 0 and network_is_refused()\n"
        "from app.memory import is_private\n"
        "assert is_private()\n"
        "assert os.environ['HF_HUB_OFFLINE'] == '1'\n"
        "assert os.environ['TLDEXTRACT_PUBLIC_SUFFIX_LIST_URLS'] == ''\n"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
    )
    assert done.returncode == 0, done.stderr


def test_version_and_help_load_nothing_heavy():
    done = started(
        "import sys; sys.argv = ['autoinsights', '--version']\n"
        "from app.__main__ import main; main()\n"
        "heavy = {'app.bootstrap', 'app.storage.vault', 'numpy', 'PySide6', 'spacy'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("AutoInsights ")


@pytest.mark.parametrize("command", ["models", "list", "analyse nothing.wav"])
def test_no_command_loads_qt_or_a_model_here(command):
    done = started(
        f"import sys; sys.argv = ['autoinsights', *'{command}'.split()]\n"
        "from app.__main__ import main; main()\n"
        "heavy = {'PySide6', 'spacy', 'faster_whisper', 'onnxruntime', 'ctranslate2'}\n"
        "assert not heavy & sys.modules.keys(), heavy & sys.modules.keys()\n"
    )
    assert done.returncode == 0, done.stderr


def test_without_a_display_the_window_says_so():
    done = started(
        "import os, sys; sys.argv = ['autoinsights']; os.environ.pop('QT_QPA_PLATFORM', None)\n"
        "from app.__main__ import main; sys.exit(main())\n",
        DISPLAY="",
        WAYLAND_DISPLAY="",
    )
    assert done.returncode == 9
    assert done.stderr.startswith("There is no display here")


def test_without_the_libraries_of_qt_the_window_says_so():
    done = started(
        "import sys; sys.argv = ['autoinsights']; sys.modules['PySide6.QtWidgets'] = None\n"
        "from app.__main__ import main; sys.exit(main())\n"
    )
    assert done.returncode == 9
    assert "system libraries" in done.stderr


def test_the_log_goes_to_its_file_unless_it_cannot(tmp_path):
    home = tmp_path / "home"
    code = (
        "import sys; sys.argv = ['autoinsights', 'models']\nfrom app.__main__ import main; main()\n"
    )
    assert started(code).returncode == 0
    assert list(home.rglob("autoinsights.log"))
    (tmp_path / "file").touch()
    done = started(code, XDG_STATE_HOME=str(tmp_path / "file"))
    assert done.returncode == 0, done.stderr
