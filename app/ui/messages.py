"""The one bridge for what the person must be told.

Pages and background work call `note`, `problem` or `fault`; the window shows what arrives. What is
sent before anyone listens waits. A report about a fault holds types and places of code, never
content.
"""

from __future__ import annotations

import logging
import platform
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

import app
from app import log

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.errors import AppError

_log = log.logger(__name__)


class Kind(StrEnum):
    """What sort of message it is."""

    NOTE = "note"
    PROBLEM = "problem"
    FAULT = "fault"


@dataclass(frozen=True, slots=True)
class Message:
    """A sentence for the person, a hint on what to do, and for faults a report without content."""

    kind: Kind
    sentence: str
    hint: str = ""
    report: str = ""


class Messages(QObject):
    """Passes messages to whoever shows them, in order."""

    _sent = Signal(object)

    def __init__(self) -> None:
        """Keep messages until `listen` is called."""
        super().__init__()
        self._early: list[Message] | None = []

    def listen(self, show: Callable[[Message], None]) -> None:
        """Show all messages from now on, and those that came early, through `show`."""
        self._sent.connect(show)
        early, self._early = self._early or [], None
        for message in early:
            self._sent.emit(message)

    def note(self, sentence: str, hint: str = "") -> None:
        """Tell that something went well or needs no action."""
        self._send(Message(Kind.NOTE, sentence, hint))

    def problem(self, error: AppError) -> None:
        """Tell an expected problem with its own sentence and hint."""
        log.event(_log, logging.INFO, "a problem was shown", code=error.code)
        self._send(Message(Kind.PROBLEM, error.sentence, error.advice))

    def fault(self, error: BaseException) -> None:
        """Tell that the program itself made a mistake, with a report that holds no content."""
        _log.error("a fault in the window", exc_info=error)
        sentence = "The program made a mistake. Nothing that was kept is lost."
        hint = "You can go on. The report below helps to repair it; it holds no content of calls."
        self._send(Message(Kind.FAULT, sentence, hint, report(error)))

    def _send(self, message: Message) -> None:
        if self._early is not None:
            self._early.append(message)
        else:
            self._sent.emit(message)


def report(error: BaseException) -> str:
    """Return what a developer needs to know of a fault: versions, types, places in the code."""
    lines = [f"AutoInsights {app.__version__}", f"Python {platform.python_version()}"]
    lines += [f"{platform.system()} {platform.release()} {platform.machine()}", ""]
    return "\n".join(lines + log.describe(error))
