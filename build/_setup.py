"""What the commands for people have in common: prepare everything, then run something in it."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from typing import TYPE_CHECKING

from _environment import DEV_LOCK, RUN_LOCK, Environment, SetupError, say
from _system import ensure_libraries, ensure_pip

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = ["DEV_LOCK", "RUN_LOCK", "guarded", "hand_over", "prepare", "say"]

UNAVAILABLE = 69  # EX_UNAVAILABLE of sysexits.h: something that the machine must have is missing
INTERRUPTED = 130
YES = "--yes"
OPTIONS = {YES, "--no-window"}  # what may stand before the arguments that are handed on


def prepare(
    lock: str, arguments: list[str], *, every_screen: bool = False
) -> tuple[Environment, list[str]]:
    """Return an environment that holds `lock` and works here, and the arguments without `--yes`.

    With `every_screen` the libraries for X11 and Wayland must be there even where neither runs.
    """
    leading = list(itertools.takewhile(OPTIONS.__contains__, arguments))
    assume_yes = YES in leading
    environment = Environment()
    if environment.needs_pip(lock):
        ensure_pip(assume_yes=assume_yes)
    environment.prepare(lock)
    ensure_libraries(environment, assume_yes=assume_yes, every_screen=every_screen)
    rest = [argument for argument in leading if argument != YES] + arguments[len(leading) :]
    return environment, rest


def hand_over(command: list[str]) -> int:
    """Become `command` where the system can, so that signals and the exit status are its own."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name != "nt":
        os.execv(command[0], command)  # noqa: S606 - there is no shell to be had, or wanted
    return subprocess.run(command, check=False).returncode


def guarded(action: Callable[[list[str]], int], arguments: list[str]) -> int:
    """Run `action`, turn what cannot be set up into a sentence, and an interruption into 130."""
    try:
        return action(arguments)
    except SetupError as error:
        say(f"\n{error}")
        return UNAVAILABLE
    except KeyboardInterrupt:
        say("\nInterrupted. Run the same command again; it goes on from a clean state.")
        return INTERRUPTED
