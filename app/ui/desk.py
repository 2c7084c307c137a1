"""What every page is given: the look, the work beside the window, and the way to tell things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.domain import PassphraseStrength
    from app.ui.messages import Messages
    from app.ui.tasks import Tasks
    from app.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class Passphrases:
    """How new passphrases are made and judged: `suggested` gives one that nobody can guess,
    `strength` says how hard one is to guess for the person of a name, which takes a moment."""

    suggested: Callable[[], str]
    strength: Callable[[str, str], PassphraseStrength]


@dataclass(frozen=True, slots=True)
class Desk:
    """The things that pages share."""

    theme: Theme
    tasks: Tasks
    messages: Messages
    passphrases: Passphrases
