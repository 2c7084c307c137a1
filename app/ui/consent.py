"""Has the passphrase typed before who may do what is changed: a screen is nobody's consent.

One typing counts for a while (`access.A_WHILE`), for one person and until the window locks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.access import A_WHILE
from app.ui.reason_dialog import ReasonDialog
from app.ui.secret_dialogs import ConfirmDialog
from app.ui.widgets import while_alive

if TYPE_CHECKING:
    from collections.abc import Callable

    from PySide6.QtWidgets import QWidget

    from app.domain import Person
    from app.ui.desk import Desk
    from app.workspace import Workspace
    from app.workspace.gate import Confirmed

    Then = Callable[[Confirmed], object]


class Consent:
    """Knows whether the person of a workspace typed their passphrase lately."""

    def __init__(self, desk: Desk) -> None:
        """Begin without a vault."""
        self._desk = desk
        self._workspace: Workspace | None = None
        self._confirmed: Confirmed | None = None

    def open(self, workspace: Workspace | None) -> None:
        """Ask the person of a workspace, who has typed nothing for this yet; or nobody."""
        self._workspace, self._confirmed = workspace, None

    def ask(  # noqa: PLR0913 (what is asked, of whom, and what comes of it)
        self,
        parent: QWidget,
        title: str,
        sentence: str,
        act: str,
        then: Then,
        *,
        sure: bool = False,
    ) -> None:
        """Do `then` once the passphrase was typed; `act` is what the button does.

        Where it was typed lately nothing is asked, or with `sure` only whether it shall be done.
        """
        workspace, lately = self._workspace, self._confirmed
        if workspace is None:
            return
        if lately is None or not lately.counts(A_WHILE):

            def show(me: Person) -> None:
                self._type(parent, (title, sentence, act), me, then)

            known = while_alive(parent, show)
            self._desk.tasks.query(lambda: workspace.people.me, known, key="consent")
        elif sure:
            dialog = ReasonDialog(parent, title, sentence, act, needed=False)
            dialog.given.connect(lambda _: then(lately))
            dialog.open()
        else:
            then(lately)

    def _type(self, parent: QWidget, asked: tuple[str, str, str], me: Person, then: Then) -> None:
        workspace, (title, sentence, act) = self._workspace, asked
        if workspace is None:
            return

        def typed(confirmed: Confirmed) -> None:
            self._confirmed = confirmed
            then(confirmed)

        dialog = ConfirmDialog(
            parent,
            self._desk,
            workspace,
            title=title,
            sentence=sentence,
            act=act,
            code=me.second_factor,
        )
        dialog.confirmed.connect(typed)
        dialog.open()
