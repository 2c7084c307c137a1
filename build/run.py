"""Sets the product up and runs it: `python3 build/run.py`, and nothing else is needed before.

Makes `.venv` from the lock where it is not there yet, then runs the demonstration on the samples
that ship. Further arguments go to `autoinsights` instead:

    python3 build/run.py                          the demonstration, and the window
    python3 build/run.py --no-window              the demonstration in the terminal only
    python3 build/run.py import FOLDER            your own recordings
    python3 build/run.py analyse CALL.wav --json

`--yes` installs missing system libraries without asking (Debian, as root). What the set-up says
goes to standard error.
"""

from __future__ import annotations

import sys

if not (3, 11) <= sys.version_info < (3, 14):
    sys.exit(
        "AutoInsights needs Python 3.11, 3.12 or 3.13; "
        f"this is Python {sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Run this again with one of them, such as: python3.12 build/run.py"
    )

import _setup


def run(arguments: list[str]) -> int:
    """Prepare the environment and hand over to the program."""
    environment, arguments = _setup.prepare(_setup.RUN_LOCK, arguments)
    wants_demo = all(argument == "--no-window" for argument in arguments)
    command = ["demo", *arguments] if wants_demo else arguments
    return _setup.hand_over([str(environment.python), "-P", "-m", "app", *command])


if __name__ == "__main__":
    sys.exit(_setup.guarded(run, sys.argv[1:]))
