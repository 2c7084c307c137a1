"""Starts the program: makes the process private and cuts it off, then command line or window."""

from __future__ import annotations

import multiprocessing
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from app.bootstrap import Program


def main() -> int:
    """Run the program and return its exit status."""
    multiprocessing.freeze_support()

    from app import cli, memory, offline

    memory.keep_private()
    offline.refuse_network()
    return cli.main(window=_window, start_log=_start_log)


def _start_log(verbose: bool) -> None:
    """Write the log to its file, or to the screen where that is wanted or nothing else works."""
    from app import log
    from app.bootstrap import standard_folders

    file = standard_folders().log_file
    if not verbose:
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            log.configure(file)
        except OSError:
            log.configure(None)
        return
    log.configure(None, verbose=True)


def _window(program: Program, vault: Path | None, passphrase: str) -> int:
    """Show the window; raises `WindowMissing` where none can be shown."""
    from app.cli.demo import has_display
    from app.errors import WindowMissing

    if not has_display() and "QT_QPA_PLATFORM" not in os.environ:
        raise WindowMissing("There is no display here to show the window on.")
    try:
        from app.ui.application import start
    except ImportError as error:
        if error.name and not error.name.startswith(("PySide6", "shiboken6")):
            raise
        raise WindowMissing(
            f"The window needs system libraries that are missing: {error}.",
            hint="`python3 build/run.py` names the packages to install.",
        ) from error
    return start(program, vault=vault, passphrase=passphrase)


if __name__ == "__main__":
    sys.exit(main())
