"""What every page is given: the look, the work beside the window, and the way to tell things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.ui.messages import Messages
    from app.ui.tasks import Tasks
    from app.ui.theme import Theme


@dataclass(frozen=True, slots=True)
class Desk:
    """The three things that pages share."""

    theme: Theme
    tasks: Tasks
    messages: Messages
